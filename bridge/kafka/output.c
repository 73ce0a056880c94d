/* The plain idempotent producer. Each record in flight has a `struct sent` as its opaque and ends
 * by exactly one call of its function. librdkafka fails a whole batch for one bad record, so the
 * records of such a batch are kept and, once nothing else is in flight, sent again one at a time:
 * what fails alone is the culprit. Until that is over no new records are taken, or they would share
 * a batch with it. Records that were sent in the meantime stay in front of those sent again. */
#include "bridge/kafka/output.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "bridge/base/log.h"
#include "bridge/base/xalloc.h"
#include "bridge/kafka/client.h"

#define EVENTS_PER_TURN 64
#define PURGE_WAIT      (1 * USEC_S)

struct topic {
    char *name;
    rd_kafka_topic_t *rkt;
    struct metric *stored, *failed;
    UT_hash_handle hh;
};

struct sent {
    output_fn fn;
    void *arg;
    struct topic *topic;
    bool alone; /* the only record in flight */
    struct sent *prev, *next;
};

struct again { /* waits to be sent alone */
    struct sent *sent;
    int32_t partition;
    void *key, *value; /* NULL when the record has none */
    size_t key_length, value_length;
    rd_kafka_headers_t *headers; /* NULL: none */
    int64_t timestamp;
    struct again *prev, *next;
};

struct output {
    struct loop *loop;
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue; /* main queue: reports, errors, log lines */
    struct kafka_events *events;
    struct topic *topics;
    struct sent *sent;   /* all not confirmed */
    struct again *again; /* these of them are not in flight */
    size_t pending, in_flight;
    bool alone; /* the one in flight is sent again */
    bool closing;
    struct err broken; /* class ERR_NONE: it is not */
    struct kafka_link link;
    bool answered; /* the cluster has answered once */
    struct metrics *metrics;
    struct metric *gauge;
};

static struct metric *topic_metric(struct metrics *m, const char *topic, const char *result)
{
    char *label = metrics_label("topic", topic), *labels;
    struct metric *x;

    labels = xasprintf("%s,result=\"%s\"", label, result);
    x = metrics_counter(m, "kafka_records_total", labels,
                        "Records handed to Kafka outside transactions, by topic and result.");
    free(labels);
    free(label);
    return x;
}

static struct topic *topic_get(struct output *o, const char *name, struct err *e)
{
    struct topic *t;
    rd_kafka_topic_t *rkt;

    HASH_FIND_STR(o->topics, name, t);
    if (t != NULL)
        return t;
    rkt = rd_kafka_topic_new(o->rk, name, NULL);
    if (rkt == NULL) {
        (void)kafka_err(e, rd_kafka_last_error(), "the topic name '%s' cannot be used", name);
        return NULL;
    }
    t = xcalloc(1, sizeof *t);
    t->name = xstrdup(name);
    t->rkt = rkt;
    t->stored = topic_metric(o->metrics, name, "stored");
    t->failed = topic_metric(o->metrics, name, "failed");
    HASH_ADD_KEYPTR(hh, o->topics, t->name, strlen(t->name), t);
    return t;
}

static void again_free(struct again *a)
{
    free(a->key);
    free(a->value);
    if (a->headers != NULL)
        rd_kafka_headers_destroy(a->headers);
    free(a);
}

static void finish(struct output *o, struct sent *s, const struct err *error, usec_t now)
{
    output_fn fn = s->fn;
    void *arg = s->arg;

    metric_add(error == NULL ? s->topic->stored : s->topic->failed, 1);
    DL_DELETE(o->sent, s);
    free(s);
    o->pending--;
    metric_set(o->gauge, (int64_t)o->pending);
    fn(arg, error, now);
}

/* Takes the headers, also when it fails. */
static int produce(struct output *o, const struct again *r, rd_kafka_headers_t *headers,
                   struct err *e)
{
    rd_kafka_vu_t parts[] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = r->sent->topic->rkt},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = r->partition},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {r->key, r->key_length}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {r->value, r->value_length}},
        {.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = r->timestamp},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = r->sent},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
    };
    rd_kafka_error_t *error;

    error = rd_kafka_produceva(o->rk, parts, ARRAY_LEN(parts) - (headers == NULL));
    if (error == NULL) {
        o->in_flight++;
        return 0;
    }
    if (headers != NULL)
        rd_kafka_headers_destroy(headers);
    (void)kafka_err(e, rd_kafka_error_code(error), "the record for the topic %s was not taken",
                    r->sent->topic->name);
    rd_kafka_error_destroy(error);
    return -1;
}

static void *copy_bytes(const void *bytes, size_t length)
{
    void *copy;

    if (bytes == NULL)
        return NULL;
    copy = xmalloc(length == 0 ? 1 : length);
    memcpy(copy, bytes, length);
    return copy;
}

