/* HTTP client against a scripted loopback server, on the real loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/base/loop.h"
#include "bridge/base/xalloc.h"
#include "bridge/servicenow/http.h"
#include "tests/support/script_server.h"

struct got {
    enum http_end end;
    int status, calls;
    char *type, *body;
    size_t length;
    struct http_answer answer; /* its strings are gone; numbers and err are good */
};

struct world {
    struct loop *loop;
    struct http *http;
    struct script_server *server;
    struct got got[64];
    char *url;
};

static const struct http_options usual = {.ca_file = "",
                                          .proxy = "",
                                          .allow_http = true,
                                          .connect_timeout = 10 * USEC_S,
                                          .request_timeout = 20 * USEC_S,
                                          .body_max = 1000000,
                                          .connections = 16};

static void remember(void *arg, const struct http_answer *a, usec_t now)
{
    struct got *g = arg;

    (void)now;
    g->calls++;
    g->end = a->end;
    g->status = a->status;
    g->type = xstrdup(a->content_type);
    g->body = xmalloc(a->body_length + 1);
    memcpy(g->body, a->body, a->body_length + 1);
    g->length = a->body_length;
    g->answer = *a;
}

static void clean(struct world *w)
{
    for (size_t i = 0; i < ARRAY_LEN(w->got); i++) {
        free(w->got[i].type);
        free(w->got[i].body);
    }
    memset(w->got, 0, sizeof w->got);
}

static void options(struct world *w, const struct http_options *o)
{
    w->http = http_free(w->http);
    w->http = http_new(w->loop, o, NULL);
    assert_non_null(w->http);
}

static int set_up(void **state)
{
    struct world *w = xcalloc(1, sizeof *w);

    w->loop = loop_new(NULL);
    w->server = script_server_new();
    w->url = xasprintf("http://127.0.0.1:%d/x", script_server_port(w->server));
    options(w, &usual);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    w->http = http_free(w->http);
    w->loop = loop_free(w->loop);
    w->server = script_server_free(w->server);
    clean(w);
    free(w->url);
    free(w);
    return 0;
}

static struct http_call *send_to(struct world *w, size_t i, const char *method, const char *body)
{
    struct http_request r = {.method = method, .url = w->url, .bearer = "top-secret-token"};
    struct http_call *c;

    r.body = body;
    r.body_length = body == NULL ? 0 : strlen(body);
    c = http_submit(w->http, &r, remember, &w->got[i], NULL);
    assert_non_null(c);
    assert_int_equal(w->got[i].calls, 0);
    return c;
}

static void wait_all(struct world *w)
{
    while (http_in_flight(w->http) > 0)
        loop_turn(w->loop, USEC_S);
}

static void wait_requests(struct world *w, size_t n)
{
    while (script_server_count(w->server) < n)
        loop_turn(w->loop, USEC_MS);
}

static struct got *one(struct world *w, const char *method, const char *body)
{
    clean(w);
    (void)send_to(w, 0, method, body);
    wait_all(w);
    assert_int_equal(w->got[0].calls, 1);
    assert_null(strstr(w->got[0].answer.err.text, "top-secret"));
    return &w->got[0];
}

static void push(struct world *w, struct script_step step)
{
    script_server_push(w->server, &step);
}

