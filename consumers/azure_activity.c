/* Alerts on events: activity log, resource health, service health, budgets. Their monitorCondition
 * says Fired even when the event says that all is well again, so the context is asked too. */
#include <string.h>

#include "bridge/base/text.h"
#include "consumers/alert_edit.h"
#include "consumers/azure.h"

static json_t *properties(struct azure *z)
{
    return azure_object(z, z->context, "properties");
}

static void add_after(struct buf *title, const char *between, const char *text)
{
    if (text[0] == '\0')
        return;
    if (title->length > 0)
        (void)buf_add_text(title, between);
    (void)buf_add_text(title, text);
}

void azure_activity_title(struct azure *z, struct buf *title)
{
    char space[JSON_IN_SPACE];

    add_after(title, "", azure_text(z, z->context, "operationName", space));
    add_after(title, " ", azure_text(z, z->context, "status", space));
    add_after(title, " on ", azure_where(z));
    add_after(title, " by ", azure_text(z, z->context, "caller", space));
    if (title->length == 0)
        (void)buf_add_text(title, z->a->rule);
}

static void event_lines(struct azure *z)
{
    static const struct azure_field fields[] = {
        {"operationName", "Operation"},
        {"Activity Log Event Description", "Event description"},
        {"status", "Status"},
        {"subStatus", "Sub-status"},
        {"caller", "Caller"},
        {"level", "Level"},
        {"eventSource", "Event source"},
        {"ResourceType", "Resource type"},
        {"eventTimestamp", "Event time"},
        {"submissionTimestamp", "Submitted"},
        {"channels", "Channels"},
        {"correlationId", "Correlation id"},
        {"operationId", "Operation id"},
        {"eventDataId", "Event id"},
    };

    layout_heading(&z->text, "Event");
    azure_lines(z, z->context, fields, ARRAY_LEN(fields));
}

void azure_activity_text(struct azure *z)
{
    static const struct azure_field first[] = {
        {"description", "Description"},
        {"message", "Message"},
    };
    json_t *more = properties(z);

    event_lines(z);
    layout_heading(&z->text, "Event properties");
    azure_lines(z, more, first, ARRAY_LEN(first));
    azure_rest(z, more, first, ARRAY_LEN(first));
}

/* When the event says that it is over, the event's own time is when. */
static void set_cleared(struct azure *z)
{
    char space[JSON_IN_SPACE];

    z->a->state = ALERT_CLEARED;
    if (z->a->resolved == MSEC_NONE)
        (void)!clock_parse(azure_text(z, z->context, "eventTimestamp", space), &z->a->resolved);
}

int azure_resource_state(struct azure *z, struct err *e)
{
    const char *health, *status;

    if (azure_key(json_object_get(z->context, "properties"), "currentHealthStatus", &health, e) !=
            0 ||
        azure_key(z->context, "status", &status, e) != 0)
        return -1;
    if (text_equal_nocase(health, "Available") || text_equal_nocase(status, "Resolved"))
        set_cleared(z);
    return 0;
}

void azure_resource_title(struct azure *z, struct buf *title)
{
    json_t *more = properties(z);
    char space[JSON_IN_SPACE];
    const char *said = azure_text(z, more, "title", space);

    (void)buf_add_text(title, azure_where(z)[0] != '\0' ? azure_where(z) : "A resource");
    (void)buf_add_text(title, " is ");
    (void)buf_add_text(title, json_string_length(json_object_get(more, "currentHealthStatus")) > 0
                                  ? json_string_value(json_object_get(more, "currentHealthStatus"))
                                  : "in a state that is not told");
    add_after(title, ": ", said);
}

void azure_resource_text(struct azure *z)
{
    static const struct azure_field fields[] = {
        {"title", "Title"},
        {"details", "Details"},
        {"currentHealthStatus", "Health now"},
        {"previousHealthStatus", "Health before"},
        {"type", "Type"},
        {"cause", "Cause"},
    };
    json_t *more = properties(z);

    layout_heading(&z->text, "Resource health");
    azure_lines(z, more, fields, ARRAY_LEN(fields));
    azure_rest(z, more, fields, ARRAY_LEN(fields));
    event_lines(z);
}

/* A root cause analysis comes days after the end and changes nothing. */
int azure_service_state(struct azure *z, struct err *e)
{
    static const char *const ends[] = {"Resolved", "Complete", "Canceled", "Cancelled"};
    const char *stage, *status;

    if (azure_key(json_object_get(z->context, "properties"), "stage", &stage, e) != 0 ||
        azure_key(z->context, "status", &status, e) != 0)
        return -1;
    if (text_equal_nocase(stage, "RCA")) {
        z->a->state = ALERT_NOTE;
        return 0;
    }
    if (text_equal_nocase(status, "Resolved"))
        set_cleared(z);
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        if (text_equal_nocase(stage, ends[i]))
            set_cleared(z);
    return 0;
}

/* Texts of service health are HTML, or plain text with line ends of its own. */
static void plain(struct buf *out, const char *text)
{
    if (strchr(text, '<') != NULL || strchr(text, '&') != NULL)
        layout_from_html(out, text);
    else
        (void)buf_add_text(out, text);
}

