/* The bridge's own topics against a real broker; look-ups by time beside them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"
#include "bridge/kafka/topics.h"
#include "tests/support/kafka_rig.h"

struct result { /* of one topics_ensure */
    int calls;
    struct err error;
    size_t n;
    struct topic_state states[4];
};

static struct {
    struct loop *loop;
    struct config *config;
    struct output *output;
    struct lookup *lookup;
    struct result a, b;
} rig;

static void start(const char *address)
{
    struct err e;

    memset(&rig, 0, sizeof rig);
    rig.loop = loop_new(&e);
    rig.config = kafka_rig_config(address, "unused", NULL);
    rig.output = output_new(rig.loop, rig.config, NULL, 0, NULL, &e);
    assert_non_null(rig.output);
    rig.lookup = lookup_new(rig.loop, output_handle(rig.output));
}

static int setup(void **state)
{
    (void)state;
    start(kafka_rig_address());
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig.lookup = lookup_free(rig.lookup);
    rig.output = output_free(rig.output);
    loop_turn(rig.loop, 0);
    rig.loop = loop_free(rig.loop);
    rig.config = kafka_rig_config_free(rig.config);
    return 0;
}

static void on_result(void *arg, const struct topic_state *states, size_t n,
                      const struct err *error, usec_t now)
{
    struct result *r = arg;

    (void)now;
    r->calls++;
    r->n = n;
    if (error != NULL)
        r->error = *error;
    for (size_t i = 0; i < n; i++)
        r->states[i] = states[i];
}

static bool called(void *arg)
{
    return ((struct result *)arg)->calls > 0;
}

static bool both_called(void *arg)
{
    (void)arg;
    return rig.a.calls > 0 && rig.b.calls > 0;
}

static void ensure(struct result *r, const struct topic_wish *wishes, size_t n, bool create)
{
    *r = (struct result){.calls = 0};
    (void)topics_ensure(rig.loop, rig.lookup, rig.output, wishes, n, create, on_result, r);
    assert_int_equal(r->calls, 0);
    kafka_rig_until(&rig.loop, 1, called, r, 30);
    assert_int_equal(r->calls, 1);
}

static void test_missing_topics_are_made_with_their_settings(void **state)
{
    char *compacted = kafka_rig_name("state"), *plain = kafka_rig_name("dead"), *value;
    struct topic_wish wishes[] = {
        {.name = compacted, .compacted = true, .partitions = 4, .replication_factor = 1},
        {.name = plain, .partitions = -1, .replication_factor = -1, .max_message_bytes = 2097152},
    };

    (void)state;
    ensure(&rig.a, wishes, 2, true);
    assert_int_equal(rig.a.n, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(rig.a.states[i].err.class, ERR_NONE);
        assert_true(rig.a.states[i].exists);
        assert_true(rig.a.states[i].created);
    }
    assert_int_equal(rig.a.states[0].partitions, 4);
    assert_int_equal(rig.a.states[1].partitions, 1);
    value = kafka_rig_setting(compacted, "cleanup.policy");
    assert_string_equal(value, "compact");
    free(value);
    value = kafka_rig_setting(plain, "max.message.bytes");
    assert_string_equal(value, "2097152");
    free(value);

    ensure(&rig.a, wishes, 2, true);
    for (int i = 0; i < 2; i++) {
        assert_true(rig.a.states[i].exists);
        assert_false(rig.a.states[i].created);
        assert_int_equal(rig.a.states[i].err.class, ERR_NONE);
    }
    free(compacted);
    free(plain);
}

static void test_missing_topics_are_said_and_not_made(void **state)
{
    char *name = kafka_rig_name("absent");
    struct topic_wish wish = {.name = name, .partitions = 1, .replication_factor = 1};

    (void)state;
    for (int i = 0; i < 2; i++) { /* the second time too: looking has made nothing */
        ensure(&rig.a, &wish, 1, false);
        assert_false(rig.a.states[0].exists);
        assert_int_equal(rig.a.states[0].partitions, 0);
        assert_string_equal(rig.a.states[0].err.code, "kafka-topic-missing");
    }
    free(name);
}

static void test_two_may_make_the_same_topic(void **state)
{
    char *name = kafka_rig_name("race");
    struct topic_wish wish = {
        .name = name, .compacted = true, .partitions = 2, .replication_factor = 1};

    (void)state;
    (void)topics_ensure(rig.loop, rig.lookup, rig.output, &wish, 1, true, on_result, &rig.a);
    (void)topics_ensure(rig.loop, rig.lookup, rig.output, &wish, 1, true, on_result, &rig.b);
    kafka_rig_until(&rig.loop, 1, both_called, NULL, 30);
    assert_int_equal(rig.a.states[0].err.class, ERR_NONE);
    assert_int_equal(rig.b.states[0].err.class, ERR_NONE);
    assert_true(rig.a.states[0].exists && rig.b.states[0].exists);
    assert_int_equal(rig.a.states[0].created + rig.b.states[0].created, 1);
    assert_int_equal(rig.b.states[0].partitions, 2);
    free(name);
}

