/* Times of the week: "Monday to Friday, 22:00 to 06:00, in Berlin". Pure, any thread. */
#ifndef BRIDGE_BASE_WEEKLY_H
#define BRIDGE_BASE_WEEKLY_H

#include <stdbool.h>

#include "bridge/base/attr.h"
#include "bridge/base/clock.h"
#include "bridge/base/zone.h"

#define WEEKLY_ALL 0x7fu

struct weekly {
    unsigned days; /* bit 0 is Monday */
    int from, to;  /* minutes of the day: from (incl.) to (excl.); to <= from ends the day after */
    const struct zone *zone; /* borrowed */
};

/* "mon", "sat-sun": adds the days to *days. -1 when it is none. */
int weekly_days(const char *text, unsigned *days) MUST_CHECK;
/* "08:30", "24:00": minutes of the day. -1 when it is none. */
int weekly_minutes(const char *text, int *ret_minutes) MUST_CHECK;

/* A window that runs over midnight belongs to the day on which it begins. */
bool weekly_holds(const struct weekly *w, msec_t utc);

#endif
