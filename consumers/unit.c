/* Units and items: plain holders of a Kafka record and its decoded alerts. A unit is one block of
 * memory: struct, headers, then key, value and header bytes. */
#include "consumers/unit.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"
#include "consumers/partitions.h"
#include "consumers/parts.h"

/* What malloc and the lists add to each object, roughly. */
#define OVERHEAD 32

struct header_view {
    const char *name;
    const void *value;
    size_t length;
};

static bool header_at(rd_kafka_headers_t *all, size_t i, struct header_view *ret)
{
    return all != NULL && rd_kafka_header_get_all(all, i, &ret->name, &ret->value, &ret->length) ==
                              RD_KAFKA_RESP_ERR_NO_ERROR;
}

static size_t headers_bytes(rd_kafka_headers_t *all, size_t *ret_count)
{
    struct header_view h;
    size_t bytes = 0, n = 0;

    for (; header_at(all, n, &h); n++)
        bytes += strlen(h.name) + 1 + h.length;
    *ret_count = n;
    return bytes;
}

static void *put(char **at, const void *bytes, size_t length)
{
    void *here = *at;

    if (bytes == NULL)
        return NULL;
    memcpy(here, bytes, length);
    *at += length;
    return here;
}

static void copy_headers(struct message_header *to, rd_kafka_headers_t *all, size_t count,
                         char **at)
{
    struct header_view h;

    for (size_t i = 0; i < count && header_at(all, i, &h); i++) {
        to[i].name = put(at, h.name, strlen(h.name) + 1);
        to[i].value = put(at, h.value, h.length);
        to[i].length = h.length;
    }
}

struct unit *unit_new(struct partition *p, uint64_t ticket, const rd_kafka_message_t *record,
                      msec_t wall)
{
    rd_kafka_headers_t *all = NULL;
    rd_kafka_timestamp_type_t type;
    int64_t timestamp = rd_kafka_message_timestamp(record, &type);
    size_t count, bytes;
    struct unit *u;
    struct message_header *headers;
    char *at;

    if (rd_kafka_message_headers(record, &all) != RD_KAFKA_RESP_ERR_NO_ERROR)
        all = NULL;
    bytes = headers_bytes(all, &count) + record->len + record->key_len + sizeof *u +
            count * sizeof *headers;
    u = xcalloc(1, bytes);
    headers = (struct message_header *)(void *)(u + 1);
    at = (char *)(headers + count);
    copy_headers(headers, all, count, &at);
    *u = (struct unit){.consumer = p->consumer,
                       .rules = p->rules,
                       .partition = p,
                       .tracker = p->tracker,
                       .ticket = ticket,
                       .read_at = wall,
                       .bytes = bytes + OVERHEAD};
    u->message = (struct message){
        .topic = p->topic,
        .partition = record->partition,
        .offset = record->offset,
        .timestamp =
            type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE || timestamp < 0 ? MSEC_NONE : timestamp,
        .key = put(&at, record->key, record->key_len),
        .key_length = record->key_len,
        .value = put(&at, record->payload, record->len),
        .value_length = record->len,
        .headers = headers,
        .headers_count = count,
    };
    return u;
}

struct unit *unit_free(struct unit *u)
{
    if (u != NULL)
        alerts_done(&u->spare);
    free(u);
    return NULL;
}

struct item *item_new(struct unit *u, size_t index, struct alert *alert)
{
    struct item *i = xcalloc(1, sizeof *i);

    *i = (struct item){.unit = u, .index = index, .alert = alert};
    i->fact = (struct fact){.state = alert->state,
                            .version = version_of(&u->message),
                            .own_time = alert->own_time,
                            .fired = alert->fired,
                            .life = &u->consumer->life};
    u->bytes += sizeof *i + OVERHEAD;
    return i;
}

struct item *item_free(struct item *i)
{
    if (i != NULL)
        item_forget(i);
    free(i);
    return NULL;
}

static void decode_again(struct unit *u)
{
    alerts_done(&u->spare);
    if (parts_decode(u->consumer, u->rules, &u->message, &u->spare, NULL) != DECODE_OK)
        panic("a message that decoded once does not decode again");
}

const struct alert *item_alert(struct item *i)
{
    struct alerts *spare = &i->unit->spare;

    if (i->alert != NULL)
        return i->alert;
    if (i->index >= spare->count || spare->items[i->index] == NULL)
        decode_again(i->unit);
    invariant(i->index < spare->count);
    i->alert = spare->items[i->index];
    spare->items[i->index] = NULL;
    return i->alert;
}

void item_forget(struct item *i)
{
    i->alert = alert_free(i->alert);
}
