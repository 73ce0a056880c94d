/* Generator: the published numbers of splitmix64, bounds, uniformity. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/base/attr.h"
#include "bridge/base/rand.h"

static void known_numbers(void **state)
{
    static const uint64_t known[] = {
        UINT64_C(6457827717110365317),  UINT64_C(3203168211198807973),
        UINT64_C(9817491932198370423),  UINT64_C(4593380528125082431),
        UINT64_C(16408922859458223821),
    };
    struct rand r;

    (void)state;
    rand_seed(&r, 1234567);
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        assert_true(rand_next(&r) == known[i]);
}

static void bounds(void **state)
{
    struct rand r;

    (void)state;
    rand_seed(&r, 1);
    for (int i = 0; i < 10000; i++) {
        int64_t low = (int64_t)rand_next(&r), high = (int64_t)rand_next(&r), x;

        x = rand_between(&r, low, high);
        if (high < low)
            assert_true(x == low);
        else
            assert_true(x >= low && x <= high);
        assert_true(rand_between(&r, low, low) == low);
    }
    (void)rand_between(&r, INT64_MIN, INT64_MAX);
}

static void uniform(void **state)
{
    unsigned counts[7] = {0};
    struct rand r;

    (void)state;
    rand_seed(&r, 2);
    for (int i = 0; i < 70000; i++)
        counts[rand_between(&r, -3, 3) + 3]++;
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        assert_in_range(counts[i], 9600, 10400);
}

static void system_seeds_differ(void **state)
{
    struct rand a, b;

    (void)state;
    rand_seed_system(&a);
    rand_seed_system(&b);
    assert_true(rand_next(&a) != rand_next(&b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_numbers),
        cmocka_unit_test(bounds),
        cmocka_unit_test(uniform),
        cmocka_unit_test(system_seeds_differ),
    };

    return cmocka_run_group_tests_name("rand", tests, NULL, NULL);
}
