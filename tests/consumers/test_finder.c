/* Names to sys_ids: what is asked, what the answers mean, and that a missing record is made once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/base/log.h"
#include "bridge/base/xalloc.h"
#include "consumers/finder.h"
#include "tests/consumers/standin.h"

#define ID_A "0123456789abcdef0123456789abcdea"
#define ID_B "0123456789abcdef0123456789abcdeb"

static const char *const columns[] = {"name", "fqdn", "ip_address"};
static int told;

static void answered(void *arg, usec_t now)
{
    (void)arg;
    (void)now;
    told++;
}

static struct finder *make_finder(const char *make)
{
    const struct finder_options o = {.table = "cmdb_ci",
                                     .what = "configuration item",
                                     .columns = columns,
                                     .columns_count = 3,
                                     .make = make,
                                     .record_namespace = "",
                                     .life_found = 3600 * USEC_S,
                                     .life_none = 300 * USEC_S,
                                     .answered = answered};

    log_setup(LOG_LEVEL_OFF, LOG_PLAIN);
    standin_reset();
    told = 0;
    return finder_new(NULL, &o);
}

static enum finder_result find(struct finder *f, const char *name, usec_t now, const char **ret_id,
                               const char **ret_note)
{
    char *names[] = {xstrdup(name)};
    enum finder_result r;

    *ret_id = NULL;
    r = finder_find(f, names, 1, now, ret_id, ret_note);
    free(names[0]);
    return r;
}

static enum finder_result find_again(struct finder *f, const char *name, usec_t now)
{
    const char *id, *note;

    return find(f, name, now, &id, &note);
}

static void answer(const char *rows, usec_t now)
{
    json_t *result = json_loads(rows, 0, NULL);

    assert_non_null(result);
    standin_op_answer(standin_open_op(), SNOW_OK, result, now);
}

static void test_batch_and_case(void **state)
{
    struct finder *f = make_finder(NULL);
    const char *id, *note;

    (void)state;
    assert_int_equal(find_again(f, "Web-1", 1), FINDER_PENDING);
    assert_int_equal(find_again(f, "10.0.0.7", 1), FINDER_PENDING);
    (void)finder_tick(f, 1);
    assert_int_equal(standin_ops(), 1);
    assert_string_equal(standin_op(0)->query, "nameINWeb-1,10.0.0.7^ORfqdnINWeb-1,10.0.0.7^OR"
                                              "ip_addressINWeb-1,10.0.0.7");
    assert_string_equal(standin_op(0)->op.fields, "sys_id,name,fqdn,ip_address");
    assert_true(finder_tick(f, 1) == USEC_NEVER);
    answer("[{\"sys_id\":\"" ID_A "\",\"name\":\"web-1\",\"ip_address\":\"10.0.0.7\"}]", 2);
    assert_int_equal(told, 1);
    assert_int_equal(find(f, "WEB-1", 3, &id, &note), FINDER_FOUND);
    assert_string_equal(id, ID_A);
    assert_int_equal(find(f, "10.0.0.7", 3, &id, &note), FINDER_FOUND);
    assert_string_equal(id, ID_A);
    assert_int_equal(standin_ops(), 1);
    /* Believed for its life, then asked again. */
    assert_int_equal(find_again(f, "web-1", 3600 * USEC_S), FINDER_FOUND);
    assert_int_equal(find_again(f, "web-1", 3600 * USEC_S + 3), FINDER_PENDING);
    (void)finder_tick(f, 3600 * USEC_S + 3);
    answer("[]", 3600 * USEC_S + 3);
    assert_int_equal(find_again(f, "web-1", 3600 * USEC_S + 4), FINDER_NONE);
    (void)finder_free(f);
}

/* The better column decides; two records by the same column are none. */
static void test_rank_and_ambiguous(void **state)
{
    struct finder *f = make_finder("cmdb_ci_server");
    const char *id, *note;

    (void)state;
    (void)find_again(f, "a", 1);
    (void)find_again(f, "b", 1);
    (void)finder_tick(f, 1);
    answer("[{\"sys_id\":\"" ID_B "\",\"fqdn\":\"a\",\"name\":\"b\"},"
           "{\"sys_id\":\"" ID_A "\",\"name\":\"A\"},{\"sys_id\":\"" ID_A "\",\"name\":\"b\"},"
           "{\"sys_id\":\"x\",\"name\":\"a\"},{\"name\":7},null]",
           2);
    assert_int_equal(find(f, "a", 3, &id, &note), FINDER_FOUND);
    assert_string_equal(id, ID_A);
    assert_int_equal(find(f, "b", 3, &id, &note), FINDER_NONE);
    assert_string_equal(note, "configuration item left out: several are named b");
    assert_int_equal(standin_open_ops(), 0);
    (void)finder_free(f);
}

