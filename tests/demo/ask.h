/* Small blocking HTTP requests to programs on this machine: the simulator's control path and the
 * bridge's status pages. Each is bounded to 5 s. Main thread. */
#ifndef DEMO_ASK_H
#define DEMO_ASK_H

#include <jansson.h>

#include "bridge/base/attr.h"
#include "bridge/base/err.h"

/* GET, or POST when body is not NULL. Returns the HTTP status and the answer's text (new) in
 * *ret_text; -1 when there was no answer. */
int ask_text(const char *url, const char *body, char **ret_text, struct err *e) MUST_CHECK;

/* The same for a JSON answer of status 200; new, NULL on failure. */
json_t *ask_json(const char *url, const json_t *body, struct err *e) MUST_CHECK;

#endif
