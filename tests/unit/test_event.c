/* Events and staging rows: to the byte for one alert, and for whatever an alert holds: the same
 * members, texts only, within their lengths, nothing that a message can add or replace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/base/rand.h"
#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "consumers/alert_edit.h"
#include "consumers/event.h"
#include "consumers/incident_text.h"
#include "consumers/json_out.h"
#include "tests/support/alert_support.h"

struct bench {
    struct config_consumer c;
    struct message m;
    struct targets *targets;
    struct row_context x;
};

static void bench_start(struct bench *b, const char *word)
{
    *b = (struct bench){.c = alert_support_consumer(), .m = alert_support_message("{}", 2)};
    b->targets = targets_new();
    b->x = (struct row_context){.target = targets_get(b->targets, word),
                                .consumer = &b->c,
                                .connection = "prod",
                                .message = &b->m};
}

static void bench_stop(struct bench *b)
{
    b->targets = targets_free(b->targets);
}

static struct alert *metric(enum alert_state state)
{
    struct alert *a = alert_new("azure");

    a->kind = "metric";
    a->state = state;
    a->marked = true;
    a->severity = 1;
    a->fired = 1748773230123;
    a->own_time = a->fired;
    a->resolved = state == ALERT_CLEARED ? 1748773530000 : MSEC_NONE;
    alert_set(&a->series, "rule" ALERT_SEP "/vm1");
    alert_set(&a->instance, "id-1" ALERT_SEP "rule");
    alert_set(&a->short_id, "00000001-0000-4000-8000-000000000000");
    alert_set(&a->severity_text, "Sev1");
    alert_set(&a->rule, "cpu-high");
    alert_set(&a->service, "Platform");
    alert_set(&a->source, "Azure Monitor");
    alert_set(&a->resource, "/subscriptions/s/virtualmachines/vm1");
    alert_set(&a->title, "cpu-high: \"Percentage CPU\" > 80");
    alert_set(&a->description, "Value: 97\nThreshold: 80");
    alert_add_ci(a, "vm1");
    alert_add_target(a, "/subscriptions/s/virtualmachines/vm1");
    alert_add_label(a, "host", "vm1\ta");
    alert_add_link(a, "portal", "https://portal.example/x?a=b");
    return a;
}

static char *built(struct bench *b, const struct alert *a)
{
    struct buf out;

    buf_init(&out, EVENT_BYTES_MAX);
    event_add(&out, &b->x, a);
    assert_false(out.failed);
    return buf_take(&out, NULL);
}

static json_t *parsed(struct bench *b, const struct alert *a)
{
    char *text = built(b, a);
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

    assert_non_null(json);
    free(text);
    return json;
}

static void test_to_the_byte(void **state)
{
    static const char want[] =
        "{\"source\":\"Azure Monitor\",\"event_class\":\"Platform\",\"node\":\"vm1\","
        "\"resource\":\"vm1\",\"type\":\"metric\",\"metric_name\":\"cpu-high\","
        "\"message_key\":\"azure:00000001-0000-4000-8000-000000000000\",\"severity\":\"2\","
        "\"resolution_state\":\"New\",\"time_of_event\":\"2025-06-01 10:20:30\","
        "\"description\":\"cpu-high: \\\"Percentage CPU\\\" > 80\\n\\nValue: 97\\nThreshold: 80\","
        "\"additional_info\":\"{\\\"series\\\":\\\"rule | /vm1\\\","
        "\\\"instance\\\":\\\"id-1 | rule\\\",\\\"connection\\\":\\\"prod\\\","
        "\\\"format\\\":\\\"azure\\\",\\\"kind\\\":\\\"metric\\\",\\\"rule\\\":\\\"cpu-high\\\","
        "\\\"service\\\":\\\"Platform\\\","
        "\\\"resource\\\":\\\"/subscriptions/s/virtualmachines/vm1\\\","
        "\\\"severity\\\":\\\"Sev1\\\",\\\"fired\\\":\\\"2025-06-01T10:20:30.123Z\\\","
        "\\\"kafka_topic\\\":\\\"alerts\\\",\\\"kafka_offset\\\":\\\"3:42\\\","
        "\\\"ci_names\\\":\\\"vm1\\\","
        "\\\"targets\\\":\\\"/subscriptions/s/virtualmachines/vm1\\\","
        "\\\"label_host\\\":\\\"vm1\\\\ta\\\","
        "\\\"link_portal\\\":\\\"https://portal.example/x?a=b\\\"}\"}";
    struct alert *a = metric(ALERT_FIRING);
    struct bench b;
    char *text;

    (void)state;
    bench_start(&b, "event");
    text = built(&b, a);
    assert_string_equal(text, want);
    free(text);
    (void)alert_free(a);
    bench_stop(&b);
}

static void expect(json_t *json, const char *name, const char *want)
{
    assert_string_equal(alert_support_column(json, name), want);
}

/* ServiceNow's own table for Azure: fired Sev0..4, resolved, and what tells no severity. */
static void test_severity_state_and_time(void **state)
{
    static const char *const want[] = {"1", "2", "4", "4", "5"};
    struct alert *a = metric(ALERT_FIRING);
    struct bench b;
    json_t *json;

    (void)state;
    bench_start(&b, "event");
    for (int s = -1; s <= 5; s++) {
        a->severity = s;
        json = parsed(&b, a);
        expect(json, "severity", s >= 0 && s <= 4 ? want[s] : "5");
        json_decref(json);
    }
    (void)alert_free(a);
    a = metric(ALERT_CLEARED);
    json = parsed(&b, a);
    expect(json, "severity", "0");
    expect(json, "resolution_state", "Closing");
    expect(json, "time_of_event", "2025-06-01 10:25:30");
    json_decref(json);
    a->resolved = MSEC_NONE; /* then the record's own time, and none when it has none */
    json = parsed(&b, a);
    expect(json, "time_of_event", "2025-06-01 10:20:31");
    json_decref(json);
    b.m.timestamp = MSEC_NONE;
    json = parsed(&b, a);
    assert_null(json_object_get(json, "time_of_event"));
    json_decref(json);
    (void)alert_free(a);
    bench_stop(&b);
}

