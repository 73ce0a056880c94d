/* Reading of private keys. libcrypto would ask the terminal for a password; a daemon must not. */
#include "bridge/servicenow/pem.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdint.h>
#include <string.h>

static int on_password(char *out, int size, int rwflag, void *arg)
{
    const char *password = arg;

    (void)rwflag;
    if (password[0] == '\0' || strlen(password) >= (size_t)size)
        return -1;
    return (int)OPENSSL_strlcpy(out, password, (size_t)size);
}

EVP_PKEY *pem_read_key(const char *path, const char *password, bool *ret_opened)
{
    BIO *file = BIO_new_file(path, "r");
    EVP_PKEY *key = NULL;

    *ret_opened = file != NULL;
    if (file != NULL)
        key = PEM_read_bio_PrivateKey(file, NULL, on_password, (void *)(uintptr_t)password);
    ERR_clear_error();
    BIO_free(file);
    return key;
}
