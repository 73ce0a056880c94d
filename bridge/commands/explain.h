/* What each short code of the bridge means: the codes of errors (struct err) and the events of the
 * log. One table in pieces by area; a test compares it with the sources. Pure, any thread. */
#ifndef BRIDGE_COMMANDS_EXPLAIN_H
#define BRIDGE_COMMANDS_EXPLAIN_H

#include <stddef.h>

struct explain_entry {
    const char *code;
    const char *cause; /* what has happened and what the bridge does about it */
    const char *cure;  /* what a person does; "" when there is nothing to do */
};

struct explain_area {
    const char *title;
    const struct explain_entry *entries;
    size_t count;
};

/* All areas in order; NULL ends the list. */
extern const struct explain_area *const explain_areas[];

/* explain_AREA.c */
extern const struct explain_area explain_process, explain_servicenow, explain_signin, explain_kafka,
    explain_alerts, explain_work_items, explain_setup;

/* NULL: no such code. Static. */
const struct explain_entry *explain_find(const char *code);

#endif
