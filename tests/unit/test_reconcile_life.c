/* The decision table, rule by rule: what the configuration wants of a record's life. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/base/rand.h"
#include "tests/support/reconcile_case.h"

#define MARKED   true
#define UNMARKED false

static const struct rule rules[] = {
    /* on_clear, marked */
    {"note only: the state stays",
     MARKED,
     "c2",
     SIGHT_RECORD,
     {RECORD_NEW, "f1", "f1", 0, 0},
     {.life.on_clear = ON_CLEAR_NOTE},
     {ACT_HOLD_NOTE, 1, -1, 0, 0, "note-only"}},
    {"nothing: the stamp alone, so that the clear is known",
     MARKED,
     "c2",
     SIGHT_RECORD,
     {RECORD_NEW, "f1", "f1", 0, 0},
     {.life.on_clear = ON_CLEAR_NOTHING},
     {ACT_STAMP, 1, -1, 0, 0, "nothing-wanted"}},
    {"untouched: resolved",
     MARKED,
     "c2",
     SIGHT_RECORD,
     {RECORD_NEW, "f1", "f1", 0, 0},
     {.life.on_clear = ON_CLEAR_RESOLVE_UNTOUCHED},
     {ACT_RESOLVE, 1, -1, 0, 0, NULL}},
    {"touched: a note",
     MARKED,
     "c2",
     SIGHT_RECORD,
     {RECORD_NEW, "f1", "f1", 0, 0},
     {.life.on_clear = ON_CLEAR_RESOLVE_UNTOUCHED, .touched = true},
     {ACT_HOLD_NOTE, 1, -1, 0, 0, "touched"}},
    {"touched counts only where it is asked for",
     MARKED,
     "c2",
     SIGHT_RECORD,
     {RECORD_NEW, "f1", "f1", 0, 0},
     {.touched = true},
     {ACT_RESOLVE, 1, -1, 0, 0, NULL}},
    {"on hold: a note that says so",
     MARKED,
     "c2",
     SIGHT_RECORD,
     {RECORD_ON_HOLD, "f1", "f1", 0, 0},
     {0},
     {ACT_HOLD_NOTE, 1, -1, 0, 0, "on-hold"}},
    {"note only, resolved by a person: the stamp",
     MARKED,
     "c2",
     SIGHT_RECORD,
     {RECORD_RESOLVED, "f1", "f1", 0, 9},
     {.life.on_clear = ON_CLEAR_NOTE},
     {ACT_STAMP, 1, -1, 0, 0, NULL}},
    {"note only, fire and clear wait: made open, the clear is the next step",
     MARKED,
     "f1 c2",
     SIGHT_NEVER,
     {0},
     {.life.on_clear = ON_CLEAR_NOTE},
     {ACT_CREATE, 1, 0, -1, 0, NULL}},
    {"note only, a clear without record: nothing is made",
     MARKED,
     "c2",
     SIGHT_ABSENT,
     {0},
     {.life.on_clear = ON_CLEAR_NOTE, .clear_waits = true},
     {ACT_NOTHING, 1, -1, -1, 0, "no-record"}},
    {"note only, clear before fire, no record: made open",
     MARKED,
     "c2 f1",
     SIGHT_ABSENT,
     {0},
     {.life.on_clear = ON_CLEAR_NOTE},
     {ACT_CREATE, 2, 1, -1, 0, NULL}},
    /* on_clear, unmarked */
    {"series, note only",
     UNMARKED,
     "c2",
     SIGHT_RECORD,
     {RECORD_NEW, "f1", "f1", 3, 0},
     {.life.on_clear = ON_CLEAR_NOTE},
     {ACT_HOLD_NOTE, 1, -1, 0, 3, "note-only"}},
    {"series, note only: the next fire joins the open record",
     UNMARKED,
     "f3",
     SIGHT_RECORD,
     {RECORD_NEW, "c2", "f1", 3, 0},
     {.life.on_clear = ON_CLEAR_NOTE},
     {ACT_UPDATE, 1, 0, -1, 3, NULL}},
    {"series, nothing, fire and clear wait: made open first",
     UNMARKED,
     "f1 c2",
     SIGHT_ABSENT,
     {0},
     {.life.on_clear = ON_CLEAR_NOTHING},
     {ACT_CREATE, 1, 0, -1, 1, NULL}},
    {"series, touched",
     UNMARKED,
     "c2",
     SIGHT_RECORD,
     {RECORD_NEW, "f1", "f1", 1, 0},
     {.life.on_clear = ON_CLEAR_RESOLVE_UNTOUCHED, .touched = true},
     {ACT_HOLD_NOTE, 1, -1, 0, 1, "touched"}},
    /* clear_delay */
    {"delay: a clear waits",
     MARKED,
     "c2~",
     SIGHT_RECORD,
     {RECORD_NEW, "f1", "f1", 0, 0},
     {.life.clear_delay = 1},
     {ACT_WAIT, 0, -1, -1, 0, "clear-delay"}},
    {"delay: what came before it does not",
     MARKED,
     "f1 c2~",
     SIGHT_NEVER,
     {0},
     {.life.clear_delay = 1},
     {ACT_CREATE, 1, 0, -1, 0, NULL}},
    {"delay over: resolved",
     MARKED,
     "c2",
     SIGHT_RECORD,
     {RECORD_NEW, "f1", "f1", 0, 0},
     {.life.clear_delay = 1},
     {ACT_RESOLVE, 1, -1, 0, 0, NULL}},
    {"series, delay: a clear waits",
     UNMARKED,
     "c2~",
     SIGHT_NEVER,
     {0},
     {.life.clear_delay = 1},
     {ACT_WAIT, 0, -1, -1, 0, "clear-delay"}},
    {"series, delay: a newer fire cancels the waiting clear",
     UNMARKED,
     "c2~ f3",
     SIGHT_NEVER,
     {0},
     {.life.clear_delay = 1},
     {ACT_NOTHING, 1, -1, -1, 0, "flapped"}},
    {"series, delay: an older fire does not",
     UNMARKED,
     "c2~ f1",
     SIGHT_NEVER,
     {0},
     {.life.clear_delay = 1},
     {ACT_WAIT, 0, -1, -1, 0, "clear-delay"}},
    {"series, delay: the fire in front goes first",
     UNMARKED,
     "f1 c2~ f3",
     SIGHT_ABSENT,
     {0},
     {.life.clear_delay = 1},
     {ACT_CREATE, 1, 0, -1, 1, NULL}},
    {"series, delay: a cancelled clear that is read again does nothing",
     UNMARKED,
     "c2",
     SIGHT_RECORD,
     {RECORD_NEW, "f1", "f3", 1, 0},
     {.life.clear_delay = 1},
     {ACT_NOTHING, 1, -1, -1, 0, "applied"}},
    /* refire */
    {"refire new: the next generation",
     UNMARKED,
     "f5",
     SIGHT_RECORD,
     {RECORD_RESOLVED, "c3", "f1", 2, 4},
     {0},
     {ACT_CREATE, 1, 0, -1, 3, NULL}},
    {"refire reopen: the same record",
     UNMARKED,
     "f5",
     SIGHT_RECORD,
     {RECORD_RESOLVED, "c3", "f1", 2, 4},
     {.life = {.refire = REFIRE_REOPEN, .reopen_within = 10}},
     {ACT_REOPEN, 1, 0, -1, 2, NULL}},
    {"refire reopen, too long ago: the next generation",
     UNMARKED,
     "f50",
     SIGHT_RECORD,
     {RECORD_RESOLVED, "c3", "f1", 2, 4},
     {.life = {.refire = REFIRE_REOPEN, .reopen_within = 10}},
     {ACT_CREATE, 1, 0, -1, 3, NULL}},
    {"refire reopen, closed: closed is closed",
     UNMARKED,
     "f5",
     SIGHT_RECORD,
     {RECORD_CLOSED, "c3", "f1", 2, 4},
     {.life = {.refire = REFIRE_REOPEN, .reopen_within = 10}},
     {ACT_CREATE, 1, 0, -1, 3, NULL}},
    {"refire reopen, a late fire: nothing",
     UNMARKED,
     "f2",
     SIGHT_RECORD,
     {RECORD_RESOLVED, "c3", "f1", 2, 4},
     {.life = {.refire = REFIRE_REOPEN, .reopen_within = 10}},
     {ACT_NOTHING, 1, -1, -1, 0, "late"}},
    {"refire reopen, fire and clear wait: not opened for nothing",
     UNMARKED,
     "f5 c6",
     SIGHT_RECORD,
     {RECORD_RESOLVED, "c3", "f1", 2, 4},
     {.life = {.refire = REFIRE_REOPEN, .reopen_within = 10}},
     {ACT_REFIRE_NOTE, 1, 0, -1, 2, NULL}},
    {"refire reopen: nothing is written while a lost reopening may land",
     UNMARKED,
     "c6",
     SIGHT_RECORD,
     {RECORD_RESOLVED, "c3", "f1", 2, 4},
     {.life = {.refire = REFIRE_REOPEN, .reopen_within = 10}, .settles = true},
     {ACT_WAIT, 0, -1, -1, 0, "settle"}},
    {"refire note: the record stays resolved",
     UNMARKED,
     "f5",
     SIGHT_RECORD,
     {RECORD_RESOLVED, "c3", "f1", 2, 4},
     {.life = {.refire = REFIRE_NOTE, .reopen_within = 10}},
     {ACT_REFIRE_NOTE, 1, 0, -1, 2, NULL}},
    {"refire note: the clear behind it stamps",
     UNMARKED,
     "c6",
     SIGHT_RECORD,
     {RECORD_RESOLVED, "f5", "f1", 2, 4},
     {.life = {.refire = REFIRE_NOTE, .reopen_within = 10}},
     {ACT_STAMP, 1, -1, 0, 2, NULL}},
    /* two lives in one lane, as rules give them */
    {"the clear's own life counts, not the fire's",
     MARKED,
     "f1 c2!",
     SIGHT_NEVER,
     {0},
     {.other.on_clear = ON_CLEAR_NOTE},
     {ACT_CREATE, 1, 0, -1, 0, NULL}},
    {"a fire that says note only does not bind its clear",
     MARKED,
     "f1! c2",
     SIGHT_NEVER,
     {0},
     {.other.on_clear = ON_CLEAR_NOTE},
     {ACT_CREATE_RESOLVED, 2, 0, 1, 0, NULL}},
    {"of two clears the newest counts: resolve",
     MARKED,
     "c2! c3",
     SIGHT_RECORD,
     {RECORD_NEW, "f1", "f1", 0, 0},
     {.other.on_clear = ON_CLEAR_NOTE},
     {ACT_RESOLVE, 2, -1, 1, 0, NULL}},
    {"of two clears the newest counts: note",
     MARKED,
     "c2 c3!",
     SIGHT_RECORD,
     {RECORD_NEW, "f1", "f1", 0, 0},
     {.other.on_clear = ON_CLEAR_NOTE},
     {ACT_HOLD_NOTE, 2, -1, 1, 0, "note-only"}},
    {"an orphan that says note only makes nothing",
     MARKED,
     "c2!",
     SIGHT_ABSENT,
     {0},
     {.other.on_clear = ON_CLEAR_NOTHING, .clear_waits = true},
     {ACT_NOTHING, 1, -1, -1, 0, "no-record"}},
    {"series: a group is folded by the life of its clear",
     UNMARKED,
     "f1 c2! f3 c4",
     SIGHT_ABSENT,
     {0},
     {.life.on_clear = ON_CLEAR_NOTE},
     {ACT_CREATE_RESOLVED, 2, 0, 1, 1, NULL}},
    {"series: the fire's life says what firing again does",
     UNMARKED,
     "f5!",
     SIGHT_RECORD,
     {RECORD_RESOLVED, "c3", "f1", 2, 4},
     {.other = {.refire = REFIRE_REOPEN, .reopen_within = 10}},
     {ACT_REOPEN, 1, 0, -1, 2, NULL}},
    {"series: and nobody else's",
     UNMARKED,
     "f5 c6!",
     SIGHT_RECORD,
     {RECORD_RESOLVED, "c3", "f1", 2, 4},
     {.other = {.refire = REFIRE_REOPEN, .reopen_within = 10}},
     {ACT_CREATE_RESOLVED, 2, 0, 1, 3, NULL}},
    {"series: a lost reopening may land, whatever this fire wants",
     UNMARKED,
     "f5",
     SIGHT_RECORD,
     {RECORD_RESOLVED, "c3", "f1", 2, 4},
     {.other = {.refire = REFIRE_REOPEN, .reopen_within = 10}, .settles = true},
     {ACT_WAIT, 0, -1, -1, 0, "settle"}},
    {"series: a clear without a delay, cancelled with one that has it, stays cancelled",
     UNMARKED,
     "c3",
     SIGHT_RECORD,
     {RECORD_NEW, "f1", "f4", 1, 0},
     {.other.clear_delay = 1},
     {ACT_NOTHING, 1, -1, -1, 0, "applied"}},
};

