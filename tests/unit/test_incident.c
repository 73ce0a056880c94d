/* What each body may hold (design D4), and that identity and version survive any cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "consumers/alert_edit.h"
#include "consumers/incident_text.h"
#include "tests/support/alert_support.h"

static const struct version content = {
    .time = 1748773231000, .topic = 7, .partition = 3, .offset = 42};
static const struct stamp stamp = {.series = 9, .rank = 0, .version = {.offset = 42}};

static struct alert *sample(const struct config_consumer *c, const char *name)
{
    json_t *json = alert_support_sample(name);
    char *text = json_dumps(json, 0);
    struct alert *a = alert_support_one(c, text);

    free(text);
    json_decref(json);
    return a;
}

/* The members of body, in any order, are exactly these; all are texts. Takes body. */
static void assert_columns(json_t *body, const char *const *names, size_t count)
{
    const char *name;
    json_t *value;

    json_object_foreach (body, name, value) {
        size_t i = 0;

        while (i < count && strcmp(names[i], name) != 0)
            i++;
        if (i == count || !json_is_string(value))
            fail_msg("column %s does not belong here", name);
    }
    assert_int_equal(json_object_size(body), count);
    json_decref(body);
}

static void test_columns(void **state)
{
    static const char *const create[] = {"sys_id",      "correlation_id",   "correlation_display",
                                         "state",       "impact",           "urgency",
                                         "description", "short_description"};
    static const char *const create_resolved[] = {
        "sys_id",  "correlation_id", "correlation_display", "state",      "impact",
        "urgency", "description",    "short_description",   "close_code", "close_notes"};
    static const char *const update[] = {"impact", "urgency", "description", "short_description",
                                         "work_notes"};
    static const char *const resolve[] = {"state", "close_code", "close_notes",
                                          "correlation_display"};
    static const char *const stamped[] = {"correlation_display"};
    static const char *const note[] = {"correlation_display", "work_notes"};
    static const char *const remark[] = {"work_notes"};
    struct config_consumer c = alert_support_consumer();
    struct incident_context x = alert_support_context(&c);
    struct alert *a = sample(&c, "test-metric-static");

    (void)state;
    assert_columns(incident_create(&x, a, 0, &content, &stamp), create, ARRAY_LEN(create));
    assert_columns(incident_create_resolved(&x, a, a, 0, &content, &stamp), create_resolved,
                   ARRAY_LEN(create_resolved));
    assert_columns(incident_update(&x, a, 0, &content), update, ARRAY_LEN(update));
    assert_columns(incident_resolve(&x, a, &stamp), resolve, ARRAY_LEN(resolve));
    assert_columns(incident_stamp(&stamp), stamped, ARRAY_LEN(stamped));
    assert_columns(incident_note(&x, a, &stamp, "on-hold"), note, ARRAY_LEN(note));
    assert_columns(incident_remark(a, &content), remark, ARRAY_LEN(remark));
    x.close_code = "";
    assert_columns(incident_resolve(&x, a, &stamp),
                   (const char *const[]){"state", "close_notes", "correlation_display"}, 3);
    (void)alert_free(a);
}

static void test_context_and_fields(void **state)
{
    struct config_pair pairs[] = {
        {(char[]){"caller_id"}, (char[]){"abel.tuter"}},
        {(char[]){"state"}, (char[]){"7"}},
        {(char[]){"sys_id"}, (char[]){"1"}},
        {(char[]){"contact_type"}, (char[]){"phone"}},
    };
    struct config_consumer c = alert_support_consumer();
    struct incident_context x = alert_support_context(&c);
    struct alert *a;
    json_t *body;

    (void)state;
    c.fields = (struct config_pairs){.items = pairs, .count = ARRAY_LEN(pairs)};
    x.contact_type = "monitoring";
    x.cmdb_ci = "0123456789abcdef0123456789abcdef";
    a = sample(&c, "test-metric-static");
    body = incident_create(&x, a, 0, &content, &stamp);
    assert_string_equal(alert_support_column(body, "caller_id"), "abel.tuter");
    assert_string_equal(alert_support_column(body, "state"), "1");
    assert_int_equal(strlen(alert_support_column(body, "sys_id")), 32);
    assert_string_equal(alert_support_column(body, "contact_type"), "phone");
    assert_string_equal(alert_support_column(body, "cmdb_ci"), x.cmdb_ci);
    json_decref(body);
    body = incident_update(&x, a, 0, &content);
    assert_null(json_object_get(body, "caller_id"));
    assert_null(json_object_get(body, "cmdb_ci"));
    json_decref(body);
    (void)alert_free(a);
}

