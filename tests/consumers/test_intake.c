/* From a record to items: what never becomes one, and what a message of thousands costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"
#include "consumers/intake.h"
#include "tests/consumers/standin.h"

#define NOW (1000 * USEC_S)
#define CUT INT64_C(1748773000000)

struct rig {
    struct config *c;
    struct partitions *p;
    struct partition *x;
    struct metrics *m;
    struct lanes *lanes;
    struct ends *ends;
    struct intake n;
};

static size_t decoded;

enum decode_result __real_decode_message(const struct config_consumer *c, const struct message *m,
                                         struct alerts *ret, struct err *e);
enum decode_result __wrap_decode_message(const struct config_consumer *c, const struct message *m,
                                         struct alerts *ret, struct err *e);

enum decode_result __wrap_decode_message(const struct config_consumer *c, const struct message *m,
                                         struct alerts *ret, struct err *e)
{
    decoded++;
    return __real_decode_message(c, m, ret, e);
}

static void unit_done(void *arg, struct unit *u, usec_t now)
{
    struct rig *r = arg;

    (void)now;
    if (u->partition->offsets != NULL && u->partition->tracker == u->tracker)
        offsets_done(u->partition->offsets, u->ticket);
    intake_free_unit(&r->n, u);
}

static void start_with(struct rig *r, const char *entry)
{
    standin_reset();
    decoded = 0;
    *r = (struct rig){.c = standin_config(entry)};
    r->p = partitions_new(r->c);
    r->x = partitions_get(r->p, "alerts", 0);
    partition_assign(r->x, 1, 0);
    r->m = metrics_new();
    r->lanes = lanes_new(100);
    r->ends = ends_new(r->c, NULL, r->m, unit_done, unit_done, r);
    intake_init(&r->n, r->c, r->lanes, r->ends, r->m);
}

static void start(struct rig *r)
{
    start_with(r, "{ topics = [\"alerts\"]; clear_wait_s = 30; }");
}

static void drop_lane(void *arg, struct lane *lane)
{
    struct rig *r = arg;

    while (lane->items != NULL) {
        struct item *i = lane->items;
        struct unit *u = i->unit;

        lanes_take(r->lanes, i);
        (void)item_free(i);
        if (--u->pending == 0)
            intake_free_unit(&r->n, u);
    }
    lane_move(r->lanes, lane, LANE_IDLE);
    lanes_settle(r->lanes, lane);
}

static void stop(struct rig *r)
{
    lanes_each(r->lanes, drop_lane, r);
    (void)lanes_free(r->lanes);
    (void)ends_free(r->ends);
    intake_done(&r->n);
    assert_int_equal(r->n.units, 0);
    assert_int_equal(r->n.bytes, 0);
    (void)metrics_free(r->m);
    (void)partitions_free(r->p);
    (void)config_free(r->c);
    standin_reset();
}

/* Takes the text. */
static void receive(struct rig *r, int64_t offset, msec_t time, char *text)
{
    intake_record(&r->n, r->x, standin_message(offset, time, text), NOW);
    free(text);
}

static void an_alert_goes_into_its_lane(void **state)
{
    struct lane *lane;
    struct rig r;

    (void)state;
    start(&r);
    receive(&r, 5, CUT, standin_alert(1, "Fired"));
    receive(&r, 6, CUT, standin_alert(2, "Fired"));
    receive(&r, 7, CUT, standin_alert(1, "Resolved"));
    assert_int_equal(lanes_count(r.lanes), 2);
    assert_int_equal(r.n.units, 3);
    assert_true(r.n.bytes > 3 * sizeof(struct unit));
    lane = lanes_first_ready(r.lanes);
    assert_int_equal(lane->count, 2);
    assert_true(lane->marked);
    assert_int_equal(lane->items->fact.state, ALERT_FIRING);
    assert_int_equal(lane->items->next->fact.state, ALERT_CLEARED);
    assert_int_equal(lane->clear_wait_until, NOW + 30 * USEC_S);
    assert_int_equal(offsets_unfinished(r.x->offsets), 3);
    assert_int_equal(offsets_frontier(r.x->offsets), 5);
    stop(&r);
}

