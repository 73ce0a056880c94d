/* ServiceNow client: takes a list of operations and gives an outcome for each (so that batches
 * later change nothing above it). Owns the window and, through oauth, the sign-in. Judges answers
 * by status, content type and body (promise 7). Loop thread only. */
#ifndef BRIDGE_SERVICENOW_SNOW_H
#define BRIDGE_SERVICENOW_SNOW_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "bridge/base/attr.h"
#include "bridge/base/clock.h"
#include "bridge/base/err.h"
#include "bridge/base/loop.h"
#include "bridge/base/metrics.h"
#include "bridge/config/config.h"
#include "bridge/servicenow/oauth.h"
#include "bridge/servicenow/window.h"

enum snow_kind {
    SNOW_GET,    /* one row by sys_id */
    SNOW_LIST,   /* rows by encoded query */
    SNOW_CREATE, /* POST; a chosen sys_id stands in the body */
    SNOW_UPDATE, /* PATCH by sys_id */
    SNOW_DELETE, /* DELETE by sys_id; the outcome has no result */
    SNOW_COUNT,  /* how many rows a query finds (Aggregate API): outcome.total_count */
    SNOW_EVENTS, /* POST of many events at once (em/jsonv2, servicenow-api 4.2): total_count is how
                    many the instance says it took; which ones it does not say */
    SNOW_IMPORT, /* POST of one row to an Import Set staging table, transformed at once
                    (servicenow-api 6): result is what the transform says it did */
};

/* Strings are borrowed until the callback has returned; body: a reference is taken. */
struct snow_op {
    enum snow_kind kind;
    const char *table;  /* checked: letters, digits, `_` only (promise 9) */
    const char *sys_id; /* GET, UPDATE, DELETE: checked: 32 hex digits */
    const char *query;  /* LIST, COUNT: built with query.h, never from outside text unchecked */
    const char *fields; /* GET, LIST, and of the answer to a write: names with commas; NULL = all */
    long long limit;    /* LIST; 0 = the instance's default */
    bool count;         /* LIST: X-Total-Count is wanted (sysparm_no_count left out) */
    const char *display; /* sysparm_display_value: "true", "false", "all"; NULL = "false" */
    bool links;          /* GET, LIST: references as an object with value and link, not as text */
    bool input_display;  /* CREATE, UPDATE: sysparm_input_display_value=true: values as a person
                            enters them, without which a password column stores what nobody can use
                            (servicenow-api 2.2, 10) */
    json_t *body;        /* CREATE, UPDATE, IMPORT: an object */
    const char *text;    /* EVENTS: the whole body as JSON text; borrowed for the submit only */
    size_t text_length;
    usec_t timeout; /* 0 = the client's */
    bool once;      /* asked by a command: texts promise no repetition */
};

enum snow_verdict {
    SNOW_OK,        /* done; result holds the row, or the array of rows. After a CREATE compare the
                       row's sys_id with the chosen one (so ask for it in `fields`). EVENTS: look at
                       total_count, it may be less than was sent. IMPORT: result is the entry of the
                       transform map that wrote, else the first; its `status` is inserted, updated,
                       ignored or skipped */
    SNOW_ABSENT,    /* GET, UPDATE: 404 in the instance's own words, no such row (or an ACL hides
                       it); LIST: no rows (older versions of the API answer 404) */
    SNOW_EXISTS,    /* CREATE: refused because this sys_id exists */
    SNOW_REJECTED,  /* refused for a reason of the record's own: data policy, business rule, ACL,
                       400. With `place` (EVENTS, IMPORT): for a reason of the place's own */
    SNOW_THROTTLED, /* 429: not done, charged to the window */
    SNOW_UNAVAILABLE, /* not done, charged to the window: refused connection, 502/503 page,
                         hibernation */
    SNOW_UNKNOWN,     /* may or may not be done: lost answer, time-out, 500, 502 to 504 for a write,
                         cut or malformed body (of reads too: charged to the item, since one bad row
                         can cause it). Read before a write is repeated; a read is just repeated. */
    SNOW_UNAUTHORISED, /* 401, or no sign-in: not done, charged to nobody */
    SNOW_CANCELLED,    /* by snow_free: shutdown; may or may not be done */
};

