/* Endings: what is confirmed before a message counts as done, whatever fails on the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/rand.h"
#include "bridge/base/xalloc.h"
#include "consumers/ends.h"
#include "consumers/partitions.h"
#include "tests/consumers/standin.h"

#define MESSAGES 12
#define ALERTS   3

struct rig {
    struct config *c;
    struct partitions *p;
    struct partition *x;
    struct metrics *m;
    struct ends *e;
    usec_t now;
    int done[MESSAGES], dropped[MESSAGES];
    size_t units; /* alive */
};

static void unit_done(void *arg, struct unit *u, usec_t now)
{
    struct rig *r = arg;

    assert_int_equal(now, r->now);
    r->done[u->message.offset]++;
    r->units--;
    (void)unit_free(u);
}

static void unit_dropped(void *arg, struct unit *u, usec_t now)
{
    struct rig *r = arg;

    (void)now;
    r->dropped[u->message.offset]++;
    r->units--;
    (void)unit_free(u);
}

static void start(struct rig *r, bool outcomes, int64_t flood)
{
    standin_reset();
    *r = (struct rig){.now = 1000 * USEC_S};
    r->c = standin_config("{ topics = [\"alerts\"]; }");
    r->c->topics.outcomes_enabled = outcomes;
    r->c->limits.dead_letters_per_minute = flood;
    r->p = partitions_new(r->c);
    r->x = partitions_get(r->p, "alerts", 0);
    r->m = metrics_new();
    r->e = ends_new(r->c, NULL, r->m, unit_done, unit_dropped, r);
}

static void stop(struct rig *r)
{
    r->e = ends_free(r->e);
    assert_int_equal(r->units, 0);
    (void)metrics_free(r->m);
    (void)partitions_free(r->p);
    (void)config_free(r->c);
    standin_reset();
}

static struct unit *make_unit(struct rig *r, int64_t offset, const char *value)
{
    r->units++;
    return unit_new(r->x, 0, standin_message(offset, 1748773231000, value), 1748773240000);
}

/* A message with ALERTS alerts; its items in `items`. */
static void make_items(struct rig *r, int64_t offset, struct item **items)
{
    char *a = standin_alert((int)offset * 10, "Fired"), *b = standin_alert(1, "Resolved");
    char *c = standin_alert((int)offset * 10 + 5, "Fired");
    char *text = xasprintf("[%s,%s,%s]", a, b, c);
    struct unit *u = make_unit(r, offset, text);
    struct alerts list = {0};
    struct err e;

    assert_int_equal(decode_message(u->consumer, &u->message, &list, &e), DECODE_OK);
    assert_int_equal(list.count, ALERTS);
    u->pending = ALERTS;
    for (size_t i = 0; i < ALERTS; i++) {
        items[i] = item_new(u, i, list.items[i]);
        list.items[i] = NULL;
    }
    alerts_done(&list);
    free(text);
    free(a);
    free(b);
    free(c);
}

static const struct ending fine = {.operation = "created", .table = "incident"};

static struct err reason(const char *code)
{
    struct err e;

    (void)err_set(&e, ERR_REJECT, code, "because");
    return e;
}

static void the_dead_letter_is_stored_before_its_outcome(void **state)
{
    struct err why = reason("rejected");
    struct ending dead = {.operation = "dead-letter", .table = "incident", .err = &why};
    struct item *items[ALERTS];
    struct rig r;

    (void)state;
    start(&r, true, 0);
    make_items(&r, 3, items);
    ends_item(r.e, items[0], &dead, r.now);
    ends_item(r.e, items[1], &fine, r.now);
    ends_item(r.e, items[2], &fine, r.now);
    assert_int_equal(standin_sent(), 3);
    assert_string_equal(standin_record(0)->topic, r.c->topics.dead_letter);
    assert_non_null(strstr(standin_record(0)->headers, "itsm-bridge-class=rejected\n"));
    assert_non_null(strstr(standin_record(0)->headers, "itsm-bridge-alert-index=0\n"));
    assert_string_equal(standin_record(1)->topic, r.c->topics.outcomes);
    standin_answer(1, ERR_NONE, NULL, r.now);
    standin_answer(2, ERR_NONE, NULL, r.now);
    assert_int_equal(r.done[3], 0);
    standin_answer(0, ERR_NONE, NULL, r.now);
    assert_int_equal(standin_sent(), 4); /* its outcome now */
    assert_string_equal(standin_record(3)->topic, r.c->topics.outcomes);
    assert_int_equal(r.done[3], 0);
    assert_int_equal(ends_pending(r.e), 1);
    standin_answer(3, ERR_NONE, NULL, r.now);
    assert_int_equal(r.done[3], 1);
    assert_int_equal(ends_pending(r.e), 0);
    stop(&r);
}

