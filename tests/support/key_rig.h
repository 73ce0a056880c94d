/* Keys and certificates for tests, made anew for each run: nothing secret stands in the tree. */
#ifndef TESTS_SUPPORT_KEY_RIG_H
#define TESTS_SUPPORT_KEY_RIG_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>

/* New; free with EVP_PKEY_free. bits 0: an EC key. */
EVP_PKEY *key_rig_key(unsigned bits);

struct key_rig_name {
    const char *common_name;
    const char *san; /* "IP:127.0.0.1", "DNS:localhost"; NULL: none */
    bool authority;
    long from_s, to_s; /* counted from now */
};

/* A certificate for `key`, signed by issuer (NULL: by itself). New; free with X509_free. */
X509 *key_rig_certificate(EVP_PKEY *key, const struct key_rig_name *name, X509 *issuer,
                          EVP_PKEY *issuer_key);

/* Writes PEM to `path`, mode 0600: what is not NULL. password NULL: the key in clear text. */
void key_rig_write(const char *path, X509 *certificate, EVP_PKEY *key, const char *password);

#endif
