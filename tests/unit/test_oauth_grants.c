/* Every grant, and every way the endpoint can fail it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/base/xalloc.h"
#include "tests/support/key_rig.h"
#include "tests/support/oauth_rig.h"

static char nothing[] = "", given_refresh[] = "given-R", key_spec[] = "secret-key";

static const char *const secrets[] = {"s&cret=%+;#", "pass word^1", "given-R", "Tok",
                                      "Ref",         "secret-key",  "eyJ",     NULL};

static int set_up(void **state)
{
    *state = oauth_rig_new();
    return 0;
}

static int tear_down(void **state)
{
    oauth_rig_free(*state, secrets);
    return 0;
}

static const struct grant {
    enum config_grant grant;
    const char *form; /* how the request begins */
    const char *cure; /* what a refusal names */
} grants[] = {
    {GRANT_PASSWORD, "grant_type=password&client_id=client%20one&client_secret=", "password reset"},
    {GRANT_REFRESH_TOKEN,
     "grant_type=refresh_token&client_id=client%20one&client_secret=", "itsm-bridge login"},
    {GRANT_CLIENT_CREDENTIALS,
     "grant_type=client_credentials&client_id=client%20one&client_secret=", "application user"},
    {GRANT_JWT_BEARER,
     "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&client_id=client%20one"
     "&client_secret=s%26cret%3D%25%2B%3B%23&assertion=eyJ",
     "JWT verifier map"},
};

static void begin(struct oauth_rig *r, const struct grant *g)
{
    EVP_PKEY *key = key_rig_key(2048);

    key_rig_write(r->key_file, NULL, key, NULL);
    EVP_PKEY_free(key);
    r->c.auth.grant = g->grant;
    r->c.auth.token_store = nothing;
    if (g->grant == GRANT_REFRESH_TOKEN)
        r->c.auth.refresh_token.value = given_refresh;
    oauth_rig_start(r);
}

static void each_grant(void (*run)(struct oauth_rig *r, const struct grant *g))
{
    for (size_t i = 0; i < ARRAY_LEN(grants); i++) {
        struct oauth_rig *r = oauth_rig_new();

        begin(r, &grants[i]);
        run(r, &grants[i]);
        oauth_rig_free(r, secrets);
    }
}

static void granted(struct oauth_rig *r, const struct grant *g)
{
    oauth_rig_grant(r, "Tok1", NULL);
    (void)oauth_rig_tick(r, 0);
    assert_string_equal(oauth_rig_authorization(r, 0), "Bearer Tok1");
    assert_memory_equal(oauth_rig_form(r, 0), g->form, strlen(g->form));
    assert_int_equal(oauth_state(r->oauth), OAUTH_READY);
}

static void refused(struct oauth_rig *r, const struct grant *g)
{
    oauth_rig_push(r, 401, OAUTH_DENIED);
    oauth_rig_push(r, 401, OAUTH_DENIED);
    (void)oauth_rig_tick(r, 0);
    assert_int_equal(oauth_state(r->oauth), OAUTH_BACKOFF);
    (void)oauth_rig_tick(r, 6 * USEC_S);
    assert_int_equal(oauth_state(r->oauth), OAUTH_BROKEN);
    if (strstr(oauth_reason(r->oauth), g->cure) == NULL)
        fail_msg("no '%s' in: %s", g->cure, oauth_reason(r->oauth));
    /* Not tried again for 15 minutes, then healed by itself. */
    (void)oauth_rig_tick(r, 890 * USEC_S);
    assert_int_equal(oauth_rig_requests(r), 2);
    oauth_rig_grant(r, "Tok2", NULL);
    (void)oauth_rig_tick(r, 901 * USEC_S);
    assert_string_equal(oauth_rig_authorization(r, 0), "Bearer Tok2");
    assert_string_equal(oauth_reason(r->oauth), "");
}

