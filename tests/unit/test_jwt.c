/* Assertions: verified with the public key, as a server does; keys that cannot be used. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>
#include <openssl/evp.h>

#include "bridge/base/xalloc.h"
#include "bridge/servicenow/jwt.h"
#include "tests/support/key_rig.h"

#define WALL 1795557240123LL

struct world {
    char folder[64];
    char *path;
    EVP_PKEY *key;
    struct config_jwt c;
};

static char nothing[] = "", hush[] = "hush word", issuer[] = "client \"one\"",
            subject[] = "j\xc3\xb6", audience[] = "aud", kid[] = "kid1";

static int set_up(void **state)
{
    struct world *w = xcalloc(1, sizeof *w);

    (void)snprintf(w->folder, sizeof w->folder, "/tmp/jwt-test.XXXXXX");
    if (mkdtemp(w->folder) == NULL)
        return -1;
    w->path = xasprintf("%s/key.pem", w->folder);
    w->key = key_rig_key(2048);
    w->c = (struct config_jwt){.key = w->path,
                               .key_password = {nothing, nothing},
                               .kid = kid,
                               .issuer = issuer,
                               .subject = subject,
                               .audience = audience,
                               .life = 300 * USEC_S};
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    EVP_PKEY_free(w->key);
    (void)unlink(w->path);
    (void)rmdir(w->folder);
    free(w->path);
    free(w);
    return 0;
}

/* New; *ret_length bytes. */
static unsigned char *decode(const char *text, size_t length, size_t *ret_length)
{
    char *padded = xasprintf("%.*s%.*s", (int)length, text, (int)(3 - (length + 3) % 4), "===");
    unsigned char *out = xcalloc(length + 4, 1);
    size_t pad = strlen(padded) - length;

    for (char *p = padded; *p != '\0'; p++)
        *p = *p == '-' ? '+' : *p == '_' ? '/' : *p;
    assert_int_equal(strlen(padded) % 4, 0);
    assert_int_equal(EVP_DecodeBlock(out, (unsigned char *)padded, (int)strlen(padded)),
                     strlen(padded) / 4 * 3);
    *ret_length = strlen(padded) / 4 * 3 - pad;
    free(padded);
    return out;
}

static json_t *part(const char *text, size_t length)
{
    size_t n;
    unsigned char *bytes = decode(text, length, &n);
    json_t *root = json_loadb((char *)bytes, n, 0, NULL);

    free(bytes);
    assert_non_null(root);
    return root;
}

static void check_signature(EVP_PKEY *key, const char *text)
{
    const char *dot = strrchr(text, '.');
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t n;
    unsigned char *signature = decode(dot + 1, strlen(dot + 1), &n);

    assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
    assert_int_equal(
        EVP_DigestVerify(ctx, signature, n, (const unsigned char *)text, (size_t)(dot - text)), 1);
    EVP_MD_CTX_free(ctx);
    free(signature);
}

static void check_text(const json_t *o, const char *member, const char *want)
{
    assert_string_equal(json_string_value(json_object_get(o, member)), want);
}

static void test_claims(void **state)
{
    struct world *w = *state;
    struct err e;
    char *first, *second, *dot;
    json_t *head, *claims, *others;

    key_rig_write(w->path, NULL, w->key, NULL);
    first = jwt_make(&w->c, WALL, &e);
    second = jwt_make(&w->c, WALL, &e);
    assert_non_null(first);
    assert_int_equal(strspn(first, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                   "-_."),
                     strlen(first));
    check_signature(w->key, first);
    dot = strchr(first, '.');
    head = part(first, (size_t)(dot - first));
    claims = part(dot + 1, strcspn(dot + 1, "."));
    dot = strchr(second, '.');
    others = part(dot + 1, strcspn(dot + 1, "."));
    check_text(head, "alg", "RS256");
    check_text(head, "typ", "JWT");
    check_text(head, "kid", "kid1");
    check_text(claims, "iss", issuer);
    check_text(claims, "sub", subject);
    check_text(claims, "aud", audience);
    assert_true(json_integer_value(json_object_get(claims, "iat")) == 1795557240 - 10);
    assert_true(json_integer_value(json_object_get(claims, "exp")) == 1795557240 + 300);
    /* Instances can be told to take each id once. */
    assert_false(json_equal(json_object_get(claims, "jti"), json_object_get(others, "jti")));
    json_decref(head);
    json_decref(claims);
    json_decref(others);
    free(first);
    free(second);
}

static void test_no_kid(void **state)
{
    struct world *w = *state;
    struct err e;
    char *text;
    json_t *head;

    key_rig_write(w->path, NULL, w->key, NULL);
    w->c.kid = nothing;
    text = jwt_make(&w->c, WALL, &e);
    head = part(text, strcspn(text, "."));
    assert_null(json_object_get(head, "kid"));
    json_decref(head);
    free(text);
}

static void refused(struct world *w, const char *phrase)
{
    struct err e = {.text = ""};

    assert_null(jwt_make(&w->c, WALL, &e));
    assert_int_equal(e.class, ERR_CONFIG);
    assert_non_null(strstr(e.text, phrase));
    assert_null(strstr(e.text, "hush"));
}

static void test_encrypted_key(void **state)
{
    struct world *w = *state;
    char *text;
    struct err e;

    key_rig_write(w->path, NULL, w->key, "hush word");
    refused(w, "jwt_key_password"); /* and does not ask the terminal */
    w->c.key_password.value = issuer;
    refused(w, "jwt_key_password");
    w->c.key_password.value = hush;
    text = jwt_make(&w->c, WALL, &e);
    check_signature(w->key, text);
    free(text);
}

static void test_unusable_keys(void **state)
{
    struct world *w = *state;
    EVP_PKEY *small = key_rig_key(1024), *curve = key_rig_key(0);

    refused(w, "cannot be opened");
    key_rig_write(w->path, NULL, small, NULL);
    refused(w, "2048 bits");
    key_rig_write(w->path, NULL, curve, NULL);
    refused(w, "no RSA key");
    key_rig_write(w->path, NULL, NULL, NULL);
    refused(w, "no private key");
    key_rig_write(w->path, NULL, w->key, NULL);
    w->c.subject = (char[]){'\xff', '\0'};
    refused(w, "UTF-8");
    EVP_PKEY_free(small);
    EVP_PKEY_free(curve);
}

int main(void)
{
#define JWT_TEST(f_) cmocka_unit_test_setup_teardown(f_, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        JWT_TEST(test_claims),
        JWT_TEST(test_no_kid),
        JWT_TEST(test_encrypted_key),
        JWT_TEST(test_unusable_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
