/* JSON text written straight into a buffer, for bodies that are built a thousand times a second.
 * Texts are well-formed UTF-8 (everything decoded or configured is). Pure. */
#ifndef CONSUMERS_JSON_OUT_H
#define CONSUMERS_JSON_OUT_H

#include <stddef.h>

#include "bridge/base/buf.h"

/* `length` bytes of text as a JSON string, quotes included. A buffer that is full fails, as in
 * buf.h. */
void json_out_string(struct buf *out, const char *text, size_t length);

/* The same without quotes: a piece of a string. */
void json_out_piece(struct buf *out, const char *text, size_t length);

/* One more member of the object that `out` holds the beginning of: `"name":"value"`, with a comma
 * before it unless a brace stands there. */
void json_out_member(struct buf *out, const char *name, const char *value);
/* The same up to the colon. */
void json_out_name(struct buf *out, const char *name);
/* The whole member with a value of `length` bytes. */
void json_out_member_n(struct buf *out, const char *name, const char *value, size_t length);

#endif
