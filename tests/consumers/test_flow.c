/* The flow as a whole: bounds, commits, the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"
#include "consumers/flow.h"
#include "tests/consumers/standin.h"

struct rig {
    struct config *c;
    struct metrics *m;
    struct flow *f;
    usec_t now;
    int64_t offset;
    char *(*make)(int64_t offset); /* the next message; NULL: the topic is at its end */
    size_t left;
};

static void failed(void *arg, const struct err *e)
{
    (void)arg;
    fail_msg("%s", e->text);
}

/* One assignment with one partition whose offset 0 is committed. */
static void assign(struct rig *r, uint64_t epoch)
{
    const struct group_given given = {
        .topic = "alerts", .partition = 0, .committed = r->offset, .metadata = "", .sibling = ""};

    standin_group.epoch = epoch;
    flow_given(r->f, STANDIN_GROUP, epoch, &given, 1, r->now);
}

static size_t read_messages(void *arg, size_t max, usec_t now)
{
    struct rig *r = arg;
    size_t n = 0;

    for (; n < max && r->left > 0; n++, r->left--) {
        char *text = r->make(r->offset);
        rd_kafka_message_t *m = standin_message(r->offset, 1748773231000 + r->offset, text);

        m->rkt = (rd_kafka_topic_t *)(void *)r;
        r->offset++;
        assert_false(flow_record(r->f, standin_group.epoch, m, now));
        free(text);
    }
    standin_group.readable = r->left > 0;
    return n;
}

/* librdkafka's: the topics of our messages are no handles. */
const char *rd_kafka_topic_name(const rd_kafka_topic_t *rkt)
{
    (void)rkt;
    return "alerts";
}

static void start_flooded(struct rig *r, bool outcomes, int64_t dead_letters)
{
    standin_reset();
    *r = (struct rig){.now = 1000 * USEC_S,
                      .c = standin_config("{ topics = [\"alerts\"]; settle_s = 0; }")};
    r->c->topics.outcomes_enabled = outcomes;
    r->c->limits.dead_letters_per_minute = dead_letters;
    r->m = metrics_new();
    r->f = flow_new(r->c, NULL, NULL, NULL, r->m, failed, r);
    standin_group.read = read_messages;
    standin_group.read_arg = r;
    assign(r, 1);
}

static void start(struct rig *r, bool outcomes)
{
    start_flooded(r, outcomes, 0);
}

static void stop(struct rig *r)
{
    while (standin_open_ops() > 0)
        standin_op_answer(standin_open_op(), SNOW_CANCELLED, NULL, r->now);
    (void)flow_free(r->f);
    (void)metrics_free(r->m);
    (void)config_free(r->c);
    standin_reset();
}

static char *fire(int64_t offset)
{
    return standin_alert((int)offset, "Fired");
}

static char *bad(int64_t offset)
{
    (void)offset;
    return xstrdup("nonsense");
}

static char *big(int64_t offset)
{
    char *text = xmalloc(1000001);

    (void)offset;
    memset(text, ' ', 1000000);
    text[1000000] = '\0';
    memcpy(text, "{}", 2);
    return text;
}

/* fire and clear of one alert, then clears of it for ever: known to be applied, no request each */
static char *applied(int64_t offset)
{
    return standin_alert(7, offset == 0 ? "Fired" : "Resolved");
}

static void feed(struct rig *r, char *(*make)(int64_t), size_t count)
{
    r->make = make;
    r->left = count;
    standin_group.readable = true;
}

static void the_bound_of_messages_is_kept(void **state)
{
    (void)state;
    for (int64_t bound = 1; bound <= 40; bound += 13) {
        struct rig r;

        start(&r, true);
        r.c->limits.max_waiting = bound;
        standin_room = 0;
        feed(&r, fire, 1000);
        for (int i = 0; i < 5; i++)
            assert_true(flow_tick(r.f, r.now) > r.now);
        assert_int_equal(flow_stats(r.f, r.now).waiting, bound);
        assert_non_null(flow_stats(r.f, r.now).paused);
        stop(&r);
    }
}

static void the_bound_of_memory_is_kept_whatever_the_size_of_messages(void **state)
{
    size_t bytes;
    struct rig r;

    (void)state;
    start(&r, true);
    r.c->limits.memory_mb = 32;
    standin_room = 0;
    feed(&r, big, 1000);
    for (int i = 0; i < 5; i++)
        (void)flow_tick(r.f, r.now);
    bytes = flow_stats(r.f, r.now).bytes;
    assert_true(bytes >= (size_t)14 << 20 && bytes <= (size_t)17 << 20);
    stop(&r);
}

/* Enough is ready to be sent: the rest stays where it is, and the loop does not spin over it. */
static void what_cannot_be_sent_yet_is_not_read(void **state)
{
    size_t waiting;
    struct rig r;

    (void)state;
    start(&r, true);
    standin_room = 0;
    feed(&r, fire, 5000);
    for (int i = 0; i < 5; i++)
        (void)flow_tick(r.f, r.now);
    waiting = flow_stats(r.f, r.now).waiting;
    assert_true(waiting >= 500 && waiting < 600);
    assert_true(flow_tick(r.f, r.now) > r.now);
    assert_null(flow_stats(r.f, r.now).paused);
    stop(&r);
}

