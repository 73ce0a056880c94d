/* The Kafka side of the demo: librdkafka's mock cluster inside this process, or a broker that the
 * user names; one producer and one reader. Main thread. */
#ifndef DEMO_CLUSTER_H
#define DEMO_CLUSTER_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "bridge/base/attr.h"
#include "bridge/base/err.h"

struct cluster;

/* bootstrap NULL: a mock cluster of our own. What librdkafka has to say goes to `log` (borrowed
 * until cluster_free; NULL throws it away). NULL and *e when there is no cluster. */
struct cluster *cluster_new(const char *bootstrap, FILE *log, struct err *e) MUST_CHECK;
/* Closes both clients, then the mock. NULL is fine. */
void cluster_free(struct cluster *c);

const char *cluster_bootstrap(const struct cluster *c); /* borrowed */
bool cluster_is_mock(const struct cluster *c);

/* The mock needs all topics before the first client comes: it has no admin calls, and its control
 * calls take up to a second once clients are there. A broker: by the admin API, one replica as the
 * broker's default says. */
int cluster_make_topic(struct cluster *c, const char *name, int partitions,
                       struct err *e) MUST_CHECK;

/* Removes topics and the group again; a broker only. What cannot be removed is named in *e. */
int cluster_clean(struct cluster *c, const char *const *topics, size_t n, const char *group,
                  struct err *e) MUST_CHECK;

/* Makes the producer and lets it learn the topic now: the first message to a topic that a handle
 * does not know waits up to a second (librdkafka asks for metadata by a timer). */
int cluster_warm(struct cluster *c, const char *topic, struct err *e) MUST_CHECK;

/* Begins to read these topics from their beginning, all partitions, without a group. They must
 * exist. */
int cluster_read(struct cluster *c, const char *const *topics, size_t n, struct err *e) MUST_CHECK;

/* Sends; key may be NULL. `token` comes back in on_sent. */
int cluster_send(struct cluster *c, const char *topic, const char *key, const char *value,
                 size_t token, struct err *e) MUST_CHECK;

struct cluster_events {
    void *arg;
    /* partition and offset where it lies; why is NULL, or what failed */
    void (*on_sent)(void *arg, size_t token, int32_t partition, int64_t offset, const char *why);
    void (*on_record)(void *arg, const rd_kafka_message_t *m); /* borrowed for the call */
};

/* Serves what has come; waits up to timeout_ms when nothing has. */
void cluster_poll(struct cluster *c, const struct cluster_events *on, int timeout_ms);

#endif
