/* Azure Monitor, common alert schema: shared by the azure*.c files and decode.c only. Facts: the
 * schema and the payload samples of MicrosoftDocs/azure-monitor-docs; what names a cycle of which
 * kind was worked out from these and is fixed. */
#ifndef CONSUMERS_AZURE_H
#define CONSUMERS_AZURE_H

#include <jansson.h>
#include <stdbool.h>

#include "consumers/alert.h"
#include "consumers/json_in.h"
#include "consumers/layout.h"

struct azure;

struct azure_kind {
    const char *service; /* monitoringService; with `*` behind it: a prefix */
    const char *kind;
    /* 0, or -1 with e: series, instance, short_id, marked. */
    int (*identify)(struct azure *z, struct err *e);
    /* 0, or -1 with e: what the context says of the state beyond monitorCondition. NULL: nothing.
     */
    int (*judge)(struct azure *z, struct err *e);
    void (*entitle)(struct azure *z, struct buf *title);
    void (*describe)(struct azure *z); /* sections of the kind: condition, dimensions, ... */
    bool targets_name;                 /* the targets enter the instance (or an unmarked series) */
    bool properties_are_custom; /* alertContext.properties repeats the rule's custom properties */
    bool no_ci;                 /* configurationItems names no configuration item */
};

struct azure {
    const struct config_consumer *consumer;
    const struct azure_kind *kind;
    struct alert *a;
    json_t *essentials, *context, *custom; /* borrowed; NULL: not there */
    struct layout text;
};

/* azure.c */
bool azure_detect(const json_t *message);
/* New alert, or NULL with e. */
struct alert *azure_decode(const struct config_consumer *c, const struct message *m,
                           json_t *message, struct err *e);

/* The last segment of a path, slashes behind it aside: borrowed. */
const char *azure_last_segment(const char *path, size_t *ret_length);

/* azure_page.c: title and description, by the kind's own parts. */
void azure_write(struct azure *z);

/* azure_identity.c: what the kinds' table names. */
int azure_identify_alert(struct azure *z, struct err *e);    /* alert id + rule */
int azure_identify_activity(struct azure *z, struct err *e); /* operation + target + rule */
int azure_identify_resource(struct azure *z, struct err *e); /* unmarked: rule + target */
int azure_identify_service(struct azure *z, struct err *e);  /* subscription + tracking + rule */
int azure_identify_budget(struct azure *z, struct err *e);   /* budget + threshold + fire time */
/* The `<id>` of an alertId that matches .../providers/Microsoft.AlertsManagement/alerts/<id>:
 * borrowed, NULL when it does not match. */
const char *azure_alert_guid(const char *alert_id);

/* azure_member.c: members by name, with notes for what has the wrong type. */
/* A text that enters identity or state: "" when absent or null, -1 `wrong-type` otherwise. */
int azure_key(const json_t *object, const char *name, const char **ret, struct err *e) MUST_CHECK;
/* A scalar for people: "" and a note when it is an object or an array. */
const char *azure_text(struct azure *z, const json_t *object, const char *name,
                       char space[JSON_IN_SPACE]);
/* An object or NULL; a note when it is there with another type. */
json_t *azure_object(struct azure *z, const json_t *object, const char *name);
json_t *azure_array(struct azure *z, const json_t *object, const char *name);

/* `Label: value` lines of the members that are there. */
struct azure_field {
    const char *member, *label;
};
void azure_lines(struct azure *z, const json_t *object, const struct azure_field *fields,
                 size_t count);
/* Every scalar member that `fields` does not name, under its own name; secrets and raw request
 * bodies are never among them. Members that are objects or arrays are left out. */
void azure_rest(struct azure *z, json_t *object, const struct azure_field *fields, size_t count);
/* Name and value of each member as label and as line. */
void azure_labels(struct azure *z, json_t *object, const json_t *except);
/* What `name` and `value` of each element of a list of dimensions say. */
void azure_dimensions(struct azure *z, const json_t *list);
/* The name a person knows the thing by: configuration item, else last segment of the target. */
const char *azure_where(const struct azure *z);

/* azure_metric.c: metrics, logs, smart detectors, Prometheus, and what is not known. */
void azure_metric_title(struct azure *z, struct buf *title);
void azure_metric_text(struct azure *z);
void azure_log_title(struct azure *z, struct buf *title);
void azure_log_text(struct azure *z);
void azure_smart_title(struct azure *z, struct buf *title);
void azure_smart_text(struct azure *z);
void azure_prometheus_title(struct azure *z, struct buf *title);
void azure_prometheus_text(struct azure *z);
void azure_other_title(struct azure *z, struct buf *title);
void azure_other_text(struct azure *z);

/* azure_activity.c: activity log, health and budgets. */
void azure_activity_title(struct azure *z, struct buf *title);
void azure_activity_text(struct azure *z);
int azure_resource_state(struct azure *z, struct err *e);
void azure_resource_title(struct azure *z, struct buf *title);
void azure_resource_text(struct azure *z);
int azure_service_state(struct azure *z, struct err *e);
void azure_service_title(struct azure *z, struct buf *title);
void azure_service_text(struct azure *z);
void azure_budget_title(struct azure *z, struct buf *title);
void azure_budget_text(struct azure *z);

#endif
