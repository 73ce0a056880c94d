/* Names of what rules and templates can ask of an alert. The names are part of the configuration
 * file; what they stand for is in consumers/alert_field.c. Pure, any thread. */
#ifndef BRIDGE_CONFIG_FIELD_H
#define BRIDGE_CONFIG_FIELD_H

#include <stddef.h>

#include "bridge/base/attr.h"
#include "bridge/base/err.h"

enum field_id {
    FIELD_SEVERITY,      /* Sev0 (worst) to Sev4, empty when unknown */
    FIELD_SEVERITY_TEXT, /* as the message has it */
    FIELD_RULE,
    FIELD_SERVICE,
    FIELD_SOURCE,
    FIELD_RESOURCE,
    FIELD_TITLE,
    FIELD_DESCRIPTION,
    FIELD_FORMAT,
    FIELD_KIND,
    FIELD_STATE, /* firing, cleared, note */
    FIELD_PART,
    FIELD_SHORT_ID,
    FIELD_TARGET,
    FIELD_CI,
    FIELD_FIRED,
    FIELD_RESOLVED,
    FIELD_TIME,  /* of the alert itself: fired, else own time */
    FIELD_LABEL, /* label.NAME */
    FIELD_LINK,  /* link.NAME */
    FIELD_COUNT,
};

enum field_kind {
    FIELD_IS_TEXT,
    FIELD_IS_LIST, /* any number of values */
    FIELD_IS_TIME,
};

struct field {
    enum field_id id;
    char *name; /* of the label or link, owned; NULL for all others */
};

/* The first `length` bytes of text. 0, or -1 with e (code `field`), which lists the fields. */
int field_parse(const char *text, size_t length, struct field *ret, struct err *e) MUST_CHECK;
void field_done(struct field *f);

enum field_kind field_kind(enum field_id id);
const char *field_name(enum field_id id); /* static: "rule", "label" */

#endif
