/* Answers to bulk events and to rows of an Import Set: failure hides in 200 and 201. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/servicenow/answer.h"
#include "bridge/servicenow/answer_rows.h"
#include "bridge/servicenow/request.h"

#define JSON "application/json"
#define HTML "text/html"
#define ENVELOPE(m_, d_)                                                                           \
    "{\"error\":{\"message\":\"" m_ "\",\"detail\":" d_ "},\"status\":\"failure\"}"
#define BULK(words_) "{\"result\":{\"Default Bulk Endpoint\":\"" words_ "\"}}"
#define IMPORT(entries_)                                                                           \
    "{\"import_set\":\"ISET0010001\",\"staging_table\":\"u_alerts\",\"result\":[" entries_ "]}"
#define ENTRY(status_)                                                                             \
    "{\"transform_map\":\"Alerts\",\"table\":\"incident\",\"status\":\"" status_                   \
    "\",\"sys_id\":\"0123456789abcdef0123456789abcdef\",\"error_message\":\"Target record not "    \
    "found\"}"

enum { E = 1 << SNOW_EVENTS, I = 1 << SNOW_IMPORT, B = E | I };

static const struct row {
    int status;
    const char *type, *body;
    int kinds;
    enum snow_verdict verdict;
    enum window_result window;
    bool place;
    const char *code;
    long long taken;        /* EVENTS, SNOW_OK */
    const char *row_status; /* IMPORT, SNOW_OK: of the result; else: said in the text */
} rows[] = {
    {200, JSON, BULK("3 events were inserted"), E, SNOW_OK, WINDOW_SUCCESS, false, "none", 3, NULL},
    {201, JSON, BULK("1 events were inserted"), E, SNOW_OK, WINDOW_SUCCESS, false, "none", 1, NULL},
    {200, JSON, BULK("0 events were inserted"), E, SNOW_OK, WINDOW_SUCCESS, false, "none", 0, NULL},
    {200, JSON, BULK("Es wurden 12 Ereignisse angelegt"), E, SNOW_OK, WINDOW_SUCCESS, false, "none",
     12, NULL},
    {200, JSON, BULK("events were inserted"), E, SNOW_UNKNOWN, WINDOW_SUCCESS, false, "malformed",
     0, NULL},
    {200, JSON, BULK("99999999999999999999999 events"), E, SNOW_UNKNOWN, WINDOW_SUCCESS, false,
     "malformed", 0, NULL},
    {200, JSON, "{\"result\":{\"Default Bulk Endpoint\":3}}", E, SNOW_UNKNOWN, WINDOW_SUCCESS,
     false, "malformed", 0, NULL},
    {200, JSON, "{\"result\":[]}", E, SNOW_UNKNOWN, WINDOW_SUCCESS, false, "malformed", 0, NULL},
    {200, JSON, "", E, SNOW_UNKNOWN, WINDOW_SUCCESS, false, "malformed", 0, "sent again"},
    {200, JSON, "{\"result\":{\"Default Bulk", B, SNOW_UNKNOWN, WINDOW_SUCCESS, false, "malformed",
     0, NULL},
    {200, JSON, ENVELOPE("Operation Failed", "\"odd\""), B, SNOW_REJECTED, WINDOW_SUCCESS, false,
     "rejected", 0, "odd"},
    {200, HTML, "<html>hibernating</html>", B, SNOW_UNAVAILABLE, WINDOW_FAILED, false, "html", 0,
     NULL},

    {201, JSON, IMPORT(ENTRY("inserted")), I, SNOW_OK, WINDOW_SUCCESS, false, "none", 0,
     "inserted"},
    {201, JSON, IMPORT(ENTRY("updated")), I, SNOW_OK, WINDOW_SUCCESS, false, "none", 0, "updated"},
    {201, JSON, IMPORT(ENTRY("ignored")), I, SNOW_OK, WINDOW_SUCCESS, false, "none", 0, "ignored"},
    {201, JSON, IMPORT(ENTRY("skipped")), I, SNOW_OK, WINDOW_SUCCESS, false, "none", 0, "skipped"},
    {201, JSON, IMPORT(ENTRY("ignored") "," ENTRY("inserted")), I, SNOW_OK, WINDOW_SUCCESS, false,
     "none", 0, "inserted"},
    {201, JSON, IMPORT(ENTRY("inserted") "," ENTRY("error")), I, SNOW_REJECTED, WINDOW_SUCCESS,
     false, "import-error", 0, "Target record not found: Alerts"},
    {201, JSON, IMPORT(ENTRY("error")), I, SNOW_REJECTED, WINDOW_SUCCESS, false, "import-error", 0,
     "transform map"},
    {201, JSON, IMPORT("{\"status\":\"error\"}"), I, SNOW_REJECTED, WINDOW_SUCCESS, false,
     "import-error", 0, "the transform map failed"},
    {201, JSON, IMPORT(ENTRY("pending")), I, SNOW_UNKNOWN, WINDOW_SUCCESS, false, "malformed", 0,
     NULL},
    {201, JSON, IMPORT("17"), I, SNOW_UNKNOWN, WINDOW_SUCCESS, false, "malformed", 0, NULL},
    {201, JSON, IMPORT(""), I, SNOW_REJECTED, WINDOW_SUCCESS, true, "import-no-map", 0,
     "it is tried again"},
    {201, JSON, "", I, SNOW_REJECTED, WINDOW_SUCCESS, true, "import-hidden", 0,
     "read the staging table"},
    {201, JSON, "{\"result\":{\"status\":\"inserted\"}}", I, SNOW_UNKNOWN, WINDOW_SUCCESS, false,
     "malformed", 0, NULL},

    {400, JSON, ENVELOPE("Requested URI does not represent any resource", "null"), B, SNOW_REJECTED,
     WINDOW_SUCCESS, true, "no-place", 0, "Event Management"},
    {400, JSON, ENVELOPE("Invalid table u_alerts", "null"), I, SNOW_REJECTED, WINDOW_SUCCESS, true,
     "no-place", 0, "tried again"},
    {400, JSON, ENVELOPE("Exception while reading request", "\"line 1\""), B, SNOW_REJECTED,
     WINDOW_SUCCESS, false, "rejected", 0, "not sent again"},
    {403, JSON, ENVELOPE("User Not Authorized", "\"Failed API level ACL Validation\""), B,
     SNOW_REJECTED, WINDOW_SUCCESS, true, "no-place", 0, "web services"},
    {403, JSON, ENVELOPE("Operation Failed", "\"... was aborted by Business Rule 'x'\""), I,
     SNOW_REJECTED, WINDOW_SUCCESS, false, "rejected", 0, "business rule that it names"},
    {404, JSON, ENVELOPE("x", "null"), B, SNOW_REJECTED, WINDOW_SUCCESS, true, "no-place", 0, NULL},
    {405, JSON, ENVELOPE("x", "null"), B, SNOW_REJECTED, WINDOW_SUCCESS, true, "no-place", 0, NULL},
    {403, HTML, "<html>blocked</html>", B, SNOW_UNKNOWN, WINDOW_NEUTRAL, false, "gateway", 0, NULL},
    {413, HTML, "<html>", B, SNOW_REJECTED, WINDOW_SUCCESS, false, "rejected", 0, NULL},
    {401, JSON, ENVELOPE("x", "null"), B, SNOW_UNAUTHORISED, WINDOW_NEUTRAL, false, "unauthorised",
     0, NULL},
    {429, "", "", B, SNOW_THROTTLED, WINDOW_THROTTLED, false, "throttled", 0, NULL},
    {500, JSON, ENVELOPE("x", "null"), B, SNOW_UNKNOWN, WINDOW_SUCCESS, false, "server-error", 0,
     "sent again"},
    {503, HTML, "<html>", B, SNOW_UNKNOWN, WINDOW_FAILED, false, "unavailable", 0, NULL},
};

