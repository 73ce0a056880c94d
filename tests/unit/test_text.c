/* UTF-8 and ASCII helpers. The rule of RFC 3629 is checked against a decoder written the other way
 * round: every code point is encoded, every other byte sequence must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/base/rand.h"
#include "bridge/base/text.h"

static size_t encode(uint32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

static bool scalar(uint32_t c)
{
    return c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
}

static void every_code_point(void **state)
{
    char bytes[4];

    (void)state;
    for (uint32_t c = 0; c < 0x120000; c++) {
        size_t n = encode(c, bytes);

        if (text_is_utf8(bytes, n) != scalar(c))
            fail_msg("U+%X", c);
        if (n > 1 && text_is_utf8(bytes, n - 1))
            fail_msg("U+%X without its last byte", c);
    }
    assert_true(text_is_utf8("", 0));
}

/* All sequences of two bytes, and of three that begin as three should: well-formed exactly when
 * they are what encoding their bits gives. */
static void every_short_sequence(void **state)
{
    char again[4];

    (void)state;
    for (uint32_t x = 0x8000; x <= 0xffff; x++) {
        const char b[2] = {(char)(x >> 8), (char)x};
        uint32_t c = (x >> 8 & 0x1f) << 6 | (x & 0x3f);

        if (text_is_utf8(b, 2) != (encode(c, again) == 2 && memcmp(again, b, 2) == 0))
            fail_msg("bytes %04X", x);
    }
    for (uint32_t x = 0xe00000; x <= 0xefffff; x++) {
        const char b[3] = {(char)(x >> 16), (char)(x >> 8), (char)x};
        uint32_t c = (x >> 16 & 0xf) << 12 | (x >> 8 & 0x3f) << 6 | (x & 0x3f);

        if (text_is_utf8(b, 3) != (scalar(c) && encode(c, again) == 3 && memcmp(again, b, 3) == 0))
            fail_msg("bytes %06X", x);
    }
}

static void cuts_keep_characters_whole(void **state)
{
    static const char text[] = "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80z\xc3\xa9";
    const size_t length = sizeof text - 1;

    (void)state;
    for (size_t max = 0; max <= length + 3; max++) {
        size_t cut = text_boundary(text, length, max);
        char copy[sizeof text];

        assert_true(cut <= max && cut <= length);
        assert_true(text_is_utf8(text, cut));
        assert_true(cut == length || !text_is_utf8(text + cut, max - cut) || max == cut);
        if (max > length)
            continue;
        memcpy(copy, text, max);
        copy[max] = '\0';
        text_cut(copy, max);
        assert_int_equal(strlen(copy), cut);
    }
    assert_int_equal(text_chars(text), 6);
    assert_int_equal(text_chars_bytes(text, 0), 0);
    assert_int_equal(text_chars_bytes(text, 3), 6);
    assert_int_equal(text_chars_bytes(text, 4), 10);
    assert_int_equal(text_chars_bytes(text, 100), length);
}

static void ascii(void **state)
{
    char text[] = "AbC-\xc3\x84Z[@";

    (void)state;
    text_lower(text);
    assert_string_equal(text, "abc-\xc3\x84z[@");
    assert_true(text_equal_nocase("Content-Type", "content-type"));
    assert_false(text_equal_nocase("a", "ab"));
    assert_true(text_starts("incident", "inc") && text_starts("x", ""));
    assert_false(text_starts("in", "inc"));
    assert_true(text_ends("a.service-now.com", ".service-now.com") && text_ends("x", ""));
    assert_false(text_ends("com", ".com"));
}

/* Whatever bytes: what is left is well-formed, and well-formed text is left as it is. */
static void mending_leaves_whole_characters(void **state)
{
    char text[32], whole[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";
    struct rand r;

    (void)state;
    text_mend(whole);
    assert_string_equal(whole, "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    rand_seed(&r, 7);
    for (int round = 0; round < 20000; round++) {
        size_t n = (size_t)rand_between(&r, 0, sizeof text - 1);

        for (size_t i = 0; i < n; i++)
            text[i] = (char)rand_between(&r, 1, 255);
        text[n] = '\0';
        text_mend(text);
        assert_true(text_is_utf8(text, strlen(text)));
    }
    memcpy(text, "x\xc3\xa9y\xc3\"z\x80", sizeof "x\xc3\xa9y\xc3\"z\x80");
    text_mend(text);
    assert_string_equal(text, "x\xc3\xa9y\"z");
}

static void numbers(void **state)
{
    static const char *const bad[] = {
        "", "-", "+", " 1", "1 ", "1x", "0x10", "--1", "1.0", "9223372036854775808",
    };
    long long value = 7;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(text_to_int(bad[i], &value), -1);
        assert_int_equal(value, 7);
    }
    assert_int_equal(text_to_int("-9223372036854775808", &value), 0);
    assert_true(value == INT64_MIN);
    assert_int_equal(text_to_int("+012", &value), 0);
    assert_int_equal(value, 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point),
        cmocka_unit_test(every_short_sequence),
        cmocka_unit_test(cuts_keep_characters_whole),
        cmocka_unit_test(ascii),
        cmocka_unit_test(mending_leaves_whole_characters),
        cmocka_unit_test(numbers),
    };

    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
