/* TLS by real certificates: checks of the server are always on, for authority, name and dates; a
 * private authority by ca_file only. The client's own certificate, wanted, given, refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bridge/base/loop.h"
#include "bridge/base/xalloc.h"
#include "bridge/servicenow/http.h"
#include "tests/support/key_rig.h"
#include "tests/support/tls_server.h"

#define HOUR 3600L

enum file { CA, OTHER_CA, GOOD, EXPIRED, NOT_YET, FOREIGN, CLIENT, CLIENT_KEY, LOCKED, OLD, FILES };

struct world {
    struct loop *loop;
    char folder[64];
    char *files[FILES];
    struct tls_server *server;
    int status;
    bool certificate_refused;
    enum http_end end;
    struct err err;
};

static const struct key_rig_name names[FILES] = {
    [CA] = {"own authority", NULL, true, -HOUR, HOUR},
    [OTHER_CA] = {"other authority", NULL, true, -HOUR, HOUR},
    [GOOD] = {"server", "IP:127.0.0.1", false, -HOUR, HOUR},
    [EXPIRED] = {"server", "IP:127.0.0.1", false, -2 * HOUR, -60},
    [NOT_YET] = {"server", "IP:127.0.0.1", false, HOUR, 2 * HOUR},
    [FOREIGN] = {"server", "IP:127.0.0.1", false, -HOUR, HOUR},
    [CLIENT] = {"bridge", NULL, false, -HOUR, HOUR},
    [LOCKED] = {"bridge", NULL, false, -HOUR, HOUR},
    [OLD] = {"bridge", NULL, false, -2 * HOUR, -60},
};

/* Certificate and key of each in one file; CLIENT has its key in a file of its own. */
static void make_files(struct world *w)
{
    EVP_PKEY *keys[FILES] = {NULL};
    X509 *made[FILES] = {NULL};

    for (size_t i = 0; i < FILES; i++) {
        size_t by = i == FOREIGN ? OTHER_CA : CA;

        w->files[i] = xasprintf("%s/%zu.pem", w->folder, i);
        if (names[i].common_name == NULL)
            continue;
        keys[i] = key_rig_key(0);
        made[i] = key_rig_certificate(keys[i], &names[i], names[i].authority ? NULL : made[by],
                                      names[i].authority ? NULL : keys[by]);
        key_rig_write(w->files[i], made[i], i == CLIENT ? NULL : keys[i],
                      i == LOCKED ? "hush word" : NULL);
    }
    key_rig_write(w->files[CLIENT_KEY], NULL, keys[CLIENT], NULL);
    for (size_t i = 0; i < FILES; i++) {
        EVP_PKEY_free(keys[i]);
        X509_free(made[i]);
    }
}

static int set_up(void **state)
{
    struct world *w = xcalloc(1, sizeof *w);

    *state = w;
    w->loop = loop_new(NULL);
    (void)snprintf(w->folder, sizeof w->folder, "/tmp/tls-test.XXXXXX");
    if (mkdtemp(w->folder) == NULL)
        return -1;
    make_files(w);
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    if (w->server != NULL)
        w->server = tls_server_free(w->server);
    w->loop = loop_free(w->loop);
    for (size_t i = 0; i < FILES; i++) {
        (void)unlink(w->files[i]);
        free(w->files[i]);
    }
    (void)rmdir(w->folder);
    free(w);
    return 0;
}

static void serve(struct world *w, enum file certificate, bool wants_client, bool tls12)
{
    w->server = tls_server_new(w->files[certificate], w->files[certificate],
                               wants_client ? w->files[CA] : NULL, tls12);
}

static void remember(void *arg, const struct http_answer *a, usec_t now)
{
    struct world *w = arg;

    (void)now;
    w->end = a->end;
    w->status = a->status;
    w->certificate_refused = a->certificate_refused;
    w->err = a->err;
}

static struct http_options options(const struct world *w)
{
    return (struct http_options){.ca_file = w->files[CA],
                                 .proxy = "",
                                 .connect_timeout = 10 * USEC_S,
                                 .request_timeout = 20 * USEC_S,
                                 .body_max = 1000,
                                 .connections = 2};
}

static void ask(struct world *w, const char *host, const struct http_options *o)
{
    struct err e = {.text = ""};
    struct http *h = http_new(w->loop, o, &e);
    char *url = xasprintf("https://%s:%d/", host, tls_server_port(w->server));
    struct http_request r = {.method = "POST", .url = url, .body = "x", .body_length = 1};

    assert_string_equal(e.text, "");
    assert_non_null(http_submit(h, &r, remember, w, NULL));
    while (http_in_flight(h) > 0)
        loop_turn(w->loop, USEC_S);
    (void)http_free(h);
    free(url);
}

static void answered(struct world *w)
{
    if (w->end != HTTP_ANSWERED)
        fail_msg("%s", w->err.text);
    assert_int_equal(w->status, 200);
    assert_int_equal(tls_server_requests(w->server), 1);
}

