/* What librdkafka can only ask blocking (offsets by time, metadata) on a helper thread with a
 * mailbox; questions are answered in order. Over the plain producer's handle: on the consumer's
 * they would wait behind the fetch. All calls but the helper's own work: loop thread. */
#ifndef BRIDGE_KAFKA_LOOKUP_H
#define BRIDGE_KAFKA_LOOKUP_H

#include <librdkafka/rdkafka.h>

#include "bridge/base/attr.h"
#include "bridge/base/err.h"
#include "bridge/base/loop.h"

/* Bound of one call to the cluster; after it the answer is an error and the caller may ask again.
 */
#define LOOKUP_TIMEOUT_MS 5000

struct lookup;

struct lookup *lookup_new(struct loop *l, rd_kafka_t *rk); /* rk borrowed; starts the thread */
/* Answers still wanted are dropped without their callback. Waits for the call under way, which is
 * bounded by its time-out (LOOKUP_TIMEOUT_MS). NULL is fine. */
struct lookup *lookup_free(struct lookup *k);

/* The list's offset fields hold a time in ms, or RD_KAFKA_OFFSET_END / RD_KAFKA_OFFSET_BEGINNING.
 * Takes the list. In the answer each element holds its offset (for a time after the last record:
 * -1 = RD_KAFKA_OFFSET_END) and its own error. The answer's list is borrowed. */
typedef void (*lookup_offsets_fn)(void *arg, const rd_kafka_topic_partition_list_t *list,
                                  const struct err *error, usec_t now);
void lookup_offsets(struct lookup *k, rd_kafka_topic_partition_list_t *list, lookup_offsets_fn fn,
                    void *arg);

/* Metadata of one topic (NULL: of all). Borrowed in the answer. */
typedef void (*lookup_metadata_fn)(void *arg, const struct rd_kafka_metadata *md,
                                   const struct err *error, usec_t now);
void lookup_metadata(struct lookup *k, const char *topic, lookup_metadata_fn fn, void *arg);

/* The questions asked with this `arg` need no answer any more: their callbacks are not called. For
 * an owner that ends before its answers. */
void lookup_cancel(struct lookup *k, const void *arg);

#endif
