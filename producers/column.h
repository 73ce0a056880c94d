/* Columns of a row as the Table API gives them: a text each, or, when display values were asked for
 * as well, an object with both (servicenow-api 2.4). Pure, any thread. */
#ifndef PRODUCERS_COLUMN_H
#define PRODUCERS_COLUMN_H

#include <jansson.h>

#include "bridge/base/attr.h"

/* The stored value: codes, sys_ids, times in UTC. NULL when the row has no such column. Borrowed
 * from the row, as all results here. */
const char *column_value(const json_t *row, const char *name);
/* What a person sees in its place; the stored value where the row has no display value. */
const char *column_shown(const json_t *row, const char *name);

/* The stored value of one member of a row; NULL for a form that the Table API does not have. */
const char *column_text(const json_t *member);

/* The row with stored values only, or with what a person sees only. New; NULL when memory is short.
 */
json_t *column_stored_row(const json_t *row) MUST_CHECK;
json_t *column_shown_row(const json_t *row) MUST_CHECK;

#endif
