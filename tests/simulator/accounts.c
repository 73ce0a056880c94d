/*
 * Accounts in tables: sys_user, sys_user_has_role and oauth_entity as they matter for signing in.
 * The struct of a user follows its row after each write over the API. A client that is a row needs
 * what an instance needs for client_credentials: its application user and the system property.
 */
#include "tests/simulator/accounts.h"

#include <stdlib.h>
#include <string.h>

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static const char *column(const struct table *t, const struct row *r, const char *name)
{
    uint32_t c = table_column(t, name, strlen(name));

    return c == NO_COLUMN ? "" : row_get(t, r, c);
}

static const struct row *row_where(const struct sim *sim, const char *table, const char *name,
                                   const char *value, const struct table **ret_table)
{
    struct table *t = store_find(sim->store, table);
    uint32_t slot = hash_first(t, table_column(t, name, strlen(name)), value);

    *ret_table = t;
    return slot == NO_SLOT ? NULL : table_row(t, slot);
}

bool account_table(const char *table)
{
    return is(table, "sys_user") || is(table, "sys_user_has_role") || is(table, "sys_user_role") ||
           is(table, "sys_properties") || account_table_hidden(table);
}

bool account_table_hidden(const char *table)
{
    return is(table, "oauth_entity");
}

const char *password_stored(struct arena *a, const char *text, bool display)
{
    uint64_t h = hash_mix(hash_text(text));

    return display && *text ? arena_printf(a, "{digest}%016llx", (unsigned long long)h)
                            : arena_copy(a, text, strlen(text));
}

static bool password_is(const char *stored, const char *text)
{
    struct arena a = {0};
    bool same = *stored != '\0' && *text != '\0' && is(stored, password_stored(&a, text, true));

    arena_free(&a);
    return same;
}

bool account_password(const struct sim *sim, const struct user *u, const char *text)
{
    const struct table *t;
    const struct row *r = row_where(sim, "sys_user", "user_name", u->name, &t);
    const char *stored = r ? column(t, r, "user_password") : "";

    if (r && is(column(t, r, "password_needs_reset"), "true"))
        return false;
    return *stored ? password_is(stored, text) : *text && is(u->password, text);
}

bool account_basic(const struct sim *sim, const struct user *u)
{
    const struct table *t;
    const struct row *r = row_where(sim, "sys_user", "user_name", u->name, &t);

    return !sim->set.basic_restricted || user_has_role(u, "snc_basic_auth_api_access") ||
           (r && is(column(t, r, "web_service_access_only"), "true"));
}

/* The roles of the user of this sys_id, anew from the rows. */
static void follow_roles(struct sim *sim, const char *user_id)
{
    struct table *users = store_find(sim->store, "sys_user");
    struct table *has = store_find(sim->store, "sys_user_has_role");
    struct table *roles = store_find(sim->store, "sys_user_role");
    uint32_t by_user = table_column(has, "user", 4), slot = table_find(users, user_id);
    struct user *u =
        slot == NO_SLOT ? NULL : user_find(sim, column(users, table_row(users, slot), "user_name"));
    struct str s = {0};

    if (u == NULL)
        return;
    str_putc(&s, ',');
    for (slot = hash_first(has, by_user, user_id); slot != NO_SLOT;
         slot = hash_next(has, by_user, user_id, slot)) {
        uint32_t role = table_find(roles, column(has, table_row(has, slot), "role"));

        if (role != NO_SLOT)
            str_printf(&s, "%s,", column(roles, table_row(roles, role), "name"));
    }
    free(u->roles);
    u->roles = str_take(&s);
}

void accounts_written(struct sim *sim, const struct table *t, const struct row *row)
{
    if (is(t->name, "sys_user")) {
        user_follow(sim, column(t, row, "user_name"), row_get(t, row, COL_SYS_ID),
                    !is(column(t, row, "active"), "false"),
                    is(column(t, row, "locked_out"), "true"));
        follow_roles(sim, row_get(t, row, COL_SYS_ID));
    } else if (is(t->name, "sys_user_has_role")) {
        follow_roles(sim, column(t, row, "user"));
    }
}

void accounts_remove(struct sim *sim, struct table *t, uint32_t slot)
{
    const struct row *row = table_row(t, slot);
    struct table *has = store_find(sim->store, "sys_user_has_role");
    uint32_t by_user = table_column(has, "user", 4), role;
    char *user = xstrdup(column(t, row, "user"));

    if (is(t->name, "sys_user")) {
        while ((role = hash_first(has, by_user, row_get(t, row, COL_SYS_ID))) != NO_SLOT)
            table_remove(has, role);
        user_drop(sim, column(t, row, "user_name"));
    }
    table_remove(t, slot);
    if (is(t->name, "sys_user_has_role"))
        follow_roles(sim, user);
    free(user);
}

static int64_t number(const char *text, int64_t fallback)
{
    int64_t n;

    return parse_int(text, &n) == 0 ? n : fallback;
}

static bool credentials_allowed(const struct sim *sim)
{
    static const char name[] = "glide.oauth.inbound.client.credential.grant_type.enabled";
    const struct table *t;
    const struct row *r = row_where(sim, "sys_properties", "name", name, &t);

    return r && is(column(t, r, "value"), "true");
}

bool account_client(const struct sim *sim, const char *id, const char *secret,
                    struct oauth_client *ret)
{
    const struct table *t, *users = store_find(sim->store, "sys_user");
    const struct row *r;
    uint32_t user;

    if (is(id, sim->set.client_id) && is(secret, sim->set.client_secret)) {
        *ret = (struct oauth_client){sim->set.client_id, sim->set.user, sim->set.access_life_s,
                                     sim->set.refresh_life_s, sim->set.grant_client_credentials};
        return true;
    }
    r = row_where(sim, "oauth_entity", "client_id", id, &t);
    if (r == NULL || !is(column(t, r, "active"), "true") || !is(column(t, r, "type"), "client") ||
        !password_is(column(t, r, "client_secret"), secret))
        return false;
    user = table_find(users, column(t, r, "user"));
    *ret = (struct oauth_client){
        .id = row_get(t, r, table_column(t, "client_id", 9)),
        .user = user == NO_SLOT ? NULL : column(users, table_row(users, user), "user_name"),
        .access_life_s = number(column(t, r, "access_token_lifespan"), 1800),
        .refresh_life_s = number(column(t, r, "refresh_token_lifespan"), 8640000),
        .credentials = sim->set.grant_client_credentials && credentials_allowed(sim),
    };
    return true;
}
