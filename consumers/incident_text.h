/* The words of an incident: columns cut to their lengths. Results are new, caller frees. Pure. */
#ifndef CONSUMERS_INCIDENT_TEXT_H
#define CONSUMERS_INCIDENT_TEXT_H

#include <stdint.h>

#include "bridge/base/attr.h"
#include "consumers/alert.h"
#include "consumers/version.h"

/* Lengths of ServiceNow's columns, in UTF-16 units (what its Java counts); it cuts in silence. */
#define INCIDENT_SHORT_MAX ((size_t)160)
#define INCIDENT_TEXT_MAX  ((size_t)4000)

/* The bytes of the longest start of `text` that has at most `units` UTF-16 units. */
size_t incident_fit(const char *text, size_t units);

char *incident_short_description(const struct alert *a) MUST_CHECK;
/* `orphan`: only the clear of this alert was seen. The version is the last line. */
char *incident_description(const struct alert *a, uint32_t generation, const struct version *v,
                           bool orphan) MUST_CHECK;
/* The same with another text than the alert's own. */
char *incident_description_with(const struct alert *a, const char *text, uint32_t generation,
                                const struct version *v, bool orphan) MUST_CHECK;
/* A text of a rule or of the configuration for any other column: cut to its length, with a mark;
 * one line but for the columns that hold several. */
char *incident_column(const char *column, const char *text) MUST_CHECK;
char *incident_close_notes(const struct alert *clear, bool orphan) MUST_CHECK;

/* Work notes; the last line is the version of the message, by which a repeat is recognised. */
char *incident_update_note(const struct alert *fire, const struct version *v) MUST_CHECK;
/* why: as the decision says it: "on-hold", "touched", "note-only". */
char *incident_hold_note(const struct alert *clear, const struct version *v,
                         const char *why) MUST_CHECK;
/* Fires again: a record that is opened again, or one that stays resolved. */
char *incident_refire_note(const struct alert *fire, const struct version *v,
                           bool reopened) MUST_CHECK;
char *incident_remark_note(const struct alert *note, const struct version *v) MUST_CHECK;

#endif
