/* Asks the instance, in rounds: what depends on no answer is asked side by side. First the user's
 * own row, which needs nothing but the sign-in; then a row of each table, the dictionary's chain,
 * roles and choices; then what these answers lead to; at last, alone, the look-up that is timed.
 * Reads only; writing is check_write.c. */
#include "bridge/commands/check_survey.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "bridge/commands/check_parts.h"
#include "bridge/servicenow/query.h"

#define QUERY_MAX ((size_t)8000)
#define IMPORT    "import:"
#define NO_COLUMN "u_itsm_bridge_no_such_column"

/* ---------------------------------------------------------------- what is to be asked */

struct survey_table *survey_table_of(struct survey *s, const char *name)
{
    for (size_t i = 0; i < s->tables_count; i++)
        if (strcmp(s->tables[i].name, name) == 0)
            return &s->tables[i];
    s->tables = xrealloc(s->tables, s->tables_count + 1, sizeof *s->tables);
    s->tables[s->tables_count] = (struct survey_table){
        .name = name, .read = CHECK_NONE, .chained = CHECK_NONE, .choices = CHECK_NONE};
    s->tables[s->tables_count].described = CHECK_NONE;
    return &s->tables[s->tables_count++];
}

static void add_column(struct survey_columns *l, const char *name, const char *use)
{
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->items[i].name, name) == 0)
            return;
    l->items = xrealloc(l->items, l->count + 1, sizeof *l->items);
    l->items[l->count++] = (struct check_column){.name = name, .use = use};
}

/* Of a table by name: what the bridge cannot do without there. */
static void list_needed(struct survey_table *t, const struct config_consumer *consumer)
{
    static const char use[] = "nothing of yours: the bridge needs it";

    add_column(&t->columns, consumer->state_column[0] != '\0' ? consumer->state_column : "state",
               use);
    add_column(&t->columns, "correlation_id", use);
    add_column(&t->columns, "correlation_display", use);
    add_column(&t->columns, "short_description", use);
    add_column(&t->columns, "description", use);
}

/* A table that there is no list for. Rows of an Import Set: the transform map decides about the
 * rest. */
static void list_other(struct survey *s, const struct config_consumer *consumer)
{
    bool import = text_starts(consumer->target, IMPORT);
    struct survey_table *t =
        survey_table_of(s, import ? consumer->target + strlen(IMPORT) : consumer->target);

    if (!import)
        list_needed(t, consumer);
}

static bool list_target(struct survey *s, const char *name)
{
    const struct check_target *target = check_target_find(name);
    struct survey_table *t = target == NULL ? NULL : survey_table_of(s, target->table);

    if (t == NULL)
        return false;
    t->target = target;
    for (size_t k = 0; target->columns[k] != NULL; k++)
        add_column(&t->columns, target->columns[k], "nothing of yours: the bridge writes it");
    return true;
}

static void list_consumers(struct survey *s)
{
    for (size_t i = 0; i < s->c->consumers_count; i++) {
        const struct config_consumer *consumer = &s->c->consumers[i];

        if (!list_target(s, consumer->target))
            list_other(s, consumer);
        for (size_t k = 0; k < consumer->rules_count; k++)
            (void)list_target(s, consumer->rules[k].target);
    }
}

/* Columns that consumers and rules name. */
static void list_names(struct survey *s)
{
    survey_list_names(s);
    for (size_t i = 0; i < s->constants_count; i++) {
        const struct survey_constant *c = &s->constants[i];

        add_column(&survey_table_of(s, c->table)->columns, c->column, c->use);
    }
}

static void list_producers(struct survey *s)
{
    static const char *const cursor[] = {"sys_id", "sys_updated_on", "sys_mod_count"};

    s->queries = xcalloc(s->c->producers_count + 1, sizeof *s->queries);
    for (size_t i = 0; i < s->c->producers_count; i++) {
        const struct config_producer *p = &s->c->producers[i];
        struct survey_table *t = survey_table_of(s, p->table);
        struct survey_query *q = &s->queries[i];

        t->published = true;
        for (size_t k = 0; k < sizeof cursor / sizeof cursor[0]; k++)
            add_column(&t->columns, cursor[k], "nothing of yours: the cursor needs it");
        for (size_t k = 0; k < p->fields.count; k++)
            add_column(&t->columns, p->fields.items[k], "producers[].fields");
        *q = (struct survey_query){.producer = p, .names = check_query_columns(p->query)};
        for (size_t k = 0; q->names[k] != NULL; k++)
            add_column(&q->columns, q->names[k], "producers[].query");
    }
}

