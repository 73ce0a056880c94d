/* Sign-in state machine against a scripted token endpoint. Time is made up: ticks get the loop's
 * time plus whatever the test wants, answers come with the loop's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "bridge/base/buf.h"
#include "bridge/base/log.h"
#include "bridge/base/loop.h"
#include "bridge/base/metrics.h"
#include "bridge/base/xalloc.h"
#include "bridge/servicenow/oauth.h"
#include "bridge/servicenow/token_store.h"
#include "tests/support/script_server.h"

#define GOOD(token_, life_)                                                                        \
    "{\"access_token\":\"" token_ "\",\"token_type\":\"Bearer\",\"expires_in\":" #life_ "}"
#define GOOD_REFRESH(token_, refresh_)                                                             \
    "{\"access_token\":\"" token_ "\",\"refresh_token\":\"" refresh_                               \
    "\",\"token_type\":\"Bearer\",\"expires_in\":1800}"
#define DENIED "{\"error_description\":\"access_denied\",\"error\":\"server_error\"}"

struct world {
    struct loop *loop;
    struct http *http;
    struct script_server *server;
    struct metrics *metrics;
    struct oauth *oauth;
    struct config_connection c;
    char folder[64];
    char *store, *url;
    int real_stderr, log; /* what the test logs, and where it would have gone */
};

static char nothing[] = "";
static char client_id[] = "client one", secret[] = "s&cret=%+;#", user[] = "joe",
            password[] = "pass word^1", new_password[] = "pass word^2", host[] = "acme",
            configured_refresh[] = "configured-R", key[] = "api-key-value";

static int set_up(void **state)
{
    const struct http_options o = {.ca_file = "",
                                   .proxy = "",
                                   .allow_http = true,
                                   .connect_timeout = 10 * USEC_S,
                                   .request_timeout = 20 * USEC_S,
                                   .body_max = 100000,
                                   .connections = 4};
    struct world *w = xcalloc(1, sizeof *w);

    w->log = memfd_create("log", MFD_CLOEXEC);
    w->real_stderr = dup(STDERR_FILENO);
    if (w->log < 0 || w->real_stderr < 0 || dup2(w->log, STDERR_FILENO) < 0)
        return -1;
    log_setup(LOG_LEVEL_DEBUG, LOG_PLAIN);
    w->loop = loop_new(NULL);
    w->server = script_server_new();
    w->http = http_new(w->loop, &o, NULL);
    w->metrics = metrics_new();
    (void)snprintf(w->folder, sizeof w->folder, "/tmp/oauth-test.XXXXXX");
    if (mkdtemp(w->folder) == NULL)
        return -1;
    w->store = xasprintf("%s/token.json", w->folder);
    w->url = xasprintf("http://127.0.0.1:%d/", script_server_port(w->server));
    w->c.host = host;
    w->c.server_url = w->url;
    w->c.auth = (struct config_auth){.grant = GRANT_PASSWORD,
                                     .client_id = client_id,
                                     .client_secret = {nothing, secret},
                                     .username = user,
                                     .password = {nothing, password},
                                     .refresh_token = {nothing, nothing},
                                     .api_key = {nothing, nothing},
                                     .token_store = nothing};
    *state = w;
    return 0;
}

/* Promise 8: whatever a test made the sign-in say, no secret and no token is in it. */
static void check_log(struct world *w)
{
    static const char *const secrets[] = {secret,        password, new_password, configured_refresh,
                                          key,           "Tok1",   "Tok2",       "Ref1",
                                          "am9lOnBhc3M", "rotated"};
    struct buf text;
    char chunk[4096];
    ssize_t n;

    buf_init(&text, 1000000);
    (void)dup2(w->real_stderr, STDERR_FILENO);
    (void)lseek(w->log, 0, SEEK_SET);
    while ((n = read(w->log, chunk, sizeof chunk)) > 0)
        assert_int_equal(buf_add(&text, chunk, (size_t)n), 0);
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
        if (strstr(buf_text(&text), secrets[i]) != NULL)
            fail_msg("'%s' was logged: %s", secrets[i], buf_text(&text));
    buf_done(&text);
    (void)close(w->log);
    (void)close(w->real_stderr);
}

