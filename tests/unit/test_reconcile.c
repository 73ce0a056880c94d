/* The decision table, rule by rule, marked formats: one case a rule, its name says the rule; then
 * what holds for any input. What the rules give together: test_world and test_traces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "bridge/base/rand.h"
#include "tests/support/reconcile_case.h"

static const struct rule rules[] = {
    {"unknown fire: create without a look",
     true,
     "f1",
     SIGHT_NEVER,
     {0},
     {0},
     {ACT_CREATE, 1, 0, -1, 0, NULL}},
    {"unknown fires: one create with the newest",
     true,
     "f1 f3 f2'@2",
     SIGHT_NEVER,
     {0},
     {0},
     {ACT_CREATE, 3, 1, -1, 0, NULL}},
    {"unknown fire in doubt: look first",
     true,
     "f1",
     SIGHT_NEVER,
     {0},
     {.read_first = true},
     {ACT_READ, 0, -1, -1, 0, NULL}},
    {"fire and clear together: one insert as resolved",
     true,
     "f1 f2 c3",
     SIGHT_NEVER,
     {0},
     {0},
     {ACT_CREATE_RESOLVED, 3, 1, 2, 0, NULL}},
    {"clear before fire in the lane: the same insert",
     true,
     "c2' f1",
     SIGHT_NEVER,
     {0},
     {0},
     {ACT_CREATE_RESOLVED, 2, 1, 0, 0, NULL}},
    {"clear alone: look first", true, "c2", SIGHT_NEVER, {0}, {0}, {ACT_READ, 0, -1, -1, 0, NULL}},
    {"note alone: look first", true, "n2", SIGHT_NEVER, {0}, {0}, {ACT_READ, 0, -1, -1, 0, NULL}},
    {"fire and note: the record first",
     true,
     "f1 n2",
     SIGHT_NEVER,
     {0},
     {0},
     {ACT_CREATE, 1, 0, -1, 0, NULL}},
    {"the analysis after the clear is not folded into it",
     true,
     "f1 c2 n3",
     SIGHT_NEVER,
     {0},
     {0},
     {ACT_CREATE_RESOLVED, 2, 0, 1, 0, NULL}},
    {"a note does not hold up the clear behind it",
     true,
     "n2 c3",
     SIGHT_RECORD,
     {RECORD_NEW, "f1", "f1", 0, 0},
     {0},
     {ACT_RESOLVE, 2, -1, 1, 0, NULL}},
    {"open, note: a work note, not the content",
     true,
     "n2",
     SIGHT_RECORD,
     {RECORD_NEW, "f1", "f1", 0, 0},
     {.settles = true},
     {ACT_REMARK, 1, 0, -1, 0, NULL}},
    {"open, fire before a note: content first",
     true,
     "f2 n3 f4",
     SIGHT_RECORD,
     {RECORD_NEW, "f1", "f1", 0, 0},
     {0},
     {ACT_UPDATE, 1, 0, -1, 0, NULL}},
    {"open, note before a fire: the note alone",
     true,
     "n2 f3",
     SIGHT_RECORD,
     {RECORD_NEW, "f1", "f1", 0, 0},
     {0},
     {ACT_REMARK, 1, 0, -1, 0, NULL}},
    {"resolved, note: the analysis of the cause comes late",
     true,
     "n3",
     SIGHT_RECORD,
     {RECORD_RESOLVED, "c2", "f1", 0, 0},
     {0},
     {ACT_REMARK, 1, 0, -1, 0, NULL}},
    {"closed, note: nothing",
     true,
     "n3",
     SIGHT_RECORD,
     {RECORD_CLOSED, "c2", "f1", 0, 0},
     {0},
     {ACT_NOTHING, 1, -1, -1, 0, "closed"}},
    {"note before the clear that was applied",
     true,
     "n2",
     SIGHT_RECORD,
     {RECORD_RESOLVED, "c3", "f1", 0, 0},
     {0},
     {ACT_NOTHING, 1, -1, -1, 0, "applied"}},
    {"note before the content that was applied: known without a look",
     true,
     "n2",
     SIGHT_LEDGER,
     {RECORD_NEW, "f1", "f3", 0, 0},
     {0},
     {ACT_NOTHING, 1, -1, -1, 0, "applied"}},
    {"new note, known cleared: look, it is no clear",
     true,
     "n3",
     SIGHT_LEDGER,
     {RECORD_RESOLVED, "c2", "f1", 0, 0},
     {0},
     {ACT_READ, 0, -1, -1, 0, NULL}},
    {"no record, fire: create",
     true,
     "f1",
     SIGHT_ABSENT,
     {0},
     {0},
     {ACT_CREATE, 1, 0, -1, 0, NULL}},
    {"no record, fire and clear: never nothing",
     true,
     "f1 c2",
     SIGHT_ABSENT,
     {0},
     {.clear_waits = true},
     {ACT_CREATE_RESOLVED, 2, 0, 1, 0, NULL}},
    {"no record, clear: waits for tidiness",
     true,
     "c2",
     SIGHT_ABSENT,
     {0},
     {.clear_waits = true},
     {ACT_WAIT, 0, -1, -1, 0, "clear-wait"}},
    {"no record, clear, wait over: insert as resolved",
     true,
     "c2",
     SIGHT_ABSENT,
     {0},
     {0},
     {ACT_CREATE_RESOLVED, 1, 0, 0, 0, NULL}},
    {"no record, clear, orphans ignored",
     true,
     "c2",
     SIGHT_ABSENT,
     {0},
     {.orphan_ignore = true},
     {ACT_NOTHING, 1, -1, -1, 0, "orphan"}},
    {"no record, clear of a fire before the cut",
     true,
     "c2",
     SIGHT_ABSENT,
     {0},
     {.cut = 100, .fired = 99},
     {ACT_NOTHING, 1, -1, -1, 0, "before-cut"}},
    {"no record, clear of a fire at the cut",
     true,
     "c2",
     SIGHT_ABSENT,
     {0},
     {.cut = 100, .fired = 100},
     {ACT_CREATE_RESOLVED, 1, 0, 0, 0, NULL}},
    {"no record, fire before the cut: create all the same",
     true,
     "f1",
     SIGHT_ABSENT,
     {0},
     {.cut = 100, .fired = 99},
     {ACT_CREATE, 1, 0, -1, 0, NULL}},
    {"no record, note alone: nothing",
     true,
     "n1",
     SIGHT_ABSENT,
     {0},
     {0},
     {ACT_NOTHING, 1, -1, -1, 0, "no-record"}},
    {"refused and still unseen: hidden",
     true,
     "f1 c2",
     SIGHT_ABSENT,
     {0},
     {.refused = true},
     {ACT_DEAD, 2, -1, -1, 0, "hidden"}},
    {"known and gone: a person deleted it",
     true,
     "f2",
     SIGHT_ABSENT,
     {0},
     {.known_before = true},
     {ACT_NOTHING, 1, -1, -1, 0, "deleted"}},
    {"refused, then seen open: clear resolves",
     true,
     "c2",
     SIGHT_RECORD,
     {RECORD_NEW, "f1'", "f1'", 0, 0},
     {.refused = true},
     {ACT_RESOLVE, 1, -1, 0, 0, NULL}},
    {"open, clear: resolve",
     true,
     "f2 c3",
     SIGHT_RECORD,
     {RECORD_NEW, "f1", "f1", 0, 0},
     {0},
     {ACT_RESOLVE, 2, -1, 1, 0, NULL}},
    {"open, clear older by time and partition: resolve",
     true,
     "c3'@1",
     SIGHT_RECORD,
     {RECORD_NEW, "f9", "f9", 0, 0},
     {0},
     {ACT_RESOLVE, 1, -1, 0, 0, NULL}},
    {"open, clear while content settles: resolve at once",
     true,
     "c3",
     SIGHT_RECORD,
     {RECORD_NEW, "f1", "f1", 0, 0},
     {.settles = true},
     {ACT_RESOLVE, 1, -1, 0, 0, NULL}},
    {"open in any other state, clear: resolve",
     true,
     "c3",
     SIGHT_RECORD,
     {2, "f1", "f1", 0, 0},
     {0},
     {ACT_RESOLVE, 1, -1, 0, 0, NULL}},
    {"on hold, clear: note and stamp",
     true,
     "c3",
     SIGHT_RECORD,
     {RECORD_ON_HOLD, "f1", "f1", 0, 0},
     {0},
     {ACT_HOLD_NOTE, 1, -1, 0, 0, NULL}},
    {"open, newer fire: content",
     true,
     "f2",
     SIGHT_RECORD,
     {RECORD_NEW, "f1", "f1", 0, 0},
     {0},
     {ACT_UPDATE, 1, 0, -1, 0, NULL}},
    {"open, newer fires: the newest content",
     true,
     "f2 f4 f3'@3",
     SIGHT_RECORD,
     {RECORD_NEW, "f1", "f1", 0, 0},
     {0},
     {ACT_UPDATE, 3, 1, -1, 0, NULL}},
    {"open, newer fire, older one may land: wait",
     true,
     "f2",
     SIGHT_RECORD,
     {RECORD_NEW, "f1", "f1", 0, 0},
     {.settles = true},
     {ACT_WAIT, 0, -1, -1, 0, "settle"}},
    {"open, applied fire: nothing, even while it settles",
     true,
     "f1",
     SIGHT_RECORD,
     {RECORD_NEW, "f1", "f1", 0, 0},
     {.settles = true},
     {ACT_NOTHING, 1, -1, -1, 0, "applied"}},
    {"open, older fire: nothing",
     true,
     "f1",
     SIGHT_RECORD,
     {RECORD_NEW, "f1", "f4", 0, 0},
     {0},
     {ACT_NOTHING, 1, -1, -1, 0, "applied"}},
    {"one partition: offset before time",
     true,
     "f5@1",
     SIGHT_RECORD,
     {RECORD_NEW, "f1@9", "f1@9", 0, 0},
     {0},
     {ACT_UPDATE, 1, 0, -1, 0, NULL}},
    {"other partition: time before offset",
     true,
     "f1'@9",
     SIGHT_RECORD,
     {RECORD_NEW, "f5@1", "f5@1", 0, 0},
     {0},
     {ACT_UPDATE, 1, 0, -1, 0, NULL}},
    {"other partition, same time: not newer",
     true,
     "f1'@5",
     SIGHT_RECORD,
     {RECORD_NEW, "f5", "f5", 0, 0},
     {0},
     {ACT_NOTHING, 1, -1, -1, 0, "applied"}},
    {"unreadable content version: older than any",
     true,
     "f1",
     SIGHT_RECORD,
     {RECORD_NEW, "f1", "", 0, 0},
     {0},
     {ACT_UPDATE, 1, 0, -1, 0, NULL}},
    {"resolved by the bridge, fire: late",
     true,
     "f5",
     SIGHT_RECORD,
     {RECORD_RESOLVED, "c4", "f1", 0, 0},
     {0},
     {ACT_NOTHING, 1, -1, -1, 0, "late"}},
    {"resolved by the bridge, clear again: applied",
     true,
     "c5",
     SIGHT_RECORD,
     {RECORD_RESOLVED, "c4", "f1", 0, 0},
     {0},
     {ACT_NOTHING, 1, -1, -1, 0, "applied"}},
    {"resolved by a person, fire: late",
     true,
     "f5",
     SIGHT_RECORD,
     {RECORD_RESOLVED, "f1", "f1", 0, 0},
     {0},
     {ACT_NOTHING, 1, -1, -1, 0, "late"}},
    {"resolved by a person, clear: the stamp alone",
     true,
     "c5",
     SIGHT_RECORD,
     {RECORD_RESOLVED, "f1", "f1", 0, 0},
     {0},
     {ACT_STAMP, 1, -1, 0, 0, NULL}},
    {"closed by a person, fire and clear: the stamp alone",
     true,
     "f2 c5",
     SIGHT_RECORD,
     {RECORD_CLOSED, "f1", "f1", 0, 0},
     {0},
     {ACT_STAMP, 2, -1, 1, 0, NULL}},
    {"cancelled by a person, clear: the stamp alone",
     true,
     "c5",
     SIGHT_RECORD,
     {RECORD_CANCELED, "f1", "f1", 0, 0},
     {0},
     {ACT_STAMP, 1, -1, 0, 0, NULL}},
    {"unreadable stamp, open, clear: resolve",
     true,
     "c5",
     SIGHT_RECORD,
     {RECORD_NEW, "", "f1", 0, 0},
     {0},
     {ACT_RESOLVE, 1, -1, 0, 0, NULL}},
    {"unreadable stamp, resolved, clear: stamp",
     true,
     "c5",
     SIGHT_RECORD,
     {RECORD_RESOLVED, "", "f1", 0, 0},
     {0},
     {ACT_STAMP, 1, -1, 0, 0, NULL}},
    {"opened again by a person, clear applied: kept",
     true,
     "c4",
     SIGHT_RECORD,
     {RECORD_NEW, "c4", "f1", 0, 0},
     {0},
     {ACT_NOTHING, 1, -1, -1, 0, "applied"}},
    {"opened again by a person, other clear: kept",
     true,
     "c9'@2",
     SIGHT_RECORD,
     {RECORD_NEW, "c4", "f1", 0, 0},
     {0},
     {ACT_NOTHING, 1, -1, -1, 0, "applied"}},
    {"opened again by a person, fire: kept",
     true,
     "f9",
     SIGHT_RECORD,
     {RECORD_NEW, "c4", "f1", 0, 0},
     {0},
     {ACT_NOTHING, 1, -1, -1, 0, "late"}},
    {"ledger, clear applied: nothing",
     true,
     "f9 c9",
     SIGHT_LEDGER,
     {RECORD_RESOLVED, "c4", "f1", 0, 0},
     {0},
     {ACT_NOTHING, 2, -1, -1, 0, "applied"}},
    {"ledger, content applied: nothing",
     true,
     "f1",
     SIGHT_LEDGER,
     {RECORD_NEW, "f1", "f2", 0, 0},
     {0},
     {ACT_NOTHING, 1, -1, -1, 0, "applied"}},
    {"ledger, one message is new: look",
     true,
     "f1 f3",
     SIGHT_LEDGER,
     {RECORD_NEW, "f1", "f2", 0, 0},
     {0},
     {ACT_READ, 0, -1, -1, 0, NULL}},
    {"ledger never decides by a state: clear",
     true,
     "c5",
     SIGHT_LEDGER,
     {RECORD_RESOLVED, "f1", "f1", 0, 0},
     {0},
     {ACT_READ, 0, -1, -1, 0, NULL}},
    {"ledger never decides by a state: fire",
     true,
     "f5",
     SIGHT_LEDGER,
     {RECORD_CLOSED, "f1", "f1", 0, 0},
     {0},
     {ACT_READ, 0, -1, -1, 0, NULL}},
    {"ledger knows an open record: never a create",
     true,
     "f5",
     SIGHT_LEDGER,
     {RECORD_NEW, "f1", "f1", 0, 0},
     {0},
     {ACT_READ, 0, -1, -1, 0, NULL}},
};

/* ---------------------------------------------------------------- whatever the input */