/* ---------------------------------------------------------------- lives of one series */

/* The instance: one record a generation, written as the actions say. */
struct store {
    struct record rows[40];
    int open[40]; /* how often each was opened */
    size_t count;
};

static void carry_out(struct store *s, const struct decision *d, const struct fact *facts)
{
    struct record *r = s->count == 0 ? NULL : &s->rows[s->count - 1];
    const struct fact *f = d->fire == SIZE_MAX ? NULL : &facts[d->fire];
    const struct fact *c = d->clear == SIZE_MAX ? NULL : &facts[d->clear];

    if (d->action == ACT_CREATE || d->action == ACT_CREATE_RESOLVED) {
        assert_int_equal(d->generation, s->count + 1);
        r = &s->rows[s->count++];
        *r = (struct record){.has_stamp = true, .has_content = true, .closed = MSEC_NONE};
        r->state = d->action == ACT_CREATE ? RECORD_NEW : RECORD_RESOLVED;
        s->open[s->count - 1] = d->action == ACT_CREATE;
    }
    assert_non_null(r);
    if (d->action == ACT_RESOLVE)
        r->state = RECORD_RESOLVED;
    if (d->action == ACT_REOPEN) {
        assert_int_equal(r->state, RECORD_RESOLVED);
        r->state = RECORD_NEW;
        s->open[s->count - 1]++;
    }
    if (f != NULL && d->action != ACT_REFIRE_NOTE)
        r->content = f->version;
    if (d->action != ACT_UPDATE)
        r->stamp = (struct stamp){.generation = d->generation,
                                  .rank = c != NULL,
                                  .version = c != NULL ? c->version : f->version};
    if (r->state == RECORD_RESOLVED && c != NULL)
        r->closed = c->version.time;
}

