/* One table from taking over to polling: what its stored states mean, and which of its feeds acts
 * next. Requests are in table_ask.c, publishing is in table_publish.c, the decisions of a sweep in
 * sweep.c. */
#include <stdlib.h>
#include <string.h>

#include "bridge/base/log.h"
#include "bridge/base/xalloc.h"
#include "producers/parts.h"
#include "producers/turn.h"

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
    t->m_done = metric_of(m, table, metrics_gauge, "workitem_history_rows",
                          "Rows of the first pull, or of the resync, that are published");
    t->m_total = metric_of(m, table, metrics_gauge, "workitem_history_total_rows",
                           "Rows that it has in all; 0 when none runs or it is not known");
    t->m_seen = metric_of(m, table, metrics_gauge, "workitem_seen_versions",
                          "Published versions that are remembered because they may be read again");
    t->m_last_seen = metric_of(m, table, metrics_gauge, "workitem_last_seen_bytes",
                               "Memory for what was published last of each row");
    t->m_left_out = metric_of(m, table, metrics_counter, "workitems_left_out_total",
                              "Versions that the bridge itself wrote and did not publish");
}

void table_init(struct table *t, struct workitems *w, const struct config_producer *p,
                struct metrics *m)
{
    const struct config_list *f = &p->fields;
    *t = (struct table){.w = w, .p = p, .phase = TABLE_AWAY, .chunk = SIZE_MAX};
    t->key = xasprintf("%s/%s", w->config->connection.name, p->table);
    size_t n = f->count;
    const char **columns = xcalloc(n + 4, sizeof(*columns));
    for (size_t i = 0; i < n; i++)
        columns[i] = f->items[i];
    if (p->form == FORM_ITSMC) /* the topic holds other records then */
        columns[n++] = "form=itsmc";
    if (p->display != DISPLAY_RAW)
        columns[n++] = p->display == DISPLAY_SHOWN ? "display=display" : "display=both";
    if (p->reference_links)
        columns[n++] = "reference_links";
    watermark_fingerprint(p->query, columns, n, t->fingerprint);
    free(columns);
    t->last_seen = lastseen_new((size_t)p->last_seen_bytes);
    for (size_t i = 0; i < FEEDS; i++)
        feed_init(&t->feeds[i], t, (enum feed_id)i);
    init_metrics(t, m);
}

void table_reset(struct table *t, enum table_phase phase)
{
    table_forget_ask(t);
    t->inquiry = inquiry_free(t->inquiry);
    t->query_is_new = false;
    t->void_answer = t->publishing;
    sweep_plan_done(&t->plan);
    free(t->plan_skip);
    t->plan_skip = NULL;
    table_forget_gone(t);
    t->gone_due = 0;
    free(t->record_rows);
    t->record_rows = NULL;
    lastseen_clear(t->last_seen); /* others may publish from now on */
    t->rebuilt = false;
    for (size_t i = 0; i < FEEDS; i++) {
        feed_reset(&t->feeds[i]);
        if (phase == TABLE_AWAY)
            feed_take(&t->feeds[i], NULL, 0);
    }
    if (phase == TABLE_AWAY)
        table_controls_free(t);
    free(t->large);
    t->large = NULL;
    t->large_count = 0;
    history_forget(t);
    t->chunk = SIZE_MAX;
    t->due = 0;
    t->failures = 0;
    t->said_caught_up = false;
    err_clear(&t->reason);
    t->phase = phase;
}

void table_done(struct table *t)
{
    table_reset(t, TABLE_AWAY);
    for (size_t i = 0; i < FEEDS; i++)
        feed_done(&t->feeds[i]);
    lastseen_free(t->last_seen);
    free(t->key);
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

void table_probed(struct table *t, usec_t now)
{
    bool starts = false;
    for (size_t i = 0; i < FEEDS; i++)
        starts = starts || t->feeds[i].starts;
    if (starts)
        t->phase = TABLE_CLOCK;
    else
        table_polling(t, now);
}

/* What is to be read is known; first, whether it can be asked for. */
static void go_on(struct table *t, usec_t now)
{
    if (!feed_live(t)->starts && !t->query_is_new) {
        table_probed(t, now);
        return;
    }
    t->phase = TABLE_PROBE;
    t->due = now;
    t->inquiry = inquiry_new(t);
    if (t->inquiry == NULL && t->phase == TABLE_PROBE) {
        t->query_is_new = false;
        table_probed(t, now);
    }
}

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
            "partitions of the state topic was changed, set it back; README, A stopped table, "
            "says how to go on",
            t->p->topic, t->w->config->topics.state, t->key);
        table_stop(t, &e);
    } else {
        for (size_t i = 0; i < FEEDS; i++)
            t->feeds[i].starts = t->feeds[i].t != NULL && !t->feeds[i].kind->passing;
        go_on(t, now);
    }
}

static void ask_topic(struct table *t, struct owner *o)
{
    t->phase = TABLE_CHECK;
    txn_topic_holds(o->txn, t->p->topic, on_holds, t);
}

