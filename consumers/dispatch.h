/* The dispatcher: takes lanes whose turn it is, lets reconcile decide, sends what is decided, and
 * reads the answers. The only part of consumers/ that talks to the ServiceNow client about alerts.
 * Loop thread. */
#ifndef CONSUMERS_DISPATCH_H
#define CONSUMERS_DISPATCH_H

#include "bridge/base/metrics.h"
#include "bridge/config/config.h"
#include "bridge/servicenow/snow.h"
#include "consumers/ends.h"
#include "consumers/lanes.h"
#include "consumers/target.h"

struct dispatch;

/* Borrows everything. */
struct dispatch *dispatch_new(const struct config *c, struct snow *s, struct lanes *l,
                              struct ends *e, struct metrics *m);
struct dispatch *
dispatch_free(struct dispatch *d); /* only when nothing is in flight; NULL is fine */

/* As flow_read_again. */
void dispatch_read_again(struct dispatch *d);

/* Sends what may be sent; returns its next deadline. `hold`: nothing new is sent, answers still
 * count. */
usec_t dispatch_tick(struct dispatch *d, bool hold, usec_t now);

/* Partitions were assigned: others may have written records before, so look before creating until a
 * look finds nothing, and before a repeat counts as no news. */
void dispatch_suspect(struct dispatch *d);

/* Items of an assignment that is gone leave their lanes, but for those that a request in flight is
 * for: these are let go when it ends. gone(arg, item) is called for each that leaves now, with the
 * item no longer in its lane; it takes the item. */
void dispatch_release(struct dispatch *d, void (*gone)(void *arg, struct item *i), void *arg);

/* Has the instance told what there is to know of the tables in use? */
bool dispatch_knows_tables(const struct dispatch *d);
/* Can the state stamp be kept in records of this target? */
bool dispatch_keeps_stamps(struct dispatch *d, const struct target *t);
/* The close code to resolve with; "": none. Borrowed until the next tick. */
const char *dispatch_close_code(struct dispatch *d, const struct config_consumer *c,
                                const struct target *t);

size_t dispatch_in_flight(const struct dispatch *d); /* requests, bulk reads count one */

#endif