struct snow_outcome {
    enum snow_verdict verdict;
    int status;            /* HTTP status, 0 when there was none */
    json_t *result;        /* SNOW_OK: borrowed, json_incref to keep; else NULL */
    usec_t retry_after;    /* what the instance asked for, 0 */
    msec_t date;           /* Date header of the answer, MSEC_NONE */
    long long total_count; /* LIST: X-Total-Count; COUNT: the count; -1 */
    long long
        rate_limit; /* X-RateLimit-Limit: requests an hour of the rule that it fell under, -1 */
    usec_t took;
    bool sent;     /* the request left: counts as an attempt */
    bool outage;   /* the instance as a whole failed and the window was charged (time-out, lost
                      answer, gateway page, 429): no attempt of the record (promise 6) */
    bool doubtful; /* SNOW_REJECTED of a write that may have been applied all the same (KB0546297: a
                      403 can follow a successful insert): read before giving the record up */
    bool place;    /* SNOW_REJECTED of EVENTS and IMPORT: it is the endpoint, the table or the right
                      to it that is not there, whatever is sent: no record's own fault */
    struct err err; /* all but SNOW_OK: class, code and text for people */
};

/* Called exactly once per submit, never from inside it. ops and outcomes have n entries in the
 * order of the submit. May submit again. */
typedef void (*snow_fn)(void *arg, const struct snow_op *ops, const struct snow_outcome *outcomes,
                        size_t n, usec_t now);

struct snow;

/* How the instance of this connection is reached; strings are borrowed from c. */
struct http_options snow_http_options(const struct config_connection *c, size_t body_max,
                                      unsigned connections);

struct snow *snow_new(struct loop *l, const struct config *c, struct metrics *m,
                      struct err *e) MUST_CHECK;
struct snow *snow_free(struct snow *s); /* cancels what is under way, callbacks run; NULL is fine */

/* Drives sign-in and window; returns the next deadline. The owner adds it as a tick of the loop
 * before the flows that use it. */
usec_t snow_tick(struct snow *s, usec_t now);

/* How many operations this class may start now; `waiting` as in window_room. 0 without sign-in
 * (asking makes the sign-in start). */
unsigned snow_room(struct snow *s, enum window_class c, bool waiting, usec_t now);

/* Starts n operations, n >= 1 and <= snow_room. ops is copied (not the strings). -1 when an
 * operation is unusable (bad table, sys_id, fields; a URL beyond REQUEST_URL_MAX of request.h) or
 * snow_free runs: nothing was started, the callback is not called. */
int snow_submit(struct snow *s, enum window_class c, const struct snow_op *ops, size_t n,
                snow_fn fn, void *arg, usec_t now, struct err *e) MUST_CHECK;

/* The rule for requests an hour that answers have told of (servicenow-api 7; an answer without a
 * rule says nothing). With one, sync yields to alerts (window.h). */
struct snow_rate {
    long long limit, left; /* limit 0: none seen, or its hour is over; left as window_budget */
    msec_t reset;          /* wall time of the instance; MSEC_NONE: none */
    const char *rule;      /* sys_id in sys_rate_limit_rules, "" when not told; borrowed */
};
void snow_rate(const struct snow *s, struct snow_rate *ret);

const char *snow_verdict_name(enum snow_verdict v); /* static */
const struct window *snow_window(const struct snow *s);
struct oauth *snow_oauth(struct snow *s);
/* Instance clock minus ours, from the Date header of recent answers, in ms; 0 before any answer. */
msec_t snow_clock_skew(const struct snow *s);

#endif
