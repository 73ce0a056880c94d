/* What may stand in kafka.properties, and what librdkafka is told in the end. No broker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/text.h"
#include "bridge/kafka/client.h"

static struct config_pair pairs[4];

static struct config config_of(size_t n)
{
    static char servers[] = "127.0.0.1:1", group[] = "g", none[] = "";
    struct config c = {.kafka = {.bootstrap_servers = servers,
                                 .group_id = group,
                                 .group_instance_id = none,
                                 .properties = {.items = pairs, .count = n}}};

    return c;
}

static void set_pair(size_t i, const char *name, const char *value)
{
    static char texts[8][128];

    (void)snprintf(texts[2 * i], sizeof texts[0], "%s", name);
    (void)snprintf(texts[2 * i + 1], sizeof texts[0], "%s", value);
    pairs[i] = (struct config_pair){.name = texts[2 * i], .value = texts[2 * i + 1]};
}

/* Value of a property in what is made of `n` pairs. */
static void expect(enum kafka_role role, size_t n, const char *name, const char *want)
{
    struct config c = config_of(n);
    struct err e;
    rd_kafka_conf_t *conf = kafka_conf_new(&c, role, "t", &e);
    char value[256];
    size_t size = sizeof value;

    assert_non_null(conf);
    assert_int_equal(rd_kafka_conf_get(conf, name, value, &size), RD_KAFKA_CONF_OK);
    assert_string_equal(value, want);
    rd_kafka_conf_destroy(conf);
}

static void refuse(enum kafka_role role, const char *name, const char *value, struct err *ret_e)
{
    struct config c;

    set_pair(0, name, value);
    c = config_of(1);
    assert_null(kafka_conf_new(&c, role, "t", ret_e));
    assert_int_equal(ret_e->class, ERR_CONFIG);
    assert_string_equal(ret_e->code, "kafka-property");
    assert_non_null(strstr(ret_e->text, name));
}

