/* Work notes and comments: entries of sys_journal_field as records of their own (servicenow-api
 * 2.4). An entry is written once and never changed, so its time is sys_created_on.
 * schemas/workitem-journal.schema.json describes the value. Pure, any thread.
 *
 * The key is the sys_id of the row that the entry belongs to, not the entry's own: the entries of a
 * row then stay in order in one partition, the same as that of the row itself while both topics
 * have equally many. Such a topic must not be compacted; it keeps entries as long as its retention
 * says, also those of deleted rows. */
#ifndef PRODUCERS_JOURNAL_H
#define PRODUCERS_JOURNAL_H

#include "bridge/base/attr.h"
#include "producers/workitem.h"

#define JOURNAL_SOURCE "sys_journal_field"
#define JOURNAL_FIELDS "sys_id,sys_created_on,sys_created_by,element,element_id,value"

/* The query for entries of a table. New. */
char *journal_query(const char *table) MUST_CHECK;

/* The row that the entry belongs to; NULL when it names no usable one. Borrowed. */
const char *journal_sys_id(const struct page_row *entry);

/* -1 (ERR_FATAL, `workitem-encode`) when memory is short. The entry must have a usable
 * journal_sys_id. The caller ends with workitem_done. */
int journal_encode(const struct workitem_origin *o, const struct page_row *entry, enum echo echo,
                   struct workitem *ret_item, struct err *e) MUST_CHECK;

/* What stands for an entry that the topic cannot take: `text` is null, left_out says why. */
int journal_encode_marker(const struct workitem_origin *o, const struct page_row *entry,
                          enum echo echo, size_t record_bytes, struct workitem *ret_item,
                          struct err *e) MUST_CHECK;

#endif
