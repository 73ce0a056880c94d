/* How messages end: the outcome record of each alert and the dead letter of what cannot be done,
 * both confirmed by the broker before the offset counts as done (promise 1). What cannot be
 * written now is written later; nothing is dropped. Loop thread. */
#ifndef CONSUMERS_ENDS_H
#define CONSUMERS_ENDS_H

#include <stdbool.h>
#include <stddef.h>

#include "bridge/base/err.h"
#include "bridge/base/metrics.h"
#include "bridge/config/config.h"
#include "bridge/kafka/output.h"
#include "consumers/record.h"
#include "consumers/unit.h"

/* What became of an alert. All borrowed for the call. */
struct ending {
    const char *
        operation; /* fixed word: "created", "updated", "resolved", "nothing", "dead-letter", ... */
    const char *why; /* fixed word or NULL */
    const char *table;
    uint32_t generation;
    const struct record *record; /* NULL: no record is known */
    int http_status;             /* of the last answer, 0 */
    const struct err *err;       /* not NULL: a dead letter of class err->code */
    const char *note;            /* one more sentence for the outcome, NULL */
};

struct ends;

/* unit_done is called when every alert of a unit has its confirmed end, unit_dropped (from
 * ends_free) when that will not be known; each owns the unit then. */
struct ends *ends_new(const struct config *c, struct output *o, struct metrics *m,
                      void (*unit_done)(void *arg, struct unit *u, usec_t now),
                      void (*unit_dropped)(void *arg, struct unit *u, usec_t now), void *arg);
/* Only when no confirmation can come any more (after output_free). What is not confirmed is let go:
 * its offsets were not committed, so it is done again after the next start. NULL is fine. */
struct ends *ends_free(struct ends *e);

/* Ends one item that has left its lane. Takes the item. */
void ends_item(struct ends *e, struct item *i, const struct ending *how, usec_t now);
/* Ends a whole message that could not be read: dead letter of class why->code. */
void ends_unit(struct ends *e, struct unit *u, const struct err *why, usec_t now);

/* Tries again what could not be sent; returns its next deadline. */
usec_t ends_tick(struct ends *e, usec_t now);
size_t ends_pending(const struct ends *e); /* not confirmed yet */
/* More dead letters within the last minute than limits.dead_letters_per_minute: intake must pause.
 */
bool ends_flooded(struct ends *e, usec_t now);

#endif
