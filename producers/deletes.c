/* Entries of sys_audit_delete to tombstones. */
#include "producers/deletes.h"

#include "bridge/base/clock.h"
#include "bridge/base/xalloc.h"
#include "producers/column.h"

char *deletes_query(const char *table)
{
    return xasprintf("tablename=%s", table);
}

const char *deletes_sys_id(const struct page_row *entry)
{
    const char *sys_id = column_value(entry->record, "documentkey");
    return sys_id != NULL && watermark_sys_id_ok(sys_id) ? sys_id : NULL;
}

/* Takes id. */
static void headers(struct workitem *i, const struct workitem_origin *o, char *id)
{
    workitem_header(i, "ce_specversion", xstrdup("1.0"));
    workitem_header(i, "ce_id", id);
    workitem_header(i, "ce_source", xasprintf("https://%s", o->host));
    workitem_header(i, "ce_type", xasprintf("com.servicenow.%s.deleted", o->table));
    workitem_header(i, "ce_subject", xstrdup(i->key));
}

void deletes_encode(const struct workitem_origin *o, const struct page_row *entry, enum echo echo,
                    struct workitem *ret_item)
{
    struct workitem i = {.key = xstrdup(deletes_sys_id(entry))};
    char time[CLOCK_ISO_SIZE];
    clock_format_iso(entry->at.second * 1000, time);
    headers(&i, o, xasprintf("%s/deleted/%s", i.key, entry->sys_id));
    workitem_header(&i, "ce_time", xstrdup(time));
    if (entry->written_by != NULL)
        workitem_header(&i, "itsm_deleted_by", xstrdup(entry->written_by));
    if (echo == ECHO_OWN)
        workitem_header(&i, "itsm_own_change", xstrdup("true"));
    *ret_item = i;
}

void deletes_encode_gone(const struct workitem_origin *o, const char *sys_id, long long mod_count,
                         struct workitem *ret_item)
{
    struct workitem i = {.key = xstrdup(sys_id)};
    headers(&i, o, xasprintf("%s/gone/%lld", sys_id, mod_count));
    *ret_item = i;
}
