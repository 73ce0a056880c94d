/* Checks of a client certificate and its key. Trust and dates are the server's business: an expired
 * one may be replaced while the bridge runs. */
#include "bridge/servicenow/http_cert.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdint.h>
#include <string.h>

/* Without it libcrypto would ask the terminal. */
static int on_password(char *out, int size, int rwflag, void *arg)
{
    const char *password = arg;
    size_t length = strlen(password);

    (void)rwflag;
    if (length == 0 || length > (size_t)size)
        return -1;
    memcpy(out, password, length);
    return (int)length;
}

static X509 *read_certificate(const char *path, struct err *e)
{
    BIO *file = BIO_new_file(path, "r");
    X509 *x = file == NULL ? NULL : PEM_read_bio_X509(file, NULL, NULL, NULL);

    if (x == NULL)
        (void)err_set(e, ERR_CONFIG, "client-certificate",
                      "The client certificate '%s' (connection.client_certificate) %s", path,
                      file == NULL ? "cannot be opened; give the bridge's user the right to read "
                                     "it, or correct the path"
                                   : "is no certificate in PEM form");
    BIO_free(file);
    return x;
}

static EVP_PKEY *read_key(const char *path, const char *password, struct err *e)
{
    BIO *file = BIO_new_file(path, "r");
    EVP_PKEY *key = NULL;

    if (file != NULL)
        key = PEM_read_bio_PrivateKey(file, NULL, on_password, (void *)(uintptr_t)password);
    if (key == NULL)
        (void)err_set(e, ERR_CONFIG, "client-certificate",
                      "The key '%s' of the client certificate (connection.client_key) %s", path,
                      file == NULL ? "cannot be opened; give the bridge's user the right to read "
                                     "it, or correct the path"
                                   : "holds no private key in PEM form, or "
                                     "connection.client_key_password is not its password");
    BIO_free(file);
    return key;
}

int http_cert_check(const char *certificate, const char *key, const char *password, struct err *e)
{
    X509 *x = read_certificate(certificate, e);
    EVP_PKEY *k = x == NULL ? NULL : read_key(key[0] == '\0' ? certificate : key, password, e);
    int rc = -1;

    if (k == NULL)
        goto out;
    if (X509_check_private_key(x, k) != 1)
        (void)err_set(e, ERR_CONFIG, "client-certificate",
                      "The key of connection.client_key does not belong to the client certificate "
                      "'%s'; name the two that were made together",
                      certificate);
    else
        rc = 0;
out:
    ERR_clear_error();
    X509_free(x);
    EVP_PKEY_free(k);
    return rc;
}
