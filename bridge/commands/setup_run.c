/* Reading an instance for `setup` and writing what a plan says. A made secret is on disk before it
 * is sent, an old value before it is overwritten, so that nothing is lost wherever the run ends.
 * Does not decide anything: that is the plan's. */
#include "bridge/commands/setup_run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/base/buf.h"
#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "bridge/config/config_secret.h"
#include "bridge/servicenow/query.h"
#include "bridge/servicenow/token_store.h"

#define ROWS_MAX 1000
#define UNDO_MAX ((size_t)4 * 1024 * 1024)

static const struct source {
    const char *table, *fields;
} sources[] = {
    {SETUP_USER, "sys_id,user_name,active,locked_out,time_zone,web_service_access_only,title"},
    {SETUP_CLIENT, "sys_id,name,client_id,type,active,refresh_token_lifespan,user,comments"},
    {SETUP_ROLE, "sys_id,name"},
    {SETUP_HAS_ROLE, "sys_id,user,role,role.name,state"},
    {SETUP_PROPERTY, "sys_id,name,value,description"},
};

static int make_queries(const struct setup_wanted *w, char *queries[ARRAY_LEN(sources)],
                        struct err *e)
{
    struct buf roles;

    if (!query_value_ok(w->user_name) || !query_value_ok(w->client_name) ||
        !query_value_ok(w->client_id))
        return err_set(e, ERR_CONFIG, "bad-name",
                       "The user name, connection.name or client id holds a character (`^` or a "
                       "control character) that a query cannot carry: choose another one");
    buf_init(&roles, (size_t)4096);
    for (size_t i = 0; i < w->roles_count; i++)
        (void)buf_addf(&roles, "%s%s", i > 0 ? "," : "nameIN", w->roles[i].name);
    queries[0] = xasprintf("user_name=%s", w->user_name);
    queries[1] = xasprintf("name=%s^ORclient_id=%s^ORuser.user_name=%s^ORcommentsSTARTSWITH%s",
                           w->client_name, w->client_id, w->user_name, SETUP_MARK);
    queries[2] = xstrdup(roles.length > 0 ? buf_text(&roles) : "name=itil");
    queries[3] = xasprintf("user.user_name=%s^state=active", w->user_name);
    queries[4] = xstrdup("nameIN" SETUP_CLIENT_PROPERTY "," SETUP_ROPC_PROPERTY);
    buf_done(&roles);
    return 0;
}

static int take_answer(json_t *state, const struct source *s, const struct snow_outcome *o,
                       struct err *e)
{
    if (o->verdict == SNOW_OK || o->verdict == SNOW_ABSENT) {
        (void)json_object_set_new(state, s->table,
                                  o->result != NULL ? json_deep_copy(o->result) : json_array());
        return 0;
    }
    *e = o->err;
    if (o->verdict == SNOW_UNAUTHORISED)
        return err_set(e, ERR_AUTH, "admin-sign-in",
                       "The administrator's sign-in was refused or could not be made, and is not "
                       "tried again: %s. If the password is right, the instance may not take "
                       "passwords from people who log in with a browser: use --admin-token or "
                       "--admin-api-key",
                       o->err.text);
    return err_prefix(e, "%s could not be read with the administrator's sign-in", s->table);
}

int setup_read(struct desk *d, const struct setup_wanted *w, json_t **ret_state, struct err *e)
{
    char *queries[ARRAY_LEN(sources)] = {NULL};
    struct snow_op ops[ARRAY_LEN(sources)];
    struct snow_outcome outcomes[ARRAY_LEN(sources)];
    json_t *state = json_object();
    int rc = make_queries(w, queries, e);

    for (size_t i = 0; i < ARRAY_LEN(sources); i++)
        ops[i] = (struct snow_op){.kind = SNOW_LIST,
                                  .table = sources[i].table,
                                  .query = queries[i],
                                  .fields = sources[i].fields,
                                  .limit = ROWS_MAX};
    if (rc == 0) {
        desk_ask(d, ops, 1, outcomes);
        rc = take_answer(state, &sources[0], &outcomes[0], e);
    }
    if (rc == 0)
        desk_ask(d, ops + 1, ARRAY_LEN(ops) - 1, outcomes + 1);
    for (size_t i = 1; rc == 0 && i < ARRAY_LEN(sources); i++)
        rc = take_answer(state, &sources[i], &outcomes[i], e);
    for (size_t i = 0; i < ARRAY_LEN(queries); i++)
        free(queries[i]);
    if (rc == 0)
        *ret_state = state;
    else
        json_decref(state);
    return rc;
}

json_t *setup_changes_load(const char *undo_file, struct err *e)
{
    size_t length;
    char *text;
    json_t *root;

    if (access(undo_file, F_OK) != 0 && errno == ENOENT)
        return json_array();
    text = config_read_file_text(undo_file, UNDO_MAX, &length, e);
    if (text == NULL) {
        (void)err_prefix(e, "The file of old values %s", undo_file);
        return NULL;
    }
    root = json_loads(text, 0, NULL);
    free(text);
    if (json_is_array(root))
        return root;
    json_decref(root);
    (void)err_set(e, ERR_CONFIG, "undo-file",
                  "The file of old values %s is damaged (no JSON list). Move it away; what it held "
                  "then stays as it is on the instance",
                  undo_file);
    return NULL;
}

