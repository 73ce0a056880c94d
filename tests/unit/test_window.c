/* Request window against a simulated instance: time jumps from event to event, so an outage of an
 * hour or five years of work take milliseconds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/base/rand.h"
#include "bridge/servicenow/window.h"

#define MINUTE  (60 * USEC_S)
#define HOUR    (60 * MINUTE)
#define ANY_MAX 64

enum mode { SERVES, REFUSES_CONNECTIONS, HANGS, RATE_LIMITED };

struct request {
    usec_t end;
    enum window_class class;
    enum window_result result;
    usec_t retry_after;
    bool served; /* holds a worker of the instance */
};

struct sim {
    struct window *w;
    struct rand r;
    usec_t now;
    enum mode mode;
    unsigned capacity; /* workers; one more request is refused with 429 at once */
    struct request requests[4 * ANY_MAX];
    unsigned count, served;
    unsigned long long left[2], ended[3]; /* requests by class; ended by result */
    bool wants[2];
};

static void sim_begin(struct sim *s, unsigned max, unsigned capacity, uint64_t seed)
{
    *s = (struct sim){.now = USEC_S, .capacity = capacity, .wants = {true, false}};
    s->w = window_new(max, seed);
    rand_seed(&s->r, seed + 1);
}

static void sim_done(struct sim *s)
{
    s->w = window_free(s->w);
    assert_null(s->w);
}

static struct request answer(struct sim *s)
{
    switch (s->mode) {
    case REFUSES_CONNECTIONS:
        return (struct request){.end = s->now + 2 * USEC_MS, .result = WINDOW_FAILED};
    case HANGS:
        return (struct request){.end = s->now + 30 * USEC_S, .result = WINDOW_FAILED};
    case RATE_LIMITED:
        return (struct request){
            .end = s->now + 20 * USEC_MS, .result = WINDOW_THROTTLED, .retry_after = 600 * USEC_S};
    case SERVES:
        break;
    }
    if (s->served >= s->capacity)
        return (struct request){.end = s->now + 10 * USEC_MS, .result = WINDOW_THROTTLED};
    s->served++;
    return (struct request){.end = s->now + rand_between(&s->r, 100, 200) * USEC_MS,
                            .result = WINDOW_SUCCESS,
                            .served = true};
}

static void check(const struct window *w)
{
    enum window_state state = window_state(w);

    assert_in_range(window_size(w), 1, ANY_MAX);
    assert_int_equal(window_until(w) == USEC_NEVER, state == WINDOW_OPEN || state == WINDOW_BARRED);
    assert_int_equal(window_next(w), state == WINDOW_CLOSED ? window_until(w) : USEC_NEVER);
    assert_int_equal(*window_reason(w) == '\0', state == WINDOW_OPEN);
}

static void send_one(struct sim *s, enum window_class c)
{
    struct request q = answer(s);

    q.class = c;
    assert_true(s->count < ARRAY_LEN(s->requests));
    if (window_state(s->w) == WINDOW_HALF_OPEN)
        assert_int_equal(s->count, 0);
    window_start(s->w, c, s->now);
    s->requests[s->count++] = q;
    s->left[c]++;
    assert_int_equal(window_in_flight(s->w), s->count);
    assert_true(s->count <= window_size(s->w));
}

static void send_all(struct sim *s)
{
    for (int c = 0; c < 2; c++) /* both say first what they want */
        (void)window_room(s->w, c, s->wants[c], s->now);
    for (int c = 0; c < 2; c++)
        for (unsigned room = window_room(s->w, c, s->wants[c], s->now); s->wants[c] && room > 0;
             room--)
            send_one(s, c);
    for (int c = 0; c < 2; c++)
        assert_true(!s->wants[c] || window_room(s->w, c, true, s->now) == 0);
}

static void end_due(struct sim *s)
{
    for (unsigned i = 0; i < s->count;) {
        struct request q = s->requests[i];

        if (q.end > s->now) {
            i++;
            continue;
        }
        s->requests[i] = s->requests[--s->count];
        s->served -= q.served;
        s->ended[q.result]++;
        window_end(s->w, q.class, q.result, q.retry_after, "HTTP 503 from the instance", s->now);
        check(s->w);
    }
}