static void test_answer(void **state)
{
    struct world *w = *state;
    const struct script_request *r;
    struct got *g;

    push(w, (struct script_step){.status = 201,
                                 .body = "{\"a\":1}",
                                 .type = "Application/JSON; charset=UTF-8",
                                 .headers =
                                     "Date: Tue, 24 Nov 2026 21:54:00 GMT\r\nRetry-After: 7\r\n"
                                     "X-RateLimit-Limit: 100\r\nX-RateLimit-Reset: 1795557600\r\n"
                                     "X-Total-Count: 42\r\nSet-Cookie: JSESSIONID=1; Path=/\r\n"});
    g = one(w, "POST", "{\"b\":2}");
    assert_int_equal(g->end, HTTP_ANSWERED);
    assert_int_equal(g->status, 201);
    assert_string_equal(g->body, "{\"a\":1}");
    assert_string_equal(g->type, "application/json");
    assert_true(g->answer.date == 1795557240000);
    assert_true(g->answer.retry_after == 7 * USEC_S);
    assert_true(g->answer.rate_limit == 100 && g->answer.rate_reset == 1795557600);
    assert_true(g->answer.total_count == 42);
    assert_true(g->answer.took > 0);
    r = script_server_request(w->server, 0);
    assert_string_equal(r->method, "POST");
    assert_string_equal(r->body, "{\"b\":2}");
    assert_non_null(strcasestr(r->head, "\r\nAuthorization: Bearer top-secret-token\r\n"));
    assert_non_null(strcasestr(r->head, "\r\nAccept-Encoding: gzip\r\n"));
    assert_null(strcasestr(r->head, "\r\nExpect:"));
    push(w, (struct script_step){.status = 204});
    g = one(w, "DELETE", NULL);
    assert_int_equal(g->status, 204);
    assert_true(g->answer.retry_after == 0 && g->answer.total_count == -1);
    /* Kept alive; and the cookie of the first answer does not come back. */
    assert_int_equal(script_server_connections(w->server), 1);
    assert_null(strcasestr(script_server_request(w->server, 1)->head, "\r\nCookie:"));
}

static void test_methods(void **state)
{
    static const struct {
        const char *method, *body;
    } cases[] = {{"GET", NULL}, {"POST", NULL}, {"POST", ""},     {"PATCH", "p"},
                 {"PUT", "q"},  {"GET", NULL},  {"DELETE", NULL}, {"POST", "z"}};
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct script_request *r;

        push(w, (struct script_step){.status = 200});
        (void)one(w, cases[i].method, cases[i].body);
        r = script_server_request(w->server, i);
        assert_string_equal(r->method, cases[i].method);
        assert_string_equal(r->body, cases[i].body == NULL ? "" : cases[i].body);
    }
    assert_int_equal(script_server_connections(w->server), 1);
}

static void test_retry_after_date(void **state)
{
    struct world *w = *state;

    push(w, (struct script_step){.status = 503,
                                 .headers = "Date: Tue, 24 Nov 2026 21:54:00 GMT\r\n"
                                            "Retry-After: Tue, 24 Nov 2026 21:55:30 GMT\r\n"});
    assert_true(one(w, "GET", NULL)->answer.retry_after == 90 * USEC_S);
    push(w, (struct script_step){.status = 503, .headers = "Retry-After: soon\r\n"});
    assert_true(one(w, "GET", NULL)->answer.retry_after == 0);
    push(w, (struct script_step){.status = 503, .headers = "Retry-After: -5\r\n"});
    assert_true(one(w, "GET", NULL)->answer.retry_after == 0);
    push(w, (struct script_step){.status = 503, .headers = "Retry-After: 9223372036854775807\r\n"});
    assert_true(one(w, "GET", NULL)->answer.retry_after == USEC_NEVER);
}

static void test_redirect_is_not_followed(void **state)
{
    struct world *w = *state;

    push(w, (struct script_step){.status = 302, .headers = "Location: /login.do\r\n"});
    assert_int_equal(one(w, "GET", NULL)->status, 302);
    assert_int_equal(script_server_count(w->server), 1);
}

/* gzip of {"result":[]} and of 4,000 times 'a' */
static const unsigned char zipped[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02,
                                       0x03, 0xab, 0x56, 0x2a, 0x4a, 0x2d, 0x2e, 0xcd, 0x29,
                                       0x51, 0xb2, 0x8a, 0x8e, 0xad, 0x05, 0x00, 0x0e, 0x66,
                                       0x27, 0xa3, 0x0d, 0x00, 0x00, 0x00};
static const unsigned char bomb[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03,
                                     0xed, 0xc1, 0x31, 0x01, 0x00, 0x00, 0x00, 0xc2, 0xa0, 0xac,
                                     0xeb, 0x5f, 0xc2, 0x18, 0x3e, 0x40, 0x01, 0x00, 0x00, 0x00,
                                     0x6f, 0x03, 0xeb, 0xbe, 0x85, 0x78, 0xa0, 0x0f, 0x00, 0x00};

