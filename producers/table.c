/* One table from taking over to polling: what its stored state means, requests for pages, and what
 * their answers mean. Publishing is in table_publish.c, the decisions of a sweep in sweep.c. A
 * request cannot be called back, so one that belongs to an earlier life of the table (given away,
 * fenced) is let go of: its answer then finds no table. */
#include <stdlib.h>
#include <string.h>

#include "bridge/base/buf.h"
#include "bridge/base/log.h"
#include "bridge/base/xalloc.h"
#include "producers/ask.h"
#include "producers/parts.h"

#define SLACK_S       10
#define BUSY_FOR      (60 * USEC_S)
#define WIDEST        10000 /* the default limit of the Table API */
#define SEEN_MAX      40000
#define REFUSED_DELAY (60 * USEC_S)
#define QUERY_MAX     ((size_t)64 * 1024)
#define ROOM_PAUSE    (50 * USEC_MS)
#define SAY_EVERY     (60 * USEC_S)
#define PROGRESS      (10 * USEC_S)

struct ask {
    struct table *t; /* NULL: nobody waits for it */
    usec_t sent;
    bool clock; /* only the Date header is wanted */
    struct sweep_ask page;
    struct buf query;
    char *fields;
};

static struct metric *metric_of(struct metrics *m, const char *table,
                                struct metric *(*make)(struct metrics *, const char *, const char *,
                                                       const char *),
                                const char *name, const char *help)
{
    if (m == NULL)
        return NULL;
    char *label = metrics_label("table", table);
    struct metric *x = make(m, name, label, help);
    free(label);
    return x;
}

static void init_metrics(struct table *t, struct metrics *m)
{
    const char *table = t->p->table;
    t->m_rows = metric_of(m, table, metrics_counter, "workitems_published_total",
                          "Versions of work items published to Kafka");
    t->m_pages = metric_of(m, table, metrics_counter, "workitem_pages_total",
                           "Pages of work items read from ServiceNow");
    t->m_transactions = metric_of(m, table, metrics_counter, "workitem_transactions_total",
                                  "Committed transactions with work items and their watermark");
    t->m_lag = metric_of(m, table, metrics_gauge, "workitem_lag_seconds",
                         "Instance time minus the time up to which all changes are published");
    t->m_seen = metric_of(m, table, metrics_gauge, "workitem_seen_versions",
                          "Published versions that are remembered because they may be read again");
}

void table_init(struct table *t, struct workitems *w, const struct config_producer *p,
                struct metrics *m)
{
    const struct config_list *f = &p->fields;
    *t = (struct table){.w = w, .p = p, .phase = TABLE_AWAY, .chunk = SIZE_MAX};
    t->key = xasprintf("%s/%s", w->config->connection.name, p->table);
    t->fields = ask_fields(f);
    const char **columns = xcalloc(f->count + 1, sizeof(*columns));
    for (size_t i = 0; i < f->count; i++)
        columns[i] = f->items[i];
    watermark_fingerprint(p->query, columns, f->count, t->fingerprint);
    free(columns);
    int64_t overlap = (p->overlap + USEC_S - 1) / USEC_S;
    t->options = (struct sweep_options){
        .overlap = overlap > 0 ? overlap : 1,
        .slack = SLACK_S,
        .poll_busy = p->poll_busy,
        .poll_idle = p->poll_idle,
        .busy_for = BUSY_FOR,
        .page_size = p->page_size,
        .widest = WIDEST,
        .seen_max = SEEN_MAX,
    };
    init_metrics(t, m);
}

void table_reset(struct table *t, enum table_phase phase)
{
    if (t->ask != NULL)
        t->ask->t = NULL;
    t->ask = NULL;
    t->void_answer = t->publishing;
    sweep_plan_done(&t->plan);
    t->sweep = sweep_free(t->sweep);
    free(t->large);
    t->large = NULL;
    t->large_count = 0;
    t->chunk = SIZE_MAX;
    t->due = 0;
    t->failures = 0;
    t->said_caught_up = false;
    err_clear(&t->reason);
    t->phase = phase;
    if (phase == TABLE_AWAY) {
        free(t->raw);
        t->raw = NULL;
    }
}

