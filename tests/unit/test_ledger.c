/* The ledger against a plain list in order of use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/rand.h"
#include "bridge/base/xalloc.h"
#include "consumers/ledger.h"

#define KEYS 12
#define MOST 5

struct entry {
    int key;
    long long mods; /* tells one copy of a record from the next */
};

struct model {
    struct entry used[MOST]; /* the oldest use first */
    int count;
};

static void key_of(int n, unsigned char out[LANE_KEY_SIZE])
{
    memset(out, 0, LANE_KEY_SIZE);
    out[LANE_KEY_SIZE - 1] = (unsigned char)n;
}

static int place(const struct model *m, int key)
{
    for (int i = 0; i < m->count; i++)
        if (m->used[i].key == key)
            return i;
    return -1;
}

static void forget(struct model *m, int key)
{
    int i = place(m, key);

    if (i < 0)
        return;
    m->count--;
    memmove(&m->used[i], &m->used[i + 1], (size_t)(m->count - i) * sizeof m->used[0]);
}

static void use(struct model *m, int key, long long mods)
{
    forget(m, key);
    if (m->count == MOST)
        forget(m, m->used[0].key);
    m->used[m->count++] = (struct entry){.key = key, .mods = mods};
}

static struct record make(long long mods)
{
    return (struct record){
        .sys_id = xasprintf("%032llx", mods), .number = xstrdup("INC0000001"), .mod_count = mods};
}

static void put(struct ledger *l, struct model *m, int key, long long mods)
{
    unsigned char bytes[LANE_KEY_SIZE];
    struct record r = make(mods);

    key_of(key, bytes);
    ledger_put(l, bytes, &r);
    use(m, key, mods);
    record_done(&r); /* the ledger holds a copy of its own */
}

static void find(struct ledger *l, struct model *m, int key)
{
    unsigned char bytes[LANE_KEY_SIZE];
    const struct record *r;
    char text[33];
    int i = place(m, key);

    key_of(key, bytes);
    r = ledger_find(l, bytes);
    assert_int_equal(r != NULL, i >= 0);
    if (r == NULL)
        return;
    assert_int_equal(r->mod_count, m->used[i].mods);
    (void)snprintf(text, sizeof text, "%032llx", m->used[i].mods);
    assert_string_equal(r->sys_id, text);
    use(m, key, m->used[i].mods);
}

static void as_the_plain_list(void **state)
{
    struct ledger *l = ledger_new(MOST);
    struct model m = {0};
    struct rand r;

    (void)state;
    rand_seed(&r, 3);
    for (int n = 0; n < 20000; n++) {
        int key = (int)rand_between(&r, 0, KEYS - 1);
        unsigned char bytes[LANE_KEY_SIZE];

        switch (rand_between(&r, 0, 4)) {
        case 0:
            key_of(key, bytes);
            ledger_forget(l, bytes);
            forget(&m, key);
            break;
        case 1:
        case 2:
            put(l, &m, key, n);
            break;
        default:
            find(l, &m, key);
        }
        assert_int_equal(ledger_count(l), m.count);
    }
    assert_null(ledger_free(l));
}

static void remembers_the_settle_time_with_the_record(void **state)
{
    struct ledger *l = ledger_new(1);
    unsigned char key[LANE_KEY_SIZE] = {1}, other[LANE_KEY_SIZE] = {2};
    struct record r = make(1);

    (void)state;
    ledger_settle(l, key, 90);
    assert_int_equal(ledger_settle_until(l, key), 0); /* the record is not known */
    ledger_put(l, key, &r);
    ledger_settle(l, key, 90);
    ledger_put(l, key, &r);
    assert_non_null(ledger_find(l, key));
    assert_int_equal(ledger_settle_until(l, key), 90);
    assert_int_equal(ledger_settle_until(l, other), 0);
    ledger_put(l, other, &r);
    assert_int_equal(ledger_settle_until(l, key), 0);
    record_done(&r);
    (void)ledger_free(l);
}

static void knows_when_it_was_seen(void **state)
{
    struct ledger *l = ledger_new(2);
    unsigned char key[LANE_KEY_SIZE] = {1}, other[LANE_KEY_SIZE] = {2};
    struct record r = make(1);

    (void)state;
    ledger_seen(l, key, 7); /* the record is not known */
    assert_int_equal(ledger_seen_at(l, key), 0);
    ledger_put(l, key, &r);
    ledger_put(l, other, &r);
    assert_int_equal(ledger_seen_at(l, key), 0);
    ledger_seen(l, key, 7);
    ledger_put(l, key, &r);
    assert_int_equal(ledger_seen_at(l, key), 7);
    assert_int_equal(ledger_seen_at(l, other), 0);
    ledger_seen(l, other, 8);
    ledger_age(l);
    assert_int_equal(ledger_seen_at(l, key), 0);
    assert_int_equal(ledger_seen_at(l, other), 0);
    assert_non_null(ledger_find(l, key)); /* aged, not forgotten */
    record_done(&r);
    (void)ledger_free(l);
}

static void holds_nothing_when_it_may_not(void **state)
{
    struct ledger *l = ledger_new(0);
    unsigned char key[LANE_KEY_SIZE] = {1};
    struct record r = make(1);

    (void)state;
    ledger_put(l, key, &r);
    assert_int_equal(ledger_count(l), 0);
    assert_null(ledger_find(l, key));
    record_done(&r);
    (void)ledger_free(l);
    assert_null(ledger_free(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_the_plain_list),
        cmocka_unit_test(remembers_the_settle_time_with_the_record),
        cmocka_unit_test(knows_when_it_was_seen),
        cmocka_unit_test(holds_nothing_when_it_may_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
