/* The consumer group: one consumer that subscribes to the alert topics and, when tables are
 * published, to the state topic (design D5, D8, D10). Mechanics only: what an offset means and
 * where a partition starts is decided by the owner through the callbacks. Loop thread only.
 *
 * At ASSIGN: committed offsets and metadata of the given partitions are read (asynchronously), then
 * `given` is called; the owner answers with group_start for every partition, at once or later; when
 * all have been answered the partitions are assigned with absolute offsets and forwarded to the
 * data queue (alerts) or the state queue. State partitions start at their beginning and are never
 * committed.
 */
#ifndef BRIDGE_KAFKA_GROUP_H
#define BRIDGE_KAFKA_GROUP_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/base/attr.h"
#include "bridge/base/err.h"
#include "bridge/base/loop.h"
#include "bridge/base/metrics.h"
#include "bridge/config/config.h"
#include "bridge/kafka/lookup.h"

#define GROUP_NO_OFFSET INT64_C(-1001)

struct group_given {
    const char *topic;
    int32_t partition;
    int64_t committed;    /* GROUP_NO_OFFSET: none */
    const char *metadata; /* of the commit, NUL-terminated printable text, "" when none */
    /* Of a commit of another partition of this topic, whoever owns it: tells a partition that was
     * added later from a first start. "" when there is none. */
    const char *sibling;
    int64_t sibling_committed; /* the offset of that commit */
};

enum group_loss {
    GROUP_REVOKED, /* in an orderly way: a commit made inside `taken` is still stored */
    GROUP_LOST,    /* the session is gone: somebody else may own the partitions already */
};

struct group_callbacks {
    void *arg;
    /* Alert partitions of a new assignment (n may be 0; not called at all when no alert topics are
     * subscribed to). `epoch` rises with every assignment. The owner calls group_start for each of
     * them; until then it may already call group_commit (the first commit of a partition). */
    void (*given)(void *arg, uint64_t epoch, const struct group_given *parts, size_t n, usec_t now);
    /* All alert partitions of the assignment are taken away (eager protocol). The owner may call
     * group_commit once inside (GROUP_REVOKED only), even when another commit is under way. Called
     * exactly when `given` was, whether the partitions had been started or not. */
    void (*taken)(void *arg, uint64_t epoch, enum group_loss loss, usec_t now);
    /* One record of an alert partition, or its end. Called from group_read only. The message is
     * borrowed unless the callback keeps it: it returns true when it took it over (and destroys it
     * with rd_kafka_message_destroy later). */
    bool (*record)(void *arg, uint64_t epoch, rd_kafka_message_t *m, usec_t now);
    void (*end)(void *arg, uint64_t epoch, const char *topic, int32_t partition, int64_t offset,
                usec_t now);
    /* The position of a partition is outside what the broker holds: records were lost before they
     * were read. The owner says it and calls group_seek. */
    void (*out_of_range)(void *arg, uint64_t epoch, const char *topic, int32_t partition,
                         usec_t now);
    /* Answer to group_commit: per partition the offset sent and its error (NULL list and error: the
     * whole commit failed). */
    void (*committed)(void *arg, uint64_t epoch, const rd_kafka_topic_partition_list_t *list,
                      const struct err *error, usec_t now);

    /* The same for partitions of the state topic; may be NULL without one. state_given: when the
     * partitions are in force, that is after all alert partitions were answered. A position that
     * the broker does not hold is answered by reading from the beginning again. */
    void (*state_given)(void *arg, uint64_t epoch, const int32_t *partitions, size_t n, usec_t now);
    void (*state_taken)(void *arg, uint64_t epoch, enum group_loss loss, usec_t now);
    void (*state_record)(void *arg, int32_t partition, const rd_kafka_message_t *m, usec_t now);
    /* Everything before `offset` has been handed over (end of partition, control records included).
     */
    void (*state_end)(void *arg, int32_t partition, int64_t offset, usec_t now);

