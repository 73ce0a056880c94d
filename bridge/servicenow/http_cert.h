/* The client certificate (mTLS), looked at before it is used: what libcurl says about a bad one
 * comes late and helps nobody. Reads the files; no network. */
#ifndef BRIDGE_SERVICENOW_HTTP_CERT_H
#define BRIDGE_SERVICENOW_HTTP_CERT_H

#include "bridge/base/attr.h"
#include "bridge/base/err.h"

/* Is `certificate` (PEM) readable, and `key` (PEM, "": in the same file; `password`
 * "": none) its private key? -1, class ERR_CONFIG: no, and why. */
int http_cert_check(const char *certificate, const char *key, const char *password,
                    struct err *e) MUST_CHECK;

#endif
