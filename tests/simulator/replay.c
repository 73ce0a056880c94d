/*
 * Plays the audit log as incidents that change over time: when the next event is due, and how its
 * fields become columns. sys_ids are derived from the numbers, names of people, groups, places and
 * items become rows of their tables. Each n-th incident can be played as a change_request that
 * walks through its states.
 */
#include "tests/simulator/replay.h"
#include "tests/simulator/api.h"
#include "tests/simulator/auditlog.h"
#include "tests/simulator/draft.h"
#include "tests/simulator/flow.h"
#include "tests/simulator/schema.h"

#include <stdlib.h>
#include <string.h>

#define BURST 500 /* events between two looks at the network, at full speed */

enum times { TIMES_CLOCK, TIMES_LOG, TIMES_SHIFTED };

struct replay {
    struct auditlog log;
    size_t next, end, applied, pending;
    double factor; /* log seconds a second, 0: see rate */
    double rate;   /* events a second, 0: all at once */
    enum times times;
    int64_t change_every, shift_s, first_at;
    usec_t started;
    struct pending *waiting; /* events whose commit is on its way */
};

/* An event whose commit comes later. */
struct pending {
    struct sim *sim;
    const struct audit_event *event;
    int64_t stamp_s;
    struct pending *prev, *next;
};

static const char *state_value(const char *name)
{
    static const char *const states[][2] = {
        {"New", "1"}, {"Active", "2"}, {"Resolved", "6"}, {"Closed", "7"}};

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (strcmp(states[i][0], name) == 0)
            return states[i][1];
    }
    return strncmp(name, "Awaiting", 8) == 0 ? "3" : name;
}

/* sys_id of the row with this name, made when missing. */
static const char *named(struct draft *d, const char *table, const char *name)
{
    struct table *t = store_find(d->sim->store, table);
    char id[33];

    if (*name == '\0')
        return "";
    schema_seed_id(table, name, id);
    if (t && table_find(t, id) == NO_SLOT)
        schema_seed(t, d->stamp_s, "name", name, "user_name", name, NULL);
    return arena_copy(&d->arena, id, 32);
}

static const char *dated(struct draft *d, const char *text)
{
    char date[DATE_LEN];
    int64_t s;

    if (auditlog_time(text, &s) < 0)
        return "";
    date_format(s + d->sim->replay->shift_s, date);
    return arena_copy(&d->arena, date, DATE_LEN - 1);
}

/* Fields that go over as they are. */
static const struct {
    enum audit_field from;
    const char *to;
} plain[] = {
    {AUDIT_ACTIVE, "active"},
    {AUDIT_REASSIGNMENT, "reassignment_count"},
    {AUDIT_REOPEN, "reopen_count"},
    {AUDIT_MOD_COUNT, "sys_mod_count"},
    {AUDIT_MADE_SLA, "made_sla"},
    {AUDIT_CREATED_BY, "sys_created_by"},
    {AUDIT_UPDATED_BY, "sys_updated_by"},
    {AUDIT_CONTACT, "contact_type"},
    {AUDIT_CATEGORY, "category"},
    {AUDIT_SUBCATEGORY, "subcategory"},
    {AUDIT_SYMPTOM, "u_symptom"},
    {AUDIT_KNOWLEDGE, "knowledge"},
    {AUDIT_CONFIRMED, "u_priority_confirmation"},
};

static const struct {
    enum audit_field from;
    const char *to, *table;
} references[] = {
    {AUDIT_CALLER, "caller_id", "sys_user"},
    {AUDIT_OPENED_BY, "opened_by", "sys_user"},
    {AUDIT_ASSIGNED, "assigned_to", "sys_user"},
    {AUDIT_GROUP, "assignment_group", "sys_user_group"},
    {AUDIT_LOCATION, "location", "cmn_location"},
    {AUDIT_ITEM, "cmdb_ci", "cmdb_ci"},
};

static void common_fields(struct draft *d, const char *const *f)
{
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
        draft_set(d, plain[i].to, f[plain[i].from]);
    for (size_t i = 0; i < sizeof(references) / sizeof(references[0]); i++)
        draft_set(d, references[i].to, named(d, references[i].table, f[references[i].from]));
    draft_set(d, "impact", arena_copy(&d->arena, f[AUDIT_IMPACT], f[AUDIT_IMPACT][0] != '\0'));
    draft_set(d, "urgency", arena_copy(&d->arena, f[AUDIT_URGENCY], f[AUDIT_URGENCY][0] != '\0'));
    draft_set(d, "priority",
              arena_copy(&d->arena, f[AUDIT_PRIORITY], f[AUDIT_PRIORITY][0] != '\0'));
    draft_set(d, "opened_at", dated(d, f[AUDIT_OPENED_AT]));
    d->value[COL_UPDATED_ON] = d->stamp;
    if (d->slot == NO_SLOT)
        d->value[COL_CREATED_ON] = d->stamp;
}

