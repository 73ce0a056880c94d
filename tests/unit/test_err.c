/* Errors are one line, cut at a whole character, whatever was formatted into them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/base/err.h"
#include "bridge/base/text.h"

static void set_and_clear(void **state)
{
    struct err e = {0};

    (void)state;
    assert_int_equal(err_set(&e, ERR_REJECT, "http-403", "%s refused %d", "incident", 403), -1);
    assert_int_equal(e.class, ERR_REJECT);
    assert_string_equal(e.code, "http-403");
    assert_string_equal(e.text, "incident refused 403");
    err_clear(&e);
    assert_int_equal(e.class, ERR_NONE);
    assert_string_equal(e.code, "none");
    assert_string_equal(e.text, "");
    assert_int_equal(err_set(NULL, ERR_FATAL, "x", "nobody asks"), -1);
    assert_int_equal(err_prefix(NULL, "nobody asks"), -1);
    err_clear(NULL);
}

static void control_characters(void **state)
{
    char bytes[130] = "", wanted[130] = "";
    struct err e;

    (void)state;
    for (int c = 1; c < 128; c++) {
        bytes[c - 1] = (char)c;
        wanted[c - 1] = (char)(c < 0x20 || c == 0x7f ? '?' : c);
    }
    (void)err_set(&e, ERR_RETRY, "x", "%s", bytes);
    assert_string_equal(e.text, wanted);
    (void)err_prefix(&e, "line\nbreak\x1b[31m");
    assert_true(text_starts(e.text, "line?break?[31m: ?"));
}

/* A long text of two-, three- and four-byte characters behind 0 to 3 ASCII ones. */
static void multibyte_cut(void **state)
{
    static const char *const chars[] = {"\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(chars); i++) {
        for (size_t ascii = 0; ascii < 4; ascii++) {
            char text[1000] = "";
            size_t n = ascii, size = strlen(chars[i]);
            struct err e;

            memset(text, 'a', ascii);
            for (; n + size < sizeof text; n += size)
                memcpy(text + n, chars[i], size);
            (void)err_set(&e, ERR_RETRY, "x", "%s", text);
            assert_true(text_is_utf8(e.text, strlen(e.text)));
            assert_in_range(strlen(e.text), 639 - size + 1, 639);
            assert_true(text_starts(text, e.text));
            (void)err_prefix(&e, "abc");
            assert_true(text_is_utf8(e.text, strlen(e.text)));
            assert_true(text_starts(e.text, ascii > 0 ? "abc: a" : "abc: "));
            assert_in_range(strlen(e.text), 639 - size + 1, 639);
        }
    }
}

static void prefix_keeps_the_class(void **state)
{
    struct err e;

    (void)state;
    (void)err_set(&e, ERR_AUTH, "token", "refused");
    assert_int_equal(err_prefix(&e, "table %s", "incident"), -1);
    assert_string_equal(e.text, "table incident: refused");
    assert_int_equal(e.class, ERR_AUTH);
    assert_string_equal(e.code, "token");
}

static void class_names(void **state)
{
    (void)state;
    assert_string_equal(err_class_name(ERR_NONE), "none");
    assert_string_equal(err_class_name(ERR_RETRY), "retry");
    assert_string_equal(err_class_name(ERR_THROTTLE), "throttle");
    assert_string_equal(err_class_name(ERR_AUTH), "auth");
    assert_string_equal(err_class_name(ERR_REJECT), "reject");
    assert_string_equal(err_class_name(ERR_CONFIG), "config");
    assert_string_equal(err_class_name(ERR_FATAL), "fatal");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_and_clear), cmocka_unit_test(control_characters),
        cmocka_unit_test(multibyte_cut), cmocka_unit_test(prefix_keeps_the_class),
        cmocka_unit_test(class_names),
    };

    return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
