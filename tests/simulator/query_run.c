/*
 * Finding the rows of a query without reading the table where an index serves: keys (sys_id,
 * number, correlation_id, ...) by hash, ranges of sys_updated_on, sys_id and correlation_display
 * by the sorted indexes. An access path only narrows the candidates; each candidate is matched
 * against the whole query. Groups that use the same sorted index share one walk over their hull.
 */
#include "tests/simulator/query.h"
#include "tests/simulator/sim.h"

#include <stdlib.h>
#include <string.h>

enum path_kind { PATH_SCAN, PATH_KEYS, PATH_RANGE };

struct path {
    enum path_kind kind;
    uint32_t column;
    const struct condition *first; /* PATH_KEYS: the clause */
    size_t n;
    const char *low, *low_id; /* PATH_RANGE, NULL: open end */
    const char *high;
    bool low_after, prefix; /* prefix: `low` is the beginning of all values */
};

void slots_add(struct slots *s, uint32_t slot)
{
    if (s->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 64;
        s->slot = xresize(s->slot, s->cap * sizeof(*s->slot));
    }
    s->slot[s->n++] = slot;
}

static size_t clause_length(const struct group *g, size_t i)
{
    size_t n = 1;

    while (i + n < g->n && g->condition[i + n].with_or)
        n++;
    return n;
}

static bool clause_keys(const struct query *q, const struct condition *c, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (c[i].field.steps != 1 || c[i].field.column[0] != c[0].field.column[0] ||
            (c[i].op != OP_EQ && c[i].op != OP_IN) || c[i].value[0] == '\0')
            return false;
        for (size_t k = 0; k < c[i].n_list; k++) {
            if (c[i].list[k][0] == '\0')
                return false;
        }
    }
    return q->table->store->rows.hash[c[0].field.column[0]] != NULL;
}

/* Lower bound that one condition sets on the column; false when it sets none. */
static bool low_bound(const struct condition *c, const char **ret_low, bool *ret_after)
{
    if (c->op != OP_EQ && c->op != OP_GE && c->op != OP_GT && c->op != OP_BETWEEN &&
        c->op != OP_STARTS)
        return false;
    *ret_low = c->value;
    *ret_after = c->op == OP_GT;
    return c->value[0] != '\0';
}

static bool high_bound(const struct condition *c, const char **ret_high)
{
    if (c->op == OP_BETWEEN)
        *ret_high = c->high;
    else if (c->op == OP_EQ || c->op == OP_LE || c->op == OP_LT)
        *ret_high = c->value;
    else
        return false;
    return (*ret_high)[0] != '\0';
}

/* Widest bounds of a clause whose alternatives all speak of the column. */
static bool clause_low(const struct condition *c, size_t n, const char **ret_low, bool *ret_after)
{
    for (size_t i = 0; i < n; i++) {
        const char *low;
        bool after;
        int d;

        if (!low_bound(&c[i], &low, &after))
            return false;
        d = i == 0 ? -1 : strcmp(low, *ret_low);
        if (d < 0 || (d == 0 && !after)) {
            *ret_low = low;
            *ret_after = after;
        }
    }
    return true;
}

static bool clause_high(const struct condition *c, size_t n, const char **ret_high)
{
    for (size_t i = 0; i < n; i++) {
        const char *high;

        if (!high_bound(&c[i], &high))
            return false;
        if (i == 0 || strcmp(high, *ret_high) > 0)
            *ret_high = high;
    }
    return true;
}

static bool clause_on(const struct condition *c, size_t n, uint32_t column)
{
    for (size_t i = 0; i < n; i++) {
        if (c[i].field.steps != 1 || c[i].field.column[0] != column)
            return false;
    }
    return true;
}

/* Narrows the range of `column` by all clauses of the group. */
static struct path group_range(const struct group *g, uint32_t column)
{
    struct path p = {.kind = PATH_SCAN, .column = column};
    size_t n;