static void incident_fields(struct draft *d, const char *const *f)
{
    const char *state = state_value(f[AUDIT_STATE]);
    bool resolved = strcmp(state, "6") == 0 || strcmp(state, "7") == 0;

    draft_set(d, "number", f[AUDIT_NUMBER]);
    draft_set(d, "state", state);
    draft_set(d, "incident_state", state);
    draft_set(d, "short_description",
              arena_printf(&d->arena, "%s, %s", f[AUDIT_CATEGORY], f[AUDIT_SUBCATEGORY]));
    draft_set(d, "close_code", resolved ? f[AUDIT_CLOSE_CODE] : "");
    draft_set(d, "resolved_by", resolved ? named(d, "sys_user", f[AUDIT_RESOLVED_BY]) : "");
    draft_set(d, "resolved_at", resolved ? dated(d, f[AUDIT_RESOLVED_AT]) : "");
    draft_set(d, "closed_at", strcmp(state, "7") == 0 ? dated(d, f[AUDIT_CLOSED_AT]) : "");
}

/* One step on from the present state; Closed ends the walk. */
static const char *change_state(const char *now, const char *state)
{
    static const char *const walk[] = {"-5", "-4", "-3", "-2", "-1", "0"};

    if (strcmp(state, "Closed") == 0)
        return "3";
    for (size_t i = 0; i + 1 < sizeof(walk) / sizeof(walk[0]); i++) {
        if (strcmp(walk[i], now) == 0)
            return walk[i + 1];
    }
    return now;
}

static void change_fields(struct draft *d, const char *const *f)
{
    bool fresh = d->slot == NO_SLOT;

    draft_set(
        d, "number",
        arena_printf(&d->arena, "CHG%s", f[AUDIT_NUMBER] + strcspn(f[AUDIT_NUMBER], "0123456789")));
    draft_set(d, "state", fresh ? "-5" : change_state(draft_old(d, "state"), f[AUDIT_STATE]));
    draft_set(d, "short_description", arena_printf(&d->arena, "Change: %s", f[AUDIT_CATEGORY]));
    if (strcmp(draft_get(d, "state"), "3") == 0) {
        draft_set(d, "close_code", "successful");
        draft_set(d, "closed_at", d->stamp);
    }
}

static bool as_change(const struct replay *p, const char *number)
{
    return p->change_every > 0 && hash_text(number) % (uint64_t)p->change_every == 0;
}

static void apply(struct sim *sim, const struct audit_event *e, int64_t stamp_s)
{
    const char *field[AUDIT_FIELDS];
    struct table *t;
    struct draft d;
    char *copy, id[33];
    bool change;

    auditlog_fields(e, &copy, field);
    change = as_change(sim->replay, field[AUDIT_NUMBER]);
    t = store_find(sim->store, change ? "change_request" : "incident");
    schema_seed_id(t->name, field[AUDIT_NUMBER], id);
    draft_open(&d, sim, t, table_find(t, id), stamp_s);
    d.raw = true;
    d.value[COL_SYS_ID] = id;
    d.user_name = field[AUDIT_UPDATED_BY];
    common_fields(&d, field);
    (change ? change_fields : incident_fields)(&d, field);
    (void)draft_store(&d, "REPLAY", NULL, false);
    draft_close(&d);
    free(copy);
    sim->replay->applied++;
}

static void pending_unlink(struct replay *r, struct pending *p)
{
    if (p->prev)
        p->prev->next = p->next;
    else
        r->waiting = p->next;
    if (p->next)
        p->next->prev = p->prev;
    r->pending--;
}

static void pending_timer(void *arg)
{
    struct pending *p = arg;

    pending_unlink(p->sim->replay, p);
    apply(p->sim, p->event, p->stamp_s);
    free(p);
}

static void play(struct sim *sim, const struct audit_event *e)
{
    struct replay *r = sim->replay;
    usec_t delay = api_commit_delay(sim, sim->set.edit_commit_delay_ms);
    int64_t stamp_s = r->times == TIMES_CLOCK ? sim_now_s(sim) : e->at + r->shift_s;
    struct pending *p;

    if (delay == 0) {
        apply(sim, e, stamp_s);
        return;
    }
    p = xalloc(sizeof(*p));
    *p = (struct pending){sim, e, stamp_s, NULL, r->waiting};
    if (p->next)
        p->next->prev = p;
    r->waiting = p;
    r->pending++;
    timers_add(flow_timers(sim), clock_mono() + delay, pending_timer, p);
}

