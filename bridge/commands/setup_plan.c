/* The plan of `setup`. Each part of the wanted state (user, roles, client, property) looks for its
 * record and adds a create or an update, or a note where only a person may decide. A secret is
 * written by a step of its own, whose last act is to take "not finished" out of the mark: when that
 * step is lost, the next run sees it. Does not send or print anything. */
#include "bridge/commands/setup_plan.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "bridge/commands/setup_plan_internal.h"

bool setup_has_client(enum config_grant grant)
{
    return grant != GRANT_BASIC && grant != GRANT_API_KEY;
}

bool setup_has_password(enum config_grant grant)
{
    return grant == GRANT_PASSWORD || grant == GRANT_REFRESH_TOKEN || grant == GRANT_BASIC;
}

/* The columns of `wanted` that the row has otherwise; NULL when none. A row that lacks a column
 * (an older release) is asked for it all the same: the second look tells whether it took. */
static json_t *difference(const json_t *row, const json_t *wanted)
{
    json_t *all = (json_t *)(uintptr_t)wanted, *value, *out = json_object();
    const char *column;

    json_object_foreach (all, column, value)
        if (strcmp(setup_column(row, column), json_string_value(value)) != 0)
            (void)json_object_set(out, column, value);
    if (json_object_size(out) > 0)
        return out;
    json_decref(out);
    return NULL;
}

/* Takes body (NULL: nothing to do). */
static void update(struct setup_plan *p, const char *table, const json_t *row, bool ours,
                   json_t *body, char *what)
{
    struct setup_step *s;
    const char *column;
    json_t *value;

    if (body == NULL) {
        free(what);
        return;
    }
    s = setup_step_add(p, SETUP_UPDATE, table, setup_column(row, "sys_id"), body, what);
    if (ours)
        return;
    s->before = json_object();
    json_object_foreach (body, column, value)
        (void)json_object_set_new(s->before, column, json_string(setup_column(row, column)));
}

/* The step that writes a secret. An unfinished record is finished by it. */
static void secret(struct setup_plan *p, enum setup_secret_kind kind, const char *sys_id, bool open,
                   const char *what)
{
    bool client = kind == SETUP_CLIENT_SECRET;
    const char *table = client ? SETUP_CLIENT : SETUP_USER;
    json_t *body = json_object();

    if (!client) /* else the password is refused until it is changed by hand (servicenow-api 1.4) */
        (void)json_object_set_new(body, "password_needs_reset", json_string("false"));
    if (open)
        (void)json_object_set_new(body, setup_mark_column(table), json_string(SETUP_MARK));
    setup_step_add(p, SETUP_UPDATE, table, sys_id, body, xstrdup(what))->secret = kind;
}

/* The secret of a record that is there: nobody can read it back. An unfinished one is known by its
 * mark alone, because some instances do not keep a chosen sys_id. */
static void old_secret(struct setup_plan *p, const struct setup_wanted *w,
                       enum setup_secret_kind kind, const json_t *row)
{
    bool client = kind == SETUP_CLIENT_SECRET;
    bool known = client ? w->secret_known : w->password_known;
    const char *mark = setup_column(row, setup_mark_column(client ? SETUP_CLIENT : SETUP_USER));
    bool open = strcmp(mark, SETUP_MARK_OPEN) == 0;
    const char *name = client ? "secret of the OAuth client" : "password of the user";

    if (open || w->rotate) {
        char *what = xasprintf("%s %s", open ? "the" : "a new", name);

        secret(p, kind, setup_column(row, "sys_id"), open, what);
        free(what);
    } else if (!known) {
        setup_note_add(p, true,
                       "The %s exists, is not known here and cannot be read back. Put it where the "
                       "configuration looks for it, or let setup make a new one with --rotate "
                       "(what uses the old one then stops working)",
                       name);
    }
}

static const json_t *user_row(const struct setup_wanted *w, const json_t *state)
{
    return setup_row(state, SETUP_USER, "user_name", w->user_name);
}

static void user_state_notes(struct setup_plan *p, const struct setup_wanted *w, const json_t *row)
{
    if (strcmp(setup_column(row, "active"), "false") == 0)
        setup_note_add(
            p, true,
            "The user %s is not active. Somebody switched it off, so setup leaves it so: "
            "switch it on (User Administration > Users)",
            w->user_name);
    if (strcmp(setup_column(row, "locked_out"), "true") == 0)
        setup_note_add(p, true,
                       "The user %s is locked out, often after wrong passwords: find out why and "
                       "unlock it (User Administration > Users)",
                       w->user_name);
}

