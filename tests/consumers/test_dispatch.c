/* Every verdict for every action: what becomes of the messages, and of the record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"
#include "tests/consumers/instance.h"

#define ENTRY "{ topics = [\"alerts\"]; clear_wait_s = 0; settle_s = 2; }"

/* How each action comes about: what is there, and what arrives. */
struct scene {
    const char *name;
    const char *before;  /* a record is made first by this message: f fire, h health; NULL: none */
    const char *state;   /* that a person puts it into then; NULL: none */
    const char *arrives; /* f fire, c clear, n note */
    const char *word;    /* operation in the outcome of the message that it is for */
    const char *ends_in; /* state of the record in the end */
};

static const struct scene scenes[] = {
    {"create", NULL, NULL, "f", "created", "1"},
    {"create-resolved", NULL, NULL, "fc", "created-resolved", "6"},
    {"update", "f", NULL, "f", "updated", "1"},
    {"resolve", "f", NULL, "c", "resolved", "6"},
    {"stamp", "f", "6", "c", "stamped", "6"},
    {"hold", "f", "3", "c", "noted", "3"},
    {"remark", "h", NULL, "n", "noted", "1"},
};

static bool creates(const struct scene *s)
{
    return s->before == NULL;
}

static void receive(struct rig *r, char what)
{
    if (what == 'h' || what == 'n')
        rig_receive(r, standin_health(1, what == 'h' ? "Active" : "RCA"));
    else
        rig_receive(r, standin_alert(1, what == 'f' ? "Fired" : "Resolved"));
}

/* Up to the write of the scene, which is under way then. */
static struct standin_op *play(struct rig *r, const struct scene *s)
{
    struct standin_op *op;

    rig_start(r, ENTRY);
    if (s->before != NULL) {
        receive(r, s->before[0]);
        rig_settle(r, 50);
        if (s->state != NULL)
            rig_set(rig_only_row(r), "state", s->state);
    }
    for (const char *p = s->arrives; *p != '\0'; p++)
        receive(r, *p);
    op = rig_until(r, "incident", false);
    assert_non_null(op);
    assert_int_equal(op->kind, creates(s) ? SNOW_CREATE : SNOW_UPDATE);
    return op;
}

static size_t first_of(const struct scene *s)
{
    return s->before == NULL ? 0 : 1;
}

/* All done, the write's message under the word of its action, the record as wanted. */
static void ended_well(struct rig *r, const struct scene *s)
{
    size_t n = rig_outcomes(r), words = 0;

    assert_int_equal(n, first_of(s) + strlen(s->arrives));
    for (size_t i = first_of(s); i < n; i++)
        words += strcmp(rig_outcome(r, i, "operation"), s->word) == 0;
    assert_true(words >= 1);
    assert_int_equal(rig_dead_letters(r), 0);
    assert_string_equal(rig_column(rig_only_row(r), "state"), s->ends_in);
}

static void outcome_of(struct snow_outcome *o, enum snow_verdict v)
{
    *o = (struct snow_outcome){.verdict = v, .status = 500, .date = MSEC_NONE, .sent = true};
    (void)err_set(&o->err, ERR_REJECT, "rejected", "no");
}

static void done_is_done(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(scenes); i++) {
        struct rig r;

        rig_serve(&r, play(&r, &scenes[i]));
        rig_settle(&r, 50);
        ended_well(&r, &scenes[i]);
        rig_stop(&r);
    }
}

/* What says nothing of the record is tried again until it is done, and never costs the record. */
static void trouble_that_is_not_the_records_own_is_waited_out(void **state)
{
    static const enum snow_verdict verdicts[] = {SNOW_THROTTLED, SNOW_UNAVAILABLE, SNOW_UNKNOWN,
                                                 SNOW_UNAUTHORISED, SNOW_CANCELLED};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(scenes); i++) {
        for (size_t v = 0; v < ARRAY_LEN(verdicts); v++) {
            struct snow_outcome o;
            struct rig r;
            struct standin_op *op = play(&r, &scenes[i]);

            outcome_of(&o, verdicts[v]);
            o.outage = true;
            for (int k = 0; k < 40; k++) {
                standin_op_outcome(op, &o, r.now);
                op = rig_until(&r, "incident", false);
                assert_non_null(op);
            }
            rig_serve(&r, op);
            rig_settle(&r, 50);
            ended_well(&r, &scenes[i]);
            rig_stop(&r);
        }
    }
}

