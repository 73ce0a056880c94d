/* Rows that are too large: what is left always fits or has nothing more to give, the largest
 * columns go first, and what a version is told by stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/rand.h"
#include "bridge/base/xalloc.h"
#include "producers/less.h"

static json_t *random_row(struct rand *r)
{
    json_t *row = json_pack("{s:s, s:s, s:s, s:s}", "sys_id", "0a", "sys_updated_on",
                            "2026-11-25 01:00:00", "sys_mod_count", "3", "number", "INC1");
    int64_t n = rand_between(r, 0, 12);
    for (int64_t i = 0; i < n; i++) {
        char *name = xasprintf("u_%lld", (long long)i);
        size_t length = (size_t)rand_between(r, 0, 3000);
        char *text = xcalloc(length + 1, 1);
        memset(text, 'x', length);
        (void)json_object_set_new(row, name, json_string(text));
        free(text);
        free(name);
    }
    return row;
}

static size_t written(const json_t *o)
{
    return json_dumpb(o, NULL, 0, JSON_COMPACT);
}

static void test_random(void **state)
{
    struct rand r;
    (void)state;
    rand_seed(&r, 5);
    for (unsigned round = 0; round < 500; round++) {
        json_t *row = random_row(&r), *names = NULL, *name;
        size_t most = (size_t)rand_between(&r, 0, 20000), i, last = SIZE_MAX;
        json_t *less = less_row(row, most, &names);
        assert_non_null(less);
        assert_true(written(less) <= most || json_object_size(less) == 4);
        assert_int_equal(json_object_size(less) + json_array_size(names), json_object_size(row));
        assert_string_equal(json_string_value(json_object_get(less, "number")), "INC1");
        assert_non_null(json_object_get(less, "sys_mod_count"));
        json_array_foreach (names, i, name) {
            size_t n = json_string_length(json_object_get(row, json_string_value(name)));
            assert_true(n <= last || n - last < 3); /* the name counts, too */
            last = n;
        }
        if (written(row) <= most / 2)
            assert_int_equal(json_array_size(names), 0);
        json_decref(less);
        json_decref(names);
        json_decref(row);
    }
}

static void test_most(void **state)
{
    size_t last = 1000001;
    (void)state;
    for (unsigned n = 1; n <= LESS_TIMES; n++) {
        assert_true(less_most(1000000, n) < last);
        last = less_most(1000000, n);
    }
    assert_int_equal(less_most(1000000, 1), 500000);
    assert_int_equal(less_most(1000000, LESS_TIMES + 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random), cmocka_unit_test(test_most)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
