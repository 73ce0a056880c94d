/* Intrusive binary heap: the least key on top. Owns only its array, never the elements. An element
 * embeds a heap_node and so knows its place: removal and change of key are O(log n). */
#ifndef BRIDGE_BASE_HEAP_H
#define BRIDGE_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>

#include "bridge/base/clock.h"

struct heap_node {
    usec_t key;
    size_t place; /* 0: in no heap, else index + 1. Zeroed memory is a free node. */
};

struct heap {
    struct heap_node **nodes;
    size_t count, capacity;
};

void heap_init(struct heap *h);
void heap_done(struct heap *h); /* frees the array; nodes still inside are forgotten, not freed */

/* Puts the node in, or moves it when it is in already. */
void heap_put(struct heap *h, struct heap_node *node, usec_t key);

/* Nothing happens when it is in no heap. */
void heap_remove(struct heap *h, struct heap_node *node);

bool heap_has(const struct heap_node *node);
struct heap_node *heap_top(const struct heap *h); /* borrowed, NULL when empty */
usec_t heap_next(const struct heap *h);           /* key of the top, USEC_NEVER when empty */

#endif
