/* The plain producer against a real broker: one confirmation per record, and the right one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"
#include "bridge/kafka/output.h"
#include "tests/support/kafka_rig.h"

#define MANY 300

struct answers {
    int calls[MANY];
    enum err_class class[MANY];
    char code[MANY][32];
    int total, want;
    bool inside; /* output_send is running: no answer may come */
};

static struct {
    struct loop *loop;
    struct config *config;
    struct output *output;
    struct metrics *metrics;
    struct answers answers;
    struct slot {
        int index;
    } slots[MANY];
} rig;

static int setup(void **state)
{
    struct err e;

    (void)state;
    memset(&rig, 0, sizeof rig);
    rig.loop = loop_new(&e);
    rig.config = kafka_rig_config(kafka_rig_address(), "unused", NULL);
    rig.metrics = metrics_new();
    rig.output = output_new(rig.loop, rig.config, NULL, 0, rig.metrics, &e);
    assert_non_null(rig.output);
    for (int i = 0; i < MANY; i++)
        rig.slots[i].index = i;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig.output = output_free(rig.output);
    loop_turn(rig.loop, 0);
    rig.loop = loop_free(rig.loop);
    rig.metrics = metrics_free(rig.metrics);
    rig.config = kafka_rig_config_free(rig.config);
    return 0;
}

static void on_answer(void *arg, const struct err *error, usec_t now)
{
    int i = ((struct slot *)arg)->index;

    (void)now;
    assert_false(rig.answers.inside);
    rig.answers.calls[i]++;
    rig.answers.total++;
    rig.answers.class[i] = error == NULL ? ERR_NONE : error->class;
    (void)snprintf(rig.answers.code[i], sizeof rig.answers.code[i], "%s",
                   error == NULL ? "" : error->code);
}

static bool all_answered(void *arg)
{
    (void)arg;
    return rig.answers.total >= rig.answers.want;
}

static void await_answers(int want)
{
    rig.answers.want = want;
    kafka_rig_until(&rig.loop, 1, all_answered, NULL, 30);
    assert_int_equal(rig.answers.total, want);
    assert_int_equal(output_pending(rig.output), 0);
}

static int put(int i, const char *topic, const char *key, const void *value, size_t length,
               struct err *e)
{
    struct output_record r = {.topic = topic,
                              .partition = 0,
                              .key = key,
                              .key_length = key == NULL ? 0 : strlen(key),
                              .value = value,
                              .value_length = length};
    int result;

    rig.answers.inside = true;
    result = output_send(rig.output, &r, on_answer, &rig.slots[i], e);
    rig.answers.inside = false;
    return result;
}

static void test_each_record_is_confirmed_once(void **state)
{
    char *topic = kafka_rig_name("out"), *label;
    struct err e;

    (void)state;
    kafka_rig_topic(topic, 1, NULL);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(put(i, topic, "k", "value", 5, &e), 0);
    assert_int_equal(output_pending(rig.output), MANY);
    await_answers(MANY);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(rig.answers.calls[i], 1);
        assert_int_equal(rig.answers.class[i], ERR_NONE);
    }
    assert_int_equal(kafka_rig_read(topic, 0, NULL, NULL), MANY);
    label = xasprintf("topic=\"%s\",result=\"stored\"", topic);
    assert_int_equal(metric_value(metrics_counter(rig.metrics, "kafka_records_total", label, "")),
                     MANY);
    free(label);
    free(topic);
}

