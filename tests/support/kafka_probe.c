/* The tests' own eyes on Kafka, with plain librdkafka calls: what is under test is not used. */
#include "tests/support/kafka_probe.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/base/buf.h"
#include "bridge/base/clock.h"
#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"

#define WAIT_MS 20000

const char *probe_brokers(void)
{
    const char *brokers = getenv("ITSM_TEST_KAFKA"), *ci = getenv("CI");
    if (brokers != NULL && brokers[0] != '\0')
        return brokers;
    (void)fprintf(stderr, "ITSM_TEST_KAFKA is not set: no Kafka to test against\n");
    exit(ci != NULL && strcmp(ci, "true") == 0 ? 1 : 77);
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char text[256];
    if (rd_kafka_conf_set(conf, name, value, text, sizeof(text)) != RD_KAFKA_CONF_OK)
        panic("%s", text);
}

static rd_kafka_t *client(rd_kafka_type_t type)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", probe_brokers());
    if (type == RD_KAFKA_CONSUMER) {
        set(conf, "group.id", "probe");
        set(conf, "enable.partition.eof", "true");
        set(conf, "isolation.level", "read_committed");
        set(conf, "enable.auto.commit", "false");
        set(conf, "fetch.wait.max.ms", "50");
    }
    rd_kafka_t *rk = rd_kafka_new(type, conf, text, sizeof(text));
    if (rk == NULL)
        panic("%s", text);
    return rk;
}

/* Runs one admin request and ends the test when its one topic failed. */
static void admin_wait(rd_kafka_queue_t *q)
{
    rd_kafka_event_t *ev = rd_kafka_queue_poll(q, WAIT_MS);
    size_t n = 0;
    if (ev == NULL || rd_kafka_event_error(ev) != RD_KAFKA_RESP_ERR_NO_ERROR)
        panic("admin request failed: %s", ev != NULL ? rd_kafka_event_error_string(ev) : "timeout");
    const rd_kafka_topic_result_t **r = NULL;
    if (rd_kafka_event_type(ev) == RD_KAFKA_EVENT_CREATETOPICS_RESULT)
        r = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(ev), &n);
    else
        r = rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(ev), &n);
    for (size_t i = 0; i < n; i++)
        if (rd_kafka_topic_result_error(r[i]) != RD_KAFKA_RESP_ERR_NO_ERROR)
            panic("topic %s: %s", rd_kafka_topic_result_name(r[i]),
                  rd_kafka_topic_result_error_string(r[i]));
    rd_kafka_event_destroy(ev);
}

char *probe_topic(const char *stem, int partitions, const char *const *settings)
{
    static unsigned count;
    char text[256];
    char *name = xasprintf("%s.%ld.%lld.%u", stem, (long)getpid(), (long long)clock_now(), count++);
    rd_kafka_t *rk = client(RD_KAFKA_PRODUCER);
    rd_kafka_queue_t *q = rd_kafka_queue_new(rk);
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, partitions, 1, text, sizeof(text));
    for (size_t i = 0; settings != NULL && settings[i] != NULL; i += 2)
        if (rd_kafka_NewTopic_set_config(topic, settings[i], settings[i + 1]) !=
            RD_KAFKA_RESP_ERR_NO_ERROR)
            panic("bad setting %s", settings[i]);
    rd_kafka_CreateTopics(rk, &topic, 1, NULL, q);
    admin_wait(q);
    rd_kafka_NewTopic_destroy(topic);
    rd_kafka_queue_destroy(q);
    rd_kafka_destroy(rk);
    return name;
}

void probe_delete_topic(const char *topic)
{
    rd_kafka_t *rk = client(RD_KAFKA_PRODUCER);
    rd_kafka_queue_t *q = rd_kafka_queue_new(rk);
    rd_kafka_DeleteTopic_t *t = rd_kafka_DeleteTopic_new(topic);
    rd_kafka_DeleteTopics(rk, &t, 1, NULL, q);
    admin_wait(q);
    rd_kafka_DeleteTopic_destroy(t);
    rd_kafka_queue_destroy(q);
    rd_kafka_destroy(rk);
}

static char *headers_text(rd_kafka_message_t *m)
{
    rd_kafka_headers_t *headers;
    const char *name;
    const void *value;
    size_t length;
    struct buf b;
    buf_init(&b, (size_t)1 << 20);
    if (rd_kafka_message_headers(m, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR)
        for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &length) ==
                           RD_KAFKA_RESP_ERR_NO_ERROR;
             i++)
            (void)buf_addf(&b, "%s=%.*s\n", name, (int)length, (const char *)value);
    return buf_take(&b, &length);
}

static struct probe_record *add(struct probe_record *list, size_t n, rd_kafka_message_t *m)
{
    list = xrealloc(list, n + 1, sizeof(*list));
    list[n] = (struct probe_record){.partition = m->partition,
                                    .offset = m->offset,
                                    .value_length = m->len,
                                    .headers = headers_text(m)};
    if (m->key != NULL)
        list[n].key = xstrndup(m->key, m->key_len);
    if (m->payload != NULL)
        list[n].value = xstrndup(m->payload, m->len);
    return list;
}

static int assign_all(rd_kafka_t *rk, const char *topic)
{
    const struct rd_kafka_metadata *md;
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(rk, topic, NULL);
    if (rd_kafka_metadata(rk, 0, rkt, &md, WAIT_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
        panic("no metadata of %s", topic);
    int n = md->topics[0].partition_cnt;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(n);
    for (int i = 0; i < n; i++)
        rd_kafka_topic_partition_list_add(list, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    if (rd_kafka_assign(rk, list) != RD_KAFKA_RESP_ERR_NO_ERROR)
        panic("assign failed");
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_metadata_destroy(md);
    rd_kafka_topic_destroy(rkt);
    return n;
}

struct probe_record *probe_read(const char *topic, size_t *ret_count)
{
    rd_kafka_t *rk = client(RD_KAFKA_CONSUMER);
    struct probe_record *list = xcalloc(1, sizeof(*list));
    size_t n = 0;
    (void)rd_kafka_poll_set_consumer(rk);
    for (int left = assign_all(rk, topic); left > 0;) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, WAIT_MS);
        if (m == NULL)
            panic("topic %s cannot be read to its end", topic);
        if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
            left--;
        else if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            list = add(list, n++, m);
        rd_kafka_message_destroy(m);
    }
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
    *ret_count = n;
    return list;
}

int64_t probe_end(const char *topic, int32_t partition)
{
    int64_t low = 0, high = 0;
    rd_kafka_t *rk = client(RD_KAFKA_PRODUCER);
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_UNKNOWN;
    /* A topic that was made just now is not known to every part of the broker. */
    for (int i = 0; i < 100 && error != RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
        error = rd_kafka_query_watermark_offsets(rk, topic, partition, &low, &high, WAIT_MS);
        if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
            (void)rd_kafka_poll(rk, 100);
    }
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
        panic("no end of topic %s: %s", topic, rd_kafka_err2str(error));
    rd_kafka_destroy(rk);
    return high;
}

void probe_free(struct probe_record *records, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(records[i].key);
        free(records[i].value);
        free(records[i].headers);
    }
    free(records);
}
