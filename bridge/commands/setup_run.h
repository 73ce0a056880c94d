/* Carries a plan of `setup` out, over a desk that signs in as the administrator. */
#ifndef BRIDGE_COMMANDS_SETUP_RUN_H
#define BRIDGE_COMMANDS_SETUP_RUN_H

#include <jansson.h>
#include <stdio.h>

#include "bridge/base/attr.h"
#include "bridge/base/err.h"
#include "bridge/commands/desk.h"
#include "bridge/commands/setup_plan.h"
#include "bridge/commands/setup_secret.h"

/* What the writes need beside the plan. Borrowed for the length of a call. */
struct setup_job {
    struct desk *desk;
    FILE *out;               /* a line for each write */
    const char *secret_file; /* made secrets go there before they are sent */
    const char *undo_file;   /* old values of other people's records go there, for --undo */
    struct setup_secret *client_secret, *password;
    bool rotate; /* a secret gets a new value though one is known; reset when it has */
};

/* Everything a plan looks at (see setup_plan_make), new in *ret_state. One question goes first and
 * alone: a wrong password is tried once. -1: what could not be read and why. */
int setup_read(struct desk *d, const struct setup_wanted *w, json_t **ret_state,
               struct err *e) MUST_CHECK;

enum setup_end {
    SETUP_DONE,   /* every step; look again whether it took */
    SETUP_AGAIN,  /* a record got another sys_id than the chosen one: look and plan again */
    SETUP_STOPPED /* e says at which step and why; what went before is done */
};

/* Does the steps in order, one at a time. A record that is there already is no failure. */
enum setup_end setup_carry_out(struct setup_job *j, const struct setup_plan *p, struct err *e);

/* Old values of other people's records, [] when there are none; new. NULL: unreadable. */
json_t *setup_changes_load(const char *undo_file, struct err *e) MUST_CHECK;

/* Signs in as the integration user and reads one row of a table that the bridge will read. */
int setup_try(const struct config *c, struct err *e) MUST_CHECK;

#endif
