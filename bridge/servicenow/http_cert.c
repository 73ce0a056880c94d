/* Checks of a client certificate and its key. Trust and dates are the server's business: an expired
 * one may be replaced while the bridge runs. */
#include "bridge/servicenow/http_cert.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "bridge/servicenow/pem.h"

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
    bool opened;
    EVP_PKEY *key = pem_read_key(path, password, &opened);

    if (key == NULL)
        (void)err_set(e, ERR_CONFIG, "client-certificate",
                      "The key '%s' of the client certificate (connection.client_key) %s", path,
                      opened ? "holds no private key in PEM form, or "
                               "connection.client_key_password is not its password"
                             : "cannot be opened; give the bridge's user the right to read it, or "
                               "correct the path");
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
