/* The turns of a table's feeds, by what may never happen: that anybody asks while rows wait to be
 * published, and that a feed waits longer for its question than it must. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/base/rand.h"
#include "producers/turn.h"

#define FEEDS_MAX 4

static void test_sleep(void **state)
{
    struct turn t[] = {{.want = SWEEP_SLEEP, .due = 70}, {.want = SWEEP_SLEEP, .due = 30}};
    usec_t due;
    (void)state;
    assert_int_equal(turn_choose(t, 0, &due), TURN_NOBODY);
    assert_int_equal(due, USEC_NEVER);
    assert_int_equal(turn_choose(t, 2, &due), TURN_NOBODY);
    assert_int_equal(due, 30);
}

static void test_rank(void **state)
{
    usec_t due;
    (void)state;
    struct turn t[] = {{.want = SWEEP_PAGE, .asked = 1},
                       {.want = SWEEP_PUBLISH, .asked = 9},
                       {.want = SWEEP_SLEEP, .due = 40, .asked = 5}};
    assert_int_equal(turn_choose(t, 3, &due), 1);
    assert_int_equal(due, 40);
    t[2].want = SWEEP_STOPPED;
    assert_int_equal(turn_choose(t, 3, &due), 2);
    t[1].want = t[2].want = SWEEP_CLOCK;
    assert_int_equal(turn_choose(t, 3, &due), 0);
}

/* Feeds that want to ask at random times, questions of random length: from the moment a feed wants
 * to ask, every other feed is asked at most once before it. */
static void test_fair(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct rand r;
        struct turn t[FEEDS_MAX] = {0};
        unsigned passed[FEEDS_MAX][FEEDS_MAX] = {0}, asked = 0;
        usec_t now = 1, due;
        rand_seed(&r, seed);
        size_t n = (size_t)rand_between(&r, 1, FEEDS_MAX);
        for (unsigned step = 0; step < 400; step++) {
            for (size_t i = 0; i < n; i++)
                if (t[i].want == SWEEP_SLEEP && now >= t[i].due)
                    t[i].want = SWEEP_PAGE;
            size_t i = turn_choose(t, n, &due);
            if (i == TURN_NOBODY) {
                assert_true(due > now && due != USEC_NEVER);
                now = due;
                continue;
            }
            for (size_t j = 0; j < n; j++) {
                passed[i][j] = 0;
                if (j != i && t[j].want == SWEEP_PAGE)
                    assert_int_equal(++passed[j][i], 1);
            }
            t[i].asked = now;
            now += rand_between(&r, 1, 50);
            t[i].want = SWEEP_SLEEP; /* the first one wants to ask again at once, always */
            t[i].due = i == 0 ? now : now + rand_between(&r, 0, 60);
            asked++;
        }
        assert_true(asked > 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sleep),
        cmocka_unit_test(test_rank),
        cmocka_unit_test(test_fair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
