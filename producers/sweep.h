/* How one table is read, sweep after sweep (design D8, servicenow-api 2.7). Pure: it is told what
 * happened and says what to do next; requests, transactions and clocks are its owner's.
 *
 * A sweep begins at the lesser of the watermark and the last sweep's upper end minus the overlap,
 * pages through everything behind it in (sys_updated_on, sys_id) order, and ends at an empty page
 * or behind its upper end. The upper end is the instance's clock, known before the first page.
 * Rows above it are published too, but watermark and next start never pass it. Versions that were
 * published and may be read again are known by `seen` and left out.
 *
 * While the table changes most sweeps are quick ones, which begin at the watermark; every few
 * seconds one goes over the overlap, asks for versions only, and then for the rows of those that
 * are not known: rows that were committed late.
 *
 * A bounded sweep reads once, up to a last second before which nothing can become visible any more:
 * the history of a table. It needs no clock and remembers no versions.
 *
 * Loop thread only. */
#ifndef PRODUCERS_SWEEP_H
#define PRODUCERS_SWEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/base/attr.h"
#include "bridge/base/clock.h"
#include "bridge/base/err.h"
#include "producers/page.h"
#include "producers/watermark.h"

struct sweep_options {
    int64_t overlap; /* seconds: longest commit delay of the instance plus skew of its clocks */
    int64_t slack;   /* seconds that its clock may step back before the table stops */
    usec_t poll_busy, poll_idle;
    usec_t busy_for;     /* the busy speed is kept until so long without a change */
    long long page_size; /* largest limit of a request */
    long long widest;    /* largest limit to get past rows that are hidden */
    size_t seen_max;     /* most versions that a state record may carry */
    usec_t reread;  /* while the table changes: how often the overlap is looked at; 0: each time */
    bool bounded;   /* `hi` of the state is the last second that is read */
    long long rate; /* rows a second at most; 0: no bound */
};

enum sweep_want {
    SWEEP_SLEEP,   /* nothing before *ret_due */
    SWEEP_CLOCK,   /* ask for any answer with a Date header, then sweep_clock */
    SWEEP_PAGE,    /* ask for the page in *ret_ask, then sweep_page or sweep_failed */
    SWEEP_PUBLISH, /* sweep_plan, publish, then sweep_committed (or nothing: ask again) */
    SWEEP_DONE,    /* bounded: all is published */
    SWEEP_STOPPED, /* for good, see sweep_reason */
};

struct sweep_ask {
    struct watermark after; /* rows behind this place ... */
    int64_t until;          /* ... and not after this second; WATERMARK_SECOND_NONE: no bound */
    long long limit;
    bool count;    /* X-Total-Count is wanted */
    bool versions; /* only what a version is told by is wanted: sys_id, time, sys_mod_count */
    /* Not NULL: these rows and no others, wherever they lie. Borrowed until the sweep is told. */
    const char *const *sys_ids;
    size_t sys_ids_count;
};

/* What one transaction publishes, and the state that goes with it. */
struct sweep_plan {
    const struct page_row **rows; /* the new versions, in order; rows borrowed from the sweep */
    size_t count;
    struct watermark mark;
    int64_t hi, seen_from;
    struct seen_version *seen;
    size_t seen_count;
    size_t page_end; /* the sweep's own: rows of the page that are done with it */
    bool set_back;   /* the watermark goes back, see sweep.c */
};

struct sweep;

/* Goes on from a stored state (copied; its strings are not looked at). */
struct sweep *sweep_new(const struct sweep_options *o,
                        const struct watermark_state *from) MUST_CHECK;
struct sweep *sweep_free(struct sweep *s); /* NULL is fine */

enum sweep_want sweep_next(struct sweep *s, usec_t now, struct sweep_ask *ret_ask, usec_t *ret_due);

/* The instance's clock by the Date header of any answer (MSEC_NONE is ignored), and when the
 * request was sent and answered. To be called with each answer before sweep_page. A clock that runs
 * behind what it must show went back; the next sweep then begins earlier by as much. */
void sweep_clock(struct sweep *s, msec_t date, usec_t sent, usec_t now);

/* The page that was asked for. Takes the content of *p. total: X-Total-Count, -1 when unknown: by
 * it an empty page whose rows are all hidden by an ACL is told from the end. */
void sweep_page(struct sweep *s, struct page *p, long long total, usec_t now);

/* Bounded: the page behind the one in hand, which may be read while that is published; it is
 * published next, before anything else is asked for. False: none. */
bool sweep_next_ahead(const struct sweep *s, usec_t now, struct sweep_ask *ret_ask);
/* That page, whenever it comes. Takes the content of *p. */
void sweep_page_ahead(struct sweep *s, struct page *p, long long total, usec_t now);

/* The request failed. smaller: it may have asked for too much (time-out, too large an answer);
 * later pages are smaller, and grow again with success. delay: least time until the next request,
 * 0 = by the number of failures in a row, 1 s to 60 s. */
void sweep_failed(struct sweep *s, bool smaller, usec_t delay, usec_t now);

/* Plans a transaction of at most max_rows new versions. Returns false when there is none to make:
 * the overlap holds as many versions as a record can carry, the sweep waits until some are old
 * enough. The caller ends with sweep_plan_done. */
bool sweep_plan(struct sweep *s, size_t max_rows, usec_t now, struct sweep_plan *ret_plan);
void sweep_plan_done(struct sweep_plan *p); /* zeroed is fine */
void sweep_committed(struct sweep *s, const struct sweep_plan *p, usec_t now);

/* What is committed so far, as a plan without rows: for a transaction that moves no rows. The
 * caller ends with sweep_plan_done. */
void sweep_position(const struct sweep *s, struct sweep_plan *ret_plan);

bool sweep_holds_rows(const struct sweep *s); /* a page that is not published yet */
usec_t sweep_due(const struct sweep *s); /* of the next request, as far as it waits for a time */
const struct err *sweep_reason(const struct sweep *s); /* of SWEEP_STOPPED; class ERR_NONE else */
bool sweep_caught_up(const struct sweep *s);           /* a sweep has come to its end */
bool sweep_busy(const struct sweep *s, usec_t now);
struct watermark sweep_mark(const struct sweep *s);
int64_t sweep_hi(const struct sweep *s);          /* bounded: the last second that is read */
int64_t sweep_complete_to(const struct sweep *s); /* second up to which all is published */
size_t sweep_seen(const struct sweep *s);
long long sweep_limit(const struct sweep *s);

/* The states before the very first page, at the instance's time `date`: all rows from second `from`
 * on. The live one begins so far back that no later step of a sweep, the slack of the clock
 * included, reads before it; the history has everything earlier, in which nothing can become
 * visible any more. So each version is read by one of them. Fills mark, hi and seen_from only.
 * False: there is no history, the live one reads all. */
bool sweep_first(const struct sweep_options *o, msec_t date, int64_t from,
                 struct watermark_state *ret_live, struct watermark_state *ret_history);

#endif
