/* A command's connection: asks, waits, tells why it cannot. Scripted instance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/base/log.h"
#include "bridge/base/xalloc.h"
#include "bridge/commands/desk.h"
#include "tests/support/script_server.h"

#define ID "0123456789abcdef0123456789abcdef"

struct world {
    struct script_server *server;
    struct config config;
    struct desk *desk;
    char *url;
};

static char nothing[] = "", user[] = "joe", password[] = "hush", host[] = "acme";

static int set_up(void **state)
{
    struct world *w = xcalloc(1, sizeof *w);
    struct config_connection *c = &w->config.connection;

    log_setup(LOG_LEVEL_OFF, LOG_PLAIN);
    w->server = script_server_new();
    w->url = xasprintf("http://127.0.0.1:%d", script_server_port(w->server));
    c->server_url = w->url;
    c->host = host;
    c->ca_file = c->proxy = nothing;
    c->allow_insecure_loopback = true;
    c->connect_timeout = 10 * USEC_S;
    c->request_timeout = 20 * USEC_S;
    c->max_in_flight = 2;
    c->auth = (struct config_auth){.grant = GRANT_BASIC,
                                   .client_id = user,
                                   .client_secret = {nothing, password},
                                   .username = user,
                                   .password = {nothing, password},
                                   .refresh_token = {nothing, nothing},
                                   .api_key = {nothing, nothing},
                                   .token_store = nothing};
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    w->desk = desk_close(w->desk);
    w->server = script_server_free(w->server);
    free(w->url);
    free(w);
    return 0;
}

static void open_desk(struct world *w)
{
    struct err e;

    w->desk = desk_open(&w->config, &e);
    assert_non_null(w->desk);
}

static void push(struct world *w, int status, const char *body)
{
    const struct script_step step = {.status = status, .body = body};

    script_server_push(w->server, &step);
}

/* More questions than the window has room for: all are answered, results stay until the next. */
static void test_many(void **state)
{
    struct world *w = *state;
    struct snow_op ops[7];
    struct snow_outcome o[7];

    open_desk(w);
    for (size_t i = 0; i < 7; i++) {
        ops[i] = (struct snow_op){.kind = SNOW_GET, .table = "incident", .sys_id = ID};
        push(w, 200, "{\"result\":{\"number\":\"INC1\"}}");
    }
    desk_ask(w->desk, ops, 7, o);
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(o[i].verdict, SNOW_OK);
        assert_string_equal(json_string_value(json_object_get(o[i].result, "number")), "INC1");
    }
    assert_int_equal(script_server_count(w->server), 7);
}

static void test_unusable(void **state)
{
    struct world *w = *state;
    const struct snow_op ops[] = {{.kind = SNOW_LIST, .table = "in/cident"},
                                  {.kind = SNOW_LIST, .table = "incident"}};
    struct snow_outcome o[2];

    open_desk(w);
    push(w, 200, "{\"result\":[]}");
    desk_ask(w->desk, ops, 2, o);
    assert_int_equal(o[0].verdict, SNOW_REJECTED);
    assert_int_equal(o[1].verdict, SNOW_OK);
}

static void test_no_sign_in(void **state)
{
    struct world *w = *state;
    const struct snow_op op = {.kind = SNOW_LIST, .table = "incident"};
    struct snow_outcome o;

    w->config.connection.auth.grant = GRANT_PASSWORD;
    open_desk(w);
    push(w, 401, "{\"error\":\"server_error\",\"error_description\":\"access_denied\"}");
    desk_ask(w->desk, &op, 1, &o);
    assert_int_equal(o.verdict, SNOW_UNAUTHORISED);
    assert_string_equal(o.err.code, "no-sign-in");
    assert_non_null(strstr(o.err.text, "401"));
}

/* The window closes after failures; what was not sent is told so at once, not waited for. */
static void test_away(void **state)
{
    struct world *w = *state;
    struct snow_op ops[40];
    struct snow_outcome o[40];

    for (size_t i = 0; i < 40; i++)
        ops[i] = (struct snow_op){.kind = SNOW_LIST, .table = "incident"};
    open_desk(w);
    w->server = script_server_free(w->server);
    desk_ask(w->desk, ops, 40, o);
    for (size_t i = 0; i < 40; i++) {
        assert_int_equal(o[i].verdict, SNOW_UNAVAILABLE);
        assert_null(strstr(o[i].err.text, "tries again")); /* nobody does */
    }
}

/* Whoever asked once is not told that somebody repeats it. */
static void test_promises_nothing(void **state)
{
    struct world *w = *state;
    static const struct {
        int status;
        const char *body, *says;
    } cases[] = {
        {429, "", "it was not done: try again later"},
        {503, "<html>", "it was not done: try again when the instance answers"},
        {401, "{\"error\":{\"message\":\"User Not Authenticated\"}}", "; it was not done"},
    };
    const struct snow_op op = {.kind = SNOW_LIST, .table = "incident"};
    struct snow_outcome o;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        w->desk = desk_close(w->desk);
        open_desk(w);
        push(w, cases[i].status, cases[i].body);
        desk_ask(w->desk, &op, 1, &o);
        if (strstr(o.err.text, cases[i].says) == NULL)
            fail_msg("no '%s' in: %s", cases[i].says, o.err.text);
        assert_null(strstr(o.err.text, "sent again"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unusable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_sign_in, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_away, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_promises_nothing, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
