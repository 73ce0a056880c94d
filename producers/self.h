/* Who the bridge is on the instance: the user name that its changes carry. Known from the
 * configuration where the user signs in by name, else asked once. Loop thread only. */
#ifndef PRODUCERS_SELF_H
#define PRODUCERS_SELF_H

#include <stdbool.h>

#include "bridge/base/attr.h"
#include "bridge/config/config.h"
#include "bridge/servicenow/snow.h"

struct self;

/* Borrows both. */
struct self *self_new(const struct config_connection *c, struct snow *s) MUST_CHECK;
struct self *self_free(struct self *s); /* NULL is fine; an answer under way is let go of */

/* Asks when that is needed; returns its next deadline. */
usec_t self_step(struct self *s, usec_t now);
/* No more answer is waited for. */
bool self_settled(const struct self *s);
/* NULL when it is not known. Borrowed for the life of s. */
const char *self_name(const struct self *s);

#endif
