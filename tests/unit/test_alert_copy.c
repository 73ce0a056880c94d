/* A copy of an alert: all of it, and nothing shared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "consumers/alert_edit.h"

static struct alert *full(void)
{
    struct alert *a = alert_new("azure");
    char **texts[] = {&a->series,        &a->instance, &a->short_id,   &a->part,
                      &a->severity_text, &a->rule,     &a->service,    &a->source,
                      &a->resource,      &a->title,    &a->description};
    char text[] = "text 0";

    a->kind = "metric";
    a->mapping = "file";
    a->state = ALERT_NOTE;
    a->marked = true;
    a->severity = 3;
    a->fired = 1;
    a->resolved = 2;
    a->own_time = 3;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        text[5]++;
        alert_set(texts[i], text);
    }
    for (int i = 0; i < 3; i++) {
        alert_add_label(a, "label", text);
        alert_add_target(a, text);
        alert_add_ci(a, text);
        alert_add_link(a, text, "https://example.com");
        text[5]++;
        alert_note(a, "note %s", text);
    }
    return a;
}

static void test_all_of_it(void **state)
{
    struct alert *a = full(), *copy = alert_copy(a);
    json_t *before = alert_to_json(a), *after;

    (void)state;
    assert_string_equal(copy->mapping, "file");
    alert_set(&a->title, "changed");
    alert_add_label(a, "more", "text");
    (void)alert_free(a);
    after = alert_to_json(copy);
    assert_true(json_equal(before, after));
    json_decref(before);
    json_decref(after);
    (void)alert_free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_of_it)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