static int any(struct rand *r, int count)
{
    return (int)rand_between(r, 0, count - 1);
}

static struct fact any_fact(struct rand *r)
{
    return (struct fact){
        .state = (enum alert_state)any(r, 3),
        .version = {.time = any(r, 6), .topic = 7, .partition = any(r, 2), .offset = any(r, 6)},
        .own_time = any(r, 6),
        .fired = any(r, 3) == 0 ? MSEC_NONE : any(r, 6)};
}

static struct record any_record(struct rand *r, bool marked)
{
    static const int states[] = {1, 2, 3, 6, 7, 8};

    return (struct record){.state = states[any(r, 6)],
                           .has_stamp = any(r, 8) > 0,
                           .has_content = any(r, 8) > 0,
                           .stamp = {.generation = marked ? 0 : 1 + (uint32_t)any(r, 3),
                                     .rank = any(r, 2),
                                     .version = any_fact(r).version},
                           .content = any_fact(r).version,
                           .closed = any(r, 2) == 0 ? MSEC_NONE : any(r, 6)};
}

static void check_indexes(const struct reconcile *in, const struct decision *d)
{
    bool create = d->action == ACT_CREATE || d->action == ACT_CREATE_RESOLVED;
    bool note = d->action == ACT_REMARK;
    bool content = create || note || d->action == ACT_UPDATE;
    bool state = d->action == ACT_CREATE_RESOLVED || d->action == ACT_RESOLVE ||
                 d->action == ACT_STAMP || d->action == ACT_HOLD_NOTE;

    assert_non_null(d->why);
    assert_int_equal(d->consumed == 0, d->action == ACT_READ || d->action == ACT_WAIT);
    assert_true(d->consumed <= in->count);
    assert_int_equal(d->fire != SIZE_MAX, content);
    assert_int_equal(d->clear != SIZE_MAX, state);
    assert_true(!content || d->fire < d->consumed);
    assert_true(!note || (d->consumed == 1 && in->facts[0].state == ALERT_NOTE));
    if (d->action == ACT_CREATE || d->action == ACT_UPDATE)
        assert_int_equal(in->facts[d->fire].state, ALERT_FIRING);
    assert_true(!state || (d->clear < d->consumed && in->facts[d->clear].state == ALERT_CLEARED));
    assert_int_equal((content || state) && d->generation != 0, (content || state) && !in->marked);
    if (d->action == ACT_WAIT)
        assert_true(d->until > in->now);
}

