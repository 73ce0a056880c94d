/* The judging of the checklist: facts in, lines out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/base/attr.h"
#include "bridge/commands/check_parts.h"
#include "bridge/commands/check_snow.h"
#include "bridge/commands/check_topics.h"
#include "bridge/commands/explain.h"

/* The only line, or the last one, of this check. */
static const struct check_line *line_of(const struct check_report *r, const char *check)
{
    size_t n;
    const struct check_line *lines = check_lines(r, &n), *found = NULL;

    for (size_t i = 0; i < n; i++)
        if (strcmp(lines[i].check, check) == 0)
            found = &lines[i];
    assert_non_null(found);
    return found;
}

static enum check_state state_of(const struct check_report *r, const char *check)
{
    return line_of(r, check)->state;
}

static json_t *json_of(const char *text)
{
    json_t *value = json_loads(text, 0, NULL);

    assert_non_null(value);
    return value;
}

/* Each stage of the way, and how it can end there. */
static void net_stages(void **state)
{
    static const struct {
        CURLcode code;
        long long name, connect, tls;
        enum check_state states[3];
    } cases[] = {
        {CURLE_OK, 10, 20, 30, {CHECK_COMPLETED, CHECK_COMPLETED, CHECK_COMPLETED}},
        {CURLE_COULDNT_RESOLVE_HOST, 0, 0, 0, {CHECK_NOT_COMPLETE, CHECK_SKIPPED, CHECK_SKIPPED}},
        {CURLE_COULDNT_RESOLVE_PROXY, 0, 0, 0, {CHECK_NOT_COMPLETE, CHECK_SKIPPED, CHECK_SKIPPED}},
        {CURLE_OPERATION_TIMEDOUT, 0, 0, 0, {CHECK_NOT_COMPLETE, CHECK_SKIPPED, CHECK_SKIPPED}},
        {CURLE_COULDNT_CONNECT, 10, 0, 0, {CHECK_COMPLETED, CHECK_NOT_COMPLETE, CHECK_SKIPPED}},
        {CURLE_OPERATION_TIMEDOUT, 10, 0, 0, {CHECK_COMPLETED, CHECK_NOT_COMPLETE, CHECK_SKIPPED}},
        {CURLE_PEER_FAILED_VERIFICATION,
         10,
         20,
         0,
         {CHECK_COMPLETED, CHECK_COMPLETED, CHECK_NOT_COMPLETE}},
        {CURLE_SSL_CONNECT_ERROR,
         10,
         20,
         0,
         {CHECK_COMPLETED, CHECK_COMPLETED, CHECK_NOT_COMPLETE}},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct check_report *r = check_report_new();
        const struct check_net_facts f = {.host = "acme.service-now.com",
                                          .secure = true,
                                          .code = cases[i].code,
                                          .reason = "",
                                          .address = "192.0.2.1",
                                          .name_us = cases[i].name,
                                          .connect_us = cases[i].connect,
                                          .tls_us = cases[i].tls,
                                          .days_known = true,
                                          .days = 100};

        assert_int_equal(check_judge_net(r, &f), cases[i].code == CURLE_OK);
        assert_int_equal(state_of(r, "dns"), cases[i].states[0]);
        assert_int_equal(state_of(r, "tcp"), cases[i].states[1]);
        assert_int_equal(state_of(r, "tls"), cases[i].states[2]);
        (void)check_report_free(r);
    }
}

static void certificate_days(void **state)
{
    static const struct {
        long long days;
        enum check_state state;
        size_t notes;
    } cases[] = {{-1, CHECK_NOT_COMPLETE, 0}, {6, CHECK_NOT_COMPLETE, 0},
                 {7, CHECK_COMPLETED, 1},     {29, CHECK_COMPLETED, 1},
                 {30, CHECK_COMPLETED, 0},    {400, CHECK_COMPLETED, 0}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct check_report *r = check_report_new();
        const struct check_net_facts f = {.host = "h",
                                          .secure = true,
                                          .code = CURLE_OK,
                                          .reason = "",
                                          .address = "",
                                          .days_known = true,
                                          .days = cases[i].days};

        assert_true(check_judge_net(r, &f));
        assert_int_equal(state_of(r, "tls"), cases[i].state);
        assert_int_equal(check_notes_count(r), cases[i].notes);
        (void)check_report_free(r);
    }
}

