/* The command `map`: exit codes, streams, and the requests that it shows. The command is not part
 * of a library, so its source is compiled into this test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "bridge/base/xalloc.h"
#include "bridge/commands/cmd_map.c" /* NOLINT(bugprone-suspicious-include) */

#define CONFIG   TEST_CASES_DIR "/config/0001-fine/itsm-bridge.cfg"
#define LIFE     TEST_CASES_DIR "/config/0131-rules-life/itsm-bridge.cfg"
#define RULES    TEST_CASES_DIR "/config/0115-rules-targets/itsm-bridge.cfg"
#define TARGETS  TEST_CASES_DIR "/config/0116-target/itsm-bridge.cfg"
#define TABLES   TEST_CASES_DIR "/config/0121-target-table/itsm-bridge.cfg"
#define FIRED    TEST_CASES_DIR "/map/0029-doc-metric-fired/message.json"
#define RESOLVED TEST_CASES_DIR "/map/0015-doc-metric-resolved/message.json"
#define HEALTH   TEST_CASES_DIR "/map/0030-resource-health-available/message.json"
#define RCA      TEST_CASES_DIR "/map/0031-service-health-rca/message.json"
#define BAD      TEST_CASES_DIR "/map/0035-bad-state-unknown/message.json"
#define ARRAY    TEST_CASES_DIR "/map/0045-array/message.json"
#define SYS_ID   "e31516bcb1da7e7a8c0a4701b2c84a96"

struct run {
    int code;
    char out[65536], err[65536];
};

static struct run r;

static void take(FILE *f, char *text, size_t size)
{
    rewind(f);
    text[fread(text, 1, size - 1, f)] = '\0';
    assert_int_equal(fclose(f), 0);
}

/* Runs the command with both streams going to files. */
static void run_words(char **argv, int argc)
{
    FILE *out = tmpfile(), *err = tmpfile();
    int old_out = dup(STDOUT_FILENO), old_err = dup(STDERR_FILENO);

    assert_true(out != NULL && err != NULL && old_out >= 0 && old_err >= 0);
    (void)fflush(NULL);
    assert_true(dup2(fileno(out), STDOUT_FILENO) >= 0 && dup2(fileno(err), STDERR_FILENO) >= 0);
    r.code = cmd_map(argc, argv);
    (void)fflush(NULL);
    assert_true(dup2(old_out, STDOUT_FILENO) >= 0 && dup2(old_err, STDERR_FILENO) >= 0);
    assert_int_equal(close(old_out) | close(old_err), 0);
    take(out, r.out, sizeof r.out);
    take(err, r.err, sizeof r.err);
}

/* argv must be writable: getopt moves its words. */
#define RUN(...)                                                                                   \
    do {                                                                                           \
        const char *words_[] = {"map", __VA_ARGS__};                                               \
        char *argv_[ARRAY_LEN(words_) + 1] = {NULL};                                               \
        for (size_t i_ = 0; i_ < ARRAY_LEN(words_); i_++)                                          \
            argv_[i_] = xstrdup(words_[i_]);                                                       \
        run_words(argv_, (int)ARRAY_LEN(words_));                                                  \
        for (size_t i_ = 0; i_ < ARRAY_LEN(words_); i_++)                                          \
            free(argv_[i_]);                                                                       \
    } while (0)

#define SAYS(text_) assert_non_null(strstr(r.out, text_))

static void test_requests(void **state)
{
    (void)state;
    RUN("-c", CONFIG, FIRED);
    assert_int_equal(r.code, 0);
    assert_string_equal(r.err, "");
    SAYS("Stand-ins: ");
    SAYS("Format azure, kind metric (built in), firing, names its cycle (marked)\n");
    SAYS("\nPOST /api/now/table/incident\n{\n");
    SAYS("\"sys_id\": \"" SYS_ID "\"");
    SAYS("  | What: WCUS-R2-Gen2: Percentage CPU GreaterThan 25 (31.1105) on wcus-r2-gen2\n");
    assert_null(strstr(r.out, "PATCH"));
    RUN("-c", CONFIG, RESOLVED);
    assert_int_equal(r.code, 0);
    SAYS("\nPATCH /api/now/table/incident/" SYS_ID "\n{\n  \"state\": \"6\"");
    SAYS("\nPOST /api/now/table/incident\n{\n");
    RUN("-c", CONFIG, HEALTH);
    SAYS("(unmarked): shown as generation 1\n");
    SAYS("\nWhen there is no record: no request.\n");
    RUN("-c", CONFIG, RCA);
    SAYS("\n{\n  \"work_notes\": ");
    RUN("-c", CONFIG, ARRAY);
    SAYS("alert 1 of 2\n");
    SAYS("alert 2 of 2\n");
}

