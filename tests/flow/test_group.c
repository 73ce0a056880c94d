/* One member of a consumer group against a real broker: reading, committing, moving. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"
#include "tests/support/kafka_member.h"
#include "tests/support/kafka_rig.h"

static void test_join_read_commit_and_come_back(void **state)
{
    char *topic = kafka_rig_name("alerts"), *id = kafka_rig_name("group");
    const char *const topics[] = {topic, NULL};
    struct kafka_wish w = {.id = id, .topics = topics};
    struct kafka_member *m;
    struct err e;
    rd_kafka_topic_partition_list_t *low;

    (void)state;
    kafka_rig_topic(topic, 2, NULL);
    kafka_rig_produce(topic, 0, 1000);
    kafka_rig_produce_transaction(topic, 1, 10);
    m = kafka_member_new(&w);
    kafka_member_until((struct kafka_goal){.m = m, .a = 1010}, kafka_is_read, 20);
    assert_int_equal(m->given_n, 2);
    assert_int_equal(kafka_member_seen(m, topic, 0)->committed, GROUP_NO_OFFSET);
    assert_string_equal(kafka_member_seen(m, topic, 0)->metadata, "");
    assert_true(group_member_id(m->group)[0] != '\0');
    kafka_member_until((struct kafka_goal){.m = m, .a = 1000, .topic = topic}, kafka_is_at_end, 10);
    while (kafka_member_seen(m, topic, 1)->end < 0)
        loop_turn(m->loop, 50 * USEC_MS);
    /* Ten records and the control record behind them. */
    assert_int_equal(kafka_member_seen(m, topic, 1)->end, 11);
    kafka_member_commit(m, "1 map of finished offsets");

    /* Never backwards within an epoch, and nothing of others. */
    low = rd_kafka_topic_partition_list_new(2);
    rd_kafka_topic_partition_list_add(low, topic, 0)->offset = 5;
    rd_kafka_topic_partition_list_add(low, topic, 7)->offset = 5;
    assert_int_equal(group_commit(m->group, m->epoch, low, &e), -1);
    assert_string_equal(e.code, "kafka-commit-empty");
    assert_int_equal(group_commit(m->group, m->epoch + 1, kafka_member_positions(m, ""), &e), -1);
    assert_string_equal(e.code, "kafka-not-member");
    kafka_member_free(m);

    m = kafka_member_new(&w);
    kafka_member_until((struct kafka_goal){.m = m}, kafka_is_joined, 20);
    assert_int_equal(kafka_member_seen(m, topic, 0)->committed, 1000);
    assert_int_equal(kafka_member_seen(m, topic, 1)->committed, 11);
    assert_string_equal(kafka_member_seen(m, topic, 1)->metadata, "1 map of finished offsets");
    kafka_rig_produce(topic, 0, 3);
    kafka_member_until((struct kafka_goal){.m = m, .a = 3}, kafka_is_read, 10);
    assert_int_equal(kafka_member_seen(m, topic, 0)->first, 1000);
    kafka_member_free(m);
    free(topic);
    free(id);
}

/* design D12: where a first start begins is committed before anything is read. */
static void test_first_commit_before_the_start(void **state)
{
    char *topic = kafka_rig_name("first"), *id = kafka_rig_name("group");
    const char *const topics[] = {topic, NULL};
    struct kafka_wish w = {.id = id, .topics = topics, .manual = true};
    struct kafka_member *m;

    (void)state;
    kafka_rig_topic(topic, 2, NULL);
    kafka_rig_produce(topic, 0, 10);
    m = kafka_member_new(&w);
    kafka_member_until((struct kafka_goal){.m = m, .a = 1}, kafka_is_given, 20);
    assert_false(group_joined(m->group));
    kafka_member_seen(m, topic, 0)->position = 4;
    kafka_member_commit(m, "cut");
    group_start(m->group, m->epoch, topic, 0, 4);
    assert_false(group_joined(m->group));
    group_start(m->group, m->epoch - 1, topic, 1, 0); /* outdated */
    assert_false(group_joined(m->group));
    group_start(m->group, m->epoch, topic, 1, 0);
    assert_true(group_joined(m->group));
    kafka_member_until((struct kafka_goal){.m = m, .a = 6}, kafka_is_read, 10);
    assert_int_equal(kafka_member_seen(m, topic, 0)->first, 4);
    kafka_member_free(m);
    free(topic);
    free(id);
}

