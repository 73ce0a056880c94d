/* Regular expressions: a table of what matches, refusals with their positions, agreement with the C
 * library's POSIX matcher on random expressions, and the bound in time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bridge/base/buf.h"
#include "bridge/base/rand.h"
#include "bridge/base/regex.h"
#include "bridge/base/xalloc.h"

static bool matches(const char *expression, const char *text, bool ignore_case)
{
    struct err e = {0};
    struct regex *r = regex_new(expression, ignore_case, &e);
    bool found;

    if (r == NULL)
        fail_msg("%s: %s", expression, e.text);
    found = regex_matches(r, text);
    if (found != regex_matches(r, text))
        fail_msg("%s on %s: the second answer differs", expression, text);
    (void)regex_free(r);
    return found;
}

static void test_table(void **state)
{
    static const struct {
        const char *expression, *text;
        bool found;
    } cases[] = {
        {"", "", true},
        {"", "abc", true},
        {"b", "abc", true},
        {"^b", "abc", false},
        {"^a", "abc", true},
        {"c$", "abc", true},
        {"^$", "", true},
        {"^$", "a", false},
        {"^abc$", "abc", true},
        {"a|^$", "", true},
        {"^(web|db)-[0-9]+$", "db-17", true},
        {"^(web|db)-[0-9]+$", "db-", false},
        {"^(?:a|b)c$", "bc", true},
        {"a.c",
         "a\xc3\xa9"
         "c",
         true},
        {"^.$", "\xf0\x9f\x94\xa5", true},
        {"^..$", "\xf0\x9f\x94\xa5", false},
        {"[\xc3\xa0-\xc3\xbf]", "\xc3\xa9", true},
        {"[^a-z]", "abc", false},
        {"[^a-z]", "abC", true},
        {"[]]", "]", true},
        {"[^]]", "]", false},
        {"[a-]", "-", true},
        {"[\\d_]+x", "1_2x", true},
        {"^\\w+$", "Az_09", true},
        {"^\\w+$", "A z", false},
        {"\\W", "A z", true},
        {"\\D", "12", false},
        {"^\\s$", "\t", true},
        {"^\\S+$", "a b", false},
        {"a\\.b", "axb", false},
        {"a\\.b", "a.b", true},
        {"\\{x\\}", "{x}", true},
        {"^a{3}$", "aaa", true},
        {"^a{3}$", "aa", false},
        {"^a{2,}$", "aaaaa", true},
        {"^a{2,}$", "a", false},
        {"^a{1,3}$", "aaaa", false},
        {"^a{0,2}$", "", true},
        {"^a{0}b$", "b", true},
        {"^(ab){2,3}$", "ababab", true},
        {"^(ab){2,3}$", "ab", false},
        {"^(a*)*$", "aaaa", true},
        {"^(a*)+b$", "aaab", true},
        {"(^a|b)c", "xbc", true},
        {"(^a|b)c", "xac", false},
        {"x*", "", true},
        {"a||b", "", true},
        {"line\\n", "a line\n", true},
        {"}", "}", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (matches(cases[i].expression, cases[i].text, false) != cases[i].found)
            fail_msg("%s on %s", cases[i].expression, cases[i].text);
    assert_true(matches("^PROD-[a-f]+$", "prod-ABC", true));
    assert_false(matches("^PROD$", "prod", false));
    assert_false(matches("[^a]", "A", true));
    /* A text that is no UTF-8 is read byte by byte. */
    assert_true(matches("^a.b$",
                        "a\xff"
                        "b",
                        false));
    assert_true(matches("^.$", "\xc3", false));
}

static void test_refusals(void **state)
{
    static const struct {
        const char *expression, *text;
    } cases[] = {
        {"a(b", "a parenthesis is not closed that opens at character 2"},
        {"ab)", "a parenthesis closes that was not opened at character 3"},
        {"\xc3\xa9[a", "a bracket is not closed that opens at character 2"},
        {"*a", "there is nothing to repeat at character 1"},
        {"a|+", "there is nothing to repeat at character 3"},
        {"a**", "a repeat is repeated; put a group around the first one: wrong at character 3"},
        {"a{2,1}", "the form is {2}, {2,} or {2,5} with at most 1000; wrong at character 2"},
        {"a{1001}", "the form is {2}, {2,} or {2,5} with at most 1000; wrong at character 2"},
        {"a{x}", "the form is {2}, {2,} or {2,5} with at most 1000; wrong at character 2"},
        {"(a)\\1",
         "back references are not possible, they have no bound in time: wrong at character 4"},
        {"a\\", "a backslash stands at the end at character 2"},
        {"\\q", "this escape is not known: wrong at character 1"},
        {"[z-a]", "a range that runs backwards begins at character 2"},
        {"[[:digit:]]",
         "names as in [:digit:] are not known, write \\d, \\w or \\s: wrong at character 2"},
        {"(?=a)", "groups with (? are not known but for (?: ; wrong at character 1"},
        {"((a{1000}){1000}){1000}",
         "it is too large: written out, its repeats are more than 2000 steps"},
    };
    char deep[200], *long_one = xcalloc(1, 1002);
    struct err e;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_null(regex_new(cases[i].expression, false, &e));
        assert_string_equal(e.text, cases[i].text);
        assert_string_equal(e.code, "regex");
    }
    memset(deep, '(', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    assert_null(regex_new(deep, false, &e));
    assert_string_equal(e.text, "too many groups lie in one another at character 51");
    memset(long_one, 'a', 1001);
    assert_null(regex_new(long_one, false, NULL));
    free(long_one);
}

