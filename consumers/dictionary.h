/* What the instance says about the tables that alerts are written to: columns (sys_db_object,
 * sys_dictionary) and choice values (sys_choice). Read at start, again each hour and when asked.
 * Loop thread. */
#ifndef CONSUMERS_DICTIONARY_H
#define CONSUMERS_DICTIONARY_H

#include <stdbool.h>
#include <stddef.h>

#include "bridge/base/attr.h"
#include "bridge/base/buf.h"
#include "bridge/base/clock.h"
#include "bridge/servicenow/columns.h"
#include "bridge/servicenow/snow.h"

struct dictionary;

/* Borrows s. */
struct dictionary *dictionary_new(struct snow *s) MUST_CHECK;
/* Only when no request is under way; NULL is fine. */
struct dictionary *dictionary_free(struct dictionary *d);

/* This table will be asked about; the name is copied. Asking twice is fine. */
void dictionary_want(struct dictionary *d, const char *table);
bool dictionary_wanted(const struct dictionary *d, const char *table);
/* Reads when nothing is known or what is known is old. Returns its next deadline. */
usec_t dictionary_tick(struct dictionary *d, usec_t now);
/* Everything is read again; until then what is known stays. */
void dictionary_reload(struct dictionary *d);

/* Has there been an answer (good or not) about every table that is wanted? Before it nothing should
 * be written. */
bool dictionary_known(const struct dictionary *d);
/* Another number after each time that something about a table was read. */
unsigned dictionary_revision(const struct dictionary *d);
/* NULL: unknown table, or its dictionary cannot be read. Borrowed until the next tick. */
const struct columns *dictionary_columns(const struct dictionary *d, const char *table);

/* The stored value of the choice whose value or label this is (labels without regard to case);
 * borrowed until the next tick; NULL: there is none. */
const char *dictionary_choice(const struct dictionary *d, const char *table, const char *column,
                              const char *text);
/* Are the choices of this column known, all of them? Those of the nearest table that has any count.
 */
bool dictionary_has_choices(const struct dictionary *d, const char *table, const char *column);
/* Adds up to three labels that are like this text, as near_text writes them. */
void dictionary_near(const struct dictionary *d, const char *table, const char *column,
                     const char *text, struct buf *out);

/* The close code to resolve with when none is configured (alert-identity 6): the first of
 * `Solution provided`, `Solved (Permanently)` that the table has; never "". */
const char *dictionary_close_code(const struct dictionary *d, const char *table);
/* `monitoring` or `event` where contact_type has it; "" = leave the column out. */
const char *dictionary_contact_type(const struct dictionary *d, const char *table);

#endif
