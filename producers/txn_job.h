/* What the two sides of the transaction helper share: internal to txn.c and txn_run.c. A job and
 * the handle of its id are touched by the helper only while the job lies in the mailbox, by the
 * loop thread only while it does not. */
#ifndef PRODUCERS_TXN_JOB_H
#define PRODUCERS_TXN_JOB_H

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>

#include "producers/txn.h"

enum txn_kind {
    TXN_KIND_FENCE,
    TXN_KIND_END,
    TXN_KIND_HOLDS,
    TXN_KIND_REBUILD,
    TXN_KIND_PUBLISH,
    TXN_KIND_CLOSE,
    TXN_KIND_SERVE, /* only drains the log lines of an idle handle; fn NULL */
};

enum txn_step {
    TXN_STEP_START,
    TXN_STEP_PRODUCE,
    TXN_STEP_COMMIT,
    TXN_STEP_ABORT,
    TXN_STEP_STATE, /* without transactions: rows are stored, the state is on its way */
};

/* The helper's view of one id. */
struct txn_handle {
    const struct config *config;
    const char *id;
    bool transactional;
    const char *const *topics;
    size_t topics_count;
    rd_kafka_t *rk;
    rd_kafka_topic_t **objects; /* topics_count of them, while rk is there */
    bool debug;                 /* the user asked for librdkafka's debug lines */
    struct err refused;         /* the cluster has no transactions; class ERR_NONE: not known */
};

struct txn_job {
    enum txn_kind kind;
    struct txn *txn;
    txn_fn fn;
    void *arg;

    const char *topic;
    int32_t partition;
    struct txn_record *records;
    size_t count;
    struct rebuild *rebuild;

    enum txn_step step;
    size_t produced;
    size_t outstanding;         /* without transactions: sent, no report yet */
    rd_kafka_resp_err_t failed; /* first bad report, without transactions */
    atomic_bool cancelled;      /* set by the loop thread at any time */
    struct txn_answer answer;
    struct txn_job *next;
};

/* One turn of a job on the helper thread. Returns true when it is finished (answer filled); false:
 * it wants another turn, answer.err says what it waits for. */
bool txn_run(struct txn_handle *h, struct txn_job *j);
void txn_handle_destroy(struct txn_handle *h); /* helper thread, or any after it has ended */

#endif
