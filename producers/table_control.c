/* Requests of people (control.h), carried out by the process that has the table. One transaction
 * holds the new states and the tombstone of the request: after a crash it is either done or asked
 * for again. A table that is stopped, or has no usable state, begins anew by a request. */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "bridge/base/log.h"
#include "bridge/base/xalloc.h"
#include "producers/parts.h"

/* The list
 * ----------------------------------------------------------------------------------------- */

static struct control *find(const struct table *t, const char *id, size_t length)
{
    struct control *c = t->controls;
    while (c != NULL && (strlen(c->id) != length || memcmp(c->id, id, length) != 0))
        c = c->next;
    return c;
}

static void forget(struct table *t, struct control *c)
{
    if (c != NULL) {
        LL_DELETE(t->controls, c);
        control_free(c);
    }
}

void table_controls_free(struct table *t)
{
    while (t->controls != NULL)
        forget(t, t->controls);
}

/* Whatever has stopped the table: the request decides how it goes on. */
static void wake(struct table *t, usec_t now)
{
    struct owner *o = table_owner(t);
    if (t->phase != TABLE_STOPPED || o == NULL)
        return;
    table_reset(t, TABLE_LOADING);
    table_loaded(t, now);
}

void table_control(struct table *t, const char *id, size_t id_length, const void *bytes,
                   size_t length, usec_t now)
{
    struct err e;
    struct control *c = find(t, id, id_length);
    if (bytes == NULL) {
        if (c != NULL && c->under_way)
            c->gone = true;
        else
            forget(t, c);
        return;
    }
    if (c != NULL)
        return;
    c = control_decode(bytes, length, t->w->config->connection.host, &e);
    if (c == NULL) {
        log_warn("control-refused", "table=%s code=%s\t%s", t->p->table, e.code, e.text);
        return;
    }
    c->id = xasprintf("%.*s", (int)id_length, id);
    LL_APPEND(t->controls, c);
    log_info("control-asked", "table=%s do=%s\tSomebody asked for it at %s", t->p->table,
             control_name(c->what), c->asked);
    wake(t, now);
}

void table_control_own(struct table *t, enum control_what what, int64_t from)
{
    char at[CLOCK_ISO_SIZE];
    struct control *c = xcalloc(1, sizeof(*c));
    clock_format_iso(clock_wall(), at);
    *c = (struct control){.id = xstrdup(""), .what = what, .from = from, .asked = xstrdup(at)};
    LL_PREPEND(t->controls, c);
}

bool table_control_tombstone(struct table *t, struct txn_record *ret_record)
{
    if (t->controls == NULL || t->controls->id[0] == '\0')
        return false;
    char *key = control_key(t->key, t->controls->id);
    *ret_record = feed_tombstone(t, key);
    free(key);
    t->controls->under_way = true;
    return true;
}

void table_control_undone(struct table *t)
{
    struct control *c, *next;
    LL_FOREACH_SAFE(t->controls, c, next)
    {
        c->under_way = false;
        if (c->gone)
            forget(t, c);
    }
}

void table_control_done(struct table *t)
{
    if (t->controls != NULL)
        forget(t, t->controls);
}

/* Carrying out -----------------------------------------------------------------------------------
 */

static void free_target(struct table *t)
{
    free(t->target.seen);
    t->target = (struct watermark_state){0};
    free(t->next_history.resync);
    t->next_history = (struct history){0};
}

/* A history from `from` to the instance's time. Of one that is still read nothing may be skipped.
 */
static void aim_history(struct table *t, int64_t from, int64_t now)
{
    struct feed *history = feed_history(t);
    if (t->history.open) {
        int64_t at = sweep_mark(history->sweep).second;
        from = at < from ? at : from;
    }
    history->first = (struct watermark_state){
        .mark = watermark_at(from < now ? from : now, ""), .hi = now, .seen_from = now};
    t->next_history =
        (struct history){.open = true, .resync = xstrdup(t->controls->asked), .total = -1};
}

