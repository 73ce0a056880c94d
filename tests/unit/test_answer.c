/* Judging Table API answers: the answers recorded in public repositories and the odd ones that were
 * seen there (promise 7), one row each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/servicenow/answer.h"

#define ID "0123456789abcdef0123456789abcdef"
#define ENVELOPE(m_, d_)                                                                           \
    "{\"error\":{\"message\":\"" m_ "\",\"detail\":" d_ "},\"status\":\"failure\"}"
#define NOT_FOUND                                                                                  \
    ENVELOPE("No Record found", "\"Record doesn't exist or ACL restricts the record retrieval\"")
#define CANCELLED "Transaction cancelled: maximum execution time exceeded"
#define HIBERNATING                                                                                \
    "<html><head><title>Instance Hibernating page</title></head><body>Your instance is "           \
    "hibernating</body></html>"
#define NGINX "<html>\r\n<head><title>502 Bad Gateway</title></head></html>"
#define JSON  "application/json"
#define HTML  "text/html"

enum { G = 1 << SNOW_GET, L = 1 << SNOW_LIST, C = 1 << SNOW_CREATE, U = 1 << SNOW_UPDATE };
enum { READ = G | L, WRITE = C | U, ROW = G | C | U, ALL = READ | WRITE };

static const struct row {
    int status;
    const char *type, *body;
    int kinds;
    enum snow_verdict verdict;
    enum window_result window;
    bool doubtful;
    const char *code, *says; /* says: in the error text */
} rows[] = {
    /* success, and what only looks like it */
    {200, JSON, "{\"result\":{\"sys_id\":\"" ID "\"}}", ROW, SNOW_OK, WINDOW_SUCCESS,
     .code = "none"},
    {201, JSON, "{\"result\":{\"sys_id\":\"" ID "\"}}", C, SNOW_OK, WINDOW_SUCCESS, .code = "none"},
    {201, JSON, "{\"result\":{\"sys_id\":\"ffffffffffffffffffffffffffffffff\"}}", C, SNOW_OK,
     WINDOW_SUCCESS, .code = "none"},
    {200, JSON, "{\"result\":[]}", L, SNOW_OK, WINDOW_SUCCESS, .code = "none"},
    {200, JSON, "{\"result\":[{\"error\":\"a column\",\"status\":\"failure\"}]}", L, SNOW_OK,
     WINDOW_SUCCESS, .code = "none"},
    {200, JSON, "{\"result\":[{\"a\":\"x\\u0000y\"}]}", L, SNOW_OK, WINDOW_SUCCESS, .code = "none"},
    {200, JSON, "{\"result\":[],\"error\":null}", L, SNOW_OK, WINDOW_SUCCESS, .code = "none"},
    {200, "", "{\"result\":[]}", L, SNOW_OK, WINDOW_SUCCESS, .code = "none"},
    {200, JSON, "{\"result\":[]}", ROW, SNOW_UNKNOWN, WINDOW_SUCCESS, .code = "malformed"},
    {200, JSON, "{\"result\":{}}", L, SNOW_UNKNOWN, WINDOW_SUCCESS, .code = "malformed"},
    {200, JSON, "{\"result\":\"x\"}", ALL, SNOW_UNKNOWN, WINDOW_SUCCESS, .code = "malformed"},
    {200, JSON, "{}", ALL, SNOW_UNKNOWN, WINDOW_SUCCESS, .code = "malformed"},
    {200, JSON, "[]", ALL, SNOW_UNKNOWN, WINDOW_SUCCESS, .code = "malformed"},
    {200, JSON, "", ALL, SNOW_UNKNOWN, WINDOW_SUCCESS, .code = "malformed", .says = "empty body"},
    {201, JSON, "", C, SNOW_UNKNOWN, WINDOW_SUCCESS, .code = "malformed"},
    {204, "", "", ALL, SNOW_UNKNOWN, WINDOW_SUCCESS, .code = "odd-status"},
    {202, JSON, "{\"result\":{}}", ALL, SNOW_UNKNOWN, WINDOW_SUCCESS, .code = "odd-status"},
    {200, JSON, "{\"result\":{\"sys_id\":\"0123", ALL, SNOW_UNKNOWN, WINDOW_SUCCESS,
     .code = "malformed", .says = "cut"},
    {200, JSON,
     "{\"result\":[{\"a\":\"1\"},{\"b\"\" ],\"error\":{\"detail\":\"" CANCELLED
     "\",\"message\":\"x\"},\"status\":\"failure\"}",
     ALL, SNOW_UNKNOWN, WINDOW_SUCCESS, .code = "cancelled", .says = "page_size"},
    {200, JSON,
     "{\"result\":[{\"a\":\"1\"}],\"error\":{\"message\":\"" CANCELLED
     "\",\"detail\":null},\"status\":\"failure\"}",
     ALL, SNOW_UNKNOWN, WINDOW_SUCCESS, .code = "cancelled"},
    {200, JSON, ENVELOPE("Operation Failed", "\"Something odd\""), READ, SNOW_REJECTED,
     WINDOW_SUCCESS, .code = "rejected", .says = "Something odd"},
    {200, JSON, ENVELOPE("Operation Failed", "\"Something odd\""), WRITE, SNOW_REJECTED,
     WINDOW_SUCCESS, .doubtful = true, .code = "rejected"},
    {201, JSON, "{\"result\":{},\"status\":\"failure\"}", C, SNOW_REJECTED, WINDOW_SUCCESS,
     .doubtful = true, .code = "rejected"},
    {200, JSON, "{\"result\":{},\"error\":\"plain words\"}", G, SNOW_REJECTED, WINDOW_SUCCESS,
     .code = "rejected", .says = "plain words"},
    {200, JSON, NOT_FOUND, G | L | U, SNOW_ABSENT, WINDOW_SUCCESS, .code = "absent"},
    {200, JSON, ENVELOPE("User Not Authenticated", "null"), ALL, SNOW_UNAUTHORISED, WINDOW_NEUTRAL,
     .code = "unauthorised"},
    {200, HTML, HIBERNATING, ALL, SNOW_UNAVAILABLE, WINDOW_FAILED, .code = "html", .says = "wake"},
    {201, HTML, HIBERNATING, C, SNOW_UNAVAILABLE, WINDOW_FAILED, .code = "html"},
    {200, HTML, "<html>Log in</html>", ALL, SNOW_UNAVAILABLE, WINDOW_FAILED, .code = "html",
     .says = "log-in page"},
    {200, "", " \r\n<!DOCTYPE html>", ALL, SNOW_UNAVAILABLE, WINDOW_FAILED, .code = "html"},

    /* the record's own trouble */
    {400, JSON, ENVELOPE("Invalid table X", "null"), ALL, SNOW_REJECTED, WINDOW_SUCCESS,
     .code = "rejected", .says = "name of the table"},
    {400, JSON, ENVELOPE("Requested URI does not represent any resource", "null"), ALL,
     SNOW_REJECTED, WINDOW_SUCCESS, .code = "rejected", .says = "server_url"},
    {400, JSON,
     ENVELOPE("Exception while reading request",
              "\"Rejected large REST payload with content-length = 11 bytes. Max allowed: 10\""),
     WRITE, SNOW_REJECTED, WINDOW_SUCCESS, .code = "rejected", .says = "max_content_length"},
    {400, HTML, "<html>URI too long</html>", ALL, SNOW_REJECTED, WINDOW_SUCCESS,
     .code = "rejected"},
    {403, JSON, ENVELOPE("Insufficient rights to query records", "null"), READ, SNOW_REJECTED,
     WINDOW_SUCCESS, .code = "rejected", .says = "right to read"},
    {403, JSON, ENVELOPE("User Not Authorized", "\"Failed API level ACL Validation\""), READ,
     SNOW_REJECTED, WINDOW_SUCCESS, .code = "rejected", .says = "web services"},
    {403, JSON,
     ENVELOPE("Operation Failed", "\"ACL Exception Insert Failed due to security constraints\""), C,
     SNOW_REJECTED, WINDOW_SUCCESS, .doubtful = true, .code = "rejected", .says = "itil"},
    {403, JSON,
     ENVELOPE("Operation Failed", "\"ACL Exception Update Failed due to security constraints\""), U,
     SNOW_REJECTED, WINDOW_SUCCESS, .doubtful = true, .code = "rejected", .says = "itil"},
    {403, JSON,
     ENVELOPE("Operation Failed",
              "\"Operation against file 'incident' was aborted by Business Rule "
              "'Refuse duplicate^" ID "'. Business Rule Stack:Refuse\""),
     WRITE, SNOW_REJECTED, WINDOW_SUCCESS, .doubtful = true, .code = "rejected",
     .says = "business rule that it names"},
    {403, JSON,
     ENVELOPE("Operation Failed", "\"Data Policy Exception: The following fields are mandatory: "
                                  "Resolution code\""),
     WRITE, SNOW_REJECTED, WINDOW_SUCCESS, .doubtful = true, .code = "rejected",
     .says = "Resolution code"},
    {403, JSON, ENVELOPE("Operation Failed", "\"Error during insert of incident (INC0010001)\""), C,
     SNOW_EXISTS, WINDOW_SUCCESS, .code = "exists"},
    {403, JSON, ENVELOPE("Unique Key violation detected by database", "null"), C, SNOW_EXISTS,
     WINDOW_SUCCESS, .code = "exists"},
    {409, JSON, ENVELOPE("Duplicate entry", "null"), C, SNOW_EXISTS, WINDOW_SUCCESS,
     .code = "exists"},
    {403, JSON, ENVELOPE("Operation Failed", "\"Error during insert of x\""), U, SNOW_REJECTED,
     WINDOW_SUCCESS, .doubtful = true, .code = "rejected"},
    {404, JSON, NOT_FOUND, G | L | U, SNOW_ABSENT, WINDOW_SUCCESS, .code = "absent"},
    {404, JSON, NOT_FOUND, C, SNOW_REJECTED, WINDOW_SUCCESS, .code = "rejected"},
    {404, JSON, ENVELOPE("Requested URI does not represent any resource", "null"), L, SNOW_REJECTED,
     WINDOW_SUCCESS, .code = "rejected", .says = "server_url"},
    {405, JSON, ENVELOPE("Method not supported", "null"), ALL, SNOW_REJECTED, WINDOW_SUCCESS,
     .code = "rejected"},
    {406, JSON, ENVELOPE("x", "null"), ALL, SNOW_REJECTED, WINDOW_SUCCESS, .code = "rejected"},
    {413, HTML, "<html>", ALL, SNOW_REJECTED, WINDOW_SUCCESS, .code = "rejected"},
    {414, HTML, "<html>", ALL, SNOW_REJECTED, WINDOW_SUCCESS, .code = "rejected"},
    {415, JSON, ENVELOPE("x", "null"), ALL, SNOW_REJECTED, WINDOW_SUCCESS, .code = "rejected"},

    /* nobody's trouble but the instance's, the gateway's or the sign-in's */
    {401, JSON, ENVELOPE("User Not Authenticated", "\"Required to provide Auth information\""), ALL,
     SNOW_UNAUTHORISED, WINDOW_NEUTRAL, .code = "unauthorised", .says = "sign-in is renewed"},
    {401, HTML, "<html>", ALL, SNOW_UNAUTHORISED, WINDOW_NEUTRAL, .code = "unauthorised"},
    {403, HTML, "<html>Your address is blocked</html>", READ, SNOW_UNAVAILABLE, WINDOW_FAILED,
     .code = "gateway"},
    {403, HTML, "<html>Your address is blocked</html>", WRITE, SNOW_UNKNOWN, WINDOW_NEUTRAL,
     .code = "gateway"},
    {404, HTML, "<html>nothing here</html>", READ, SNOW_UNAVAILABLE, WINDOW_FAILED,
     .code = "gateway"},
    {404, HTML, "<html>nothing here</html>", WRITE, SNOW_UNKNOWN, WINDOW_NEUTRAL,
     .code = "gateway"},
    {302, HTML, "", ALL, SNOW_UNAVAILABLE, WINDOW_FAILED, .code = "redirect"},
    {301, "", "", ALL, SNOW_UNAVAILABLE, WINDOW_FAILED, .code = "redirect"},
    {429, JSON,
     ENVELOPE("Rate limit exceeded",
              "\"Rate limit of 100 requests per hour for Table API exceeded\""),
     ALL, SNOW_THROTTLED, WINDOW_THROTTLED, .code = "throttled", .says = "100 requests per hour"},
    {429, HTML, "<html>", ALL, SNOW_THROTTLED, WINDOW_THROTTLED, .code = "throttled"},
    {429, "", "", ALL, SNOW_THROTTLED, WINDOW_THROTTLED, .code = "throttled"},
    {500, JSON, ENVELOPE(CANCELLED, "\"x. Check logs for error trace.\""), ALL, SNOW_UNKNOWN,
     WINDOW_SUCCESS, .code = "cancelled", .says = "slow business rules"},
    {500, JSON, ENVELOPE("com.glide.sys.TransactionCancelledException: " CANCELLED, "null"), ALL,
     SNOW_UNKNOWN, WINDOW_SUCCESS, .code = "cancelled"},
    {500, JSON, "{}", ALL, SNOW_UNKNOWN, WINDOW_SUCCESS, .code = "server-error"},
    {500, HTML, "<html>", ALL, SNOW_UNKNOWN, WINDOW_FAILED, .code = "server-error"},
    {502, HTML, NGINX, READ, SNOW_UNAVAILABLE, WINDOW_FAILED, .code = "unavailable"},
    {502, HTML, NGINX, WRITE, SNOW_UNKNOWN, WINDOW_FAILED, .code = "unavailable",
     .says = "is not known"},
    {503, HTML, "<html>Maintenance</html>", READ, SNOW_UNAVAILABLE, WINDOW_FAILED,
     .code = "unavailable"},
    {503, HTML, "<html>Maintenance</html>", WRITE, SNOW_UNKNOWN, WINDOW_FAILED,
     .code = "unavailable"},
    {504, HTML, "<html>", READ, SNOW_UNAVAILABLE, WINDOW_FAILED, .code = "unavailable"},
    {504, "", "", WRITE, SNOW_UNKNOWN, WINDOW_FAILED, .code = "unavailable"},
    {520, HTML, "<html>", WRITE, SNOW_UNKNOWN, WINDOW_FAILED, .code = "unavailable"},
    {408, "", "", READ, SNOW_UNAVAILABLE, WINDOW_FAILED, .code = "time-out"},
    {408, "", "", WRITE, SNOW_UNKNOWN, WINDOW_FAILED, .code = "time-out"},
};