static void test_gzip(void **state)
{
    struct world *w = *state;
    struct http_options small = usual;
    struct script_step step = {.headers = "Content-Encoding: gzip\r\n",
                               .body = (const char *)zipped,
                               .body_length = sizeof zipped};

    push(w, step);
    assert_string_equal(one(w, "GET", NULL)->body, "{\"result\":[]}");
    small.body_max = 1000;
    options(w, &small);
    step.body = (const char *)bomb;
    step.body_length = sizeof bomb;
    push(w, step);
    assert_int_equal(one(w, "GET", NULL)->end, HTTP_TOO_LARGE);
}

static void test_large_bodies(void **state)
{
    struct world *w = *state;
    char *big = xcalloc(1, 3000001);
    struct got *g;

    memset(big, 'b', 3000000);
    big[1000000] = '\0';
    push(w, (struct script_step){.body = big});
    big[1000000] = 'b';
    g = one(w, "POST", big);
    assert_int_equal(g->end, HTTP_ANSWERED);
    assert_int_equal(g->length, 1000000);
    assert_int_equal(script_server_request(w->server, 0)->body_length, 3000000);
    assert_string_equal(script_server_request(w->server, 0)->body, big);
    push(w, (struct script_step){.body = big});
    g = one(w, "GET", NULL);
    assert_int_equal(g->end, HTTP_TOO_LARGE);
    assert_int_equal(g->status, 0);
    free(big);
}

static void test_lost(void **state)
{
    static const enum script_act acts[] = {SCRIPT_CUT, SCRIPT_CLOSE, SCRIPT_RESET};
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
        struct got *g;

        push(w, (struct script_step){.act = acts[i], .body = "0123456789"});
        g = one(w, "POST", "x");
        assert_int_equal(g->end, HTTP_LOST);
        assert_int_equal(g->status, 0);
        assert_string_equal(g->answer.err.code, "lost");
        assert_int_equal(g->answer.err.class, ERR_RETRY);
        assert_int_equal(script_server_count(w->server), i + 1);
    }
}

/* A kept-alive connection that dies without an answer: libcurl would send again by itself. */
static void test_write_is_sent_once(void **state)
{
    static const char *const writes[] = {"POST", "PATCH", "PUT", "DELETE"};
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_LEN(writes); i++) {
        size_t before = script_server_count(w->server);

        push(w, (struct script_step){.body = "{}"});
        push(w, (struct script_step){.act = SCRIPT_CLOSE});
        assert_int_equal(one(w, "GET", NULL)->end, HTTP_ANSWERED);
        assert_int_equal(one(w, writes[i], "x")->end, HTTP_LOST);
        assert_int_equal(script_server_count(w->server), before + 2);
    }
}

static void test_read_is_repeated(void **state)
{
    struct world *w = *state;

    push(w, (struct script_step){.body = "{}"});
    push(w, (struct script_step){.act = SCRIPT_CLOSE});
    push(w, (struct script_step){.body = "again"});
    (void)one(w, "GET", NULL);
    assert_string_equal(one(w, "GET", NULL)->body, "again");
    assert_int_equal(script_server_count(w->server), 3);
}

static void test_not_sent(void **state)
{
    struct world *w = *state;
    struct got *g;

    w->server = script_server_free(w->server);
    g = one(w, "POST", "x");
    assert_int_equal(g->end, HTTP_NOT_SENT);
    assert_string_equal(g->answer.err.code, "not-sent");
    free(w->url);
    w->url = xstrdup("https://nowhere.invalid/");
    g = one(w, "POST", "x");
    assert_int_equal(g->end, HTTP_NOT_SENT);
    assert_false(g->answer.certificate_refused);
}

/* The port answers, but not in TLS: nothing of the request has left. */
static void test_tls_fails(void **state)
{
    struct world *w = *state;

    free(w->url);
    w->url = xasprintf("https://127.0.0.1:%d/", script_server_port(w->server));
    {
        struct http_options quick = usual;

        quick.connect_timeout = 200 * USEC_MS;
        options(w, &quick);
    }
    assert_int_equal(one(w, "POST", "x")->end, HTTP_NOT_SENT);
}

