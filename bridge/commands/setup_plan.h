/* What `setup` wants of an instance, against what the instance has: a list of writes, each with the
 * sentence that a person reads. Pure: no clock, no chance, no I/O; no secret is ever in a plan.
 *
 * A record counts as made by setup when two things hold: its sys_id is the one that setup chooses
 * (a digest over host, table and key: nobody else gets it), and its text column (comments of the
 * OAuth client, title of the user, description of the property) still begins with SETUP_MARK. Who
 * changes that text takes the record over: then --undo leaves it. A row of sys_user_has_role has no
 * text column; there the sys_id counts alone, unless its user was taken over. */
#ifndef BRIDGE_COMMANDS_SETUP_PLAN_H
#define BRIDGE_COMMANDS_SETUP_PLAN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "bridge/base/attr.h"
#include "bridge/config/config.h"

#define SETUP_MARK      "Made by itsm-bridge setup"
#define SETUP_MARK_OPEN "Made by itsm-bridge setup (not finished)"

/* Seconds; 90 days, the life that the old connector's manual asks for. */
#define SETUP_REFRESH_LIFE 7776000
#define SETUP_ACCESS_LIFE  1800

/* Tables and properties that setup looks at (servicenow-api 1.1, 10). */
#define SETUP_USER            "sys_user"
#define SETUP_ROLE            "sys_user_role"
#define SETUP_HAS_ROLE        "sys_user_has_role"
#define SETUP_CLIENT          "oauth_entity"
#define SETUP_PROPERTY        "sys_properties"
#define SETUP_CLIENT_PROPERTY "glide.oauth.inbound.client.credential.grant_type.enabled"
#define SETUP_ROPC_PROPERTY   "glide.oauth.inbound.ropc.grant_type.disabled"

struct setup_role {
    const char *name, *why; /* static */
};
#define SETUP_ROLES_MAX 8

/* All strings are borrowed for as long as the plan is made. */
struct setup_wanted {
    const char *host;      /* of the instance */
    const char *user_name; /* of the integration user */
    const char *client_name;
    const char *client_id; /* never ""; of a client that is to be made; wins over client_name */
    enum config_grant grant;
    struct setup_role roles[SETUP_ROLES_MAX];
    size_t roles_count;
    bool secret_known, password_known; /* their values are at hand */
    bool rotate;                       /* secrets that cannot be read back get new values */
};

enum setup_action { SETUP_CREATE, SETUP_UPDATE, SETUP_DELETE };
enum setup_secret_kind { SETUP_NO_SECRET, SETUP_CLIENT_SECRET, SETUP_PASSWORD };

struct setup_step {
    enum setup_action action;
    const char *table; /* static */
    char sys_id[33];
    json_t *body;   /* column: text; NULL for a delete */
    json_t *before; /* of an update of a record that setup did not make: what stood there */
    enum setup_secret_kind secret; /* goes into the body when it is sent, as a display value: a
                                      password column takes it no other way */
    char *what;                    /* "role itil for itsm.integration: to ..." */
};

struct setup_note {
    bool blocks; /* setup cannot do it: the connection will not work until a person does */
    char *text;
};

struct setup_plan {
    struct setup_step *steps;
    size_t count;
    struct setup_note *notes;
    size_t notes_count;
    char *client_id; /* of the client as it will be; "" when the grant has none */
};

/* Which roles the chosen features need, and no more. Returns how many of out[] are filled. */
size_t setup_roles(const struct config *c, struct setup_role out[SETUP_ROLES_MAX]);

/* The client id that setup gives the OAuth client of a connection: always the same one, so that a
 * second run finds it. It is no secret. */
void setup_client_id(const char *host, const char *connection, char out[33]);

/* Does this way of signing in have an OAuth client; is the user's password part of it? */
bool setup_has_client(enum config_grant grant);
bool setup_has_password(enum config_grant grant);

/* state: {table: [rows as the Table API gives them, references as sys_ids]}, with all rows of
 * sys_user under user_name, of oauth_entity under client_name, client_id or that user or marked by
 * setup, of sys_user_role under the wanted names, of sys_user_has_role of that user, of
 * sys_properties under the two names. */
void setup_plan_make(const struct setup_wanted *w, const json_t *state, struct setup_plan *ret);

/* The way back: deletes what setup made, and gives changed records of others their old values back,
 * where nobody has changed these since. User, roles and property stay while another client that
 * setup made, or one that acts as this user, needs them. changes: array of {table, sys_id, before,
 * after}. */
void setup_plan_undo(const struct setup_wanted *w, const json_t *state, const json_t *changes,
                     struct setup_plan *ret);

void setup_plan_done(struct setup_plan *p); /* the plan is empty afterwards */

/* Adds a change to the array that setup_plan_undo reads: of two changes of a column the oldest
 * `before` stays. */
void setup_changes_add(json_t *changes, const struct setup_step *step);

#endif
