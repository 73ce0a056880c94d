/* What differs between the tables that records are kept in (servicenow-api 3, 4): the column of the
 * state and what its values mean, what a resolve writes, which columns exist. Data; pure. */
#ifndef CONSUMERS_TARGET_TABLE_H
#define CONSUMERS_TARGET_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "bridge/base/attr.h"
#include "consumers/record.h"

/* What a stored value of the state column means. */
struct target_state {
    const char *value;
    enum record_state state;
};

struct target_table {
    const char *name; /* "": any table that has no entry of its own */
    const char *state_column;
    const struct target_state *states; /* any other value counts as open and taken up */
    size_t states_count;
    bool numbers;             /* every value is a number; what is none is no record */
    const char *opened,       /* written by a create; "": the table's own default */
        *taken_up,            /* by a reopen */
        *resolved;            /* by a resolve */
    const char *key;          /* column of the alert's correlation_id text */
    bool stamped;             /* correlation_display exists: state stamp and series can be kept */
    bool event_severity;      /* severity 1 to 5 and the columns of events, no impact and urgency */
    const char *code,         /* column of the close code; NULL: none */
        *code_preset;         /* written where the instance has this choice; NULL: as of incident */
    const char *const *notes; /* columns that get the close notes; NULL ends the list */
    const char *read_fields;  /* sysparm_fields of a read: what record_parse needs */
    const char *write_fields; /* of the answer to a write: the description, by far the longest
                                 column, is known then; its version is set by the writer */
};

/* Never NULL: a table without an entry of its own gets the one of tasks. Static. */
const struct target_table *target_table_of(const char *name);

/* The same with another state column and values, where these are not empty. With a state column of
 * its own nothing else is known of its values. New; for target_table_free. */
const struct target_table *target_table_new(const char *name, const char *state_column,
                                            const char *opened, const char *resolved) MUST_CHECK;
void target_table_free(const struct target_table *t); /* of target_table_new; NULL is fine */

/* RECORD_OTHER for a value that is not in the list, RECORD_NEW for an empty one. */
enum record_state target_table_state(const struct target_table *t, const char *value);

#endif
