/* The poll state machine of one table. The rules are those of the checked model (rows once, in
 * order, newest at the end):
 *  - `mark` and `hi` change together with what is committed, never before;
 *  - while a sweep re-reads what lies before `mark`, a crash must start it over from the same
 *    place, so `hi` moves to the new upper end only once the cursor has reached `mark`;
 *  - a version is forgotten only when no later sweep can read its second again.
 * It does no I/O, looks at no clock and writes no log. */
#include "producers/sweep.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"

#define GROW_AFTER 5 /* full pages without a failure until the limit doubles */
#define DELAY_MAX  (60 * USEC_S)
#define HELD_DELAY (5 * USEC_S)

struct sweep {
    struct sweep_options o;
    struct seen *seen;
    struct watermark mark;
    int64_t hi, seen_from;
    int64_t clock;   /* of the last answer; WATERMARK_SECOND_NONE before the first */
    usec_t clock_at; /* when that answer came */
    int64_t back;    /* seconds that the clock went back since this sweep began */

    bool sweeping;
    int64_t end; /* upper end of this sweep */
    struct watermark cursor;
    bool verify;    /* an empty page has to be told from one whose rows are hidden */
    int64_t window; /* seconds that a page may span while all of it is hidden; 0 = no bound */

    struct page page; /* rows not yet published; array NULL: none */
    bool *fresh;      /* per row: not seen before */
    size_t done;      /* rows that are published or were seen */
    bool full;        /* more rows wait behind the page */

    long long limit;
    unsigned good, failures;
    usec_t due, last_change;
    usec_t paced; /* the rows read so far are used up at this time, by the rate */
    bool caught_up;
    struct err stop;
};

struct sweep *sweep_new(const struct sweep_options *o, const struct watermark_state *from)
{
    struct sweep *s = xcalloc(1, sizeof(*s));
    s->o = *o;
    s->seen = seen_new();
    for (size_t i = 0; i < from->seen_count; i++)
        seen_add(s->seen, from->seen[i]);
    s->mark = from->mark;
    s->hi = from->hi;
    s->seen_from = from->seen_from;
    s->clock = WATERMARK_SECOND_NONE;
    s->limit = o->page_size;
    return s;
}

static void drop_page(struct sweep *s)
{
    page_done(&s->page);
    free(s->fresh);
    s->fresh = NULL;
    s->done = 0;
}

struct sweep *sweep_free(struct sweep *s)
{
    if (s == NULL)
        return NULL;
    drop_page(s);
    seen_free(s->seen);
    free(s);
    return NULL;
}

bool sweep_first(const struct sweep_options *o, msec_t date, int64_t from,
                 struct watermark_state *ret_live, struct watermark_state *ret_history)
{
    int64_t now = date / 1000, bound = now - o->overlap - o->slack;
    bool history = from < bound;
    ret_live->mark = watermark_at(history ? bound : from, "");
    ret_live->hi = now;
    ret_live->seen_from = bound;
    if (!history)
        return false;
    ret_history->mark = watermark_at(from, "");
    ret_history->hi = ret_history->seen_from = bound - 1;
    return true;
}

/* Steps of a sweep ----------------------------------------------------------------------------- */

static void stop_clock(struct sweep *s, int64_t start)
{
    char was[CLOCK_SN_SIZE], is[CLOCK_SN_SIZE];
    clock_format_sn(s->hi * 1000, was);
    clock_format_sn(s->end * 1000, is);
    err_set(&s->stop, ERR_FATAL, "clock-step",
            "The clock of the instance went back from %s to %s UTC, %lld s further than the "
            "versions kept for the overlap reach. The table is stopped, because going on would "
            "publish changes twice or lose some; set the clocks of the instance right, then start "
            "the bridge again; or begin anew (README, A stopped table)",
            was, is, (long long)(s->seen_from - start));
}

static void begin(struct sweep *s)
{
    if (s->o.bounded) {
        s->end = s->hi;
        s->cursor = s->mark;
        s->sweeping = true;
        return;
    }
    if (s->limit > s->o.page_size) /* was widened for hidden rows, and there were only such */
        s->limit = s->o.page_size;
    s->end = s->clock;
    s->back = 0;
    int64_t least = s->hi < s->end ? s->hi : s->end;
    struct watermark start = watermark_at(least - s->o.overlap, "");
    if (watermark_compare(&start, &s->mark) >= 0)
        start = s->mark;
    else if (start.second < s->seen_from) {
        stop_clock(s, start.second);
        return;
    }
    s->cursor = start;
    s->window = 0;
    s->verify = false;
    s->sweeping = true;
}

