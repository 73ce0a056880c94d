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
    struct err err;     /* why it could not be made or read; class ERR_NONE when fine */
};

/* Called once: one state per wish, in their order. error: the cluster could not be asked at all
 * (then states is NULL); try again later. */
typedef void (*topics_fn)(void *arg, const struct topic_state *states, size_t n,
                          const struct err *error, usec_t now);

/* Asks for metadata, creates what is missing when `create`, asks again. Strings are copied.
 * Creating a topic that somebody else made at the same moment is fine. */
void topics_ensure(struct loop *l, struct lookup *k, struct output *o,
                   const struct topic_wish *wishes, size_t n, bool create, topics_fn fn, void *arg);

#endif
