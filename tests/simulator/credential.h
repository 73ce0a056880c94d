#ifndef SIM_CREDENTIAL_H
#define SIM_CREDENTIAL_H

#include "tests/simulator/sim.h"

/* The row of a refresh token in oauth_credential, made or brought up to date: which client and user
 * it belongs to, when it ends. Never the token. `id` is the row's sys_id, 32 digits. */
void credential_write(struct sim *sim, const char *id, const char *client, const char *user,
                      int64_t expires_s);

#endif
