/* Text of a regular expression to a tree. Depth and length are bounded, so recursion is. */
#include "bridge/base/regex_parse.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"

#define LAST_POINT 0x10ffffu

struct parser {
    const unsigned char *text, *p;
    struct regex_tree *tree;
    struct err *e;
    int depth;
};

static int parse_alternatives(struct parser *x, int *ret);

uint32_t regex_next(const unsigned char **p)
{
    const unsigned char *s = *p;
    size_t more = s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 1 : s[0] < 0xf0 ? 2 : 3;
    uint32_t c = s[0] < 0x80 ? s[0] : s[0] & (0x3fu >> more);

    for (size_t i = 1; i <= more; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            (*p)++;
            return s[0];
        }
        c = c << 6 | (s[i] & 0x3fu);
    }
    *p += more + 1;
    return more == 0 ? s[0] : c;
}

static int fail(struct parser *x, const unsigned char *at, const char *what)
{
    size_t n = 1;

    for (const unsigned char *p = x->text; p < at; n++)
        (void)regex_next(&p);
    return err_set(x->e, ERR_CONFIG, "regex", "%s at character %zu", what, n);
}

static int node_add(struct parser *x, struct regex_node node)
{
    struct regex_tree *t = x->tree;

    t->nodes = xrealloc(t->nodes, t->nodes_count + 1, sizeof *t->nodes);
    t->nodes[t->nodes_count] = node;
    return (int)t->nodes_count++;
}

static int class_add(struct regex_tree *t)
{
    t->classes = xrealloc(t->classes, t->classes_count + 1, sizeof *t->classes);
    t->classes[t->classes_count] = (struct regex_class){0};
    return (int)t->classes_count++;
}

static void range_add(struct regex_class *c, uint32_t low, uint32_t high)
{
    c->ranges = xrealloc(c->ranges, c->count + 1, sizeof *c->ranges);
    c->ranges[c->count++] = (struct regex_range){low, high};
}

/* The named sets, as ranges in order; the opposite is what lies between them. */
static const struct regex_range digits[] = {{'0', '9'}};
static const struct regex_range words[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
static const struct regex_range blanks[] = {{'\t', '\r'}, {' ', ' '}};

static const struct {
    unsigned char name, opposite;
    const struct regex_range *ranges;
    size_t count;
} sets[] = {
    {'d', 'D', digits, ARRAY_LEN(digits)},
    {'w', 'W', words, ARRAY_LEN(words)},
    {'s', 'S', blanks, ARRAY_LEN(blanks)},
};

/* Adds the set of this letter to a class; false when it names none. */
static bool set_add(struct regex_class *c, unsigned char letter)
{
    uint32_t from = 0;

    for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
        if (letter != sets[i].name && letter != sets[i].opposite)
            continue;
        for (size_t k = 0; k < sets[i].count; k++) {
            if (letter == sets[i].name)
                range_add(c, sets[i].ranges[k].low, sets[i].ranges[k].high);
            else
                range_add(c, from, sets[i].ranges[k].low - 1);
            from = sets[i].ranges[k].high + 1;
        }
        if (letter == sets[i].opposite)
            range_add(c, from, LAST_POINT);
        return true;
    }
    return false;
}

