/* Which of many names is like one that was not found: for error texts with a cure. Pure, any
 * thread. */
#ifndef BRIDGE_BASE_NEAR_H
#define BRIDGE_BASE_NEAR_H

#include <stddef.h>

#include "bridge/base/buf.h"

#define NEAR_MOST 3
/* Longer names are compared by their first bytes only. */
#define NEAR_LENGTH 64

struct near {
    const char *wanted; /* borrowed */
    char *best[NEAR_MOST];
    size_t distance[NEAR_MOST], count;
};

/* Distance without regard to case: insertions, deletions, changes and swaps of neighbours (optimal
 * string alignment), in bytes. */
size_t near_distance(const char *a, const char *b);

void near_init(struct near *n, const char *wanted);
/* Looks at a candidate; a copy is kept when it is among the NEAR_MOST nearest and near enough: a
 * third of the length wrong at most, or one begins with the other. */
void near_offer(struct near *n, const char *candidate);
/* Adds `'a', 'b' or 'c'`, nearest first; nothing when there is none. */
void near_text(const struct near *n, struct buf *out);
void near_done(struct near *n);

#endif
