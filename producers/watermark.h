/* How far a table has been published, and the record that says so in the state topic (design D8,
 * D13). Pure, any thread.
 *
 * Position: rows are read in the order (sys_updated_on, sys_id). A watermark names the last row
 * that needs no further reading: `sys_id` "" stands before every row of its second, "~" behind
 * every row of it.
 *
 * The next sweep starts at the lesser of the watermark and `hi` minus the overlap: rows stamped
 * before `hi` minus the overlap were visible when that sweep began, so only later ones need a
 * second look. Every published version that may then be read again is in `seen`. */
#ifndef PRODUCERS_WATERMARK_H
#define PRODUCERS_WATERMARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/base/attr.h"
#include "bridge/base/err.h"
#include "producers/seen.h"

#define WATERMARK_VERSION 1
#define WATERMARK_VERSION_OF_TWO                                                                   \
    2 /* while a history is read; a release that reads with one cursor refuses it */
#define WATERMARK_RECORD_MAX  ((size_t)512 * 1024)
#define WATERMARK_SYS_ID_MAX  32
#define WATERMARK_BEHIND_ALL  "~"
#define WATERMARK_SECOND_NONE INT64_MIN

struct watermark {
    int64_t second; /* sys_updated_on, seconds since 1970, UTC */
    char sys_id[WATERMARK_SYS_ID_MAX + 1];
};

/* < 0, 0, > 0. sys_ids compare without regard to case, as the databases of instances do. */
int watermark_compare(const struct watermark *a, const struct watermark *b);

/* sys_id is cut to 32 bytes (the column's width). */
struct watermark watermark_at(int64_t second, const char *sys_id);

/* May this be the sys_id of a row: 1 to 32 letters and digits? Other characters have no order that
 * is the same in every collation, and no place in a query. */
int watermark_sys_id_ok(const char *text);

/* What a history has done, for people and for the end of a resync. */
struct watermark_history {
    const char *resync;      /* "" = the first pull; else the time of the request, for a header */
    unsigned long long done; /* rows published */
    long long total;         /* rows that it had at its begin, -1: not known */
};

/* The state of one feed of a table. Strings borrowed when encoding, owned after decoding. */
struct watermark_state {
    const char *owner;      /* host of server_url */
    const char *connection; /* connection.name */
    const char *table;
    const char *fingerprint; /* of query and fields, see watermark_fingerprint */
    const char *written_by;  /* program and version, for people */
    struct watermark mark;
    int64_t hi; /* upper end of the last sweep that counts, seconds by the instance's clock */
    int64_t seen_from;         /* every published version of this second or later is in `seen`;
                          beside them those ahead of `mark` */
    struct seen_version *seen; /* sorted by second */
    size_t seen_count;
    bool has_history; /* of the live feed: the history has a record, too, and is not done */
    bool is_history;  /* this is the history's; `history` is filled */
    struct watermark_history history;
};

/* JSON text, NUL-terminated; new, the caller frees it. NULL (ERR_FATAL, code `state-too-large`)
 * when it would pass WATERMARK_RECORD_MAX. */
char *watermark_encode(const struct watermark_state *s, size_t *ret_length,
                       struct err *e) MUST_CHECK;

/* Reads a record and checks that it belongs to this owner, connection and table. ERR_CONFIG on
 * refusal: code `state-version` (written by a release that this one does not know), `state-owner`
 * (of another instance), `state-broken` (no such record as this program writes). On success the
 * caller ends with watermark_state_done. */
int watermark_decode(const void *bytes, size_t length, const char *owner, const char *connection,
                     const char *table, struct watermark_state *ret_state,
                     struct err *e) MUST_CHECK;
void watermark_state_done(struct watermark_state *s); /* after decoding only; zeroed is fine */

/* 16 hex digits over the query and the list of columns that a table is read with. */
#define WATERMARK_FINGERPRINT_SIZE 17
void watermark_fingerprint(const char *query, const char *const *fields, size_t fields_count,
                           char out[WATERMARK_FINGERPRINT_SIZE]);

#endif