static void test_keys(void **state)
{
    struct alert *a = metric(ALERT_FIRING);
    char by_instance[CORRELATION_ID_SIZE], by_series[CORRELATION_ID_SIZE];
    char part[CORRELATION_ID_SIZE];
    unsigned char lane[3][TARGET_KEY_SIZE];
    const struct target *event, *import;
    struct bench b;

    (void)state;
    bench_start(&b, "event");
    event = b.x.target;
    import = targets_get(b.targets, "import:u_alerts");
    assert_ptr_equal(event, targets_get(b.targets, "event"));
    assert_string_equal(event->table, "em_event");
    assert_string_equal(import->table, "u_alerts");
    assert_int_equal(import->kind, TARGET_IMPORT);
    assert_false(target_is_rows(targets_get(b.targets, "incident")));
    target_row_key(event, &b.c, a, by_instance);
    assert_string_equal(by_instance, "azure:00000001-0000-4000-8000-000000000000");
    target_lane_key(event, &b.c, "", a, lane[0]);
    target_lane_key(import, &b.c, "", a, lane[1]);
    assert_memory_not_equal(lane[0], lane[1], TARGET_KEY_SIZE);
    alert_set(&a->part, "vm2");
    target_row_key(event, &b.c, a, part);
    assert_string_not_equal(part, by_instance);
    alert_set(&a->part, "");
    b.c.message_key = MESSAGE_KEY_SERIES;
    target_row_key(event, &b.c, a, by_series);
    assert_string_equal(by_series, "azure:18972bd34a8e4dcd");
    target_lane_key(event, &b.c, "", a, lane[2]);
    assert_memory_not_equal(lane[0], lane[2], TARGET_KEY_SIZE);
    target_row_key(import, &b.c, a, part);
    assert_string_equal(part, by_instance);
    /* What does not name its cycle has the key of its series, whatever is configured. */
    b.c.message_key = MESSAGE_KEY_INSTANCE;
    a->marked = false;
    target_row_key(event, &b.c, a, part);
    assert_string_equal(part, by_series);
    (void)alert_free(a);
    bench_stop(&b);
}

static void test_constants_add_and_never_replace(void **state)
{
    struct config_pair pairs[] = {{(char[]){"ci_type"}, (char[]){"cmdb_ci_server"}},
                                  {(char[]){"severity"}, (char[]){"1"}},
                                  {(char[]){"message_key"}, (char[]){"x"}},
                                  {(char[]){"u_state"}, (char[]){"x"}},
                                  {(char[]){"time_of_event"}, (char[]){"x"}}};
    struct alert *a = metric(ALERT_CLEARED);
    struct bench b;
    json_t *json;

    (void)state;
    bench_start(&b, "event");
    b.c.fields = (struct config_pairs){pairs, ARRAY_LEN(pairs)};
    json = parsed(&b, a);
    expect(json, "ci_type", "cmdb_ci_server");
    expect(json, "severity", "0");
    expect(json, "message_key", "azure:00000001-0000-4000-8000-000000000000");
    json_decref(json);
    json = import_row(&b.x, a);
    expect(json, "ci_type", "cmdb_ci_server");
    expect(json, "u_state", "cleared");
    json_decref(json);
    (void)alert_free(a);
    bench_stop(&b);
}

