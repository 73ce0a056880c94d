/* Decoding: each kind of bad message has its code, wrong types anywhere end in a code or in notes,
 * nothing crashes, secrets are never copied. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "consumers/incident_text.h"
#include "tests/support/alert_support.h"

#define FUZZ_TIME (3 * USEC_S)
#define BIG       ((size_t)900 * 1024)

static const char *const codes[] = {
    "not-json",         "empty",     "too-deep",    "not-utf8", "nul",
    "duplicate-member", "no-format", "no-identity", "no-state", "wrong-type",
};

static const char *code_of(const void *bytes, size_t length)
{
    struct config_consumer c = alert_support_consumer();
    struct message m = alert_support_message(bytes, length);
    struct alerts list = {0};
    struct err e = {0};
    enum decode_result result = decode_message(&c, &m, &list, &e);

    if (result == DECODE_OK) {
        assert_true(list.count > 0);
        alerts_done(&list);
        return "ok";
    }
    assert_int_equal(list.count, 0);
    if (result == DECODE_SKIP)
        return "skip";
    assert_int_equal(e.class, ERR_REJECT);
    assert_true(strlen(e.text) > 20);
    return e.code;
}

/* The cases that are one good message each. */
struct samples {
    char *names[64];
    json_t *messages[64];
    size_t count;
};

static int is_good(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && strstr(entry->d_name, "-bad-") == NULL &&
           strstr(entry->d_name, "-array") == NULL;
}

static struct samples samples_load(void)
{
    struct samples s = {.count = 0};
    struct dirent **list;
    int n = scandir(TEST_CASES_DIR "/map", &list, is_good, alphasort);

    assert_true(n >= 37 && n <= 64);
    for (int i = 0; i < n; i++) {
        char *path = xasprintf("%s/map/%s/message.json", TEST_CASES_DIR, list[i]->d_name);
        char *text = alert_support_read(path, NULL);

        s.names[s.count] = xstrdup(list[i]->d_name);
        s.messages[s.count] = json_loads(text, 0, NULL);
        if (s.messages[s.count] != NULL)
            s.count++;
        else
            free(s.names[s.count]);
        free(text);
        free(path);
        free(list[i]);
    }
    free(list);
    return s;
}

static void samples_done(struct samples *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->names[i]);
        json_decref(s->messages[i]);
    }
}

static void test_bad_bytes(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        const char *code;
    } cases[] = {
#define CASE(bytes_, code_) {bytes_, sizeof(bytes_) - 1, code_}
        CASE("", "empty"),
        CASE(" \r\n\t", "empty"),
        CASE("\xef\xbb\xbf", "empty"),
        CASE("[]", "empty"),
        CASE("hello", "not-json"),
        CASE("{\"a\":1", "not-json"),
        CASE("{} {}", "not-json"),
        CASE("{'a':1}", "not-json"),
        CASE("{\"a\":1e400}", "not-json"),
        CASE("{\"a\":NaN}", "not-json"),
        CASE("{\"a\":\"\xff\"}", "not-utf8"),
        CASE("{\"a\":\"\xed\xa0\x80\"}", "not-utf8"),
        CASE("{\"a\":\"\\ud800\"}", "not-json"),
        CASE("{\"a\":\"\0\"}", "nul"),
        CASE("{\"a\":\"\\u0000\"}", "nul"),
        CASE("{\"\\u0000\":1}", "nul"),
        CASE("{\"a\":1,\"a\":2}", "duplicate-member"),
        CASE("{\"a\":{\"b\":1,\"c\":2,\"b\":1}}", "duplicate-member"),
        CASE("{}", "no-format"),
        CASE("null", "no-format"),
        CASE("17", "no-format"),
        CASE("\"text\"", "no-format"),
        CASE("[[]]", "no-format"),
        CASE("[1]", "no-format"),
        CASE("{\"schemaId\":\"AzureMonitorMetricAlert\",\"data\":{}}", "no-identity"),
        CASE("{\"schemaId\":\"azureMonitorCommonAlertSchema\"}", "no-identity"),
        CASE("{\"schemaId\":\"azureMonitorCommonAlertSchema\",\"data\":{}}", "no-identity"),
        CASE("{\"schemaId\":\"azureMonitorCommonAlertSchema\",\"data\":7}", "wrong-type"),
        CASE("{\"schemaId\":\"azureMonitorCommonAlertSchema\",\"data\":{\"essentials\":[]}}",
             "wrong-type"),
        CASE("{\"data\":{\"essentials\":{}}}", "no-identity"),
        CASE("{\"data\":{\"essentials\":{\"a\":18446744073709551616}}}", "no-identity"),
#undef CASE
    };

    (void)state;
    assert_string_equal(code_of(NULL, 0), "skip");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (strcmp(code_of(cases[i].bytes, cases[i].length), cases[i].code) != 0)
            fail_msg("case %zu: %s, not %s", i, code_of(cases[i].bytes, cases[i].length),
                     cases[i].code);
}

