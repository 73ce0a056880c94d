/*
 * Table oauth_credential: what an administrator sees of refresh tokens. The client of the settings
 * gets a row in oauth_entity when it is first needed, so that the reference has something to name.
 */
#include "tests/simulator/credential.h"
#include "tests/simulator/users.h"

#include <string.h>

static uint32_t number(const struct table *t, const char *column)
{
    return table_column(t, column, strlen(column));
}

static const char *client_row(struct sim *sim, const char *client)
{
    struct table *t = store_find(sim->store, "oauth_entity");
    const char *v[COLUMNS_MAX] = {NULL};
    uint32_t slot = hash_first(t, number(t, "client_id"), client);
    char id[33], when[DATE_LEN];

    if (slot == NO_SLOT) {
        rng_hex(&sim->rng, id, 32, false);
        date_format(sim_now_s(sim), when);
        v[COL_SYS_ID] = id;
        v[COL_CREATED_ON] = v[COL_UPDATED_ON] = when;
        v[number(t, "name")] = "client of the settings";
        v[number(t, "client_id")] = client;
        slot = table_put(t, NO_SLOT, v);
    }
    return row_get(t, table_row(t, slot), COL_SYS_ID);
}

void credential_write(struct sim *sim, const char *id, const char *client, const char *user,
                      int64_t expires_s)
{
    struct table *t = store_find(sim->store, "oauth_credential");
    const struct user *u = user_find(sim, user);
    const char *v[COLUMNS_MAX] = {NULL};
    char when[DATE_LEN], end[DATE_LEN];

    date_format(sim_now_s(sim), when);
    date_format(expires_s, end);
    v[COL_SYS_ID] = id;
    v[COL_CREATED_ON] = v[COL_UPDATED_ON] = when;
    v[number(t, "type")] = "refresh_token";
    v[number(t, "expires")] = end;
    v[number(t, "user")] = u ? u->sys_id : "";
    v[number(t, "peer")] = client_row(sim, client);
    table_put(t, table_find(t, id), v);
}