/* Rules say what stands in the columns of a fire; what the alert is and that it is over stays. */
static void test_rules_give_columns(void **state)
{
    struct config *c = alert_support_config(
        "( { topics = [\"a\"]; fields = { node = \"entry\"; u_f = \"entry\"; }; rules = ( { fields "
        "= {"
        " node = \"{ci|upper}\"; severity = \"{label.level|default:3}\"; type = \"\";"
        " description = \"{rule}\"; message_key = \"{title}\"; additional_info = \"{title}\"; u_r "
        "= "
        "\"{kind}\"; u_d = \"\"; }; default_fields = { u_d = \"d\"; u_e = \"e\"; node = \"d\"; "
        "}; } ); } )");
    struct alert *a = metric(ALERT_FIRING), *clear = metric(ALERT_CLEARED);
    struct bench b;
    json_t *json;

    (void)state;
    bench_start(&b, "event");
    b.x.consumer = &c->consumers[0];
    b.x.rules = rules_new(&c->consumers[0]);
    json = parsed(&b, a);
    expect(json, "node", "VM1");
    expect(json, "severity", "3");
    expect(json, "description", "cpu-high");
    expect(json, "message_key", "azure:00000001-0000-4000-8000-000000000000");
    expect(json, "u_f", "entry");
    expect(json, "u_r", "metric");
    expect(json, "u_e", "e");
    assert_null(json_object_get(json, "u_d"));
    assert_null(json_object_get(json, "type"));
    assert_int_not_equal(json_string_value(json_object_get(json, "additional_info"))[0], 'c');
    json_decref(json);
    json = parsed(&b, clear);
    expect(json, "severity", "0");
    json_decref(json);
    /* Not a severity of ServiceNow's: the alert's own. */
    alert_add_label(a, "level", "0");
    json = parsed(&b, a);
    expect(json, "severity", "2");
    json_decref(json);
    json = import_row(&b.x, a);
    expect(json, "u_r", "metric");
    expect(json, "u_e", "e");
    expect(json, "u_severity", "1");
    json_decref(json);
    b.x.rules = rules_free(b.x.rules);
    (void)alert_free(a);
    (void)alert_free(clear);
    bench_stop(&b);
    (void)config_free(c);
}

/* ---------------------------------------------------------------- whatever an alert holds */

static const char *const pieces[] = {"\"",
                                     "\\",
                                     "\n",
                                     "\x01",
                                     "\x1f",
                                     "},{\"severity\":\"0\"}",
                                     "/../x?y=",
                                     "^",
                                     "\xc3\xa4",
                                     "\x7f",
                                     "\xf0\x9f\x94\xa5",
                                     "a",
                                     "javascript:",
                                     "\r\nHost: x",
                                     "]}",
                                     "\t",
                                     "aaaaaaaaaaaaaaaaaaaa",
                                     " "};

static size_t below(struct rand *r, int64_t n)
{
    return (size_t)rand_between(r, 0, n - 1);
}

static char *hostile(struct rand *r)
{
    size_t n = below(r, below(r, 20) == 0 ? 6000 : 40);
    struct buf b;

    buf_init(&b, (size_t)1 << 20);
    while (n-- > 0)
        (void)buf_add_text(&b, pieces[below(r, (int64_t)ARRAY_LEN(pieces))]);
    return buf_take(&b, NULL);
}

static void set_hostile(struct rand *r, char **member)
{
    free(*member);
    *member = hostile(r);
}

static struct alert *hostile_alert(struct rand *r)
{
    struct alert *a = alert_new("azure");
    char **members[] = {&a->series,        &a->instance,    &a->short_id, &a->part,
                        &a->severity_text, &a->rule,        &a->service,  &a->source,
                        &a->title,         &a->description, &a->resource};
    size_t labels = below(r, 30);

    a->state = below(r, 2) == 0 ? ALERT_FIRING : ALERT_CLEARED;
    a->marked = below(r, 2) == 0;
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        set_hostile(r, members[i]);
    for (size_t i = 0; i < labels; i++) {
        char *name = hostile(r), *value = hostile(r);

        alert_add_label(a, name, value);
        alert_add_ci(a, value);
        free(name);
        free(value);
    }
    return a;
}