static struct snow_op op_of(enum snow_kind kind, json_t *body)
{
    return (struct snow_op){.kind = kind, .table = "incident", .sys_id = ID, .body = body};
}

static struct http_answer answer_of(int status, const char *type, const char *body)
{
    return (struct http_answer){.status = status,
                                .content_type = type,
                                .body = body,
                                .body_length = strlen(body),
                                .date = MSEC_NONE,
                                .rate_reset = -1,
                                .rate_limit = -1,
                                .total_count = -1};
}

static void check_row(const struct row *r, enum snow_kind kind, json_t *body)
{
    struct snow_op op = op_of(kind, body);
    struct http_answer a = answer_of(r->status, r->type, r->body);
    struct snow_outcome o;
    enum window_result window;
    json_t *root = answer_judge(&op, &a, &o, &window);

    if (o.verdict != r->verdict || window != r->window || o.doubtful != r->doubtful ||
        strcmp(o.err.code, r->code) != 0)
        fail_msg("row %d, kind %d, HTTP %d: %s, window %d, doubtful %d, code %s: %s",
                 (int)(r - rows), (int)kind, r->status, snow_verdict_name(o.verdict), (int)window,
                 o.doubtful, o.err.code, o.err.text);
    assert_true((o.result != NULL) == (o.verdict == SNOW_OK));
    assert_true((o.err.class == ERR_NONE) == (o.verdict == SNOW_OK));
    assert_true(o.outage == (window == WINDOW_FAILED || window == WINDOW_THROTTLED));
    assert_true(o.sent);
    if (o.verdict != SNOW_OK) {
        assert_non_null(strstr(o.err.text, "incident"));
        assert_true((strstr(o.err.text, ID) != NULL) == (kind != SNOW_LIST) ||
                    strstr(r->body, ID) != NULL);
    }
    if (r->says != NULL && strstr(o.err.text, r->says) == NULL)
        fail_msg("row %d does not say '%s': %s", (int)(r - rows), r->says, o.err.text);
    json_decref(root);
}

