/*
 * Event Management: the bulk event endpoint, which gives one count for all events and no word about
 * single ones, and the job that makes alerts of events, one by message_key.
 */
#include "tests/simulator/events.h"
#include "tests/simulator/api.h"
#include "tests/simulator/draft.h"
#include "tests/simulator/flow.h"
#include "tests/simulator/journal.h"
#include "tests/simulator/timers.h"

#include <stdlib.h>
#include <string.h>

static json_t *body_json(const struct request *r)
{
    return json_loadb(r->body.p ? r->body.p : "", r->body.n, 0, NULL);
}

usec_t events_cost(struct sim *sim, const struct request *r)
{
    double ms = sim->set.insert_ms;
    json_t *body;

    if (sim->set.bulk_row_ms > 0) {
        body = body_json(r);
        ms += sim->set.bulk_row_ms * (double)json_array_size(json_object_get(body, "records"));
        json_decref(body);
    }
    return (usec_t)(ms * 1000);
}

/* ---------------------------------------------------------------- the job */

/* Event and alert on their way through the job; an alert of an event is its own draft. */
struct pass {
    struct sim *sim;
    struct table *events, *alerts;
    uint32_t event; /* slot */
};

static const char *event_value(const struct pass *p, const char *column)
{
    return row_get(p->events, table_row(p->events, p->event),
                   table_column(p->events, column, strlen(column)));
}

static const char *alert_value(const struct pass *p, uint32_t slot, const char *column)
{
    return row_get(p->alerts, table_row(p->alerts, slot),
                   table_column(p->alerts, column, strlen(column)));
}

/* An event without a key gets one from what it is about. */
static char *key_of(const struct pass *p)
{
    static const char *const parts[] = {"source", "node", "type", "resource", "metric_name"};
    struct str s = {0};

    if (event_value(p, "message_key")[0])
        return xstrdup(event_value(p, "message_key"));
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        str_printf(&s, "%s_", event_value(p, parts[i]));
    return str_take(&s);
}

static bool is_clear(const struct pass *p)
{
    return strcmp(event_value(p, "severity"), "0") == 0 ||
           strcmp(event_value(p, "resolution_state"), "Closing") == 0;
}

static bool is_closed(const struct pass *p, uint32_t alert)
{
    return strcmp(alert_value(p, alert, "state"), "Closed") == 0;
}

/* A closed alert lives on inside the active interval. */
static bool is_active(const struct pass *p, uint32_t alert)
{
    int64_t closed = 0;

    if (!is_closed(p, alert))
        return true;
    (void)date_parse(row_get(p->alerts, table_row(p->alerts, alert), COL_UPDATED_ON), &closed);
    return sim_now_s(p->sim) - closed <= p->sim->set.alert_active_s;
}

/* The newest alert of the key: the hash index gives it first. */
static uint32_t find_alert(const struct pass *p, const char *key)
{
    uint32_t slot = hash_first(p->alerts, table_column(p->alerts, "message_key", 11), key);

    return slot != NO_SLOT && is_active(p, slot) ? slot : NO_SLOT;
}

static void copy_columns(struct draft *d, const struct pass *p)
{
    static const char *const copied[] = {"source",      "event_class",    "node",
                                         "type",        "resource",       "metric_name",
                                         "description", "additional_info"};

    for (size_t i = 0; i < sizeof(copied) / sizeof(copied[0]); i++)
        draft_set(d, copied[i], event_value(p, copied[i]));
}

static void write_alert(const struct pass *p, uint32_t slot, const char *key, char id[33])
{
    bool clear = is_clear(p), is_new = slot == NO_SLOT;
    int64_t count = 0;
    struct draft d;

    draft_open(&d, p->sim, p->alerts, slot, sim_now_s(p->sim));
    draft_set(&d, "message_key", key);
    draft_set(&d, "last_remote_time", event_value(p, "time_of_event"));
    if (is_new) {
        draft_set(&d, "initial_remote_time", event_value(p, "time_of_event"));
        draft_set(&d, "state", "Open");
    } else {
        (void)parse_int(draft_old(&d, "event_count"), &count);
        draft_set(&d, "event_count", arena_printf(&d.arena, "%lld", (long long)count + 1));
        if (clear)
            draft_set(&d, "state", "Closed");
        else if (is_closed(p, slot))
            draft_set(&d, "state", "Reopen");
    }
    if (!clear) {
        copy_columns(&d, p);
        draft_set(&d, "severity", event_value(p, "severity"));
    }
    (void)draft_store(&d, "JOB", NULL, false);
    memcpy(id, row_get(p->alerts, table_row(p->alerts, d.slot), COL_SYS_ID), 33);
    draft_close(&d);
}

