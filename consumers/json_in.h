/* Messages to JSON, strictly: what two readers could read in two ways is refused. Pure. */
#ifndef CONSUMERS_JSON_IN_H
#define CONSUMERS_JSON_IN_H

#include <jansson.h>
#include <stddef.h>

#include "bridge/base/attr.h"
#include "bridge/base/err.h"

/* Deeper nesting is refused before the parser sees it. */
#define JSON_IN_DEPTH_MAX 512

/* New reference, any JSON value. NULL: e->code is `empty`, `nul`, `not-utf8`, `too-deep`,
 * `duplicate-member` or `not-json`, and its text names the position, never the content. A byte
 * order mark in front is skipped; integers that do not fit in 64 bits become reals. */
json_t *json_in_load(const void *bytes, size_t length, struct err *e) MUST_CHECK;

/* A scalar as text, numbers as the sender wrote them up to 15 digits (0.1 stays 0.1): borrowed from
 * the value or written to `space`. "" for null and for no value at all, NULL for objects and
 * arrays. */
#define JSON_IN_SPACE 32
const char *json_in_text(const json_t *value, char space[JSON_IN_SPACE]);

/* "a number", "an object", ...; static. */
const char *json_in_type(const json_t *value);

#endif
