/* Small operations on UTF-8 text. Pure, any thread. */
#ifndef BRIDGE_BASE_TEXT_H
#define BRIDGE_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "bridge/base/attr.h"

/* Is it well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF)? */
bool text_is_utf8(const char *text, size_t length);

/* The largest cut <= max that does not split a character of `text` (of `length` bytes). */
size_t text_boundary(const char *text, size_t length, size_t max);

/* Removes an incomplete character at the end of a NUL-terminated text of `length` bytes. */
void text_cut(char *text, size_t length);

/* Removes every byte that is no part of a well-formed character, in place: printf's %.40s cuts
 * inside characters, and one such byte makes a whole text unfit for JSON. */
void text_mend(char *text);

/* Number of characters (code points) in well-formed UTF-8, and the byte length of the first
 * `chars` of them (all, when there are fewer). */
size_t text_chars(const char *text);
size_t text_chars_bytes(const char *text, size_t chars);

/* ASCII only, the rest stays. `text_lower` changes in place. */
void text_lower(char *text);
bool text_equal_nocase(const char *a, const char *b);
bool text_starts(const char *text, const char *prefix);
bool text_ends(const char *text, const char *suffix);

/* A whole decimal number, optional sign, nothing around it. -1 (and *ret_value untouched) when it
 * is none or does not fit in 64 bits. */
int text_to_int(const char *text, long long *ret_value) MUST_CHECK;

#endif