static void test_time_out(void **state)
{
    struct world *w = *state;
    struct http_request r = {
        .method = "POST", .url = w->url, .body = "x", .body_length = 1, .timeout = 100 * USEC_MS};

    push(w, (struct script_step){.hold = true});
    assert_non_null(http_submit(w->http, &r, remember, &w->got[0], NULL));
    wait_all(w);
    assert_int_equal(w->got[0].end, HTTP_LOST);
    assert_true(w->got[0].answer.took >= 100 * USEC_MS);
}

static void test_cancel(void **state)
{
    struct world *w = *state;
    struct http_call *first, *second;

    push(w, (struct script_step){.hold = true});
    push(w, (struct script_step){.hold = true});
    first = send_to(w, 0, "POST", "x");
    wait_requests(w, 1);
    second = send_to(w, 1, "POST", "y"); /* has not left yet */
    http_cancel(second);
    http_cancel(first);
    assert_int_equal(w->got[0].end, HTTP_CANCELLED);
    assert_int_equal(w->got[1].end, HTTP_CANCELLED);
    assert_int_equal(http_in_flight(w->http), 0);
    loop_turn(w->loop, 0);
    assert_int_equal(w->got[0].calls + w->got[1].calls, 2);
}

static void test_free_cancels(void **state)
{
    struct world *w = *state;

    push(w, (struct script_step){.hold = true});
    (void)send_to(w, 0, "POST", "x");
    wait_requests(w, 1);
    w->http = http_free(w->http);
    assert_int_equal(w->got[0].end, HTTP_CANCELLED);
    assert_int_equal(w->got[0].calls, 1);
}

static void test_stop_refuses(void **state)
{
    struct world *w = *state;
    struct http_request r = {.method = "GET", .url = w->url};
    struct err e;

    http_stop(w->http);
    assert_null(http_submit(w->http, &r, remember, &w->got[0], &e));
    assert_string_equal(e.code, "closing");
}

/* All under way at once, answered in any order, each callback once. */
static void test_many(void **state)
{
    struct world *w = *state;

    for (size_t round = 0; round < 3; round++) {
        clean(w);
        for (size_t i = 0; i < 40; i++) {
            push(w, (struct script_step){.body = "{}", .hold = true});
            (void)send_to(w, i, "POST", "x");
        }
        wait_requests(w, 40 * (round + 1));
        assert_int_equal(http_in_flight(w->http), 40);
        script_server_release(w->server, 40);
        wait_all(w);
        for (size_t i = 0; i < 40; i++) {
            assert_int_equal(w->got[i].calls, 1);
            assert_int_equal(w->got[i].end, HTTP_ANSWERED);
        }
    }
}

struct chain {
    struct world *w;
    int left;
    struct http_call *victim;
};

static void on_chain(void *arg, const struct http_answer *a, usec_t now)
{
    struct chain *c = arg;
    struct http_request r = {.method = "GET", .url = c->w->url};

    (void)a;
    (void)now;
    if (c->victim != NULL)
        http_cancel(c->victim);
    c->victim = NULL;
    if (c->left-- > 0)
        assert_non_null(http_submit(c->w->http, &r, on_chain, c, NULL));
}

static void test_submit_and_cancel_in_callback(void **state)
{
    struct world *w = *state;
    struct chain c = {.w = w, .left = 5};
    struct http_request r = {.method = "GET", .url = w->url};

    push(w, (struct script_step){.hold = true});
    c.victim = send_to(w, 0, "POST", "x");
    wait_requests(w, 1);
    for (int i = 0; i < 6; i++)
        push(w, (struct script_step){.body = "{}"});
    assert_non_null(http_submit(w->http, &r, on_chain, &c, NULL));
    wait_all(w);
    assert_int_equal(c.left, -1);
    assert_int_equal(w->got[0].end, HTTP_CANCELLED);
    assert_int_equal(script_server_count(w->server), 7);
}

