/* What the survey of the instance has found, as lines, in the order in which a person reads them:
 * the user, the instance, each table with its columns and choices, queries, what only refines, and
 * last the writing, which needs the rest. */
#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"
#include "bridge/commands/check_survey.h"
#include "bridge/commands/check_write.h"

static const char *close_code(const struct survey *s, const struct survey_table *t,
                              const struct config_consumer *consumer)
{
    static const char *const usual[] = {"Solution provided", "Solved (Permanently)"};

    (void)s;
    if (consumer->close_code[0] != '\0')
        return consumer->close_code;
    return check_choice_known(&t->schema, "close_code", usual[0]) != CHECK_EXISTS &&
                   check_choice_known(&t->schema, "close_code", usual[1]) == CHECK_EXISTS
               ? usual[1]
               : usual[0];
}

struct values {
    char **items;
    size_t count;
};

/* Takes text; each value once. */
static void add_value(struct values *v, char *text)
{
    for (size_t i = 0; i < v->count; i++)
        if (strcmp(v->items[i], text) == 0) {
            free(text);
            return;
        }
    v->items = xrealloc(v->items, v->count + 1, sizeof(char *));
    v->items[v->count++] = text;
}

static void say_choices(struct survey *s, const struct survey_table *t)
{
    struct values v = {0};
    const char **list;

    for (size_t i = 0; t->target->choices[i] != NULL; i++)
        add_value(&v, xstrdup(t->target->choices[i]));
    for (size_t i = 0; i < s->c->consumers_count; i++) {
        const struct config_consumer *consumer = &s->c->consumers[i];

        if (check_target_find(consumer->target) != t->target)
            continue;
        if (strcmp(t->name, "incident") == 0)
            add_value(&v, xasprintf("close_code=%s", close_code(s, t, consumer)));
    }
    for (size_t i = 0; i < s->constants_count; i++) {
        const struct survey_constant *c = &s->constants[i];

        if (strcmp(c->table, t->name) == 0 && survey_is_constant(c) &&
            check_choice_known(&t->schema, c->column, c->value) != CHECK_UNKNOWN)
            add_value(&v, xasprintf("%s=%s", c->column, c->value));
    }
    list = xcalloc(v.count + 1, sizeof(char *));
    for (size_t i = 0; i < v.count; i++)
        list[i] = v.items[i];
    check_judge_choices(s->r, &t->schema, list, v.count);
    for (size_t i = 0; i < v.count; i++)
        free(v.items[i]);
    free(v.items);
    free(list);
}

static void say_table(struct survey *s, const struct survey_table *t)
{
    const struct snow_outcome *o = check_ask_outcome(&s->second, t->read);

    if (t->target != NULL && !t->target->is_read && !t->published && o->verdict != SNOW_OK)
        check_add(s->r, CHECK_SKIPPED, "read", t->name, NULL,
                  "the user may not read the table, which the bridge only writes");
    else
        check_judge_read(s->r, t->name, o, check_ask_rows(&s->second, t->read));
    check_judge_columns(s->r, "columns", t->name, &t->schema, t->columns.items, t->columns.count,
                        "values for it are left out in silence");
    if (t->target != NULL && t->target->choices[0] != NULL)
        say_choices(s, t);
}

static void say_queries(struct survey *s)
{
    for (size_t i = 0; i < s->c->producers_count; i++) {
        const struct survey_query *q = &s->queries[i];

        check_judge_columns(s->r, "query", q->producer->name,
                            &survey_table_of(s, q->producer->table)->schema, q->columns.items,
                            q->columns.count,
                            s->drops ? "the condition is dropped and more is read than is meant"
                                     : "the query finds nothing");
    }
}

static void say_optional(struct survey *s)
{
    if (s->deletes != CHECK_NONE)
        check_judge_optional(
            s->r, "deletes", "sys_audit_delete", check_ask_outcome(&s->second, s->deletes),
            check_ask_rows(&s->second, s->deletes), "deleted records can be seen there",
            "a deleted record keeps its last version in its topic");
    if (s->items != CHECK_NONE)
        check_judge_optional(s->r, "configuration-items", "cmdb_ci",
                             check_ask_outcome(&s->second, s->items),
                             check_ask_rows(&s->second, s->items),
                             "the configuration item of an alert can be looked up",
                             "incidents have no configuration item");
    if (s->plugin != CHECK_NONE)
        check_judge_plugin(s->r, survey_plugin(s), check_ask_outcome(&s->second, s->plugin),
                           check_ask_rows(&s->second, s->plugin));
    else
        check_add(s->r, CHECK_SKIPPED, "plugin", "Event Management", NULL,
                  "no target of this configuration needs it");
    check_add(s->r, CHECK_SKIPPED, "plugin", "Batch API", NULL, "nothing in this release needs it");
    if (s->dropping != CHECK_NONE)
        check_judge_dropping(s->r, check_ask_outcome(&s->third, s->dropping),
                             check_ask_rows(&s->third, s->dropping));
    else
        check_add(s->r, CHECK_SKIPPED, "unknown-columns", NULL, NULL,
                  "there is no readable row to see it by");
}

