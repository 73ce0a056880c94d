/* The history of a table beside its live feed: the first pull, or a resync that somebody asked for.
 * Its state record and the live one change together when it begins and when it ends, so that a
 * table is never without the one that the other relies on. */
#include <stdlib.h>

#include "bridge/base/log.h"
#include "bridge/base/xalloc.h"
#include "producers/parts.h"

#define PROGRESS (10 * USEC_S)

void history_open(struct table *t, const struct watermark_history *h)
{
    history_forget(t);
    t->history = (struct history){
        .open = true, .resync = xstrdup(h->resync), .done = h->done, .total = h->total};
    t->history.counted = h->total >= 0;
}

void history_forget(struct table *t)
{
    free(t->history.resync);
    t->history = (struct history){.total = -1};
}

/* The end ----------------------------------------------------------------------------------------
 */

static void closed(struct table *t)
{
    log_info("table-history-done",
             "table=%s rows=%llu\tThe %s of the table is complete: all "
             "changes of before are published as well",
             t->p->table, t->history.done, t->history.resync[0] != '\0' ? "resync" : "first pull");
    history_forget(t);
    feed_reset(feed_history(t));
}

static void on_closed(void *arg, const struct txn_answer *a, usec_t now)
{
    struct table *t = arg;
    struct owner *o = table_owner(t);
    if (!table_answered(t, TABLE_POLL))
        return;
    if (a->end == TXN_DONE)
        closed(t);
    else if (a->end == TXN_FENCED || a->end == TXN_DEAD)
        owner_lost(o, a, now);
    else
        table_try_later(t, &a->err, now);
}

void history_close(struct table *t, struct owner *o, usec_t now)
{
    struct feed *live = feed_live(t);
    struct txn_record *records = xcalloc(2, sizeof(*records));
    struct sweep_plan p;
    struct err e;
    sweep_position(live->sweep, &p);
    struct watermark_state position = {.mark = p.mark,
                                       .hi = p.hi,
                                       .seen_from = p.seen_from,
                                       .seen = p.seen,
                                       .seen_count = p.seen_count};
    records[0] = feed_tombstone(t, feed_history(t)->key);
    t->history.open = false;
    int r = feed_state(live, &position, &records[1], &e);
    t->history.open = true;
    sweep_plan_done(&p);
    if (r != 0) {
        txn_records_free(records, 1);
        table_stop(t, &e);
        return;
    }
    (void)now;
    t->publishing = true;
    txn_publish(o->txn, records, 2, on_closed, t);
}

/* For people -------------------------------------------------------------------------------------
 */

long long history_left(const struct table *t)
{
    const struct history *h = &t->history;
    if (!h->open || h->total < 0 || h->rate <= 0)
        return -1;
    long long rows = h->total - (long long)h->done;
    return rows > 0 ? (rows + h->rate - 1) / h->rate : 0;
}

static void set_gauges(struct table *t)
{
    const struct sweep *live = feed_live(t)->sweep;
    int64_t instance = (clock_wall() + snow_clock_skew(t->w->snow)) / 1000;
    int64_t lag = instance - sweep_complete_to(live);
    metric_set(t->m_lag, lag > 0 ? lag : 0);
    metric_set(t->m_seen, (int64_t)sweep_seen(live));
    metric_set(t->m_last_seen, (int64_t)lastseen_bytes(t->last_seen));
    metric_set(t->m_done, t->history.open ? (int64_t)t->history.done : 0);
    metric_set(t->m_total, t->history.open && t->history.total > 0 ? t->history.total : 0);
}

static void caught_up(struct table *t)
{
    char at[CLOCK_SN_SIZE];
    clock_format_sn(sweep_complete_to(feed_live(t)->sweep) * 1000, at);
    t->said_caught_up = true;
    log_info("table-caught-up", "table=%s rows=%llu\tAll changes up to %s UTC are published",
             t->p->table, t->published, at);
}

/* "of 1000000, 12 min left", as far as it is known. New. */
static char *outlook(const struct table *t)
{
    long long left = history_left(t);
    if (t->history.total < 0)
        return xstrdup("");
    if (left < 0)
        return xasprintf(" of about %lld", t->history.total);
    if (left < 120)
        return xasprintf(" of about %lld, %lld s left", t->history.total, left);
    return xasprintf(" of about %lld, %lld min left", t->history.total, (left + 59) / 60);
}

static void progress(struct table *t, usec_t took)
{
    struct history *h = &t->history;
    const struct sweep *s = h->open ? feed_history(t)->sweep : feed_live(t)->sweep;
    unsigned long long rows = t->published - t->published_then;
    char at[CLOCK_SN_SIZE];
    h->rate = (long long)(rows * (unsigned long long)USEC_S / (unsigned long long)took);
    clock_format_sn(sweep_mark(s).second * 1000, at);
    char *more = outlook(t);
    log_info("table-progress",
             "table=%s rows=%llu rows_per_second=%lld\t%s up to %s UTC: %llu rows%s", t->p->table,
             t->published, h->rate,
             !h->open               ? "Published"
             : h->resync[0] != '\0' ? "Published again"
                                    : "History published",
             at, h->open ? h->done : t->published, more);
    free(more);
}

void history_say(struct table *t, usec_t now)
{
    set_gauges(t);
    if (t->said_caught_up && !t->history.open)
        return;
    if (sweep_caught_up(feed_live(t)->sweep) && !t->history.open) {
        caught_up(t);
        return;
    }
    if (now < t->progress_at)
        return;
    if (t->progress_at != 0)
        progress(t, PROGRESS + now - t->progress_at);
    t->published_then = t->published;
    t->progress_at = now + PROGRESS;
}
