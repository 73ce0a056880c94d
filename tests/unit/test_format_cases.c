/* Every case of tests/cases/formats: message.json, with the setup that setup.json names, becomes
 * what want.json says, to the byte. Run with CASES_WRITE=1 to write the want.json files anew, then
 * read the difference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/buf.h"
#include "bridge/base/xalloc.h"
#include "consumers/formats.h"
#include "tests/support/alert_case.h"
#include "tests/support/alert_support.h"

#define CASES_LEAST 60
#define HEADERS_MAX 8

static const char *text_of(const json_t *setup, const char *name)
{
    const char *text = json_string_value(json_object_get(setup, name));

    return text != NULL ? text : "";
}

/* A configuration of one consumers entry, as the setup wants it. */
struct set {
    struct config config;
    struct config_consumer consumer;
    char *mapping, *format;
    struct message_header headers[HEADERS_MAX];
    struct buf value;
};

static void apply(struct set *s, const json_t *setup, const char *folder)
{
    static char no_file[] = "";
    struct config_errors errors = {0};

    s->consumer = alert_support_consumer();
    if (text_of(setup, "format")[0] != '\0')
        s->consumer.format = s->format = xstrdup(text_of(setup, "format"));
    if (strcmp(text_of(setup, "one_per"), "group") == 0)
        s->consumer.one_per = ONE_PER_GROUP;
    if (strcmp(text_of(setup, "fold"), "series") == 0)
        s->consumer.fold = FOLD_SERIES;
    s->consumer.instance_with_fire_time =
        json_is_true(json_object_get(setup, "instance_with_fire_time"));
    s->config = (struct config){.file = no_file, .consumers = &s->consumer, .consumers_count = 1};
    if (text_of(setup, "mapping")[0] != '\0') {
        s->mapping = xasprintf("%s/%s", folder, text_of(setup, "mapping"));
        s->config.mappings = (struct config_list){.items = &s->mapping, .count = 1};
    }
    if (formats_open(&s->config, &errors) != 0)
        fail_msg("%s: %s", folder, errors.items[0].text);
}

static void fill_message(struct set *s, const json_t *setup, const char *text, size_t length,
                         struct message *m)
{
    json_t *headers = json_object_get(setup, "headers"), *prefix = json_object_get(setup, "prefix");
    json_t *value;
    const char *name;
    size_t i;

    buf_init(&s->value, 1 << 24);
    json_array_foreach (prefix, i, value)
        (void)buf_add_char(&s->value, (char)json_integer_value(value));
    (void)buf_add(&s->value, text, length);
    *m = alert_support_message(s->value.data, s->value.length);
    json_object_foreach (headers, name, value) {
        assert_true(m->headers_count < HEADERS_MAX);
        s->headers[m->headers_count++] = (struct message_header){
            .name = name, .value = json_string_value(value), .length = json_string_length(value)};
    }
    m->headers = s->headers;
    m->key = text_of(setup, "key");
    m->key_length = strlen(m->key);
}

static int run_case(const char *name)
{
    char *folder = xasprintf("%s/formats/%s", TEST_CASES_DIR, name);
    char *message_path = xasprintf("%s/message.json", folder);
    char *setup_path = xasprintf("%s/setup.json", folder);
    char *want_path = xasprintf("%s/want.json", folder);
    json_t *setup = json_load_file(setup_path, 0, NULL); /* NULL: none */
    size_t length;
    char *text = alert_support_read(message_path, &length);
    struct set s = {.mapping = NULL};
    struct message m;
    bool differs;

    apply(&s, setup, folder);
    fill_message(&s, setup, text, length, &m);
    differs = alert_case_differs(name, want_path, alert_case_result(&s.consumer, &m));
    formats_close(&s.config);
    buf_done(&s.value);
    json_decref(setup);
    free(s.mapping);
    free(s.format);
    free(text);
    free(want_path);
    free(setup_path);
    free(message_path);
    free(folder);
    return differs ? 1 : 0;
}

static void test_cases(void **state)
{
    struct dirent **list;
    int n = scandir(TEST_CASES_DIR "/formats", &list, NULL, alphasort), failed = 0, run = 0;

    (void)state;
    assert_true(n > 0);
    for (int i = 0; i < n; i++) {
        if (list[i]->d_name[0] != '.' && strstr(list[i]->d_name, ".md") == NULL) {
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
