/* Secrets of `setup`: where the configuration looks for each, what is known of it, making and
 * keeping it. Blocking file I/O of a few kilobytes. */
#ifndef BRIDGE_COMMANDS_SETUP_SECRET_H
#define BRIDGE_COMMANDS_SETUP_SECRET_H

#include <stdbool.h>

#include "bridge/base/attr.h"
#include "bridge/base/err.h"

/* One secret. `spec` is what the configuration says or is to say: env:NAME (then it is kept as
 * NAME=value in the file of secrets, which a service manager or a shell reads), file:PATH (then it
 * is all of that file), or the secret itself. All strings are owned; value is wiped. */
struct setup_secret {
    char *spec;
    char *value; /* NULL: not known */
    bool made;   /* by setup_secret_make: not in any file before setup_secret_keep */
};

/* Finds out what is known: spec (NULL or "": fallback) is looked up in the environment, in the file
 * it names, or as NAME= in secret_file. -1, class ERR_CONFIG: a file is there and cannot be read.
 */
int setup_secret_find(struct setup_secret *s, const char *spec, const char *fallback,
                      const char *secret_file, struct err *e) MUST_CHECK;
void setup_secret_done(struct setup_secret *s);

/* A new value from the kernel: 48 letters, digits, `-` or `_` (288 bits). */
void setup_secret_make(struct setup_secret *s);

/* Writes a made one to its file, mode 0600: written beside, synced, renamed. Other lines of the
 * file of secrets stay. *ret_file (may be NULL) is the file, new. -1: the old file is what it was.
 */
int setup_secret_keep(const struct setup_secret *s, const char *secret_file, char **ret_file,
                      struct err *e) MUST_CHECK;
/* The same for a plain NAME=value. */
int setup_line_keep(const char *secret_file, const char *name, const char *value,
                    struct err *e) MUST_CHECK;
/* NAME's value in the file of secrets, new (wiped by the caller); NULL when there is none (then
 * e->class is ERR_NONE) or the file cannot be read. */
char *setup_line_find(const char *secret_file, const char *name, struct err *e) MUST_CHECK;
/* Takes NAME's line out again. The file goes when nothing else is in it. */
int setup_line_drop(const char *secret_file, const char *name, struct err *e) MUST_CHECK;

/* Replaces a file of this text as a whole, mode 0600. An old file's owner stays. */
int setup_file_write(const char *path, const char *text, struct err *e) MUST_CHECK;

#endif
