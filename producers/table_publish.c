/* Publishing: a plan of the sweep becomes records, the new state becomes one more, and all of them
 * one transaction. What comes back moves the sweep on, or nothing at all. */
#include <stdlib.h>
#include <string.h>

#include "bridge/base/log.h"
#include "bridge/base/xalloc.h"
#include "producers/less.h"
#include "producers/parts.h"

#define DELAY_MAX (60 * USEC_S)
#define SAY_EVERY (60 * USEC_S)

/* How often the row was found too large. */
static unsigned is_large(const struct table *t, uint64_t digest)
{
    unsigned n = 0;
    for (size_t i = 0; i < t->large_count; i++)
        n += t->large[i] == digest;
    return n;
}

/* Records of the plan's rows and the state behind them; new, NULL on failure. The table keeps
 * whose they are. */
static struct txn_record *records_of_plan(struct feed *f, size_t *ret_count, struct err *e)
{
    struct table *t = f->t;
    const struct sweep_plan *p = &t->plan;
    const struct records maker = feed_records(f);
    size_t n = 0, room = p->count * RECORDS_MAX + 1, of_row = 0;
    struct txn_record *records = xcalloc(room, sizeof(*records));
    struct watermark_state position = {.mark = p->mark,
                                       .hi = p->hi,
                                       .seen_from = p->seen_from,
                                       .seen = p->seen,
                                       .seen_count = p->seen_count};
    free(t->record_rows);
    t->record_rows = xcalloc(room, sizeof(*t->record_rows));
    for (size_t i = 0; i < p->count; i++, n += of_row) {
        unsigned large = is_large(t, p->rows[i]->digest);
        of_row = 0;
        if (t->plan_skip != NULL && t->plan_skip[i])
            continue;
        if (records_of_row(&maker, f->kind->stream, p->rows[i], large, &records[n], &of_row, e) !=
            0)
            goto fail;
        for (size_t k = 0; k < of_row; k++)
            t->record_rows[n + k] = i;
    }
    t->record_rows[n] = p->count;
    if (feed_state(f, &position, &records[n], e) != 0)
        goto fail;
    *ret_count = n + 1;
    return records;
fail:
    txn_records_free(records, n);
    return NULL;
}

/* Answers -------------------------------------------------------------------------------------- */

void table_try_later(struct table *t, const struct err *why, usec_t now)
{
    unsigned skipped;
    usec_t delay = USEC_S << (t->failures < 6 ? t->failures : 6);
    t->failures++;
    t->due = now + usec_min(delay, DELAY_MAX);
    t->reason = *why;
    if (log_limit_pass(&t->say, now, SAY_EVERY, &skipped))
        log_warn("table-waits", "table=%s code=%s\t%s", t->p->table, why->code, why->text);
}

/* The rest of the page may hold other rows that are known to be too large. */
static void forget_large(struct table *t)
{
    size_t kept = 0;
    for (size_t i = 0; i < t->large_count; i++) {
        bool out = false;
        for (size_t j = 0; j < t->plan.count; j++)
            out = out || t->plan.rows[j]->digest == t->large[i];
        if (!out)
            t->large[kept++] = t->large[i];
    }
    t->large_count = kept;
}

/* Returns how many rows were published, not left out. */
static size_t remember(const struct table *t)
{
    const struct records maker = feed_records(t->from);
    size_t n = 0;
    for (size_t i = 0; i < t->plan.count; i++)
        if (t->plan_skip == NULL || !t->plan_skip[i])
            n += records_published(&maker, t->from->kind->stream, t->plan.rows[i]);
    return n;
}

static void committed(struct table *t, usec_t now)
{
    size_t published = remember(t);
    forget_large(t);
    t->published += published;
    if (t->from == feed_history(t))
        t->history.done += t->plan.count;
    metric_add(t->m_rows, published);
    if (t->plan_skip == NULL)
        metric_add(t->m_left_out, t->plan.count - published);
    metric_add(t->m_transactions, 1);
    sweep_committed(t->from->sweep, &t->plan, now);
    t->chunk = t->chunk > SIZE_MAX / 2 ? SIZE_MAX : t->chunk * 2;
    t->failures = 0;
    err_clear(&t->reason);
}

static void mark_large(struct table *t, const struct page_row *row)
{
    t->large = xrealloc(t->large, t->large_count + 1, sizeof(*t->large));
    t->large[t->large_count++] = row->digest;
    if (is_large(t, row->digest) > 1)
        return;
    log_warn("workitem-too-large",
             "table=%s sys_id=%s\tThe record is larger than topic %s takes; a record without its "
             "largest fields, which names them, is published in its place. Raise max.message.bytes "
             "of the topic and "
             "message.max.bytes in kafka.properties, or name the fields to read",
             t->p->table, row->sys_id, t->p->topic);
}

