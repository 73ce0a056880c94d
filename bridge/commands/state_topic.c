/* Two handles of our own on the state topic: a consumer that is assigned all partitions by hand and
 * reads committed records only, and a plain idempotent producer. Each call is bounded. */
#include "bridge/commands/state_topic.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"
#include "bridge/kafka/client.h"

#define ANSWER_MS 10000
#define READ_FOR  (60 * USEC_S)
#define SLICE_MS  200

struct state_topic {
    const char *topic;
    rd_kafka_t *consumer, *producer;
    int32_t partitions;
    bool *ended; /* per partition: read to its end */
    struct err why;
    bool confirmed;
    rd_kafka_resp_err_t report;
};

static void on_report(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    struct state_topic *s = opaque;
    (void)rk;
    s->confirmed = true;
    s->report = m->err;
}

static rd_kafka_t *make(const struct config *c, enum kafka_role role, struct state_topic *s,
                        struct err *e)
{
    rd_kafka_conf_t *conf = kafka_conf_new(c, role, NULL, e);
    if (conf == NULL)
        return NULL;
    rd_kafka_conf_set_opaque(conf, s);
    if (role == KAFKA_PRODUCER) {
        rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG);
        rd_kafka_conf_set_dr_msg_cb(conf, on_report);
    }
    return kafka_new(conf, role, e);
}

static int count_partitions(struct state_topic *s, struct err *e)
{
    const struct rd_kafka_metadata *md = NULL;
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(s->producer, s->topic, NULL);
    rd_kafka_resp_err_t code = rd_kafka_metadata(s->producer, 0, rkt, &md, ANSWER_MS);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = md->topic_cnt == 1 ? md->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        s->partitions = md->topics[0].partition_cnt;
    if (md != NULL)
        rd_kafka_metadata_destroy(md);
    rd_kafka_topic_destroy(rkt);
    if (s->partitions > 0)
        return 0;
    return kafka_err(e, code,
                     "The state topic %s cannot be looked at; a bridge with tables makes it at its "
                     "first start",
                     s->topic);
}

static int assign(struct state_topic *s, struct err *e)
{
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(s->partitions);
    for (int32_t i = 0; i < s->partitions; i++)
        rd_kafka_topic_partition_list_add(all, s->topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    (void)rd_kafka_poll_set_consumer(s->consumer);
    rd_kafka_resp_err_t code = rd_kafka_assign(s->consumer, all);
    rd_kafka_topic_partition_list_destroy(all);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR
               ? 0
               : kafka_err(e, code, "The state topic %s cannot be read", s->topic);
}

struct state_topic *state_topic_open(const struct config *c, struct err *e)
{
    struct state_topic *s = xcalloc(1, sizeof(*s));
    s->topic = c->topics.state;
    s->producer = make(c, KAFKA_PRODUCER, s, e);
    if (s->producer == NULL || count_partitions(s, e) != 0)
        return state_topic_close(s);
    s->ended = xcalloc((size_t)s->partitions, sizeof(*s->ended));
    s->consumer = make(c, KAFKA_CONSUMER, s, e);
    if (s->consumer == NULL || assign(s, e) != 0)
        return state_topic_close(s);
    return s;
}

struct state_topic *state_topic_close(struct state_topic *s)
{
    if (s == NULL)
        return NULL;
    /* There is no group to leave, and a dead broker would hold a destroy up. */
    if (s->consumer != NULL)
        rd_kafka_destroy_flags(s->consumer, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    if (s->producer != NULL)
        rd_kafka_destroy(s->producer);
    free(s->ended);
    free(s);
    return NULL;
}

int32_t state_topic_partitions(const struct state_topic *s)
{
    return s->partitions;
}

/* One message or event of the consumer. */
static void take(struct state_topic *s, const rd_kafka_message_t *m, state_record_fn fn, void *arg)
{
    if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF && m->partition < s->partitions)
        s->ended[m->partition] = true;
    else if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        (void)kafka_err(&s->why, m->err, "The state topic %s cannot be read: %s", s->topic,
                        rd_kafka_message_errstr(m));
    else
        fn(arg, m->partition, m->key, m->key_len, m->payload, m->len);
}

static void poll_once(struct state_topic *s, state_record_fn fn, void *arg)
{
    rd_kafka_message_t *m = rd_kafka_consumer_poll(s->consumer, SLICE_MS);
    if (m == NULL)
        return;
    take(s, m, fn, arg);
    rd_kafka_message_destroy(m);
}

static bool all_ended(const struct state_topic *s)
{
    for (int32_t i = 0; i < s->partitions; i++)
        if (!s->ended[i])
            return false;
    return true;
}

int state_topic_read(struct state_topic *s, state_record_fn fn, void *arg, struct err *e)
{
    usec_t end = clock_now() + READ_FOR;
    err_clear(&s->why);
    while (!all_ended(s) && clock_now() < end)
        poll_once(s, fn, arg);
    if (all_ended(s))
        return 0;
    if (s->why.class != ERR_NONE)
        *e = s->why;
    else
        err_set(e, ERR_RETRY, "state-unread",
                "The state topic %s was not read to its end within %lld s. Nothing was done; look "
                "at the brokers and try again",
                s->topic, (long long)(READ_FOR / USEC_S));
    return -1;
}

void state_topic_watch(struct state_topic *s, state_record_fn fn, void *arg, const bool *stop,
                       usec_t at_most)
{
    usec_t end = clock_now() + at_most;
    while (!*stop && clock_now() < end)
        poll_once(s, fn, arg);
}

/* MSG_F_COPY: librdkafka only reads it, whatever its types say. */
static void *copied(const void *bytes)
{
    union {
        const void *in;
        void *out;
    } u = {.in = bytes};
    return u.out;
}

int state_topic_write(struct state_topic *s, int32_t partition, const char *key, const void *value,
                      size_t length, struct err *e)
{
    s->confirmed = false;
    rd_kafka_resp_err_t code = rd_kafka_producev(
        s->producer, RD_KAFKA_V_TOPIC(s->topic), RD_KAFKA_V_PARTITION(partition),
        RD_KAFKA_V_KEY(copied(key), strlen(key)), RD_KAFKA_V_VALUE(copied(value), length),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        (void)rd_kafka_flush(s->producer, ANSWER_MS);
        code = s->confirmed ? s->report : RD_KAFKA_RESP_ERR__TIMED_OUT;
    }
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    return kafka_err(e, code, "The request cannot be written to the state topic %s", s->topic);
}
