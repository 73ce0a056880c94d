/* One finder for each table that a column points to, made when the first name for it comes. What
 * the dictionary does not tell is taken from the columns that all task tables share, since a name
 * that is stored in a reference column unresolved would point to nothing (servicenow-api 2.4). */
#include "consumers/values.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "bridge/servicenow/query.h"
#include "consumers/incident_text.h"

#define CUT_MARK      "..."
#define OVERFLOW_MOST ((size_t)32000) /* UTF-16 units of one text in the work notes */
#define NOTE_VALUE    ((size_t)200)   /* bytes of a value in a note */

struct source {
    char *table, *what;
    struct finder *finder;
    struct source *next;
};

struct values {
    struct values_options o;
    struct source *sources;
};

static const struct known {
    const char *column, *table;
} known[] = {
    {"assigned_to", "sys_user"},
    {"assignment_group", "sys_user_group"},
    {"business_service", "cmdb_ci_service"},
    {"caller_id", "sys_user"},
    {"caused_by", "change_request"},
    {"cmdb_ci", "cmdb_ci"},
    {"company", "core_company"},
    {"location", "cmn_location"},
    {"opened_by", "sys_user"},
    {"parent", "task"},
    {"parent_incident", "incident"},
    {"problem_id", "problem"},
    {"requested_by", "sys_user"},
    {"resolved_by", "sys_user"},
    {"rfc", "change_request"},
    {"service_offering", "service_offering"},
};

static const char *const names_of_user[] = {"user_name", "email", "name"};
static const char *const names_of_task[] = {"number"};
static const char *const names_of_any[] = {"name"};
static const struct naming {
    const char *table;
    const char *const *columns;
    size_t count;
} namings[] = {
    {"sys_user", names_of_user, ARRAY_LEN(names_of_user)},
    {"task", names_of_task, ARRAY_LEN(names_of_task)},
    {"incident", names_of_task, ARRAY_LEN(names_of_task)},
    {"problem", names_of_task, ARRAY_LEN(names_of_task)},
    {"change_request", names_of_task, ARRAY_LEN(names_of_task)},
    {"em_alert", names_of_task, ARRAY_LEN(names_of_task)},
};

const char *const *values_names_of(const char *table, size_t *ret_count)
{
    for (size_t i = 0; i < ARRAY_LEN(namings); i++) {
        if (strcmp(namings[i].table, table) == 0) {
            *ret_count = namings[i].count;
            return namings[i].columns;
        }
    }
    *ret_count = ARRAY_LEN(names_of_any);
    return names_of_any;
}

const char *values_reference(const struct dictionary *d, const char *table, const char *column)
{
    const struct columns *columns = dictionary_columns(d, table);
    const struct column *c = columns == NULL ? NULL : columns_find(columns, column);

    if (c != NULL)
        return strcmp(c->type, "reference") == 0 && c->reference[0] != '\0' ? c->reference : NULL;
    for (size_t i = 0; columns == NULL && i < ARRAY_LEN(known); i++)
        if (strcmp(known[i].column, column) == 0)
            return known[i].table;
    return NULL;
}

struct values *values_new(const struct values_options *o)
{
    struct values *v = xcalloc(1, sizeof *v);

    v->o = *o;
    return v;
}

struct values *values_free(struct values *v)
{
    struct source *s, *next;

    if (v == NULL)
        return NULL;
    LL_FOREACH_SAFE(v->sources, s, next)
    {
        (void)finder_free(s->finder);
        free(s->table);
        free(s->what);
        free(s);
    }
    free(v);
    return NULL;
}

void values_forget(struct values *v)
{
    for (struct source *s = v->sources; s != NULL; s = s->next)
        finder_forget(s->finder);
}

usec_t values_tick(struct values *v, usec_t now)
{
    usec_t next = USEC_NEVER;

    for (struct source *s = v->sources; s != NULL; s = s->next)
        next = usec_min(next, finder_tick(s->finder, now));
    return next;
}

static struct finder *finder_of(struct values *v, const char *table)
{
    struct finder_options o = {.near = true,
                               .life_found = v->o.life_found,
                               .life_none = v->o.life_none,
                               .answered = v->o.answered,
                               .arg = v->o.arg};
    struct source *s;

    for (s = v->sources; s != NULL; s = s->next)
        if (strcmp(s->table, table) == 0)
            return s->finder;
    s = xcalloc(1, sizeof *s);
    s->table = xstrdup(table);
    s->what = xasprintf("record of %s", table);
    o.table = s->table;
    o.what = s->what;
    o.columns = values_names_of(table, &o.columns_count);
    s->finder = finder_new(v->o.snow, &o);
    LL_PREPEND(v->sources, s);
    return s->finder;
}

