/* The file of secrets of `setup`: what is in it stays, what is made goes in, nobody else reads it.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "bridge/base/xalloc.h"
#include "bridge/commands/setup_secret.h"

static char folder[] = "/tmp/itsm-setup-XXXXXX";
static char *file;

static int set_up(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    file = xasprintf("%s/secrets.env", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(file);
    free(file);
    return rmdir(folder);
}

static void write_file(const char *text, mode_t mode)
{
    int fd;

    (void)unlink(file);
    if (text == NULL)
        return;
    fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, mode);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    (void)close(fd);
}

static void file_is(const char *want)
{
    char got[4096] = "";
    struct stat st;
    int fd = open(file, O_RDONLY);

    assert_true(fd >= 0);
    assert_true(read(fd, got, sizeof got - 1) >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    (void)close(fd);
    assert_string_equal(got, want);
}

static void test_lines(void **state)
{
    static const char others[] = "# mine\nKAFKA_PASSWORD=a b=c\nSNOW_X_Y=1\nlast";
    struct err e;
    char *value;

    (void)state;
    write_file(others, 0644);
    assert_int_equal(setup_line_keep(file, "SNOW_X", "v1", &e), 0);
    file_is("# mine\nKAFKA_PASSWORD=a b=c\nSNOW_X_Y=1\nlast\nSNOW_X=v1\n");
    assert_int_equal(setup_line_keep(file, "KAFKA_PASSWORD", "new", &e), 0);
    file_is("# mine\nKAFKA_PASSWORD=new\nSNOW_X_Y=1\nlast\nSNOW_X=v1\n");
    value = setup_line_find(file, "SNOW_X", &e);
    assert_string_equal(value, "v1");
    free(value);
    assert_null(setup_line_find(file, "SNOW", &e));
    assert_int_equal(e.class, ERR_NONE);
    assert_int_equal(setup_line_drop(file, "SNOW_X", &e), 0);
    file_is("# mine\nKAFKA_PASSWORD=new\nSNOW_X_Y=1\nlast\n");
    assert_int_equal(setup_line_drop(file, "SNOW_X", &e), 0);
}

static void test_own_file_goes(void **state)
{
    struct err e;

    (void)state;
    write_file(NULL, 0);
    assert_int_equal(setup_line_keep(file, "A", "1", &e), 0);
    assert_int_equal(setup_line_keep(file, "B", "2", &e), 0);
    assert_int_equal(setup_line_drop(file, "A", &e), 0);
    assert_int_equal(access(file, F_OK), 0);
    assert_int_equal(setup_line_drop(file, "B", &e), 0);
    assert_int_not_equal(access(file, F_OK), 0);
}

static void test_env(void **state)
{
    struct setup_secret s, again;
    struct err e;

    (void)state;
    write_file(NULL, 0);
    (void)unsetenv("ITSM_TEST_SECRET");
    assert_int_equal(setup_secret_find(&s, "", "env:ITSM_TEST_SECRET", file, &e), 0);
    assert_null(s.value);
    setup_secret_make(&s);
    assert_int_equal(strlen(s.value), 48);
    assert_int_equal(
        strspn(s.value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), 48);
    assert_int_equal(setup_secret_keep(&s, file, NULL, &e), 0);
    assert_int_equal(setup_secret_find(&again, "env:ITSM_TEST_SECRET", "", file, &e), 0);
    assert_string_equal(again.value, s.value);
    setup_secret_done(&again);
    (void)setenv("ITSM_TEST_SECRET", "of the environment", 1);
    assert_int_equal(setup_secret_find(&again, "env:ITSM_TEST_SECRET", "", file, &e), 0);
    assert_string_equal(again.value, "of the environment");
    setup_secret_done(&again);
    setup_secret_done(&s);
}

static void test_file(void **state)
{
    char *spec = xasprintf("file:%s", file);
    struct setup_secret s, again;
    struct err e;

    (void)state;
    write_file(NULL, 0);
    assert_int_equal(setup_secret_find(&s, spec, "env:X", "/nowhere", &e), 0);
    assert_null(s.value);
    setup_secret_make(&s);
    assert_int_equal(setup_secret_keep(&s, "/nowhere", NULL, &e), 0);
    assert_int_equal(setup_secret_find(&again, spec, "env:X", "/nowhere", &e), 0);
    assert_string_equal(again.value, s.value);
    setup_secret_done(&again);
    write_file("", 0600);
    assert_int_equal(setup_secret_find(&again, spec, "env:X", "/nowhere", &e), -1);
    setup_secret_done(&again);
    setup_secret_done(&s);
    free(spec);
}

/* One that stands in the configuration itself has nowhere to go. */
static void test_literal(void **state)
{
    struct setup_secret s;
    struct err e;

    (void)state;
    assert_int_equal(setup_secret_find(&s, "hush", "env:X", file, &e), 0);
    assert_string_equal(s.value, "hush");
    setup_secret_make(&s);
    assert_int_equal(setup_secret_keep(&s, file, NULL, &e), -1);
    assert_null(strstr(e.text, s.value));
    setup_secret_done(&s);
}

static void test_unwritable(void **state)
{
    struct err e;

    (void)state;
    assert_int_equal(setup_line_keep("/nowhere/at/all", "A", "hush", &e), -1);
    assert_int_equal(e.class, ERR_CONFIG);
    assert_non_null(strstr(e.text, "/nowhere/at/all"));
    assert_null(strstr(e.text, "hush"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),   cmocka_unit_test(test_own_file_goes),
        cmocka_unit_test(test_env),     cmocka_unit_test(test_file),
        cmocka_unit_test(test_literal), cmocka_unit_test(test_unwritable),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
