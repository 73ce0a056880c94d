/* The signed assertion of grant jwt_bearer (RFC 7519, RFC 7523; RS256). Reads the key file each
 * time, so that a new key needs no restart; takes about a millisecond. */
#ifndef BRIDGE_SERVICENOW_JWT_H
#define BRIDGE_SERVICENOW_JWT_H

#include "bridge/base/attr.h"
#include "bridge/base/clock.h"
#include "bridge/base/err.h"
#include "bridge/config/config.h"

/* Issued at iat = `wall` less a little for clocks that differ, with an id of its own (jti), good
 * until `wall` + c->life. New, the caller wipes it. NULL, class ERR_CONFIG: the key file cannot be
 * read, is encrypted and the password is wrong, or holds no RSA key of 2048 bits or more. */
char *jwt_make(const struct config_jwt *c, msec_t wall, struct err *e) MUST_CHECK;

#endif
