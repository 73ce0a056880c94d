/* Choice values of the instance that an incident needs: close code and contact type, read from
 * sys_choice once and again each hour (alert-identity 6). Loop thread. */
#ifndef CONSUMERS_CHOICES_H
#define CONSUMERS_CHOICES_H

#include <stdbool.h>

#include "bridge/base/clock.h"
#include "bridge/servicenow/snow.h"

struct choices;

struct choices *choices_new(struct snow *s);
struct choices *choices_free(struct choices *c); /* NULL is fine */

/* Reads when nothing is known or what is known is old. Returns its next deadline. */
usec_t choices_tick(struct choices *c, usec_t now);

/* Has there been an answer (good or not)? Before it nothing should be written. */
bool choices_known(const struct choices *c);
const char *choices_close_code(const struct choices *c);   /* never "" once known */
const char *choices_contact_type(const struct choices *c); /* "" = leave the column out */

#endif
