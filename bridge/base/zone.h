/* Offsets of time zones: UTC, a fixed offset, or a name of the time zone database, which is read
 * once (RFC 8536, with the rule behind its last entry). Does not touch the process's own zone. Pure
 * but for zone_new; a zone is immutable, any thread. */
#ifndef BRIDGE_BASE_ZONE_H
#define BRIDGE_BASE_ZONE_H

#include <stdint.h>

#include "bridge/base/attr.h"
#include "bridge/base/clock.h"
#include "bridge/base/err.h"

struct zone;

/* `name`: "UTC", "+02:00", "-03:30", or as in "Europe/Berlin", read below $TZDIR, else
 * /usr/share/zoneinfo. NULL with e (code `zone`), whose text follows the name: "is not known". */
struct zone *zone_new(const char *name, struct err *e) MUST_CHECK;
struct zone *zone_free(struct zone *z); /* NULL is fine; returns NULL */

/* What is added to UTC at this time to get local time. */
int32_t zone_offset_s(const struct zone *z, msec_t utc);

/* Days from 1970-01-01 to a date of the proleptic Gregorian calendar; month 1 to 12. */
int64_t zone_days(int64_t year, int month, int day);

#endif
