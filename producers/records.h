/* From rows to the records of a table's topics: which forms, which remarks, and whether a row makes
 * a record at all. Pure; loop thread, because of what it remembers. */
#ifndef PRODUCERS_RECORDS_H
#define PRODUCERS_RECORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "bridge/base/attr.h"
#include "bridge/base/err.h"
#include "bridge/config/config.h"
#include "producers/txn.h"

/* What is read for a table. */
enum stream {
    STREAM_ROWS,    /* its rows */
    STREAM_DELETES, /* what sys_audit_delete says of it */
    STREAM_JOURNAL, /* what sys_journal_field says of it */
};
#define STREAMS 3

#define RECORDS_MAX 2 /* of one row */

struct records {
    struct workitem_origin origin;
    const struct config_producer *p; /* borrowed */
    struct lastseen *seen;           /* borrowed */
    const char *self;                /* user name of the bridge; borrowed, NULL: not known */
    const char *resync; /* why rows come again; borrowed, "" or NULL: nobody asked for it */
};

/* The records of one row, of which there can be none: a version that is left out, an entry
 * that names no row. large: what stands for a record that is too large. Writes *ret_count records
 * to `ret_records`, the caller owns them. */
int records_of_row(const struct records *r, enum stream stream, const struct page_row *row,
                   unsigned large, struct txn_record ret_records[RECORDS_MAX], size_t *ret_count,
                   struct err *e) MUST_CHECK;

/* The records that say that a row is gone. */
void records_of_gone(const struct records *r, const char *sys_id,
                     struct txn_record ret_records[RECORDS_MAX], size_t *ret_count);

/* The records of this row are published: remembers it. In the order in which they were made. False:
 * it was left out as the bridge's own. */
bool records_published(const struct records *r, enum stream stream, const struct page_row *row);

/* Must the rows be read with display values? */
bool records_want_display(const struct config_producer *p);

#endif
