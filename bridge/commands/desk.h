/* A command's own connection to the instance: asks and waits. It has sign-in, window and judging of
 * the running bridge (snow.h), on a loop of its own. Waits are bounded by the time-outs of the
 * configuration. Main thread. */
#ifndef BRIDGE_COMMANDS_DESK_H
#define BRIDGE_COMMANDS_DESK_H

#include <stddef.h>

#include "bridge/base/attr.h"
#include "bridge/base/err.h"
#include "bridge/base/loop.h"
#include "bridge/config/config.h"
#include "bridge/servicenow/snow.h"

struct desk;

/* Borrows c for its life; signs in with the first question. */
struct desk *desk_open(const struct config *c, struct err *e) MUST_CHECK;
struct desk *desk_close(struct desk *d); /* NULL is fine */

/* Asks all n questions, as many at once as the window lets, and returns when each has its outcome
 * in outcomes[i]. Results are borrowed until the next desk_ask or desk_close. What cannot be sent
 * (no sign-in, instance away, an unusable operation) has an outcome that says so. No question is
 * sent twice, and no refused password; a refused refresh token is, before the password's turn comes
 * (some seconds). */
void desk_ask(struct desk *d, const struct snow_op *ops, size_t n, struct snow_outcome *outcomes);

struct loop *desk_loop(struct desk *d);
struct snow *desk_snow(struct desk *d);

#endif
