/* The poll state machine of one table. The rules are those of the checked model (rows once, in
 * order, newest at the end):
 *  - `mark` and `hi` change together with what is committed, never before;
 *  - while a sweep re-reads what lies before `mark`, a crash must start it over from the same
 *    place, so `hi` moves to the new upper end only once the cursor has reached `mark`; a quick
 *    sweep, which does not re-read it, never moves `hi`;
 *  - a version is forgotten only when no later sweep can read its second again.
 * It does no I/O, looks at no clock and writes no log. */
#include "producers/sweep_parts.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"

#define LOT        100 /* rows asked for by sys_id at once */
#define LATE_WIDER 8   /* a page of versions holds so many times the rows */
#define GROW_AFTER 5   /* full pages without a failure until the limit doubles */
#define DELAY_MAX  (60 * USEC_S)
#define HELD_DELAY (5 * USEC_S)

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

void sweep_drop_page(struct sweep *s)
{
    page_done(&s->page);
    free(s->fresh);
    s->fresh = NULL;
    s->done = 0;
}

void sweep_drop_late(struct sweep *s)
{
    page_done(&s->late);
    free(s->late_ids);
    s->late_ids = NULL;
    s->late_done = s->late_to = 0;
}

struct sweep *sweep_free(struct sweep *s)
{
    if (s == NULL)
        return NULL;
    sweep_drop_page(s);
    sweep_drop_late(s);
    page_done(&s->ahead);
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

/* While the table changes, polls are quick and the overlap is looked at between them. */
static enum sweep_pass choose_pass(const struct sweep *s, usec_t now)
{
    if (s->o.reread == 0 || !s->caught_up || s->held || !sweep_busy(s, now))
        return PASS_ALL;
    return now - s->reread_at >= s->o.reread ? PASS_LATE : PASS_QUICK;
}

static struct watermark furthest(struct watermark a, struct watermark b)
{
    return watermark_compare(&a, &b) >= 0 ? a : b;
}

static void set_best(struct sweep *s)
{
    s->best = s->clock;
    s->best_at = s->clock_at;
}

static void begin(struct sweep *s, usec_t now)
{
    s->sweeping = true;
    s->window = 0;
    s->verify = false;
    if (s->o.bounded) {
        s->end = s->hi;
        s->cursor = s->mark;
        return;
    }
    if (s->limit > s->o.page_size) /* was widened for hidden rows, and there were only such */
        s->limit = s->o.page_size;
    s->end = s->clock;
    s->pass = choose_pass(s, now);
    int64_t least = s->hi < s->end ? s->hi : s->end;
    struct watermark start = watermark_at(least - s->o.overlap, "");
    if (watermark_compare(&start, &s->mark) >= 0) {
        s->pass = PASS_ALL; /* nothing lies between */
        start = s->mark;
    } else if (start.second < s->seen_from) {
        stop_clock(s, start.second);
        return;
    }
    least = s->mark.second < s->end ? s->mark.second : s->end;
    s->cursor = s->pass == PASS_QUICK ? furthest(start, watermark_at(least - 1, "")) : start;
    s->top = s->mark;
    if (s->pass == PASS_QUICK)
        return;
    s->reread_at = now;
    s->back = 0;
    set_best(s);
}

/* First second of which rows may lie behind the cursor. */
static int64_t cursor_second(const struct sweep *s)
{
    bool behind = strcmp(s->cursor.sys_id, WATERMARK_BEHIND_ALL) == 0;
    return s->cursor.second + (behind ? 1 : 0);
}

/* Last second that this sweep asks for, or after which nothing more has to come. */
static int64_t last_second(const struct sweep *s)
{
    return s->pass == PASS_LATE ? s->top.second : s->end;
}

static int64_t until(const struct sweep *s)
{
    int64_t narrow = s->window > 0 ? cursor_second(s) + s->window - 1 : WATERMARK_SECOND_NONE;
    bool open = !s->o.bounded && s->pass != PASS_LATE;
    if (open || (s->window > 0 && narrow < last_second(s)))
        return narrow;
    return last_second(s);
}

static long long limit(const struct sweep *s)
{
    if (s->pass != PASS_LATE)
        return s->limit;
    return s->limit < s->o.widest / LATE_WIDER ? s->limit * LATE_WIDER : s->o.widest;
}

/* A count costs the instance little once few rows are left, and much during a first pull. */
static bool counts(const struct sweep *s)
{
    return s->caught_up || s->verify || s->window > 0;
}

/* The rows of the next versions that are not known. */
static void ask_lot(struct sweep *s, struct sweep_ask *ret_ask)
{
    size_t n = 0, most = s->limit < LOT ? (size_t)s->limit : LOT;
    s->late_to = s->late_done;
    for (; s->late_to < s->late.count && n < most; s->late_to++)
        if (!seen_has(s->seen, s->late.rows[s->late_to].digest))
            s->late_ids[n++] = s->late.rows[s->late_to].sys_id;
    *ret_ask = (struct sweep_ask){.after = watermark_at(INT64_MIN, ""),
                                  .until = WATERMARK_SECOND_NONE,
                                  .limit = (long long)n,
                                  .sys_ids = s->late_ids,
                                  .sys_ids_count = n};
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
        begin(s, now);
        if (s->stop.class != ERR_NONE)
            return SWEEP_STOPPED;
    }
    if (s->late.array != NULL) {
        ask_lot(s, ret_ask);
        return SWEEP_PAGE;
    }
    *ret_ask = (struct sweep_ask){.after = s->cursor,
                                  .until = until(s),
                                  .limit = limit(s),
                                  .count = counts(s),
                                  .versions = s->pass == PASS_LATE};
    return SWEEP_PAGE;
}

