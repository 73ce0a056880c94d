/* The normalised alert: what every format becomes before anything is decided about it. */
#ifndef CONSUMERS_ALERT_H
#define CONSUMERS_ALERT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/base/attr.h"
#include "bridge/base/clock.h"
#include "bridge/base/err.h"
#include "bridge/config/config.h"
#include "consumers/message.h"

enum alert_state {
    ALERT_FIRING,
    ALERT_CLEARED,
    ALERT_NOTE, /* tells more about an instance, neither opens nor clears it (Service Health RCA) */
};

/* Unit separator: joins the parts of a series or an instance (alert-identity 2). */
#define ALERT_SEP "\x1f"

struct alert_pair {
    char *name, *value;
};

/* All strings are owned by the alert and never NULL unless said. */
struct alert {
    const char *format; /* "azure", ... */
    const char *kind;   /* "metric", "resource-health", ... */
    /* File of the mapping that made it, NULL: made in C. Format, kind and this live as long as the
     * formats (formats.h), longer than any alert. */
    const char *mapping;
    enum alert_state state;
    bool marked;            /* the message names its cycle */
    char *series;           /* parts joined by ALERT_SEP */
    char *instance;         /* marked only, else "" (it is <series>#<generation>) */
    char *short_id;         /* marked: the alert GUID where the format has one, else "" */
    char *part;             /* "" for the usual single record */
    int severity;           /* 0 (worst) .. 4, -1 unknown */
    char *severity_text;    /* as the message has it */
    msec_t fired, resolved; /* MSEC_NONE: not told */
    msec_t own_time; /* a fire's own time: event time in the alert, else the record's timestamp */
    char *rule, *service, *source, *resource; /* resource: first target */
    char *title;                              /* one line a person on call wants to read; not cut */
    char *description; /* the whole text, lines; without identity and version lines; not cut */
    struct alert_pair *labels; /* dimensions, custom properties, ... */
    size_t labels_count;
    char **targets, **ci_names; /* ci_names: names a configuration item may have, best first */
    size_t targets_count, ci_names_count;
    struct alert_pair *links; /* name and URL */
    size_t links_count;
    char **notes; /* what was filled by a default and why; goes to the outcome record */
    size_t notes_count;
};

struct alert *alert_free(struct alert *a); /* NULL is fine */

/* The list that one message holds. */
struct alerts {
    struct alert **items;
    size_t count;
};
void alerts_done(struct alerts *list);

enum decode_result {
    DECODE_OK,   /* one alert or more */
    DECODE_SKIP, /* nothing to do and nothing wrong: a null value */
    DECODE_BAD,  /* dead letter; err says why, its code is the class of the dead letter */
};

/* Bytes to normalised alerts by the consumer's format ("auto": detected per message). Never partly:
 * one bad alert of an array makes the whole message bad. Codes of e: `not-json`, `empty`,
 * `too-deep`, `not-utf8`, `nul`, `duplicate-member`, `no-format`, `no-identity`, `no-state`,
 * `wrong-type`. Pure. */
enum decode_result decode_message(const struct config_consumer *c, const struct message *m,
                                  struct alerts *ret_alerts, struct err *e) MUST_CHECK;

/* The normalised alert as JSON, for `map` and the outcome record: new reference. */
json_t *alert_to_json(const struct alert *a) MUST_CHECK;

#endif
