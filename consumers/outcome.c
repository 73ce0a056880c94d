/* Outcome records as JSON, written as text: one is built for each alert. Of the alert only what
 * names it: no payload, nothing of what alert-identity forbids to copy. */
#include "consumers/outcome.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/buf.h"
#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"
#include "consumers/identity.h"
#include "consumers/json_out.h"
#include "consumers/target.h"

#define OUTCOME_VERSION 1

/* Bounds the record of an alert whose names fill a whole message. */
#define OUTCOME_MAX ((size_t)256 << 20)

static void set_text(struct buf *o, const char *name, const char *text)
{
    json_out_member(o, name, text);
}

static void set_number(struct buf *o, const char *name, long long number)
{
    json_out_name(o, name);
    (void)buf_addf(o, "%lld", number);
}

static void set_time(struct buf *o, const char *name, msec_t ms)
{
    char text[CLOCK_ISO_SIZE];

    if (ms == MSEC_NONE)
        return;
    clock_format_iso(ms, text);
    set_text(o, name, text);
}

/* The separator of joined parts is a control character: people get a bar. */
static void set_joined(struct buf *o, const char *name, const char *joined)
{
    char *text = xstrdup(joined);

    for (char *p = text; *p != '\0'; p++)
        if (*p == ALERT_SEP[0])
            *p = '|';
    set_text(o, name, text);
    free(text);
}

static void add_alert(struct buf *o, const struct alert *a, const char *instance)
{
    static const char *const states[] = {
        [ALERT_FIRING] = "firing", [ALERT_CLEARED] = "cleared", [ALERT_NOTE] = "note"};

    json_out_name(o, "alert");
    (void)buf_add_char(o, '{');
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
    (void)buf_add_char(o, '}');
}

static void add_source(struct buf *o, const struct unit *u, size_t index)
{
    const struct message *m = &u->message;

    json_out_name(o, "source");
    (void)buf_add_char(o, '{');
    set_text(o, "topic", m->topic);
    set_number(o, "partition", m->partition);
    set_number(o, "offset", (long long)m->offset);
    set_number(o, "index", (long long)index);
    set_time(o, "timestamp", m->timestamp);
    (void)buf_add_char(o, '}');
}

static void add_record(struct buf *o, const struct config *c, const struct ending *how)
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

static void add_notes(struct buf *o, const struct alert *a, const struct ending *how)
{
    json_out_name(o, "notes");
    (void)buf_add_char(o, '[');
    for (size_t k = 0; k < a->notes_count; k++) {
        (void)buf_add_text(o, k == 0 ? "" : ",");
        json_out_string(o, a->notes[k], strlen(a->notes[k]));
    }
    if (how->note != NULL) {
        (void)buf_add_text(o, a->notes_count == 0 ? "" : ",");
        json_out_string(o, how->note, strlen(how->note));
    }
    (void)buf_add_char(o, ']');
}

/* Names of the rules that hold, where there are any. */
static void add_rules(struct buf *o, const struct unit *u, const struct alert *a)
{
    struct ruling g;

    rules_decide(u->rules, a, &g);
    if (g.count > 0) {
        json_t *names = ruling_names(u->rules, &g);
        char *text = json_dumps(names, JSON_COMPACT);

        if (text == NULL)
            panic("jansson cannot print the names of rules (out of memory?)");
        json_out_name(o, "rules");
        (void)buf_add_text(o, text);
        free(text);
        json_decref(names);
    }
    ruling_done(&g);
}

static void add_result(struct buf *o, const struct item *i, const struct alert *a,
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
        set_number(o, "http_status", how->http_status);
    set_number(o, "attempts", i->attempts);
    if (a->own_time != MSEC_NONE)
        set_number(o, "delay_ms", (long long)(wall - a->own_time));
    set_time(o, "time", wall);
}

char *outcome_build(const struct config *c, struct item *i, const struct ending *how, msec_t wall,
                    char **ret_key, char **ret_id)
{
    const struct alert *a = item_alert(i);
    const struct message *m = &i->unit->message;
    char *instance = identity_instance(a, how->generation);
    struct keys keys;
    struct buf o;

    if (target_is_rows(i->target))
        target_row_key(i->target, i->unit->consumer, a, keys.correlation_id);
    else
        identity_keys(a, c->connection.record_namespace, how->table, how->generation, &keys);
    *ret_key = xstrdup(keys.correlation_id);
    *ret_id = xasprintf("%s/%d/%lld/%zu/%s", m->topic, m->partition, (long long)m->offset, i->index,
                        how->operation);
    buf_init(&o, OUTCOME_MAX);
    (void)buf_add_char(&o, '{');
    set_number(&o, "version", OUTCOME_VERSION);
    set_text(&o, "id", *ret_id);
    set_text(&o, "connection", c->connection.name);
    set_text(&o, "instance", c->connection.host);
    set_text(&o, "correlation_id", keys.correlation_id);
    add_alert(&o, a, instance);
    add_source(&o, i->unit, i->index);
    add_result(&o, i, a, how, wall);
    add_rules(&o, i->unit, a);
    add_record(&o, c, how);
    add_notes(&o, a, how);
    (void)buf_add_char(&o, '}');
    if (o.failed)
        panic("an outcome record cannot be built (out of memory?)");
    free(instance);
    return buf_take(&o, NULL);
}
