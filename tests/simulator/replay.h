#ifndef SIM_REPLAY_H
#define SIM_REPLAY_H

#include "tests/simulator/sim.h"

#include <jansson.h>

/* Plays the audit log. Options: file, speed (number: log seconds a second; "N/s"; "max"), start
 * (a date), max_rows, times ("clock", "log", "shifted": the last event is now), change_every (each
 * n-th incident becomes a change_request). Returns 0, or -1 with *ret_why (new). */
int replay_start(struct sim *sim, const json_t *options, char **ret_why);
void replay_stop(struct sim *sim);
/* New: state and counts. */
json_t *replay_json(const struct sim *sim);

#endif