static void a_null_value_is_skipped_and_done(void **state)
{
    struct rig r;

    (void)state;
    start(&r);
    intake_record(&r.n, r.x, standin_message(0, CUT, NULL), NOW);
    assert_int_equal(r.n.units, 0);
    assert_int_equal(offsets_frontier(r.x->offsets), 1);
    assert_int_equal(standin_sent(), 0);
    stop(&r);
}

static void what_cannot_be_read_is_done_when_its_dead_letter_is(void **state)
{
    static const struct {
        const char *text, *class;
    } cases[] = {{"", "empty"},
                 {"{", "not-json"},
                 {"[]", "empty"},
                 {"[1]", "no-format"},
                 {"{\"a\":1}", "no-format"}};
    struct rig r;

    (void)state;
    start(&r);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *header = xasprintf("itsm-bridge-class=%s\n", cases[i].class);

        receive(&r, (int64_t)i, CUT, xstrdup(cases[i].text));
        assert_int_equal(standin_sent(), i + 1);
        assert_non_null(strstr(standin_record(i)->headers, header));
        assert_int_equal(offsets_frontier(r.x->offsets), 0);
        free(header);
    }
    assert_int_equal(lanes_count(r.lanes), 0);
    standin_answer_all(NOW);
    assert_int_equal(offsets_frontier(r.x->offsets), (int64_t)ARRAY_LEN(cases));
    stop(&r);
}

/* design D12: too old is what lay in the topic at the first start and is older than the cut. */
static void too_old_needs_all_of_it(void **state)
{
    static const struct {
        int64_t offset, end;
        msec_t time, cut;
        bool old;
    } cases[] = {
        {0, 10, CUT - 1, CUT, true},
        {1, 10, CUT, CUT, false},
        {2, OFFSETS_NONE, CUT - 1, CUT, false},
        {3, 3, CUT - 1, CUT, false},
        {4, 5, CUT - 1, CUT, true},
        {5, 10, CUT - 1, MSEC_NONE, false},
        {6, 10, MSEC_NONE, CUT, false},
    };
    struct rig r;

    (void)state;
    start(&r);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t before = lanes_count(r.lanes), sent = standin_sent();

        r.x->end = cases[i].end;
        r.x->cut = cases[i].cut;
        receive(&r, cases[i].offset, cases[i].time, standin_alert((int)i, "Fired"));
        assert_int_equal(lanes_count(r.lanes), before + !cases[i].old);
        assert_int_equal(standin_sent(), sent + cases[i].old);
        if (cases[i].old)
            assert_non_null(strstr(standin_record(sent)->value, "\"operation\":\"too-old\""));
    }
    standin_answer_all(NOW);
    stop(&r);
}

static void a_map_names_what_was_finished_before(void **state)
{
    struct offsets *o = offsets_new(0, 1);
    struct offsets_note note = {
        .host = "acme.service-now.com", .cut = MSEC_NONE, .end = OFFSETS_NONE};
    struct offsets_loaded loaded;
    struct buf metadata;
    int64_t offset;
    char why[160];
    bool cut;
    struct rig r;

    (void)state;
    start(&r);
    (void)offsets_receive(o, 0);
    offsets_done(o, offsets_receive(o, 1));
    buf_init(&metadata, 4096);
    offsets_commit(o, &note, 4096, &offset, &metadata, &cut);
    assert_int_equal(offsets_load(r.x->offsets, 0, buf_text(&metadata), &loaded, why, sizeof why),
                     0);
    free(loaded.host);
    receive(&r, 0, CUT, standin_alert(0, "Fired"));
    receive(&r, 1, CUT, standin_alert(1, "Fired"));
    receive(&r, 2, CUT, standin_alert(2, "Fired"));
    assert_int_equal(lanes_count(r.lanes), 2);
    assert_int_equal(offsets_ahead(r.x->offsets), 1);
    buf_done(&metadata);
    (void)offsets_free(o);
    stop(&r);
}

