/* Encoded queries and URLs: no outside text changes the meaning of a query or the shape of a URL.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "bridge/base/buf.h"
#include "bridge/base/rand.h"
#include "bridge/base/xalloc.h"
#include "bridge/servicenow/query.h"
#include "bridge/servicenow/request.h"

static size_t count(const char *text, const char *what)
{
    size_t n = 0;

    for (; (text = strstr(text, what)) != NULL; text++)
        n++;
    return n;
}

/* Bytes that break things are far more likely than others. */
static void random_text(struct rand *r, char *out, size_t most)
{
    static const char sharp[] = "^,=&?#%/\\:@;+ \t\r\n\"'<>.NQORDERBY^NQ^ORjavascript:";
    size_t n = (size_t)rand_between(r, 0, (int64_t)most - 1);

    for (size_t i = 0; i < n; i++)
        out[i] = rand_next(r) % 2 == 0 ? sharp[rand_next(r) % (sizeof sharp - 1)]
                                       : (char)rand_between(r, 1, 255);
    out[n] = '\0';
}

static void test_values(void **state)
{
    (void)state;
    assert_true(query_value_ok("disk full, 95 % = bad"));
    assert_true(query_value_ok("see javascript: below"));
    assert_false(query_value_ok(""));
    assert_false(query_value_ok("a^b"));
    assert_false(query_value_ok("a\nb"));
    assert_false(query_value_ok("a\x7f"));
    assert_false(query_value_ok("javascript:gs.getUserID()"));
    assert_false(query_value_ok("JavaScript:x"));
    assert_false(query_value_ok("  javascript:x"));
    assert_true(query_in_ok("a b"));
    assert_false(query_in_ok("a,b"));
    assert_true(query_name_ok("assignment_group.name"));
    assert_false(query_name_ok(""));
    assert_false(query_name_ok("a/b"));
    assert_false(query_name_ok("a b"));
    assert_true(query_sys_id_ok("0123456789abcdefABCDEF0123456789"));
    assert_false(query_sys_id_ok("0123456789abcdefABCDEF012345678"));
    assert_false(query_sys_id_ok("0123456789abcdefABCDEF01234567890"));
    assert_false(query_sys_id_ok("0123456789abcdefABCDEF012345678/"));
}

/* libcurl decodes what we encoded to the very same bytes, and nothing special is left. */
static void test_escape_returns(void **state)
{
    struct rand r;
    char text[64], *back;

    (void)state;
    rand_seed(&r, 1);
    for (int i = 0; i < 20000; i++) {
        struct buf out;
        int length;

        random_text(&r, text, sizeof text);
        buf_init(&out, 1000);
        assert_int_equal(query_escape(&out, text), 0);
        assert_null(strpbrk(buf_text(&out), "^,=&?#/\\:@;+ \r\n\"'<>"));
        back = curl_easy_unescape(NULL, buf_text(&out), (int)out.length, &length);
        assert_int_equal(length, (int)strlen(text));
        assert_memory_equal(back, text, strlen(text));
        curl_free(back);
        buf_done(&out);
    }
}

static void test_escape_full(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 5);
    assert_int_equal(query_escape(&out, "^^"), -1);
    buf_done(&out);
}

/* A value that query_value_ok lets through adds no condition, whatever it holds. */
static void test_value_adds_no_condition(void **state)
{
    struct rand r;
    char text[40];
    unsigned passed = 0;

    (void)state;
    rand_seed(&r, 2);
    for (int i = 0; i < 50000; i++) {
        struct buf condition, out;
        const char *why = NULL;

        random_text(&r, text, sizeof text);
        if (!query_value_ok(text))
            continue;
        passed++;
        buf_init(&condition, 1000);
        buf_init(&out, 1000);
        assert_int_equal(buf_addf(&condition, "^correlation_id=%s", text), 0);
        assert_int_equal(query_wrap(&out, "active=true^NQpriority=1", buf_text(&condition),
                                    "^ORDERBYsys_id", &why),
                         0);
        assert_int_equal(count(buf_text(&out), "^"), 4);
        assert_int_equal(count(buf_text(&out), "^NQ"), 1);
        assert_int_equal(count(buf_text(&out), "^OR"), 1);
        buf_done(&condition);
        buf_done(&out);
    }
    assert_true(passed > 1000);
}

static void assert_wrap(const char *base, const char *condition, const char *tail, const char *want)
{
    const char *why = NULL;
    struct buf out;

    buf_init(&out, 1000);
    assert_int_equal(query_wrap(&out, base, condition, tail, &why), want == NULL ? -1 : 0);
    if (want == NULL)
        assert_non_null(why);
    else
        assert_string_equal(buf_text(&out), want);
    buf_done(&out);
}

