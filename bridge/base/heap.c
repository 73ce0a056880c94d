/* Binary heap over an array of node pointers; equal keys come out in no set order. */
#include "bridge/base/heap.h"

#include <stdlib.h>

#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"

void heap_init(struct heap *h)
{
    *h = (struct heap){0};
}

void heap_done(struct heap *h)
{
    for (size_t i = 0; i < h->count; i++)
        h->nodes[i]->place = 0;
    free(h->nodes);
    heap_init(h);
}

static void place(struct heap *h, size_t i, struct heap_node *node)
{
    h->nodes[i] = node;
    node->place = i + 1;
}

static void up(struct heap *h, size_t i, struct heap_node *node)
{
    while (i > 0 && node->key < h->nodes[(i - 1) / 2]->key) {
        place(h, i, h->nodes[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    place(h, i, node);
}

static void down(struct heap *h, size_t i, struct heap_node *node)
{
    for (;;) {
        size_t child = 2 * i + 1;

        if (child + 1 < h->count && h->nodes[child + 1]->key < h->nodes[child]->key)
            child++;
        if (child >= h->count || node->key <= h->nodes[child]->key)
            break;
        place(h, i, h->nodes[child]);
        i = child;
    }
    place(h, i, node);
}

static void settle(struct heap *h, size_t i, struct heap_node *node)
{
    if (i > 0 && node->key < h->nodes[(i - 1) / 2]->key)
        up(h, i, node);
    else
        down(h, i, node);
}

void heap_put(struct heap *h, struct heap_node *node, usec_t key)
{
    node->key = key;
    if (node->place != 0) {
        invariant(node->place <= h->count && h->nodes[node->place - 1] == node);
        settle(h, node->place - 1, node);
        return;
    }
    if (h->count == h->capacity) {
        h->capacity = h->capacity == 0 ? 16 : 2 * h->capacity;
        h->nodes = xrealloc(h->nodes, h->capacity, sizeof(struct heap_node *));
    }
    h->count++;
    up(h, h->count - 1, node);
}

void heap_remove(struct heap *h, struct heap_node *node)
{
    size_t i = node->place;
    struct heap_node *last;

    if (i == 0)
        return;
    invariant(i <= h->count && h->nodes[i - 1] == node);
    node->place = 0;
    last = h->nodes[--h->count];
    if (last != node)
        settle(h, i - 1, last);
}

bool heap_has(const struct heap_node *node)
{
    return node->place != 0;
}

struct heap_node *heap_top(const struct heap *h)
{
    return h->count == 0 ? NULL : h->nodes[0];
}

usec_t heap_next(const struct heap *h)
{
    return h->count == 0 ? USEC_NEVER : h->nodes[0]->key;
}