/* ---------------------------------------------------------------- the rounds */

static const struct snow_outcome *ask_own_row(struct survey *s)
{
    check_ask_done(&s->first);
    s->own = check_ask_list(&s->first, "sys_user",
                            "sys_id,sys_updated_on,user_name,active,locked_out,time_zone,"
                            "web_service_access_only",
                            1, "sys_id=javascript:gs.getUserID()");
    check_ask_run(&s->first, s->desk);
    return check_ask_outcome(&s->first, s->own);
}

/* Why there is none, by its own code: that says more than that there is none. */
static void tell_no_sign_in(const struct survey *s, const struct err *seen)
{
    const char *code = oauth_reason_code(snow_oauth(desk_snow(s->desk)));
    enum config_grant grant = s->c->connection.auth.grant;
    struct err e = *seen;

    if (*code != '\0' && strcmp(e.code, "no-sign-in") == 0)
        e.code = code;
    check_add_cured(s->r, "token", NULL, &e,
                    strcmp(e.code, "refused") == 0 ? oauth_cure(grant) : NULL);
}

/* A 401 may be about the token of the store alone: it is asked again with a renewed one, as a
 * running bridge would. */
static bool ask_sign_in(struct survey *s)
{
    const struct snow_outcome *o = ask_own_row(s);

    if (o->verdict == SNOW_UNAUTHORISED && o->status == 401)
        o = ask_own_row(s);
    if (o->verdict != SNOW_OK && o->verdict != SNOW_REJECTED && o->verdict != SNOW_ABSENT) {
        tell_no_sign_in(s, &o->err);
        return false;
    }
    s->user.row = json_array_get(check_ask_rows(&s->first, s->own), 0);
    check_add(s->r, CHECK_COMPLETED, "token", NULL, NULL, "the instance takes the sign-in");
    return true;
}

const char *survey_plugin(const struct survey *s)
{
    for (size_t i = 0; i < s->tables_count; i++)
        if (s->tables[i].target != NULL && s->tables[i].target->plugin != NULL)
            return s->tables[i].target->plugin;
    return NULL;
}

static void ask_table(struct survey *s, struct survey_table *t)
{
    const struct snow_op read = {
        .kind = SNOW_LIST, .table = t->name, .query = "", .limit = 1, .count = true};
    struct snow_op op;

    buf_init(&t->chain, QUERY_MAX);
    buf_init(&t->dictionary, QUERY_MAX);
    t->read = check_ask_op(&s->second, &read);
    if (columns_ask_tables(&t->chain, t->name, &op) == 0)
        t->chained = check_ask_op(&s->second, &op);
    if (t->target != NULL)
        t->choices = check_ask_list(&s->second, "sys_choice", "name,element,value,label", 5000,
                                    "nameIN%s,task^inactive=false^elementISNOTEMPTY", t->name);
}

static void ask_second(struct survey *s)
{
    s->roles = s->deletes = s->plugin = s->items = CHECK_NONE;
    s->roles = check_ask_list(&s->second, "sys_user_has_role", "role.name", 1000,
                              "user=javascript:gs.getUserID()^state=active");
    for (size_t i = 0; i < s->tables_count; i++)
        ask_table(s, &s->tables[i]);
    if (s->c->producers_count > 0)
        s->deletes = check_ask_list(&s->second, "sys_audit_delete", "sys_id", 1, "%s", "");
    if (s->c->consumers_count > 0)
        s->items = check_ask_list(&s->second, "cmdb_ci", "sys_id", 1, "%s", "");
    if (survey_plugin(s) != NULL)
        s->plugin =
            check_ask_list(&s->second, "v_plugin", "id,active", 1, "id=%s", survey_plugin(s));
    check_ask_run(&s->second, s->desk);
    s->user.roles = check_ask_rows(&s->second, s->roles);
    for (size_t i = 0; i < s->tables_count; i++) {
        struct survey_table *t = &s->tables[i];

        t->schema.table = t->name;
        t->schema.row = json_array_get(check_ask_rows(&s->second, t->read), 0);
        t->schema.choices = check_ask_rows(&s->second, t->choices);
    }
}

