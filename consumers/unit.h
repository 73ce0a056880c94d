/* One Kafka message on its way: its bytes, its ticket, and how many of its alerts are unfinished.
 * Several alerts of one message are separate items in separate lanes, and one unit for the offset.
 * The bytes are a copy: a message kept in librdkafka's hands would hold its whole fetch answer. */
#ifndef CONSUMERS_UNIT_H
#define CONSUMERS_UNIT_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/base/attr.h"
#include "bridge/config/config.h"
#include "consumers/alert.h"
#include "consumers/message.h"
#include "consumers/reconcile.h"
#include "consumers/rules.h"

struct partition;
struct lane;
struct target;

struct unit {
    struct message message; /* points into this very block; topic: the partition's */
    const struct config_consumer *consumer;
    struct rules *rules;         /* of the consumer; NULL: none */
    struct partition *partition; /* where it came from; it outlives the unit */
    uint64_t tracker;            /* partition->tracker that the ticket is of */
    uint64_t ticket;
    msec_t read_at; /* wall time of intake */
    size_t pending; /* alerts without a confirmed end; the unit ends at 0 */
    size_t bytes;   /* what it holds, for the memory bound */
    /* Decoded together with another alert of this message and not asked for yet: a message of
     * thousands of alerts is decoded again once, not once for each of them. */
    struct alerts spare;
};

/* One alert of a unit. */
struct item {
    struct unit *unit;
    size_t index; /* place in the message's list of alerts */
    struct fact fact;
    struct alert *alert;         /* NULL: decoded again when it is needed */
    struct lane *lane;           /* NULL once it has left its lane */
    const struct target *target; /* what it becomes; borrowed; set by intake */
    unsigned attempts; /* answers that left open whether its write was done; at the end: writes */
    bool lost; /* its partition was taken while it was in flight: it is not tried again here */
    struct item *prev, *next;
};

/* New unit with a copy of the record's bytes. */
struct unit *unit_new(struct partition *p, uint64_t ticket, const rd_kafka_message_t *record,
                      msec_t wall) MUST_CHECK;
struct unit *unit_free(struct unit *u); /* its items are gone; NULL is fine */
/* New item; takes the alert. The unit's `pending` is the caller's business. */
struct item *item_new(struct unit *u, size_t index, struct alert *alert) MUST_CHECK;
struct item *item_free(struct item *i);

/* The item's alert, decoded again if it was let go. Borrowed, never NULL: what decoded once decodes
 * again (same bytes, same configuration snapshot). */
const struct alert *item_alert(struct item *i);
/* Lets the decoded alert go; it costs memory while the item waits. */
void item_forget(struct item *i);

#endif
