/* What the instance says about a table, and values as people write them against it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/base/log.h"
#include "bridge/base/xalloc.h"
#include "consumers/dictionary.h"
#include "consumers/snow_template.h"
#include "consumers/values.h"
#include "tests/consumers/standin.h"

#define ID "0123456789abcdef0123456789abcdef"

static const char tables[] = "[{\"name\":\"incident\",\"super_class.name\":\"task\"}]";
static const char columns[] =
    "[{\"name\":\"task\",\"element\":\"assignment_group\",\"internal_type\":\"reference\","
    "\"reference\":\"sys_user_group\",\"max_length\":\"32\"},"
    "{\"name\":\"task\",\"element\":\"short_description\",\"internal_type\":\"string\","
    "\"max_length\":\"20\"},"
    "{\"name\":\"incident\",\"element\":\"category\",\"internal_type\":\"string\","
    "\"max_length\":\"40\"},"
    "{\"name\":\"task\",\"element\":\"caller_id\",\"internal_type\":\"string\"}]";
static const char choices[] =
    "[{\"name\":\"task\",\"element\":\"category\",\"value\":\"old\",\"label\":\"Network\"},"
    "{\"name\":\"incident\",\"element\":\"category\",\"value\":\"network\",\"label\":\"Network\"},"
    "{\"name\":\"incident\",\"element\":\"category\",\"value\":\"db\",\"label\":\"Database\"},"
    "{\"name\":\"incident\",\"element\":\"close_code\",\"value\":\"Solved (Permanently)\","
    "\"label\":\"Solved\"},"
    "{\"name\":\"task\",\"element\":\"impact\",\"value\":\"1\",\"label\":\"1 - High\"},"
    "{\"name\":\"task\",\"element\":\"contact_type\",\"value\":\"event\",\"label\":\"Event\"}]";

struct world {
    struct dictionary *d;
    struct values *v;
    json_t *body;
    struct buf notes, overflow;
    struct values_said said;
};

static void answered(void *arg, usec_t now)
{
    (void)arg;
    (void)now;
}

static int set_up(void **state)
{
    struct world *w = xcalloc(1, sizeof *w);
    struct values_options o = {
        .life_found = 3600 * USEC_S, .life_none = 300 * USEC_S, .answered = answered};

    log_setup(LOG_LEVEL_OFF, LOG_PLAIN);
    standin_reset();
    w->d = dictionary_new(NULL);
    dictionary_want(w->d, "incident");
    dictionary_want(w->d, "incident");
    o.dictionary = w->d;
    w->v = values_new(&o);
    w->body = json_object();
    buf_init(&w->notes, 10000);
    buf_init(&w->overflow, 100000);
    w->said = (struct values_said){.notes = &w->notes, .overflow = &w->overflow};
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    (void)values_free(w->v);
    (void)dictionary_free(w->d);
    json_decref(w->body);
    buf_done(&w->notes);
    buf_done(&w->overflow);
    free(w);
    return 0;
}

static void answer(const char *rows, usec_t now)
{
    json_t *result = json_loads(rows, 0, NULL);

    assert_non_null(result);
    standin_op_answer(standin_open_op(), SNOW_OK, result, now);
}

static void read_dictionary(struct world *w, const char *columns_rows)
{
    (void)dictionary_tick(w->d, 1);
    assert_string_equal(standin_open_op()->table, "sys_db_object");
    assert_false(dictionary_known(w->d));
    answer(tables, 1);
    (void)dictionary_tick(w->d, 1);
    assert_string_equal(standin_open_op()->table, "sys_dictionary");
    answer(columns_rows, 1);
    (void)dictionary_tick(w->d, 1);
    assert_string_equal(standin_open_op()->query, "nameINincident,task^inactive=false^ORDERBYname");
    answer(choices, 1);
    assert_true(dictionary_known(w->d));
}

static enum values_result put(struct world *w, const char *column, const char *text, usec_t now)
{
    return values_put(w->v, "incident", column, text, w->body, &w->said, now);
}

static const char *got(const struct world *w, const char *column)
{
    return json_string_value(json_object_get(w->body, column));
}

static void test_dictionary(void **state)
{
    struct world *w = *state;
    struct buf like;

    read_dictionary(w, columns);
    assert_int_equal(standin_ops(), 3);
    assert_int_equal(columns_count(dictionary_columns(w->d, "incident")), 4);
    assert_null(dictionary_columns(w->d, "problem"));
    assert_string_equal(dictionary_choice(w->d, "incident", "category", "NETWORK"), "network");
    assert_string_equal(dictionary_choice(w->d, "incident", "category", "db"), "db");
    assert_null(dictionary_choice(w->d, "incident", "category", "dbs"));
    /* The list of the nearest table is the whole list. */
    assert_null(dictionary_choice(w->d, "incident", "category", "old"));
    assert_string_equal(dictionary_choice(w->d, "incident", "impact", "1 - high"), "1");
    assert_true(dictionary_has_choices(w->d, "incident", "category"));
    assert_false(dictionary_has_choices(w->d, "incident", "state"));
    assert_string_equal(dictionary_close_code(w->d, "incident"), "Solved (Permanently)");
    assert_string_equal(dictionary_close_code(w->d, "problem"), "Solution provided");
    assert_string_equal(dictionary_contact_type(w->d, "incident"), "event");
    buf_init(&like, 100);
    dictionary_near(w->d, "incident", "category", "Netwrok", &like);
    assert_string_equal(buf_text(&like), "'Network'");
    buf_done(&like);
    /* Nothing more is asked until an hour later, or until somebody asks for it. */
    assert_true(dictionary_tick(w->d, 2) > 3000 * USEC_S);
    dictionary_reload(w->d);
    assert_true(dictionary_known(w->d));
    (void)dictionary_tick(w->d, 3);
    assert_int_equal(standin_open_ops(), 1);
    standin_op_answer(standin_open_op(), SNOW_UNAVAILABLE, NULL, 3);
    assert_non_null(dictionary_columns(w->d, "incident"));
}

