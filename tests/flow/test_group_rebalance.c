/* Joining, sharing, losing and leaving a consumer group of a real broker. */
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

static void test_a_second_member_takes_its_share(void **state)
{
    char *topic = kafka_rig_name("share"), *id = kafka_rig_name("group");
    const char *const topics[] = {topic, NULL};
    struct kafka_wish w = {.id = id, .topics = topics, .commit_in_taken = true};
    struct kafka_member *a, *b;
    uint64_t epoch;
    int records = 0;

    (void)state;
    kafka_rig_topic(topic, 4, NULL);
    for (int i = 0; i < 4; i++)
        kafka_rig_produce(topic, i, 50);
    a = kafka_member_new(&w);
    kafka_member_until((struct kafka_goal){.m = a, .a = 200}, kafka_is_read, 20);
    epoch = group_epoch(a->group);
    b = kafka_member_new(&w);
    kafka_member_until((struct kafka_goal){.m = a, .n = b, .a = 2, .b = 2}, kafka_is_shared, 20);
    assert_true(group_epoch(a->group) > epoch);
    assert_int_equal(a->taken, 1);
    assert_int_equal(a->lost, 0);
    /* The commit inside `taken` was stored: nobody reads anything twice. */
    for (int i = 0; i < 4; i++) {
        struct kafka_member *owner = kafka_member_seen(a, topic, i)->ours ? a : b;

        assert_int_equal(kafka_member_seen(owner, topic, i)->committed, 50);
        assert_string_equal(kafka_member_seen(owner, topic, i)->metadata, "in taken");
        assert_int_equal(
            kafka_member_seen(a, topic, i)->ours + kafka_member_seen(b, topic, i)->ours, 1);
        kafka_rig_produce(topic, i, 5);
    }
    kafka_member_until((struct kafka_goal){.m = a, .n = b, .a = 210}, kafka_is_read, 10);
    kafka_member_until((struct kafka_goal){.m = b, .n = a, .a = 10}, kafka_is_read, 10);
    for (int i = 0; i < 4; i++)
        records +=
            kafka_member_seen(a, topic, i)->records + kafka_member_seen(b, topic, i)->records;
    assert_int_equal(records, 220);
    kafka_member_free(a);
    kafka_member_until((struct kafka_goal){.m = b, .a = 2}, kafka_is_given, 20);
    assert_int_equal(b->given_n, 4);
    kafka_member_free(b);
    free(topic);
    free(id);
}

/* The loop of one member stands still for longer than it may, as after a SIGSTOP. */
static void test_a_member_that_stood_still_has_lost_everything(void **state)
{
    static const char *const strict[] = {"max.poll.interval.ms", "2000", NULL};
    char *topic = kafka_rig_name("lost"), *id = kafka_rig_name("group");
    const char *const topics[] = {topic, NULL};
    struct kafka_wish w = {.id = id, .topics = topics, .properties = strict};
    struct kafka_member *a, *b;
    uint64_t epoch;
    struct err e;

    (void)state;
    kafka_rig_topic(topic, 2, NULL);
    kafka_rig_produce(topic, 0, 5);
    a = kafka_member_new(&w);
    kafka_member_until((struct kafka_goal){.m = a, .a = 5}, kafka_is_read, 20);
    epoch = a->epoch;
    b = kafka_member_new(&w);
    kafka_member_until((struct kafka_goal){.m = b, .a = 5}, kafka_is_read,
                       20); /* `a` does not turn meanwhile */
    assert_int_equal(b->given_n, 2);
    kafka_member_until((struct kafka_goal){.m = a, .n = b, .a = 1, .b = 1}, kafka_is_shared, 20);
    assert_int_equal(a->lost, 1);
    assert_true(a->epoch > epoch);
    assert_int_equal(group_commit(a->group, epoch, kafka_member_positions(a, ""), &e), -1);
    kafka_member_free(a);
    kafka_member_free(b);
    free(topic);
    free(id);
}

