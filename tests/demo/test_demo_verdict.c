/* The demo's check has teeth: a whole show is good, and each single thing that is wrong in it makes
 * the verdict bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "bridge/base/xalloc.h"
#include "tests/demo/verdict.h"

enum fault {
    FAULT_NONE,
    FAULT_OUTCOME_LOST,
    FAULT_NOT_SENT,
    FAULT_INCIDENT_LOST,
    FAULT_INCIDENT_TWICE,
    FAULT_INCIDENT_STRANGE, /* of no alert that was sent */
    FAULT_NOT_RESOLVED,
    FAULT_RESOLVED_WITHOUT_CLEAR,
    FAULT_RECORD_LOST,
    FAULT_RECORD_TWICE,
    FAULT_RECORD_STRANGE, /* a version that ServiceNow never had */
    FAULT_DEAD_LETTER,
    FAULTS
};

#define UPDATED "2026-11-24 10:00:00"

struct play {
    struct feed *feed;
    struct board *board;
    json_t *incidents;
    enum fault fault;
    bool late_reports; /* outcomes come before the reports of their messages */
};

/* Metric alerts of the first sample are cleared, the activity log's (the tenth) never are. */
static const size_t cleared_alert = 0, open_alert = 9;

static void outcome(struct play *p, size_t message)
{
    const struct feed_message *m = &p->feed->messages[message];
    static const char *const operations[] = {"created", "resolved", "nothing"};
    char *number = xasprintf("INC%04zu", m->alert);
    json_t *o = json_pack("{s:{s:i, s:i}, s:s, s:s, s:s}", "source", "partition",
                          (int)(message % 3), "offset", (int)message, "operation",
                          operations[m->kind], "number", number, "sys_id", number);

    board_outcome(p->board, o, 2);
    json_decref(o);
    free(number);
}

static void send_all(struct play *p)
{
    for (size_t i = 0; i < p->feed->messages_count; i++) {
        bool last = i + 1 == p->feed->messages_count;

        if (last && p->fault == FAULT_NOT_SENT)
            return;
        board_send(p->board, i, 1);
        if (!p->late_reports)
            board_sent(p->board, i, (int32_t)(i % 3), (int64_t)i, NULL, 2);
        if (!last || p->fault != FAULT_OUTCOME_LOST)
            outcome(p, i);
        if (p->late_reports)
            board_sent(p->board, i, (int32_t)(i % 3), (int64_t)i, NULL, 2);
    }
    if (p->fault == FAULT_DEAD_LETTER)
        board_dead_letter(p->board);
}

static void incident(struct play *p, size_t alert, const char *mark)
{
    const struct feed_alert *a = &p->feed->alerts[alert];
    bool resolved = a->clears;
    char *text = xasprintf("Fired [%s]\nmore", mark);

    if (p->fault == FAULT_NOT_RESOLVED && alert == cleared_alert)
        resolved = false;
    if (p->fault == FAULT_RESOLVED_WITHOUT_CLEAR && alert == open_alert)
        resolved = true;
    assert_int_equal(
        json_array_append_new(p->incidents, json_pack("{s:s, s:s}", "description", text, "state",
                                                      resolved ? "6" : "1")),
        0);
    free(text);
}

static void incidents(struct play *p)
{
    for (size_t i = 0; i < p->feed->alerts_count; i++)
        if (i != 3 || p->fault != FAULT_INCIDENT_LOST)
            incident(p, i, p->feed->alerts[i].mark);
    if (p->fault == FAULT_INCIDENT_TWICE)
        incident(p, 3, p->feed->alerts[3].mark);
    if (p->fault == FAULT_INCIDENT_STRANGE)
        incident(p, 3, "someone else's");
}

static void written(struct play *p, int row, int version)
{
    char *id = xasprintf("row%d", row), *count = xasprintf("%d", version);
    /* as the simulator's journal: what stays as it was is left out */
    json_t *j =
        json_pack("{s:i, s:[{s:s, s:s, s:i, s:{s:{s:s}, s:{s:s}}}]}", "last", 10 * row + version,
                  "entries", "table", "incident", "sys_id", id, "wall_ms", 5, "changes",
                  version > 0 ? "sys_mod_count" : "state", "new", version > 0 ? count : "1",
                  version > 0 ? "state" : "sys_updated_on", "new", UPDATED);

    board_journal(p->board, j);
    json_decref(j);
    free(count);
    free(id);
}

static void published(struct play *p, int row, int version)
{
    char *id = xasprintf("row%d", row), *count = xasprintf("%d", version);
    json_t *v =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:{s:s}}", "table", "incident", "sys_id", id, "number",
                  id, "sys_mod_count", count, "sys_updated_on", UPDATED, "record", "state", "1");

    board_record(p->board, "servicenow.incident", v, 7, 3);
    json_decref(v);
    free(count);
    free(id);
}

/* Three rows of three versions; the middle one of each is overwritten before it is read. */
static void changes(struct play *p)
{
    for (int row = 0; row < 3; row++) {
        bool special = row == 1;

        for (int version = 0; version < 3; version++)
            written(p, row, version);
        published(p, row, 0);
        if (!special || p->fault != FAULT_RECORD_LOST)
            published(p, row, 2);
        if (special && p->fault == FAULT_RECORD_TWICE)
            published(p, row, 0);
        if (special && p->fault == FAULT_RECORD_STRANGE)
            published(p, row, 3);
    }
}

static bool good_with(enum fault fault, bool late_reports)
{
    const struct feed_plan plan = {.steady = 26, .burst = 0, .length = 10 * USEC_S};
    struct play p = {.fault = fault, .late_reports = late_reports};
    struct verdict v = {0};
    struct err e = {0};
    bool good;

    p.feed = feed_new(DEMO_SAMPLES, &plan, 1795000000000, &e);
    assert_non_null(p.feed);
    p.board = board_new(p.feed, 0);
    p.incidents = json_array();
    send_all(&p);
    incidents(&p);
    changes(&p);
    verdict_make(&v, p.board, p.incidents);
    good = verdict_good(&v);
    if (fault == FAULT_NONE) {
        assert_true(board_settled(p.board));
        assert_int_equal(p.board->opened, 26);
        assert_int_equal(p.board->resolved, p.board->clears);
    }
    verdict_done(&v);
    json_decref(p.incidents);
    board_free(p.board);
    feed_free(p.feed);
    return good;
}

static void whole_show_is_good(void **state)
{
    (void)state;
    assert_true(good_with(FAULT_NONE, false));
    assert_true(good_with(FAULT_NONE, true));
}

static void each_fault_is_seen(void **state)
{
    (void)state;
    for (int fault = FAULT_NONE + 1; fault < FAULTS; fault++)
        if (good_with((enum fault)fault, false))
            fail_msg("the verdict is good in spite of fault %d", fault);
}

static void nothing_is_not_good(void **state)
{
    struct verdict v = {0};

    (void)state;
    assert_false(verdict_good(&v));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_show_is_good),
        cmocka_unit_test(each_fault_is_seen),
        cmocka_unit_test(nothing_is_not_good),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
