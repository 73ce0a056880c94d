/* Columns and choice values that the configuration and the bridge name: do they exist? The
 * dictionary tells where it can be read; without it a row does, which holds every column that the
 * user may read; else a probe. What none of them knows is Skipped. Pure. */
#include "bridge/commands/check_snow.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/near.h"
#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

static const char *const incident_columns[] = {
    "short_description",   "description", "impact",     "urgency",        "state",
    "close_code",          "close_notes", "work_notes", "correlation_id", "cmdb_ci",
    "correlation_display", NULL};
static const char *const incident_choices[] = {"impact=1",  "impact=2",  "impact=3",
                                               "urgency=1", "urgency=2", "urgency=3",
                                               "state=1",   "state=6",   NULL};
static const char *const incident_roles[] = {"itil", "itil_admin", "sn_incident_write", NULL};
static const char *const event_columns[] = {
    "source",        "event_class",      "node",     "type",        "resource",
    "metric_name",   "message_key",      "severity", "description", "additional_info",
    "time_of_event", "resolution_state", NULL};
static const char *const no_choices[] = {NULL};
static const char *const event_roles[] = {"evt_mgmt_integration", "evt_mgmt_admin", NULL};
static const char *const alert_columns[] = {"state", "severity", "message_key", "description",
                                            NULL};
static const char *const alert_roles[] = {"evt_mgmt_operator", "evt_mgmt_admin", NULL};

#define EVENT_MANAGEMENT "com.glideapp.itom.snac"

static const struct check_target targets[] = {
    {"incident", "incident", incident_columns, incident_choices, incident_roles, true, NULL},
    {"event", "em_event", event_columns, no_choices, event_roles, false, EVENT_MANAGEMENT},
    {"alert", "em_alert", alert_columns, no_choices, alert_roles, true, EVENT_MANAGEMENT},
};

const struct check_target *check_target_find(const char *target)
{
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++)
        if (strcmp(targets[i].target, target) == 0)
            return &targets[i];
    return NULL;
}

/* Of a dot-walked name the first part is the table's own. */
static char *own_part(const char *name)
{
    return xstrndup(name, strcspn(name, "."));
}

enum check_known check_column_known(const struct check_schema *s, const char *name)
{
    char *own = own_part(name);
    enum check_known known = CHECK_UNKNOWN;

    if ((s->columns != NULL && columns_find(s->columns, name) != NULL) ||
        json_object_get(s->row, own) != NULL)
        known = CHECK_EXISTS;
    else if (s->columns != NULL)
        known = CHECK_MISSING;
    free(own);
    return known;
}

enum check_known check_column_probed(const json_t *contradiction, const json_t *tautology,
                                     bool drops)
{
    if (contradiction == NULL || tautology == NULL)
        return CHECK_UNKNOWN;
    if (drops)
        return json_array_size(contradiction) > 0 ? CHECK_MISSING : CHECK_EXISTS;
    return json_array_size(tautology) > 0 ? CHECK_EXISTS : CHECK_MISSING;
}

/* Names that are like a missing one, from the dictionary, else from the row. */
static void add_near(const struct check_schema *s, const char *name, struct buf *out)
{
    struct near n;
    const char *candidate;
    json_t *row, *value;

    if (s->columns != NULL) {
        columns_near(s->columns, name, out);
        return;
    }
    row = json_copy((json_t *)(uintptr_t)s->row);
    near_init(&n, name);
    json_object_foreach (row, candidate, value)
        near_offer(&n, candidate);
    near_text(&n, out);
    near_done(&n);
    json_decref(row);
}

