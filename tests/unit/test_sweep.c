/* The sweeps of a table, live and history, against the simulated one of
 * tests/support/sweep_world.h, which checks each version that is published. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/sweep_world.h"

/* Under valgrind the paths count, not how often they are gone. */
static uint64_t rounds(uint64_t all)
{
    return getenv("ITSM_VALGRIND") == NULL ? all : all / 20 + 1;
}

static void random_worlds(uint64_t first_seed, uint64_t seeds, unsigned hidden, size_t rows,
                          int64_t future)
{
    for (uint64_t seed = first_seed; seed < first_seed + rounds(seeds); seed++) {
        struct sweep_world w;
        sweep_world_init(&w, seed, rows);
        w.single = rand_between(&w.rand, 0, 2) == 0;
        for (size_t i = 0; i < rows; i++)
            w.rows[i].hidden = rand_between(&w.rand, 1, 100) <= hidden;
        w.options.page_size = rand_between(&w.rand, 1, 7);
        w.options.reread = rand_between(&w.rand, 0, 2) * 1500 * USEC_MS;
        w.options.rate = rand_between(&w.rand, 0, 1) * 10;
        w.future = future;
        sweep_world_old_rows(&w, (size_t)rand_between(&w.rand, 0, (int64_t)rows));
        sweep_world_pass(&w, 20 * USEC_S, 20);
        sweep_world_load(&w);
        sweep_world_run(&w, w.now + 120 * USEC_S, true, 2);
        sweep_world_run_quiet(&w);
        if (hidden < 100)
            assert_true(w.versions > rows / 4);
        sweep_world_done(&w);
    }
}

static void test_random(void **state)
{
    (void)state;
    random_worlds(1, 300, 0, 12, 0);
    random_worlds(5000, 100, 0, 120, 0);
}

/* New changes do not wait for the history: at most for the page that is being asked for. */
static void test_live_beside_history(void **state)
{
    struct sweep_world w;
    (void)state;
    sweep_world_init(&w, 11, 9000);
    w.visible_max = 0;
    w.skew = 0;
    w.options.page_size = 50;
    w.options.poll_idle = w.options.poll_busy;
    sweep_world_old_rows(&w, w.count);
    sweep_world_load(&w);
    sweep_world_run(&w, w.now + 12 * USEC_S, false,
                    1); /* the live one begins with some of the old rows */
    w.longest = 0;
    sweep_world_run(&w, w.now + 12 * USEC_S, false, 1);
    assert_non_null(w.sweeps[HISTORY]);
    assert_true(sweep_caught_up(w.sweeps[LIVE]));
    assert_true(w.longest > 0);
    /* A poll, a page of each feed, and the transactions of both, single rows included. */
    assert_in_range(w.longest, 1, w.options.poll_busy + 1100 * USEC_MS);
    sweep_world_run(&w, w.now + 200 * USEC_S, false, 0);
    sweep_world_run_quiet(&w);
    sweep_world_done(&w);
}

/* While a table changes its rows are not read again and again: the overlap costs versions. */
static void overlap(usec_t reread, unsigned long long *ret_whole, unsigned long long *ret_published)
{
    struct sweep_world w;
    sweep_world_init(&w, 14, 500);
    w.options.reread = reread;
    w.options.page_size = 100;
    w.options.overlap = 10;
    sweep_world_load(&w);
    sweep_world_run(&w, w.now + 120 * USEC_S, false, 3);
    *ret_whole = w.whole_rows;
    *ret_published = w.versions;
    assert_int_equal(w.version_rows > 0, reread > 0);
    sweep_world_run_quiet(&w);
    sweep_world_done(&w);
}

static void test_reread(void **state)
{
    unsigned long long every, now_and_then, published;
    (void)state;
    overlap(0, &every, &published);
    assert_true(every > published * 5);
    overlap(5 * USEC_S, &now_and_then, &published);
    assert_true(now_and_then < published * 3);
}

/* The bound on the speed of the history, which is no bound on the live rows. */
static void test_history_rate(void **state)
{
    struct sweep_world w;
    (void)state;
    sweep_world_init(&w, 12, 1000);
    w.options.page_size = 50;
    w.options.rate = 20;
    sweep_world_old_rows(&w, w.count);
    sweep_world_load(&w);
    sweep_world_run(&w, w.now + 30 * USEC_S, false, 0);
    assert_in_range(w.versions, 20 * 25, 20 * 32 + 50);
    sweep_world_run(&w, w.now + 30 * USEC_S, false, 0);
    sweep_world_run_quiet(&w);
    assert_int_equal(w.versions, 1000);
    sweep_world_done(&w);
}