static char *nested(size_t levels, size_t *ret_length)
{
    char *text = xmalloc(2 * levels);

    memset(text, '[', levels);
    memset(text + levels, ']', levels);
    *ret_length = 2 * levels;
    return text;
}

static void test_nesting(void **state)
{
    static const struct {
        size_t levels;
        const char *code;
    } cases[] = {{512, "no-format"}, {513, "too-deep"}, {3000, "too-deep"}, {400000, "too-deep"}};
    static const char escaped[] = "\\\\\\\"[";
    char in_text[16000] = "{\"a\":\"";
    size_t n = strlen(in_text);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t length;
        char *text = nested(cases[i].levels, &length);

        assert_string_equal(code_of(text, length), cases[i].code);
        free(text);
    }
    for (int i = 0; i < 2000; i++, n += strlen(escaped))
        memcpy(in_text + n, escaped, sizeof escaped);
    memcpy(in_text + n, "\"}", 3);
    assert_string_equal(code_of(in_text, n + 2), "no-format");
    in_text[n] = '\\';
    assert_string_equal(code_of(in_text, n + 2), "not-json");
}

/* The message's own words must not reach the error: they may be a secret. */
static void test_errors_quote_nothing(void **state)
{
    static const char bad[] = "{\"a\": hunter2secret}";
    struct config_consumer c = alert_support_consumer();
    struct message m = alert_support_message(bad, sizeof bad - 1);
    struct alerts list = {0};
    struct err e = {0};

    (void)state;
    assert_int_equal(decode_message(&c, &m, &list, &e), DECODE_BAD);
    assert_null(strstr(e.text, "hunter2"));
    assert_non_null(strstr(e.text, "line 1"));
}

static void test_big_message(void **state)
{
    struct config_consumer c = alert_support_consumer();
    json_t *json = alert_support_sample("test-metric-static");
    json_t *essentials = json_object_get(json_object_get(json, "data"), "essentials");
    char *big = xmalloc(BIG + 1);
    struct alerts list = {0};
    struct err e = {0};
    usec_t began;

    (void)state;
    memset(big, 'x', BIG);
    big[BIG] = '\0';
    (void)json_object_set_new(essentials, "description", json_string(big));
    began = clock_now();
    assert_string_equal(alert_support_decode(&c, json, &list, &e), "ok");
    assert_true(clock_now() - began < 2 * USEC_S);
    assert_true(strlen(list.items[0]->description) < BIG / 10);
    alerts_done(&list);
    json_decref(json);
    free(big);
}

static json_t *other_value(int which)
{
    switch (which) {
    case 0:
        return json_null();
    case 1:
        return json_true();
    case 2:
        return json_integer(-7);
    case 3:
        return json_real(0.1);
    case 4:
        return json_string("");
    case 5:
        return json_string("<b>^ORDERBY\r\n\"x\" 2019");
    case 6:
        return json_object();
    case 7:
        return json_pack("[s, i, {s:s}, n]", "a", 1, "name", "b");
    default:
        return NULL; /* the member is taken out */
    }
}

#define OTHER_VALUES 9

struct tally {
    size_t ok, noted, bad, shown;
};

