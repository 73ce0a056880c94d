/* Tree to program, and matching by a set of program positions that moves over the text (Thompson's
 * construction): each character looks at each position once at most. */
#include "bridge/base/regex.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/regex_parse.h"
#include "bridge/base/xalloc.h"

/* Counted repeats are written out, so this is what bounds them. */
#define PROGRAM_MAX 2000

enum op { OP_CHAR, OP_ANY, OP_CLASS, OP_BEGIN, OP_END, OP_JUMP, OP_SPLIT, OP_MATCH };

struct step {
    enum op op;
    int to, or_to;
    uint32_t c;
};

/* Positions of the program, each once: `mark` of a position is the number of the set that has it.
 */
struct set {
    int *items;
    size_t count;
};

struct regex {
    struct regex_tree tree; /* of it the classes are needed */
    struct step *steps;
    size_t count;
    bool ignore_case, failed;
    struct set now, next;
    int *stack;
    uint64_t *mark, turn;
};

static size_t step_add(struct regex *r, struct step step)
{
    if (r->count >= PROGRAM_MAX) {
        r->failed = true;
        return r->count - 1;
    }
    r->steps = xrealloc(r->steps, r->count + 1, sizeof *r->steps);
    r->steps[r->count] = step;
    return r->count++;
}

static void write_node(struct regex *r, int node);

static void write_alt(struct regex *r, const struct regex_node *n)
{
    size_t split = step_add(r, (struct step){.op = OP_SPLIT, .to = (int)r->count + 1}), jump;

    write_node(r, n->a);
    jump = step_add(r, (struct step){.op = OP_JUMP});
    r->steps[split].or_to = (int)r->count;
    write_node(r, n->b);
    r->steps[jump].to = (int)r->count;
}

static void write_repeat(struct regex *r, const struct regex_node *n)
{
    size_t first, split;

    for (int i = 0; i < n->low && !r->failed; i++)
        write_node(r, n->a);
    if (n->high == REGEX_ENDLESS) {
        split = step_add(r, (struct step){.op = OP_SPLIT, .to = (int)r->count + 1});
        write_node(r, n->a);
        (void)step_add(r, (struct step){.op = OP_JUMP, .to = (int)split});
        r->steps[split].or_to = (int)r->count;
        return;
    }
    /* Each further one may be left out with all behind it; the ends are linked until known. */
    first = SIZE_MAX;
    for (int i = n->low; i < n->high && !r->failed; i++) {
        split = step_add(r, (struct step){.op = OP_SPLIT, .to = (int)r->count + 1});
        r->steps[split].or_to = first == SIZE_MAX ? -1 : (int)first;
        first = split;
        write_node(r, n->a);
    }
    while (first != SIZE_MAX && !r->failed) {
        int before = r->steps[first].or_to;

        r->steps[first].or_to = (int)r->count;
        first = before < 0 ? SIZE_MAX : (size_t)before;
    }
}

static void write_node(struct regex *r, int node)
{
    const struct regex_node *n = &r->tree.nodes[node];

    if (r->failed)
        return;
    switch (n->kind) {
    case REGEX_EMPTY:
        break;
    case REGEX_CHAR:
        (void)step_add(r, (struct step){.op = OP_CHAR, .c = n->c});
        break;
    case REGEX_ANY:
        (void)step_add(r, (struct step){.op = OP_ANY});
        break;
    case REGEX_CLASS:
        (void)step_add(r, (struct step){.op = OP_CLASS, .to = n->a});
        break;
    case REGEX_BEGIN:
        (void)step_add(r, (struct step){.op = OP_BEGIN});
        break;
    case REGEX_END:
        (void)step_add(r, (struct step){.op = OP_END});
        break;
    case REGEX_CAT:
        write_node(r, n->a);
        write_node(r, n->b);
        break;
    case REGEX_ALT:
        write_alt(r, n);
        break;
    case REGEX_REPEAT:
        write_repeat(r, n);
        break;
    }
}

struct regex *regex_new(const char *text, bool ignore_case, struct err *e)
{
    struct regex *r = xcalloc(1, sizeof *r);

    r->ignore_case = ignore_case;
    if (regex_parse(text, &r->tree, e) != 0)
        return regex_free(r);
    write_node(r, r->tree.root);
    (void)step_add(r, (struct step){.op = OP_MATCH});
    if (r->failed) {
        (void)err_set(e, ERR_CONFIG, "regex",
                      "it is too large: written out, its repeats are more than %d steps",
                      PROGRAM_MAX);
        return regex_free(r);
    }
    r->now.items = xcalloc(r->count, sizeof(int));
    r->next.items = xcalloc(r->count, sizeof(int));
    r->stack = xcalloc(r->count, sizeof(int));
    r->mark = xcalloc(r->count, sizeof(uint64_t));
    return r;
}

struct regex *regex_free(struct regex *r)
{
    if (r == NULL)
        return NULL;
    regex_tree_done(&r->tree);
    free(r->steps);
    free(r->now.items);
    free(r->next.items);
    free(r->stack);
    free(r->mark);
    free(r);
    return NULL;
}

/* Adds a position and all that follow it without a character. True: the match is reached. */
static bool add(struct regex *r, struct set *set, int position, bool begin, bool end)
{
    size_t depth = 0;

#define PUSH(position_)                                                                            \
    do {                                                                                           \
        if (r->mark[position_] != r->turn) {                                                       \
            r->mark[position_] = r->turn;                                                          \
            r->stack[depth++] = (position_);                                                       \
        }                                                                                          \
    } while (0)
    PUSH(position);
    while (depth > 0) {
        int at = r->stack[--depth];
        const struct step *s = &r->steps[at];

        if (s->op == OP_MATCH)
            return true;
        if (s->op == OP_JUMP || s->op == OP_SPLIT)
            PUSH(s->to);
        if (s->op == OP_SPLIT)
            PUSH(s->or_to);
        if ((s->op == OP_BEGIN && begin) || (s->op == OP_END && end))
            PUSH(at + 1);
        if (s->op <= OP_CLASS)
            set->items[set->count++] = at;
    }
#undef PUSH
    return false;
}

static uint32_t other_case(uint32_t c)
{
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

    return letter ? c ^ 0x20u : c;
}

static bool in_class(const struct regex_class *c, uint32_t point)
{
    for (size_t i = 0; i < c->count; i++)
        if (point >= c->ranges[i].low && point <= c->ranges[i].high)
            return true;
    return false;
}

static bool takes(const struct regex *r, const struct step *s, uint32_t c)
{
    uint32_t other = r->ignore_case ? other_case(c) : c;
    const struct regex_class *class;

    if (s->op == OP_ANY)
        return true;
    if (s->op == OP_CHAR)
        return s->c == c || s->c == other;
    class = &r->tree.classes[s->to];
    return (in_class(class, c) || in_class(class, other)) != class->negated;
}

bool regex_matches(struct regex *r, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;

    r->now.count = 0;
    r->turn++;
    if (add(r, &r->now, 0, true, *p == '\0'))
        return true;
    while (*p != '\0') {
        uint32_t c = regex_next(&p);
        bool end = *p == '\0';
        struct set swap;

        r->next.count = 0;
        r->turn++;
        for (size_t i = 0; i < r->now.count; i++)
            if (takes(r, &r->steps[r->now.items[i]], c) &&
                add(r, &r->next, r->now.items[i] + 1, false, end))
                return true;
        /* A match may begin at each character. */
        if (add(r, &r->next, 0, false, end))
            return true;
        swap = r->now;
        r->now = r->next;
        r->next = swap;
    }
    return false;
}
