/* The words of an incident: columns cut to their lengths. Results are new, caller frees. Pure. */
#ifndef CONSUMERS_INCIDENT_TEXT_H
#define CONSUMERS_INCIDENT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/base/attr.h"
#include "consumers/alert.h"
#include "consumers/version.h"

/* Lengths of ServiceNow's columns, in UTF-16 units (what its Java counts); it cuts in silence. */
#define INCIDENT_SHORT_MAX ((size_t)160)
#define INCIDENT_TEXT_MAX  ((size_t)4000)
/* Bounds on what a dictionary may say instead: identity and version must fit, memory is finite. */
#define INCIDENT_TEXT_LEAST ((size_t)2000)
#define INCIDENT_TEXT_MOST  ((size_t)32000)

/* The bytes of the longest start of `text` that has at most `units` UTF-16 units. */
size_t incident_fit(const char *text, size_t units);

/* One line from the alert, not cut: its title, or who reported it. */
char *incident_title(const struct alert *a) MUST_CHECK;
/* A text of at most `units` (3 at least): cut with a mark. */
char *incident_cut(const char *text, size_t units) MUST_CHECK;
/* What a description tells of the record itself. Borrowed. */
struct incident_tail {
    uint32_t generation;
    const struct version *version;
    const char *expiry; /* expire_line; "": none */
};
/* `text` (the alert's own or another), notes, identity; the version is the last line. `orphan`:
 * only the clear of this alert was seen. At most `units`, from INCIDENT_TEXT_LEAST to
 * INCIDENT_TEXT_MOST. *ret_cut: `text` or the notes had to be cut. */
char *incident_description(const struct alert *a, const char *text,
                           const struct incident_tail *tail, bool orphan, size_t units,
                           bool *ret_cut) MUST_CHECK;
/* A text of a rule or of the configuration for any other column: cut to `units`, with a mark; one
 * line but for the columns that hold several. */
char *incident_column(const char *column, const char *text, size_t units) MUST_CHECK;
char *incident_close_notes(const struct alert *clear, bool orphan) MUST_CHECK;

/* No news for so many hours: as close notes, and with a version as a work note. */
char *incident_expire_note(long long hours, const struct version *v) MUST_CHECK;

/* Work notes; the last line is the version of the message, by which a repeat is recognised.
 * `whole`: texts of columns that were cut, "" = none. */
char *incident_update_note(const struct alert *fire, const char *whole,
                           const struct version *v) MUST_CHECK;
/* why: as the decision says it: "on-hold", "touched", "note-only". */
char *incident_hold_note(const struct alert *clear, const struct version *v,
                         const char *why) MUST_CHECK;
/* Fires again: a record that is opened again, or one that stays resolved. */
char *incident_refire_note(const struct alert *fire, const char *whole, const struct version *v,
                           bool reopened) MUST_CHECK;
char *incident_remark_note(const struct alert *note, const struct version *v) MUST_CHECK;

#endif
