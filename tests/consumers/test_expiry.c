/* Records that nobody clears, from the question to the resolve, with a stand-in for the instance.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/base/xalloc.h"
#include "consumers/expiry.h"
#include "tests/consumers/instance.h"

#define OLD "2025-06-01 10:00:00" /* as old as the rig's messages */

struct bench {
    struct rig r;
    struct expiry *x;
};

static void start(struct bench *b, const char *consumers)
{
    rig_start(&b->r, consumers);
    b->x = expiry_new(b->r.c, NULL, b->r.p, b->r.lanes, b->r.d, b->r.n.targets, b->r.m);
}

static void stop(struct bench *b)
{
    while (standin_open_ops() > 0)
        standin_op_answer(standin_open_op(), SNOW_CANCELLED, NULL, b->r.now);
    (void)expiry_free(b->x);
    rig_stop(&b->r);
}

/* `n` alerts fire; their records look as if nobody has changed them since. */
static void fire(struct bench *b, int first, int n)
{
    const char *key;
    json_t *row;

    for (int i = first; i < first + n; i++)
        rig_receive(&b->r, standin_alert(i, "Fired"));
    rig_settle(&b->r, 4000);
    json_object_foreach (b->r.rows, key, row)
        rig_set(row, "sys_updated_on", OLD);
}

/* All of it yields to alerts. */
static usec_t tick(struct bench *b)
{
    usec_t next;

    standin_class = WINDOW_SYNC;
    next = expiry_tick(b->x, b->r.now);
    standin_class = WINDOW_ALERTS;
    return next;
}

/* The next question of the round; NULL: there is none until the next round. */
static struct standin_op *question(struct bench *b)
{
    usec_t next = tick(b);

    for (int i = 0; i < 3 && standin_open_ops() == 0 && next != USEC_NEVER; i++) {
        if (next > b->r.now + 10 * USEC_S)
            return NULL;
        b->r.now = next > b->r.now ? next : b->r.now;
        next = tick(b);
    }
    return standin_open_ops() > 0 ? standin_open_op() : NULL;
}

/* A whole round, answered as the instance would. Returns how many requests it took. */
static size_t whole_round(struct bench *b)
{
    struct standin_op *op;
    size_t n = 0;

    b->r.now += 301 * USEC_S;
    while ((op = question(b)) != NULL) {
        assert_true(standin_open_ops() == 1);
        rig_serve(&b->r, op);
        n++;
    }
    return n;
}

static size_t count_state(const struct bench *b, const char *state)
{
    size_t n = 0;
    const char *key;
    json_t *row;

    json_object_foreach (b->r.rows, key, row)
        n += strcmp(rig_column(row, "state"), state) == 0;
    return n;
}

static void silent_records_are_resolved_once(void **state)
{
    struct bench b;
    json_t *row;

    (void)state;
    start(&b, "{ topics = [\"alerts\"]; expire_h = 5; }");
    fire(&b, 1, 3);
    row = json_object_iter_value(json_object_iter(b.r.rows));
    rig_set(row, "state", "7"); /* a person has closed this one */
    assert_int_equal(whole_round(&b), 1 + 2 * 2);
    assert_int_equal(count_state(&b, "6"), 2);
    assert_int_equal(count_state(&b, "7"), 1);
    json_t *one = NULL;
    const char *key;

    json_object_foreach (b.r.rows, key, row)
        one = strcmp(rig_column(row, "state"), "6") == 0 ? row : one;
    assert_non_null(strstr(rig_column(one, "close_notes"), "No news for 5 h"));
    assert_non_null(strstr(rig_column(one, "work_notes"), "No news for 5 h"));
    assert_string_not_equal(rig_column(one, "close_code"), "");
    assert_non_null(strstr(rig_column(one, "correlation_display"), " 000000.1."));
    assert_int_equal(whole_round(&b), 1);
    stop(&b);
}

/* Without the key nothing is asked; nor where the partition is another process's. */
static void nothing_is_asked_without_need(void **state)
{
    struct bench b;

    (void)state;
    start(&b, "{ topics = [\"alerts\"]; }");
    fire(&b, 1, 1);
    assert_int_equal(whole_round(&b), 0);
    assert_int_equal(tick(&b), USEC_NEVER);
    stop(&b);
    start(&b, "{ topics = [\"alerts\"]; expire_h = 5; }");
    fire(&b, 1, 1);
    partition_release(b.r.x);
    assert_int_equal(whole_round(&b), 0);
    stop(&b);
}