static int tear_down(void **state)
{
    struct world *w = *state;

    w->oauth = oauth_free(w->oauth);
    w->http = http_free(w->http);
    w->loop = loop_free(w->loop);
    w->server = script_server_free(w->server);
    w->metrics = metrics_free(w->metrics);
    check_log(w);
    (void)unlink(w->store);
    (void)rmdir(w->folder);
    free(w->store);
    free(w->url);
    free(w);
    return 0;
}

static void push(struct world *w, int status, const char *body)
{
    const struct script_step step = {.status = status, .body = body};

    script_server_push(w->server, &step);
}

static void start(struct world *w)
{
    struct err e = {.text = ""};

    w->oauth = oauth_free(w->oauth);
    w->oauth = oauth_new(w->http, &w->c, w->metrics, &e);
    assert_string_equal(e.text, "");
    assert_non_null(w->oauth);
}

static usec_t now(struct world *w)
{
    return loop_now(w->loop);
}

/* A tick `ahead` from now, then all that it started. Returns what the tick said. */
static usec_t tick(struct world *w, usec_t ahead)
{
    usec_t next = oauth_tick(w->oauth, now(w) + ahead);

    while (http_in_flight(w->http) > 0)
        loop_turn(w->loop, USEC_S);
    return next;
}

static const char *authorization(struct world *w, usec_t ahead)
{
    const char *api_key;
    uint64_t generation;

    return oauth_authorization(w->oauth, now(w) + ahead, &generation, &api_key);
}

static uint64_t generation(struct world *w)
{
    const char *api_key;
    uint64_t n = 0;

    assert_non_null(oauth_authorization(w->oauth, now(w), &n, &api_key));
    return n;
}

static const char *form(struct world *w, size_t i)
{
    const struct script_request *r = script_server_request(w->server, i);

    assert_non_null(r);
    assert_string_equal(r->method, "POST");
    assert_string_equal(r->target, "/oauth_token.do");
    assert_non_null(strcasestr(r->head, "Content-Type: application/x-www-form-urlencoded\r\n"));
    return r->body;
}

static void test_password(void **state)
{
    struct world *w = *state;

    push(w, 200, GOOD_REFRESH("Tok1", "Ref1"));
    start(w);
    assert_int_equal(oauth_state(w->oauth), OAUTH_EMPTY);
    assert_null(authorization(w, 0));
    assert_string_not_equal(oauth_reason(w->oauth), "");
    assert_true(oauth_tick(w->oauth, now(w)) == USEC_NEVER);
    assert_int_equal(oauth_state(w->oauth), OAUTH_FETCHING);
    (void)tick(w, 0);
    assert_int_equal(oauth_state(w->oauth), OAUTH_READY);
    assert_string_equal(authorization(w, 0), "Bearer Tok1");
    assert_string_equal(oauth_reason(w->oauth), "");
    assert_string_equal(
        form(w, 0), "grant_type=password&client_id=client%20one&client_secret=s%26cret%3D%25%2B%"
                    "3B%23&username=joe&password=pass%20word%5E1");
    assert_int_equal(script_server_count(w->server), 1);
}

static void test_refresh_in_time(void **state)
{
    struct world *w = *state;
    usec_t next;

    push(w, 200, GOOD_REFRESH("Tok1", "Ref1"));
    push(w, 200, GOOD("Tok2", 1800));
    push(w, 200, GOOD("Tok3", 1800));
    start(w);
    (void)tick(w, 0);
    next = tick(w, 0) - now(w);
    assert_true(next <= 1440 * USEC_S && next >= 1340 * USEC_S);
    (void)tick(w, 1300 * USEC_S);
    assert_int_equal(script_server_count(w->server), 1);
    (void)oauth_tick(w->oauth, now(w) + 1445 * USEC_S);
    assert_int_equal(oauth_state(w->oauth), OAUTH_REFRESHING);
    assert_string_equal(authorization(w, 1445 * USEC_S), "Bearer Tok1");
    assert_int_equal(generation(w), 1);
    (void)tick(w, 0);
    assert_string_equal(authorization(w, 0), "Bearer Tok2");
    assert_int_equal(generation(w), 2);
    assert_non_null(strstr(form(w, 1), "grant_type=refresh_token&"));
    assert_non_null(strstr(form(w, 1), "&refresh_token=Ref1"));
    assert_null(strstr(form(w, 1), "password"));
    /* An answer without a refresh token keeps the old one. */
    (void)tick(w, 1445 * USEC_S);
    assert_non_null(strstr(form(w, 2), "&refresh_token=Ref1"));
}

