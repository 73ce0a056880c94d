/* The page /api/status: what the process does now, for people's scripts and `itsm-bridge status`.
 * Members are only ever added. Holds no secret and nothing of alerts or records. */
#include <jansson.h>
#include <stdlib.h>

#include "bridge/base/log.h"
#include "bridge/commands/run.h"
#include "bridge/servicenow/oauth.h"
#include "bridge/servicenow/oauth_life.h"

static void set(json_t *o, const char *name, json_t *value)
{
    (void)json_object_set_new(o, name, value);
}

static void set_seconds(json_t *o, const char *name, usec_t left)
{
    set(o, name, left == USEC_NEVER ? json_null() : json_integer((json_int_t)(left / USEC_S)));
}

static void set_time(json_t *o, const char *name, msec_t ms)
{
    char text[CLOCK_ISO_SIZE];

    if (ms == MSEC_NONE || ms == 0) {
        set(o, name, json_null());
        return;
    }
    clock_format_iso(ms, text);
    set(o, name, json_string(text));
}

static usec_t until(usec_t when, usec_t now)
{
    return when == USEC_NEVER ? when : when > now ? when - now : 0;
}

static json_t *sign_in(const struct run *r, usec_t now)
{
    const struct oauth *o = snow_oauth(r->snow);
    struct oauth_refresh refresh;
    json_t *page = json_object(), *end;

    oauth_refresh_life(o, now, &refresh);
    set(page, "state", json_string(oauth_state_name(oauth_state(o))));
    set(page, "reason", json_string(oauth_reason(o)));
    set_seconds(page, "access_token_left_s", until(oauth_expires(o), now));
    if (refresh.there) {
        end = json_object();
        set_time(end, "ends", refresh.expires_at);
        set_seconds(end, "left_s", refresh.left);
        set(end, "source", json_string(oauth_life_name(refresh.source)));
        set(page, "refresh_token", end);
    }
    return page;
}

static json_t *requests(const struct run *r, usec_t now)
{
    const struct window *w = snow_window(r->snow);
    struct snow_rate rate;
    json_t *page = json_object(), *rule;

    set(page, "state", json_string(window_state_name(window_state(w))));
    set(page, "reason", json_string(window_reason(w)));
    set(page, "window", json_integer(window_size(w)));
    set(page, "in_flight", json_integer(window_in_flight(w)));
    set_seconds(page, "next_probe_s",
                window_state(w) == WINDOW_CLOSED ? until(window_until(w), now) : USEC_NEVER);
    snow_rate(r->snow, &rate);
    if (rate.limit > 0) {
        rule = json_object();
        set(rule, "limit", json_integer(rate.limit));
        set(rule, "left", json_integer(rate.left));
        set_time(rule, "reset", rate.reset);
        set(page, "rate", rule);
    }
    return page;
}

static json_t *alerts(const struct run *r, usec_t now)
{
    struct flow_stats s = flow_stats(r->flow, now);
    json_t *page = json_object();

    set(page, "waiting", json_integer((json_int_t)s.waiting));
    set(page, "bytes", json_integer((json_int_t)s.bytes));
    set(page, "in_flight", json_integer((json_int_t)s.in_flight));
    set(page, "retry", json_integer((json_int_t)s.parked));
    set(page, "not_confirmed", json_integer((json_int_t)s.endings));
    set(page, "paused", json_string(s.paused == NULL ? "" : s.paused));
    return page;
}

struct tables {
    json_t *list;
    usec_t now;
};

static void add_table(void *arg, const struct workitems_table *t)
{
    struct tables *all = arg;
    json_t *page = json_object(), *history;

    set(page, "table", json_string(t->table));
    set(page, "topic", json_string(t->topic));
    set(page, "phase", json_string(t->phase));
    set(page, "reason", json_string(t->reason));
    set_time(page, "complete_to", t->watermark);
    set(page, "published", json_integer((json_int_t)t->published));
    set_seconds(page, "next_poll_s", until(t->next_poll, all->now));
    if (t->history) {
        history = json_object();
        set(history, "done", json_integer((json_int_t)t->rows_done));
        set(history, "total", t->rows_total < 0 ? json_null() : json_integer(t->rows_total));
        set(history, "left_s", t->seconds_left < 0 ? json_null() : json_integer(t->seconds_left));
        set(page, "history", history);
    }
    (void)json_array_append_new(all->list, page);
}

int run_status(struct run *r, struct buf *out)
{
    usec_t now = loop_now(r->loop);
    const char *why = run_not_ready(r);
    struct tables all = {.list = json_array(), .now = now};
    json_t *page = json_object();
    char *text;

    set(page, "version", json_string(ITSM_VERSION));
    set(page, "connection", json_string(r->config->connection.name));
    set(page, "instance", json_string(r->config->connection.host));
    set(page, "group", json_string(r->config->kafka.group_id));
    set(page, "ready", json_boolean(why == NULL));
    set(page, "not_ready_because", json_string(why == NULL ? "" : why));
    set_time(page, "started", r->started);
    set(page, "sign_in", sign_in(r, now));
    set(page, "requests", requests(r, now));
    if (r->flow != NULL)
        set(page, "alerts", alerts(r, now));
    if (r->workitems != NULL)
        workitems_each(r->workitems, add_table, &all);
    set(page, "tables", all.list);
    text = json_dumps(page, JSON_INDENT(2));
    if (text != NULL)
        (void)buf_add_text(out, text);
    (void)buf_add_char(out, '\n');
    free(text);
    json_decref(page);
    return text == NULL || out->failed ? 500 : 200;
}
