/* Records of other tables than incident, from message to request, with a stand-in for the instance:
 * what is written, and what becomes of alerts where a table lacks a column. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/base/xalloc.h"
#include "consumers/version.h"
#include "tests/consumers/instance.h"

/* A table of one's own, which the dictionary tells of: these columns and no others. */
static void say_columns(struct rig *r, const char *table, const char *const *columns)
{
    json_t *names = json_array();

    for (; *columns != NULL; columns++)
        (void)json_array_append_new(names, json_pack("{ss,ss,ss}", "name", table, "element",
                                                     *columns, "internal_type", "string"));
    (void)json_object_set_new(r->said, "sys_db_object", json_pack("[{ss}]", "name", table));
    (void)json_object_set_new(r->said, "sys_dictionary", names);
}

static const char *last(const struct rig *r, const char *member)
{
    return rig_outcome(r, rig_outcomes(r) - 1, member);
}

static void receive(struct rig *r, char *text)
{
    rig_receive(r, text);
    rig_settle(r, 100);
}

/* Fires, repeats, clears; again, late and redelivered. */
static void each_table_has_its_own_states(void **state)
{
    static const struct {
        const char *entry, *table, *column, *opened, *resolved;
        bool stamped;
    } all[] = {
        {"target = \"incident\";", "incident", "state", "1", "6", true},
        {"target = \"problem\";", "problem", "state", "101", "106", true},
        {"target = \"problem\"; open_value = \"1\"; resolved_value = \"4\";", "problem", "state",
         "1", "4", true},
        {"target = \"change_request\";", "change_request", "state", "-5", "3", true},
        {"target = \"alert\";", "em_alert", "state", "Open", "Closed", false},
        {"target = \"em_alert\";", "em_alert", "state", "Open", "Closed", false},
        {"target = \"u_ticket\"; state_column = \"u_status\"; open_value = \"open\"; "
         "resolved_value = \"done\";",
         "u_ticket", "u_status", "open", "done", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        char *entry = xasprintf("{ topics = [\"alerts\"]; %s }", all[i].entry);
        struct rig r;

        rig_start(&r, entry);
        receive(&r, standin_alert(1, "Fired"));
        assert_string_equal(last(&r, "operation"), "created");
        assert_string_equal(last(&r, "table"), all[i].table);
        assert_string_equal(rig_column(rig_only_row(&r), "_table"), all[i].table);
        assert_string_equal(rig_column(rig_only_row(&r), all[i].column), all[i].opened);
        assert_int_equal(rig_column(rig_only_row(&r), "correlation_display")[0] != '\0',
                         all[i].stamped);
        receive(&r, standin_alert(1, "Fired"));
        assert_string_equal(last(&r, "operation"), "updated");
        receive(&r, standin_alert(1, "Resolved"));
        assert_string_equal(last(&r, "operation"), "resolved");
        assert_string_equal(rig_column(rig_only_row(&r), all[i].column), all[i].resolved);
        assert_int_equal(rig_column(rig_only_row(&r), "state")[0] != '\0',
                         strcmp(all[i].column, "state") == 0);
        receive(&r, standin_alert(1, "Resolved"));
        assert_string_equal(last(&r, "operation"), "nothing");
        assert_string_equal(last(&r, "why"), "applied");
        receive(&r, standin_alert(1, "Fired"));
        assert_string_equal(last(&r, "why"), all[i].stamped ? "applied" : "late");
        assert_string_equal(rig_column(rig_only_row(&r), all[i].column), all[i].resolved);
        rig_stop(&r);
        free(entry);
    }
}

/* A table that nothing is known of: its own default is left to it, and the state of tasks counts.
 */
static void an_unknown_table_begins_as_it_likes(void **state)
{
    struct rig r;

    (void)state;
    rig_start(&r, "{ topics = [\"alerts\"]; target = \"u_ticket\"; }");
    receive(&r, standin_alert(1, "Fired"));
    assert_string_equal(last(&r, "operation"), "created");
    assert_string_equal(rig_column(rig_only_row(&r), "state"), "");
    receive(&r, standin_alert(1, "Resolved"));
    assert_string_equal(rig_column(rig_only_row(&r), "state"), "3");
    assert_string_equal(rig_column(rig_only_row(&r), "close_code"), "");
    assert_string_not_equal(rig_column(rig_only_row(&r), "close_notes"), "");
    rig_stop(&r);
}

static void an_alert_of_event_management_has_its_columns(void **state)
{
    static const char *const columns[] = {"source", "node", "type", "severity", "message_key"};
    static const char *const none[] = {"impact", "urgency", "correlation_id", "close_notes"};
    struct rig r;
    json_t *row;

    (void)state;
    rig_start(&r, "{ topics = [\"alerts\"]; target = \"alert\"; }");
    receive(&r, standin_alert(1, "Fired"));
    receive(&r, standin_alert(1, "Resolved"));
    row = rig_only_row(&r);
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        if (rig_column(row, columns[i])[0] == '\0')
            fail_msg("column %s is empty", columns[i]);
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        assert_null(json_object_get(row, none[i]));
    assert_int_equal(strncmp(rig_column(row, "message_key"), "azure:", 6), 0);
    rig_stop(&r);
}

/* ---------------------------------------------------------------- a table that lacks a column */

static void without_a_stamp_only_marked_alerts_work(void **state)
{
    static const char *const columns[] = {"state", "description", "short_description", NULL};
    struct rig r;

    (void)state;
    rig_start(&r, "{ topics = [\"alerts\"]; target = \"u_ticket\"; open_value = \"1\"; }");
    say_columns(&r, "u_ticket", columns);
    receive(&r, standin_alert(1, "Fired"));
    assert_string_equal(last(&r, "operation"), "created");
    /* A person closes it: no stamp is written after that. */
    rig_set(rig_only_row(&r), "state", "4");
    receive(&r, standin_alert(1, "Resolved"));
    assert_string_equal(last(&r, "operation"), "nothing");
    assert_int_equal(rig_count_of("u_ticket", SNOW_UPDATE), 0);
    assert_string_equal(rig_column(rig_only_row(&r), "state"), "4");
    rig_stop(&r);

    rig_start(&r, "{ topics = [\"alerts\"]; target = \"u_ticket\"; fold = \"series\"; }");
    say_columns(&r, "u_ticket", columns);
    receive(&r, standin_alert(1, "Fired"));
    receive(&r, standin_alert(1, "Resolved"));
    assert_int_equal(rig_dead_letters(&r), 2);
    assert_string_equal(last(&r, "class"), "table-columns");
    assert_int_equal(rig_count_of("u_ticket", SNOW_LIST), 0);
    assert_int_equal(json_object_size(r.rows), 0);
    rig_stop(&r);

    rig_start(&r, "{ topics = [\"alerts\"]; target = \"alert\"; fold = \"series\"; }");
    receive(&r, standin_alert(1, "Fired"));
    assert_string_equal(last(&r, "class"), "table-columns");
    rig_stop(&r);
}

static void without_a_state_nothing_works(void **state)
{
    static const char *const columns[] = {"u_status", "description", "correlation_display", NULL};
    struct rig r;

    (void)state;
    rig_start(&r, "{ topics = [\"alerts\"]; target = \"u_ticket\"; }");
    say_columns(&r, "u_ticket", columns);
    receive(&r, standin_alert(1, "Fired"));
    assert_string_equal(last(&r, "operation"), "dead-letter");
    assert_string_equal(last(&r, "class"), "table-columns");
    assert_int_equal(json_object_size(r.rows), 0);
    rig_stop(&r);

    rig_start(&r, "{ topics = [\"alerts\"]; target = \"u_ticket\"; state_column = \"u_status\"; "
                  "open_value = \"open\"; resolved_value = \"done\"; }");
    say_columns(&r, "u_ticket", columns);
    receive(&r, standin_alert(1, "Fired"));
    assert_string_equal(last(&r, "operation"), "created");
    rig_stop(&r);
}

/* ---------------------------------------------------------------- many tables at once */

/* Rules send alerts to many tables; each is looked at by requests of its own, in bulk. */
static void lanes_are_looked_at_by_table(void **state)
{
    static const char *const tables[] = {"incident", "problem", "em_alert", "u_a", "u_b", "u_c"};
    struct rig r;

    (void)state;
    rig_start(&r, "{ topics = [\"alerts\"]; rules: ("
                  "{ target = \"problem\"; when: ( { field = \"ci\"; equals = \"h1\"; } ); },"
                  "{ target = \"alert\"; when: ( { field = \"ci\"; equals = \"h2\"; } ); },"
                  "{ target = \"u_a\"; when: ( { field = \"ci\"; equals = \"h3\"; } ); },"
                  "{ target = \"u_b\"; when: ( { field = \"ci\"; equals = \"h4\"; } ); },"
                  "{ target = \"u_c\"; when: ( { field = \"ci\"; equals = \"h5\"; } ); } ); }");
    standin_room = 3;
    for (int i = 0; i < 300; i++) {
        char host[8] = {'h', (char)('0' + i % 6), '\0'};

        rig_receive(&r, standin_alert_of(i, "Fired", host));
    }
    rig_settle(&r, 3000);
    assert_int_equal(json_object_size(r.rows), 300);
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        assert_int_equal(rig_count_of(tables[i], SNOW_CREATE), 50);
        assert_in_range(rig_count_of(tables[i], SNOW_LIST), 1, 25);
    }
    rig_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_table_has_its_own_states),
        cmocka_unit_test(an_unknown_table_begins_as_it_likes),
        cmocka_unit_test(an_alert_of_event_management_has_its_columns),
        cmocka_unit_test(without_a_stamp_only_marked_alerts_work),
        cmocka_unit_test(without_a_state_nothing_works),
        cmocka_unit_test(lanes_are_looked_at_by_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