static void check_body(const struct config_consumer *c, const struct alert *a)
{
    struct incident_context x = alert_support_context(c);
    struct version v = {.time = 1, .topic = 2, .partition = 3, .offset = 4};
    struct stamp s = {.version = v};
    struct version back;
    json_t *body = incident_create(&x, a, a->marked ? 0 : 1, &v, &s), *value;
    const char *name, *text;

    json_object_foreach (body, name, value) {
        assert_true(json_is_string(value));
    }
    text = alert_support_column(body, "description");
    assert_true(incident_fit(text, INCIDENT_TEXT_MAX) == strlen(text));
    assert_int_equal(version_parse(text, &back), 0);
    assert_true(version_same(&v, &back));
    text = alert_support_column(body, "short_description");
    assert_true(text[0] != '\0' && strpbrk(text, "\r\n") == NULL);
    assert_true(incident_fit(text, INCIDENT_SHORT_MAX) == strlen(text));
    assert_null(strpbrk(alert_support_column(body, "correlation_id"), "^,\r\n"));
    json_decref(body);
}

static void try_message(json_t *message, struct tally *t)
{
    struct config_consumer c = alert_support_consumer();
    struct alerts list = {0};
    struct err e = {0};
    const char *code = alert_support_decode(&c, message, &list, &e);
    bool known = strcmp(code, "ok") == 0;

    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        known = known || strcmp(code, codes[i]) == 0;
    assert_true(known);
    if (strcmp(code, "ok") != 0) {
        t->bad++;
        assert_true(strlen(e.text) > 40);
        return;
    }
    t->ok++;
    t->noted += list.items[0]->notes_count > 0;
    check_body(&c, list.items[0]);
    alerts_done(&list);
}

/* Replaces each member below `node` by each other value, one at a time. */
static void vary(json_t *whole, json_t *node, struct tally *t)
{
    json_t *copy, *value;
    const char *name;
    size_t i;

    if (json_is_array(node)) {
        json_array_foreach (node, i, value) {
            vary(whole, value, t);
        }
        return;
    }
    copy = json_copy(node);
    json_object_foreach (copy, name, value) {
        for (int which = 0; which < OTHER_VALUES; which++) {
            json_t *other = other_value(which);

            if (other != NULL)
                (void)json_object_set_new(node, name, other);
            else
                (void)json_object_del(node, name);
            try_message(whole, t);
            (void)json_object_set(node, name, value);
        }
        vary(whole, value, t);
    }
    json_decref(copy);
}

static void test_wrong_types_everywhere(void **state)
{
    struct samples s = samples_load();
    struct tally t = {0};
    size_t step = getenv("ITSM_VALGRIND") == NULL ? 1 : 8;

    (void)state;
    for (size_t i = 0; i < s.count; i += step)
        vary(s.messages[i], s.messages[i], &t);
    assert_true(t.ok > 5000 / step / 2 && t.noted > 0 && t.bad > 0);
    assert_true(step > 1 || (t.ok > 5000 && t.noted > 500 && t.bad > 500));
    samples_done(&s);
}

/* What a wrong type in each essential means, per kind. */
static void test_wrong_types_table(void **state)
{
    static const struct {
        const char *sample, *object, *member;
        const char *for_number, *for_null;
    } cases[] = {
        {"test-metric-static", "essentials", "alertId", "wrong-type", "no-identity"},
        {"test-metric-static", "essentials", "alertRule", "wrong-type", "ok"},
        {"test-metric-static", "essentials", "monitorCondition", "wrong-type", "no-state"},
        {"test-metric-static", "essentials", "monitoringService", "wrong-type", "ok"},
        {"test-metric-static", "essentials", "alertTargetIDs", "ok", "ok"},
        {"test-metric-static", "essentials", "firedDateTime", "ok", "ok"},
        {"test-metric-static", "essentials", "severity", "ok", "ok"},
        {"test-metric-static", "essentials", "configurationItems", "ok", "ok"},
        {"test-metric-static", "essentials", "description", "ok", "ok"},
        {"test-metric-static", "alertContext", "condition", "ok", "ok"},
        {"test-activity-log", "essentials", "alertId", "ok", "ok"},
        {"test-activity-log", "essentials", "alertTargetIDs", "wrong-type", "ok"},
        {"test-activity-log", "alertContext", "operationId", "wrong-type", "ok"},
        {"test-activity-log", "alertContext", "properties", "ok", "ok"},
        {"test-resource-health", "essentials", "alertTargetIDs", "wrong-type", "ok"},
        {"test-resource-health", "alertContext", "status", "wrong-type", "ok"},
        {"test-resource-health", "alertContext", "properties", "wrong-type", "ok"},
        {"test-service-health", "alertContext", "properties", "wrong-type", "no-identity"},
        {"test-service-health", "alertContext", "status", "wrong-type", "ok"},
        {"test-budget", "alertContext", "AlertData", "wrong-type", "no-identity"},
        {"test-budget", "essentials", "firedDateTime", "wrong-type", "no-identity"},
        {"test-budget", "essentials", "alertRule", "wrong-type", "ok"},
    };
    struct config_consumer c = alert_support_consumer();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *json = alert_support_sample(cases[i].sample);
        json_t *object = json_object_get(json_object_get(json, "data"), cases[i].object);

        for (int null = 0; null < 2; null++) {
            const char *want = null ? cases[i].for_null : cases[i].for_number, *code;
            struct alerts list = {0};
            struct err e = {0};

            (void)json_object_set_new(object, cases[i].member,
                                      null ? json_null() : json_integer(5));
            code = alert_support_decode(&c, json, &list, &e);
            if (strcmp(code, want) != 0)
                fail_msg("%s %s: %s, not %s", cases[i].sample, cases[i].member, code, want);
            alerts_done(&list);
        }
        json_decref(json);
    }
}

