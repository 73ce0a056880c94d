/* Each folder of tests/cases/config holds a file and the problems that it must give, to the letter:
 * itsm-bridge.cfg and want.txt (empty = the file is fine). FILE stands for the file, DIR for its
 * folder. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "bridge/base/buf.h"
#include "bridge/base/xalloc.h"
#include "bridge/config/config.h"
#include "bridge/config/config_secret.h"

#define ROOM TEST_CASES_DIR "/config"

/* libconfig 1.5 loses the text that it was reading when it refuses a file. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig.so";
}

/* text with each `from` replaced by `to`; takes text, new. */
static char *replaced(char *text, const char *from, const char *to)
{
    struct buf b;
    const char *p = text, *hit;

    buf_init(&b, (size_t)1 << 20);
    while ((hit = strstr(p, from))) {
        (void)buf_add(&b, p, (size_t)(hit - p));
        (void)buf_add_text(&b, to);
        p = hit + strlen(from);
    }
    (void)buf_add_text(&b, p);
    assert_false(b.failed);
    free(text);
    return buf_take(&b, &(size_t){0});
}

static char *problems_of(const char *dir, const char *file)
{
    struct config_errors errors;
    struct config *c = config_load(file, CONFIG_FULL, &errors);
    struct buf b;

    buf_init(&b, (size_t)1 << 20);
    assert_true((c == NULL) == (errors.count > 0));
    for (size_t i = 0; i < errors.count; i++)
        (void)buf_addf(&b, "%s\n", errors.items[i].text);
    config_errors_done(&errors);
    (void)config_free(c);
    assert_false(b.failed);
    return replaced(replaced(buf_take(&b, &(size_t){0}), file, "FILE"), dir, "DIR");
}

static bool case_holds(const char *name)
{
    char *dir = xasprintf("%s/%s", ROOM, name), *file = xasprintf("%s/itsm-bridge.cfg", dir);
    char *want_path = xasprintf("%s/want.txt", dir), *got = problems_of(dir, file);
    size_t length;
    struct err e;
    char *want = config_read_file_text(want_path, (size_t)1 << 20, &length, &e);
    bool same = want && strcmp(want, got) == 0;

    if (!same)
        print_error("%s\n--- want\n%s--- got\n%s", name, want ? want : e.text, got);
    free(dir);
    free(file);
    free(want_path);
    free(want);
    free(got);
    return same;
}

static int visible(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

static void all_cases(void **state)
{
    struct dirent **list;
    int n = scandir(ROOM, &list, visible, alphasort), wrong = 0;

    (void)state;
    assert_true(n >= 60);
    for (int i = 0; i < n; i++) {
        wrong += !case_holds(list[i]->d_name);
        free(list[i]);
    }
    free(list);
    assert_int_equal(wrong, 0);
}

static void absent_file(void **state)
{
    char *got = problems_of(ROOM, ROOM "/absent.cfg");

    (void)state;
    assert_string_equal(got, "FILE: cannot be opened: No such file or directory; name another file "
                             "with -c FILE\n");
    free(got);
    got = problems_of("//none//", ROOM);
    assert_string_equal(got, "FILE: is not a regular file; name another file with -c FILE\n");
    free(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_cases),
        cmocka_unit_test(absent_file),
    };

    (void)setenv("TEST_EMPTY", "", 1);
    (void)unsetenv("TEST_NOT_SET");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
