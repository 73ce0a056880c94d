/* The loop's side of the transaction helper: jobs wait in one list per id; a one-slot mailbox hands
 * the next job over and takes it back after one turn. Ids with jobs stand in a ring, so that one
 * that waits for a broker does not hold up the others. Nothing here talks to Kafka. */
#include "producers/txn.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "bridge/base/log.h"
#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"
#include "producers/txn_job.h"

#define SAY_EVERY   (10 * USEC_S)
#define SERVE_EVERY (30 * USEC_S)

struct txn {
    struct txn_pool *pool;
    char *id;
    struct txn_handle handle;
    struct txn_job *jobs; /* in order; the first may be in the mailbox */
    bool closing;
    struct log_limit waits;
    usec_t serve;            /* when an idle handle's log lines are looked at next */
    struct txn *prev, *next; /* in the pool's list of all ids; its head has the next turn */
};

struct txn_pool {
    struct loop *loop;
    struct loop_tick *tick;
    const struct config *config;
    const char **topics;
    size_t topics_count;
    struct txn *all;
    struct txn_job *running; /* handed over and not taken back */

    pthread_t thread;
    pthread_mutex_t lock; /* guards the four below */
    pthread_cond_t filled;
    struct txn_job *in, *out;
    bool out_finished, quit;
};

static void *helper(void *arg)
{
    struct txn_pool *p = arg;
    pthread_mutex_lock(&p->lock);
    while (!p->quit) {
        if (p->in == NULL) {
            pthread_cond_wait(&p->filled, &p->lock);
            continue;
        }
        struct txn_job *j = p->in;
        p->in = NULL;
        pthread_mutex_unlock(&p->lock);
        bool finished = txn_run(&j->txn->handle, j);
        pthread_mutex_lock(&p->lock);
        p->out = j;
        p->out_finished = finished;
        loop_wake(p->loop);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

void txn_records_free(struct txn_record *records, size_t count)
{
    for (size_t i = 0; i < count; i++)
        workitem_done(&records[i].item);
    free(records);
}

static void job_free(struct txn_job *j)
{
    txn_records_free(j->records, j->count);
    rebuild_free(j->rebuild);
    free(j);
}

static struct txn_job *job_new(struct txn *t, enum txn_kind kind, txn_fn fn, void *arg)
{
    struct txn_job *j = xcalloc(1, sizeof(*j));
    j->kind = kind;
    j->txn = t;
    j->fn = fn;
    j->arg = arg;
    j->answer.too_large = SIZE_MAX;
    atomic_init(&j->cancelled, false);
    LL_APPEND(t->jobs, j);
    return j;
}

static void txn_destroy(struct txn *t)
{
    struct txn_job *j, *tmp;
    txn_handle_destroy(&t->handle); /* before the jobs that its reports point to */
    LL_FOREACH_SAFE(t->jobs, j, tmp)
    {
        job_free(j);
    }
    DL_DELETE(t->pool->all, t);
    free(t->id);
    free(t);
}

/* Hands the next job over when the mailbox is free. */
static void hand_over(struct txn_pool *p)
{
    struct txn *t;
    if (p->running != NULL)
        return;
    DL_FOREACH (p->all, t) {
        if (t->jobs != NULL)
            break;
    }
    if (t == NULL)
        return;
    /* To the end of the ring. */
    DL_DELETE(p->all, t);
    DL_APPEND(p->all, t);
    p->running = t->jobs;
    pthread_mutex_lock(&p->lock);
    p->in = p->running;
    pthread_cond_signal(&p->filled);
    pthread_mutex_unlock(&p->lock);
}

static void say_waiting(struct txn *t, const struct txn_job *j, usec_t now)
{
    unsigned skipped;
    if (j->answer.err.class != ERR_NONE && log_limit_pass(&t->waits, now, SAY_EVERY, &skipped))
        log_warn("transaction-waits", "transactional_id=%s\t%s. It is tried again%s", t->id,
                 j->answer.err.text,
                 j->kind != TXN_KIND_FENCE || !t->handle.transactional
                     ? ""
                     : "; if the cluster has no transactions at all, set topics.exactly_once = "
                       "\"off\"");
}

static void finished(struct txn *t, struct txn_job *j, usec_t now)
{
    LL_DELETE(t->jobs, j);
    if (t->closing) {
        bool last = j->kind == TXN_KIND_CLOSE;
        job_free(j);
        if (last)
            txn_destroy(t);
        return;
    }
    t->serve = now + SERVE_EVERY;
    if (j->fn != NULL)
        j->fn(j->arg, &j->answer, now);
    job_free(j);
}

/* Gives idle handles a turn now and then; returns when the next one is due. */
static usec_t serve_idle(struct txn_pool *p, usec_t now)
{
    usec_t next = USEC_NEVER;
    struct txn *t;
    DL_FOREACH (p->all, t) {
        if (t->jobs != NULL || t->closing)
            continue;
        if (t->serve <= now)
            (void)job_new(t, TXN_KIND_SERVE, NULL, NULL);
        else
            next = usec_min(next, t->serve);
    }
    return next;
}

static usec_t pool_tick(void *arg, usec_t now)
{
    struct txn_pool *p = arg;
    pthread_mutex_lock(&p->lock);
    struct txn_job *j = p->out;
    bool done = p->out_finished;
    p->out = NULL;
    pthread_mutex_unlock(&p->lock);
    if (j != NULL) {
        invariant(j == p->running);
        p->running = NULL;
        loop_again(p->loop); /* who waited for it may have had his tick already */
        if (done)
            finished(j->txn, j, now);
        else
            say_waiting(j->txn, j, now);
    }
    usec_t next = serve_idle(p, now);
    hand_over(p);
    return next;
}

/* The helper must not take the process's signals. */
static int start_thread(struct txn_pool *p)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int r = pthread_create(&p->thread, NULL, helper, p);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return r;
}

struct txn_pool *txn_pool_new(struct loop *l, const struct config *c, const char *const *topics,
                              size_t topics_count, struct err *e)
{
    struct txn_pool *p = xcalloc(1, sizeof(*p));
    p->loop = l;
    p->config = c;
    p->topics = xcalloc(topics_count + 1, sizeof(*p->topics));
    for (size_t i = 0; i < topics_count; i++)
        p->topics[i] = topics[i];
    p->topics_count = topics_count;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->filled, NULL);
    int r = start_thread(p);
    if (r != 0) {
        err_set(e, ERR_FATAL, "thread", "The helper thread for transactions cannot be started: %s",
                strerror(r));
        free(p->topics);
        free(p);
        return NULL;
    }
    p->tick = loop_add_tick(l, pool_tick, p);
    return p;
}

