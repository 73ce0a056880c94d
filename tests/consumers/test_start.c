/* The first start of partitions: three steps, each of which may fail, be late, or be overtaken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"
#include "consumers/start.h"
#include "tests/consumers/standin.h"

#define TIME   INT64_C(1748773231000)
#define PARTS  3
#define NOBODY GROUP_NO_OFFSET

struct rig {
    struct config *c;
    struct partitions *p;
    struct start *s;
    usec_t now;
    struct err failed;
    struct group_given given[PARTS];
};

static void failed(void *arg, const struct err *e)
{
    ((struct rig *)arg)->failed = *e;
}

static void start(struct rig *r, const char *start_from)
{
    char *entry =
        xasprintf("{ topics = [\"a\", \"b\"]; start_from = \"%s\"; settle_s = 90; }", start_from);

    standin_reset();
    *r = (struct rig){.c = standin_config(entry), .now = 1000 * USEC_S};
    r->p = partitions_new(r->c);
    r->s = start_new(r->c, r->p, NULL, failed, r);
    free(entry);
}

static void stop(struct rig *r)
{
    (void)start_free(r->s);
    (void)partitions_free(r->p);
    (void)config_free(r->c);
    standin_reset();
}

static struct group_given fresh(const char *topic, int32_t partition)
{
    return (struct group_given){
        .topic = topic, .partition = partition, .committed = NOBODY, .metadata = "", .sibling = ""};
}

static void give(struct rig *r, uint64_t epoch, size_t n)
{
    standin_group.epoch = epoch;
    start_given(r->s, STANDIN_GROUP, epoch, r->given, n, r->now);
}

static void committed(struct rig *r, rd_kafka_resp_err_t error)
{
    assert_true(standin_group.committing);
    standin_group.committing = false;
    for (int i = 0; i < standin_group.last->cnt; i++)
        standin_group.last->elems[i].err = error;
    assert_true(start_committed(r->s, standin_group.epoch, standin_group.last, NULL, r->now));
}

static const int64_t ends[] = {40, 50, 60};

/* ends, offsets for the time, commit; only then the start. */
static void three_steps_then_the_start(void **state)
{
    static const struct {
        const char *from;
        int64_t asked, answer, offset;
    } cases[] = {
        {"earliest", RD_KAFKA_OFFSET_BEGINNING, 7, 7},
        {"latest", RD_KAFKA_OFFSET_END, 44, 44},
        {"2025-06-01T10:20:31Z", TIME, 12, 12},
        {"2025-06-01T10:20:31Z", TIME, -1, 40}, /* nothing is as new: the end */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct offsets_loaded note;
        struct partition *x;
        char why[160];
        struct offsets *o;
        struct rig r;

        start(&r, cases[i].from);
        r.given[0] = fresh("a", 0);
        give(&r, 1, 1);
        assert_int_equal(standin_lookups(), 1);
        assert_int_equal(standin_lookup(0)->elems[0].offset, RD_KAFKA_OFFSET_END);
        standin_lookup_answer(0, ends, 0, r.now);
        assert_int_equal(standin_lookups(), 2);
        assert_int_equal(standin_lookup(1)->elems[0].offset, cases[i].asked);
        assert_int_equal(standin_group.commits, 0);
        standin_lookup_answer(1, &cases[i].answer, 0, r.now);
        assert_int_equal(standin_group.commits, 1);
        assert_int_equal(standin_group.starts, 0);
        x = partitions_find(r.p, "a", 0);
        assert_null(x->offsets);
        o = offsets_new(cases[i].offset, 1);
        assert_int_equal(standin_group.last->elems[0].offset, cases[i].offset);
        assert_int_equal(offsets_load(o, cases[i].offset, standin_group.last->elems[0].metadata,
                                      &note, why, sizeof why),
                         0);
        assert_int_equal(note.end, 40);
        assert_int_equal(note.cut, x->cut);
        assert_true(cases[i].asked != TIME || x->cut == TIME);
        free(note.host);
        (void)offsets_free(o);
        committed(&r, RD_KAFKA_RESP_ERR_NO_ERROR);
        assert_int_equal(standin_group.starts, 1);
        assert_int_equal(standin_group.start[0].offset, cases[i].offset);
        assert_non_null(x->offsets);
        assert_int_equal(start_tick(r.s, r.now), USEC_NEVER);
        stop(&r);
    }
}

