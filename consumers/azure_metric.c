/* Alerts that watch numbers: metrics, web tests, logs (both schemas), smart detectors, Prometheus
 * rules, and kinds that are not known yet. */
#include <string.h>

#include "bridge/base/text.h"
#include "consumers/alert_edit.h"
#include "consumers/azure.h"
#include "consumers/secret.h"

#define TITLE_QUERY_MAX 60 /* of a query in a title, so that the rest of it is seen */

static void add_rule(const struct azure *z, struct buf *title)
{
    if (z->a->rule[0] == '\0')
        return;
    (void)buf_add_text(title, z->a->rule);
    (void)buf_add_text(title, ": ");
}

static void add_where(const struct azure *z, struct buf *title)
{
    const char *where = azure_where(z);

    if (where[0] == '\0')
        return;
    (void)buf_add_text(title, " on ");
    (void)buf_add_text(title, where);
}

/* `word` with a blank in front when there is something to set apart. */
static void add_word(struct buf *title, const char *word)
{
    if (word[0] == '\0')
        return;
    if (title->length > 0 && title->data[title->length - 1] != ' ')
        (void)buf_add_char(title, ' ');
    (void)buf_add_text(title, word);
}

static void add_bracket(struct buf *title, const char *before, const char *value,
                        const char *behind)
{
    if (value[0] == '\0')
        return;
    (void)buf_add_text(title, " (");
    (void)buf_add_text(title, before);
    (void)buf_add_text(title, value);
    (void)buf_add_text(title, behind);
    (void)buf_add_char(title, ')');
}

/* `PT5M` as `5 minutes`; what is not one number and one unit stays. */
static void add_duration(struct buf *out, const char *text)
{
    static const struct {
        const char *prefix;
        char unit;
        const char *name;
    } units[] = {
        {"PT", 'S', "second"}, {"PT", 'M', "minute"}, {"PT", 'H', "hour"}, {"P", 'D', "day"}};
    size_t prefix = text_starts(text, "PT") ? 2 : 1;
    size_t n = text[0] == 'P' ? strspn(text + prefix, "0123456789") : 0;

    for (size_t i = 0; n > 0 && i < ARRAY_LEN(units); i++) {
        if (strlen(units[i].prefix) != prefix || text[prefix + n] != units[i].unit ||
            text[prefix + n + 1] != '\0')
            continue;
        (void)buf_add(out, text + prefix, n);
        (void)buf_add_char(out, ' ');
        (void)buf_add_text(out, units[i].name);
        if (n != 1 || text[prefix] != '1')
            (void)buf_add_char(out, 's');
        return;
    }
    (void)buf_add_text(out, text);
}

static void duration_line(struct azure *z, const json_t *object, const char *member,
                          const char *label)
{
    char space[JSON_IN_SPACE];
    struct buf b;

    buf_init(&b, LAYOUT_VALUE_MAX);
    add_duration(&b, azure_text(z, object, member, space));
    layout_line(&z->text, label, buf_text(&b));
    buf_done(&b);
}

static json_t *criteria(struct azure *z, json_t **ret_condition)
{
    *ret_condition = azure_object(z, z->context, "condition");
    return azure_array(z, *ret_condition, "allOf");
}

/* The first criterion as `metric or query, operator, threshold (value)`. */
static void criterion_title(struct azure *z, struct buf *title, const json_t *first)
{
    char space[JSON_IN_SPACE];
    const char *metric = azure_text(z, first, "metricName", space);

    if (metric[0] != '\0')
        add_word(title, metric);
    else
        layout_flat(title, azure_text(z, first, "searchQuery", space), TITLE_QUERY_MAX);
    add_word(title, azure_text(z, first, "operator", space));
    add_word(title, azure_text(z, first, "threshold", space));
    add_bracket(title, "", azure_text(z, first, "metricValue", space), "");
}

void azure_metric_title(struct azure *z, struct buf *title)
{
    json_t *condition, *all = criteria(z, &condition);
    size_t n = json_array_size(all);

    add_rule(z, title);
    if (n == 0)
        (void)buf_add_text(title, "condition not told");
    else
        criterion_title(z, title, json_array_get(all, 0));
    if (n > 1)
        (void)buf_addf(title, " and %zu more", n - 1);
    add_where(z, title);
}

