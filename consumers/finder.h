/* Records of the instance by name: configuration items, groups, users, whatever a column points to.
 * A cache with positive and negative life times over batched reads (a read per alert is too dear).
 * One finder a table. An ambiguous name means none, plus a note. Loop thread. */
#ifndef CONSUMERS_FINDER_H
#define CONSUMERS_FINDER_H

#include <stdbool.h>
#include <stddef.h>

#include "bridge/base/attr.h"
#include "bridge/base/buf.h"
#include "bridge/base/clock.h"
#include "bridge/servicenow/snow.h"

enum finder_result {
    FINDER_FOUND,   /* *ret_sys_id is set; *ret_note may say that the record was made just now */
    FINDER_NONE,    /* no such record, or several: *ret_note says so */
    FINDER_PENDING, /* asked for; `answered` is called when there is an answer */
};

/* Strings and lists are borrowed for the finder's life. */
struct finder_options {
    const char *table;
    const char *what;           /* for notes and log lines: "configuration item" */
    const char *const *columns; /* one of them holds the name; the earlier ones count more */
    size_t columns_count;
    const char *make; /* the table in which a missing record is made, once: NULL = none is */
    const char *record_namespace; /* with make: enters the sys_id */
    usec_t life_found, life_none; /* how long an answer is believed */
    bool near;                    /* a name that is not there is logged, with names like it */
    void (*answered)(void *arg, usec_t now);
    void *arg;
};

struct finder;

/* s is borrowed. */
struct finder *finder_new(struct snow *s, const struct finder_options *o) MUST_CHECK;
struct finder *finder_free(struct finder *f); /* only when no request is under way; NULL is fine */

/* The first of names (best first) that is one record, without regard to case. None of them is there
 * and `make` is set: the first name is made. *ret_sys_id and *ret_note are borrowed until the next
 * call or tick; *ret_note may be "". No names: FINDER_NONE. */
enum finder_result finder_find(struct finder *f, char *const *names, size_t n, usec_t now,
                               const char **ret_sys_id, const char **ret_note);

/* Forgets what is known, so that it is asked again when it is wanted (resync). */
void finder_forget(struct finder *f);

/* Sends at most one request for all names asked for. Returns its next deadline. While the instance
 * is away, names wait. */
usec_t finder_tick(struct finder *f, usec_t now);

/* The sys_id under which a missing record of this name is made: the same in every process. */
void finder_made_id(const char *record_namespace, const char *table, const char *name,
                    char out[33]);

#endif