static json_t *essentials_of(json_t *message)
{
    return json_object_get(json_object_get(message, "data"), "essentials");
}

static struct alert *decode_json(const struct config_consumer *c, json_t *json)
{
    char *text = json_dumps(json, 0);
    struct alert *a = alert_support_one(c, text);

    free(text);
    return a;
}

static void test_hard_names(void **state)
{
    struct config_consumer c = alert_support_consumer();
    json_t *json = alert_support_sample("test-metric-static");
    char id[1001], *alert_id;
    struct alert *a;

    (void)state;
    memset(id, 'A', sizeof id - 1);
    id[1000] = '\0';
    alert_id = xasprintf("/subscriptions/s/providers/Microsoft.AlertsManagement/alerts/%s", id);
    (void)json_object_set_new(essentials_of(json), "alertId", json_string(alert_id));
    (void)json_object_set_new(
        essentials_of(json), "alertRule",
        json_string("/a/b/Rule ^NQactive=true \"x\",\r\nState: 6 \xf0\x9f\x94\xa5/"));
    (void)json_object_set_new(essentials_of(json), "severity", json_string("Sev7"));
    a = decode_json(&c, json);
    check_body(&c, a);
    assert_int_equal(strlen(a->short_id), 1000);
    assert_true(a->short_id[0] == 'a');
    assert_string_equal(a->rule, "Rule ^NQactive=true \"x\",\r\nState: 6 \xf0\x9f\x94\xa5");
    assert_null(strstr(a->description, "\nState: 6"));
    assert_int_equal(a->severity, -1);
    assert_int_equal(a->notes_count, 2);
    (void)alert_free(a);
    free(alert_id);
    json_decref(json);
}

static void test_arrays(void **state)
{
    struct config_consumer c = alert_support_consumer();
    json_t *good = alert_support_sample("test-metric-static");
    json_t *other = alert_support_sample("test-log-v2");
    json_t *array = json_pack("[O, O]", good, other);
    struct alerts list = {0};
    struct err e = {0};

    (void)state;
    assert_string_equal(alert_support_decode(&c, array, &list, &e), "ok");
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[0]->kind, "metric");
    assert_string_equal(list.items[1]->kind, "log-v2");
    alerts_done(&list);
    (void)json_array_append_new(array, json_object());
    assert_string_equal(alert_support_decode(&c, array, &list, &e), "no-format");
    assert_int_equal(list.count, 0);
    assert_non_null(strstr(e.text, "alert 3 of 3"));
    json_decref(array);
    json_decref(good);
    json_decref(other);
}