/* Until `end`, with as many requests as the window lets out. */
static void sim_run(struct sim *s, usec_t end)
{
    for (;;) {
        usec_t next;

        end_due(s);
        send_all(s);
        next = window_next(s->w);
        for (unsigned i = 0; i < s->count; i++)
            next = usec_min(next, s->requests[i].end);
        if (next > end)
            break;
        assert_true(next > s->now);
        s->now = next;
    }
    s->now = end;
}

static unsigned long long total(const struct sim *s)
{
    return s->left[WINDOW_ALERTS] + s->left[WINDOW_SYNC];
}

/* Near the capacity of an instance that refuses what is above it: nearly all of its speed, and of
 * the requests no more are refused than about one in a capacity. */
static void converges_to_the_capacity(void **state)
{
    (void)state;
    for (unsigned capacity = 1; capacity <= 40; capacity++) {
        static struct sim s;
        unsigned long long served;

        sim_begin(&s, ANY_MAX, capacity, capacity);
        sim_run(&s, 2 * MINUTE);
        memset(s.ended, 0, sizeof s.ended);
        sim_run(&s, 12 * MINUTE);
        served = s.ended[WINDOW_SUCCESS];
        assert_in_range(window_size(s.w), capacity - capacity / 4, capacity + 1);
        assert_true(served * 150 >= 600000ull * capacity * 85 / 100);
        assert_true(s.ended[WINDOW_THROTTLED] * capacity <= served * 6 / 10);
        sim_done(&s);
    }
}

/* The capacity falls: what is refused until the size fits is about what was under way, not many
 * times that. */
static void follows_a_drop_at_once(void **state)
{
    (void)state;
    for (unsigned capacity = 4; capacity <= 36; capacity += 4) {
        static struct sim s;

        sim_begin(&s, ANY_MAX, 40, 5);
        sim_run(&s, 5 * MINUTE);
        assert_in_range(window_size(s.w), 38, 41);
        s.capacity = capacity;
        memset(s.ended, 0, sizeof s.ended);
        sim_run(&s, s.now + 2 * USEC_S);
        assert_true(s.ended[WINDOW_THROTTLED] <= 80);
        sim_run(&s, s.now + 10 * USEC_S);
        assert_in_range(window_size(s.w), capacity - capacity / 4, capacity + 1);
        sim_done(&s);
    }
}

static void grows_only_when_used(void **state)
{
    struct window *w = window_new(32, 1);

    (void)state;
    for (usec_t now = 0; now < HOUR; now += USEC_S) {
        assert_true(window_room(w, WINDOW_ALERTS, false, now) > 0);
        window_start(w, WINDOW_ALERTS, now);
        window_end(w, WINDOW_ALERTS, WINDOW_SUCCESS, 0, NULL, now);
    }
    assert_in_range(window_size(w), 4, 5);
    (void)window_free(w);
    w = window_new(2, 1);
    assert_int_equal(window_size(w), 2);
    (void)window_free(w);
    w = window_new(0, 1);
    assert_int_equal(window_size(w), 1);
    (void)window_free(w);
}

/* An outage of an hour costs one cohort and the probes: at most one a minute once it lasts, and
 * when it is over the window is open within a minute. */
static void outage_of_an_hour(void **state)
{
    static const enum mode modes[] = {REFUSES_CONNECTIONS, HANGS};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        static struct sim s;
        unsigned long long before;
        unsigned size;

        sim_begin(&s, 16, 100, 9);
        sim_run(&s, 5 * MINUTE);
        size = window_size(s.w);
        assert_int_equal(size, 16);
        before = total(&s);
        s.mode = modes[i];
        sim_run(&s, s.now + MINUTE);
        assert_int_not_equal(window_state(s.w), WINDOW_OPEN);
        sim_run(&s, s.now + 59 * MINUTE);
        /* earlier answers still come in while the first ones fail: up to three cohorts */
        assert_in_range(total(&s) - before, size + 30, 3 * size + 80);
        assert_int_not_equal(window_state(s.w), WINDOW_OPEN);
        s.mode = SERVES;
        sim_run(&s, s.now + 92 * USEC_S);
        assert_int_equal(window_state(s.w), WINDOW_OPEN);
        assert_int_equal(s.ended[WINDOW_THROTTLED], 0);
        sim_done(&s);
    }
}