/* Nothing of the request was read by anyone, a person has to act, and the text says on what. */
static void refused(struct world *w, const char *phrase)
{
    assert_int_equal(w->end, HTTP_NOT_SENT);
    if (!w->certificate_refused)
        fail_msg("not blamed on a certificate: %s", w->err.text);
    assert_int_equal(w->err.class, ERR_CONFIG);
    if (strstr(w->err.text, phrase) == NULL)
        fail_msg("no '%s' in: %s", phrase, w->err.text);
    assert_int_equal(tls_server_requests(w->server), 0);
}

static void test_own_authority(void **state)
{
    struct world *w = *state;
    struct http_options o = options(w);

    serve(w, GOOD, false, false);
    ask(w, "127.0.0.1", &o);
    answered(w);
}

static void test_server_refused(void **state)
{
    static const struct {
        enum file certificate;
        const char *host;
        bool system_ca;
    } cases[] = {{GOOD, "127.0.0.1", true},
                 {GOOD, "localhost", false}, /* wrong host */
                 {EXPIRED, "127.0.0.1", false},
                 {NOT_YET, "127.0.0.1", false},
                 {FOREIGN, "127.0.0.1", false}};
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_options o = options(w);

        if (cases[i].system_ca)
            o.ca_file = "";
        serve(w, cases[i].certificate, false, false);
        ask(w, cases[i].host, &o);
        refused(w, "ca_file");
        w->server = tls_server_free(w->server);
    }
}

static void test_client_certificate(void **state)
{
    struct world *w = *state;

    for (int tls12 = 0; tls12 < 2; tls12++) {
        struct http_options o = options(w);

        serve(w, GOOD, true, tls12);
        o.client_certificate = w->files[CLIENT];
        o.client_key = w->files[CLIENT_KEY];
        ask(w, "127.0.0.1", &o);
        answered(w);
        w->server = tls_server_free(w->server);
        serve(w, GOOD, true, tls12);
        o.client_certificate = w->files[LOCKED]; /* its key in the same file, encrypted */
        o.client_key = "";
        o.client_key_password = "hush word";
        ask(w, "127.0.0.1", &o);
        answered(w);
        w->server = tls_server_free(w->server);
    }
}

static void test_client_refused(void **state)
{
    static const struct {
        enum file certificate;
        const char *phrase;
    } cases[] = {{FILES, "set connection.client_certificate"},
                 {OLD, "check connection.client_certificate"},
                 {FOREIGN, "check connection.client_certificate"}};
    struct world *w = *state;

    for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
        struct http_options o = options(w);

        if (cases[i / 2].certificate != FILES)
            o.client_certificate = w->files[cases[i / 2].certificate];
        serve(w, GOOD, true, i % 2 == 1);
        ask(w, "127.0.0.1", &o);
        refused(w, cases[i / 2].phrase);
        w->server = tls_server_free(w->server);
    }
}

/* A new certificate under the same name needs no restart. */
static void test_client_certificate_replaced(void **state)
{
    struct world *w = *state;
    struct http_options o = options(w);

    serve(w, GOOD, true, false);
    o.client_certificate = w->files[OLD];
    ask(w, "127.0.0.1", &o);
    refused(w, "client_certificate");
    assert_int_equal(rename(w->files[LOCKED], w->files[OLD]), 0);
    o.client_key_password = "hush word";
    ask(w, "127.0.0.1", &o);
    answered(w);
}

static void unusable(struct world *w, const char *certificate, const char *key,
                     const char *password, const char *phrase)
{
    struct http_options o = options(w);
    struct err e = {.text = ""};

    o.client_certificate = certificate;
    o.client_key = key;
    o.client_key_password = password;
    assert_null(http_new(w->loop, &o, &e));
    assert_int_equal(e.class, ERR_CONFIG);
    if (strstr(e.text, phrase) == NULL)
        fail_msg("no '%s' in: %s", phrase, e.text);
    assert_null(strstr(e.text, "hush"));
}

/* Said at the start, not at the first handshake; and nobody is asked on a terminal. */
static void test_unusable_client_certificates(void **state)
{
    struct world *w = *state;

    unusable(w, "/nowhere/x.pem", "", "", "cannot be opened");
    unusable(w, w->files[CLIENT], "/nowhere/x.pem", "", "cannot be opened");
    unusable(w, w->files[CLIENT_KEY], "", "", "no certificate");
    unusable(w, w->files[CLIENT], "", "", "no private key");
    unusable(w, w->files[CLIENT], w->files[GOOD], "", "does not belong");
    unusable(w, w->files[LOCKED], "", "", "client_key_password");
    unusable(w, w->files[LOCKED], "", "hush wort", "client_key_password");
}

int main(void)
{
#define TLS_TEST(f_) cmocka_unit_test_setup_teardown(f_, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TLS_TEST(test_own_authority),
        TLS_TEST(test_server_refused),
        TLS_TEST(test_client_certificate),
        TLS_TEST(test_client_refused),
        TLS_TEST(test_client_certificate_replaced),
        TLS_TEST(test_unusable_client_certificates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
