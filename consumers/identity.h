/* Keys of a record, to the byte (alert-identity 2). Pure. Cannot be changed after a release without
 * opening a second ticket for every open alert: pinned by tests/cases/identity. */
#ifndef CONSUMERS_IDENTITY_H
#define CONSUMERS_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "consumers/alert.h"

#define SYS_ID_SIZE         33
#define CORRELATION_ID_SIZE 101

struct keys {
    char sys_id[SYS_ID_SIZE];
    char correlation_id[CORRELATION_ID_SIZE];
    uint64_t series; /* for the stamp */
};

/* Keys of this alert in `table`, different for each of its parts; generation: 0 for marked alerts,
 * from 1 for unmarked ones. */
void identity_keys(const struct alert *a, const char *record_namespace, const char *table,
                   uint32_t generation, struct keys *ret);

/* The series for the stamp, as in struct keys: each part of an alert has generations of its own. */
uint64_t identity_series(const struct alert *a);

/* Key of a row that is written without a look at what is there (events, imports): the
 * correlation_id of the instance, or of the series (`<format>:<16 hex of the series>`). Parts of
 * one instance have no sys_id to differ by there, so a part enters the digest. */
void identity_row_key(const struct alert *a, bool by_series, char out[CORRELATION_ID_SIZE]);

/* The instance as text: of a marked alert its own, of an unmarked one `<series>#<generation>`.
 * New, caller frees. */
char *identity_instance(const struct alert *a, uint32_t generation) MUST_CHECK;

/* A series or an instance for people, one line: parts with ` | ` between; one that would then be
 * longer than IDENTITY_SHOWN_MAX bytes as `sha256:` and its digest. New, caller frees. */
#define IDENTITY_SHOWN_MAX 600
bool identity_is_long(const char *identity);
char *identity_shown(const char *identity) MUST_CHECK;

#endif