/* The record of a failed batch, out of its report. Its bytes were in memory a moment ago, in
 * librdkafka's copy: the size is bounded by message.max.bytes. */
static void keep_for_again(struct output *o, const rd_kafka_message_t *m)
{
    struct again *a = xcalloc(1, sizeof *a);
    rd_kafka_headers_t *headers;

    a->sent = m->_private;
    a->partition = m->partition;
    a->key = copy_bytes(m->key, m->key_len);
    a->key_length = m->key_len;
    a->value = copy_bytes(m->payload, m->len);
    a->value_length = m->len;
    a->timestamp = rd_kafka_message_timestamp(m, NULL);
    if (rd_kafka_message_headers(m, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR)
        a->headers = rd_kafka_headers_copy(headers);
    DL_APPEND(o->again, a);
}

/* One at a time, and only when nothing is in flight. */
static void send_next_alone(struct output *o, usec_t now)
{
    while (o->again != NULL && o->in_flight == 0) {
        struct again *a = o->again;
        struct sent *s = a->sent;
        rd_kafka_headers_t *headers = a->headers;
        struct err error;
        int failed;

        DL_DELETE(o->again, a);
        a->headers = NULL;
        s->alone = o->alone = true;
        failed = produce(o, a, headers, &error);
        again_free(a);
        if (failed != 0) {
            o->alone = false;
            finish(o, s, &error, now);
        }
    }
}

static bool fails_whole_batch(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ||
           code == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE ||
           code == RD_KAFKA_RESP_ERR_INVALID_RECORD || code == RD_KAFKA_RESP_ERR_INVALID_MSG ||
           code == RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP;
}

static void on_report(struct output *o, const rd_kafka_message_t *m, usec_t now)
{
    struct sent *s = m->_private;
    struct err error;

    o->in_flight--;
    if (s->alone)
        o->alone = false;
    if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        kafka_link_ok(&o->link);
        finish(o, s, NULL, now);
        return;
    }
    if (fails_whole_batch(m->err) && !s->alone && !o->closing) {
        keep_for_again(o, m);
        return;
    }
    (void)kafka_err(&error, m->err, "a record for the topic %s was not stored", s->topic->name);
    finish(o, s, &error, now);
}

static void on_error(struct output *o, rd_kafka_event_t *ev)
{
    rd_kafka_resp_err_t code = rd_kafka_event_error(ev);

    if (rd_kafka_event_error_is_fatal(ev)) {
        (void)kafka_err(&o->broken, code, "the producer cannot go on (%s)",
                        rd_kafka_event_error_string(ev));
        o->broken.class = ERR_FATAL;
    } else if (kafka_err_is_connection(code) && o->pending == 0 && o->answered) {
        log_debug("kafka-connection", "client=producer\t%s", rd_kafka_event_error_string(ev));
    } else if (!kafka_link_error(&o->link, ev)) {
        log_warn("kafka-error", "client=producer code=%s\t%s", rd_kafka_err2name(code),
                 rd_kafka_event_error_string(ev));
    }
}

static void serve(struct output *o, rd_kafka_event_t *ev, usec_t now)
{
    const rd_kafka_message_t *m;

    if (kafka_log_serve(ev))
        return;
    if (rd_kafka_event_type(ev) == RD_KAFKA_EVENT_ERROR)
        on_error(o, ev);
    else if (rd_kafka_event_type(ev) == RD_KAFKA_EVENT_DR)
        while ((m = rd_kafka_event_message_next(ev)) != NULL)
            on_report(o, m, now);
}

static bool on_events(void *arg, rd_kafka_queue_t *q, usec_t now)
{
    struct output *o = arg;
    rd_kafka_event_t *ev;

    for (int i = 0; i < EVENTS_PER_TURN; i++) {
        ev = rd_kafka_queue_poll(q, 0);
        if (ev == NULL)
            return false;
        serve(o, ev, now);
        rd_kafka_event_destroy(ev);
        send_next_alone(o, now);
    }
    return true;
}

struct output *output_new(struct loop *l, const struct config *c, const char *const *topics,
                          size_t topics_count, struct metrics *m, struct err *e)
{
    rd_kafka_conf_t *conf = kafka_conf_new(c, KAFKA_PRODUCER, NULL, e);
    rd_kafka_t *rk = conf == NULL ? NULL : kafka_new(conf, KAFKA_PRODUCER, e);
    struct output *o;

    if (rk == NULL)
        return NULL;
    o = xcalloc(1, sizeof *o);
    o->loop = l;
    o->rk = rk;
    o->link.client = "producer";
    o->metrics = m;
    o->gauge = metrics_gauge(m, "kafka_output_pending", NULL,
                             "Records handed to Kafka outside transactions, not yet confirmed.");
    o->queue = rd_kafka_queue_get_main(rk);
    o->events = kafka_events_new(l, o->queue, on_events, o);
    for (size_t i = 0; i < topics_count; i++) {
        if (topic_get(o, topics[i], e) == NULL) {
            (void)output_free(o);
            return NULL;
        }
    }
    return o;
}