/* Which rules hold and why; a dropped alert makes no request; the target may be another one. */
static void test_rules(void **state)
{
    (void)state;
    RUN("-c", RULES, FIRED);
    assert_int_equal(r.code, 0);
    SAYS("\nRules\n"
         "  groups, because it has no condition\n"
         "    assignment_group = \"Service Desk\"\n"
         "    continues\n"
         "  metrics, because kind one_of \"metric\", \"log\" and not state equals \"cleared\"\n"
         "    category = \"METRIC\"\n");
    SAYS("\"assignment_group\": \"Service Desk\"");
    SAYS("\"category\": \"METRIC\"");
    RUN("-c", RULES, RESOLVED);
    SAYS("  ends, because state equals \"cleared\"\n    drops the alert\n");
    SAYS("\nDropped: no request, only an outcome record and a count.\n");
    assert_null(strstr(r.out, "PATCH"));
    assert_null(strstr(r.out, "POST"));
    RUN("-c", RULES, "--consumer", "events", FIRED);
    SAYS("\nPOST /api/global/em/jsonv2\n{\n  \"records\": [\n");
    SAYS("\"node\": \"WCUS-R2-GEN2\"");
    assert_null(strstr(r.out, "POST /api/now/table"));
    RUN("-c", RULES, "--consumer", "events", RCA);
    SAYS("\nRules\n  none holds\n");
    SAYS("\n{\n  \"work_notes\": ");
    RUN("-c", RULES, "--consumer", "imports", FIRED);
    SAYS("\nPOST /api/now/import/u_alerts\n");
    SAYS("\"u_correlation_id\": ");
    SAYS("\"u_mine\": \"metric\"");
}

/* What rules make of a record's life, and what that makes of a clear. */
static void test_life(void **state)
{
    (void)state;
    RUN("-c", LIFE, "--consumer", "c", RESOLVED);
    assert_int_equal(r.code, 0);
    SAYS("    on_clear = \"note\"\n    note_every_min = 60\n    continues\n");
    SAYS("\nLife of its record, with what rules set\n  on_clear = \"note\"\n"
         "  clear_delay_s = 5\n  refire = \"note\"\n  reopen_within_h = 3\n"
         "  note_every_min = 60\n");
    SAYS("\nPATCH /api/now/table/incident/" SYS_ID "\n{\n  \"work_notes\": ");
    SAYS("\nWhen there is no record: no request.\n");
    assert_null(strstr(r.out, "\"state\": \"6\""));
    RUN("-c", RULES, FIRED);
    assert_null(strstr(r.out, "Life"));
}

/* Records of other tables: their own states and columns. */
static void test_tables(void **state)
{
    (void)state;
    RUN("-c", TABLES, "--consumer", "a", FIRED);
    assert_int_equal(r.code, 0);
    SAYS("\n  message_key          azure:");
    SAYS("\nPOST /api/now/table/em_alert\n{\n");
    SAYS("\"state\": \"Open\"");
    assert_null(strstr(r.out, "correlation_display"));
    RUN("-c", TABLES, "--consumer", "a", HEALTH);
    SAYS("\nDead letter of class table-columns: em_alert ");
    RUN("-c", TABLES, "--consumer", "b", RESOLVED);
    SAYS("\nPATCH /api/now/table/problem/");
    SAYS("\"state\": \"4\"");
    SAYS("\"resolution_code\": \"fix_applied\"");
    RUN("-c", TABLES, "--consumer", "c", FIRED);
    SAYS("\nPOST /api/now/table/u_ticket\n{\n");
    SAYS("\"u_status\": \"open\"");
}

