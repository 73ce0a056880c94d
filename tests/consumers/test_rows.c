/* Events and imports: every verdict, order, splitting, and that nothing of theirs is lost or blamed
 * for what is not its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/base/xalloc.h"
#include "tests/consumers/instance.h"

#define EVENT  "{ topics = [\"alerts\"]; target = \"event\"; }"
#define SERIES "{ topics = [\"alerts\"]; target = \"event\"; message_key = \"series\"; }"
#define IMPORT "{ topics = [\"alerts\"]; target = \"import:u_alerts\"; }"

static void receive(struct rig *r, int n, char what)
{
    if (what == 'h' || what == 'n')
        rig_receive(r, standin_health(n, what == 'h' ? "Active" : "RCA"));
    else
        rig_receive(r, standin_alert(n, what == 'f' ? "Fired" : "Resolved"));
}

static void receive_all(struct rig *r, int n, const char *whats)
{
    for (; *whats != '\0'; whats++)
        receive(r, n, *whats);
}

static json_t *taken(const struct rig *r, size_t i)
{
    return json_array_get(r->events, i);
}

static size_t records(const struct standin_op *op)
{
    return json_array_size(json_object_get(op->body, "records"));
}

static void outcome_of(struct snow_outcome *o, enum snow_verdict v)
{
    *o = (struct snow_outcome){
        .verdict = v, .status = 500, .date = MSEC_NONE, .sent = true, .total_count = -1};
    err_clear(&o->err);
    if (v != SNOW_OK)
        (void)err_set(&o->err, ERR_REJECT, "rejected", "no");
}

static void expect_outcomes(const struct rig *r, size_t n, const char *operation)
{
    assert_int_equal(rig_outcomes(r), n);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(rig_outcome(r, i, "operation"), operation);
}

/* All that waits goes in one request, the messages of an alert in their order, no look before. */
static void what_waits_goes_together(void **state)
{
    static const char severities[] = "202";
    struct rig r;

    (void)state;
    rig_start(&r, SERIES);
    receive_all(&r, 1, "fc");
    receive(&r, 1, 'f');
    for (int n = 2; n < 100; n++)
        receive(&r, n, 'f');
    rig_turn(&r);
    assert_int_equal(standin_ops(), 1);
    assert_int_equal(records(standin_op(0)), 101);
    assert_string_equal(standin_op(0)->table, "em_event");
    rig_serve(&r, standin_open_op());
    rig_settle(&r, 5);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(rig_column(taken(&r, i), "severity")[0], severities[i]);
    expect_outcomes(&r, 101, "sent");
    assert_string_equal(rig_outcome(&r, 0, "table"), "em_event");
    assert_string_equal(rig_outcome(&r, 0, "correlation_id"),
                        rig_column(taken(&r, 0), "message_key"));
    assert_int_equal(r.units_done, 101);
    rig_stop(&r);
}

/* A clear is newer than every fire of its instance: together the clear goes last, and a fire that
 * comes when the clear is done is not sent. A series lives on. */
static void a_late_fire_opens_nothing(void **state)
{
    struct rig r;

    (void)state;
    rig_start(&r, EVENT);
    receive_all(&r, 1, "cf");
    rig_settle(&r, 5);
    assert_string_equal(rig_column(taken(&r, 0), "severity"), "2");
    assert_string_equal(rig_column(taken(&r, 1), "severity"), "0");
    receive(&r, 1, 'f');
    rig_settle(&r, 5);
    assert_int_equal(json_array_size(r.events), 2);
    assert_string_equal(rig_outcome(&r, 2, "operation"), "nothing");
    assert_string_equal(rig_outcome(&r, 2, "why"), "late");
    rig_stop(&r);

    rig_start(&r, SERIES);
    receive_all(&r, 1, "cf");
    rig_settle(&r, 5);
    receive(&r, 1, 'f');
    rig_settle(&r, 5);
    assert_int_equal(json_array_size(r.events), 3);
    rig_stop(&r);
}

