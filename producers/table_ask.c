/* The one question of a table: requests for pages and what their answers mean. A request cannot be
 * called back, so one that belongs to an earlier life of the table (given away, fenced) is let go
 * of: its answer then finds no table. */
#include <stdlib.h>
#include <string.h>

#include "bridge/base/buf.h"
#include "bridge/base/log.h"
#include "bridge/base/xalloc.h"
#include "producers/ask.h"
#include "producers/parts.h"

#define REFUSED_DELAY (60 * USEC_S)
#define QUERY_MAX     ((size_t)64 * 1024)
#define ROOM_PAUSE    (50 * USEC_MS)
#define SAY_EVERY     (60 * USEC_S)

struct ask {
    struct feed *f; /* NULL: nobody waits for it */
    usec_t sent;
    bool clock; /* only the Date header is wanted */
    struct sweep_ask page;
    struct buf query;
    char *fields;
};

static void ask_free(struct ask *a)
{
    buf_done(&a->query);
    free(a->fields);
    free(a);
}

void table_forget_ask(struct table *t)
{
    if (t->ask != NULL)
        t->ask->f = NULL;
    t->ask = NULL;
}

static void fail(struct feed *f, const struct err *why, bool smaller, usec_t delay, usec_t now)
{
    struct table *t = f->t;
    unsigned skipped;
    f->reason = *why;
    if (f->sweep != NULL) {
        sweep_failed(f->sweep, smaller, delay, now);
    } else {
        usec_t by_count = USEC_S << (t->failures < 6 ? t->failures : 6);
        t->due = now + (delay > 0 ? delay : usec_min(by_count, REFUSED_DELAY));
        t->failures++;
    }
    if (log_limit_pass(&f->say, now, SAY_EVERY, &skipped))
        log_warn("table-waits", "table=%s feed=%s code=%s\t%s", t->p->table, f->kind->name,
                 why->code, why->text);
}

/* How a refused list request is answered: a smaller page, and a least delay (0: by the number of
 * failures). What concerns the whole instance is the window's business: it says when again. */
static void failed(struct feed *f, const struct snow_outcome *o, usec_t now)
{
    switch (o->verdict) {
    case SNOW_UNKNOWN: /* a lost answer, a time-out, a cut body */
        fail(f, &o->err, true, 0, now);
        break;
    case SNOW_REJECTED:
        if (strcmp(o->err.code, "too-large") == 0) {
            fail(f, &o->err, true, 0, now);
            break;
        }
        fail(f, &o->err, false, REFUSED_DELAY, now);
        break;
    case SNOW_ABSENT:
    case SNOW_EXISTS:
        fail(f, &o->err, false, REFUSED_DELAY, now);
        break;
    case SNOW_OK:
    case SNOW_THROTTLED:
    case SNOW_UNAVAILABLE:
    case SNOW_UNAUTHORISED:
    case SNOW_CANCELLED:
        fail(f, &o->err, false, o->retry_after, now);
        break;
    }
}

static void no_date(struct feed *f, usec_t now)
{
    struct err e;
    err_set(&e, ERR_RETRY, "no-date",
            "The answers of the instance have no usable Date header, which says up to when a table "
            "was read. Table %s waits; look for a proxy that removes it",
            f->t->p->table);
    fail(f, &e, false, 0, now);
}

static void got_clock(struct feed *f, msec_t date, usec_t now)
{
    struct table *t = f->t;
    struct owner *o = table_owner(t);
    if (date == MSEC_NONE)
        no_date(f, now);
    else if (t->phase == TABLE_CLOCK && o != NULL)
        table_publish_first(t, o, date, now);
}

static void got_page(struct feed *f, const struct ask *a, const struct snow_outcome *o, usec_t now)
{
    struct page page;
    struct err e;
    json_t *rows = o->verdict == SNOW_OK ? json_incref(o->result) : json_array();
    int r = page_read(rows, f->source, &f->kind->form, &a->page.after, a->page.limit, &page, &e);
    json_decref(rows);
    if (r != 0) {
        fail(f, &e, false, 0, now);
        return;
    }
    metric_add(f->t->m_pages, 1);
    err_clear(&f->reason);
    sweep_page(f->sweep, &page, o->total_count, now);
}

/* The Date of one answer tells every feed how late it is. */
static void set_clocks(struct table *t, msec_t date, usec_t sent, usec_t now)
{
    for (size_t i = 0; i < FEEDS; i++)
        if (t->feeds[i].sweep != NULL)
            sweep_clock(t->feeds[i].sweep, date, sent, now);
}

static void on_answer(void *arg, const struct snow_op *ops, const struct snow_outcome *outcomes,
                      size_t n, usec_t now)
{
    struct ask *a = arg;
    struct feed *f = a->f;
    (void)ops;
    (void)n;
    if (f != NULL) {
        f->t->ask = NULL;
        set_clocks(f->t, outcomes[0].date, a->sent, now);
        /* ABSENT: no rows, as older versions of the API say it. */
        if (outcomes[0].verdict != SNOW_OK && outcomes[0].verdict != SNOW_ABSENT)
            failed(f, &outcomes[0], now);
        else if (a->clock)
            got_clock(f, outcomes[0].date, now);
        else
            got_page(f, a, &outcomes[0], now);
    }
    ask_free(a);
}

/* The query and the columns; -1: they cannot be asked for. */
static int write_ask(struct ask *a, const struct feed *f, const struct sweep_ask *page,
                     struct err *e)
{
    const char *time = f->kind->form.time;
    if (page == NULL) {
        a->clock = true;
        a->fields = xstrdup("sys_id");
        return ask_clock(&a->query, f->query, time, e);
    }
    a->page = *page;
    a->fields = f->fields != NULL ? xstrdup(f->fields) : NULL;
    return ask_page(&a->query, f->query, time, page, e);
}

usec_t table_ask(struct feed *f, const struct sweep_ask *page, usec_t now)
{
    struct table *t = f->t;
    struct err e;
    if (t->ask != NULL)
        return USEC_NEVER;
    if (snow_room(t->w->snow, WINDOW_SYNC, true, now) == 0) {
        t->w->waiting = true;
        usec_t next = window_next(snow_window(t->w->snow));
        return next > now ? next : now + ROOM_PAUSE;
    }
    struct ask *a = xcalloc(1, sizeof(*a));
    *a = (struct ask){.f = f, .sent = now};
    buf_init(&a->query, QUERY_MAX);
    int r = write_ask(a, f, page, &e);
    struct snow_op op = {
        .kind = SNOW_LIST,
        .table = f->source,
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
    f->asked = now;
    t->ask = a;
    return USEC_NEVER;
}