static void plan_user(struct setup_plan *p, const struct setup_wanted *w, const json_t *state,
                      char ret_id[33])
{
    const json_t *row = user_row(w, state);
    bool password = setup_has_password(w->grant), ours;
    json_t *wanted = json_pack("{s:s,s:s}", "web_service_access_only", "true", "time_zone", "GMT");

    if (row == NULL) {
        setup_id(w->host, SETUP_USER, w->user_name, ret_id);
        (void)json_object_set_new(wanted, "user_name", json_string(w->user_name));
        (void)json_object_set_new(wanted, "first_name", json_string("itsm-bridge"));
        (void)json_object_set_new(wanted, "last_name", json_string("integration"));
        (void)json_object_set_new(wanted, "active", json_string("true"));
        (void)json_object_set_new(wanted, "title",
                                  json_string(password ? SETUP_MARK_OPEN : SETUP_MARK));
        (void)setup_step_add(
            p, SETUP_CREATE, SETUP_USER, ret_id, wanted,
            xasprintf("user %s: web service access only, time zone GMT", w->user_name));
        if (password)
            secret(p, SETUP_PASSWORD, ret_id, true, "the password of the user");
        return;
    }
    ours = setup_is_ours(w, SETUP_USER, row);
    setup_copy_id(ret_id, setup_column(row, "sys_id"));
    user_state_notes(p, w, row);
    update(p, SETUP_USER, row, ours, difference(row, wanted),
           xasprintf("user %s: web service access only, time zone GMT", w->user_name));
    json_decref(wanted);
    if (password)
        old_secret(p, w, SETUP_PASSWORD, row);
}

static bool has_role(const json_t *state, const char *role_id)
{
    json_t *row;
    size_t i;

    json_array_foreach (setup_rows(state, SETUP_HAS_ROLE), i, row)
        if (strcmp(setup_column(row, "role"), role_id) == 0)
            return true;
    return false;
}

static void plan_roles(struct setup_plan *p, const struct setup_wanted *w, const json_t *state,
                       const char *user_id)
{
    for (size_t i = 0; i < w->roles_count; i++) {
        const struct setup_role *r = &w->roles[i];
        const json_t *row = setup_row(state, SETUP_ROLE, "name", r->name);
        const char *role_id = setup_column(row, "sys_id");
        char id[33];

        if (row == NULL) {
            setup_note_add(
                p, true,
                "The role %s, needed %s, does not exist on the instance or cannot be seen "
                "with this sign-in%s",
                r->name, r->why,
                text_starts(r->name, "evt_mgmt") ? ": is the plug-in Event Management active?"
                                                 : ": setup needs the role admin");
            continue;
        }
        if (has_role(state, role_id))
            continue;
        setup_has_role_id(w->host, user_id, role_id, id);
        (void)setup_step_add(p, SETUP_CREATE, SETUP_HAS_ROLE, id,
                             json_pack("{s:s,s:s}", "user", user_id, "role", role_id),
                             xasprintf("role %s for %s: %s", r->name, w->user_name, r->why));
    }
}

static const json_t *client_row(const struct setup_wanted *w, const json_t *state)
{
    const json_t *row = setup_row(state, SETUP_CLIENT, "client_id", w->client_id);

    return row != NULL ? row : setup_row(state, SETUP_CLIENT, "name", w->client_name);
}

static void new_client(struct setup_plan *p, const struct setup_wanted *w, const char *user_id)
{
    json_t *body = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "name", w->client_name, "client_id",
                             w->client_id, "type", "client", "active", "true", "comments",
                             SETUP_MARK_OPEN, "access_token_lifespan", "1800");
    char id[33];

    (void)json_object_set_new(body, "refresh_token_lifespan",
                              json_sprintf("%d", SETUP_REFRESH_LIFE));
    if (w->grant == GRANT_CLIENT_CREDENTIALS) {
        (void)json_object_set_new(body, "user", json_string(user_id));
        (void)json_object_set_new(body, "default_grant_type", json_string("client_credentials"));
    }
    setup_id(w->host, SETUP_CLIENT, w->client_id, id);
    (void)setup_step_add(
        p, SETUP_CREATE, SETUP_CLIENT, id, body,
        xasprintf("OAuth client \"%s\": refresh tokens live %d s (90 days)%s", w->client_name,
                  SETUP_REFRESH_LIFE,
                  w->grant == GRANT_CLIENT_CREDENTIALS ? ", acts as the user" : ""));
    secret(p, SETUP_CLIENT_SECRET, id, true, "the secret of the OAuth client");
}

/* What an existing client lacks. A longer life of the refresh token is somebody's choice and stays,
 * as does another user of a client that setup did not make. */
