/* Versions and stamps: round trips and orders as properties over random values, and what is not
 * exactly ours is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/version.h"

#define ROUNDS 20000

static uint64_t seed = 20260701;

/* xorshift64*: the same numbers in each run. */
static uint64_t number(void)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return seed * UINT64_C(2685821657736338717);
}

/* Few different values, so that equal ones meet; sometimes the extremes. */
static uint64_t pick(uint64_t max)
{
    switch (number() % 8) {
    case 0:
        return max;
    case 1:
        return 0;
    case 2:
        return number() % (max == UINT64_MAX ? max : max + 1);
    default:
        return number() % 4;
    }
}

static struct version any_version(void)
{
    return (struct version){.time = (msec_t)pick(INT64_MAX),
                            .topic = (uint32_t)pick(UINT32_MAX),
                            .partition = (int32_t)pick(INT32_MAX),
                            .offset = (int64_t)pick(INT64_MAX)};
}

static struct stamp any_stamp(void)
{
    return (struct stamp){.series = pick(UINT64_MAX),
                          .generation = (uint32_t)pick(UINT32_MAX),
                          .rank = (int)(number() % 2),
                          .version = any_version()};
}

static void test_round_trip(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct stamp s = any_stamp(), back = {0};
        char text[STAMP_SIZE], again[STAMP_SIZE], line[VERSION_LINE_SIZE], whole[256];
        struct version v = {0};

        stamp_format(&s, text);
        assert_true(strlen(text) <= 100);
        assert_int_equal(stamp_parse(text, &back), 0);
        stamp_format(&back, again);
        assert_string_equal(text, again);
        assert_true(back.series == s.series && back.generation == s.generation &&
                    back.rank == s.rank && back.version.time == s.version.time &&
                    version_same(&back.version, &s.version));
        version_format(&s.version, line);
        assert_true(strlen(line) < VERSION_LINE_SIZE - 1);
        (void)snprintf(whole, sizeof whole, "text\n[itsm-bridge 0.00000000.0.0]\n%s%s", line,
                       number() % 2 ? "" : " \r\n");
        assert_int_equal(version_parse(whole, &v), 0);
        assert_true(v.time == s.version.time && version_same(&v, &s.version));
    }
}

static void test_known_texts(void **state)
{
    struct message m = {
        .topic = "alerts", .partition = 3, .offset = 42, .timestamp = 1748773231000};
    struct version v = version_of(&m);
    struct stamp s = {.series = 0xab, .generation = 7, .rank = 1, .version = v};
    char text[STAMP_SIZE], line[VERSION_LINE_SIZE];

    (void)state;
    stamp_format(&s, text);
    assert_string_equal(text, "itsm-bridge 00000000000000ab 000007.1.mbdifgyg deb3e366.3.42");
    version_format(&v, line);
    assert_string_equal(line, "[itsm-bridge mbdifgyg.deb3e366.3.42]");
    m.timestamp = MSEC_NONE;
    assert_int_equal(version_of(&m).time, 0);
    m.timestamp = -1;
    assert_int_equal(version_of(&m).time, 0);
}

/* Of two versions at most one is newer; a version is not newer than itself; within one partition
 * the offset alone decides, whatever the clock says. */
static void test_order(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct version a = any_version(), b = any_version();
        struct stamp s = any_stamp(), t = any_stamp();

        assert_false(version_newer(&a, &b) && version_newer(&b, &a));
        assert_false(version_newer(&a, &a));
        for (int marked = 0; marked < 2; marked++) {
            assert_false(stamp_newer(&s, &t, marked) && stamp_newer(&t, &s, marked));
            assert_false(stamp_newer(&s, &s, marked));
            t.series = s.series;
            if (s.generation != t.generation)
                assert_true(stamp_newer(&s, &t, marked) == (s.generation > t.generation));
            else if (marked && s.rank != t.rank)
                assert_true(stamp_newer(&s, &t, true) == (s.rank > t.rank));
            else
                assert_true(stamp_newer(&s, &t, marked) == version_newer(&s.version, &t.version));
        }
        b.topic = a.topic;
        b.partition = a.partition;
        assert_true(version_newer(&a, &b) == (a.offset > b.offset));
        b.partition = a.partition ^ 1;
        assert_true(version_newer(&a, &b) == (a.time > b.time));
    }
}

/* One changed, lost or added character: refused, or another value, never the same one. */
static void test_damaged(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct stamp s = any_stamp(), back;
        char text[STAMP_SIZE + 1], again[STAMP_SIZE];
        size_t n, at;

        stamp_format(&s, text);
        n = strlen(text);
        at = number() % n;
        if (number() % 3 == 0)
            memmove(text + at, text + at + 1, n - at);
        else
            text[at] = (char)(text[at] ^ (1 + (int)(number() % 127)));
        if (stamp_parse(text, &back) == 0) {
            stamp_format(&back, again);
            assert_true(strcmp(text, again) == 0 || strchr(text, '0') != NULL);
            assert_false(memcmp(&back, &s, sizeof s) == 0);
        }
    }
}

static void test_not_ours(void **state)
{
    static const char *const stamps[] = {
        "",
        "itsm-bridge",
        "itsm-bridge 00000000000000ab 000007.2.mbdifgyg deb3e366.3.42",
        "itsm-bridge 00000000000000ab 000007.1.mbdifgyg deb3e366.3.42 ",
        "itsm-bridge 00000000000000AB 000007.1.mbdifgyg deb3e366.3.42",
        "itsm-bridge 00000000000000ab 7.1.mbdifgyg deb3e366.3.42",
        "itsm-bridge 00000000000000ab 000007.1.mbdifgyg deb3e36.3.42",
        "itsm-bridge 00000000000000ab 000007.1.mbdifgyg deb3e366.3.",
        "itsm-bridge 00000000000000ab 000007.1.mbdifgyg deb3e366.2147483648.42",
        "itsm-bridge 00000000000000ab 000007.1.mbdifgyg deb3e366.3.9223372036854775808",
        "itsm-bridge 00000000000000ab 000007.1.zzzzzzzzzzzzzz deb3e366.3.42",
    };
    static const char *const descriptions[] = {
        "",
        "\n\n",
        "no version",
        "[itsm-bridge mbdifgyg.deb3e366.3.42]\nadded by a person",
        "x [itsm-bridge mbdifgyg.deb3e366.3.42]",
        "[itsm-bridge mbdifgyg.deb3e366.3.42] x",
        "[itsm-bridge mbdifgyg.deb3e366.3.42",
        "[itsm-bridge .deb3e366.3.42]",
    };
    struct version v;
    struct stamp s;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(stamps); i++)
        assert_int_equal(stamp_parse(stamps[i], &s), -1);
    for (size_t i = 0; i < ARRAY_LEN(descriptions); i++)
        assert_int_equal(version_parse(descriptions[i], &v), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_known_texts),
        cmocka_unit_test(test_order),      cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_not_ours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
