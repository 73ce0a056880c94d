#ifndef SIM_ASSERTION_H
#define SIM_ASSERTION_H

#include "tests/simulator/sim.h"

/* Checks a JWT as an instance does: RS256 with the key of the setting jwt_key, its dates by the
 * instance's clock, iss the client, aud the setting jwt_audience or the client. Returns the subject
 * (new), or NULL. */
char *assertion_subject(struct sim *sim, const char *text, const char *client);

#endif