/* The clock is compared with the answer by which it was furthest ahead since the last pass over the
 * overlap began: so nodes whose clocks differ a little do not add up. */
void sweep_clock(struct sweep *s, msec_t date, usec_t sent, usec_t now)
{
    if (date == MSEC_NONE || s->o.bounded)
        return;
    int64_t is = date / 1000;
    bool first = s->clock == WATERMARK_SECOND_NONE;
    if (!first && sent > s->best_at) {
        /* Dates are cut to seconds: one second of difference means nothing. */
        int64_t step = s->best + (sent - s->best_at) / USEC_S - 1 - is;
        if (step > s->back) {
            s->hi -= step - s->back;
            s->back = step;
        }
    }
    s->clock = is;
    s->clock_at = now;
    if (first || is - s->best >= (now - s->best_at) / USEC_S)
        set_best(s);
}

struct watermark sweep_mark_after(const struct sweep *s, const struct watermark *cursor)
{
    struct watermark cap = watermark_at(s->end, "");
    const struct watermark *w = cursor->second > s->end ? &cap : cursor;
    return watermark_compare(w, &s->mark) > 0 ? *w : s->mark;
}

/* Everything behind the cursor was read, or the cursor is behind the upper end and the watermark:
 * from now on the overlap counts from this sweep's end, when it has read the last one. */
static void finish(struct sweep *s, bool at_once, usec_t now)
{
    s->sweeping = s->held = false;
    if (s->o.bounded) {
        s->caught_up = true;
        return;
    }
    if (s->pass != PASS_QUICK) {
        s->hi = s->end - s->back;
        int64_t floor = s->hi - s->o.overlap - s->o.slack;
        if (floor > s->seen_from)
            s->seen_from = floor;
    }
    if (s->pass != PASS_LATE) {
        s->mark = sweep_mark_after(s, &s->cursor);
        s->read_to = s->end - s->back;
        s->caught_up = s->caught_up || !at_once;
    }
    seen_expire(s->seen, (struct seen_keep){.from = s->seen_from, .ahead_from = s->mark.second});
    if (at_once || s->pass == PASS_LATE) /* what is behind the watermark was not looked at */
        s->due = now;
    else
        s->due = now + (sweep_busy(s, now) ? s->o.poll_busy : s->o.poll_idle);
}

/* Versions up to late_to are published. */
static void advance_late(struct sweep *s, usec_t now)
{
    s->late_done = s->late_to;
    while (s->late_done < s->late.count && seen_has(s->seen, s->late.rows[s->late_done].digest))
        s->late_done++;
    if (s->late_done < s->late.count)
        return;
    s->cursor = s->late.rows[s->late.count - 1].at;
    sweep_drop_late(s);
    if (watermark_compare(&s->cursor, &s->top) >= 0)
        finish(s, false, now);
}