void table_done(struct table *t)
{
    table_reset(t, TABLE_AWAY);
    free(t->key);
    free(t->fields);
}

struct owner *table_owner(struct table *t)
{
    struct owner *o = owner_find(t->w, t->partition);
    return o != NULL && o->phase == OWNER_READY ? o : NULL;
}

void table_stop(struct table *t, const struct err *why)
{
    struct err copy = *why; /* it may lie in what is reset */
    table_reset(t, TABLE_STOPPED);
    t->reason = copy;
    t->was_stopped = true;
    log_error("table-stopped", "table=%s code=%s\t%s", t->p->table, copy.code, copy.text);
}

/* Loading -------------------------------------------------------------------------------------- */

static void on_holds(void *arg, const struct txn_answer *a, usec_t now)
{
    struct table *t = arg;
    struct err e;
    if (t->phase != TABLE_CHECK)
        return;
    if (a->end == TXN_DEAD || a->end == TXN_FENCED) {
        struct owner *o = table_owner(t);
        if (o != NULL)
            owner_lost(o, a, now);
    } else if (a->end != TXN_DONE) {
        t->reason = a->err;
        t->due = now + 5 * USEC_S;
        t->phase = TABLE_LOADING; /* asked again when due */
    } else if (a->holds) {
        err_set(
            &e, ERR_CONFIG, "watermark-missing",
            "Topic %s holds records, but the state topic %s has no watermark for %s: reading "
            "from the start would publish changes again. The table is not read. If the number of "
            "partitions of the state topic was changed, set it back; to begin anew name "
            "another topic for the table (README, A stopped table)",
            t->p->topic, t->w->config->topics.state, t->key);
        table_stop(t, &e);
    } else {
        t->phase = TABLE_CLOCK;
    }
}

static void ask_topic(struct table *t, struct owner *o)
{
    t->phase = TABLE_CHECK;
    txn_topic_holds(o->txn, t->p->topic, on_holds, t);
}

static void warn_fingerprint(const struct table *t, const struct watermark_state *s)
{
    if (strcmp(s->fingerprint, t->fingerprint) != 0)
        log_warn("table-query-changed",
                 "table=%s\tQuery or fields of the table differ from those of the last run. "
                 "Changes from now on are published by the new ones; rows that did not change "
                 "since are not published again; README, A stopped table, says how to begin anew",
                 t->p->table);
}

void table_loaded(struct table *t, usec_t now)
{
    struct watermark_state s = {0};
    struct err e;
    struct owner *o = table_owner(t);
    const struct config_connection *c = &t->w->config->connection;
    if (t->raw == NULL) {
        ask_topic(t, o);
        return;
    }
    if (watermark_decode(t->raw, t->raw_length, c->host, c->name, t->p->table, &s, &e) != 0) {
        table_stop(t, &e);
        return;
    }
    warn_fingerprint(t, &s);
    table_polling(t, &s, now);
    watermark_state_done(&s);
}

/* Requests ------------------------------------------------------------------------------------- */

static void ask_free(struct ask *a)
{
    buf_done(&a->query);
    free(a->fields);
    free(a);
}

static void fail(struct table *t, const struct err *why, bool smaller, usec_t delay, usec_t now)
{
    unsigned skipped;
    t->reason = *why;
    if (t->sweep != NULL) {
        sweep_failed(t->sweep, smaller, delay, now);
    } else {
        usec_t by_count = USEC_S << (t->failures < 6 ? t->failures : 6);
        t->due = now + (delay > 0 ? delay : usec_min(by_count, REFUSED_DELAY));
        t->failures++;
    }
    if (log_limit_pass(&t->say, now, SAY_EVERY, &skipped))
        log_warn("table-waits", "table=%s code=%s\t%s", t->p->table, why->code, why->text);
}

/* How a refused list request is answered: a smaller page, and a least delay (0: by the number of
 * failures). What concerns the whole instance is the window's business: it says when again. */