/* Rules that no input may break. */
static void check_laws(const struct reconcile *in, const struct decision *d)
{
    bool update = d->action == ACT_UPDATE || d->action == ACT_RESOLVE || d->action == ACT_STAMP ||
                  d->action == ACT_HOLD_NOTE || d->action == ACT_REMARK;
    bool create = d->action == ACT_CREATE || d->action == ACT_CREATE_RESOLVED;

    check_indexes(in, d);
    if (update)
        assert_int_equal(in->sight, SIGHT_RECORD);
    if (d->action == ACT_UPDATE || d->action == ACT_RESOLVE || d->action == ACT_HOLD_NOTE)
        assert_true(record_open(in->record));
    if (d->action == ACT_STAMP)
        assert_false(record_open(in->record));
    if (d->action == ACT_REMARK)
        assert_true(in->record->state != RECORD_CLOSED && in->record->state != RECORD_CANCELED);
    if (d->action == ACT_RESOLVE && in->marked)
        assert_false(record_cleared(in->record));
    if (create && in->sight == SIGHT_RECORD)
        assert_true(!in->marked && !record_open(in->record));
    if (in->sight == SIGHT_LEDGER)
        assert_true(d->action == ACT_READ ||
                    (d->action == ACT_NOTHING && strcmp(d->why, "applied") == 0));
    if (d->action == ACT_WAIT && strcmp(d->why, "settle") == 0)
        for (size_t i = 0; in->marked && i < in->count; i++)
            assert_int_not_equal(in->facts[i].state, ALERT_CLEARED);
}

