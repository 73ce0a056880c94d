/* Azure Monitor, common alert schema: one message to one alert. Reads the essentials, picks the
 * kind from the table, and lets the kind say who (identity), what state and which words. Invariant:
 * identity and state are strict, all else is filled by a default and noted. */
#include "consumers/azure.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "consumers/alert_edit.h"
#include "consumers/identity.h"

#define IDENTIFIED_BY_ID .identify = azure_identify_alert, .properties_are_custom = true
#define ACTIVITY                                                                                   \
    .identify = azure_identify_activity, .entitle = azure_activity_title,                          \
    .describe = azure_activity_text, .targets_name = true
#define RESOURCE                                                                                   \
    .identify = azure_identify_resource, .judge = azure_resource_state,                            \
    .entitle = azure_resource_title, .describe = azure_resource_text, .targets_name = true
#define SERVICE                                                                                    \
    .identify = azure_identify_service, .judge = azure_service_state,                              \
    .entitle = azure_service_title, .describe = azure_service_text, .targets_name = true
#define LOG_V1 .entitle = azure_log_title, .describe = azure_log_text
#define METRIC .entitle = azure_metric_title, .describe = azure_metric_text
#define SMART  .entitle = azure_smart_title, .describe = azure_smart_text

static const struct azure_kind kinds[] = {
    {.service = "Platform", .kind = "metric", IDENTIFIED_BY_ID, METRIC},
    {.service = "Log Alerts V2", .kind = "log-v2", IDENTIFIED_BY_ID, METRIC},
    {.service = "Log Analytics", .kind = "log-v1", IDENTIFIED_BY_ID, LOG_V1},
    {.service = "Application Insights", .kind = "log-v1", IDENTIFIED_BY_ID, LOG_V1},
    {.service = "SmartDetector", .kind = "smart-detector", IDENTIFIED_BY_ID, SMART},
    {.service = "Smart Detector", .kind = "smart-detector", IDENTIFIED_BY_ID, SMART},
    {.service = "Prometheus",
     .kind = "prometheus",
     IDENTIFIED_BY_ID,
     .entitle = azure_prometheus_title,
     .describe = azure_prometheus_text},
    {.service = "Activity Log - Administrative", .kind = "activity-administrative", ACTIVITY},
    {.service = "Activity Log - Policy", .kind = "activity-policy", ACTIVITY},
    {.service = "Activity Log - Autoscale", .kind = "activity-autoscale", ACTIVITY},
    {.service = "Activity Log - Security", .kind = "activity-security", ACTIVITY},
    {.service = "Activity Log*", .kind = "activity-other", ACTIVITY},
    {.service = "Resource Health", .kind = "resource-health", RESOURCE},
    {.service = "ResourceHealth", .kind = "resource-health", RESOURCE},
    {.service = "ServiceHealth", .kind = "service-health", SERVICE},
    {.service = "Service Health", .kind = "service-health", SERVICE},
    {.service = "CostAlerts",
     .kind = "budget",
     .identify = azure_identify_budget,
     .entitle = azure_budget_title,
     .describe = azure_budget_text,
     .no_ci = true},
    {.service = "*",
     .kind = "other",
     IDENTIFIED_BY_ID,
     .entitle = azure_other_title,
     .describe = azure_other_text},
};

bool azure_detect(const json_t *message)
{
    const char *schema = json_string_value(json_object_get(message, "schemaId"));
    const json_t *data = json_object_get(message, "data");

    return (schema != NULL && text_equal_nocase(schema, "azureMonitorCommonAlertSchema")) ||
           json_is_object(json_object_get(data, "essentials"));
}

static bool is_service(const char *pattern, const char *service)
{
    size_t n = strcspn(pattern, "*");

    return pattern[n] == '*' ? strncasecmp(pattern, service, n) == 0
                             : strcasecmp(pattern, service) == 0;
}

static const struct azure_kind *find_kind(const char *service)
{
    const struct azure_kind *k = kinds;

    while (!is_service(k->service, service))
        k++;
    return k;
}

