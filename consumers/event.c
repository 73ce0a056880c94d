/* Events. What an alert is, and whether it is over, is never given from outside. */
#include "consumers/event.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/clock.h"
#include "bridge/base/panic.h"
#include "bridge/base/text.h"
#include "consumers/given.h"
#include "consumers/identity.h"
#include "consumers/incident_text.h"
#include "consumers/json_out.h"

#define COLUMN_MAX ((size_t)100)
#define TEXT_MAX   INCIDENT_TEXT_MAX
#define CUT_MARK   "..."
/* A single value of additional_info, in bytes. */
#define VALUE_MAX ((size_t)4000)
/* Kept free for the member that says what was left out. */
#define INFO_SPARE ((size_t)100)

#define LEFT_OUT "left_out"

static const char *const columns[] = {
    "source",          "event_class",  "node",     "resource",    "type",
    "metric_name",     "message_key",  "severity", "description", "resolution_state",
    "additional_info", "time_of_event"};

const char *event_fire_severity(const char *given, const struct alert *a)
{
    static const char *const fired[] = {"1", "2", "4", "4", "5"};

    if (given != NULL && strlen(given) == 1 && given[0] >= '1' && given[0] <= '5')
        return given;
    return fired[a->severity >= 0 && a->severity <= 4 ? a->severity : 4];
}

/* A clear is a clear whatever is given, and what is given must be a severity of ServiceNow's. */
static const char *severity_of(const struct given *g, const struct alert *a)
{
    return a->state == ALERT_CLEARED ? "0" : event_fire_severity(given_text(g, "severity"), a);
}

static void add_column(struct buf *out, const char *name, const char *value, size_t units)
{
    size_t n = incident_fit(value, units);
    struct buf cut;

    if (value[n] == '\0') {
        json_out_member_n(out, name, value, n);
        return;
    }
    buf_init(&cut, n + sizeof CUT_MARK);
    (void)buf_add(&cut, value, incident_fit(value, units - strlen(CUT_MARK)));
    (void)buf_add_text(&cut, CUT_MARK);
    json_out_member_n(out, name, buf_text(&cut), cut.length);
    buf_done(&cut);
}

/* What rules and configuration say of the column, else the value. */
static void add_given(struct buf *out, const struct given *g, const char *name, const char *value)
{
    const char *given = given_text(g, name);

    if (given != NULL)
        value = given;
    if (value[0] != '\0')
        add_column(out, name, value, COLUMN_MAX);
}

static const char *label(const struct alert *a, const char *name)
{
    for (size_t i = 0; i < a->labels_count; i++)
        if (text_equal_nocase(a->labels[i].name, name))
            return a->labels[i].value;
    return "";
}

/* Of a path its last part is what names the thing. */
static const char *last_part(const char *path)
{
    const char *slash = path[0] == '/' ? strrchr(path, '/') : NULL;

    return slash == NULL || slash[1] == '\0' ? path : slash + 1;
}

static const char *node_of(const struct alert *a)
{
    return a->ci_names_count > 0 ? a->ci_names[0] : last_part(a->resource);
}

static const char *metric_of(const struct alert *a)
{
    const char *name = label(a, "metric_name");

    return name[0] != '\0' ? name : a->rule;
}

void event_place(const struct alert *a, const struct config_consumer *c, struct event_place *ret)
{
    *ret = (struct event_place){
        .source = a->source[0] != '\0' ? a->source : a->format,
        .event_class = a->service[0] != '\0' ? a->service : c->name,
        .node = node_of(a),
        .resource = last_part(a->resource),
        .type = a->kind[0] != '\0' ? a->kind : a->format,
        .metric_name = metric_of(a),
    };
}

static void add_time(struct buf *out, const char *name, msec_t ms)
{
    char text[CLOCK_SN_SIZE];

    if (ms == MSEC_NONE)
        return;
    clock_format_sn(ms, text);
    json_out_member(out, name, text);
}

