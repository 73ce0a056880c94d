/* Ends records that nobody clears (key expire_h): looks for them every few minutes, one page at a
 * time, reads each once more directly before it resolves it. A process does it for the partitions
 * that it has; done twice it is the same. Loop thread. */
#ifndef CONSUMERS_EXPIRY_H
#define CONSUMERS_EXPIRY_H

#include "bridge/base/attr.h"
#include "bridge/base/metrics.h"
#include "bridge/config/config.h"
#include "bridge/servicenow/snow.h"
#include "consumers/dispatch.h"
#include "consumers/lanes.h"
#include "consumers/partitions.h"
#include "consumers/target.h"

struct expiry;

/* Borrows everything. */
struct expiry *expiry_new(const struct config *c, struct snow *s, struct partitions *p,
                          const struct lanes *l, struct dispatch *d, struct targets *t,
                          struct metrics *m) MUST_CHECK;
/* Only when no request is under way; NULL is fine. */
struct expiry *expiry_free(struct expiry *x);

/* Sends what is to be sent; returns its next deadline. Asks the window for nothing where no entry
 * has expire_h. */
usec_t expiry_tick(struct expiry *x, usec_t now);

#endif
