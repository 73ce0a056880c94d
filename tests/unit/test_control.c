/* Requests as records: what is written can be read, only by the instance that it is for, and no
 * other bytes are taken for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "producers/control.h"

#define HOST "acme.service-now.com"

static void test_round_trip(void **state)
{
    static const int64_t from[] = {CONTROL_SCOPE, 0, 1790000000};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(from); i++)
        for (int what = CONTROL_RESYNC; what <= CONTROL_READ; what++) {
            char asked[] = "2026-11-25T01:00:00.000Z";
            struct control in = {.what = (enum control_what)what, .from = from[i], .asked = asked};
            struct err e;
            size_t length;
            char *text = control_encode(&in, HOST, &length);
            assert_int_equal(length, strlen(text));
            struct control *out = control_decode(text, length, HOST, &e);
            assert_non_null(out);
            assert_int_equal(out->what, what);
            assert_int_equal(out->from, from[i]);
            assert_string_equal(out->asked, asked);
            control_free(out);
            assert_null(control_decode(text, length, "clone.service-now.com", &e));
            assert_string_equal(e.code, "control-owner");
            for (size_t n = 0; n < length; n++)
                assert_null(control_decode(text, n, HOST, &e));
            free(text);
        }
}

static void test_refused(void **state)
{
    static const char *const bad[] = {
        "null",
        "[]",
        "{}",
        "{\"version\":2,\"do\":\"resync\",\"owner\":\"" HOST "\"}",
        "{\"version\":1,\"do\":\"drop\",\"owner\":\"" HOST "\"}",
        "{\"version\":1,\"do\":\"set\",\"from\":\"soon\",\"owner\":\"" HOST "\"}"};
    struct err e;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_null(control_decode(bad[i], strlen(bad[i]), HOST, &e));
        assert_string_equal(e.code, "control-broken");
    }
}

static void test_keys(void **state)
{
    size_t n = 0;
    (void)state;
    char *key = control_key("prod/incident", "7"), *none = control_no_table("prod");
    assert_string_equal(key, "prod/incident/control/7");
    const char *id = control_id("prod/incident", key, strlen(key), &n);
    assert_int_equal(n, 1);
    assert_int_equal(id[0], '7');
    assert_null(control_id("prod/inciden", key, strlen(key), &n));
    assert_null(control_id("prod/incident", key, strlen(key) - 1, &n)); /* no id */
    assert_null(control_id(none, key, strlen(key), &n));
    free(key);
    key = control_key(none, "7");
    assert_non_null(control_id(none, key, strlen(key), &n));
    assert_null(control_id("prod/incident", key, strlen(key), &n));
    free(key);
    free(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