/* What happens between page and read, or waits in a lane, decides. */
static void the_fresh_read_decides(void **state)
{
    struct bench b;

    (void)state;
    start(&b, "{ topics = [\"alerts\"]; expire_h = 5; }");
    fire(&b, 1, 1);
    b.r.now += 301 * USEC_S;
    rig_serve(&b.r, question(&b));
    rig_set(rig_only_row(&b.r), "state", "2");
    rig_set(rig_only_row(&b.r), "sys_updated_on", "2100-01-01 00:00:00");
    rig_serve(&b.r, question(&b));
    assert_null(question(&b));
    assert_int_equal(count_state(&b, "2"), 1);
    /* A message waits. */
    rig_set(rig_only_row(&b.r), "sys_updated_on", OLD);
    standin_room = 0;
    rig_receive(&b.r, standin_alert(1, "Fired"));
    rig_turn(&b.r);
    standin_room = 8;
    b.r.now += 301 * USEC_S;
    rig_serve(&b.r, question(&b));
    assert_null(question(&b));
    assert_int_equal(count_state(&b, "6"), 0);
    rig_settle(&b.r, 50);
    stop(&b);
}

/* Whatever goes wrong ends the round at most, and the next one does it. */
static void a_bad_answer_ends_the_round(void **state)
{
    static const enum snow_verdict all[] = {SNOW_UNKNOWN,      SNOW_THROTTLED, SNOW_UNAVAILABLE,
                                            SNOW_UNAUTHORISED, SNOW_REJECTED,  SNOW_ABSENT};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        for (int good = 0; good < 3; good++) {
            struct bench b;

            start(&b, "{ topics = [\"alerts\"]; expire_h = 5; }");
            fire(&b, 1, 1);
            b.r.now += 301 * USEC_S;
            for (int k = 0; k < good; k++)
                rig_serve(&b.r, question(&b));
            standin_op_answer(question(&b), all[i], NULL, b.r.now);
            assert_null(question(&b));
            assert_int_equal(count_state(&b, "6"), 0);
            (void)whole_round(&b);
            assert_int_equal(count_state(&b, "6"), 1);
            stop(&b);
        }
    }
}

/* Answers with rows behind `after` alone, in the order of sys_id. */
static void serve_page(struct bench *b, struct standin_op *op)
{
    const char *after = strstr(op->query, "^sys_id>");
    char best[33] = "", last[33] = "";
    json_t *list = json_array(), *row;
    const char *key;

    if (after != NULL)
        (void)snprintf(last, sizeof last, "%.32s", after + 8);
    while (json_array_size(list) < (size_t)op->limit) {
        best[0] = '\0';
        json_object_foreach (b->r.rows, key, row)
            if (strcmp(key, last) > 0 && (best[0] == '\0' || strcmp(key, best) < 0))
                (void)snprintf(best, sizeof best, "%s", key);
        if (best[0] == '\0')
            break;
        (void)json_array_append(list, json_object_get(b->r.rows, best));
        memcpy(last, best, sizeof last);
    }
    standin_op_answer(op, SNOW_OK, list, b->r.now);
}

static void pages_follow_each_other(void **state)
{
    struct standin_op *op;
    struct bench b;
    size_t pages = 0;

    (void)state;
    start(&b, "{ topics = [\"alerts\"]; expire_h = 5; }");
    fire(&b, 1, 250);
    b.r.now += 301 * USEC_S;
    while ((op = question(&b)) != NULL) {
        if (op->kind == SNOW_LIST && op->limit == 100) {
            pages++;
            serve_page(&b, op);
        } else {
            rig_serve(&b.r, op);
        }
    }
    assert_int_equal(pages, 3);
    assert_int_equal(count_state(&b, "6"), 250);
    stop(&b);
}