/* Ends requests without a success until the window closes, and returns for how long: a window's
 * size of them, but not fewer than three. */
static usec_t closes_for(struct window *w, usec_t now)
{
    unsigned n = window_size(w) > 3 ? window_size(w) : 3;

    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(window_state(w), WINDOW_OPEN);
        assert_true(window_room(w, WINDOW_ALERTS, true, now) > 0);
        window_start(w, WINDOW_ALERTS, now);
        window_end(w, WINDOW_ALERTS, WINDOW_FAILED, 0, "connection refused", now);
    }
    assert_int_equal(window_state(w), WINDOW_CLOSED);
    assert_int_equal(window_room(w, WINDOW_ALERTS, true, window_until(w) - 1), 0);
    assert_int_equal(window_room(w, WINDOW_SYNC, false, window_until(w) - 1), 0);
    return window_until(w) - now;
}

static usec_t probe(struct window *w, enum window_result r, usec_t retry_after)
{
    usec_t now = window_until(w);

    assert_int_equal(window_room(w, WINDOW_ALERTS, true, now), 1);
    assert_int_equal(window_state(w), WINDOW_HALF_OPEN);
    window_start(w, WINDOW_ALERTS, now);
    assert_int_equal(window_room(w, WINDOW_ALERTS, true, now + HOUR), 0);
    assert_int_equal(window_room(w, WINDOW_SYNC, true, now + HOUR), 0);
    window_end(w, WINDOW_ALERTS, r, retry_after, "connection refused", now);
    return now;
}

static void penalty_grows_and_decays(void **state)
{
    struct window *w = window_new(8, 3);
    usec_t now = HOUR, last = 0, closed;

    (void)state;
    for (int i = 1; i <= 5; i++) { /* a host that comes back for a moment only */
        closed = closes_for(w, now);
        assert_in_range(closed, 2 * USEC_S * i * i * 3 / 4, 2 * USEC_S * i * i);
        assert_true(closed > last);
        last = closed;
        now = probe(w, WINDOW_SUCCESS, 0);
        assert_int_equal(window_state(w), WINDOW_OPEN);
    }
    closed = closes_for(w, now + 2 * MINUTE + 1); /* two points less, one more */
    assert_in_range(closed, 24 * USEC_S, 32 * USEC_S);
    now = probe(w, WINDOW_SUCCESS, 0);
    closed = closes_for(w, now + 10 * MINUTE);
    assert_in_range(closed, 3 * USEC_S / 2, 2 * USEC_S);
    for (int i = 0; i < 100; i++)
        now = probe(w, WINDOW_FAILED, 0);
    assert_in_range(window_until(w) - now, 45 * USEC_S, 60 * USEC_S);
    (void)window_free(w);
}

static void one_success_clears_the_failures(void **state)
{
    struct window *w = window_new(8, 3);

    (void)state;
    for (int i = 0; i < 1000; i++) {
        window_start(w, WINDOW_ALERTS, 1);
        window_end(w, WINDOW_ALERTS, i % 3 == 2 ? WINDOW_SUCCESS : WINDOW_FAILED, 0, NULL, 1);
        assert_int_equal(window_state(w), WINDOW_OPEN);
    }
    assert_int_equal(window_size(w), 1);
    (void)window_free(w);
}

static void neutral_changes_nothing(void **state)
{
    struct window *w = window_new(8, 3);

    (void)state;
    for (int i = 0; i < 100; i++) {
        window_start(w, WINDOW_ALERTS, 1);
        window_end(w, WINDOW_ALERTS, WINDOW_NEUTRAL, i % 2 * USEC_S, "cancelled", 1);
    }
    assert_int_equal(window_size(w), 4);
    assert_int_equal(window_state(w), WINDOW_OPEN);
    (void)closes_for(w, 5);
    (void)probe(w, WINDOW_NEUTRAL, 0);
    assert_int_equal(window_state(w), WINDOW_HALF_OPEN);
    assert_int_equal(window_room(w, WINDOW_ALERTS, true, window_until(w)), 1);
    (void)window_free(w);
}