static void failed(struct table *t, const struct snow_outcome *o, usec_t now)
{
    switch (o->verdict) {
    case SNOW_UNKNOWN: /* a lost answer, a time-out, a cut body */
        fail(t, &o->err, true, 0, now);
        break;
    case SNOW_REJECTED:
        if (strcmp(o->err.code, "too-large") == 0) {
            fail(t, &o->err, true, 0, now);
            break;
        }
        fail(t, &o->err, false, REFUSED_DELAY, now);
        break;
    case SNOW_ABSENT:
    case SNOW_EXISTS:
        fail(t, &o->err, false, REFUSED_DELAY, now);
        break;
    case SNOW_OK:
    case SNOW_THROTTLED:
    case SNOW_UNAVAILABLE:
    case SNOW_UNAUTHORISED:
    case SNOW_CANCELLED:
        fail(t, &o->err, false, o->retry_after, now);
        break;
    }
}

static void no_date(struct table *t, usec_t now)
{
    struct err e;
    err_set(&e, ERR_RETRY, "no-date",
            "The answers of the instance have no usable Date header, which says up to when a table "
            "was read. Table %s waits; look for a proxy that removes it",
            t->p->table);
    fail(t, &e, false, 0, now);
}

static void got_clock(struct table *t, msec_t date, usec_t now)
{
    struct owner *o = table_owner(t);
    if (date == MSEC_NONE)
        no_date(t, now);
    else if (t->phase == TABLE_CLOCK && o != NULL)
        table_publish_first(t, o, date, now);
}

static void got_page(struct table *t, const struct ask *a, const struct snow_outcome *o, usec_t now)
{
    struct page page;
    struct err e;
    json_t *rows = o->verdict == SNOW_OK ? json_incref(o->result) : json_array();
    int r = page_read(rows, t->p->table, &a->page.after, a->page.limit, &page, &e);
    json_decref(rows);
    if (r != 0) {
        fail(t, &e, false, 0, now);
        return;
    }
    metric_add(t->m_pages, 1);
    err_clear(&t->reason);
    sweep_page(t->sweep, &page, o->total_count, now);
}

static void on_answer(void *arg, const struct snow_op *ops, const struct snow_outcome *outcomes,
                      size_t n, usec_t now)
{
    struct ask *a = arg;
    struct table *t = a->t;
    (void)ops;
    (void)n;
    if (t != NULL) {
        t->ask = NULL;
        if (t->sweep != NULL)
            sweep_clock(t->sweep, outcomes[0].date, a->sent, now);
        /* ABSENT: no rows, as older versions of the API say it. */
        if (outcomes[0].verdict != SNOW_OK && outcomes[0].verdict != SNOW_ABSENT)
            failed(t, &outcomes[0], now);
        else if (a->clock)
            got_clock(t, outcomes[0].date, now);
        else
            got_page(t, a, &outcomes[0], now);
    }
    ask_free(a);
}

/* page NULL: only the Date header is wanted. Returns the next deadline. */
static usec_t submit(struct table *t, const struct sweep_ask *page, usec_t now)
{
    struct err e;
    if (t->ask != NULL)
        return USEC_NEVER;
    if (snow_room(t->w->snow, WINDOW_SYNC, true, now) == 0) {
        t->w->waiting = true;
        usec_t next = window_next(snow_window(t->w->snow));
        return next > now ? next : now + ROOM_PAUSE;
    }
    struct ask *a = xcalloc(1, sizeof(*a));
    *a = (struct ask){.t = t, .sent = now, .clock = page == NULL};
    buf_init(&a->query, QUERY_MAX);
    int r = page == NULL ? ask_clock(&a->query, t->p->query, &e)
                         : ask_page(&a->query, t->p->query, page, &e);
    if (page != NULL)
        a->page = *page;
    a->fields = page == NULL ? xstrdup("sys_id") : t->fields != NULL ? xstrdup(t->fields) : NULL;
    struct snow_op op = {
        .kind = SNOW_LIST,
        .table = t->p->table,
        .query = buf_text(&a->query),
        .fields = a->fields,
        .limit = page == NULL ? 1 : page->limit,
        .count = page != NULL && page->count,
    };
    if (r != 0 || snow_submit(t->w->snow, WINDOW_SYNC, &op, 1, on_answer, a, now, &e) != 0) {
        ask_free(a);
        table_stop(t, &e);
        return USEC_NEVER;
    }
    t->ask = a;
    return USEC_NEVER;
}