static void offsets_that_went_back_begin_a_new_tracker(void **state)
{
    uint64_t tracker;
    struct rig r;

    (void)state;
    start(&r);
    receive(&r, 100, CUT, standin_alert(1, "Fired"));
    tracker = r.x->tracker;
    receive(&r, 0, CUT, standin_alert(2, "Fired"));
    assert_int_not_equal(r.x->tracker, tracker);
    assert_int_equal(offsets_frontier(r.x->offsets), 0);
    assert_int_equal(offsets_unfinished(r.x->offsets), 1);
    assert_int_equal(lanes_count(r.lanes), 2);
    stop(&r);
}

/* Never silent: an outcome record, a count by rule, and the offset waits for the record. */
static void what_a_rule_drops_has_an_outcome(void **state)
{
    struct metric *count;
    struct rig r;

    (void)state;
    start_with(&r, "{ name = \"in\"; topics = [\"alerts\"]; rules: ("
                   " { name = \"first\"; continue = true; },"
                   " { name = \"no clears\"; drop = true;"
                   "   when: ( { field = \"state\"; equals = \"cleared\"; } ); } ); }");
    receive(&r, 0, CUT, standin_alert(1, "Fired"));
    assert_int_equal(standin_sent(), 0);
    receive(&r, 1, CUT, standin_alert(1, "Resolved"));
    assert_int_equal(lanes_items(r.lanes), 1);
    assert_int_equal(standin_sent(), 1);
    assert_non_null(strstr(standin_record(0)->value, "\"operation\":\"dropped\",\"why\":\"rule\""));
    assert_non_null(strstr(standin_record(0)->value, "\"rules\":[\"first\",\"no clears\"]"));
    assert_int_equal(offsets_ahead(r.x->offsets), 0);
    standin_answer_all(NOW);
    assert_int_equal(offsets_ahead(r.x->offsets), 1);
    count = metrics_counter(r.m, "alerts_dropped_total", "rule=\"in/no clears\"", NULL);
    assert_int_equal(metric_value(count), 1);
    stop(&r);
}

/* The target is a matter of each alert. */
static void a_rule_chooses_the_target(void **state)
{
    struct lane *lane;
    struct rig r;

    (void)state;
    start_with(&r,
               "{ topics = [\"alerts\"]; target = \"import:u_all\"; rules: ("
               " { target = \"event\"; when: ( { field = \"state\"; equals = \"cleared\"; } ); },"
               " { work_item_type = \"Incident\"; when: ("
               "   { field = \"short_id\"; prefix = \"00000001\"; } ); } ); }");
    receive(&r, 0, CUT, standin_alert(1, "Fired"));
    receive(&r, 1, CUT, standin_alert(1, "Resolved"));
    receive(&r, 2, CUT, standin_alert(2, "Fired"));
    assert_int_equal(lanes_count(r.lanes), 3);
    lane = lanes_first_ready(r.lanes);
    assert_int_equal(lane->target->kind, TARGET_RECORD);
    assert_string_equal(lane->target->table, "incident");
    lane = lanes_first_row(r.lanes, TARGET_EVENT);
    assert_int_equal(lane->items->fact.state, ALERT_CLEARED);
    lane = lanes_first_row(r.lanes, TARGET_IMPORT);
    assert_string_equal(lane->target->table, "u_all");
    stop(&r);
}

