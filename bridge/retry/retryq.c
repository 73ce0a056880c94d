/* A heap by due time with a bound. Items are only linked, never looked into; who adds above the
 * bound is heard (nothing is dropped), but retryq_full has told him to stop. */
#include "bridge/retry/retryq.h"

#include <stdlib.h>

#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"

struct retryq {
    struct heap heap;
    size_t max_items;
};

static struct retry_item *item_of(struct heap_node *node)
{
    return CONTAINER_OF(node, struct retry_item, node);
}

struct retryq *retryq_new(size_t max_items)
{
    struct retryq *q = xcalloc(1, sizeof *q);

    heap_init(&q->heap);
    q->max_items = max_items;
    return q;
}

struct retryq *retryq_free(struct retryq *q)
{
    if (q == NULL)
        return NULL;
    if (q->heap.count > 0)
        panic("retry queue is freed with %zu items in it", q->heap.count);
    heap_done(&q->heap);
    free(q);
    return NULL;
}

void retryq_add(struct retryq *q, struct retry_item *item, usec_t due, const char *reason)
{
    item->reason = reason;
    heap_put(&q->heap, &item->node, due);
}

void retryq_remove(struct retryq *q, struct retry_item *item)
{
    heap_remove(&q->heap, &item->node);
}

bool retryq_has(const struct retry_item *item)
{
    return heap_has(&item->node);
}

struct retry_item *retryq_due(struct retryq *q, usec_t now)
{
    struct heap_node *top = heap_top(&q->heap);

    if (top == NULL || top->key > now)
        return NULL;
    heap_remove(&q->heap, top);
    return item_of(top);
}

usec_t retryq_next(const struct retryq *q)
{
    return heap_next(&q->heap);
}

size_t retryq_count(const struct retryq *q)
{
    return q->heap.count;
}

bool retryq_full(const struct retryq *q)
{
    return q->heap.count >= q->max_items;
}

void retryq_each(const struct retryq *q, void (*fn)(void *arg, const struct retry_item *item),
                 void *arg)
{
    for (size_t i = 0; i < q->heap.count; i++)
        fn(arg, item_of(q->heap.nodes[i]));
}
