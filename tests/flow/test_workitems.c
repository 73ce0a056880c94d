/* Work items end to end on the Kafka side: the real parts of producers/ against a real Kafka. The
 * ServiceNow client and the consumer group are stood in for by this file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"
#include "producers/control.h"
#include "producers/txn.h"
#include "producers/workitems.h"
#include "tests/support/kafka_probe.h"

#define ROWS_MAX 64
#define WAIT     (40 * USEC_S)

struct row {
    msec_t updated;
    long long mod;
    size_t padding;
};

/* The instance: one table, one request at a time. */
struct snow {
    struct row rows[ROWS_MAX];
    size_t count;
    struct snow_op op;
    snow_fn fn;
    void *arg;
    bool asked, waiting;
    unsigned requests;
    bool confirm_ours;
    void (*confirm)(void *arg, bool ours, usec_t now);
    void *confirm_arg;
    unsigned confirms;
};

static struct snow *instance; /* group_confirm has no other way to it */

unsigned snow_room(struct snow *s, enum window_class c, bool waiting, usec_t now)
{
    (void)now;
    assert_int_equal(c, WINDOW_SYNC);
    s->waiting = waiting;
    return s->asked ? 0 : 1;
}

int snow_submit(struct snow *s, enum window_class c, const struct snow_op *ops, size_t n,
                snow_fn fn, void *arg, usec_t now, struct err *e)
{
    (void)c;
    (void)now;
    (void)e;
    assert_int_equal(n, 1);
    assert_false(s->asked);
    s->op = ops[0];
    s->fn = fn;
    s->arg = arg;
    s->asked = true;
    s->requests++;
    return 0;
}

const struct window *snow_window(const struct snow *s)
{
    (void)s;
    return NULL;
}

usec_t window_next(const struct window *w)
{
    (void)w;
    return USEC_NEVER;
}

msec_t snow_clock_skew(const struct snow *s)
{
    (void)s;
    return 0;
}

void group_confirm(struct group *g, void (*fn)(void *arg, bool ours, usec_t now), void *arg)
{
    (void)g;
    instance->confirm = fn;
    instance->confirm_arg = arg;
    instance->confirms++;
}

static json_t *row_json(size_t i, const struct row *r)
{
    char at[CLOCK_SN_SIZE];
    clock_format_sn(r->updated, at);
    char *id = xasprintf("%032zx", i), *mod = xasprintf("%lld", r->mod);
    char *padding = xcalloc(r->padding + 1, 1);
    for (size_t j = 0; j < r->padding; j++)
        padding[j] = (char)('a' + (j * j % 89 + j / 89) % 26);
    json_t *o = json_pack("{s:s, s:s, s:s, s:s}", "sys_id", id, "sys_updated_on", at,
                          "sys_mod_count", mod, "u_padding", padding);
    free(id);
    free(mod);
    free(padding);
    return o;
}

/* Rows are kept in the order of their keys by the tests that make them. */
static json_t *list(const struct snow *s)
{
    char from[CLOCK_SN_SIZE] = "", id[40] = "", to[CLOCK_SN_SIZE] = "9";
    const char *at = strstr(s->op.query, "sys_updated_on>"), *key = strstr(s->op.query, "sys_id>");
    const char *end = strstr(s->op.query, "sys_updated_on<=");
    size_t limit = s->op.kind == SNOW_COUNT ? SIZE_MAX : (size_t)s->op.limit;
    json_t *rows = json_array();
    if (at != NULL)
        (void)snprintf(from, sizeof(from), "%.19s", at + strlen("sys_updated_on>="));
    if (key != NULL)
        (void)snprintf(id, sizeof(id), "%.32s", key + strlen("sys_id>"));
    if (end != NULL)
        (void)snprintf(to, sizeof(to), "%.19s", end + strlen("sys_updated_on<="));
    for (size_t i = 0; i < s->count && json_array_size(rows) < limit; i++) {
        json_t *o = row_json(i, &s->rows[i]);
        const char *t = json_string_value(json_object_get(o, "sys_updated_on"));
        const char *k = json_string_value(json_object_get(o, "sys_id"));
        if (strcmp(t, to) <= 0 &&
            (strcmp(t, from) > 0 || (strcmp(t, from) == 0 && strcmp(k, id) > 0)))
            (void)json_array_append_new(rows, o);
        else
            json_decref(o);
    }
    return rows;
}

