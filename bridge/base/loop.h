/* The one loop of the process (design D2). curl_multi_poll is the wait; its extra descriptors are
 * those added here; its time-out is the least deadline that the ticks return. Everything runs on
 * the thread that calls loop_run; only loop_wake may be called from others. */
#ifndef BRIDGE_BASE_LOOP_H
#define BRIDGE_BASE_LOOP_H

#include <curl/curl.h>
#include <stdbool.h>

#include "bridge/base/attr.h"
#include "bridge/base/clock.h"
#include "bridge/base/err.h"

struct loop;
struct loop_fd;
struct loop_tick;

/* Called when the descriptor is readable. */
typedef void (*loop_fd_fn)(void *arg, usec_t now);
/* Called once a turn after the descriptors; returns its next deadline (USEC_NEVER: none). It must
 * bound its own work; when it stops early it returns `now`. */
typedef usec_t (*loop_tick_fn)(void *arg, usec_t now);

struct loop *loop_new(struct err *e) MUST_CHECK; /* NULL when curl cannot make a multi handle */
struct loop *loop_free(struct loop *l);          /* NULL is fine; all transfers must be gone */

/* The multi handle: owned by the loop, shared with the HTTP client. */
CURLM *loop_multi(struct loop *l);
/* Called in each turn after curl's own work, for finished transfers. One only (the HTTP client). */
void loop_on_transfers(struct loop *l, void (*fn)(void *arg, usec_t now), void *arg);

/* Adding and removing is allowed from inside callbacks; a removed one is not called again. The
 * descriptor stays the caller's. */
struct loop_fd *loop_add_fd(struct loop *l, int fd, loop_fd_fn fn, void *arg);
void loop_remove_fd(struct loop *l, struct loop_fd *f); /* NULL is fine */
struct loop_tick *loop_add_tick(struct loop *l, loop_tick_fn fn, void *arg);
void loop_remove_tick(struct loop *l, struct loop_tick *t); /* NULL is fine */

/* Asks for another turn at once. loop_wake: any thread. loop_again: loop thread only, cheaper. */
void loop_wake(struct loop *l);
void loop_again(struct loop *l);

/* Runs turns until loop_stop. Time is read once after each wait. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);
/* One turn that waits at most `max_wait` (tests, shutdown). */
void loop_turn(struct loop *l, usec_t max_wait);

/* The time of the present turn. */
usec_t loop_now(const struct loop *l);
/* How long the last turn's work took (without the wait): the watchdog's measure. */
usec_t loop_last_turn(const struct loop *l);
unsigned long long loop_turns(const struct loop *l);

#endif