static void test_out_of_range_is_said_and_mended_by_a_seek(void **state)
{
    char *topic = kafka_rig_name("range"), *id = kafka_rig_name("group");
    const char *const topics[] = {topic, NULL};
    struct kafka_wish w = {.id = id, .topics = topics, .manual = true};
    struct kafka_member *m;

    (void)state;
    kafka_rig_topic(topic, 2, NULL);
    kafka_rig_produce(topic, 0, 100);
    kafka_rig_produce(topic, 1, 100);
    kafka_rig_delete_records(topic, 0, 60);
    m = kafka_member_new(&w);
    kafka_member_until((struct kafka_goal){.m = m, .a = 1}, kafka_is_given, 20);
    group_start(m->group, m->epoch, topic, 0, 10);
    group_start(m->group, m->epoch, topic, 1, 0);
    kafka_member_until((struct kafka_goal){.m = m, .a = 1, .topic = topic}, kafka_is_out_of_range,
                       10);
    kafka_member_until((struct kafka_goal){.m = m, .a = 100}, kafka_is_read,
                       10); /* the other partition is read */
    assert_int_equal(kafka_member_seen(m, topic, 0)->records, 0);
    kafka_member_seen(m, topic, 0)->position = 60;
    group_seek(m->group, topic, 0, 60);
    kafka_member_until((struct kafka_goal){.m = m, .a = 140}, kafka_is_read, 10);
    assert_int_equal(kafka_member_seen(m, topic, 0)->first, 60);
    kafka_rig_produce(topic, 1, 5); /* nothing is read twice or left out */
    kafka_member_until((struct kafka_goal){.m = m, .a = 145}, kafka_is_read, 10);
    assert_int_equal(kafka_member_seen(m, topic, 1)->records, 105);
    assert_int_equal(kafka_member_seen(m, topic, 1)->position, 105);
    assert_int_equal(kafka_member_seen(m, topic, 0)->out_of_range, 1);
    assert_int_equal(m->taken, 0);
    kafka_member_free(m);
    free(topic);
    free(id);
}

static void test_state_partitions_beside_alerts(void **state)
{
    char *topic = kafka_rig_name("alerts"), *st = kafka_rig_name("state");
    char *id = kafka_rig_name("group");
    const char *const topics[] = {topic, NULL};
    struct kafka_wish w = {.id = id, .topics = topics, .state_topic = st};
    struct kafka_member *m;

    (void)state;
    kafka_rig_topic(topic, 1, NULL);
    kafka_rig_topic(st, 1, NULL);
    kafka_rig_produce(topic, 0, 10);
    kafka_rig_produce_transaction(st, 0, 20);
    for (int round = 0; round < 2; round++) { /* from the beginning each time */
        m = kafka_member_new(&w);
        kafka_member_until((struct kafka_goal){.m = m, .a = 21}, kafka_is_state_end, 20);
        assert_int_equal(m->state_records, 20);
        assert_int_equal(m->state_end, 21);
        assert_int_equal(m->state_n, 1);
        assert_int_equal(m->given_n, 1);
        kafka_member_until((struct kafka_goal){.m = m, .a = round == 0 ? 10 : 0}, kafka_is_read,
                           10);
        kafka_member_commit(m, "");
        kafka_member_free(m);
    }
    free(topic);
    free(st);
    free(id);
}

static void test_the_state_topic_alone_and_its_proof(void **state)
{
    char *st = kafka_rig_name("state"), *id = kafka_rig_name("group");
    struct kafka_wish w = {.id = id, .state_topic = st};
    struct kafka_member *m;

    (void)state;
    kafka_rig_topic(st, 2, NULL);
    kafka_rig_produce(st, 0, 5);
    m = kafka_member_new(&w);
    group_confirm(m->group, kafka_member_confirmed, m);
    assert_int_equal(m->confirmed, 0);
    kafka_member_until((struct kafka_goal){.m = m, .a = 1}, kafka_is_confirmed, 5);
    assert_int_equal(m->confirmed_true, 0); /* nothing is ours yet */
    kafka_member_until((struct kafka_goal){.m = m, .a = 5}, kafka_is_state_end, 20);
    assert_int_equal(m->given, 0);
    assert_int_equal(m->state_n, 2);
    group_confirm(m->group, kafka_member_confirmed, m);
    group_confirm(m->group, kafka_member_confirmed, m);
    kafka_member_until((struct kafka_goal){.m = m, .a = 3}, kafka_is_confirmed, 10);
    assert_int_equal(m->confirmed_true, 2);
    kafka_member_free(m);
    m = kafka_member_new(&w); /* the proof has not become a position */
    kafka_member_until((struct kafka_goal){.m = m, .a = 5}, kafka_is_state_end, 20);
    assert_int_equal(m->state_records, 5);
    kafka_member_free(m);
    free(st);
    free(id);
}

