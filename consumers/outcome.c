/* Outcome records as JSON. Of the alert only what names it: no payload, nothing of what
 * alert-identity forbids to copy. */
#include "consumers/outcome.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"
#include "consumers/identity.h"
#include "consumers/target.h"

#define OUTCOME_VERSION 1

static void set_new(json_t *object, const char *name, json_t *value)
{
    if (value == NULL || json_object_set_new(object, name, value) != 0)
        panic("jansson cannot build an outcome record (out of memory?)");
}

static void set_text(json_t *object, const char *name, const char *text)
{
    set_new(object, name, json_string(text));
}

static void set_time(json_t *object, const char *name, msec_t ms)
{
    char text[CLOCK_ISO_SIZE];

    if (ms == MSEC_NONE)
        return;
    clock_format_iso(ms, text);
    set_text(object, name, text);
}

/* The separator of joined parts is a control character: people get a bar. */
static void set_joined(json_t *object, const char *name, const char *joined)
{
    char *text = xstrdup(joined);

    for (char *p = text; *p != '\0'; p++)
        if (*p == ALERT_SEP[0])
            *p = '|';
    set_text(object, name, text);
    free(text);
}

static json_t *alert_part(const struct alert *a, const char *instance)
{
    static const char *const states[] = {
        [ALERT_FIRING] = "firing", [ALERT_CLEARED] = "cleared", [ALERT_NOTE] = "note"};
    json_t *o = json_object();

    set_text(o, "format", a->format);
    set_text(o, "kind", a->kind);
    set_text(o, "state", states[a->state]);
    set_joined(o, "series", a->series);
    set_joined(o, "instance", instance);
    set_text(o, "rule", a->rule);
    set_text(o, "resource", a->resource);
    set_text(o, "severity", a->severity_text);
    set_time(o, "fired", a->fired);
    set_time(o, "resolved", a->resolved);
    return o;
}

static json_t *source_part(const struct unit *u, size_t index)
{
    const struct message *m = &u->message;
    json_t *o = json_object();

    set_text(o, "topic", m->topic);
    set_new(o, "partition", json_integer(m->partition));
    set_new(o, "offset", json_integer(m->offset));
    set_new(o, "index", json_integer((json_int_t)index));
    set_time(o, "timestamp", m->timestamp);
    return o;
}

static void add_record(json_t *o, const struct config *c, const struct ending *how)
{
    char *link;

    if (how->record == NULL)
        return;
    link = xasprintf("https://%s/nav_to.do?uri=%s.do%%3Fsys_id%%3D%s", c->connection.host,
                     how->table, how->record->sys_id);
    set_text(o, "number", how->record->number);
    set_text(o, "sys_id", how->record->sys_id);
    set_text(o, "link", link);
    free(link);
}

static void add_notes(json_t *o, const struct alert *a, const struct ending *how)
{
    json_t *notes = json_array();

    for (size_t k = 0; k < a->notes_count; k++)
        if (json_array_append_new(notes, json_string(a->notes[k])) != 0)
            panic("jansson cannot build an outcome record (out of memory?)");
    if (how->note != NULL && json_array_append_new(notes, json_string(how->note)) != 0)
        panic("jansson cannot build an outcome record (out of memory?)");
    set_new(o, "notes", notes);
}

/* Names of the rules that hold, where there are any. */
static void add_rules(json_t *o, const struct unit *u, const struct alert *a)
{
    struct ruling g;

    rules_decide(u->rules, a, &g);
    if (g.count > 0)
        set_new(o, "rules", ruling_names(u->rules, &g));
    ruling_done(&g);
}

static void add_result(json_t *o, const struct item *i, const struct alert *a,
                       const struct ending *how, msec_t wall)
{
    set_text(o, "table", how->table);
    set_text(o, "operation", how->operation);
    if (how->why != NULL)
        set_text(o, "why", how->why);
    if (how->err != NULL) {
        set_text(o, "class", how->err->code);
        set_text(o, "reason", how->err->text);
    }
    if (how->http_status != 0)
        set_new(o, "http_status", json_integer(how->http_status));
    set_new(o, "attempts", json_integer(i->attempts));
    if (a->own_time != MSEC_NONE)
        set_new(o, "delay_ms", json_integer(wall - a->own_time));
    set_time(o, "time", wall);
}

char *outcome_build(const struct config *c, struct item *i, const struct ending *how, msec_t wall,
                    char **ret_key, char **ret_id)
{
    const struct alert *a = item_alert(i);
    const struct message *m = &i->unit->message;
    char *instance = identity_instance(a, how->generation);
    json_t *o = json_object();
    struct keys keys;
    char *text;

    identity_keys(a, c->connection.record_namespace, how->table, how->generation, &keys);
    if (target_is_rows(i->target))
        target_row_key(i->target, i->unit->consumer, a, keys.correlation_id);
    *ret_key = xstrdup(keys.correlation_id);
    *ret_id = xasprintf("%s/%d/%lld/%zu/%s", m->topic, m->partition, (long long)m->offset, i->index,
                        how->operation);
    set_new(o, "version", json_integer(OUTCOME_VERSION));
    set_text(o, "id", *ret_id);
    set_text(o, "connection", c->connection.name);
    set_text(o, "instance", c->connection.host);
    set_text(o, "correlation_id", keys.correlation_id);
    set_new(o, "alert", alert_part(a, instance));
    set_new(o, "source", source_part(i->unit, i->index));
    add_result(o, i, a, how, wall);
    add_rules(o, i->unit, a);
    add_record(o, c, how);
    add_notes(o, a, how);
    text = json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER);
    if (text == NULL)
        panic("jansson cannot print an outcome record (out of memory?)");
    json_decref(o);
    free(instance);
    return text;
}