static int refuse(const struct output *o, const struct output_record *r, struct err *e)
{
    if (o->closing)
        return err_set(e, ERR_RETRY, "kafka-purged",
                       "the record for the topic %s was not taken: the producer is closing",
                       r->topic);
    if (o->again != NULL || o->alone)
        return err_set(e, ERR_RETRY, "kafka-queue-full",
                       "the record for the topic %s has to wait: the records of a refused batch "
                       "are being sent one at a time",
                       r->topic);
    return 0;
}

static rd_kafka_headers_t *headers_new(const struct output_record *r)
{
    rd_kafka_headers_t *headers;

    if (r->headers_count == 0)
        return NULL;
    headers = rd_kafka_headers_new(r->headers_count);
    for (size_t i = 0; i < r->headers_count; i++)
        (void)rd_kafka_header_add(headers, r->headers[i].name, -1, r->headers[i].value,
                                  (ssize_t)r->headers[i].length);
    return headers;
}

/* librdkafka takes pointers to non-const and copies from them. */
static void *unconst(const void *p)
{
    union {
        const void *in;
        void *out;
    } u = {.in = p};

    return u.out;
}

int output_send(struct output *o, const struct output_record *r, output_fn fn, void *arg,
                struct err *e)
{
    struct topic *topic;
    struct sent *s;
    struct again a;

    if (refuse(o, r, e) != 0)
        return -1;
    topic = topic_get(o, r->topic, e);
    if (topic == NULL)
        return -1;
    s = xcalloc(1, sizeof *s);
    *s = (struct sent){.fn = fn, .arg = arg, .topic = topic};
    a = (struct again){.sent = s,
                       .partition = r->partition < 0 ? RD_KAFKA_PARTITION_UA : r->partition,
                       .key = unconst(r->key),
                       .key_length = r->key_length,
                       .value = unconst(r->value),
                       .value_length = r->value_length,
                       .timestamp = r->timestamp};
    if (produce(o, &a, headers_new(r), e) != 0) {
        free(s);
        return -1;
    }
    DL_APPEND(o->sent, s);
    o->pending++;
    metric_set(o->gauge, (int64_t)o->pending);
    return 0;
}

const struct err *output_broken(const struct output *o)
{
    return o->broken.class == ERR_NONE ? NULL : &o->broken;
}

size_t output_pending(const struct output *o)
{
    return o->pending;
}

rd_kafka_t *output_handle(struct output *o)
{
    return o->rk;
}

void output_answered(struct output *o)
{
    o->answered = true;
    kafka_link_ok(&o->link);
}

/* The reports of purged records come at once; the bound is for a library that breaks its word. */
static void purge(struct output *o)
{
    usec_t end = clock_now() + PURGE_WAIT;
    struct again *a, *next;
    struct err error;
    rd_kafka_event_t *ev;

    (void)kafka_err(&error, RD_KAFKA_RESP_ERR__PURGE_QUEUE, "a record was not stored");
    DL_FOREACH_SAFE (o->again, a, next) {
        struct sent *s = a->sent;

        DL_DELETE(o->again, a); /* NOLINT(clang-analyzer-core.NullDereference): it is in the list */
        again_free(a);
        finish(o, s, &error, clock_now());
    }
    if (o->in_flight > 0)
        (void)rd_kafka_purge(o->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    while (o->in_flight > 0 && clock_now() < end) {
        ev = rd_kafka_queue_poll(o->queue, 10);
        if (ev == NULL)
            continue;
        serve(o, ev, clock_now());
        rd_kafka_event_destroy(ev);
    }
    while (o->sent != NULL)
        finish(o, o->sent, &error, clock_now());
}

struct output *output_free(struct output *o)
{
    struct topic *t, *next;

    if (o == NULL)
        return NULL;
    o->closing = true;
    purge(o);
    o->events = kafka_events_free(o->events);
    HASH_ITER (hh, o->topics, t, next) {
        HASH_DEL(o->topics, t); /* NOLINT(clang-analyzer-unix.Malloc): `next` was taken before */
        rd_kafka_topic_destroy(t->rkt);
        free(t->name);
        free(t);
    }
    rd_kafka_queue_destroy(o->queue);
    rd_kafka_destroy(o->rk);
    free(o);
    return NULL;
}
