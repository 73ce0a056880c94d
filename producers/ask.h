/* The encoded queries that a table is read with. Pure, any thread. */
#ifndef PRODUCERS_ASK_H
#define PRODUCERS_ASK_H

#include "bridge/base/attr.h"
#include "bridge/base/buf.h"
#include "bridge/base/err.h"
#include "bridge/config/config.h"
#include "producers/sweep.h"

/* The query of one page: the base query narrowed, in each of its `^NQ` groups, to the rows behind
 * `ask->after`, ordered by (time, sys_id); `time` is a column. ERR_CONFIG when the base query
 * cannot be narrowed (it orders by itself, or ends with ^EQ). */
int ask_page(struct buf *out, const char *base, const char *time, const struct sweep_ask *ask,
             struct err *e) MUST_CHECK;

/* The query of the limit-1 read that only wants the Date header. */
int ask_clock(struct buf *out, const char *base, const char *time, struct err *e) MUST_CHECK;

/* The query of single rows, which the base query must find, in the order of a page. The sys_ids are
 * such as page_read lets pass. */
int ask_rows(struct buf *out, const char *base, const char *time, const char *const *sys_ids,
             size_t count, struct err *e) MUST_CHECK;

/* The query of all rows behind `after` and not after the second `until`, in no order. */
int ask_span(struct buf *out, const char *base, const char *time, const struct watermark *after,
             int64_t until, struct err *e) MUST_CHECK;

/* sysparm_fields: the configured columns, those of the record's form, and those that the bridge
 * itself needs (the cursor's three and sys_updated_by), each once; NULL (all columns) where the
 * form servicenow has no list. New. */
char *ask_fields(const struct config_producer *p) MUST_CHECK;

#endif
