/* Shared by regex_parse.c (text to tree) and regex.c (tree to program, matching). Nobody else
 * includes it. */
#ifndef BRIDGE_BASE_REGEX_PARSE_H
#define BRIDGE_BASE_REGEX_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/base/attr.h"
#include "bridge/base/err.h"

#define REGEX_TEXT_MAX   ((size_t)1000)
#define REGEX_DEPTH_MAX  50
#define REGEX_REPEAT_MAX 1000
#define REGEX_ENDLESS    (-1)

enum regex_kind {
    REGEX_EMPTY,
    REGEX_CHAR,   /* c */
    REGEX_ANY,    /* one character */
    REGEX_CLASS,  /* a: number of the class */
    REGEX_BEGIN,  /* of the text */
    REGEX_END,    /* of the text */
    REGEX_CAT,    /* a, then b */
    REGEX_ALT,    /* a or b */
    REGEX_REPEAT, /* a, low to high times; high may be REGEX_ENDLESS */
};

struct regex_node {
    enum regex_kind kind;
    int a, b, low, high;
    uint32_t c;
};

struct regex_range {
    uint32_t low, high;
};

struct regex_class {
    bool negated;
    struct regex_range *ranges;
    size_t count;
};

struct regex_tree {
    struct regex_node *nodes;
    size_t nodes_count;
    struct regex_class *classes;
    size_t classes_count;
    int root;
};

/* 0, or -1 with e; *ret_tree is to be freed in both cases. */
int regex_parse(const char *text, struct regex_tree *ret_tree, struct err *e) MUST_CHECK;
void regex_tree_done(struct regex_tree *t);

/* The code point at *p, which moves behind it. A byte that begins none counts as one itself. */
uint32_t regex_next(const unsigned char **p);

#endif
