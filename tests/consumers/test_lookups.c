/* What a new incident takes from the instance: names become sys_ids, a template fills what is left,
 * a configuration item that is missing is made. From message to request, with a stand-in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/base/xalloc.h"
#include "consumers/incident_text.h"
#include "tests/consumers/instance.h"

#define GROUP "0123456789abcdef0123456789abcde0"
#define ITEM  "0123456789abcdef0123456789abcde1"

static json_t *rows(const char *text)
{
    json_t *list = json_loads(text, 0, NULL);

    assert_non_null(list);
    return list;
}

/* What the instance says beside incidents: `groups` for sys_user_group, and so on. */
static const char *said_of(const char *table)
{
    static const struct {
        const char *table, *rows;
    } all[] = {
        {"sys_db_object", "[{\"name\":\"incident\",\"super_class.name\":\"task\"}]"},
        {"sys_dictionary",
         "[{\"name\":\"task\",\"element\":\"assignment_group\",\"internal_type\":\"reference\","
         "\"reference\":\"sys_user_group\"},{\"name\":\"incident\",\"element\":\"category\"},"
         "{\"name\":\"task\",\"element\":\"u_note\",\"max_length\":\"20\"},"
         "{\"name\":\"task\",\"element\":\"u_long\",\"max_length\":\"8000\"},"
         "{\"name\":\"task\",\"element\":\"short_description\",\"max_length\":\"40\"},"
         "{\"name\":\"task\",\"element\":\"description\",\"max_length\":\"6000\"}]"},
        {"sys_choice", "[{\"name\":\"incident\",\"element\":\"category\",\"value\":\"net\","
                       "\"label\":\"Network\"},{\"name\":\"task\",\"element\":\"impact\","
                       "\"value\":\"3\",\"label\":\"3 - Low\"},{\"name\":\"incident\","
                       "\"element\":\"close_code\",\"value\":\"done\",\"label\":\"All done\"}]"},
        {"sys_user_group", "[{\"name\":\"Ops\",\"sys_id\":\"" GROUP "\"}]"},
        {"sys_template",
         "[{\"name\":\"Disk\",\"template\":\"impact=3^category=x^u_made_by=template^state=6^"
         "number=INC1^opened_by=javascript:gs.getUserID()^EQ\"}]"},
        {"cmdb_ci", "[{\"name\":\"web-1\",\"sys_id\":\"" ITEM "\"}]"},
    };

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (strcmp(all[i].table, table) == 0)
            return all[i].rows;
    return "[]";
}

/* Answers everything until an incident is about to be created. */
static struct standin_op *until_created(struct rig *r)
{
    rig_turn(r);
    for (int i = 0; i < 100; i++) {
        struct standin_op *op;

        if (standin_open_ops() == 0) {
            r->now = r->next != USEC_NEVER && r->next > r->now ? r->next : r->now + 1;
            rig_turn(r);
            continue;
        }
        op = standin_open_op();
        if (op->kind == SNOW_CREATE && strcmp(op->table, "incident") == 0)
            return op;
        if (op->kind == SNOW_LIST && strcmp(op->table, "incident") != 0)
            standin_op_answer(op, SNOW_OK, rows(said_of(op->table)), r->now);
        else
            rig_serve(r, op);
        rig_turn(r);
    }
    fail_msg("no incident was created");
    return NULL;
}

static void a_new_record_is_completed(void **state)
{
    struct standin_op *op;
    struct rig r;

    (void)state;
    rig_start(&r, "{ topics = [\"alerts\"]; template = \"Disk\"; fields = { assignment_group = "
                  "\"ops\"; category = \"network\"; caller_id = \"Nobody\"; "
                  "u_note = \"much longer than twenty characters\"; }; }");
    rig_receive(&r, standin_alert_of(1, "Fired", "web-1"));
    op = until_created(&r);
    assert_string_equal(rig_column(op->body, "assignment_group"), GROUP);
    assert_string_equal(rig_column(op->body, "category"), "net");
    assert_string_equal(rig_column(op->body, "cmdb_ci"), ITEM);
    assert_string_equal(rig_column(op->body, "u_note"), "much longer than ...");
    assert_non_null(strstr(rig_column(op->body, "work_notes"),
                           "The whole text of u_note:\nmuch longer than twenty characters"));
    /* Beneath the alert's own impact, and for what nobody else gives. */
    assert_string_equal(rig_column(op->body, "impact"), "2");
    assert_string_equal(rig_column(op->body, "u_made_by"), "template");
    /* What is the bridge's or the instance's own, and scripts, which nobody runs here, are not. */
    assert_string_equal(rig_column(op->body, "state"), "1");
    assert_null(json_object_get(op->body, "number"));
    assert_null(json_object_get(op->body, "opened_by"));
    /* The dictionary has no column caller_id, so it is no reference here and sent as it is. */
    assert_string_equal(rig_column(op->body, "caller_id"), "Nobody");
    rig_serve(&r, op);
    rig_settle(&r, 50);
    assert_string_equal(rig_outcome(&r, 0, "operation"), "created");
    rig_stop(&r);
}

