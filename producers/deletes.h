/* Deleted rows: entries of sys_audit_delete become tombstones (servicenow-api 9). An entry is
 * written once and never changed, so its time is sys_created_on. Pure, any thread. */
#ifndef PRODUCERS_DELETES_H
#define PRODUCERS_DELETES_H

#include "bridge/base/attr.h"
#include "producers/workitem.h"

#define DELETES_SOURCE "sys_audit_delete"
#define DELETES_FIELDS "sys_id,sys_created_on,sys_created_by,documentkey"

/* The query for deletes of a table. A table's rows are recorded under their own class, so
 * those of a parent table (task, cmdb_ci) are not found under its name. New. */
char *deletes_query(const char *table) MUST_CHECK;

/* The sys_id of the deleted row; NULL when the entry has no usable one. Borrowed. */
const char *deletes_sys_id(const struct page_row *entry);

/* The tombstone: key sys_id, no value, CloudEvents headers of type com.servicenow.<table>.deleted,
 * itsm_deleted_by. The entry must have a usable deletes_sys_id. The caller ends with
 * workitem_done. */
void deletes_encode(const struct workitem_origin *o, const struct page_row *entry, enum echo echo,
                    struct workitem *ret_item);

/* The same for a row that was found to be gone, when is not known: without ce_time and
 * itsm_deleted_by. mod_count: of the newest version that was seen, it makes ce_id unlike others. */
void deletes_encode_gone(const struct workitem_origin *o, const char *sys_id, long long mod_count,
                         struct workitem *ret_item);

#endif