static void test_table(void **state)
{
    json_t *body = json_pack("{ss}", "sys_id", ID);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (int kind = SNOW_GET; kind <= SNOW_UPDATE; kind++)
            if ((rows[i].kinds & (1 << kind)) != 0)
                check_row(&rows[i], (enum snow_kind)kind, body);
    json_decref(body);
}

/* Whatever the status and the body, a write that may have reached the instance is never called
 * "not done" unless the instance (or a page that stands in its place) says so. */
static void test_every_status(void **state)
{
    static const char *const bodies[] = {"", "{}", "<html>", "{\"result\":{}}", "nonsense"};
    json_t *body = json_object();

    (void)state;
    for (int status = 100; status < 1000; status++)
        for (size_t b = 0; b < ARRAY_LEN(bodies); b++)
            for (int kind = SNOW_GET; kind <= SNOW_UPDATE; kind++) {
                struct snow_op op = op_of((enum snow_kind)kind, body);
                struct http_answer a = answer_of(status, "", bodies[b]);
                struct snow_outcome o;
                enum window_result window;

                json_decref(answer_judge(&op, &a, &o, &window));
                if (status >= 500 && (kind == SNOW_CREATE || kind == SNOW_UPDATE))
                    assert_int_equal(o.verdict, SNOW_UNKNOWN);
                if (o.verdict == SNOW_OK)
                    assert_true(status == 200 || status == 201);
                /* A record is given up only for a reason of its own: 4xx, or words in a 200. */
                if (o.verdict == SNOW_REJECTED)
                    assert_true(status >= 400 && status < 500 && status != 401 && status != 429);
            }
    json_decref(body);
}

