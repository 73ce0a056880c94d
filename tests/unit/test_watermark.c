/* Watermarks, state records and the versions in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/rand.h"
#include "bridge/base/xalloc.h"
#include "producers/watermark.h"

#define HOST "acme.service-now.com"

static struct watermark_state sample(void)
{
    return (struct watermark_state){
        .owner = HOST,
        .connection = "prod",
        .table = "incident",
        .fingerprint = "0123456789abcdef",
        .written_by = "itsm-bridge/0.1.0",
        .mark = watermark_at(1790000000, "9d385017c611228701d22104cc95c371"),
        .hi = 1790000005,
        .seen_from = 1789999989,
    };
}

static int decode(const char *text, struct watermark_state *s, struct err *e)
{
    return watermark_decode(text, strlen(text), HOST, "prod", "incident", s, e);
}

static void test_order(void **state)
{
    struct watermark a = watermark_at(5, ""), b = watermark_at(5, "0a"), c = watermark_at(5, "0B"),
                     d = watermark_at(5, WATERMARK_BEHIND_ALL), e = watermark_at(6, "");
    struct watermark all[] = {a, b, c, d, e};
    (void)state;
    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j < 5; j++) {
            int r = watermark_compare(&all[i], &all[j]);
            assert_int_equal((r > 0) - (r < 0), (i > j) - (i < j));
        }
    c = watermark_at(5, "0A");
    assert_int_equal(watermark_compare(&b, &c), 0);
}

static void test_round_trip(void **state)
{
    struct rand r;
    (void)state;
    rand_seed(&r, 1);
    for (size_t n = 0; n < 300; n = n * 2 + 1) {
        struct watermark_state in = sample(), out = {0};
        struct err e;
        size_t length;
        in.seen = xcalloc(n + 1, sizeof(*in.seen));
        in.seen_count = n;
        for (size_t i = 0; i < n; i++)
            in.seen[i] = (struct seen_version){.second = 1790000000 + rand_between(&r, -9, 9),
                                               .digest = rand_next(&r),
                                               .ahead = rand_between(&r, 0, 1)};
        seen_sort(in.seen, n);
        in.has_history = n % 4 == 1;
        in.is_history = n % 4 == 3;
        if (in.is_history)
            in.history = (struct watermark_history){
                .resync = "2026-11-25T01:00:00.000Z", .done = n, .total = (long long)n * 2 - 9};
        char *text = watermark_encode(&in, &length, &e);
        assert_non_null(text);
        assert_int_equal(length, strlen(text));
        assert_int_equal(decode(text, &out, &e), 0);
        assert_int_equal(watermark_compare(&in.mark, &out.mark), 0);
        assert_int_equal(in.hi, out.hi);
        assert_int_equal(in.seen_from, out.seen_from);
        assert_string_equal(in.fingerprint, out.fingerprint);
        assert_int_equal(in.has_history, out.has_history);
        assert_int_equal(in.is_history, out.is_history);
        assert_int_equal(strstr(text, "\"version\":2") != NULL, in.has_history || in.is_history);
        assert_string_equal(in.is_history ? in.history.resync : "", out.history.resync);
        assert_int_equal(in.history.done, out.history.done);
        assert_int_equal(in.is_history ? in.history.total : -1, out.history.total);
        assert_int_equal(out.seen_count, n);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(in.seen[i].second, out.seen[i].second);
            assert_true(in.seen[i].digest == out.seen[i].digest);
            assert_int_equal(in.seen[i].ahead, out.seen[i].ahead);
        }
        watermark_state_done(&out);
        free(in.seen);
        free(text);
    }
}

/* The most versions that a sweep may remember fit, twice as many fail visibly. */
static void test_size(void **state)
{
    struct watermark_state s = sample();
    struct err e;
    size_t length;
    (void)state;
    s.seen = xcalloc(90000, sizeof(*s.seen));
    for (size_t i = 0; i < 90000; i++)
        s.seen[i] = (struct seen_version){.second = 1790000000 + (int64_t)(i / 400), .digest = i};
    s.seen_count = 40000;
    char *text = watermark_encode(&s, &length, &e);
    assert_non_null(text);
    assert_true(length <= WATERMARK_RECORD_MAX);
    free(text);
    for (size_t n = 60000; n <= 90000; n += 30000) {
        s.seen_count = n;
        assert_null(watermark_encode(&s, &length, &e));
        assert_string_equal(e.code, "state-too-large");
    }
    free(s.seen);
}

