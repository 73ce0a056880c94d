/* Publishing: a plan of the sweep becomes records, the new state becomes one more, and all of them
 * one transaction. What comes back moves the sweep on, or nothing at all. */
#include <stdlib.h>
#include <string.h>

#include "bridge/base/log.h"
#include "bridge/base/xalloc.h"
#include "producers/parts.h"

#define WRITTEN_BY "itsm-bridge/" ITSM_VERSION
#define DELAY_MAX  (60 * USEC_S)
#define SAY_EVERY  (60 * USEC_S)

static struct workitem_origin origin_of(const struct table *t)
{
    return (struct workitem_origin){.host = t->w->config->connection.host,
                                    .connection = t->w->config->connection.name,
                                    .table = t->p->table};
}

/* The state record goes to its partition by number: the hash of a changed partition count must not
 * move it. */
static int state_record(const struct table *t, const struct watermark_state *position,
                        struct txn_record *r, struct err *e)
{
    struct watermark_state s = *position;
    s.owner = t->w->config->connection.host;
    s.connection = t->w->config->connection.name;
    s.table = t->p->table;
    s.fingerprint = t->fingerprint;
    s.written_by = WRITTEN_BY;
    *r = (struct txn_record){.topic = t->w->config->topics.state, .partition = t->partition};
    r->item.value = watermark_encode(&s, &r->item.value_length, e);
    if (r->item.value == NULL)
        return -1;
    r->item.key = xstrdup(t->key);
    return 0;
}

static bool is_large(const struct table *t, uint64_t digest)
{
    for (size_t i = 0; i < t->large_count; i++)
        if (t->large[i] == digest)
            return true;
    return false;
}

static int row_record(const struct table *t, const struct page_row *row, struct txn_record *r,
                      struct err *e)
{
    struct workitem_origin origin = origin_of(t);
    struct workitem whole = {0};
    r->topic = t->p->topic;
    r->partition = -1;
    if (workitem_encode(&origin, row, &whole, e) != 0)
        return -1;
    if (!is_large(t, row->digest)) {
        r->item = whole;
        return 0;
    }
    int rc = workitem_encode_marker(&origin, row, whole.value_length, &r->item, e);
    workitem_done(&whole);
    return rc;
}

/* Rows of the plan and the state behind them; new, NULL on failure. */
static struct txn_record *records_of(const struct table *t, const struct sweep_plan *p,
                                     struct err *e)
{
    struct txn_record *records = xcalloc(p->count + 1, sizeof(*records));
    struct watermark_state position = {.mark = p->mark,
                                       .hi = p->hi,
                                       .seen_from = p->seen_from,
                                       .seen = p->seen,
                                       .seen_count = p->seen_count};
    for (size_t i = 0; i < p->count; i++)
        if (row_record(t, p->rows[i], &records[i], e) != 0)
            goto fail;
    if (state_record(t, &position, &records[p->count], e) == 0)
        return records;
fail:
    txn_records_free(records, p->count + 1);
    return NULL;
}

/* Answers -------------------------------------------------------------------------------------- */

static void try_later(struct table *t, const struct err *why, usec_t now)
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

static void committed(struct table *t, usec_t now)
{
    forget_large(t);
    t->published += t->plan.count;
    metric_add(t->m_rows, t->plan.count);
    metric_add(t->m_transactions, 1);
    sweep_committed(t->sweep, &t->plan, now);
    t->chunk = t->chunk > SIZE_MAX / 2 ? SIZE_MAX : t->chunk * 2;
    t->failures = 0;
    err_clear(&t->reason);
}

static void mark_large(struct table *t, const struct page_row *row)
{
    t->large = xrealloc(t->large, t->large_count + 1, sizeof(*t->large));
    t->large[t->large_count++] = row->digest;
    log_warn("workitem-too-large",
             "table=%s sys_id=%s\tThe record is larger than topic %s takes; a record without its "
             "fields is published in its place. Raise max.message.bytes of the topic and "
             "message.max.bytes in kafka.properties, or name the fields to read",
             t->p->table, row->sys_id, t->p->topic);
}