/* The write was done and its answer is lost: it is found done, and not done twice. A work note
 * leaves nothing to find it by. */
static void a_lost_answer_to_a_write_that_was_done(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(scenes); i++) {
        struct snow_outcome o;
        size_t writes;
        struct rig r;
        struct standin_op *op = play(&r, &scenes[i]);

        outcome_of(&o, SNOW_UNKNOWN);
        assert_true(rig_apply(&r, op));
        writes = rig_count(SNOW_CREATE) + rig_count(SNOW_UPDATE);
        standin_op_outcome(op, &o, r.now);
        rig_settle(&r, 50);
        assert_int_equal(rig_dead_letters(&r), 0);
        assert_string_equal(rig_column(rig_only_row(&r), "state"), scenes[i].ends_in);
        if (strcmp(scenes[i].name, "remark") != 0)
            assert_int_equal(rig_count(SNOW_CREATE) + rig_count(SNOW_UPDATE), writes);
        rig_stop(&r);
    }
}

static void refused_is_a_dead_letter_with_its_class(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(scenes); i++) {
        bool stamp = strcmp(scenes[i].name, "stamp") == 0;
        struct snow_outcome o;
        struct rig r;
        struct standin_op *op = play(&r, &scenes[i]);

        outcome_of(&o, SNOW_REJECTED);
        standin_op_outcome(op, &o, r.now);
        rig_settle(&r, 50);
        assert_int_equal(rig_dead_letters(&r), stamp ? 0 : strlen(scenes[i].arrives));
        assert_string_equal(rig_outcome(&r, first_of(&scenes[i]), stamp ? "why" : "class"),
                            stamp ? "closed" : "rejected");
        rig_stop(&r);
    }
}

/* A 403 may follow a commit. It was none: one look, and the same write is not sent again. */
static void refused_in_doubt_is_looked_at_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(scenes); i++) {
        size_t writes, looks;
        struct snow_outcome o;
        struct rig r;
        struct standin_op *op = play(&r, &scenes[i]);

        if (strcmp(scenes[i].name, "stamp") == 0) {
            rig_stop(&r);
            continue;
        }
        outcome_of(&o, SNOW_REJECTED);
        o.status = 403;
        o.doubtful = true;
        writes = rig_count(SNOW_CREATE) + rig_count(SNOW_UPDATE);
        looks = rig_count(SNOW_LIST);
        standin_op_outcome(op, &o, r.now);
        rig_settle(&r, 20);
        assert_int_equal(rig_count(SNOW_CREATE) + rig_count(SNOW_UPDATE), writes);
        assert_int_equal(rig_count(SNOW_LIST), looks + 1);
        assert_int_equal(rig_dead_letters(&r), strlen(scenes[i].arrives));
        assert_string_equal(rig_outcome(&r, first_of(&scenes[i]), "class"), "rejected");
        rig_stop(&r);
    }
}

/* It was one: found done. */
static void refused_in_doubt_and_done_all_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(scenes); i++) {
        struct snow_outcome o;
        struct rig r;
        struct standin_op *op = play(&r, &scenes[i]);

        outcome_of(&o, SNOW_REJECTED);
        o.doubtful = true;
        assert_true(rig_apply(&r, op));
        standin_op_outcome(op, &o, r.now);
        rig_settle(&r, 20);
        if (strcmp(scenes[i].name, "remark") != 0)
            assert_int_equal(rig_dead_letters(&r), 0);
        assert_string_equal(rig_column(rig_only_row(&r), "state"), scenes[i].ends_in);
        rig_stop(&r);
    }
}