static void laws_for_any_input(void **state)
{
    struct rand r;

    (void)state;
    rand_seed(&r, 7);
    for (int n = 0; n < 200000; n++) {
        struct fact facts[CASE_MAX];
        struct reconcile in = {.marked = any(&r, 2) == 0,
                               .facts = facts,
                               .count = 1 + (size_t)any(&r, CASE_MAX),
                               .sight = (enum sight)any(&r, 4),
                               .refused = any(&r, 4) == 0,
                               .known_before = any(&r, 4) == 0,
                               .read_first = any(&r, 2) == 0,
                               .orphan_ignore = any(&r, 4) == 0,
                               .cut = any(&r, 2) == 0 ? MSEC_NONE : any(&r, 6),
                               .now = CASE_NOW,
                               .clear_wait_until = any(&r, 2) == 0 ? CASE_NOW : CASE_LATER,
                               .settle_until = any(&r, 2) == 0 ? CASE_NOW : CASE_LATER};
        struct record record = any_record(&r, in.marked);
        struct decision d;

        in.record = &record;
        for (size_t i = 0; i < in.count; i++)
            facts[i] = any_fact(&r);
        d = reconcile(&in);
        check_laws(&in, &d);
    }
}

static void action_names(void **state)
{
    (void)state;
    for (int a = ACT_READ; a <= ACT_DEAD; a++)
        assert_string_not_equal(action_name((enum action)a), "unknown");
    assert_string_equal(action_name((enum action)(ACT_DEAD + 1)), "unknown");
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(rules) + 2];
    struct rule copies[ARRAY_LEN(rules)];

    memcpy(copies, rules, sizeof rules);
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        tests[i] = (struct CMUnitTest){
            .name = rules[i].name, .test_func = reconcile_case, .initial_state = &copies[i]};
    tests[ARRAY_LEN(rules)] = (struct CMUnitTest)cmocka_unit_test(laws_for_any_input);
    tests[ARRAY_LEN(rules) + 1] = (struct CMUnitTest)cmocka_unit_test(action_names);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
