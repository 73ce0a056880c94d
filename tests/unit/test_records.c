/* From rows to records: forms, remarks, versions that are left out, tombstones, journal entries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"
#include "producers/column.h"
#include "producers/deletes.h"
#include "producers/itsmc.h"
#include "producers/journal.h"
#include "producers/records.h"

static char topic[] = "sn.incident", topic_itsmc[] = "sn.incident.itsmc",
            topic_journal[] = "sn.incident.journal", table[] = "incident";

struct env {
    struct config_producer p;
    struct records r;
    json_t *json;
    struct page_row row;
};

static void env_init(struct env *v, enum config_form form)
{
    *v = (struct env){.p = {.table = table,
                            .topic = topic,
                            .topic_itsmc = topic_itsmc,
                            .topic_journal = topic_journal,
                            .form = form}};
    v->r = (struct records){
        .origin = {.host = "acme.service-now.com", .connection = "prod", .table = "incident"},
        .p = &v->p,
        .seen = lastseen_new(4096),
        .self = "bridge"};
}

static void env_done(struct env *v)
{
    lastseen_free(v->r.seen);
    json_decref(v->json);
}

static void row_is(struct env *v, const char *text)
{
    json_decref(v->json);
    v->json = json_loads(text, 0, NULL);
    assert_non_null(v->json);
    v->row = (struct page_row){.record = v->json,
                               .at = watermark_at(1790000000, "a"),
                               .sys_id = column_value(v->json, "sys_id"),
                               .updated_on = "2026-09-21 14:13:20",
                               .mod_count = column_value(v->json, "sys_mod_count"),
                               .written_by = column_value(v->json, "sys_updated_by")};
    if (v->row.written_by == NULL)
        v->row.written_by = column_value(v->json, "sys_created_by");
}

static const char *header_of(const struct workitem *i, const char *name)
{
    for (size_t h = 0; h < i->headers_count; h++)
        if (strcmp(i->headers[h].name, name) == 0)
            return i->headers[h].value;
    return NULL;
}

/* Member of the value as text; "null" for null, "absent" when it is not there. */
static const char *member(const json_t *value, const char *name)
{
    const json_t *m = json_object_get(value, name);
    return m == NULL ? "absent" : json_is_null(m) ? "null" : json_string_value(m);
}

static size_t make(struct env *v, enum stream stream, bool large, struct txn_record *out)
{
    struct err e;
    size_t n = 99;
    assert_int_equal(records_of_row(&v->r, stream, &v->row, large, out, &n, &e), 0);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(out[i].partition, -1);
    return n;
}

static void drop(struct txn_record *records, size_t n)
{
    for (size_t i = 0; i < n; i++)
        workitem_done(&records[i].item);
}

#define SHOWN(name_, value_, shown_)                                                               \
    "\"" name_ "\":{\"value\":\"" value_ "\",\"display_value\":\"" shown_ "\"},"
#define INCIDENT                                                                                   \
    "{" SHOWN("number", "INC1",                                                                    \
              "INC1") SHOWN("state", "2", "In Progress") SHOWN("opened_by", "6816", "Anna Berg")   \
        SHOWN("opened_at", "2026-11-24 18:02:11", "24/11/2026 19:02") SHOWN("closed_at", "", "")   \
            SHOWN("description", "all of it", "all of it")                                         \
                SHOWN("sys_updated_on", "2026-09-21 14:13:20", "21/09/2026")                       \
                    SHOWN("sys_updated_by", "bridge", "bridge") SHOWN("cmdb_ci", "77aa", "db-7")   \
                        SHOWN("sys_mod_count", "4", "4")                                           \
                            SHOWN("sys_id", "a", "a") "\"short_description\":{\"display_value\":"  \
                                                      "null,\"value\":\"Disk\"}}"