/* A series fires and clears in one partition, read with pauses shorter and longer than the delay,
 * from time to time read again from somewhere before. Flapping within the delay never moves the
 * ticket; in the end it is open when the last message is a fire, resolved when it is a clear. */
static void live(struct rand *r, const struct config_life *lives, size_t count, bool again)
{
    bool reopens = false, delays = false;
    struct fact facts[30], lane[64];
    size_t n = 0, all = 5 + (size_t)(rand_next(r) % 25), next = 0, cycles = 0;
    usec_t now = USEC_S;
    struct store s = {0};

    for (size_t i = 0; i < count; i++) {
        reopens = reopens || lives[i].refire == REFIRE_REOPEN;
        delays = delays || lives[i].clear_delay > 0;
    }
    for (size_t i = 0; i < all; i++) {
        facts[i] = (struct fact){.version = {.offset = (int64_t)i, .time = (msec_t)i + 1},
                                 .own_time = (msec_t)i + 1,
                                 .fired = MSEC_NONE,
                                 .life = &lives[(size_t)rand_next(r) % count],
                                 .state = rand_next(r) % 2 ? ALERT_FIRING : ALERT_CLEARED};
        cycles += facts[i].state == ALERT_FIRING && (i == 0 || facts[i - 1].state != ALERT_FIRING);
    }
    while (next < all || n > 0) {
        struct reconcile in = {
            .facts = lane, .reopens = reopens, .delays = delays, .cut = MSEC_NONE};
        struct decision d;

        if (next < all && (n == 0 || rand_next(r) % 2)) {
            lane[n] = facts[next++];
            lane[n].due = lane[n].life->clear_delay > 0 ? now + lane[n].life->clear_delay : 0;
            n++;
        }
        in.count = n;
        in.now = now;
        in.sight = s.count == 0 ? SIGHT_ABSENT : SIGHT_RECORD;
        in.record = s.count == 0 ? NULL : &s.rows[s.count - 1];
        d = reconcile(&in);
        if (d.action == ACT_WAIT) {
            assert_int_equal(n > 0, 1);
            now = next < all && rand_next(r) % 3 ? now + USEC_S : d.until;
            continue;
        }
        if (d.action != ACT_NOTHING)
            carry_out(&s, &d, lane);
        n -= d.consumed;
        for (size_t i = 0; i < n; i++)
            lane[i] = lane[i + d.consumed];
        if (again && next > 0 && rand_next(r) % 8 == 0) {
            next = (size_t)(rand_next(r) % next);
            again = false;
        }
    }
    assert_true(s.count <= cycles);
    if (s.count == 0)
        return;
    assert_int_equal(s.rows[s.count - 1].state == RECORD_RESOLVED,
                     facts[all - 1].state == ALERT_CLEARED);
    for (size_t i = 0; i + 1 < s.count; i++)
        assert_int_equal(s.rows[i].state, RECORD_RESOLVED);
    if (!reopens)
        for (size_t i = 0; i < s.count; i++)
            assert_true(s.open[i] <= 1);
}

