/* Rights in Kafka, by using them: one partition of each topic that is read is fetched from its end,
 * the group's committed offsets are asked for, and an id that nothing else has begins a
 * transaction. With --write that transaction takes one record for each of the bridge's topics and
 * is aborted, so that no read_committed reader ever sees it. */
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

static void ask_group(struct check_kafka *d, rd_kafka_t *consumer)
{
    const char *group = d->c->kafka.group_id;
    const char *topic = d->c->topics.state;
    rd_kafka_topic_partition_list_t *parts = rd_kafka_topic_partition_list_new(1);
    rd_kafka_resp_err_t code;
    struct err e;

    for (size_t i = 0; i < d->count; i++)
        if (is_read(&d->topics[i]))
            topic = d->topics[i].wish.name;
    (void)rd_kafka_topic_partition_list_add(parts, topic, 0);
    code = rd_kafka_committed(consumer, parts, ANSWER_MS);
    rd_kafka_topic_partition_list_destroy(parts);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        check_add(d->report, CHECK_COMPLETED, "group", group, NULL,
                  "the group's offsets can be read");
        return;
    }
    (void)kafka_err(&e, code, "the offsets of the group %s cannot be read", group);
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

/* Confirmations of the records; anything else in the queue is of no use here, but for the log line
 * by which a cluster says that it has no transactions. */
static bool drain(struct check_kafka *d, rd_kafka_queue_t *q, int wait_ms, struct err *refused)
{
    rd_kafka_event_t *ev = rd_kafka_queue_poll(q, wait_ms);
    const rd_kafka_message_t *m;
    const char *facility, *text;
    bool found = false;
    int level;

    for (; ev != NULL; ev = rd_kafka_queue_poll(q, 0)) {
        if (rd_kafka_event_type(ev) == RD_KAFKA_EVENT_LOG &&
            rd_kafka_event_log(ev, &facility, &text, &level) == 0)
            found = txn_log_refuses(text, refused) || found;
        while (rd_kafka_event_type(ev) == RD_KAFKA_EVENT_DR &&
               (m = rd_kafka_event_message_next(ev)) != NULL) {
            struct check_topic *t = find(d, rd_kafka_topic_name(m->rkt));

            if (t == NULL)
                continue;
            t->writable = m->err == RD_KAFKA_RESP_ERR_NO_ERROR ? CHECK_YES : CHECK_NO;
            if (t->writable == CHECK_NO)
                (void)kafka_err(&t->write_err, m->err, "a record for the topic %s is refused",
                                t->wish.name);
        }
        rd_kafka_event_destroy(ev);
    }
    return found;
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
    rd_kafka_error_t *error;

    for (;;) {
        error = rd_kafka_init_transactions(rk, SLICE_MS);
        if (drain(d, q, 0, e)) {
            rd_kafka_error_destroy(error);
            return -1;
        }
        if (error == NULL || !rd_kafka_error_is_retriable(error) || is_over(end))
            return take_error(error, "a transactional id cannot be fenced", e);
        rd_kafka_error_destroy(error);
    }
}

static size_t awaited(const struct check_kafka *d)
{
    size_t n = 0;

    for (size_t i = 0; i < d->count; i++)
        n += d->topics[i].own && d->topics[i].partitions > 0 &&
                     d->topics[i].writable == CHECK_NOT_ASKED
                 ? 1
                 : 0;
    return n;
}

static void write_topics(struct check_kafka *d, rd_kafka_t *rk, rd_kafka_queue_t *q)
{
    usec_t end = clock_now() + ANSWER_MS * USEC_MS;
    struct err e;

    if (take_error(rd_kafka_begin_transaction(rk), "a transaction cannot begin", &e) != 0) {
        check_add_err(d->report, "transactions", NULL, &e);
        return;
    }
    for (size_t i = 0; i < d->count; i++) {
        struct check_topic *t = &d->topics[i];
        rd_kafka_resp_err_t code;

        if (!t->own || t->partitions == 0)
            continue;
        code =
            rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(t->wish.name), RD_KAFKA_V_PARTITION(0),
                              RD_KAFKA_V_KEY(MARK, strlen(MARK)), RD_KAFKA_V_VALUE("{}", (size_t)2),
                              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
            t->writable = CHECK_NO;
            (void)kafka_err(&t->write_err, code, "a record for the topic %s is refused",
                            t->wish.name);
        }
    }
    while (awaited(d) > 0 && !is_over(end))
        (void)drain(d, q, SLICE_MS, &e);
    rd_kafka_error_destroy(rd_kafka_abort_transaction(rk, ANSWER_MS));
    (void)drain(d, q, 0, &e);
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
    bool works = rk != NULL && fence(d, rk, q, &e) == 0;

    if (!used || off)
        check_judge_transactions(d->report, used ? CHECK_TXN_OFF : CHECK_TXN_UNUSED, required, &e);
    else
        check_judge_transactions(d->report, works ? CHECK_TXN_WORK : CHECK_TXN_FAILED, required,
                                 &e);
    if (works && d->options->write)
        write_topics(d, rk, q);
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
