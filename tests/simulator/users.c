/*
 * Users: who may sign in, with what, and what is refused to them. A user here and its row in
 * sys_user (and rows in sys_user_has_role) are kept together; passwords are never in a row.
 */
#include "tests/simulator/users.h"
#include "tests/simulator/accounts.h"
#include "tests/simulator/oauth.h"
#include "tests/simulator/schema.h"

#include <stdlib.h>
#include <string.h>

struct users {
    struct user *by_name;
};

static const char *const deny_names[DENY_COUNT] = {"read", "insert", "update", "delete"};

struct user *user_find(const struct sim *sim, const char *name)
{
    struct user *u;

    HASH_FIND_STR(sim->users->by_name, name, u);
    return u;
}

static void user_free(struct user *u)
{
    free(u->name);
    free(u->password);
    free(u->api_key);
    free(u->roles);
    for (int i = 0; i < DENY_COUNT; i++)
        free(u->denied[i]);
    free(u);
}

void users_free(struct sim *sim)
{
    struct user *u, *next;

    if (sim->users == NULL)
        return;
    HASH_ITER (hh, sim->users->by_name, u, next) {
        HASH_DEL(sim->users->by_name, u);
        user_free(u);
    }
    free(sim->users);
    sim->users = NULL;
}

/* A JSON list of names (or one name) as ",a,b,". New. */
static char *name_list(const json_t *v)
{
    struct str s = {0};

    str_putc(&s, ',');
    if (json_is_string(v))
        str_printf(&s, "%s,", json_string_value(v));
    for (size_t i = 0; i < json_array_size(v); i++) {
        const char *name = json_string_value(json_array_get(v, i));

        if (name)
            str_printf(&s, "%s,", name);
    }
    return str_take(&s);
}

static bool name_listed(const char *list, const char *name)
{
    size_t n = strlen(name);

    for (const char *p = list; p && (p = strstr(p, name)) != NULL; p++) {
        if (p > list && p[-1] == ',' && p[n] == ',')
            return true;
    }
    return false;
}

bool user_has_role(const struct user *u, const char *role)
{
    return u != NULL && (name_listed(u->roles, role) || name_listed(u->roles, "admin"));
}

bool user_denied(const struct user *u, enum deny what, const char *table)
{
    return u != NULL && (name_listed(u->denied[what], table) || name_listed(u->denied[what], "*"));
}

/* sys_user_has_role holds exactly the roles of the user afterwards. */
static void write_roles(struct sim *sim, const struct user *u)
{
    struct table *has = store_find(sim->store, "sys_user_has_role");
    struct table *role = store_find(sim->store, "sys_user_role");
    uint32_t column = table_column(has, "user", 4);
    uint32_t slot;
    size_t n;

    while ((slot = hash_first(has, column, u->sys_id)) != NO_SLOT)
        table_remove(has, slot);
    for (const char *p = u->roles; *p; p += n) {
        struct arena a = {0};
        char role_id[33], id[33];
        const char *name;

        p += strspn(p, ",");
        n = strcspn(p, ",");
        if (n == 0)
            break;
        name = arena_copy(&a, p, n);
        schema_seed_id("sys_user_role", name, role_id);
        if (table_find(role, role_id) == NO_SLOT)
            schema_seed(role, sim_now_s(sim), "name", name, NULL);
        schema_seed_id("sys_user_has_role", arena_printf(&a, "%s/%s", u->sys_id, name), id);
        schema_seed(has, sim_now_s(sim), "sys_id", id, "user", u->sys_id, "role", role_id, NULL);
        arena_free(&a);
    }
}