struct txn_pool *txn_pool_free(struct txn_pool *p)
{
    if (p == NULL)
        return NULL;
    loop_remove_tick(p->loop, p->tick);
    if (p->running != NULL)
        atomic_store(&p->running->cancelled, true);
    pthread_mutex_lock(&p->lock);
    p->quit = true;
    pthread_cond_signal(&p->filled);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
    struct txn *t, *tmp;
    DL_FOREACH_SAFE (p->all, t, tmp) {
        txn_destroy(t);
    }
    pthread_cond_destroy(&p->filled);
    pthread_mutex_destroy(&p->lock);
    free(p->topics);
    free(p);
    return NULL;
}

bool txn_pool_idle(const struct txn_pool *p)
{
    const struct txn *t;
    DL_FOREACH (p->all, t) {
        if (t->jobs != NULL && t->jobs->kind != TXN_KIND_SERVE)
            return false;
    }
    return true;
}

struct txn *txn_new(struct txn_pool *p, const char *transactional_id, bool transactional)
{
    struct txn *t = xcalloc(1, sizeof(*t));
    t->pool = p;
    t->id = xstrdup(transactional_id);
    t->handle = (struct txn_handle){
        .config = p->config,
        .id = t->id,
        .transactional = transactional,
        .topics = p->topics,
        .topics_count = p->topics_count,
    };
    DL_APPEND(p->all, t);
    return t;
}

void txn_close(struct txn *t)
{
    if (t == NULL)
        return;
    t->closing = true;
    struct txn_job *j, *tmp;
    LL_FOREACH_SAFE(t->jobs, j, tmp)
    {
        if (j == t->pool->running) {
            atomic_store(&j->cancelled, true);
        } else {
            LL_DELETE(t->jobs, j);
            job_free(j);
        }
    }
    (void)job_new(t, TXN_KIND_CLOSE, NULL, NULL);
    hand_over(t->pool);
}

void txn_fence(struct txn *t, txn_fn fn, void *arg)
{
    (void)job_new(t, TXN_KIND_FENCE, fn, arg);
    hand_over(t->pool);
}

void txn_state_end(struct txn *t, const char *topic, int32_t partition, txn_fn fn, void *arg)
{
    struct txn_job *j = job_new(t, TXN_KIND_END, fn, arg);
    j->topic = topic;
    j->partition = partition;
    hand_over(t->pool);
}

void txn_topic_holds(struct txn *t, const char *topic, txn_fn fn, void *arg)
{
    struct txn_job *j = job_new(t, TXN_KIND_HOLDS, fn, arg);
    j->topic = topic;
    hand_over(t->pool);
}

void txn_rebuild(struct txn *t, struct rebuild *r, txn_fn fn, void *arg)
{
    struct txn_job *j = job_new(t, TXN_KIND_REBUILD, fn, arg);
    j->rebuild = r;
    hand_over(t->pool);
}

void txn_publish(struct txn *t, struct txn_record *records, size_t count, txn_fn fn, void *arg)
{
    struct txn_job *j = job_new(t, TXN_KIND_PUBLISH, fn, arg);
    j->records = records;
    j->count = count;
    hand_over(t->pool);
}
