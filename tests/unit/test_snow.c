/* ServiceNow client from submit to outcome: real loop, real HTTP, scripted instance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/base/log.h"
#include "bridge/base/xalloc.h"
#include "bridge/servicenow/snow.h"
#include "tests/support/script_server.h"

#define ID  "0123456789abcdef0123456789abcdef"
#define ROW "{\"result\":{\"sys_id\":\"" ID "\",\"number\":\"INC1\"}}"

struct world {
    struct loop *loop;
    struct script_server *server;
    struct metrics *metrics;
    struct snow *snow;
    struct config config;
    char *url;
    /* of the last callback */
    int calls;
    struct snow_outcome outcomes[8];
    char *number;
    size_t rows;
    bool submit_again;
};

static char nothing[] = "", user[] = "joe", password[] = "hush", key[] = "the-key", acme[] = "acme";

static void make(struct world *w)
{
    struct err e;

    w->snow = snow_free(w->snow);
    w->snow = snow_new(w->loop, &w->config, w->metrics, &e);
    assert_non_null(w->snow);
}

static int set_up(void **state)
{
    struct world *w = xcalloc(1, sizeof *w);
    struct config_connection *c = &w->config.connection;

    log_setup(LOG_LEVEL_OFF, LOG_PLAIN);
    w->loop = loop_new(NULL);
    w->server = script_server_new();
    w->metrics = metrics_new();
    w->url = xasprintf("http://127.0.0.1:%d", script_server_port(w->server));
    c->server_url = w->url;
    c->host = acme;
    c->ca_file = c->proxy = nothing;
    c->allow_insecure_loopback = true;
    c->connect_timeout = 10 * USEC_S;
    c->request_timeout = 20 * USEC_S;
    c->max_in_flight = 8;
    c->auth = (struct config_auth){.grant = GRANT_BASIC,
                                   .client_id = nothing,
                                   .client_secret = {nothing, nothing},
                                   .username = user,
                                   .password = {nothing, password},
                                   .refresh_token = {nothing, nothing},
                                   .api_key = {nothing, key},
                                   .token_store = nothing};
    make(w);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    w->snow = snow_free(w->snow);
    w->loop = loop_free(w->loop);
    w->server = script_server_free(w->server);
    w->metrics = metrics_free(w->metrics);
    free(w->number);
    free(w->url);
    free(w);
    return 0;
}

static void push(struct world *w, int status, const char *body)
{
    const struct script_step step = {.status = status, .body = body};

    script_server_push(w->server, &step);
}

static usec_t now(struct world *w)
{
    return loop_now(w->loop);
}

static void remember(void *arg, const struct snow_op *ops, const struct snow_outcome *outcomes,
                     size_t n, usec_t at)
{
    struct world *w = arg;
    const json_t *number = json_object_get(outcomes[0].result, "number");

    (void)at;
    w->calls++;
    assert_true(n <= ARRAY_LEN(w->outcomes));
    memcpy(w->outcomes, outcomes, n * sizeof *outcomes);
    free(w->number);
    w->number = xstrdup(json_string_value(number));
    w->rows = json_array_size(outcomes[0].result);
    if (w->submit_again) {
        struct err e;

        w->submit_again = false;
        if (snow_submit(w->snow, WINDOW_ALERTS, ops, 1, remember, w, at, &e) != 0)
            assert_string_equal(e.code, "closing");
    }
}

static void turn(struct world *w)
{
    loop_turn(w->loop, 10 * USEC_MS);
    (void)snow_tick(w->snow, now(w));
}

static void submit(struct world *w, const struct snow_op *ops, size_t n)
{
    struct err e;

    (void)snow_tick(w->snow, now(w));
    assert_true(snow_room(w->snow, WINDOW_ALERTS, false, now(w)) >= n);
    w->calls = 0;
    assert_int_equal(snow_submit(w->snow, WINDOW_ALERTS, ops, n, remember, w, now(w), &e), 0);
    assert_int_equal(w->calls, 0);
}

static const struct snow_outcome *run(struct world *w, const struct snow_op *ops, size_t n)
{
    submit(w, ops, n);
    while (w->calls == 0)
        turn(w);
    turn(w);
    assert_int_equal(w->calls, 1);
    assert_int_equal(window_in_flight(snow_window(w->snow)), 0);
    return w->outcomes;
}