static void snow_answer(struct snow *s, usec_t now)
{
    if (!s->asked)
        return;
    struct snow_op op = s->op;
    json_t *rows = list(s);
    struct snow_outcome o = {.verdict = SNOW_OK,
                             .status = 200,
                             .result = rows,
                             .date = clock_wall() / 1000 * 1000,
                             .total_count =
                                 op.kind == SNOW_COUNT ? (long long)json_array_size(rows) : -1,
                             .sent = true};
    s->asked = false;
    s->fn(s->arg, &op, &o, 1, now);
    json_decref(rows);
}

struct env {
    struct loop *loop;
    struct config config;
    struct config_producer producer;
    struct snow snow;
    struct metrics *metrics;
    struct workitems *w;
    struct loop_tick *tick;
    char *rows, *state;
    const char *request; /* key of one whose tombstone comes right behind its transaction's start */
};

static void state_record(struct env *v, const char *key, const char *value)
{
    rd_kafka_message_t m = {.len = value != NULL ? strlen(value) : 0};
    char *own_key = xstrdup(key), *own_value = xstrdup(value);
    m.key = own_key;
    m.key_len = strlen(key);
    m.payload = own_value;
    workitems_state_record(v->w, 0, &m, loop_now(v->loop));
    free(own_key);
    free(own_value);
}

static usec_t on_tick(void *arg, usec_t now)
{
    struct env *v = arg;
    bool clock = v->snow.asked && v->snow.op.kind == SNOW_LIST && v->snow.op.limit == 1;
    snow_answer(&v->snow, now);
    if (clock && v->request != NULL)
        state_record(v, v->request, NULL);
    if (v->snow.confirm != NULL) {
        void (*fn)(void *, bool, usec_t) = v->snow.confirm;
        v->snow.confirm = NULL;
        fn(v->snow.confirm_arg, v->snow.confirm_ours, now);
    }
    if (v->w == NULL)
        return USEC_NEVER;
    usec_t next = workitems_tick(v->w, now);
    assert_false(v->snow.waiting); /* the one table has its request, or wants none */
    return next;
}

static void env_init(struct env *v, const char *const *row_settings)
{
    static char table[] = "incident", empty[] = "", host[] = "acme.service-now.com", name[] = "c";
    struct err e;
    *v = (struct env){.snow.confirm_ours = true};
    instance = &v->snow;
    v->rows = probe_topic("items", 2, row_settings);
    v->state = probe_topic("state", 1, NULL);
    v->config.kafka.bootstrap_servers = xstrdup(probe_brokers());
    v->config.kafka.group_id = xstrdup("test");
    v->config.connection.host = host;
    v->config.connection.name = name;
    v->config.connection.sync_scope_days = 1;
    v->config.topics.state = v->state;
    v->producer = (struct config_producer){.name = table,
                                           .table = table,
                                           .topic = v->rows,
                                           .query = empty,
                                           .start_from = empty,
                                           .poll_busy = 50 * USEC_MS,
                                           .poll_idle = 50 * USEC_MS,
                                           .overlap = 5 * USEC_S,
                                           .page_size = 7};
    v->config.producers = &v->producer;
    v->config.producers_count = 1;
    v->loop = loop_new(&e);
    v->metrics = metrics_new();
    v->tick = loop_add_tick(v->loop, on_tick, v);
}

static void start(struct env *v)
{
    static const int32_t zero = 0;
    struct err e;
    v->w = workitems_new(v->loop, &v->config, &v->snow, 1, v->metrics, &e);
    assert_non_null(v->w);
    workitems_state_given(v->w, NULL, 1, &zero, 1, loop_now(v->loop));
}

static void stop(struct env *v)
{
    usec_t end = clock_now() + WAIT;
    while (!workitems_drain(v->w, loop_now(v->loop)) && clock_now() < end)
        loop_turn(v->loop, 20 * USEC_MS);
    assert_true(workitems_drain(v->w, loop_now(v->loop)));
    v->w = workitems_free(v->w);
    snow_answer(&v->snow, loop_now(v->loop)); /* to nobody */
}

static void env_done(struct env *v)
{
    if (v->w != NULL)
        stop(v);
    loop_remove_tick(v->loop, v->tick);
    loop_free(v->loop);
    metrics_free(v->metrics);
    free(v->rows);
    free(v->state);
    free(v->config.kafka.bootstrap_servers);
    free(v->config.kafka.group_id);
}

static void copy_view(void *arg, const struct workitems_table *t)
{
    *(struct workitems_table *)arg = *t;
}

static struct workitems_table view(struct env *v)
{
    struct workitems_table t = {0};
    workitems_each(v->w, copy_view, &t);
    return t;
}

