/* What the values of a state column mean, table by table, and with values of one's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "consumers/target.h"

static const char *const names[] = {"incident", "problem", "change_request", "em_alert", "u_any"};

static bool asks_for(const char *fields, const char *column)
{
    size_t n = strlen(column);

    for (const char *p = fields; (p = strstr(p, column)) != NULL; p += n)
        if ((p == fields || p[-1] == ',') && (p[n] == ',' || p[n] == '\0'))
            return true;
    return false;
}

/* What the bridge writes it also reads back with the right meaning. */
static void a_table_knows_its_own_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct target_table *t = target_table_of(names[i]);

        assert_int_equal(target_table_state(t, t->resolved), RECORD_RESOLVED);
        if (t->opened[0] != '\0')
            assert_int_equal(target_table_state(t, t->opened), RECORD_NEW);
        assert_int_equal(target_table_state(t, t->taken_up), RECORD_OTHER);
        assert_int_equal(target_table_state(t, "no such value"), RECORD_OTHER);
        assert_true(asks_for(t->read_fields, t->state_column));
        assert_true(asks_for(t->read_fields, t->key));
        assert_true(asks_for(t->read_fields, "description"));
        assert_true(asks_for(t->write_fields, t->state_column));
        assert_int_equal(asks_for(t->write_fields, "correlation_display"), t->stamped);
    }
}

static void what_values_mean(void **state)
{
    static const struct {
        const char *table, *value;
        enum record_state means;
    } all[] = {
        {"incident", "3", RECORD_ON_HOLD},    {"incident", "7", RECORD_CLOSED},
        {"incident", "8", RECORD_CANCELED},   {"incident", "4", RECORD_OTHER},
        {"problem", "103", RECORD_OTHER},     {"problem", "107", RECORD_CLOSED},
        {"problem", "4", RECORD_CLOSED},      {"change_request", "4", RECORD_CANCELED},
        {"em_alert", "Reopen", RECORD_OTHER}, {"em_alert", "Flapping", RECORD_OTHER},
        {"u_any", "-5", RECORD_ON_HOLD},      {"u_any", "4", RECORD_CLOSED},
        {"u_any", "7", RECORD_CLOSED},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        assert_int_equal(target_table_state(target_table_of(all[i].table), all[i].value),
                         all[i].means);
}

static void values_of_ones_own(void **state)
{
    const struct target_table *t = target_table_new("u_any", "u_status", "open", "done");

    (void)state;
    assert_int_equal(target_table_state(t, "open"), RECORD_NEW);
    assert_int_equal(target_table_state(t, "done"), RECORD_RESOLVED);
    assert_int_equal(target_table_state(t, "3"), RECORD_OTHER); /* of another column */
    assert_true(asks_for(t->read_fields, "u_status"));
    assert_false(asks_for(t->read_fields, "state"));
    assert_true(asks_for(t->write_fields, "u_status"));
    target_table_free(t);
    t = target_table_new("problem", "", "1", "4");
    assert_int_equal(target_table_state(t, "4"), RECORD_RESOLVED); /* no longer closed */
    assert_int_equal(target_table_state(t, "107"), RECORD_CLOSED);
    assert_string_equal(t->opened, "1");
    assert_true(asks_for(t->read_fields, "state"));
    target_table_free(t);
    t = target_table_new("incident", "state", "", "");
    assert_string_equal(t->opened, "1");
    assert_string_equal(t->resolved, "6");
    assert_string_equal(t->taken_up, "2");
    target_table_free(t);
}

/* An entry's values hold for its own target, by whatever way it is named, and for no other one. */
static void values_belong_to_the_entrys_target(void **state)
{
    static char target[] = "problem", other[] = "incident", open[] = "1", none[] = "";
    const struct config_consumer with = {
        .target = target, .state_column = none, .open_value = open, .resolved_value = none};
    const struct config_consumer without = {
        .target = target, .state_column = none, .open_value = none, .resolved_value = none};
    struct targets *t = targets_new();

    (void)state;
    assert_string_equal(targets_of(t, &with, "")->shape->opened, "1");
    assert_ptr_equal(targets_of(t, &with, ""), targets_of(t, &with, target));
    assert_string_equal(targets_of(t, &without, "")->shape->opened, "101");
    assert_ptr_equal(targets_of(t, &with, other), targets_get(t, other));
    assert_ptr_equal(targets_of(t, &without, ""), targets_get(t, target));
    assert_string_equal(targets_get(t, "alert")->table, "em_alert");
    assert_null(targets_get(t, "event")->shape);
    assert_null(targets_get(t, "import:u_x")->shape);
    assert_null(target_word_table("import:u_x"));
    (void)targets_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_knows_its_own_values),
        cmocka_unit_test(what_values_mean),
        cmocka_unit_test(values_of_ones_own),
        cmocka_unit_test(values_belong_to_the_entrys_target),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
