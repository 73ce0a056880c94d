/* Which of a list of rows exist no more, found out by asking for them by sys_id, part by part. A
 * row that an ACL hides is not in the answer either, but it is in the instance's own count, which
 * is taken before ACLs (servicenow-api 2.5): only what the count misses too is gone, and a part
 * where some are hidden and some are gone is asked for again in halves. Pure. */
#ifndef PRODUCERS_VANISHED_H
#define PRODUCERS_VANISHED_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "bridge/base/attr.h"
#include "bridge/base/buf.h"

struct vanished;

/* Takes the list and its strings (usable sys_ids, each once). most: rows in one question. */
struct vanished *vanished_new(char **sys_ids, size_t count, size_t most) MUST_CHECK;
struct vanished *vanished_free(struct vanished *v); /* NULL is fine; returns NULL */

/* The next question: adds its query to `query` and says how many rows it is for. False: all rows
 * are decided. The same until vanished_answer. */
bool vanished_next(const struct vanished *v, struct buf *query, long long *ret_rows);

/* rows: the answer, objects with sys_id; total: X-Total-Count, -1 when unknown (then none of the
 * missing rows counts as gone). Returns the sys_ids that are gone, *ret_count of them, borrowed
 * until vanished_free; the array is the caller's. */
const char **vanished_answer(struct vanished *v, const json_t *rows, long long total,
                             size_t *ret_count) MUST_CHECK;

#endif
