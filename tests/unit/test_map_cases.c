/* Every case of tests/cases/map: message.json to what want.json says, to the byte; where there is a
 * consumers.cfg (a list of consumers entries), by the first of them and its rules. Run with
 * CASES_WRITE=1 to write the want.json files anew, then read the difference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/base/xalloc.h"
#include "tests/support/alert_case.h"
#include "tests/support/alert_support.h"

#define CASES_LEAST 49

/* The configuration of the case, or NULL when it has none. */
static struct config *case_config(const char *name)
{
    char *path = xasprintf("%s/map/%s/consumers.cfg", TEST_CASES_DIR, name), *text;
    struct config *c = NULL;

    if (access(path, R_OK) == 0) {
        text = alert_support_read(path, NULL);
        c = alert_support_config(text);
        free(text);
    }
    free(path);
    return c;
}

static int run_case(const char *name)
{
    struct config_consumer plain = alert_support_consumer();
    struct config *config = case_config(name);
    char *message_path = xasprintf("%s/map/%s/message.json", TEST_CASES_DIR, name);
    char *want_path = xasprintf("%s/map/%s/want.json", TEST_CASES_DIR, name);
    size_t length;
    char *text = alert_support_read(message_path, &length);
    struct message m = alert_support_message(text, length);
    bool differs = alert_case_differs(
        name, want_path, alert_case_result(config != NULL ? &config->consumers[0] : &plain, &m));

    (void)config_free(config);
    free(text);
    free(message_path);
    free(want_path);
    return differs ? 1 : 0;
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
