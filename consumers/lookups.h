/* What a new record needs from the instance beside the alert: its configuration item, names and
 * choices as the instance stores them, columns of a template. Loop thread. */
#ifndef CONSUMERS_LOOKUPS_H
#define CONSUMERS_LOOKUPS_H

#include <jansson.h>
#include <stdbool.h>

#include "bridge/base/attr.h"
#include "bridge/base/buf.h"
#include "bridge/base/clock.h"
#include "bridge/config/config.h"
#include "bridge/servicenow/snow.h"
#include "consumers/alert.h"
#include "consumers/dictionary.h"
#include "consumers/finder.h"

struct lookups;

/* Borrows everything. answered: a name that was pending has its answer. */
struct lookups *lookups_new(const struct config *c, struct snow *s,
                            void (*answered)(void *arg, usec_t now), void *arg) MUST_CHECK;
/* Only when no request is under way; NULL is fine. */
struct lookups *lookups_free(struct lookups *l);

/* Records of this table will be made. */
void lookups_want(struct lookups *l, const char *table);
/* Sends what is to be asked. What the configuration names is looked up at the start, so that a
 * wrong name is told then and not with the first alert. Returns the next deadline. */
usec_t lookups_tick(struct lookups *l, usec_t now);
/* Templates, dictionary, choices and names are read again (resync). */
void lookups_reload(struct lookups *l);
/* Has the instance answered (well or not) about all tables and templates? Before it nothing should
 * be made. */
bool lookups_known(const struct lookups *l);
const struct dictionary *lookups_dictionary(const struct lookups *l);

/* The alert's configuration item, as finder_find. */
enum finder_result lookups_item(struct lookups *l, const struct alert *a, usec_t now,
                                const char **ret_sys_id, const char **ret_note);

/* The close code as the instance stores it: of the one given by value or label, "" = the usual
 * one of this instance; "" where the table has none. Borrowed until the next tick, or `given`
 * itself. */
const char *lookups_close_code(const struct lookups *l, const char *table, const char *given);
/* Labels of the choices that updates write too (impact, urgency) to values. */
void lookups_content(const struct lookups *l, const char *table, json_t *body);

/* Completes the body of a new record: the template's columns beneath what is there ("" = no
 * template), names to sys_ids, labels to values, long texts cut. The whole of them goes to the work
 * notes, behind what `whole` has already. Adds to `notes` what was left out. False: an answer is
 * awaited, body and notes are as they were; call again, with a body made anew, when `answered` was
 * called. */
bool lookups_complete(struct lookups *l, const char *table, const char *template, json_t *body,
                      struct buf *whole, struct buf *notes, usec_t now) MUST_CHECK;

#endif
