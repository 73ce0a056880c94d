/* One row as a Kafka record: key, value and CloudEvents 1.0 headers (binary content mode of the
 * Kafka protocol binding). schemas/workitem.schema.json describes the value. Pure, any thread. */
#ifndef PRODUCERS_WORKITEM_H
#define PRODUCERS_WORKITEM_H

#include <stddef.h>

#include "bridge/base/attr.h"
#include "producers/echo.h"
#include "producers/page.h"

#define WORKITEM_HEADERS_MAX 16

/* Borrowed for the life of the items made with it. */
struct workitem_origin {
    const char *host; /* of server_url */
    const char *connection, *table;
};

/* What the bridge itself knows of a version. */
struct workitem_remarks {
    enum echo echo;
    const json_t *changed;  /* names of the changed fields; NULL: not known */
    const json_t *left_out; /* names of columns that were too large; NULL: none */
    size_t record_bytes;    /* with left_out: of the whole value */
};

struct workitem_header {
    const char *name; /* static */
    char *value;      /* owned */
};

struct workitem {
    char *key;   /* sys_id */
    char *value; /* NULL: a tombstone */
    size_t value_length;
    struct workitem_header headers[WORKITEM_HEADERS_MAX];
    size_t headers_count;
};

/* The row as it was given, in an envelope with the remarks. -1 (ERR_FATAL, `workitem-encode`) when
 * memory is short. The caller ends with workitem_done. */
int workitem_encode(const struct workitem_origin *o, const struct page_row *row,
                    const struct workitem_remarks *remarks, struct workitem *ret_item,
                    struct err *e) MUST_CHECK;

/* The same without the row: what stands for a record that the topic cannot take without its largest
 * columns either. `record` is null, `left_out` says why; headers itsm_left_out and
 * itsm_record_bytes say so too. */
int workitem_encode_marker(const struct workitem_origin *o, const struct page_row *row,
                           const struct workitem_remarks *remarks, size_t record_bytes,
                           struct workitem *ret_item, struct err *e) MUST_CHECK;
void workitem_done(struct workitem *i); /* zeroed is fine */

/* For other forms of a record ------------------------------------------------------------------ */

/* Takes `value`, NULL included; `name` is static. */
void workitem_header(struct workitem *i, const char *name, char *value);
/* The CloudEvents headers of a version and those for the remarks (itsm_own_change, itsm_changed).
 */
void workitem_headers(struct workitem *i, const struct workitem_origin *o,
                      const struct page_row *row, const struct workitem_remarks *remarks);
/* Writes `value` (taken, NULL included) as the item's value; -1 when it is NULL or memory is short,
 * then the item is done. `what`, `sys_id`: for the error. */
int workitem_value(struct workitem *i, json_t *value, const char *what, const char *sys_id,
                   struct err *e) MUST_CHECK;

#endif
