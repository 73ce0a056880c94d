/* Rows of a staging table. Lists go as JSON text, since a staging table knows texts only; times in
 * ServiceNow's own form, which a transform map reads without a script. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"
#include "consumers/event.h"
#include "consumers/given.h"
#include "consumers/identity.h"
#include "consumers/incident_text.h"

static void set(json_t *row, const char *column, const char *value)
{
    if (json_object_set_new_nocheck(row, column, json_string(value)) != 0)
        panic("jansson cannot build a row (out of memory?)");
}

/* Takes the value. */
static void set_take(json_t *row, const char *column, char *value)
{
    set(row, column, value);
    free(value);
}

static void set_time(json_t *row, const char *column, msec_t ms)
{
    char text[CLOCK_SN_SIZE] = "";

    if (ms != MSEC_NONE)
        clock_format_sn(ms, text);
    set(row, column, text);
}

/* Takes the list. */
static void set_list(json_t *row, const char *column, json_t *list)
{
    char *text = json_dumps(list, JSON_COMPACT);

    if (text == NULL)
        panic("jansson cannot print a list (out of memory?)");
    set_take(row, column, text);
    json_decref(list);
}

static json_t *texts(char *const *items, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(list, json_string(items[i]));
    return list;
}

static json_t *pairs(const struct alert_pair *items, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(
            list, json_pack("{s:s, s:s}", "name", items[i].name, "value", items[i].value));
    return list;
}

static void set_number(json_t *row, const char *column, int number)
{
    char text[24] = "";

    if (number >= 0)
        (void)snprintf(text, sizeof text, "%d", number);
    set(row, column, text);
}

static void set_identity(json_t *row, const struct row_context *x, const struct alert *a)
{
    char key[CORRELATION_ID_SIZE];

    target_row_key(x->target, x->consumer, a, key);
    set(row, "u_correlation_id", key);
    set_take(row, "u_series", identity_shown(a->series));
    set_take(row, "u_instance", identity_shown(a->instance));
    set(row, "u_part", a->part);
    set(row, "u_marked", a->marked ? "true" : "false");
}

static void set_source(json_t *row, const struct row_context *x)
{
    set(row, "u_connection", x->connection);
    set(row, "u_consumer", x->consumer->name);
    set(row, "u_topic", x->message->topic);
    set_take(row, "u_partition", xasprintf("%" PRId32, x->message->partition));
    set_take(row, "u_offset", xasprintf("%" PRId64, x->message->offset));
    set_time(row, "u_sent", x->message->timestamp);
}

static void set_texts(json_t *row, const struct alert *a)
{
    char *title;

    set(row, "u_format", a->format);
    set(row, "u_kind", a->kind);
    set(row, "u_rule", a->rule);
    set(row, "u_service", a->service);
    set(row, "u_source", a->source);
    set(row, "u_resource", a->resource);
    set(row, "u_title", a->title);
    title = incident_title(a);
    set_take(row, "u_short_description", incident_cut(title, INCIDENT_SHORT_MAX));
    free(title);
    set(row, "u_description", a->description);
}

/* The bridge's own words: which state of which table they stand for is the transform map's
 * business.
 */
static const char *state_of(const struct alert *a)
{
    static const char *const names[] = {
        [ALERT_FIRING] = "firing", [ALERT_CLEARED] = "cleared", [ALERT_NOTE] = "note"};

    return names[a->state];
}

/* First, so that nothing of ours can be replaced. */
static void set_given(json_t *row, const struct row_context *x, const struct alert *a)
{
    const char *column;
    struct given g;
    json_t *value;

    given_for(x->consumer, x->rules, a, &g);
    if (g.presets != NULL)
        (void)json_object_update(row, g.presets);
    if (g.columns != NULL)
        json_object_foreach (g.columns, column, value)
            set_take(row, column,
                     incident_column(column, json_string_value(value),
                                     strcmp(column, "short_description") == 0 ? INCIDENT_SHORT_MAX
                                                                              : INCIDENT_TEXT_MAX));
    given_done(&g);
}

json_t *import_row(const struct row_context *x, const struct alert *a)
{
    json_t *row = json_object();

    set_given(row, x, a);
    set_identity(row, x, a);
    set(row, "u_state", state_of(a));
    set_number(row, "u_severity", a->severity);
    set(row, "u_severity_text", a->severity_text);
    set_time(row, "u_fired", a->fired);
    set_time(row, "u_resolved", a->resolved);
    set_time(row, "u_own_time", a->own_time);
    set_texts(row, a);
    set_list(row, "u_ci_names", texts(a->ci_names, a->ci_names_count));
    set_list(row, "u_targets", texts(a->targets, a->targets_count));
    set_list(row, "u_labels", pairs(a->labels, a->labels_count));
    set_list(row, "u_links", pairs(a->links, a->links_count));
    set_list(row, "u_notes", texts(a->notes, a->notes_count));
    set_source(row, x);
    return row;
}
