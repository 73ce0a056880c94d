/* What the fields of rules and templates (bridge/config/field.h) stand for. Pure. */
#ifndef CONSUMERS_ALERT_FIELD_H
#define CONSUMERS_ALERT_FIELD_H

#include <stddef.h>

#include "bridge/base/clock.h"
#include "bridge/config/field.h"
#include "consumers/alert.h"

/* The values of a field one by one: *cursor is 0 before the first call. NULL: there are no more.
 * Empty values are none. Borrowed from the alert, static, or written to `space` (times, as
 * ServiceNow writes them). */
#define ALERT_FIELD_SPACE CLOCK_SN_SIZE
const char *alert_field_next(const struct alert *a, const struct field *f, size_t *cursor,
                             char space[ALERT_FIELD_SPACE]);

/* A field of kind FIELD_IS_TIME; MSEC_NONE when it is not told. */
msec_t alert_field_time(const struct alert *a, enum field_id id);

#endif