static void test_short_life(void **state)
{
    struct world *w = *state;
    usec_t next;

    push(w, 200, GOOD("Tok1", 40));
    start(w);
    (void)tick(w, 0);
    next = tick(w, 0) - now(w);
    assert_true(next <= 20 * USEC_S && next >= 17 * USEC_S);
    assert_string_equal(authorization(w, 39 * USEC_S), "Bearer Tok1");
    assert_null(authorization(w, 40 * USEC_S));
}

static void test_old_token_is_kept(void **state)
{
    struct world *w = *state;

    push(w, 200, GOOD_REFRESH("Tok1", "Ref1"));
    push(w, 503, "");
    push(w, 200, "<html>");
    push(w, 200, "{\"access_token\":\"broken");
    start(w);
    (void)tick(w, 0);
    for (int i = 0; i < 3; i++) {
        (void)tick(w, 1500 * USEC_S);
        assert_string_equal(authorization(w, 1700 * USEC_S), "Bearer Tok1");
        assert_int_equal(oauth_state(w->oauth), OAUTH_READY);
    }
    assert_int_equal(script_server_count(w->server), 4);
    assert_null(authorization(w, 1801 * USEC_S));
}

static void test_one_refresh_for_many_401(void **state)
{
    struct world *w = *state;
    uint64_t old;

    push(w, 200, GOOD_REFRESH("Tok1", "Ref1"));
    push(w, 200, GOOD("Tok2", 1800));
    start(w);
    (void)tick(w, 0);
    old = generation(w);
    for (int i = 0; i < 10; i++)
        oauth_rejected(w->oauth, old, now(w) + 100 * USEC_S);
    assert_null(authorization(w, 0));
    (void)oauth_tick(w->oauth, now(w) + 100 * USEC_S);
    for (int i = 0; i < 10; i++)
        oauth_rejected(w->oauth, old, now(w) + 100 * USEC_S);
    (void)tick(w, 100 * USEC_S);
    assert_string_equal(authorization(w, 0), "Bearer Tok2");
    for (int i = 0; i < 10; i++)
        oauth_rejected(w->oauth, old, now(w));
    assert_string_equal(authorization(w, 0), "Bearer Tok2");
    (void)tick(w, 10 * USEC_S);
    assert_int_equal(script_server_count(w->server), 2);
}

/* 401 for every new token: a wait that grows, not a storm. */
static void test_fresh_tokens_rejected(void **state)
{
    struct world *w = *state;

    start(w);
    for (int i = 1; i <= 6; i++) {
        usec_t wait;

        push(w, 200, GOOD("T", 1800));
        (void)tick(w, 3600 * USEC_S);
        assert_int_equal(script_server_count(w->server), i);
        oauth_rejected(w->oauth, generation(w), now(w) + USEC_S);
        wait = tick(w, 0) - now(w);
        assert_int_equal(oauth_state(w->oauth), OAUTH_BACKOFF);
        assert_true(wait >= (USEC_S * 5 << (i - 1)) / 2);
        assert_true(wait <= (USEC_S * 5 << (i - 1)) + 2 * USEC_S);
    }
    assert_int_equal(script_server_count(w->server), 6);
}

static void test_refused_refresh_falls_back(void **state)
{
    struct world *w = *state;

    push(w, 200, GOOD_REFRESH("Tok1", "Ref1"));
    push(w, 401, DENIED);
    push(w, 401, DENIED);
    push(w, 200, GOOD_REFRESH("Tok2", "Ref2"));
    start(w);
    (void)tick(w, 0);
    oauth_rejected(w->oauth, generation(w), now(w) + 100 * USEC_S);
    (void)tick(w, 2 * USEC_S);
    (void)tick(w, 8 * USEC_S);
    (void)tick(w, 0); /* the password follows at once */
    assert_non_null(strstr(form(w, 1), "grant_type=refresh_token"));
    assert_non_null(strstr(form(w, 2), "grant_type=refresh_token"));
    assert_non_null(strstr(form(w, 3), "grant_type=password"));
    assert_string_equal(authorization(w, 0), "Bearer Tok2");
}

static void break_it(struct world *w)
{
    push(w, 401, DENIED);
    push(w, 401, DENIED);
    start(w);
    (void)tick(w, 0);
    assert_int_equal(oauth_state(w->oauth), OAUTH_BACKOFF);
    (void)tick(w, 6 * USEC_S);
    assert_int_equal(oauth_state(w->oauth), OAUTH_BROKEN);
    assert_int_equal(script_server_count(w->server), 2);
}

