/* Certificate checks: always on, for authority and for name; a private authority by ca_file only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <microhttpd.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "bridge/base/loop.h"
#include "bridge/base/xalloc.h"
#include "bridge/servicenow/http.h"

struct world {
    struct loop *loop;
    char *key, *certificate;
    char file[32]; /* the certificate again, as ca_file */
    struct MHD_Daemon *server;
    int port;
    int status;
    bool certificate_refused;
    enum http_end end;
    struct err err;
};

static char *text_of(BIO *bio)
{
    char *data;
    long length = BIO_get_mem_data(bio, &data);
    char *text = xstrndup(data, (size_t)length);

    BIO_free(bio);
    return text;
}

/* A certificate of its own for 127.0.0.1, good for an hour. */
static void make_certificate(struct world *w)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    X509_NAME *name = X509_get_subject_name(x);
    X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
    BIO *bio = BIO_new(BIO_s_mem());

    (void)X509_set_version(x, 2);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    (void)X509_gmtime_adj(X509_getm_notBefore(x), -60);
    (void)X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    (void)X509_set_pubkey(x, key);
    (void)X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1,
                                     -1, 0);
    (void)X509_set_issuer_name(x, name);
    (void)X509_add_ext(x, san, -1);
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_bio_X509(bio, x), 1);
    w->certificate = text_of(bio);
    bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
    w->key = text_of(bio);
    X509_EXTENSION_free(san);
    X509_free(x);
    EVP_PKEY_free(key);
}

static enum MHD_Result answer(void *arg, struct MHD_Connection *c, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **state)
{
    static char hello[] = "hello";
    struct MHD_Response *r =
        MHD_create_response_from_buffer(sizeof hello - 1, hello, MHD_RESPMEM_PERSISTENT);
    enum MHD_Result rc = MHD_queue_response(c, 200, r);

    (void)arg;
    (void)url;
    (void)method;
    (void)version;
    (void)data;
    (void)size;
    (void)state;
    MHD_destroy_response(r);
    return rc;
}

static int set_up(void **state)
{
    struct world *w = xcalloc(1, sizeof *w);
    int fd;

    *state = w;
    w->loop = loop_new(NULL);
    make_certificate(w);
    (void)snprintf(w->file, sizeof w->file, "/tmp/ca-test.XXXXXX");
    fd = mkstemp(w->file);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, w->certificate, strlen(w->certificate)), strlen(w->certificate));
    (void)close(fd);
    w->server = MHD_start_daemon(MHD_USE_TLS | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0,
                                 NULL, NULL, answer, NULL, MHD_OPTION_HTTPS_MEM_KEY, w->key,
                                 MHD_OPTION_HTTPS_MEM_CERT, w->certificate, MHD_OPTION_END);
    assert_non_null(w->server);
    w->port = MHD_get_daemon_info(w->server, MHD_DAEMON_INFO_BIND_PORT)->port;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    MHD_stop_daemon(w->server);
    w->loop = loop_free(w->loop);
    (void)unlink(w->file);
    free(w->key);
    free(w->certificate);
    free(w);
    return 0;
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

static void ask(struct world *w, const char *host, const char *ca_file)
{
    const struct http_options o = {.ca_file = ca_file,
                                   .proxy = "",
                                   .connect_timeout = 10 * USEC_S,
                                   .request_timeout = 20 * USEC_S,
                                   .body_max = 1000,
                                   .connections = 2};
    struct http *h = http_new(w->loop, &o, NULL);
    char *url = xasprintf("https://%s:%d/", host, w->port);
    struct http_request r = {.method = "POST", .url = url, .body = "x", .body_length = 1};

    assert_non_null(h);
    assert_non_null(http_submit(h, &r, remember, w, NULL));
    while (http_in_flight(h) > 0)
        loop_turn(w->loop, USEC_S);
    (void)http_free(h);
    free(url);
}

static void test_known_authority(void **state)
{
    struct world *w = *state;

    ask(w, "127.0.0.1", w->file);
    assert_int_equal(w->end, HTTP_ANSWERED);
    assert_int_equal(w->status, 200);
}

static void test_unknown_authority(void **state)
{
    struct world *w = *state;

    ask(w, "127.0.0.1", "");
    assert_int_equal(w->end, HTTP_NOT_SENT);
    assert_true(w->certificate_refused);
    assert_int_equal(w->err.class, ERR_CONFIG);
    assert_non_null(strstr(w->err.text, "ca_file"));
}

static void test_wrong_name(void **state)
{
    struct world *w = *state;

    ask(w, "localhost", w->file);
    assert_int_equal(w->end, HTTP_NOT_SENT);
    assert_true(w->certificate_refused);
}

int main(void)
{
#define TLS_TEST(f_) cmocka_unit_test_setup_teardown(f_, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TLS_TEST(test_known_authority),
        TLS_TEST(test_unknown_authority),
        TLS_TEST(test_wrong_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