    /* The consumer can never go on (fenced static member, ...): drop everything, exit 75. */
    void (*fatal)(void *arg, const struct err *error, usec_t now);
};

struct group;

/* topics: names and `^` regular expressions; the bridge's own topics (`excluded`, plain names) are
 * never delivered even when an expression matches them (`given` does not show them); nor are the
 * brokers' own (`__...`) unless they are named. state_topic: NULL = none. Joins at once. */
struct group *group_new(struct loop *l, const struct config *c, const char *const *topics,
                        size_t topics_count, const char *const *excluded, size_t excluded_count,
                        const char *state_topic, struct lookup *k, const struct group_callbacks *cb,
                        struct metrics *m, struct err *e) MUST_CHECK;

/* Where a given partition starts (absolute, or RD_KAFKA_OFFSET_BEGINNING); unknown or outdated
 * epoch: ignored. */
void group_start(struct group *g, uint64_t epoch, const char *topic, int32_t partition,
                 int64_t offset);

/* Reads at most max records from the data queue without waiting, through the record/end callbacks.
 * Returns how many. Not calling it is the back-pressure. */
size_t group_read(struct group *g, size_t max, usec_t now);
/* Is there, or may there be, something to read? (kick of the queue's descriptor) */
bool group_readable(const struct group *g);

/* Commits these offsets with their metadata, asynchronously; the answer comes through `committed`,
 * with the epoch of the call. Takes the list. Left out are partitions that are not of this
 * assignment, and offsets lower than one sent before in this epoch (after group_seek: lower than
 * that). -1 when a commit is already under way (`kafka-commit-busy`, one at a time; a turn of the
 * loop follows each answer), the assignment is over (`kafka-not-member`), or nothing is left
 * (`kafka-commit-empty`); then `committed` is not called. */
int group_commit(struct group *g, uint64_t epoch, rd_kafka_topic_partition_list_t *list,
                 struct err *e) MUST_CHECK;
bool group_committing(const struct group *g);

/* Proof that this member still owns its partitions: a commit of what is committed already, answered
 * after now. A member whose alert partitions have no commit yet, or that has none, commits 0 on a
 * state partition in place of that (nobody reads it). fn(arg, true/false) is called once, never
 * from inside, and not after group_free. False: no proof (lost, no partitions, broker away); ask
 * again when it matters. While the proof is under way group_committing is true. */
void group_confirm(struct group *g, void (*fn)(void *arg, bool ours, usec_t now), void *arg);

void group_pause(struct group *g, const char *topic, int32_t partition);
/* Resumes by seeking to `offset` (a paused partition's prefetch was thrown away). */
void group_resume(struct group *g, const char *topic, int32_t partition, int64_t offset);
void group_seek(struct group *g, const char *topic, int32_t partition, int64_t offset);

/* True from a stall of the loop (a turn that came later than half the session time-out, or
 * librdkafka's word that it was not polled) until a commit made afterwards has been answered
 * without error, or a new assignment begins: somebody else may own the partitions, and nothing must
 * be written for them. The group asks for that answer by itself, each half second, and says both
 * the beginning and the end. Measured, not documented anywhere: after a SIGCONT requests can leave
 * in the very turn in which librdkafka learns of the loss. */
bool group_doubtful(const struct group *g);

bool group_joined(const struct group *g); /* an assignment is in force (it may be empty) */
uint64_t group_epoch(const struct group *g);
const char *group_member_id(const struct group *g); /* "" before the join */

/* Leaves the group: `taken` is called with GROUP_REVOKED, then *done(arg) when the broker has
 * answered. Bounded by the caller: after a missed bound do not free, leave by _exit. */
void group_close(struct group *g, void (*done)(void *arg, usec_t now), void *arg);
/* Only after done (inside it is fine, not inside another callback), or when nothing is outstanding;
 * before the output, the look-up and the loop. Messages that the owner kept must be destroyed
 * before. NULL is fine. */
struct group *group_free(struct group *g);

#endif
