#include "tests/support/key_rig.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/base/panic.h"

static EVP_PKEY *new_key(unsigned bits)
{
    EVP_PKEY *key = bits == 0 ? EVP_EC_gen("P-256") : EVP_RSA_gen(bits);

    invariant(key != NULL);
    return key;
}

/* Under valgrind a key takes ten seconds: two of them take turns, so that one differs from the one
 * before. */
EVP_PKEY *key_rig_key(unsigned bits)
{
    static EVP_PKEY *kept[2];
    static size_t turn;
    EVP_PKEY **key = &kept[turn++ % 2];

    if (bits != 2048 || getenv("ITSM_VALGRIND") == NULL)
        return new_key(bits);
    if (*key == NULL)
        *key = new_key(bits);
    (void)EVP_PKEY_up_ref(*key);
    return *key;
}

static void extend(X509 *x, int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    invariant(e != NULL && X509_add_ext(x, e, -1) == 1);
    X509_EXTENSION_free(e);
}

X509 *key_rig_certificate(EVP_PKEY *key, const struct key_rig_name *name, X509 *issuer,
                          EVP_PKEY *issuer_key)
{
    static long serial = 1;
    X509 *x = X509_new();
    X509_NAME *subject = X509_get_subject_name(x);

    (void)X509_set_version(x, 2);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
    (void)X509_gmtime_adj(X509_getm_notBefore(x), name->from_s);
    (void)X509_gmtime_adj(X509_getm_notAfter(x), name->to_s);
    (void)X509_set_pubkey(x, key);
    (void)X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                     (const unsigned char *)name->common_name, -1, -1, 0);
    (void)X509_set_issuer_name(x, issuer == NULL ? subject : X509_get_subject_name(issuer));
    extend(x, NID_basic_constraints, name->authority ? "critical,CA:TRUE" : "CA:FALSE");
    if (name->san != NULL)
        extend(x, NID_subject_alt_name, name->san);
    invariant(X509_sign(x, issuer_key == NULL ? key : issuer_key, EVP_sha256()) > 0);
    return x;
}

void key_rig_write(const char *path, X509 *certificate, EVP_PKEY *key, const char *password)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FILE *f = fdopen(fd, "w");

    invariant(f != NULL);
    if (certificate != NULL)
        invariant(PEM_write_X509(f, certificate) == 1);
    if (key != NULL && password == NULL)
        invariant(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1);
    else if (key != NULL)
        invariant(PEM_write_PKCS8PrivateKey(f, key, EVP_aes_256_cbc(), password,
                                            (int)strlen(password), NULL, NULL) == 1);
    invariant(fclose(f) == 0);
}
