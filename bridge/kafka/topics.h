/* The bridge's own topics: made when missing, checked when there (design D10). Asynchronous over
 * the plain producer's handle. Loop thread only. */
#ifndef BRIDGE_KAFKA_TOPICS_H
#define BRIDGE_KAFKA_TOPICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/base/attr.h"
#include "bridge/base/err.h"
#include "bridge/base/loop.h"
#include "bridge/kafka/lookup.h"
#include "bridge/kafka/output.h"

struct topic_wish {
    const char *name;
    bool compacted;              /* cleanup.policy=compact */
    int32_t partitions;          /* -1: the broker's default */
    int32_t replication_factor;  /* -1: the broker's default */
    long long max_message_bytes; /* 0: the broker's default */
};

struct topic_state {
    const char *name; /* that of the wish */
    bool exists, created;
    int32_t partitions; /* 0 when it does not exist */
    /* Class ERR_NONE when fine. Without `exists`: why it is not there (`kafka-topic-missing` when
     * nobody asked to make it) or could not be made. With `exists`: it can be used, but is not as
     * wished (ERR_CONFIG: `topic-not-compacted`, `topic-compacted`, `topic-small-messages`; that is
     * checked only where the rights to read a topic's settings are there). */
    struct err err;
};

/* Called once: one state per wish, in their order. error: the cluster could not be asked at all
 * (then states is NULL); try again later. */
typedef void (*topics_fn)(void *arg, const struct topic_state *states, size_t n,
                          const struct err *error, usec_t now);

/* Asks for metadata, creates what is missing when `create`, asks again. Strings are copied.
 * Creating a topic that somebody else made at the same moment is fine. What was made is logged.
 * fn is never called from inside. The result is good for topics_cancel until fn is called, and may
 * be ignored by an owner that always waits for fn. l, k and o are borrowed until then. */
struct topics *topics_ensure(struct loop *l, struct lookup *k, struct output *o,
                             const struct topic_wish *wishes, size_t n, bool create, topics_fn fn,
                             void *arg);
/* fn will not be called; for a shutdown in the middle, before k and o are freed. NULL is fine. */
void topics_cancel(struct topics *t);

#endif