/* While the instance is away names wait; an answer that refuses ends the waiting for a minute. */
static void test_failures(void **state)
{
    static const enum snow_verdict waits[] = {SNOW_THROTTLED, SNOW_UNAVAILABLE, SNOW_UNAUTHORISED};
    struct finder *f = make_finder("cmdb_ci_server");
    usec_t now = 1;

    (void)state;
    (void)find_again(f, "a", now);
    for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
        (void)finder_tick(f, now);
        standin_op_answer(standin_open_op(), waits[i], NULL, now);
        assert_int_equal(find_again(f, "a", now), FINDER_PENDING);
        now = finder_tick(f, now);
        assert_true(now != USEC_NEVER);
    }
    (void)finder_tick(f, now);
    standin_op_answer(standin_open_op(), SNOW_REJECTED, NULL, now);
    /* Not known to be missing: nothing is made. */
    assert_int_equal(find_again(f, "a", now), FINDER_NONE);
    assert_int_equal(find_again(f, "a", now + 61 * USEC_S), FINDER_PENDING);
    (void)finder_tick(f, now + 61 * USEC_S);
    answer("[]", now);
    (void)finder_free(f);
}

static void test_names_that_cannot_be_asked(void **state)
{
    struct finder *f = make_finder("cmdb_ci_server");
    char *longest = xcalloc(1, 5001);
    const char *id, *note;

    (void)state;
    memset(longest, 'x', 5000);
    assert_int_equal(find(f, "a^b", 1, &id, &note), FINDER_NONE);
    assert_non_null(strstr(note, "cannot carry"));
    assert_int_equal(find_again(f, "javascript:x", 1), FINDER_NONE);
    assert_int_equal(find_again(f, longest, 1), FINDER_NONE);
    assert_int_equal(finder_find(f, NULL, 0, 1, &id, &note), FINDER_NONE);
    (void)finder_tick(f, 1);
    assert_int_equal(standin_ops(), 0);
    free(longest);
    (void)finder_free(f);
}

/* Made under a sys_id that depends on namespace, class and name alone, after a look found none. */
static void test_make(void **state)
{
    struct finder *f = make_finder("cmdb_ci_server");
    const char *id, *note;
    char ours[33];

    (void)state;
    finder_made_id("", "cmdb_ci_server", "WEB-1", ours);
    (void)find_again(f, "web-1", 1);
    (void)finder_tick(f, 1);
    answer("[]", 2);
    assert_int_equal(find_again(f, "web-1", 3), FINDER_PENDING);
    (void)finder_tick(f, 3);
    assert_int_equal(standin_op(1)->kind, SNOW_CREATE);
    assert_string_equal(standin_op(1)->table, "cmdb_ci_server");
    assert_string_equal(json_string_value(json_object_get(standin_op(1)->body, "sys_id")), ours);
    assert_string_equal(json_string_value(json_object_get(standin_op(1)->body, "name")), "web-1");
    assert_int_equal(find_again(f, "web-1", 3), FINDER_PENDING);
    assert_true(finder_tick(f, 3) == USEC_NEVER);
    /* The answer is lost: the same record is asked for again; another process was first. */
    standin_op_answer(standin_open_op(), SNOW_UNKNOWN, NULL, 4);
    (void)finder_tick(f, 4 + USEC_S);
    assert_string_equal(json_string_value(json_object_get(standin_op(2)->body, "sys_id")), ours);
    standin_op_answer(standin_open_op(), SNOW_EXISTS, NULL, 5);
    assert_int_equal(find(f, "web-1", 6, &id, &note), FINDER_FOUND);
    assert_string_equal(id, ours);
    assert_string_equal(note, "");
    assert_int_equal(standin_ops(), 3);
    /* One that is made with an answer is told of once. */
    (void)find_again(f, "web-2", 9 * USEC_S);
    (void)finder_tick(f, 9 * USEC_S);
    answer("[]", 9 * USEC_S);
    (void)find_again(f, "web-2", 9 * USEC_S);
    (void)finder_tick(f, 9 * USEC_S);
    standin_op_answer(standin_open_op(), SNOW_OK, json_pack("{ss}", "sys_id", ID_B), 9 * USEC_S);
    assert_int_equal(find(f, "web-2", 9 * USEC_S, &id, &note), FINDER_FOUND);
    assert_string_equal(id, ID_B);
    assert_non_null(strstr(note, "was made in cmdb_ci_server"));
    assert_int_equal(find(f, "web-2", 9 * USEC_S, &id, &note), FINDER_FOUND);
    assert_string_equal(note, "");
    (void)finder_free(f);
}