static void test_refused_password(void **state)
{
    struct world *w = *state;
    usec_t next;

    break_it(w);
    assert_non_null(strstr(oauth_reason(w->oauth), "access_denied"));
    next = tick(w, 890 * USEC_S) - now(w);
    assert_true(next > 890 * USEC_S && next <= 900 * USEC_S);
    assert_int_equal(script_server_count(w->server), 2);
    push(w, 401, DENIED);
    (void)tick(w, 901 * USEC_S);
    assert_int_equal(script_server_count(w->server), 3);
    /* Broken already: one refusal is enough this time. */
    assert_int_equal(oauth_state(w->oauth), OAUTH_BROKEN);
    next = tick(w, 0) - now(w);
    assert_true(next > 890 * USEC_S && next <= 900 * USEC_S);
    (void)tick(w, 800 * USEC_S);
    assert_int_equal(script_server_count(w->server), 3);
    push(w, 200, GOOD("Tok1", 1800));
    (void)tick(w, 901 * USEC_S);
    assert_int_equal(oauth_state(w->oauth), OAUTH_READY);
}

/* A bridge that is restarted again and again must not lock its user out. */
static void test_refusal_survives_restart(void **state)
{
    struct world *w = *state;

    w->c.auth.token_store = w->store;
    break_it(w);
    for (int i = 0; i < 5; i++) {
        usec_t next;

        start(w);
        next = tick(w, 0) - now(w);
        assert_int_equal(oauth_state(w->oauth), OAUTH_BROKEN);
        assert_true(next > 880 * USEC_S && next <= 900 * USEC_S);
        oauth_reload(w->oauth, now(w));
        (void)tick(w, 0);
    }
    assert_int_equal(script_server_count(w->server), 2);
    /* Another password is another matter, by reload or by restart. */
    w->c.auth.password.value = new_password;
    push(w, 401, DENIED);
    oauth_reload(w->oauth, now(w));
    (void)tick(w, 0);
    assert_int_equal(script_server_count(w->server), 3);
    /* One refusal is enough: whoever ends before the second attempt and starts again sends none. */
    for (int i = 0; i < 3; i++) {
        start(w);
        (void)tick(w, 0);
        assert_int_equal(oauth_state(w->oauth), OAUTH_BROKEN);
    }
    assert_int_equal(script_server_count(w->server), 3);
    w->c.auth.password.value = password;
    push(w, 200, GOOD("Tok1", 1800));
    start(w);
    (void)tick(w, 0);
    assert_string_equal(authorization(w, 0), "Bearer Tok1");
    /* Success forgets the refusal. */
    w->c.auth.password.value = new_password;
    (void)unlink(w->store);
    push(w, 200, GOOD("Tok2", 1800));
    start(w);
    (void)tick(w, 0);
    assert_string_equal(authorization(w, 0), "Bearer Tok2");
}

static void test_backoff(void **state)
{
    struct world *w = *state;

    start(w);
    for (int i = 1; i <= 9; i++) {
        usec_t most = usec_min(USEC_S * 5 << (i - 1), 300 * USEC_S), wait;

        push(w, i % 2 == 0 ? 500 : 200, "<html>");
        (void)tick(w, 400 * USEC_S);
        assert_int_equal(oauth_state(w->oauth), OAUTH_BACKOFF);
        wait = tick(w, 0) - now(w);
        assert_true(wait > most / 2 - USEC_S && wait <= most);
    }
    assert_int_equal(script_server_count(w->server), 9);
}

static void test_retry_after(void **state)
{
    struct world *w = *state;
    const struct script_step step = {.status = 429, .headers = "Retry-After: 120\r\n"};
    usec_t wait;

    script_server_push(w->server, &step);
    start(w);
    (void)tick(w, 0);
    wait = tick(w, 0) - now(w);
    assert_true(wait > 115 * USEC_S && wait <= 120 * USEC_S);
}

static void test_unreachable(void **state)
{
    struct world *w = *state;

    start(w);
    w->server = script_server_free(w->server);
    (void)tick(w, 0);
    assert_int_equal(oauth_state(w->oauth), OAUTH_BACKOFF);
    assert_non_null(strstr(oauth_reason(w->oauth), "was not sent"));
    w->server = script_server_new();
}

