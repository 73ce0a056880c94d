/* Status server: HTTP on `status.listen` by libmicrohttpd in the one loop. It serves what `page`
 * makes; it knows nothing of what is served. GET and HEAD only. Loop thread. */
#ifndef BRIDGE_STATUS_STATUS_H
#define BRIDGE_STATUS_STATUS_H

#include "bridge/base/attr.h"
#include "bridge/base/buf.h"
#include "bridge/base/err.h"
#include "bridge/base/loop.h"

/* Fills `out` for this path and sets *ret_type (static). Returns the HTTP status; 404 for a path
 * that does not exist. Must not block. */
typedef int (*status_page_fn)(void *arg, const char *path, struct buf *out, const char **ret_type);

struct status;

/* listen: "127.0.0.1:9464", "[::1]:0", "localhost:9464"; port 0: any free one. */
struct status *status_new(struct loop *l, const char *listen, status_page_fn page, void *arg,
                          struct err *e) MUST_CHECK;
struct status *status_free(struct status *s); /* NULL is fine */

int status_port(const struct status *s); /* the one it really listens on */

#endif