/* What is no refusal is tried again within seconds, and never blamed on the sign-in. */
static void failed_for_a_while(struct oauth_rig *r, const struct grant *g)
{
    static const struct {
        int status;
        const char *type, *body;
    } answers[] = {
        {200, "text/html", "<html>Your instance is hibernating</html>"},
        {503, "text/html", "<html>maintenance</html>"},
        {302, NULL, ""},
        {500, NULL, OAUTH_DENIED},
        {404, "text/html", "<html>no such page</html>"},
        {200, NULL, "{\"access_token\":\"Tok"},
        {200, NULL, "{\"access_token\":\"Tok1\",\"token_type\":\"mac\",\"expires_in\":1800}"},
        {200, NULL, "{\"access_token\":\"Tok 1\",\"token_type\":\"Bearer\",\"expires_in\":1800}"},
        {200, NULL, "{\"access_token\":\"Tok1\",\"token_type\":\"Bearer\",\"expires_in\":-1}"},
        {200, NULL, "[]"},
        {200, NULL, ""},
    };

    (void)g;
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        const struct script_step step = {
            .status = answers[i].status, .type = answers[i].type, .body = answers[i].body};

        script_server_push(r->server, &step);
        (void)oauth_rig_tick(r, 400 * USEC_S);
        assert_int_equal(oauth_rig_requests(r), i + 1);
        assert_int_equal(oauth_state(r->oauth), OAUTH_BACKOFF);
        assert_string_not_equal(oauth_reason(r->oauth), "");
    }
    oauth_rig_grant(r, "Tok1", NULL);
    (void)oauth_rig_tick(r, 400 * USEC_S);
    assert_string_equal(oauth_rig_authorization(r, 0), "Bearer Tok1");
}

static void lost(struct oauth_rig *r, const struct grant *g)
{
    static const enum script_act acts[] = {SCRIPT_CUT, SCRIPT_CLOSE, SCRIPT_RESET};

    (void)g;
    for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
        const struct script_step step = {.act = acts[i], .body = "{\"access_token\":\"Tok1\"}"};

        script_server_push(r->server, &step);
        (void)oauth_rig_tick(r, 400 * USEC_S);
        assert_int_equal(oauth_state(r->oauth), OAUTH_BACKOFF);
    }
    oauth_rig_grant(r, "Tok1", NULL);
    (void)oauth_rig_tick(r, 400 * USEC_S);
    assert_string_equal(oauth_rig_authorization(r, 0), "Bearer Tok1");
}

static void revoked(struct oauth_rig *r, const struct grant *g)
{
    oauth_rig_grant(r, "Tok1", NULL);
    (void)oauth_rig_tick(r, 0);
    oauth_rig_grant(r, "Tok2", NULL);
    oauth_rig_reject(r, 100 * USEC_S);
    assert_string_equal(oauth_rig_authorization(r, 0), "");
    (void)oauth_rig_tick(r, 100 * USEC_S);
    assert_string_equal(oauth_rig_authorization(r, 0), "Bearer Tok2");
    assert_memory_equal(oauth_rig_form(r, 1), g->form, strlen(g->form));
}

static void expired(struct oauth_rig *r, const struct grant *g)
{
    (void)g;
    oauth_rig_grant(r, "Tok1", NULL);
    (void)oauth_rig_tick(r, 0);
    assert_string_equal(oauth_rig_authorization(r, 1799 * USEC_S), "Bearer Tok1");
    assert_string_equal(oauth_rig_authorization(r, 1800 * USEC_S), "");
    oauth_rig_grant(r, "Tok2", NULL);
    (void)oauth_rig_tick(r, 1801 * USEC_S);
    assert_string_equal(oauth_rig_authorization(r, 0), "Bearer Tok2");
}

static void test_granted(void **state)
{
    (void)state;
    each_grant(granted);
}

static void test_refused(void **state)
{
    (void)state;
    each_grant(refused);
}

static void test_failed_for_a_while(void **state)
{
    (void)state;
    each_grant(failed_for_a_while);
}

