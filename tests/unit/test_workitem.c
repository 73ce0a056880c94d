/* Pages, records and queries of work items. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"
#include "producers/ask.h"
#include "producers/workitem.h"

static const struct page_form form = {.time = "sys_updated_on", .count = "sys_mod_count"};
static const struct watermark start = {.second = 1790000000, .sys_id = "5"};

static int read_text(const char *text, long long limit, struct page *p, struct err *e)
{
    json_t *list = json_loads(text, 0, NULL);
    assert_non_null(list);
    int r = page_read(list, "incident", &form, &start, limit, p, e);
    json_decref(list);
    return r;
}

#define ROW(id_, at_, mod_)                                                                        \
    "{\"sys_id\":\"" id_ "\",\"sys_updated_on\":\"" at_ "\",\"sys_mod_count\":\"" mod_ "\"}"

static void test_page(void **state)
{
    struct page p = {0};
    struct err e;
    (void)state;
    assert_int_equal(read_text("[]", 2, &p, &e), 0);
    assert_int_equal(p.count, 0);
    page_done(&p);
    assert_int_equal(read_text("[" ROW("6", "2026-09-21 14:13:20",
                                       "0") "," ROW("0A", "2026-09-21 14:13:21", "7") "]",
                               2, &p, &e),
                     0);
    assert_int_equal(p.count, 2);
    assert_int_equal(p.rows[1].at.second, 1790000001);
    assert_string_equal(p.rows[1].at.sys_id, "0A");
    assert_true(p.rows[0].digest != p.rows[1].digest);
    page_done(&p);
}

static void test_page_refused(void **state)
{
    static const struct {
        const char *text, *code;
    } cases[] = {
        {"{}", "page-odd"},
        {"[1]", "page-field"},
        {"[{}]", "page-field"},
        {"[" ROW("5", "2026-09-21 14:13:20", "0") "]", "page-odd"},
        {"[" ROW("9", "2026-09-21 14:13:19", "0") "]", "page-odd"},
        {"[" ROW("9", "2026-09-21 14:13:20", "0") "," ROW("8", "2026-09-21 14:13:20", "0") "]",
         "page-odd"},
        {"[" ROW("9", "2026-09-21 14:13:20", "0") "," ROW("9", "2026-09-21 14:13:20", "1") "]",
         "page-odd"},
        {"[" ROW("a", "2026-09-21 14:13:22", "0") "," ROW("b", "2026-09-21 14:13:22", "0") "," ROW(
             "c", "2026-09-21 14:13:22", "0") "]",
         "page-odd"},
        {"[" ROW("", "2026-09-21 14:13:22", "0") "]", "page-field"},
        {"[" ROW("a^b", "2026-09-21 14:13:22", "0") "]", "page-field"},
        {"[" ROW("a", "", "0") "]", "page-field"},
        {"[" ROW("a", "21/09/2026 14:13:22", "0") "]", "page-field"},
        {"[" ROW("a", "2026-09-21T14:13:22Z", "0") "]", "page-field"},
        {"[" ROW("a", "2026-09-31 14:13:22", "0") "]", "page-field"},
        {"[" ROW("a", "2026-09-21 14:13:22", "") "]", "page-field"},
        {"[" ROW("a", "2026-09-21 14:13:22", "x") "]", "page-field"},
    };
    struct page p = {0};
    struct err e;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (read_text(cases[i].text, 2, &p, &e) == 0)
            fail_msg("taken: %s", cases[i].text);
        assert_string_equal(e.code, cases[i].code);
        assert_null(p.array);
    }
}

static const char *header_of(const struct workitem *i, const char *name)
{
    for (size_t h = 0; h < i->headers_count; h++)
        if (strcmp(i->headers[h].name, name) == 0)
            return i->headers[h].value;
    return NULL;
}

static void test_record(void **state)
{
    static const struct workitem_origin origin = {
        .host = "acme.service-now.com", .connection = "prod", .table = "incident"};
    struct workitem_remarks remarks = {.echo = ECHO_OTHER};
    struct page p = {0};
    struct workitem i;
    struct err e;
    (void)state;
    assert_int_equal(read_text("[{\"sys_id\":\"6\",\"sys_updated_on\":\"2026-09-21 14:13:20\","
                               "\"sys_mod_count\":\"3\",\"number\":\"INC1\",\"u_x\":\"\\u00e9\","
                               "\"caller_id\":{\"link\":\"l\",\"value\":\"v\"}}]",
                               1, &p, &e),
                     0);
    assert_int_equal(workitem_encode(&origin, &p.rows[0], &remarks, &i, &e), 0);
    assert_string_equal(i.key, "6");
    assert_string_equal(
        i.value, "{\"table\":\"incident\",\"sys_id\":\"6\",\"number\":\"INC1\",\"sys_updated_on\":"
                 "\"2026-09-21 14:13:20\",\"sys_mod_count\":\"3\",\"connection\":\"prod\","
                 "\"own_change\":false,\"changed\":null,\"record\":{\"sys_id\":\"6\",\"sys_updated_"
                 "on\":\"2026-09-21 14:13:20\","
                 "\"sys_mod_count\":\"3\",\"number\":\"INC1\",\"u_x\":\"\xc3\xa9\",\"caller_id\":"
                 "{\"link\":\"l\",\"value\":\"v\"}}}");
    assert_int_equal(i.value_length, strlen(i.value));
    assert_string_equal(header_of(&i, "ce_specversion"), "1.0");
    assert_string_equal(header_of(&i, "ce_id"), "6/3/2026-09-21 14:13:20");
    assert_string_equal(header_of(&i, "ce_source"), "https://acme.service-now.com");
    assert_string_equal(header_of(&i, "ce_type"), "com.servicenow.incident.changed");
    assert_string_equal(header_of(&i, "ce_subject"), "6");
    assert_string_equal(header_of(&i, "ce_time"), "2026-09-21T14:13:20.000Z");
    assert_string_equal(header_of(&i, "content-type"), "application/json");
    assert_null(header_of(&i, "itsm_left_out"));
    workitem_done(&i);
    assert_int_equal(workitem_encode_marker(&origin, &p.rows[0], &remarks, 4711, &i, &e), 0);
    assert_non_null(strstr(i.value, "\"record\":null,\"left_out\":\"too large\","
                                    "\"record_bytes\":4711}"));
    assert_string_equal(header_of(&i, "itsm_record_bytes"), "4711");
    workitem_done(&i);
    page_done(&p);
}

static void check_query(const char *base, struct sweep_ask ask, const char *want)
{
    struct buf b;
    struct err e;
    buf_init(&b, 4096);
    int r = ask_page(&b, base, form.time, &ask, &e);
    if (want == NULL) {
        assert_int_equal(r, -1);
        assert_string_equal(e.code, "query");
    } else {
        assert_int_equal(r, 0);
        assert_string_equal(buf_text(&b), want);
    }
    buf_done(&b);
}

static void test_query(void **state)
{
    struct sweep_ask ask = {.after = start, .until = WATERMARK_SECOND_NONE, .limit = 7};
    (void)state;
#define ORDER  "^ORDERBYsys_updated_on^ORDERBYsys_id"
#define CURSOR "sys_updated_on>=2026-09-21 14:13:20^sys_id>5^ORsys_updated_on>2026-09-21 14:13:20"
    check_query("", ask, CURSOR ORDER);
    check_query("active=true^ORpriority=1^NQstate=6", ask,
                "active=true^ORpriority=1^" CURSOR "^NQstate=6^" CURSOR ORDER);
    check_query("active=true^ORDERBYnumber", ask, NULL);
    ask.until = 1790000003;
    check_query("", ask, CURSOR "^sys_updated_on<=2026-09-21 14:13:23" ORDER);
    ask.until = WATERMARK_SECOND_NONE;
    ask.after = watermark_at(1790000000, "");
    check_query("", ask, "sys_updated_on>=2026-09-21 14:13:20" ORDER);
    ask.after = watermark_at(1790000000, WATERMARK_BEHIND_ALL);
    check_query("", ask, "sys_updated_on>2026-09-21 14:13:20" ORDER);
}

static void test_rows_query(void **state)
{
    static const char *const ids[] = {"0a", "0b"};
    struct buf b;
    struct err e;
    (void)state;
    buf_init(&b, 4096);
    assert_int_equal(ask_rows(&b, "a=1^NQb=2", "sys_created_on", ids, 2, &e), 0);
    assert_string_equal(buf_text(&b), "a=1^sys_idIN0a,0b^NQb=2^sys_idIN0a,0b"
                                      "^ORDERBYsys_created_on^ORDERBYsys_id");
    buf_done(&b);
}

static void test_fields(void **state)
{
    char a[] = "number", b[] = "sys_id", c[] = "caller_id.name", *items[] = {a, b, c};
    char table[] = "u_task";
    struct config_producer p = {.table = table};
    (void)state;
    assert_null(ask_fields(&p));
    p.fields = (struct config_list){.items = items, .count = 3};
    char *text = ask_fields(&p);
    assert_string_equal(text,
                        "sys_id,sys_updated_on,sys_mod_count,sys_updated_by,number,caller_id.name");
    free(text);
    p.form = FORM_BOTH;
    text = ask_fields(&p);
    assert_string_equal(
        text, "sys_id,sys_updated_on,sys_mod_count,sys_updated_by,number,caller_id.name,"
              "short_description,description,urgency,impact,priority,escalation,category,"
              "contact_type,assigned_to,closed_by,cmdb_ci,opened_at,closed_at,state,opened_by");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page),   cmocka_unit_test(test_page_refused),
        cmocka_unit_test(test_record), cmocka_unit_test(test_query),
        cmocka_unit_test(test_fields), cmocka_unit_test(test_rows_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