/* Of a list that is cut nothing is called missing. */
static void test_too_many_choices(void **state)
{
    struct world *w = *state;
    json_t *list = json_loads(choices, 0, NULL);

    while (json_array_size(list) < 10000)
        (void)json_array_append_new(list, json_pack("{ssssssss}", "name", "task", "element", "u_x",
                                                    "value", "1", "label", "One"));
    (void)dictionary_tick(w->d, 1);
    answer(tables, 1);
    (void)dictionary_tick(w->d, 1);
    answer(columns, 1);
    (void)dictionary_tick(w->d, 1);
    standin_op_answer(standin_open_op(), SNOW_OK, list, 1);
    assert_int_equal(put(w, "category", "Database", 1), VALUES_SET);
    assert_string_equal(got(w, "category"), "db");
    assert_int_equal(put(w, "category", "Cheese", 1), VALUES_SET);
    assert_string_equal(got(w, "category"), "Cheese");
    assert_int_equal(w->notes.length, 0);
}

/* An instance that lets us read none of it: everything is sent as it is given. */
static void test_unreadable(void **state)
{
    struct world *w = *state;

    for (int i = 0; i < 3; i++) {
        (void)dictionary_tick(w->d, 1);
        if (standin_open_ops() > 0)
            standin_op_answer(standin_open_op(), SNOW_REJECTED, NULL, 1);
    }
    assert_true(dictionary_known(w->d));
    assert_int_equal(put(w, "category", "Network", 1), VALUES_SET);
    assert_string_equal(got(w, "category"), "Network");
    /* But for the references that are the same on every instance. */
    assert_int_equal(put(w, "assignment_group", "Service Desk", 1), VALUES_PENDING);
    (void)values_tick(w->v, 1);
    assert_string_equal(standin_open_op()->table, "sys_user_group");
    answer("[]", 1);
}

static void test_reference(void **state)
{
    struct world *w = *state;

    read_dictionary(w, columns);
    assert_int_equal(put(w, "assignment_group", ID, 1), VALUES_SET);
    assert_string_equal(got(w, "assignment_group"), ID);
    assert_int_equal(put(w, "assignment_group", "Service Desk", 1), VALUES_PENDING);
    (void)values_tick(w->v, 1);
    answer("[{\"sys_id\":\"0123456789abcdef0123456789abcdea\",\"name\":\"Service Desk\"}]", 1);
    assert_int_equal(put(w, "assignment_group", "Service Desk", 2), VALUES_SET);
    assert_string_equal(got(w, "assignment_group"), "0123456789abcdef0123456789abcdea");
    assert_string_equal(buf_text(&w->notes), "");
    (void)json_object_clear(w->body);
    assert_int_equal(put(w, "assignment_group", "Nobody", 2), VALUES_PENDING);
    (void)values_tick(w->v, 2);
    answer("[]", 2);
    assert_int_equal(put(w, "assignment_group", "Nobody", 2), VALUES_LEFT_OUT);
    assert_null(got(w, "assignment_group"));
    assert_string_equal(buf_text(&w->notes), "assignment_group: Nobody: not found, left out");
    /* What begins alike is asked for once, for the log. */
    (void)values_tick(w->v, 2);
    assert_string_equal(standin_open_op()->query, "nameSTARTSWITHNo^ORDERBYname");
    answer("[{\"name\":\"Nobodies\"}]", 2);
    assert_true(values_tick(w->v, 2) == USEC_NEVER);
    /* The dictionary says that here it is a text, whatever it is elsewhere. */
    assert_int_equal(put(w, "caller_id", "Nobody", 2), VALUES_SET);
    assert_string_equal(got(w, "caller_id"), "Nobody");
}