static void test_wrap(void **state)
{
    (void)state;
    assert_wrap("", "^a=1^b=2", "^ORDERBYc", "a=1^b=2^ORDERBYc");
    assert_wrap("", "", "^ORDERBYc", "ORDERBYc");
    assert_wrap("", "", "", "");
    assert_wrap("x=1", "^a=1", "^ORDERBYc", "x=1^a=1^ORDERBYc");
    assert_wrap("x=1^ORx=2", "^a=1", "", "x=1^ORx=2^a=1");
    assert_wrap("x=1^NQy=2^z=3^NQw=4", "^a=1", "^ORDERBYc",
                "x=1^a=1^NQy=2^z=3^a=1^NQw=4^a=1^ORDERBYc");
    assert_wrap("x=ORDERBY", "^a=1", "", "x=ORDERBY^a=1");
    assert_wrap("ORDERBYx", "^a=1", "", NULL);
    assert_wrap("x=1^ORDERBYDESCy", "^a=1", "", NULL);
    assert_wrap("x=1^EQ", "^a=1", "", NULL);
    assert_wrap("x=1^", "^a=1", "", NULL);
    assert_wrap("^x=1", "^a=1", "", NULL);
    assert_wrap("x=1^^y=2", "^a=1", "", NULL);
    assert_wrap("x=1^NQ", "^a=1", "", NULL);
    assert_wrap("x=1^NQ^y=1", "^a=1", "", NULL);
    assert_wrap("NQx=1", "^a=1", "", NULL);
}

/* Every group of a base that is accepted holds the condition at its end. */
static void test_wrap_every_group(void **state)
{
    static const char *const terms[] = {"^a=1", "^NQb=2", "^ORc=3", "^d=ORDER", "^NQ", "^EQ", "^"};
    struct rand r;
    unsigned good = 0;

    (void)state;
    rand_seed(&r, 3);
    for (int i = 0; i < 20000; i++) {
        struct buf base, out;
        const char *why = NULL;

        buf_init(&base, 1000);
        buf_init(&out, 1000);
        (void)buf_add_text(&base, "x=0");
        for (int64_t n = rand_between(&r, 0, 6); n > 0; n--)
            (void)buf_add_text(&base, terms[rand_next(&r) % ARRAY_LEN(terms)]);
        if (query_wrap(&out, buf_text(&base), "^k=9", "", &why) == 0) {
            size_t groups = count(buf_text(&base), "^NQ") + 1;

            good++;
            assert_int_equal(count(buf_text(&out), "^k=9"), groups);
            assert_int_equal(count(buf_text(&out), "^k=9^NQ"), groups - 1);
            assert_int_equal(out.length, base.length + 4 * groups);
        } else {
            assert_non_null(why);
        }
        buf_done(&base);
        buf_done(&out);
    }
    assert_true(good > 1000);
}

/* Random texts in every place of an operation: refused, or host and path are exactly ours. */
static void check_url(struct snow_op *op, const char *want_path)
{
    CURLU *u = curl_url();
    char *host, *path, *fragment = NULL;
    struct err e;
    struct buf url;

    buf_init(&url, 100000);
    assert_int_equal(request_url(&url, "https://acme.service-now.com/", op, &e), 0);
    assert_int_equal(curl_url_set(u, CURLUPART_URL, buf_text(&url), 0), CURLUE_OK);
    assert_int_equal(curl_url_get(u, CURLUPART_HOST, &host, 0), CURLUE_OK);
    assert_int_equal(curl_url_get(u, CURLUPART_PATH, &path, 0), CURLUE_OK);
    assert_string_equal(host, "acme.service-now.com");
    assert_string_equal(path, want_path);
    assert_int_equal(curl_url_get(u, CURLUPART_FRAGMENT, &fragment, 0), CURLUE_NO_FRAGMENT);
    assert_int_equal(count(buf_text(&url), "sysparm_query="), 1);
    assert_int_equal(count(buf_text(&url), "&") + 1, 7);
    curl_free(host);
    curl_free(path);
    curl_url_cleanup(u);
    buf_done(&url);
}

static void test_url_keeps_its_shape(void **state)
{
    struct rand r;
    char text[64];
    struct err e;

    (void)state;
    rand_seed(&r, 4);
    for (int i = 0; i < 20000; i++) {
        struct snow_op op = {.kind = SNOW_LIST, .table = "incident", .limit = 5};

        random_text(&r, text, sizeof text);
        op.query = text[0] == '\0' ? "x" : text;
        op.fields = "sys_id,number";
        assert_int_equal(request_check(&op, &e), 0);
        check_url(&op, "/api/now/table/incident");
        op.fields = text;
        if (request_check(&op, &e) == 0)
            assert_null(strpbrk(text, "&=?#/^ %\r\n"));
        op = (struct snow_op){.kind = SNOW_GET, .table = text, .sys_id = text};
        assert_int_equal(request_check(&op, &e), -1);
    }
}