/* Steps ---------------------------------------------------------------------------------------- */

static void say_progress(struct table *t, usec_t now)
{
    char at[CLOCK_SN_SIZE];
    if (t->said_caught_up)
        return;
    clock_format_sn(sweep_complete_to(t->sweep) * 1000, at);
    if (sweep_caught_up(t->sweep)) {
        t->said_caught_up = true;
        log_info("table-caught-up", "table=%s rows=%llu\tAll changes up to %s UTC are published",
                 t->p->table, t->published, at);
    } else if (now >= t->progress_at) {
        unsigned long long rows = t->published - t->published_then;
        usec_t took = PROGRESS + now - t->progress_at;
        if (t->progress_at != 0)
            log_info("table-progress",
                     "table=%s rows=%llu rows_per_second=%llu\tPublished up to "
                     "%s UTC",
                     t->p->table, t->published,
                     rows * (unsigned long long)USEC_S / (unsigned long long)took, at);
        t->published_then = t->published;
        t->progress_at = now + PROGRESS;
    }
}

static void set_gauges(const struct table *t)
{
    int64_t instance = (clock_wall() + snow_clock_skew(t->w->snow)) / 1000;
    int64_t lag = instance - sweep_complete_to(t->sweep);
    metric_set(t->m_lag, lag > 0 ? lag : 0);
    metric_set(t->m_seen, (int64_t)sweep_seen(t->sweep));
}

static usec_t step_poll(struct table *t, struct owner *o, usec_t now)
{
    struct sweep_ask page = {0};
    usec_t due = USEC_NEVER;
    if (t->ask != NULL || t->publishing)
        return USEC_NEVER;
    say_progress(t, now);
    set_gauges(t);
    switch (sweep_next(t->sweep, now, &page, &due)) {
    case SWEEP_SLEEP:
        return due;
    case SWEEP_CLOCK:
        return submit(t, NULL, now);
    case SWEEP_PAGE:
        return submit(t, &page, now);
    case SWEEP_PUBLISH:
        if (now < t->due)
            return t->due;
        table_publish_page(t, o, now);
        return t->publishing ? USEC_NEVER : now;
    case SWEEP_STOPPED:
        table_stop(t, sweep_reason(t->sweep));
        return USEC_NEVER;
    }
    return USEC_NEVER;
}

usec_t table_step(struct table *t, usec_t now)
{
    struct owner *o = table_owner(t);
    if (o == NULL || t->w->draining)
        return USEC_NEVER;
    switch (t->phase) {
    case TABLE_LOADING: /* only after a failed look at the topic */
        if (now < t->due)
            return t->due;
        ask_topic(t, o);
        return USEC_NEVER;
    case TABLE_CLOCK:
        return now < t->due ? t->due : submit(t, NULL, now);
    case TABLE_POLL:
        return step_poll(t, o, now);
    case TABLE_AWAY:
    case TABLE_CHECK:
    case TABLE_FIRST:
    case TABLE_STOPPED:
        break;
    }
    return USEC_NEVER;
}

const char *table_phase_name(const struct table *t, usec_t now)
{
    static const char *const names[] = {
        [TABLE_AWAY] = "not ours",   [TABLE_LOADING] = "loading", [TABLE_CHECK] = "loading",
        [TABLE_CLOCK] = "starting",  [TABLE_FIRST] = "starting",  [TABLE_POLL] = "first pull",
        [TABLE_STOPPED] = "stopped",
    };
    if (t->phase != TABLE_POLL || t->sweep == NULL || !sweep_caught_up(t->sweep))
        return names[t->phase];
    return sweep_busy(t->sweep, now) ? "busy" : "idle";
}