static void a_note_is_no_event_but_a_row(void **state)
{
    struct rig r;

    (void)state;
    rig_start(&r, EVENT);
    receive_all(&r, 1, "hn");
    rig_settle(&r, 5);
    assert_int_equal(json_array_size(r.events), 1);
    assert_string_equal(rig_outcome(&r, 0, "why"), "note");
    rig_stop(&r);

    rig_start(&r, IMPORT);
    receive_all(&r, 1, "hn");
    rig_settle(&r, 5);
    assert_string_equal(rig_column(taken(&r, 1), "u_state"), "note");
    rig_stop(&r);
}

/* One request of an alert at a time: what comes meanwhile waits for its answer. */
static void one_request_of_an_alert_at_a_time(void **state)
{
    static const char *const entries[] = {EVENT, IMPORT};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
        struct rig r;

        rig_start(&r, entries[i]);
        receive(&r, 1, 'f');
        rig_turn(&r);
        receive_all(&r, 1, "fc");
        r.now += USEC_S;
        rig_turn(&r);
        assert_int_equal(standin_open_ops(), 1);
        rig_settle(&r, 10);
        assert_int_equal(json_array_size(r.events), 3);
        rig_stop(&r);
    }
}

/* Group commit: a few events wait a moment for more while a request is under way; many do not. */
static void events_gather(void **state)
{
    struct rig r;

    (void)state;
    rig_start(&r, EVENT);
    receive(&r, 1, 'f');
    rig_turn(&r);
    receive(&r, 2, 'f');
    rig_turn(&r);
    assert_int_equal(standin_open_ops(), 1);
    assert_true(r.next > r.now && r.next <= r.now + 50 * USEC_MS);
    receive(&r, 3, 'f');
    r.now = r.next;
    rig_turn(&r);
    assert_int_equal(standin_open_ops(), 2);
    assert_int_equal(records(standin_op(1)), 2);
    for (int n = 10; n < 110; n++)
        receive(&r, n, 'f');
    rig_turn(&r);
    assert_int_equal(standin_open_ops(), 3);
    assert_int_equal(records(standin_op(2)), 100);
    rig_settle(&r, 10);
    assert_int_equal(json_array_size(r.events), 103);
    rig_stop(&r);
}

/* No trouble of the instance costs a message, however often it comes. */
static void trouble_that_is_not_its_own_is_waited_out(void **state)
{
    static const enum snow_verdict verdicts[] = {SNOW_THROTTLED, SNOW_UNAVAILABLE,
                                                 SNOW_UNKNOWN,   SNOW_UNAUTHORISED,
                                                 SNOW_CANCELLED, SNOW_REJECTED};
    static const char *const entries[] = {EVENT, IMPORT};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(entries) * ARRAY_LEN(verdicts); i++) {
        enum snow_verdict v = verdicts[i / ARRAY_LEN(entries)];
        struct snow_outcome o;
        struct rig r;

        rig_start(&r, entries[i % ARRAY_LEN(entries)]);
        receive_all(&r, 1, "fc");
        receive(&r, 2, 'f');
        outcome_of(&o, v);
        o.outage = v == SNOW_UNKNOWN;
        o.place = v == SNOW_REJECTED;
        for (int k = 0; k < 60; k++) {
            rig_turn(&r);
            if (standin_open_ops() > 0)
                standin_op_outcome(standin_open_op(), &o, r.now);
            else
                r.now = r.next != USEC_NEVER && r.next > r.now ? r.next : r.now;
        }
        assert_int_equal(rig_outcomes(&r), 0);
        rig_settle(&r, 50);
        assert_int_equal(json_array_size(r.events), 3);
        assert_int_equal(rig_outcomes(&r), 3);
        assert_int_equal(rig_dead_letters(&r), 0);
        rig_stop(&r);
    }
}

static bool holds(const struct standin_op *op, const char *text)
{
    char *all = json_dumps(op->body, 0);
    bool found = strstr(all, text) != NULL;

    free(all);
    return found;
}

/* The instance does not take requests that hold a bad event: whole (refused) or in part (counted).
 * Which one, it does not say. */
static void serve_with_bad(struct rig *r, struct standin_op *op, const char *bad, bool refuses)
{
    struct snow_outcome o;

    if (!holds(op, bad)) {
        rig_serve(r, op);
        return;
    }
    outcome_of(&o, refuses ? SNOW_REJECTED : SNOW_OK);
    o.total_count = refuses ? -1 : (long long)records(op) - 1;
    standin_op_outcome(op, &o, r->now);
}