/* Messages that came after the refused write are not refused with it. */
static void a_refusal_is_for_the_messages_of_that_write_only(void **state)
{
    struct snow_outcome o;
    struct rig r;
    struct standin_op *op = play(&r, &scenes[2]);

    (void)state;
    outcome_of(&o, SNOW_REJECTED);
    o.doubtful = true;
    receive(&r, 'f');
    standin_op_outcome(op, &o, r.now);
    rig_settle(&r, 50);
    assert_int_equal(rig_dead_letters(&r), 1);
    assert_string_equal(rig_outcome(&r, 1, "operation"), "dead-letter");
    assert_string_equal(rig_outcome(&r, 2, "operation"), "updated");
    rig_stop(&r);
}

/* A rule of the instance refuses the resolve because a person closed the record: the look shows
 * that now the stamp alone is wanted, which is another write. */
static void a_refusal_is_for_the_same_write_only(void **state)
{
    struct snow_outcome o;
    struct rig r;
    struct standin_op *op = play(&r, &scenes[3]);

    (void)state;
    outcome_of(&o, SNOW_REJECTED);
    o.doubtful = true;
    rig_set(rig_only_row(&r), "state", "7");
    standin_op_outcome(op, &o, r.now);
    rig_settle(&r, 20);
    assert_int_equal(rig_dead_letters(&r), 0);
    assert_string_equal(rig_outcome(&r, 1, "operation"), "stamped");
    assert_string_equal(rig_column(rig_only_row(&r), "state"), "7");
    rig_stop(&r);
}

static void an_unclear_answer_costs_the_record_its_attempts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(scenes); i++) {
        struct snow_outcome o;
        size_t writes = 0;
        struct rig r;
        struct standin_op *op = play(&r, &scenes[i]);

        outcome_of(&o, SNOW_UNKNOWN);
        for (; op != NULL; op = rig_until(&r, "incident", false)) {
            writes++;
            assert_true(writes <= 10);
            standin_op_outcome(op, &o, r.now);
        }
        assert_int_equal(writes, r.c->limits.max_attempts);
        assert_int_equal(rig_dead_letters(&r), strlen(scenes[i].arrives));
        assert_string_equal(rig_outcome(&r, first_of(&scenes[i]), "class"), "attempts");
        rig_stop(&r);
    }
}

/* An answer of 200 that holds no record is no success (promise 7). */
static void an_answer_that_is_no_record_is_unclear(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(scenes); i++) {
        size_t writes = 0;
        struct rig r;
        struct standin_op *op = play(&r, &scenes[i]);

        for (; op != NULL; op = rig_until(&r, "incident", false)) {
            assert_true(++writes <= 10);
            standin_op_answer(op, SNOW_OK, json_object(), r.now);
        }
        assert_int_equal(rig_dead_letters(&r), strlen(scenes[i].arrives));
        rig_stop(&r);
    }
}

/* The instance shows a record and calls it absent when it is written: no end otherwise. */
static void a_record_that_is_shown_and_cannot_be_written(void **state)
{
    (void)state;
    for (size_t i = 2; i < ARRAY_LEN(scenes); i++) {
        size_t writes = 0;
        usec_t begun;
        struct rig r;
        struct standin_op *op = play(&r, &scenes[i]);

        begun = r.now;
        for (; op != NULL; op = rig_until(&r, "incident", false)) {
            assert_true(++writes <= 10);
            standin_op_answer(op, SNOW_ABSENT, NULL, r.now);
        }
        assert_true(r.now - begun > 5 * USEC_S); /* not in a tight loop */
        assert_int_equal(rig_dead_letters(&r), 1);
        rig_stop(&r);
    }
}

static void a_record_that_a_person_deleted_stays_deleted(void **state)
{
    struct rig r;
    struct standin_op *op = play(&r, &scenes[2]);

    (void)state;
    (void)json_object_clear(r.rows);
    rig_serve(&r, op);
    rig_settle(&r, 20);
    assert_string_equal(rig_outcome(&r, 1, "why"), "deleted");
    assert_int_equal(json_object_size(r.rows), 0);
    rig_stop(&r);
}

