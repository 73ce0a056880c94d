/* Dates: known answers, days that do not exist, round trips over the whole calendar. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/base/clock.h"
#include "bridge/base/rand.h"

static void known_dates(void **state)
{
    static const struct {
        const char *text;
        msec_t ms;
    } known[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2025-04-15T18:17:12Z", 1744741032000},
        {"2025-04-15T18:17:12.8512345Z", 1744741032851},
        {"2025-04-15T18:17:12.8599999Z", 1744741032859},
        {"2025-04-15T18:17:12.8Z", 1744741032800},
        {"2025-04-15T18:17:12,05Z", 1744741032050},
        {"2025-04-15t18:17:12z", 1744741032000},
        {"2025-04-15 18:17:12", 1744741032000},
        {"2025-04-15T18:17:12", 1744741032000},
        {"2025-04-15T20:17:12+02:00", 1744741032000},
        {"2025-04-15T20:17:12+0200", 1744741032000},
        {"2025-04-15T20:17:12+02", 1744741032000},
        {"2025-04-15T12:47:12.5-05:30", 1744741032500},
        {"2025-04-15T18:17Z", 1744741020000},
        {"2024-02-29T00:00:00Z", 1709164800000},
        {"2000-02-29T00:00:00Z", 951782400000},
        {"1969-12-31T23:59:59.999Z", -1},
        {"0001-01-01T00:00:00Z", -62135596800000},
        {"9999-12-31T23:59:59Z", 253402300799000},
        {"2016-12-31T23:59:60Z", 1483228800000}, /* leap second: the next one */
        {"3/22/2019 1:36:31 PM", 1553261791000},
        {"3/22/2019 1:36:31 AM", 1553218591000},
        {"12/31/2019 12:00:00 AM", 1577750400000},
        {"12/31/2019 12:00:00 PM", 1577793600000},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        msec_t ms = MSEC_NONE;

        assert_int_equal(clock_parse(known[i].text, &ms), 0);
        assert_int_equal(ms, known[i].ms);
    }
}

static void no_dates(void **state)
{
    static const char *const texts[] = {
        "",
        "now",
        "2025",
        "2025-04-15",
        "2025-04-15T",
        "2025-04-15T18",
        "2025-4-15T18:17:12Z",
        "2025-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2024-02-30T00:00:00Z",
        "2025-04-31T00:00:00Z",
        "2025-13-01T00:00:00Z",
        "2025-00-10T00:00:00Z",
        "2025-01-00T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2025-01-01T24:00:00Z",
        "2025-01-01T12:60:00Z",
        "2025-01-01T12:00:61Z",
        "2025-01-01T12:00:00.Z",
        "2025-01-01T12:00:00+24:00",
        "2025-01-01T12:00:00+02:60",
        "2025-01-01T12:00:00+2",
        "2025-01-01T12:00:00ZZ",
        "2025-01-01T12:00:00 UTC",
        " 2025-01-01T12:00:00Z",
        "2025-01-01T12:00:00Z\n",
        "-025-01-01T12:00:00Z",
        "13/01/2019 1:36:31 PM",
        "2/29/2019 1:36:31 PM",
        "3/22/2019 0:36:31 PM",
        "3/22/2019 13:36:31 PM",
        "3/22/2019 1:36:31",
        "3/22/2019 1:36:31 XM",
        "3/22/2019 1:36:31 PM.",
        "3/22/19 1:36:31 PM",
        "1744741032",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        msec_t ms = 42;

        if (clock_parse(texts[i], &ms) == 0)
            fail_msg("'%s' was read as a date", texts[i]);
        assert_int_equal(ms, 42);
    }
}

static void round_trips(void **state)
{
    char iso[CLOCK_ISO_SIZE], sn[CLOCK_SN_SIZE];
    struct rand r;

    (void)state;
    rand_seed(&r, 4);
    for (int i = 0; i < 20000; i++) {
        msec_t ms = rand_between(&r, -62135596800000, 253402300799999), back;

        if (ms < -30610224000000) /* before the year 1000 the form is not of four digits */
            continue;
        clock_format_iso(ms, iso);
        assert_int_equal(clock_parse(iso, &back), 0);
        assert_int_equal(back, ms);
        clock_format_sn(ms, sn);
        assert_int_equal(clock_parse(sn, &back), 0);
        assert_int_equal(back, ms - ((ms % 1000) + 1000) % 1000);
    }
    clock_format_iso(-1, iso);
    assert_string_equal(iso, "1969-12-31T23:59:59.999Z");
    clock_format_sn(1744741032851, sn);
    assert_string_equal(sn, "2025-04-15 18:17:12");
}

static void http_dates(void **state)
{
    static const char *const bad[] = {
        "",
        "Tue, 24 Nov 2026 21:54:00",
        "Tue, 24 Nov 2026 21:54:00 CET",
        "Tue, 31 Nov 2026 21:54:00 GMT",
        "Tue, 24 anF 2026 21:54:00 GMT",
        "Tue, 24 Nov 2026 25:54:00 GMT",
        "Tue, 24 Nov 2026 21:54:00 GMT+1",
    };
    msec_t ms = 0;

    (void)state;
    assert_int_equal(clock_parse_http("Tue, 24 Nov 2026 21:54:00 GMT", &ms), 0);
    assert_int_equal(ms, 1795557240000);
    assert_int_equal(clock_parse_http("Sun, 06 Nov 1994 08:49:37 GMT", &ms), 0);
    assert_int_equal(ms, 784111777000);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (clock_parse_http(bad[i], &ms) == 0)
            fail_msg("'%s' was read as an HTTP date", bad[i]);
    assert_int_equal(ms, 784111777000);
}

static void sums(void **state)
{
    (void)state;
    assert_int_equal(usec_add(1, 2), 3);
    assert_true(usec_add(USEC_NEVER, USEC_S) == USEC_NEVER);
    assert_true(usec_add(USEC_NEVER - 5, 6) == USEC_NEVER);
    assert_int_equal(usec_min(USEC_NEVER, 7), 7);
    assert_int_equal(usec_min(-1, 7), -1);
    assert_true(clock_now() <= clock_now());
    assert_true(clock_wall() > 1700000000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_dates), cmocka_unit_test(no_dates), cmocka_unit_test(round_trips),
        cmocka_unit_test(http_dates),  cmocka_unit_test(sums),
    };

    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