void azure_service_title(struct azure *z, struct buf *title)
{
    json_t *more = properties(z);
    char space[JSON_IN_SPACE];
    const char *said;

    add_after(title, "", azure_text(z, more, "service", space));
    add_after(title, ", ", azure_text(z, more, "region", space));
    said = azure_text(z, more, "title", space);
    if (said[0] == '\0')
        said = azure_text(z, more, "defaultLanguageTitle", space);
    if (title->length > 0 && said[0] != '\0')
        (void)buf_add_text(title, ": ");
    plain(title, said);
    if (title->length == 0)
        (void)buf_add_text(title, "Azure service health event");
}

static void impacted_line(struct azure *z, const json_t *service)
{
    const json_t *regions = json_object_get(service, "ImpactedRegions");
    char space[JSON_IN_SPACE];
    struct buf b;
    json_t *region;
    size_t i;

    buf_init(&b, LAYOUT_MAX);
    layout_flat(&b, azure_text(z, service, "ServiceName", space), 200);
    json_array_foreach (regions, i, region) {
        if (b.length > LAYOUT_VALUE_MAX)
            break;
        (void)buf_add_text(&b, i == 0 ? ": " : ", ");
        layout_flat(&b, azure_text(z, region, "RegionName", space), 200);
    }
    layout_line(&z->text, "Impacted", buf_text(&b));
    buf_done(&b);
}

/* impactedServices is a list, or a text that holds the list as JSON. */
static void impacted(struct azure *z, const json_t *more)
{
    json_t *value = json_object_get(more, "impactedServices"), *parsed = NULL, *service;
    size_t i;

    if (json_is_string(value)) {
        parsed = json_in_load(json_string_value(value), json_string_length(value), NULL);
        if (parsed == NULL)
            layout_line(&z->text, "Impacted", json_string_value(value));
        value = parsed;
    } else if (value != NULL && !json_is_array(value) && !json_is_null(value)) {
        alert_note(z->a, "impactedServices is %s, not a list: left out", json_in_type(value));
    }
    json_array_foreach (value, i, service) {
        impacted_line(z, service);
    }
    json_decref(parsed);
}

void azure_service_text(struct azure *z)
{
    static const struct azure_field fields[] = {
        {"trackingId", "Tracking id"},
        {"incidentType", "Type"},
        {"stage", "Stage"},
        {"service", "Service"},
        {"region", "Region"},
        {"impactStartTime", "Impact start"},
        {"impactMitigationTime", "Impact end"},
        {"impactType", "Impact type"},
    };
    static const struct azure_field shown_elsewhere[] = {
        {"title", ""},
        {"communication", ""},
        {"defaultLanguageTitle", ""},
        {"defaultLanguageContent", ""},
        {"impactedServices", ""},
        {"impactedServicesTableRows", ""},
    };
    struct azure_field known[ARRAY_LEN(fields) + ARRAY_LEN(shown_elsewhere)];
    json_t *more = properties(z);
    char space[JSON_IN_SPACE];
    const char *said = azure_text(z, more, "communication", space);
    struct buf b;

    memcpy(known, fields, sizeof fields);
    memcpy(known + ARRAY_LEN(fields), shown_elsewhere, sizeof shown_elsewhere);
    layout_heading(&z->text, "Service health");
    azure_lines(z, more, fields, ARRAY_LEN(fields));
    impacted(z, more);
    if (said[0] == '\0')
        said = azure_text(z, more, "defaultLanguageContent", space);
    buf_init(&b, SIZE_MAX / 4);
    plain(&b, said);
    layout_heading(&z->text, "Communication");
    layout_paragraphs(&z->text, "Text", buf_text(&b));
    buf_done(&b);
    layout_heading(&z->text, "More");
    azure_rest(z, more, known, ARRAY_LEN(known));
    event_lines(z);
}

void azure_budget_title(struct azure *z, struct buf *title)
{
    json_t *data = azure_object(z, z->context, "AlertData");
    char space[JSON_IN_SPACE];
    const char *forecast;

    (void)buf_add_text(title, "Budget");
    add_after(title, " ", azure_text(z, data, "BudgetName", space));
    add_after(title, ": ", azure_text(z, data, "SpentAmount", space));
    add_after(title, " spent of ", azure_text(z, data, "NotificationThresholdAmount", space));
    forecast = azure_text(z, data, "ForecastedTotalForPeriod", space);
    if (forecast[0] != '\0') {
        add_after(title, ", forecast ", forecast);
    }
}

void azure_budget_text(struct azure *z)
{
    static const struct azure_field fields[] = {
        {"BudgetName", "Budget"},
        {"SpentAmount", "Spent"},
        {"ForecastedTotalForPeriod", "Forecast for the period"},
        {"NotificationThresholdAmount", "Threshold of this alert"},
        {"BudgetThreshold", "Budget amount"},
        {"ThresholdType", "Threshold type"},
        {"BudgetType", "Budget type"},
        {"Unit", "Currency"},
        {"BudgetStartDate", "Budget start"},
        {"BudgetCreator", "Created by"},
        {"Scope", "Scope"},
        {"BudgetId", "Budget id"},
    };
    json_t *data = azure_object(z, z->context, "AlertData");

    layout_heading(&z->text, "Budget");
    azure_lines(z, data, fields, ARRAY_LEN(fields));
    azure_rest(z, data, fields, ARRAY_LEN(fields));
}