static json_t *client_lacks(struct setup_plan *p, const struct setup_wanted *w, const json_t *row,
                            bool ours, const char *user_id)
{
    const char *user = setup_column(row, "user");
    json_t *wanted = json_object(), *lacks;
    long long life = 0;

    if (text_to_int(setup_column(row, "refresh_token_lifespan"), &life) != 0 ||
        life < SETUP_REFRESH_LIFE)
        (void)json_object_set_new(wanted, "refresh_token_lifespan",
                                  json_sprintf("%d", SETUP_REFRESH_LIFE));
    if (w->grant == GRANT_CLIENT_CREDENTIALS && (ours || *user == '\0'))
        (void)json_object_set_new(wanted, "user", json_string(user_id));
    else if (w->grant == GRANT_CLIENT_CREDENTIALS && strcmp(user, user_id) != 0)
        setup_note_add(
            p, true,
            "The OAuth client \"%s\" acts as another user than %s, and setup did not make "
            "it: change its OAuth Application User, or give connection.auth.client_id of "
            "another client (or none)",
            setup_column(row, "name"), w->user_name);
    lacks = difference(row, wanted);
    json_decref(wanted);
    return lacks;
}

static void plan_client(struct setup_plan *p, const struct setup_wanted *w, const json_t *state,
                        const char *user_id)
{
    const json_t *row = client_row(w, state);
    bool ours;

    p->client_id = xstrdup(row == NULL ? w->client_id : setup_column(row, "client_id"));
    if (row == NULL) {
        new_client(p, w, user_id);
        return;
    }
    ours = setup_is_ours(w, SETUP_CLIENT, row);
    if (strcmp(setup_column(row, "active"), "false") == 0)
        setup_note_add(p, true,
                       "The OAuth client \"%s\" is not active. Somebody switched it off, so setup "
                       "leaves it so: switch it on (System OAuth > Application Registry)",
                       setup_column(row, "name"));
    update(
        p, SETUP_CLIENT, row, ours, client_lacks(p, w, row, ours, user_id),
        xasprintf("OAuth client \"%s\": life of refresh tokens, user", setup_column(row, "name")));
    old_secret(p, w, SETUP_CLIENT_SECRET, row);
}

static void plan_properties(struct setup_plan *p, const struct setup_wanted *w, const json_t *state)
{
    const json_t *row = setup_row(state, SETUP_PROPERTY, "name", SETUP_CLIENT_PROPERTY);
    const json_t *ropc = setup_row(state, SETUP_PROPERTY, "name", SETUP_ROPC_PROPERTY);
    json_t *body = json_pack("{s:s}", "value", "true");
    char *what = xstrdup("system property " SETUP_CLIENT_PROPERTY ": true");
    char id[33];

    if (w->grant == GRANT_CLIENT_CREDENTIALS && row == NULL) {
        setup_id(w->host, SETUP_PROPERTY, SETUP_CLIENT_PROPERTY, id);
        (void)json_object_set_new(body, "name", json_string(SETUP_CLIENT_PROPERTY));
        (void)json_object_set_new(body, "type", json_string("boolean"));
        (void)json_object_set_new(body, "description", json_string(SETUP_MARK));
        (void)setup_step_add(p, SETUP_CREATE, SETUP_PROPERTY, id, body, what);
        return;
    }
    if (w->grant == GRANT_CLIENT_CREDENTIALS)
        update(p, SETUP_PROPERTY, row, setup_is_ours(w, SETUP_PROPERTY, row), difference(row, body),
               what);
    else
        free(what);
    json_decref(body);
    if (setup_has_client(w->grant) && setup_has_password(w->grant) &&
        strcmp(setup_column(ropc, "value"), "true") == 0)
        setup_note_add(p, true,
                       "The instance refuses the password grant (property " SETUP_ROPC_PROPERTY
                       "). Use connection.auth.grant = \"client_credentials\"");
}

void setup_plan_make(const struct setup_wanted *w, const json_t *state, struct setup_plan *ret)
{
    char user_id[33];

    *ret = (struct setup_plan){0};
    plan_user(ret, w, state, user_id);
    plan_roles(ret, w, state, user_id);
    if (setup_has_client(w->grant)) {
        plan_client(ret, w, state, user_id);
        plan_properties(ret, w, state);
    } else {
        ret->client_id = xstrdup("");
    }
    if (w->grant == GRANT_API_KEY)
        setup_note_add(ret, false,
                       "The API key itself is made by hand: System Web Services > API Access "
                       "Policies > REST API Key, User %s",
                       w->user_name);
    if (w->grant == GRANT_JWT_BEARER)
        setup_note_add(
            ret, false,
            "The certificate of the JWT is given to the instance by hand: System OAuth > "
            "Application Registry, JWT verifier map of the client");
}