static void test_lost(void **state)
{
    (void)state;
    each_grant(lost);
}

static void test_revoked(void **state)
{
    (void)state;
    each_grant(revoked);
}

static void test_expired(void **state)
{
    (void)state;
    each_grant(expired);
}

/* A refresh token in the answer is none to live on: a new assertion always works. */
static void test_jwt(void **state)
{
    struct oauth_rig *r = *state;
    const struct script_request *request;

    begin(r, &grants[3]);
    oauth_rig_grant(r, "Tok1", "Ref1");
    oauth_rig_grant(r, "Tok2", NULL);
    (void)oauth_rig_tick(r, 0);
    (void)oauth_rig_tick(r, 1500 * USEC_S);
    assert_non_null(strstr(oauth_rig_form(r, 1), "&assertion="));
    assert_null(strstr(oauth_rig_form(r, 1), "Ref1"));
    assert_string_not_equal(oauth_rig_form(r, 0), oauth_rig_form(r, 1));
    r->c.auth.jwt.in_header = true;
    r->c.auth.client_secret.value = nothing; /* a public client */
    oauth_rig_start(r);
    oauth_rig_grant(r, "Tok3", NULL);
    (void)oauth_rig_tick(r, 0);
    request = script_server_request(r->server, 2);
    assert_non_null(strstr(request->head, "\r\nAuthentication: Bearer eyJ"));
    assert_null(strstr(request->body, "assertion"));
    assert_null(strstr(request->body, "client_secret"));
}

/* The key is not there yet: that is told, and heals when it comes. */
static void test_jwt_without_key(void **state)
{
    struct oauth_rig *r = *state;
    EVP_PKEY *key = key_rig_key(2048);

    r->c.auth.grant = GRANT_JWT_BEARER;
    oauth_rig_start(r);
    (void)oauth_rig_tick(r, 0);
    assert_int_equal(oauth_state(r->oauth), OAUTH_BACKOFF);
    assert_non_null(strstr(oauth_reason(r->oauth), "jwt_key"));
    (void)oauth_watch(r->oauth, oauth_rig_now(r));
    key_rig_write(r->key_file, NULL, key, NULL);
    EVP_PKEY_free(key);
    oauth_rig_grant(r, "Tok1", NULL);
    (void)oauth_watch(r->oauth, oauth_rig_now(r) + 2 * USEC_S);
    (void)oauth_rig_tick(r, 2 * USEC_S);
    assert_string_equal(oauth_rig_authorization(r, 0), "Bearer Tok1");
}

/* A token that somebody lends: used as it is, never asked for, never stored. */
static void test_lent_token(void **state)
{
    struct oauth_rig *r = *state;
    struct token_record record = {0};

    r->c.auth.grant = GRANT_TOKEN;
    r->c.auth.api_key.value = key_spec;
    oauth_rig_start(r);
    (void)oauth_rig_tick(r, 0);
    assert_string_equal(oauth_rig_authorization(r, 0), "Bearer secret-key");
    assert_true(oauth_expires(r->oauth) == USEC_NEVER);
    oauth_rig_reject(r, 0);
    (void)oauth_rig_tick(r, 6 * USEC_S);
    oauth_rig_reject(r, 7 * USEC_S);
    assert_int_equal(oauth_state(r->oauth), OAUTH_BROKEN);
    assert_non_null(strstr(oauth_reason(r->oauth), "API key or token"));
    assert_int_equal(oauth_rig_requests(r), 0);
    oauth_rig_read(r, &record);
    assert_null(record.access_token);
    token_record_done(&record);
}

int main(void)
{
#define RIG_TEST(f_) cmocka_unit_test_setup_teardown(f_, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_granted),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_failed_for_a_while),
        cmocka_unit_test(test_lost),
        cmocka_unit_test(test_revoked),
        cmocka_unit_test(test_expired),
        RIG_TEST(test_jwt),
        RIG_TEST(test_jwt_without_key),
        RIG_TEST(test_lent_token),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