static void test_make_refused(void **state)
{
    struct finder *f = make_finder("cmdb_ci_server");
    const char *id, *note;

    (void)state;
    (void)find_again(f, "web-1", 1);
    (void)finder_tick(f, 1);
    answer("[]", 2);
    (void)find_again(f, "web-1", 3);
    (void)finder_tick(f, 3);
    standin_op_answer(standin_open_op(), SNOW_REJECTED, NULL, 4);
    assert_int_equal(find(f, "web-1", 5, &id, &note), FINDER_NONE);
    assert_non_null(strstr(note, "could not be made"));
    assert_int_equal(find_again(f, "web-1", 6), FINDER_NONE);
    assert_int_equal(standin_open_ops(), 0);
    (void)finder_free(f);
}

/* "Doe, Jane" cannot stand in a list of names. */
static void test_names_with_a_comma(void **state)
{
    struct finder *f = make_finder(NULL);
    const char *id, *note;

    (void)state;
    (void)find_again(f, "Doe, Jane", 1);
    (void)find_again(f, "web-1", 1);
    (void)finder_tick(f, 1);
    assert_string_equal(standin_op(0)->query,
                        "name=Doe, Jane^ORfqdn=Doe, Jane^ORip_address=Doe, Jane^OR"
                        "nameINweb-1^ORfqdnINweb-1^ORip_addressINweb-1");
    answer("[{\"sys_id\":\"" ID_A "\",\"name\":\"doe, jane\"}]", 2);
    assert_int_equal(find(f, "Doe, Jane", 3, &id, &note), FINDER_FOUND);
    assert_string_equal(id, ID_A);
    (void)finder_free(f);
}

/* A configuration with several wrong names is told of all of them, with their near matches. */
static void test_every_unknown_name_is_told(void **state)
{
    const struct finder_options o = {.table = "sys_user_group",
                                     .what = "record of sys_user_group",
                                     .columns = columns,
                                     .columns_count = 1,
                                     .life_none = 300 * USEC_S,
                                     .near = true,
                                     .answered = answered};
    struct finder *f;

    (void)state;
    (void)finder_free(make_finder(NULL));
    f = finder_new(NULL, &o);
    for (int i = 0; i < 30; i++) {
        char *name = xasprintf("%c-team", 'A' + i);

        (void)find_again(f, name, 1);
        free(name);
    }
    (void)finder_tick(f, 1);
    answer("[]", 2);
    for (int i = 0; i < 20; i++) {
        char *query = xasprintf("nameSTARTSWITH%c-^ORDERBYname", 'A' + i);

        (void)finder_tick(f, 3);
        assert_string_equal(standin_open_op()->query, query);
        answer("[]", 3);
        free(query);
    }
    assert_true(finder_tick(f, 3) == USEC_NEVER);
    assert_int_equal(standin_open_ops(), 0);
    (void)finder_free(f);
}

/* A full answer may have left out rows: then nothing is called missing. */
static void test_cut_answer(void **state)
{
    struct finder *f = make_finder("cmdb_ci_server");
    json_t *rows = json_array();

    (void)state;
    for (int i = 0; i < 500; i++)
        (void)json_array_append_new(rows, json_pack("{ssss}", "sys_id", ID_A, "name", "other"));
    (void)find_again(f, "web-1", 1);
    (void)finder_tick(f, 1);
    standin_op_answer(standin_open_op(), SNOW_OK, rows, 2);
    assert_int_equal(find_again(f, "web-1", 3), FINDER_NONE);
    assert_int_equal(standin_open_ops(), 0);
    finder_forget(f);
    assert_int_equal(find_again(f, "web-1", 3), FINDER_PENDING);
    (void)finder_tick(f, 3);
    answer("[]", 4);
    (void)finder_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batch_and_case),
        cmocka_unit_test(test_rank_and_ambiguous),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_names_that_cannot_be_asked),
        cmocka_unit_test(test_make),
        cmocka_unit_test(test_make_refused),
        cmocka_unit_test(test_cut_answer),
        cmocka_unit_test(test_names_with_a_comma),
        cmocka_unit_test(test_every_unknown_name_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
