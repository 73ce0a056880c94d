/* The dictionary of a table: which questions are asked, and what the answers mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/servicenow/columns.h"
#include "bridge/servicenow/request.h"

static struct columns *read_rows(const char *text)
{
    json_t *rows = json_loads(text, 0, NULL);
    struct columns *c;

    assert_non_null(rows);
    c = columns_new("incident", rows);
    json_decref(rows);
    return c;
}

static void test_questions(void **state)
{
    json_t *rows = json_loads("[{\"name\":\"incident\",\"super_class.name\":\"task\","
                              "\"super_class.super_class.name\":\"\"}]",
                              0, NULL);
    struct buf query;
    struct snow_op op;

    (void)state;
    buf_init(&query, 4096);
    assert_int_equal(columns_ask_tables(&query, "incident", &op), 0);
    assert_string_equal(op.query, "name=incident");
    assert_int_equal(request_check(&op, NULL), 0);
    buf_clear(&query);
    assert_int_equal(columns_ask_columns(&query, "incident", rows, &op), 0);
    assert_string_equal(op.query, "nameINincident,task^elementISNOTEMPTY^ORDERBYname");
    assert_int_equal(request_check(&op, NULL), 0);
    buf_clear(&query);
    assert_int_equal(columns_ask_columns(&query, "problem", rows, &op), -1);
    assert_int_equal(columns_ask_tables(&query, "inci^dent", &op), -1);
    json_decref(rows);
    buf_done(&query);
}

static void test_columns(void **state)
{
    struct columns *c =
        read_rows("[{\"name\":\"incident\",\"element\":\"close_code\",\"internal_type\":\"string\","
                  "\"max_length\":\"40\",\"mandatory\":\"true\",\"reference\":\"\"},"
                  "{\"name\":\"incident\",\"element\":\"state\",\"internal_type\":\"integer\","
                  "\"max_length\":\"40\"},"
                  "{\"name\":\"task\",\"element\":\"state\",\"internal_type\":\"string\","
                  "\"max_length\":\"99\"},"
                  "{\"name\":\"task\",\"element\":\"priority\",\"max_length\":\"odd\"},"
                  "{\"name\":\"incident\",\"element\":\"priority\",\"max_length\":\"7\"},"
                  "{\"name\":\"task\",\"element\":\"assigned_to\",\"internal_type\":\"reference\","
                  "\"reference\":\"sys_user\",\"max_length\":\"32\"},"
                  "{\"name\":\"task\",\"element\":\"\"},{\"element\":7},[],null]");

    (void)state;
    assert_int_equal(columns_count(c), 4);
    assert_string_equal(columns_table(c), "incident");
    assert_string_equal(columns_find(c, "state")->type, "integer");
    assert_int_equal(columns_find(c, "priority")->max_length, 7);
    assert_true(columns_find(c, "close_code")->mandatory);
    assert_int_equal(columns_find(c, "close_code")->max_length, 40);
    assert_string_equal(columns_find(c, "assigned_to.name")->reference, "sys_user");
    assert_null(columns_find(c, "asigned_to"));
    assert_null(columns_find(c, ""));
    (void)columns_free(c);
}

static void test_near(void **state)
{
    struct columns *c = read_rows("[{\"name\":\"task\",\"element\":\"assigned_to\"},"
                                  "{\"name\":\"task\",\"element\":\"active\"}]");
    struct buf out;

    (void)state;
    buf_init(&out, 100);
    columns_near(c, "asigned_to", &out);
    assert_string_equal(buf_text(&out), "'assigned_to'");
    buf_done(&out);
    (void)columns_free(c);
}

static void test_unreadable(void **state)
{
    (void)state;
    assert_null(read_rows("[]"));
    assert_null(read_rows("{}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_questions),
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_near),
        cmocka_unit_test(test_unreadable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
