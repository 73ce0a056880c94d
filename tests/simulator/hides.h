#ifndef SIM_HIDES_H
#define SIM_HIDES_H

#include "tests/simulator/sim.h"

/* Rows that an ACL hides from the API. */
void hides_free(struct sim *sim);

/* Hides (or shows again) one sys_id, present or not, or all rows that match a query now and later;
 * `user` NULL: from everybody. Returns 0, or -1 with *ret_why (new). */
int hides_put(struct sim *sim, const char *table, const char *sys_id, const char *query,
              const char *user, bool hidden, char **ret_why);
void hides_clear(struct sim *sim);
bool row_hidden(const struct sim *sim, const struct table *t, const struct row *r,
                const char *user);

#endif
