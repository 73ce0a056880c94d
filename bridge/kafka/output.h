/* The plain idempotent producer: outcomes, dead letters, first watermarks; and the handle over
 * which all admin and look-up calls go. One confirmation per record. Loop thread only. */
#ifndef BRIDGE_KAFKA_OUTPUT_H
#define BRIDGE_KAFKA_OUTPUT_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/base/attr.h"
#include "bridge/base/err.h"
#include "bridge/base/loop.h"
#include "bridge/base/metrics.h"
#include "bridge/config/config.h"

struct output;

struct output_header {
    const char *name;
    const void *value;
    size_t length;
};

struct output_record {
    const char *topic;
    int32_t partition; /* -1: by key */
    const void *key;
    size_t key_length;
    const void *value; /* NULL: tombstone */
    size_t value_length;
    const struct output_header *headers;
    size_t headers_count;
    int64_t timestamp; /* ms; 0: now */
};

/* The record is stored by the broker (error NULL), or is not and will not be retried by this part:
 * too large or refused (ERR_REJECT), purged at shutdown, topic missing, out of time (ERR_RETRY), no
 * rights (ERR_AUTH), producer broken (ERR_FATAL). Only ERR_REJECT is the record's own fault: its
 * code is `kafka-too-large` when a smaller one would be taken. Called exactly once, never from
 * inside output_send; may call output_send. */
typedef void (*output_fn)(void *arg, const struct err *error, usec_t now);

/* topics: the output topics whose objects are made at once (else the first record of each waits a
 * second). */
struct output *output_new(struct loop *l, const struct config *c, const char *const *topics,
                          size_t topics_count, struct metrics *m, struct err *e) MUST_CHECK;
struct output *output_free(struct output *o); /* purges what is left, callbacks run */

/* Copies the record. -1 with ERR_RETRY when it cannot be taken now: the local queue is full or the
 * records of a failed batch are being sent again one at a time (both `kafka-queue-full`: try again
 * after a confirmation), or the topic does not exist (`kafka-topic-missing`: try again after a
 * while). -1 with ERR_REJECT when the record can never be sent (too large for the client), with
 * ERR_FATAL when the producer is broken for good. The callback is then not called. A record that
 * failed only because another one of its batch did (librdkafka fails whole batches) is sent again
 * alone before it is given up. */
int output_send(struct output *o, const struct output_record *r, output_fn fn, void *arg,
                struct err *e) MUST_CHECK;

/* Why every record fails from now on (the broker has forgotten or refuses the producer for good);
 * NULL: all is well. Nothing heals that but a new process: leave with exit code 75. Borrowed. */
const struct err *output_broken(const struct output *o);

size_t output_pending(const struct output *o); /* sent, not confirmed */
rd_kafka_t *output_handle(struct output *o);   /* for admin and look-up calls; borrowed */
/* A call over the handle was answered. Before the first one the log says that no broker can be
 * reached; later only while records wait, since the consumer says it as well. */
void output_answered(struct output *o);

#endif