/* Writes the row; members of the object that are columns go into it. */
static void write_row(struct sim *sim, const struct user *u, const json_t *object)
{
    struct table *t = store_find(sim->store, "sys_user");
    uint32_t slot = table_find(t, u->sys_id);
    const char *values[COLUMNS_MAX] = {NULL};
    const struct row *old = slot == NO_SLOT ? NULL : table_row(t, slot);
    char when[DATE_LEN];

    date_format(sim_now_s(sim), when);
    values[COL_SYS_ID] = u->sys_id;
    values[COL_CREATED_ON] = values[COL_UPDATED_ON] = when;
    values[COL_CREATED_BY] = values[COL_UPDATED_BY] = "system";
    for (uint32_t i = 0; i < t->columns; i++) {
        const json_t *v = json_object_get(object, t->column[i].name);

        if (old)
            values[i] = row_get(t, old, i);
        if (i >= COL_SYSTEM_COUNT && json_is_string(v))
            values[i] = json_string_value(v);
    }
    values[table_column(t, "user_name", 9)] = u->name;
    values[table_column(t, "active", 6)] = u->active ? "true" : "false";
    values[table_column(t, "locked_out", 10)] = u->locked ? "true" : "false";
    if (old == NULL && !json_object_get(object, "name"))
        values[table_column(t, "name", 4)] = u->name;
    table_put(t, slot, values);
}

static void replace_text(char **text, const json_t *v)
{
    if (!json_is_string(v))
        return;
    free(*text);
    *text = xstrdup(json_string_value(v));
}

static struct user *user_new(struct sim *sim, const char *name)
{
    struct user *u = xalloc(sizeof(*u));

    u->name = xstrdup(name);
    u->password = xstrdup("");
    u->roles = xstrdup(",");
    u->active = true;
    schema_seed_id("sys_user", name, u->sys_id);
    HASH_ADD_KEYPTR(hh, sim->users->by_name, u->name, strlen(u->name), u);
    return u;
}

void user_follow(struct sim *sim, const char *name, const char *sys_id, bool active, bool locked)
{
    struct user *u = user_find(sim, name);

    if (*name == '\0')
        return;
    if (u == NULL) {
        u = user_new(sim, name);
        memcpy(u->sys_id, sys_id, strnlen(sys_id, sizeof(u->sys_id) - 1) + 1);
    }
    u->active = active;
    u->locked = locked;
}

void user_drop(struct sim *sim, const char *name)
{
    struct user *u = user_find(sim, name);

    if (u == NULL)
        return;
    HASH_DEL(sim->users->by_name, u);
    user_free(u);
}

int user_put(struct sim *sim, const json_t *object, char **ret_why)
{
    const char *name = json_string_value(json_object_get(object, "user_name"));
    const json_t *deny = json_object_get(object, "deny");
    const json_t *v;
    struct user *u = name ? user_find(sim, name) : NULL;

    if (name == NULL || *name == '\0') {
        *ret_why = xstrdup("a user needs the member user_name, a text");
        return -1;
    }
    if (u == NULL)
        u = user_new(sim, name);
    replace_text(&u->password, json_object_get(object, "password"));
    replace_text(&u->api_key, json_object_get(object, "api_key"));
    v = json_object_get(object, "active");
    u->active = v ? json_is_true(v) : u->active;
    v = json_object_get(object, "locked_out");
    u->locked = v ? json_is_true(v) : u->locked;
    for (int i = 0; deny && i < DENY_COUNT; i++) {
        free(u->denied[i]);
        u->denied[i] = name_list(json_object_get(deny, deny_names[i]));
    }
    write_row(sim, u, object);
    v = json_object_get(object, "roles");
    if (v) {
        free(u->roles);
        u->roles = name_list(v);
        write_roles(sim, u);
    }
    return 0;
}

static void first_user(struct sim *sim, const char *name, const char *password, const char *role)
{
    json_t *o =
        json_pack("{s:s,s:s,s:[s]}", "user_name", name, "password", password, "roles", role);
    char *why = NULL;

    if (o != NULL)
        (void)user_put(sim, o, &why);
    free(why);
    json_decref(o);
}

void users_init(struct sim *sim)
{
    sim->users = xalloc(sizeof(*sim->users));
    first_user(sim, "admin", "admin", "admin");
    first_user(sim, sim->set.user, sim->set.password, "itil");
}

void answer_unauthenticated(const struct sim *sim, struct answer *a)
{
    const char *c = sim->set.challenge;

    answer_error(a, 401, "User Not Authenticated", "Required to provide Auth information");
    a->anonymous = a->close = true;
    if (strcmp(c, "BEARER") != 0)
        answer_header(a, "WWW-Authenticate", "BASIC realm=\"Service-now\"");
    if (strcmp(c, "BASIC") != 0)
        answer_header(a, "WWW-Authenticate", "BEARER realm=\"Service-now\"");
}

