/* Near matches: distances against a plain recursive reading, and what is offered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/base/near.h"
#include "bridge/base/rand.h"

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The definition, word for word, of the last characters of both. */
static size_t plain(const char *a, size_t la, const char *b, size_t lb)
{
    size_t d;

    if (la == 0 || lb == 0)
        return la + lb;
    d = least(plain(a, la - 1, b, lb), plain(a, la, b, lb - 1)) + 1;
    d = least(d, plain(a, la - 1, b, lb - 1) + (a[la - 1] != b[lb - 1]));
    if (la > 1 && lb > 1 && a[la - 1] == b[lb - 2] && a[la - 2] == b[lb - 1])
        d = least(d, plain(a, la - 2, b, lb - 2) + 1);
    return d;
}

static void test_distance(void **state)
{
    struct rand r;
    char a[7], b[7];

    (void)state;
    rand_seed(&r, 7);
    for (int round = 0; round < 300; round++) {
        size_t la = (size_t)(rand_next(&r) % 7), lb = (size_t)(rand_next(&r) % 7);

        for (size_t i = 0; i < la; i++)
            a[i] = (char)('a' + (rand_next(&r) % 3));
        for (size_t i = 0; i < lb; i++)
            b[i] = (char)('a' + (rand_next(&r) % 3));
        a[la] = b[lb] = '\0';
        assert_int_equal(near_distance(a, b), plain(a, la, b, lb));
    }
    assert_int_equal(near_distance("ABC", "abc"), 0);
}

static void offered(const char *wanted, const char *const *candidates, size_t n, const char *text)
{
    struct near near;
    struct buf out;

    buf_init(&out, 1000);
    near_init(&near, wanted);
    for (size_t i = 0; i < n; i++)
        near_offer(&near, candidates[i]);
    near_text(&near, &out);
    assert_string_equal(buf_text(&out), text);
    near_done(&near);
    buf_done(&out);
}

static void test_offers(void **state)
{
    const char *const groups[] = {"Network",           "Database",     "Service Desk",
                                  "Service desk EMEA", "Servcie Desk", "Service Disk",
                                  "Hardware"};

    (void)state;
    offered("Service Dsk", groups, 7, "'Service Desk', 'Service Disk' or 'Servcie Desk'");
    offered("netwrok", groups, 7, "'Network'");
    offered("Service", groups, 4, "'Service Desk' or 'Service desk EMEA'");
    offered("Payroll", groups, 7, "");
    offered("", groups, 7, "");
}

/* Names of any length are looked at by their first bytes. */
static void test_long_names(void **state)
{
    char *name = malloc(100001);
    struct near n;

    (void)state;
    assert_non_null(name);
    memset(name, 'x', 100000);
    name[100000] = '\0';
    near_init(&n, name);
    near_offer(&n, name);
    assert_int_equal(n.count, 1);
    near_done(&n);
    free(name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distance),
        cmocka_unit_test(test_offers),
        cmocka_unit_test(test_long_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
