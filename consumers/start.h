/* Where a partition starts (design D11, D12): from its commit, or, the very first time, from what
 * `start_from` says, committed before the first record is read. Loop thread. */
#ifndef CONSUMERS_START_H
#define CONSUMERS_START_H

#include <stdint.h>

#include "bridge/base/err.h"
#include "bridge/kafka/group.h"
#include "bridge/kafka/lookup.h"
#include "consumers/partitions.h"

struct start;

/* failed(arg, e): the assignment cannot be started for a reason that does not heal (a foreign
 * group): the process has to stop. */
struct start *start_new(const struct config *c, struct partitions *p, struct lookup *k,
                        void (*failed)(void *arg, const struct err *e), void *arg);
struct start *start_free(struct start *s); /* after lookup_free; NULL is fine */

/* A new assignment: starts what has a commit at once, looks up the rest. */
void start_given(struct start *s, struct group *g, uint64_t epoch, const struct group_given *parts,
                 size_t n, usec_t now);
/* The assignment is gone: what was being looked up is forgotten. */
void start_taken(struct start *s);
/* Answer to a commit. True when it was the first commit of new partitions and so has been dealt
 * with. */
bool start_committed(struct start *s, uint64_t epoch, const rd_kafka_topic_partition_list_t *list,
                     const struct err *error, usec_t now);
usec_t start_tick(struct start *s, usec_t now); /* tries failed steps again; next deadline */

#endif
