/* The writing part of the checklist: one record, marked as a test, made under a chosen sys_id, made
 * again, changed, resolved and deleted. */
#ifndef BRIDGE_COMMANDS_CHECK_WRITE_H
#define BRIDGE_COMMANDS_CHECK_WRITE_H

#include "bridge/commands/check_report.h"
#include "bridge/commands/check_snow.h"
#include "bridge/commands/desk.h"

/* `constants`: columns that each record of the configuration has, as the instance stores them;
 * borrowed. Says Skipped for each step unless `allowed`. True: everything that the bridge writes to
 * this table could be written. A record that the user may not delete stays, resolved; the line
 * names it. Main thread; waits for the answers. */
bool check_write(struct check_report *r, struct desk *d, const struct check_target *t,
                 const json_t *constants, const char *close_code, bool allowed);

#endif