/* First second of which rows may lie behind the cursor. */
static int64_t cursor_second(const struct sweep *s)
{
    bool behind = strcmp(s->cursor.sys_id, WATERMARK_BEHIND_ALL) == 0;
    return s->cursor.second + (behind ? 1 : 0);
}

static int64_t until(const struct sweep *s)
{
    int64_t narrow = s->window > 0 ? cursor_second(s) + s->window - 1 : WATERMARK_SECOND_NONE;
    if (!s->o.bounded || (s->window > 0 && narrow < s->end))
        return narrow;
    return s->end;
}

/* A count costs the instance little once few rows are left, and much during a first pull. */
static bool counts(const struct sweep *s)
{
    return s->caught_up || s->verify || s->window > 0;
}

enum sweep_want sweep_next(struct sweep *s, usec_t now, struct sweep_ask *ret_ask, usec_t *ret_due)
{
    if (s->stop.class != ERR_NONE)
        return SWEEP_STOPPED;
    if (s->page.array != NULL)
        return SWEEP_PUBLISH;
    if (s->o.bounded && s->caught_up)
        return SWEEP_DONE;
    if (now < s->due) {
        *ret_due = s->due;
        return SWEEP_SLEEP;
    }
    if (!s->sweeping) {
        if (s->clock == WATERMARK_SECOND_NONE && !s->o.bounded)
            return SWEEP_CLOCK;
        begin(s);
        if (s->stop.class != ERR_NONE)
            return SWEEP_STOPPED;
    }
    ret_ask->after = s->cursor;
    ret_ask->until = until(s);
    ret_ask->limit = s->limit;
    ret_ask->count = counts(s);
    return SWEEP_PAGE;
}

void sweep_clock(struct sweep *s, msec_t date, usec_t sent, usec_t now)
{
    if (date == MSEC_NONE || s->o.bounded)
        return;
    int64_t is = date / 1000;
    if (s->clock != WATERMARK_SECOND_NONE && sent > s->clock_at) {
        /* Dates are cut to seconds: one second of difference means nothing. */
        int64_t least = s->clock + (sent - s->clock_at) / USEC_S - 1;
        if (is < least) {
            s->back += least - is;
            s->hi -= least - is;
        }
    }
    s->clock = is;
    s->clock_at = now;
}

static struct watermark mark_after(const struct sweep *s, const struct watermark *cursor)
{
    struct watermark cap = watermark_at(s->end, "");
    const struct watermark *w = cursor->second > s->end ? &cap : cursor;
    return watermark_compare(w, &s->mark) > 0 ? *w : s->mark;
}

/* Everything behind the cursor was read, or the cursor is behind the upper end and the watermark:
 * from now on the overlap counts from this sweep's end. */
static void finish(struct sweep *s, bool at_once, usec_t now)
{
    s->sweeping = false;
    if (s->o.bounded) {
        s->caught_up = true;
        return;
    }
    s->hi = s->end - s->back;
    int64_t floor = s->hi - s->o.overlap - s->o.slack;
    if (floor > s->seen_from)
        s->seen_from = floor;
    s->mark = mark_after(s, &s->cursor);
    seen_expire(s->seen, (struct seen_keep){.from = s->seen_from, .ahead_from = s->mark.second});
    if (!at_once)
        s->caught_up = true;
    s->due = at_once ? now : now + (sweep_busy(s, now) ? s->o.poll_busy : s->o.poll_idle);
}

/* The page is done: moves the cursor behind it. */
static void advance(struct sweep *s, usec_t now)
{
    s->cursor = s->page.rows[s->page.count - 1].at;
    drop_page(s);
    if (s->cursor.second > s->end && watermark_compare(&s->cursor, &s->mark) >= 0)
        finish(s, s->full, now);
}

/* Nothing was returned. When more rows than the limit match, all of the page was hidden by ACLs
 * (they are applied after the limit): the span of the next page is narrowed until it holds no more
 * than one page of hidden rows, and then is behind us. */
