/* Entries of sys_journal_field to records. */
#include "producers/journal.h"

#include "bridge/base/clock.h"
#include "bridge/base/xalloc.h"
#include "producers/column.h"

char *journal_query(const char *table)
{
    return xasprintf("name=%s^elementINcomments,work_notes", table);
}

const char *journal_sys_id(const struct page_row *entry)
{
    const char *sys_id = column_value(entry->record, "element_id");
    return sys_id != NULL && watermark_sys_id_ok(sys_id) ? sys_id : NULL;
}

static const char *text_of(const struct page_row *entry, const char *name)
{
    const char *text = column_value(entry->record, name);
    return text != NULL ? text : "";
}

static void headers(struct workitem *i, const struct workitem_origin *o,
                    const struct page_row *entry, enum echo echo)
{
    char time[CLOCK_ISO_SIZE];
    clock_format_iso(entry->at.second * 1000, time);
    workitem_header(i, "ce_specversion", xstrdup("1.0"));
    workitem_header(i, "ce_id", xasprintf("%s/%s", i->key, entry->sys_id));
    workitem_header(i, "ce_source", xasprintf("https://%s", o->host));
    workitem_header(i, "ce_type", xasprintf("com.servicenow.%s.journal", o->table));
    workitem_header(i, "ce_subject", xstrdup(i->key));
    workitem_header(i, "ce_time", xstrdup(time));
    workitem_header(i, "content-type", xstrdup("application/json"));
    if (echo == ECHO_OWN)
        workitem_header(i, "itsm_own_change", xstrdup("true"));
}

static json_t *value_of(const struct workitem_origin *o, const struct page_row *entry,
                        enum echo echo, const char *text)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s?, s:s, s:s, s:s, s:o}", "table", o->table, "sys_id",
                     journal_sys_id(entry), "entry", entry->sys_id, "element",
                     text_of(entry, "element"), "text", text, "sys_created_on", entry->updated_on,
                     "sys_created_by", entry->written_by != NULL ? entry->written_by : "",
                     "connection", o->connection, "own_change",
                     echo == ECHO_UNKNOWN ? json_null() : json_boolean(echo == ECHO_OWN));
}

/* Takes `value`, NULL included. */
static int complete(const struct workitem_origin *o, const struct page_row *entry, enum echo echo,
                    json_t *value, struct workitem *i, struct err *e)
{
    if (workitem_value(i, value, JOURNAL_SOURCE, entry->sys_id, e) != 0)
        return -1;
    i->key = xstrdup(journal_sys_id(entry));
    headers(i, o, entry, echo);
    return 0;
}

int journal_encode(const struct workitem_origin *o, const struct page_row *entry, enum echo echo,
                   struct workitem *ret_item, struct err *e)
{
    struct workitem i = {0};
    json_t *value = value_of(o, entry, echo, text_of(entry, "value"));
    if (complete(o, entry, echo, value, &i, e) != 0)
        return -1;
    *ret_item = i;
    return 0;
}

int journal_encode_marker(const struct workitem_origin *o, const struct page_row *entry,
                          enum echo echo, size_t record_bytes, struct workitem *ret_item,
                          struct err *e)
{
    struct workitem i = {0};
    json_t *value = value_of(o, entry, echo, NULL);
    if (value != NULL && json_object_set_new(value, "left_out", json_string("too large")) != 0) {
        json_decref(value);
        value = NULL;
    }
    if (complete(o, entry, echo, value, &i, e) != 0)
        return -1;
    workitem_header(&i, "itsm_left_out", xstrdup("too large"));
    workitem_header(&i, "itsm_record_bytes", xasprintf("%zu", record_bytes));
    *ret_item = i;
    return 0;
}