static void test_itsmc(void **state)
{
    struct txn_record out[RECORDS_MAX];
    struct env v;
    (void)state;
    env_init(&v, FORM_ITSMC);
    row_is(&v, INCIDENT);
    assert_int_equal(make(&v, STREAM_ROWS, false, out), 1);
    assert_ptr_equal(out[0].topic, topic);
    assert_string_equal(out[0].item.key, "a");
    json_t *value = json_loads(out[0].item.value, 0, NULL);
    static const char *const want[][2] = {
        {"ServiceDeskConnectionName_s", "prod"},
        {"ServiceDeskWorkItemType_s", "Incident"},
        {"ServiceDeskId_s", "INC1"},
        {"IncidentState_s", "In Progress"},
        {"CreatedBy_s", "Anna Berg"},
        {"Computer", "db-7"},
        {"Title_s", "Disk"},
        {"Description_s", "all of it"},
        {"CreatedDate_t", "2026-11-24T18:02:11.000Z"},
        {"ClosedDate_t", "null"},
        {"ResolvedDate_t", "null"},
        {"LastModifiedDate_t", "2026-09-21T14:13:20.000Z"},
        {"ResolvedBy_s", ""},
        {"sys_id", "absent"},
        {"CRState_s", "absent"},
    };
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        assert_string_equal(member(value, want[i][0]), want[i][1]);
    assert_int_equal(json_object_size(value), 21);
    json_decref(value);
    assert_string_equal(header_of(&out[0].item, "ce_type"), "com.servicenow.incident.changed");
    assert_string_equal(header_of(&out[0].item, "itsm_own_change"), "true");
    drop(out, 1);
    assert_int_equal(make(&v, STREAM_ROWS, true, out), 1);
    value = json_loads(out[0].item.value, 0, NULL);
    assert_string_equal(member(value, "Description_s"), "");
    assert_string_equal(member(value, "ServiceDeskId_s"), "INC1");
    assert_string_equal(header_of(&out[0].item, "itsm_left_out"), "too large");
    json_decref(value);
    drop(out, 1);
    env_done(&v);
}

static void test_itsmc_of_other_tables(void **state)
{
    static const struct {
        const char *table, *name, *want;
        size_t size;
    } cases[] = {
        {"change_request", "CRState_s", "-2", 27},
        {"change_request", "ServiceDeskWorkItemType_s", "ChangeRequest", 27},
        {"problem", "State_s", "-2", 19},
        {"problem", "ServiceDeskWorkItemType_s", "problem", 19},
    };
    struct txn_record out[RECORDS_MAX];
    struct env v;
    (void)state;
    env_init(&v, FORM_ITSMC);
    row_is(&v,
           "{\"sys_id\":\"a\",\"sys_mod_count\":\"0\",\"state\":\"-2\"}"); /* no display values */
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        v.r.origin.table = cases[i].table;
        assert_int_equal(make(&v, STREAM_ROWS, false, out), 1);
        json_t *value = json_loads(out[0].item.value, 0, NULL);
        assert_string_equal(member(value, cases[i].name), cases[i].want);
        assert_int_equal(json_object_size(value), cases[i].size);
        json_decref(value);
        drop(out, 1);
    }
    env_done(&v);
}

static void test_both(void **state)
{
    struct txn_record out[RECORDS_MAX];
    struct env v;
    (void)state;
    env_init(&v, FORM_BOTH);
    row_is(&v, INCIDENT);
    assert_true(records_want_display(&v.p));
    assert_int_equal(make(&v, STREAM_ROWS, false, out), 2);
    assert_ptr_equal(out[0].topic, topic);
    assert_ptr_equal(out[1].topic, topic_itsmc);
    json_t *value = json_loads(out[0].item.value, 0, NULL);
    const json_t *record = json_object_get(value, "record");
    assert_string_equal(member(record, "state"), "2"); /* as without display values */
    assert_string_equal(member(record, "cmdb_ci"), "77aa");
    assert_string_equal(member(value, "number"), "INC1");
    assert_true(json_is_true(json_object_get(value, "own_change")));
    json_decref(value);
    assert_non_null(strstr(out[1].item.value, "\"IncidentState_s\":\"In Progress\""));
    drop(out, 2);
    env_done(&v);
}

static char *changed_of(struct env *v)
{
    struct txn_record out[RECORDS_MAX];
    assert_int_equal(make(v, STREAM_ROWS, false, out), 1);
    json_t *value = json_loads(out[0].item.value, 0, NULL);
    char *text = json_dumps(json_object_get(value, "changed"), JSON_ENCODE_ANY | JSON_COMPACT);
    const char *header = header_of(&out[0].item, "itsm_changed");
    char *both = xasprintf("%s %s", text, header != NULL ? header : "-");
    free(text);
    json_decref(value);
    drop(out, 1);
    return both;
}

