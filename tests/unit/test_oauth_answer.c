/* Judging answers of the token endpoint: recorded and odd ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/servicenow/oauth_answer.h"

static const struct {
    int status;
    const char *type, *body;
    enum oauth_verdict verdict;
    long long life_s;
    const char *refresh, *code;
} cases[] = {
    {200, "application/json",
     "{\"access_token\":\"A-b_1\",\"refresh_token\":\"R\",\"scope\":\"useraccount\","
     "\"token_type\":\"Bearer\",\"expires_in\":1799}",
     OAUTH_GRANTED, 1799, "R", NULL},
    {200, "application/json",
     "{\"expires_in\":\"1800\",\"token_type\":\"bearer\",\"access_token\":\"A-b_1\"}",
     OAUTH_GRANTED, 1800, NULL, NULL},
    {200, "text/plain", "{\"token_type\":\"BEARER\",\"access_token\":\"A-b_1\"}", OAUTH_GRANTED,
     1800, NULL, NULL},
    {200, "application/json",
     "{\"token_type\":\"Bearer\",\"access_token\":\"A-b_1\",\"expires_in\":1e300}", OAUTH_GRANTED,
     31622400, NULL, NULL},
    {200, "application/json",
     "{\"token_type\":\"Bearer\",\"access_token\":\"A-b_1\",\"refresh_token\":\"a\\r\\nb\"}",
     OAUTH_GRANTED, 1800, NULL, NULL},
    {200, "application/json",
     "{\"token_type\":\"Bearer\",\"access_token\":\"A-b_1\",\"expires_in\":0}", OAUTH_LATER, 0,
     NULL, "token-answer"},
    {200, "application/json",
     "{\"token_type\":\"Bearer\",\"access_token\":\"A-b_1\",\"expires_in\":-1e300}", OAUTH_LATER, 0,
     NULL, "token-answer"},
    {200, "application/json",
     "{\"token_type\":\"Bearer\",\"access_token\":\"A-b_1\",\"expires_in\":\"soon\"}", OAUTH_LATER,
     0, NULL, "token-answer"},
    {200, "application/json", "{\"token_type\":\"Bearer\",\"access_token\":\"a\\r\\nX: y\"}",
     OAUTH_LATER, 0, NULL, "token-answer"},
    {200, "application/json", "{\"token_type\":\"Bearer\",\"access_token\":\"\"}", OAUTH_LATER, 0,
     NULL, "token-answer"},
    {200, "application/json", "{\"token_type\":\"mac\",\"access_token\":\"A-b_1\"}", OAUTH_LATER, 0,
     NULL, "token-answer"},
    {200, "application/json", "{\"access_token\":\"A-b_1\"}", OAUTH_LATER, 0, NULL, "token-answer"},
    {200, "application/json", "{\"access_token\":\"A-b_1\",\"token_ty", OAUTH_LATER, 0, NULL,
     "token-answer"},
    {200, "application/json", "", OAUTH_LATER, 0, NULL, "token-answer"},
    {200, "text/html", "<html>Your instance is hibernating</html>", OAUTH_LATER, 0, NULL, "html"},
    {200, "application/json", "{\"error\":\"invalid_grant\"}", OAUTH_REFUSED, 0, NULL, "refused"},
    {401, "application/json",
     "{\"error_description\":\"access_denied\",\"error\":\"server_error\"}", OAUTH_REFUSED, 0, NULL,
     "refused"},
    {400, "application/json", "{\"error\":\"unsupported_grant_type\"}", OAUTH_REFUSED, 0, NULL,
     "refused"},
    {401, "application/json",
     "{\"error\":{\"message\":\"User Not Authenticated\",\"detail\":null},\"status\":\"failure\"}",
     OAUTH_REFUSED, 0, NULL, "refused"},
    {401, "text/html", "<html>no</html>", OAUTH_REFUSED, 0, NULL, "refused"},
    {401, "", "", OAUTH_REFUSED, 0, NULL, "refused"},
    {400, "text/html", "<html>bad gateway request</html>", OAUTH_LATER, 0, NULL, "html"},
    {302, "text/html", "", OAUTH_LATER, 0, NULL, "redirect"},
    {403, "text/html", "<html>blocked</html>", OAUTH_LATER, 0, NULL, "html"},
    {429, "", "", OAUTH_LATER, 0, NULL, "throttled"},
    {500, "application/json", "{}", OAUTH_LATER, 0, NULL, "server-error"},
    {502, "text/html", "<html>502</html>", OAUTH_LATER, 0, NULL, "html"},
    {503, "text/html", "<html>maintenance</html>", OAUTH_LATER, 0, NULL, "html"},
};

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_answer a = {.status = cases[i].status,
                                .content_type = cases[i].type,
                                .body = cases[i].body,
                                .body_length = strlen(cases[i].body),
                                .retry_after = 5 * USEC_S};
        struct oauth_answer got;

        oauth_answer_judge(&a, &got);
        assert_int_equal(got.verdict, cases[i].verdict);
        assert_true(got.retry_after == 5 * USEC_S);
        if (got.verdict == OAUTH_GRANTED) {
            assert_string_equal(got.access_token, "A-b_1");
            assert_true(got.life == cases[i].life_s * USEC_S);
            assert_true((got.refresh_token == NULL) == (cases[i].refresh == NULL));
        } else {
            assert_null(got.access_token);
            assert_string_equal(got.err.code, cases[i].code);
            assert_null(strstr(got.err.text, "A-b_1"));
        }
        oauth_answer_done(&got);
    }
}

static void test_transport(void **state)
{
    static const enum http_end ends[] = {HTTP_NOT_SENT, HTTP_LOST, HTTP_TOO_LARGE};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        struct http_answer a = {.end = ends[i], .content_type = "", .body = ""};
        struct oauth_answer got;

        (void)err_set(&a.err, ERR_RETRY, "lost", "gone");
        oauth_answer_judge(&a, &got);
        assert_int_equal(got.verdict, OAUTH_LATER);
        assert_string_equal(got.err.text, "gone");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_transport),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
