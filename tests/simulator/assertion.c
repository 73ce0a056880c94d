/*
 * Assertions of the JWT bearer grant, verified with the public key that the setting jwt_key names.
 */
#include "tests/simulator/assertion.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

/* base64url without padding. New, *ret_n bytes, or NULL. */
static char *decode(const char *s, size_t n, size_t *ret_n)
{
    struct str padded = {0};
    char *out;

    for (size_t i = 0; i < n; i++)
        str_putc(&padded, (char)(s[i] == '-' ? '+' : s[i] == '_' ? '/' : s[i]));
    while (padded.n % 4 != 0)
        str_putc(&padded, '=');
    out = base64_decode(padded.p ? padded.p : "", padded.n, ret_n);
    str_free(&padded);
    return out;
}

static json_t *decode_json(const char *s, size_t n)
{
    size_t length;
    char *text = decode(s, n, &length);
    json_t *root = text ? json_loadb(text, length, 0, NULL) : NULL;

    free(text);
    return root;
}

static bool signed_by(const char *path, const char *text, size_t n, const char *signature)
{
    BIO *file = BIO_new_file(path, "r");
    EVP_PKEY *key = file ? PEM_read_bio_PUBKEY(file, NULL, NULL, NULL) : NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t length = 0;
    char *bytes = decode(signature, strlen(signature), &length);
    bool good =
        key && bytes && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
        EVP_DigestVerify(ctx, (unsigned char *)bytes, length, (const unsigned char *)text, n) == 1;

    free(bytes);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    BIO_free(file);
    return good;
}

static const char *claim(const json_t *claims, const char *name)
{
    const char *text = json_string_value(json_object_get(claims, name));

    return text ? text : "";
}

static bool claims_hold(const struct sim *sim, const json_t *head, const json_t *claims,
                        const char *client)
{
    const char *audience = *sim->set.jwt_audience ? sim->set.jwt_audience : client;
    int64_t now = sim_now_s(sim);

    if (*sim->set.jwt_kid && strcmp(claim(head, "kid"), sim->set.jwt_kid) != 0)
        return false;
    return strcmp(claim(head, "alg"), "RS256") == 0 && strcmp(claim(claims, "iss"), client) == 0 &&
           strcmp(claim(claims, "aud"), audience) == 0 &&
           json_integer_value(json_object_get(claims, "exp")) > now &&
           json_integer_value(json_object_get(claims, "iat")) <= now;
}

char *assertion_subject(struct sim *sim, const char *text, const char *client)
{
    const char *dot = strchr(text, '.'), *last = strrchr(text, '.');
    json_t *head, *claims;
    char *subject = NULL;

    if (*sim->set.jwt_key == '\0' || dot == NULL || dot == last)
        return NULL;
    head = decode_json(text, (size_t)(dot - text));
    claims = decode_json(dot + 1, (size_t)(last - dot - 1));
    if (head && claims && claims_hold(sim, head, claims, client) &&
        signed_by(sim->set.jwt_key, text, (size_t)(last - text), last + 1))
        subject = xstrdup(claim(claims, "sub"));
    json_decref(head);
    json_decref(claims);
    return subject;
}
