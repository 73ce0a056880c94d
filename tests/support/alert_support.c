/* Ready-made consumers entries and messages. */
#include "tests/support/alert_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bridge/base/xalloc.h"

struct config_consumer alert_support_consumer(void)
{
    static char name[] = "alerts", format[] = "auto", target[] = "incident", none[] = "";

    return (struct config_consumer){
        .name = name, .format = format, .target = target, .close_code = none};
}

struct config *alert_support_config(const char *consumers)
{
    char path[] = "/tmp/itsm-rules-XXXXXX";
    struct config_errors errors;
    struct config *c;
    int fd = mkstemp(path);
    FILE *f;

    assert_true(fd >= 0);
    f = fdopen(fd, "w");
    assert_non_null(f);
    (void)fprintf(f,
                  "connection: { name = \"t\"; server_url = \"https://acme.service-now.com\";\n"
                  "auth: { client_id = \"i\"; client_secret = \"s\"; }; };\n"
                  "kafka: { bootstrap_servers = \"localhost:9092\"; };\nconsumers: %s;\n",
                  consumers);
    assert_int_equal(fclose(f), 0);
    c = config_load(path, CONFIG_NO_SECRETS, &errors);
    (void)unlink(path);
    if (c == NULL)
        fail_msg("%s\n%s", consumers, errors.items[0].text);
    config_errors_done(&errors);
    return c;
}

struct message alert_support_message(const void *value, size_t length)
{
    return (struct message){
        .topic = "alerts",
        .partition = 3,
        .offset = 42,
        .timestamp = INT64_C(1748773231000),
        .value = value,
        .value_length = length,
    };
}

struct incident_context alert_support_context(const struct config_consumer *c)
{
    return (struct incident_context){.consumer = c,
                                     .table = "incident",
                                     .shape = target_table_of("incident"),
                                     .record_namespace = "",
                                     .close_code = "Solution provided",
                                     .contact_type = "",
                                     .cmdb_ci = ""};
}

const char *alert_support_decode(const struct config_consumer *c, json_t *json,
                                 struct alerts *ret_alerts, struct err *e)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    struct message m;
    enum decode_result result;

    assert_non_null(text);
    m = alert_support_message(text, strlen(text));
    result = decode_message(c, &m, ret_alerts, e);
    free(text);
    return result == DECODE_OK ? "ok" : result == DECODE_SKIP ? "skip" : e->code;
}

struct alert *alert_support_one(const struct config_consumer *c, const char *text)
{
    struct message m = alert_support_message(text, strlen(text));
    struct alerts list = {0};
    struct err e = {0};
    struct alert *a;

    if (decode_message(c, &m, &list, &e) != DECODE_OK)
        fail_msg("%s: %s", e.code, e.text);
    assert_int_equal(list.count, 1);
    a = list.items[0];
    free(list.items);
    return a;
}

char *alert_support_read(const char *path, size_t *ret_length)
{
    FILE *f = fopen(path, "rb");
    char *text = NULL;
    long size;

    if (f == NULL || fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) < 0)
        fail_msg("cannot read %s", path);
    else {
        text = xmalloc((size_t)size + 1);
        rewind(f);
        assert_int_equal(fread(text, 1, (size_t)size, f), size);
        text[size] = '\0';
        if (ret_length != NULL)
            *ret_length = (size_t)size;
    }
    if (f != NULL)
        (void)fclose(f);
    return text;
}

json_t *alert_support_sample(const char *name)
{
    char *path = xasprintf("%s/alerts/azure/%s.json", TEST_DATA_DIR, name);
    char *text = alert_support_read(path, NULL);
    json_t *json = json_loads(text, 0, NULL);

    assert_non_null(json);
    free(path);
    free(text);
    return json;
}

const char *alert_support_column(json_t *body, const char *name)
{
    const json_t *value = json_object_get(body, name);

    if (!json_is_string(value))
        fail_msg("column %s is not a text", name);
    return json_string_value(value);
}