    for (size_t i = 0; i < g->n; i += n) {
        const struct condition *c = &g->condition[i];
        const char *low = NULL, *high = NULL;
        bool after = false;

        n = clause_length(g, i);
        if (!clause_on(c, n, column))
            continue;
        if (clause_low(c, n, &low, &after)) {
            int d = p.low ? strcmp(low, p.low) : 1;

            p.low_after = d > 0 ? after : p.low_after || (d == 0 && after);
            p.prefix = d > 0 ? n == 1 && c->op == OP_STARTS : p.prefix;
            p.low = d > 0 ? low : p.low;
        }
        if (clause_high(c, n, &high) && (p.high == NULL || strcmp(high, p.high) < 0))
            p.high = high;
    }
    if (p.low || p.high)
        p.kind = PATH_RANGE;
    return p;
}

/* With one value of the column left, `sys_id>S` moves the start inside it. */
static void range_by_id(const struct group *g, struct path *p)
{
    size_t n;

    if (p->low == NULL || p->high == NULL || strcmp(p->low, p->high) != 0 || p->low_after)
        return;
    for (size_t i = 0; i < g->n; i += n) {
        const struct condition *c = &g->condition[i];

        n = clause_length(g, i);
        if (n == 1 && clause_on(c, 1, COL_SYS_ID) && (c->op == OP_GT || c->op == OP_GE))
            p->low_id = c->value;
    }
}

static struct path group_path(const struct sim *sim, const struct query *q, const struct group *g)
{
    uint32_t display = table_column(q->table, "correlation_display", 19);
    uint32_t columns[3] = {display, COL_UPDATED_ON, COL_SYS_ID};
    struct path p = {.kind = PATH_SCAN};
    size_t n;

    if (sim->set.ignore_case)
        return p;
    for (size_t i = 0; i < g->n; i += n) {
        n = clause_length(g, i);
        if (clause_keys(q, &g->condition[i], n))
            return (struct path){.kind = PATH_KEYS,
                                 .column = g->condition[i].field.column[0],
                                 .first = &g->condition[i],
                                 .n = n};
    }
    for (size_t i = 0; i < 3; i++) {
        if (columns[i] == NO_COLUMN || !q->table->store->rows.sorted[columns[i]])
            continue;
        p = group_range(g, columns[i]);
        /* rows without a value are not in the index: an upper bound alone is no path, but an
         * empty value matches no range either, so every range is safe */
        if (p.kind == PATH_RANGE) {
            range_by_id(g, &p);
            return p;
        }
    }
    return p;
}

/* Whether a walk over a sorted index gives the wanted order. */
static bool walk_gives_order(const struct query *q, uint32_t column)
{
    const struct order *o = q->order;

    if (q->n_orders == 0 || q->n_orders > 2)
        return false;
    if (o[0].field.steps != 1 || o[0].field.column[0] != column)
        return false;
    return q->n_orders == 1 ||
           (o[1].field.steps == 1 && o[1].field.column[0] == COL_SYS_ID && o[1].down == o[0].down);
}

/* One path for the whole query, or PATH_SCAN with ret_mixed when the groups differ. */
static struct path query_path(const struct sim *sim, const struct query *q, bool *ret_mixed)
{
    struct path p = group_path(sim, q, &q->group[0]);

    *ret_mixed = false;
    for (size_t i = 1; i < q->n_groups; i++) {
        struct path r = group_path(sim, q, &q->group[i]);

        if (p.kind != PATH_RANGE || r.kind != PATH_RANGE || p.column != r.column || p.prefix ||
            r.prefix) {
            *ret_mixed = true;
            return p;
        }
        if (r.low == NULL || (p.low && strcmp(r.low, p.low) < 0)) {
            p.low = r.low;
            p.low_id = r.low_id;
            p.low_after = r.low_after;
        } else if (p.low && strcmp(r.low, p.low) == 0) {
            /* same value: start inside it only as far as both allow */
            if (p.low_after) {
                p.low_after = r.low_after;
                p.low_id = r.low_id;
            } else if (!r.low_after) {
                bool both = p.low_id && r.low_id;

                p.low_id = !both ? NULL : strcmp(p.low_id, r.low_id) < 0 ? p.low_id : r.low_id;
            }
        }
        if (r.high == NULL || (p.high && strcmp(r.high, p.high) > 0))
            p.high = r.high;
    }
    if (p.kind == PATH_SCAN && !sim->set.ignore_case) {
        if (walk_gives_order(q, COL_UPDATED_ON))
            p = (struct path){.kind = PATH_RANGE, .column = COL_UPDATED_ON};
        else if (walk_gives_order(q, COL_SYS_ID))
            p = (struct path){.kind = PATH_RANGE, .column = COL_SYS_ID};
    }
    return p;
}

