/* Configuration: checks of single texts, and the scanner for numbers that do not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "bridge/base/attr.h"
#include "bridge/config/config_text.h"
#include "bridge/config/config_tokens.h"

static void token_is_bad(const char *text, const char *number, int line)
{
    struct config_tokens t = {0};

    config_tokens_scan(&t, "f", text);
    if (number) {
        assert_int_equal(t.count, 1);
        assert_string_equal(t.items[0].text, number);
        assert_ptr_equal(config_tokens_find(&t, "f", line, "a"), &t.items[0]);
    } else {
        assert_int_equal(t.count, 0);
    }
    config_tokens_done(&t);
}

static void tokens(void **state)
{
    (void)state;
    token_is_bad("a = 2147483647; b = -2147483648;", NULL, 0);
    token_is_bad("a = 2147483648;", "2147483648", 1);
    token_is_bad("\na\n=\n4294967297;", "4294967297", 2);
    token_is_bad("a = -2147483649", "-2147483649", 1);
    token_is_bad("a = 0x7fffffff", NULL, 0);
    token_is_bad("a = 0xFFFFFFFF", "0xFFFFFFFF", 1);
    token_is_bad("a = 0xFFFFFFFFL", NULL, 0);
    token_is_bad("a = 9223372036854775807L", NULL, 0);
    token_is_bad("a = 9223372036854775808L", "9223372036854775808", 1);
    token_is_bad("# x = 99999999999\n// y = 99999999999\n/* z =\n99999999999 */ a = 99999999999",
                 "99999999999", 4);
    token_is_bad("s = \"\\\" 99999999999\"; t = 99999999999.0; u = 1e99; v99999999999 = 1;", NULL,
                 0);
    token_is_bad("@include \"99999999999\"\na : 99999999999", "99999999999", 2);
}

static void open_texts(void **state)
{
    (void)state;
    assert_int_equal(config_tokens_open_text("a = \"x\";\nb = \"y\n\";\n"), 0);
    assert_int_equal(config_tokens_open_text("a = \"x\";\nb = \"y;\n\n"), 2);
    assert_int_equal(config_tokens_open_text("a = \"x\\\""), 1);
    assert_int_equal(config_tokens_open_text("\n\""), 2);
    assert_int_equal(config_tokens_open_text("# \"\n// \"\n/* \" */ a = \"x\""), 0);
}

static void near_names(void **state)
{
    static const char *const names[] = {"server_url", "name", "proxy", "ca_file"};

    (void)state;
    assert_int_equal(config_distance("kitten", "sitting"), 3);
    assert_int_equal(config_distance("", "abc"), 3);
    assert_string_equal(config_nearest("serverurl", names, 4), "server_url");
    assert_string_equal(config_nearest("Name", names, 4), "name");
    assert_string_equal(config_nearest("cafile", names, 4), "ca_file");
    assert_null(config_nearest("something", names, 4));
}

static void hosts_cannot_be_smuggled(void **state)
{
    static const char *const bad[] = {
        "https://evil.example\\@acme.service-now.com",
        "https://evil.example#.service-now.com",
        "https://evil.example?.service-now.com",
        "https://evil.example/.service-now.com",
        "https://a@acme.service-now.com",
        "https://acme.service-now.com:",
        "https://acme.service-now.com:99999",
        "https://.service-now.com",
        "https://-a.service-now.com",
        "https://a..service-now.com",
        "https://acme.service-now.com//x",
        "https://[::1].service-now.com",
        "https://acme.service-now.com%2e",
        "https:/acme.service-now.com",
        "ftp://acme.service-now.com",
        "https://",
        "https://acme.service-now.com:0",
        "https://acme.service-now.com.",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (!config_check_server(bad[i]))
            fail_msg("%s was taken", bad[i]);
    assert_null(config_check_server("https://acme.service-now.com:8443/"));
}

static void addresses(void **state)
{
    static const struct {
        const char *text;
        bool fine;
    } listens[] = {
        {"127.0.0.1:0", true},  {"0.0.0.0:65535", true}, {"[::]:9464", true}, {"", true},
        {"127.0.0.1", false},   {":9464", false},        {"[::1]", false},    {"::1:9464", false},
        {"127.0.0.1:x", false}, {"256.0.0.1:1", false},  {"[::1:1", false},   {"1.2.3.4:", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(listens); i++)
        if ((config_check_listen(listens[i].text) == NULL) != listens[i].fine)
            fail_msg("\"%s\" should be %s", listens[i].text, listens[i].fine ? "fine" : "refused");
    assert_null(config_check_brokers("a, b:9092 , [::1]:1"));
    assert_non_null(config_check_brokers("a,"));
    assert_non_null(config_check_brokers(" "));
    assert_non_null(config_check_brokers("SSL://a:1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens),     cmocka_unit_test(open_texts),
        cmocka_unit_test(near_names), cmocka_unit_test(hosts_cannot_be_smuggled),
        cmocka_unit_test(addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
