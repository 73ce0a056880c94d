/* ServiceNow to Kafka: publishes the rows of tables as records, every version once to a
 * read-committed reader (design D8). This is the whole interface of producers/ to the program.
 * Loop thread only; what blocks runs on one helper thread inside. */
#ifndef PRODUCERS_WORKITEMS_H
#define PRODUCERS_WORKITEMS_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "bridge/base/attr.h"
#include "bridge/base/err.h"
#include "bridge/base/loop.h"
#include "bridge/base/metrics.h"
#include "bridge/config/config.h"
#include "bridge/kafka/group.h"
#include "bridge/servicenow/snow.h"

struct workitems;

/* Borrows everything. state_partitions: number of partitions that the state topic really has. */
struct workitems *workitems_new(struct loop *l, const struct config *c, struct snow *s,
                                int32_t state_partitions, struct metrics *m,
                                struct err *e) MUST_CHECK;

/* fn is called when somebody asks (`itsm-bridge resync` without a table) that what the instance has
 * of configuration is read again. Only a process that has a partition of the state topic hears. */
void workitems_on_read(struct workitems *w, void (*fn)(void *arg, usec_t now), void *arg);

/* The partition of the state topic in which the records of a table lie; key:
 * `<connection>/<table>`. */
int32_t workitems_partition(const char *key, int32_t state_partitions);

/* From the group's callbacks of the same names. */
void workitems_state_given(struct workitems *w, struct group *g, uint64_t epoch,
                           const int32_t *partitions, size_t n, usec_t now);
void workitems_state_taken(struct workitems *w, uint64_t epoch, enum group_loss loss, usec_t now);
void workitems_state_record(struct workitems *w, int32_t partition, const rd_kafka_message_t *m,
                            usec_t now);
void workitems_state_end(struct workitems *w, int32_t partition, int64_t offset, usec_t now);

usec_t workitems_tick(struct workitems *w, usec_t now); /* drives everything; next deadline */

/* Shutdown: no new pages; what is being published is finished or aborted. true when idle. */
bool workitems_drain(struct workitems *w, usec_t now);
struct workitems *workitems_free(struct workitems *w); /* NULL is fine */

/* For the status server: calls fn for each table that this process owns or could own. */
struct workitems_table {
    const char *table, *topic;
    const char *phase;  /* "not ours", "loading", "first pull", "resync", "busy", "idle", ... */
    const char *reason; /* of a stop, "" */
    msec_t watermark;   /* MSEC_NONE before the first */
    unsigned long long published;
    usec_t next_poll;
    bool history;                 /* a first pull or a resync runs */
    unsigned long long rows_done; /* of it */
    long long rows_total;         /* -1: not known */
    long long seconds_left;       /* -1: not known */
};
void workitems_each(struct workitems *w, void (*fn)(void *arg, const struct workitems_table *t),
                    void *arg);

#endif
