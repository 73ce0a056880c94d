/* Private keys in PEM form. */
#ifndef BRIDGE_SERVICENOW_PEM_H
#define BRIDGE_SERVICENOW_PEM_H

#include <openssl/evp.h>
#include <stdbool.h>

#include "bridge/base/attr.h"

/* Reads the first private key of the file; password "": it has none, and nobody is asked for one.
 * New (EVP_PKEY_free); NULL: *ret_opened says whether it was the file or what stands in it. */
EVP_PKEY *pem_read_key(const char *path, const char *password, bool *ret_opened) MUST_CHECK;

#endif