/* What takes the matches: all of them, or a window of a stream that can stop. */
struct sink {
    const struct sim *sim;
    const struct query *q;
    struct slots *out;
    uint64_t seen, offset, limit;
    bool stream, count;
};

/* Returns false when no more rows are needed. */
static bool sink_row(struct sink *k, uint32_t slot)
{
    const struct row *r = table_row(k->q->table, slot);

    if (r == NULL || !query_match(k->sim, k->q, r))
        return true;
    if (!k->stream || (k->seen >= k->offset && k->out->n < k->limit))
        slots_add(k->out, slot);
    k->seen++;
    return !k->stream || k->count || k->out->n < k->limit;
}

static void run_keys(struct sink *k, const struct path *p)
{
    const struct table *t = k->q->table;

    for (size_t i = 0; i < p->n; i++) {
        const struct condition *c = &p->first[i];
        size_t n = c->op == OP_IN ? c->n_list : 1;

        for (size_t j = 0; j < n; j++) {
            const char *v = c->op == OP_IN ? c->list[j] : c->value;
            uint32_t slot;

            if (j > 0 && strcmp(v, c->list[j - 1]) == 0)
                continue;
            for (slot = hash_first(t, p->column, v); slot != NO_SLOT;
                 slot = hash_next(t, p->column, v, slot))
                sink_row(k, slot);
        }
    }
}

static bool within(const struct table *t, const struct path *p, uint32_t slot, bool down)
{
    const char *v = row_get(t, table_row(t, slot), p->column);

    if (!down && p->prefix)
        return strncmp(v, p->low, strlen(p->low)) == 0;
    if (!down)
        return p->high == NULL || strcmp(v, p->high) <= 0;
    if (p->low == NULL)
        return true;
    return p->prefix ? strncmp(v, p->low, strlen(p->low)) == 0 : strcmp(v, p->low) >= 0;
}

static void run_down(struct sink *k, const struct path *p)
{
    const struct table *t = k->q->table;
    struct str end = {0};
    struct place at;

    if (p->prefix)
        str_printf(&end, "%s\xff", p->low);
    at = sorted_seek(t, p->column, p->prefix ? end.p : p->high, NULL, true);
    while (sorted_back(t, p->column, &at)) {
        uint32_t slot = sorted_slot(t, p->column, at);

        if (!within(t, p, slot, true) || !sink_row(k, slot))
            break;
    }
    str_free(&end);
}

static void run_up(struct sink *k, const struct path *p)
{
    const struct table *t = k->q->table;
    struct place at = sorted_seek(t, p->column, p->low, p->low_id, p->low_after);
    uint32_t slot;

    if (p->low == NULL)
        at = (struct place){0, 0};
    while ((slot = sorted_slot(t, p->column, at)) != NO_SLOT) {
        if (!within(t, p, slot, false) || !sink_row(k, slot))
            break;
        at = sorted_forward(t, p->column, at);
    }
}

static uint64_t gcd(uint64_t a, uint64_t b)
{
    return b ? gcd(b, a % b) : a;
}

