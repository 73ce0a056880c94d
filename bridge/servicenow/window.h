/* The request window: health of the instance as one destination (design D6, D7; the feedback rules
 * are those of Postfix's qmgr: SCHEDULER_README). How many requests may be under way at once, and
 * whether any may. Item delays live elsewhere (retry/). Pure: time is passed in, no I/O, no log. */
#ifndef BRIDGE_SERVICENOW_WINDOW_H
#define BRIDGE_SERVICENOW_WINDOW_H

#include <stdbool.h>
#include <stddef.h>

#include "bridge/base/clock.h"
#include "bridge/base/rand.h"

enum window_state {
    WINDOW_OPEN,      /* up to `size` requests at once */
    WINDOW_CLOSED,    /* none until `until` */
    WINDOW_HALF_OPEN, /* exactly one probe is or may be under way */
    WINDOW_BARRED,    /* none until window_unbar: no usable sign-in */
};

enum window_result {
    WINDOW_SUCCESS,   /* an answer of the instance itself, whatever it says about the record */
    WINDOW_THROTTLED, /* 429: too many at once or too many an hour */
    WINDOW_FAILED,    /* 503, gateway page, refused connection, time-out */
    WINDOW_NEUTRAL,   /* tells nothing about the instance (cancelled, 401) */
};

/* Two users share the window: alerts go first, sync takes what is left but is never starved: while
 * sync waits, one slot of four (none of a window below 4, unless no alert waits) is kept for it. */
enum window_class { WINDOW_ALERTS, WINDOW_SYNC };

struct window; /* opaque */

/* New window: starts at min(4, max) requests, grows to `max`. */
struct window *window_new(unsigned max, uint64_t seed);
struct window *window_free(struct window *w);

/* How many more requests this class may start now. `waiting` tells the window whether the class has
 * work beyond what it starts, so that the other class keeps room for it: both classes ask at each
 * turn, also the one that wants nothing. Moves CLOSED to HALF_OPEN when its time has come. With a
 * known hourly rule sync leaves a quarter of an even pace until its reset to the alerts; these are
 * never held back by a count of our own. */
unsigned window_room(struct window *w, enum window_class c, bool waiting, usec_t now);

/* A request of this class leaves (call only when window_room > 0) / has ended. `retry_after`: what
 * a 429 or 503 asked for, 0 when nothing; it closes the window for that long (clamped to 1 h). */
void window_start(struct window *w, enum window_class c, usec_t now);
void window_end(struct window *w, enum window_class c, enum window_result r, usec_t retry_after,
                const char *reason, usec_t now);

/* An answer told of an hourly rule: `limit` requests until `reset` (monotonic time), of which this
 * was one. Only such requests are counted, so those of tables without a rule cost nothing. What
 * others send as the same user is not seen; a 429 tells of that. */
void window_rate(struct window *w, long long limit, usec_t reset, usec_t now);

/* The rule as far as it is known: left may be below what the instance would still let through. */
struct window_budget {
    long long limit, left; /* limit 0: no rule was seen, or its hour is over and no newer one was */
    usec_t reset;
};
void window_budget(const struct window *w, usec_t now, struct window_budget *ret);

/* No usable sign-in: nothing leaves until unbarred. Both may be called again and again. */
void window_bar(struct window *w, const char *reason);
void window_unbar(struct window *w);

enum window_state window_state(const struct window *w);
const char *window_state_name(enum window_state s); /* static */
unsigned window_size(const struct window *w);
unsigned window_in_flight(const struct window *w);
const char *
window_reason(const struct window *w); /* why it is closed or barred; "" when open; borrowed */
/* Next probe; in the past when half open; USEC_NEVER when open or barred. */
usec_t window_until(const struct window *w);
/* Next time at which window_room may answer differently without window_end: USEC_NEVER when none.
 * (A budget that is short grows with time: see window_budget_next.) */
usec_t window_next(const struct window *w);
/* When sync, held back by the budget, may start another request; USEC_NEVER: it is not. */
usec_t window_budget_next(const struct window *w, usec_t now);

#endif
