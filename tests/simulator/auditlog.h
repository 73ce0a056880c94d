#ifndef SIM_AUDITLOG_H
#define SIM_AUDITLOG_H

#include "tests/simulator/util.h"

enum audit_field {
    AUDIT_NUMBER,
    AUDIT_STATE,
    AUDIT_ACTIVE,
    AUDIT_REASSIGNMENT,
    AUDIT_REOPEN,
    AUDIT_MOD_COUNT,
    AUDIT_MADE_SLA,
    AUDIT_CALLER,
    AUDIT_OPENED_BY,
    AUDIT_OPENED_AT,
    AUDIT_CREATED_BY,
    AUDIT_CREATED_AT,
    AUDIT_UPDATED_BY,
    AUDIT_UPDATED_AT,
    AUDIT_CONTACT,
    AUDIT_LOCATION,
    AUDIT_CATEGORY,
    AUDIT_SUBCATEGORY,
    AUDIT_SYMPTOM,
    AUDIT_ITEM,
    AUDIT_IMPACT,
    AUDIT_URGENCY,
    AUDIT_PRIORITY,
    AUDIT_GROUP,
    AUDIT_ASSIGNED,
    AUDIT_KNOWLEDGE,
    AUDIT_CONFIRMED,
    AUDIT_NOTIFY,
    AUDIT_PROBLEM,
    AUDIT_RFC,
    AUDIT_VENDOR,
    AUDIT_CAUSED_BY,
    AUDIT_CLOSE_CODE,
    AUDIT_RESOLVED_BY,
    AUDIT_RESOLVED_AT,
    AUDIT_CLOSED_AT,
    AUDIT_FIELDS
};

struct audit_event {
    int64_t at; /* sys_updated_at, seconds */
    char *line; /* points into the log's text */
};

struct auditlog {
    char *text;
    struct audit_event *event;
    size_t n;
};

/* Reads a csv or csv.gz of the audit log, sorted by time. Returns 0, or -1 with *ret_why (new). */
int auditlog_read(const char *path, struct auditlog *ret, char **ret_why);
void auditlog_free(struct auditlog *log);
/* Fields of an event: `copy` (new, free it) holds them; "?" becomes empty. */
void auditlog_fields(const struct audit_event *e, char **ret_copy, const char *field[AUDIT_FIELDS]);
/* D/M/YYYY HH:MM as seconds. Returns 0 or -1. */
int auditlog_time(const char *text, int64_t *ret_seconds);

#endif