static void without_outcomes_an_ending_is_done_at_once_but_for_its_dead_letter(void **state)
{
    struct err why = reason("rejected");
    struct ending dead = {.operation = "dead-letter", .table = "incident", .err = &why};
    struct item *items[ALERTS];
    struct rig r;

    (void)state;
    start(&r, false, 0);
    make_items(&r, 1, items);
    ends_item(r.e, items[0], &fine, r.now);
    ends_item(r.e, items[1], &fine, r.now);
    assert_int_equal(standin_sent(), 0);
    assert_int_equal(r.done[1], 0);
    ends_item(r.e, items[2], &dead, r.now);
    assert_int_equal(standin_sent(), 1);
    assert_int_equal(r.done[1], 0);
    standin_answer(0, ERR_NONE, NULL, r.now);
    assert_int_equal(r.done[1], 1);
    stop(&r);
}

static void an_unreadable_message_is_one_dead_letter_with_its_own_bytes(void **state)
{
    struct err why = reason("not-json");
    struct rig r;

    (void)state;
    start(&r, true, 0);
    ends_unit(r.e, make_unit(&r, 2, "{nonsense"), &why, r.now);
    assert_int_equal(standin_sent(), 1);
    assert_string_equal(standin_record(0)->value, "{nonsense");
    assert_string_equal(standin_record(0)->key, "k");
    assert_non_null(strstr(standin_record(0)->headers, "itsm-bridge-offset=2\n"));
    assert_null(strstr(standin_record(0)->headers, "itsm-bridge-alert-index"));
    standin_answer(0, ERR_NONE, NULL, r.now);
    assert_int_equal(r.done[2], 1);
    stop(&r);
}

/* Random failures of every kind, at once and late: each message is done exactly once, and not
 * before the last record that stands for it was stored. */
static void whatever_fails_each_message_is_done_once_at_last(void **state)
{
    struct err why = reason("rejected");
    struct ending dead = {.operation = "dead-letter", .table = "incident", .err = &why};
    struct rand rand;

    (void)state;
    for (uint64_t seed = 0; seed < 150; seed++) {
        size_t stored[MESSAGES] = {0}, wanted[MESSAGES] = {0};
        struct rig r;

        rand_seed(&rand, seed);
        start(&r, true, 0);
        for (int k = 0; k < MESSAGES; k++) {
            struct item *items[ALERTS];

            make_items(&r, k, items);
            for (size_t i = 0; i < ALERTS; i++) {
                bool is_dead = rand_between(&rand, 0, 3) == 0;

                if (rand_between(&rand, 0, 2) == 0)
                    standin_refuse(ERR_RETRY, "kafka-queue-full", 1);
                wanted[k] += 1 + is_dead;
                ends_item(r.e, items[i], is_dead ? &dead : &fine, r.now);
            }
        }
        for (int turn = 0; ends_pending(r.e) > 0; turn++) {
            assert_true(turn < 5000);
            for (size_t i = 0; i < standin_sent(); i++) {
                struct standin_record *s = standin_record(i);
                const char *offset = strstr(s->value, "\"offset\":");
                int64_t k;

                if (s->answered || rand_between(&rand, 0, 1) == 0)
                    continue;
                if (rand_between(&rand, 0, 2) == 0) {
                    standin_answer(i, ERR_RETRY, "kafka-topic-missing", r.now);
                    continue;
                }
                if (offset == NULL)
                    offset = strstr(s->headers, "itsm-bridge-offset=") + 10;
                k = strtol(offset + 9, NULL, 10);
                assert_int_equal(r.done[k], 0);
                stored[k]++;
                standin_answer(i, ERR_NONE, NULL, r.now);
                assert_int_equal(r.done[k], stored[k] == wanted[k]);
            }
            r.now += USEC_S;
            (void)ends_tick(r.e, r.now);
        }
        for (int k = 0; k < MESSAGES; k++) {
            assert_int_equal(r.done[k], 1);
            assert_int_equal(stored[k], wanted[k]);
        }
        stop(&r);
    }
}

static void what_cannot_be_sent_waits_and_says_until_when(void **state)
{
    struct item *items[ALERTS];
    usec_t due;
    struct rig r;

    (void)state;
    start(&r, true, 0);
    assert_int_equal(ends_tick(r.e, r.now), USEC_NEVER);
    make_items(&r, 0, items);
    standin_refuse(ERR_RETRY, "kafka-queue-full", 3);
    for (size_t i = 0; i < ALERTS; i++)
        ends_item(r.e, items[i], &fine, r.now);
    assert_int_equal(standin_sent(), 0);
    due = ends_tick(r.e, r.now);
    assert_true(due > r.now && due <= r.now + 30 * USEC_S);
    for (int i = 0; i < 3; i++) {
        r.now = ends_tick(r.e, r.now);
        (void)ends_tick(r.e, r.now);
    }
    assert_int_equal(standin_sent(), ALERTS);
    standin_answer_all(r.now);
    assert_int_equal(r.done[0], 1);
    stop(&r);
}

/* Cut by halves, then without headers; and after that whole again at a later try, for the topic's
 * bound may have been raised. */