static void test_settings_of_existing_topics_are_checked(void **state)
{
    static const char *const compact[] = {"cleanup.policy", "compact", NULL};
    char *plain = kafka_rig_name("plain"), *compacted = kafka_rig_name("comp");
    struct topic_wish wishes[] = {
        {.name = plain, .compacted = true, .partitions = 1, .replication_factor = 1},
        {.name = compacted, .partitions = 1, .replication_factor = 1},
        {.name = plain, .partitions = 1, .replication_factor = 1, .max_message_bytes = 2097152},
    };

    (void)state;
    kafka_rig_topic(plain, 1, NULL);
    kafka_rig_topic(compacted, 1, compact);
    ensure(&rig.a, wishes, 2, true);
    assert_true(rig.a.states[0].exists && rig.a.states[1].exists);
    assert_int_equal(rig.a.states[0].err.class, ERR_CONFIG);
    assert_string_equal(rig.a.states[0].err.code, "topic-not-compacted");
    assert_string_equal(rig.a.states[1].err.code, "topic-compacted");
    ensure(&rig.a, &wishes[2], 1, true);
    assert_string_equal(rig.a.states[0].err.code, "topic-small-messages");
    free(plain);
    free(compacted);
}

static void test_a_topic_that_cannot_be_made_is_its_own_trouble(void **state)
{
    char *good = kafka_rig_name("good"), *bad = kafka_rig_name("bad");
    struct topic_wish wishes[] = {
        {.name = bad, .partitions = 1, .replication_factor = 7}, /* one broker only */
        {.name = good, .partitions = 1, .replication_factor = 1},
    };

    (void)state;
    ensure(&rig.a, wishes, 2, true);
    assert_false(rig.a.states[0].exists);
    assert_int_equal(rig.a.states[0].err.class, ERR_CONFIG);
    assert_non_null(strstr(rig.a.states[0].err.text, bad));
    assert_true(rig.a.states[1].created);
    free(good);
    free(bad);
}

static void test_no_wishes_are_an_answer_too(void **state)
{
    (void)state;
    ensure(&rig.a, NULL, 0, true);
    assert_int_equal(rig.a.n, 0);
    assert_int_equal(rig.a.error.class, ERR_NONE);
}

static void test_a_cluster_that_does_not_answer_is_an_error(void **state)
{
    struct topic_wish wish = {.name = "any", .partitions = 1, .replication_factor = 1};

    (void)state;
    (void)teardown(NULL);
    start("127.0.0.1:1");
    ensure(&rig.a, &wish, 1, true);
    assert_int_equal(rig.a.n, 0);
    assert_int_equal(rig.a.error.class, ERR_RETRY);
}

static void test_cancelled_in_the_middle(void **state)
{
    struct topic_wish wish = {.name = "any", .partitions = 1, .replication_factor = 1};
    struct topics *t;

    (void)state;
    t = topics_ensure(rig.loop, rig.lookup, rig.output, &wish, 1, false, on_result, &rig.a);
    topics_cancel(t);
    t = topics_ensure(rig.loop, rig.lookup, rig.output, &wish, 1, false, on_result, &rig.a);
    loop_turn(rig.loop, 0);
    topics_cancel(t);
    ensure(&rig.b, &wish, 1, false); /* behind them in the same thread */
    assert_int_equal(rig.a.calls, 0);
}

static int64_t found[3];
static int found_calls;

static void on_offsets(void *arg, const rd_kafka_topic_partition_list_t *list,
                       const struct err *error, usec_t now)
{
    (void)now;
    assert_null(error);
    for (int i = 0; i < list->cnt; i++)
        found[i] = list->elems[i].offset;
    assert_ptr_equal(arg, &rig);
    found_calls++;
}

static bool offsets_found(void *arg)
{
    (void)arg;
    return found_calls > 0;
}

static void test_offsets_by_time(void **state)
{
    char *topic = kafka_rig_name("times");
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(3);

    (void)state;
    kafka_rig_topic(topic, 3, NULL);
    for (int i = 0; i < 3; i++)
        kafka_rig_produce(topic, i, 7);
    kafka_rig_delete_records(topic, 1, 3);
    rd_kafka_topic_partition_list_add(list, topic, 0)->offset = RD_KAFKA_OFFSET_END;
    rd_kafka_topic_partition_list_add(list, topic, 1)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_topic_partition_list_add(list, topic, 2)->offset = clock_wall() + 3600000;
    lookup_offsets(rig.lookup, list, on_offsets, &rig);
    kafka_rig_until(&rig.loop, 1, offsets_found, NULL, 30);
    assert_int_equal(found[0], 7);
    assert_int_equal(found[1], 3);
    assert_int_equal(found[2], RD_KAFKA_OFFSET_END);
    free(topic);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_missing_topics_are_made_with_their_settings, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_missing_topics_are_said_and_not_made, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_may_make_the_same_topic, setup, teardown),
        cmocka_unit_test_setup_teardown(test_settings_of_existing_topics_are_checked, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_topic_that_cannot_be_made_is_its_own_trouble, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_no_wishes_are_an_answer_too, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_cluster_that_does_not_answer_is_an_error, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_cancelled_in_the_middle, setup, teardown),
        cmocka_unit_test_setup_teardown(test_offsets_by_time, setup, teardown),
    };

    (void)kafka_rig_address();
    return cmocka_run_group_tests_name("topics", tests, NULL, NULL);
}