static void test_choice_and_cut(void **state)
{
    struct world *w = *state;

    read_dictionary(w, columns);
    (void)put(w, "category", "Database", 1);
    assert_string_equal(got(w, "category"), "db");
    (void)put(w, "category", "Cheese", 1);
    assert_string_equal(got(w, "category"), "Cheese");
    assert_non_null(strstr(buf_text(&w->notes), "none of the choices"));
    (void)put(w, "category", "", 1);
    assert_string_equal(got(w, "category"), "");
    (void)put(w, "short_description", "exactly twenty chars", 1);
    assert_string_equal(got(w, "short_description"), "exactly twenty chars");
    assert_int_equal(w->overflow.length, 0);
    (void)put(w, "short_description", "b\xc3\xa4h b\xc3\xa4h b\xc3\xa4h b\xc3\xa4h b\xc3\xa4h b",
              1);
    assert_string_equal(got(w, "short_description"),
                        "b\xc3\xa4h b\xc3\xa4h b\xc3\xa4h b\xc3\xa4h b...");
    assert_string_equal(buf_text(&w->overflow),
                        "The whole text of short_description:\n"
                        "b\xc3\xa4h b\xc3\xa4h b\xc3\xa4h b\xc3\xa4h b\xc3\xa4h b");
}

static void test_template_text(void **state)
{
    struct config_pairs p;

    (void)state;
    snow_template_parse("impact=1^short_description=a^^b = c^bad^x.y=1^=2^note=^EQ", &p);
    assert_int_equal(p.count, 3);
    assert_string_equal(p.items[0].name, "impact");
    assert_string_equal(p.items[0].value, "1");
    assert_string_equal(p.items[1].value, "a^b = c");
    assert_string_equal(p.items[2].name, "note");
    assert_string_equal(p.items[2].value, "");
    snow_template_done(&p);
    snow_template_parse("", &p);
    assert_int_equal(p.count, 0);
}

static void test_templates(void **state)
{
    struct snow_templates *t = snow_templates_new(NULL);

    (void)state;
    snow_templates_want(t, "incident", "Disk full");
    snow_templates_want(t, "incident", "Dsik full");
    snow_templates_want(t, "incident", "a^b");
    assert_false(snow_templates_known(t));
    (void)snow_templates_tick(t, 1);
    assert_string_equal(standin_open_op()->query,
                        "table=incident^name=Disk full^active=true^ORDERBYsys_id");
    answer("[{\"name\":\"Disk full\",\"template\":\"impact=1^EQ\"}]", 1);
    (void)snow_templates_tick(t, 1);
    answer("[]", 1);
    (void)snow_templates_tick(t, 1);
    assert_string_equal(standin_open_op()->query, "table=incident^active=true^ORDERBYsys_id");
    answer("[{\"name\":\"Disk full\"}]", 1);
    (void)snow_templates_tick(t, 1);
    assert_true(snow_templates_known(t));
    assert_int_equal(standin_open_ops(), 0);
    assert_int_equal(snow_templates_find(t, "incident", "Disk full")->count, 1);
    assert_null(snow_templates_find(t, "incident", "Dsik full"));
    assert_null(snow_templates_find(t, "incident", "a^b"));
    /* Read again when asked; an outage changes nothing. */
    snow_templates_reload(t);
    (void)snow_templates_tick(t, 2);
    standin_op_answer(standin_open_op(), SNOW_UNAVAILABLE, NULL, 2);
    assert_int_equal(snow_templates_find(t, "incident", "Disk full")->count, 1);
    (void)snow_templates_tick(t, 3);
    answer("[{\"name\":\"Disk full\",\"template\":\"impact=2^urgency=2\"}]", 3);
    assert_int_equal(snow_templates_find(t, "incident", "Disk full")->count, 2);
    (void)snow_templates_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_dictionary, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_many_choices, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unreadable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reference, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_choice_and_cut, set_up, tear_down),
        cmocka_unit_test(test_template_text),
        cmocka_unit_test_setup_teardown(test_templates, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