static void add_random(struct rand *r, struct buf *b, int depth)
{
    static const char *const atoms[] = {"a", "b", "c", ".", "[ab]", "[^a]", "[a-c]", "\\."};
    static const char *const repeats[] = {"", "", "", "*", "+", "?", "{2}", "{1,2}", "{1,}"};
    int64_t parts = rand_between(r, 1, 3);

    for (int64_t i = 0; i < parts; i++) {
        if (depth > 0 && rand_between(r, 0, 3) == 0) {
            (void)buf_add_char(b, '(');
            add_random(r, b, depth - 1);
            if (rand_between(r, 0, 1) == 0) {
                (void)buf_add_char(b, '|');
                add_random(r, b, depth - 1);
            }
            (void)buf_add_char(b, ')');
        } else {
            (void)buf_add_text(b, atoms[rand_between(r, 0, ARRAY_LEN(atoms) - 1)]);
        }
        (void)buf_add_text(b, repeats[rand_between(r, 0, ARRAY_LEN(repeats) - 1)]);
    }
}

static void try_texts(struct rand *r, const char *expression, struct regex *ours,
                      const regex_t *theirs)
{
    for (int k = 0; k < 20; k++) {
        char text[12] = {0};
        int64_t length = rand_between(r, 0, 10);

        for (int64_t i = 0; i < length; i++)
            text[i] = "abc.d"[rand_between(r, 0, 4)];
        if (regex_matches(ours, text) != (regexec(theirs, text, 0, NULL, 0) == 0))
            fail_msg("%s on \"%s\": ours says %d", expression, text, regex_matches(ours, text));
    }
}

static void test_like_posix(void **state)
{
    struct rand r;
    size_t tried = 0;

    (void)state;
    rand_seed(&r, 20261125);
    for (int i = 0; i < 2000; i++) {
        struct buf b;
        struct regex *ours;
        struct err e;
        regex_t theirs;

        buf_init(&b, 1000);
        if (rand_between(&r, 0, 3) == 0)
            (void)buf_add_char(&b, '^');
        add_random(&r, &b, 2);
        if (rand_between(&r, 0, 3) == 0)
            (void)buf_add_char(&b, '$');
        ours = regex_new(buf_text(&b), false, &e);
        if (ours == NULL)
            fail_msg("%s: %s", buf_text(&b), e.text);
        assert_int_equal(regcomp(&theirs, buf_text(&b), REG_EXTENDED | REG_NOSUB), 0);
        try_texts(&r, buf_text(&b), ours, &theirs);
        tried++;
        regfree(&theirs);
        (void)regex_free(ours);
        buf_done(&b);
    }
    assert_int_equal(tried, 2000);
}

/* Whatever stands in an expression: it is refused with a reason, or it matches or not. */
static void test_garbage(void **state)
{
    static const char signs[] = "ab\\()[]{}|*+?^$.-,019:dWs\xc3\xa9\xff";
    struct rand r;
    size_t fine = 0;

    (void)state;
    rand_seed(&r, 11);
    for (int i = 0; i < 50000; i++) {
        char text[24] = {0};
        int64_t n = rand_between(&r, 0, (int64_t)sizeof text - 1);
        struct err e = {0};
        struct regex *x;

        for (int64_t k = 0; k < n; k++)
            text[k] = signs[rand_between(&r, 0, (int64_t)sizeof signs - 2)];
        x = regex_new(text, i % 2 == 0, &e);
        assert_true(x != NULL || e.text[0] != '\0');
        if (x != NULL) {
            fine++;
            (void)regex_matches(x, text);
            (void)regex_matches(x, "abab\xc3\xa9");
        }
        (void)regex_free(x);
    }
    assert_true(fine > 1000);
}

/* Expressions that make matchers with backtracking run for longer than anyone lives. */
static void test_bound(void **state)
{
    static const char *const cruel[] = {
        "(a*)*b",         "(a|aa)+c",      "(a+a+)+b",          "(a|a?)+b",
        "(.*)(.*)(.*)b$", "a{0,30}a{30}b", "(a|b)*a(a|b){200}c"};
    size_t length = 4096;
    char *text = xcalloc(1, length + 1);
    clock_t before = clock();

    (void)state;
    memset(text, 'a', length);
    for (size_t i = 0; i < ARRAY_LEN(cruel); i++)
        assert_false(matches(cruel[i], text, false));
    /* Some hundred steps a character are a few million in all; minutes would be a failure. */
    assert_true((clock() - before) / CLOCKS_PER_SEC < 20);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),      cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_like_posix), cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
