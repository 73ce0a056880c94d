/* An hourly rule, its budget counted from answers: sync yields to alerts, is never stopped for the
 * whole hour, and alerts are held back by nothing but the instance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/base/rand.h"
#include "bridge/servicenow/window.h"

#define MINUTE (60 * USEC_S)
#define HOUR   (60 * MINUTE)

/* An hour of work that is always there: what each class could send, request by request. */
struct hour {
    struct window *w;
    usec_t now, reset;
    long long limit, sent[2];
    struct rand r;
};

static void begin(struct hour *h, long long limit, uint64_t seed)
{
    *h = (struct hour){.now = USEC_S, .reset = HOUR + USEC_S, .limit = limit};
    h->w = window_new(4, seed);
    rand_seed(&h->r, seed);
}

static void end(struct hour *h)
{
    h->w = window_free(h->w);
}

/* One request with its answer, when there is room. */
static bool send(struct hour *h, enum window_class c)
{
    if (window_room(h->w, c, true, h->now) == 0)
        return false;
    window_start(h->w, c, h->now);
    window_end(h->w, c, WINDOW_SUCCESS, 0, NULL, h->now);
    window_rate(h->w, h->limit, h->reset, h->now);
    h->sent[c]++;
    return true;
}

static long long left(const struct hour *h)
{
    struct window_budget b;

    window_budget(h->w, h->now, &b);
    return b.left;
}

/* Whenever a burst of alerts comes, a quarter of an even pace until the reset is there for it. */
static void test_sync_leaves_a_part(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct hour h;

        begin(&h, 0, seed);
        h.limit = rand_between(&h.r, 20, 20000);
        assert_true(send(&h, WINDOW_SYNC)); /* the first answer tells of the rule */
        while (h.now < h.reset - USEC_S) {
            while (send(&h, WINDOW_SYNC)) {
                long long kept = h.limit * ((h.reset - h.now) / USEC_S) / (4LL * 3600);

                assert_true(left(&h) >= kept);
            }
            h.now += rand_between(&h.r, USEC_S, 2 * MINUTE);
        }
        assert_true(h.sent[WINDOW_SYNC] <= h.limit);
        end(&h);
    }
}

/* No work for alerts: by the end of the hour sync has had nearly all. */
static void test_sync_is_slowed_not_stopped(void **state)
{
    struct hour h;
    long long before = 0;

    (void)state;
    begin(&h, 1000, 1);
    for (int minute = 0; minute < 60; minute++) {
        while (send(&h, WINDOW_SYNC))
            ;
        /* From five minutes to five minutes something goes on. */
        if (minute > 0 && minute % 5 == 0) {
            assert_true(h.sent[WINDOW_SYNC] > before);
            before = h.sent[WINDOW_SYNC];
        }
        assert_true(window_budget_next(h.w, h.now) <= h.now + USEC_S);
        h.now += MINUTE;
    }
    assert_true(h.sent[WINDOW_SYNC] >= 990 && h.sent[WINDOW_SYNC] <= 1000);
    /* The hour is over: all of it again, and nothing known until an answer tells. */
    h.now = h.reset;
    assert_int_equal(left(&h), 0);
    assert_true(window_budget_next(h.w, h.now) == USEC_NEVER);
    h.reset += HOUR;
    assert_true(send(&h, WINDOW_SYNC));
    assert_int_equal(left(&h), 999);
    end(&h);
}

/* Our own count never stops an alert: it may be wrong, the instance's 429 is not. */
static void test_alerts_are_not_held_back(void **state)
{
    struct hour h;

    (void)state;
    begin(&h, 100, 1);
    for (int i = 0; i < 300; i++)
        assert_true(send(&h, WINDOW_ALERTS));
    assert_int_equal(left(&h), 0);
    assert_false(send(&h, WINDOW_SYNC));
    assert_true(send(&h, WINDOW_ALERTS));
    end(&h);
}

/* A 429 with Retry-After closes for both. */
static void test_retry_after_is_for_both(void **state)
{
    struct hour h;

    (void)state;
    begin(&h, 100, 1);
    window_start(h.w, WINDOW_SYNC, h.now);
    window_end(h.w, WINDOW_SYNC, WINDOW_THROTTLED, 600 * USEC_S, "rule", h.now);
    assert_int_equal(window_room(h.w, WINDOW_ALERTS, true, h.now + 599 * USEC_S), 0);
    assert_int_equal(window_room(h.w, WINDOW_SYNC, true, h.now + 599 * USEC_S), 0);
    assert_int_equal(window_room(h.w, WINDOW_ALERTS, true, h.now + 606 * USEC_S), 1);
    end(&h);
}

/* Two rules at work: the tighter one counts. Nonsense counts for nothing. */
static void test_what_answers_tell(void **state)
{
    struct hour h;
    struct window_budget b;

    (void)state;
    begin(&h, 100, 1);
    window_budget(h.w, h.now, &b);
    assert_true(b.limit == 0 && b.reset == USEC_NEVER);
    window_rate(h.w, 0, h.reset, h.now);
    window_rate(h.w, -5, h.reset, h.now);
    window_rate(h.w, 100, h.now, h.now);
    window_budget(h.w, h.now, &b);
    assert_true(b.limit == 0);
    window_rate(h.w, INT64_MAX, h.reset, h.now);
    assert_true(window_room(h.w, WINDOW_SYNC, true, h.now) > 0);
    window_rate(h.w, 500, h.reset, h.now);
    window_rate(h.w, 100, h.reset + USEC_S, h.now); /* the same end, told a second later */
    window_rate(h.w, 500, h.reset, h.now);
    window_budget(h.w, h.now, &b);
    assert_true(b.limit == 100 && b.left == 96);
    end(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sync_leaves_a_part),
        cmocka_unit_test(test_sync_is_slowed_not_stopped),
        cmocka_unit_test(test_alerts_are_not_held_back),
        cmocka_unit_test(test_retry_after_is_for_both),
        cmocka_unit_test(test_what_answers_tell),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