static void dead_letters_stop_the_reading_until_a_minute_is_over(void **state)
{
    size_t sent;
    struct rig r;

    (void)state;
    start_flooded(&r, true, 60);
    feed(&r, bad, 1000);
    for (int i = 0; i < 5; i++)
        assert_true(flow_tick(r.f, r.now) > r.now);
    sent = standin_sent();
    assert_true(sent >= 60 && sent < 60 + 16);
    standin_answer_all(r.now);
    for (int i = 0; i < 59; i++) {
        r.now += USEC_S;
        assert_int_equal(flow_tick(r.f, r.now), r.now + USEC_S);
    }
    assert_int_equal(standin_sent(), sent);
    r.now += USEC_S;
    (void)flow_tick(r.f, r.now);
    assert_true(standin_sent() > sent);
    stop(&r);
}

/* Reading goes on in long strides: after a bound was reached an eighth must be free. */
static void a_bound_is_left_by_an_eighth_not_by_one(void **state)
{
    struct rig r;

    (void)state;
    start(&r, true);
    r.c->limits.max_waiting = 80;
    feed(&r, bad, 1000);
    (void)flow_tick(r.f, r.now);
    assert_int_equal(flow_stats(r.f, r.now).waiting, 80);
    for (size_t i = 0; i < 9; i++) {
        standin_answer(i, ERR_NONE, NULL, r.now);
        (void)flow_tick(r.f, r.now);
        assert_int_equal(flow_stats(r.f, r.now).waiting, 79 - i);
    }
    standin_answer(9, ERR_NONE, NULL, r.now);
    standin_answer(10, ERR_NONE, NULL, r.now);
    (void)flow_tick(r.f, r.now);
    assert_int_equal(flow_stats(r.f, r.now).waiting, 80);
    stop(&r);
}

/* What ends inside a turn makes room that the same turn's reading did not see: nothing else would
 * wake the loop, so the tick itself asks for the next turn. */
static void room_made_late_in_a_turn_is_not_forgotten(void **state)
{
    struct standin_op *op;
    json_t *row;
    struct rig r;

    (void)state;
    start(&r, false);
    feed(&r, applied, 2);
    (void)flow_tick(r.f, r.now);
    for (;;) {
        op = standin_open_op();
        if (op->kind == SNOW_CREATE)
            break;
        standin_op_answer(op, SNOW_OK, json_array(), r.now);
        (void)flow_tick(r.f, r.now);
    }
    row = json_deep_copy(op->body);
    (void)json_object_set_new(row, "number", json_string("INC1"));
    standin_op_answer(op, SNOW_OK, row, r.now);
    (void)flow_tick(r.f, r.now);
    assert_int_equal(flow_stats(r.f, r.now).waiting, 0);
    r.c->limits.max_waiting = 4;
    feed(&r, applied, 40);
    for (int turn = 1; turn < 10; turn++) {
        assert_int_equal(flow_tick(r.f, r.now), r.now);
        assert_int_equal(r.left, 40 - 4 * turn);
    }
    (void)flow_tick(r.f, r.now);
    assert_int_equal(r.left, 0);
    assert_int_equal(standin_open_ops(), 0);
    stop(&r);
}

static void answer_commit(struct rig *r, enum err_class class)
{
    struct err e;

    (void)err_set(&e, class, "kafka-coordinator", "not now");
    assert_true(standin_group.committing);
    standin_group.committing = false;
    flow_committed(r->f, standin_group.epoch, class == ERR_NONE ? standin_group.last : NULL,
                   class == ERR_NONE ? NULL : &e, r->now);
}

/* Two records, one after the other finished; the commit of the first is under way at the revoke. */
static void the_last_commit_does_not_wait_for_another_one(void **state)
{
    (void)state;
    for (int lost = 0; lost < 2; lost++) {
        struct rig r;

        start(&r, true);
        feed(&r, bad, 1);
        (void)flow_tick(r.f, r.now);
        standin_answer_all(r.now);
        (void)flow_tick(r.f, r.now);
        assert_int_equal(standin_group.commits, 1);
        feed(&r, bad, 1);
        (void)flow_tick(r.f, r.now);
        standin_answer_all(r.now);
        (void)flow_tick(r.f, r.now + USEC_S);
        assert_int_equal(standin_group.commits, 1);
        flow_taken(r.f, 1, lost ? GROUP_LOST : GROUP_REVOKED, r.now);
        assert_int_equal(standin_group.commits, lost ? 1 : 2);
        if (!lost)
            assert_int_equal(standin_group.last->elems[0].offset, 2);
        stop(&r);
    }
}