static void test_client_credentials(void **state)
{
    struct world *w = *state;

    w->c.auth.grant = GRANT_CLIENT_CREDENTIALS;
    push(w, 200, GOOD_REFRESH("Tok1", "Ref1"));
    push(w, 200, GOOD("Tok2", 1800));
    start(w);
    (void)tick(w, 0);
    (void)tick(w, 1500 * USEC_S);
    assert_non_null(strstr(form(w, 0), "grant_type=client_credentials&client_id="));
    assert_null(strstr(form(w, 0), "joe"));
    assert_string_equal(form(w, 1), form(w, 0));
}

static void test_refresh_token_grant(void **state)
{
    struct world *w = *state;

    w->c.auth.grant = GRANT_REFRESH_TOKEN;
    w->c.auth.token_store = w->store;
    start(w);
    (void)tick(w, 0);
    assert_int_equal(oauth_state(w->oauth), OAUTH_BROKEN);
    assert_non_null(strstr(oauth_reason(w->oauth), "no refresh token"));
    assert_int_equal(script_server_count(w->server), 0);
    w->c.auth.refresh_token.value = configured_refresh;
    push(w, 200, GOOD_REFRESH("Tok1", "rotated"));
    push(w, 401, DENIED);
    push(w, 401, DENIED);
    push(w, 401, DENIED);
    push(w, 401, DENIED);
    oauth_reload(w->oauth, now(w));
    (void)tick(w, 0);
    assert_non_null(strstr(form(w, 0), "&refresh_token=configured-R"));
    for (int i = 0; i < 4; i++)
        (void)tick(w, 1900 * USEC_S);
    assert_non_null(strstr(form(w, 2), "&refresh_token=rotated"));
    assert_non_null(strstr(form(w, 3), "&refresh_token=configured-R"));
    assert_int_equal(oauth_state(w->oauth), OAUTH_BROKEN);
}

static void test_store(void **state)
{
    struct world *w = *state;
    struct err e;

    w->c.auth.token_store = w->store;
    push(w, 200, GOOD_REFRESH("Tok1", "Ref1"));
    start(w);
    (void)tick(w, 0);
    start(w);
    /* Before the first tick too. */
    assert_string_equal(authorization(w, 0), "Bearer Tok1");
    (void)tick(w, 0);
    assert_int_equal(oauth_state(w->oauth), OAUTH_READY);
    assert_true(oauth_expires(w->oauth) - now(w) <= 1800 * USEC_S);
    assert_true(oauth_expires(w->oauth) - now(w) >= 1780 * USEC_S);
    assert_int_equal(script_server_count(w->server), 1);
    /* A stored token may have been revoked meanwhile: its 401 starts a refresh at once. */
    push(w, 200, GOOD("Tok2", 1800));
    oauth_rejected(w->oauth, generation(w), now(w));
    (void)tick(w, 0);
    assert_non_null(strstr(form(w, 1), "&refresh_token=Ref1"));
    assert_string_equal(authorization(w, 0), "Bearer Tok2");
    w->c.host = client_id;
    assert_null(oauth_new(w->http, &w->c, w->metrics, &e));
    assert_int_equal(e.class, ERR_CONFIG);
    w->c.host = host;
}

static void test_store_says_anything(void **state)
{
    static const msec_t times[] = {INT64_MAX, INT64_MIN, 0, 1};
    struct world *w = *state;
    const struct token_binding b = {host, client_id, user};

    w->c.auth.token_store = w->store;
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        char token[] = "Tok9", digest[] = "ab";
        struct token_record r = {.access_token = token,
                                 .expires_at = times[i],
                                 .refused_salt = digest,
                                 .refused_digest = digest,
                                 .refused_at = times[i]};

        assert_int_equal(token_store_save(w->store, &b, &r, NULL), 0);
        push(w, 200, GOOD("Tok1", 1800));
        start(w);
        (void)tick(w, 0);
        assert_string_equal(authorization(w, 0), times[i] > 1 ? "Bearer Tok9" : "Bearer Tok1");
        assert_true(oauth_expires(w->oauth) - now(w) <= 86400 * USEC_S);
    }
}

