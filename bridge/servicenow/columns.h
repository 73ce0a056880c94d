/* The columns of a table, own and inherited, as the instance's dictionary has them: two questions
 * (sys_db_object for the tables it extends, sys_dictionary for the columns of all), asked by the
 * caller. An instance silently drops unknown columns in queries and bodies (servicenow-api 0.5), so
 * names are checked here. Pure, any thread. */
#ifndef BRIDGE_SERVICENOW_COLUMNS_H
#define BRIDGE_SERVICENOW_COLUMNS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "bridge/base/attr.h"
#include "bridge/base/buf.h"
#include "bridge/servicenow/snow.h"

struct column {
    const char *name, *type; /* type: sys_dictionary.internal_type, "string", "reference", ... */
    const char *reference;   /* the table that a reference points to, "" for other types */
    size_t max_length;       /* characters; 0: not told */
    bool mandatory;
};

struct columns;

/* First question: which tables does `table` extend. Fills *ret_op; query is the caller's buffer and
 * must live as long as the operation. -1 when table is none. */
int columns_ask_tables(struct buf *query, const char *table, struct snow_op *ret_op) MUST_CHECK;
/* Its answer: the query of the second question is written to `query`, *ret_op filled. -1: the rows
 * do not hold the table (missing, or not readable). */
int columns_ask_columns(struct buf *query, const char *table, const json_t *rows,
                        struct snow_op *ret_op) MUST_CHECK;
/* Answer of the second question: new, or NULL when the rows hold no column at all (the dictionary
 * is not readable). Where a table defines an inherited column anew, the nearest definition counts.
 */
struct columns *columns_new(const char *table, const json_t *rows) MUST_CHECK;
struct columns *columns_free(struct columns *c); /* NULL is fine */

const char *columns_table(const struct columns *c);
size_t columns_count(const struct columns *c);
/* By name; of a dot-walked one (`caller_id.name`) the first part. NULL: no such column. */
const struct column *columns_find(const struct columns *c, const char *name);
/* Adds up to three names that are like this one, as near_text of near.h writes them. */
void columns_near(const struct columns *c, const char *name, struct buf *out);

#endif