static enum snow_verdict judged(enum snow_kind kind, int status, const char *body,
                                long long *ret_count)
{
    const struct snow_op op = op_of(kind, NULL);
    const struct http_answer a = answer_of(status, JSON, body);
    struct snow_outcome o;
    enum window_result window;

    json_decref(answer_judge(&op, &a, &o, &window));
    *ret_count = o.total_count;
    return o.verdict;
}

static void test_delete_and_count(void **state)
{
    long long n;

    (void)state;
    assert_int_equal(judged(SNOW_DELETE, 204, "", &n), SNOW_OK);
    assert_int_equal(judged(SNOW_DELETE, 404, NOT_FOUND, &n), SNOW_ABSENT);
    assert_int_equal(judged(SNOW_DELETE, 503, "", &n), SNOW_UNKNOWN);
    assert_int_equal(judged(SNOW_COUNT, 204, "", &n), SNOW_UNKNOWN);
    assert_int_equal(judged(SNOW_COUNT, 200, "{\"result\":{\"stats\":{\"count\":\"17\"}}}", &n),
                     SNOW_OK);
    assert_int_equal(n, 17);
    assert_int_equal(judged(SNOW_COUNT, 200, "{\"result\":{\"stats\":{\"count\":\"x\"}}}", &n),
                     SNOW_UNKNOWN);
    assert_int_equal(judged(SNOW_COUNT, 200, "{\"result\":{}}", &n), SNOW_UNKNOWN);
}

