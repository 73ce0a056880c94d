/* The limit on repeated log lines: pure, so a day passes at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/base/log.h"

#define DAY (86400 * USEC_S)

static void once_an_interval(void **state)
{
    struct log_limit l = {0};
    unsigned skipped, passed = 0, held = 0;
    usec_t last = -1;

    (void)state;
    for (usec_t now = 0; now < DAY; now += 7 * USEC_S) {
        if (!log_limit_pass(&l, now, 60 * USEC_S, &skipped))
            continue;
        assert_true(last < 0 || now - last >= 60 * USEC_S);
        assert_true(last < 0 || now - last < 67 * USEC_S);
        assert_int_equal(skipped, last < 0 ? 0 : (now - last) / (7 * USEC_S) - 1);
        last = now;
        passed++;
        held += skipped;
    }
    assert_in_range(passed, 1300, 1440);
    assert_int_equal(passed + held + l.skipped, 86400 / 7 + 1);
}

static void never_again(void **state)
{
    struct log_limit l = {0};
    unsigned skipped = 9;

    (void)state;
    assert_true(log_limit_pass(&l, 5, USEC_NEVER, &skipped));
    assert_int_equal(skipped, 0);
    skipped = 9;
    assert_false(log_limit_pass(&l, USEC_NEVER - 1, USEC_NEVER, &skipped));
    assert_int_equal(skipped, 9); /* untouched */
}

static void levels(void **state)
{
    (void)state;
    log_setup(LOG_LEVEL_WARN, LOG_PLAIN);
    assert_false(log_wanted(LOG_LEVEL_INFO));
    assert_true(log_wanted(LOG_LEVEL_WARN) && log_wanted(LOG_LEVEL_ERROR));
    log_setup(LOG_LEVEL_OFF, LOG_JSON);
    assert_false(log_wanted(LOG_LEVEL_ERROR));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(once_an_interval),
        cmocka_unit_test(never_again),
        cmocka_unit_test(levels),
    };

    return cmocka_run_group_tests_name("log_limit", tests, NULL, NULL);
}