/* A start of scope that lies so near that there is no history. */
static void test_no_history(void **state)
{
    struct sweep_world w;
    struct watermark_state live = {0}, history = {0};
    (void)state;
    sweep_world_init(&w, 13, 1);
    int64_t now = WORLD_EPOCH, bound = now - w.options.overlap - w.options.slack;
    assert_false(sweep_first(&w.options, now * 1000, bound, &live, &history));
    assert_int_equal(live.mark.second, bound);
    assert_false(sweep_first(&w.options, now * 1000, now, &live, &history));
    assert_int_equal(live.mark.second, now);
    assert_true(sweep_first(&w.options, now * 1000, bound - 1, &live, &history));
    assert_int_equal(history.mark.second, bound - 1);
    assert_int_equal(history.hi, bound - 1);
    assert_int_equal(live.mark.second, bound);
    sweep_world_done(&w);
}

static void test_future_rows(void **state)
{
    (void)state;
    random_worlds(3000, 150, 0, 12, 40);
}

static void test_hidden_rows(void **state)
{
    (void)state;
    random_worlds(1000, 100, 60, 40, 0);
    random_worlds(2000, 20, 100, 40, 0);
}

/* Many rows that are hidden between a few that are not, with pages much smaller than the gaps. */
static void test_hidden_desert(void **state)
{
    struct sweep_world w;
    (void)state;
    sweep_world_init(&w, 7, 3000);
    w.options.page_size = 50;
    w.visible_max = 0;
    w.skew = 0;
    for (size_t i = 0; i < w.count; i++) {
        w.rows[i].hidden = i % 1000 != 999;
        w.rows[i].stamp = WORLD_EPOCH - 80000 + (int64_t)i * 20;
        w.rows[i].mod = 0;
    }
    sweep_world_load(&w);
    sweep_world_run_quiet(&w);
    assert_int_equal(w.versions, 3);
    sweep_world_done(&w);
}

static void hidden_second(bool single)
{
    struct sweep_world w;
    sweep_world_init(&w, 8, 101);
    w.single = single;
    w.options.page_size = 50;
    for (size_t i = 0; i < w.count; i++) {
        w.rows[i].hidden = true;
        w.rows[i].stamp = WORLD_EPOCH - 500;
        w.rows[i].mod = 0;
    }
    sweep_world_load(&w);
    sweep_world_run(&w, w.now + 100 * USEC_S, false, 0);
    assert_string_equal(sweep_reason(w.sweeps[single ? LIVE : HISTORY])->code, "hidden-rows");
    sweep_world_done(&w);
}

static void test_hidden_second(void **state)
{
    (void)state;
    hidden_second(true);
    hidden_second(false);
}

/* Hidden rows lie before readable ones of the same second: more of both than the widest page. */
static void test_hidden_before_readable(void **state)
{
    struct sweep_world w;
    (void)state;
    sweep_world_init(&w, 9, 400);
    w.options.page_size = 10;
    for (size_t i = 0; i < w.count; i++) {
        (void)snprintf(w.rows[i].sys_id, sizeof(w.rows[i].sys_id), "%032zx", i);
        w.rows[i].hidden = i >= 30 && i < 90;
        w.rows[i].stamp = WORLD_EPOCH - 500;
        w.rows[i].mod = 0;
    }
    sweep_world_load(&w);
    sweep_world_run(&w, w.now + 100 * USEC_S, false, 0);
    assert_int_equal(sweep_reason(w.sweeps[LIVE])->class, ERR_NONE);
    assert_int_equal(w.versions, 340);
    assert_int_equal(sweep_limit(w.sweeps[LIVE]), 10);
    sweep_world_done(&w);
}

/* 12,000 rows in one second, pages of 500; restarts in between. */
static void test_one_second(void **state)
{
    struct sweep_world w;
    (void)state;
    sweep_world_init(&w, 3, 12000);
    w.options.page_size = 500;
    for (size_t i = 0; i < w.count; i++) {
        w.rows[i].stamp = WORLD_EPOCH + 990;
        w.rows[i].mod = 0;
    }
    sweep_world_load(&w);
    for (unsigned i = 0; i < 8; i++) {
        sweep_world_run(&w, w.now + 2 * USEC_S, false, 0);
        sweep_world_load(&w);
    }
    sweep_world_run_quiet(&w);
    assert_int_equal(w.versions, 12000);
    sweep_world_done(&w);
}

/* More versions in the overlap than a record may carry: the table waits, and loses nothing. */
static void test_full_overlap(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= rounds(40); seed++) {
        struct sweep_world w;
        sweep_world_init(&w, seed, 100);
        w.options.page_size = rand_between(&w.rand, 2, 12);
        w.options.seen_max = 20;
        w.options.reread = seed % 2 * 2 * USEC_S;
        sweep_world_load(&w);
        for (size_t i = 0; i < w.count; i++)
            sweep_world_write(&w, &w.rows[i]);
        sweep_world_run(&w, w.now + 40 * USEC_S, true, 1);
        assert_true(sweep_seen(w.sweeps[LIVE]) <= 20);
        sweep_world_run(&w, w.now + 500 * USEC_S, false, 0);
        sweep_world_run_quiet(&w);
        sweep_world_done(&w);
    }
}

/* The clock of the instance is set back while the table is polled: within the slack nothing is lost
 * or doubled, beyond it the table stops and says why. */
