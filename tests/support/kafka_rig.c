/* Plain, blocking use of librdkafka, apart from the code under test. */
#include "tests/support/kafka_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/base/xalloc.h"

#define WAIT_MS 15000

const char *kafka_rig_address(void)
{
    const char *address = getenv("ITSM_TEST_KAFKA"), *ci = getenv("CI");

    if (address != NULL && address[0] != '\0')
        return address;
    if (ci != NULL && strcmp(ci, "true") == 0) {
        print_error("ITSM_TEST_KAFKA is not set: this test needs a broker\n");
        exit(1);
    }
    print_message("ITSM_TEST_KAFKA is not set: skipped\n");
    exit(77);
}

char *kafka_rig_name(const char *prefix)
{
    static atomic_int count;

    return xasprintf("%s.%d.%d.%llx", prefix, (int)getpid(), atomic_fetch_add(&count, 1),
                     (unsigned long long)clock_wall());
}

static void add_property(struct config *c, const char *name, const char *value)
{
    struct config_pairs *p = &c->kafka.properties;

    p->items = xrealloc(p->items, p->count + 1, sizeof *p->items);
    p->items[p->count++] = (struct config_pair){.name = xstrdup(name), .value = xstrdup(value)};
}

struct config *kafka_rig_config(const char *address, const char *group_id,
                                const char *const *properties)
{
    struct config *c = xcalloc(1, sizeof *c);

    c->kafka.bootstrap_servers = xstrdup(address);
    c->kafka.group_id = xstrdup(group_id);
    c->kafka.group_instance_id = xstrdup("");
    add_property(c, "session.timeout.ms", "2000");
    add_property(c, "heartbeat.interval.ms", "200");
    add_property(c, "topic.metadata.refresh.interval.ms", "500");
    for (; properties != NULL && properties[0] != NULL; properties += 2)
        add_property(c, properties[0], properties[1]);
    return c;
}

struct config *kafka_rig_config_free(struct config *c)
{
    for (size_t i = 0; i < c->kafka.properties.count; i++) {
        free(c->kafka.properties.items[i].name);
        free(c->kafka.properties.items[i].value);
    }
    free(c->kafka.properties.items);
    free(c->kafka.bootstrap_servers);
    free(c->kafka.group_id);
    free(c->kafka.group_instance_id);
    free(c);
    return NULL;
}

static rd_kafka_t *handle_new(rd_kafka_type_t type, const char *extra, const char *value)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char why[512];
    rd_kafka_t *rk;

    assert_int_equal(
        rd_kafka_conf_set(conf, "bootstrap.servers", kafka_rig_address(), why, sizeof why),
        RD_KAFKA_CONF_OK);
    if (extra != NULL)
        assert_int_equal(rd_kafka_conf_set(conf, extra, value, why, sizeof why), RD_KAFKA_CONF_OK);
    rk = rd_kafka_new(type, conf, why, sizeof why);
    assert_non_null(rk);
    return rk;
}

static rd_kafka_t *admin(void)
{
    static rd_kafka_t *rk;

    if (rk == NULL)
        rk = handle_new(RD_KAFKA_PRODUCER, NULL, NULL);
    return rk;
}

static rd_kafka_event_t *await(rd_kafka_queue_t *q)
{
    rd_kafka_event_t *ev = rd_kafka_queue_poll(q, WAIT_MS);

    assert_non_null(ev);
    if (rd_kafka_event_error(ev) != RD_KAFKA_RESP_ERR_NO_ERROR)
        fail_msg("the broker refuses: %s", rd_kafka_event_error_string(ev));
    return ev;
}

void kafka_rig_topic(const char *name, int partitions, const char *const *settings)
{
    char why[256];
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, partitions, 1, why, sizeof why);
    rd_kafka_queue_t *q = rd_kafka_queue_new(admin());
    const rd_kafka_topic_result_t **results;
    rd_kafka_event_t *ev;
    size_t n;

    for (; settings != NULL && settings[0] != NULL; settings += 2)
        (void)rd_kafka_NewTopic_set_config(topic, settings[0], settings[1]);
    rd_kafka_CreateTopics(admin(), &topic, 1, NULL, q);
    ev = await(q);
    results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(ev), &n);
    assert_int_equal(rd_kafka_topic_result_error(results[0]), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_event_destroy(ev);
    rd_kafka_queue_destroy(q);
    rd_kafka_NewTopic_destroy(topic);
}

void kafka_rig_topic_delete(const char *name)
{
    rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(name);
    rd_kafka_queue_t *q = rd_kafka_queue_new(admin());

    rd_kafka_DeleteTopics(admin(), &topic, 1, NULL, q);
    rd_kafka_event_destroy(await(q));
    rd_kafka_queue_destroy(q);
    rd_kafka_DeleteTopic_destroy(topic);
}