/* The object that the message must have. */
static int open_message(struct azure *z, json_t *message, struct err *e)
{
    json_t *data = json_object_get(message, "data");

    z->essentials = json_object_get(data, "essentials");
    if (data == NULL || json_is_null(data) ||
        (json_is_object(data) && (z->essentials == NULL || json_is_null(z->essentials))))
        return err_set(e, ERR_REJECT, "no-identity",
                       "The Azure alert has no data.essentials, so it cannot be told which alert "
                       "it is. The message goes to the dead-letter topic; correct its sender.");
    if (!json_is_object(z->essentials))
        return err_set(e, ERR_REJECT, "wrong-type",
                       "data.essentials of the Azure alert is not an object. The message goes to "
                       "the dead-letter topic; correct its sender.");
    return 0;
}

static int read_kind(struct azure *z, struct err *e)
{
    const char *service;

    if (azure_key(z->essentials, "monitoringService", &service, e) != 0)
        return -1;
    z->kind = find_kind(service);
    z->a->kind = z->kind->kind;
    alert_set(&z->a->service, service);
    if (strcmp(z->kind->service, "*") == 0)
        alert_note(z->a, "monitoringService \"%.80s\" is not known here: taken by its alertId",
                   service);
    return 0;
}

/* Identity and state of some kinds come from the context, so it must be an object there. */
static int read_context(struct azure *z, json_t *data, struct err *e)
{
    json_t *context = json_object_get(data, "alertContext");
    const char *inner = z->kind->no_ci ? "AlertData" : "properties";
    json_t *value;

    if (z->kind->properties_are_custom) {
        z->context = azure_object(z, data, "alertContext");
        return 0;
    }
    if (context == NULL || json_is_null(context))
        return 0;
    z->context = context;
    value = json_object_get(context, inner);
    if (json_is_object(context) && (value == NULL || json_is_null(value) || json_is_object(value)))
        return 0;
    if (json_is_object(context) && z->kind->identify == azure_identify_activity)
        return 0;
    return err_set(e, ERR_REJECT, "wrong-type",
                   "%s of the Azure alert (%s) is not an object, but it tells which alert this is "
                   "or what state it is in. The message goes to the dead-letter topic; correct its "
                   "sender.",
                   json_is_object(context) ? inner : "alertContext", z->kind->kind);
}

const char *azure_last_segment(const char *path, size_t *ret_length)
{
    size_t end = strlen(path), start;

    while (end > 0 && path[end - 1] == '/')
        end--;
    for (start = end; start > 0 && path[start - 1] != '/';)
        start--;
    *ret_length = end - start;
    return path + start;
}

static int read_rule(struct azure *z, struct err *e)
{
    const char *rule, *name;
    size_t length;

    if (azure_key(z->essentials, "alertRule", &rule, e) != 0)
        return -1;
    name = azure_last_segment(rule, &length);
    free(z->a->rule);
    z->a->rule = xstrndup(name, length);
    if (length == 0 && !z->kind->no_ci)
        alert_note(z->a, "the message names no alert rule");
    return 0;
}

static int bad_targets(struct azure *z, const char *what, const json_t *value, struct err *e)
{
    if (z->kind->targets_name || z->consumer->fold == FOLD_SERIES)
        return err_set(e, ERR_REJECT, "wrong-type",
                       "%s of the Azure alert (%s) is %s, but it must be %s: it tells which alert "
                       "this is. The message goes to the dead-letter topic; correct its sender.",
                       what, z->kind->kind, json_in_type(value),
                       json_is_array(json_object_get(z->essentials, "alertTargetIDs"))
                           ? "a text"
                           : "an array of texts");
    alert_note(z->a, "%s is %s: left out", what, json_in_type(value));
    return 0;
}

static int read_targets(struct azure *z, struct err *e)
{
    json_t *list = json_object_get(z->essentials, "alertTargetIDs"), *item;
    size_t i;

    if (list == NULL || json_is_null(list))
        return 0;
    if (!json_is_array(list))
        return bad_targets(z, "alertTargetIDs", list, e);
    json_array_foreach (list, i, item) {
        if (json_is_string(item))
            alert_add_target(z->a, json_string_value(item));
        else if (bad_targets(z, "a member of alertTargetIDs", item, e) != 0)
            return -1;
    }
    if (z->a->targets_count > 0)
        alert_set(&z->a->resource, z->a->targets[0]);
    return 0;
}

