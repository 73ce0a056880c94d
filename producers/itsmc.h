/* A row under the column names of ServiceDesk_CL, the table that Microsoft's IT Service Management
 * Connector filled, as one flat JSON object, so that queries and dashboards that were made for it
 * go on working. schemas/workitem-itsmc.schema.json describes it. Pure, any thread. */
#ifndef PRODUCERS_ITSMC_H
#define PRODUCERS_ITSMC_H

#include <stddef.h>

#include "bridge/base/attr.h"
#include "producers/workitem.h"

/* Like workitem_encode; the remarks are in the headers only, the old table had no columns for them.
 * Text and choices are what a person sees, so the row should hold display values (all); times come
 * from the stored values. A column that the row lacks is "", a time null. */
int itsmc_encode(const struct workitem_origin *o, const struct page_row *row,
                 const struct workitem_remarks *remarks, struct workitem *ret_item,
                 struct err *e) MUST_CHECK;

/* The same without the columns whose text has no bound; headers as workitem_encode_marker. */
int itsmc_encode_marker(const struct workitem_origin *o, const struct page_row *row,
                        const struct workitem_remarks *remarks, size_t record_bytes,
                        struct workitem *ret_item, struct err *e) MUST_CHECK;

/* The ServiceNow columns that a row of this table needs; static strings, *ret_count of them. */
#define ITSMC_COLUMNS_MAX 32
size_t itsmc_columns(const char *table, const char *ret_columns[ITSMC_COLUMNS_MAX]);

#endif
