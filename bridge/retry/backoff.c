/* Delay of one item. Jitter spreads items that failed together over the whole range, so that they
 * do not come back together. Knows nothing of the instance's health: that is the window's. */
#include "bridge/retry/backoff.h"

#define SERVER_MAX (3600 * USEC_S)

/* min * 2^attempts, at most max; halving max instead of shifting min cannot overflow. */
static usec_t ceiling(unsigned attempts, usec_t min, usec_t max)
{
    if (attempts >= 63 || min > max >> attempts)
        return max;
    return min << attempts;
}

usec_t backoff_delay(struct rand *r, unsigned attempts, usec_t min, usec_t max, usec_t server_given)
{
    usec_t low = min > 0 ? min : 0;

    if (server_given > 0)
        return usec_min(server_given < low ? low : server_given, SERVER_MAX);
    return rand_between(r, low, ceiling(attempts > 0 ? attempts : 1, low, max));
}