static void test_the_proof_leaves_the_commit_as_it_is(void **state)
{
    char *topic = kafka_rig_name("proof"), *id = kafka_rig_name("group");
    const char *const topics[] = {topic, NULL};
    struct kafka_wish w = {.id = id, .topics = topics};
    struct kafka_member *m;

    (void)state;
    kafka_rig_topic(topic, 1, NULL);
    kafka_rig_produce(topic, 0, 5);
    m = kafka_member_new(&w);
    kafka_member_until((struct kafka_goal){.m = m, .a = 5}, kafka_is_read, 20);
    kafka_member_commit(m, "1 the map");
    group_confirm(m->group, kafka_member_confirmed, m);
    kafka_member_until((struct kafka_goal){.m = m, .a = 1}, kafka_is_confirmed, 10);
    assert_int_equal(m->confirmed_true, 1);
    assert_int_equal(m->committed, 1); /* the owner hears nothing of it */
    kafka_member_free(m);
    m = kafka_member_new(&w);
    kafka_member_until((struct kafka_goal){.m = m}, kafka_is_joined, 20);
    assert_int_equal(kafka_member_seen(m, topic, 0)->committed, 5);
    assert_string_equal(kafka_member_seen(m, topic, 0)->metadata, "1 the map");
    kafka_member_free(m);
    free(topic);
    free(id);
}

static bool is_turned(void *arg) /* `a` turns */
{
    struct kafka_goal *g = arg;

    return g->a-- <= 0;
}

static void test_pause_and_resume_leave_no_gap(void **state)
{
    char *topic = kafka_rig_name("pause"), *id = kafka_rig_name("group");
    const char *const topics[] = {topic, NULL};
    struct kafka_wish w = {.id = id, .topics = topics, .idle = true};
    struct kafka_member *m;
    struct kafka_seen *s;

    (void)state;
    kafka_rig_topic(topic, 2, NULL);
    kafka_rig_produce(topic, 0, 2000);
    kafka_rig_produce(topic, 1, 2000);
    m = kafka_member_new(&w);
    kafka_member_until((struct kafka_goal){.m = m}, kafka_is_joined, 20);
    s = kafka_member_seen(m, topic, 0);
    while (s->records == 0) {
        loop_turn(m->loop, 50 * USEC_MS);
        (void)group_read(m->group, 7, loop_now(m->loop));
    }
    for (int i = 0; i < 5; i++) {
        int before = s->records;

        group_pause(m->group, topic, 0);
        for (int turn = 0; turn < 10; turn++) {
            loop_turn(m->loop, 5 * USEC_MS);
            (void)group_read(m->group, 13, loop_now(m->loop));
        }
        assert_int_equal(s->records, before);
        group_resume(m->group, topic, 0, s->position);
        m->idle = false;
        kafka_member_until((struct kafka_goal){.m = m, .a = 3}, is_turned, 10);
        m->idle = true;
    }
    m->idle = false;
    kafka_member_until((struct kafka_goal){.m = m, .a = 4000}, kafka_is_read, 20);
    assert_int_equal(s->records, 2000);
    assert_int_equal(s->position, 2000);
    group_pause(m->group, topic, 0); /* paused when it is taken away: not for ever */
    kafka_member_free(m);
    free(topic);
    free(id);
}

static void test_a_seek_goes_back(void **state)
{
    char *topic = kafka_rig_name("seek"), *id = kafka_rig_name("group");
    const char *const topics[] = {topic, NULL};
    struct kafka_wish w = {.id = id, .topics = topics};
    struct kafka_member *m;
    struct kafka_seen *s;

    (void)state;
    kafka_rig_topic(topic, 1, NULL);
    kafka_rig_produce(topic, 0, 100);
    m = kafka_member_new(&w);
    kafka_member_until((struct kafka_goal){.m = m, .a = 100}, kafka_is_read, 20);
    s = kafka_member_seen(m, topic, 0);
    s->position = 30;
    group_seek(m->group, topic, 0, 30);
    kafka_member_until((struct kafka_goal){.m = m, .a = 170}, kafka_is_read, 10);
    assert_int_equal(s->records, 170);
    assert_int_equal(s->position, 100);
    kafka_member_free(m);
    free(topic);
    free(id);
}

