/* What was published last: random histories against a model that keeps whole rows, the bound in
 * bytes, and the echo guard that leans on it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/rand.h"
#include "bridge/base/xalloc.h"
#include "producers/echo.h"
#include "producers/lastseen.h"

#define ROWS    40
#define COLUMNS 12
#define ROUNDS  20000

static void name_of(int64_t i, char out[16])
{
    (void)snprintf(out, 16, "u_%02d", (int)i);
}

/* A row whose columns are those of `shape` (bits), in an order of their own. */
static json_t *row_of(struct rand *r, unsigned shape, bool display)
{
    json_t *o = json_object();
    int64_t first = rand_between(r, 0, COLUMNS - 1);
    char name[16], value[16];
    for (int64_t k = 0; k < COLUMNS; k++) {
        int64_t i = (first + k) % COLUMNS;
        if ((shape >> i & 1U) == 0)
            continue;
        name_of(i, name);
        (void)snprintf(value, sizeof(value), "%d", (int)rand_between(r, 0, 2));
        json_object_set_new(o, name,
                            display
                                ? json_pack("{s:s, s:s}", "display_value", "shown", "value", value)
                                : json_string(value));
    }
    json_object_set_new(o, "sys_updated_on", json_string("2026-11-24 20:15:42"));
    (void)snprintf(value, sizeof(value), "%d", (int)rand_between(r, 0, 1000));
    json_object_set_new(o, "sys_mod_count", json_string(value));
    json_object_set_new(o, "sys_updated_by", json_string(value));
    return o;
}

static const char *stored(const json_t *row, const char *name)
{
    const json_t *m = json_object_get(row, name);
    return json_is_object(m) ? json_string_value(json_object_get(m, "value"))
                             : json_string_value(m);
}

/* The names in which two rows differ, read naively. */
static json_t *differ(const json_t *old, const json_t *row)
{
    json_t *names = json_array();
    char name[16];
    for (int64_t i = 0; i < COLUMNS; i++) {
        name_of(i, name);
        const char *a = stored(old, name), *b = stored(row, name);
        if (a != NULL && b != NULL && strcmp(a, b) != 0)
            json_array_append_new(names, json_string(name));
    }
    return names;
}

struct model {
    json_t *published[ROWS]; /* NULL: not known */
    long long mod_count[ROWS];
    bool known[ROWS];
};

static void check_row(const struct lastseen *s, const struct model *m, size_t i, const char *id,
                      const json_t *row)
{
    long long mod_count = -1;
    assert_int_equal(lastseen_mod_count(s, id, &mod_count), m->known[i]);
    if (m->known[i])
        assert_int_equal(mod_count, m->mod_count[i]);
    json_t *changed = lastseen_changed(s, id, row);
    if (m->published[i] == NULL) {
        assert_null(changed);
        return;
    }
    json_t *want = differ(m->published[i], row);
    assert_true(json_equal(changed, want));
    json_decref(want);
    json_decref(changed);
}

static void test_against_model(void **state)
{
    struct lastseen *s = lastseen_new((size_t)1 << 20);
    struct model m = {0};
    struct rand r;
    (void)state;
    rand_seed(&r, 11);
    for (int round = 0; round < ROUNDS; round++) {
        size_t i = (size_t)rand_between(&r, 0, ROWS - 1);
        unsigned shapes[] = {0xFFF, 0xFFF, 0xFFF, 0x0FF, 0};
        char id[33];
        (void)snprintf(id, sizeof(id), "%032zx", i);
        json_t *row = row_of(&r, shapes[rand_between(&r, 0, 4)], rand_between(&r, 0, 1) != 0);
        check_row(s, &m, i, id, row);
        switch (rand_between(&r, 0, 9)) {
        case 0:
            lastseen_forget(s, id);
            json_decref(m.published[i]);
            m.published[i] = NULL;
            m.known[i] = false;
            break;
        case 1:
            lastseen_left_out(s, id, round);
            m.mod_count[i] = round;
            m.known[i] = true;
            break;
        default:
            lastseen_published(s, id, round, row);
            json_decref(m.published[i]);
            m.published[i] = json_incref(row);
            m.mod_count[i] = round;
            m.known[i] = true;
        }
        json_decref(row);
    }
    for (size_t i = 0; i < ROWS; i++)
        json_decref(m.published[i]);
    lastseen_clear(s);
    assert_int_equal(lastseen_count(s), 0);
    assert_int_equal(lastseen_bytes(s), 0);
    lastseen_free(s);
}