static void test_lives(void **state)
{
    static const struct config_life lives[] = {
        {0},
        {.clear_delay = 60 * USEC_S},
        {.refire = REFIRE_REOPEN, .reopen_within = 1000},
        {.refire = REFIRE_REOPEN, .reopen_within = 1000, .clear_delay = 60 * USEC_S},
        {.refire = REFIRE_REOPEN, .reopen_within = 3, .clear_delay = 60 * USEC_S},
    };
    struct rand r;

    (void)state;
    rand_seed(&r, 11);
    for (int round = 0; round < 20000; round++)
        live(&r, &lives[(size_t)round % ARRAY_LEN(lives)], 1, round % 2 == 0);
    /* Each message with a life of its own. */
    for (int round = 0; round < 20000; round++)
        live(&r, lives, ARRAY_LEN(lives), round % 2 == 0);
}

/* ---------------------------------------------------------------- whose life counts */

static struct config_life any_life(struct rand *r)
{
    return (struct config_life){.on_clear = (enum config_on_clear)rand_between(r, 0, 3),
                                .refire = (enum config_refire)rand_between(r, 0, 2),
                                .reopen_within = rand_between(r, 0, 5)};
}

static struct fact any_fact(struct rand *r, const struct config_life *life)
{
    return (struct fact){
        .state = (enum alert_state)rand_between(r, 0, 2),
        .version = {.time = rand_between(r, 0, 5), .offset = rand_between(r, 0, 5)},
        .own_time = rand_between(r, 0, 5),
        .fired = MSEC_NONE,
        .due = rand_between(r, 0, 5) == 0 ? CASE_LATER : 0,
        .life = life};
}

