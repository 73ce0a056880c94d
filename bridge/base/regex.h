/* Regular expressions of the configuration on text from outside: matched in time proportional to
 * program times text and in memory fixed at compilation, whatever the text holds. There are
 * therefore no back references. Works on code points, knows no locale. Not thread-safe: a compiled
 * expression holds its own scratch memory.
 *
 * Syntax: `.` any character, `[a-z_]` `[^0-9]`, `\d \w \s` and their opposites `\D \W \S`,
 * `\n \t`, `\` before punctuation takes it literally, `^` and `$` the ends of the text, `( )`,
 * `|`, `*`, `+`, `?`, `{2}`, `{2,}`, `{2,5}`. */
#ifndef BRIDGE_BASE_REGEX_H
#define BRIDGE_BASE_REGEX_H

#include <stdbool.h>

#include "bridge/base/attr.h"
#include "bridge/base/err.h"

struct regex;

/* NULL with e (code `regex`): the text names the position, counted in characters from 1.
 * ignore_case: of ASCII letters. */
struct regex *regex_new(const char *text, bool ignore_case, struct err *e) MUST_CHECK;
struct regex *regex_free(struct regex *r); /* NULL is fine; returns NULL */

/* Does it match anywhere in the text? */
bool regex_matches(struct regex *r, const char *text);

#endif
