/* Back-off: bounds as properties, saturation, server-given delay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/retry/backoff.h"

#define HOUR (3600 * USEC_S)

static void within_bounds(void **state)
{
    struct rand r;

    (void)state;
    rand_seed(&r, 7);
    for (int i = 0; i < 20000; i++) {
        unsigned attempts = (unsigned)rand_between(&r, 1, 200);
        usec_t min = rand_between(&r, 1, 5 * USEC_S);
        usec_t max = rand_between(&r, min, 600 * USEC_S), high = max;
        usec_t delay = backoff_delay(&r, attempts, min, max, 0);

        for (usec_t h = min, n = attempts; h < max; h *= 2)
            if (n-- == 0) {
                high = h;
                break;
            }
        assert_in_range(delay, min, high);
    }
}

/* Full jitter: both ends and the middle of the range are used. */
static void spread_over_the_range(void **state)
{
    unsigned quarter[4] = {0};
    struct rand r;

    (void)state;
    rand_seed(&r, 3);
    for (int i = 0; i < 4000; i++)
        quarter[(backoff_delay(&r, 3, 1000, 1000000, 0) - 1000) * 4 / 7001]++;
    for (int i = 0; i < 4; i++)
        assert_in_range(quarter[i], 850, 1150);
}

static void saturates(void **state)
{
    const unsigned attempts[] = {62, 63, 64, 65, 1000, UINT32_MAX};
    struct rand r;

    (void)state;
    rand_seed(&r, 5);
    for (size_t i = 0; i < ARRAY_LEN(attempts); i++) {
        usec_t most = 0;

        for (int n = 0; n < 200; n++) {
            usec_t delay = backoff_delay(&r, attempts[i], USEC_S, 300 * USEC_S, 0);

            assert_in_range(delay, USEC_S, 300 * USEC_S);
            most = delay > most ? delay : most;
        }
        assert_true(most > 250 * USEC_S);
        assert_true(backoff_delay(&r, attempts[i], 1, USEC_NEVER, 0) >= 1);
    }
}

static void odd_arguments(void **state)
{
    struct rand r;

    (void)state;
    rand_seed(&r, 5);
    assert_int_equal(backoff_delay(&r, 5, 10 * USEC_S, USEC_S, 0), 10 * USEC_S);
    assert_int_equal(backoff_delay(&r, 5, 0, 0, 0), 0);
    assert_int_equal(backoff_delay(&r, 5, -3, 0, 0), 0);
    for (int i = 0; i < 100; i++)
        assert_in_range(backoff_delay(&r, 0, USEC_S, HOUR, 0), USEC_S, 2 * USEC_S);
}

static void server_wins(void **state)
{
    struct rand r;

    (void)state;
    rand_seed(&r, 5);
    assert_int_equal(backoff_delay(&r, 1, USEC_S, 5 * USEC_S, 90 * USEC_S), 90 * USEC_S);
    assert_int_equal(backoff_delay(&r, 60, USEC_S, 5 * USEC_S, 2 * USEC_S), 2 * USEC_S);
    assert_int_equal(backoff_delay(&r, 1, USEC_S, 5 * USEC_S, 1), USEC_S);
    assert_int_equal(backoff_delay(&r, 1, USEC_S, 5 * USEC_S, HOUR + 1), HOUR);
    assert_int_equal(backoff_delay(&r, 1, USEC_S, 5 * USEC_S, USEC_NEVER), HOUR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(within_bounds), cmocka_unit_test(spread_over_the_range),
        cmocka_unit_test(saturates),     cmocka_unit_test(odd_arguments),
        cmocka_unit_test(server_wins),
    };

    return cmocka_run_group_tests_name("backoff", tests, NULL, NULL);
}
