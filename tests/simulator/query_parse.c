/*
 * Reading of encoded queries. `^` joins by AND, `^OR` adds an alternative to the condition before
 * it, `^NQ` opens a group, ORDERBY and ORDERBYDESC give the order. A part that names no field of
 * the table, or uses an operator that is not known, is dropped in silence as an instance does
 * (setting invalid_query_returns_no_rows: the query then gives nothing).
 */
#include "tests/simulator/query.h"
#include "tests/simulator/sim.h"

#include <stdlib.h>
#include <string.h>

/* Longer names before their own beginnings. */
static const struct {
    const char *text;
    enum query_op op;
} operators[] = {
    {"ISNOTEMPTY", OP_NOT_EMPTY},
    {"ISEMPTY", OP_EMPTY},
    {"EMPTYSTRING", OP_EMPTY},
    {"ANYTHING", OP_ANYTHING},
    {"NOT LIKE", OP_NOT_LIKE},
    {"NOTLIKE", OP_NOT_LIKE},
    {"NOT IN", OP_NOT_IN},
    {"NOT BETWEEN", OP_NOT_BETWEEN},
    {"STARTSWITH", OP_STARTS},
    {"ENDSWITH", OP_ENDS},
    {"BETWEEN", OP_BETWEEN},
    {"NOTON", OP_NOT_BETWEEN},
    {"INSTANCEOF", OP_INSTANCE_OF},
    {"NSAMEAS", OP_NOT_SAME},
    {"SAMEAS", OP_SAME},
    {"GT_OR_EQUALS_FIELD", OP_GE_FIELD},
    {"LT_OR_EQUALS_FIELD", OP_LE_FIELD},
    {"GT_FIELD", OP_GT_FIELD},
    {"LT_FIELD", OP_LT_FIELD},
    {"RELATIVEGT", OP_GE},
    {"RELATIVELT", OP_LE},
    {"RELATIVEGE", OP_GE},
    {"RELATIVELE", OP_LE},
    {"LIKE", OP_LIKE},
    {"ON", OP_BETWEEN},
    {"IN", OP_IN},
    {"!=", OP_NE},
    {"!*", OP_NOT_LIKE},
    {"<=", OP_LE},
    {">=", OP_GE},
    {"=", OP_EQ},
    {"<", OP_LT},
    {">", OP_GT},
    {"*", OP_LIKE},
    {"%", OP_ENDS},
};

int field_resolve(const struct sim *sim, const struct table *t, const char *name, size_t n,
                  struct field *ret_field)
{
    struct field f = {0};

    for (;;) {
        const char *dot = memchr(name, '.', n);
        size_t part = dot ? (size_t)(dot - name) : n;
        uint32_t c = t && f.steps < WALK_MAX ? table_column(t, name, part) : NO_COLUMN;

        if (c == NO_COLUMN)
            return -1;
        f.table[f.steps] = t;
        f.column[f.steps++] = c;
        if (dot == NULL)
            break;
        if (t->store->column[c].reference == NULL)
            return -1;
        t = store_find(sim->store, t->store->column[c].reference);
        name = dot + 1;
        n -= part + 1;
    }
    *ret_field = f;
    return 0;
}

bool column_numeric(const struct column *c)
{
    return c->type == COL_WHOLE || (c->flags & COL_NUMERIC);
}

static const struct column *last_column(const struct field *f)
{
    return &f->table[f->steps - 1]->store->column[f->column[f->steps - 1]];
}

/* RELATIVEGT@hour@ago@1 -> the moment. NULL when it cannot be read. */
static const char *relative(const struct sim *sim, struct arena *a, const char *value)
{
    static const struct {
        const char *name;
        int64_t seconds;
    } units[] = {{"@minute", 60},   {"@hour", 3600},     {"@dayofweek", 86400}, {"@day", 86400},
                 {"@week", 604800}, {"@month", 2592000}, {"@year", 31536000}};
    const char *last = strrchr(value, '@');
    char date[DATE_LEN];

    for (size_t i = 0; last && i < sizeof(units) / sizeof(units[0]); i++) {
        int64_t n = strtoll(last + 1, NULL, 10) * units[i].seconds;

        if (strncmp(value, units[i].name, strlen(units[i].name)) != 0)
            continue;
        date_format(sim_now_s(sim) + (strstr(value, "@ahead@") ? n : -n), date);
        return arena_copy(a, date, strlen(date));
    }
    return NULL;
}

