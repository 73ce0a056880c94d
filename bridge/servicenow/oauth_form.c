/* Sign-in material. Everything made here is a secret: callers wipe it. */
#include "bridge/servicenow/oauth_form.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"
#include "bridge/servicenow/query.h"

#define SALT_BYTES    16
#define DIGEST_ROUNDS 20000

static void add(struct buf *out, const char *name, const char *value)
{
    if (out->length > 0)
        (void)buf_add_char(out, '&');
    (void)buf_add_text(out, name);
    (void)buf_add_char(out, '=');
    if (query_escape(out, value) != 0)
        out->failed = true;
}

int oauth_form(struct buf *out, const struct config_auth *a, const char *refresh_token)
{
    const char *grant = a->grant == GRANT_CLIENT_CREDENTIALS ? "client_credentials" : "password";

    add(out, "grant_type", refresh_token != NULL ? "refresh_token" : grant);
    add(out, "client_id", a->client_id);
    add(out, "client_secret", a->client_secret.value);
    if (refresh_token != NULL) {
        add(out, "refresh_token", refresh_token);
    } else if (a->grant != GRANT_CLIENT_CREDENTIALS) {
        add(out, "username", a->username);
        add(out, "password", a->password.value);
    }
    return out->failed ? -1 : 0;
}

char *oauth_basic(const struct config_auth *a)
{
    char *pair = xasprintf("%s:%s", a->username, a->password.value), *text;
    size_t length = strlen(pair), room = 4 * ((length + 2) / 3) + 1;
    unsigned char *coded = xmalloc(room);

    (void)EVP_EncodeBlock(coded, (const unsigned char *)pair, (int)length);
    text = xasprintf("Basic %s", (const char *)coded);
    OPENSSL_cleanse(pair, length);
    OPENSSL_cleanse(coded, room);
    free(pair);
    free(coded);
    return text;
}

static void to_hex(const unsigned char *bytes, size_t length, char *out)
{
    for (size_t i = 0; i < length; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

char *oauth_salt(void)
{
    unsigned char bytes[SALT_BYTES];
    char *text = xcalloc(2 * SALT_BYTES + 1, 1);

    if (RAND_bytes(bytes, sizeof bytes) != 1)
        panic("no random numbers from libcrypto");
    to_hex(bytes, sizeof bytes, text);
    return text;
}

void oauth_sign_in_digest(const struct config_connection *c, const char *salt,
                          char out[DIGEST_HEX_SIZE])
{
    const struct config_auth *a = &c->auth;
    const char *const parts[] = {
        c->host,           a->client_id,           a->username,     a->client_secret.value,
        a->password.value, a->refresh_token.value, a->api_key.value};
    unsigned char key[32];
    struct buf all;

    buf_init(&all, SIZE_MAX / 2);
    (void)buf_addf(&all, "%d", (int)a->grant);
    /* The NUL behind each part keeps ("ab", "c") apart from ("a", "bc"). */
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        (void)buf_add(&all, parts[i], strlen(parts[i]) + 1);
    if (all.failed ||
        PKCS5_PBKDF2_HMAC(buf_text(&all), (int)all.length, (const unsigned char *)salt,
                          (int)strlen(salt), DIGEST_ROUNDS, EVP_sha256(), sizeof key, key) != 1)
        panic("libcrypto cannot compute PBKDF2");
    to_hex(key, sizeof key, out);
    buf_wipe(&all);
    OPENSSL_cleanse(key, sizeof key);
}

bool oauth_holds_secret(const struct config_auth *a, const char *text)
{
    const char *const secrets[] = {a->client_secret.value, a->password.value,
                                   a->refresh_token.value, a->api_key.value};

    for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
        if (strlen(secrets[i]) >= 4 && strstr(text, secrets[i]) != NULL)
            return true;
    return false;
}
