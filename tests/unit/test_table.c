/* A table that is loaded with the state of an earlier run: which configuration may go on from it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/attr.h"
#include "producers/parts.h"

static char host[] = "acme.service-now.com", connection[] = "prod", state_topic[] = "state",
            table_name[] = "incident", topic[] = "sn.incident", empty[] = "";

/* What the configuration says of the table. */
struct wish {
    const char *query, *column;
    enum config_form form;
};

struct env {
    struct config c;
    struct config_producer p;
    struct workitems w;
    struct metrics *m;
    struct table t;
    char query[40], column[40], *columns[1];
};

static void env_init(struct env *v, const struct wish *wish, enum config_on_change on_change)
{
    *v = (struct env){.m = metrics_new()};
    v->c.connection.name = connection;
    v->c.connection.host = host;
    v->c.topics.state = state_topic;
    (void)snprintf(v->query, sizeof v->query, "%s", wish->query);
    (void)snprintf(v->column, sizeof v->column, "%s", wish->column);
    v->columns[0] = v->column;
    v->p = (struct config_producer){.table = table_name,
                                    .topic = topic,
                                    .query = v->query,
                                    .start_from = empty,
                                    .fields = {.items = v->columns, .count = 1},
                                    .page_size = 10,
                                    .form = wish->form,
                                    .on_change = on_change};
    v->w.config = &v->c;
    table_init(&v->t, &v->w, &v->p, v->m);
}

static void env_done(struct env *v)
{
    table_controls_free(&v->t);
    table_done(&v->t);
    metrics_free(v->m);
}

/* The state that a run with this configuration leaves behind. */
static struct txn_record state_of(const struct wish *wish)
{
    const struct watermark_state at = {
        .mark = watermark_at(1790000000, "a"), .hi = 1790000000, .seen_from = 1790000000};
    struct txn_record r;
    struct env v;
    struct err e;
    env_init(&v, wish, ON_CHANGE_CONTINUE);
    assert_int_equal(feed_state(feed_live(&v.t), &at, &r, &e), 0);
    env_done(&v);
    return r;
}

/* Loads the table; returns the phase that it is in then. */
static enum table_phase load(struct env *v, const struct wish *before)
{
    struct txn_record r = state_of(before);
    feed_take(feed_live(&v->t), r.item.value, r.item.value_length);
    workitem_done(&r.item);
    table_loaded(&v->t, USEC_S);
    return v->t.phase;
}

static const struct wish wishes[] = {
    {"active=true", "number", FORM_SERVICENOW},
    {"active=false", "number", FORM_SERVICENOW},
    {"active=true", "state", FORM_SERVICENOW},
    {"active=true", "number", FORM_ITSMC},
};

/* Whatever on_change says. */
static void test_same(void **state)
{
    static const enum config_on_change all[] = {ON_CHANGE_CONTINUE, ON_CHANGE_REPULL,
                                                ON_CHANGE_REFUSE};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wishes); i++)
        for (size_t k = 0; k < ARRAY_LEN(all); k++) {
            struct env v;
            env_init(&v, &wishes[i], all[k]);
            assert_int_equal(load(&v, &wishes[i]), TABLE_POLL);
            assert_null(v.t.controls);
            assert_int_equal(sweep_mark(feed_live(&v.t)->sweep).second, 1790000000);
            env_done(&v);
        }
}

static void test_refuse(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wishes); i++)
        for (size_t k = 0; k < ARRAY_LEN(wishes); k++) {
            struct env v;
            if (i == k)
                continue;
            env_init(&v, &wishes[i], ON_CHANGE_REFUSE);
            assert_int_equal(load(&v, &wishes[k]), TABLE_STOPPED);
            assert_string_equal(v.t.reason.code, "table-query-changed");
            env_done(&v);
        }
}

/* A person has asked how to go on: then that is done, and nothing is refused. A query that is new
 * is looked at before it is read, here and below. */
static void test_refuse_but_asked(void **state)
{
    struct env v;
    (void)state;
    env_init(&v, &wishes[0], ON_CHANGE_REFUSE);
    table_control_own(&v.t, CONTROL_RESYNC, CONTROL_SCOPE);
    assert_int_equal(load(&v, &wishes[1]), TABLE_PROBE);
    assert_non_null(v.t.controls);
    assert_null(v.t.controls->next);
    env_done(&v);
}

static void test_go_on(void **state)
{
    struct env v;
    (void)state;
    env_init(&v, &wishes[0], ON_CHANGE_CONTINUE);
    assert_int_equal(load(&v, &wishes[1]), TABLE_PROBE);
    assert_null(v.t.controls);
    env_done(&v);
    env_init(&v, &wishes[0], ON_CHANGE_REPULL);
    assert_int_equal(load(&v, &wishes[1]), TABLE_PROBE);
    assert_non_null(v.t.controls);
    assert_int_equal(v.t.controls->what, CONTROL_RESYNC);
    assert_int_equal(v.t.controls->from, CONTROL_SCOPE);
    env_done(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same),
        cmocka_unit_test(test_refuse),
        cmocka_unit_test(test_refuse_but_asked),
        cmocka_unit_test(test_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