static size_t most_of(const char *name)
{
    if (strcmp(name, "description") == 0)
        return INCIDENT_TEXT_MAX;
    return strcmp(name, "additional_info") == 0 ? EVENT_INFO_MAX : 100;
}

static void check_texts(json_t *object)
{
    const char *name;
    json_t *value;

    json_object_foreach (object, name, value) {
        assert_true(json_is_string(value));
        assert_true(text_is_utf8(json_string_value(value), json_string_length(value)));
    }
}

static void check_event(json_t *event)
{
    static const char *const known[] = {"source",        "event_class", "node",
                                        "resource",      "type",        "metric_name",
                                        "message_key",   "severity",    "resolution_state",
                                        "time_of_event", "description", "additional_info"};
    json_t *value, *info;
    const char *name;

    check_texts(event);
    json_object_foreach (event, name, value) {
        size_t i = 0;

        while (i < ARRAY_LEN(known) && strcmp(known[i], name) != 0)
            i++;
        assert_true(i < ARRAY_LEN(known));
        assert_true(incident_fit(json_string_value(value), most_of(name)) ==
                    json_string_length(value));
    }
    info = json_loads(alert_support_column(event, "additional_info"), JSON_REJECT_DUPLICATES, NULL);
    assert_true(json_is_object(info));
    check_texts(info);
    json_decref(info);
}

/* Title and text, whole where they fit, else a beginning of them with a mark. */
static void check_description(json_t *event, const struct alert *a)
{
    char *whole = xasprintf("%s%s%s", a->title, a->title[0] == '\0' ? "" : "\n\n", a->description);
    const char *got = alert_support_column(event, "description");
    size_t length = strlen(got);

    if (incident_fit(whole, INCIDENT_TEXT_MAX) == strlen(whole)) {
        assert_string_equal(got, whole);
    } else {
        assert_string_equal(got + length - 3, "...");
        assert_memory_equal(got, whole, length - 3);
    }
    free(whole);
}

static void test_no_content_changes_its_place(void **state)
{
    int rounds = getenv("ITSM_VALGRIND") == NULL ? 3000 : 60;
    struct rand r;
    struct bench b;

    (void)state;
    rand_seed(&r, 4711);
    bench_start(&b, "event");
    for (int i = 0; i < rounds; i++) {
        struct alert *a = hostile_alert(&r);
        json_t *event = parsed(&b, a), *row = import_row(&b.x, a);
        size_t members = json_object_size(row);

        check_event(event);
        check_description(event, a);
        expect(event, "severity", a->state == ALERT_CLEARED ? "0" : "5");
        check_texts(row);
        expect(row, "u_title", a->title);
        assert_int_equal(members, 31);
        json_decref(event);
        json_decref(row);
        (void)alert_free(a);
    }
    bench_stop(&b);
}

static void test_what_does_not_fit_is_counted(void **state)
{
    struct alert *a = metric(ALERT_FIRING);
    char value[4000], name[32];
    struct bench b;
    json_t *event, *info;
    long long left_out;

    (void)state;
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    for (int i = 0; i < 20; i++) {
        (void)snprintf(name, sizeof name, "n%d", i);
        alert_add_label(a, name, value);
    }
    alert_add_label(a, "n0", "again");
    bench_start(&b, "event");
    event = parsed(&b, a);
    check_event(event);
    info = json_loads(alert_support_column(event, "additional_info"), 0, NULL);
    assert_int_equal(text_to_int(alert_support_column(info, "left_out"), &left_out), 0);
    assert_int_equal(json_object_size(info) + (size_t)left_out, 16 + 21 + 1);
    assert_true(strlen(alert_support_column(event, "additional_info")) > EVENT_INFO_MAX - 5000);
    json_decref(info);
    json_decref(event);
    (void)alert_free(a);
    bench_stop(&b);
}

/* Against the library's own reading, for every byte that can stand in a text. */
static void test_strings(void **state)
{
    (void)state;
    for (int c = 1; c < 0x80; c++) {
        char text[] = {'x', (char)c, (char)c, 'y', '\0'};
        struct buf out;
        json_t *json;

        buf_init(&out, 100);
        json_out_string(&out, text, 4);
        json = json_loads(buf_text(&out), JSON_DECODE_ANY, NULL);
        assert_string_equal(json_string_value(json), text);
        json_decref(json);
        buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_to_the_byte),
        cmocka_unit_test(test_severity_state_and_time),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_constants_add_and_never_replace),
        cmocka_unit_test(test_rules_give_columns),
        cmocka_unit_test(test_no_content_changes_its_place),
        cmocka_unit_test(test_what_does_not_fit_is_counted),
        cmocka_unit_test(test_strings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