/* Which rows of the page are new; returns how many. */
static size_t mark_fresh(struct sweep *s)
{
    size_t fresh = 0;
    s->fresh = xcalloc(s->page.count + 1, sizeof(*s->fresh));
    for (size_t i = 0; i < s->page.count; i++) {
        s->fresh[i] = !seen_has(s->seen, s->page.rows[i].digest);
        fresh += s->fresh[i];
    }
    return fresh;
}

void sweep_advance(struct sweep *s, usec_t now)
{
    if (s->pass == PASS_LATE) {
        sweep_drop_page(s);
        advance_late(s, now);
        return;
    }
    s->cursor = s->page.rows[s->page.count - 1].at;
    sweep_drop_page(s);
    if (s->ahead.array != NULL) {
        s->page = s->ahead;
        s->ahead = (struct page){0};
        (void)mark_fresh(s);
    }
    if (s->cursor.second > s->end && watermark_compare(&s->cursor, &s->mark) >= 0)
        finish(s, s->full, now);
}

/* Nothing was returned. When more rows than the limit match, all of the page was hidden by ACLs
 * (they are applied after the limit): the span of the next page is narrowed until it holds no more
 * than one page of hidden rows, and then is behind us. */
static void empty_page(struct sweep *s, long long total, usec_t now)
{
    int64_t first = cursor_second(s);
    bool hidden = total > limit(s);
    int64_t last = last_second(s);
    if (total < 0 && !counts(s) && first <= last) {
        s->verify = true;
    } else if (s->window == 0 && (!hidden || first > last)) {
        finish(s, false, now);
    } else if (s->window == 0) {
        s->window = (last - first + 1) / 2 > 0 ? (last - first + 1) / 2 : 1;
    } else if (!hidden) {
        s->cursor = watermark_at(first + s->window - 1, WATERMARK_BEHIND_ALL);
        s->window = s->cursor.second < last ? s->window * 2 : 0;
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

/* Takes the page of versions. */
static void late_page(struct sweep *s, usec_t now)
{
    s->late = s->page;
    s->page = (struct page){0};
    s->late_ids = xcalloc(LOT, sizeof(const char *));
    s->late_to = 0;
    advance_late(s, now);
}

void sweep_page(struct sweep *s, struct page *p, long long total, usec_t now)
{
    bool lot = s->late.array != NULL;
    invariant(s->sweeping && s->page.array == NULL);
    pace(s, p->count, now);
    s->page = *p;
    *p = (struct page){0};
    if (s->page.count == 0 && !lot) {
        sweep_drop_page(s);
        empty_page(s, total, now);
        grow(s);
        return;
    }
    s->window = 0;
    s->verify = false;
    s->full = (long long)s->page.count >= limit(s) || total > (long long)s->page.count;
    if (s->limit > s->o.page_size) /* it was widened, and is past the hidden rows */
        s->limit = s->o.page_size;
    grow(s);
    if (s->pass == PASS_LATE && !lot) {
        late_page(s, now);
        return;
    }
    if (mark_fresh(s) > 0)
        s->last_change = now;
    else
        sweep_advance(s, now);
}

bool sweep_next_ahead(const struct sweep *s, usec_t now, struct sweep_ask *ret_ask)
{
    if (!s->o.bounded || s->page.array == NULL || s->ahead.array != NULL || now < s->due ||
        s->limit > s->o.page_size)
        return false;
    *ret_ask = (struct sweep_ask){
        .after = s->page.rows[s->page.count - 1].at, .until = s->end, .limit = s->limit};
    return true;
}

void sweep_page_ahead(struct sweep *s, struct page *p, long long total, usec_t now)
{
    if (s->page.array == NULL) { /* that one is published meanwhile */
        sweep_page(s, p, total, now);
        return;
    }
    pace(s, p->count, now);
    grow(s);
    if (p->count > 0)
        s->ahead = *p;
    else
        page_done(p); /* asked for again, when its turn comes */
    *p = (struct page){0};
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

/* For people ----------------------------------------------------------------------------------- */

bool sweep_holds_rows(const struct sweep *s)
{
    return s->page.array != NULL;
}

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
    return s->caught_up && s->read_to > s->mark.second ? s->read_to : s->mark.second;
}

size_t sweep_seen(const struct sweep *s)
{
    return seen_count(s->seen);
}

long long sweep_limit(const struct sweep *s)
{
    return s->limit;
}