static void test_create_without_sys_id(void **state)
{
    json_t *body = json_object();
    struct snow_op op = op_of(SNOW_CREATE, body);
    struct http_answer a = answer_of(
        403, JSON, ENVELOPE("Operation Failed", "\"Error during insert of incident (x)\""));
    struct snow_outcome o;
    enum window_result window;

    (void)state;
    json_decref(answer_judge(&op, &a, &o, &window));
    assert_int_equal(o.verdict, SNOW_REJECTED);
    json_decref(body);
}

static void test_ends(void **state)
{
    static const struct {
        enum http_end end;
        enum snow_verdict read, write;
        enum window_result window;
    } ends[] = {
        {HTTP_NOT_SENT, SNOW_UNAVAILABLE, SNOW_UNAVAILABLE, WINDOW_FAILED},
        {HTTP_LOST, SNOW_UNKNOWN, SNOW_UNKNOWN, WINDOW_FAILED},
        {HTTP_TOO_LARGE, SNOW_REJECTED, SNOW_UNKNOWN, WINDOW_SUCCESS},
        {HTTP_CANCELLED, SNOW_CANCELLED, SNOW_CANCELLED, WINDOW_NEUTRAL},
    };
    json_t *body = json_object();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        for (int kind = SNOW_GET; kind <= SNOW_UPDATE; kind++) {
            struct snow_op op = op_of((enum snow_kind)kind, body);
            struct http_answer a = answer_of(0, "", "");
            bool write = kind == SNOW_CREATE || kind == SNOW_UPDATE;
            struct snow_outcome o;
            enum window_result window;

            a.end = ends[i].end;
            (void)err_set(&a.err, ERR_RETRY, "why", "the line is down");
            assert_null(answer_judge(&op, &a, &o, &window));
            assert_int_equal(o.verdict, write ? ends[i].write : ends[i].read);
            assert_int_equal(window, ends[i].window);
            assert_true(o.sent == (ends[i].end != HTTP_NOT_SENT));
            assert_non_null(strstr(o.err.text, "the line is down"));
            assert_string_equal(o.err.code, "why");
        }
    json_decref(body);
}