static void set(json_t *body, const char *column, const char *text, size_t length)
{
    (void)json_object_set_new_nocheck(body, column, json_stringn(text, length));
}

static void note(const struct values_said *said, const char *column, const char *text,
                 const char *why)
{
    if (said->notes == NULL)
        return;
    (void)buf_addf(said->notes, "%s%s: %.*s: %s", said->notes->length == 0 ? "" : "; ", column,
                   (int)text_boundary(text, strlen(text), NOTE_VALUE), text,
                   why[0] == '\0' ? "not found, left out" : why);
}

static enum values_result put_reference(struct values *v, const char *reference, const char *column,
                                        const char *text, json_t *body,
                                        const struct values_said *said, usec_t now)
{
    char *names[] = {xstrdup(text)};
    const char *sys_id = NULL, *why = "";
    enum finder_result found = finder_find(finder_of(v, reference), names, 1, now, &sys_id, &why);

    free(names[0]);
    if (found == FINDER_PENDING)
        return VALUES_PENDING;
    if (found == FINDER_FOUND) {
        set(body, column, sys_id, strlen(sys_id));
        return VALUES_SET;
    }
    note(said, column, text, why);
    return VALUES_LEFT_OUT;
}

/* Columns shorter than this are codes, not texts: what does not fit there is no choice and is sent
 * as it is, for the instance to judge. */
#define TEXT_LEAST 10

static void put_text(const struct columns *columns, const char *column, const char *text,
                     json_t *body, const struct values_said *said)
{
    const struct column *c = columns == NULL ? NULL : columns_find(columns, column);
    size_t most = c == NULL ? 0 : c->max_length, fit = incident_fit(text, most);
    struct buf cut;

    if (most < TEXT_LEAST || text[fit] == '\0') {
        set(body, column, text, strlen(text));
        return;
    }
    buf_init(&cut, 4 * most + sizeof CUT_MARK);
    (void)buf_add(&cut, text, incident_fit(text, most - (sizeof CUT_MARK - 1)));
    (void)buf_add_text(&cut, CUT_MARK);
    set(body, column, buf_text(&cut), cut.length);
    buf_done(&cut);
    if (said->overflow != NULL)
        (void)buf_addf(said->overflow, "%sThe whole text of %s:\n%.*s",
                       said->overflow->length == 0 ? "" : "\n\n", column,
                       (int)incident_fit(text, OVERFLOW_MOST), text);
}

enum values_result values_put(struct values *v, const char *table, const char *column,
                              const char *text, json_t *body, const struct values_said *said,
                              usec_t now)
{
    const char *reference = values_reference(v->o.dictionary, table, column), *stored;

    if (text[0] == '\0') {
        set(body, column, text, 0);
        return VALUES_SET;
    }
    if (reference != NULL && !query_sys_id_ok(text))
        return put_reference(v, reference, column, text, body, said, now);
    stored = dictionary_choice(v->o.dictionary, table, column, text);
    if (stored == NULL && dictionary_has_choices(v->o.dictionary, table, column))
        note(said, column, text, "none of the choices of this column, sent as it is");
    if (stored != NULL)
        set(body, column, stored, strlen(stored));
    else
        put_text(dictionary_columns(v->o.dictionary, table), column, text, body, said);
    return VALUES_SET;
}

/* Written by the bridge itself, as the instance stores them. */
static bool is_own(const char *column)
{
    static const char *const own[] = {"sys_id",     "correlation_id",    "correlation_display",
                                      "state",      "short_description", "description",
                                      "work_notes", "close_notes"};

    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        if (strcmp(column, own[i]) == 0)
            return true;
    return false;
}

enum values_result values_resolve(struct values *v, const char *table, json_t *body,
                                  const struct values_said *said, usec_t now)
{
    enum values_result result = VALUES_SET;
    json_t *done = json_object(), *value;
    const char *column;

    json_object_foreach (body, column, value) {
        if (!json_is_string(value) || is_own(column))
            (void)json_object_set(done, column, value);
        else if (values_put(v, table, column, json_string_value(value), done, said, now) ==
                 VALUES_PENDING)
            result = VALUES_PENDING;
    }
    if (result == VALUES_SET) {
        (void)json_object_clear(body);
        (void)json_object_update(body, done);
    }
    json_decref(done);
    return result;
}
