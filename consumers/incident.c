/* Bodies of the requests that create, change and resolve records (design D4): only a create and a
 * resolve hold state and close fields and the stamp; an update holds content alone. */
#include "consumers/incident.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/digest.h"
#include "consumers/event.h"
#include "consumers/expire.h"
#include "consumers/given.h"
#include "consumers/incident_text.h"

/* Impact and urgency by severity 0..4: priorities 1 to 5. Unknown: the last. */
static const char *const impacts[] = {"1", "2", "2", "2", "3"};
static const char *const urgencies[] = {"1", "1", "2", "3", "3"};

/* Everything that comes here is UTF-8: messages and configuration are refused when they are not,
 * and what is cut is cut between characters. */
static void set(json_t *body, const char *column, const char *value)
{
    (void)json_object_set_new_nocheck(body, column, json_string_nocheck(value));
}

static void set_given(json_t *body, const char *column, const char *value)
{
    if (value[0] != '\0')
        set(body, column, value);
}

/* Takes the value. */
static void set_take(json_t *body, const char *column, char *value)
{
    set(body, column, value);
    free(value);
}

static void set_stamp(json_t *body, const struct stamp *stamp)
{
    char text[STAMP_SIZE];

    stamp_format(stamp, text);
    set(body, "correlation_display", text);
}

/* Shorter ones are no columns for texts: a dictionary that says so is not believed. */
#define ROOM_LEAST 20

static size_t room_of(const struct incident_context *x, const char *column, size_t usual,
                      size_t least)
{
    const struct column *c = x->columns == NULL ? NULL : columns_find(x->columns, column);
    size_t room = c == NULL || c->max_length < ROOM_LEAST ? usual : c->max_length;

    return room < least ? least : room > INCIDENT_TEXT_MOST ? INCIDENT_TEXT_MOST : room;
}

static void keep_whole(const struct incident_context *x, const char *column, const char *text)
{
    if (x->whole == NULL)
        return;
    (void)buf_addf(x->whole, "%sThe whole text of %s:\n", x->whole->length == 0 ? "" : "\n\n",
                   column);
    (void)buf_add(x->whole, text, incident_fit(text, INCIDENT_TEXT_MOST));
}

/* Sets what is given for the column and tells whether anything is; "" leaves it out. Room for more
 * than the column may have: what the instance knows of it is put to use by values_resolve. */
static bool set_from(const struct incident_context *x, json_t *body, const struct given *g,
                     const char *column)
{
    size_t room = x->columns == NULL ? INCIDENT_TEXT_MAX : INCIDENT_TEXT_MOST;
    const char *text = given_text(g, column);

    if (text != NULL && text[0] != '\0')
        set_take(body, column, incident_column(column, text, room));
    return text != NULL;
}

static void set_severity(const struct incident_context *x, json_t *body, const struct given *g,
                         const struct alert *a)
{
    int severity = a->severity >= 0 && a->severity <= 4 ? a->severity : 4;

    if (x->shape->event_severity) {
        set(body, "severity", event_fire_severity(given_text(g, "severity"), a));
        return;
    }
    if (!set_from(x, body, g, "impact"))
        set(body, "impact", impacts[severity]);
    if (!set_from(x, body, g, "urgency"))
        set(body, "urgency", urgencies[severity]);
}

static void set_short_description(const struct incident_context *x, json_t *body,
                                  const struct given *g, const struct alert *a)
{
    size_t room = room_of(x, "short_description", INCIDENT_SHORT_MAX, ROOM_LEAST);
    const char *text = given_text(g, "short_description");
    char *whole = text == NULL ? incident_title(a)
                               : incident_column("short_description", text, INCIDENT_TEXT_MOST);

    if (whole[0] != '\0')
        set_take(body, "short_description", incident_cut(whole, room));
    if (whole[incident_fit(whole, room)] != '\0')
        keep_whole(x, "short_description", whole);
    free(whole);
}

