/* Time. Inside the program all time is monotonic microseconds and handed in as `now`; wall time
 * (milliseconds since 1970, UTC) is only for the edges: Kafka timestamps, ServiceNow dates, logs.
 */
#ifndef BRIDGE_BASE_CLOCK_H
#define BRIDGE_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "bridge/base/attr.h"

typedef int64_t usec_t; /* monotonic microseconds, or a length in microseconds */
typedef int64_t msec_t; /* wall time: milliseconds since 1970-01-01 UTC */

#define USEC_NEVER INT64_MAX
#define USEC_MS    ((usec_t)1000)
#define USEC_S     ((usec_t)1000000)
#define MSEC_NONE  INT64_MIN /* no such time is known */

/* The only two calls in the program that look at a clock. Any thread. */
usec_t clock_now(void);
msec_t clock_wall(void);

/* a + b without overflow: USEC_NEVER stays what it is. */
usec_t usec_add(usec_t a, usec_t b);
usec_t usec_min(usec_t a, usec_t b);

/* Reads a point in time to wall milliseconds, cutting (not rounding) what is finer. Forms: ISO 8601
 * (`2025-04-15T18:17:12.8512345Z`, `+02:00`, no zone = UTC, `T` or blank between), and the US form
 * `3/22/2019 1:36:31 PM` that Azure samples hold (UTC). -1 when it is none of these or no such day.
 */
int clock_parse(const char *text, msec_t *ret_ms) MUST_CHECK;

/* ServiceNow's form: `yyyy-MM-dd HH:mm:ss`, UTC (REST Table API). The buffer needs CLOCK_SN_SIZE.
 */
#define CLOCK_SN_SIZE 32
void clock_format_sn(msec_t ms, char out[CLOCK_SN_SIZE]);

/* `2025-04-15T18:17:12.851Z`. The buffer needs CLOCK_ISO_SIZE. */
#define CLOCK_ISO_SIZE 40
void clock_format_iso(msec_t ms, char out[CLOCK_ISO_SIZE]);

/* An HTTP date (`Tue, 24 Nov 2026 21:54:00 GMT`, RFC 9110 5.6.7 IMF-fixdate). -1 when it is none.
 */
int clock_parse_http(const char *text, msec_t *ret_ms) MUST_CHECK;

#endif