/* What the group would hand over of the state topic. */
static void feed(struct env *v)
{
    int64_t end = probe_end(v->state, 0);
    size_t n;
    struct probe_record *r = probe_read(v->state, &n);
    for (size_t i = 0; i < n; i++) {
        rd_kafka_message_t m = {.key = r[i].key,
                                .key_len = strlen(r[i].key),
                                .payload = r[i].value,
                                .len = r[i].value_length,
                                .offset = r[i].offset};
        workitems_state_record(v->w, 0, &m, loop_now(v->loop));
    }
    workitems_state_end(v->w, 0, end, loop_now(v->loop));
    probe_free(r, n);
}

static bool in_phase(const struct workitems_table *t, const char *phase)
{
    if (strcmp(phase, "polling") == 0)
        return strcmp(t->phase, "busy") == 0 || strcmp(t->phase, "idle") == 0;
    return strcmp(t->phase, phase) == 0;
}

/* Turns the loop, feeding the state, until the table is in this phase and has published so much. */
static void until(struct env *v, const char *phase, unsigned long long published)
{
    usec_t end = clock_now() + WAIT;
    struct workitems_table t = view(v);
    while ((!in_phase(&t, phase) || t.published < published) && clock_now() < end) {
        if (strcmp(t.phase, "loading") == 0)
            feed(v);
        loop_turn(v->loop, 20 * USEC_MS);
        t = view(v);
    }
    if (!in_phase(&t, phase) || t.published < published)
        fail_msg("phase %s (wanted %s), %llu published (wanted %llu): %s", t.phase, phase,
                 t.published, published, t.reason);
}

static void add_rows(struct env *v, size_t n)
{
    msec_t now = clock_wall() / 1000 * 1000;
    for (size_t i = 0; i < n; i++)
        v->snow.rows[v->snow.count++] =
            (struct row){.updated = now - (msec_t)(n - i) * 1000, .padding = 20};
}

/* Each key once, and n in all. */
static void check_once(struct env *v, size_t n)
{
    size_t count;
    struct probe_record *r = probe_read(v->rows, &count);
    assert_int_equal(count, n);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(r[i].value, r[j].value);
    probe_free(r, count);
}

static void restarts(enum config_exactly_once mode)
{
    struct env v;
    env_init(&v, NULL);
    v.config.topics.exactly_once = mode;
    add_rows(&v, 30);
    start(&v);
    until(&v, "polling", 30);
    check_once(&v, 30);
    stop(&v);
    start(&v); /* nothing is published again, the overlap included */
    until(&v, "polling", 0);
    add_rows(&v, 1);
    v.snow.rows[30].updated = clock_wall() / 1000 * 1000;
    until(&v, "polling", 1);
    stop(&v);
    check_once(&v, 31);
    env_done(&v);
}

static void test_restart(void **state)
{
    (void)state;
    restarts(EXACTLY_ONCE_REQUIRED);
}

static void test_restart_plain(void **state)
{
    (void)state;
    restarts(EXACTLY_ONCE_OFF);
}

static void test_foreign(void **state)
{
    static char other[] = "clone.service-now.com";
    struct env v;
    (void)state;
    env_init(&v, NULL);
    add_rows(&v, 3);
    start(&v);
    until(&v, "polling", 3);
    stop(&v);
    v.config.connection.host = other;
    start(&v);
    until(&v, "stopped", 0);
    assert_non_null(strstr(view(&v).reason, "acme.service-now.com"));
    env_done(&v);
    assert_int_equal(v.snow.asked, false);
}

/* The state topic is gone, the records are not: no second first pull. */
static void test_watermark_missing(void **state)
{
    struct env v;
    (void)state;
    env_init(&v, NULL);
    add_rows(&v, 3);
    start(&v);
    until(&v, "polling", 3);
    stop(&v);
    free(v.state);
    v.state = probe_topic("state", 1, NULL);
    v.config.topics.state = v.state;
    unsigned requests = v.snow.requests;
    start(&v);
    until(&v, "stopped", 0);
    assert_non_null(strstr(view(&v).reason, "A stopped table"));
    assert_int_equal(v.snow.requests, requests);
    check_once(&v, 3);
    env_done(&v);
}

