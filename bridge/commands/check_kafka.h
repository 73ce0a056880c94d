/* Between the files that ask Kafka for the checklist. Main thread. */
#ifndef BRIDGE_COMMANDS_CHECK_KAFKA_H
#define BRIDGE_COMMANDS_CHECK_KAFKA_H

#include <librdkafka/rdkafka.h>

#include "bridge/commands/check_parts.h"
#include "bridge/commands/check_topics.h"

struct check_kafka {
    const struct config *c;
    struct check_report *report;
    const struct check_options *options;
    rd_kafka_t *rk;                      /* plain producer: metadata and admin calls */
    const struct rd_kafka_metadata *all; /* NULL: no broker has answered */
    struct check_topic *topics;
    size_t count;
};

/* Tries the rights: reads, the group's offsets, a transaction. Fills `readable` and `writable` of
 * the topics, and adds the lines of group and transactions. Joins no group, commits nothing. */
void check_rights(struct check_kafka *d);

#endif