static void test_basic(void **state)
{
    struct world *w = *state;
    usec_t next;

    w->c.auth.grant = GRANT_BASIC;
    start(w);
    (void)tick(w, 0);
    assert_string_equal(authorization(w, 0), "Basic am9lOnBhc3Mgd29yZF4x");
    oauth_rejected(w->oauth, generation(w), now(w));
    assert_null(authorization(w, 0));
    (void)tick(w, 6 * USEC_S);
    assert_non_null(authorization(w, 0));
    oauth_rejected(w->oauth, generation(w), now(w) + 7 * USEC_S);
    assert_int_equal(oauth_state(w->oauth), OAUTH_BROKEN);
    next = tick(w, 20 * USEC_S) - now(w);
    assert_true(next > 890 * USEC_S);
    w->c.auth.password.value = new_password;
    oauth_reload(w->oauth, now(w));
    assert_string_equal(authorization(w, 0), "Basic am9lOnBhc3Mgd29yZF4y");
    assert_int_equal(script_server_count(w->server), 0);
}

static void test_api_key(void **state)
{
    struct world *w = *state;
    const char *api_key = NULL;
    uint64_t n;

    w->c.auth.grant = GRANT_API_KEY;
    w->c.auth.api_key.value = key;
    start(w);
    (void)tick(w, 0);
    assert_string_equal(oauth_authorization(w->oauth, now(w), &n, &api_key), "");
    assert_string_equal(api_key, "api-key-value");
    assert_true(oauth_expires(w->oauth) == USEC_NEVER);
}

static void test_reason_holds_no_secret(void **state)
{
    struct world *w = *state;

    push(w, 401, "{\"error\":\"bad password 'pass word^1'\"}");
    start(w);
    (void)tick(w, 0);
    assert_null(strstr(oauth_reason(w->oauth), "pass word"));
    assert_string_not_equal(oauth_reason(w->oauth), "");
}

static void test_free_while_fetching(void **state)
{
    struct world *w = *state;
    const struct script_step step = {.hold = true};

    script_server_push(w->server, &step);
    start(w);
    (void)oauth_tick(w->oauth, now(w));
    while (script_server_count(w->server) == 0)
        loop_turn(w->loop, USEC_MS);
    w->oauth = oauth_free(w->oauth);
    assert_int_equal(http_in_flight(w->http), 0);
}

static void test_metrics(void **state)
{
    struct world *w = *state;
    struct buf out;

    push(w, 503, "");
    push(w, 200, GOOD("Tok1", 1800));
    start(w);
    (void)tick(w, 0);
    (void)tick(w, 10 * USEC_S);
    buf_init(&out, 100000);
    assert_int_equal(metrics_print(w->metrics, &out), 0);
    assert_non_null(strstr(buf_text(&out), "itsm_bridge_oauth_state{state=\"ready\"} 1\n"));
    assert_non_null(strstr(buf_text(&out), "itsm_bridge_oauth_state{state=\"backoff\"} 0\n"));
    assert_non_null(strstr(buf_text(&out), "itsm_bridge_oauth_refreshes_total 1\n"));
    assert_non_null(strstr(buf_text(&out), "itsm_bridge_oauth_failures_total 1\n"));
    assert_non_null(strstr(buf_text(&out), "itsm_bridge_oauth_token_life_seconds 1"));
    assert_null(strstr(buf_text(&out), "Tok1"));
    buf_done(&out);
}

int main(void)
{
#define OAUTH_TEST(f_) cmocka_unit_test_setup_teardown(f_, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        OAUTH_TEST(test_password),
        OAUTH_TEST(test_refresh_in_time),
        OAUTH_TEST(test_short_life),
        OAUTH_TEST(test_old_token_is_kept),
        OAUTH_TEST(test_one_refresh_for_many_401),
        OAUTH_TEST(test_fresh_tokens_rejected),
        OAUTH_TEST(test_refused_refresh_falls_back),
        OAUTH_TEST(test_refused_password),
        OAUTH_TEST(test_refusal_survives_restart),
        OAUTH_TEST(test_backoff),
        OAUTH_TEST(test_retry_after),
        OAUTH_TEST(test_unreachable),
        OAUTH_TEST(test_client_credentials),
        OAUTH_TEST(test_refresh_token_grant),
        OAUTH_TEST(test_store),
        OAUTH_TEST(test_store_says_anything),
        OAUTH_TEST(test_basic),
        OAUTH_TEST(test_api_key),
        OAUTH_TEST(test_reason_holds_no_secret),
        OAUTH_TEST(test_free_while_fetching),
        OAUTH_TEST(test_metrics),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