static void judge_missing(struct check_report *r, const char *check, const struct check_schema *s,
                          const struct check_column *c, const char *harm)
{
    char *subject = xasprintf("%s.%s", s->table, c->name);
    struct buf cure;

    buf_init(&cure, 1024);
    (void)buf_addf(&cure, "correct the name in %s", c->use);
    if (s->columns != NULL || s->row != NULL) {
        struct buf near;

        buf_init(&near, 512);
        add_near(s, c->name, &near);
        if (near.length > 0)
            (void)buf_addf(&cure, "; like it are %s", buf_text(&near));
        buf_done(&near);
    }
    (void)buf_add_text(&cure, ", or let the user read the column");
    check_add(r, CHECK_NOT_COMPLETE, check, subject, buf_text(&cure),
              "the table has no such column, or the user may not see it: %s", harm);
    buf_done(&cure);
    free(subject);
}

static size_t count_known(const struct check_column *c, size_t n, enum check_known known,
                          struct buf *names)
{
    size_t found = 0;

    for (size_t i = 0; i < n; i++)
        if (c[i].known == known && found++ < 12)
            (void)buf_addf(names, "%s%s", names->length == 0 ? "" : ", ", c[i].name);
    return found;
}

void check_judge_columns(struct check_report *r, const char *check, const char *subject,
                         const struct check_schema *s, const struct check_column *c, size_t n,
                         const char *harm)
{
    struct buf good, unknown;

    if (n == 0)
        return;
    buf_init(&good, 2048);
    buf_init(&unknown, 2048);
    for (size_t i = 0; i < n; i++)
        if (c[i].known == CHECK_MISSING)
            judge_missing(r, check, s, &c[i], harm);
    if (count_known(c, n, CHECK_EXISTS, &good) > 0)
        check_add(r, CHECK_COMPLETED, check, subject, NULL, "in the table: %s", buf_text(&good));
    if (count_known(c, n, CHECK_UNKNOWN, &unknown) > 0)
        check_add(r, CHECK_SKIPPED, check, subject, NULL,
                  "neither the dictionary nor a row can be read, so whether the table has these is "
                  "not known: %s",
                  buf_text(&unknown));
    buf_done(&good);
    buf_done(&unknown);
}

static const char *text_of(const json_t *row, const char *column)
{
    const char *text = json_string_value(json_object_get(row, column));

    return text == NULL ? "" : text;
}

enum check_known check_choice_known(const struct check_schema *s, const char *column,
                                    const char *value)
{
    enum check_known known = CHECK_UNKNOWN;
    const json_t *row;
    size_t i;

    json_array_foreach (s->choices, i, row) {
        if (strcmp(text_of(row, "element"), column) != 0)
            continue;
        if (strcmp(text_of(row, "value"), value) == 0 ||
            text_equal_nocase(text_of(row, "label"), value))
            return CHECK_EXISTS;
        known = CHECK_MISSING;
    }
    return known;
}

const char *check_choice_value(const struct check_schema *s, const char *column, const char *text)
{
    const json_t *row;
    size_t i;

    json_array_foreach (s->choices, i, row)
        if (strcmp(text_of(row, "element"), column) == 0 &&
            (strcmp(text_of(row, "value"), text) == 0 ||
             text_equal_nocase(text_of(row, "label"), text)))
            return text_of(row, "value");
    return text;
}

static void add_near_choices(const struct check_schema *s, const char *column, const char *value,
                             struct buf *out)
{
    struct buf like;
    const json_t *row;
    struct near n;
    size_t i;

    buf_init(&like, 4096);
    near_init(&n, value);
    json_array_foreach (s->choices, i, row)
        if (strcmp(text_of(row, "element"), column) == 0)
            near_offer(&n, text_of(row, "label"));
    near_text(&n, &like);
    near_done(&n);
    if (like.length > 0)
        (void)buf_addf(out, "did you mean %s? Else ", buf_text(&like));
    buf_done(&like);
}