static void test_own_topics_are_not_read_and_new_ones_are_found(void **state)
{
    char *prefix = kafka_rig_name("regex"), *pattern = xasprintf("^%s[.].*", prefix);
    char *own = xasprintf("%s.dead-letter", prefix), *first = xasprintf("%s.a", prefix);
    char *second = xasprintf("%s.b", prefix), *id = kafka_rig_name("group");
    const char *const topics[] = {pattern, NULL}, *const excluded[] = {own, NULL};
    struct kafka_wish w = {.id = id, .topics = topics, .excluded = excluded};
    struct kafka_member *m;

    (void)state;
    kafka_rig_topic(own, 1, NULL);
    kafka_rig_topic(first, 1, NULL);
    kafka_rig_produce(own, 0, 10);
    kafka_rig_produce(first, 0, 10);
    m = kafka_member_new(&w);
    kafka_member_until((struct kafka_goal){.m = m, .a = 10}, kafka_is_read, 20);
    assert_int_equal(m->given_n, 1);
    kafka_rig_topic(second, 1, NULL);
    kafka_rig_produce(second, 0, 10);
    kafka_member_until((struct kafka_goal){.m = m, .a = 2}, kafka_is_given, 20);
    assert_int_equal(m->given_n, 2);
    while (kafka_member_seen(m, second, 0)->records < 10)
        loop_turn(m->loop, 50 * USEC_MS);
    for (size_t i = 0; i < m->seen_count; i++)
        assert_string_not_equal(m->seen[i].topic, own);
    kafka_member_free(m);
    free(prefix);
    free(pattern);
    free(own);
    free(first);
    free(second);
    free(id);
}

static void test_a_topic_made_later_is_read(void **state)
{
    char *topic = kafka_rig_name("later"), *id = kafka_rig_name("group");
    const char *const topics[] = {topic, NULL};
    struct kafka_wish w = {.id = id, .topics = topics};
    struct kafka_member *m = kafka_member_new(&w);

    (void)state;
    kafka_member_until((struct kafka_goal){.m = m, .a = 0}, kafka_is_given, 1);
    for (int i = 0; i < 20; i++)
        loop_turn(m->loop, 50 * USEC_MS);
    assert_int_equal(m->fatal, 0);
    kafka_rig_topic(topic, 1, NULL);
    kafka_rig_produce(topic, 0, 4);
    kafka_member_until((struct kafka_goal){.m = m, .a = 4}, kafka_is_read, 30);
    kafka_member_free(m);
    free(topic);
    free(id);
}

static void test_close_at_any_moment(void **state)
{
    char *topic = kafka_rig_name("close"), *id = kafka_rig_name("group");
    const char *const topics[] = {topic, NULL};
    struct kafka_wish w = {.id = id, .topics = topics, .manual = true};
    struct kafka_member *m;

    (void)state;
    kafka_rig_topic(topic, 1, NULL);
    kafka_member_free(kafka_member_new(&w)); /* before the join */
    for (int turns = 1; turns < 200; turns = 2 * turns + 1) {
        m = kafka_member_new(&w);
        for (int i = 0; i < turns; i++)
            loop_turn(m->loop, 2 * USEC_MS);
        kafka_member_free(m);
    }
    m = kafka_member_new(&w);
    kafka_member_until((struct kafka_goal){.m = m, .a = 1}, kafka_is_given, 20);
    kafka_member_free(m); /* given, not answered */
    free(topic);
    free(id);
}

/* Nothing happens in the topic and nothing wakes the loop: the membership has to be kept anyway. */
static void test_an_idle_member_stays(void **state)
{
    static const char *const strict[] = {"max.poll.interval.ms", "2000", NULL};
    char *topic = kafka_rig_name("idle"), *id = kafka_rig_name("group");
    const char *const topics[] = {topic, NULL};
    struct kafka_wish w = {.id = id, .topics = topics, .properties = strict};
    struct kafka_member *m;

    (void)state;
    kafka_rig_topic(topic, 1, NULL);
    m = kafka_member_new(&w);
    kafka_member_until((struct kafka_goal){.m = m, .topic = topic}, kafka_is_at_end, 20);
    for (usec_t end = clock_now() + 3500 * USEC_MS; clock_now() < end;)
        loop_turn(m->loop, 5 * USEC_S);
    assert_true(group_joined(m->group));
    assert_int_equal(m->given, 1);
    assert_int_equal(m->taken, 0);
    assert_false(group_doubtful(m->group)); /* waiting is no stall */
    kafka_member_free(m);
    free(topic);
    free(id);
}