/* Every step fails some times: it is tried again after a second, and nothing starts before. */
static void each_step_is_tried_again(void **state)
{
    struct rig r;
    size_t asked = 0;

    (void)state;
    start(&r, "earliest");
    r.given[0] = fresh("a", 0);
    r.given[1] = fresh("a", 1);
    give(&r, 1, 2);
    for (int step = 0; step < 2; step++) {
        standin_lookup_fail(asked, r.now);
        assert_int_equal(start_tick(r.s, r.now), r.now + USEC_S);
        assert_int_equal(standin_lookups(), asked + 1);
        r.now += USEC_S;
        (void)start_tick(r.s, r.now);
        asked++;
        assert_int_equal(standin_lookups(), asked + 1);
        standin_lookup_answer(asked, ends, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, r.now);
        r.now += USEC_S;
        (void)start_tick(r.s, r.now);
        asked++;
        standin_lookup_answer(asked, ends, 0, r.now);
        asked++;
    }
    assert_int_equal(standin_group.commits, 1);
    committed(&r, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS);
    assert_int_equal(standin_group.starts, 0);
    r.now += USEC_S;
    (void)start_tick(r.s, r.now);
    assert_int_equal(standin_group.commits, 2);
    committed(&r, RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(standin_group.starts, 2);
    assert_int_equal(asked, standin_lookups());
    stop(&r);
}

static void a_commit_under_way_is_waited_for_shortly(void **state)
{
    struct rig r;

    (void)state;
    start(&r, "earliest");
    r.given[0] = fresh("a", 0);
    give(&r, 1, 1);
    standin_lookup_answer(0, ends, 0, r.now);
    standin_group.commit_class = ERR_RETRY;
    standin_group.commit_code = "kafka-commit-busy";
    standin_lookup_answer(1, ends, 0, r.now);
    assert_true(start_tick(r.s, r.now) < r.now + USEC_S / 2);
    assert_true(start_tick(r.s, r.now) > r.now);
    standin_group.commit_class = ERR_NONE;
    r.now += USEC_S / 2;
    (void)start_tick(r.s, r.now);
    assert_int_equal(standin_group.commits, 1);
    stop(&r);
}

/* The metadata of a commit, as another process wrote it. */
static char *metadata_of(const char *host, msec_t cut, int64_t end, int64_t offset)
{
    struct offsets_note note = {.host = host, .cut = cut, .end = end};
    struct offsets *o = offsets_new(offset, 1);
    struct buf text;
    int64_t at;
    bool short_map;

    buf_init(&text, 4096);
    offsets_commit(o, &note, 4096, &at, &text, &short_map);
    (void)offsets_free(o);
    return buf_take(&text, NULL);
}

static void what_is_committed_starts_at_once_and_settles(void **state)
{
    char *metadata = metadata_of("acme.service-now.com", TIME, 99, 20);
    struct partition *x;
    struct rig r;

    (void)state;
    start(&r, "latest");
    r.given[0] = fresh("a", 0);
    r.given[0].committed = 20;
    r.given[0].metadata = metadata;
    r.given[1] = fresh("b", 0);
    give(&r, 1, 2);
    assert_int_equal(standin_group.starts, 1);
    assert_int_equal(standin_group.start[0].offset, 20);
    x = partitions_find(r.p, "a", 0);
    assert_int_equal(x->cut, TIME);
    assert_int_equal(x->end, 99);
    assert_int_equal(x->settle_until, r.now + 90 * USEC_S);
    assert_int_equal(standin_lookup(0)->cnt, 1);
    assert_string_equal(standin_lookup(0)->elems[0].topic, "b");
    free(metadata);
    stop(&r);
}

static void metadata_of_nobody_is_ignored(void **state)
{
    static const char *const texts[] = {"", "consumer-7", "1 x y",
                                        "2 acme.service-now.com - - - 0"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct rig r;

        start(&r, "earliest");
        r.given[0] = fresh("a", 0);
        r.given[0].committed = 20;
        r.given[0].metadata = texts[i];
        give(&r, 1, 1);
        assert_int_equal(r.failed.class, ERR_NONE);
        assert_int_equal(standin_group.starts, 1);
        assert_int_equal(standin_group.start[0].offset, 20);
        stop(&r);
    }
}

static void the_group_of_another_instance_is_not_touched(void **state)
{
    char *metadata = metadata_of("other.service-now.com", TIME, 99, 20);
    struct rig r;

    (void)state;
    start(&r, "earliest");
    r.given[0] = fresh("a", 0);
    r.given[0].committed = 20;
    r.given[0].metadata = metadata;
    give(&r, 1, 1);
    assert_int_equal(r.failed.class, ERR_CONFIG);
    assert_string_equal(r.failed.code, "foreign-group");
    assert_non_null(strstr(r.failed.text, "other.service-now.com"));
    assert_int_equal(standin_group.starts, 0);
    free(metadata);
    stop(&r);
}

/* A partition that was added later, or that another process has not started yet, begins at the time
 * of the others. */
static void the_cut_of_siblings_counts(void **state)
{
    static const struct {
        const char *from;
        int64_t asked;
    } cases[] = {
        {"earliest", RD_KAFKA_OFFSET_BEGINNING}, {"latest", TIME}, {"2020-01-01T00:00:00Z", TIME}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *sibling = metadata_of("acme.service-now.com", TIME, 99, 33);
        struct rig r;

        start(&r, cases[i].from);
        r.given[0] = fresh("a", 5);
        r.given[0].sibling = sibling;
        r.given[0].sibling_committed = 33;
        give(&r, 1, 1);
        standin_lookup_answer(0, ends, 0, r.now);
        assert_int_equal(standin_lookup(1)->elems[0].offset, cases[i].asked);
        standin_lookup_answer(1, ends, 0, r.now);
        assert_int_equal(partitions_find(r.p, "a", 5)->cut, TIME);
        free(sibling);
        stop(&r);
    }
}

static void a_topic_of_no_entry_is_left_alone(void **state)
{
    struct rig r;

    (void)state;
    start(&r, "earliest");
    r.given[0] = fresh("unclaimed", 0);
    give(&r, 1, 1);
    assert_int_equal(standin_group.starts, 1);
    assert_int_equal(standin_group.start[0].offset, RD_KAFKA_OFFSET_END);
    assert_null(partitions_find(r.p, "unclaimed", 0)->offsets);
    assert_int_equal(standin_lookups(), 0);
    stop(&r);
}

/* Answers of an assignment that is over change nothing in the next one, whatever step it is at. */
static void an_answer_that_is_late_is_not_taken_for_the_new_one(void **state)
{
    static const int64_t wrong[] = {7777, 7777, 7777};
    struct rig r;

    (void)state;
    for (int at = 0; at < 2; at++) {
        size_t asked = 0;

        start(&r, "earliest");
        r.given[0] = fresh("a", 0);
        give(&r, 1, 1);
        if (at == 1)
            standin_lookup_answer(asked++, ends, 0, r.now);
        start_taken(r.s);
        r.given[0] = fresh("b", 1);
        give(&r, 2, 1);
        assert_int_equal(standin_lookups(), asked + 2);
        standin_lookup_answer(asked, wrong, 0, r.now);
        assert_int_equal(standin_lookups(), asked + 2);
        standin_lookup_answer(asked + 1, ends, 0, r.now);
        assert_int_equal(partitions_find(r.p, "b", 1)->end, 40);
        standin_lookup_answer(asked + 2, ends, 0, r.now);
        assert_false(start_committed(r.s, 1, standin_group.last, NULL, r.now));
        assert_int_equal(standin_group.starts, 0);
        committed(&r, RD_KAFKA_RESP_ERR_NO_ERROR);
        assert_int_equal(standin_group.starts, 1);
        assert_string_equal(standin_group.start[0].topic, "b");
        stop(&r);
    }
    start(&r, "earliest"); /* nothing follows: the answer finds no step at all */
    r.given[0] = fresh("a", 0);
    give(&r, 1, 1);
    start_taken(r.s);
    standin_lookup_answer(0, ends, 0, r.now);
    assert_int_equal(standin_lookups(), 1);
    assert_int_equal(start_tick(r.s, r.now + 10 * USEC_S), USEC_NEVER);
    stop(&r);
}

static void answer_all(struct rig *r, int64_t offset)
{
    rd_kafka_topic_partition_list_t *list = standin_lookup(standin_lookups() - 1);
    int64_t offsets[PARTS];

    for (int i = 0; i < list->cnt; i++)
        offsets[i] = offset;
    standin_lookup_answer(standin_lookups() - 1, offsets, 0, r->now);
}

/* A topic that is deleted before its first start must not hold the others for ever: no assignment
 * without it comes before this one is started. It is given ten seconds, for it may be new. */
static void a_deleted_topic_holds_the_others_for_ten_seconds_only(void **state)
{
    int64_t offset = 5;
    usec_t begun;
    struct rig r;

    (void)state;
    start(&r, "earliest");
    r.given[0] = fresh("a", 0);
    give(&r, 1, 1);
    begun = r.now;
    while (standin_group.commits == 0 && standin_group.starts == 0) {
        standin_lookup_answer(standin_lookups() - 1, &offset,
                              RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, r.now);
        assert_true(r.now - begun <= 10 * USEC_S);
        if (standin_group.starts == 0 && start_tick(r.s, r.now) != USEC_NEVER) {
            r.now += USEC_S;
            (void)start_tick(r.s, r.now);
        }
    }
    assert_int_equal(r.now - begun, 10 * USEC_S);
    assert_int_equal(standin_group.commits, 0); /* to a topic that is not there: it would fail */
    assert_int_equal(standin_group.starts, 1);
    assert_int_equal(standin_group.start[0].offset, 0);
    assert_int_equal(offsets_position(partitions_find(r.p, "a", 0)->offsets), 0);
    stop(&r);

    start(&r, "earliest"); /* it appears in time: a start like any other */
    r.given[0] = fresh("a", 0);
    give(&r, 1, 1);
    for (int i = 0; i < 8; i++) {
        standin_lookup_answer(standin_lookups() - 1, &offset,
                              RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, r.now);
        r.now += USEC_S;
        (void)start_tick(r.s, r.now);
    }
    answer_all(&r, 5);
    answer_all(&r, 5);
    committed(&r, RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(standin_group.start[0].offset, 5);
    stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_steps_then_the_start),
        cmocka_unit_test(each_step_is_tried_again),
        cmocka_unit_test(a_commit_under_way_is_waited_for_shortly),
        cmocka_unit_test(what_is_committed_starts_at_once_and_settles),
        cmocka_unit_test(metadata_of_nobody_is_ignored),
        cmocka_unit_test(the_group_of_another_instance_is_not_touched),
        cmocka_unit_test(the_cut_of_siblings_counts),
        cmocka_unit_test(a_topic_of_no_entry_is_left_alone),
        cmocka_unit_test(an_answer_that_is_late_is_not_taken_for_the_new_one),
        cmocka_unit_test(a_deleted_topic_holds_the_others_for_ten_seconds_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
