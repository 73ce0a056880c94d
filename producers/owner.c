/* One partition of the state topic. Order on taking over (design D8): fence, so that nothing of the
 * old owner can commit any more; then the end offset; then the state up to it; then the tables run.
 * A fenced handle is no proof of another owner: once within an hour it is made again, after the
 * group has confirmed that the partition is still ours; two owners that both simply fenced anew
 * would fence each other for ever. */
#include <stdlib.h>

#include "bridge/base/log.h"
#include "bridge/base/xalloc.h"
#include "producers/parts.h"

#define REST_FENCED (1 * USEC_S)
#define REST_MAX    (60 * USEC_S)
#define FORGET      (3600 * USEC_S) /* a fence so long ago was another matter */

/* Lives until the group answers, the owner perhaps not. */
struct confirm {
    struct owner *owner; /* NULL: gone */
};

struct owner *owner_find(struct workitems *w, int32_t partition)
{
    struct owner *o = w->owners;
    while (o != NULL && o->partition != partition)
        o = o->next;
    return o;
}

static void each_table(struct owner *o, void (*fn)(struct table *t, void *arg), void *arg)
{
    for (size_t i = 0; i < o->w->tables_count; i++)
        if (o->w->tables[i].partition == o->partition)
            fn(&o->w->tables[i], arg);
}

static void reset_one(struct table *t, void *arg)
{
    const enum table_phase *phase = arg;
    if (*phase == TABLE_AWAY || t->phase != TABLE_STOPPED)
        table_reset(t, *phase);
}

static void reset_tables(struct owner *o, enum table_phase phase)
{
    each_table(o, reset_one, &phase);
}

static void stop_one(struct table *t, void *arg)
{
    table_stop(t, arg);
}

static void stop(struct owner *o, struct err *why)
{
    o->phase = OWNER_STOPPED;
    each_table(o, stop_one, why);
}

static void note_one(struct table *t, void *arg)
{
    const struct err *why = arg;
    if (t->phase != TABLE_STOPPED)
        t->reason = *why;
}

static void rest(struct owner *o, const struct err *why, usec_t now)
{
    struct err copy = *why;
    usec_t delay = o->failures < 6 ? USEC_S << o->failures : REST_MAX;
    o->failures += o->failures < 6;
    o->phase = OWNER_RESTING;
    o->due = now + delay;
    reset_tables(o, TABLE_LOADING);
    each_table(o, note_one, &copy);
    log_warn("state-partition-waits", "partition=%d\t%s. It is taken over again in %lld s",
             (int)o->partition, why->text, (long long)(delay / USEC_S));
}

/* Taking over ---------------------------------------------------------------------------------- */

static void open_txn(struct owner *o)
{
    char *id = xasprintf("%s.%s.%d", o->w->config->kafka.group_id, o->w->config->topics.state,
                         (int)o->partition);
    o->txn = txn_new(o->w->pool, id, o->w->transactional);
    free(id);
}

static void on_fenced(void *arg, const struct txn_answer *a, usec_t now);

static void fence(struct owner *o)
{
    o->phase = OWNER_FENCING;
    txn_fence(o->txn, on_fenced, o);
}

static void ready_one(struct table *t, void *arg)
{
    const usec_t *now = arg;
    if (t->phase == TABLE_LOADING)
        table_loaded(t, *now);
}

static void try_ready(struct owner *o, usec_t now)
{
    if (o->phase != OWNER_LOADING || o->read_to < o->end)
        return;
    o->phase = OWNER_READY;
    o->failures = 0;
    log_debug("state-read", "partition=%d end=%lld\tThe state of the partition is read",
              (int)o->partition, (long long)o->end);
    each_table(o, ready_one, &now);
}

static void on_end(void *arg, const struct txn_answer *a, usec_t now)
{
    struct owner *o = arg;
    if (a->end != TXN_DONE) {
        rest(o, &a->err, now);
        return;
    }
    o->end = a->offset;
    o->phase = OWNER_LOADING;
    try_ready(o, now);
}

