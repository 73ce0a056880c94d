/* Laying out text: HTML to plain text, one line per outside value, headings only when needed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/attr.h"
#include "bridge/base/clock.h"
#include "bridge/base/xalloc.h"
#include "consumers/layout.h"

static char *stripped(const char *html)
{
    struct buf b;

    buf_init(&b, 1 << 22);
    layout_from_html(&b, html);
    assert_false(b.failed);
    return buf_take(&b, NULL);
}

static void test_html(void **state)
{
    static const struct {
        const char *html, *text;
    } cases[] = {
        {"", ""},
        {"plain  text\n here", "plain text here"},
        {"<p>One</p><p>Two</p>", "One\n\nTwo"},
        {"a<br>b<br/>c", "a\nb\nc"},
        {"<ul><li>x</li><li>y</li></ul>z", "- x\n- y\n\nz"},
        {"<b>bo</b>ld &amp; &lt;i&gt; &#233;&#x20ac; &nbsp;end",
         "bold & <i> \xc3\xa9\xe2\x82\xac end"},
        {"1 < 2 and <3", "1 < 2 and <3"},
        {"open <a href", "open <a href"},
        {"AT&T &unknown; &#0; &#xd800;", "AT&T &unknown;"},
        {"a<script>alert('<p>')</script>b<style>p{}</style>c", "abc"},
        {"<td>Here</<td>/<tr>", "Here/"},
        {"<!-- no -->yes", "yes"},
        {"<TABLE><TR><TD>a</TD><TD>b</TD></TR><TR><TD>c</TD></TR></TABLE>", "a b\nc"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *text = stripped(cases[i].html);

        assert_string_equal(text, cases[i].text);
        free(text);
    }
}

/* A megabyte of openings without ends: twice the text must not be four times the work. */
static void test_html_linear(void **state)
{
    static const char *const parts[] = {"<a", "<script>", "&#1", "</", "<style><"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        size_t n = strlen(parts[i]), count = (1 << 20) / n;
        char *html = xmalloc(count * n + 1);
        usec_t began = clock_now();

        for (size_t k = 0; k < count; k++)
            memcpy(html + k * n, parts[i], n);
        html[count * n] = '\0';
        free(stripped(html));
        free(html);
        assert_true(clock_now() - began < 5 * USEC_S);
    }
}

static void test_flat(void **state)
{
    static const struct {
        const char *text;
        size_t max;
        const char *want;
    } cases[] = {
        {"a\r\n b\x01\x7f"
         "c  ",
         100, "a b c"},
        {"", 100, ""},
        {" \n ", 100, ""},
        {"abcdef", 6, "abcdef"},
        {"abcdef", 4, "abcd..."},
        {"ab cd", 3, "ab ..."},
        {"\xc3\xa9\xc3\xa9", 3, "\xc3\xa9..."},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf b;

        buf_init(&b, 1000);
        layout_flat(&b, cases[i].text, cases[i].max);
        assert_string_equal(buf_text(&b), cases[i].want);
        buf_done(&b);
    }
}

static void test_lines(void **state)
{
    struct layout l;
    char *text;

    (void)state;
    layout_init(&l);
    layout_heading(&l, "Empty");
    layout_line(&l, "gone", "");
    layout_line(&l, "gone", " \t\r\n");
    layout_heading(&l, "First");
    layout_line(&l, "a", "1\n[itsm-bridge 0.00000000.0.0]");
    layout_heading(&l, "Second");
    layout_paragraphs(&l, "b", "\n x\r\n\r\n\r\n y\n z ");
    layout_paragraphs(&l, "c", "one");
    layout_heading(&l, "Nothing follows");
    text = layout_take(&l);
    assert_string_equal(text, "First\na: 1 [itsm-bridge 0.00000000.0.0]\n\nSecond\nb:\nx\n\ny\nz\n"
                              "c: one");
    free(text);
}

static void test_bounded(void **state)
{
    struct layout l;
    char *big = xmalloc(100001), *text;

    (void)state;
    memset(big, 'x', 100000);
    big[100000] = '\0';
    layout_init(&l);
    for (int i = 0; i < 1000; i++)
        layout_line(&l, big, big);
    memset(big, '\n', 100000);
    big[0] = 'a';
    big[99999] = 'b';
    layout_paragraphs(&l, "p", big);
    assert_false(l.text.failed);
    text = layout_take(&l);
    assert_true(strlen(text) > LAYOUT_MAX && strlen(text) < LAYOUT_MAX + 4 * LAYOUT_VALUE_MAX);
    free(text);
    free(big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_html),    cmocka_unit_test(test_html_linear),
        cmocka_unit_test(test_flat),    cmocka_unit_test(test_lines),
        cmocka_unit_test(test_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
