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

#define REFUSED_DELAY    (60 * USEC_S)
#define UNREADABLE_DELAY (3600 * USEC_S)
#define QUERY_MAX        ((size_t)64 * 1024)
#define ROOM_PAUSE       (50 * USEC_MS)
#define SAY_EVERY        (60 * USEC_S)

enum ask_kind {
    ASK_PAGE,
    ASK_CLOCK,    /* only the Date header is wanted */
    ASK_COUNT,    /* of the history */
    ASK_PROBE,    /* of names of columns */
    ASK_EXISTING, /* which of some rows exist? */
};

struct ask {
    struct feed *f; /* NULL: nobody waits for it */
    usec_t sent;
    enum ask_kind kind;
    struct sweep_ask page;
    table_existing_fn existing; /* ASK_EXISTING */
    bool ahead;                 /* the page before it is being published */
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
    if (f->sweep != NULL && t->phase == TABLE_POLL) {
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

/* A source that the table can do without: it is looked at again in an hour. */
static void unreadable(struct feed *f, const char *why, usec_t now)
{
    if (!f->said_unreadable)
        log_warn("feed-unreadable", "table=%s feed=%s source=%s\t%s cannot be read (%s), so %s",
                 f->t->p->table, f->kind->name, f->source, f->source, why, f->kind->unreadable);
    f->said_unreadable = true;
    err_clear(&f->reason);
    sweep_failed(f->sweep, false, UNREADABLE_DELAY, now);
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
        if (f->kind->unreadable != NULL && f->sweep != NULL)
            unreadable(f, o->err.text, now);
        else
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
    else if (t->phase == TABLE_POLL && o != NULL && t->controls != NULL)
        table_control_do(t, o, date, now);
}

/* Without the count there is no time left to tell; everything else goes on. */
static void got_count(struct feed *f, const struct snow_outcome *o)
{
    struct history *h = &f->t->history;
    h->counted = true;
    if (o->verdict == SNOW_OK && o->total_count >= 0)
        h->total = (long long)h->done + o->total_count;
    else
        log_debug("history-not-counted", "table=%s\t%s", f->t->p->table, o->err.text);
}

static void got_probe(struct feed *f, const struct snow_outcome *o)
{
    struct table *t = f->t;
    t->failures = 0;
    err_clear(&f->reason);
    if (t->inquiry != NULL)
        inquiry_answer(t, o);
}

/* Whether the answer speaks of this question and not of the instance as a whole. */
static bool is_answer(const struct ask *a, const struct snow_outcome *o)
{
    if (o->verdict == SNOW_OK || o->verdict == SNOW_ABSENT)
        return true; /* ABSENT: no rows, as older versions of the API say it */
    return a->kind == ASK_COUNT && (o->verdict == SNOW_REJECTED || o->verdict == SNOW_UNKNOWN);
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
    if (f->kind->unreadable != NULL && page.count == 0 && o->total_count > 0) {
        page_done(&page);
        unreadable(f, "it hides all of its rows from the user", now);
        return;
    }
    f->said_unreadable = f->said_unreadable && page.count == 0;
    if (a->ahead)
        sweep_page_ahead(f->sweep, &page, o->total_count, now);
    else
        sweep_page(f->sweep, &page, o->total_count, now);
}

static void got_existing(struct feed *f, const struct ask *a, const struct snow_outcome *o,
                         usec_t now)
{
    bool ok = o->verdict == SNOW_OK || o->verdict == SNOW_ABSENT;
    a->existing(f, ok ? NULL : &o->err, o->result, o->total_count, now);
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
        if (a->kind == ASK_EXISTING)
            got_existing(f, a, &outcomes[0], now);
        else if (!is_answer(a, &outcomes[0]))
            failed(f, &outcomes[0], now);
        else if (a->kind == ASK_CLOCK)
            got_clock(f, outcomes[0].date, now);
        else if (a->kind == ASK_COUNT)
            got_count(f, &outcomes[0]);
        else if (a->kind == ASK_PROBE)
            got_probe(f, &outcomes[0]);
        else
            got_page(f, a, &outcomes[0], now);
    }
    ask_free(a);
}

/* No room for a request: returns when to look again; else 0. */
static usec_t no_room(struct table *t, usec_t now)
{
    if (snow_room(t->w->snow, WINDOW_SYNC, true, now) > 0)
        return 0;
    t->w->waiting = true;
    usec_t next = window_next(snow_window(t->w->snow));
    return next > now ? next : now + ROOM_PAUSE;
}

static struct ask *ask_new(struct feed *f, enum ask_kind kind, usec_t now)
{
    struct ask *a = xcalloc(1, sizeof(*a));
    *a = (struct ask){.f = f, .sent = now, .kind = kind};
    buf_init(&a->query, QUERY_MAX);
    return a;
}

/* Takes `a`. r: what writing the query has returned, with *e. */
static void ask_send(struct ask *a, struct snow_op *op, int r, struct err *e, usec_t now)
{
    struct feed *f = a->f;
    op->table = a->kind == ASK_EXISTING ? f->t->p->table : f->source;
    op->query = buf_text(&a->query);
    op->fields = a->fields;
    if (r != 0 || snow_submit(f->t->w->snow, WINDOW_SYNC, op, 1, on_answer, a, now, e) != 0) {
        ask_free(a);
        table_stop(f->t, e);
        return;
    }
    f->asked = now;
    f->t->ask = a;
}

static char *version_fields(const struct feed *f)
{
    const struct page_form *form = &f->kind->form;
    return xasprintf("sys_id,%s%s%s", form->time, form->count != NULL ? "," : "",
                     form->count != NULL ? form->count : "");
}

usec_t table_ask(struct feed *f, const struct sweep_ask *page, usec_t now)
{
    const char *time = f->kind->form.time;
    struct err e;
    usec_t later = no_room(f->t, now);
    if (later > 0 || f->t->ask != NULL)
        return later > 0 ? later : USEC_NEVER;
    struct ask *a = ask_new(f, page == NULL ? ASK_CLOCK : ASK_PAGE, now);
    if (page == NULL) {
        struct snow_op op = {.kind = SNOW_LIST, .limit = 1};
        a->fields = xstrdup("sys_id");
        ask_send(a, &op, ask_clock(&a->query, f->query, time, &e), &e, now);
        return USEC_NEVER;
    }
    struct snow_op op = {.kind = SNOW_LIST,
                         .limit = page->limit,
                         .count = page->count || f->kind->unreadable != NULL,
                         .display = page->versions ? NULL : f->display,
                         .links = f->links && !page->versions};
    int r = page->sys_ids != NULL
                ? ask_rows(&a->query, f->query, time, page->sys_ids, page->sys_ids_count, &e)
                : ask_page(&a->query, f->query, time, page, &e);
    a->ahead = sweep_holds_rows(f->sweep);
    a->page = *page;
    a->page.sys_ids = NULL; /* the sweep's own */
    a->fields = page->versions ? version_fields(f) : f->fields != NULL ? xstrdup(f->fields) : NULL;
    ask_send(a, &op, r, &e, now);
    return USEC_NEVER;
}

usec_t table_ask_existing(struct feed *f, struct buf *query, long long rows, table_existing_fn fn,
                          usec_t now)
{
    struct err e;
    usec_t later = no_room(f->t, now);
    if (later > 0 || f->t->ask != NULL)
        return later > 0 ? later : USEC_NEVER;
    struct ask *a = ask_new(f, ASK_EXISTING, now);
    struct snow_op op = {.kind = SNOW_LIST, .limit = rows, .count = true};
    a->query = *query;
    buf_init(query, 0);
    a->existing = fn;
    a->fields = xstrdup("sys_id");
    ask_send(a, &op, 0, &e, now);
    return USEC_NEVER;
}

usec_t table_ask_count(struct feed *f, usec_t now)
{
    struct watermark after = sweep_mark(f->sweep);
    struct err e;
    usec_t later = no_room(f->t, now);
    if (later > 0)
        return later;
    struct ask *a = ask_new(f, ASK_COUNT, now);
    struct snow_op op = {.kind = SNOW_COUNT};
    int r = ask_span(&a->query, f->query, f->kind->form.time, &after, sweep_hi(f->sweep), &e);
    ask_send(a, &op, r, &e, now);
    return USEC_NEVER;
}

usec_t table_ask_probe(struct table *t, const char *query, const char *fields, usec_t now)
{
    struct feed *f = feed_live(t);
    struct err e;
    usec_t later = no_room(t, now);
    if (later > 0)
        return later;
    struct ask *a = ask_new(f, ASK_PROBE, now);
    struct snow_op op = {.kind = SNOW_LIST, .limit = 1, .count = true};
    a->fields = fields != NULL ? xstrdup(fields) : NULL;
    int r = buf_add_text(&a->query, query);
    ask_send(a, &op, r, &e, now);
    return USEC_NEVER;
}
