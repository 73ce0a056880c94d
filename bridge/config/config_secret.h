/* Secrets and the files that hold them. For bridge/config, and for secrets that a command takes. */
#ifndef BRIDGE_CONFIG_CONFIG_SECRET_H
#define BRIDGE_CONFIG_CONFIG_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "bridge/base/attr.h"
#include "bridge/base/err.h"
#include "bridge/config/config.h"

#define CONFIG_SECRET_MAX ((size_t)64 * 1024)
#define CONFIG_HIDDEN     "<hidden>"

/* A path as the process can open it: a relative one starts from `folder` ("" = as it is). New. */
char *config_join(const char *folder, const char *path) MUST_CHECK;

/* The content of a regular file of at most `max` bytes, NUL-terminated, *ret_length without it.
 * New, to be wiped by the caller when it is secret; NULL with the reason as half a sentence in e
 * ("cannot be opened: ..."). Never waits for a pipe. */
char *config_read_file_text(const char *path, size_t max, size_t *ret_length,
                            struct err *e) MUST_CHECK;

/* Is it file:PATH or env:NAME? */
bool config_secret_is_reference(const char *spec);
/* What the spec stands for: content of the file without one line end behind it, the variable, or
 * the text itself. New, wiped by the caller; NULL with the reason in e. */
char *config_secret_resolve(const char *spec, struct err *e) MUST_CHECK;
/* Overwrites and frees; NULL is fine. */
void config_secret_wipe(char *value);
/* Is the value of this librdkafka property to be hidden? */
bool config_property_is_secret(const char *name);

#endif