/* A row by which the instance shows how it reads queries: of a table of ours, else the user's. */
static const json_t *sample_row(const struct survey *s, const char **ret_table)
{
    for (size_t i = 0; i < s->tables_count; i++)
        if (s->tables[i].schema.row != NULL) {
            *ret_table = s->tables[i].name;
            return s->tables[i].schema.row;
        }
    *ret_table = "sys_user";
    return s->user.row;
}

static const char *column_of(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));

    return text != NULL && query_value_ok(text) ? text : NULL;
}

static void ask_manners(struct survey *s)
{
    const char *table;
    const json_t *row = sample_row(s, &table);
    const char *id = column_of(row, "sys_id"), *time = column_of(row, "sys_updated_on");

    s->dropping = s->literal = CHECK_NONE;
    if (id == NULL || !query_sys_id_ok(id))
        return;
    s->dropping = check_ask_list(&s->third, table, "sys_id", 1, "sys_id=%s^" NO_COLUMN "=x", id);
    if (time != NULL)
        s->literal =
            check_ask_list(&s->third, table, "sys_id", 1, "sys_id=%s^sys_updated_on=%s", id, time);
}

/* The row may have been changed between the two questions: then it is asked for anew. */
static void judge_literal(struct survey *s)
{
    struct check_ask again = {0};
    const char *table, *time;
    const json_t *row;
    size_t read, found;

    if (s->literal == CHECK_NONE || check_ask_rows(&s->third, s->literal) == NULL)
        return;
    s->user.literal = json_array_size(check_ask_rows(&s->third, s->literal)) > 0
                          ? LITERAL_FOUND
                          : LITERAL_NOT_FOUND;
    if (s->user.literal == LITERAL_FOUND)
        return;
    row = sample_row(s, &table);
    read = check_ask_list(&again, table, "sys_id,sys_updated_on", 1, "sys_id=%s",
                          column_of(row, "sys_id"));
    check_ask_run(&again, s->desk);
    time = column_of(json_array_get(check_ask_rows(&again, read), 0), "sys_updated_on");
    if (time != NULL && strcmp(time, column_of(row, "sys_updated_on")) != 0) {
        struct check_ask once = {0};

        found = check_ask_list(&once, table, "sys_id", 1, "sys_id=%s^sys_updated_on=%s",
                               column_of(row, "sys_id"), time);
        check_ask_run(&once, s->desk);
        if (json_array_size(check_ask_rows(&once, found)) > 0)
            s->user.literal = LITERAL_FOUND;
        check_ask_done(&once);
    }
    check_ask_done(&again);
}

static void ask_third(struct survey *s)
{
    for (size_t i = 0; i < s->tables_count; i++) {
        struct survey_table *t = &s->tables[i];
        const json_t *chain = check_ask_rows(&s->second, t->chained);
        struct snow_op op;

        if (chain != NULL && columns_ask_columns(&t->dictionary, t->name, chain, &op) == 0)
            t->described = check_ask_op(&s->third, &op);
    }
    ask_manners(s);
    check_ask_run(&s->third, s->desk);
    for (size_t i = 0; i < s->tables_count; i++) {
        struct survey_table *t = &s->tables[i];
        const json_t *rows = check_ask_rows(&s->third, t->described);

        t->known = rows == NULL ? NULL : columns_new(t->name, rows);
        t->schema.columns = t->known;
    }
    s->drops = json_array_size(check_ask_rows(&s->third, s->dropping)) > 0;
    judge_literal(s);
}

