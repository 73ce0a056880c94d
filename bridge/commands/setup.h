/* One run of `setup`: what is wanted, where secrets are, and the three things that can be done with
 * it. Main thread. */
#ifndef BRIDGE_COMMANDS_SETUP_H
#define BRIDGE_COMMANDS_SETUP_H

#include <stdbool.h>
#include <stdio.h>

#include "bridge/base/attr.h"
#include "bridge/base/err.h"
#include "bridge/commands/setup_plan.h"
#include "bridge/commands/setup_print.h"
#include "bridge/commands/setup_secret.h"

#define SETUP_USER_DEFAULT "itsm.integration"

struct setup {
    struct config *config; /* borrowed; loaded with CONFIG_NO_SECRETS */
    struct setup_wanted wanted;
    struct setup_secret client_secret, password;
    char *secret_file, *undo_file, *client_name, *user_name;
    char client_id[33];
    bool dry_run;
    FILE *out;
};

/* Fills *s: user and secret_file NULL for the defaults. c is borrowed. -1: a file of secrets that
 * is there cannot be read; setup_close is called all the same. */
int setup_open(struct setup *s, struct config *c, const char *user, const char *secret_file,
               struct err *e) MUST_CHECK;
void setup_close(struct setup *s); /* wipes the secrets */

/* --print. Needs no network. */
int setup_by_hand(struct setup *s) MUST_CHECK;

/* With a desk that signs in by `admin` (borrowed): makes what is missing, or undoes. -1: not
 * complete; e->class ERR_NONE when all that is to be said has been said. */
int setup_run(struct setup *s, const struct config *admin, bool undo, struct err *e) MUST_CHECK;

#endif