static void check_whole_record(void *arg, const rd_kafka_message_t *m)
{
    rd_kafka_headers_t *headers;
    const void *value;
    size_t length;

    (*(int *)arg)++;
    assert_int_equal(m->key_len, 3);
    assert_memory_equal(m->key, "a\0b", 3);
    assert_null(m->payload);
    assert_int_equal(rd_kafka_message_timestamp(m, NULL), 1700000000123);
    assert_int_equal(rd_kafka_message_headers(m, &headers), RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(rd_kafka_header_get(headers, 0, "bin", &value, &length),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(length, 2);
    assert_memory_equal(value, "\0\xff", 2);
}

static void test_key_headers_time_and_tombstone_arrive(void **state)
{
    char *topic = kafka_rig_name("whole");
    struct output_header h = {.name = "bin", .value = "\0\xff", .length = 2};
    struct output_record r = {.topic = topic,
                              .partition = -1,
                              .key = "a\0b",
                              .key_length = 3,
                              .headers = &h,
                              .headers_count = 1,
                              .timestamp = 1700000000123};
    struct err e;
    int seen = 0;

    (void)state;
    kafka_rig_topic(topic, 1, NULL);
    assert_int_equal(output_send(rig.output, &r, on_answer, &rig.slots[0], &e), 0);
    await_answers(1);
    (void)kafka_rig_read(topic, 0, check_whole_record, &seen);
    assert_int_equal(seen, 1);
    free(topic);
}

/* Three small ones that together are no batch problem, one that the topic does not take. */
static void test_only_the_large_record_of_a_batch_fails(void **state)
{
    static const char *const settings[] = {"max.message.bytes", "20000", NULL};
    char *topic = kafka_rig_name("large"), *large = xcalloc(1, 30000);
    struct err e;

    (void)state;
    kafka_rig_topic(topic, 1, settings);
    for (int i = 0; i < 10; i++)
        assert_int_equal(put(i, topic, "k", large, i == 4 ? 30000 : 4000, &e), 0);
    await_answers(10);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(rig.answers.calls[i], 1);
        assert_int_equal(rig.answers.class[i], i == 4 ? ERR_REJECT : ERR_NONE);
    }
    assert_string_equal(rig.answers.code[4], "kafka-too-large");
    assert_int_equal(kafka_rig_read(topic, 0, NULL, NULL), 9);
    /* It goes on as before. */
    assert_int_equal(put(10, topic, "k", "x", 1, &e), 0);
    await_answers(11);
    assert_int_equal(rig.answers.class[10], ERR_NONE);
    free(large);
    free(topic);
}

static void test_a_record_without_key_does_not_take_others_along(void **state)
{
    static const char *const settings[] = {"cleanup.policy", "compact", NULL};
    char *topic = kafka_rig_name("nokey");
    struct err e;

    (void)state;
    kafka_rig_topic(topic, 1, settings);
    for (int i = 0; i < 6; i++)
        assert_int_equal(put(i, topic, i == 2 ? NULL : "k", "v", 1, &e), 0);
    await_answers(6);
    for (int i = 0; i < 6; i++)
        assert_int_equal(rig.answers.class[i], i == 2 ? ERR_REJECT : ERR_NONE);
    assert_string_equal(rig.answers.code[2], "kafka-record-refused");
    free(topic);
}

static void test_too_large_for_the_client_is_refused_at_once(void **state)
{
    char *topic = kafka_rig_name("huge"), *huge = xcalloc(1, 3000000);
    struct err e;

    (void)state;
    kafka_rig_topic(topic, 1, NULL);
    assert_int_equal(put(0, topic, "k", huge, 3000000, &e), -1);
    assert_int_equal(e.class, ERR_REJECT);
    assert_string_equal(e.code, "kafka-too-large");
    assert_int_equal(output_pending(rig.output), 0);
    assert_int_equal(rig.answers.total, 0);
    free(huge);
    free(topic);
}

static void test_records_of_a_missing_topic_come_back_at_the_end(void **state)
{
    char *topic = kafka_rig_name("missing");
    struct err e;

    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(put(i, topic, "k", "v", 1, &e), 0);
    loop_turn(rig.loop, 100 * USEC_MS);
    assert_int_equal(rig.answers.total, 0);
    rig.output = output_free(rig.output);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(rig.answers.calls[i], 1);
        assert_int_equal(rig.answers.class[i], ERR_RETRY);
    }
    free(topic);
}

static void test_a_topic_made_later_gets_its_records(void **state)
{
    char *topic = kafka_rig_name("later");
    struct err e;

    (void)state;
    assert_int_equal(put(0, topic, "k", "v", 1, &e), 0);
    loop_turn(rig.loop, 100 * USEC_MS);
    kafka_rig_topic(topic, 1, NULL);
    await_answers(1);
    assert_int_equal(rig.answers.class[0], ERR_NONE);
    free(topic);
}

static void send_again(void *arg, const struct err *error, usec_t now)
{
    static const struct output_record r = {.partition = 0, .key = "k", .key_length = 1};
    struct output_record copy = r;
    struct err e;

    (void)now;
    assert_null(error);
    copy.topic = arg;
    if (++rig.answers.total < 5)
        assert_int_equal(output_send(rig.output, &copy, send_again, arg, &e), 0);
}

static void test_an_answer_may_send_the_next(void **state)
{
    char *topic = kafka_rig_name("chain");
    struct output_record r = {.topic = topic, .partition = 0, .key = "k", .key_length = 1};
    struct err e;

    (void)state;
    kafka_rig_topic(topic, 1, NULL);
    assert_int_equal(output_send(rig.output, &r, send_again, topic, &e), 0);
    await_answers(5);
    assert_int_equal(kafka_rig_read(topic, 0, NULL, NULL), 5);
    free(topic);
}

static bool is_bad(int i)
{
    return i % 4 == 0;
}

/* While a refused batch is taken apart nothing new may share a batch with its records: more bad
 * ones are pushed in all the time, and no good one may be blamed for them. */
static void test_new_records_wait_while_a_batch_is_taken_apart(void **state)
{
    static const char *const settings[] = {"cleanup.policy", "compact", NULL};
    char *topic = kafka_rig_name("apart");
    usec_t end = clock_now() + 30 * USEC_S;
    int taken = 0, refused = 0;
    struct err e;

    (void)state;
    kafka_rig_topic(topic, 1, settings);
    while (taken < MANY && clock_now() < end) {
        for (int n = 0; n < 3 && taken < MANY; n++) {
            if (put(taken, topic, is_bad(taken) ? NULL : "k", "v", 1, &e) == 0) {
                taken++;
                continue;
            }
            assert_string_equal(e.code, "kafka-queue-full");
            refused++;
        }
        loop_turn(rig.loop, USEC_MS);
    }
    assert_int_equal(taken, MANY);
    assert_true(refused > 0);
    await_answers(MANY);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(rig.answers.calls[i], 1);
        assert_int_equal(rig.answers.class[i], is_bad(i) ? ERR_REJECT : ERR_NONE);
    }
    free(topic);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_record_is_confirmed_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_key_headers_time_and_tombstone_arrive, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_only_the_large_record_of_a_batch_fails, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_record_without_key_does_not_take_others_along, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_too_large_for_the_client_is_refused_at_once, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_records_of_a_missing_topic_come_back_at_the_end, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_topic_made_later_gets_its_records, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_answer_may_send_the_next, setup, teardown),
        cmocka_unit_test_setup_teardown(test_new_records_wait_while_a_batch_is_taken_apart, setup,
                                        teardown),
    };

    (void)kafka_rig_address();
    return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