/* A series that was expired begins a new cycle; a marked alert that was is late. */
static void what_fires_after_expiry(void **state)
{
    struct bench b;

    (void)state;
    start(&b, "{ topics = [\"alerts\"]; expire_h = 5; fold = \"series\"; }");
    fire(&b, 1, 1);
    (void)whole_round(&b);
    assert_int_equal(count_state(&b, "6"), 1);
    rig_receive(&b.r, standin_alert(1, "Fired"));
    rig_settle(&b.r, 100);
    assert_int_equal(count_state(&b, "1"), 1);
    stop(&b);
    start(&b, "{ topics = [\"alerts\"]; expire_h = 5; }");
    fire(&b, 1, 1);
    (void)whole_round(&b);
    rig_receive(&b.r, standin_alert(1, "Fired"));
    rig_receive(&b.r, standin_alert(1, "Resolved"));
    rig_settle(&b.r, 100);
    assert_string_equal(rig_column(rig_only_row(&b.r), "state"), "6");
    assert_string_equal(rig_outcome(&b.r, rig_outcomes(&b.r) - 1, "why"), "applied");
    stop(&b);
}

/* ---------------------------------------------------------------- rules */

#define OF_ALERT(n_) "when: ( { field = \"short_id\"; prefix = \"0000000" n_ "\"; } );"

static json_t *row_of(struct bench *b, int n)
{
    char *id = xasprintf("azure:%08x-0000-4000-8000-000000000000", (unsigned)n);
    json_t *row, *found = NULL;
    const char *key;

    json_object_foreach (b->r.rows, key, row)
        if (strcmp(rig_column(row, "correlation_id"), id) == 0)
            found = row;
    assert_non_null(found);
    free(id);
    return found;
}

/* Each record by what the rules said of its alert, which only the record itself can tell; what a
 * person rewrote stays open as long as any rule wants. */
static void rules_say_when_a_record_is_over(void **state)
{
    static const char *const states[] = {"6", "1", "6", "1", "1", "6", "1"};
    struct bench b;

    (void)state;
    start(&b,
          "{ topics = [\"alerts\"]; expire_h = 5; rules: ("
          " { expire_h = 2; " OF_ALERT("1") " }, { expire_h = 0; " OF_ALERT(
              "2") " },"
                   " { category = \"x\"; " OF_ALERT(
                       "3") " },"
                            " { on_clear = \"resolve_untouched\"; " OF_ALERT(
                                "5") " },"
                                     " { on_clear = \"resolve_untouched\"; " OF_ALERT(
                                         "6") " },"
                                              " { on_clear = \"note\"; " OF_ALERT("7") " } ); }");
    fire(&b, 1, 7);
    rig_set(row_of(&b, 4), "description", "The disk is full.");
    rig_set(row_of(&b, 5), "sys_created_by", "itsm");
    rig_set(row_of(&b, 5), "sys_updated_by", "anna");
    assert_int_equal(whole_round(&b), 1 + 3 * 2);
    for (int n = 1; n <= 7; n++)
        if (strcmp(rig_column(row_of(&b, n), "state"), states[n - 1]) != 0)
            fail_msg("alert %d: state %s", n, rig_column(row_of(&b, n), "state"));
    assert_non_null(strstr(rig_column(row_of(&b, 1), "close_notes"), "No news for 2 h"));
    assert_non_null(strstr(rig_column(row_of(&b, 3), "close_notes"), "No news for 5 h"));
    assert_non_null(
        strstr(rig_column(row_of(&b, 2), "description"), "\nWithout news: stays open\n"));
    assert_null(strstr(rig_column(row_of(&b, 3), "description"), "Without news"));
    stop(&b);
}

/* The entry lets nothing expire, one rule does. */
static void a_rule_alone_lets_records_expire(void **state)
{
    struct bench b;

    (void)state;
    start(&b, "{ topics = [\"alerts\"]; rules: ( { expire_h = 5; " OF_ALERT("1") " } ); }");
    fire(&b, 1, 2);
    assert_int_equal(whole_round(&b), 1 + 2);
    assert_string_equal(rig_column(row_of(&b, 1), "state"), "6");
    assert_string_equal(rig_column(row_of(&b, 2), "state"), "1");
    stop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silent_records_are_resolved_once),
        cmocka_unit_test(nothing_is_asked_without_need),
        cmocka_unit_test(the_fresh_read_decides),
        cmocka_unit_test(a_bad_answer_ends_the_round),
        cmocka_unit_test(pages_follow_each_other),
        cmocka_unit_test(what_fires_after_expiry),
        cmocka_unit_test(rules_say_when_a_record_is_over),
        cmocka_unit_test(a_rule_alone_lets_records_expire),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
