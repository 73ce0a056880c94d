/* Every case of tests/cases/map: message.json to what want.json says, to the byte. Run with
 * MAP_CASES_WRITE=1 to write the want.json files anew, then read the difference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"
#include "tests/support/alert_support.h"

#define CASES_LEAST 45

static json_t *keys_json(const struct alert *a)
{
    char series[17];
    struct keys keys;

    identity_keys(a, "", "incident", a->marked ? 0 : 1, &keys);
    (void)snprintf(series, sizeof series, "%016llx", (unsigned long long)keys.series);
    return json_pack("{s:s, s:s, s:s}", "sys_id", keys.sys_id, "correlation_id",
                     keys.correlation_id, "series", series);
}

/* The request that this alert makes when it is the first of its instance. */
static json_t *body_json(const struct incident_context *x, const struct alert *a,
                         const struct version *v)
{
    uint32_t generation = a->marked ? 0 : 1;
    struct keys keys;
    struct stamp stamp;

    identity_keys(a, "", "incident", generation, &keys);
    stamp = (struct stamp){.series = keys.series,
                           .generation = generation,
                           .rank = a->state == ALERT_CLEARED,
                           .version = *v};
    if (a->state == ALERT_NOTE)
        return incident_remark(a, v);
    if (a->state == ALERT_CLEARED)
        return json_pack("{s:o, s:o}", "resolve", incident_resolve(x, a, &stamp), "create_resolved",
                         incident_create_resolved(x, a, a, generation, v, &stamp));
    return incident_create(x, a, generation, v, &stamp);
}

static json_t *result_of(const char *text, size_t length)
{
    struct config_consumer c = alert_support_consumer();
    struct incident_context x = alert_support_context(&c);
    struct message m = alert_support_message(text, length);
    struct version v = version_of(&m);
    struct alerts list = {0};
    struct err e = {0};
    json_t *out;

    if (decode_message(&c, &m, &list, &e) != DECODE_OK)
        return json_pack("{s:s, s:s}", "bad", e.code, "why", e.text);
    out = json_array();
    for (size_t i = 0; i < list.count; i++)
        (void)json_array_append_new(
            out, json_pack("{s:o, s:o, s:o}", "alert", alert_to_json(list.items[i]), "keys",
                           keys_json(list.items[i]), "body", body_json(&x, list.items[i], &v)));
    alerts_done(&list);
    return out;
}

static void write_want(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    (void)fprintf(f, "%s\n", text);
    assert_int_equal(fclose(f), 0);
}

static int run_case(const char *name)
{
    char *message_path = xasprintf("%s/map/%s/message.json", TEST_CASES_DIR, name);
    char *want_path = xasprintf("%s/map/%s/want.json", TEST_CASES_DIR, name);
    size_t length, want_length;
    char *message = alert_support_read(message_path, &length), *have, *want;
    json_t *result = result_of(message, length);
    int failed = 0;

    have = json_dumps(result, JSON_INDENT(2));
    if (getenv("MAP_CASES_WRITE") != NULL)
        write_want(want_path, have);
    want = alert_support_read(want_path, &want_length);
    if (want_length != strlen(have) + 1 || strncmp(have, want, strlen(have)) != 0) {
        print_error("case %s: have\n%s\n", name, have);
        failed = 1;
    }
    json_decref(result);
    free(have);
    free(want);
    free(message);
    free(message_path);
    free(want_path);
    return failed;
}

static void test_cases(void **state)
{
    struct dirent **list;
    int n = scandir(TEST_CASES_DIR "/map", &list, NULL, alphasort), failed = 0, run = 0;

    (void)state;
    assert_true(n > 0);
    for (int i = 0; i < n; i++) {
        if (list[i]->d_name[0] != '.') {
            failed += run_case(list[i]->d_name);
            run++;
        }
        free(list[i]);
    }
    free(list);
    assert_int_equal(failed, 0);
    assert_true(run >= CASES_LEAST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
