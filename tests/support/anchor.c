/* The support library must never be empty. */
typedef int test_support_anchor;