static void zone_by_what_is_known(void **state)
{
    static const struct {
        const char *row; /* NULL: not readable */
        int literal;
        enum check_state state;
        size_t notes;
    } cases[] = {
        {"{\"time_zone\": \"GMT\"}", LITERAL_FOUND, CHECK_COMPLETED, 0},
        {"{\"time_zone\": \"GMT\"}", LITERAL_NOT_ASKED, CHECK_COMPLETED, 0},
        {"{\"time_zone\": \"GMT\"}", LITERAL_NOT_FOUND, CHECK_NOT_COMPLETE, 0},
        {"{\"time_zone\": \"US/Eastern\"}", LITERAL_FOUND, CHECK_COMPLETED, 1},
        {"{\"time_zone\": \"US/Eastern\"}", LITERAL_NOT_ASKED, CHECK_NOT_COMPLETE, 0},
        {"{\"time_zone\": \"US/Eastern\"}", LITERAL_NOT_FOUND, CHECK_NOT_COMPLETE, 0},
        {"{\"time_zone\": \"\"}", LITERAL_FOUND, CHECK_COMPLETED, 1},
        {"{\"time_zone\": \"\"}", LITERAL_NOT_ASKED, CHECK_SKIPPED, 0},
        {NULL, LITERAL_FOUND, CHECK_COMPLETED, 1},
        {NULL, LITERAL_NOT_ASKED, CHECK_SKIPPED, 0},
        {NULL, LITERAL_NOT_FOUND, CHECK_NOT_COMPLETE, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct check_report *r = check_report_new();
        json_t *row = cases[i].row == NULL ? NULL : json_of(cases[i].row);
        struct check_user u = {.row = row};

        u.literal = cases[i].literal;
        check_judge_zone(r, &u);
        assert_int_equal(state_of(r, "time-zone"), cases[i].state);
        assert_int_equal(check_notes_count(r), cases[i].notes);
        json_decref(row);
        (void)check_report_free(r);
    }
}

static void roles(void **state)
{
    static const struct {
        const char *roles;
        bool written;
        enum check_state state;
    } cases[] = {
        {"[{\"role.name\": \"x\"}, {\"role.name\": \"itil\"}]", false, CHECK_COMPLETED},
        {"[{\"role.name\": \"admin\"}]", false, CHECK_COMPLETED},
        {"[{\"role.name\": \"x\"}]", false, CHECK_NOT_COMPLETE},
        {"[{\"role.name\": \"x\"}]", true, CHECK_COMPLETED},
        {"[]", false, CHECK_SKIPPED},
        {"[]", true, CHECK_SKIPPED},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct check_report *r = check_report_new();
        json_t *list = json_of(cases[i].roles);
        const struct check_user u = {.roles = list};

        check_judge_roles(r, check_target_find("incident"), &u, cases[i].written);
        assert_int_equal(state_of(r, "role"), cases[i].state);
        json_decref(list);
        (void)check_report_free(r);
    }
}

/* Completed only by rows, or where there are none to see. */
static void tables_that_are_read(void **state)
{
    static const struct {
        enum snow_verdict verdict;
        const char *rows; /* NULL: no answer that holds any */
        long long total;
        enum check_state state;
    } cases[] = {
        {SNOW_OK, "[{\"sys_id\": \"1\"}]", 7, CHECK_COMPLETED},
        {SNOW_OK, "[{\"sys_id\": \"1\"}]", -1, CHECK_COMPLETED},
        {SNOW_OK, "[]", 7, CHECK_NOT_COMPLETE}, /* all hidden */
        {SNOW_OK, "[]", 0, CHECK_COMPLETED},
        {SNOW_OK, "[]", -1, CHECK_COMPLETED},
        {SNOW_ABSENT, NULL, 0, CHECK_COMPLETED}, /* a 404 is how some instances say: no rows */
        {SNOW_REJECTED, NULL, -1, CHECK_NOT_COMPLETE},
        {SNOW_UNAUTHORISED, NULL, -1, CHECK_NOT_COMPLETE},
        {SNOW_UNAVAILABLE, NULL, -1, CHECK_NOT_COMPLETE},
        {SNOW_UNKNOWN, NULL, -1, CHECK_NOT_COMPLETE},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct check_report *r = check_report_new();
        json_t *rows = cases[i].rows == NULL ? NULL : json_of(cases[i].rows);
        struct snow_outcome o = {.verdict = cases[i].verdict, .total_count = cases[i].total};

        (void)err_set(&o.err, ERR_REJECT, "rejected", "The instance says no");
        check_judge_read(r, "incident", &o, rows);
        assert_int_equal(state_of(r, "read"), cases[i].state);
        json_decref(rows);
        (void)check_report_free(r);
    }
}

static void targets_need_their_plugin(void **state)
{
    struct check_report *r = check_report_new();
    struct snow_outcome o = {.verdict = SNOW_OK, .total_count = -1};
    json_t *active = json_of("[{\"active\": \"active\"}]");
    json_t *inactive = json_of("[{\"active\": \"inactive\"}]");

    (void)state;
    assert_null(check_target_find("incident")->plugin);
    assert_string_equal(check_target_find("event")->table, "em_event");
    assert_non_null(check_target_find("alert")->plugin);
    assert_null(check_target_find("nothing"));
    check_judge_plugin(r, "p", &o, active);
    assert_int_equal(state_of(r, "plugin"), CHECK_COMPLETED);
    check_judge_plugin(r, "p", &o, inactive);
    assert_int_equal(state_of(r, "plugin"), CHECK_NOT_COMPLETE);
    o.verdict = SNOW_REJECTED;
    check_judge_plugin(r, "p", &o, NULL);
    assert_int_equal(state_of(r, "plugin"), CHECK_SKIPPED);
    json_decref(active);
    json_decref(inactive);
    (void)check_report_free(r);
}

/* All that instances do with a column that is there or not, under both of their manners. */
static void probes(void **state)
{
    json_t *none = json_array(), *some = json_of("[{\"sys_id\": \"1\"}]");

    (void)state;
    /* drops: an unknown column leaves all rows, a known one none for the contradiction */
    assert_int_equal(check_column_probed(some, some, true), CHECK_MISSING);
    assert_int_equal(check_column_probed(none, some, true), CHECK_EXISTS);
    /* refuses: an unknown column leaves none */
    assert_int_equal(check_column_probed(none, none, false), CHECK_MISSING);
    assert_int_equal(check_column_probed(none, some, false), CHECK_EXISTS);
    assert_int_equal(check_column_probed(NULL, some, true), CHECK_UNKNOWN);
    assert_int_equal(check_column_probed(none, NULL, false), CHECK_UNKNOWN);
    json_decref(none);
    json_decref(some);
}

static void query_columns(void **state)
{
    static const struct {
        const char *query, *columns;
    } cases[] = {
        {"", ""},
        {"active=true", "active "},
        {"active=true^stateIN1,2^ORstate=6^priority<3", "active state priority "},
        {"active=true^NQcaller_id.nameLIKEx^ORDERBYnumber^ORDERBYDESCsys_id",
         "active caller_id.name number sys_id "},
        {"stateANYTHING^sys_updated_on>javascript:gs.daysAgo(3)^EQ", "state sys_updated_on "},
        {"123TEXTQUERY321=disk^active=true", "active "},
        {"short_description=a^^b^active=true", "short_description active "},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char **names = check_query_columns(cases[i].query);
        struct buf all;

        buf_init(&all, 1000);
        for (size_t k = 0; names[k] != NULL; k++) {
            (void)buf_addf(&all, "%s ", names[k]);
            free(names[k]);
        }
        assert_string_equal(buf_text(&all), cases[i].columns);
        buf_done(&all);
        free(names);
    }
}

static void topics(void **state)
{
    static const struct {
        struct check_topic t;
        const char *check;
        enum check_state state;
    } cases[] = {
        {{.wish = {.name = "a"}}, "topic", CHECK_NOT_COMPLETE},
        {{.wish = {.name = "a"}, .own = true}, "topic", CHECK_NOT_COMPLETE},
        {{.wish = {.name = "a"}, .own = true, .create = true}, "topic", CHECK_WILL_BE_CREATED},
        {{.wish = {.name = "a"},
          .own = true,
          .create = true,
          .creatable = CHECK_NO,
          .create_err = {.class = ERR_AUTH, .code = "kafka-acl", .text = "no"}},
         "topic",
         CHECK_NOT_COMPLETE},
        {{.wish = {.name = "a"}, .partitions = 1}, "topic", CHECK_COMPLETED},
        {{.wish = {.name = "a"}, .partitions = 1, .wanted_read = true}, "read", CHECK_SKIPPED},
        {{.wish = {.name = "a"}, .partitions = 1, .own = true}, "compaction", CHECK_SKIPPED},
        {{.wish = {.name = "a"}, .partitions = 1, .own = true}, "size", CHECK_SKIPPED},
        {{.wish = {.name = "a"}, .partitions = 1, .own = true}, "write", CHECK_SKIPPED},
        {{.wish = {.name = "a", .max_message_bytes = 9}, .bytes = 8, .partitions = 1, .own = true},
         "size",
         CHECK_NOT_COMPLETE},
        {{.wish = {.name = "a", .max_message_bytes = 9}, .bytes = 9, .partitions = 1, .own = true},
         "size",
         CHECK_COMPLETED},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct check_report *r = check_report_new();

        check_judge_topic(r, &cases[i].t);
        assert_int_equal(state_of(r, cases[i].check), cases[i].state);
        (void)check_report_free(r);
    }
}

static void rate(void **state)
{
    static const struct {
        long long limit, idle, busy;
        enum check_state state;
        size_t notes;
    } cases[] = {{0, 10, 20, CHECK_SKIPPED, 0},
                 {-1, 10, 20, CHECK_SKIPPED, 0},
                 {9, 10, 20, CHECK_NOT_COMPLETE, 0},
                 {10, 10, 20, CHECK_COMPLETED, 1},
                 {20, 10, 20, CHECK_COMPLETED, 0}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct check_report *r = check_report_new();

        check_judge_rate(r, cases[i].limit, cases[i].idle, cases[i].busy);
        assert_int_equal(state_of(r, "rate"), cases[i].state);
        assert_int_equal(check_notes_count(r), cases[i].notes);
        (void)check_report_free(r);
    }
}

/* A word for each code, no two the same, and a cure that begins as a sentence goes on. */
static void explanations(void **state)
{
    size_t n = 0;

    (void)state;
    for (size_t i = 0; explain_areas[i] != NULL; i++)
        for (size_t k = 0; k < explain_areas[i]->count; k++, n++) {
            const struct explain_entry *e = &explain_areas[i]->entries[k];

            assert_ptr_equal(explain_find(e->code), e);
            assert_true(strlen(e->cause) > 10);
        }
    assert_true(n > 100);
    assert_null(explain_find("no-such-code"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(net_stages),
        cmocka_unit_test(certificate_days),
        cmocka_unit_test(zone_by_what_is_known),
        cmocka_unit_test(roles),
        cmocka_unit_test(tables_that_are_read),
        cmocka_unit_test(targets_need_their_plugin),
        cmocka_unit_test(probes),
        cmocka_unit_test(query_columns),
        cmocka_unit_test(topics),
        cmocka_unit_test(rate),
        cmocka_unit_test(explanations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