static void read_ci_names(struct azure *z)
{
    json_t *list = azure_array(z, z->essentials, "configurationItems"), *item;
    size_t i, length;
    const char *name;

    if (z->kind->no_ci)
        return;
    json_array_foreach (list, i, item) {
        if (!json_is_string(item))
            alert_note(z->a, "a member of configurationItems is %s: left out", json_in_type(item));
        else if (json_string_length(item) > 0)
            alert_add_ci(z->a, json_string_value(item));
    }
    if (z->a->ci_names_count > 0)
        return;
    name = azure_last_segment(z->a->resource, &length);
    if (length > 0) {
        char *text = xstrndup(name, length);

        alert_add_ci(z->a, text);
        free(text);
    }
}

static int read_time(struct azure *z, const char *name, bool in_key, msec_t *ret, struct err *e)
{
    char space[JSON_IN_SPACE];
    const char *text;

    if (in_key && azure_key(z->essentials, name, &text, e) != 0)
        return -1;
    text = azure_text(z, z->essentials, name, space);
    if (text[0] != '\0' && clock_parse(text, ret) != 0)
        alert_note(z->a, "%s \"%.40s\" is no time that is understood", name, text);
    return 0;
}

static int read_times(struct azure *z, const struct message *m, struct err *e)
{
    bool in_key =
        z->kind->identify == azure_identify_budget ||
        (z->consumer->instance_with_fire_time && z->kind->identify != azure_identify_resource);

    if (read_time(z, "firedDateTime", in_key, &z->a->fired, e) != 0 ||
        read_time(z, "resolvedDateTime", false, &z->a->resolved, e) != 0)
        return -1;
    if (z->a->fired == MSEC_NONE)
        alert_note(z->a, "the message tells no fire time");
    z->a->own_time = z->a->fired != MSEC_NONE ? z->a->fired : m->timestamp;
    return 0;
}

static void read_severity(struct azure *z)
{
    char space[JSON_IN_SPACE];
    const char *text = azure_text(z, z->essentials, "severity", space);

    alert_set(&z->a->severity_text, text);
    if (strncasecmp(text, "Sev", 3) == 0 && text[3] >= '0' && text[3] <= '4' && text[4] == '\0')
        z->a->severity = text[3] - '0';
    else if (text[0] == '\0')
        alert_note(z->a, "the message tells no severity: taken as the lowest");
    else
        alert_note(z->a, "severity \"%.40s\" is not known: taken as the lowest", text);
}

static int read_state(struct azure *z, struct err *e)
{
    const char *condition;

    if (azure_key(z->essentials, "monitorCondition", &condition, e) != 0)
        return -1;
    if (text_equal_nocase(condition, "Fired"))
        z->a->state = ALERT_FIRING;
    else if (text_equal_nocase(condition, "Resolved"))
        z->a->state = ALERT_CLEARED;
    else
        return err_set(e, ERR_REJECT, "no-state",
                       "monitorCondition of the Azure alert (%s) is \"%.60s\" but must be Fired or "
                       "Resolved, so it cannot be told whether it opens or clears. The message "
                       "goes to the dead-letter topic; correct its sender.",
                       z->kind->kind, condition);
    return z->kind->judge == NULL ? 0 : z->kind->judge(z, e);
}

static void note_long_identity(struct alert *a)
{
    if (identity_is_long(a->series) || identity_is_long(a->instance))
        alert_note(a, "the identity is longer than %d bytes: shown as its digest",
                   IDENTITY_SHOWN_MAX);
}

struct alert *azure_decode(const struct config_consumer *c, const struct message *m,
                           json_t *message, struct err *e)
{
    struct azure z = {.consumer = c, .a = alert_new("azure")};
    json_t *data = json_object_get(message, "data");

    layout_init(&z.text);
    alert_set(&z.a->source, "Azure Monitor");
    if (open_message(&z, message, e) != 0 || read_kind(&z, e) != 0 ||
        read_context(&z, data, e) != 0 || read_rule(&z, e) != 0 || read_targets(&z, e) != 0 ||
        read_times(&z, m, e) != 0 || z.kind->identify(&z, e) != 0 || read_state(&z, e) != 0) {
        layout_done(&z.text);
        return alert_free(z.a);
    }
    z.custom = azure_object(&z, data, "customProperties");
    read_severity(&z);
    read_ci_names(&z);
    note_long_identity(z.a);
    azure_write(&z);
    return z.a;
}
