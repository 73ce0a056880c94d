/* Memory of published rows from a real topic: newest versions, tombstones, markers, records of an
 * aborted transaction, and no more records than fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"
#include "producers/txn.h"
#include "tests/support/kafka_probe.h"

#define WAIT (40 * USEC_S)

struct env {
    struct loop *loop;
    struct config config;
    char *rows, *state;
    const char *topics[2];
    struct txn_pool *pool;
    struct txn *txn;
    bool answered;
    struct txn_answer a;
    struct lastseen *seen;
    size_t read;
};

static void on_answer(void *arg, const struct txn_answer *a, usec_t now)
{
    struct env *v = arg;
    (void)now;
    v->answered = true;
    v->a = *a;
    if (a->rebuild != NULL) {
        v->read = rebuild_records(a->rebuild);
        v->seen = rebuild_take(a->rebuild);
    }
}

static void await(struct env *v)
{
    usec_t end = clock_now() + WAIT;
    while (!v->answered && clock_now() < end)
        loop_turn(v->loop, 100 * USEC_MS);
    assert_true(v->answered);
    v->answered = false;
}

static void env_init(struct env *v)
{
    struct err e;
    *v = (struct env){0};
    v->config.kafka.bootstrap_servers = xstrdup(probe_brokers());
    v->config.kafka.group_id = xstrdup("test");
    v->rows = probe_topic("rows", 3, NULL);
    v->state = probe_topic("state", 1, NULL);
    v->topics[0] = v->rows;
    v->topics[1] = v->state;
    v->loop = loop_new(&e);
    assert_non_null(v->loop);
    v->pool = txn_pool_new(v->loop, &v->config, v->topics, 2, &e);
    assert_non_null(v->pool);
    v->txn = txn_new(v->pool, v->state, true);
    txn_fence(v->txn, on_answer, v);
    await(v);
    assert_int_equal(v->a.end, TXN_DONE);
}

static void env_done(struct env *v)
{
    txn_close(v->txn);
    txn_pool_free(v->pool);
    loop_free(v->loop);
    lastseen_free(v->seen);
    free(v->rows);
    free(v->state);
    free(v->config.kafka.bootstrap_servers);
    free(v->config.kafka.group_id);
}

/* value NULL: a tombstone. Takes value. */
static struct txn_record record(const struct env *v, size_t i, char *value)
{
    struct txn_record r = {.topic = v->rows, .partition = -1};
    r.item.key = xasprintf("%zx", i);
    r.item.value = value;
    r.item.value_length = value != NULL ? strlen(value) : 0;
    return r;
}

static char *version(size_t mod_count, const char *x)
{
    return xasprintf("{\"sys_mod_count\":\"%zu\",\"record\":{\"x\":\"%s\",\"y\":\"1\"}}", mod_count,
                     x);
}

static void publish(struct env *v, struct txn_record *records, size_t n)
{
    txn_publish(v->txn, records, n, on_answer, v);
    await(v);
    assert_int_equal(v->a.end, TXN_DONE);
}

/* As a table does it: the fence waits until what was committed can be seen. */
static void rebuild(struct env *v, size_t bytes)
{
    txn_fence(v->txn, on_answer, v);
    await(v);
    assert_int_equal(v->a.end, TXN_DONE);
    v->seen = lastseen_free(v->seen);
    txn_rebuild(v->txn, rebuild_new(&v->config, v->rows, bytes), on_answer, v);
    await(v);
    assert_int_equal(v->a.end, TXN_DONE);
    assert_int_equal(v->a.err.class, ERR_NONE);
    assert_non_null(v->seen);
}

static void check_known(const struct env *v, size_t i, long long mod_count, const char *x)
{
    char *key = xasprintf("%zx", i);
    long long got = -1;
    assert_int_equal(lastseen_mod_count(v->seen, key, &got), mod_count >= 0);
    if (mod_count >= 0) {
        json_t *row = json_pack("{s:s, s:s}", "x", x, "y", "2");
        json_t *changed = lastseen_changed(v->seen, key, row);
        assert_int_equal(got, mod_count);
        assert_int_equal(json_array_size(changed), 1);
        assert_string_equal(json_string_value(json_array_get(changed, 0)), "y");
        json_decref(changed);
        json_decref(row);
    }
    free(key);
}

static void test_rebuild(void **state)
{
    struct env v;
    (void)state;
    env_init(&v);
    rebuild(&v, (size_t)1 << 20); /* of an empty topic */
    assert_int_equal(lastseen_count(v.seen), 0);
    struct txn_record *r = xcalloc(20, sizeof(*r));
    for (size_t i = 0; i < 10; i++) {
        r[i] = record(&v, i, version(i, "old"));
        r[10 + i] = record(&v, i, version(i + 1, "new"));
    }
    publish(&v, r, 20);
    r = xcalloc(3, sizeof(*r));
    r[0] = record(&v, 3, NULL);
    r[1] = record(&v, 4, xstrdup("{\"sys_mod_count\":\"9\",\"record\":null}"));
    r[2] = record(&v, 5, xstrdup("no JSON"));
    publish(&v, r, 3);
    rebuild(&v, (size_t)1 << 20);
    assert_int_equal(v.read, 23);
    for (size_t i = 0; i < 10; i++)
        check_known(&v, i, i >= 3 && i <= 5 ? -1 : (long long)i + 1, "new");
    env_done(&v);
}

static void test_no_more_than_fits(void **state)
{
    struct env v;
    (void)state;
    env_init(&v);
    struct txn_record *r = xcalloc(3000, sizeof(*r));
    for (size_t i = 0; i < 3000; i++)
        r[i] = record(&v, i % 1000, version(i, "new"));
    publish(&v, r, 3000);
    rebuild(&v, (size_t)64 << 10);
    print_message("%zu records read, %zu rows\n", v.read, lastseen_count(v.seen));
    assert_true(v.read <= (size_t)3 * ((64 << 10) / 512 / 3 + 1));
    assert_true(v.read >= 100 && lastseen_count(v.seen) > 50);
    long long mod_count;
    assert_true(lastseen_mod_count(v.seen, "3e7", &mod_count)); /* the last one, 999 */
    assert_int_equal(mod_count, 2999);
    env_done(&v);
}

/* The table was given away meanwhile: nobody waits, nothing is leaked. */
static void test_dropped(void **state)
{
    struct env v;
    (void)state;
    env_init(&v);
    txn_rebuild(v.txn, rebuild_new(&v.config, v.rows, 4096), on_answer, &v);
    loop_turn(v.loop, 0);
    env_done(&v);
    assert_false(v.answered);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rebuild),
        cmocka_unit_test(test_no_more_than_fits),
        cmocka_unit_test(test_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
