/* Configuration items by name: a cache with positive and negative life times over batched reads of
 * cmdb_ci (a read per alert is too dear). An ambiguous name means none, plus a note. Loop thread.
 */
#ifndef CONSUMERS_CI_H
#define CONSUMERS_CI_H

#include <stddef.h>

#include "bridge/base/clock.h"
#include "bridge/servicenow/snow.h"

enum ci_result {
    CI_FOUND,   /* *ret_sys_id is set */
    CI_NONE,    /* no such item, or several of that name: *ret_note says so */
    CI_PENDING, /* asked for; `answered` is called when there is an answer */
};

struct ci_cache;

struct ci_cache *ci_new(struct snow *s, void (*answered)(void *arg, usec_t now), void *arg);
struct ci_cache *ci_free(struct ci_cache *c); /* only when no read is under way; NULL is fine */

/* The first of names (best first) that is one item. *ret_sys_id and *ret_note are borrowed until
 * the next call or tick; *ret_note may be "". No names: CI_NONE. */
enum ci_result ci_find(struct ci_cache *c, char *const *names, size_t n, usec_t now,
                       const char **ret_sys_id, const char **ret_note);

/* Sends at most one read for all names asked for. Returns its next deadline. */
usec_t ci_tick(struct ci_cache *c, usec_t now);

#endif
