/*
 * A binary heap of one-shot timers, ordered by due time and, within one, by the order in which they
 * were set.
 */
#include "tests/simulator/timers.h"

#include <stdlib.h>

static bool before(const struct timer *a, const struct timer *b)
{
    return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void sink(struct timers *t, size_t i)
{
    struct timer x = t->heap[i];

    for (;;) {
        size_t c = i * 2 + 1;

        if (c + 1 < t->n && before(&t->heap[c + 1], &t->heap[c]))
            c++;
        if (c >= t->n || !before(&t->heap[c], &x))
            break;
        t->heap[i] = t->heap[c];
        i = c;
    }
    t->heap[i] = x;
}

void timers_add(struct timers *t, usec_t due, timer_fn run, void *arg)
{
    struct timer x = {due, t->made++, run, arg};
    size_t i = t->n++;

    if (t->n > t->cap) {
        t->cap = t->cap ? t->cap * 2 : 64;
        t->heap = xresize(t->heap, t->cap * sizeof(*t->heap));
    }
    for (; i > 0 && before(&x, &t->heap[(i - 1) / 2]); i = (i - 1) / 2)
        t->heap[i] = t->heap[(i - 1) / 2];
    t->heap[i] = x;
}

usec_t timers_run(struct timers *t, usec_t now)
{
    uint64_t limit = t->made;

    while (t->n > 0 && t->heap[0].due <= now && t->heap[0].order < limit) {
        struct timer x = t->heap[0];

        t->heap[0] = t->heap[--t->n];
        if (t->n > 0)
            sink(t, 0);
        x.run(x.arg);
    }
    return t->n > 0 ? t->heap[0].due : UINT64_MAX;
}

usec_t timers_next(const struct timers *t)
{
    return t->n > 0 ? t->heap[0].due : UINT64_MAX;
}

void timers_drop(struct timers *t, const void *arg)
{
    size_t n = 0;

    for (size_t i = 0; i < t->n; i++) {
        if (arg != NULL && t->heap[i].arg != arg)
            t->heap[n++] = t->heap[i];
    }
    t->n = n;
    for (size_t i = n / 2; i-- > 0;)
        sink(t, i);
}

void timers_free(struct timers *t)
{
    free(t->heap);
    *t = (struct timers){0};
}