/* One decrease for all failures of requests that were under way together; then a full window of
 * successes for one step up. */
static void hysteresis(void **state)
{
    static struct sim s;
    usec_t now;

    (void)state;
    sim_begin(&s, 16, 1000, 1);
    sim_run(&s, 5 * MINUTE);
    assert_int_equal(window_size(s.w), 16);
    assert_int_equal(s.count, 16);
    now = s.now;
    for (unsigned i = 0; i < 16; i++) /* a cohort; it answers mixed */
        window_end(s.w, WINDOW_ALERTS, i % 2 == 0 ? WINDOW_FAILED : WINDOW_SUCCESS, 0, NULL, now);
    assert_int_equal(window_size(s.w), 15);
    for (unsigned i = 0; i < 15; i++)
        window_start(s.w, WINDOW_ALERTS, now);
    for (unsigned i = 0; i < 15; i++) {
        assert_int_equal(window_size(s.w), 15);
        window_end(s.w, WINDOW_ALERTS, WINDOW_SUCCESS, 0, NULL, now);
        window_start(s.w, WINDOW_ALERTS, now);
    }
    assert_int_equal(window_size(s.w), 16);
    sim_done(&s);
}

static void retry_after_is_obeyed(void **state)
{
    static struct sim s;
    unsigned long long before;
    unsigned size;

    (void)state;
    sim_begin(&s, 16, 1000, 1);
    sim_run(&s, 5 * MINUTE);
    size = window_size(s.w);
    s.mode = RATE_LIMITED;
    sim_run(&s, s.now + USEC_S);
    assert_int_equal(window_state(s.w), WINDOW_CLOSED);
    assert_non_null(strstr(window_reason(s.w), "pause of 600 s"));
    before = total(&s);
    sim_run(&s, s.now + 595 * USEC_S);
    assert_int_equal(total(&s), before);
    s.mode = SERVES;
    sim_run(&s, s.now + 15 * USEC_S);
    assert_int_equal(window_state(s.w), WINDOW_OPEN);
    assert_int_equal(window_size(s.w), size); /* its size was not at fault */
    sim_done(&s);
}

static void retry_after_is_clamped_and_not_cut_short(void **state)
{
    struct window *w = window_new(8, 3);
    usec_t now = 5;

    (void)state;
    window_start(w, WINDOW_ALERTS, now);
    window_start(w, WINDOW_SYNC, now);
    window_start(w, WINDOW_ALERTS, now);
    window_end(w, WINDOW_ALERTS, WINDOW_THROTTLED, USEC_NEVER, "429", now);
    assert_int_equal(window_until(w), now + HOUR);
    window_end(w, WINDOW_SYNC, WINDOW_FAILED, USEC_S, "503", now);
    assert_int_equal(window_until(w), now + HOUR);
    window_end(w, WINDOW_ALERTS, WINDOW_SUCCESS, 0, NULL, now);
    assert_int_equal(window_until(w), now + HOUR);
    now = probe(w, WINDOW_THROTTLED, 10 * USEC_S);
    assert_in_range(window_until(w) - now, 10 * USEC_S, 11 * USEC_S);
    (void)probe(w, WINDOW_SUCCESS, 0);
    (void)closes_for(w, HOUR * 9); /* none of that was held against it */
    assert_in_range(window_until(w) - HOUR * 9, 3 * USEC_S / 2, 2 * USEC_S);
    (void)window_free(w);
}

/* Requests of before the closing may still answer: a success asks for a probe at once, a failure
 * says nothing new, and no probe leaves while one of them is under way. */
