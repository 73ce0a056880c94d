/* The course of a `setup`: look, plan, write, look again whether it took; then what to paste, and a
 * first sign-in. The order of looking and writing makes it safe to be run again after any end. */
#include "bridge/commands/setup.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "bridge/commands/check.h"
#include "bridge/commands/setup_run.h"
#include "bridge/servicenow/wipe.h"

#define ID_VARIABLE     "SNOW_CLIENT_ID"
#define SECRET_FALLBACK "env:SNOW_CLIENT_SECRET"
#define PASS_FALLBACK   "env:SNOW_PASSWORD"

/* More than two looks are needed only where the instance does not keep chosen sys_ids. */
#define ROUNDS_MAX 4

static char *beside(const char *file, const char *name)
{
    const char *slash = strrchr(file, '/');

    return slash == NULL ? xstrdup(name) : xasprintf("%.*s/%s", (int)(slash - file), file, name);
}

static const char *or_else(const char *text, const char *fallback)
{
    return text != NULL && *text != '\0' ? text : fallback;
}

int setup_open(struct setup *s, struct config *c, const char *user, const char *secret_file,
               struct err *e)
{
    const struct config_connection *k = &c->connection;

    *s = (struct setup){.config = c, .out = stdout};
    s->secret_file = secret_file != NULL ? xstrdup(secret_file) : beside(c->file, "secrets.env");
    s->undo_file = xasprintf("%s.undo", s->secret_file);
    s->client_name = xasprintf("itsm-bridge (%s)", k->name);
    s->user_name = xstrdup(or_else(user, or_else(k->auth.username, SETUP_USER_DEFAULT)));
    setup_client_id(k->host, k->name, s->client_id);
    s->wanted = (struct setup_wanted){
        .host = k->host,
        .user_name = s->user_name,
        .client_name = s->client_name,
        .client_id = or_else(k->auth.client_id, s->client_id),
        .grant = k->auth.grant,
    };
    s->wanted.roles_count = setup_roles(c, s->wanted.roles);
    if (setup_secret_find(&s->client_secret, k->auth.client_secret.spec, SECRET_FALLBACK,
                          s->secret_file, e) != 0 ||
        setup_secret_find(&s->password, k->auth.password.spec, PASS_FALLBACK, s->secret_file, e) !=
            0)
        return -1;
    s->wanted.secret_known = s->client_secret.value != NULL;
    s->wanted.password_known = s->password.value != NULL;
    return 0;
}

void setup_close(struct setup *s)
{
    setup_secret_done(&s->client_secret);
    setup_secret_done(&s->password);
    free(s->secret_file);
    free(s->undo_file);
    free(s->client_name);
    free(s->user_name);
    *s = (struct setup){0};
}

static void print_auth(const struct setup *s, const char *client_id)
{
    (void)fprintf(s->out, "\nInto `connection` of %s:\n\n", s->config->file);
    setup_print_auth(&s->config->connection.auth, &s->wanted, client_id, &s->client_secret,
                     &s->password, s->out);
}

/* An instance that has the roles and nothing else. */
static json_t *bare_state(const struct setup_wanted *w)
{
    json_t *roles = json_array();

    for (size_t i = 0; i < w->roles_count; i++)
        (void)json_array_append_new(
            roles, json_pack("{s:s,s:s}", "sys_id", w->roles[i].name, "name", w->roles[i].name));
    return json_pack("{s:o}", SETUP_ROLE, roles);
}

int setup_by_hand(struct setup *s)
{
    json_t *state = bare_state(&s->wanted);
    struct setup_plan p;

    setup_plan_make(&s->wanted, state, &p);
    setup_print_manual(&s->wanted, &p, s->config->connection.server_url,
                       s->config->connection.auth.client_id, s->out);
    (void)fputs("\n----\nFor the person who runs itsm-bridge:\n", s->out);
    print_auth(s, s->config->connection.auth.client_id);
    setup_plan_done(&p);
    json_decref(state);
    return 0;
}

/* The client id is no secret; it stands in the file for whoever looks for both there. */
static int keep_client_id(const struct setup *s, const struct setup_plan *p, struct err *e)
{
    char *old;
    int rc;

    if (*p->client_id == '\0' || !text_starts(s->client_secret.spec, "env:"))
        return 0;
    old = setup_line_find(s->secret_file, ID_VARIABLE, e);
    if (old == NULL && e->class != ERR_NONE)
        return -1;
    rc = old != NULL && strcmp(old, p->client_id) == 0
             ? 0
             : setup_line_keep(s->secret_file, ID_VARIABLE, p->client_id, e);
    free(old);
    return rc;
}

