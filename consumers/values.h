/* Column values as people write them, made into what the instance stores: the name of a group or
 * user becomes a sys_id, the label of a choice its value, a text too long for its column is cut.
 * Loop thread. */
#ifndef CONSUMERS_VALUES_H
#define CONSUMERS_VALUES_H

#include <jansson.h>
#include <stdbool.h>

#include "bridge/base/attr.h"
#include "bridge/base/buf.h"
#include "bridge/base/clock.h"
#include "bridge/servicenow/snow.h"
#include "consumers/dictionary.h"
#include "consumers/finder.h"

/* Borrowed for the life of the values. */
struct values_options {
    struct snow *snow;
    const struct dictionary *dictionary;
    usec_t life_found, life_none; /* of names */
    void (*answered)(void *arg, usec_t now);
    void *arg;
};

struct values;

struct values *values_new(const struct values_options *o) MUST_CHECK;
struct values *values_free(struct values *v); /* when no request is under way; NULL is fine */

enum values_result {
    VALUES_SET,      /* body has the column; an empty text clears it */
    VALUES_LEFT_OUT, /* the name is unknown or ambiguous: the column is not in body, a note says so
                      */
    VALUES_PENDING,  /* a name is being looked up: `answered` is called, then put again */
};

/* What is said about a record beside its columns. Zeroed: nothing. */
struct values_said {
    struct buf *notes;    /* for the outcome record: what was left out; NULL: not wanted */
    struct buf *overflow; /* for the work notes: whole texts of what was cut; NULL: not wanted */
};

enum values_result values_put(struct values *v, const char *table, const char *column,
                              const char *text, json_t *body, const struct values_said *said,
                              usec_t now);

/* The same for every column of a body that is a text, but for those that are the bridge's own
 * (keys, stamp, state, content that was cut to fit already). VALUES_PENDING: nothing of body was
 * changed; else columns that were left out are gone from it. */
enum values_result values_resolve(struct values *v, const char *table, json_t *body,
                                  const struct values_said *said, usec_t now);

/* The table that this column of `table` points to: by the dictionary, else by what is the same on
 * every instance (servicenow-api 3.1); NULL: it is no reference. Borrowed until the next tick. */
const char *values_reference(const struct dictionary *d, const char *table, const char *column);
/* The columns by which a record of this table is named, best first; static. */
const char *const *values_names_of(const char *table, size_t *ret_count);

void values_forget(struct values *v); /* names are looked up anew (resync) */
usec_t values_tick(struct values *v, usec_t now);

#endif
