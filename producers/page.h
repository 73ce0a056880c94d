/* One answer to a list request as rows in order. Pure, any thread. */
#ifndef PRODUCERS_PAGE_H
#define PRODUCERS_PAGE_H

#include <jansson.h>
#include <stddef.h>

#include "bridge/base/attr.h"
#include "bridge/base/err.h"
#include "producers/watermark.h"

struct page_row {
    const json_t *record;                        /* borrowed from the page */
    struct watermark at;                         /* its place in the order */
    const char *sys_id, *updated_on, *mod_count; /* borrowed; mod_count "0" without a count */
    const char *written_by;                      /* the same; NULL: the row does not say */
    uint64_t digest;                             /* of this version */
};

/* Which columns order the rows of a source and tell versions of one row apart. */
struct page_form {
    const char *time;  /* sys_updated_on, or sys_created_on where rows are written once */
    const char *count; /* sys_mod_count; NULL: a row has one version for ever */
    const char *by;    /* who wrote a version: sys_updated_by, sys_created_by */
};

struct page {
    json_t *array; /* a reference of its own; NULL: no page */
    struct page_row *rows;
    size_t count;
};

/* Reads `result` (a list answer; a reference is taken). The rows must be what was asked for: at
 * most `limit`, each with its sys_id and the columns of the form, in rising order of (time,
 * sys_id), all behind `after`. Anything else is refused as a whole (-1, ERR_RETRY, code `page-odd`
 * or `page-field`): reading on from an odd page would skip rows in silence. Fewer rows than the
 * limit are no sign of the end: rows that an ACL hides count against it (servicenow-api 0.6). */
int page_read(json_t *result, const char *table, const struct page_form *form,
              const struct watermark *after, long long limit, struct page *ret_page,
              struct err *e) MUST_CHECK;
void page_done(struct page *p); /* zeroed is fine; zeroed afterwards */

#endif
