/* What the demo sends: copies of the official Azure samples, each with an identity of its own. The
 * samples share ids among each other (eight have one alertId), so as they are they would be a
 * handful of alerts. Severity, times and a mark in the description are the copy's own; the rest is
 * the sample's. Made once, then only read. */
#ifndef DEMO_FEED_H
#define DEMO_FEED_H

#include <stdbool.h>
#include <stddef.h>

#include "bridge/base/attr.h"
#include "bridge/base/clock.h"
#include "bridge/base/err.h"

struct feed_alert {
    char *mark;   /* "demo-0017": stands in the description, finds the incident again */
    char *rule;   /* for people */
    int severity; /* 0 to 4, -1: the sample names none */
    bool clears;  /* a Resolved is sent too */
};

enum feed_kind { FEED_FIRE, FEED_CLEAR, FEED_REPEAT };

struct feed_message {
    size_t alert; /* index */
    enum feed_kind kind;
    usec_t due; /* after the beginning */
    char *value;
    const char *key; /* NULL, as Azure sends; set where the order of a series matters */
};

struct feed {
    struct feed_alert *alerts;
    size_t alerts_count;
    struct feed_message *messages; /* by due */
    size_t messages_count;
};

struct feed_plan {
    size_t steady, burst; /* alerts one by one, and at once at half time */
    usec_t length;        /* all is sent within this time */
};

/* Reads the samples in `folder`; wall: now, from which the alerts' own times count. */
struct feed *feed_new(const char *folder, const struct feed_plan *plan, msec_t wall,
                      struct err *e) MUST_CHECK;
void feed_free(struct feed *f); /* NULL is fine */

#endif
