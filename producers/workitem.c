/* Rows to records. Values stay as the Table API gave them: all strings, dates in UTC without a
 * zone; only ce_time is rewritten, because CloudEvents asks for RFC 3339. */
#include "producers/workitem.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/clock.h"
#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"

void workitem_header(struct workitem *i, const char *name, char *value)
{
    invariant(i->headers_count < WORKITEM_HEADERS_MAX);
    i->headers[i->headers_count++] = (struct workitem_header){.name = name, .value = value};
}

static void cloudevent_headers(const struct workitem_origin *o, const struct page_row *row,
                               struct workitem *i)
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
}

/* `number` is missing from tables that have none: null then. */
static json_t *envelope(const struct workitem_origin *o, const struct page_row *row)
{
    const char *number = json_string_value(json_object_get(row->record, "number"));
    return json_pack("{s:s, s:s, s:s?, s:s, s:s, s:s}", "table", o->table, "sys_id", row->sys_id,
                     "number", number, "sys_updated_on", row->updated_on, "sys_mod_count",
                     row->mod_count, "connection", o->connection);
}

static int no_memory(const struct workitem_origin *o, const struct page_row *row, struct err *e)
{
    return err_set(e, ERR_FATAL, "workitem-encode",
                   "Row %s of table %s cannot be written as JSON: memory is short or a name is not "
                   "UTF-8. The page is tried again",
                   row->sys_id, o->table);
}

/* Takes `value`, NULL included. */
static int complete(const struct workitem_origin *o, const struct page_row *row, json_t *value,
                    struct workitem *i, struct err *e)
{
    i->value = value != NULL ? json_dumps(value, JSON_COMPACT) : NULL;
    json_decref(value);
    if (i->value == NULL) {
        workitem_done(i);
        return no_memory(o, row, e);
    }
    i->value_length = strlen(i->value);
    i->key = xstrdup(row->sys_id);
    cloudevent_headers(o, row, i);
    return 0;
}

int workitem_encode(const struct workitem_origin *o, const struct page_row *row,
                    struct workitem *ret_item, struct err *e)
{
    struct workitem i = {0};
    union {
        const json_t *in;
        json_t *counted; /* the reference count changes, the row does not */
    } record = {.in = row->record};
    json_t *value = envelope(o, row);
    if (value != NULL && json_object_set(value, "record", record.counted) != 0) {
        json_decref(value);
        value = NULL;
    }
    if (complete(o, row, value, &i, e) != 0)
        return -1;
    *ret_item = i;
    return 0;
}

int workitem_encode_marker(const struct workitem_origin *o, const struct page_row *row,
                           size_t record_bytes, struct workitem *ret_item, struct err *e)
{
    struct workitem i = {0};
    json_t *value = envelope(o, row);
    if (value != NULL &&
        (json_object_set_new(value, "record", json_null()) != 0 ||
         json_object_set_new(value, "left_out", json_string("too large")) != 0 ||
         json_object_set_new(value, "record_bytes", json_integer((json_int_t)record_bytes)) != 0)) {
        json_decref(value);
        value = NULL;
    }
    if (complete(o, row, value, &i, e) != 0)
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