/* What stood there before goes to disk before it is overwritten. */
static int remember(const struct setup_job *j, const struct setup_step *s, struct err *e)
{
    json_t *changes;
    char *text;
    int rc;

    if (s->before == NULL)
        return 0;
    changes = setup_changes_load(j->undo_file, e);
    if (changes == NULL)
        return -1;
    setup_changes_add(changes, s);
    text = json_dumps(changes, JSON_INDENT(2) | JSON_SORT_KEYS);
    rc = setup_file_write(j->undo_file, text, e);
    free(text);
    json_decref(changes);
    return rc;
}

/* The value that goes with the step; on disk before anything is sent. */
static int have_secret(struct setup_job *j, struct setup_secret *secret, struct err *e)
{
    if (secret->value == NULL || (j->rotate && !secret->made)) {
        setup_secret_make(secret);
        return setup_secret_keep(secret, j->secret_file, NULL, e);
    }
    return 0;
}

/* The body as it is sent, new; NULL on failure. */
static json_t *full_body(struct setup_job *j, const struct setup_step *s, struct err *e)
{
    bool client = s->secret == SETUP_CLIENT_SECRET;
    struct setup_secret *secret = client ? j->client_secret : j->password;
    json_t *body = json_deep_copy(s->body); /* it is wiped */

    if (s->secret == SETUP_NO_SECRET)
        return body == NULL ? json_object() : body;
    if (have_secret(j, secret, e) != 0) {
        json_decref(body);
        return NULL;
    }
    (void)json_object_set_new(body, client ? "client_secret" : "user_password",
                              json_string(secret->value));
    return body;
}

static const char *verb(enum setup_action a)
{
    static const char *const verbs[] = {
        [SETUP_CREATE] = "made", [SETUP_UPDATE] = "set", [SETUP_DELETE] = "removed"};

    return verbs[a];
}

/* Is it as the step wants it? What was removed by somebody else meanwhile is removed. */
static bool is_done(const struct setup_step *s, const struct snow_outcome *o)
{
    return o->verdict == SNOW_OK || (s->action == SETUP_CREATE && o->verdict == SNOW_EXISTS) ||
           (s->action == SETUP_DELETE && o->verdict == SNOW_ABSENT);
}

/* Did a record get another sys_id than later steps name? Nothing names a row of roles. */
static bool moved(const struct setup_step *s, const char *id)
{
    return s->action == SETUP_CREATE && strcmp(s->table, SETUP_HAS_ROLE) != 0 && id != NULL &&
           !text_equal_nocase(id, s->sys_id);
}

static enum setup_end do_step(struct setup_job *j, const struct setup_step *s, struct err *e)
{
    static const enum snow_kind kinds[] = {
        [SETUP_CREATE] = SNOW_CREATE, [SETUP_UPDATE] = SNOW_UPDATE, [SETUP_DELETE] = SNOW_DELETE};
    struct snow_outcome o;
    struct snow_op op = {.kind = kinds[s->action],
                         .table = s->table,
                         .sys_id = s->sys_id,
                         .fields = "sys_id",
                         .input_display = s->secret != SETUP_NO_SECRET};

    if (remember(j, s, e) != 0)
        return SETUP_STOPPED;
    op.body = full_body(j, s, e);
    if (op.body == NULL)
        return SETUP_STOPPED;
    if (s->action == SETUP_CREATE)
        (void)json_object_set_new(op.body, "sys_id", json_string(s->sys_id));
    desk_ask(j->desk, &op, 1, &o);
    token_json_wipe(op.body);
    if (!is_done(s, &o)) {
        *e = o.err;
        if (o.status == 403)
            (void)err_prefix(e, "The administrator's sign-in needs the role admin");
        (void)fprintf(j->out, "  NOT %-8s %s\n", verb(s->action), s->what);
        return SETUP_STOPPED;
    }
    (void)fprintf(j->out, "  %-8s %s\n", verb(s->action), s->what);
    return moved(s, json_string_value(json_object_get(o.result, "sys_id"))) ? SETUP_AGAIN
                                                                            : SETUP_DONE;
}

enum setup_end setup_carry_out(struct setup_job *j, const struct setup_plan *p, struct err *e)
{
    enum setup_end end = SETUP_DONE;

    for (size_t i = 0; end == SETUP_DONE && i < p->count; i++)
        end = do_step(j, &p->steps[i], e);
    if (end == SETUP_DONE)
        j->rotate = false;
    return end;
}

int setup_try(const struct config *c, struct err *e)
{
    struct snow_op op = {.kind = SNOW_LIST,
                         .table = c->producers_count > 0 ? c->producers[0].table : "incident",
                         .fields = "sys_id",
                         .limit = 1};
    struct desk *d = desk_open(c, e);
    struct snow_outcome o;
    int rc = -1;

    if (d == NULL)
        return -1;
    desk_ask(d, &op, 1, &o);
    if (o.verdict == SNOW_OK || o.verdict == SNOW_ABSENT)
        rc = 0;
    else
        *e = o.err;
    (void)desk_close(d);
    return rc;
}
