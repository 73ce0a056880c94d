/* Filling an alert while a message is decoded: for the formats only. Everything is copied. */
#ifndef CONSUMERS_ALERT_EDIT_H
#define CONSUMERS_ALERT_EDIT_H

#include "consumers/alert.h"

/* More notes or labels than these are counted and said in one last note, not kept. */
#define ALERT_NOTES_MAX  50
#define ALERT_LABELS_MAX 500

/* New alert: firing, unmarked, severity unknown, no times, all strings "". */
struct alert *alert_new(const char *format) MUST_CHECK;

/* A copy that shares nothing. */
struct alert *alert_copy(const struct alert *a) MUST_CHECK;

/* Replaces an owned string of the alert. NULL counts as "". */
void alert_set(char **member, const char *text);

/* A note that is there already is not added again. */
void alert_note(struct alert *a, const char *format, ...) PRINTF_LIKE(2, 3);
void alert_add_label(struct alert *a, const char *name, const char *value);
void alert_add_target(struct alert *a, const char *target);
void alert_add_ci(struct alert *a, const char *name);
/* Only http and https addresses are taken; anything else is left out with a note. */
void alert_add_link(struct alert *a, const char *name, const char *url);

/* Takes a. */
void alerts_add(struct alerts *list, struct alert *a);

#endif
