/* Encoded queries and URLs of the Table API, built so that no outside text can change their meaning
 * (promise 9; servicenow-api 2.3: `^`, `javascript:` and, in IN, `,` are injection points). Pure.
 */
#ifndef BRIDGE_SERVICENOW_QUERY_H
#define BRIDGE_SERVICENOW_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#include "bridge/base/attr.h"
#include "bridge/base/buf.h"

/* May this text stand as a value in an encoded query? No `^`, no control characters, no leading
 * `javascript:` in any case, not empty. */
bool query_value_ok(const char *text);
/* As an element of an IN list: also no `,`. */
bool query_in_ok(const char *text);
bool query_name_ok(const char *text);   /* table or column: letters, digits, `_`, `.` */
bool query_sys_id_ok(const char *text); /* 32 hex digits */

/* Percent-encodes everything but unreserved characters (RFC 3986 2.3). -1 when out is full. */
int query_escape(struct buf *out, const char *text) MUST_CHECK;

/* Splits a user's base query at `^NQ` and appends `condition` (with its own leading `^`) to every
 * group, so that it holds for each; then `tail` (ORDERBY part) once at the end. An empty base gives
 * condition without its leading `^`. -1 when the base holds ORDERBY or `^EQ`: *why says so. */
int query_wrap(struct buf *out, const char *base, const char *condition, const char *tail,
               const char **why) MUST_CHECK;

/* Calls fn for the column of each condition of a base query that query_wrap takes, in order, as
 * often as it stands there; what is no condition on a column (text search, related lists) is passed
 * over. -1: a condition has no operator, *why says so. */
int query_columns(const char *base, void (*fn)(void *arg, const char *name, size_t length),
                  void *arg, const char **why) MUST_CHECK;

#endif