static void test_numbers_stay(void **state)
{
    static const struct {
        const char *number, *shown;
    } cases[] = {{"0.1", "(0.1)"},
                 {"1.10", "(1.1)"},
                 {"100", "(100)"},
                 {"-3", "(-3)"},
                 {"9007199254740993", "(9007199254740993)"},
                 {"78.09", "(78.09)"},
                 {"18446744073709551616", "(1.84467440737096e+19)"}};
    struct config_consumer c = alert_support_consumer();
    char *path = xasprintf("%s/alerts/azure/test-metric-static.json", TEST_DATA_DIR);
    char *sample = alert_support_read(path, NULL), *at = strstr(sample, "\"metricValue\": 100");

    (void)state;
    assert_non_null(at);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *text = xasprintf("\xef\xbb\xbf%.*s\"metricValue\": %s%s", (int)(at - sample), sample,
                               cases[i].number, at + strlen("\"metricValue\": 100"));
        struct alert *a = alert_support_one(&c, text);

        assert_non_null(strstr(a->title, cases[i].shown));
        (void)alert_free(a);
        free(text);
    }
    free(sample);
    free(path);
}

static void test_secrets_are_not_copied(void **state)
{
    static const char *const hidden[] = {"claims", "authorization", "httpRequest"};
    struct config_consumer c = alert_support_consumer();
    struct samples s = samples_load();

    (void)state;
    for (size_t i = 0; i < s.count; i++) {
        json_t *context = json_object_get(json_object_get(s.messages[i], "data"), "alertContext");
        json_t *properties = json_object_get(context, "properties"), *out;
        struct alert *a;
        char *text;

        for (size_t k = 0; k < ARRAY_LEN(hidden); k++)
            (void)json_object_set_new(context, hidden[k], json_string("hunter2"));
        (void)json_object_set_new(context, "Claims", json_string("hunter2"));
        (void)json_object_set_new(properties, "requestBody", json_string("hunter2"));
        a = decode_json(&c, s.messages[i]);
        out = alert_to_json(a);
        text = json_dumps(out, 0);
        assert_null(strstr(text, "hunter2"));
        free(text);
        json_decref(out);
        (void)alert_free(a);
    }
    samples_done(&s);
}

static void test_fold_and_fire_time(void **state)
{
    struct config_consumer c = alert_support_consumer();
    json_t *json = alert_support_sample("test-metric-static");
    struct alert *a;

    (void)state;
    c.instance_with_fire_time = true;
    a = decode_json(&c, json);
    assert_string_equal(a->instance, "eeeeeeee-4444-5555-6666-ffffffffffff\x1ftest-metricalertrule"
                                     "\x1f"
                                     "2025-04-15T18:17:12.851Z");
    assert_string_equal(a->short_id, "");
    (void)alert_free(a);
    c.fold = FOLD_SERIES;
    a = decode_json(&c, json);
    assert_false(a->marked);
    assert_string_equal(a->instance, "");
    assert_string_equal(a->short_id, "");
    (void)alert_free(a);
    json_decref(json);
}

/* The order and the case of targets do not tell two alerts apart. */
static void test_targets_in_any_order(void **state)
{
    struct config_consumer c = alert_support_consumer();
    json_t *json = alert_support_sample("test-activity-log");
    struct alert *one, *two;

    (void)state;
    (void)json_object_set_new(essentials_of(json), "alertTargetIDs",
                              json_pack("[s, s, s]", "/b/Vm", "/A/vm", "/c/vm"));
    one = decode_json(&c, json);
    (void)json_object_set_new(essentials_of(json), "alertTargetIDs",
                              json_pack("[s, s, s]", "/c/VM", "/b/vm", "/a/vm"));
    two = decode_json(&c, json);
    assert_string_equal(one->instance, two->instance);
    assert_string_equal(one->series, two->series);
    assert_non_null(strstr(one->instance, "\x1f/a/vm\x1f/b/vm\x1f/c/vm\x1f"));
    assert_string_equal(one->resource, "/b/Vm");
    (void)alert_free(one);
    (void)alert_free(two);
    json_decref(json);
}

/* A budget's instance holds its fire time already. */
static void test_budget_fire_time_once(void **state)
{
    struct config_consumer c = alert_support_consumer();
    json_t *json = alert_support_sample("test-budget");
    struct alert *one = decode_json(&c, json), *two;

    (void)state;
    c.instance_with_fire_time = true;
    two = decode_json(&c, json);
    assert_string_equal(one->instance, two->instance);
    (void)alert_free(one);
    (void)alert_free(two);
    json_decref(json);
}