static void test_severity(void **state)
{
    static const struct {
        int severity;
        const char *impact, *urgency;
    } cases[] = {{0, "1", "1"}, {1, "2", "1"}, {2, "2", "2"},
                 {3, "2", "3"}, {4, "3", "3"}, {-1, "3", "3"}};
    struct config_consumer c = alert_support_consumer();
    struct incident_context x = alert_support_context(&c);
    struct alert *a = sample(&c, "test-metric-static");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *body;

        a->severity = cases[i].severity;
        body = incident_create(&x, a, 0, &content, &stamp);
        assert_string_equal(alert_support_column(body, "impact"), cases[i].impact);
        assert_string_equal(alert_support_column(body, "urgency"), cases[i].urgency);
        json_decref(body);
    }
    (void)alert_free(a);
}

/* A text of `length` bytes of ASCII, two-byte and four-byte characters. */
static char *long_text(size_t length, unsigned mix)
{
    static const char *const pieces[] = {"word ", "\xc3\xa9", "\xf0\x9f\x94\xa5", "line\n"};
    char *text = xmalloc(length + 8);
    size_t n = 0;

    for (unsigned i = mix; n < length; i = i * 7 + 3) {
        const char *piece = pieces[(i >> 4) % 4];

        memcpy(text + n, piece, strlen(piece));
        n += strlen(piece);
    }
    text[n] = '\0';
    return text;
}

/* Whatever the lengths, the fields hold the texts, end in identity and version, and stay UTF-8. */
static void test_cuts(void **state)
{
    struct config_consumer c = alert_support_consumer();
    struct incident_context x = alert_support_context(&c);

    (void)state;
    for (unsigned i = 0; i < 400; i++) {
        struct alert *a = alert_new("azure");
        char *text = long_text((size_t)i * 23, i), *series = long_text((size_t)i * 3, i + 1);
        json_t *body;
        const char *description, *last;
        struct version back;

        alert_set(&a->description, text);
        alert_set(&a->title, text);
        alert_set(&a->series, series);
        for (unsigned k = 0; k < i % 60; k++)
            alert_note(a, "note %u \xc3\xa9\xc3\xa9", k);
        body = incident_create(&x, a, 1, &content, &stamp);
        description = alert_support_column(body, "description");
        assert_true(incident_fit(description, INCIDENT_TEXT_MAX) == strlen(description));
        assert_true(text_is_utf8(description, strlen(description)));
        assert_int_equal(version_parse(description, &back), 0);
        assert_true(version_same(&back, &content));
        assert_non_null(strstr(description, "\nIdentity (azure, )\nInstance: "));
        /* Whole, or said to be cut. */
        last = a->notes_count > 0 ? a->notes[a->notes_count - 1] : text;
        assert_true((strstr(description, "cut here") == NULL) ==
                    (strstr(description, text) != NULL && strstr(description, last) != NULL));
        assert_true(incident_fit(alert_support_column(body, "short_description"),
                                 INCIDENT_SHORT_MAX + 1) <= 4 * INCIDENT_SHORT_MAX);
        json_decref(body);
        (void)alert_free(a);
        free(text);
        free(series);
    }
}

static void test_fit(void **state)
{
    (void)state;
    assert_int_equal(incident_fit("abc", 2), 2);
    assert_int_equal(incident_fit("abc", 3), 3);
    assert_int_equal(incident_fit("\xc3\xa9z", 1), 2);
    assert_int_equal(incident_fit("\xf0\x9f\x94\xa5z", 1), 0);
    assert_int_equal(incident_fit("\xf0\x9f\x94\xa5z", 2), 4);
}

/* A resolve may be sent twice: the same alert gives the same bytes, and no journal. */
static void test_words(void **state)
{
    struct config_consumer c = alert_support_consumer();
    struct incident_context x = alert_support_context(&c);
    struct alert *clear = sample(&c, "doc-metric-resolved"), *fire;
    json_t *one = incident_resolve(&x, clear, &stamp), *two = incident_resolve(&x, clear, &stamp);
    const char *note;
    char line[VERSION_LINE_SIZE];

    (void)state;
    assert_true(json_equal(one, two));
    assert_string_equal(alert_support_column(one, "close_notes"),
                        "Azure Monitor reported this alert as cleared at 2019-03-22 14:03:16 UTC, "
                        "4 minutes 51 seconds after it fired at 2019-03-22 13:58:24 UTC.\n"
                        "Last report: WCUS-R2-Gen2: Percentage CPU GreaterThan 25 (7.727) on "
                        "wcus-r2-gen2");
    json_decref(one);
    json_decref(two);
    fire = sample(&c, "test-metric-static");
    one = incident_update(&x, fire, 0, &content);
    note = alert_support_column(one, "work_notes");
    version_format(&content, line);
    assert_true(text_ends(note, line));
    assert_non_null(strstr(note, "Transactions GreaterThan 0 (100) on test-storageAccount"));
    json_decref(one);
    (void)alert_free(fire);
    (void)alert_free(clear);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns),  cmocka_unit_test(test_context_and_fields),
        cmocka_unit_test(test_severity), cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_fit),      cmocka_unit_test(test_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