static void no_transactions(struct owner *o, const struct err *why)
{
    struct err e;
    if (o->w->config->topics.exactly_once == EXACTLY_ONCE_REQUIRED) {
        err_set(&e, ERR_CONFIG, "no-transactions",
                "The Kafka cluster has no transactions (%s) and topics.exactly_once is "
                "\"required\". No table is read; set it to \"auto\" to publish at least once, or "
                "use a cluster with transactions",
                why->text);
        stop(o, &e);
        return;
    }
    if (o->w->transactional)
        log_warn("no-transactions",
                 "\tThe Kafka cluster has no transactions (%s). Work items are published at least "
                 "once: after a crash some changes may come twice. With topics.exactly_once = "
                 "\"off\" this is not looked for again",
                 why->text);
    o->w->transactional = false;
    txn_close(o->txn);
    open_txn(o);
    fence(o);
}

static void on_fenced(void *arg, const struct txn_answer *a, usec_t now)
{
    struct owner *o = arg;
    if (a->end == TXN_DONE) {
        o->phase = OWNER_END;
        txn_state_end(o->txn, o->w->config->topics.state, o->partition, on_end, o);
    } else if (a->end == TXN_UNSUPPORTED) {
        no_transactions(o, &a->err);
    } else if (a->end == TXN_FENCED) {
        owner_lost(o, a, now);
    } else {
        rest(o, &a->err, now);
    }
}

struct owner *owner_new(struct workitems *w, int32_t partition, struct group *g, uint64_t epoch)
{
    struct owner *o = xcalloc(1, sizeof(*o));
    o->w = w;
    o->partition = partition;
    o->group = g;
    o->epoch = epoch;
    open_txn(o);
    reset_tables(o, TABLE_AWAY);
    reset_tables(o, TABLE_LOADING);
    fence(o);
    return o;
}

void owner_free(struct owner *o)
{
    if (o->confirm != NULL)
        o->confirm->owner = NULL;
    txn_close(o->txn); /* its answers never come */
    for (size_t i = 0; i < o->w->tables_count; i++)
        if (o->w->tables[i].partition == o->partition) {
            o->w->tables[i].publishing = false;
            table_reset(&o->w->tables[i], TABLE_AWAY);
        }
    free(o);
}

void owner_state_end(struct owner *o, int64_t offset, usec_t now)
{
    if (offset > o->read_to)
        o->read_to = offset;
    try_ready(o, now);
}

/* Losing the handle ---------------------------------------------------------------------------- */

static void on_confirmed(void *arg, bool ours, usec_t now)
{
    struct confirm *c = arg;
    struct owner *o = c->owner;
    free(c);
    if (o == NULL)
        return;
    o->confirm = NULL;
    if (ours) {
        o->phase = OWNER_RESTING;
        o->due = now + REST_FENCED;
        return;
    }
    /* The group will take the partition away; until then nothing is done with it. */
    struct err e;
    err_set(&e, ERR_RETRY, "not-ours",
            "Another process publishes this table; this one waits for the group's next assignment");
    stop(o, &e);
}

static void resumes_one(struct table *t, void *arg)
{
    (void)arg;
    t->was_stopped = true;
}

static void fenced(struct owner *o, const struct err *why, usec_t now)
{
    struct err e;
    bool again = o->fenced_at != 0 && now - o->fenced_at < FORGET;
    o->fenced_at = now;
    if (again) {
        err_set(&e, ERR_FATAL, "fenced-again",
                "The transactional id was fenced twice within an hour (%s). The table is "
                "stopped until the group assigns it anew; look for a second process with the same "
                "group_id and state topic, or a transaction.timeout.ms that is too short",
                why->text);
        stop(o, &e);
        return;
    }
    log_warn("tables-fenced",
             "partition=%d\tThe transactional id was fenced: another process took it, or a "
             "transaction took too long. The tables wait until the group says whose they are",
             (int)o->partition);
    each_table(o, resumes_one, NULL);
    o->phase = OWNER_CONFIRM;
    o->confirm = xcalloc(1, sizeof(*o->confirm));
    o->confirm->owner = o;
    group_confirm(o->group, on_confirmed, o->confirm);
}

void owner_lost(struct owner *o, const struct txn_answer *a, usec_t now)
{
    if (o->phase == OWNER_CONFIRM || o->phase == OWNER_RESTING || o->phase == OWNER_STOPPED)
        return;
    reset_tables(o, TABLE_LOADING);
    if (a->end == TXN_FENCED)
        fenced(o, &a->err, now);
    else
        rest(o, &a->err, now);
}

usec_t owner_step(struct owner *o, usec_t now)
{
    if (o->phase != OWNER_RESTING || o->w->draining)
        return USEC_NEVER;
    if (now < o->due)
        return o->due;
    fence(o);
    return USEC_NEVER;
}