static const char *literal(const struct sim *sim, struct arena *a, const char *value,
                           const char *user)
{
    const char *v;

    if (strncmp(value, "javascript:", 11) != 0)
        return value;
    v = script_value(sim, a, value + 11, user);
    return v ? v : "";
}

/* Some hold that an instance reads plain times in the user's zone: then they become UTC here. */
static const char *plain_time(const struct sim *sim, struct arena *a, const char *value)
{
    char date[DATE_LEN];
    int64_t s;

    if (!sim->set.literals_in_user_zone || strncmp(value, "javascript:", 11) == 0 ||
        date_parse(value, &s) < 0)
        return value;
    date_format(s - sim->set.user_zone_offset_s, date);
    return arena_copy(a, date, strlen(date));
}

static int text_compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void read_list(struct arena *a, struct condition *c)
{
    size_t n = 1;
    char *p = arena_copy(a, c->value, strlen(c->value));

    for (const char *q = p; *q; q++)
        n += *q == ',';
    /* a char area of the arena is not aligned: the list is memory of its own */
    c->list = xalloc(n * sizeof(*c->list));
    for (c->n_list = 0; p; c->n_list++) {
        c->list[c->n_list] = p;
        p = strchr(p, ',');
        if (p)
            *p++ = '\0';
    }
    qsort(c->list, c->n_list, sizeof(*c->list), text_compare);
}

/* Splits a@b; ON carries a word first: Today@from@to. */
static int read_span(const struct sim *sim, struct arena *a, struct condition *c, const char *user,
                     bool named)
{
    char *from = arena_copy(a, c->value, strlen(c->value));
    char *to;

    if (named && strchr(from, '@'))
        from = strchr(from, '@') + 1;
    to = strchr(from, '@');
    if (to == NULL)
        return -1;
    *to++ = '\0';
    c->value = literal(sim, a, from, user);
    c->high = literal(sim, a, to, user);
    return 0;
}

static int read_value(const struct sim *sim, struct query *q, struct condition *c,
                      const char *op_text, const char *user)
{
    struct arena *a = &q->arena;

    switch (c->op) {
    case OP_IN:
    case OP_NOT_IN:
        c->value = literal(sim, a, c->value, user);
        read_list(a, c);
        return 0;
    case OP_BETWEEN:
    case OP_NOT_BETWEEN:
        if (read_span(sim, a, c, user, strstr(op_text, "ON") != NULL) < 0)
            return -1;
        break;
    case OP_SAME:
    case OP_NOT_SAME:
    case OP_GT_FIELD:
    case OP_LT_FIELD:
    case OP_GE_FIELD:
    case OP_LE_FIELD:
        return field_resolve(sim, q->table, c->value, strlen(c->value), &c->other);
    default:
        if (strncmp(op_text, "RELATIVE", 8) == 0)
            c->value = relative(sim, a, c->value);
        else if (last_column(&c->field)->type == COL_TIME)
            c->value = literal(sim, a, plain_time(sim, a, c->value), user);
        else
            c->value = literal(sim, a, c->value, user);
        if (c->value == NULL)
            return -1;
    }
    c->numeric = column_numeric(last_column(&c->field)) && parse_double(c->value, &c->number) == 0;
    if (c->numeric && c->high)
        c->numeric = parse_double(c->high, &c->high_number) == 0;
    return 0;
}