static void a_create_that_exists_is_looked_at(void **state)
{
    struct rig r;
    struct standin_op *op = play(&r, &scenes[0]);

    (void)state;
    assert_true(rig_apply(&r, op)); /* another process was quicker */
    rig_serve(&r, op);
    rig_settle(&r, 20);
    assert_int_equal(json_object_size(r.rows), 1);
    assert_string_equal(rig_outcome(&r, 0, "operation"), "nothing");
    assert_string_equal(rig_outcome(&r, 0, "why"), "applied");
    rig_stop(&r);
    op = play(&r, &scenes[0]); /* it exists and no look shows it: an access rule */
    standin_op_answer(op, SNOW_EXISTS, NULL, r.now);
    rig_settle(&r, 20);
    assert_string_equal(rig_outcome(&r, 0, "class"), "hidden");
    rig_stop(&r);
}

/* ---------------------------------------------------------------- looks */

static void a_look_that_fails_costs_nobody(void **state)
{
    static const enum snow_verdict verdicts[] = {SNOW_REJECTED, SNOW_THROTTLED,    SNOW_UNAVAILABLE,
                                                 SNOW_UNKNOWN,  SNOW_UNAUTHORISED, SNOW_CANCELLED};

    (void)state;
    for (size_t v = 0; v < ARRAY_LEN(verdicts); v++) {
        struct standin_op *op;
        struct snow_outcome o;
        struct rig r;

        rig_start(&r, ENTRY);
        outcome_of(&o, verdicts[v]);
        receive(&r, 'f');
        for (int k = 0; k < 30; k++) {
            op = rig_until(&r, "incident", true);
            assert_non_null(op);
            standin_op_outcome(op, &o, r.now);
        }
        rig_settle(&r, 50);
        assert_int_equal(rig_dead_letters(&r), 0);
        assert_string_equal(rig_outcome(&r, 0, "operation"), "created");
        rig_stop(&r);
    }
}

/* After an assignment a look comes first; one that finds nothing shows that this is no replay. */
static void a_suspect_looks_before_it_creates(void **state)
{
    struct rig r;

    (void)state;
    rig_start(&r, ENTRY);
    rig_receive(&r, standin_alert(1, "Fired"));
    rig_settle(&r, 20);
    assert_int_equal(rig_count(SNOW_LIST), 1);
    rig_receive(&r, standin_alert(2, "Fired"));
    rig_settle(&r, 20);
    assert_int_equal(rig_count(SNOW_LIST), 1);
    assert_int_equal(rig_count(SNOW_CREATE), 2);
    dispatch_suspect(r.d);
    rig_receive(&r, standin_alert(3, "Fired"));
    rig_settle(&r, 20);
    assert_int_equal(rig_count(SNOW_LIST), 2);
    rig_stop(&r);
}

/* A replay of thousands costs few requests: looks of a hundred, and no write. */
static void a_replay_is_looked_at_in_hundreds(void **state)
{
    size_t looks, creates_before;
    struct rig r;

    (void)state;
    rig_start(&r, ENTRY);
    for (int i = 0; i < 1000; i++)
        rig_receive(&r, standin_alert(i, "Fired"));
    rig_settle(&r, 5000);
    assert_int_equal(json_object_size(r.rows), 1000);
    r.d = dispatch_free(r.d); /* a new process knows nothing */
    r.d = dispatch_new(r.c, NULL, r.lanes, r.ends, r.m);
    partition_assign(r.x, 2, 0);
    r.offset = 0;
    looks = rig_count(SNOW_LIST);
    creates_before = rig_count(SNOW_CREATE);
    for (int i = 0; i < 1000; i++)
        rig_receive(&r, standin_alert(i, "Fired"));
    rig_settle(&r, 5000);
    assert_int_equal(rig_count(SNOW_CREATE), creates_before);
    assert_int_equal(rig_count(SNOW_UPDATE), 0);
    assert_true(rig_count(SNOW_LIST) - looks <= 12);
    for (size_t i = 0; i < standin_ops(); i++)
        if (standin_op(i)->kind == SNOW_LIST && strcmp(standin_op(i)->table, "incident") == 0)
            assert_true(standin_op(i)->limit <= 101);
    rig_stop(&r);
}

