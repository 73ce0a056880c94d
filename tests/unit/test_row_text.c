/* Records as JSON text: to the byte what jansson writes, whatever the record holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/rand.h"
#include "bridge/servicenow/row_text.h"

static void check(json_t *object)
{
    char *want = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(15)), *have;
    size_t length = 0;

    have = row_text(object, &length);
    assert_non_null(want);
    assert_non_null(have);
    assert_string_equal(have, want);
    assert_int_equal(length, strlen(want));
    free(have);
    free(want);
    json_decref(object);
}

static void as_jansson_writes(void **state)
{
    char all[0x80];

    (void)state;
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (char)i;
    check(json_object());
    check(json_pack("{ss}", "", ""));
    check(json_pack("{s:o, s:s}", "all", json_stringn(all, sizeof all), "\xc3\xa4\"\\\n",
                    "\xf0\x9f\x98\x80/\x7f"));
    check(json_pack("{s:i, s:f, s:b, s:n, s:{s:s}, s:[i, i]}", "a", 1, "b", 0.1, "c", 1, "d", "e",
                    "x", "y\n", "f", 1, 2));
}

static json_t *random_text(struct rand *r)
{
    static const char *const pieces[] = {"\"", "\\", "\n", "\x01", "a",    "\xc3\xa9",
                                         "/",  " ",  "bc", "\t",   "\x1f", "\xe2\x80\xa8"};
    char text[64] = "";
    size_t n = 0;

    for (int64_t i = rand_between(r, 0, 20); i > 0; i--) {
        const char *piece =
            pieces[rand_between(r, 0, (int64_t)(sizeof pieces / sizeof pieces[0]) - 1)];

        memcpy(text + n, piece, strlen(piece) + 1);
        n += strlen(piece);
    }
    return json_string(text);
}

static void whatever_it_holds(void **state)
{
    struct rand r;

    (void)state;
    rand_seed(&r, 11);
    for (int round = 0; round < 5000; round++) {
        json_t *o = json_object();

        for (int64_t i = rand_between(&r, 0, 6); i > 0; i--) {
            json_t *name = random_text(&r);

            (void)json_object_set_new(o, json_string_value(name),
                                      rand_between(&r, 0, 4) > 0
                                          ? random_text(&r)
                                          : json_integer((json_int_t)rand_next(&r)));
            json_decref(name);
        }
        check(o);
    }
}

static void no_object_is_no_record(void **state)
{
    json_t *list = json_array();
    size_t length = 7;

    (void)state;
    assert_null(row_text(list, &length));
    assert_null(row_text(NULL, &length));
    assert_int_equal(length, 7);
    json_decref(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_jansson_writes),
        cmocka_unit_test(whatever_it_holds),
        cmocka_unit_test(no_object_is_no_record),
    };

    return cmocka_run_group_tests_name("row_text", tests, NULL, NULL);
}
