#ifndef SIM_ACCOUNTS_H
#define SIM_ACCOUNTS_H

#include "tests/simulator/users.h"

/* Users, roles and OAuth clients that are made over the Table API, as an administrator's program
 * makes them: what is written there can sign in, and what is deleted there cannot. */

/* What a password column stores for a text: with sysparm_input_display_value a digest of it, by
 * which it is known again; without, the text as if it were one, which no password matches. */
const char *password_stored(struct arena *a, const char *text, bool display);

/* A row of this table was written over the API. */
void accounts_written(struct sim *sim, const struct table *t, const struct row *row);
/* Removes a row; a user goes with its roles. */
void accounts_remove(struct sim *sim, struct table *t, uint32_t slot);

/* Does this text sign the user in? */
bool account_password(const struct sim *sim, const struct user *u, const char *text);
/* May the user use HTTP Basic (setting basic_restricted)? */
bool account_basic(const struct sim *sim, const struct user *u);

/* May the tables that hold accounts be written (read) by this user only with the role admin? */
bool account_table(const char *table);
bool account_table_hidden(const char *table);

/* An OAuth client: that of the settings, or an active row of oauth_entity. */
struct oauth_client {
    const char *id;   /* borrowed until the row changes */
    const char *user; /* name of the application user, NULL: none */
    int64_t access_life_s, refresh_life_s;
    bool credentials; /* may use client_credentials */
};
bool account_client(const struct sim *sim, const char *id, const char *secret,
                    struct oauth_client *ret);

#endif
