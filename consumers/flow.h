/* Kafka to ServiceNow: the whole interface of consumers/ to the program. Wires intake, lanes,
 * dispatcher, endings and commits together. Loop thread. */
#ifndef CONSUMERS_FLOW_H
#define CONSUMERS_FLOW_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

#include "bridge/base/attr.h"
#include "bridge/base/err.h"
#include "bridge/base/metrics.h"
#include "bridge/config/config.h"
#include "bridge/kafka/group.h"
#include "bridge/kafka/lookup.h"
#include "bridge/kafka/output.h"
#include "bridge/servicenow/snow.h"

struct flow;

/* Borrows everything. failed(arg, e): the process has to stop with this error. */
struct flow *flow_new(const struct config *c, struct snow *s, struct output *o, struct lookup *k,
                      struct metrics *m, void (*failed)(void *arg, const struct err *e), void *arg);
struct flow *
flow_free(struct flow *f); /* after snow_free, output_free and group_free; NULL is fine */

/* From the group's callbacks of the same names. */
void flow_given(struct flow *f, struct group *g, uint64_t epoch, const struct group_given *parts,
                size_t n, usec_t now);
void flow_taken(struct flow *f, uint64_t epoch, enum group_loss loss, usec_t now);
bool flow_record(struct flow *f, uint64_t epoch, rd_kafka_message_t *m, usec_t now);
void flow_end(struct flow *f, uint64_t epoch, const char *topic, int32_t partition, int64_t offset,
              usec_t now);
void flow_out_of_range(struct flow *f, uint64_t epoch, const char *topic, int32_t partition,
                       usec_t now);
void flow_committed(struct flow *f, uint64_t epoch, const rd_kafka_topic_partition_list_t *list,
                    const struct err *error, usec_t now);

/* Reads what there is room for, dispatches, commits; returns the next deadline. */
usec_t flow_tick(struct flow *f, usec_t now);

/* What the instance has of configuration (templates, choices, names) is read again. */
void flow_read_again(struct flow *f);

/* Shutdown: no more intake, nothing new is sent. True when nothing is in flight, every ending is
 * confirmed and the last commit is answered. */
bool flow_drained(struct flow *f, usec_t now);
/* From now on flow_tick only finishes what is under way. */
void flow_drain(struct flow *f);

struct flow_stats {
    size_t waiting, bytes, lanes, ready, in_flight, parked, endings;
    const char *paused; /* why intake does not read; NULL when it does */
};
struct flow_stats flow_stats(const struct flow *f, usec_t now);

#endif