static void judge_choice_missing(struct check_report *r, const struct check_schema *s,
                                 const char *column, const char *value, bool again)
{
    char *subject = again ? xasprintf("%s.%s '%s'", s->table, column, value)
                          : xasprintf("%s.%s", s->table, column);
    struct buf cure;
    const json_t *row;
    size_t i, said = 0;

    buf_init(&cure, 8192);
    add_near_choices(s, column, value, &cure);
    (void)buf_add_text(&cure, "use one that it has: ");
    json_array_foreach (s->choices, i, row)
        if (strcmp(text_of(row, "element"), column) == 0 && said++ < 15)
            (void)buf_addf(&cure, "%s'%.60s'", said == 1 ? "" : ", ", text_of(row, "value"));
    (void)buf_add_text(&cure, "; or add the value to the list of the column");
    check_add(
        r, CHECK_NOT_COMPLETE, "choice", subject, buf_text(&cure),
        "the column has no choice with the value or label '%s': a record with it is refused, or "
        "the value is left out",
        value);
    buf_done(&cure);
    free(subject);
}

/* Has an earlier one of the values the same column, and is missing too? */
static bool missing_before(const struct check_schema *s, const char *const *values, size_t n,
                           const char *column)
{
    size_t length = strlen(column);

    for (size_t i = 0; i < n; i++)
        if (strncmp(values[i], column, length) == 0 && values[i][length] == '=' &&
            check_choice_known(s, column, values[i] + length + 1) == CHECK_MISSING)
            return true;
    return false;
}

void check_judge_choices(struct check_report *r, const struct check_schema *s,
                         const char *const *values, size_t n)
{
    struct buf good, unknown;

    buf_init(&good, 4096);
    buf_init(&unknown, 4096);
    for (size_t i = 0; i < n; i++) {
        const char *sign = strchr(values[i], '=');
        char *column = xstrndup(values[i], (size_t)(sign - values[i]));
        enum check_known known = check_choice_known(s, column, sign + 1);
        struct buf *list = known == CHECK_EXISTS ? &good : &unknown;

        if (known == CHECK_MISSING)
            judge_choice_missing(r, s, column, sign + 1, missing_before(s, values, i, column));
        else
            (void)buf_addf(list, "%s%s", list->length == 0 ? "" : ", ", values[i]);
        free(column);
    }
    if (good.length > 0)
        check_add(r, CHECK_COMPLETED, "choices", s->table, NULL, "%s", buf_text(&good));
    if (unknown.length > 0)
        check_add(r, CHECK_SKIPPED, "choices", s->table, NULL,
                  "sys_choice has nothing readable for these, so they are not checked: %s",
                  buf_text(&unknown));
    buf_done(&good);
    buf_done(&unknown);
}

/* ^ORDERBY and ^EQ are refused elsewhere; ^OR and ^NQ begin a condition like ^. */
static const char *condition_start(const char *p)
{
    static const char *const prefixes[] = {"ORDERBYDESC", "ORDERBY", "NQ", "OR"};

    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        if (strncmp(p, prefixes[i], strlen(prefixes[i])) == 0)
            return p + strlen(prefixes[i]);
    return p;
}

/* Behind the next single ^; a doubled one stands for itself in a value. */
static const char *next_condition(const char *p)
{
    for (; *p != '\0'; p++) {
        if (*p == '^' && p[1] != '^')
            return p + 1;
        p += *p == '^' ? 1 : 0;
    }
    return p;
}

char **check_query_columns(const char *query)
{
    char **names = xcalloc(1, sizeof(char *));
    size_t n = 0;

    for (const char *p = query; *p != '\0';) {
        const char *start = condition_start(p);
        size_t length = strspn(start, LOWER DIGITS "_.");
        char *name = xstrndup(start, length);
        bool known = strspn(start, LOWER) == 0; /* no name: a text query, or nothing */

        for (size_t i = 0; i < n && !known; i++)
            known = strcmp(names[i], name) == 0;
        if (known) {
            free(name);
        } else {
            names = xrealloc(names, n + 2, sizeof(char *));
            names[n++] = name;
            names[n] = NULL;
        }
        p = next_condition(p);
    }
    return names;
}
