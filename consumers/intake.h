/* From a Kafka record to items in lanes, or straight to its end (design section 1: source, decode,
 * normalise, lane). Loop thread. */
#ifndef CONSUMERS_INTAKE_H
#define CONSUMERS_INTAKE_H

#include <librdkafka/rdkafka.h>
#include <stddef.h>

#include "bridge/base/metrics.h"
#include "consumers/ends.h"
#include "consumers/lanes.h"
#include "consumers/partitions.h"

struct intake {
    const struct config *config;
    struct lanes *lanes;
    struct ends *ends;
    struct targets *targets; /* owned */
    struct metrics *metrics;
    size_t units, bytes; /* in memory now */
    struct metric *received, *skipped, *finished_before;
};

void intake_init(struct intake *n, const struct config *c, struct lanes *l, struct ends *e,
                 struct metrics *m);
/* When no lane and no item is left. */
void intake_done(struct intake *n);

/* The record was read under this partition's present assignment. */
void intake_record(struct intake *n, struct partition *x, const rd_kafka_message_t *m, usec_t now);
/* A unit that nothing points to any more is freed and no longer counted. */
void intake_free_unit(struct intake *n, struct unit *u);

#endif
