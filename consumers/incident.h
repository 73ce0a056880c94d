/* Normalised alert to the columns of a record (alert-identity 6): an incident, or what the table of
 * the target has instead (target_table.h). Pure. What each body may hold
 * is a rule of the design (D4): a create and a resolve write state, an update never does. */
#ifndef CONSUMERS_INCIDENT_H
#define CONSUMERS_INCIDENT_H

#include <jansson.h>
#include <stdint.h>

#include "bridge/base/buf.h"
#include "bridge/servicenow/columns.h"
#include "consumers/alert.h"
#include "consumers/identity.h"
#include "consumers/rules.h"
#include "consumers/target_table.h"
#include "consumers/version.h"

/* What the instance and the configuration add to an alert. Strings are borrowed, never NULL. */
struct incident_context {
    const struct config_consumer *consumer; /* fields, close_code */
    const struct config_life *life;         /* of the alert; NULL: the consumer's */
    const char *table;                      /* that the record is in */
    const struct target_table *shape;       /* of that table */
    const char *record_namespace;
    const char *close_code;        /* "" leaves it out */
    const char *contact_type;      /* "" leaves it out */
    const char *cmdb_ci;           /* sys_id of the configuration item, "" when unknown */
    struct rules *rules;           /* of the consumer; NULL: none */
    const struct columns *columns; /* their lengths; NULL: the usual ones */
    /* Gets the whole of what was cut, for the work notes; updates put it there themselves. NULL:
     * not wanted. */
    struct buf *whole;
};

/* Where columns come from, the last one winning: default_fields of rules, what the instance and the
 * alert give, `fields` of the consumers entry, `fields` and the like of the rules that hold for
 * `fire`. sys_id, state, stamp and the close columns are ours alone. An update writes the columns
 * of the content only (short_description, description, impact, urgency; severity of an em_alert):
 * what else a rule gave is people's to change once the record is there.
 *
 * New references, in which names and labels stand as they are given (values.h). `fire` is the
 * newest fire; for an orphan clear the clear itself. Columns are cut to ServiceNow's lengths at a
 * character boundary with a mark; the version line always fits. */

/* Body of a POST: a new record, state New. */
json_t *incident_create(const struct incident_context *x, const struct alert *fire,
                        uint32_t generation, const struct version *content,
                        const struct stamp *stamp) MUST_CHECK;
/* Body of a POST: a record that is resolved already; clear may equal fire. */
json_t *incident_create_resolved(const struct incident_context *x, const struct alert *fire,
                                 const struct alert *clear, uint32_t generation,
                                 const struct version *content,
                                 const struct stamp *stamp) MUST_CHECK;
/* Body of a PATCH: content only (short description, description with version, severity, work note
 * that says what is new and ends in the message's short id); never state, close fields or stamp. */
json_t *incident_update(const struct incident_context *x, const struct alert *fire,
                        uint32_t generation, const struct version *content) MUST_CHECK;
/* Body of a PATCH: the state that means resolved, close code, close notes, stamp. Idempotent: no
 * journal fields. */
json_t *incident_resolve(const struct incident_context *x, const struct alert *clear,
                         const struct stamp *stamp) MUST_CHECK;
/* Body of a PATCH: resolved with the stamp, because there was no news for so many hours; close
 * notes and a work note say so. */
json_t *incident_expire(const struct incident_context *x, long long hours,
                        const struct stamp *stamp) MUST_CHECK;
/* Body of a PATCH: the stamp alone. */
json_t *incident_stamp(const struct stamp *stamp) MUST_CHECK;
/* Body of a PATCH: a work note and the stamp, for a record whose state a clear leaves as it is; why
 * as incident_hold_note. */
json_t *incident_note(const struct incident_context *x, const struct alert *clear,
                      const struct stamp *stamp, const char *why) MUST_CHECK;
/* Body of a PATCH: content as an update, state In Progress, work note and stamp: a resolved record
 * is opened again. */
json_t *incident_reopen(const struct incident_context *x, const struct alert *fire,
                        uint32_t generation, const struct version *content,
                        const struct stamp *stamp) MUST_CHECK;
/* Body of a PATCH: a work note and the stamp: it fires again, the record stays resolved. */
json_t *incident_refire(const struct alert *fire, const struct stamp *stamp) MUST_CHECK;
/* Body of a PATCH: a work note alone, for an alert of state ALERT_NOTE (a root cause analysis).
 */
json_t *incident_remark(const struct alert *note, const struct version *v) MUST_CHECK;

/* 64 bits over what a body says of the content (short description, description without the version
 * line, impact, urgency, severity of an em_alert): two messages of one digest tell people the same.
 */
uint64_t incident_content_digest(const json_t *body);

#endif
