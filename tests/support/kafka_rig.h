/* For tests against a real broker: its address, topics of their own, records in them, and waiting
 * for a condition while loops turn. Everything here may block and ends the test on failure. */
#ifndef TESTS_SUPPORT_KAFKA_RIG_H
#define TESTS_SUPPORT_KAFKA_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/base/loop.h"
#include "bridge/config/config.h"

/* The address in ITSM_TEST_KAFKA. Without one the process ends: 77, or 1 when CI=true. */
const char *kafka_rig_address(void);

/* A name that no other test uses: new, caller frees. */
char *kafka_rig_name(const char *prefix);

/* A configuration with the Kafka section filled in. `properties`: name and value in turn, NULL at
 * the end; short sessions are set already. Freed by kafka_rig_config_free. */
struct config *kafka_rig_config(const char *address, const char *group_id,
                                const char *const *properties);
struct config *kafka_rig_config_free(struct config *c);

/* settings: name and value in turn, NULL at the end; may be NULL. */
void kafka_rig_topic(const char *name, int partitions, const char *const *settings);
void kafka_rig_topic_delete(const char *name);
/* Everything before `offset` is gone afterwards. */
void kafka_rig_delete_records(const char *topic, int32_t partition, int64_t offset);

/* n records "0", "1", ... into a partition, confirmed; key = value. */
void kafka_rig_produce(const char *topic, int32_t partition, int n);
/* The same in one transaction, so that a control record follows. */
void kafka_rig_produce_transaction(const char *topic, int32_t partition, int n);

/* Reads a partition from its beginning to its end (read committed): fn is called for each record.
 * Returns their number. */
struct rd_kafka_message_s;
size_t kafka_rig_read(const char *topic, int32_t partition,
                      void (*fn)(void *arg, const struct rd_kafka_message_s *m), void *arg);

/* A setting of a topic as the broker has it: new, caller frees. */
char *kafka_rig_setting(const char *topic, const char *name);

/* Turns the loops until the condition holds; the test fails when it does not within the limit. */
void kafka_rig_until(struct loop *const *loops, size_t n, bool (*is)(void *arg), void *arg,
                     int limit_s);

#endif
