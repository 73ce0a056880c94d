#ifndef SIM_OAUTH_H
#define SIM_OAUTH_H

#include "tests/simulator/users.h"

void tokens_init(struct sim *sim);
void tokens_free(struct sim *sim);

/* POST /oauth_token.do */
void oauth_token(struct sim *sim, const struct request *r, struct answer *a);
/* /oauth_revoke_token.do and /oauth_revoke.do */
void oauth_revoke(struct sim *sim, const struct request *r, struct answer *a);

/* User of a live access token, or NULL. */
struct user *oauth_bearer(struct sim *sim, const char *access);
/* Ends one token by its access or refresh text (NULL: all of them). Returns how many ended.
 * `access_only` leaves the refresh tokens alive. */
int oauth_kill(struct sim *sim, const char *text, bool access_only);

#endif