static struct user *basic_user(const struct sim *sim, const char *text)
{
    size_t n;
    char *plain = base64_decode(text, strlen(text), &n);
    char *colon = plain ? strchr(plain, ':') : NULL;
    struct user *u = NULL;

    if (colon != NULL) {
        *colon = '\0';
        u = user_find(sim, plain);
        if (u != NULL && (!account_password(sim, u, colon + 1) || !account_basic(sim, u)))
            u = NULL;
    }
    free(plain);
    return u;
}

static struct user *key_user(const struct sim *sim, const char *key)
{
    struct user *u;

    for (u = sim->users->by_name; u; u = u->hh.next) {
        if (u->api_key && *key && strcmp(u->api_key, key) == 0)
            return u;
    }
    return NULL;
}

int sign_in(struct sim *sim, struct request *r, struct answer *a)
{
    const char *auth = r->header[HDR_AUTHORIZATION];
    struct user *u = NULL;

    if (auth && strncasecmp(auth, "Bearer ", 7) == 0)
        u = oauth_bearer(sim, auth + 7);
    else if (auth && strncasecmp(auth, "Basic ", 6) == 0 && sim->set.basic)
        u = basic_user(sim, auth + 6);
    else if (r->header[HDR_API_KEY] && sim->set.api_key)
        u = key_user(sim, r->header[HDR_API_KEY]);
    if (u == NULL && sim->set.no_auth)
        u = user_find(sim, sim->set.user);
    if (u == NULL || !u->active || u->locked) {
        answer_unauthenticated(sim, a);
        return -1;
    }
    u->requests++;
    r->user = u;
    return 0;
}

static void rate_headers(const struct sim *sim, struct answer *a, int64_t limit, int64_t reset)
{
    (void)sim;
    str_printf(&a->headers, "X-RateLimit-Limit: %lld\n", (long long)limit);
    str_printf(&a->headers, "X-RateLimit-Reset: %lld\n", (long long)reset);
    answer_header(a, "X-RateLimit-Rule", "a8d5a4b5c0a80165019a7d8f1b0e5c11");
}

void answer_rate_limited(const struct sim *sim, struct answer *a, int64_t limit,
                         int64_t retry_after_s)
{
    struct str detail = {0};

    str_printf(&detail, "Rate limit of %lld requests per hour for Table API exceeded",
               (long long)limit);
    answer_error(a, 429, "Rate limit exceeded", detail.p);
    rate_headers(sim, a, limit, sim_now_s(sim) + retry_after_s);
    str_printf(&a->headers, "Retry-After: %lld\n", (long long)retry_after_s);
    str_free(&detail);
}

int rate_check(struct sim *sim, struct request *r, struct answer *a)
{
    int64_t span = sim->set.rate_window_s;
    int64_t now = sim_now_s(sim);
    int64_t window = now / span;
    struct user *u = r->user;

    if (sim->set.rate_limit == 0 || u == NULL)
        return 0;
    if (u->window != window) {
        u->window = window;
        u->window_requests = 0;
    }
    if (u->window_requests >= sim->set.rate_limit) {
        answer_rate_limited(sim, a, sim->set.rate_limit, (window + 1) * span - now);
        return -1;
    }
    u->window_requests++;
    rate_headers(sim, a, sim->set.rate_limit, (window + 1) * span);
    return 0;
}

json_t *users_json(const struct sim *sim)
{
    json_t *o = json_object();

    for (struct user *u = sim->users->by_name; u; u = u->hh.next) {
        json_t *v = json_object();

        json_object_set_new(v, "sys_id", json_string(u->sys_id));
        json_object_set_new(v, "active", json_boolean(u->active));
        json_object_set_new(v, "locked_out", json_boolean(u->locked));
        json_object_set_new(v, "roles", json_string(u->roles));
        json_object_set_new(v, "requests", json_integer((json_int_t)u->requests));
        json_object_set_new(o, u->name, v);
    }
    return o;
}