static void check_changed(struct env *v, const char *row, const char *want)
{
    row_is(v, row);
    char *got = changed_of(v);
    assert_string_equal(got, want);
    free(got);
}

static void test_changed(void **state)
{
    struct env v;
    (void)state;
    env_init(&v, FORM_SERVICENOW);
    check_changed(&v, "{\"sys_id\":\"a\",\"sys_mod_count\":\"1\",\"x\":\"1\",\"y\":\"1\"}",
                  "null -");
    assert_true(records_published(&v.r, STREAM_ROWS, &v.row));
    check_changed(&v, "{\"sys_id\":\"a\",\"sys_mod_count\":\"2\",\"x\":\"2\",\"y\":\"3\"}",
                  "[\"x\",\"y\"] x,y");
    /* Not committed: the next one is still compared with version 1. */
    check_changed(&v, "{\"sys_id\":\"a\",\"sys_mod_count\":\"3\",\"x\":\"1\",\"y\":\"3\"}",
                  "[\"y\"] y");
    assert_true(records_published(&v.r, STREAM_ROWS, &v.row));
    check_changed(&v, "{\"sys_id\":\"a\",\"sys_mod_count\":\"4\",\"x\":\"1\",\"y\":\"3\"}", "[] ");
    row_is(&v, "{\"sys_id\":\"e\",\"documentkey\":\"a\"}");
    assert_true(records_published(&v.r, STREAM_DELETES, &v.row));
    check_changed(&v, "{\"sys_id\":\"a\",\"sys_mod_count\":\"9\",\"x\":\"1\",\"y\":\"3\"}",
                  "null -");
    env_done(&v);
}

#define VERSION(mod_, by_, x_)                                                                     \
    "{\"sys_id\":\"a\",\"sys_mod_count\":\"" mod_ "\",\"sys_updated_by\":\"" by_ "\",\"x\":\"" x_  \
    "\"}"

static void test_left_out(void **state)
{
    static const struct {
        const char *row;
        bool out;
    } steps[] = {
        {VERSION("0", "bridge", "0"), true},  {VERSION("1", "bridge", "1"), true},
        {VERSION("3", "bridge", "1"), false}, {VERSION("4", "anna", "2"), false},
        {VERSION("5", "bridge", "3"), true},
    };
    struct txn_record out[RECORDS_MAX];
    struct env v;
    (void)state;
    env_init(&v, FORM_SERVICENOW);
    v.p.own_changes = OWN_CHANGES_LEAVE_OUT;
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        row_is(&v, steps[i].row);
        size_t n = make(&v, STREAM_ROWS, false, out);
        assert_int_equal(n, steps[i].out ? 0 : 1);
        drop(out, n);
        assert_int_equal(records_published(&v.r, STREAM_ROWS, &v.row), !steps[i].out);
    }
    /* Compared with what was published, not with what was left out. */
    check_changed(&v, VERSION("6", "anna", "2"), "[] ");
    check_changed(&v, VERSION("6", "anna", "3"), "[\"x\"] x");
    v.r.self = NULL;
    row_is(&v, VERSION("6", "bridge", "4"));
    size_t n = make(&v, STREAM_ROWS, false, out);
    assert_int_equal(n, 1);
    assert_non_null(strstr(out[0].item.value, "\"own_change\":null"));
    drop(out, n);
    env_done(&v);
}

/* Promise 4: what a resync publishes again says so, in every form; nothing else does. */
static void test_resync_mark(void **state)
{
    static const char *const marks[] = {NULL, "", "2026-11-24T18:02:11.000Z"};
    static const enum config_form forms[] = {FORM_SERVICENOW, FORM_ITSMC, FORM_BOTH};
    struct txn_record out[RECORDS_MAX];
    (void)state;
    for (size_t f = 0; f < ARRAY_LEN(forms); f++) {
        struct env v;
        env_init(&v, forms[f]);
        row_is(&v, INCIDENT);
        for (size_t i = 0; i < 2 * ARRAY_LEN(marks); i++) {
            const char *mark = marks[i / 2];
            v.r.resync = mark;
            size_t n = make(&v, STREAM_ROWS, i % 2 == 1, out);
            assert_int_equal(n, forms[f] == FORM_BOTH ? 2 : 1);
            for (size_t k = 0; k < n; k++) {
                const char *has = header_of(&out[k].item, "itsm_resync");
                assert_int_equal(has != NULL, mark != NULL && mark[0] != '\0');
                if (has != NULL)
                    assert_string_equal(has, mark);
            }
            drop(out, n);
        }
        env_done(&v);
    }
}

