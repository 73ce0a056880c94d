/*
 * The control path: what a test says to the instance behind its API. Commands are in one table;
 * everything is JSON. A command is either done whole or refused with a reason.
 */
#include "tests/simulator/control.h"
#include "tests/simulator/events.h"
#include "tests/simulator/front.h"
#include "tests/simulator/hides.h"
#include "tests/simulator/import_set.h"
#include "tests/simulator/journal.h"
#include "tests/simulator/oauth.h"
#include "tests/simulator/replay.h"
#include "tests/simulator/users.h"

#include <stdlib.h>
#include <string.h>

void control_refuse(struct call *c, char *take_why)
{
    answer_json(&c->a, 400, json_pack("{s:s}", "error", take_why));
    free(take_why);
}

void control_done(struct call *c, json_t *take_value)
{
    answer_json(&c->a, 200, take_value ? take_value : json_pack("{s:b}", "ok", 1));
}

static bool reset(struct call *c, const json_t *body)
{
    (void)body;
    flow_drop_all(c->sim, c);
    replay_stop(c->sim);
    sim_reset(c->sim);
    control_done(c, NULL);
    return true;
}

static bool settings_get(struct call *c, const json_t *body)
{
    (void)body;
    control_done(c, settings_json(&c->sim->set));
    return true;
}

static bool settings_set(struct call *c, const json_t *body)
{
    char *why = NULL;

    if (settings_put_json(&c->sim->set, body, &why) < 0)
        control_refuse(c, why);
    else
        control_done(c, settings_json(&c->sim->set));
    return true;
}

static bool faults_set(struct call *c, const json_t *body)
{
    const json_t *rules = json_object_get(body, "rules");
    char *why = NULL;

    if (faults_put(c->sim, rules ? rules : body, &why) < 0)
        control_refuse(c, why);
    else
        control_done(c, faults_json(c->sim));
    return true;
}

static bool faults_get(struct call *c, const json_t *body)
{
    (void)body;
    control_done(c, faults_json(c->sim));
    return true;
}

static bool faults_delete(struct call *c, const json_t *body)
{
    (void)body;
    control_done(c,
                 json_pack("{s:i}", "removed", faults_remove(c->sim, request_arg(&c->r, "name"))));
    return true;
}

static uint64_t number_arg(const struct call *c, const char *name, uint64_t fallback)
{
    const char *text = request_arg(&c->r, name);
    int64_t v;

    return text && parse_int(text, &v) == 0 && v >= 0 ? (uint64_t)v : fallback;
}

static bool journal_get(struct call *c, const json_t *body)
{
    (void)body;
    c->a.status = 200;
    c->a.type = "application/json;charset=UTF-8";
    journal_write(c->sim, number_arg(c, "since", 0), number_arg(c, "limit", UINT64_MAX),
                  &c->a.body);
    return true;
}

static bool stats_get(struct call *c, const json_t *body)
{
    json_t *o = stats_json(c->sim);

    (void)body;
    json_object_set_new(o, "users", users_json(c->sim));
    control_done(c, o);
    return true;
}

static bool clock_set(struct call *c, const json_t *body)
{
    const json_t *offset = json_object_get(body, "offset_s");
    char now[DATE_LEN];

    if (json_is_number(offset))
        c->sim->set.clock_offset_s = (int64_t)json_number_value(offset);
    date_format(sim_now_s(c->sim), now);
    control_done(
        c, json_pack("{s:I,s:s}", "offset_s", (json_int_t)c->sim->set.clock_offset_s, "now", now));
    return true;
}

static bool users_set(struct call *c, const json_t *body)
{
    char *why = NULL;

    if (user_put(c->sim, body, &why) < 0)
        control_refuse(c, why);
    else
        control_done(c, users_json(c->sim));
    return true;
}

static bool users_get(struct call *c, const json_t *body)
{
    (void)body;
    control_done(c, users_json(c->sim));
    return true;
}

static bool roles_set(struct call *c, const json_t *body)
{
    json_t *o = json_object();
    char *why = NULL;

    json_object_set(o, "user_name", json_object_get(body, "user"));
    json_object_set(o, "roles", json_object_get(body, "roles"));
    if (json_object_get(body, "roles") == NULL)
        control_refuse(c, xstrdup("roles needs the members user and roles"));
    else if (user_put(c->sim, o, &why) < 0)
        control_refuse(c, why);
    else
        control_done(c, users_json(c->sim));
    json_decref(o);
    return true;
}

static const char *text_of(const json_t *body, const char *name)
{
    return json_string_value(json_object_get(body, name));
}