static void the_bad_one_is_found(void **state)
{
    (void)state;
    for (int refuses = 0; refuses < 2; refuses++) {
        size_t rounds = 0;
        struct rig r;

        rig_start(&r, EVENT);
        for (int n = 0; n < 100; n++)
            receive(&r, n, 'f');
        receive_all(&r, 77, "fc");
        for (rig_turn(&r); lanes_count(r.lanes) > 0 && rounds < 400; rig_turn(&r), rounds++) {
            if (standin_open_ops() > 0)
                serve_with_bad(&r, standin_open_op(), "azure:0000004d-", refuses);
            else if (r.next != USEC_NEVER && r.next > r.now)
                r.now = r.next;
        }
        assert_int_equal(lanes_count(r.lanes), 0);
        assert_int_equal(json_array_size(r.events), 99);
        assert_int_equal(rig_outcomes(&r), 102);
        assert_int_equal(rig_dead_letters(&r), 3);
        /* 7 halvings to find it; alone it is refused at once, or tried max_attempts times */
        assert_true(standin_ops() <= (refuses ? 30 : 60));
        rig_stop(&r);
    }
}

static void a_failed_transform_is_a_dead_letter(void **state)
{
    struct snow_outcome o;
    struct rig r;

    (void)state;
    rig_start(&r, IMPORT);
    receive(&r, 1, 'f');
    rig_turn(&r);
    assert_int_equal(standin_op(0)->kind, SNOW_IMPORT);
    assert_string_equal(standin_op(0)->table, "u_alerts");
    outcome_of(&o, SNOW_REJECTED);
    (void)err_set(&o.err, ERR_REJECT, "import-error", "Target record not found");
    standin_op_outcome(standin_open_op(), &o, r.now);
    rig_settle(&r, 5);
    assert_int_equal(rig_dead_letters(&r), 1);
    assert_string_equal(rig_outcome(&r, 0, "class"), "import-error");
    rig_stop(&r);
}