static void test_request_check(void **state)
{
    json_t *good = json_pack("{ss}", "sys_id", "0123456789abcdef0123456789abcdef");
    json_t *bad = json_pack("{ss}", "sys_id", "0123"), *list = json_array();
    struct snow_op op = {.kind = SNOW_CREATE, .table = "incident", .body = good};
    struct err e;

    (void)state;
    assert_int_equal(request_check(&op, &e), 0);
    op.body = bad;
    assert_int_equal(request_check(&op, &e), -1);
    op.body = list;
    assert_int_equal(request_check(&op, &e), -1);
    op.body = NULL;
    assert_int_equal(request_check(&op, &e), -1);
    op = (struct snow_op){.kind = SNOW_GET, .table = "a.b", .sys_id = "x"};
    assert_int_equal(request_check(&op, &e), -1);
    op.table = "incident";
    assert_int_equal(request_check(&op, &e), -1);
    op.sys_id = "0123456789abcdef0123456789abcdef";
    assert_int_equal(request_check(&op, &e), 0);
    op.display = "maybe";
    assert_int_equal(request_check(&op, &e), -1);
    op.display = "all";
    op.fields = "a,,b";
    assert_int_equal(request_check(&op, &e), -1);
    op.fields = "a,b.c,";
    assert_int_equal(request_check(&op, &e), -1);
    op.fields = "a,b.c";
    assert_int_equal(request_check(&op, &e), 0);
    json_decref(good);
    json_decref(bad);
    json_decref(list);
}

static void test_url_too_long(void **state)
{
    char *query = xcalloc(1, 6000);
    struct snow_op op = {.kind = SNOW_LIST, .table = "incident", .query = query};
    struct buf url;
    struct err e;

    (void)state;
    memset(query, '^', 5999);
    buf_init(&url, 100000);
    assert_int_equal(request_url(&url, "https://x", &op, &e), -1);
    assert_int_equal(e.class, ERR_REJECT);
    buf_done(&url);
    free(query);
}

static void test_body_is_compact(void **state)
{
    json_t *body = json_pack("{ss sf}", "text", "\xc3\xa4/\"\n", "number", 0.1);
    struct snow_op op = {.kind = SNOW_UPDATE, .table = "incident", .body = body};
    size_t length = 0;
    struct err e;
    char *text = request_body(&op, &length, &e);

    (void)state;
    assert_string_equal(text, "{\"text\":\"\xc3\xa4/\\\"\\n\",\"number\":0.1}");
    assert_int_equal(length, strlen(text));
    free(text);
    json_decref(body);
}

static void add_name(void *arg, const char *name, size_t length)
{
    struct buf *b = arg;
    (void)buf_add(b, name, length);
    (void)buf_add_char(b, ' ');
}

static void test_columns(void **state)
{
    static const struct {
        const char *base, *names; /* NULL: refused */
    } cases[] = {
        {"", ""},
        {"active=true", "active "},
        {"active=true^ORpriorityIN1,2^NQcaller_id.nameSTARTSWITHa^order>1",
         "active priority caller_id.name order "},
        {"sys_created_on>javascript:gs.daysAgoStart(0)", "sys_created_on "},
        {"stateISEMPTY^ORoriginISNOTEMPTY^nqid=1", "state origin nqid "},
        {"123TEXTQUERY321=printer^active=true", "active "},
        {"RLQUERYtask_ci.task,>=1^ENDRLQUERY^active=true", "active "},
        {"active", NULL},
        {"active=true^ORpriority", NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf b;
        const char *why = NULL;
        buf_init(&b, 1000);
        int r = query_columns(cases[i].base, add_name, &b, &why);
        assert_int_equal(r, cases[i].names == NULL ? -1 : 0);
        if (r == 0)
            assert_string_equal(buf_text(&b), cases[i].names);
        else
            assert_non_null(why);
        buf_done(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_escape_returns),
        cmocka_unit_test(test_escape_full),
        cmocka_unit_test(test_value_adds_no_condition),
        cmocka_unit_test(test_wrap),
        cmocka_unit_test(test_wrap_every_group),
        cmocka_unit_test(test_url_keeps_its_shape),
        cmocka_unit_test(test_request_check),
        cmocka_unit_test(test_url_too_long),
        cmocka_unit_test(test_body_is_compact),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