/* Reads one condition. Returns 0, or -1 when it is invalid. */
static int read_condition(const struct sim *sim, struct query *q, const char *text,
                          const char *user, struct condition *c)
{
    static const char text_query[] = "123TEXTQUERY321=";
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_.");

    if (strncmp(text, text_query, sizeof(text_query) - 1) == 0) {
        c->op = OP_TEXT;
        c->value = text + sizeof(text_query) - 1;
        return field_resolve(sim, q->table, "sys_id", 6, &c->field);
    }
    if (n == 0 || field_resolve(sim, q->table, text, n, &c->field) < 0)
        return -1;
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        size_t len = strlen(operators[i].text);

        if (strncmp(text + n, operators[i].text, len) != 0)
            continue;
        c->op = operators[i].op;
        c->value = text + n + len;
        return read_value(sim, q, c, operators[i].text, user);
    }
    return -1;
}

static void add_order(const struct sim *sim, struct query *q, const char *name, bool down)
{
    struct order *o = &q->order[q->n_orders];

    if (q->n_orders == ORDERS_MAX)
        return;
    if (field_resolve(sim, q->table, name, strlen(name), &o->field) < 0) {
        q->none |= sim->set.invalid_query_returns_no_rows;
        return;
    }
    o->down = down;
    q->n_orders++;
}

static void add_condition(struct group *g, const struct condition *c)
{
    if ((g->n & (g->n + 1)) == 0 || g->n == 0)
        g->condition = xresize(g->condition, (g->n * 2 + 2) * sizeof(*g->condition));
    g->condition[g->n++] = *c;
}

static struct group *add_group(struct query *q)
{
    q->group = xresize(q->group, (q->n_groups + 1) * sizeof(*q->group));
    q->group[q->n_groups] = (struct group){0};
    return &q->group[q->n_groups++];
}

/* One part between carets. `lost` says that the condition before it was dropped. */
static void read_part(const struct sim *sim, struct query *q, const char *part, const char *user,
                      bool *lost)
{
    struct condition c = {0};
    bool with_or = false;

    if (strncmp(part, "ORDERBYDESC", 11) == 0) {
        add_order(sim, q, part + 11, true);
        return;
    }
    if (strncmp(part, "ORDERBY", 7) == 0) {
        add_order(sim, q, part + 7, false);
        return;
    }
    if (strncmp(part, "NQ", 2) == 0) {
        add_group(q);
        part += 2;
        *lost = false;
    } else if (strncmp(part, "OR", 2) == 0) {
        part += 2;
        with_or = true;
    }
    if (*part == '\0' || strcmp(part, "EQ") == 0)
        return;
    if (read_condition(sim, q, part, user, &c) < 0) {
        free(c.list);
        q->none |= sim->set.invalid_query_returns_no_rows;
        *lost = !with_or || *lost;
        return;
    }
    /* the first alternative that survives stands for the dropped ones before it */
    c.with_or = with_or && !*lost && q->group[q->n_groups - 1].n > 0;
    *lost = false;
    add_condition(&q->group[q->n_groups - 1], &c);
}

/* Cuts at the next single caret; a double one becomes a literal caret when that is set. */
static char *next_part(char *p, bool double_caret)
{
    char *w = p;

    for (; *p; p++) {
        if (*p == '^') {
            if (!double_caret || p[1] != '^') {
                *w = '\0';
                return p + 1;
            }
            p++;
        }
        *w++ = *p;
    }
    *w = '\0';
    return NULL;
}

struct query *query_parse(const struct sim *sim, const struct table *t, const char *text,
                          const char *user)
{
    struct query *q = xalloc(sizeof(*q));
    char *p = arena_copy(&q->arena, text, strlen(text));
    bool lost = false;

    q->table = t;
    add_group(q);
    while (p != NULL) {
        char *next = next_part(p, sim->set.double_caret);

        read_part(sim, q, p, user, &lost);
        p = next;
    }
    return q;
}

void query_free(struct query *q)
{
    if (q == NULL)
        return;
    for (size_t i = 0; i < q->n_groups; i++) {
        for (size_t j = 0; j < q->group[i].n; j++)
            free(q->group[i].condition[j].list);
        free(q->group[i].condition);
    }
    free(q->group);
    arena_free(&q->arena);
    free(q);
}