/* What the transform says is in the outcome: the record where it wrote one. */
static void an_import_tells_its_record(void **state)
{
    static const struct {
        const char *status, *operation, *why, *number;
    } rows[] = {{"inserted", "created", "", "INC7"},
                {"updated", "updated", "", "INC7"},
                {"ignored", "nothing", "ignored", "INC7"},
                {"skipped", "nothing", "skipped", "INC7"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct rig r;

        rig_start(&r, IMPORT);
        receive(&r, 1, 'f');
        rig_turn(&r);
        standin_op_answer(standin_open_op(), SNOW_OK,
                          json_pack("{ss,ss,ss,ss}", "status", rows[i].status, "table", "incident",
                                    "sys_id", "0123456789abcdef0123456789abcdef", "display_value",
                                    rows[i].number),
                          r.now);
        rig_settle(&r, 5);
        assert_string_equal(rig_outcome(&r, 0, "operation"), rows[i].operation);
        assert_string_equal(rig_outcome(&r, 0, "why"), rows[i].why);
        assert_string_equal(rig_outcome(&r, 0, "number"), rows[i].number);
        assert_string_equal(rig_outcome(&r, 0, "table"), "incident");
        rig_stop(&r);
    }
}

/* The partition goes while the request flies: its messages end when it does; the others go now. */
static void gone(void *arg, struct item *i)
{
    struct rig *r = arg;
    struct unit *u = i->unit;

    r->gone++;
    (void)item_free(i);
    if (--u->pending == 0)
        intake_free_unit(&r->n, u);
}

static void a_partition_is_taken(void **state)
{
    struct snow_outcome o;
    struct rig r;

    (void)state;
    rig_start(&r, EVENT);
    receive(&r, 1, 'f');
    rig_turn(&r);
    receive_all(&r, 1, "fc");
    dispatch_release(r.d, gone, &r);
    assert_int_equal(r.gone, 2);
    outcome_of(&o, SNOW_UNAVAILABLE);
    standin_op_outcome(standin_open_op(), &o, r.now);
    rig_settle(&r, 20);
    assert_int_equal(r.gone, 3);
    assert_int_equal(json_array_size(r.events), 0);
    rig_stop(&r);
}

/* The message of topic `alerts` has its outcome. */
static bool single_done(const struct rig *r)
{
    for (size_t i = 0; i < standin_sent(); i++)
        if (strcmp(standin_record(i)->topic, r->c->topics.outcomes) == 0 &&
            strstr(standin_record(i)->value, "\"topic\":\"alerts\"") != NULL)
            return true;
    return false;
}

/* Records and rows share the room: an endless stream of the one does not starve the other. */
static void records_and_rows_share_the_room(void **state)
{
    static const char *const targets[] = {"incident", "event", "import:u_alerts"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(targets) * ARRAY_LEN(targets); i++) {
        const char *stream = targets[i % ARRAY_LEN(targets)];
        const char *single = targets[i / ARRAY_LEN(targets)];
        char *entries = xasprintf("{ topics = [\"alerts\"]; target = \"%s\"; }, "
                                  "{ topics = [\"other\"]; target = \"%s\"; }",
                                  single, stream);
        size_t rounds = 0;
        struct rig r;

        rig_start(&r, entries);
        free(entries);
        standin_room = 1;
        receive(&r, 1, 'f');
        r.x = partitions_get(r.p, "other", 0);
        partition_assign(r.x, 1, 0);
        r.offset = 0;
        for (rounds = 0; rounds < 20 && !single_done(&r); rounds++) {
            receive(&r, (int)(10000 + rounds), 'f');
            receive(&r, (int)(20000 + rounds), 'f');
            rig_turn(&r);
            if (standin_open_ops() > 0)
                rig_serve(&r, standin_open_op());
        }
        if (!single_done(&r))
            fail_msg("%s starved by %s", single, stream);
        rig_settle(&r, 500);
        rig_stop(&r);
    }
}

/* Everything goes in one request while nothing else wants the room; else one at a time. */
static void events_leave_room(void **state)
{
    struct rig r;

    (void)state;
    rig_start(&r, "{ topics = [\"alerts\"]; target = \"import:u_alerts\"; }, "
                  "{ topics = [\"other\"]; target = \"event\"; }");
    standin_room = 3;
    for (int n = 0; n < 5; n++)
        receive(&r, n, 'f');
    r.x = partitions_get(r.p, "other", 0);
    partition_assign(r.x, 1, 0);
    r.offset = 0;
    for (int n = 0; n < 900; n++)
        receive(&r, 1000 + n, 'f');
    rig_turn(&r);
    rig_turn(&r);
    assert_int_equal(standin_open_ops(), 3);
    for (size_t i = 0, events = 0; i < 3; i++) {
        events += standin_op(i)->kind == SNOW_EVENTS;
        assert_true(events <= 1);
    }
    rig_settle(&r, 500);
    rig_stop(&r);
}

/* A user who may send events needs no right to look at anything. */
static void events_ask_for_nothing_else(void **state)
{
    struct rig r;

    (void)state;
    rig_start(&r, EVENT);
    receive_all(&r, 1, "fc");
    receive_all(&r, 2, "f");
    rig_settle(&r, 5);
    for (size_t i = 0; i < standin_ops(); i++)
        assert_int_equal(standin_op(i)->kind, SNOW_EVENTS);
    rig_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_goes_together),
        cmocka_unit_test(a_late_fire_opens_nothing),
        cmocka_unit_test(a_note_is_no_event_but_a_row),
        cmocka_unit_test(one_request_of_an_alert_at_a_time),
        cmocka_unit_test(events_gather),
        cmocka_unit_test(trouble_that_is_not_its_own_is_waited_out),
        cmocka_unit_test(the_bad_one_is_found),
        cmocka_unit_test(a_failed_transform_is_a_dead_letter),
        cmocka_unit_test(an_import_tells_its_record),
        cmocka_unit_test(a_partition_is_taken),
        cmocka_unit_test(records_and_rows_share_the_room),
        cmocka_unit_test(events_leave_room),
        cmocka_unit_test(events_ask_for_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