/* What stands behind a backslash for one character; x->p is at it. */
static int parse_escape(struct parser *x, uint32_t *ret)
{
    unsigned char c = *x->p;

    if (c == '\0')
        return fail(x, x->p - 1, "a backslash stands at the end");
    if (c >= '1' && c <= '9')
        return fail(x, x->p - 1,
                    "back references are not possible, they have no bound in time: wrong");
    if (c == 'n' || c == 't')
        *ret = c == 'n' ? '\n' : '\t';
    else if (c < 0x80 && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0", c) != NULL)
        return fail(x, x->p - 1, "this escape is not known: wrong");
    else
        *ret = c;
    if (c < 0x80)
        x->p++;
    else
        *ret = regex_next(&x->p);
    return 0;
}

static int class_char(struct parser *x, uint32_t *ret)
{
    if (*x->p != '\\') {
        *ret = regex_next(&x->p);
        return 0;
    }
    x->p++;
    return parse_escape(x, ret);
}

/* x->p is behind the opening bracket. */
static int parse_class(struct parser *x, int *ret)
{
    const unsigned char *open = x->p - 1;
    int number = class_add(x->tree);
    struct regex_class *c = &x->tree->classes[number];
    uint32_t low, high;

    if (*x->p == '^') {
        c->negated = true;
        x->p++;
    }
    for (bool first = true; *x->p != ']' || first; first = false) {
        const unsigned char *at = x->p;

        if (*x->p == '\0')
            return fail(x, open, "a bracket is not closed that opens");
        if (x->p[0] == '[' && x->p[1] == ':')
            return fail(x, at, "names as in [:digit:] are not known, write \\d, \\w or \\s: wrong");
        if (*x->p == '\\' && set_add(c, x->p[1])) {
            x->p += 2;
            continue;
        }
        if (class_char(x, &low) != 0)
            return -1;
        high = low;
        if (x->p[0] == '-' && x->p[1] != ']' && x->p[1] != '\0') {
            x->p++;
            if (class_char(x, &high) != 0)
                return -1;
        }
        if (high < low)
            return fail(x, at, "a range that runs backwards begins");
        range_add(c, low, high);
    }
    x->p++;
    *ret = node_add(x, (struct regex_node){.kind = REGEX_CLASS, .a = number});
    return 0;
}

static int parse_group(struct parser *x, int *ret)
{
    const unsigned char *open = x->p - 1;

    if (x->p[0] == '?' && x->p[1] == ':')
        x->p += 2;
    else if (x->p[0] == '?')
        return fail(x, open, "groups with (? are not known but for (?: ; wrong");
    if (++x->depth > REGEX_DEPTH_MAX)
        return fail(x, open, "too many groups lie in one another");
    if (parse_alternatives(x, ret) != 0)
        return -1;
    if (*x->p != ')')
        return fail(x, open, "a parenthesis is not closed that opens");
    x->p++;
    x->depth--;
    return 0;
}

static int parse_backslash(struct parser *x, int *ret)
{
    struct regex_node node = {.kind = REGEX_CHAR};
    int number;

    if (*x->p != '\0' && strchr("dDwWsS", *x->p) != NULL) {
        number = class_add(x->tree);
        (void)set_add(&x->tree->classes[number], *x->p++);
        *ret = node_add(x, (struct regex_node){.kind = REGEX_CLASS, .a = number});
        return 0;
    }
    if (parse_escape(x, &node.c) != 0)
        return -1;
    *ret = node_add(x, node);
    return 0;
}

static int parse_atom(struct parser *x, int *ret)
{
    struct regex_node node = {.kind = REGEX_CHAR};
    const unsigned char *at = x->p;

    node.c = regex_next(&x->p);
    switch (node.c) {
    case '(':
        return parse_group(x, ret);
    case '[':
        return parse_class(x, ret);
    case '\\':
        return parse_backslash(x, ret);
    case '*':
    case '+':
    case '?':
    case '{':
        return fail(x, at, "there is nothing to repeat");
    case '.':
        node.kind = REGEX_ANY;
        break;
    case '^':
        node.kind = REGEX_BEGIN;
        break;
    case '$':
        node.kind = REGEX_END;
        break;
    default:
        break;
    }
    *ret = node_add(x, node);
    return 0;
}

/* Digits at x->p; false when there are none or too many. */
static bool take_count(struct parser *x, int *ret)
{
    int n = 0, digits_seen = 0;

    for (; *x->p >= '0' && *x->p <= '9' && n <= REGEX_REPEAT_MAX; x->p++, digits_seen++)
        n = n * 10 + (*x->p - '0');
    *ret = n;
    return digits_seen > 0 && n <= REGEX_REPEAT_MAX;
}

/* x->p is behind the opening brace. */
static int parse_counts(struct parser *x, int *ret_low, int *ret_high)
{
    const unsigned char *open = x->p - 1;
    bool fine = take_count(x, ret_low);

    *ret_high = *ret_low;
    if (fine && *x->p == ',') {
        x->p++;
        if (*x->p == '}')
            *ret_high = REGEX_ENDLESS;
        else
            fine = take_count(x, ret_high) && *ret_high >= *ret_low;
    }
    if (!fine || *x->p != '}')
        return fail(x, open, "the form is {2}, {2,} or {2,5} with at most 1000; wrong");
    x->p++;
    return 0;
}

static int parse_repeat(struct parser *x, int *node)
{
    struct regex_node repeat = {.kind = REGEX_REPEAT, .a = *node, .high = REGEX_ENDLESS};
    unsigned char c = *x->p;

    if (c == '\0' || strchr("*+?{", c) == NULL)
        return 0;
    x->p++;
    if (c == '+')
        repeat.low = 1;
    else if (c == '?')
        repeat.high = 1;
    else if (c == '{' && parse_counts(x, &repeat.low, &repeat.high) != 0)
        return -1;
    if (*x->p != '\0' && strchr("*+?{", *x->p) != NULL)
        return fail(x, x->p, "a repeat is repeated; put a group around the first one: wrong");
    *node = node_add(x, repeat);
    return 0;
}

static int parse_sequence(struct parser *x, int *ret)
{
    int whole = -1, one;

    while (*x->p != '\0' && *x->p != '|' && *x->p != ')') {
        if (parse_atom(x, &one) != 0 || parse_repeat(x, &one) != 0)
            return -1;
        whole = whole < 0
                    ? one
                    : node_add(x, (struct regex_node){.kind = REGEX_CAT, .a = whole, .b = one});
    }
    *ret = whole < 0 ? node_add(x, (struct regex_node){.kind = REGEX_EMPTY}) : whole;
    return 0;
}

static int parse_alternatives(struct parser *x, int *ret)
{
    int whole, next;

    if (parse_sequence(x, &whole) != 0)
        return -1;
    while (*x->p == '|') {
        x->p++;
        if (parse_sequence(x, &next) != 0)
            return -1;
        whole = node_add(x, (struct regex_node){.kind = REGEX_ALT, .a = whole, .b = next});
    }
    *ret = whole;
    return 0;
}

int regex_parse(const char *text, struct regex_tree *ret_tree, struct err *e)
{
    const unsigned char *bytes = (const unsigned char *)text;
    struct parser x = {.text = bytes, .p = bytes, .tree = ret_tree, .e = e};

    *ret_tree = (struct regex_tree){0};
    if (strlen(text) > REGEX_TEXT_MAX)
        return err_set(e, ERR_CONFIG, "regex", "it is longer than %zu bytes", REGEX_TEXT_MAX);
    if (parse_alternatives(&x, &ret_tree->root) != 0)
        return -1;
    if (*x.p != '\0')
        return fail(&x, x.p, "a parenthesis closes that was not opened");
    return 0;
}

void regex_tree_done(struct regex_tree *t)
{
    for (size_t i = 0; i < t->classes_count; i++)
        free(t->classes[i].ranges);
    free(t->classes);
    free(t->nodes);
    *t = (struct regex_tree){0};
}