/* A row as wide as an incident. */
static json_t *wide_row(size_t i)
{
    json_t *o = json_object();
    char name[32], value[32];
    for (int k = 0; k < 90; k++) {
        (void)snprintf(name, sizeof(name), "some_column_name_%d", k);
        (void)snprintf(value, sizeof(value), "%zu of %d", i, k);
        json_object_set_new(o, name, json_string(value));
    }
    return o;
}

#define WIDE 4000

static void test_bound(void **state)
{
    const size_t max = (size_t)1 << 20;
    struct lastseen *s = lastseen_new(max);
    char id[33];
    (void)state;
    size_t before = mallinfo2().uordblks;
    for (size_t i = 0; i < WIDE; i++) {
        json_t *row = wide_row(i);
        (void)snprintf(id, sizeof(id), "%032zx", i);
        lastseen_published(s, id, 1, row);
        json_decref(row);
        assert_true(lastseen_bytes(s) <= max);
        (void)snprintf(id, sizeof(id), "%032zx", (size_t)0); /* used again and again: it stays */
        lastseen_left_out(s, id, (long long)i);
    }
    long long mod_count;
    size_t count = lastseen_count(s);
    print_message("%zu rows of 90 columns in %zu bytes by its own count, %zu by malloc's\n", count,
                  lastseen_bytes(s), mallinfo2().uordblks - before);
    assert_true(count > 1800 && count < WIDE);
    assert_true(lastseen_mod_count(s, id, &mod_count));
    (void)snprintf(id, sizeof(id), "%032zx", (size_t)1);
    assert_false(lastseen_mod_count(s, id, &mod_count)); /* the oldest went first */
    (void)snprintf(id, sizeof(id), "%032zx", (size_t)WIDE - 1);
    assert_true(lastseen_mod_count(s, id, &mod_count));
    lastseen_free(s);
}

static void test_tiny(void **state)
{
    static const size_t bounds[] = {0, 1, 200, 700};
    long long mod_count;
    json_t *row = wide_row(1);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bounds); i++) {
        struct lastseen *s = lastseen_new(bounds[i]);
        lastseen_published(s, "a", 3, row);
        lastseen_left_out(s, "b", 3);
        assert_true(lastseen_bytes(s) <= bounds[i]);
        assert_false(lastseen_mod_count(s, "a", &mod_count));
        assert_null(lastseen_changed(s, "a", row));
        lastseen_free(s);
    }
    json_decref(row);
}

/* Echo guard ----------------------------------------------------------------------------------- */

static void test_echo_of(void **state)
{
    (void)state;
    assert_int_equal(echo_of(NULL, "anna"), ECHO_UNKNOWN);
    assert_int_equal(echo_of("bridge", NULL), ECHO_UNKNOWN);
    assert_int_equal(echo_of("bridge", ""), ECHO_UNKNOWN);
    assert_int_equal(echo_of("bridge", "anna"), ECHO_OTHER);
    assert_int_equal(echo_of("bridge", "Bridge"), ECHO_OWN);
}

/* A row is written by the bridge and by people in any order and seen now and then. Whatever is left
 * out, every person's change lies in a version that was published after it. */
static void test_no_persons_change_is_left_out(void **state)
{
    struct rand r;
    unsigned left_out = 0;
    (void)state;
    rand_seed(&r, 5);
    for (int history = 0; history < 3000; history++) {
        struct lastseen *s = lastseen_new(4096);
        bool waits = false; /* a person's change that no published version holds yet */
        int mod_count = -1;
        json_t *row = json_object();
        for (int step = 0; step < 30; step++) {
            const char *by = rand_between(&r, 0, 2) == 0 ? "anna" : "bridge";
            char count[16];
            mod_count++;
            waits = waits || by[0] == 'a';
            if (rand_between(&r, 0, 1) == 0)
                continue; /* not polled in between */
            if (rand_between(&r, 0, 9) == 0)
                lastseen_clear(s); /* forgotten, or the process is another one */
            (void)snprintf(count, sizeof(count), "%d", mod_count);
            const struct page_row version = {.sys_id = "a", .mod_count = count};
            if (echo_leaves_out(echo_of("bridge", by), s, &version)) {
                left_out++;
                assert_false(waits);
                lastseen_left_out(s, "a", mod_count);
            } else {
                waits = false;
                lastseen_published(s, "a", mod_count, row);
            }
        }
        json_decref(row);
        lastseen_free(s);
    }
    assert_true(left_out > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_model),
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_tiny),
        cmocka_unit_test(test_echo_of),
        cmocka_unit_test(test_no_persons_change_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
