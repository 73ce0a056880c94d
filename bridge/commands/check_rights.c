/* Rights in Kafka, by using them: one partition of each topic that is read is fetched from its end,
 * the group's committed offsets are asked for, and an id that nothing else has begins a
 * transaction. With --write each of the bridge's topics gets a record in a transaction that is
 * aborted, so that no read_committed reader ever sees it. */
#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"
#include "bridge/commands/check_kafka.h"
#include "bridge/kafka/client.h"
#include "producers/txn_log.h"

#define ANSWER_MS 5000
#define SLICE_MS  200
/* The first transaction ever makes the cluster's own topic for them. */
#define FENCE_MS 15000
#define MARK     "itsm-bridge-check"

static bool is_over(usec_t end)
{
    return clock_now() >= end;
}

/* ---------------------------------------------------------------- reading */

static struct check_topic *find(struct check_kafka *d, const char *name)
{
    for (size_t i = 0; name != NULL && i < d->count; i++)
        if (strcmp(d->topics[i].wish.name, name) == 0)
            return &d->topics[i];
    return NULL;
}

static bool is_read(const struct check_topic *t)
{
    return t->wanted_read && t->partitions > 0;
}

static bool all_read(const struct check_kafka *d)
{
    for (size_t i = 0; i < d->count; i++)
        if (is_read(&d->topics[i]) && d->topics[i].readable == CHECK_NOT_ASKED)
            return false;
    return true;
}

/* A record or the end of the partition: both come by a fetch that was allowed. */
static void take_read(struct check_kafka *d, const rd_kafka_message_t *m)
{
    struct check_topic *t = find(d, m->rkt == NULL ? NULL : rd_kafka_topic_name(m->rkt));

    if (t == NULL || t->readable != CHECK_NOT_ASKED)
        return;
    if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR || m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        t->readable = CHECK_YES;
    } else if (m->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) {
        t->readable = CHECK_NO;
        (void)kafka_err(&t->read_err, m->err, "the topic %s may not be read by this user",
                        t->wish.name);
    }
}

static void read_topics(struct check_kafka *d, rd_kafka_t *consumer)
{
    rd_kafka_topic_partition_list_t *parts = rd_kafka_topic_partition_list_new((int)d->count);
    usec_t end = clock_now() + ANSWER_MS * USEC_MS;

    for (size_t i = 0; i < d->count; i++)
        if (is_read(&d->topics[i]))
            rd_kafka_topic_partition_list_add(parts, d->topics[i].wish.name, 0)->offset =
                RD_KAFKA_OFFSET_END;
    if (parts->cnt > 0 && rd_kafka_assign(consumer, parts) == RD_KAFKA_RESP_ERR_NO_ERROR)
        while (!all_read(d) && !is_over(end)) {
            rd_kafka_message_t *m = rd_kafka_consumer_poll(consumer, SLICE_MS);

            if (m == NULL)
                continue;
            take_read(d, m);
            rd_kafka_message_destroy(m);
        }
    rd_kafka_topic_partition_list_destroy(parts);
}

/* Committing needs another right than reading the offsets, and is tried on a topic that is not
 * there: who has the right is told so, and nothing is stored. */
static rd_kafka_resp_err_t commit_nothing(const struct check_kafka *d, rd_kafka_t *consumer)
{
    char *nowhere = xasprintf("%s.no-such-topic", d->c->kafka.group_id);
    rd_kafka_topic_partition_list_t *parts = rd_kafka_topic_partition_list_new(1);
    rd_kafka_queue_t *q = rd_kafka_queue_new(consumer);
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__TIMED_OUT;
    rd_kafka_event_t *ev = NULL;

    rd_kafka_topic_partition_list_add(parts, nowhere, 0)->offset = 0;
    if (rd_kafka_commit_queue(consumer, parts, q, NULL, NULL) == RD_KAFKA_RESP_ERR_NO_ERROR)
        ev = rd_kafka_queue_poll(q, ANSWER_MS);
    if (ev != NULL) {
        const rd_kafka_topic_partition_list_t *done = rd_kafka_event_topic_partition_list(ev);

        code = rd_kafka_event_error(ev);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR && done != NULL && done->cnt > 0)
            code = done->elems[0].err;
    }
    rd_kafka_event_destroy(ev);
    rd_kafka_queue_destroy(q);
    rd_kafka_topic_partition_list_destroy(parts);
    free(nowhere);
    return code;
}

static rd_kafka_resp_err_t ask_committed(const struct check_kafka *d, rd_kafka_t *consumer)
{
    const char *topic = d->c->topics.state;
    rd_kafka_topic_partition_list_t *parts = rd_kafka_topic_partition_list_new(1);
    rd_kafka_resp_err_t code;

    for (size_t i = 0; i < d->count; i++)
        if (is_read(&d->topics[i]))
            topic = d->topics[i].wish.name;
    (void)rd_kafka_topic_partition_list_add(parts, topic, 0);
    code = rd_kafka_committed(consumer, parts, ANSWER_MS);
    rd_kafka_topic_partition_list_destroy(parts);
    return code;
}