/* One look and what it asks for. Returns 1 when nothing was to be done, 0 to look again, -1. */
static int round_of(struct setup *s, struct setup_job *j, struct setup_plan *ret, struct err *e)
{
    enum setup_end end;
    json_t *state;

    s->wanted.rotate = j->rotate;
    s->wanted.secret_known = s->client_secret.value != NULL;
    s->wanted.password_known = s->password.value != NULL;
    if (setup_read(j->desk, &s->wanted, &state, e) != 0)
        return -1;
    setup_plan_make(&s->wanted, state, ret);
    json_decref(state);
    if (ret->count == 0)
        return 1;
    if (s->dry_run)
        return 1;
    if (keep_client_id(s, ret, e) != 0)
        return -1;
    end = setup_carry_out(j, ret, e);
    if (end == SETUP_STOPPED) {
        (void)fputs("\nStopped. What is listed above as made, set or removed is done; the step "
                    "marked NOT may have been\ndone if its answer was lost; what would have come "
                    "after it is not. Run the same command again: it\ngoes on from there.\n",
                    s->out);
        return -1;
    }
    return 0;
}

static int did_not_take(const struct setup_plan *p, struct err *e)
{
    return err_set(e, ERR_REJECT, "did-not-take",
                   "The instance accepted all writes, but does not have the result: %s. A business "
                   "rule or an older release may undo it; look at the record",
                   p->steps[0].what);
}

static int make(struct setup *s, struct desk *d, struct setup_plan *ret, struct err *e)
{
    struct setup_job j = {.desk = d,
                          .out = s->out,
                          .secret_file = s->secret_file,
                          .undo_file = s->undo_file,
                          .client_secret = &s->client_secret,
                          .password = &s->password,
                          .rotate = s->wanted.rotate};

    for (int i = 0;; i++) {
        int rc = round_of(s, &j, ret, e);

        if (rc < 0)
            return -1;
        if (rc > 0) {
            if (i == 0 && ret->count == 0)
                (void)fputs("  Nothing to write: the instance has it all.\n", s->out);
            return 0;
        }
        if (i == ROUNDS_MAX)
            return did_not_take(ret, e);
        setup_plan_done(ret);
    }
}

static bool blocked(const struct setup_plan *p)
{
    for (size_t i = 0; i < p->notes_count; i++)
        if (p->notes[i].blocks)
            return true;
    return false;
}

static void put(char **text, const char *value)
{
    wipe_free(*text);
    *text = xstrdup(value != NULL ? value : "");
}

/* With what was just made. Tokens stay in memory: a store of an administrator's would be nothing
 * that the service could read. */
static void put_sign_in(const struct setup *s, struct config *c, const char *client_id)
{
    struct config_auth *a = &c->connection.auth;

    put(&a->client_id, client_id);
    put(&a->username, s->user_name);
    put(&a->client_secret.value, s->client_secret.value);
    put(&a->password.value, s->password.value);
    put(&a->token_store, "");
}

/* The installation checklist, on the file as it will be. */
static int last_check(const struct setup *s, const char *client_id)
{
    struct config_errors errors;
    struct config *c = config_load(s->config->file, CONFIG_NO_SIGN_IN, &errors);
    int code = 0;

    if (c == NULL) {
        (void)fputs("\nThe checklist has to wait, run `itsm-bridge check` later:\n", s->out);
        for (size_t i = 0; i < errors.count; i++)
            (void)fprintf(s->out, "  %s\n", errors.items[i].text);
        config_errors_done(&errors);
        return 0;
    }
    put_sign_in(s, c, client_id);
    (void)fputs("\nThe checklist (`itsm-bridge check`):\n\n", s->out);
    (void)fflush(s->out);
    code = check_run(c, &(struct check_options){0}, s->out);
    (void)config_free(c);
    if (code != 0)
        (void)fputs("\nThe instance is set up; the list says what else is not complete.\n", s->out);
    return code == 0 ? 0 : -1;
}

/* The integration user's own sign-in, then the checklist. */
static int first_sign_in(struct setup *s, const char *client_id, struct err *e)
{
    enum config_grant grant = s->wanted.grant;

    if (grant == GRANT_API_KEY || grant == GRANT_JWT_BEARER) {
        (void)fputs("\nThe sign-in itself is not tried: its key is made by hand. Then: "
                    "`itsm-bridge check`.\n",
                    s->out);
        return 0;
    }
    if (grant == GRANT_REFRESH_TOKEN) {
        (void)fputs(
            "\nNext: `itsm-bridge login` gets the first token, `itsm-bridge check` looks at "
            "the rest.\n",
            s->out);
        return 0;
    }
    put_sign_in(s, s->config, client_id);
    if (setup_try(s->config, e) != 0)
        return err_prefix(e,
                          "All is made, but the first sign-in as %s failed (if a secret does not "
                          "fit any more, --rotate makes new ones)",
                          s->user_name);
    (void)fprintf(s->out, "\nTried: %s signs in and reads.\n", s->user_name);
    return last_check(s, client_id);
}

