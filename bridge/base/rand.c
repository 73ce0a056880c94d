/* splitmix64 (Steele, Lea, Flood 2014): small, fast, passes the usual tests for this purpose. */
#include "bridge/base/rand.h"

#include <sys/random.h>

#include "bridge/base/clock.h"

void rand_seed(struct rand *r, uint64_t seed)
{
    r->state = seed;
}

void rand_seed_system(struct rand *r)
{
    uint64_t seed;

    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        seed = (uint64_t)clock_now() ^ (uint64_t)clock_wall() << 20;
    rand_seed(r, seed);
}

uint64_t rand_next(struct rand *r)
{
    uint64_t z = (r->state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

int64_t rand_between(struct rand *r, int64_t low, int64_t high)
{
    uint64_t span, limit, x;

    if (high <= low)
        return low;
    span = (uint64_t)high - (uint64_t)low + 1;
    if (span == 0)
        return (int64_t)rand_next(r);
    limit = UINT64_MAX - UINT64_MAX % span;
    do
        x = rand_next(r);
    while (x >= limit);
    return (int64_t)((uint64_t)low + x % span);
}
