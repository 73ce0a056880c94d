/* The alert partitions that this process has or had: which consumers entry they belong to, their
 * offsets, and the commits (design D5, D11, D12). Loop thread. */
#ifndef CONSUMERS_PARTITIONS_H
#define CONSUMERS_PARTITIONS_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/base/clock.h"
#include "bridge/base/err.h"
#include "bridge/config/config.h"
#include "consumers/offsets.h"
#include "consumers/rules.h"

struct partition {
    char *topic;
    int32_t number;
    const struct config_consumer *consumer;
    struct rules *rules;     /* of the consumers entry; borrowed, NULL: none */
    uint64_t epoch;          /* of the present or last assignment */
    uint64_t tracker;        /* number of `offsets`: tickets of an older one mean nothing to it */
    struct offsets *offsets; /* NULL while not assigned, or not started yet */
    msec_t cut;              /* design D12; MSEC_NONE: not known */
    int64_t end;             /* OFFSETS_NONE: not known */
    usec_t settle_until; /* content updates of its records wait: taken over from another owner */
    bool paused;         /* nothing is read of it: see flow.c */
    bool paused_said;
    bool deep; /* an alert of it has too many messages in memory: the lane of this key */
    unsigned char deep_key[16];
    rd_kafka_resp_err_t commit_trouble; /* of the last commit: each is said once */
    struct partition *next;
};

struct partitions;

struct partitions *partitions_new(const struct config *c);
struct partitions *partitions_free(struct partitions *p); /* NULL is fine */

/* The consumers entry that this topic belongs to: the first whose list names or matches it. NULL:
 * none (a regular expression of librdkafka's that we do not share). */
const struct config_consumer *partitions_consumer(const struct partitions *p, const char *topic);

/* Made when it is not known yet; stays until partitions_free. */
struct partition *partitions_get(struct partitions *p, const char *topic, int32_t number);
struct partition *partitions_find(struct partitions *p, const char *topic,
                                  int32_t number);        /* NULL */
struct partition *partitions_first(struct partitions *p); /* list by `next` */

/* The partition begins an assignment at `position`; an older tracker is dropped. */
void partition_assign(struct partition *x, uint64_t epoch, int64_t position);
void partition_release(struct partition *x); /* drops the tracker */

/* What there is to commit, as librdkafka wants it; NULL when nothing changed. Caller owns it. */
rd_kafka_topic_partition_list_t *partitions_commit_list(struct partitions *p);
/* The commit with this list was answered. True when a partition of it was refused: it stays to be
 * committed, and is tried again at the usual pace. */
bool partitions_committed(struct partitions *p, uint64_t epoch,
                          const rd_kafka_topic_partition_list_t *list);
/* One commit element for a partition's first commit. */
void partitions_add_first(struct partitions *p, rd_kafka_topic_partition_list_t *list,
                          const struct partition *x, int64_t offset);

/* Is the map of this partition at its bound, so that it must not be read further? */
bool partitions_map_full(const struct partitions *p, struct partition *x);

#endif