static void time_lookup(struct survey *s)
{
    for (size_t i = 0; i < s->tables_count; i++) {
        struct check_ask a = {0};
        size_t asked;

        if (s->tables[i].target == NULL || strcmp(s->tables[i].name, "incident") != 0)
            continue;
        asked = check_ask_list(&a, s->tables[i].name, "sys_id", 1,
                               "correlation_displaySTARTSWITHitsm-bridge 0000000000000000 "
                               "^ORDERBYDESCcorrelation_display");
        check_ask_run(&a, s->desk);
        check_judge_lookup(s->r, s->tables[i].name, check_ask_outcome(&a, asked));
        check_ask_done(&a);
    }
}

static void take_rate(struct survey *s, const struct check_ask *a)
{
    for (size_t i = 0; a->outcomes != NULL && i < a->count; i++)
        if (a->outcomes[i].rate_limit > 0 && (s->rate == 0 || a->outcomes[i].rate_limit < s->rate))
            s->rate = a->outcomes[i].rate_limit;
}

static void say_rate(struct survey *s)
{
    long long idle = 0, busy = 0;

    for (size_t i = 0; i < s->c->producers_count; i++) {
        idle += 3600 * USEC_S / s->c->producers[i].poll_idle;
        busy += 3600 * USEC_S / s->c->producers[i].poll_busy;
    }
    take_rate(s, &s->first);
    take_rate(s, &s->second);
    take_rate(s, &s->third);
    take_rate(s, &s->fourth);
    check_judge_rate(s->r, s->rate, idle, busy);
}

/* The constants as the bridge sends them: sys_ids of references, values of choices. New. */
static json_t *constants(const struct survey *s, const struct survey_table *t,
                         const struct config_consumer *consumer)
{
    json_t *body = json_object();

    for (size_t k = 0; k < consumer->fields.count; k++) {
        const struct config_pair *f = &consumer->fields.items[k];
        const char *value = check_choice_value(&t->schema, f->name, f->value);

        for (size_t i = 0; i < s->constants_count; i++) {
            const struct survey_constant *n = &s->constants[i];
            const json_t *row = json_array_get(check_ask_rows(&s->fourth, n->asked), 0);

            if (strcmp(n->column, f->name) == 0 && strcmp(n->value, f->value) == 0 && row != NULL)
                value = json_string_value(json_object_get(row, "sys_id"));
        }
        (void)json_object_set_new(body, f->name, json_string(value == NULL ? "" : value));
    }
    return body;
}

/* For the first consumer of this target. */
static bool write_table(struct survey *s, const struct survey_table *t)
{
    for (size_t k = 0; k < s->c->consumers_count; k++) {
        const struct config_consumer *consumer = &s->c->consumers[k];
        json_t *body;
        bool written;

        if (check_target_find(consumer->target) != t->target)
            continue;
        body = constants(s, t, consumer);
        written =
            check_write(s->r, s->desk, t->target, body, close_code(s, t, consumer), s->o->write);
        json_decref(body);
        return written;
    }
    return false;
}

void survey_tell(struct survey *s)
{
    s->user.skew = snow_clock_skew(desk_snow(s->desk));
    check_judge_user(s->r, &s->user);
    check_judge_zone(s->r, &s->user);
    check_judge_clock(s->r, &s->user);
    say_rate(s);
    for (size_t i = 0; i < s->tables_count; i++)
        say_table(s, &s->tables[i]);
    survey_tell_names(s);
    say_queries(s);
    time_lookup(s);
    say_optional(s);
    for (size_t i = 0; i < s->tables_count; i++) {
        const struct survey_table *t = &s->tables[i];

        if (t->target == NULL)
            continue;
        check_judge_roles(s->r, t->target, &s->user, write_table(s, t));
    }
}