/* Each is refused, with this code, and with a text that says what to do. */
static void test_refused(void **state)
{
    static const struct {
        const char *from, *to, *code;
    } cases[] = {
        {"\"version\":1", "\"version\":3", "state-version"},
        {"\"version\":1", "\"version\":0", "state-version"},
        {"\"version\":1", "\"version\":\"1\"", "state-broken"},
        {"\"owner\":\"acme", "\"owner\":\"acmf", "state-owner"},
        {"\"connection\":\"prod\"", "\"connection\":\"test\"", "state-broken"},
        {"\"table\":\"incident\"", "\"table\":\"problem\"", "state-broken"},
        {"\"hi\":\"2026", "\"hi\":\"2o26", "state-broken"},
        {"\"hi\":", "\"ho\":", "state-broken"},
        {"\"seen_from\":", "\"seen_til\":", "state-broken"},
        {"9d385017", "9d38^017", "state-broken"},
        {"AAAAAAAAACo=", "AAAAAAAAACo", "state-broken"},
        {"AAAAAAAAACo=", "AAAAAAA*ACo=", "state-broken"},
        {"AAAAAAAAACo=", "AAAA", "state-broken"},
        {"AAAAAAAAACo=", "", "state-broken"},
        {"\"seen\":[", "\"seen\":7,\"x\":[", "state-broken"},
        {"{\"version\"", "[\"version\"", "state-broken"},
    };
    struct watermark_state in = sample(), out = {0};
    struct seen_version v = {.second = 1790000000, .digest = 42};
    struct err e;
    size_t length;
    (void)state;
    in.seen = &v;
    in.seen_count = 1;
    char *text = watermark_encode(&in, &length, &e);
    assert_int_equal(decode(text, &out, &e), 0);
    watermark_state_done(&out);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *at = strstr(text, cases[i].from);
        assert_non_null(at);
        char *bad =
            xasprintf("%.*s%s%s", (int)(at - text), text, cases[i].to, at + strlen(cases[i].from));
        assert_int_equal(decode(bad, &out, &e), -1);
        assert_string_equal(e.code, cases[i].code);
        assert_non_null(strstr(e.text, "A stopped table"));
        free(bad);
    }
    for (size_t n = 0; n < length; n++)
        assert_int_equal(watermark_decode(text, n, HOST, "prod", "incident", &out, &e), -1);
    free(text);
}

static void test_keep(void **state)
{
    struct seen *s = seen_new();
    size_t n;
    (void)state;
    for (uint64_t i = 0; i < 100; i++)
        seen_add(s, (struct seen_version){.second = (int64_t)i, .digest = i, .ahead = i % 2 == 0});
    seen_add(s, (struct seen_version){.second = 3, .digest = 3});
    assert_int_equal(seen_count(s), 100);
    seen_expire(s, (struct seen_keep){.from = 50, .ahead_from = 20});
    assert_int_equal(seen_count(s), 50 + 15);
    assert_false(seen_has(s, 19));
    assert_true(seen_has(s, 20));
    assert_false(seen_has(s, 49));
    assert_true(seen_has(s, 51));
    struct seen_version *list =
        seen_list(s, (struct seen_keep){.from = 90, .ahead_from = 1000}, 1, &n);
    assert_int_equal(n, 10);
    assert_int_equal(list[0].second, 90);
    free(list);
    seen_free(s);
}

static void test_fingerprint(void **state)
{
    static const char *const ab[] = {"a", "b"}, *const joined[] = {"ab"};
    char x[WATERMARK_FINGERPRINT_SIZE], y[WATERMARK_FINGERPRINT_SIZE];
    (void)state;
    watermark_fingerprint("active=true", ab, 2, x);
    watermark_fingerprint("active=true", joined, 1, y);
    assert_string_not_equal(x, y);
    watermark_fingerprint("active=false", ab, 2, y);
    assert_string_not_equal(x, y);
    watermark_fingerprint("active=true", ab, 2, y);
    assert_string_equal(x, y);
    assert_int_equal(strlen(x), 16);
    assert_true(seen_digest("a", "bc", "1") != seen_digest("ab", "c", "1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order), cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_size),  cmocka_unit_test(test_refused),
        cmocka_unit_test(test_keep),  cmocka_unit_test(test_fingerprint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
