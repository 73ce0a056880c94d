/* Mock or broker. The mock lives as long as the handle that holds it. Its fetches are held for the
 * whole of fetch.wait.max.ms even when data comes in, hence the 10 ms. */
#include "tests/demo/cluster.h"

#include <librdkafka/rdkafka_mock.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bridge/base/clock.h"
#include "bridge/base/xalloc.h"

#define ANSWER_MS 10000
#define TEXT_SIZE 512

struct cluster {
    char *bootstrap;
    FILE *log;
    rd_kafka_t *holder; /* of the mock; NULL with a broker */
    rd_kafka_mock_cluster_t *mock;
    rd_kafka_t *producer, *reader;
    rd_kafka_topic_t *known;         /* keeps the alert topic in the producer's metadata */
    const struct cluster_events *on; /* during cluster_poll */
};

static void write_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    const struct cluster *c = rd_kafka_opaque(rk);

    if (c != NULL && c->log != NULL)
        (void)fprintf(c->log, "%d %s %s: %s\n", level, rd_kafka_name(rk), facility, text);
}

static void report(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    struct cluster *c = opaque;

    (void)rk;
    if (c->on != NULL)
        c->on->on_sent(c->on->arg, (size_t)(uintptr_t)m->_private, m->partition, m->offset,
                       m->err != RD_KAFKA_RESP_ERR_NO_ERROR ? rd_kafka_err2str(m->err) : NULL);
}

struct setting {
    const char *name, *value;
};

static rd_kafka_t *handle_new(struct cluster *c, rd_kafka_type_t type, const struct setting *set,
                              struct err *e)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char why[TEXT_SIZE];
    rd_kafka_t *rk;

    rd_kafka_conf_set_opaque(conf, c);
    rd_kafka_conf_set_log_cb(conf, write_log);
    for (; set->name != NULL; set++)
        if (rd_kafka_conf_set(conf, set->name, set->value, why, sizeof why) != RD_KAFKA_CONF_OK)
            goto fail;
    if (type == RD_KAFKA_PRODUCER)
        rd_kafka_conf_set_dr_msg_cb(conf, report);
    rk = rd_kafka_new(type, conf, why, sizeof why);
    if (rk != NULL)
        return rk;
fail:
    rd_kafka_conf_destroy(conf);
    (void)err_set(e, ERR_FATAL, "demo-kafka", "No Kafka client could be made: %s", why);
    return NULL;
}

static int mock_new(struct cluster *c, struct err *e)
{
    const struct setting none[] = {{NULL, NULL}};

    c->holder = handle_new(c, RD_KAFKA_PRODUCER, none, e);
    if (c->holder == NULL)
        return -1;
    c->mock = rd_kafka_mock_cluster_new(c->holder, 1);
    if (c->mock == NULL)
        return err_set(e, ERR_FATAL, "demo-kafka", "librdkafka's mock cluster cannot be started");
    c->bootstrap = xstrdup(rd_kafka_mock_cluster_bootstraps(c->mock));
    return 0;
}

/* Made when it is first needed: the mock's topics come before its clients. */
static rd_kafka_t *producer_of(struct cluster *c, struct err *e)
{
    const struct setting set[] = {{"bootstrap.servers", c->bootstrap},
                                  {"enable.idempotence", "true"},
                                  {"linger.ms", "1"},
                                  {NULL, NULL}};

    if (c->producer == NULL)
        c->producer = handle_new(c, RD_KAFKA_PRODUCER, set, e);
    return c->producer;
}

struct cluster *cluster_new(const char *bootstrap, FILE *log, struct err *e)
{
    struct cluster *c = xcalloc(1, sizeof *c);

    c->log = log;
    if (bootstrap != NULL)
        c->bootstrap = xstrdup(bootstrap);
    else if (mock_new(c, e) != 0) {
        cluster_free(c);
        return NULL;
    }
    return c;
}

void cluster_free(struct cluster *c)
{
    if (c == NULL)
        return;
    if (c->reader != NULL) {
        (void)rd_kafka_consumer_close(c->reader);
        rd_kafka_destroy(c->reader);
    }
    if (c->known != NULL)
        rd_kafka_topic_destroy(c->known);
    if (c->producer != NULL) {
        (void)rd_kafka_purge(c->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_destroy(c->producer);
    }
    if (c->mock != NULL)
        rd_kafka_mock_cluster_destroy(c->mock);
    if (c->holder != NULL)
        rd_kafka_destroy(c->holder);
    free(c->bootstrap);
    free(c);
}

const char *cluster_bootstrap(const struct cluster *c)
{
    return c->bootstrap;
}

bool cluster_is_mock(const struct cluster *c)
{
    return c->mock != NULL;
}

/* Waits for the one result of an admin call. NULL and *e when it failed; else the caller destroys
 * it. */
static rd_kafka_event_t *await_result(rd_kafka_queue_t *q, const char *what, struct err *e)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(q, ANSWER_MS + 2000);

    if (event != NULL && rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR)
        return event;
    (void)err_set(e, ERR_RETRY, "demo-kafka", "Kafka did not %s: %s", what,
                  event != NULL ? rd_kafka_event_error_string(event) : "no answer");
    if (event != NULL)
        rd_kafka_event_destroy(event);
    return NULL;
}

