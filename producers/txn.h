/* Transactions on a helper thread (design D2, D8): librdkafka's init, commit and abort only exist
 * as blocking calls. One helper serves all transactional ids; no call on it blocks longer than
 * TXN_CALL_MS, and after each the next id takes its turn. Jobs of one id run in order, one at a
 * time. All functions here: loop thread only; answers come on the loop thread. */
#ifndef PRODUCERS_TXN_H
#define PRODUCERS_TXN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/base/attr.h"
#include "bridge/base/err.h"
#include "bridge/base/loop.h"
#include "bridge/config/config.h"
#include "producers/rebuild.h"
#include "producers/workitem.h"

#define TXN_CALL_MS 1000

enum txn_end {
    TXN_DONE,
    TXN_AGAIN,       /* not done, nothing of it is visible to read-committed readers */
    TXN_TOO_LARGE,   /* as TXN_AGAIN: a record or a batch is larger than client or topic allows */
    TXN_FENCED,      /* the handle is dead: another owner took the id, or a transaction took longer
                        than transaction.timeout.ms; it does not tell which. Outcome unknown. */
    TXN_DEAD,        /* the handle is dead for another reason; outcome unknown; fence anew */
    TXN_UNSUPPORTED, /* txn_fence only: the brokers have no transactions */
};

struct txn_answer {
    enum txn_end end;
    struct err err;          /* all but TXN_DONE */
    size_t too_large;        /* index of the record that is too large, SIZE_MAX when not known */
    int64_t offset;          /* txn_state_end: end of the partition */
    bool holds;              /* txn_topic_holds: some partition holds records */
    struct rebuild *rebuild; /* txn_rebuild: borrowed */
};

typedef void (*txn_fn)(void *arg, const struct txn_answer *a, usec_t now);

struct txn_pool;
struct txn;

/* One record of a job; what is in `item` is owned by it. partition -1: by key (murmur2, as Java
 * clients do). topic: borrowed, must be one of the pool's and live as long as it. */
struct txn_record {
    const char *topic;
    int32_t partition;
    struct workitem item;
};

/* topics: every topic that will be written (their objects are made with each handle, else the first
 * record of each waits a second). The strings are borrowed. Starts the thread. */
struct txn_pool *txn_pool_new(struct loop *l, const struct config *c, const char *const *topics,
                              size_t topics_count, struct err *e) MUST_CHECK;
/* Waits for the call under way (TXN_CALL_MS at most each), ends the thread, destroys all handles.
 * Answers still wanted are dropped without their callback. NULL is fine. */
struct txn_pool *txn_pool_free(struct txn_pool *p);
bool txn_pool_idle(const struct txn_pool *p); /* no job waits or runs */

/* A transactional id; no handle is made before txn_fence. transactional false: an idempotent
 * producer without transactions, for txn_publish the last record (the state) is sent only after all
 * others are stored. */
struct txn *txn_new(struct txn_pool *p, const char *transactional_id,
                    bool transactional) MUST_CHECK;
/* Drops jobs not yet run (without their callbacks), lets the one under way end, destroys the handle
 * on the helper. The pointer is dead at once. NULL is fine. */
void txn_close(struct txn *t);

/* Makes a new handle and calls init_transactions: aborts or finishes what an earlier owner of the
 * id left behind. Goes on trying while the brokers cannot be reached. */
void txn_fence(struct txn *t, txn_fn fn, void *arg);
/* The end offset of one partition. */
void txn_state_end(struct txn *t, const char *topic, int32_t partition, txn_fn fn, void *arg);
/* Does any partition of the topic hold records? */
void txn_topic_holds(struct txn *t, const char *topic, txn_fn fn, void *arg);
/* Runs the rebuild (taken) to its end; TXN_DONE also when it is not complete, then err says why. */
void txn_rebuild(struct txn *t, struct rebuild *r, txn_fn fn, void *arg);
/* Publishes all records in one transaction. Takes records and the array. An unknown commit outcome
 * is finished by committing again. */
void txn_publish(struct txn *t, struct txn_record *records, size_t count, txn_fn fn, void *arg);

void txn_records_free(struct txn_record *records, size_t count);

#endif