/* Query, fields or display differ from those of the last run. -1: the table is stopped. */
static int query_changed(struct table *t)
{
    struct err e;
    if (t->p->on_change == ON_CHANGE_REFUSE && t->controls == NULL) {
        err_set(&e, ERR_CONFIG, "table-query-changed",
                "Query, fields or display of the table differ from those of the last run, and "
                "on_change is \"refuse\". The table is not read: set them back, or say how to go "
                "on: `itsm-bridge resync %s`, or on_change = \"continue\"",
                t->p->table);
        table_stop(t, &e);
        return -1;
    }
    bool repull = t->p->on_change == ON_CHANGE_REPULL;
    if (repull && t->controls == NULL)
        table_control_own(t, CONTROL_RESYNC, CONTROL_SCOPE);
    log_warn("table-query-changed",
             "table=%s\tQuery, fields or display of the table differ from those of the last run. "
             "Changes from now on are published by the new ones; rows that did not change since %s",
             t->p->table,
             repull ? "are published again, marked, because on_change is \"repull\""
                    : "stay as they are in the topic; `itsm-bridge resync TABLE` publishes them "
                      "again");
    return 0;
}

static int decode_feed(struct feed *f, struct watermark_state *ret_state, struct err *e)
{
    const struct table *t = f->t;
    const struct config_connection *c = &t->w->config->connection;
    if (watermark_decode(f->raw, f->raw_length, c->host, c->name, t->p->table, ret_state, e) != 0)
        return -1;
    if (!ret_state->has_history || feed_history(f->t)->raw != NULL)
        return 0;
    watermark_state_done(ret_state);
    return err_set(e, ERR_CONFIG, "state-broken",
                   "The state of table %s says that its history is not read to the end, but how "
                   "far it is stands nowhere in topic %s. The table is not read; README, A stopped "
                   "table, says what to do",
                   t->p->table, t->w->config->topics.state);
}

/* -1: the table is stopped. A state that cannot be used counts for none when somebody has asked how
 * to go on. */
static int load_feed(struct feed *f)
{
    struct table *t = f->t;
    struct watermark_state s = {0};
    struct err e;
    f->starts = f->raw == NULL && !f->kind->passing;
    if (f->raw == NULL)
        return 0;
    if (decode_feed(f, &s, &e) != 0) {
        f->starts = t->controls != NULL && !f->kind->passing;
        if (t->controls == NULL)
            table_stop(t, &e);
        return t->controls == NULL ? -1 : 0;
    }
    bool changed = strcmp(s.fingerprint, t->fingerprint) != 0;
    if (f == feed_live(t) && changed && query_changed(t) != 0) {
        watermark_state_done(&s);
        return -1;
    }
    t->query_is_new = t->query_is_new || (f == feed_live(t) && changed);
    if (f == feed_history(t))
        history_open(t, &s.history);
    f->sweep = sweep_new(&f->options, &s);
    watermark_state_done(&s);
    return 0;
}

static void on_rebuilt(void *arg, const struct txn_answer *a, usec_t now)
{
    struct table *t = arg;
    if (t->phase != TABLE_REBUILD)
        return;
    lastseen_free(t->last_seen);
    t->last_seen = rebuild_take(a->rebuild);
    t->rebuilt = true;
    if (a->err.class == ERR_NONE)
        log_info("last-seen-rebuilt",
                 "table=%s rows=%zu records=%zu bytes=%zu\tThe topic was read back", t->p->table,
                 lastseen_count(t->last_seen), rebuild_records(a->rebuild),
                 lastseen_bytes(t->last_seen));
    else
        log_warn("last-seen-rebuilt",
                 "table=%s rows=%zu code=%s\tTopic %s was not read back to its end (%s); of the "
                 "other rows the changed fields are not known with their next record",
                 t->p->table, lastseen_count(t->last_seen), a->err.code, t->p->topic, a->err.text);
    table_loaded(t, now);
}

void table_loaded(struct table *t, usec_t now)
{
    if (t->p->last_seen_rebuild && !t->rebuilt) {
        t->phase = TABLE_REBUILD;
        txn_rebuild(table_owner(t)->txn,
                    rebuild_new(t->w->config, t->p->topic, (size_t)t->p->last_seen_bytes),
                    on_rebuilt, t);
        return;
    }
    if (feed_live(t)->raw == NULL && t->controls == NULL) {
        ask_topic(t, table_owner(t));
        return;
    }
    for (size_t i = 0; i < FEEDS; i++)
        if (t->feeds[i].t != NULL && load_feed(&t->feeds[i]) != 0)
            return;
    if (feed_live(t)->starts) { /* then the history begins with it */
        feed_reset(feed_history(t));
        history_forget(t);
    }
    go_on(t, now);
}

