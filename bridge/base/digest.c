/* SHA-256 through libcrypto's EVP interface; a failure there is a broken installation. */
#include "bridge/base/digest.h"

#include <openssl/evp.h>
#include <pthread.h>

#include "bridge/base/panic.h"

static const char hex_digits[] = "0123456789abcdef";

static EVP_MD *fetched;

static void fetch(void)
{
    fetched = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (fetched == NULL)
        panic("libcrypto offers no SHA-256");
}

/* Fetched once: looking an algorithm up costs libcrypto 3 more than a short digest. */
static const EVP_MD *sha256(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, fetch);
    return fetched;
}

struct digest *digest_new(void)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    if (ctx == NULL || EVP_DigestInit_ex2(ctx, sha256(), NULL) != 1)
        panic("libcrypto offers no SHA-256");
    return (struct digest *)ctx;
}

void digest_add(struct digest *d, const void *bytes, size_t length)
{
    if (EVP_DigestUpdate((EVP_MD_CTX *)d, bytes, length) != 1)
        panic("SHA-256 failed");
}

static void finish(struct digest *d, unsigned char raw[EVP_MAX_MD_SIZE])
{
    if (EVP_DigestFinal_ex((EVP_MD_CTX *)d, raw, NULL) != 1)
        panic("SHA-256 failed");
    EVP_MD_CTX_free((EVP_MD_CTX *)d);
}

void digest_finish(struct digest *d, char out[DIGEST_HEX_SIZE])
{
    unsigned char raw[EVP_MAX_MD_SIZE];

    finish(d, raw);
    for (size_t i = 0; i < 32; i++) {
        out[2 * i] = hex_digits[raw[i] >> 4];
        out[2 * i + 1] = hex_digits[raw[i] & 15];
    }
    out[64] = '\0';
}

void digest_hex(const void *bytes, size_t length, char out[DIGEST_HEX_SIZE])
{
    struct digest *d = digest_new();

    digest_add(d, bytes, length);
    digest_finish(d, out);
}

uint64_t digest_u64(const void *bytes, size_t length)
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    struct digest *d = digest_new();
    uint64_t value = 0;

    digest_add(d, bytes, length);
    finish(d, raw);
    for (int i = 0; i < 8; i++)
        value = value << 8 | raw[i];
    return value;
}