/* `Threshold: GreaterThan 25` and `Periods: 3 of 3`: two members on one line. */
static void joined_line(struct azure *z, const json_t *object, const char *first,
                        const char *between, const char *second, const char *label)
{
    char space[JSON_IN_SPACE];
    struct buf b;

    buf_init(&b, 2 * LAYOUT_VALUE_MAX);
    layout_flat(&b, azure_text(z, object, first, space), LAYOUT_VALUE_MAX / 2);
    if (b.length > 0) {
        (void)buf_add_text(&b, between);
        layout_flat(&b, azure_text(z, object, second, space), LAYOUT_VALUE_MAX / 2);
    }
    layout_line(&z->text, label, buf_text(&b));
    buf_done(&b);
}

static void criterion_text(struct azure *z, const json_t *c)
{
    static const struct azure_field what[] = {
        {"webTestName", "Web test"},
        {"metricName", "Metric"},
        {"metricNamespace", "Metric namespace"},
        {"searchQuery", "Query"},
        {"metricMeasureColumn", "Measured column"},
        {"metricValue", "Value"},
    };
    static const struct azure_field how[] = {
        {"timeAggregation", "Aggregation"},
        {"alertSensitivity", "Sensitivity"},
        {"ignoreDataBefore", "Data ignored before"},
        {"targetResourceTypes", "Resource types"},
    };
    const json_t *periods = azure_object(z, c, "failingPeriods");
    char space[JSON_IN_SPACE];
    const char *link;

    layout_heading(&z->text, "Condition");
    azure_lines(z, c, what, ARRAY_LEN(what));
    joined_line(z, c, "operator", " ", "threshold", "Threshold");
    azure_lines(z, c, how, ARRAY_LEN(how));
    joined_line(z, periods, "minFailingPeriodsToAlert", " of ", "numberOfEvaluationPeriods",
                "Failing periods");
    azure_dimensions(z, azure_array(z, c, "dimensions"));
    link = azure_text(z, c, "linkToFilteredSearchResultsUI", space);
    if (link[0] == '\0')
        link = azure_text(z, c, "linkToSearchResultsUI", space);
    alert_add_link(z->a, "Query results", link);
}

void azure_metric_text(struct azure *z)
{
    static const struct azure_field window[] = {
        {"windowStartTime", "Window start"},
        {"windowEndTime", "Window end"},
    };
    char space[JSON_IN_SPACE];
    json_t *condition, *all = criteria(z, &condition), *item;
    size_t i;

    json_array_foreach (all, i, item) {
        if (json_is_object(item))
            criterion_text(z, item);
        else
            alert_note(z->a, "criterion %zu is %s, not an object: left out", i + 1,
                       json_in_type(item));
    }
    if (json_array_size(all) == 0)
        alert_note(z->a, "the message does not tell the condition");
    layout_heading(&z->text, "Evaluation");
    layout_line(&z->text, "Condition type", azure_text(z, z->context, "conditionType", space));
    duration_line(z, condition, "windowSize", "Window");
    azure_lines(z, condition, window, ARRAY_LEN(window));
}

void azure_log_title(struct azure *z, struct buf *title)
{
    char space[JSON_IN_SPACE];
    const char *count;

    add_rule(z, title);
    layout_flat(title, azure_text(z, z->context, "SearchQuery", space), TITLE_QUERY_MAX);
    add_word(title, azure_text(z, z->context, "Operator", space));
    add_word(title, azure_text(z, z->context, "Threshold", space));
    count = azure_text(z, z->context, "ResultCount", space);
    add_bracket(title, "", count, strcmp(count, "1") == 0 ? " result" : " results");
    add_where(z, title);
}

/* The first rows of the result, one line each: what was found is what a person asks for first. */
static void log_rows(struct azure *z)
{
    const json_t *results = azure_object(z, z->context, "SearchResults");
    const json_t *table = json_array_get(json_object_get(results, "tables"), 0);
    const json_t *columns = json_object_get(table, "columns"), *row;
    size_t i, j;
    json_t *cell;

    layout_heading(&z->text, "First results");
    for (i = 0; i < 5 && (row = json_array_get(json_object_get(table, "rows"), i)) != NULL; i++) {
        struct buf line;

        buf_init(&line, 2 * LAYOUT_VALUE_MAX);
        json_array_foreach (row, j, cell) {
            char space[JSON_IN_SPACE], name_space[JSON_IN_SPACE];
            const char *text = json_in_text(cell, space);
            const char *name =
                json_in_text(json_object_get(json_array_get(columns, j), "name"), name_space);

            if (text == NULL || text[0] == '\0' || line.length > LAYOUT_VALUE_MAX ||
                (name != NULL && secret_name(name)))
                continue;
            if (line.length > 0)
                (void)buf_add_text(&line, ", ");
            layout_flat(&line, name != NULL ? name : "", 60);
            (void)buf_add_char(&line, '=');
            layout_flat(&line, text, 100);
        }
        layout_line(&z->text, "Row", buf_text(&line));
        buf_done(&line);
    }
}