static void say_secrets(const struct setup *s)
{
    const struct setup_secret *const all[] = {&s->client_secret, &s->password};

    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        const char *spec = all[i]->spec;

        if (!all[i]->made)
            continue;
        if (text_starts(spec, "env:"))
            (void)fprintf(s->out,
                          "\nA new secret is in %s (mode 0600) as %s. The service unit reads that "
                          "file from\n/etc/itsm-bridge/secrets.env; a shell reads it by: set -a; . "
                          "%s; set +a\n",
                          s->secret_file, spec + 4, s->secret_file);
        else
            (void)fprintf(s->out, "\nA new secret is in %s (mode 0600).\n", spec + 5);
    }
}

static int finish(struct setup *s, const struct setup_plan *p, struct err *e)
{
    setup_print_notes(p, s->out);
    if (s->dry_run) {
        (void)fputs("\nDry run: nothing was written, neither on the instance nor here.\n", s->out);
        return blocked(p) ? -1 : 0;
    }
    say_secrets(s);
    print_auth(s, p->client_id);
    (void)fputs("\nOptional, for the rarest races: the business rule that `itsm-bridge setup "
                "--before-update-rule` prints.\n",
                s->out);
    return blocked(p) ? -1 : first_sign_in(s, p->client_id, e);
}

static int run_make(struct setup *s, struct desk *d, struct err *e)
{
    struct setup_plan p = {0};
    int rc = make(s, d, &p, e);

    if (rc == 0) {
        if (s->dry_run)
            setup_print_writes(&p, s->out);
        rc = finish(s, &p, e);
    }
    setup_plan_done(&p);
    return rc;
}

/* Secrets of what is gone are of no use: their lines go, a file that the configuration names stays
 * for its owner. */
static int forget(const struct setup *s, const struct setup_plan *p, struct err *e)
{
    static const struct {
        const char *table;
        size_t secret;
    } owners[] = {{SETUP_CLIENT, offsetof(struct setup, client_secret)},
                  {SETUP_USER, offsetof(struct setup, password)}};

    for (size_t i = 0; i < p->count; i++)
        for (size_t k = 0; k < ARRAY_LEN(owners); k++) {
            const struct setup_secret *secret = (const void *)((const char *)s + owners[k].secret);

            if (p->steps[i].action != SETUP_DELETE ||
                strcmp(p->steps[i].table, owners[k].table) != 0)
                continue;
            if (text_starts(secret->spec, "file:") && secret->value != NULL)
                (void)fprintf(s->out, "  %s holds a secret that fits nothing any more.\n",
                              secret->spec + 5);
            if (text_starts(secret->spec, "env:") &&
                setup_line_drop(s->secret_file, secret->spec + 4, e) != 0)
                return -1;
            if (k == 0 && setup_line_drop(s->secret_file, ID_VARIABLE, e) != 0)
                return -1;
        }
    (void)unlink(s->undo_file);
    return 0;
}

static int carry_back(struct setup *s, struct desk *d, const struct setup_plan *p, struct err *e)
{
    struct setup_job j = {.desk = d, .out = s->out};

    if (p->count == 0)
        (void)fputs("  Nothing to remove.\n", s->out);
    if (s->dry_run) {
        setup_print_writes(p, s->out);
        (void)fputs("\nDry run: nothing was removed.\n", s->out);
        return 0;
    }
    if (setup_carry_out(&j, p, e) == SETUP_STOPPED) {
        (void)fputs(
            "\nStopped. What is listed above is done. Run the same command again: it goes on "
            "from there.\n",
            s->out);
        return -1;
    }
    return forget(s, p, e);
}

static int run_undo(struct setup *s, struct desk *d, struct err *e)
{
    json_t *changes = setup_changes_load(s->undo_file, e), *state = NULL;
    struct setup_plan p = {0};
    int rc = changes == NULL ? -1 : setup_read(d, &s->wanted, &state, e);

    if (rc == 0) {
        setup_plan_undo(&s->wanted, state, changes, &p);
        rc = carry_back(s, d, &p, e);
        setup_print_notes(&p, s->out);
    }
    setup_plan_done(&p);
    json_decref(state);
    json_decref(changes);
    return rc;
}

int setup_run(struct setup *s, const struct config *admin, bool undo, struct err *e)
{
    struct desk *d = desk_open(admin, e);
    int rc;

    if (d == NULL)
        return -1;
    (void)fprintf(s->out, "ServiceNow %s, connection %s\n\n", s->config->connection.host,
                  s->config->connection.name);
    rc = undo ? run_undo(s, d, e) : run_make(s, d, e);
    (void)desk_close(d);
    return rc;
}