static usec_t due(const struct replay *r, size_t i)
{
    if (r->factor > 0)
        return r->started + (usec_t)((double)(r->log.event[i].at - r->first_at) * 1e6 / r->factor);
    return r->rate > 0 ? r->started + (usec_t)((double)i * 1e6 / r->rate) : 0;
}

static void replay_timer(void *arg)
{
    struct sim *sim = arg;
    struct replay *r = sim->replay;
    usec_t now = clock_mono();

    for (int n = 0; n < BURST && r->next < r->end && due(r, r->next) <= now; n++)
        play(sim, &r->log.event[r->next++]);
    if (r->next < r->end)
        timers_add(flow_timers(sim), due(r, r->next), replay_timer, sim);
}

void replay_stop(struct sim *sim)
{
    struct replay *r = sim->replay;

    if (r == NULL)
        return;
    while (r->waiting) {
        struct pending *p = r->waiting;

        timers_drop(flow_timers(sim), p);
        pending_unlink(r, p);
        free(p);
    }
    timers_drop(flow_timers(sim), sim);
    auditlog_free(&r->log);
    free(r);
    sim->replay = NULL;
}

static void add_columns(struct sim *sim)
{
    static const char *const names[] = {"u_symptom", "u_priority_confirmation", "vendor"};

    for (size_t i = 0; i < 3; i++) {
        char *name = xstrdup(names[i]);
        struct column like = {.name = name, .length = 255, .type = COL_TEXT};

        table_column_add(store_find(sim->store, "incident"), &like);
        free(name);
    }
}

static int read_speed(struct replay *r, const json_t *v)
{
    const char *text = json_string_value(v);
    char *end = NULL;
    double x;

    if (v == NULL || (text && strcmp(text, "max") == 0))
        return 0;
    x = text ? strtod(text, &end) : json_number_value(v);
    if (!(x > 0))
        return -1;
    if (end && strcmp(end, "/s") == 0)
        r->rate = x;
    else
        r->factor = x;
    return 0;
}

static int64_t whole(const json_t *options, const char *name)
{
    const json_t *v = json_object_get(options, name);

    return json_is_integer(v) ? json_integer_value(v) : 0;
}

static void read_options(struct sim *sim, struct replay *r, const json_t *options)
{
    const char *start = json_string_value(json_object_get(options, "start"));
    const char *times = json_string_value(json_object_get(options, "times"));
    int64_t from = INT64_MIN, max = whole(options, "max_rows");

    if (start)
        (void)date_parse(start, &from);
    while (r->next < r->log.n && r->log.event[r->next].at < from)
        r->next++;
    r->end = max > 0 && r->next + (size_t)max < r->log.n ? r->next + (size_t)max : r->log.n;
    r->change_every = whole(options, "change_every");
    if (times && strcmp(times, "log") == 0)
        r->times = TIMES_LOG;
    else if (times && strcmp(times, "shifted") == 0)
        r->times = TIMES_SHIFTED;
    if (r->times == TIMES_SHIFTED && r->end > r->next)
        r->shift_s = sim_now_s(sim) - r->log.event[r->end - 1].at;
    r->first_at = r->next < r->end ? r->log.event[r->next].at : 0;
}

int replay_start(struct sim *sim, const json_t *options, char **ret_why)
{
    const char *file = json_string_value(json_object_get(options, "file"));
    struct replay *r = xalloc(sizeof(*r));

    replay_stop(sim);
    if (read_speed(r, json_object_get(options, "speed")) < 0) {
        *ret_why = xstrdup("speed is a number above 0, \"N/s\" or \"max\"");
        free(r);
        return -1;
    }
    if (auditlog_read(file ? file : "", &r->log, ret_why) < 0) {
        free(r);
        return -1;
    }
    add_columns(sim);
    read_options(sim, r, options);
    if (r->rate > 0)
        r->started = clock_mono() - (usec_t)((double)r->next * 1e6 / r->rate);
    else
        r->started = clock_mono();
    sim->replay = r;
    timers_add(flow_timers(sim), clock_mono(), replay_timer, sim);
    return 0;
}

json_t *replay_json(const struct sim *sim)
{
    const struct replay *r = sim->replay;

    if (r == NULL)
        return json_pack("{s:b}", "running", 0);
    return json_pack("{s:b,s:I,s:I,s:I}", "running", r->next < r->end || r->pending > 0, "applied",
                     (json_int_t)r->applied, "left", (json_int_t)(r->end - r->next), "pending",
                     (json_int_t)r->pending);
}