static void test_what_breaks_a_promise_is_refused(void **state)
{
    static const char *const bad[][2] = {
        {"enable.auto.commit", "true"},
        {"enable.auto.offset.store", "true"},
        {"auto.offset.reset", "earliest"},
        {"enable.partition.eof", "false"},
        {"enable.idempotence", "false"},
        {"isolation.level", "read_uncommitted"},
        {"group.id", "other"},
        {"group.instance.id", "one"},
        {"bootstrap.servers", "elsewhere"},
        {"transactional.id", "x"},
        {"allow.auto.create.topics", "1"},
        {"partition.assignment.strategy", "cooperative-sticky"},
        {"partition.assignment.strategy", "range,cooperative-sticky"},
        {"sasl.mechanisms", "OAUTHBEARER"},
        {"sasl.mechanism", "oauthbearer"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        for (int role = KAFKA_CONSUMER; role <= KAFKA_TRANSACTIONAL; role++) {
            struct err e;

            refuse((enum kafka_role)role, bad[i][0], bad[i][1], &e);
        }
    }
}

static void test_the_only_allowed_value_may_be_said(void **state)
{
    (void)state;
    set_pair(0, "enable.auto.commit", "False");
    set_pair(1, "enable.idempotence", "true");
    set_pair(2, "isolation.level", "read_committed");
    expect(KAFKA_CONSUMER, 3, "enable.auto.commit", "false");
    expect(KAFKA_PRODUCER, 3, "enable.idempotence", "true");
}

static void test_librdkafka_speaks_for_itself(void **state)
{
    struct err e;

    (void)state;
    refuse(KAFKA_PRODUCER, "no.such.property", "1", &e);
    assert_non_null(strstr(e.text, "No such configuration property"));
    refuse(KAFKA_CONSUMER, "session.timeout.ms", "0", &e);
    assert_non_null(strstr(e.text, "outside allowed range"));
}

/* A password under a name that librdkafka does not take: its text would repeat it. */
static void test_a_value_never_gets_into_the_text(void **state)
{
    struct err e;

    (void)state;
    refuse(KAFKA_CONSUMER, "security.protocol", "hunter2-secret", &e);
    assert_null(strstr(e.text, "hunter2-secret"));
    refuse(KAFKA_CONSUMER, "session.timeout.ms", "hunter2-secret", &e);
    assert_null(strstr(e.text, "hunter2-secret"));
    refuse(KAFKA_CONSUMER, "group.id", "hunter2-secret", &e);
    assert_null(strstr(e.text, "hunter2-secret"));
}

static void test_settings_of_the_roles(void **state)
{
    static const struct {
        enum kafka_role role;
        const char *name, *value;
    } want[] = {
        {KAFKA_CONSUMER, "enable.auto.commit", "false"},
        {KAFKA_CONSUMER, "enable.auto.offset.store", "false"},
        {KAFKA_CONSUMER, "auto.offset.reset", "error"},
        {KAFKA_CONSUMER, "enable.partition.eof", "true"},
        {KAFKA_CONSUMER, "isolation.level", "read_committed"},
        {KAFKA_CONSUMER, "partition.assignment.strategy", "roundrobin,range"},
        {KAFKA_CONSUMER, "allow.auto.create.topics", "false"},
        {KAFKA_CONSUMER, "group.id", "g"},
        {KAFKA_CONSUMER, "client.id", "itsm-bridge"},
        {KAFKA_PRODUCER, "allow.auto.create.topics", "false"},
        {KAFKA_PRODUCER, "enable.idempotence", "true"},
        {KAFKA_PRODUCER, "message.max.bytes", "2097152"},
        {KAFKA_PRODUCER, "message.timeout.ms", "0"},
        {KAFKA_PRODUCER, "log.queue", "true"},
        {KAFKA_TRANSACTIONAL, "transactional.id", "t"},
        {KAFKA_TRANSACTIONAL, "transaction.timeout.ms", "15000"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        expect(want[i].role, 0, want[i].name, want[i].value);
}

static void test_the_user_is_above_our_defaults(void **state)
{
    (void)state;
    set_pair(0, "client.id", "mine");
    set_pair(1, "message.timeout.ms", "60000");
    set_pair(2, "session.timeout.ms", "20000");
    expect(KAFKA_CONSUMER, 3, "client.id", "mine");
    expect(KAFKA_CONSUMER, 3, "session.timeout.ms", "20000");
    expect(KAFKA_PRODUCER, 3, "message.timeout.ms", "60000");
}

/* What kafka_conf_new makes, librdkafka takes: also with a time-out that no transaction may have.
 */
static void test_handles_can_be_made(void **state)
{
    (void)state;
    set_pair(0, "message.timeout.ms", "60000");
    set_pair(1, "session.timeout.ms", "20000");
    for (int role = KAFKA_CONSUMER; role <= KAFKA_TRANSACTIONAL; role++) {
        struct config c = config_of(2);
        struct err e;
        rd_kafka_conf_t *conf = kafka_conf_new(&c, (enum kafka_role)role, "t", &e);
        rd_kafka_t *rk = kafka_new(conf, (enum kafka_role)role, &e);

        assert_non_null(rk);
        rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    }
}

static void test_a_contradiction_is_told_in_librdkafkas_words(void **state)
{
    struct config c;
    struct err e;

    (void)state;
    set_pair(0, "session.timeout.ms", "60000");
    set_pair(1, "max.poll.interval.ms", "10000");
    c = config_of(2);
    assert_null(kafka_new(kafka_conf_new(&c, KAFKA_CONSUMER, NULL, &e), KAFKA_CONSUMER, &e));
    assert_int_equal(e.class, ERR_CONFIG);
    assert_non_null(strstr(e.text, "max.poll.interval.ms"));
}

static void test_classes_of_errors(void **state)
{
    static const struct {
        rd_kafka_resp_err_t code;
        enum err_class class;
    } want[] = {
        {RD_KAFKA_RESP_ERR__TRANSPORT, ERR_RETRY},
        {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, ERR_AUTH},
        {RD_KAFKA_RESP_ERR__AUTHENTICATION, ERR_AUTH},
        {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, ERR_REJECT},
        {RD_KAFKA_RESP_ERR_INVALID_RECORD, ERR_REJECT},
        {RD_KAFKA_RESP_ERR__FENCED, ERR_FATAL},
        {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, ERR_RETRY},
        {RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED, ERR_THROTTLE},
        {RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR, ERR_RETRY}, /* not in the table */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        struct err e;

        assert_int_equal(kafka_err(&e, want[i].code, "topic %s", "x"), -1);
        assert_int_equal(e.class, want[i].class);
        assert_true(text_starts(e.text, "topic x: "));
        assert_non_null(strstr(e.text, rd_kafka_err2name(want[i].code)));
    }
    assert_int_equal(kafka_err(NULL, RD_KAFKA_RESP_ERR__FAIL, "x"), -1);
    assert_true(kafka_err_is_connection(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN));
    assert_false(kafka_err_is_connection(RD_KAFKA_RESP_ERR__TIMED_OUT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_breaks_a_promise_is_refused),
        cmocka_unit_test(test_the_only_allowed_value_may_be_said),
        cmocka_unit_test(test_librdkafka_speaks_for_itself),
        cmocka_unit_test(test_a_value_never_gets_into_the_text),
        cmocka_unit_test(test_settings_of_the_roles),
        cmocka_unit_test(test_the_user_is_above_our_defaults),
        cmocka_unit_test(test_handles_can_be_made),
        cmocka_unit_test(test_a_contradiction_is_told_in_librdkafkas_words),
        cmocka_unit_test(test_classes_of_errors),
    };

    return cmocka_run_group_tests_name("kafka_conf", tests, NULL, NULL);
}