static void test_wait_asked(void **state)
{
    struct snow_op op = op_of(SNOW_GET, NULL);
    struct http_answer a = answer_of(429, "", "");
    struct snow_outcome o;
    enum window_result window;

    (void)state;
    a.date = 1795557240000;
    a.rate_reset = 1795557300;
    json_decref(answer_judge(&op, &a, &o, &window));
    assert_true(o.retry_after == 60 * USEC_S);
    a.retry_after = 7 * USEC_S;
    json_decref(answer_judge(&op, &a, &o, &window));
    assert_true(o.retry_after == 7 * USEC_S);
    a.retry_after = 0;
    a.rate_reset = INT64_MAX;
    json_decref(answer_judge(&op, &a, &o, &window));
    assert_true(o.retry_after == 0);
    a.rate_reset = 1;
    json_decref(answer_judge(&op, &a, &o, &window));
    assert_true(o.retry_after == 0);
    a.rate_reset = 1795557300;
    a.status = 200;
    json_decref(answer_judge(&op, &a, &o, &window));
    assert_true(o.retry_after == 0);
}

/* Texts of the other side are cut and printable, whatever they hold. */
static void test_text_is_one_line(void **state)
{
    struct snow_op op = op_of(SNOW_GET, NULL);
    char body[4096], filler[1500];
    struct http_answer a;
    struct snow_outcome o;
    enum window_result window;

    (void)state;
    memset(filler, 'x', sizeof filler - 1);
    filler[sizeof filler - 1] = '\0';
    (void)snprintf(body, sizeof body, ENVELOPE("a\\r\\nb\\u0007%s", "\"%s\""), filler, filler);
    a = answer_of(400, JSON, body);
    json_decref(answer_judge(&op, &a, &o, &window));
    assert_null(strpbrk(o.err.text, "\r\n\a"));
    assert_non_null(strstr(o.err.text, "not sent again"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_every_status),
        cmocka_unit_test(test_delete_and_count),
        cmocka_unit_test(test_create_without_sys_id),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_wait_asked),
        cmocka_unit_test(test_text_is_one_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
