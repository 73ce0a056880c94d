/* Rows to records: what is read, what is refused, what a person's edit may not break. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"
#include "consumers/record.h"
#include "consumers/target_table.h"

#define ID "0123456789abcdef0123456789abcdef"

static const struct stamp stamp = {
    .series = 0xabcdef,
    .generation = 12,
    .rank = 1,
    .version = {.time = 1700000000123, .topic = 7, .partition = 3, .offset = 42}};

static json_t *good_row(void)
{
    char text[STAMP_SIZE], line[VERSION_LINE_SIZE], *description;
    json_t *row;

    stamp_format(&stamp, text);
    version_format(&stamp.version, line);
    description = xasprintf("Disk full\nIdentity: x\n%s", line);
    row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "sys_id", ID, "number",
                    "INC0000001", "state", "6", "correlation_display", text, "description",
                    description, "sys_mod_count", "17", "resolved_at", "2025-06-01 10:20:31",
                    "closed_at", "2025-06-02 00:00:00");
    free(description);
    return row;
}

static struct record parse_with(const char *column, const char *value)
{
    json_t *row = good_row();
    struct record r = {0};

    if (value == NULL)
        (void)json_object_del(row, column);
    else
        (void)json_object_set_new(row, column, json_string(value));
    assert_int_equal(record_parse(row, target_table_of("incident"), &r), 0);
    json_decref(row);
    return r;
}

static void assert_refused(const char *column, json_t *value)
{
    json_t *row = good_row();
    struct record r = {.mod_count = 5};

    if (value == NULL)
        (void)json_object_del(row, column);
    else
        (void)json_object_set_new(row, column, value);
    assert_int_equal(record_parse(row, target_table_of("incident"), &r), -1);
    assert_int_equal(r.mod_count, 5); /* untouched */
    assert_null(r.sys_id);
    json_decref(row);
}

static void reads_all_columns(void **state)
{
    struct record r = parse_with("short_description", "x");
    msec_t resolved;

    (void)state;
    assert_int_equal(clock_parse("2025-06-01 10:20:31", &resolved), 0);
    assert_string_equal(r.sys_id, ID);
    assert_string_equal(r.number, "INC0000001");
    assert_int_equal(r.state, RECORD_RESOLVED);
    assert_true(r.has_stamp && r.has_content);
    assert_int_equal(r.stamp.series, stamp.series);
    assert_int_equal(r.stamp.generation, 12);
    assert_int_equal(r.stamp.rank, 1);
    assert_true(version_same(&r.stamp.version, &stamp.version));
    assert_true(version_same(&r.content, &stamp.version));
    assert_int_equal(r.mod_count, 17);
    assert_int_equal(r.closed, resolved);
    assert_false(record_open(&r));
    assert_true(record_cleared(&r));
    record_done(&r);
}

static void every_column_that_is_read_is_asked_for(void **state)
{
    static const char *const names[] = {
        "sys_id",      "number",        "state",       "correlation_display",
        "description", "sys_mod_count", "resolved_at", "closed_at"};
    char *fields = xasprintf(",%s,", target_table_of("incident")->read_fields);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char *name = xasprintf(",%s,", names[i]);

        assert_non_null(strstr(fields, name));
        free(name);
    }
    free(fields);
}

static void refuses_what_is_no_record(void **state)
{
    json_t *array = json_array();
    struct record r = {0};

    (void)state;
    assert_refused("sys_id", NULL);
    assert_refused("sys_id", json_string(""));
    assert_refused("sys_id", json_string("0123456789abcdef0123456789abcde^"));
    assert_refused("sys_id", json_integer(1));
    assert_refused("state", NULL);
    assert_refused("state", json_string(""));
    assert_refused("state", json_string("New"));
    assert_refused("state", json_string("6x"));
    assert_refused("state", json_string("99999999999999999999"));
    assert_refused("state", json_string("1001"));
    assert_refused("state", json_object());
    assert_int_equal(record_parse(array, target_table_of("incident"), &r), -1);
    json_decref(array);
}

/* People may edit these columns: no error, but nothing counts as applied. */
static void an_edited_stamp_is_none(void **state)
{
    static const char *const texts[] = {"", "closed by Jo", "itsm-bridge 0 0.0.0 0.0.0"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct record r = parse_with("correlation_display", texts[i]);

        assert_false(r.has_stamp);
        assert_false(record_cleared(&r));
        assert_int_equal(r.stamp.rank, 0);
        assert_true(r.has_content);
        record_done(&r);
    }
}

static void an_edited_description_has_no_version(void **state)
{
    struct record r = parse_with("description", "Rewritten by a person");

    (void)state;
    assert_false(r.has_content);
    assert_true(r.has_stamp);
    record_done(&r);
    r = parse_with("description", NULL);
    assert_false(r.has_content);
    record_done(&r);
}

static void an_unknown_count_is_said_to_be(void **state)
{
    struct record r = parse_with("sys_mod_count", NULL);

    (void)state;
    assert_int_equal(r.mod_count, -1);
    record_done(&r);
    r = parse_with("sys_mod_count", "many");
    assert_int_equal(r.mod_count, -1);
    record_done(&r);
}

static void closed_at_stands_in_for_resolved_at(void **state)
{
    struct record r = parse_with("resolved_at", "");
    json_t *row = good_row();
    msec_t closed;

    (void)state;
    assert_int_equal(clock_parse("2025-06-02 00:00:00", &closed), 0);
    assert_int_equal(r.closed, closed);
    record_done(&r);
    (void)json_object_del(row, "resolved_at");
    (void)json_object_del(row, "closed_at");
    assert_int_equal(record_parse(row, target_table_of("incident"), &r), 0);
    assert_int_equal(r.closed, MSEC_NONE);
    record_done(&r);
    json_decref(row);
}

static void only_three_states_are_not_open(void **state)
{
    struct record r = {0};

    (void)state;
    for (r.state = -10; r.state <= 20; r.state++)
        assert_int_equal(record_open(&r), r.state != 6 && r.state != 7 && r.state != 8);
}

static void only_the_bridges_clear_counts(void **state)
{
    struct record r = {.state = RECORD_CLOSED, .stamp = {.rank = 1}};

    (void)state;
    assert_false(record_cleared(&r)); /* no readable stamp */
    r.has_stamp = true;
    assert_true(record_cleared(&r));
    r.stamp.rank = 0;
    assert_false(record_cleared(&r));
}

static void a_copy_is_its_own(void **state)
{
    struct record a = parse_with("number", "INC0000002"), b = parse_with("number", "INC0000003");

    (void)state;
    record_copy(&b, &a); /* frees what b held */
    assert_string_equal(b.number, "INC0000002");
    assert_ptr_not_equal(a.number, b.number);
    record_done(&a);
    record_done(&a);
    assert_null(a.sys_id);
    record_copy(&b, &b);
    assert_string_equal(b.number, "INC0000002");
    assert_string_equal(b.sys_id, ID);
    record_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_all_columns),
        cmocka_unit_test(every_column_that_is_read_is_asked_for),
        cmocka_unit_test(refuses_what_is_no_record),
        cmocka_unit_test(an_edited_stamp_is_none),
        cmocka_unit_test(an_edited_description_has_no_version),
        cmocka_unit_test(an_unknown_count_is_said_to_be),
        cmocka_unit_test(closed_at_stands_in_for_resolved_at),
        cmocka_unit_test(only_three_states_are_not_open),
        cmocka_unit_test(only_the_bridges_clear_counts),
        cmocka_unit_test(a_copy_is_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