/* A batch of small records can be too large as well, so the page is first divided; only a record
 * that is alone in its transaction, or that the client itself refused, is to blame. */
static void too_large(struct table *t, const struct txn_answer *a)
{
    const struct sweep_plan *p = &t->plan;
    bool known = a->too_large != SIZE_MAX;
    size_t guilty = known ? t->record_rows[a->too_large] : p->count == 1 ? 0 : SIZE_MAX;
    if (known && guilty == p->count) { /* the state record */
        table_stop(t, &a->err);
        return;
    }
    if (guilty == SIZE_MAX && p->count > 1)
        t->chunk = p->count / 2;
    else if (guilty != SIZE_MAX && is_large(t, p->rows[guilty]->digest) <= LESS_TIMES)
        mark_large(t, p->rows[guilty]);
    else
        table_stop(t, &a->err); /* not even the marker fits */
}

bool table_answered(struct table *t, enum table_phase phase)
{
    bool counts = !t->void_answer && table_owner(t) != NULL && t->phase == phase;
    t->publishing = t->void_answer = false;
    return counts;
}

static void on_published(void *arg, const struct txn_answer *a, usec_t now)
{
    struct table *t = arg;
    struct owner *o = table_owner(t);
    if (!table_answered(t, TABLE_POLL))
        return;
    switch (a->end) {
    case TXN_DONE:
        committed(t, now);
        break;
    case TXN_TOO_LARGE:
        too_large(t, a);
        break;
    case TXN_AGAIN:
    case TXN_UNSUPPORTED:
        table_try_later(t, &a->err, now);
        break;
    case TXN_FENCED:
    case TXN_DEAD:
        owner_lost(o, a, now);
        break;
    }
    sweep_plan_done(&t->plan);
}

bool table_plan(struct feed *f, size_t most, usec_t now)
{
    struct table *t = f->t;
    sweep_plan_done(&t->plan);
    free(t->plan_skip);
    t->plan_skip = NULL;
    if (sweep_plan(f->sweep, most < t->chunk ? most : t->chunk, now, &t->plan))
        return true;
    log_debug("table-held",
              "table=%s feed=%s versions=%zu\tThe overlap holds as many versions as a state "
              "record carries; the table waits for some to grow old",
              t->p->table, f->kind->name, sweep_seen(f->sweep));
    return false;
}

void table_publish_plan(struct feed *f, struct owner *o, usec_t now)
{
    struct table *t = f->t;
    size_t count = 0;
    struct err e;
    (void)now;
    struct txn_record *records = records_of_plan(f, &count, &e);
    if (records == NULL) {
        table_stop(t, &e);
        return;
    }
    t->from = f;
    t->publishing = true;
    txn_publish(o->txn, records, count, on_published, t);
}

/* The first states ----------------------------------------------------------------------------- */

static void first_done(struct table *t, usec_t now)
{
    if (feed_live(t)->starts)
        table_control_done(t);
    for (size_t i = 0; i < FEEDS; i++) {
        struct feed *f = &t->feeds[i];
        if (f->starts)
            f->sweep = sweep_new(&f->options, &f->first);
        f->starts = false;
    }
    table_polling(t, now);
}

static void on_first(void *arg, const struct txn_answer *a, usec_t now)
{
    struct table *t = arg;
    struct owner *o = table_owner(t);
    bool counts = table_answered(t, TABLE_FIRST);
    if (!counts || a->end != TXN_DONE)
        table_control_undone(t);
    if (!counts)
        return;
    if (a->end == TXN_DONE) {
        first_done(t, now);
    } else if (a->end == TXN_FENCED || a->end == TXN_DEAD) {
        owner_lost(o, a, now);
    } else {
        t->phase = TABLE_CLOCK;
        table_try_later(t, &a->err, now);
    }
}

void table_publish_first(struct table *t, struct owner *o, msec_t date, usec_t now)
{
    struct txn_record *records = xcalloc(FEEDS + 2, sizeof(*records));
    size_t n = 0;
    struct err e;
    (void)now;
    feed_first(t, date);
    for (size_t i = 0; i < FEEDS; i++) {
        struct feed *f = &t->feeds[i];
        if (!f->starts)
            continue;
        if (feed_state(f, &f->first, &records[n], &e) != 0) {
            txn_records_free(records, n);
            table_stop(t, &e);
            return;
        }
        n++;
    }
    if (feed_live(t)->starts && !feed_history(t)->starts && feed_history(t)->raw != NULL)
        records[n++] = feed_tombstone(t, feed_history(t)->key);
    n += feed_live(t)->starts && table_control_tombstone(t, &records[n]);
    t->phase = TABLE_FIRST;
    t->publishing = true;
    txn_publish(o->txn, records, n, on_first, t);
}
