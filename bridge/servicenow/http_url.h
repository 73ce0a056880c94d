/* Which URLs the HTTP client may ask for: https, and http to this very machine when that is
 * allowed. Pure. */
#ifndef BRIDGE_SERVICENOW_HTTP_URL_H
#define BRIDGE_SERVICENOW_HTTP_URL_H

#include <stdbool.h>

#include "bridge/base/attr.h"
#include "bridge/base/err.h"

/* Only visible ASCII, not empty: no blanks, control characters or bytes beyond 0x7e. */
bool http_is_plain(const char *text);

/* The URL's `scheme://host:port`, new: the only part that error texts may show. *ret_secure: https.
 * NULL, class ERR_CONFIG: not a URL, user or password inside, or a scheme that is not allowed. */
char *http_url_place(const char *url, bool allow_http, bool *ret_secure, struct err *e) MUST_CHECK;

#endif
