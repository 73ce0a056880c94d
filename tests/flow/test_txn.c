/* Transactions on the helper thread against a real Kafka. */
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

#define WAIT (30 * USEC_S)

struct env {
    struct loop *loop;
    struct config config;
    char *rows, *state;
    const char *topics[2];
    struct txn_pool *pool;
};

struct wait {
    unsigned answers;
    struct txn_answer a;
};

static void on_answer(void *arg, const struct txn_answer *a, usec_t now)
{
    struct wait *w = arg;
    (void)now;
    w->answers++;
    w->a = *a;
}

static enum txn_end await(struct env *v, struct wait *w)
{
    usec_t end = clock_now() + WAIT;
    while (w->answers == 0 && clock_now() < end)
        loop_turn(v->loop, 100 * USEC_MS);
    assert_int_equal(w->answers, 1);
    w->answers = 0;
    return w->a.end;
}

static void env_init(struct env *v, const char *const *row_settings)
{
    struct err e;
    *v = (struct env){0};
    v->config.kafka.bootstrap_servers = xstrdup(probe_brokers());
    v->config.kafka.group_id = xstrdup("test");
    v->rows = probe_topic("rows", 3, row_settings);
    v->state = probe_topic("state", 1, NULL);
    v->topics[0] = v->rows;
    v->topics[1] = v->state;
    v->loop = loop_new(&e);
    assert_non_null(v->loop);
    v->pool = txn_pool_new(v->loop, &v->config, v->topics, 2, &e);
    assert_non_null(v->pool);
}

static void env_done(struct env *v)
{
    txn_pool_free(v->pool);
    loop_free(v->loop);
    free(v->rows);
    free(v->state);
    free(v->config.kafka.bootstrap_servers);
    free(v->config.kafka.group_id);
}

/* n rows of `size` bytes, and a state record. */
static struct txn_record *records(struct env *v, size_t n, size_t size, const char *mark)
{
    struct txn_record *r = xcalloc(n + 1, sizeof(*r));
    for (size_t i = 0; i < n; i++) {
        char *value = xmalloc(size + 1);
        for (size_t j = 0; j < size; j++) /* not to be compressed away */
            value[j] = (char)('a' + (i * 31 + j * j % 97) % 26);
        value[size] = '\0';
        r[i] = (struct txn_record){.topic = v->rows, .partition = -1};
        r[i].item.key = xasprintf("%s-%zu", mark, i);
        r[i].item.value = value;
        r[i].item.value_length = size;
        r[i].item.headers[0].name = "ce_id";
        r[i].item.headers[0].value = xstrdup(mark);
        r[i].item.headers_count = 1;
    }
    r[n] = (struct txn_record){.topic = v->state, .partition = 0};
    r[n].item.key = xstrdup("c/t");
    r[n].item.value = xstrdup(mark);
    r[n].item.value_length = strlen(mark);
    return r;
}

static enum txn_end fence(struct env *v, struct txn *t)
{
    struct wait w = {0};
    txn_fence(t, on_answer, &w);
    return await(v, &w);
}

static enum txn_end publish(struct env *v, struct txn *t, size_t n, size_t size, const char *mark,
                            struct wait *w)
{
    *w = (struct wait){0};
    txn_publish(t, records(v, n, size, mark), n + 1, on_answer, w);
    return await(v, w);
}

static size_t count(const char *topic)
{
    size_t n;
    struct probe_record *r = probe_read(topic, &n);
    probe_free(r, n);
    return n;
}

static void test_publish(void **state)
{
    struct env v;
    struct wait w;
    size_t n;
    (void)state;
    env_init(&v, NULL);
    char *id = xasprintf("test.%s.0", v.state);
    struct txn *t = txn_new(v.pool, id, true);
    assert_int_equal(fence(&v, t), TXN_DONE);
    txn_topic_holds(t, v.rows, on_answer, &w);
    w = (struct wait){0};
    assert_int_equal(await(&v, &w), TXN_DONE);
    assert_false(w.a.holds);
    assert_int_equal(publish(&v, t, 500, 1000, "first", &w), TXN_DONE);
    assert_int_equal(publish(&v, t, 1, 10, "second", &w), TXN_DONE);
    struct probe_record *r = probe_read(v.rows, &n);
    assert_int_equal(n, 501);
    assert_string_equal(r[0].headers, "ce_id=first\n");
    probe_free(r, n);
    assert_int_equal(count(v.state), 2);
    txn_state_end(t, v.state, 0, on_answer, &w);
    assert_int_equal(await(&v, &w), TXN_DONE);
    assert_int_equal(w.a.offset, 4); /* two records, two control records */
    txn_topic_holds(t, v.rows, on_answer, &w);
    assert_int_equal(await(&v, &w), TXN_DONE);
    assert_true(w.a.holds);
    assert_true(txn_pool_idle(v.pool));
    txn_close(t);
    free(id);
    env_done(&v);
}

