typedef int producers_anchor;