void table_polling(struct table *t, usec_t now)
{
    const struct sweep *live = feed_live(t)->sweep;
    char at[CLOCK_SN_SIZE];
    clock_format_sn(sweep_mark(live).second * 1000, at);
    t->phase = TABLE_POLL;
    t->failures = 0;
    t->due = now;
    t->progress_at = 0;
    err_clear(&t->reason);
    if (t->was_stopped)
        log_info("table-resumed", "table=%s topic=%s\tThe table is read again, from %s UTC",
                 t->p->table, t->p->topic, at);
    else
        log_info("table-started", "table=%s topic=%s\tThe table is read from %s UTC on",
                 t->p->table, t->p->topic, at);
    t->was_stopped = false;
}

/* Steps ---------------------------------------------------------------------------------------- */

/* While a page of the history is published the next one is read, unless another feed waits. */
static usec_t ask_ahead(struct table *t, usec_t now)
{
    struct feed *f = feed_history(t);
    struct sweep_ask page, other = {0};
    usec_t due = USEC_NEVER;
    if (t->from != f || f->sweep == NULL || t->controls != NULL)
        return USEC_NEVER;
    for (size_t i = 0; i < FEEDS; i++)
        if (&t->feeds[i] != f && t->feeds[i].sweep != NULL &&
            sweep_next(t->feeds[i].sweep, now, &other, &due) != SWEEP_SLEEP)
            return USEC_NEVER;
    return sweep_next_ahead(f->sweep, now, &page) ? table_ask(f, &page, now) : USEC_NEVER;
}

/* What the feed wants, asked for or done. */
static usec_t act(struct feed *f, enum sweep_want want, const struct sweep_ask *page,
                  struct owner *o, usec_t now)
{
    struct table *t = f->t;
    switch (want) {
    case SWEEP_CLOCK:
        return table_ask(f, NULL, now);
    case SWEEP_PAGE:
        if (f == feed_history(t) && !t->history.counted)
            return table_ask_count(f, now);
        return table_ask(f, page, now);
    case SWEEP_PUBLISH:
        if (now < t->due)
            return t->due;
        if (f->kind->stream == STREAM_DELETES)
            return table_publish_deletes(f, o, now);
        if (table_plan(f, SIZE_MAX, now))
            table_publish_plan(f, o, now);
        return t->publishing ? ask_ahead(t, now) : now;
    case SWEEP_DONE:
        if (now < t->due)
            return t->due;
        history_close(t, o, now);
        return USEC_NEVER;
    case SWEEP_STOPPED:
        table_stop(t, sweep_reason(f->sweep));
        return USEC_NEVER;
    case SWEEP_SLEEP:
        break;
    }
    return USEC_NEVER;
}

static bool holds_rows(const struct table *t)
{
    for (size_t i = 0; i < FEEDS; i++)
        if (t->feeds[i].sweep != NULL && sweep_holds_rows(t->feeds[i].sweep))
            return true;
    return false;
}

static usec_t step_poll(struct table *t, struct owner *o, usec_t now)
{
    struct sweep_ask pages[FEEDS] = {0};
    struct turn turns[FEEDS] = {0};
    usec_t due;
    if (t->ask != NULL || !self_settled(t->w->self))
        return USEC_NEVER;
    if (t->publishing)
        return ask_ahead(t, now);
    history_say(t, now);
    if (t->controls != NULL && !holds_rows(t))
        return now < t->due ? t->due : table_ask(feed_live(t), NULL, now);
    for (size_t i = 0; i < FEEDS; i++) {
        const struct feed *f = &t->feeds[i];
        turns[i] = (struct turn){.want = SWEEP_SLEEP, .due = USEC_NEVER, .asked = f->asked};
        if (f->sweep != NULL)
            turns[i].want = sweep_next(f->sweep, now, &pages[i], &turns[i].due);
    }
    size_t i = turn_choose(turns, FEEDS, &due);
    if (i == TURN_NOBODY)
        return usec_min(due, table_look_for_gone(t, now));
    return usec_min(due, act(&t->feeds[i], turns[i].want, &pages[i], o, now));
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
    case TABLE_PROBE:
        return inquiry_step(t, now);
    case TABLE_CLOCK:
        return now < t->due ? t->due : table_ask(feed_live(t), NULL, now);
    case TABLE_POLL:
        return step_poll(t, o, now);
    case TABLE_AWAY:
    case TABLE_REBUILD:
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
        [TABLE_CLOCK] = "starting",  [TABLE_PROBE] = "starting",  [TABLE_FIRST] = "starting",
        [TABLE_POLL] = "first pull", [TABLE_STOPPED] = "stopped", [TABLE_REBUILD] = "loading",
    };
    const struct sweep *live = t->feeds[FEED_LIVE].sweep;
    if (t->phase == TABLE_POLL && t->history.open)
        return t->history.resync[0] != '\0' ? "resync" : names[t->phase];
    if (t->phase != TABLE_POLL || live == NULL || !sweep_caught_up(live))
        return names[t->phase];
    return sweep_busy(live, now) ? "busy" : "idle";
}
