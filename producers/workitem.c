/* Rows to records. Values stay as the Table API gave them: all strings, dates in UTC without a
 * zone; only ce_time is rewritten, because CloudEvents asks for RFC 3339. */
#include "producers/workitem.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/buf.h"
#include "bridge/base/clock.h"
#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"
#include "producers/column.h"

#define NAMES_MAX ((size_t)64 * 1024)

void workitem_header(struct workitem *i, const char *name, char *value)
{
    invariant(i->headers_count < WORKITEM_HEADERS_MAX);
    i->headers[i->headers_count++] = (struct workitem_header){.name = name, .value = value};
}

static char *names_of(const json_t *changed)
{
    struct buf b;
    size_t length;
    buf_init(&b, NAMES_MAX);
    for (size_t i = 0; i < json_array_size(changed); i++)
        (void)buf_addf(&b, "%s%s", i > 0 ? "," : "", json_string_value(json_array_get(changed, i)));
    return buf_take(&b, &length);
}

void workitem_headers(struct workitem *i, const struct workitem_origin *o,
                      const struct page_row *row, const struct workitem_remarks *remarks)
{
    char time[CLOCK_ISO_SIZE];
    clock_format_iso(row->at.second * 1000, time);
    workitem_header(i, "ce_specversion", xstrdup("1.0"));
    workitem_header(i, "ce_id",
                    xasprintf("%s/%s/%s", row->sys_id, row->mod_count, row->updated_on));
    workitem_header(i, "ce_source", xasprintf("https://%s", o->host));
    workitem_header(i, "ce_type", xasprintf("com.servicenow.%s.changed", o->table));
    workitem_header(i, "ce_subject", xstrdup(row->sys_id));
    workitem_header(i, "ce_time", xstrdup(time));
    workitem_header(i, "content-type", xstrdup("application/json"));
    if (remarks->echo == ECHO_OWN)
        workitem_header(i, "itsm_own_change", xstrdup("true"));
    if (remarks->changed != NULL)
        workitem_header(i, "itsm_changed", names_of(remarks->changed));
    if (remarks->left_out == NULL)
        return;
    workitem_header(i, "itsm_left_out", names_of(remarks->left_out));
    workitem_header(i, "itsm_record_bytes", xasprintf("%zu", remarks->record_bytes));
}

static json_t *own_json(enum echo echo)
{
    return echo == ECHO_UNKNOWN ? json_null() : json_boolean(echo == ECHO_OWN);
}

/* `number` is missing from tables that have none: null then. */
static json_t *envelope(const struct workitem_origin *o, const struct page_row *row,
                        const struct workitem_remarks *remarks)
{
    union {
        const json_t *in;
        json_t *counted; /* the reference count changes, the names do not */
    } changed = {.in = remarks->changed};
    return json_pack("{s:s, s:s, s:s?, s:s, s:s, s:s, s:o, s:O?}", "table", o->table, "sys_id",
                     row->sys_id, "number", column_value(row->record, "number"), "sys_updated_on",
                     row->updated_on, "sys_mod_count", row->mod_count, "connection", o->connection,
                     "own_change", own_json(remarks->echo), "changed", changed.counted);
}

int workitem_value(struct workitem *i, json_t *value, const char *what, const char *sys_id,
                   struct err *e)
{
    i->value = value != NULL ? json_dumps(value, JSON_COMPACT) : NULL;
    json_decref(value);
    if (i->value == NULL) {
        workitem_done(i);
        return err_set(e, ERR_FATAL, "workitem-encode",
                       "%s %s cannot be written as JSON: memory is short or a name is not UTF-8. "
                       "The page is tried again",
                       what, sys_id);
    }
    i->value_length = strlen(i->value);
    return 0;
}

/* Takes `value`, NULL included. */
static int complete(const struct workitem_origin *o, const struct page_row *row,
                    const struct workitem_remarks *remarks, json_t *value, struct workitem *i,
                    struct err *e)
{
    if (workitem_value(i, value, o->table, row->sys_id, e) != 0)
        return -1;
    i->key = xstrdup(row->sys_id);
    workitem_headers(i, o, row, remarks);
    return 0;
}

static int add_left_out(json_t *value, const struct workitem_remarks *remarks)
{
    union {
        const json_t *in;
        json_t *counted;
    } names = {.in = remarks->left_out};
    if (names.in == NULL)
        return 0;
    if (json_object_set(value, "left_out", names.counted) != 0)
        return -1;
    return json_object_set_new(value, "record_bytes",
                               json_integer((json_int_t)remarks->record_bytes));
}

int workitem_encode(const struct workitem_origin *o, const struct page_row *row,
                    const struct workitem_remarks *remarks, struct workitem *ret_item,
                    struct err *e)
{
    struct workitem i = {0};
    union {
        const json_t *in;
        json_t *counted; /* the reference count changes, the row does not */
    } record = {.in = row->record};
    json_t *value = envelope(o, row, remarks);
    if (value != NULL && (json_object_set(value, "record", record.counted) != 0 ||
                          add_left_out(value, remarks) != 0)) {
        json_decref(value);
        value = NULL;
    }
    if (complete(o, row, remarks, value, &i, e) != 0)
        return -1;
    *ret_item = i;
    return 0;
}

int workitem_encode_marker(const struct workitem_origin *o, const struct page_row *row,
                           const struct workitem_remarks *remarks, size_t record_bytes,
                           struct workitem *ret_item, struct err *e)
{
    struct workitem i = {0};
    json_t *value = envelope(o, row, remarks);
    if (value != NULL &&
        (json_object_set_new(value, "record", json_null()) != 0 ||
         json_object_set_new(value, "left_out", json_string("too large")) != 0 ||
         json_object_set_new(value, "record_bytes", json_integer((json_int_t)record_bytes)) != 0)) {
        json_decref(value);
        value = NULL;
    }
    if (complete(o, row, remarks, value, &i, e) != 0)
        return -1;
    workitem_header(&i, "itsm_left_out", xstrdup("too large"));
    workitem_header(&i, "itsm_record_bytes", xasprintf("%zu", record_bytes));
    *ret_item = i;
    return 0;
}

void workitem_done(struct workitem *i)
{
    for (size_t h = 0; h < i->headers_count; h++)
        free(i->headers[h].value);
    free(i->key);
    free(i->value);
    *i = (struct workitem){0};
}
