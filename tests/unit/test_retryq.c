/* Retry queue against a naive model: an array of due times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/base/rand.h"
#include "bridge/retry/retryq.h"

#define ITEMS 64
#define BOUND 48

struct model {
    struct retryq *q;
    struct retry_item items[ITEMS];
    usec_t due[ITEMS]; /* USEC_NEVER: not queued */
    usec_t now;
};

static const char *const reasons[] = {"row is locked", "answer was lost", "refused by a rule"};

static usec_t model_next(const struct model *m)
{
    usec_t next = USEC_NEVER;

    for (size_t i = 0; i < ITEMS; i++)
        next = usec_min(next, m->due[i]);
    return next;
}

static size_t model_count(const struct model *m)
{
    size_t n = 0;

    for (size_t i = 0; i < ITEMS; i++)
        n += m->due[i] != USEC_NEVER;
    return n;
}

static void count_item(void *arg, const struct retry_item *item)
{
    assert_true(retryq_has(item));
    assert_non_null(item->reason);
    ++*(size_t *)arg;
}

static void check(const struct model *m)
{
    size_t seen = 0;

    assert_int_equal(retryq_next(m->q), model_next(m));
    assert_int_equal(retryq_count(m->q), model_count(m));
    assert_int_equal(retryq_full(m->q), model_count(m) >= BOUND);
    retryq_each(m->q, count_item, &seen);
    assert_int_equal(seen, model_count(m));
    for (size_t i = 0; i < ITEMS; i++)
        assert_int_equal(retryq_has(&m->items[i]), m->due[i] != USEC_NEVER);
}

static void take_due(struct model *m)
{
    struct retry_item *item;
    usec_t last = INT64_MIN;

    while ((item = retryq_due(m->q, m->now)) != NULL) {
        size_t i = (size_t)(item - m->items);

        assert_true(m->due[i] <= m->now);
        assert_true(m->due[i] >= last);
        assert_false(retryq_has(item));
        last = m->due[i];
        m->due[i] = USEC_NEVER;
    }
    assert_true(model_next(m) > m->now);
}

static void step(struct model *m, struct rand *r)
{
    size_t i = (size_t)rand_between(r, 0, ITEMS - 1);
    const char *reason = reasons[rand_between(r, 0, 2)];

    switch (rand_between(r, 0, 9)) {
    case 0:
        m->now += rand_between(r, 0, 300);
        take_due(m);
        break;
    case 1:
    case 2:
        retryq_remove(m->q, &m->items[i]);
        m->due[i] = USEC_NEVER;
        break;
    default:
        m->due[i] = m->now + rand_between(r, 0, 1000);
        retryq_add(m->q, &m->items[i], m->due[i], reason);
        assert_ptr_equal(m->items[i].reason, reason);
    }
}

static void like_the_model(void **state)
{
    struct rand r;

    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct model m = {.q = retryq_new(BOUND)};

        rand_seed(&r, seed);
        for (size_t i = 0; i < ITEMS; i++)
            m.due[i] = USEC_NEVER;
        for (int i = 0; i < 400; i++) {
            step(&m, &r);
            check(&m);
        }
        m.now += 2000;
        take_due(&m);
        check(&m);
        assert_null(retryq_free(m.q));
    }
}

static void never_due(void **state)
{
    struct retryq *q = retryq_new(1);
    struct retry_item item = {0};

    (void)state;
    assert_int_equal(retryq_next(q), USEC_NEVER);
    assert_null(retryq_due(q, INT64_MAX - 1));
    retryq_add(q, &item, USEC_NEVER, "waits for a person");
    assert_true(retryq_full(q));
    assert_null(retryq_due(q, INT64_MAX - 1));
    retryq_add(q, &item, 5, "sooner");
    assert_int_equal(retryq_count(q), 1);
    assert_null(retryq_due(q, 4));
    assert_ptr_equal(retryq_due(q, 5), &item);
    assert_null(retryq_free(q));
    assert_null(retryq_free(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(like_the_model),
        cmocka_unit_test(never_due),
    };

    return cmocka_run_group_tests_name("retryq", tests, NULL, NULL);
}