static bool hide_set(struct call *c, const json_t *body)
{
    const char *table = text_of(body, "table");
    bool hidden = !json_is_false(json_object_get(body, "hidden"));
    char *why = NULL;

    if (hides_put(c->sim, table ? table : "", text_of(body, "sys_id"), text_of(body, "query"),
                  text_of(body, "user"), hidden, &why) < 0)
        control_refuse(c, why);
    else
        control_done(c, NULL);
    return true;
}

static bool hide_clear(struct call *c, const json_t *body)
{
    (void)body;
    hides_clear(c->sim);
    control_done(c, NULL);
    return true;
}

/* {"token": text} ends one, nothing: all; access_only leaves the refresh tokens. */
static bool tokens_revoke(struct call *c, const json_t *body)
{
    int n = oauth_kill(c->sim, text_of(body, "token"),
                       json_is_true(json_object_get(body, "access_only")));

    control_done(c, json_pack("{s:i}", "ended", n));
    return true;
}

static bool replay_set(struct call *c, const json_t *body)
{
    char *why = NULL;

    if (replay_start(c->sim, body, &why) < 0)
        control_refuse(c, why);
    else
        control_done(c, replay_json(c->sim));
    return true;
}

static bool replay_get(struct call *c, const json_t *body)
{
    (void)body;
    control_done(c, replay_json(c->sim));
    return true;
}

static bool replay_end(struct call *c, const json_t *body)
{
    (void)body;
    replay_stop(c->sim);
    control_done(c, replay_json(c->sim));
    return true;
}

static bool alerts_make(struct call *c, const json_t *body)
{
    (void)body;
    events_job(c->sim);
    control_done(c, NULL);
    return true;
}

static bool transform_set(struct call *c, const json_t *body)
{
    char *why = NULL;

    if (import_set_put(c->sim, body, &why) < 0)
        control_refuse(c, why);
    else
        control_done(c, NULL);
    return true;
}

static const struct {
    const char *method, *path;
    bool (*run)(struct call *, const json_t *body);
} commands[] = {
    {"GET", "/_sim/settings", settings_get},
    {"POST", "/_sim/settings", settings_set},
    {"GET", "/_sim/faults", faults_get},
    {"POST", "/_sim/faults", faults_set},
    {"DELETE", "/_sim/faults", faults_delete},
    {"GET", "/_sim/journal", journal_get},
    {"GET", "/_sim/stats", stats_get},
    {"GET", "/_sim/clock", clock_set},
    {"POST", "/_sim/clock", clock_set},
    {"GET", "/_sim/users", users_get},
    {"POST", "/_sim/users", users_set},
    {"POST", "/_sim/roles", roles_set},
    {"POST", "/_sim/hide", hide_set},
    {"DELETE", "/_sim/hide", hide_clear},
    {"POST", "/_sim/revoke", tokens_revoke},
    {"POST", "/_sim/edit", control_edit},
    {"POST", "/_sim/rows", control_rows_put},
    {"GET", "/_sim/rows", control_rows_get},
    {"DELETE", "/_sim/rows", control_rows_delete},
    {"GET", "/_sim/tables", control_tables},
    {"POST", "/_sim/tables", control_tables},
    {"POST", "/_sim/alerts", alerts_make},
    {"POST", "/_sim/transform", transform_set},
    {"GET", "/_sim/replay", replay_get},
    {"POST", "/_sim/replay", replay_set},
    {"DELETE", "/_sim/replay", replay_end},
    {"POST", "/_sim/reset", reset},
};

static char *unknown(const struct call *c)
{
    struct str s = {0};

    str_printf(&s, "there is no command %s %s; known are:", c->r.method, c->r.path);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        str_printf(&s, " %s %s,", commands[i].method, commands[i].path + 6);
    s.p[--s.n] = '\0';
    return str_take(&s);
}

static void run(struct call *c, bool (*command)(struct call *, const json_t *))
{
    json_error_t e;
    json_t *body = json_loadb(c->r.body.p ? c->r.body.p : "", c->r.body.n, 0, &e);
    struct str why = {0};
    bool now = true;

    /* rows may be JSON lines, which are not one document */
    if (body == NULL && c->r.body.n > 0 && command != control_rows_put) {
        str_printf(&why, "the body is no JSON: %s, line %d", e.text, e.line);
        control_refuse(c, str_take(&why));
    } else {
        now = command(c, body);
    }
    json_decref(body);
    if (now)
        flow_finish(c);
}

void control_serve(struct call *c)
{
    c->a.plain = true;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(commands[i].path, c->r.path) == 0 &&
            strcmp(commands[i].method, c->r.method) == 0) {
            run(c, commands[i].run);
            return;
        }
    }
    control_refuse(c, unknown(c));
    flow_finish(c);
}