/* An offset is not committed before the end of its message is confirmed (promise 1). */
static void nothing_is_committed_before_its_end_is_confirmed(void **state)
{
    struct rig r;

    (void)state;
    start(&r, true);
    feed(&r, bad, 3);
    for (int i = 0; i < 20; i++) {
        r.now += USEC_S;
        (void)flow_tick(r.f, r.now);
    }
    assert_int_equal(standin_group.commits, 0);
    standin_answer(1, ERR_NONE, NULL, r.now);
    (void)flow_tick(r.f, r.now);
    assert_int_equal(standin_group.commits, 1);
    assert_int_equal(standin_group.last->elems[0].offset, 0); /* and a map */
    answer_commit(&r, ERR_NONE);
    standin_answer_all(r.now);
    r.now += USEC_S;
    (void)flow_tick(r.f, r.now);
    assert_int_equal(standin_group.last->elems[0].offset, 3);
    stop(&r);
}

/* What an assignment left behind does not count for the next one of the same partition. */
static void an_ending_of_the_old_assignment_finishes_nothing_of_the_new(void **state)
{
    struct rig r;

    (void)state;
    start(&r, true);
    feed(&r, bad, 2);
    (void)flow_tick(r.f, r.now);
    flow_taken(r.f, 1, GROUP_LOST, r.now);
    r.offset = 0;
    assign(&r, 2);
    feed(&r, bad, 2);
    (void)flow_tick(r.f, r.now);
    standin_answer(0, ERR_NONE, NULL, r.now);
    standin_answer(1, ERR_NONE, NULL, r.now);
    r.now += USEC_S;
    (void)flow_tick(r.f, r.now);
    assert_int_equal(standin_group.commits, 0);
    standin_answer_all(r.now);
    (void)flow_tick(r.f, r.now);
    assert_int_equal(standin_group.commits, 1);
    assert_int_equal(standin_group.last->elems[0].offset, 2);
    stop(&r);
}

static void the_end_waits_for_the_last_commit(void **state)
{
    struct rig r;

    (void)state;
    start(&r, true);
    feed(&r, bad, 3);
    (void)flow_tick(r.f, r.now);
    flow_drain(r.f);
    assert_false(flow_drained(r.f, r.now));
    feed(&r, bad, 3);
    (void)flow_tick(r.f, r.now);
    assert_int_equal(r.left, 3);
    standin_answer_all(r.now);
    assert_false(flow_drained(r.f, r.now));
    assert_int_equal(standin_group.commits, 1);
    answer_commit(&r, ERR_NONE);
    assert_true(flow_drained(r.f, r.now));
    stop(&r);
}

/* A broker that refuses the last commit is asked again at the usual pace, not in each turn. */
static void a_refused_commit_is_not_hammered_at_the_end(void **state)
{
    usec_t begun;
    struct rig r;

    (void)state;
    start(&r, true);
    feed(&r, bad, 1);
    (void)flow_tick(r.f, r.now);
    standin_answer_all(r.now);
    flow_drain(r.f);
    begun = r.now;
    for (int turn = 0; turn < 1000; turn++) {
        (void)flow_tick(r.f, r.now);
        assert_false(flow_drained(r.f, r.now));
        if (standin_group.committing)
            answer_commit(&r, ERR_RETRY);
        r.now += 10 * USEC_MS;
    }
    assert_true(standin_group.commits <= 1 + (size_t)((r.now - begun) / (500 * USEC_MS)));
    assert_true(standin_group.commits >= 10);
    while (!standin_group.committing) {
        r.now += 100 * USEC_MS;
        (void)flow_tick(r.f, r.now);
    }
    answer_commit(&r, ERR_NONE);
    assert_true(flow_drained(r.f, r.now));
    stop(&r);
}

/* Nothing to do: no deadline but those of things far away. */
static void idle_asks_for_no_wake_ups(void **state)
{
    struct rig r;

    (void)state;
    start(&r, true);
    for (int i = 0; i < 3; i++)
        assert_int_equal(flow_tick(r.f, r.now + i * USEC_S), USEC_NEVER);
    assert_int_equal(standin_group.commits, 0);
    stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bound_of_messages_is_kept),
        cmocka_unit_test(the_bound_of_memory_is_kept_whatever_the_size_of_messages),
        cmocka_unit_test(what_cannot_be_sent_yet_is_not_read),
        cmocka_unit_test(dead_letters_stop_the_reading_until_a_minute_is_over),
        cmocka_unit_test(a_bound_is_left_by_an_eighth_not_by_one),
        cmocka_unit_test(room_made_late_in_a_turn_is_not_forgotten),
        cmocka_unit_test(the_last_commit_does_not_wait_for_another_one),
        cmocka_unit_test(nothing_is_committed_before_its_end_is_confirmed),
        cmocka_unit_test(an_ending_of_the_old_assignment_finishes_nothing_of_the_new),
        cmocka_unit_test(the_end_waits_for_the_last_commit),
        cmocka_unit_test(a_refused_commit_is_not_hammered_at_the_end),
        cmocka_unit_test(idle_asks_for_no_wake_ups),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