void azure_log_text(struct azure *z)
{
    static const struct azure_field what[] = {
        {"SearchQuery", "Query"},
        {"AlertType", "Alert type"},
        {"ResultCount", "Results"},
    };
    static const struct azure_field when[] = {
        {"SearchIntervalInMinutes", "Interval in minutes"},
        {"SearchIntervalStartTimeUtc", "Interval start (UTC)"},
        {"SearchIntervalEndtimeUtc", "Interval end (UTC)"},
        {"SeverityDescription", "Severity in words"},
        {"WorkspaceId", "Workspace"},
        {"ApplicationId", "Application"},
    };
    char space[JSON_IN_SPACE];
    const char *link;

    layout_heading(&z->text, "Condition");
    azure_lines(z, z->context, what, ARRAY_LEN(what));
    joined_line(z, z->context, "Operator", " ", "Threshold", "Threshold");
    azure_lines(z, z->context, when, ARRAY_LEN(when));
    azure_dimensions(z, azure_array(z, z->context, "Dimensions"));
    log_rows(z);
    link = azure_text(z, z->context, "LinkToFilteredSearchResultsUI", space);
    if (link[0] == '\0')
        link = azure_text(z, z->context, "LinkToSearchResults", space);
    alert_add_link(z->a, "Query results", link);
}

void azure_smart_title(struct azure *z, struct buf *title)
{
    char space[JSON_IN_SPACE];

    add_rule(z, title);
    (void)buf_add_text(title, azure_text(z, z->context, "DetectionSummary", space));
    add_bracket(title, "", azure_text(z, z->context, "DetectedValue", space), "");
    add_where(z, title);
}

void azure_smart_text(struct azure *z)
{
    static const struct azure_field fields[] = {
        {"DetectionSummary", "Summary"},   {"DetectedValue", "Detected value"},
        {"NormalValue", "Normal value"},   {"FormattedOccurrenceTime", "Occurred"},
        {"SmartDetectorName", "Detector"}, {"SmartDetectorId", "Detector id"},
        {"AnalysisTimestamp", "Analysed"}, {"PresentationInsightEventRequest", "Details query"},
    };

    layout_heading(&z->text, "Detection");
    azure_lines(z, z->context, fields, ARRAY_LEN(fields) - 1);
    azure_rest(z, z->context, fields, ARRAY_LEN(fields));
}

void azure_prometheus_title(struct azure *z, struct buf *title)
{
    char space[JSON_IN_SPACE];

    add_rule(z, title);
    (void)buf_add_text(title, azure_text(z, z->context, "expression", space));
    add_bracket(title, "value ", azure_text(z, z->context, "expressionValue", space), "");
    add_where(z, title);
}

void azure_prometheus_text(struct azure *z)
{
    static const struct azure_field what[] = {
        {"expression", "Expression"},
        {"expressionValue", "Value"},
    };
    char space[JSON_IN_SPACE];
    json_t *annotations = azure_object(z, z->context, "annotations");

    layout_heading(&z->text, "Condition");
    azure_lines(z, z->context, what, ARRAY_LEN(what));
    duration_line(z, z->context, "for", "Held for");
    duration_line(z, z->context, "interval", "Evaluated every");
    layout_line(&z->text, "Rule group", azure_text(z, z->context, "ruleGroup", space));
    layout_heading(&z->text, "Labels");
    azure_labels(z, azure_object(z, z->context, "labels"), NULL);
    layout_heading(&z->text, "Annotations");
    azure_labels(z, annotations, NULL);
    alert_add_link(z->a, "Runbook", azure_text(z, annotations, "runbook_url", space));
}

void azure_other_title(struct azure *z, struct buf *title)
{
    char space[JSON_IN_SPACE];
    const char *said = azure_text(z, z->essentials, "description", space);

    add_rule(z, title);
    (void)buf_add_text(title, said[0] != '\0' ? said : "alert of a kind that is not known here");
    add_where(z, title);
}

void azure_other_text(struct azure *z)
{
    layout_heading(&z->text, "Context");
    azure_rest(z, z->context, NULL, 0);
}