static void late_answers(void **state)
{
    struct window *w = window_new(8, 3);
    usec_t now = 5, until;

    (void)state;
    for (int i = 0; i < 3; i++)
        window_start(w, WINDOW_SYNC, now);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(window_state(w), WINDOW_OPEN);
        window_start(w, WINDOW_ALERTS, now);
        window_end(w, WINDOW_ALERTS, WINDOW_FAILED, 0, "connection refused", now);
    }
    until = window_until(w);
    window_end(w, WINDOW_SYNC, WINDOW_FAILED, 0, "timed out", now + 1);
    assert_int_equal(window_until(w), until);
    window_end(w, WINDOW_SYNC, WINDOW_SUCCESS, 0, NULL, now + 2);
    assert_int_equal(window_until(w), now + 2);
    assert_int_equal(window_room(w, WINDOW_ALERTS, true, until), 0);
    assert_int_equal(window_state(w), WINDOW_HALF_OPEN);
    assert_int_equal(window_next(w), USEC_NEVER);
    window_end(w, WINDOW_SYNC, WINDOW_FAILED, 0, "timed out", until);
    assert_int_equal(window_state(w), WINDOW_HALF_OPEN);
    assert_int_equal(window_room(w, WINDOW_ALERTS, true, until), 1);
    (void)window_free(w);
}

static void barred_beats_all(void **state)
{
    struct window *w = window_new(8, 3);
    usec_t until;

    (void)state;
    window_bar(w, "sign-in refused");
    window_bar(w, "client secret is wrong");
    assert_int_equal(window_state(w), WINDOW_BARRED);
    assert_string_equal(window_reason(w), "client secret is wrong");
    assert_int_equal(window_room(w, WINDOW_ALERTS, true, HOUR), 0);
    assert_int_equal(window_next(w), USEC_NEVER);
    window_unbar(w);
    window_unbar(w);
    assert_int_equal(window_room(w, WINDOW_ALERTS, true, HOUR), 4);
    assert_string_equal(window_reason(w), "");
    until = HOUR + closes_for(w, HOUR);
    window_bar(w, NULL);
    assert_int_equal(window_room(w, WINDOW_ALERTS, true, until), 0);
    assert_int_equal(window_until(w), USEC_NEVER);
    window_unbar(w);
    assert_int_equal(window_state(w), WINDOW_CLOSED);
    assert_int_equal(window_until(w), until);
    window_bar(w, "sign-in refused");
    assert_int_equal(window_room(w, WINDOW_ALERTS, true, until + 5), 0);
    window_unbar(w);
    assert_int_equal(window_room(w, WINDOW_ALERTS, true, until + 5), 1);
    (void)window_free(w);
}

static void sync_gets_its_share(void **state)
{
    static struct sim s;

    (void)state;
    sim_begin(&s, 16, 1000, 1);
    sim_run(&s, 5 * MINUTE);
    s.wants[WINDOW_SYNC] = true;
    memset(s.left, 0, sizeof s.left);
    sim_run(&s, s.now + 10 * MINUTE);
    assert_in_range(s.left[WINDOW_SYNC] * 100 / total(&s), 22, 27);
    s.wants[WINDOW_ALERTS] = false;
    sim_run(&s, s.now + USEC_S);
    memset(s.left, 0, sizeof s.left);
    sim_run(&s, s.now + MINUTE);
    assert_int_equal(s.left[WINDOW_ALERTS], 0);
    assert_true(s.left[WINDOW_SYNC] > 4800);
    s.wants[WINDOW_ALERTS] = true;
    s.wants[WINDOW_SYNC] = false;
    sim_run(&s, s.now + MINUTE);
    assert_int_equal(window_room(s.w, WINDOW_ALERTS, true, s.now), 0);
    assert_int_equal(window_in_flight(s.w), 16);
    sim_done(&s);
}

static void small_window_is_for_alerts(void **state)
{
    struct window *w = window_new(3, 1);

    (void)state;
    assert_int_equal(window_room(w, WINDOW_SYNC, true, 1), 3);
    assert_int_equal(window_room(w, WINDOW_ALERTS, true, 1), 3);
    assert_int_equal(window_room(w, WINDOW_SYNC, true, 1), 0);
    (void)window_room(w, WINDOW_ALERTS, false, 1);
    assert_int_equal(window_room(w, WINDOW_SYNC, true, 1), 3);
    (void)window_free(w);
    w = window_new(4, 1);
    assert_int_equal(window_room(w, WINDOW_ALERTS, true, 1), 4);
    assert_int_equal(window_room(w, WINDOW_SYNC, true, 1), 1);
    assert_int_equal(window_room(w, WINDOW_ALERTS, true, 1), 3);
    (void)window_free(w);
}