static void ask_group(struct check_kafka *d, rd_kafka_t *consumer)
{
    const char *group = d->c->kafka.group_id;
    rd_kafka_resp_err_t code = ask_committed(d, consumer);
    struct err e;

    if (code == RD_KAFKA_RESP_ERR_NO_ERROR &&
        commit_nothing(d, consumer) == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
        code = RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        check_add(d->report, CHECK_COMPLETED, "group", group, NULL,
                  "the user may read the group, and commit for it");
        return;
    }
    (void)kafka_err(&e, code, "the group %s cannot be used", group);
    check_add_err(d->report, "group", group, &e);
}

static void check_reading(struct check_kafka *d)
{
    struct err e;
    rd_kafka_conf_t *conf = kafka_conf_new(d->c, KAFKA_CONSUMER, NULL, &e);
    rd_kafka_t *consumer = conf == NULL ? NULL : kafka_new(conf, KAFKA_CONSUMER, &e);

    if (consumer == NULL) {
        check_add_err(d->report, "group", d->c->kafka.group_id, &e);
        return;
    }
    (void)rd_kafka_poll_set_consumer(consumer);
    read_topics(d, consumer);
    ask_group(d, consumer);
    rd_kafka_destroy_flags(consumer, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

/* ---------------------------------------------------------------- writing */

/* What the queue of the transactional producer has told. */
struct told {
    bool none;   /* the cluster has no transactions; why is in err */
    bool failed; /* the transaction did; why is in err */
    struct err err;
};

/* librdkafka tells by a log line only why a transaction fails: the partition could not be added. */
static void take_line(struct told *told, const char *facility, const char *text)
{
    const char *refused = rd_kafka_err2name(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);

    if (txn_log_refuses(text, &told->err)) {
        told->none = true;
    } else if (strcmp(facility, "TXNERR") == 0 && !told->failed) {
        told->failed = true;
        if (strstr(text, refused) != NULL)
            (void)kafka_err(&told->err, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
                            "the user may not write to the topic");
        else
            (void)err_set(&told->err, ERR_RETRY, "kafka-error", "%s", text);
    }
}

/* What an aborted transaction purges was never refused by itself. */
static void take_report(struct check_kafka *d, const rd_kafka_message_t *m)
{
    struct check_topic *t = find(d, rd_kafka_topic_name(m->rkt));

    if (t == NULL || m->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
        m->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
        return;
    t->writable = m->err == RD_KAFKA_RESP_ERR_NO_ERROR ? CHECK_YES : CHECK_NO;
    if (t->writable == CHECK_NO)
        (void)kafka_err(&t->write_err, m->err, "a record for the topic %s is refused",
                        t->wish.name);
}

static void drain(struct check_kafka *d, rd_kafka_queue_t *q, int wait_ms, struct told *told)
{
    rd_kafka_event_t *ev = rd_kafka_queue_poll(q, wait_ms);
    const rd_kafka_message_t *m;
    const char *facility, *text;
    int level;

    for (; ev != NULL; ev = rd_kafka_queue_poll(q, 0)) {
        if (rd_kafka_event_type(ev) == RD_KAFKA_EVENT_LOG &&
            rd_kafka_event_log(ev, &facility, &text, &level) == 0)
            take_line(told, facility, text);
        while (rd_kafka_event_type(ev) == RD_KAFKA_EVENT_DR &&
               (m = rd_kafka_event_message_next(ev)) != NULL)
            take_report(d, m);
        rd_kafka_event_destroy(ev);
    }
}

/* Takes error. */
static int take_error(rd_kafka_error_t *error, const char *what, struct err *e)
{
    int rc = 0;

    if (error != NULL)
        rc = kafka_err(e, rd_kafka_error_code(error), "%s: %s", what, rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return rc;
}

static int fence(struct check_kafka *d, rd_kafka_t *rk, rd_kafka_queue_t *q, struct err *e)
{
    usec_t end = clock_now() + FENCE_MS * USEC_MS;
    struct told told = {0};
    rd_kafka_error_t *error;

    for (;;) {
        error = rd_kafka_init_transactions(rk, SLICE_MS);
        drain(d, q, 0, &told);
        if (told.none) {
            rd_kafka_error_destroy(error);
            *e = told.err;
            return -1;
        }
        if (error == NULL || !rd_kafka_error_is_retriable(error) || is_over(end))
            return take_error(error, "a transactional id cannot be fenced", e);
        rd_kafka_error_destroy(error);
    }
}

/* An abort waits until somebody has taken the reports of what it purges. */
static int abort_one(struct check_kafka *d, rd_kafka_t *rk, rd_kafka_queue_t *q)
{
    usec_t end = clock_now() + ANSWER_MS * USEC_MS;
    struct told told = {0};
    rd_kafka_error_t *error;

    for (;;) {
        error = rd_kafka_abort_transaction(rk, SLICE_MS);
        drain(d, q, 0, &told);
        if (error == NULL || !rd_kafka_error_is_retriable(error) || is_over(end))
            return take_error(error, "a transaction cannot be aborted", NULL);
        rd_kafka_error_destroy(error);
    }
}

/* A transaction for each topic, since a topic that is refused fails the others with it. */
static int write_topic(struct check_kafka *d, rd_kafka_t *rk, rd_kafka_queue_t *q,
                       struct check_topic *t)
{
    usec_t end = clock_now() + ANSWER_MS * USEC_MS;
    struct told told = {0};
    rd_kafka_resp_err_t code;

    if (take_error(rd_kafka_begin_transaction(rk), "a transaction cannot begin", &t->write_err) !=
        0) {
        t->writable = CHECK_NO;
        return -1;
    }
    code = rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(t->wish.name), RD_KAFKA_V_PARTITION(0),
                             RD_KAFKA_V_KEY(MARK, strlen(MARK)), RD_KAFKA_V_VALUE("{}", (size_t)2),
                             RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        t->writable = CHECK_NO;
        (void)kafka_err(&t->write_err, code, "a record for the topic %s is refused", t->wish.name);
    }
    while (t->writable == CHECK_NOT_ASKED && !told.failed && !is_over(end))
        drain(d, q, SLICE_MS, &told);
    if (told.failed && t->writable == CHECK_NOT_ASKED) {
        t->writable = CHECK_NO;
        t->write_err = told.err;
    }
    return abort_one(d, rk, q);
}

static bool is_written(const struct check_topic *t)
{
    return t->own && t->partitions > 0;
}

static void write_topics(struct check_kafka *d, rd_kafka_t *rk, rd_kafka_queue_t *q)
{
    for (size_t i = 0; i < d->count; i++)
        if (is_written(&d->topics[i]) && write_topic(d, rk, q, &d->topics[i]) != 0)
            return;
}

/* librdkafka asks for a topic when its object is made; the first record to one without waits a
 * second. NULL where there is none. */
static rd_kafka_topic_t **topics_announce(const struct check_kafka *d, rd_kafka_t *rk)
{
    rd_kafka_topic_t **topics = xcalloc(d->count + 1, sizeof(rd_kafka_topic_t *));

    for (size_t i = 0; rk != NULL && d->options->write && i < d->count; i++)
        if (is_written(&d->topics[i]))
            topics[i] = rd_kafka_topic_new(rk, d->topics[i].wish.name, NULL);
    return topics;
}

static void topics_forget(const struct check_kafka *d, rd_kafka_topic_t **topics)
{
    for (size_t i = 0; i < d->count; i++)
        if (topics[i] != NULL)
            rd_kafka_topic_destroy(topics[i]);
    free(topics);
}

static rd_kafka_t *transactional_new(const struct config *c, struct err *e)
{
    char *id = xasprintf("%s.check", c->kafka.group_id);
    rd_kafka_conf_t *conf = kafka_conf_new(c, KAFKA_TRANSACTIONAL, id, e);
    char why[256];

    free(id);
    if (conf == NULL)
        return NULL;
    (void)rd_kafka_conf_set(conf, "debug", TXN_LOG_CONTEXT, why, sizeof why);
    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG);
    return kafka_new(conf, KAFKA_TRANSACTIONAL, e);
}

static void check_transactions(struct check_kafka *d)
{
    bool used = d->c->producers_count > 0;
    bool off = used && d->c->topics.exactly_once == EXACTLY_ONCE_OFF;
    bool required = d->c->topics.exactly_once == EXACTLY_ONCE_REQUIRED;
    bool ask = (used && !off) || d->options->write;
    struct err e = {0};
    rd_kafka_t *rk = ask ? transactional_new(d->c, &e) : NULL;
    rd_kafka_queue_t *q = rk == NULL ? NULL : rd_kafka_queue_get_main(rk);
    rd_kafka_topic_t **topics = topics_announce(d, rk);
    bool works = rk != NULL && fence(d, rk, q, &e) == 0;

    if (!used || off)
        check_judge_transactions(d->report, used ? CHECK_TXN_OFF : CHECK_TXN_UNUSED, required, &e);
    else
        check_judge_transactions(d->report, works ? CHECK_TXN_WORK : CHECK_TXN_FAILED, required,
                                 &e);
    if (works && d->options->write)
        write_topics(d, rk, q);
    topics_forget(d, topics);
    if (q != NULL)
        rd_kafka_queue_destroy(q);
    if (rk != NULL)
        rd_kafka_destroy(rk);
}

void check_rights(struct check_kafka *d)
{
    check_reading(d);
    check_transactions(d);
}
