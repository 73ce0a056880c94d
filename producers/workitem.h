/* One row as a Kafka record: key, value and CloudEvents 1.0 headers (binary content mode of the
 * Kafka protocol binding). schemas/workitem.schema.json describes the value. Pure, any thread. */
#ifndef PRODUCERS_WORKITEM_H
#define PRODUCERS_WORKITEM_H

#include <stddef.h>

#include "bridge/base/attr.h"
#include "producers/page.h"

#define WORKITEM_HEADERS_MAX 16

/* Borrowed for the life of the items made with it. */
struct workitem_origin {
    const char *host; /* of server_url */
    const char *connection, *table;
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

/* The row as it was given, in an envelope. -1 (ERR_FATAL, `workitem-encode`) when memory is
 * short. The caller ends with workitem_done. */
int workitem_encode(const struct workitem_origin *o, const struct page_row *row,
                    struct workitem *ret_item, struct err *e) MUST_CHECK;

/* The same without the row: what stands for a record that the topic cannot take. `record` is null,
 * `left_out` says why; headers itsm_left_out and itsm_record_bytes say so too. */
int workitem_encode_marker(const struct workitem_origin *o, const struct page_row *row,
                           size_t record_bytes, struct workitem *ret_item,
                           struct err *e) MUST_CHECK;
void workitem_done(struct workitem *i); /* zeroed is fine */

/* One more header. Takes `value`; `name` is static. */
void workitem_header(struct workitem *i, const char *name, char *value);

#endif
