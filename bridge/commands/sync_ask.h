/* What `sync set` and `resync` have in common: a request for whichever process has the table
 * (producers/control.h). Main thread. */
#ifndef BRIDGE_COMMANDS_SYNC_ASK_H
#define BRIDGE_COMMANDS_SYNC_ASK_H

#include "bridge/base/clock.h"
#include "bridge/config/config.h"
#include "producers/control.h"

/* "now", a date or a time as a second; -1 when it is none of these. */
int sync_moment(const char *text, int64_t *ret_second) MUST_CHECK;

/* Is the table one of this configuration? Says so on standard error when not. */
bool sync_has_table(const struct config *c, const char *table);

/* Writes the request (its id and time are filled in here) and waits `wait` for a running bridge to
 * carry it out. table NULL: CONTROL_READ. Prints what came of it; returns the exit code. */
int sync_ask(const struct config *c, const char *table, const struct control *request, usec_t wait);

#endif
