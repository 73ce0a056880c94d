/*
 * Whether a row matches a query. Numbers are compared as numbers where column and value are, all
 * else as text; an empty value matches no range, and `!=`, `NOT LIKE`, `NOT IN` match it, as
 * queries of an instance do.
 */
#include "tests/simulator/query.h"
#include "tests/simulator/sim.h"

#include <stdlib.h>
#include <string.h>

const char *field_value(const struct field *f, const struct row *r)
{
    const char *v = "";

    for (unsigned i = 0; i < f->steps; i++) {
        if (i > 0) {
            uint32_t slot = table_find(f->table[i], v);

            if (slot == NO_SLOT)
                return "";
            r = table_row(f->table[i], slot);
        }
        v = row_get(f->table[i], r, f->column[i]);
    }
    return v;
}

static int compare(const struct sim *sim, const char *a, const char *b)
{
    return sim->set.ignore_case ? strcasecmp(a, b) : strcmp(a, b);
}

static int against(const struct sim *sim, const struct condition *c, const char *v,
                   const char *value, double number)
{
    double x;

    if (c->numeric && parse_double(v, &x) == 0)
        return (x > number) - (x < number);
    return compare(sim, v, value);
}

static bool starts(const struct sim *sim, const char *v, const char *what)
{
    size_t n = strlen(what);

    return (sim->set.ignore_case ? strncasecmp(v, what, n) : strncmp(v, what, n)) == 0;
}

static bool ends(const struct sim *sim, const char *v, const char *what)
{
    size_t n = strlen(v), m = strlen(what);

    return n >= m && compare(sim, v + n - m, what) == 0;
}

static bool holds(const struct sim *sim, const char *v, const char *what)
{
    return (sim->set.ignore_case ? strcasestr(v, what) : strstr(v, what)) != NULL;
}

static int list_compare(const void *key, const void *member)
{
    return strcmp(key, *(const char *const *)member);
}

static bool listed(const struct sim *sim, const struct condition *c, const char *v)
{
    if (!sim->set.ignore_case)
        return bsearch(v, c->list, c->n_list, sizeof(*c->list), list_compare) != NULL;
    for (size_t i = 0; i < c->n_list; i++) {
        if (strcasecmp(c->list[i], v) == 0)
            return true;
    }
    return false;
}

static bool spans(const struct sim *sim, const struct condition *c, const char *v)
{
    return *v && against(sim, c, v, c->value, c->number) >= 0 &&
           against(sim, c, v, c->high, c->high_number) <= 0;
}

static bool text_found(const struct sim *sim, const struct query *q, const struct condition *c,
                       const struct row *r)
{
    static const char *const names[] = {"number", "name", "short_description", "description"};

    (void)sim;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        uint32_t col = table_column(q->table, names[i], strlen(names[i]));

        if (col != NO_COLUMN && strcasestr(row_get(q->table, r, col), c->value) != NULL)
            return true;
    }
    return false;
}

static bool fields_match(const struct sim *sim, const struct condition *c, const char *v,
                         const struct row *r)
{
    const char *w = field_value(&c->other, r);
    double a, b;
    int d = parse_double(v, &a) == 0 && parse_double(w, &b) == 0 ? (a > b) - (a < b)
                                                                 : compare(sim, v, w);

    switch (c->op) {
    case OP_SAME:
        return d == 0;
    case OP_NOT_SAME:
        return d != 0;
    case OP_GT_FIELD:
        return *v && *w && d > 0;
    case OP_LT_FIELD:
        return *v && *w && d < 0;
    case OP_GE_FIELD:
        return *v && *w && d >= 0;
    default:
        return *v && *w && d <= 0;
    }
}

static bool condition_match(const struct sim *sim, const struct query *q, const struct condition *c,
                            const struct row *r)
{
    const char *v = field_value(&c->field, r);

    switch (c->op) {
    case OP_EQ:
        return against(sim, c, v, c->value, c->number) == 0;
    case OP_NE:
        return against(sim, c, v, c->value, c->number) != 0;
    case OP_LT:
        return *v && against(sim, c, v, c->value, c->number) < 0;
    case OP_LE:
        return *v && against(sim, c, v, c->value, c->number) <= 0;
    case OP_GT:
        return *v && against(sim, c, v, c->value, c->number) > 0;
    case OP_GE:
        return *v && against(sim, c, v, c->value, c->number) >= 0;
    case OP_LIKE:
        return holds(sim, v, c->value);
    case OP_NOT_LIKE:
        return !holds(sim, v, c->value);
    case OP_STARTS:
        return starts(sim, v, c->value);
    case OP_ENDS:
        return ends(sim, v, c->value);
    case OP_IN:
        return listed(sim, c, v);
    case OP_NOT_IN:
        return !listed(sim, c, v);
    case OP_EMPTY:
        return *v == '\0';
    case OP_NOT_EMPTY:
        return *v != '\0';
    case OP_ANYTHING:
        return true;
    case OP_BETWEEN:
        return spans(sim, c, v);
    case OP_NOT_BETWEEN:
        return !spans(sim, c, v);
    case OP_INSTANCE_OF:
        return store_find(sim->store, c->value) != NULL &&
               table_holds_class(sim->store, store_find(sim->store, c->value),
                                 row_get(q->table, r, COL_CLASS));
    case OP_TEXT:
        return text_found(sim, q, c, r);
    default:
        return fields_match(sim, c, v, r);
    }
}

static bool group_match(const struct sim *sim, const struct query *q, const struct group *g,
                        const struct row *r)
{
    for (size_t i = 0; i < g->n;) {
        bool any = condition_match(sim, q, &g->condition[i], r);

        for (i++; i < g->n && g->condition[i].with_or; i++)
            any = any || condition_match(sim, q, &g->condition[i], r);
        if (!any)
            return false;
    }
    return true;
}

bool query_match(const struct sim *sim, const struct query *q, const struct row *r)
{
    if (q->none || (q->table->parent &&
                    !table_holds_class(sim->store, q->table, row_get(q->table, r, COL_CLASS))))
        return false;
    for (size_t i = 0; i < q->n_groups; i++) {
        if (group_match(sim, q, &q->group[i], r))
            return true;
    }
    return false;
}