static json_t *judge(int status, const char *type, const char *body, enum snow_kind kind,
                     struct snow_outcome *o, enum window_result *window)
{
    const struct snow_op op = {.kind = kind, .table = "u_alerts", .text = "{}", .text_length = 2};
    const struct http_answer a = {.status = status,
                                  .content_type = type,
                                  .body = body,
                                  .body_length = strlen(body),
                                  .date = MSEC_NONE,
                                  .rate_reset = -1,
                                  .rate_limit = -1,
                                  .total_count = -1};

    return answer_judge(&op, &a, o, window);
}

static void check_row(const struct row *r, enum snow_kind kind)
{
    struct snow_outcome o;
    enum window_result window;
    json_t *root = judge(r->status, r->type, r->body, kind, &o, &window);

    if (o.verdict != r->verdict || window != r->window || o.place != r->place || o.doubtful ||
        strcmp(o.err.code, r->code) != 0)
        fail_msg("row %d, kind %d: %s, window %d, place %d, code %s: %s", (int)(r - rows),
                 (int)kind, snow_verdict_name(o.verdict), (int)window, o.place, o.err.code,
                 o.err.text);
    if (o.verdict == SNOW_OK && kind == SNOW_EVENTS)
        assert_true(o.total_count == r->taken);
    if (o.verdict == SNOW_OK && kind == SNOW_IMPORT)
        assert_string_equal(json_string_value(json_object_get(o.result, "status")), r->row_status);
    if (o.verdict != SNOW_OK && r->row_status != NULL && strstr(o.err.text, r->row_status) == NULL)
        fail_msg("row %d does not say '%s': %s", (int)(r - rows), r->row_status, o.err.text);
    json_decref(root);
}

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (int kind = SNOW_EVENTS; kind <= SNOW_IMPORT; kind++)
            if ((rows[i].kinds & (1 << kind)) != 0)
                check_row(&rows[i], (enum snow_kind)kind);
}

