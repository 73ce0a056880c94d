/* Sign-in material. Everything made here is a secret: callers wipe it. */
#include "bridge/servicenow/oauth_form.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

static const char *grant_name(const struct config_auth *a)
{
    if (a->grant == GRANT_CLIENT_CREDENTIALS)
        return "client_credentials";
    return a->grant == GRANT_JWT_BEARER ? "urn:ietf:params:oauth:grant-type:jwt-bearer"
                                        : "password";
}

int oauth_form(struct buf *out, const struct config_auth *a, const char *refresh_token,
               const char *assertion)
{
    add(out, "grant_type", refresh_token != NULL ? "refresh_token" : grant_name(a));
    add(out, "client_id", a->client_id);
    /* A public client has none (grant jwt_bearer). */
    if (a->client_secret.value[0] != '\0' || a->grant != GRANT_JWT_BEARER)
        add(out, "client_secret", a->client_secret.value);
    if (refresh_token != NULL) {
        add(out, "refresh_token", refresh_token);
    } else if (a->grant == GRANT_JWT_BEARER) {
        if (assertion != NULL)
            add(out, "assertion", assertion);
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

/* The NUL behind each part keeps ("ab", "c") apart from ("a", "bc"). */
static void add_parts(struct buf *all, const char *const *parts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        (void)buf_add(all, parts[i], strlen(parts[i]) + 1);
}

/* What an assertion is made of. Another key under the same name counts as another sign-in. */
static void add_jwt(struct buf *all, const struct config_jwt *c)
{
    const char *const parts[] = {c->key,     c->key_password.value, c->kid, c->issuer, c->subject,
                                 c->audience};
    struct stat st;

    add_parts(all, parts, ARRAY_LEN(parts));
    if (stat(c->key, &st) == 0)
        (void)buf_addf(all, "%lld.%09ld", (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

void oauth_sign_in_digest(const char *host, const struct config_auth *a, const char *refresh_token,
                          const char *salt, char out[DIGEST_HEX_SIZE])
{
    const char *const parts[] = {host,
                                 a->client_id,
                                 a->username,
                                 a->client_secret.value,
                                 a->password.value,
                                 a->refresh_token.value,
                                 a->api_key.value};
    unsigned char key[32];
    struct buf all;

    buf_init(&all, SIZE_MAX / 2);
    (void)buf_addf(&all, "%d", (int)a->grant);
    add_parts(&all, parts, ARRAY_LEN(parts));
    if (a->grant == GRANT_JWT_BEARER)
        add_jwt(&all, &a->jwt);
    (void)buf_add_text(&all, refresh_token);
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