/* Events and rows as they are sent, without a look before. */
static void test_rows(void **state)
{
    (void)state;
    RUN("-c", TARGETS, "--consumer", "b", FIRED);
    assert_int_equal(r.code, 0);
    SAYS("\n  message_key          azure:");
    SAYS("\nPOST /api/global/em/jsonv2\n{\n  \"records\": [\n");
    SAYS("      \"severity\": \"4\"");
    SAYS("\nIts additional_info, unfolded\n{\n  \"series\": ");
    assert_null(strstr(r.out, "sys_id"));
    RUN("-c", TARGETS, "--consumer", "b", RCA);
    SAYS("\nA note makes no event: no request.\n");
    RUN("-c", TARGETS, "--consumer", "c", RESOLVED);
    SAYS("\nPOST /api/now/import/u_alerts_2\n{\n  \"u_correlation_id\": \"azure:");
    SAYS("  \"u_state\": \"cleared\"");
}

static void test_bad_messages(void **state)
{
    (void)state;
    RUN("-c", CONFIG, BAD, FIRED);
    assert_int_equal(r.code, 1);
    SAYS("dead-letter class no-state\n");
    SAYS("POST /api/now/table/incident");
    RUN("-c", CONFIG, "/dev/null");
    assert_int_equal(r.code, 1);
    SAYS("dead-letter class empty\n");
}

static void test_many_at_once(void **state)
{
    (void)state;
    RUN("-c", CONFIG, "--count", BAD, FIRED, ARRAY, RCA);
    assert_int_equal(r.code, 1);
    assert_int_equal(strncmp(r.out, "Messages: 4, bad: 1, without value: 0\nAlerts: 4, ", 48), 0);
    SAYS("Alerts azure, service-health, note: 1\n");
    SAYS("Dead letters no-state: 1\n");
    assert_null(strstr(r.out, "POST"));
    RUN("-c", CONFIG, "--lines", "--count", FIRED); /* each line of the JSON is none */
    assert_int_equal(r.code, 1);
    SAYS("Alerts: 0, ");
    SAYS("Dead letters not-json: ");
}

static void test_headers(void **state)
{
    (void)state;
    RUN("-c", CONFIG, "--header", "ce_id=1", "--header", "ce_source=/x", "--header",
        "ce_specversion=1.0", "--header", "ce_type=com.example=1", "--key", "k",
        TEST_CASES_DIR "/formats/envelope-cloudevents-binary-unknown/message.json");
    assert_int_equal(r.code, 1);
    SAYS("The CloudEvents event of type \"com.example=1\"");
    RUN("-c", CONFIG, "--header", "nothing", FIRED);
    assert_int_equal(r.code, 2);
}

static void test_usage(void **state)
{
    (void)state;
    RUN("--help");
    assert_int_equal(r.code, 0);
    assert_string_equal(r.out, usage);
    RUN("--wrong");
    assert_int_equal(r.code, 2);
    assert_non_null(strstr(r.err, "Usage: "));
    RUN("-c", "/nonexistent.cfg", FIRED);
    assert_int_equal(r.code, 2);
    assert_string_equal(r.out, "");
    RUN("-c", CONFIG, "--consumer", "nobody", FIRED);
    assert_int_equal(r.code, 2);
    assert_non_null(strstr(r.err, "no consumers entry named \"nobody\""));
    RUN("-c", CONFIG, "/nonexistent.json");
    assert_int_equal(r.code, 2);
    assert_non_null(strstr(r.err, "cannot open /nonexistent.json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),     cmocka_unit_test(test_rules),
        cmocka_unit_test(test_life),         cmocka_unit_test(test_tables),
        cmocka_unit_test(test_rows),         cmocka_unit_test(test_bad_messages),
        cmocka_unit_test(test_many_at_once), cmocka_unit_test(test_headers),
        cmocka_unit_test(test_usage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
