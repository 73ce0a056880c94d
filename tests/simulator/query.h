#ifndef SIM_QUERY_H
#define SIM_QUERY_H

#include "tests/simulator/table.h"

struct sim;

enum query_op {
    OP_EQ,
    OP_NE,
    OP_LT,
    OP_LE,
    OP_GT,
    OP_GE,
    OP_LIKE,
    OP_NOT_LIKE,
    OP_STARTS,
    OP_ENDS,
    OP_IN,
    OP_NOT_IN,
    OP_EMPTY,
    OP_NOT_EMPTY,
    OP_ANYTHING,
    OP_BETWEEN,
    OP_NOT_BETWEEN,
    OP_SAME,
    OP_NOT_SAME,
    OP_GT_FIELD,
    OP_LT_FIELD,
    OP_GE_FIELD,
    OP_LE_FIELD,
    OP_INSTANCE_OF,
    OP_TEXT
};

#define WALK_MAX 4

/* A field, dot-walked over at most WALK_MAX - 1 references. */
struct field {
    const struct table *table[WALK_MAX];
    uint32_t column[WALK_MAX];
    unsigned steps;
};

struct condition {
    struct field field, other;
    enum query_op op;
    const char *value, *high;
    const char **list; /* of IN, sorted */
    size_t n_list;
    double number, high_number;
    bool numeric;
    bool with_or; /* belongs to the clause of the condition before it */
};

/* Conditions joined by AND, with ORs inside; groups are joined by OR. */
struct group {
    struct condition *condition;
    size_t n;
};

struct order {
    struct field field;
    bool down;
};

#define ORDERS_MAX 8

struct query {
    struct arena arena;
    const struct table *table;
    struct group *group;
    size_t n_groups;
    struct order order[ORDERS_MAX];
    size_t n_orders;
    bool none; /* an invalid part, and the instance is set to return no rows then */
};

/* Resolves a field name of n bytes from a table on. Returns 0, or -1 when there is none such. */
int field_resolve(const struct sim *sim, const struct table *t, const char *name, size_t n,
                  struct field *ret_field);

/* Value of a field in a row: borrowed, "" for what does not resolve. */
const char *field_value(const struct field *f, const struct row *r);

bool column_numeric(const struct column *c);

/* Reads an encoded query; invalid parts are dropped. `user` is the sys_id that gs.getUserID()
 * gives. New; free with query_free. */
struct query *query_parse(const struct sim *sim, const struct table *t, const char *text,
                          const char *user);
void query_free(struct query *q);

/* Whether a row of the query's table matches (class included). */
bool query_match(const struct sim *sim, const struct query *q, const struct row *r);

struct slots {
    uint32_t *slot;
    size_t n, cap;
};

void slots_add(struct slots *s, uint32_t slot);

/* Rows [offset, offset + limit) in order. Returns the number of all matches when `count` is set.
 * The caller frees ret->slot. */
uint64_t query_run(const struct sim *sim, const struct query *q, uint64_t offset, uint64_t limit,
                   bool count, struct slots *ret);

/* Value of a `javascript:` expression of the small fixed set, or NULL. From the arena. */
const char *script_value(const struct sim *sim, struct arena *a, const char *text,
                         const char *user);

#endif
