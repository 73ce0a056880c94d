/* The rule of a time zone for all years: the TZ string of POSIX with the extensions of RFC 8536.
 * Used by zone.c alone. Pure. */
#ifndef BRIDGE_BASE_ZONE_RULE_H
#define BRIDGE_BASE_ZONE_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "bridge/base/attr.h"

struct zone_change {
    enum { ZONE_JULIAN, ZONE_DAY, ZONE_WEEKDAY } kind;
    int month, week, day; /* ZONE_JULIAN: day 1..365 without leap days; ZONE_DAY: 0..365 */
    int32_t time;         /* seconds of local time from midnight */
};

struct zone_rule {
    int32_t standard, summer; /* seconds east of UTC */
    bool changes;             /* false: standard all the year */
    struct zone_change begin, end;
};

/* -1 and nothing set when it is none. */
int zone_rule_parse(const char *text, struct zone_rule *ret) MUST_CHECK;
int32_t zone_rule_offset(const struct zone_rule *r, int64_t utc_s);

#endif