static void empty_page(struct sweep *s, long long total, usec_t now)
{
    int64_t first = cursor_second(s);
    bool hidden = total > s->limit;
    if (total < 0 && !counts(s) && first <= s->end) {
        s->verify = true;
    } else if (s->window == 0 && (!hidden || first > s->end)) {
        finish(s, false, now);
    } else if (s->window == 0) {
        s->window = (s->end - first + 1) / 2 > 0 ? (s->end - first + 1) / 2 : 1;
    } else if (!hidden) {
        s->cursor = watermark_at(first + s->window - 1, WATERMARK_BEHIND_ALL);
        s->window = s->cursor.second < s->end ? s->window * 2 : 0;
    } else if (s->window > 1) {
        s->window /= 2;
    } else if (s->limit < s->o.widest) { /* rows that may be read can follow the hidden ones */
        s->limit = total < s->o.widest ? total : s->o.widest;
    } else {
        char at[CLOCK_SN_SIZE];
        clock_format_sn(first * 1000, at);
        err_set(
            &s->stop, ERR_FATAL, "hidden-rows",
            "The first %lld rows of the one second %s are all hidden from the user, a whole page: "
            "there is no way past them. The table is stopped; let the user read them, or narrow "
            "the query of the table so that it leaves them out, and start the bridge again",
            s->o.widest, at);
    }
}

static void grow(struct sweep *s)
{
    s->failures = 0;
    if (s->limit >= s->o.page_size || ++s->good < GROW_AFTER)
        return;
    s->good = 0;
    s->limit = s->limit * 2 < s->o.page_size ? s->limit * 2 : s->o.page_size;
}

/* The next request waits until these rows are used up; time in which there was nothing to read
 * saves up for a second at most. */
static void pace(struct sweep *s, size_t rows, usec_t now)
{
    if (s->o.rate <= 0)
        return;
    usec_t from = s->paced > now - USEC_S ? s->paced : now - USEC_S;
    s->paced = from + (usec_t)rows * USEC_S / s->o.rate;
    if (s->paced > s->due)
        s->due = s->paced;
}

void sweep_page(struct sweep *s, struct page *p, long long total, usec_t now)
{
    invariant(s->sweeping && s->page.array == NULL);
    size_t fresh = 0;
    pace(s, p->count, now);
    s->page = *p;
    *p = (struct page){0};
    if (s->page.count == 0) {
        drop_page(s);
        empty_page(s, total, now);
        grow(s);
        return;
    }
    s->window = 0;
    s->verify = false;
    s->full = (long long)s->page.count >= s->limit || total > (long long)s->page.count;
    if (s->limit > s->o.page_size) /* it was widened, and is past the hidden rows */
        s->limit = s->o.page_size;
    s->fresh = xcalloc(s->page.count, sizeof(*s->fresh));
    for (size_t i = 0; i < s->page.count; i++) {
        s->fresh[i] = !seen_has(s->seen, s->page.rows[i].digest);
        fresh += s->fresh[i];
    }
    grow(s);
    if (fresh > 0) {
        s->last_change = now;
    } else {
        advance(s, now);
    }
}

void sweep_failed(struct sweep *s, bool smaller, usec_t delay, usec_t now)
{
    if (smaller) {
        s->limit = s->limit > 1 ? s->limit / 2 : 1;
        s->good = 0;
    }
    if (delay == 0)
        delay = s->failures < 6 ? USEC_S << s->failures : DELAY_MAX;
    s->failures += s->failures < 6;
    s->due = usec_add(now, delay);
}

/* Transactions --------------------------------------------------------------------------------- */

/* Rows [done, end) of the page with at most max_rows fresh ones; the page's tail of seen rows goes
 * with the last fresh one. */
static size_t chunk_end(const struct sweep *s, size_t max_rows)
{
    size_t i = s->done;
    for (size_t n = 0; i < s->page.count; i++) {
        if (s->fresh[i] && n == max_rows)
            break;
        n += s->fresh[i];
    }
    return i;
}

/* Adds the versions of the chunk that a later sweep may read again. */
static void plan_rows(const struct sweep *s, int64_t floor, struct sweep_plan *p)
{
    p->rows = xcalloc(p->page_end - s->done + 1, sizeof(const struct page_row *));
    for (size_t i = s->done; i < p->page_end; i++) {
        const struct page_row *row = &s->page.rows[i];
        if (!s->fresh[i])
            continue;
        p->rows[p->count++] = row;
        if (row->at.second >= floor && !s->o.bounded)
            p->seen[p->seen_count++] =
                (struct seen_version){.second = row->at.second,
                                      .digest = row->digest,
                                      .ahead = watermark_compare(&row->at, &p->mark) > 0};
    }
}

/* set_back: the watermark goes back to the cursor. All up to it was read by this sweep, so its end
 * may count at once, and versions that are old by it need no place any more; those between the
 * cursor and the old watermark are ahead of it now. */