static const struct snow_outcome *get(struct world *w)
{
    const struct snow_op op = {.kind = SNOW_GET, .table = "incident", .sys_id = ID};

    return run(w, &op, 1);
}

static void test_create(void **state)
{
    struct world *w = *state;
    json_t *body = json_pack("{ssss}", "sys_id", ID, "short_description",
                             "Gr\xc3\xbc\xc3\x9f"
                             "e");
    const struct snow_op op = {
        .kind = SNOW_CREATE, .table = "incident", .body = body, .fields = "sys_id,number"};
    const struct script_request *r;

    push(w, 201, ROW);
    submit(w, &op, 1);
    assert_int_equal(window_in_flight(snow_window(w->snow)), 1);
    json_decref(body); /* the client holds a reference of its own */
    while (w->calls == 0)
        turn(w);
    assert_int_equal(w->outcomes[0].verdict, SNOW_OK);
    assert_int_equal(w->outcomes[0].status, 201);
    assert_string_equal(w->number, "INC1");
    r = script_server_request(w->server, 0);
    assert_string_equal(r->method, "POST");
    assert_string_equal(r->target, "/api/now/table/incident?sysparm_exclude_reference_link=true&"
                                   "sysparm_display_value=false&sysparm_fields=sys_id%2Cnumber");
    assert_string_equal(r->body, "{\"sys_id\":\"" ID "\",\"short_description\":\"Gr\xc3\xbc\xc3\x9f"
                                 "e\"}");
    assert_non_null(strcasestr(r->head, "\r\nAccept: application/json\r\n"));
    assert_non_null(strcasestr(r->head, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strcasestr(r->head, "\r\nAuthorization: Basic am9lOmh1c2g=\r\n"));
}

static void test_list_and_update(void **state)
{
    struct world *w = *state;
    const struct snow_op list = {.kind = SNOW_LIST,
                                 .table = "change_request",
                                 .query = "sys_idIN1,2^ORDERBYsys_id",
                                 .limit = 7,
                                 .display = "all"};
    json_t *body = json_pack("{ss}", "state", "6");
    const struct snow_op update = {
        .kind = SNOW_UPDATE, .table = "incident", .sys_id = ID, .body = body};

    push(w, 200, "{\"result\":[{},{},{}]}");
    assert_int_equal(run(w, &list, 1)->verdict, SNOW_OK);
    assert_int_equal(w->rows, 3);
    assert_string_equal(
        script_server_request(w->server, 0)->target,
        "/api/now/table/change_request?sysparm_exclude_reference_link=true&sysparm_display_value="
        "all&sysparm_query=sys_idIN1%2C2%5EORDERBYsys_id&sysparm_limit=7&"
        "sysparm_suppress_pagination_header=true&sysparm_no_count=true");
    push(w, 200, ROW);
    assert_int_equal(run(w, &update, 1)->verdict, SNOW_OK);
    assert_string_equal(script_server_request(w->server, 1)->method, "PATCH");
    assert_true(strncmp(script_server_request(w->server, 1)->target, "/api/now/table/incident/" ID,
                        24 + 32) == 0);
    json_decref(body);
}

static void test_delete_and_count(void **state)
{
    struct world *w = *state;
    json_t *body = json_pack("{ss}", "user_password", "x");
    const struct snow_op delete = {.kind = SNOW_DELETE, .table = "incident", .sys_id = ID};
    const struct snow_op count = {.kind = SNOW_COUNT, .table = "incident", .query = "active=true"};
    const struct snow_op display = {.kind = SNOW_UPDATE,
                                    .table = "sys_user",
                                    .sys_id = ID,
                                    .fields = "sys_id",
                                    .input_display = true,
                                    .body = body};

    push(w, 204, "");
    assert_int_equal(run(w, &delete, 1)->verdict, SNOW_OK);
    assert_string_equal(script_server_request(w->server, 0)->method, "DELETE");
    assert_string_equal(script_server_request(w->server, 0)->target, "/api/now/table/incident/" ID);
    push(w, 200, "{\"result\":{\"stats\":{\"count\":\"3\"}}}");
    assert_int_equal(run(w, &count, 1)->total_count, 3);
    assert_string_equal(script_server_request(w->server, 1)->target,
                        "/api/now/stats/incident?sysparm_count=true&"
                        "sysparm_query=active%3Dtrue");
    push(w, 200, ROW);
    assert_int_equal(run(w, &display, 1)->verdict, SNOW_OK);
    assert_non_null(
        strstr(script_server_request(w->server, 2)->target, "&sysparm_input_display_value=true"));
    json_decref(body);
}

/* Outcomes stand in the order of the operations, whatever the order of the answers. */
static void test_batch(void **state)
{
    struct world *w = *state;
    struct snow_op ops[4];
    const struct snow_outcome *o;
    unsigned seen = 0;

    for (size_t i = 0; i < 4; i++)
        ops[i] = (struct snow_op){.kind = SNOW_GET, .table = "incident", .sys_id = ID};
    push(w, 200, ROW);
    push(w, 404,
         "{\"error\":{\"message\":\"No Record found\",\"detail\":null},\"status\":\"failure\"}");
    push(w, 403, "{\"error\":{\"message\":\"x\",\"detail\":null},\"status\":\"failure\"}");
    push(w, 500, "{}");
    o = run(w, ops, 4);
    for (size_t i = 0; i < 4; i++)
        seen |= 1u << o[i].verdict;
    assert_int_equal(seen,
                     1u << SNOW_OK | 1u << SNOW_ABSENT | 1u << SNOW_REJECTED | 1u << SNOW_UNKNOWN);
    assert_int_equal(script_server_count(w->server), 4);
}

static void test_large_bodies(void **state)
{
    struct world *w = *state;
    char *big = xcalloc(1, 200001), *answer;
    json_t *body;
    struct snow_op op = {.kind = SNOW_CREATE, .table = "incident"};

    memset(big, 'd', 200000);
    answer = xasprintf("{\"result\":{\"number\":\"%s\"}}", big);
    body = json_pack("{ss}", "description", big);
    op.body = body;
    push(w, 201, answer);
    assert_int_equal(run(w, &op, 1)->verdict, SNOW_OK);
    assert_string_equal(w->number, big);
    assert_int_equal(script_server_request(w->server, 0)->body_length, 200000 + 18);
    json_decref(body);
    free(answer);
    free(big);
}

static void test_unusable(void **state)
{
    struct world *w = *state;
    const struct snow_op ops[] = {
        {.kind = SNOW_GET, .table = "incident", .sys_id = ID},
        {.kind = SNOW_GET, .table = "incident/../sys_user", .sys_id = ID}};
    struct err e;

    (void)snow_tick(w->snow, now(w));
    assert_int_equal(snow_submit(w->snow, WINDOW_SYNC, ops, 2, remember, w, now(w), &e), -1);
    assert_int_equal(e.class, ERR_REJECT);
    turn(w);
    assert_int_equal(w->calls, 0);
    assert_int_equal(script_server_connections(w->server), 0);
    assert_int_equal(window_in_flight(snow_window(w->snow)), 0);
}

static void test_throttled(void **state)
{
    struct world *w = *state;
    const struct script_step step = {
        .status = 429, .headers = "Retry-After: 600\r\n", .body = "{}"};
    const struct snow_outcome *o;

    script_server_push(w->server, &step);
    o = get(w);
    assert_int_equal(o->verdict, SNOW_THROTTLED);
    assert_true(o->retry_after == 600 * USEC_S);
    assert_true(o->outage);
    assert_int_equal(window_state(snow_window(w->snow)), WINDOW_CLOSED);
    assert_int_equal(snow_room(w->snow, WINDOW_ALERTS, false, now(w)), 0);
    assert_true(snow_room(w->snow, WINDOW_ALERTS, false, now(w) + 700 * USEC_S) > 0);
}

/* 401: the window is barred, not closed; the record is charged with nothing. */
static void test_unauthorised(void **state)
{
    struct world *w = *state;
    const struct snow_outcome *o;

    push(w, 401, "{}");
    o = get(w);
    assert_int_equal(o->verdict, SNOW_UNAUTHORISED);
    assert_int_equal(o->err.class, ERR_AUTH);
    assert_false(o->outage);
    assert_int_equal(window_state(snow_window(w->snow)), WINDOW_BARRED);
    assert_string_not_equal(window_reason(snow_window(w->snow)), "");
    assert_int_equal(snow_room(w->snow, WINDOW_ALERTS, false, now(w)), 0);
}

static void test_token_is_renewed(void **state)
{
    struct world *w = *state;
    struct snow_op ops[3];

    w->config.connection.auth.grant = GRANT_PASSWORD;
    make(w);
    for (size_t i = 0; i < 3; i++)
        ops[i] = (struct snow_op){.kind = SNOW_GET, .table = "incident", .sys_id = ID};
    assert_int_equal(snow_room(w->snow, WINDOW_ALERTS, false, now(w)), 0);
    push(w, 200, "{\"access_token\":\"T1\",\"token_type\":\"Bearer\",\"expires_in\":1800}");
    while (snow_room(w->snow, WINDOW_ALERTS, false, now(w)) == 0)
        turn(w);
    for (size_t i = 0; i < 3; i++)
        push(w, 401, "{}");
    run(w, ops, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(w->outcomes[i].verdict, SNOW_UNAUTHORISED);
    assert_non_null(
        strcasestr(script_server_request(w->server, 3)->head, "\r\nAuthorization: Bearer T1\r\n"));
    /* A token that was fresh when it was refused waits a little; then one request renews it. */
    push(w, 200, "{\"access_token\":\"T2\",\"token_type\":\"Bearer\",\"expires_in\":1800}");
    (void)snow_tick(w->snow, now(w) + 20 * USEC_S);
    while (snow_room(w->snow, WINDOW_ALERTS, false, now(w)) == 0)
        turn(w);
    push(w, 200, ROW);
    assert_int_equal(get(w)->verdict, SNOW_OK);
    assert_int_equal(script_server_count(w->server), 6);
    assert_non_null(
        strcasestr(script_server_request(w->server, 5)->head, "\r\nAuthorization: Bearer T2\r\n"));
}

/* The sign-in goes away between the question for room and the submit: told by the next tick. */
static void test_sign_in_gone(void **state)
{
    struct world *w = *state;
    const struct snow_op op = {.kind = SNOW_GET, .table = "incident", .sys_id = ID};
    struct err e;

    oauth_rejected(snow_oauth(w->snow), 0, now(w));
    assert_int_equal(snow_submit(w->snow, WINDOW_ALERTS, &op, 1, remember, w, now(w), &e), 0);
    assert_int_equal(w->calls, 0);
    turn(w);
    assert_int_equal(w->calls, 1);
    assert_int_equal(w->outcomes[0].verdict, SNOW_UNAUTHORISED);
    assert_false(w->outcomes[0].sent);
    assert_int_equal(script_server_count(w->server), 0);
}

static void test_api_key(void **state)
{
    struct world *w = *state;

    w->config.connection.auth.grant = GRANT_API_KEY;
    make(w);
    push(w, 200, ROW);
    assert_int_equal(get(w)->verdict, SNOW_OK);
    assert_non_null(
        strcasestr(script_server_request(w->server, 0)->head, "\r\nx-sn-apikey: the-key\r\n"));
    assert_null(strcasestr(script_server_request(w->server, 0)->head, "\r\nAuthorization:"));
}

/* A request that cannot be built because of the configuration is no fault of the record. */
static void test_bad_key_is_an_outage(void **state)
{
    static char broken[] = "hidden\nvalue";
    struct world *w = *state;
    const struct snow_outcome *o;

    w->config.connection.auth.grant = GRANT_API_KEY;
    w->config.connection.auth.api_key.value = broken;
    make(w);
    o = get(w);
    assert_int_equal(o->verdict, SNOW_UNAVAILABLE);
    assert_true(o->outage && !o->sent);
    assert_null(strstr(o->err.text, "hidden"));
    assert_non_null(strstr(o->err.text, "connection.auth"));
    for (int i = 0; i < 10 && snow_room(w->snow, WINDOW_ALERTS, false, now(w)) > 0; i++)
        (void)get(w);
    assert_int_equal(window_state(snow_window(w->snow)), WINDOW_CLOSED);
}

static void test_lost_and_away(void **state)
{
    struct world *w = *state;
    const struct script_step cut = {.act = SCRIPT_CUT, .body = ROW};
    const struct snow_outcome *o;

    script_server_push(w->server, &cut);
    o = get(w);
    assert_int_equal(o->verdict, SNOW_UNKNOWN);
    assert_true(o->sent && o->outage);
    make(w); /* a new window: this one may be closed by now */
    w->server = script_server_free(w->server);
    o = get(w);
    assert_int_equal(o->verdict, SNOW_UNAVAILABLE);
    assert_true(!o->sent && o->outage);
    assert_null(strstr(o->err.text, "hush"));
    w->server = script_server_new();
}

static void test_free_cancels(void **state)
{
    struct world *w = *state;
    const struct snow_op op = {.kind = SNOW_GET, .table = "incident", .sys_id = ID};
    const struct script_step step = {.hold = true};

    script_server_push(w->server, &step);
    submit(w, &op, 1);
    while (script_server_count(w->server) == 0)
        turn(w);
    w->submit_again = true;
    w->snow = snow_free(w->snow);
    assert_int_equal(w->calls, 1);
    assert_int_equal(w->outcomes[0].verdict, SNOW_CANCELLED);
}

static void test_submit_in_callback(void **state)
{
    struct world *w = *state;
    const struct snow_op op = {.kind = SNOW_GET, .table = "incident", .sys_id = ID};

    push(w, 200, ROW);
    push(w, 200, ROW);
    w->submit_again = true;
    submit(w, &op, 1);
    while (w->calls < 2)
        turn(w);
    assert_int_equal(w->outcomes[0].verdict, SNOW_OK);
    assert_int_equal(script_server_count(w->server), 2);
}

static void test_clock_skew(void **state)
{
    struct world *w = *state;
    const struct script_step step = {.headers = "Date: Tue, 24 Nov 2026 21:54:00 GMT\r\n",
                                     .body = ROW};
    msec_t want;

    assert_true(snow_clock_skew(w->snow) == 0);
    script_server_push(w->server, &step);
    want = 1795557240500 - clock_wall();
    assert_true(get(w)->date == 1795557240000);
    assert_true(llabs(snow_clock_skew(w->snow) - want) < 20000);
}

static void test_metrics(void **state)
{
    struct world *w = *state;
    struct buf out;

    push(w, 200, ROW);
    push(w, 500, "{}");
    (void)get(w);
    (void)get(w);
    buf_init(&out, 1000000);
    assert_int_equal(metrics_print(w->metrics, &out), 0);
    assert_non_null(
        strstr(buf_text(&out), "servicenow_requests_total{kind=\"get\",verdict=\"ok\"} 1\n"));
    assert_non_null(
        strstr(buf_text(&out), "servicenow_requests_total{kind=\"get\",verdict=\"unknown\"} 1\n"));
    assert_non_null(strstr(buf_text(&out), "servicenow_request_seconds_count{kind=\"get\"} 2\n"));
    assert_non_null(strstr(buf_text(&out), "servicenow_window_in_flight 0\n"));
    assert_non_null(strstr(buf_text(&out), "servicenow_window_state{state=\"open\"} 1\n"));
    buf_done(&out);
}

#define RULE                                                                                       \
    "Date: Tue, 24 Nov 2026 21:00:00 GMT\r\nX-RateLimit-Limit: 8\r\n"                              \
    "X-RateLimit-Reset: 1795557600\r\nX-RateLimit-Rule: a8d5a4b5c0a80165019a7d8f1b0e5c11\r\n"

/* Counted from the answers' own dates, whatever the clock here says; sync yields to alerts. */
static void test_rate_rule(void **state)
{
    struct world *w = *state;
    const struct script_step step = {.headers = RULE, .body = "{\"result\":{}}"};
    struct snow_rate rate;
    struct buf out;

    snow_rate(w->snow, &rate);
    assert_true(rate.limit == 0 && rate.reset == MSEC_NONE);
    for (int i = 0; i < 6; i++) {
        script_server_push(w->server, &step);
        (void)get(w);
        assert_int_equal(snow_room(w->snow, WINDOW_SYNC, true, now(w)) > 0, i < 5);
        assert_true(snow_room(w->snow, WINDOW_ALERTS, true, now(w)) > 0);
    }
    snow_rate(w->snow, &rate);
    assert_true(rate.limit == 8 && rate.left == 2 && rate.reset == 1795557600000);
    assert_string_equal(rate.rule, "a8d5a4b5c0a80165019a7d8f1b0e5c11");
    /* Woken while sync waits for the budget. */
    assert_true(snow_tick(w->snow, now(w)) <= now(w) + USEC_S);
    assert_true(snow_room(w->snow, WINDOW_SYNC, true, now(w) + 3601 * USEC_S) > 0);
    buf_init(&out, 100000);
    assert_int_equal(metrics_print(w->metrics, &out), 0);
    assert_non_null(strstr(buf_text(&out), "servicenow_rate_limit 8\n"));
    assert_non_null(strstr(buf_text(&out), "servicenow_rate_left 2\n"));
    buf_done(&out);
}

/* Asked once, a minute after the sign-in; whoever may not read the table stays with the guess. */
static void test_end_of_refresh_token_is_asked(void **state)
{
    static const struct {
        int status;
        const char *body;
        enum oauth_life source;
    } cases[] = {
        {200,
         "{\"result\":[{\"type\":\"refresh_token\",\"expires\":\"2099-01-01 00:00:00\","
         "\"user.user_name\":\"joe\",\"peer.client_id\":\"joe\"}]}",
         OAUTH_LIFE_ASKED},
        {200, "{\"result\":[]}", OAUTH_LIFE_ASSUMED},
        {403, "{\"error\":{\"message\":\"no\",\"detail\":null},\"status\":\"failure\"}",
         OAUTH_LIFE_ASSUMED},
    };
    struct world *w = *state;
    struct oauth_refresh life;

    w->config.connection.auth.grant = GRANT_PASSWORD;
    w->config.connection.auth.client_id = user;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct script_request *r;

        push(w, 200,
             "{\"access_token\":\"T\",\"refresh_token\":\"R\",\"token_type\":\"Bearer\","
             "\"expires_in\":1800}");
        make(w);
        (void)snow_tick(w->snow, now(w));
        while (snow_room(w->snow, WINDOW_ALERTS, false, now(w)) == 0)
            turn(w);
        (void)snow_tick(w->snow, now(w) + 59 * USEC_S);
        assert_int_equal(window_in_flight(snow_window(w->snow)), 0);
        push(w, cases[i].status, cases[i].body);
        (void)snow_tick(w->snow, now(w) + 61 * USEC_S);
        assert_int_equal(window_in_flight(snow_window(w->snow)), 1);
        while (window_in_flight(snow_window(w->snow)) > 0)
            turn(w);
        (void)snow_tick(w->snow, now(w) + 120 * USEC_S);
        assert_int_equal(window_in_flight(snow_window(w->snow)), 0);
        r = script_server_request(w->server, 2 * i + 1);
        assert_non_null(strstr(r->target, "/api/now/table/oauth_credential?"));
        oauth_refresh_life(snow_oauth(w->snow), now(w), &life);
        assert_int_equal(life.source, cases[i].source);
    }
}

int main(void)
{
#define SNOW_TEST(f_) cmocka_unit_test_setup_teardown(f_, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        SNOW_TEST(test_create),
        SNOW_TEST(test_list_and_update),
        SNOW_TEST(test_delete_and_count),
        SNOW_TEST(test_batch),
        SNOW_TEST(test_large_bodies),
        SNOW_TEST(test_unusable),
        SNOW_TEST(test_throttled),
        SNOW_TEST(test_unauthorised),
        SNOW_TEST(test_token_is_renewed),
        SNOW_TEST(test_sign_in_gone),
        SNOW_TEST(test_api_key),
        SNOW_TEST(test_bad_key_is_an_outage),
        SNOW_TEST(test_lost_and_away),
        SNOW_TEST(test_free_cancels),
        SNOW_TEST(test_submit_in_callback),
        SNOW_TEST(test_clock_skew),
        SNOW_TEST(test_metrics),
        SNOW_TEST(test_rate_rule),
        SNOW_TEST(test_end_of_refresh_token_is_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