static bool is_trusted(void *arg)
{
    struct kafka_goal *g = arg;

    return !group_doubtful(g->m->group);
}

/* The loop stands still for more than half the session, with a commit under way: its answer, which
 * came meanwhile, proves nothing. */
static void test_a_stall_is_doubted_until_a_later_commit(void **state)
{
    static const char *const strict[] = {"session.timeout.ms", "4000", NULL};
    char *topic = kafka_rig_name("stall"), *id = kafka_rig_name("group");
    const char *const topics[] = {topic, NULL};
    struct kafka_wish w = {.id = id, .topics = topics, .properties = strict};
    struct kafka_member *m;
    struct loop *other;
    struct err e;

    (void)state;
    kafka_rig_topic(topic, 1, NULL);
    kafka_rig_produce(topic, 0, 5);
    m = kafka_member_new(&w);
    kafka_member_until((struct kafka_goal){.m = m, .a = 5}, kafka_is_read, 20);
    kafka_member_commit(m, "before");
    assert_false(group_doubtful(m->group));
    assert_int_equal(group_commit(m->group, m->epoch, kafka_member_positions(m, "during"), &e), 0);
    other = loop_new(&e);
    for (usec_t end = clock_now() + 2500 * USEC_MS; clock_now() < end;)
        loop_turn(other, 50 * USEC_MS); /* not the member's */
    (void)loop_free(other);
    loop_turn(m->loop, 0);
    assert_int_equal(m->committed, 2); /* the owner has his answer */
    assert_true(group_doubtful(m->group));
    kafka_member_until((struct kafka_goal){.m = m}, is_trusted, 10);
    assert_int_equal(m->committed, 2); /* the proof is the group's own */
    assert_int_equal(m->commit_errors, 0);
    assert_int_equal(m->taken, 0);
    kafka_member_free(m);
    free(topic);
    free(id);
}

static bool is_fatal(void *arg)
{
    struct kafka_goal *g = arg;

    return g->m->fatal > 0;
}

static void test_the_older_of_two_static_members_ends(void **state)
{
    char *topic = kafka_rig_name("static"), *id = kafka_rig_name("group");
    const char *const topics[] = {topic, NULL};
    struct kafka_wish w = {.id = id, .topics = topics, .instance_id = "one"};
    struct kafka_member *a, *b;

    (void)state;
    kafka_rig_topic(topic, 1, NULL);
    a = kafka_member_new(&w);
    kafka_member_until((struct kafka_goal){.m = a}, kafka_is_joined, 20);
    b = kafka_member_new(&w);
    kafka_member_until((struct kafka_goal){.m = b}, kafka_is_joined, 20);
    kafka_member_until((struct kafka_goal){.m = a, .n = b}, is_fatal, 20);
    assert_int_equal(a->lost, 1);
    assert_false(group_joined(a->group));
    assert_true(group_joined(b->group));
    kafka_member_free(b);
    kafka_member_free(a);
    free(topic);
    free(id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_second_member_takes_its_share),
        cmocka_unit_test(test_a_member_that_stood_still_has_lost_everything),
        cmocka_unit_test(test_own_topics_are_not_read_and_new_ones_are_found),
        cmocka_unit_test(test_a_topic_made_later_is_read),
        cmocka_unit_test(test_close_at_any_moment),
        cmocka_unit_test(test_an_idle_member_stays),
        cmocka_unit_test(test_a_stall_is_doubted_until_a_later_commit),
        cmocka_unit_test(test_the_older_of_two_static_members_ends),
    };

    (void)kafka_rig_address();
    return cmocka_run_group_tests_name("group_rebalance", tests, NULL, NULL);
}
