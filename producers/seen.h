/* The versions of rows that were published and may be read again. Pure, one thread at a time. */
#ifndef PRODUCERS_SEEN_H
#define PRODUCERS_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/base/attr.h"

struct seen_version {
    int64_t second;  /* its sys_updated_on, seconds since 1970 */
    uint64_t digest; /* over sys_id, sys_updated_on and sys_mod_count */
    bool ahead;      /* when it was published, its row lay behind the new watermark */
};

struct seen;

struct seen *seen_new(void) MUST_CHECK;
struct seen *seen_free(struct seen *s); /* NULL is fine; returns NULL */

bool seen_has(const struct seen *s, uint64_t digest);
void seen_add(struct seen *s, struct seen_version v); /* nothing happens when it is there */
/* Which versions are still needed: those of `from` or later, and those published ahead of the
 * watermark of `ahead_from` or later. Behind the watermark a row is read again only by the overlap;
 * ahead of it also when the watermark gets there. */
struct seen_keep {
    int64_t from, ahead_from;
};
void seen_expire(struct seen *s, struct seen_keep k); /* forgets all others */
size_t seen_count(const struct seen *s);

/* All versions that k keeps, sorted by second, then digest; room for `spare` more behind them. New
 * array, the caller frees it; *ret_count is without the spare ones. */
struct seen_version *seen_list(const struct seen *s, struct seen_keep k, size_t spare,
                               size_t *ret_count) MUST_CHECK;
void seen_sort(struct seen_version *list, size_t count);

/* The digest of a version. */
uint64_t seen_digest(const char *sys_id, const char *updated_on, const char *mod_count);

#endif