/* What neither dictionary nor row has is asked of the instance itself. */
static void probe_column(struct survey *s, const struct survey_table *t, struct check_column *c)
{
    struct survey_probe *p;

    c->known = check_column_known(&t->schema, c->name);
    if (c->known == CHECK_EXISTS || t->schema.row == NULL || s->dropping == CHECK_NONE ||
        !query_name_ok(c->name))
        return;
    s->probes = xrealloc(s->probes, s->probes_count + 1, sizeof *s->probes);
    p = &s->probes[s->probes_count++];
    p->column = c;
    p->contradiction = check_ask_list(&s->fourth, t->name, "sys_id", 1, "%sISEMPTY^%sISNOTEMPTY",
                                      c->name, c->name);
    p->tautology = check_ask_list(&s->fourth, t->name, "sys_id", 1, "%sISEMPTY^OR%sISNOTEMPTY",
                                  c->name, c->name);
}

static void ask_fourth(struct survey *s)
{
    for (size_t i = 0; i < s->tables_count; i++)
        for (size_t k = 0; k < s->tables[i].columns.count; k++)
            probe_column(s, &s->tables[i], &s->tables[i].columns.items[k]);
    for (size_t i = 0; i < s->c->producers_count; i++)
        for (size_t k = 0; k < s->queries[i].columns.count; k++)
            probe_column(s, survey_table_of(s, s->queries[i].producer->table),
                         &s->queries[i].columns.items[k]);
    survey_ask_names(s);
    check_ask_run(&s->fourth, s->desk);
    for (size_t i = 0; i < s->probes_count; i++) {
        const struct survey_probe *p = &s->probes[i];
        enum check_known known =
            check_column_probed(check_ask_rows(&s->fourth, p->contradiction),
                                check_ask_rows(&s->fourth, p->tautology), s->drops);

        if (known != CHECK_UNKNOWN)
            p->column->known = known;
    }
}

static void survey_done(struct survey *s)
{
    for (size_t i = 0; i < s->tables_count; i++) {
        buf_done(&s->tables[i].chain);
        buf_done(&s->tables[i].dictionary);
        free(s->tables[i].columns.items);
        (void)columns_free(s->tables[i].known);
    }
    for (size_t i = 0; s->queries != NULL && i < s->c->producers_count; i++) {
        for (size_t k = 0; s->queries[i].names[k] != NULL; k++)
            free(s->queries[i].names[k]);
        free(s->queries[i].names);
        free(s->queries[i].columns.items);
    }
    check_ask_done(&s->first);
    check_ask_done(&s->second);
    check_ask_done(&s->third);
    check_ask_done(&s->fourth);
    free(s->tables);
    free(s->queries);
    free(s->probes);
    free(s->constants);
    free(s->templates);
}

/* Everything that would have been asked, in one line each. */
static void skip_all(struct survey *s, const char *why)
{
    static const char *const checks[] = {"user", "time-zone", "clock", "rate"};

    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
        check_add(s->r, CHECK_SKIPPED, checks[i], NULL, NULL, "%s", why);
    for (size_t i = 0; i < s->tables_count; i++)
        check_add(s->r, CHECK_SKIPPED, "read", s->tables[i].name, NULL, "%s", why);
}

void check_snow(struct check_report *r, const struct config *c, const struct check_options *o,
                bool reachable)
{
    struct survey s = {.c = c, .o = o, .r = r};
    struct err e;

    list_consumers(&s);
    list_names(&s);
    list_producers(&s);
    s.desk = reachable ? desk_open(c, &e) : NULL;
    if (!reachable) {
        check_add(r, CHECK_SKIPPED, "token", NULL, NULL, "the instance cannot be reached");
        skip_all(&s, "the instance cannot be reached");
    } else if (s.desk == NULL) {
        check_add_err(r, "token", NULL, &e);
        skip_all(&s, "there is no sign-in");
    } else if (!ask_sign_in(&s)) {
        skip_all(&s, "there is no sign-in");
    } else {
        ask_second(&s);
        ask_third(&s);
        ask_fourth(&s);
        survey_tell(&s);
    }
    survey_done(&s);
    (void)desk_close(s.desk);
}
