/* Templates of the instance (table sys_template): named lists of constants for a table's columns,
 * applied beneath everything that the bridge maps. Read at start, again each hour and when asked.
 * Loop thread. */
#ifndef CONSUMERS_SNOW_TEMPLATE_H
#define CONSUMERS_SNOW_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "bridge/base/attr.h"
#include "bridge/base/clock.h"
#include "bridge/config/config.h"
#include "bridge/servicenow/snow.h"

/* Reads the column sys_template.template: `impact=1^urgency=2^EQ`, a literal `^` doubled. What is
 * no `column=value` is left out. The caller frees with snow_template_done. Pure. */
void snow_template_parse(const char *text, struct config_pairs *ret);
void snow_template_done(struct config_pairs *p); /* zeroed is fine */

struct snow_templates;

/* Borrows s. */
struct snow_templates *snow_templates_new(struct snow *s) MUST_CHECK;
struct snow_templates *snow_templates_free(struct snow_templates *t); /* NULL is fine */

/* This template will be used; copied. Asking twice is fine. */
void snow_templates_want(struct snow_templates *t, const char *table, const char *name);
/* Reads when nothing is known or what is known is old; one that is missing is an error in the log
 * that lists near matches. Returns its next deadline. */
usec_t snow_templates_tick(struct snow_templates *t, usec_t now);
/* All are read again, and what is missing still is told again. */
void snow_templates_reload(struct snow_templates *t);

/* Has there been an answer (good or not) about all that are wanted? */
bool snow_templates_known(const struct snow_templates *t);
/* NULL: the instance has no such template (or it cannot be read). Without columns that a template
 * must not set (they are the bridge's or the instance's own) and without scripts, which the Table
 * API does not run. Borrowed until the next tick. */
const struct config_pairs *snow_templates_find(const struct snow_templates *t, const char *table,
                                               const char *name);

#endif