/* All slots in an order that is not theirs, but the same while the table does not grow. */
static void run_scan(struct sink *k)
{
    uint64_t n = k->q->table->store->rows.slots;
    uint64_t step = 1, at = 0;

    if (n > 2 && k->sim->set.random_order) {
        at = hash_mix((uint64_t)k->sim->set.seed + n) % n;
        for (step = hash_mix(n) % n; gcd(step, n) != 1; step = (step + 1) % n)
            ;
    }
    for (uint64_t i = 0; i < n; i++) {
        if (!sink_row(k, (uint32_t)at))
            break;
        at = (at + step) % n;
    }
}

static void run_path(struct sink *k, const struct path *p, bool down)
{
    if (p->kind == PATH_KEYS)
        run_keys(k, p);
    else if (p->kind == PATH_SCAN)
        run_scan(k);
    else if (down)
        run_down(k, p);
    else
        run_up(k, p);
}

static int slot_compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void run_groups(struct sink *k)
{
    size_t n = 0;

    for (size_t i = 0; i < k->q->n_groups; i++) {
        struct path p = group_path(k->sim, k->q, &k->q->group[i]);

        run_path(k, &p, false);
        if (p.kind == PATH_SCAN)
            break;
    }
    if (k->out->n > 1)
        qsort(k->out->slot, k->out->n, sizeof(uint32_t), slot_compare);
    for (size_t i = 0; i < k->out->n; i++) {
        if (i == 0 || k->out->slot[i] != k->out->slot[i - 1])
            k->out->slot[n++] = k->out->slot[i];
    }
    k->out->n = k->seen = n;
}

static int order_compare(const void *a, const void *b, void *arg)
{
    const struct sink *k = arg;
    const struct query *q = k->q;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    uint64_t hx, hy;

    for (size_t i = 0; i < q->n_orders; i++) {
        const struct field *f = &q->order[i].field;
        const char *v = field_value(f, table_row(q->table, x));
        const char *w = field_value(f, table_row(q->table, y));
        const struct table *t = f->table[f->steps - 1];
        double m, n;
        int d;

        if (column_numeric(&t->store->column[f->column[f->steps - 1]]) &&
            parse_double(v, &m) == 0 && parse_double(w, &n) == 0)
            d = (m > n) - (m < n);
        else
            d = strcmp(v, w);
        if (d != 0)
            return q->order[i].down ? -d : d;
    }
    hx = k->sim->set.random_order ? hash_mix(x ^ (uint64_t)k->sim->set.seed << 32) : x;
    hy = k->sim->set.random_order ? hash_mix(y ^ (uint64_t)k->sim->set.seed << 32) : y;
    return (hx > hy) - (hx < hy);
}

static void cut(struct slots *s, uint64_t offset, uint64_t limit)
{
    if (offset >= s->n) {
        s->n = 0;
        return;
    }
    s->n -= offset;
    memmove(s->slot, s->slot + offset, s->n * sizeof(*s->slot));
    if (s->n > limit)
        s->n = limit;
}

uint64_t query_run(const struct sim *sim, const struct query *q, uint64_t offset, uint64_t limit,
                   bool count, struct slots *ret)
{
    struct sink k = {
        .sim = sim, .q = q, .out = ret, .offset = offset, .limit = limit, .count = count};
    bool mixed;
    struct path p;

    ret->n = 0;
    if (q->none)
        return 0;
    p = query_path(sim, q, &mixed);
    if (mixed) {
        run_groups(&k);
    } else {
        k.stream = p.kind == PATH_SCAN ? q->n_orders == 0
                                       : p.kind == PATH_RANGE && walk_gives_order(q, p.column);
        if (k.stream && limit == 0 && !count)
            return 0;
        if (q->n_groups == 1 && q->group[0].n == 0 && q->table->parent == NULL && k.stream)
            k.count = false; /* all rows match: the number is known */
        run_path(&k, &p, k.stream && q->n_orders > 0 && q->order[0].down);
        if (k.stream)
            return k.count == count ? k.seen : q->table->store->rows.live;
    }
    if (ret->n > 1)
        qsort_r(ret->slot, ret->n, sizeof(uint32_t), order_compare, &k);
    k.seen = ret->n;
    cut(ret, offset, limit);
    return k.seen;
}