/* The table reads the tombstone of its own transaction before it learns that this is committed. */
static void test_request_removed_first(void **state)
{
    static char asked[] = "2026-11-24T20:15:42.000Z";
    struct control c = {.what = CONTROL_RESYNC, .from = CONTROL_SCOPE, .asked = asked};
    char *key = control_key("c/incident", "x1");
    struct env v;
    size_t length;
    (void)state;
    env_init(&v, NULL);
    add_rows(&v, 3);
    start(&v);
    until(&v, "polling", 3);
    char *text = control_encode(&c, v.config.connection.host, &length);
    v.request = key;
    state_record(&v, key, text);
    until(&v, "polling", 6);
    v.request = NULL;
    env_done(&v);
    free(text);
    free(key);
}

static void on_stolen(void *arg, const struct txn_answer *a, usec_t now)
{
    (void)now;
    assert_int_equal(a->end, TXN_DONE);
    *(bool *)arg = true;
}

/* Somebody takes the transactional id once: the group confirms, the table goes on, nothing doubles.
 * The second time it stops. When the group does not confirm, it stops at once. */
static void fenced(bool ours)
{
    struct env v;
    struct err e;
    env_init(&v, NULL);
    const char *topics[] = {v.rows, v.state};
    v.snow.confirm_ours = ours;
    add_rows(&v, 10);
    start(&v);
    until(&v, "polling", 10);
    char *id = xasprintf("test.%s.0", v.state);
    struct txn_pool *pool = txn_pool_new(v.loop, &v.config, topics, 2, &e);
    for (unsigned i = 0; i < 2; i++) {
        struct txn *thief = txn_new(pool, id, true);
        bool stolen = false;
        txn_fence(thief, on_stolen, &stolen);
        while (!stolen)
            loop_turn(v.loop, 20 * USEC_MS);
        add_rows(&v, 1);
        v.snow.rows[v.snow.count - 1].updated = clock_wall() / 1000 * 1000;
        if (!ours || i == 1) {
            until(&v, "stopped", 0);
            break;
        }
        until(&v, "polling", 11);
    }
    assert_int_equal(v.snow.confirms, 1);
    check_once(&v, ours ? 11 : 10);
    txn_pool_free(pool);
    env_done(&v);
    free(id);
}

static void test_fenced(void **state)
{
    (void)state;
    instance = NULL;
    fenced(true);
}

static void test_fenced_not_ours(void **state)
{
    (void)state;
    fenced(false);
}

static void test_too_large(void **state)
{
    static const char *const small[] = {"max.message.bytes", "30000", NULL};
    struct env v;
    size_t n, markers = 0;
    (void)state;
    env_init(&v, small);
    add_rows(&v, 12);
    for (size_t i = 0; i < 12; i++)
        v.snow.rows[i].padding = 9000; /* two or three fit in a batch */
    v.snow.rows[5].padding = 400000;
    v.snow.rows[6].padding = 5000000; /* the client itself refuses it */
    start(&v);
    until(&v, "polling", 12);
    struct probe_record *r = probe_read(v.rows, &n);
    assert_int_equal(n, 12);
    for (size_t i = 0; i < n; i++)
        if (strstr(r[i].headers, "itsm_left_out=u_padding\n") != NULL) {
            markers++;
            assert_non_null(strstr(r[i].value, "\"left_out\":[\"u_padding\"]"));
            assert_non_null(strstr(r[i].value, "\"record\":{\"sys_id\":"));
            assert_true(r[i].value_length < 1000);
        }
    assert_int_equal(markers, 2);
    probe_free(r, n);
    env_done(&v);
}

/* Given away in the middle of everything, again and again: whoever comes next goes on. */
static void test_taken(void **state)
{
    static const int32_t zero = 0;
    struct env v;
    (void)state;
    env_init(&v, NULL);
    add_rows(&v, 60);
    start(&v);
    for (unsigned i = 0; i < 12; i++) {
        usec_t end = clock_now() + (usec_t)i * 20 * USEC_MS;
        while (clock_now() < end) {
            if (strcmp(view(&v).phase, "loading") == 0)
                feed(&v);
            loop_turn(v.loop, 5 * USEC_MS);
        }
        workitems_state_taken(v.w, i + 1, GROUP_REVOKED, loop_now(v.loop));
        assert_string_equal(view(&v).phase, "not ours");
        workitems_state_given(v.w, NULL, i + 2, &zero, 1, loop_now(v.loop));
    }
    until(&v, "polling", 1);
    stop(&v);
    check_once(&v, 60);
    env_done(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_restart_plain),
        cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_watermark_missing),
        cmocka_unit_test(test_request_removed_first),
        cmocka_unit_test(test_fenced),
        cmocka_unit_test(test_fenced_not_ours),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_taken),
    };
    (void)probe_brokers();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
