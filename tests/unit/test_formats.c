/* The registry of formats: what a configuration may name, and what is said when it names something
 * else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/base/xalloc.h"
#include "consumers/formats.h"
#include "tests/support/alert_support.h"

#define OWN "series = [\"{id}\"]; state: { otherwise = \"firing\"; }; title = \"{title}\";\n"

static char folder[64];

static char *write_file(const char *name, const char *text)
{
    char *path = xasprintf("%s/%s", folder, name);
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    return path;
}

/* Opens the formats of one consumers entry with this format and these files. */
static int open_with(struct config *c, struct config_consumer *consumer, const char *format,
                     char **mappings, size_t count, struct config_errors *errors)
{
    static char file[96];

    (void)snprintf(file, sizeof file, "%s/itsm-bridge.cfg", folder);
    *consumer = alert_support_consumer();
    consumer->line = 17;
    consumer->format = xstrdup(format);
    *c = (struct config){.file = file,
                         .mappings = {.items = mappings, .count = count},
                         .consumers = consumer,
                         .consumers_count = 1};
    *errors = (struct config_errors){0};
    return formats_open(c, errors);
}

static void check_wrong(const char *format, char **mappings, size_t count, const char *says)
{
    struct config_consumer consumer;
    struct config_errors errors;
    struct config c;

    assert_int_equal(open_with(&c, &consumer, format, mappings, count, &errors), -1);
    assert_int_equal(errors.count, 1);
    if (strstr(errors.items[0].text, says) == NULL)
        fail_msg("%s", errors.items[0].text);
    assert_null(c.formats);
    formats_close(&c);
    config_errors_done(&errors);
    free(consumer.format);
}

static void names_are_checked(void **state)
{
    char *names = formats_names(), *name, *rest = names;
    struct config_consumer consumer;
    struct config_errors errors;
    struct config c;
    unsigned n = 0;

    (void)state;
    while ((name = strsep(&rest, ",")) != NULL) {
        name += *name == ' ';
        assert_int_equal(open_with(&c, &consumer, name, NULL, 0, &errors), 0);
        formats_close(&c);
        free(consumer.format);
        n++;
    }
    assert_true(n >= 13);
    free(names);
    check_wrong("splunk", NULL, 0, "/itsm-bridge.cfg:17: consumers \"alerts\": there is no format");
    check_wrong("splunk", NULL, 0, "auto, azure, alertmanager, ");
    check_wrong("mapping:acme", NULL, 0, "there is no format \"mapping:acme\"");
}

static void own_files_are_read(void **state)
{
    char *acme =
        write_file("acme.cfg", "name = \"acme\"; when = ({at = \"acme\"; has = true;});\n" OWN);
    char *again = write_file("again.cfg", "name = \"acme\";\n" OWN);
    char *wrong = write_file("wrong.cfg", "name = \"b\";\nfoo = 1;\n" OWN);
    char relative[] = "acme.cfg", missing[] = "missing.cfg";
    char *one[] = {relative}, *two[] = {acme, again}, *bad[] = {wrong}, *none[] = {missing};
    struct config_consumer consumer;
    struct config_errors errors;
    struct alert *a;
    struct config c;

    (void)state;
    assert_int_equal(open_with(&c, &consumer, "mapping:acme", one, 1, &errors), 0);
    a = alert_support_one(&consumer, "{\"acme\":1,\"id\":7,\"title\":\"t\"}");
    assert_string_equal(a->format, "mapping:acme");
    assert_string_equal(a->series, "7");
    assert_string_equal(a->mapping, acme);
    (void)alert_free(a);
    formats_close(&c);
    formats_close(&c);
    free(consumer.format);
    check_wrong("auto", two, 2, "again.cfg: has the name of ");
    check_wrong("auto", bad, 1, "wrong.cfg:2: foo: is no key that is known here");
    check_wrong("auto", none, 1, "missing.cfg: cannot be opened: No such file");
    for (char **path = (char *[]){acme, again, wrong, NULL}; *path != NULL; path++) {
        assert_int_equal(unlink(*path), 0);
        free(*path);
    }
}

/* The user's own come before the shipped ones, and a fixed format takes no other. */
static void own_come_first(void **state)
{
    char *mine =
        write_file("mine.cfg", "name = \"mine\"; when = ({at = \"check_id\"; has = true;});\n"
                               "series = [\"{check_id}\"]; state: { otherwise = "
                               "\"firing\"; }; title = \"mine\";");
    static const char down[] = "{\"check_id\":1,\"check_name\":\"x\",\"current_state\":\"DOWN\"}";
    char *one[] = {mine};
    struct config_consumer consumer;
    struct config_errors errors;
    struct alerts list = {0};
    struct message m = alert_support_message(down, sizeof down - 1);
    struct err e = {0};
    struct config c;

    (void)state;
    assert_int_equal(open_with(&c, &consumer, "auto", one, 1, &errors), 0);
    assert_int_equal(decode_message(&consumer, &m, &list, &e), DECODE_OK);
    assert_string_equal(list.items[0]->format, "mapping:mine");
    alerts_done(&list);
    free(consumer.format);
    consumer.format = xstrdup("Pingdom");
    assert_int_equal(decode_message(&consumer, &m, &list, &e), DECODE_OK);
    assert_string_equal(list.items[0]->format, "pingdom");
    alerts_done(&list);
    free(consumer.format);
    consumer.format = xstrdup("grafana");
    assert_int_equal(decode_message(&consumer, &m, &list, &e), DECODE_BAD);
    assert_string_equal(e.code, "no-format");
    free(consumer.format);
    formats_close(&c);
    assert_int_equal(unlink(mine), 0);
    free(mine);
}

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/formats-test.XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_checked),
        cmocka_unit_test(own_files_are_read),
        cmocka_unit_test(own_come_first),
    };

    return cmocka_run_group_tests_name("formats", tests, make_folder, remove_folder);
}