static struct record any_record(struct rand *r, bool marked)
{
    static const int states[] = {1, 2, 3, 6, 7, 8};

    return (struct record){.state = states[rand_between(r, 0, 5)],
                           .has_stamp = true,
                           .has_content = rand_between(r, 0, 5) > 0,
                           .stamp = {.generation = marked ? 0 : 2,
                                     .rank = (int)rand_between(r, 0, 1),
                                     .version = any_fact(r, NULL).version},
                           .content = any_fact(r, NULL).version,
                           .touched = rand_between(r, 0, 1) == 1,
                           .closed =
                               rand_between(r, 0, 1) == 1 ? rand_between(r, 0, 5) : MSEC_NONE};
}

/* What is done for a clear depends on the life of that clear, what a fire that begins anew does on
 * the life of that fire, and on nothing that the other messages of the lane say. */
static void test_the_others_say_nothing(void **state)
{
    int seen[ACT_DEAD + 1] = {0};
    struct rand r;

    (void)state;
    rand_seed(&r, 12);
    for (int n = 0; n < 200000; n++) {
        struct config_life lives[CASE_MAX];
        struct fact facts[CASE_MAX];
        struct reconcile in = {.marked = rand_between(&r, 0, 1) == 1,
                               .facts = facts,
                               .count = (size_t)rand_between(&r, 1, CASE_MAX),
                               .sight = (enum sight)rand_between(&r, 0, 3),
                               .cut = MSEC_NONE,
                               .delays = rand_between(&r, 0, 1) == 1,
                               .now = CASE_NOW};
        struct record record = any_record(&r, in.marked);
        struct decision before, after;

        in.record = &record;
        for (size_t i = 0; i < in.count; i++) {
            lives[i] = any_life(&r);
            facts[i] = any_fact(&r, &lives[i]);
        }
        before = reconcile(&in);
        for (size_t i = 0; i < in.count; i++) {
            struct config_life other = any_life(&r);

            if (before.clear != SIZE_MAX && i != before.clear)
                lives[i].on_clear = other.on_clear;
            if (before.fire != SIZE_MAX && i != before.fire) {
                lives[i].refire = other.refire;
                lives[i].reopen_within = other.reopen_within;
            }
        }
        after = reconcile(&in);
        seen[before.action]++;
        assert_int_equal(after.action, before.action);
        assert_int_equal(after.consumed, before.consumed);
        assert_int_equal(after.fire, before.fire);
        assert_int_equal(after.clear, before.clear);
        assert_int_equal(after.generation, before.generation);
        assert_string_equal(after.why, before.why);
    }
    for (int a = 0; a < ACT_DEAD; a++)
        assert_true(seen[a] > 0);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(rules) + 2];

    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        tests[i] = (struct CMUnitTest){.name = rules[i].name,
                                       .test_func = reconcile_case,
                                       .initial_state = (void *)(uintptr_t)&rules[i]};
    tests[ARRAY_LEN(rules)] = (struct CMUnitTest)cmocka_unit_test(test_lives);
    tests[ARRAY_LEN(rules) + 1] = (struct CMUnitTest)cmocka_unit_test(test_the_others_say_nothing);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