/* A description is never left out: identity and version stand in it. */
static void set_content(const struct incident_context *x, json_t *body, const struct given *g,
                        const struct alert *fire, uint32_t generation,
                        const struct version *content, bool orphan)
{
    size_t room = room_of(x, "description", INCIDENT_TEXT_MAX, INCIDENT_TEXT_LEAST);
    const char *text = given_text(g, "description");
    char expiry[EXPIRE_LINE_SIZE];
    const struct incident_tail tail = {generation, content, expiry};
    bool cut;

    expire_line(x->consumer, x->life != NULL ? x->life : &x->consumer->life, expiry);

    text = text != NULL ? text : fire->description;
    set_short_description(x, body, g, fire);
    set_take(body, "description", incident_description(fire, text, &tail, orphan, room, &cut));
    if (cut)
        keep_whole(x, "description", text);
    set_severity(x, body, g, fire);
}

static bool is_content(const struct target_table *shape, const char *column)
{
    static const char *const names[] = {"short_description", "description", "impact", "urgency"};

    if (shape->event_severity && strcmp(column, "severity") == 0)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(column, names[i]) == 0)
            return true;
    return false;
}

/* The columns that are set once: they go in first, so that nothing of ours can be overridden. */
static void set_once(const struct incident_context *x, json_t *body, const struct given *g)
{
    size_t room = x->columns == NULL ? INCIDENT_TEXT_MAX : INCIDENT_TEXT_MOST;
    const char *column;
    json_t *value;

    json_object_foreach (g->presets, column, value)
        if (json_string_length(value) > 0)
            set_take(body, column, incident_column(column, json_string_value(value), room));
    json_object_foreach (g->columns, column, value) {
        if (is_content(x->shape, column))
            continue;
        (void)json_object_del(body, column);
        (void)set_from(x, body, g, column);
    }
}

/* Takes the notes. */
static void set_over(json_t *body, const struct incident_context *x, char *close_notes)
{
    set(body, x->shape->state_column, x->shape->resolved);
    if (x->shape->code != NULL)
        set_given(body, x->shape->code, x->close_code);
    for (const char *const *notes = x->shape->notes; *notes != NULL; notes++)
        set(body, *notes, close_notes);
    free(close_notes);
}

static void set_resolved(json_t *body, const struct incident_context *x, const struct alert *clear,
                         bool orphan)
{
    set_over(body, x, incident_close_notes(clear, orphan));
}

#define PLACE_MAX ((size_t)100)

/* Where Event Management has the thing that an alert is about. */
static void set_place(json_t *body, const struct incident_context *x, const struct given *g,
                      const struct alert *fire)
{
    struct event_place place;

    event_place(fire, x->consumer, &place);
    const struct {
        const char *column, *value;
    } columns[] = {
        {"source", place.source}, {"event_class", place.event_class},
        {"node", place.node},     {"resource", place.resource},
        {"type", place.type},     {"metric_name", place.metric_name},
    };
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        if (given_text(g, columns[i].column) == NULL && columns[i].value[0] != '\0')
            set_take(body, columns[i].column,
                     incident_column(columns[i].column, columns[i].value, PLACE_MAX));
}

static json_t *new_record(const struct incident_context *x, const struct alert *fire,
                          uint32_t generation, const struct version *content,
                          const struct stamp *stamp, bool orphan)
{
    json_t *body = json_object();
    struct given given;
    struct keys keys;

    given_for(x->consumer, x->rules, fire, &given);
    set_once(x, body, &given);
    identity_keys(fire, x->record_namespace, x->table, generation, &keys);
    set(body, "sys_id", keys.sys_id);
    set(body, x->shape->key, keys.correlation_id);
    if (x->shape->stamped)
        set_stamp(body, stamp);
    if (x->shape->event_severity)
        set_place(body, x, &given, fire);
    set_content(x, body, &given, fire, generation, content, orphan);
    if (given_text(&given, "contact_type") == NULL)
        set_given(body, "contact_type", x->contact_type);
    if (given_text(&given, "cmdb_ci") == NULL)
        set_given(body, "cmdb_ci", x->cmdb_ci);
    set_given(body, x->shape->state_column, x->shape->opened);
    given_done(&given);
    return body;
}