static void test_unusable_requests(void **state)
{
    static const char *const urls[] = {"",
                                       "nonsense",
                                       "ftp://127.0.0.1/",
                                       "file:///etc/passwd",
                                       "http://example.com/",
                                       "http://127.0.0.1.example.com/",
                                       "http://126.0.0.1/",
                                       "http://128.0.0.1/",
                                       "http://[::2]/",
                                       "http://localhost.example.com/",
                                       "http://user:pw@127.0.0.1/",
                                       "https://user@acme.service-now.com/",
                                       "https://acme.service-now.com/a b",
                                       "https://acme.service-now.com/\r\nX: y"};
    struct world *w = *state;
    struct err e;

    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct http_request r = {.method = "GET", .url = urls[i]};

        e.text[0] = '\0';
        assert_null(http_submit(w->http, &r, remember, &w->got[0], &e));
        assert_true(e.text[0] != '\0');
        assert_null(strstr(e.text, "pw"));
    }
    for (int i = 0; i < 4; i++) {
        static const struct http_header bad[] = {
            {"X", "a\r\nY: b"}, {"X\n", "a"}, {"X: y", "a"}, {"", "a"}};
        struct http_request r = {
            .method = "GET", .url = w->url, .headers = &bad[i], .headers_count = 1};

        assert_null(http_submit(w->http, &r, remember, &w->got[0], &e));
        assert_string_equal(e.code, "bad-header");
    }
    assert_int_equal(w->got[0].calls, 0);
    assert_int_equal(script_server_connections(w->server), 0);
}

static void test_plain_http_needs_the_option(void **state)
{
    struct world *w = *state;
    struct http_options strict = usual;
    struct http_request r = {.method = "GET", .url = w->url};

    strict.allow_http = false;
    options(w, &strict);
    assert_null(http_submit(w->http, &r, remember, &w->got[0], NULL));
}

/* A proxy that is named is used; and its password shows nowhere. */
static void test_proxy(void **state)
{
    struct world *w = *state;
    struct http_options o = usual;
    char *proxy = xasprintf("http://joe:hush-hush@127.0.0.1:%d", script_server_port(w->server));
    struct got *g;

    o.proxy = proxy;
    options(w, &o);
    push(w, (struct script_step){.status = 407, .body = "no"});
    free(w->url);
    w->url = xstrdup("https://acme.service-now.invalid/");
    g = one(w, "POST", "x");
    assert_int_equal(g->end, HTTP_NOT_SENT);
    assert_string_equal(script_server_request(w->server, 0)->method, "CONNECT");
    assert_null(strstr(g->answer.err.text, "hush"));
    o.proxy = "odd://joe:hush-hush@127.0.0.1:1";
    options(w, &o);
    g = one(w, "POST", "x");
    assert_int_equal(g->end, HTTP_NOT_SENT);
    assert_null(strstr(g->answer.err.text, "hush"));
    free(proxy);
}

static void test_missing_ca_file(void **state)
{
    struct world *w = *state;
    struct http_options o = usual;
    struct err e;

    o.ca_file = "/nowhere/ca.pem";
    assert_null(http_new(w->loop, &o, &e));
    assert_int_equal(e.class, ERR_CONFIG);
    options(w, &usual);
}

int main(void)
{
#define HTTP_TEST(f_) cmocka_unit_test_setup_teardown(f_, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        HTTP_TEST(test_answer),
        HTTP_TEST(test_methods),
        HTTP_TEST(test_retry_after_date),
        HTTP_TEST(test_redirect_is_not_followed),
        HTTP_TEST(test_gzip),
        HTTP_TEST(test_large_bodies),
        HTTP_TEST(test_lost),
        HTTP_TEST(test_write_is_sent_once),
        HTTP_TEST(test_read_is_repeated),
        HTTP_TEST(test_not_sent),
        HTTP_TEST(test_tls_fails),
        HTTP_TEST(test_time_out),
        HTTP_TEST(test_cancel),
        HTTP_TEST(test_free_cancels),
        HTTP_TEST(test_stop_refuses),
        HTTP_TEST(test_many),
        HTTP_TEST(test_submit_and_cancel_in_callback),
        HTTP_TEST(test_unusable_requests),
        HTTP_TEST(test_plain_http_needs_the_option),
        HTTP_TEST(test_proxy),
        HTTP_TEST(test_missing_ca_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