/* Either class may probe: sync must not wait for an alert that never comes. */
static void sync_probes_when_no_alert_waits(void **state)
{
    struct window *w = window_new(8, 3);
    usec_t until = 5 + closes_for(w, 5);

    (void)state;
    assert_int_equal(window_room(w, WINDOW_SYNC, true, until), 0);
    (void)window_room(w, WINDOW_ALERTS, false, until);
    assert_int_equal(window_room(w, WINDOW_SYNC, true, until), 1);
    (void)window_free(w);
}

static void reasons_are_for_people(void **state)
{
    struct window *w = window_new(8, 3);

    (void)state;
    (void)closes_for(w, 5);
    assert_string_equal(window_reason(w),
                        "4 requests in a row failed, the last one: connection refused");
    (void)probe(w, WINDOW_FAILED, 0);
    assert_string_equal(window_reason(w), "the probe failed: connection refused");
    (void)probe(w, WINDOW_THROTTLED, 1500 * USEC_MS);
    assert_string_equal(window_reason(w),
                        "the instance asked for a pause of 2 s: connection refused");
    assert_string_equal(window_state_name(window_state(w)), "closed");
    assert_string_equal(window_state_name(WINDOW_HALF_OPEN), "half open");
    assert_string_equal(window_state_name(WINDOW_BARRED), "barred");
    assert_string_equal(window_state_name(WINDOW_OPEN), "open");
    assert_null(window_free(w));
    assert_null(window_free(NULL));
}

/* Five years of changing weather; the simulation checks at each step. */
static void five_years(void **state)
{
    static struct sim s;

    (void)state;
    sim_begin(&s, 32, 8, 77);
    while (s.now < 43800 * HOUR) {
        s.mode = (enum mode)rand_between(&s.r, 0, 3);
        s.capacity = (unsigned)rand_between(&s.r, 1, 50);
        s.wants[WINDOW_ALERTS] = rand_between(&s.r, 0, 1);
        s.wants[WINDOW_SYNC] = rand_between(&s.r, 0, 1);
        if (rand_between(&s.r, 0, 9) == 0)
            window_bar(s.w, "sign-in refused");
        else
            window_unbar(s.w);
        sim_run(&s, s.now + rand_between(&s.r, 1, 20) * USEC_S);
        s.now += rand_between(&s.r, 0, 48) * HOUR; /* asleep: answers come when it wakes */
    }
    assert_true(s.ended[WINDOW_SUCCESS] > 10000);
    window_unbar(s.w);
    s.mode = SERVES;
    s.capacity = 8;
    s.wants[WINDOW_ALERTS] = true;
    sim_run(&s, s.now + 2 * HOUR);
    assert_int_equal(window_state(s.w), WINDOW_OPEN);
    assert_in_range(window_size(s.w), 6, 9);
    sim_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(converges_to_the_capacity),
        cmocka_unit_test(follows_a_drop_at_once),
        cmocka_unit_test(grows_only_when_used),
        cmocka_unit_test(outage_of_an_hour),
        cmocka_unit_test(penalty_grows_and_decays),
        cmocka_unit_test(one_success_clears_the_failures),
        cmocka_unit_test(neutral_changes_nothing),
        cmocka_unit_test(hysteresis),
        cmocka_unit_test(retry_after_is_obeyed),
        cmocka_unit_test(retry_after_is_clamped_and_not_cut_short),
        cmocka_unit_test(late_answers),
        cmocka_unit_test(barred_beats_all),
        cmocka_unit_test(sync_gets_its_share),
        cmocka_unit_test(small_window_is_for_alerts),
        cmocka_unit_test(sync_probes_when_no_alert_waits),
        cmocka_unit_test(reasons_are_for_people),
        cmocka_unit_test(five_years),
    };

    return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}