static void test_health_states(void **state)
{
    static const struct {
        const char *sample, *condition, *member, *value, *status;
        enum alert_state state;
    } cases[] = {
        {"test-resource-health", "Fired", "currentHealthStatus", "Unavailable", "Active",
         ALERT_FIRING},
        {"test-resource-health", "Fired", "currentHealthStatus", "Degraded", "Updated",
         ALERT_FIRING},
        {"test-resource-health", "Fired", "currentHealthStatus", "Available", "Active",
         ALERT_CLEARED},
        {"test-resource-health", "Fired", "currentHealthStatus", "Unavailable", "Resolved",
         ALERT_CLEARED},
        {"test-resource-health", "Resolved", "currentHealthStatus", "Unavailable", "Active",
         ALERT_CLEARED},
        {"test-service-health", "Fired", "stage", "Active", "Active", ALERT_FIRING},
        {"test-service-health", "Fired", "stage", "Planned", "Active", ALERT_FIRING},
        {"test-service-health", "Fired", "stage", "Active", "Resolved", ALERT_CLEARED},
        {"test-service-health", "Fired", "stage", "Resolved", "Active", ALERT_CLEARED},
        {"test-service-health", "Fired", "stage", "Complete", "Active", ALERT_CLEARED},
        {"test-service-health", "Fired", "stage", "Canceled", "Active", ALERT_CLEARED},
        {"test-service-health", "Fired", "stage", "RCA", "Resolved", ALERT_NOTE},
        {"test-service-health", "Resolved", "stage", "RCA", "Active", ALERT_NOTE},
    };
    struct config_consumer c = alert_support_consumer();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *json = alert_support_sample(cases[i].sample);
        json_t *context = json_object_get(json_object_get(json, "data"), "alertContext");
        struct alert *a;

        (void)json_object_set_new(essentials_of(json), "monitorCondition",
                                  json_string(cases[i].condition));
        (void)json_object_set_new(context, "status", json_string(cases[i].status));
        (void)json_object_set_new(json_object_get(context, "properties"), cases[i].member,
                                  json_string(cases[i].value));
        a = decode_json(&c, json);
        if (a->state != cases[i].state)
            fail_msg("case %zu: state %d", i, (int)a->state);
        (void)alert_free(a);
        json_decref(json);
    }
}

/* Repeated at random: one byte changed, a piece taken out or doubled. */
static void test_mutations(void **state)
{
    struct samples s = samples_load();
    uint64_t seed = 42;
    usec_t end = clock_now() + FUZZ_TIME;
    size_t rounds = 0;

    (void)state;
    for (size_t i = 0; clock_now() < end; i = i + 1 < s.count ? i + 1 : 0, rounds++) {
        char *text = json_dumps(s.messages[i], JSON_COMPACT), *work;
        size_t n = strlen(text), span = n > 0 ? n : 1;

        work = xmalloc(n + 1);
        memcpy(work, text, n + 1);
        for (int k = 0; k < 3; k++) {
            size_t at, from, length = 40;

            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            at = (size_t)(seed >> 33) % span;
            from = (size_t)(seed >> 13) % span;
            length = length > n - at ? n - at : length;
            length = length > n - from ? n - from : length;
            if ((seed >> 60) < 8)
                work[at] = (char)(seed >> 16);
            else
                memmove(work + at, text + from, length);
        }
        (void)code_of(work, n);
        free(work);
        free(text);
    }
    assert_true(rounds > 100);
    samples_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_bytes),
        cmocka_unit_test(test_nesting),
        cmocka_unit_test(test_errors_quote_nothing),
        cmocka_unit_test(test_big_message),
        cmocka_unit_test(test_wrong_types_everywhere),
        cmocka_unit_test(test_wrong_types_table),
        cmocka_unit_test(test_hard_names),
        cmocka_unit_test(test_arrays),
        cmocka_unit_test(test_numbers_stay),
        cmocka_unit_test(test_secrets_are_not_copied),
        cmocka_unit_test(test_fold_and_fire_time),
        cmocka_unit_test(test_targets_in_any_order),
        cmocka_unit_test(test_budget_fire_time_once),
        cmocka_unit_test(test_health_states),
        cmocka_unit_test(test_mutations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
