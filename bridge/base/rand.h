/* Pseudo-random numbers for jitter, with a state of one's own: no process-wide generator. Not for
 * secrets. */
#ifndef BRIDGE_BASE_RAND_H
#define BRIDGE_BASE_RAND_H

#include <stdint.h>

struct rand {
    uint64_t state;
};

void rand_seed(struct rand *r, uint64_t seed); /* same seed, same numbers */
void rand_seed_system(struct rand *r);         /* from the kernel */
uint64_t rand_next(struct rand *r);

/* Uniform in [low, high]; low when high < low. */
int64_t rand_between(struct rand *r, int64_t low, int64_t high);

#endif