static msec_t time_of(const struct row_context *x, const struct alert *a)
{
    if (a->state == ALERT_CLEARED)
        return a->resolved != MSEC_NONE ? a->resolved : x->message->timestamp;
    return a->fired != MSEC_NONE ? a->fired : a->own_time;
}

/* ---------------------------------------------------------------- additional_info */

struct info {
    struct buf text;
    size_t left_out;
};

/* A value as it is, cut when it is long; nothing when it is empty or no room is left. */
static void info_add(struct info *i, const char *name, const char *value)
{
    size_t n = strlen(value), before = i->text.length;

    if (n == 0)
        return;
    if (n > VALUE_MAX)
        n = text_boundary(value, n, VALUE_MAX);
    json_out_member_n(&i->text, name, value, n);
    if (i->text.length <= EVENT_INFO_MAX - INFO_SPARE)
        return;
    i->text.length = before;
    i->text.data[before] = '\0';
    i->left_out++;
}

/* A name stands once in an object: the first one counts. */
static bool is_repeat(const struct alert_pair *pairs, size_t k)
{
    for (size_t i = 0; i < k; i++)
        if (strcmp(pairs[i].name, pairs[k].name) == 0)
            return true;
    return false;
}

static void info_pairs(struct info *i, const char *prefix, const struct alert_pair *pairs,
                       size_t count)
{
    struct buf name;

    buf_init(&name, (size_t)2 * VALUE_MAX);
    for (size_t k = 0; k < count; k++) {
        size_t n = strlen(pairs[k].name);

        if (is_repeat(pairs, k)) {
            i->left_out++;
            continue;
        }
        buf_clear(&name);
        (void)buf_add_text(&name, prefix);
        (void)buf_add(&name, pairs[k].name,
                      n > VALUE_MAX ? text_boundary(pairs[k].name, n, VALUE_MAX) : n);
        info_add(i, buf_text(&name), pairs[k].value);
    }
    buf_done(&name);
}

static void info_list(struct info *i, const char *name, char *const *texts, size_t count)
{
    struct buf all;

    if (count == 0)
        return;
    buf_init(&all, (size_t)2 * VALUE_MAX);
    for (size_t k = 0; k < count && !all.failed; k++) {
        (void)buf_add_text(&all, k == 0 ? "" : ", ");
        (void)buf_add_text(&all, texts[k]);
    }
    info_add(i, name, buf_text(&all));
    buf_done(&all);
}

static void info_time(struct info *i, const char *name, msec_t ms)
{
    char text[CLOCK_ISO_SIZE];

    if (ms == MSEC_NONE)
        return;
    clock_format_iso(ms, text);
    info_add(i, name, text);
}

static void info_identity(struct info *i, const struct alert *a)
{
    char *series = identity_shown(a->series);
    char *instance = a->marked ? identity_shown(a->instance) : NULL;

    info_add(i, "series", series);
    info_add(i, "instance", instance == NULL ? "" : instance);
    free(series);
    free(instance);
}

static void info_place(struct info *i, const struct message *m)
{
    char number[48];

    info_add(i, "kafka_topic", m->topic);
    (void)snprintf(number, sizeof number, "%" PRId32 ":%" PRId64, m->partition, m->offset);
    info_add(i, "kafka_offset", number);
}

static void info_build(struct info *i, const struct row_context *x, const struct alert *a)
{
    (void)buf_add_char(&i->text, '{');
    info_identity(i, a);
    info_add(i, "connection", x->connection);
    info_add(i, "format", a->format);
    info_add(i, "kind", a->kind);
    info_add(i, "part", a->part);
    info_add(i, "rule", a->rule);
    info_add(i, "service", a->service);
    info_add(i, "resource", a->resource);
    info_add(i, "severity", a->severity_text);
    info_time(i, "fired", a->fired);
    info_time(i, "resolved", a->resolved);
    info_place(i, x->message);
    info_list(i, "ci_names", a->ci_names, a->ci_names_count);
    info_list(i, "targets", a->targets, a->targets_count);
    info_pairs(i, "label_", a->labels, a->labels_count);
    info_pairs(i, "link_", a->links, a->links_count);
    if (i->left_out > 0) {
        char number[24];

        (void)snprintf(number, sizeof number, "%zu", i->left_out);
        json_out_member(&i->text, LEFT_OUT, number);
    }
    (void)buf_add_char(&i->text, '}');
}