/* A batch of small records can be too large as well, so the page is first divided; only a record
 * that is alone in its transaction, or that the client itself refused, is to blame. */
static void too_large(struct table *t, const struct txn_answer *a)
{
    const struct sweep_plan *p = &t->plan;
    if (a->too_large == p->count) { /* the state record */
        table_stop(t, &a->err);
        return;
    }
    size_t guilty = a->too_large < p->count ? a->too_large : p->count == 1 ? 0 : SIZE_MAX;
    if (guilty == SIZE_MAX && p->count > 1)
        t->chunk = p->count / 2;
    else if (guilty != SIZE_MAX && !is_large(t, p->rows[guilty]->digest))
        mark_large(t, p->rows[guilty]);
    else
        table_stop(t, &a->err); /* not even the marker fits */
}

static void on_published(void *arg, const struct txn_answer *a, usec_t now)
{
    struct table *t = arg;
    struct owner *o = table_owner(t);
    t->publishing = false;
    if (t->void_answer || o == NULL || t->phase != TABLE_POLL) {
        t->void_answer = false;
        return;
    }
    switch (a->end) {
    case TXN_DONE:
        committed(t, now);
        break;
    case TXN_TOO_LARGE:
        too_large(t, a);
        break;
    case TXN_AGAIN:
    case TXN_UNSUPPORTED:
        try_later(t, &a->err, now);
        break;
    case TXN_FENCED:
    case TXN_DEAD:
        owner_lost(o, a, now);
        break;
    }
    sweep_plan_done(&t->plan);
}

void table_publish_page(struct table *t, struct owner *o, usec_t now)
{
    struct err e;
    if (!sweep_plan(t->sweep, t->chunk, now, &t->plan)) {
        log_debug("table-held",
                  "table=%s versions=%zu\tThe overlap holds as many versions as a "
                  "state record carries; the table waits for some to grow old",
                  t->p->table, sweep_seen(t->sweep));
        return;
    }
    struct txn_record *records = records_of(t, &t->plan, &e);
    if (records == NULL) {
        table_stop(t, &e);
        return;
    }
    t->publishing = true;
    txn_publish(o->txn, records, t->plan.count + 1, on_published, t);
}

/* The first watermark -------------------------------------------------------------------------- */

static void on_first(void *arg, const struct txn_answer *a, usec_t now)
{
    struct table *t = arg;
    struct owner *o = table_owner(t);
    t->publishing = false;
    if (t->void_answer || o == NULL || t->phase != TABLE_FIRST) {
        t->void_answer = false;
        return;
    }
    if (a->end == TXN_DONE) {
        table_polling(t, &t->first, now);
    } else if (a->end == TXN_FENCED || a->end == TXN_DEAD) {
        owner_lost(o, a, now);
    } else {
        t->phase = TABLE_CLOCK;
        try_later(t, &a->err, now);
    }
}

void table_publish_first(struct table *t, struct owner *o, msec_t date, usec_t now)
{
    struct err e;
    struct txn_record *r = xcalloc(1, sizeof(*r));
    (void)now;
    t->first = (struct watermark_state){0};
    sweep_first(&t->options, date, t->w->config->connection.sync_scope_days, &t->first);
    if (state_record(t, &t->first, r, &e) != 0) {
        txn_records_free(r, 1);
        table_stop(t, &e);
        return;
    }
    t->phase = TABLE_FIRST;
    t->publishing = true;
    txn_publish(o->txn, r, 1, on_first, t);
}

void table_polling(struct table *t, const struct watermark_state *from, usec_t now)
{
    char at[CLOCK_SN_SIZE];
    clock_format_sn(from->mark.second * 1000, at);
    t->sweep = sweep_new(&t->options, from);
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