void kafka_rig_delete_records(const char *topic, int32_t partition, int64_t offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_queue_t *q = rd_kafka_queue_new(admin());
    rd_kafka_DeleteRecords_t *what;

    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = offset;
    what = rd_kafka_DeleteRecords_new(list);
    rd_kafka_DeleteRecords(admin(), &what, 1, NULL, q);
    rd_kafka_event_destroy(await(q));
    rd_kafka_DeleteRecords_destroy(what);
    rd_kafka_queue_destroy(q);
    rd_kafka_topic_partition_list_destroy(list);
}

static void produce_all(rd_kafka_t *rk, const char *topic, int32_t partition, int n)
{
    for (int i = 0; i < n; i++) {
        char *text = xasprintf("%d", i);

        assert_int_equal(rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(topic),
                                           RD_KAFKA_V_PARTITION(partition),
                                           RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                           RD_KAFKA_V_KEY(text, strlen(text)),
                                           RD_KAFKA_V_VALUE(text, strlen(text)), RD_KAFKA_V_END),
                         RD_KAFKA_RESP_ERR_NO_ERROR);
        free(text);
    }
}

void kafka_rig_produce(const char *topic, int32_t partition, int n)
{
    produce_all(admin(), topic, partition, n);
    assert_int_equal(rd_kafka_flush(admin(), WAIT_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
}

static void fine(rd_kafka_error_t *error)
{
    if (error != NULL)
        fail_msg("transaction: %s", rd_kafka_error_string(error));
}

void kafka_rig_produce_transaction(const char *topic, int32_t partition, int n)
{
    rd_kafka_t *rk = handle_new(RD_KAFKA_PRODUCER, "transactional.id", topic);

    fine(rd_kafka_init_transactions(rk, WAIT_MS));
    fine(rd_kafka_begin_transaction(rk));
    produce_all(rk, topic, partition, n);
    fine(rd_kafka_commit_transaction(rk, WAIT_MS));
    rd_kafka_destroy(rk);
}

size_t kafka_rig_read(const char *topic, int32_t partition,
                      void (*fn)(void *arg, const struct rd_kafka_message_s *m), void *arg)
{
    rd_kafka_t *rk = handle_new(RD_KAFKA_CONSUMER, "enable.partition.eof", "true");
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(rk, topic, NULL);
    bool end = false;
    size_t n = 0;

    assert_int_equal(rd_kafka_consume_start(rkt, partition, RD_KAFKA_OFFSET_BEGINNING), 0);
    while (!end) {
        rd_kafka_message_t *m = rd_kafka_consume(rkt, partition, WAIT_MS);

        assert_non_null(m);
        end = m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
        if (!end) {
            assert_int_equal(m->err, RD_KAFKA_RESP_ERR_NO_ERROR);
            n++;
            if (fn != NULL)
                fn(arg, m);
        }
        rd_kafka_message_destroy(m);
    }
    (void)rd_kafka_consume_stop(rkt, partition);
    rd_kafka_topic_destroy(rkt);
    rd_kafka_destroy(rk);
    return n;
}

char *kafka_rig_setting(const char *topic, const char *name)
{
    rd_kafka_ConfigResource_t *r = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    rd_kafka_queue_t *q = rd_kafka_queue_new(admin());
    const rd_kafka_ConfigResource_t **resources;
    const rd_kafka_ConfigEntry_t **entries;
    rd_kafka_event_t *ev;
    char *value = NULL;
    size_t n;

    rd_kafka_DescribeConfigs(admin(), &r, 1, NULL, q);
    ev = await(q);
    resources =
        rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(ev), &n);
    entries = rd_kafka_ConfigResource_configs(resources[0], &n);
    for (size_t i = 0; i < n; i++)
        if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), name) == 0)
            value = xstrdup(rd_kafka_ConfigEntry_value(entries[i]));
    rd_kafka_event_destroy(ev);
    rd_kafka_queue_destroy(q);
    rd_kafka_ConfigResource_destroy(r);
    return value;
}

void kafka_rig_until(struct loop *const *loops, size_t n, bool (*is)(void *arg), void *arg,
                     int limit_s)
{
    usec_t end = clock_now() + limit_s * USEC_S;

    while (!is(arg)) {
        if (clock_now() > end)
            fail_msg("what was waited for did not happen within %d s", limit_s);
        for (size_t i = 0; i < n; i++)
            loop_turn(loops[i], n == 1 ? 50 * USEC_MS : 2 * USEC_MS);
    }
}