static void add_info(struct buf *out, const struct row_context *x, const struct alert *a)
{
    struct info i = {.left_out = 0};

    buf_init(&i.text, EVENT_INFO_MAX + 8 * VALUE_MAX * 2);
    info_build(&i, x, a);
    invariant(!i.text.failed);
    json_out_member_n(out, "additional_info", buf_text(&i.text), i.text.length);
    buf_done(&i.text);
}

/* ---------------------------------------------------------------- the event */

static bool is_ours(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        if (strcmp(columns[i], name) == 0)
            return true;
    return false;
}

/* Columns that are none of ours: what is given, then what stands back behind it. */
static void add_others(struct buf *out, const struct given *g)
{
    const char *name;
    json_t *value;

    if (g->columns == NULL)
        return;
    json_object_foreach (g->columns, name, value)
        if (!is_ours(name) && json_string_length(value) > 0)
            add_column(out, name, json_string_value(value), TEXT_MAX);
    if (g->presets == NULL)
        return;
    json_object_foreach (g->presets, name, value)
        if (!is_ours(name) && given_text(g, name) == NULL && json_string_length(value) > 0)
            add_column(out, name, json_string_value(value), TEXT_MAX);
}

/* The title first: an alert's short description is made from the beginning. */
static void add_description(struct buf *out, const struct given *g, const struct alert *a)
{
    const char *given = given_text(g, "description");
    size_t title = strlen(a->title), rest = strlen(a->description);
    struct buf text;

    if (given != NULL) {
        add_column(out, "description", given, TEXT_MAX);
        return;
    }
    if (title > 0 && title + rest + 2 <= TEXT_MAX) { /* as nearly always: no copy */
        json_out_name(out, "description");
        (void)buf_add_char(out, '"');
        json_out_piece(out, a->title, title);
        json_out_piece(out, "\n\n", 2);
        json_out_piece(out, a->description, rest);
        (void)buf_add_char(out, '"');
        return;
    }
    buf_init(&text, 16 * TEXT_MAX);
    (void)buf_add(&text, a->title, incident_fit(a->title, TEXT_MAX));
    (void)buf_add_text(&text, a->title[0] == '\0' ? "" : "\n\n");
    (void)buf_add(&text, a->description, incident_fit(a->description, TEXT_MAX + 1));
    add_column(out, "description", buf_text(&text), TEXT_MAX);
    buf_done(&text);
}

void event_add(struct buf *out, const struct row_context *x, const struct alert *a)
{
    char key[CORRELATION_ID_SIZE];
    struct event_place place;
    struct given g;

    given_for(x->consumer, x->rules, a, &g);
    target_row_key(x->target, x->consumer, a, key);
    (void)buf_add_char(out, '{');
    add_others(out, &g);
    event_place(a, x->consumer, &place);
    add_given(out, &g, "source", place.source);
    add_given(out, &g, "event_class", place.event_class);
    add_given(out, &g, "node", place.node);
    add_given(out, &g, "resource", place.resource);
    add_given(out, &g, "type", place.type);
    add_given(out, &g, "metric_name", place.metric_name);
    json_out_member(out, "message_key", key);
    json_out_member(out, "severity", severity_of(&g, a));
    json_out_member(out, "resolution_state", a->state == ALERT_CLEARED ? "Closing" : "New");
    add_time(out, "time_of_event", time_of(x, a));
    add_description(out, &g, a);
    add_info(out, x, a);
    (void)buf_add_char(out, '}');
    given_done(&g);
}