/* An unknown name costs its column, never the record; the outcome tells. */
static void an_unknown_name_is_left_out(void **state)
{
    struct standin_op *op;
    struct rig r;

    (void)state;
    rig_start(&r, "{ topics = [\"alerts\"]; fields = { assignment_group = \"Opps\"; }; }");
    rig_receive(&r, standin_alert(1, "Fired"));
    op = until_created(&r);
    assert_null(json_object_get(op->body, "assignment_group"));
    rig_serve(&r, op);
    rig_settle(&r, 50);
    assert_non_null(
        strstr(standin_record(0)->value, "assignment_group: Opps: not found, left out"));
    rig_stop(&r);
}

/* Many alerts of one batch share the look-ups. */
static void names_are_looked_up_once(void **state)
{
    size_t groups = 0, items = 0;
    struct rig r;

    (void)state;
    rig_start(&r, "{ topics = [\"alerts\"]; fields = { assignment_group = \"Ops\"; }; }");
    for (int i = 0; i < 50; i++)
        rig_receive(&r, standin_alert_of(i, "Fired", "web-1"));
    for (int i = 0; i < 50; i++) {
        rig_serve(&r, until_created(&r));
        rig_turn(&r);
    }
    for (size_t i = 0; i < standin_ops(); i++) {
        groups += strcmp(standin_op(i)->table, "sys_user_group") == 0;
        items += strcmp(standin_op(i)->table, "cmdb_ci") == 0;
    }
    assert_int_equal(groups, 1);
    assert_int_equal(items, 1);
    rig_settle(&r, 50);
    rig_stop(&r);
}

static char *repeated(const char *text, size_t times)
{
    struct buf b;

    buf_init(&b, 100000);
    for (size_t i = 0; i < times; i++)
        (void)buf_add_text(&b, text);
    return buf_take(&b, NULL);
}

/* The dictionary's lengths count; what they cut off is not lost. An update says the same again. */
static void what_is_cut_stands_in_the_work_notes(void **state)
{
    char *description = repeated("d\xc3\xa4 ", 3000), *longer = repeated("1234567 ", 1000);
    char *title = repeated("title ", 10), *config, *whole;
    struct standin_op *op;
    const char *notes;
    struct rig r;

    (void)state;
    config =
        xasprintf("{ topics = [\"alerts\"]; fields = { short_description = \"%s\"; description = "
                  "\"%s\"; u_long = \"%s\"; }; }",
                  title, description, longer);
    rig_start(&r, config);
    rig_receive(&r, standin_alert(1, "Fired"));
    op = until_created(&r);
    assert_string_equal(rig_column(op->body, "short_description"),
                        "title title title title title title t...");
    assert_int_equal(incident_fit(rig_column(op->body, "description"), 6000),
                     strlen(rig_column(op->body, "description")));
    assert_true(incident_fit(rig_column(op->body, "description"), 5600) <
                strlen(rig_column(op->body, "description")));
    assert_int_equal(strlen(rig_column(op->body, "u_long")), 7999);
    notes = rig_column(op->body, "work_notes");
    title[strlen(title) - 1] = '\0';
    whole = xasprintf("The whole text of short_description:\n%s\n\nThe whole text of "
                      "description:\n%s",
                      title, description);
    assert_string_equal(notes, whole);
    rig_serve(&r, op);
    rig_settle(&r, 50);
    rig_stop(&r);
    free(config);
    free(whole);
    free(title);
    free(longer);
    free(description);
}

static struct standin_op *until_updated(struct rig *r)
{
    for (int i = 0; i < 200; i++) {
        struct standin_op *op;

        if (standin_open_ops() == 0) {
            r->now = r->next != USEC_NEVER && r->next > r->now ? r->next : r->now + 1;
            rig_turn(r);
            continue;
        }
        op = standin_open_op();
        if (op->kind == SNOW_UPDATE)
            return op;
        rig_serve(r, op);
        rig_turn(r);
    }
    fail_msg("no incident was updated");
    return NULL;
}

/* Labels are values in every request, also where no look-up comes before it. */
static void labels_are_values_in_updates_too(void **state)
{
    char *fired = standin_alert(1, "Fired");
    struct standin_op *op;
    struct rig r;

    (void)state;
    rig_start(
        &r, "{ topics = [\"alerts\"]; close_code = \"all DONE\"; fields = { impact = \"3 - low\"; "
            "}; }");
    rig_receive(&r, xstrdup(fired));
    op = until_created(&r);
    assert_string_equal(rig_column(op->body, "impact"), "3");
    rig_serve(&r, op);
    rig_settle(&r, 50);
    /* The same again is no news. */
    rig_receive(&r, xstrdup(fired));
    rig_settle(&r, 50);
    assert_string_equal(rig_outcome(&r, 1, "operation"), "nothing");
    rig_receive(&r, standin_alert(1, "Resolved"));
    op = until_updated(&r);
    assert_string_equal(rig_column(op->body, "close_code"), "done");
    rig_serve(&r, op);
    rig_settle(&r, 50);
    rig_stop(&r);
    free(fired);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_record_is_completed),
        cmocka_unit_test(an_unknown_name_is_left_out),
        cmocka_unit_test(names_are_looked_up_once),
        cmocka_unit_test(what_is_cut_stands_in_the_work_notes),
        cmocka_unit_test(labels_are_values_in_updates_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
