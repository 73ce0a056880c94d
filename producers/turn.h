/* Whose turn it is among the feeds of one table. Pure, any thread. */
#ifndef PRODUCERS_TURN_H
#define PRODUCERS_TURN_H

#include <stddef.h>

#include "bridge/base/clock.h"
#include "producers/sweep.h"

struct turn {
    enum sweep_want want; /* what sweep_next says */
    usec_t due;           /* of SWEEP_SLEEP */
    usec_t asked;         /* when the feed was last asked, 0: never */
};

#define TURN_NOBODY ((size_t)-1)

/* The feed that is to act now: one that is stopped, else one that has rows to publish (nobody asks
 * before they are), else, of those that want to ask, the one whose last question lies longest back:
 * a feed that always wants to ask keeps no other waiting for more than one question. Between
 * equals the first. TURN_NOBODY: all sleep, until *ret_due. */
size_t turn_choose(const struct turn *turns, size_t n, usec_t *ret_due);

#endif
