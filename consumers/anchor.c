typedef int consumers_anchor;
