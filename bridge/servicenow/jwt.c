/* Assertions for the token endpoint. Everything made here is a secret and wiped. */
#include "bridge/servicenow/jwt.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"
#include "bridge/servicenow/pem.h"
#include "bridge/servicenow/wipe.h"

#define JTI_BYTES    16
#define KEY_BITS_MIN 2048
#define ISSUED_AGO_S 10 /* a server whose clock is behind must not see a token from the future */

static EVP_PKEY *read_key(const struct config_jwt *c, struct err *e)
{
    bool opened;
    EVP_PKEY *key = pem_read_key(c->key, c->key_password.value, &opened);

    if (!opened)
        (void)err_set(e, ERR_CONFIG, "jwt-key",
                      "The key '%s' (connection.auth.jwt_key) cannot be opened; give the bridge's "
                      "user the right to read it, or correct the path",
                      c->key);
    else if (key == NULL)
        (void)err_set(e, ERR_CONFIG, "jwt-key",
                      "The key '%s' (connection.auth.jwt_key) cannot be read: it holds no private "
                      "key in PEM form, or connection.auth.jwt_key_password is not its password",
                      c->key);
    else if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA || EVP_PKEY_get_bits(key) < KEY_BITS_MIN)
        (void)err_set(e, ERR_CONFIG, "jwt-key",
                      "The key '%s' (connection.auth.jwt_key) is no RSA key of %d bits or more; "
                      "make one: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072",
                      c->key, KEY_BITS_MIN);
    else
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

/* base64url without padding (RFC 7515 2). New. */
static char *encode(const unsigned char *bytes, size_t length)
{
    size_t room = 4 * ((length + 2) / 3) + 1;
    char *text = xcalloc(room, 1);

    (void)EVP_EncodeBlock((unsigned char *)text, bytes, (int)length);
    for (char *p = text; *p != '\0'; p++) {
        if (*p == '+')
            *p = '-';
        else if (*p == '/')
            *p = '_';
        else if (*p == '=')
            *p = '\0';
    }
    return text;
}

/* Takes the object. New; NULL when a text is not UTF-8. */
static char *encode_json(json_t *object)
{
    char *text = object == NULL ? NULL : json_dumps(object, JSON_COMPACT), *coded = NULL;

    if (text != NULL)
        coded = encode((const unsigned char *)text, strlen(text));
    free(text);
    json_decref(object);
    return coded;
}

static char *make_claims(const struct config_jwt *c, msec_t wall)
{
    json_int_t at = wall / 1000;
    unsigned char bytes[JTI_BYTES];
    char *id, *claims;

    if (RAND_bytes(bytes, sizeof bytes) != 1)
        panic("no random numbers from libcrypto");
    id = encode(bytes, sizeof bytes);
    claims = encode_json(json_pack("{ss ss ss sI sI ss}", "iss", c->issuer, "sub", c->subject,
                                   "aud", c->audience, "iat", at - ISSUED_AGO_S, "exp",
                                   at + (json_int_t)(c->life / USEC_S), "jti", id));
    free(id);
    return claims;
}

static char *make_head(const struct config_jwt *c)
{
    json_t *head = json_pack("{ss ss}", "alg", "RS256", "typ", "JWT");

    if (head != NULL && c->kid[0] != '\0' &&
        json_object_set_new(head, "kid", json_string(c->kid)) != 0) {
        json_decref(head);
        head = NULL;
    }
    return encode_json(head);
}

static char *sign(EVP_PKEY *key, const char *text, struct err *e)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t length = (size_t)EVP_PKEY_get_size(key);
    unsigned char *signature = xmalloc(length);
    char *coded = NULL;

    if (ctx != NULL && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
        EVP_DigestSign(ctx, signature, &length, (const unsigned char *)text, strlen(text)) == 1)
        coded = encode(signature, length);
    else
        (void)err_set(e, ERR_CONFIG, "jwt-key",
                      "libcrypto cannot sign with the key of connection.auth.jwt_key");
    ERR_clear_error();
    EVP_MD_CTX_free(ctx);
    free(signature);
    return coded;
}

char *jwt_make(const struct config_jwt *c, msec_t wall, struct err *e)
{
    char *head = NULL, *claims = NULL, *text = NULL, *signature = NULL, *whole = NULL;
    EVP_PKEY *key = read_key(c, e);

    if (key == NULL)
        return NULL;
    head = make_head(c);
    claims = make_claims(c, wall);
    if (head == NULL || claims == NULL) {
        (void)err_set(e, ERR_CONFIG, "jwt-claims",
                      "The assertion cannot be written: a jwt_... value of connection.auth, the "
                      "client id or the user is not UTF-8");
        goto out;
    }
    text = xasprintf("%s.%s", head, claims);
    signature = sign(key, text, e);
    if (signature != NULL)
        whole = xasprintf("%s.%s", text, signature);
out:
    EVP_PKEY_free(key);
    wipe_free(head);
    wipe_free(claims);
    wipe_free(text);
    wipe_free(signature);
    return whole;
}
