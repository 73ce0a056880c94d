/* Heap against a naive model: put, move, remove, and the order they come out in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bridge/base/heap.h"
#include "bridge/base/rand.h"

#define NODES 200

static usec_t least(const struct heap_node nodes[NODES])
{
    usec_t key = USEC_NEVER;

    for (size_t i = 0; i < NODES; i++)
        if (heap_has(&nodes[i]))
            key = usec_min(key, nodes[i].key);
    return key;
}

static void like_the_model(void **state)
{
    struct rand r;

    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct heap_node nodes[NODES] = {0};
        struct heap h;

        rand_seed(&r, seed);
        heap_init(&h);
        for (int i = 0; i < 1000; i++) {
            struct heap_node *node = &nodes[rand_between(&r, 0, NODES - 1)];

            if (rand_between(&r, 0, 2) == 0)
                heap_remove(&h, node);
            else
                heap_put(&h, node, rand_between(&r, -50, 50));
            assert_int_equal(heap_next(&h), least(nodes));
            assert_int_equal(heap_top(&h) == NULL, h.count == 0);
            if (h.count > 0)
                assert_int_equal(heap_top(&h)->key, least(nodes));
            for (size_t n = 0; n < h.count; n++)
                assert_int_equal(h.nodes[n]->place, n + 1);
        }
        heap_done(&h);
        for (size_t i = 0; i < NODES; i++)
            assert_false(heap_has(&nodes[i]));
    }
}

static void comes_out_sorted(void **state)
{
    const size_t n = 10000;
    struct heap_node *nodes = calloc(n, sizeof *nodes);
    usec_t last = INT64_MIN;
    struct rand r;
    struct heap h;

    (void)state;
    assert_non_null(nodes);
    rand_seed(&r, 1);
    heap_init(&h);
    for (size_t i = 0; i < n; i++)
        heap_put(&h, &nodes[i], (int64_t)rand_next(&r));
    assert_int_equal(h.count, n);
    while (heap_top(&h) != NULL) {
        assert_true(heap_top(&h)->key >= last);
        last = heap_top(&h)->key;
        heap_remove(&h, heap_top(&h));
    }
    heap_done(&h);
    free(nodes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(like_the_model),
        cmocka_unit_test(comes_out_sorted),
    };

    return cmocka_run_group_tests_name("heap", tests, NULL, NULL);
}
