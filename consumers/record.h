/* What ServiceNow holds of an alert: one record as a read or a write's answer showed it. Pure. */
#ifndef CONSUMERS_RECORD_H
#define CONSUMERS_RECORD_H

#include <jansson.h>
#include <stdbool.h>

#include "bridge/base/attr.h"
#include "bridge/base/clock.h"
#include "consumers/version.h"

/* What a record's state means, whatever its table stores for it (target_table.h). The numbers are
 * those of incident. */
enum record_state {
    RECORD_NEW = 1,
    RECORD_OTHER = 2, /* open, taken up */
    RECORD_ON_HOLD = 3,
    RECORD_RESOLVED = 6,
    RECORD_CLOSED = 7,
    RECORD_CANCELED = 8,
};

struct target_table;

struct record {
    char *sys_id, *number; /* owned, never NULL after record_parse */
    int state;             /* enum record_state */
    bool has_stamp, has_content;
    struct stamp stamp;     /* of correlation_display */
    struct version content; /* of the description's last line */
    long long mod_count;    /* -1: not told */
    msec_t closed;          /* resolved_at, else closed_at; MSEC_NONE */
    bool touched;           /* a read shows that somebody else wrote last, or took it up: the state
                               is not New. Who made the record is the bridge */
};

/* Reads a row of the Table API (values as strings). -1 when it has no usable sys_id or state. */
int record_parse(const json_t *row, const struct target_table *t, struct record *ret) MUST_CHECK;
void record_done(struct record *r); /* zeroed memory is fine */
void record_copy(struct record *to, const struct record *from);

bool record_open(const struct record *r);
/* The clear was applied by the bridge: only a stamp of rank 1 says so (design D4). */
bool record_cleared(const struct record *r);

#endif