json_t *incident_create(const struct incident_context *x, const struct alert *fire,
                        uint32_t generation, const struct version *content,
                        const struct stamp *stamp)
{
    return new_record(x, fire, generation, content, stamp, false);
}

json_t *incident_create_resolved(const struct incident_context *x, const struct alert *fire,
                                 const struct alert *clear, uint32_t generation,
                                 const struct version *content, const struct stamp *stamp)
{
    bool orphan = fire == clear;
    json_t *body = new_record(x, fire, generation, content, stamp, orphan);

    set_resolved(body, x, clear, orphan);
    return body;
}

static const char *whole_of(const struct incident_context *x)
{
    return x->whole == NULL ? "" : buf_text(x->whole);
}

json_t *incident_update(const struct incident_context *x, const struct alert *fire,
                        uint32_t generation, const struct version *content)
{
    json_t *body = json_object();
    struct given given;

    given_for(x->consumer, x->rules, fire, &given);
    set_content(x, body, &given, fire, generation, content, false);
    set_take(body, "work_notes", incident_update_note(fire, whole_of(x), content));
    given_done(&given);
    return body;
}

json_t *incident_resolve(const struct incident_context *x, const struct alert *clear,
                         const struct stamp *stamp)
{
    json_t *body = json_object();

    set_resolved(body, x, clear, false);
    if (x->shape->stamped)
        set_stamp(body, stamp);
    return body;
}

json_t *incident_expire(const struct incident_context *x, long long hours,
                        const struct stamp *stamp)
{
    json_t *body = json_object();

    set_over(body, x, incident_expire_note(hours, NULL));
    set_take(body, "work_notes", incident_expire_note(hours, &stamp->version));
    set_stamp(body, stamp);
    return body;
}

json_t *incident_stamp(const struct stamp *stamp)
{
    json_t *body = json_object();

    set_stamp(body, stamp);
    return body;
}

json_t *incident_note(const struct incident_context *x, const struct alert *clear,
                      const struct stamp *stamp, const char *why)
{
    json_t *body = json_object();

    set_take(body, "work_notes", incident_hold_note(clear, &stamp->version, why));
    if (x->shape->stamped)
        set_stamp(body, stamp);
    return body;
}

json_t *incident_reopen(const struct incident_context *x, const struct alert *fire,
                        uint32_t generation, const struct version *content,
                        const struct stamp *stamp)
{
    json_t *body = incident_update(x, fire, generation, content);

    set(body, x->shape->state_column, x->shape->taken_up);
    set_take(body, "work_notes", incident_refire_note(fire, whole_of(x), content, true));
    set_stamp(body, stamp);
    return body;
}

json_t *incident_refire(const struct alert *fire, const struct stamp *stamp)
{
    json_t *body = json_object();

    set_take(body, "work_notes", incident_refire_note(fire, "", &stamp->version, false));
    set_stamp(body, stamp);
    return body;
}

static void add_to_digest(struct digest *d, const char *text, size_t length)
{
    digest_add(d, text, length);
    digest_add(d, "", 1);
}

uint64_t incident_content_digest(const json_t *body)
{
    static const char *const columns[] = {"short_description", "impact", "urgency", "severity"};
    const char *description = json_string_value(json_object_get(body, "description"));
    const char *last = description == NULL ? NULL : strrchr(description, '\n');
    struct digest *d = digest_new();
    char hex[DIGEST_HEX_SIZE];

    for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
        const char *text = json_string_value(json_object_get(body, columns[i]));

        add_to_digest(d, text == NULL ? "" : text, text == NULL ? 0 : strlen(text));
    }
    if (description != NULL)
        add_to_digest(d, description,
                      last == NULL ? strlen(description) : (size_t)(last - description));
    digest_finish(d, hex);
    hex[16] = '\0';
    return strtoull(hex, NULL, 16);
}

json_t *incident_remark(const struct alert *note, const struct version *v)
{
    json_t *body = json_object();

    set_take(body, "work_notes", incident_remark_note(note, v));
    return body;
}