static int check_topics(const rd_kafka_topic_result_t **results, size_t n, const char *what,
                        struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[i]);
        const char *text = rd_kafka_topic_result_error_string(results[i]);

        if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
            return err_set(e, ERR_FATAL, "demo-kafka", "Kafka did not %s %s: %s", what,
                           rd_kafka_topic_result_name(results[i]),
                           text != NULL ? text : rd_kafka_err2str(code));
    }
    return 0;
}

static int create_topic(rd_kafka_t *rk, const char *name, int partitions, struct err *e)
{
    char why[TEXT_SIZE];
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, partitions, -1, why, sizeof why);
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_queue_t *q = rd_kafka_queue_new(rk);
    rd_kafka_event_t *event = NULL;
    int rc = -1;

    if (topic == NULL) {
        (void)err_set(e, ERR_CONFIG, "demo-kafka", "The topic %s is refused: %s", name, why);
        goto out;
    }
    (void)rd_kafka_AdminOptions_set_request_timeout(options, ANSWER_MS, why, sizeof why);
    (void)rd_kafka_AdminOptions_set_operation_timeout(options, ANSWER_MS / 2, why, sizeof why);
    rd_kafka_CreateTopics(rk, &topic, 1, options, q);
    event = await_result(q, "create a topic", e);
    if (event != NULL) {
        size_t n;
        const rd_kafka_topic_result_t **results =
            rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &n);

        rc = check_topics(results, n, "create the topic", e);
        rd_kafka_event_destroy(event);
    }
out:
    rd_kafka_queue_destroy(q);
    rd_kafka_AdminOptions_destroy(options);
    if (topic != NULL)
        rd_kafka_NewTopic_destroy(topic);
    return rc;
}

int cluster_make_topic(struct cluster *c, const char *name, int partitions, struct err *e)
{
    /* the mock's thread misses a wake-up that comes while it turns, and sleeps a second then */
    const struct timespec pause = {.tv_nsec = 5000000};
    rd_kafka_resp_err_t code;

    if (c->mock == NULL) {
        if (producer_of(c, e) != NULL && create_topic(c->producer, name, partitions, e) == 0)
            return 0;
        return err_prefix(e, "The broker %s cannot be used", c->bootstrap);
    }
    (void)nanosleep(&pause, NULL);
    code = rd_kafka_mock_topic_create(c->mock, name, partitions, 1);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return err_set(e, ERR_FATAL, "demo-kafka", "The mock cluster refuses the topic %s: %s",
                       name, rd_kafka_err2str(code));
    return 0;
}

static int delete_topics(rd_kafka_t *rk, rd_kafka_queue_t *q, const char *const *topics, size_t n,
                         struct err *e)
{
    rd_kafka_DeleteTopic_t **wanted = xcalloc(n, sizeof(rd_kafka_DeleteTopic_t *));
    rd_kafka_event_t *event;
    int rc = -1;

    for (size_t i = 0; i < n; i++)
        wanted[i] = rd_kafka_DeleteTopic_new(topics[i]);
    rd_kafka_DeleteTopics(rk, wanted, n, NULL, q);
    event = await_result(q, "delete the demo's topics", e);
    if (event != NULL) {
        size_t count;
        const rd_kafka_topic_result_t **results =
            rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &count);

        rc = check_topics(results, count, "delete the topic", e);
        rd_kafka_event_destroy(event);
    }
    rd_kafka_DeleteTopic_destroy_array(wanted, n);
    free(wanted);
    return rc;
}

static int delete_group(rd_kafka_t *rk, rd_kafka_queue_t *q, const char *group, struct err *e)
{
    rd_kafka_DeleteGroup_t *wanted = rd_kafka_DeleteGroup_new(group);
    rd_kafka_event_t *event;

    rd_kafka_DeleteGroups(rk, &wanted, 1, NULL, q);
    event = await_result(q, "delete the demo's group", e);
    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_DeleteGroup_destroy(wanted);
    return event != NULL ? 0 : -1;
}

int cluster_clean(struct cluster *c, const char *const *topics, size_t n, const char *group,
                  struct err *e)
{
    rd_kafka_queue_t *q;
    int rc;