static void finish_event(const struct pass *p, const char *state, const char *alert)
{
    struct draft d;

    draft_open(&d, p->sim, p->events, p->event, sim_now_s(p->sim));
    draft_set(&d, "state", state);
    draft_set(&d, "alert", alert);
    (void)draft_store(&d, "JOB", NULL, false);
    draft_close(&d);
}

static void one_event(const struct pass *p)
{
    char id[33] = "";
    uint32_t alert;
    char *key;

    if (strcmp(event_value(p, "state"), "Ready") != 0)
        return;
    if (event_value(p, "severity")[0] == '\0') {
        finish_event(p, "Error", "");
        return;
    }
    key = key_of(p);
    alert = find_alert(p, key);
    if (!is_clear(p) || (alert != NO_SLOT && !is_closed(p, alert)))
        write_alert(p, alert, key, id);
    finish_event(p, "Processed", id);
    free(key);
}

void events_job(struct sim *sim)
{
    struct pass p = {.sim = sim,
                     .events = store_find(sim->store, "em_event"),
                     .alerts = store_find(sim->store, "em_alert")};

    for (p.event = 0; p.event < p.events->rows.slots; p.event++)
        if (table_row(p.events, p.event) != NULL)
            one_event(&p);
}

/* The timer belongs to the flag: what stops a replay drops the timers of the whole instance. */
static void job_timer(void *arg)
{
    struct sim *sim = (struct sim *)(void *)((char *)arg - offsetof(struct sim, alert_job_waits));

    sim->alert_job_waits = false;
    events_job(sim);
}

static void want_job(struct sim *sim)
{
    if (sim->alert_job_waits || sim->set.alert_job_ms < 0)
        return;
    sim->alert_job_waits = true;
    timers_add(flow_timers(sim), clock_mono() + (usec_t)(sim->set.alert_job_ms * 1000), job_timer,
               &sim->alert_job_waits);
}

/* ---------------------------------------------------------------- the endpoint */

static void event_insert(struct sim *sim, struct request *r, const json_t *record)
{
    struct draft d;

    draft_open(&d, sim, store_find(sim->store, "em_event"), NO_SLOT, r->stamp_s);
    draft_by(&d, r->user ? r->user->name : "guest");
    draft_take(&d, record, false);
    (void)draft_store(&d, "POST", r->header[HDR_REQUEST_ID], r->late);
    draft_close(&d);
}

/* A row that the database does not take (setting bad_event): nobody is told which. */
static bool is_bad(const struct sim *sim, const json_t *record)
{
    char *text;
    bool bad;

    if (!json_is_object(record))
        return true;
    if (sim->set.bad_event[0] == '\0')
        return false;
    text = json_dumps(record, JSON_COMPACT);
    bad = text != NULL && strstr(text, sim->set.bad_event) != NULL;
    free(text);
    return bad;
}

/* An instance that answers at once, for the measure of who sends to it. */
static size_t count_keys(const struct request *r)
{
    size_t n = 0;

    for (const char *p = r->body.p; p && (p = strstr(p, "\"message_key\":")) != NULL; p++)
        n++;
    return n;
}

static void answer_taken(struct sim *sim, struct answer *a, size_t sent, size_t taken)
{
    struct str text = {0};

    stats_count(sim, "events", "calls", 1);
    stats_count(sim, "events", "records", sent);
    str_printf(&text, "%zu events were inserted", taken);
    answer_json(a, 200, json_pack("{s:{s:s}}", "result", "Default Bulk Endpoint", text.p));
    str_free(&text);
}

static bool may_insert(const struct sim *sim, const struct request *r)
{
    return sim->set.event_role[0] == '\0' || user_has_role(r->user, sim->set.event_role);
}

void events_serve(struct sim *sim, struct request *r, struct answer *a)
{
    json_t *body = sim->set.event_sink ? NULL : body_json(r);
    json_t *records = json_object_get(body, "records");
    size_t n = json_array_size(records), taken = 0;

    if (sim->set.event_sink) {
        n = count_keys(r);
        answer_taken(sim, a, n, n);
    } else if (!may_insert(sim, r)) {
        answer_error(a, 403, "User Not Authorized", "Failed API level ACL Validation");
    } else if (!json_is_array(records)) {
        answer_error(a, 400, "Exception while reading request", "records is missing");
    } else {
        for (size_t i = 0; i < n; i++) {
            if (is_bad(sim, json_array_get(records, i)))
                continue;
            event_insert(sim, r, json_array_get(records, i));
            taken++;
        }
        answer_taken(sim, a, n, taken);
        want_job(sim);
    }
    json_decref(body);
}
