/* What of recent rows was published, field by field as digests, so that a record can say which
 * fields changed. Bounded in bytes: the rows not used for longest are forgotten first. It saves
 * nothing and decides nothing about what is published once; a forgotten row only makes the next
 * record of it say that the previous version is not known. Pure, one thread at a time.
 *
 * Fields that change with every version (sys_updated_on, sys_updated_by, sys_mod_count) are not
 * looked at. Digests have 32 bits: one change in four thousand million goes unnamed. */
#ifndef PRODUCERS_LASTSEEN_H
#define PRODUCERS_LASTSEEN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "bridge/base/attr.h"

struct lastseen;

/* max_bytes 0: it remembers nothing. */
struct lastseen *lastseen_new(size_t max_bytes) MUST_CHECK;
struct lastseen *lastseen_free(struct lastseen *s); /* NULL is fine; returns NULL */

/* sys_mod_count of the newest version that was seen, published or left out. False: not known. */
bool lastseen_mod_count(const struct lastseen *s, const char *sys_id, long long *ret_mod_count);

/* Names of the fields whose values differ from those of the last published version, as a new array
 * of strings in alphabetical order; fields that only one of the two has are not named. NULL: the
 * last published version is not known. */
json_t *lastseen_changed(const struct lastseen *s, const char *sys_id, const json_t *row);

/* This version was published (committed), or read back from the topic. */
void lastseen_published(struct lastseen *s, const char *sys_id, long long mod_count,
                        const json_t *row);
/* This version was seen and left out: what was published last stays the same. */
void lastseen_left_out(struct lastseen *s, const char *sys_id, long long mod_count);
void lastseen_forget(struct lastseen *s, const char *sys_id);
void lastseen_clear(struct lastseen *s);

/* The sys_ids of all rows that are remembered, oldest use first: a new array of new strings. */
char **lastseen_sys_ids(const struct lastseen *s, size_t *ret_count) MUST_CHECK;

size_t lastseen_count(const struct lastseen *s);
size_t lastseen_bytes(const struct lastseen *s); /* never above max_bytes */

#endif
