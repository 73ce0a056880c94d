/* Retry queue: items that wait for a time. Intrusive; holds no item twice, never frees items, has a
 * bound so that poison records cannot fill the memory (design D6, promise 5). Pure. */
#ifndef BRIDGE_RETRY_RETRYQ_H
#define BRIDGE_RETRY_RETRYQ_H

#include <stdbool.h>
#include <stddef.h>

#include "bridge/base/heap.h"

struct retry_item {
    struct heap_node node; /* zeroed memory is an item in no queue */
    const char *reason;    /* why it waits; static or owned by the item's owner; for people */
};

struct retryq;

struct retryq *retryq_new(size_t max_items);
struct retryq *retryq_free(struct retryq *q); /* NULL is fine; panics when items remain */

/* Borrows the item until it is due or removed. Already queued: its time changes. Always succeeds;
 * retryq_full tells the caller to stop taking input. */
void retryq_add(struct retryq *q, struct retry_item *item, usec_t due, const char *reason);
void retryq_remove(struct retryq *q, struct retry_item *item); /* not queued: nothing happens */
bool retryq_has(const struct retry_item *item);

/* The next item whose time has come, removed; NULL when none. */
struct retry_item *retryq_due(struct retryq *q, usec_t now);
/* When the next one is due; USEC_NEVER when empty. */
usec_t retryq_next(const struct retryq *q);

size_t retryq_count(const struct retryq *q);
bool retryq_full(const struct retryq *q);

/* Calls fn for every waiting item, no set order (status page, `lanes`). fn must not change the
 * queue. */
void retryq_each(const struct retryq *q, void (*fn)(void *arg, const struct retry_item *item),
                 void *arg);

#endif
