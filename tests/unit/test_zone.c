/* Time zones against the C library's own reading of the same files, and weekly windows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <time.h>

#include "bridge/base/rand.h"
#include "bridge/base/weekly.h"
#include "bridge/base/zone_rule.h"

static void use_zone(const char *name)
{
    assert_int_equal(setenv("TZ", name, 1), 0);
    tzset();
}

static long offset_by_libc(msec_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;

    assert_non_null(localtime_r(&seconds, &tm)); /* NOLINT */
    return tm.tm_gmtoff;
}

static void test_like_libc(void **state)
{
    static const char *const names[] = {
        "Europe/Berlin",    "America/New_York",  "Asia/Kolkata",    "Australia/Lord_Howe",
        "America/St_Johns", "Africa/Casablanca", "Pacific/Apia",    "America/Sao_Paulo",
        "Asia/Tehran",      "Europe/Dublin",     "America/Godthab", "Antarctica/Troll",
        "Asia/Kathmandu",   "Etc/GMT+5",         "Pacific/Chatham", "Europe/London",
    };
    struct rand r;
    size_t known = 0;

    (void)state;
    rand_seed(&r, 7);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct zone *z = zone_new(names[i], NULL);

        if (z == NULL)
            continue;
        known++;
        use_zone(names[i]);
        for (int k = 0; k < 3000; k++) {
            /* 1950 to 2100: before, within and behind the entries of the files. */
            msec_t t = rand_between(&r, -631152000, INT64_C(4102444800)) * 1000;

            if (zone_offset_s(z, t) != offset_by_libc(t))
                fail_msg("%s at %lld: %d, not %ld", names[i], (long long)t, zone_offset_s(z, t),
                         offset_by_libc(t));
        }
        (void)zone_free(z);
    }
    if (known == 0)
        skip(); /* no tzdata here */
    assert_int_equal(known, ARRAY_LEN(names));
}

/* Rules alone, hour by hour around the year, in forms that no file of ours has. */
static void test_rules_like_libc(void **state)
{
    static const char *const rules[] = {
        "CET-1CEST,M3.5.0,M10.5.0/3",
        "EST5EDT,M3.2.0,M11.1.0",
        "<-03>3",
        "XXX-5:30",
        "AAA4BBB,J60,J300",
        "AAA-10BBB,59/1,299/4",
        "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
        "IST-2IDT,M3.4.4/26,M10.5.0",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        struct zone_rule rule;

        assert_int_equal(zone_rule_parse(rules[i], &rule), 0);
        use_zone(rules[i]);
        for (int64_t t = 1700000000; t < 1700000000 + INT64_C(3) * 366 * 86400; t += 3600)
            if (zone_rule_offset(&rule, t) != offset_by_libc(t * 1000))
                fail_msg("%s at %lld", rules[i], (long long)t);
    }
}

static void test_names(void **state)
{
    static const char *const bad[] = {"",        "Mars/Olympus", "../etc/passwd",  "/etc/passwd",
                                      "+2",      "+19:00",       "+02:60",         "02:00",
                                      "+02:00x", "Europe",       "Europe/Ber lin", "zone.tab"};
    struct zone *z = zone_new("-03:30", NULL);
    struct err e;

    (void)state;
    assert_int_equal(zone_offset_s(z, 0), -12600);
    (void)zone_free(z);
    z = zone_new("UTC", NULL);
    assert_int_equal(zone_offset_s(z, INT64_C(1748773231000)), 0);
    (void)zone_free(z);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        z = zone_new(bad[i], &e);
        if (z != NULL)
            fail_msg("\"%s\" is taken for a zone", bad[i]);
        assert_string_equal(e.code, "zone");
    }
}

