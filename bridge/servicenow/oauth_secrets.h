/* The sign-in's own view of connection.auth: as the configuration has it, but with secrets that
 * stand in files read again when they change. Inside the sign-in only; loop thread. */
#ifndef BRIDGE_SERVICENOW_OAUTH_SECRETS_H
#define BRIDGE_SERVICENOW_OAUTH_SECRETS_H

#include <stdbool.h>

#include "bridge/base/stamp.h"
#include "bridge/config/config.h"

#define OAUTH_SECRETS 5 /* client_secret, password, refresh_token, api_key, jwt_key_password */

struct oauth_secrets {
    struct config_auth auth;    /* what to use; borrowed from the configuration, and from `fresh` */
    char *fresh[OAUTH_SECRETS]; /* values that are newer than the configuration; NULL: none */
    struct stamp stamps[OAUTH_SECRETS + 1]; /* of their files, and of the JWT key */
};

/* Takes over what the configuration says now; *s must be zeroed or in use. Borrows a's texts. */
void oauth_secrets_take(struct oauth_secrets *s, const struct config_auth *a);
void oauth_secrets_done(struct oauth_secrets *s); /* wipes */

/* Is there a file that can change? */
bool oauth_secrets_watched(const struct oauth_secrets *s);
/* Reads again what stands in files. True when anything differs from what was used so far. A file
 * that is missing or empty at this moment counts as unchanged. */
bool oauth_secrets_renew(struct oauth_secrets *s);
/* The same, but only when a file looks changed: a stat each. */
bool oauth_secrets_watch(struct oauth_secrets *s);

#endif