/* A second owner fences the first; what the first sends afterwards is never seen. */
static void test_fenced(void **state)
{
    struct env v;
    struct wait w;
    (void)state;
    env_init(&v, NULL);
    char *id = xasprintf("test.%s.0", v.state);
    struct txn *a = txn_new(v.pool, id, true), *b = txn_new(v.pool, id, true);
    assert_int_equal(fence(&v, a), TXN_DONE);
    assert_int_equal(publish(&v, a, 10, 100, "a", &w), TXN_DONE);
    assert_int_equal(fence(&v, b), TXN_DONE);
    assert_int_equal(publish(&v, a, 10, 100, "late", &w), TXN_FENCED);
    assert_int_not_equal(w.a.err.class, ERR_NONE);
    assert_int_equal(publish(&v, b, 10, 100, "b", &w), TXN_DONE);
    assert_int_equal(count(v.rows), 20);
    assert_int_equal(count(v.state), 2);
    assert_int_equal(fence(&v, a), TXN_DONE); /* and back */
    assert_int_equal(publish(&v, a, 1, 100, "again", &w), TXN_DONE);
    free(id);
    env_done(&v);
}

static void too_large(bool transactional)
{
    static const char *const small[] = {"max.message.bytes", "20000", NULL};
    struct env v;
    struct wait w;
    env_init(&v, small);
    char *id = xasprintf("test.%s.0", v.state);
    struct txn *t = txn_new(v.pool, id, transactional);
    assert_int_equal(fence(&v, t), TXN_DONE);
    assert_int_equal(publish(&v, t, 3, 50000, "topic", &w), TXN_TOO_LARGE);
    assert_int_equal(publish(&v, t, 3, 3000000, "client", &w), TXN_TOO_LARGE);
    assert_int_equal(w.a.too_large, 0);
    assert_int_equal(count(v.rows), 0);
    assert_int_equal(count(v.state), 0);
    /* librdkafka 2.0.2 may first find its sequence numbers skipped, and abort once more. */
    for (unsigned i = 0; i < 3 && publish(&v, t, 3, 100, "fine", &w) != TXN_DONE; i++)
        assert_int_equal(w.a.end, TXN_AGAIN);
    assert_int_equal(w.a.end, TXN_DONE);
    assert_int_equal(count(v.rows), 3);
    assert_int_equal(count(v.state), 1);
    free(id);
    env_done(&v);
}

static void test_too_large(void **state)
{
    (void)state;
    too_large(true);
}

static void test_too_large_plain(void **state)
{
    (void)state;
    too_large(false);
}

/* A topic that is gone must not end in a commit of the state without its rows. */
static void test_topic_deleted(void **state)
{
    struct env v;
    struct wait w;
    (void)state;
    env_init(&v, NULL);
    char *id = xasprintf("test.%s.0", v.state);
    struct txn *t = txn_new(v.pool, id, true);
    assert_int_equal(fence(&v, t), TXN_DONE);
    assert_int_equal(publish(&v, t, 3, 100, "before", &w), TXN_DONE);
    probe_delete_topic(v.rows);
    assert_int_not_equal(publish(&v, t, 3, 100, "after", &w), TXN_DONE);
    assert_int_equal(count(v.state), 1);
    free(id);
    env_done(&v);
}

/* Closing with work under way: no answer comes, nothing hangs, the others go on. */
static void test_close(void **state)
{
    struct env v;
    struct wait w = {0}, dropped = {0};
    (void)state;
    env_init(&v, NULL);
    struct txn *a = txn_new(v.pool, v.state, true), *b = txn_new(v.pool, v.rows, true);
    txn_fence(a, on_answer, &dropped);
    txn_publish(a, records(&v, 5, 100, "a"), 6, on_answer, &dropped);
    txn_close(a);
    assert_int_equal(fence(&v, b), TXN_DONE);
    assert_int_equal(publish(&v, b, 5, 100, "b", &w), TXN_DONE);
    assert_int_equal(dropped.answers, 0);
    env_done(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_publish),       cmocka_unit_test(test_fenced),
        cmocka_unit_test(test_too_large),     cmocka_unit_test(test_too_large_plain),
        cmocka_unit_test(test_topic_deleted), cmocka_unit_test(test_close),
    };
    (void)probe_brokers();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
