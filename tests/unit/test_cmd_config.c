/* The command `config`: exit codes, and what goes to which stream. The command is not part of a
 * library, so its source is compiled into this test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "bridge/base/xalloc.h"
#include "bridge/commands/cmd_config.c" /* NOLINT(bugprone-suspicious-include) */

#define FINE  TEST_CASES_DIR "/config/0001-fine/itsm-bridge.cfg"
#define WRONG TEST_CASES_DIR "/config/0027-range/itsm-bridge.cfg"
#define ONE   TEST_CASES_DIR "/config/0033-url-http/itsm-bridge.cfg"

struct run {
    int code;
    char out[65536], err[65536];
};

static void take(FILE *f, char *text, size_t size)
{
    rewind(f);
    text[fread(text, 1, size - 1, f)] = '\0';
    assert_int_equal(fclose(f), 0);
}

/* Runs the command with both streams going to files. */
static void run(struct run *r, char **argv)
{
    FILE *out = tmpfile(), *err = tmpfile();
    int old_out = dup(STDOUT_FILENO), old_err = dup(STDERR_FILENO), argc = 0;

    assert_true(out && err && old_out >= 0 && old_err >= 0);
    (void)fflush(NULL);
    assert_true(dup2(fileno(out), STDOUT_FILENO) >= 0 && dup2(fileno(err), STDERR_FILENO) >= 0);
    while (argv[argc])
        argc++;
    r->code = cmd_config(argc, argv);
    (void)fflush(NULL);
    assert_true(dup2(old_out, STDOUT_FILENO) >= 0 && dup2(old_err, STDERR_FILENO) >= 0);
    assert_int_equal(close(old_out) | close(old_err), 0);
    take(out, r->out, sizeof(r->out));
    take(err, r->err, sizeof(r->err));
}

static struct run r;

/* argv must be writable: getopt moves its words. */
#define RUN(...)                                                                                   \
    do {                                                                                           \
        const char *words_[] = {"config", __VA_ARGS__};                                            \
        char *argv_[ARRAY_LEN(words_) + 1] = {NULL};                                               \
        for (size_t i_ = 0; i_ < ARRAY_LEN(words_); i_++)                                          \
            argv_[i_] = xstrdup(words_[i_]);                                                       \
        run(&r, argv_);                                                                            \
        for (size_t i_ = 0; i_ < ARRAY_LEN(words_); i_++)                                          \
            free(argv_[i_]);                                                                       \
    } while (0)

static void check(void **state)
{
    (void)state;
    RUN("check", "-c", FINE);
    assert_int_equal(r.code, 0);
    assert_string_equal(r.out, FINE " is fine: consumers 1, producers 0\n");
    assert_string_equal(r.err, "");
    RUN("-c", WRONG, "check");
    assert_int_equal(r.code, 2);
    assert_string_equal(r.out, "");
    assert_non_null(strstr(r.err, WRONG ":4: connection.sync_scope_days: 121 is out of range"));
    assert_non_null(strstr(r.err, "\n5 problems in " WRONG "\n"));
    RUN("check", "--config=" ONE);
    assert_int_equal(r.code, 2);
    assert_non_null(strstr(r.err, "\n1 problem in " ONE "\n"));
}

static void print(void **state)
{
    (void)state;
    RUN("print", "-c", FINE);
    assert_int_equal(r.code, 0);
    assert_non_null(strstr(r.out, "    name = \"t\";\n"));
    assert_non_null(strstr(r.out, "        client_secret = \"<hidden>\";\n"));
    assert_non_null(strstr(r.out, "\nmemory_mb = 256;\n"));
    RUN("print", "-c", WRONG);
    assert_int_equal(r.code, 2);
    assert_string_equal(r.out, "");
}

static void reference_and_help(void **state)
{
    (void)state;
    RUN("reference");
    assert_int_equal(r.code, 0);
    assert_non_null(strstr(r.out, "\nkafka.group_id  (text: name, default: itsm-bridge."));
    RUN("--help");
    assert_int_equal(r.code, 0);
    assert_string_equal(r.out, usage);
}

static void wrong_words(void **state)
{
    (void)state;
    RUN("prnt");
    assert_int_equal(r.code, 2);
    assert_non_null(strstr(r.err, "there is no action prnt\n"));
    RUN("check", "-c");
    assert_int_equal(r.code, 2);
    assert_non_null(strstr(r.err, "no file follows -c\n"));
    RUN("check", "--wrong");
    assert_int_equal(r.code, 2);
    assert_non_null(strstr(r.err, "unknown option --wrong\n"));
    RUN("check", "print");
    assert_int_equal(r.code, 2);
    assert_non_null(strstr(r.err, "at a time\n"));
    RUN("-c", FINE);
    assert_int_equal(r.code, 2);
    assert_non_null(strstr(r.err, "say print, check or reference\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check),
        cmocka_unit_test(print),
        cmocka_unit_test(reference_and_help),
        cmocka_unit_test(wrong_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