/* The live feed goes on at `from`; the versions that it knows stay known. */
static void aim_live(struct table *t, int64_t from, int64_t now)
{
    const struct sweep_options *o = &feed_live(t)->options;
    int64_t floor = now - o->overlap - o->slack;
    t->target.mark = watermark_at(from < now ? from : now, "");
    if (floor > t->target.seen_from || t->target.hi > now)
        t->target.seen_from = floor;
    t->target.hi = now;
    log_warn("table-set",
             "table=%s\tAs somebody asked, changes between its position and this one "
             "are not published",
             t->p->table);
}

static void aim(struct table *t, msec_t date)
{
    const struct control *c = t->controls;
    int64_t now = date / 1000, from = c->from != CONTROL_SCOPE ? c->from : feed_scope(t, date);
    struct sweep_plan p;
    sweep_position(feed_live(t)->sweep, &p);
    t->target = (struct watermark_state){.mark = p.mark,
                                         .hi = p.hi,
                                         .seen_from = p.seen_from,
                                         .seen = p.seen,
                                         .seen_count = p.seen_count};
    free(p.rows); /* there are none; the versions stay */
    bool future = t->target.hi > now + feed_live(t)->options.slack;
    if (c->what == CONTROL_SET && (from > t->target.mark.second || future))
        aim_live(t, from, now);
    else
        aim_history(t, from, now);
}

static void carried_out(struct table *t)
{
    struct feed *live = feed_live(t), *history = feed_history(t);
    log_info("control-done", "table=%s do=%s\tThe table goes on as asked", t->p->table,
             control_name(t->controls->what));
    feed_reset(live);
    feed_reset(history);
    live->sweep = sweep_new(&live->options, &t->target);
    history_forget(t);
    if (t->next_history.open) {
        t->history = t->next_history;
        t->next_history = (struct history){0};
        history->sweep = sweep_new(&history->options, &history->first);
    }
    t->said_caught_up = false;
    table_control_done(t);
}

static void on_done(void *arg, const struct txn_answer *a, usec_t now)
{
    struct table *t = arg;
    struct owner *o = table_owner(t);
    bool counts = table_answered(t, TABLE_POLL);
    if (counts && a->end == TXN_DONE)
        carried_out(t);
    else
        table_control_undone(t);
    free_target(t);
    if (!counts || a->end == TXN_DONE)
        return;
    if (a->end == TXN_FENCED || a->end == TXN_DEAD)
        owner_lost(o, a, now);
    else
        table_try_later(t, &a->err, now);
}

/* Both states as they shall be, and the tombstone; NULL on failure. */
static struct txn_record *records_of(struct table *t, size_t *ret_count, struct err *e)
{
    struct feed *live = feed_live(t), *history = feed_history(t);
    struct txn_record *records = xcalloc(3, sizeof(*records));
    struct history now = t->history;
    size_t n = 0;
    t->history = t->next_history;
    int r = feed_state(live, &t->target, &records[n], e);
    n += r == 0;
    if (r == 0 && t->history.open) {
        r = feed_state(history, &history->first, &records[n], e);
        n += r == 0;
    }
    t->history = now;
    if (r != 0) {
        txn_records_free(records, n);
        return NULL;
    }
    if (now.open && !t->next_history.open)
        records[n++] = feed_tombstone(t, history->key);
    n += table_control_tombstone(t, &records[n]);
    *ret_count = n;
    return records;
}

void table_control_do(struct table *t, struct owner *o, msec_t date, usec_t now)
{
    struct err e;
    size_t n = 0;
    (void)now;
    free_target(t);
    aim(t, date);
    struct txn_record *records = records_of(t, &n, &e);
    if (records == NULL) {
        free_target(t);
        table_stop(t, &e);
        return;
    }
    t->publishing = true;
    txn_publish(o->txn, records, n, on_done, t);
}