static void test_clock_back(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= rounds(100); seed++) {
        struct sweep_world w;
        int64_t step = rand_between(&(struct rand){.state = seed * 77 + 1}, 1, 7);
        sweep_world_init(&w, seed, 12);
        w.options.reread = seed % 2 * 3 * USEC_S;
        sweep_world_load(&w);
        sweep_world_run(&w, w.now + 40 * USEC_S, false, 2);
        w.clock_step = -step;
        sweep_world_run(&w, w.now + 40 * USEC_S, false, 2);
        assert_int_equal(sweep_reason(w.sweeps[LIVE])->class, ERR_NONE);
        sweep_world_run_quiet(&w);
        sweep_world_done(&w);
    }
}

/* The same while the table is asked rarely: when it is asked again the clock is already beyond
 * where it was, and only its lag against the time that passed tells. */
static void test_clock_back_idle(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= rounds(60); seed++) {
        struct sweep_world w;
        sweep_world_init(&w, seed, 12);
        w.options.poll_busy = w.options.poll_idle;
        sweep_world_load(&w);
        sweep_world_run(&w, w.now + 100 * USEC_S, false, 4);
        struct sweep_ask ask;
        usec_t due;
        while (sweep_next(w.sweeps[LIVE], w.now, &ask, &due) != SWEEP_SLEEP)
            sweep_world_run(&w, w.now + 1, false, 0);
        w.clock_step = -8; /* just after the table was asked */
        for (size_t i = 0; i < 6; i++)
            sweep_world_write(&w, &w.rows[i]);
        sweep_world_run(&w, w.now + 100 * USEC_S, false, 0);
        assert_int_equal(sweep_reason(w.sweeps[LIVE])->class, ERR_NONE);
        sweep_world_run_quiet(&w);
        sweep_world_done(&w);
    }
}

static void test_clock_far_back(void **state)
{
    struct sweep_world w;
    (void)state;
    sweep_world_init(&w, 5, 12);
    sweep_world_load(&w);
    sweep_world_run(&w, w.now + 40 * USEC_S, false, 2);
    w.clock_step = -3600;
    sweep_world_run(&w, w.now + 80 * USEC_S, false, 2);
    assert_string_equal(sweep_reason(w.sweeps[LIVE])->code, "clock-step");
    sweep_world_done(&w);
}

static void test_limit_adapts(void **state)
{
    struct sweep_world w;
    struct sweep_ask ask;
    usec_t due;
    (void)state;
    sweep_world_init(&w, 6, 400);
    w.options.page_size = 64;
    for (size_t i = 0; i < w.count; i++) {
        w.rows[i].stamp = WORLD_EPOCH + (int64_t)i;
        w.rows[i].mod = 0;
    }
    w.single = true;
    sweep_world_load(&w);
    sweep_clock(w.sweeps[LIVE], sweep_world_clock(&w) * 1000, w.now, w.now);
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(sweep_next(w.sweeps[LIVE], w.now, &ask, &due), SWEEP_PAGE);
        sweep_failed(w.sweeps[LIVE], true, 0, w.now);
        assert_int_equal(sweep_next(w.sweeps[LIVE], w.now, &ask, &due), SWEEP_SLEEP);
        assert_true(due - w.now >= USEC_S && due - w.now <= 64 * USEC_S);
        w.now = due;
    }
    assert_int_equal(sweep_limit(w.sweeps[LIVE]), 1);
    sweep_world_run(&w, w.now + 100 * USEC_S, false, 0);
    assert_int_equal(sweep_limit(w.sweeps[LIVE]), 64);
    sweep_world_run_quiet(&w);
    sweep_world_done(&w);
}

/* Quiet tables are asked rarely, and without a transaction. */
static void test_idle(void **state)
{
    struct sweep_world w;
    (void)state;
    sweep_world_init(&w, 9, 12);
    sweep_world_load(&w);
    sweep_world_run(&w, w.now + 30 * USEC_S, false, 2);
    sweep_world_run_quiet(&w);
    unsigned long long pages = w.pages, transactions = w.transactions;
    sweep_world_run(&w, w.now + 600 * USEC_S, false, 0);
    assert_int_equal(w.transactions, transactions);
    assert_in_range(w.pages - pages, 19, 45);
    assert_true(sweep_caught_up(w.sweeps[LIVE]));
    assert_false(sweep_busy(w.sweeps[LIVE], w.now));
    sweep_world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_live_beside_history),
        cmocka_unit_test(test_history_rate),
        cmocka_unit_test(test_no_history),
        cmocka_unit_test(test_reread),
        cmocka_unit_test(test_future_rows),
        cmocka_unit_test(test_hidden_rows),
        cmocka_unit_test(test_hidden_desert),
        cmocka_unit_test(test_hidden_second),
        cmocka_unit_test(test_one_second),
        cmocka_unit_test(test_full_overlap),
        cmocka_unit_test(test_clock_back),
        cmocka_unit_test(test_clock_back_idle),
        cmocka_unit_test(test_clock_far_back),
        cmocka_unit_test(test_hidden_before_readable),
        cmocka_unit_test(test_limit_adapts),
        cmocka_unit_test(test_idle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