static void plan_chunk(const struct sweep *s, size_t max_rows, bool set_back, struct sweep_plan *p)
{
    *p = (struct sweep_plan){.page_end = chunk_end(s, max_rows), .set_back = set_back};
    const struct watermark *cursor = &s->page.rows[p->page_end - 1].at;
    bool passed = set_back || watermark_compare(cursor, &s->mark) >= 0;
    p->mark = set_back ? *cursor : mark_after(s, cursor);
    p->hi = passed ? s->end - s->back : s->hi;
    int64_t floor = p->hi - s->o.overlap - s->o.slack;
    p->seen_from = floor > s->seen_from ? floor : s->seen_from;
    struct seen_keep keep = {.from = set_back && cursor->second < p->seen_from ? cursor->second
                                                                               : p->seen_from,
                             .ahead_from = p->mark.second};
    p->seen = seen_list(s->seen, keep, p->page_end - s->done, &p->seen_count);
    for (size_t i = 0; set_back && i < p->seen_count; i++)
        p->seen[i].ahead = p->seen[i].ahead || p->seen[i].second >= cursor->second;
    plan_rows(s, floor, p);
    seen_sort(p->seen, p->seen_count);
}

static void plan_bounded(const struct sweep *s, size_t max_rows, struct sweep_plan *p)
{
    size_t end = chunk_end(s, max_rows);
    *p = (struct sweep_plan){
        .page_end = end, .mark = s->page.rows[end - 1].at, .hi = s->hi, .seen_from = s->seen_from};
    plan_rows(s, s->hi, p);
}

static bool fits(const struct sweep *s, size_t max_rows, bool set_back, struct sweep_plan *p)
{
    plan_chunk(s, max_rows, set_back, p);
    if (p->seen_count <= s->o.seen_max)
        return true;
    sweep_plan_done(p);
    return false;
}

bool sweep_plan(struct sweep *s, size_t max_rows, usec_t now, struct sweep_plan *ret_plan)
{
    invariant(s->page.array != NULL && max_rows > 0);
    if (max_rows > s->page.count)
        max_rows = s->page.count;
    if (s->o.bounded) {
        plan_bounded(s, max_rows, ret_plan);
        return true;
    }
    for (size_t n = max_rows; n > 0; n /= 2) {
        bool late = watermark_compare(&s->page.rows[chunk_end(s, n) - 1].at, &s->mark) < 0;
        if (fits(s, n, false, ret_plan) || (late && fits(s, n, true, ret_plan)))
            return true;
    }
    drop_page(s);
    s->sweeping = false;
    s->due = now + HELD_DELAY;
    return false;
}

void sweep_position(const struct sweep *s, struct sweep_plan *ret_plan)
{
    struct seen_keep all = {.from = INT64_MIN, .ahead_from = INT64_MIN};
    struct sweep_plan p = {.mark = s->mark, .hi = s->hi, .seen_from = s->seen_from};
    p.seen = seen_list(s->seen, all, 0, &p.seen_count);
    *ret_plan = p;
}

void sweep_plan_done(struct sweep_plan *p)
{
    free(p->rows);
    free(p->seen);
    *p = (struct sweep_plan){0};
}

void sweep_committed(struct sweep *s, const struct sweep_plan *p, usec_t now)
{
    s->mark = p->mark;
    s->hi = p->hi;
    s->seen_from = p->seen_from;
    if (p->set_back) { /* the flags changed */
        s->seen = seen_free(s->seen);
        s->seen = seen_new();
    }
    seen_expire(s->seen, (struct seen_keep){.from = s->seen_from, .ahead_from = s->mark.second});
    for (size_t i = 0; i < p->seen_count; i++)
        seen_add(s->seen, p->seen[i]);
    s->done = p->page_end;
    if (s->done == s->page.count)
        advance(s, now);
}

/* For people ----------------------------------------------------------------------------------- */

usec_t sweep_due(const struct sweep *s)
{
    return s->due;
}

const struct err *sweep_reason(const struct sweep *s)
{
    return &s->stop;
}

bool sweep_caught_up(const struct sweep *s)
{
    return s->caught_up;
}

bool sweep_busy(const struct sweep *s, usec_t now)
{
    return s->last_change != 0 && now - s->last_change < s->o.busy_for;
}

struct watermark sweep_mark(const struct sweep *s)
{
    return s->mark;
}

int64_t sweep_hi(const struct sweep *s)
{
    return s->hi;
}

int64_t sweep_complete_to(const struct sweep *s)
{
    return s->caught_up && s->hi > s->mark.second ? s->hi : s->mark.second;
}

size_t sweep_seen(const struct sweep *s)
{
    return seen_count(s->seen);
}

long long sweep_limit(const struct sweep *s)
{
    return s->limit;
}