static void test_deletes(void **state)
{
    struct txn_record out[RECORDS_MAX];
    struct env v;
    (void)state;
    env_init(&v, FORM_BOTH);
    row_is(&v, "{\"sys_id\":\"e1\",\"documentkey\":\"a7\",\"sys_created_by\":\"bridge\"}");
    assert_int_equal(make(&v, STREAM_DELETES, false, out), 2);
    assert_ptr_equal(out[0].topic, topic);
    assert_ptr_equal(out[1].topic, topic_itsmc);
    for (size_t i = 0; i < 2; i++) {
        const struct workitem *item = &out[i].item;
        assert_string_equal(item->key, "a7");
        assert_null(item->value);
        assert_string_equal(header_of(item, "ce_type"), "com.servicenow.incident.deleted");
        assert_string_equal(header_of(item, "ce_id"), "a7/deleted/e1");
        assert_string_equal(header_of(item, "ce_subject"), "a7");
        assert_string_equal(header_of(item, "ce_time"), "2026-09-21T14:13:20.000Z");
        assert_string_equal(header_of(item, "itsm_deleted_by"), "bridge");
        assert_string_equal(header_of(item, "itsm_own_change"), "true");
    }
    drop(out, 2);
    row_is(&v, "{\"sys_id\":\"e1\",\"documentkey\":\"a^b\",\"sys_created_by\":\"anna\"}");
    assert_int_equal(make(&v, STREAM_DELETES, false, out), 0);
    char *query = deletes_query("incident");
    assert_string_equal(query, "tablename=incident");
    free(query);
    env_done(&v);
}

static void test_journal(void **state)
{
    struct txn_record out[RECORDS_MAX];
    struct env v;
    (void)state;
    env_init(&v, FORM_SERVICENOW);
    row_is(&v, "{\"sys_id\":\"e1\",\"element_id\":\"a7\",\"element\":\"comments\",\"value\":"
               "\"Done.\",\"sys_created_by\":\"anna\"}");
    assert_int_equal(make(&v, STREAM_JOURNAL, false, out), 1);
    assert_ptr_equal(out[0].topic, topic_journal);
    assert_string_equal(out[0].item.key, "a7");
    assert_string_equal(out[0].item.value,
                        "{\"table\":\"incident\",\"sys_id\":\"a7\",\"entry\":\"e1\",\"element\":"
                        "\"comments\",\"text\":\"Done.\",\"sys_created_on\":\"2026-09-21 "
                        "14:13:20\",\"sys_created_by\":\"anna\",\"connection\":\"prod\","
                        "\"own_change\":false}");
    assert_string_equal(header_of(&out[0].item, "ce_id"), "a7/e1");
    assert_string_equal(header_of(&out[0].item, "ce_type"), "com.servicenow.incident.journal");
    drop(out, 1);
    assert_int_equal(make(&v, STREAM_JOURNAL, true, out), 1);
    assert_non_null(strstr(out[0].item.value, "\"text\":null"));
    assert_non_null(strstr(out[0].item.value, "\"left_out\":\"too large\""));
    drop(out, 1);
    v.p.own_changes = OWN_CHANGES_LEAVE_OUT;
    assert_int_equal(make(&v, STREAM_JOURNAL, false, out), 1);
    drop(out, 1);
    row_is(&v, "{\"sys_id\":\"e1\",\"element_id\":\"a7\",\"sys_created_by\":\"bridge\"}");
    assert_int_equal(make(&v, STREAM_JOURNAL, false, out), 0);
    assert_false(records_published(&v.r, STREAM_JOURNAL, &v.row));
    row_is(&v, "{\"sys_id\":\"e1\",\"element_id\":\"\",\"sys_created_by\":\"anna\"}");
    assert_int_equal(make(&v, STREAM_JOURNAL, false, out), 0);
    env_done(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_itsmc),    cmocka_unit_test(test_itsmc_of_other_tables),
        cmocka_unit_test(test_both),     cmocka_unit_test(test_changed),
        cmocka_unit_test(test_left_out), cmocka_unit_test(test_deletes),
        cmocka_unit_test(test_journal),  cmocka_unit_test(test_resync_mark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