/* No answer makes the caller look for a record: these targets have none to look at. */
static void test_every_status(void **state)
{
    static const char *const bodies[] = {"", "{}", "<html>", "{\"result\":{}}", "{\"result\":[]}"};

    (void)state;
    for (int status = 100; status < 1000; status++)
        for (size_t b = 0; b < ARRAY_LEN(bodies); b++)
            for (int kind = SNOW_EVENTS; kind <= SNOW_IMPORT; kind++) {
                struct snow_outcome o;
                enum window_result window;

                json_decref(judge(status, "", bodies[b], (enum snow_kind)kind, &o, &window));
                assert_int_not_equal(o.verdict, SNOW_OK);
                assert_int_not_equal(o.verdict, SNOW_EXISTS);
                assert_int_not_equal(o.verdict, SNOW_ABSENT);
                if (status >= 500)
                    assert_int_equal(o.verdict, SNOW_UNKNOWN);
                if (o.verdict == SNOW_REJECTED && !o.place)
                    assert_true(status >= 400 && status < 500);
            }
}

static char *url_of(const struct snow_op *op)
{
    struct buf b;
    struct err e;

    buf_init(&b, REQUEST_URL_MAX);
    assert_int_equal(request_check(op, &e), 0);
    assert_int_equal(request_url(&b, "https://x.service-now.com/", op, &e), 0);
    return buf_take(&b, NULL);
}

static void test_requests(void **state)
{
    json_t *body = json_pack("{ss}", "u_title", "x");
    struct snow_op events = {
        .kind = SNOW_EVENTS, .table = "em_event", .text = "{}", .text_length = 2};
    struct snow_op import = {.kind = SNOW_IMPORT, .table = "u_alerts", .body = body};
    char *a = url_of(&events), *b = url_of(&import);
    struct err e;

    (void)state;
    assert_string_equal(a, "https://x.service-now.com/api/global/em/jsonv2");
    assert_string_equal(b, "https://x.service-now.com/api/now/import/u_alerts");
    assert_string_equal(request_method(SNOW_EVENTS), "POST");
    assert_string_equal(request_method(SNOW_IMPORT), "POST");
    assert_false(request_has_body(SNOW_EVENTS));
    assert_true(request_has_body(SNOW_IMPORT));
    events.text = NULL;
    assert_int_equal(request_check(&events, &e), -1);
    import.table = "u_alerts/../x";
    assert_int_equal(request_check(&import, &e), -1);
    free(a);
    free(b);
    json_decref(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_every_status),
        cmocka_unit_test(test_requests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
