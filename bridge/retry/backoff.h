/* Delay before the next attempt of one item: capped exponential with full jitter. Pure. */
#ifndef BRIDGE_RETRY_BACKOFF_H
#define BRIDGE_RETRY_BACKOFF_H

#include "bridge/base/clock.h"
#include "bridge/base/rand.h"

/* attempts: how many requests of the item have left so far (>= 1). Uniform in
 * [min, min(max, min * 2^(attempts-1) * 2)], saturating. A delay that the server gave (> 0) wins,
 * clamped to [min, 1 h]. */
usec_t backoff_delay(struct rand *r, unsigned attempts, usec_t min, usec_t max,
                     usec_t server_given);

#endif