static void test_bad_rules(void **state)
{
    static const char *const bad[] = {"",
                                      "AB1",
                                      "AAA",
                                      "AAA1BBB",
                                      "AAA1BBB,M3.5.0",
                                      "AAA1BBB,M13.1.0,M3.1.0",
                                      "AAA1BBB,J0,J1",
                                      "<A1",
                                      "AAA1 ",
                                      "AAA1BBB,M3.5.0,M10.5.0x",
                                      "AAA999"};
    struct zone_rule r = {.standard = 77};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (zone_rule_parse(bad[i], &r) == 0)
            fail_msg("\"%s\" is taken for a rule", bad[i]);
    assert_int_equal(r.standard, 77);
}

static msec_t at(const char *text)
{
    msec_t ms;

    assert_int_equal(clock_parse(text, &ms), 0);
    return ms;
}

static void test_weekly(void **state)
{
    struct zone *z = zone_new("+02:00", NULL);
    static const struct {
        const char *days;
        int from, to;
        const char *time; /* UTC */
        bool holds;
    } cases[] = {
        {"mon-fri", 480, 1080, "2026-11-25T06:00:00Z", true}, /* a Wednesday, 08:00 */
        {"mon-fri", 480, 1080, "2026-11-25T05:59:59.999Z", false},
        {"mon-fri", 480, 1080, "2026-11-25T15:59:59Z", true},
        {"mon-fri", 480, 1080, "2026-11-25T16:00:00Z", false},
        {"mon-fri", 480, 1080, "2026-11-28T10:00:00Z", false}, /* Saturday */
        {"wed", 1320, 360, "2026-11-25T20:00:00Z", true},      /* 22:00 */
        {"wed", 1320, 360, "2026-11-26T03:59:00Z", true},      /* Thursday 05:59 */
        {"wed", 1320, 360, "2026-11-26T04:00:00Z", false},
        {"wed", 1320, 360, "2026-11-25T03:00:00Z", false}, /* Wednesday 05:00 is Tuesday's */
        {"sat-sun", 0, 1440, "2026-11-27T22:00:00Z", true},
        {"sat-sun", 0, 1440, "2026-11-29T22:00:00Z", false},
        {"fri-mon", 0, 1440, "2026-11-30T10:00:00Z", true},
        {"thu", 0, 1440, "1970-01-01T00:00:00Z", true},
        {"wed", 0, 1440, "1969-12-31T21:59:59Z", true},
        {"wed", 0, 1440, "1969-12-31T22:00:00Z", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct weekly w = {.from = cases[i].from, .to = cases[i].to, .zone = z};

        assert_int_equal(weekly_days(cases[i].days, &w.days), 0);
        if (weekly_holds(&w, at(cases[i].time)) != cases[i].holds)
            fail_msg("%s %d-%d at %s", cases[i].days, cases[i].from, cases[i].to, cases[i].time);
    }
    (void)zone_free(z);
}

static void test_words(void **state)
{
    static const char *const bad_days[] = {"", "monday", "mon-", "-mon", "mon-xyz", "mon-tue-wed"};
    static const char *const bad_times[] = {"", "8:00", "24:01", "12:60", "12-00", "ab:cd", "1200"};
    unsigned days = 0;
    int minutes = 5;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad_days); i++)
        assert_int_equal(weekly_days(bad_days[i], &days), -1);
    assert_int_equal(days, 0);
    assert_int_equal(weekly_days("Sun-Mon", &days), 0);
    assert_int_equal(days, 0x41);
    for (size_t i = 0; i < ARRAY_LEN(bad_times); i++)
        assert_int_equal(weekly_minutes(bad_times[i], &minutes), -1);
    assert_int_equal(minutes, 5);
    assert_int_equal(weekly_minutes("24:00", &minutes), 0);
    assert_int_equal(minutes, 1440);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_like_libc), cmocka_unit_test(test_rules_like_libc),
        cmocka_unit_test(test_names),     cmocka_unit_test(test_bad_rules),
        cmocka_unit_test(test_weekly),    cmocka_unit_test(test_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
