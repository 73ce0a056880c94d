/* Rows that do not exist any more. An entry of sys_audit_delete can be older than the row itself:
 * the bridge makes a record again under the same sys_id when its alert comes back. So the rows of
 * such entries are looked for right before their tombstones are published, and what is there makes
 * none; the rows themselves are published by their own feed. Where no entries can be read, the rows
 * that are remembered are looked for now and then. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bridge/base/log.h"
#include "bridge/base/xalloc.h"
#include "producers/column.h"
#include "producers/deletes.h"
#include "producers/parts.h"

#define ROWS_MOST 200 /* in a question: about 7 KB of URL */
#define QUERY_MAX ((size_t)16 * 1024)

static bool holds(const json_t *rows, const char *sys_id)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const char *has = column_value(json_array_get(rows, i), "sys_id");
        if (has != NULL && strcasecmp(has, sys_id) == 0)
            return true;
    }
    return false;
}

/* Entries ----------------------------------------------------------------------------------------
 */

static void on_looked(struct feed *f, const struct err *why, const json_t *rows, long long total,
                      usec_t now)
{
    struct table *t = f->t;
    struct owner *o = table_owner(t);
    (void)total;
    if (why != NULL || o == NULL) {
        if (why != NULL)
            table_try_later(t, why, now);
        return;
    }
    t->plan_skip = xcalloc(t->plan.count + 1, sizeof(*t->plan_skip));
    for (size_t i = 0; i < t->plan.count; i++) {
        const char *sys_id = deletes_sys_id(t->plan.rows[i]);
        t->plan_skip[i] = sys_id != NULL && holds(rows, sys_id);
    }
    table_publish_plan(f, o, now);
}

usec_t table_publish_deletes(struct feed *f, struct owner *o, usec_t now)
{
    struct table *t = f->t;
    struct buf query;
    long long n = 0;
    if (!table_plan(f, ROWS_MOST, now))
        return now;
    buf_init(&query, QUERY_MAX);
    (void)buf_add_text(&query, "sys_idIN");
    for (size_t i = 0; i < t->plan.count; i++) {
        const char *sys_id = deletes_sys_id(t->plan.rows[i]);
        if (sys_id != NULL)
            (void)buf_addf(&query, "%s%s", n++ > 0 ? "," : "", sys_id);
    }
    usec_t next = USEC_NEVER;
    if (n > 0)
        next = table_ask_existing(f, &query, n, on_looked, now);
    else
        table_publish_plan(f, o, now); /* moves the position on */
    buf_done(&query);
    return next;
}

/* The periodic look ------------------------------------------------------------------------------
 */

void table_forget_gone(struct table *t)
{
    free((void *)t->gone_rows);
    t->gone_rows = NULL;
    t->gone_count = 0;
    t->gone = vanished_free(t->gone);
}

static void on_tombstones(void *arg, const struct txn_answer *a, usec_t now)
{
    struct table *t = arg;
    struct owner *o = table_owner(t);
    if (!table_answered(t, TABLE_POLL))
        return;
    if (a->end == TXN_DONE) {
        for (size_t i = 0; i < t->gone_count; i++)
            lastseen_forget(t->last_seen, t->gone_rows[i]);
        free((void *)t->gone_rows);
        t->gone_rows = NULL;
        return;
    }
    table_forget_gone(t); /* the next look finds them again */
    if (a->end == TXN_FENCED || a->end == TXN_DEAD)
        owner_lost(o, a, now);
    else
        table_try_later(t, &a->err, now);
}

static void publish_gone(struct table *t, struct owner *o)
{
    const struct records maker = feed_records(feed_live(t));
    struct txn_record *records = xcalloc(t->gone_count * RECORDS_MAX, sizeof(*records));
    size_t n = 0, of_row = 0;
    for (size_t i = 0; i < t->gone_count; i++, n += of_row)
        records_of_gone(&maker, t->gone_rows[i], &records[n], &of_row);
    log_info("rows-gone", "table=%s rows=%zu\tRows that exist no more become tombstones",
             t->p->table, t->gone_count);
    t->publishing = true;
    txn_publish(o->txn, records, n, on_tombstones, t);
}

static void on_looked_around(struct feed *f, const struct err *why, const json_t *rows,
                             long long total, usec_t now)
{
    struct table *t = f->t;
    struct owner *o = table_owner(t);
    if (why != NULL || o == NULL) {
        table_forget_gone(t);
        if (why != NULL)
            table_try_later(t, why, now);
        return;
    }
    t->gone_rows = vanished_answer(t->gone, rows, total, &t->gone_count);
    if (t->gone_count > 0) {
        publish_gone(t, o);
        return;
    }
    free((void *)t->gone_rows);
    t->gone_rows = NULL;
}

/* May a look begin? */
static bool is_due(struct table *t, usec_t now)
{
    const struct feed *deletes = &t->feeds[FEED_DELETES];
    if (t->p->delete_sweep == 0 || (deletes->t != NULL && !deletes->said_unreadable))
        return false;
    if (t->gone_due == 0)
        t->gone_due = now + t->p->delete_sweep;
    return now >= t->gone_due;
}

usec_t table_look_for_gone(struct table *t, usec_t now)
{
    struct buf query;
    long long rows = 0;
    if (t->gone == NULL) {
        size_t count = 0;
        if (!is_due(t, now))
            return t->gone_due != 0 ? t->gone_due : USEC_NEVER;
        char **sys_ids = lastseen_sys_ids(t->last_seen, &count);
        t->gone = vanished_new(sys_ids, count, ROWS_MOST);
        t->gone_due = now + t->p->delete_sweep;
    }
    if (now < t->due)
        return t->due;
    buf_init(&query, QUERY_MAX);
    usec_t next = t->gone_due;
    if (vanished_next(t->gone, &query, &rows))
        next = table_ask_existing(feed_live(t), &query, rows, on_looked_around, now);
    else
        t->gone = vanished_free(t->gone);
    buf_done(&query);
    return next;
}
