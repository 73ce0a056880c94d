/* The order in which feeds act. It knows nothing of rows or requests. */
#include "producers/turn.h"

#include <stdbool.h>

static unsigned rank(enum sweep_want want)
{
    static const unsigned ranks[] = {
        [SWEEP_SLEEP] = 0,   [SWEEP_CLOCK] = 1, [SWEEP_PAGE] = 1,
        [SWEEP_PUBLISH] = 2, [SWEEP_DONE] = 2,  [SWEEP_STOPPED] = 3,
    };
    return ranks[want];
}

size_t turn_choose(const struct turn *turns, size_t n, usec_t *ret_due)
{
    size_t best = TURN_NOBODY;
    usec_t due = USEC_NEVER;
    for (size_t i = 0; i < n; i++) {
        unsigned mine = rank(turns[i].want);
        if (mine == 0) {
            due = usec_min(due, turns[i].due);
            continue;
        }
        unsigned its = best == TURN_NOBODY ? 0 : rank(turns[best].want);
        if (mine > its || (mine == its && turns[i].asked < turns[best].asked))
            best = i;
    }
    *ret_due = due;
    return best;
}
