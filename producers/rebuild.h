/* Fills what was published last (lastseen.h) from the end of a table's topic, with a consumer of
 * its own that joins no group and commits nothing. Reads at most as many records as the memory
 * can hold rows, and for REBUILD_TIME at most: what is missing then is only not known. Made and
 * freed on the loop thread, run on the helper for transactions, never both at once. */
#ifndef PRODUCERS_REBUILD_H
#define PRODUCERS_REBUILD_H

#include <stdbool.h>
#include <stddef.h>

#include "bridge/base/attr.h"
#include "bridge/base/clock.h"
#include "bridge/base/err.h"
#include "bridge/config/config.h"
#include "producers/lastseen.h"

#define REBUILD_TIME (20 * USEC_S)

struct rebuild;

/* Borrows config and topic; the records must have the form servicenow. */
struct rebuild *rebuild_new(const struct config *c, const char *topic, size_t max_bytes) MUST_CHECK;
/* NULL is fine; returns NULL. After rebuild_close, or before the first run, it does not block. */
struct rebuild *rebuild_free(struct rebuild *r);

/* One turn of at most a second or so. True: it is over; e says why it is not complete, class
 * ERR_NONE when it is. */
bool rebuild_run(struct rebuild *r, usec_t now, struct err *e);
void rebuild_close(struct rebuild *r); /* helper thread: ends the consumer */

struct lastseen *rebuild_take(struct rebuild *r) MUST_CHECK; /* the caller owns it */
size_t rebuild_records(const struct rebuild *r);             /* read so far */

/* Takes one record in. value NULL: a tombstone. What is no record of this form is passed over.
 * Pure. */
void rebuild_record(struct lastseen *seen, const char *key, size_t key_length, const char *value,
                    size_t length);

#endif