static void a_dead_letter_that_is_too_large_is_cut_until_it_fits(void **state)
{
    struct err why = reason("not-json");
    char value[5001];
    size_t last = 5001, i = 0;
    struct rig r;

    (void)state;
    memset(value, 'x', 5000);
    value[5000] = '\0';
    start(&r, true, 0);
    ends_unit(r.e, make_unit(&r, 0, value), &why, r.now);
    while (i < standin_sent()) {
        struct standin_record *s = standin_record(i);

        assert_true(s->value_length < last || (last == 0 && s->value_length == 0));
        last = s->value_length;
        if (last < 5000) {
            assert_non_null(strstr(s->headers, "itsm-bridge-value-length=5000\n"));
            assert_non_null(strstr(s->headers, "itsm-bridge-value-sha256="));
        }
        standin_answer(i++, ERR_REJECT, "kafka-too-large", r.now);
        assert_true(i < 20);
    }
    assert_int_equal(last, 0);
    assert_true(i >= 4);
    assert_int_equal(r.done[0], 0);
    r.now = ends_tick(r.e, r.now);
    (void)ends_tick(r.e, r.now);
    assert_int_equal(standin_sent(), i + 1);
    assert_int_equal(standin_record(i)->value_length, 5000);
    standin_answer(i, ERR_NONE, NULL, r.now);
    assert_int_equal(r.done[0], 1);
    stop(&r);
}

/* The client itself refuses the size: no report will come, the next size goes at once. */
static void a_size_refused_at_once_is_cut_at_once(void **state)
{
    struct err why = reason("not-json");
    struct rig r;

    (void)state;
    start(&r, true, 0);
    standin_refuse(ERR_REJECT, "kafka-too-large", 1);
    ends_unit(r.e, make_unit(&r, 0, "0123456789"), &why, r.now);
    assert_int_equal(standin_sent(), 1);
    assert_int_equal(standin_record(0)->value_length, 0);
    standin_answer(0, ERR_NONE, NULL, r.now);
    assert_int_equal(r.done[0], 1);
    stop(&r);
}

/* A refusal for another reason than size must not cost the message its bytes. */
static void only_size_cuts_a_dead_letter(void **state)
{
    struct err why = reason("not-json");
    struct rig r;

    (void)state;
    start(&r, true, 0);
    ends_unit(r.e, make_unit(&r, 0, "0123456789"), &why, r.now);
    standin_answer(0, ERR_REJECT, "kafka-record-refused", r.now);
    assert_int_equal(standin_sent(), 1);
    r.now = ends_tick(r.e, r.now);
    (void)ends_tick(r.e, r.now);
    assert_int_equal(standin_sent(), 2);
    assert_string_equal(standin_record(1)->value, "0123456789");
    standin_answer(1, ERR_NONE, NULL, r.now);
    stop(&r);
}

static void more_dead_letters_a_minute_than_allowed_are_a_flood(void **state)
{
    struct err why = reason("not-json");
    struct rig r;

    (void)state;
    start(&r, true, 3);
    for (int i = 0; i < 3; i++) {
        assert_false(ends_flooded(r.e, r.now));
        ends_unit(r.e, make_unit(&r, i, "x"), &why, r.now);
        r.now += USEC_S;
    }
    assert_true(ends_flooded(r.e, r.now));
    assert_true(ends_flooded(r.e, r.now + 56 * USEC_S));
    assert_false(ends_flooded(r.e, r.now + 57 * USEC_S));
    stop(&r);
    start(&r, true, 0); /* no bound */
    for (int i = 0; i < 10; i++)
        ends_unit(r.e, make_unit(&r, i, "x"), &why, r.now);
    assert_false(ends_flooded(r.e, r.now));
    stop(&r);
}

static void at_the_end_what_is_not_confirmed_is_let_go_not_done(void **state)
{
    struct err why = reason("not-json");
    struct item *items[ALERTS];
    struct rig r;

    (void)state;
    start(&r, true, 0);
    make_items(&r, 0, items);
    for (size_t i = 0; i < ALERTS; i++)
        ends_item(r.e, items[i], &fine, r.now);
    ends_unit(r.e, make_unit(&r, 1, "x"), &why, r.now);
    standin_answer(0, ERR_NONE, NULL, r.now);
    standin_answer(1, ERR_RETRY, "kafka-purged", r.now); /* waits for its next try */
    r.e = ends_free(r.e);
    assert_int_equal(r.done[0] + r.done[1], 0);
    assert_int_equal(r.dropped[0], 1);
    assert_int_equal(r.dropped[1], 1);
    stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_dead_letter_is_stored_before_its_outcome),
        cmocka_unit_test(without_outcomes_an_ending_is_done_at_once_but_for_its_dead_letter),
        cmocka_unit_test(an_unreadable_message_is_one_dead_letter_with_its_own_bytes),
        cmocka_unit_test(whatever_fails_each_message_is_done_once_at_last),
        cmocka_unit_test(what_cannot_be_sent_waits_and_says_until_when),
        cmocka_unit_test(a_dead_letter_that_is_too_large_is_cut_until_it_fits),
        cmocka_unit_test(a_size_refused_at_once_is_cut_at_once),
        cmocka_unit_test(only_size_cuts_a_dead_letter),
        cmocka_unit_test(more_dead_letters_a_minute_than_allowed_are_a_flood),
        cmocka_unit_test(at_the_end_what_is_not_confirmed_is_let_go_not_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