/* Parts come back alike when they are decoded again. */
static void parts_are_items_of_one_unit(void **state)
{
    char *text = standin_alert(1, "Fired"), *two = xcalloc(1, 2 * strlen(text) + 100);
    const char *list = strstr(text, "\"alertTargetIDs\":[");
    struct lane *lane;
    struct rig r;
    size_t seen = 0;

    (void)state;
    assert_non_null(list);
    list += strlen("\"alertTargetIDs\":[");
    (void)snprintf(two, 2 * strlen(text) + 100, "%.*s\"/t/A\",\"/t/b\",%s", (int)(list - text),
                   text, list);
    start_with(&r, "{ topics = [\"alerts\"]; rules: ( { individual_work_items = true; } ); }");
    receive(&r, 0, CUT, two);
    assert_int_equal(lanes_count(r.lanes), 3);
    assert_int_equal(r.n.units, 1);
    for (; (lane = lanes_first_ready(r.lanes)) != NULL; seen++) {
        struct item *i = lane->items;
        char *part = xstrdup(item_alert(i)->part);

        item_forget(i);
        assert_string_equal(item_alert(i)->part, part);
        free(part);
        lane_move(r.lanes, lane, LANE_IDLE);
        lanes_take(r.lanes, i);
        ends_item(r.ends, i, &(struct ending){.operation = "created", .table = "incident"}, NOW);
        lanes_settle(r.lanes, lane);
    }
    assert_int_equal(seen, 3);
    assert_int_equal(offsets_frontier(r.x->offsets), 0);
    standin_answer_all(NOW);
    assert_int_equal(offsets_frontier(r.x->offsets), 1);
    free(text);
    stop(&r);
}

static char *many(int count)
{
    struct buf b;

    buf_init(&b, (size_t)64 << 20);
    (void)buf_add_char(&b, '[');
    for (int i = 0; i < count; i++) {
        char *one = standin_alert(i, "Fired");

        (void)buf_addf(&b, "%s%s", i == 0 ? "" : ",", one);
        free(one);
    }
    (void)buf_add_char(&b, ']');
    return buf_take(&b, NULL);
}

/* Decoded once when it is read and once more when its turn comes, not once for each alert. */
static void thousands_of_alerts_in_one_message_are_decoded_twice(void **state)
{
    struct lane *lane;
    size_t seen = 0;
    struct rig r;

    (void)state;
    start(&r);
    receive(&r, 0, CUT, many(5000));
    assert_int_equal(lanes_count(r.lanes), 5000);
    assert_int_equal(r.n.units, 1);
    assert_int_equal(decoded, 1);
    for (; (lane = lanes_first_ready(r.lanes)) != NULL; seen++) {
        struct item *i = lane->items;
        char *guid = xasprintf("%08x-0000", (unsigned)i->index);

        assert_non_null(strstr(item_alert(i)->instance, guid));
        free(guid);
        lane_move(r.lanes, lane, LANE_IDLE);
        lanes_take(r.lanes, i);
        ends_item(r.ends, i, &(struct ending){.operation = "created", .table = "incident"}, NOW);
        lanes_settle(r.lanes, lane);
        assert_int_equal(offsets_frontier(r.x->offsets), 0);
    }
    assert_int_equal(seen, 5000);
    assert_true(decoded <= 2);
    standin_answer_all(NOW);
    assert_int_equal(offsets_frontier(r.x->offsets), 1);
    stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_alert_goes_into_its_lane),
        cmocka_unit_test(a_null_value_is_skipped_and_done),
        cmocka_unit_test(what_cannot_be_read_is_done_when_its_dead_letter_is),
        cmocka_unit_test(too_old_needs_all_of_it),
        cmocka_unit_test(a_map_names_what_was_finished_before),
        cmocka_unit_test(offsets_that_went_back_begin_a_new_tracker),
        cmocka_unit_test(what_a_rule_drops_has_an_outcome),
        cmocka_unit_test(a_rule_chooses_the_target),
        cmocka_unit_test(parts_are_items_of_one_unit),
        cmocka_unit_test(thousands_of_alerts_in_one_message_are_decoded_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
