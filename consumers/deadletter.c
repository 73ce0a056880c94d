/* Building a dead letter. Cause and coordinates go into headers, so that the value stays what the
 * sender wrote, byte for byte, unless the topic cannot take its size: then it is cut and the
 * headers say so, with length and digest of the whole. */
#include "consumers/deadletter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/buf.h"
#include "bridge/base/digest.h"
#include "bridge/base/xalloc.h"

#define OWN_HEADERS 32

/* Headers that this file makes: names static, values owned. */
struct own {
    struct output_header *headers;
    size_t count;
    char *values[OWN_HEADERS];
    size_t values_count;
};

static void add(struct own *o, const char *name, char *value)
{
    o->values[o->values_count++] = value;
    o->headers[o->count++] =
        (struct output_header){.name = name, .value = value, .length = strlen(value)};
}

static void add_text(struct own *o, const char *name, const char *value)
{
    add(o, name, xstrdup(value));
}

static void add_number(struct own *o, const char *name, long long value)
{
    add(o, name, xasprintf("%lld", value));
}

static void add_time(struct own *o, const char *name, msec_t ms)
{
    char text[CLOCK_ISO_SIZE];

    clock_format_iso(ms, text);
    add_text(o, name, text);
}

static void add_cause(struct own *o, const struct deadletter *d)
{
    add_text(o, "itsm-bridge-version", "1");
    add_text(o, "itsm-bridge-connection", d->config->connection.name);
    add_text(o, "itsm-bridge-consumer", d->unit->consumer->name);
    add_text(o, "itsm-bridge-class", d->why->code);
    add_text(o, "itsm-bridge-reason", d->why->text);
    if (d->http_status != 0)
        add_number(o, "itsm-bridge-http-status", d->http_status);
    add_number(o, "itsm-bridge-attempts", d->attempts);
    add_time(o, "itsm-bridge-first-time", d->unit->read_at);
    add_time(o, "itsm-bridge-last-time", d->now);
    if (d->index != SIZE_MAX)
        add_number(o, "itsm-bridge-alert-index", (long long)d->index);
    if (d->sys_id[0] != '\0')
        add_text(o, "itsm-bridge-sys-id", d->sys_id);
}

static void add_source(struct own *o, const struct message *m)
{
    add_text(o, "itsm-bridge-topic", m->topic);
    add_number(o, "itsm-bridge-partition", m->partition);
    add_number(o, "itsm-bridge-offset", m->offset);
    add_text(o, "__connect.errors.topic", m->topic);
    add_number(o, "__connect.errors.partition", m->partition);
    add_number(o, "__connect.errors.offset", m->offset);
}

static void add_connect(struct own *o, const struct deadletter *d)
{
    add_text(o, "__connect.errors.connector.name", d->unit->consumer->name);
    add_text(o, "__connect.errors.task.id", "0");
    add_text(o, "__connect.errors.stage", d->index == SIZE_MAX ? "VALUE_CONVERTER" : "TASK_PUT");
    add_text(o, "__connect.errors.class.name", "itsm-bridge");
    add(o, "__connect.errors.exception.class.name", xasprintf("itsm-bridge.%s", d->why->code));
    add_text(o, "__connect.errors.exception.message", d->why->text);
}

static void add_cut(struct own *o, const struct message *m, size_t kept)
{
    char digest[DIGEST_HEX_SIZE];

    digest_hex(m->value, m->value_length, digest);
    add_number(o, "itsm-bridge-value-length", (long long)m->value_length);
    add_number(o, "itsm-bridge-value-kept", (long long)kept);
    add_text(o, "itsm-bridge-value-sha256", digest);
}

int deadletter_send(struct output *o, const struct deadletter *d, output_fn fn, void *arg,
                    struct err *e)
{
    const struct message *m = &d->unit->message;
    size_t theirs = d->headers_kept ? m->headers_count : 0;
    struct own own = {.headers = xcalloc(theirs + OWN_HEADERS, sizeof *own.headers)};
    size_t kept = m->value_length < d->value_max ? m->value_length : d->value_max;
    struct output_record r = {.topic = d->config->topics.dead_letter,
                              .partition = -1,
                              .key = m->key,
                              .key_length = m->key_length,
                              .value = m->value,
                              .value_length = kept,
                              .timestamp = m->timestamp == MSEC_NONE ? 0 : m->timestamp};
    int rc;

    for (size_t i = 0; i < theirs; i++)
        own.headers[own.count++] = (struct output_header){.name = m->headers[i].name,
                                                          .value = m->headers[i].value,
                                                          .length = m->headers[i].length};
    add_cause(&own, d);
    add_source(&own, m);
    add_connect(&own, d);
    if (kept < m->value_length)
        add_cut(&own, m, kept);
    r.headers = own.headers;
    r.headers_count = own.count;
    rc = output_send(o, &r, fn, arg, e);
    for (size_t i = 0; i < own.values_count; i++)
        free(own.values[i]);
    free(own.headers);
    return rc;
}
