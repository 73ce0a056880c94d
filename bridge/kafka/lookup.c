/* The look-up thread: takes questions in order, asks the cluster (blocking, bounded), and puts the
 * answers where a tick of the loop finds them. The mutex guards the two lists and the flags of the
 * questions, never a call to the cluster or to a callback. A question belongs to the thread while
 * it is being asked; cancelling only marks it. */
#include "bridge/kafka/lookup.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"
#include "bridge/kafka/client.h"

struct question {
    lookup_offsets_fn offsets;
    lookup_metadata_fn metadata;
    void *arg;
    bool cancelled;
    rd_kafka_topic_partition_list_t *list; /* offsets: question and answer */
    char *topic;                           /* metadata: NULL = all */
    const struct rd_kafka_metadata *md;
    struct err err;
    struct question *prev, *next;
};

struct lookup {
    struct loop *loop;
    rd_kafka_t *rk;
    struct loop_tick *tick;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t more;
    struct question *asked, *under_way, *answered; /* under the mutex, as is `stop` */
    bool stop;
};

static void question_free(struct question *q)
{
    if (q->list != NULL)
        rd_kafka_topic_partition_list_destroy(q->list);
    if (q->md != NULL)
        rd_kafka_metadata_destroy(q->md);
    free(q->topic);
    free(q);
}

static void ask_offsets(rd_kafka_t *rk, struct question *q)
{
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(rk, q->list, LOOKUP_TIMEOUT_MS);

    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        (void)kafka_err(&q->err, code, "the offsets of %d partitions could not be looked up",
                        q->list->cnt);
}

static void ask_metadata(rd_kafka_t *rk, struct question *q)
{
    rd_kafka_topic_t *rkt = q->topic == NULL ? NULL : rd_kafka_topic_new(rk, q->topic, NULL);
    rd_kafka_resp_err_t code;

    if (q->topic != NULL && rkt == NULL) {
        (void)kafka_err(&q->err, rd_kafka_last_error(), "the topic name '%s' cannot be used",
                        q->topic);
        return;
    }
    code = rd_kafka_metadata(rk, q->topic == NULL, rkt, &q->md, LOOKUP_TIMEOUT_MS);
    if (rkt != NULL)
        rd_kafka_topic_destroy(rkt);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    q->md = NULL;
    (void)kafka_err(&q->err, code, "the cluster could not be asked about %s%s",
                    q->topic == NULL ? "its topics" : "the topic ",
                    q->topic == NULL ? "" : q->topic);
}

static void *work(void *arg)
{
    struct lookup *k = arg;
    struct question *q;

    pthread_mutex_lock(&k->mutex);
    for (;;) {
        while (k->asked == NULL && !k->stop)
            pthread_cond_wait(&k->more, &k->mutex);
        if (k->stop)
            break;
        q = k->asked;
        DL_DELETE(k->asked, q);
        if (q->cancelled) {
            question_free(q);
            continue;
        }
        k->under_way = q;
        pthread_mutex_unlock(&k->mutex);
        if (q->list != NULL)
            ask_offsets(k->rk, q);
        else
            ask_metadata(k->rk, q);
        pthread_mutex_lock(&k->mutex);
        k->under_way = NULL;
        DL_APPEND(k->answered, q);
        loop_wake(k->loop);
    }
    pthread_mutex_unlock(&k->mutex);
    return NULL;
}

static struct question *take_answer(struct lookup *k)
{
    struct question *q;

    pthread_mutex_lock(&k->mutex);
    q = k->answered;
    if (q != NULL)
        DL_DELETE(k->answered, q);
    pthread_mutex_unlock(&k->mutex);
    return q;
}

/* One answer a turn: the callback may end the whole look-up, so nothing is touched after it. */
static usec_t on_tick(void *arg, usec_t now)
{
    struct lookup *k = arg;
    struct question *q = take_answer(k), answer;

    if (q == NULL)
        return USEC_NEVER;
    loop_again(k->loop);
    answer = *q;
    if (!answer.cancelled && answer.offsets != NULL)
        answer.offsets(answer.arg, answer.err.class == ERR_NONE ? answer.list : NULL,
                       answer.err.class == ERR_NONE ? NULL : &answer.err, now);
    else if (!answer.cancelled)
        answer.metadata(answer.arg, answer.md, answer.err.class == ERR_NONE ? NULL : &answer.err,
                        now);
    question_free(q);
    return USEC_NEVER;
}

/* Signals are for the loop's thread. */
static void start_thread(struct lookup *k)
{
    sigset_t all, old;
    int failed;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    failed = pthread_create(&k->thread, NULL, work, k);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (failed != 0)
        panic("the look-up thread cannot be started: %s (raise the limit of tasks)",
              strerror(failed));
    (void)pthread_setname_np(k->thread, "itsm-lookup");
}

struct lookup *lookup_new(struct loop *l, rd_kafka_t *rk)
{
    struct lookup *k = xcalloc(1, sizeof *k);

    k->loop = l;
    k->rk = rk;
    pthread_mutex_init(&k->mutex, NULL);
    pthread_cond_init(&k->more, NULL);
    k->tick = loop_add_tick(l, on_tick, k);
    start_thread(k);
    return k;
}

static void questions_free(struct question *head)
{
    struct question *q, *next;

    DL_FOREACH_SAFE (head, q, next)
        question_free(q);
}

struct lookup *lookup_free(struct lookup *k)
{
    if (k == NULL)
        return NULL;
    pthread_mutex_lock(&k->mutex);
    k->stop = true;
    pthread_cond_signal(&k->more);
    pthread_mutex_unlock(&k->mutex);
    pthread_join(k->thread, NULL);
    questions_free(k->asked);
    questions_free(k->answered);
    loop_remove_tick(k->loop, k->tick);
    pthread_cond_destroy(&k->more);
    pthread_mutex_destroy(&k->mutex);
    free(k);
    return NULL;
}

static void ask(struct lookup *k, struct question *q)
{
    err_clear(&q->err);
    pthread_mutex_lock(&k->mutex);
    DL_APPEND(k->asked, q);
    pthread_cond_signal(&k->more);
    pthread_mutex_unlock(&k->mutex);
}

void lookup_offsets(struct lookup *k, rd_kafka_topic_partition_list_t *list, lookup_offsets_fn fn,
                    void *arg)
{
    struct question *q = xcalloc(1, sizeof *q);

    q->offsets = fn;
    q->arg = arg;
    q->list = list;
    ask(k, q);
}

void lookup_metadata(struct lookup *k, const char *topic, lookup_metadata_fn fn, void *arg)
{
    struct question *q = xcalloc(1, sizeof *q);

    q->metadata = fn;
    q->arg = arg;
    q->topic = xstrdup(topic);
    ask(k, q);
}

void lookup_cancel(struct lookup *k, const void *arg)
{
    struct question *q;

    pthread_mutex_lock(&k->mutex);
    DL_FOREACH (k->asked, q)
        q->cancelled |= q->arg == arg;
    DL_FOREACH (k->answered, q)
        q->cancelled |= q->arg == arg;
    if (k->under_way != NULL)
        k->under_way->cancelled |= k->under_way->arg == arg;
    pthread_mutex_unlock(&k->mutex);
}
