/* Normalised alert to an em_event (servicenow-api 4.1) and to a row of an Import Set staging table
 * (6). Pure. What is told twice is told the same way: columns are cut to ServiceNow's lengths at a
 * character boundary with a mark. */
#ifndef CONSUMERS_EVENT_H
#define CONSUMERS_EVENT_H

#include <jansson.h>

#include "bridge/base/attr.h"
#include "bridge/base/buf.h"
#include "consumers/alert.h"
#include "consumers/message.h"
#include "consumers/rules.h"
#include "consumers/target.h"

/* Strings are borrowed, never NULL. */
struct row_context {
    const struct target *target;
    const struct config_consumer *consumer; /* fields, message_key */
    const char *connection;                 /* its name */
    const struct message *message;          /* that the alert came in */
    struct rules *rules;                    /* of the consumer; NULL: none */
};

/* Most bytes that one event takes in the body, whatever the alert holds. */
#define EVENT_BYTES_MAX ((size_t)1 << 20)

/* What Event Management names the place of an alert by: columns of events and of alerts alike.
 * Borrowed from the alert and the entry; "": nothing to say. */
struct event_place {
    const char *source, *event_class, *node, *resource, *type, *metric_name;
};
void event_place(const struct alert *a, const struct config_consumer *c, struct event_place *ret);
/* Severity of a fire on ServiceNow's scale: what is given where it is 1 to 5, else the alert's. */
const char *event_fire_severity(const char *given, const struct alert *a);

/* What stands around the events of a request. */
#define EVENTS_HEAD "{\"records\":["
#define EVENTS_TAIL "]}"

/* Adds the event of a fire or a clear as one JSON object. Rules may give source, event_class, node,
 * resource, type, metric_name, description and, of a fire, severity; all other columns of ours are
 * ours alone. Further columns of rules and of `fields` are added. Severities are those of
 * ServiceNow's own Azure connector (fired 0..4: 1, 2, 4, 4, 5; cleared: 0; unknown: 5).
 * additional_info is a JSON object of texts with everything else that names the alert, within
 * EVENT_INFO_MAX bytes; what does not fit is left out, and a member says so. */
#define EVENT_INFO_MAX ((size_t)64000)
void event_add(struct buf *out, const struct row_context *x, const struct alert *a);

/* New reference: the row as an object of texts, what rules and `fields` give and every member of
 * the normalised alert under its own name with `u_` before it; u_correlation_id is what the
 * transform map coalesces on. */
json_t *import_row(const struct row_context *x, const struct alert *a) MUST_CHECK;

#endif