    if (c->mock != NULL || c->producer == NULL)
        return 0;
    q = rd_kafka_queue_new(c->producer);
    rc = delete_group(c->producer, q, group, e);
    if (delete_topics(c->producer, q, topics, n, e) != 0)
        rc = -1;
    rd_kafka_queue_destroy(q);
    return rc;
}

static int add_partitions(rd_kafka_t *rk, const char *topic, rd_kafka_topic_partition_list_t *list,
                          struct err *e)
{
    rd_kafka_topic_t *t = rd_kafka_topic_new(rk, topic, NULL);
    const struct rd_kafka_metadata *md = NULL;
    rd_kafka_resp_err_t code = rd_kafka_metadata(rk, 0, t, &md, ANSWER_MS);
    int rc = 0;

    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = md->topics[0].err;
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        rc = err_set(e, ERR_RETRY, "demo-kafka", "The topic %s cannot be read: %s", topic,
                     rd_kafka_err2str(code));
    for (int i = 0; rc == 0 && i < md->topics[0].partition_cnt; i++)
        rd_kafka_topic_partition_list_add(list, topic, md->topics[0].partitions[i].id)->offset =
            RD_KAFKA_OFFSET_BEGINNING;
    if (md != NULL)
        rd_kafka_metadata_destroy(md);
    rd_kafka_topic_destroy(t);
    return rc;
}

int cluster_warm(struct cluster *c, const char *topic, struct err *e)
{
    const struct rd_kafka_metadata *md = NULL;
    rd_kafka_resp_err_t code;

    if (producer_of(c, e) == NULL)
        return -1;
    if (c->known == NULL)
        c->known = rd_kafka_topic_new(c->producer, topic, NULL);
    code = rd_kafka_metadata(c->producer, 0, c->known, &md, ANSWER_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return err_set(e, ERR_RETRY, "demo-kafka", "The topic %s cannot be found: %s", topic,
                       rd_kafka_err2str(code));
    rd_kafka_metadata_destroy(md);
    return 0;
}

int cluster_read(struct cluster *c, const char *const *topics, size_t n, struct err *e)
{
    const struct setting set[] = {{"bootstrap.servers", c->bootstrap},
                                  {"group.id", "itsm-demo-reader"}, /* asked for, never joined */
                                  {"enable.auto.commit", "false"},
                                  {"isolation.level", "read_committed"},
                                  {"fetch.wait.max.ms", "10"},
                                  {"auto.offset.reset", "error"},
                                  {NULL, NULL}};
    rd_kafka_topic_partition_list_t *list;
    int rc = 0;

    c->reader = handle_new(c, RD_KAFKA_CONSUMER, set, e);
    if (c->reader == NULL)
        return -1;
    (void)rd_kafka_poll_set_consumer(c->reader);
    list = rd_kafka_topic_partition_list_new(16);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = add_partitions(c->reader, topics[i], list, e);
    if (rc == 0 && rd_kafka_assign(c->reader, list) != RD_KAFKA_RESP_ERR_NO_ERROR)
        rc = err_set(e, ERR_FATAL, "demo-kafka", "The demo's reader got no partitions");
    rd_kafka_topic_partition_list_destroy(list);
    return rc;
}

int cluster_send(struct cluster *c, const char *topic, const char *key, const char *value,
                 size_t token, struct err *e)
{
    union {
        const char *in;
        void *out; /* librdkafka copies and does not write */
    } v = {value}, k = {key};
    size_t key_length = key != NULL ? strlen(key) : 0;
    rd_kafka_resp_err_t code;

    if (producer_of(c, e) == NULL)
        return -1;
    code = rd_kafka_producev(
        c->producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_VALUE(v.out, strlen(value)), RD_KAFKA_V_KEY(k.out, key_length),
        RD_KAFKA_V_OPAQUE((void *)(uintptr_t)token), RD_KAFKA_V_END);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return err_set(e, ERR_RETRY, "demo-kafka", "A message to %s cannot be sent: %s", topic,
                       rd_kafka_err2str(code));
    return 0;
}

void cluster_poll(struct cluster *c, const struct cluster_events *on, int timeout_ms)
{
    rd_kafka_message_t *m;

    c->on = on;
    if (c->producer != NULL)
        (void)rd_kafka_poll(c->producer, c->reader == NULL ? timeout_ms : 0);
    while (c->reader != NULL && (m = rd_kafka_consumer_poll(c->reader, timeout_ms)) != NULL) {
        if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            on->on_record(on->arg, m);
        rd_kafka_message_destroy(m);
        timeout_ms = 0;
    }
    c->on = NULL;
}
