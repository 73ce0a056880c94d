/* Growing byte buffer with a bound given at init: no unbounded buffer exists in the program.
 * Always NUL-terminated behind `length`, so that text in it can be used as a C string. */
#ifndef BRIDGE_BASE_BUF_H
#define BRIDGE_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "bridge/base/attr.h"

struct buf {
    char *data; /* NULL until something was added */
    size_t length, capacity, max;
    bool failed; /* an addition did not fit or memory was short; sticky until buf_clear */
};

/* Empty buffer of at most max_bytes. No memory is taken yet. */
void buf_init(struct buf *b, size_t max_bytes);
void buf_done(struct buf *b);  /* frees the memory; the buffer is as after init */
void buf_clear(struct buf *b); /* empty again, memory kept, `failed` reset */

/* Makes room for so many more bytes at once, a hint: a failure shows at the addition. */
void buf_room(struct buf *b, size_t bytes);

/* Adds or fails: -1 and `failed` when the result would pass the bound or memory is short; then
 * nothing is added, and every later addition fails too (so one check at the end is enough). */
int buf_add(struct buf *b, const void *bytes, size_t length);
int buf_add_text(struct buf *b, const char *text);
int buf_add_char(struct buf *b, char c);
int buf_addf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);

/* The text so far, never NULL; borrowed until the next call on b. */
const char *buf_text(const struct buf *b);

/* Hands the memory out (caller frees), never NULL; the buffer is empty as after init. */
char *buf_take(struct buf *b, size_t *ret_length) MUST_CHECK;

/* Overwrites with zeros, then buf_done: for tokens and secrets. */
void buf_wipe(struct buf *b);

#endif