/* A write follows its look directly, or after another look. */
static void an_old_look_is_not_written_on(void **state)
{
    struct standin_op *look;
    size_t looks;
    struct rig r;

    (void)state;
    rig_start(&r, ENTRY);
    receive(&r, 'f');
    rig_settle(&r, 20);
    receive(&r, 'c');
    look = rig_until(&r, "incident", true);
    assert_non_null(look);
    looks = rig_count(SNOW_LIST);
    standin_room = 0;
    rig_serve(&r, look);
    r.now += 2 * USEC_S;
    rig_turn(&r);
    assert_int_equal(standin_open_ops(), 0);
    standin_room = 8;
    rig_turn(&r);
    rig_turn(&r);
    assert_int_equal(rig_count(SNOW_LIST), looks + 1);
    assert_int_equal(rig_count(SNOW_UPDATE), 0);
    rig_settle(&r, 20);
    assert_int_equal(rig_count(SNOW_UPDATE), 1);
    rig_stop(&r);
}

/* ---------------------------------------------------------------- what else a write needs */

static void a_configuration_item_is_waited_for(void **state)
{
    static const char id[] = "0123456789abcdef0123456789abcdef";

    (void)state;
    for (int failed = 0; failed < 2; failed++) {
        struct standin_op *op;
        struct rig r;

        rig_start(&r, ENTRY);
        rig_receive(&r, standin_alert_of(1, "Fired", "web-1"));
        op = rig_until(&r, "cmdb_ci", true);
        assert_non_null(op);
        assert_non_null(strstr(op->query, "web-1"));
        rig_turn(&r);
        assert_int_equal(rig_count(SNOW_CREATE), 0);
        if (failed == 1)
            standin_op_answer(op, SNOW_REJECTED, NULL, r.now);
        else
            standin_op_answer(op, SNOW_OK, json_pack("[{s:s,s:s}]", "sys_id", id, "name", "web-1"),
                              r.now);
        op = rig_until(&r, "incident", false);
        assert_non_null(op);
        assert_string_equal(rig_column(op->body, "cmdb_ci"), failed == 1 ? "" : id);
        rig_settle(&r, 20);
        assert_string_equal(rig_outcome(&r, 0, "operation"), "created");
        rig_stop(&r);
    }
}

/* The instance numbers its records itself: from then on correlation_id is looked up first. */
static void an_instance_that_ignores_our_sys_id(void **state)
{
    static const char other[] = "ffffffffffffffffffffffffffffffff";
    struct standin_op *op;
    json_t *row;
    struct rig r;

    (void)state;
    rig_start(&r, ENTRY);
    rig_receive(&r, standin_alert(1, "Fired"));
    op = rig_until(&r, "incident", false);
    row = json_deep_copy(op->body);
    rig_set(row, "sys_id", other);
    rig_set(row, "number", "INC1");
    rig_set(row, "sys_mod_count", "0");
    (void)json_object_set(r.rows, other, row);
    standin_op_answer(op, SNOW_OK, row, r.now);
    rig_turn(&r);
    rig_receive(&r, standin_alert(2, "Fired"));
    op = rig_until(&r, "incident", true);
    assert_non_null(op);
    assert_non_null(strstr(op->query, "correlation_idINazure:00000002"));
    rig_settle(&r, 20);
    rig_receive(&r, standin_alert(1, "Resolved"));
    rig_settle(&r, 20);
    assert_string_equal(rig_column(json_object_get(r.rows, other), "state"), "6");
    rig_stop(&r);
}

static void nothing_new_is_sent_while_draining(void **state)
{
    struct standin_op *op;
    size_t before;
    struct rig r;

    (void)state;
    rig_start(&r, ENTRY);
    receive(&r, 'f');
    op = rig_until(&r, "incident", false);
    rig_receive(&r, standin_alert(2, "Fired"));
    before = standin_ops();
    assert_int_equal(dispatch_in_flight(r.d), 1);
    (void)dispatch_tick(r.d, true, r.now);
    rig_serve(&r, op);
    assert_int_equal(dispatch_tick(r.d, true, r.now), USEC_NEVER);
    assert_int_equal(dispatch_in_flight(r.d), 0);
    assert_int_equal(standin_ops(), before);
    rig_stop(&r);
}

