/* What `setup` says: the writes of a plan, the steps for a person, the configuration to paste. No
 * secret passes here. */
#ifndef BRIDGE_COMMANDS_SETUP_PRINT_H
#define BRIDGE_COMMANDS_SETUP_PRINT_H

#include <stdio.h>

#include "bridge/commands/setup_plan.h"
#include "bridge/commands/setup_secret.h"

/* Each write with method, table, columns; values that would be made stand as words. */
void setup_print_writes(const struct setup_plan *p, FILE *out);
/* What only a person can do, each under a heading of its own; nothing when there is nothing. */
void setup_print_notes(const struct setup_plan *p, FILE *out);

/* The whole way by hand, for an administrator who lends no sign-in: menus and values, from nothing.
 * p: a plan against an instance that has none of it. client_id: the configured one, "" when the
 * instance gives it. */
void setup_print_manual(const struct setup_wanted *w, const struct setup_plan *p,
                        const char *server_url, const char *client_id, FILE *out);

/* The group `auth` for connection, in the file's syntax. client_id "" when it is not known yet. */
void setup_print_auth(const struct config_auth *a, const struct setup_wanted *w,
                      const char *client_id, const struct setup_secret *client_secret,
                      const struct setup_secret *password, FILE *out);

/* The optional business rule (bridge/before-update-rule.js) with the user's name put in. */
void setup_print_rule(const char *user_name, FILE *out);

#endif
