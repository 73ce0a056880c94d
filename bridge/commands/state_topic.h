/* The state topic for commands: read to its end, written to, waited on. Blocking and bounded; joins
 * no group, commits nothing. Main thread. */
#ifndef BRIDGE_COMMANDS_STATE_TOPIC_H
#define BRIDGE_COMMANDS_STATE_TOPIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/base/attr.h"
#include "bridge/base/clock.h"
#include "bridge/base/err.h"
#include "bridge/config/config.h"

struct state_topic;

/* One record; value NULL: a tombstone. Borrowed until the function returns. */
typedef void (*state_record_fn)(void *arg, int32_t partition, const void *key, size_t key_length,
                                const void *value, size_t value_length);

/* Borrows the configuration. NULL when no broker answers or the topic is not there. */
struct state_topic *state_topic_open(const struct config *c, struct err *e) MUST_CHECK;
struct state_topic *state_topic_close(struct state_topic *s); /* NULL is fine */
int32_t state_topic_partitions(const struct state_topic *s);

/* Calls fn with every record from where the last reading ended (at first: the beginning) to the end
 * of all partitions. -1 when that does not come to its end in time. */
int state_topic_read(struct state_topic *s, state_record_fn fn, void *arg,
                     struct err *e) MUST_CHECK;

/* Goes on reading until *stop is set by fn, or the time is over. */
void state_topic_watch(struct state_topic *s, state_record_fn fn, void *arg, const bool *stop,
                       usec_t at_most);

/* Returns when the broker has confirmed the record. value NULL: a tombstone. */
int state_topic_write(struct state_topic *s, int32_t partition, const char *key, const void *value,
                      size_t length, struct err *e) MUST_CHECK;

#endif
