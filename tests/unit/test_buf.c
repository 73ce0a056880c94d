/* Capped buffer: bound, sticky failure, ownership. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/base/buf.h"
#include "bridge/base/rand.h"

/* Random additions: it holds what a flat array would, or fails exactly at the bound. */
static void like_the_model(void **state)
{
    struct rand r;

    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        char model[1200] = "", piece[100];
        size_t length = 0, max;
        struct buf b;

        rand_seed(&r, seed);
        max = (size_t)rand_between(&r, 0, 1000);
        buf_init(&b, max);
        while (!b.failed) {
            size_t n = (size_t)rand_between(&r, 0, sizeof piece - 1);
            int result;

            for (size_t i = 0; i < n; i++)
                piece[i] = (char)rand_between(&r, 'a', 'z');
            piece[n] = '\0';
            switch (rand_between(&r, 0, 2)) {
            case 0:
                result = buf_add(&b, piece, n);
                break;
            case 1:
                result = buf_add_text(&b, piece);
                break;
            default:
                result = buf_addf(&b, "%s", piece);
            }
            assert_int_equal(result, length + n > max ? -1 : 0);
            assert_int_equal(b.failed, length + n > max);
            if (result == 0) {
                memcpy(model + length, piece, n + 1);
                length += n;
            }
            assert_int_equal(b.length, length);
            assert_string_equal(buf_text(&b), model);
        }
        buf_done(&b);
    }
}

static void failure_sticks(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 4);
    assert_string_equal(buf_text(&b), "");
    assert_int_equal(buf_add_text(&b, "abcde"), -1);
    assert_int_equal(buf_add_char(&b, 'a'), -1);
    assert_int_equal(buf_addf(&b, "%s", ""), -1);
    assert_int_equal(b.length, 0);
    buf_clear(&b);
    assert_int_equal(buf_add_text(&b, "abcd"), 0);
    assert_int_equal(buf_add(&b, NULL, 0), 0);
    assert_int_equal(buf_add(&b, "x", SIZE_MAX), -1);
    buf_clear(&b);
    assert_string_equal(buf_text(&b), "");
    assert_int_equal(buf_add_char(&b, 'z'), 0);
    buf_wipe(&b);
    assert_null(b.data);
    assert_int_equal(b.max, 4);
}

static void take_hands_out(void **state)
{
    size_t length = 9;
    struct buf b;
    char *text;

    (void)state;
    buf_init(&b, 100);
    text = buf_take(&b, &length);
    assert_string_equal(text, "");
    assert_int_equal(length, 0);
    free(text);
    assert_int_equal(buf_add(&b, "a\0b", 3), 0);
    text = buf_take(&b, &length);
    assert_memory_equal(text, "a\0b", 4);
    assert_int_equal(length, 3);
    assert_int_equal(b.length, 0);
    assert_null(b.data);
    free(text);
    assert_int_equal(buf_add_text(&b, "again"), 0);
    text = buf_take(&b, NULL);
    assert_string_equal(text, "again");
    free(text);
}

/* Room is a hint: it changes neither content nor bound. */
static void room_is_a_hint(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 10);
    buf_room(&b, 100);
    assert_string_equal(buf_text(&b), "");
    assert_int_equal(buf_add_text(&b, "0123456789"), 0);
    buf_room(&b, 5);
    assert_string_equal(buf_text(&b), "0123456789");
    assert_int_equal(buf_add_char(&b, 'x'), -1);
    buf_done(&b);
    buf_init(&b, SIZE_MAX / 4);
    buf_room(&b, 3);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(buf_add_char(&b, 'y'), 0);
    assert_int_equal(strlen(buf_text(&b)), 1000);
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(like_the_model),
        cmocka_unit_test(failure_sticks),
        cmocka_unit_test(take_hands_out),
        cmocka_unit_test(room_is_a_hint),
    };

    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
