#ifndef SIM_TIMERS_H
#define SIM_TIMERS_H

#include "tests/simulator/util.h"

typedef void (*timer_fn)(void *arg);

struct timer {
    usec_t due;
    uint64_t order; /* same due: first set, first run */
    timer_fn run;
    void *arg;
};

/* One-shot timers in a heap. */
struct timers {
    struct timer *heap;
    size_t n, cap;
    uint64_t made;
};

void timers_add(struct timers *t, usec_t due, timer_fn run, void *arg);
/* Runs what is due; what it adds for now runs in the next call. Returns the next due time, or
 * UINT64_MAX. */
usec_t timers_run(struct timers *t, usec_t now);
/* Due time of the first timer, or UINT64_MAX. */
usec_t timers_next(const struct timers *t);
/* Forgets the timers of one arg (NULL: all). */
void timers_drop(struct timers *t, const void *arg);
void timers_free(struct timers *t);

#endif
