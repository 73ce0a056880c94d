/* Checked allocation for objects whose size the program itself decides. On failure the process
 * ends with a message: a daemon that cannot get a few hundred bytes cannot keep its promises, and
 * an uncommitted offset makes a restart safe. Sizes that come from outside use buf.h or malloc and
 * fail visibly. Results are never NULL and are freed with free(). Any thread. */
#ifndef BRIDGE_BASE_XALLOC_H
#define BRIDGE_BASE_XALLOC_H

#include <stddef.h>

#include "bridge/base/attr.h"

void *xmalloc(size_t size) MUST_CHECK;
void *xcalloc(size_t count, size_t size) MUST_CHECK;             /* zeroed */
void *xrealloc(void *old, size_t count, size_t size) MUST_CHECK; /* count * size, checked */
char *xstrdup(const char *text) MUST_CHECK;                      /* NULL gives NULL */
char *xstrndup(const char *text, size_t length) MUST_CHECK;
char *xasprintf(const char *format, ...) MUST_CHECK PRINTF_LIKE(1, 2);

#endif