/* ---------------------------------------------------------------- a partition is taken */

static void gone(void *arg, struct item *i)
{
    struct rig *r = arg;
    struct unit *u = i->unit;

    r->gone++;
    (void)item_free(i);
    if (--u->pending == 0)
        intake_free_unit(&r->n, u);
}

/* What was under way ends here; when it did not succeed it is another process's, not tried again.
 */
static void what_is_under_way_outlives_its_assignment(void **state)
{
    (void)state;
    for (int fails = 0; fails < 3; fails++) {
        struct snow_outcome o;
        struct rig r;
        struct standin_op *op = play(&r, &scenes[2]);

        receive(&r, 'f');
        dispatch_release(r.d, gone, &r);
        dispatch_release(r.d, gone, &r); /* taken once more meanwhile */
        assert_int_equal(r.gone, 1);
        assert_int_equal(lanes_count(r.lanes), 1);
        outcome_of(&o, fails == 2 ? SNOW_REJECTED : SNOW_UNKNOWN);
        o.doubtful = true;
        if (fails == 0)
            rig_serve(&r, op);
        else
            standin_op_outcome(op, &o, r.now);
        rig_settle(&r, 20);
        assert_int_equal(r.gone, fails == 0 ? 1 : 2);
        assert_int_equal(rig_count(SNOW_UPDATE), 1);
        assert_int_equal(rig_dead_letters(&r), 0);
        rig_stop(&r);
    }
}

static void a_look_that_nobody_waits_for_any_more(void **state)
{
    static const enum snow_verdict verdicts[] = {SNOW_OK, SNOW_REJECTED, SNOW_UNKNOWN,
                                                 SNOW_UNAVAILABLE, SNOW_CANCELLED};

    (void)state;
    for (size_t v = 0; v < ARRAY_LEN(verdicts); v++) {
        struct standin_op *op;
        struct rig r;

        rig_start(&r, ENTRY);
        receive(&r, 'f');
        op = rig_until(&r, "incident", true);
        dispatch_release(r.d, gone, &r);
        assert_int_equal(r.gone, 1);
        standin_op_answer(op, verdicts[v], verdicts[v] == SNOW_OK ? json_array() : NULL, r.now);
        assert_int_equal(lanes_count(r.lanes), 0);
        assert_int_equal(dispatch_in_flight(r.d), 0);
        rig_stop(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(done_is_done),
        cmocka_unit_test(trouble_that_is_not_the_records_own_is_waited_out),
        cmocka_unit_test(a_lost_answer_to_a_write_that_was_done),
        cmocka_unit_test(refused_is_a_dead_letter_with_its_class),
        cmocka_unit_test(refused_in_doubt_is_looked_at_once),
        cmocka_unit_test(refused_in_doubt_and_done_all_the_same),
        cmocka_unit_test(a_refusal_is_for_the_messages_of_that_write_only),
        cmocka_unit_test(a_refusal_is_for_the_same_write_only),
        cmocka_unit_test(an_unclear_answer_costs_the_record_its_attempts),
        cmocka_unit_test(an_answer_that_is_no_record_is_unclear),
        cmocka_unit_test(a_record_that_is_shown_and_cannot_be_written),
        cmocka_unit_test(a_record_that_a_person_deleted_stays_deleted),
        cmocka_unit_test(a_create_that_exists_is_looked_at),
        cmocka_unit_test(a_look_that_fails_costs_nobody),
        cmocka_unit_test(a_suspect_looks_before_it_creates),
        cmocka_unit_test(a_replay_is_looked_at_in_hundreds),
        cmocka_unit_test(an_old_look_is_not_written_on),
        cmocka_unit_test(a_configuration_item_is_waited_for),
        cmocka_unit_test(an_instance_that_ignores_our_sys_id),
        cmocka_unit_test(nothing_new_is_sent_while_draining),
        cmocka_unit_test(what_is_under_way_outlives_its_assignment),
        cmocka_unit_test(a_look_that_nobody_waits_for_any_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