/* In the middle of a batch: what was taken from the queue with it must not be handed out. */
static void seek_and_pause(struct kafka_member *m, struct kafka_seen *s, int64_t offset)
{
    if (offset == 50 && s->records < 60) {
        s->position = 20;
        group_seek(m->group, s->topic, s->partition, 20);
    } else if (offset == 70) {
        group_pause(m->group, s->topic, s->partition);
    }
}

static void test_seek_and_pause_inside_the_callback(void **state)
{
    char *topic = kafka_rig_name("inside"), *id = kafka_rig_name("group");
    const char *const topics[] = {topic, NULL};
    struct kafka_wish w = {.id = id, .topics = topics};
    struct kafka_member *m;
    struct kafka_seen *s;

    (void)state;
    kafka_rig_topic(topic, 1, NULL);
    kafka_rig_produce(topic, 0, 100);
    m = kafka_member_new(&w);
    m->on_record = seek_and_pause;
    kafka_member_until((struct kafka_goal){.m = m, .a = 51 + 51}, kafka_is_read, 20);
    s = kafka_member_seen(m, topic, 0);
    for (int i = 0; i < 20; i++)
        loop_turn(m->loop, 5 * USEC_MS);
    assert_int_equal(s->records, 51 + 51);
    assert_int_equal(s->position, 71);
    group_resume(m->group, topic, 0, 71);
    kafka_member_until((struct kafka_goal){.m = m, .a = 51 + 80}, kafka_is_read, 10);
    assert_int_equal(s->position, 100);
    kafka_member_free(m);
    free(topic);
    free(id);
}

/* Nothing is lost by not reading: that is the back-pressure. */
static void test_the_owner_reads_when_he_likes(void **state)
{
    char *topic = kafka_rig_name("slow"), *id = kafka_rig_name("group");
    const char *const topics[] = {topic, NULL};
    struct kafka_wish w = {.id = id, .topics = topics, .idle = true};
    struct kafka_member *m;
    unsigned long long turns;

    (void)state;
    kafka_rig_topic(topic, 1, NULL);
    kafka_rig_produce(topic, 0, 1000);
    m = kafka_member_new(&w);
    kafka_member_until((struct kafka_goal){.m = m}, kafka_is_joined, 20);
    while (!group_readable(m->group))
        loop_turn(m->loop, 50 * USEC_MS);
    turns = loop_turns(m->loop);
    for (usec_t end = clock_now() + USEC_S; clock_now() < end;)
        loop_turn(m->loop, 100 * USEC_MS);
    assert_true(loop_turns(m->loop) - turns < 100); /* a full queue does not spin the loop */
    assert_int_equal(kafka_member_seen(m, topic, 0)->records, 0);
    assert_int_equal(group_read(m->group, 10, loop_now(m->loop)), 10);
    assert_int_equal(kafka_member_seen(m, topic, 0)->records, 10);
    m->idle = false;
    kafka_member_until((struct kafka_goal){.m = m, .a = 1000}, kafka_is_read, 10);
    kafka_member_free(m);
    free(topic);
    free(id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_join_read_commit_and_come_back),
        cmocka_unit_test(test_first_commit_before_the_start),
        cmocka_unit_test(test_state_partitions_beside_alerts),
        cmocka_unit_test(test_the_state_topic_alone_and_its_proof),
        cmocka_unit_test(test_the_proof_leaves_the_commit_as_it_is),
        cmocka_unit_test(test_out_of_range_is_said_and_mended_by_a_seek),
        cmocka_unit_test(test_pause_and_resume_leave_no_gap),
        cmocka_unit_test(test_a_seek_goes_back),
        cmocka_unit_test(test_seek_and_pause_inside_the_callback),
        cmocka_unit_test(test_the_owner_reads_when_he_likes),
    };

    (void)kafka_rig_address();
    return cmocka_run_group_tests_name("group", tests, NULL, NULL);
}
