/*
 * The tables of the instance: names, types, lengths, defaults and references of their columns, as
 * the reference lists them for task, incident, change_request, problem, events, alerts, items and
 * the tables that describe the instance itself. Data only; behaviour lies in rules.c.
 */
#include "tests/simulator/schema.h"
#include "tests/simulator/seed.h"

#include <stdlib.h>
#include <string.h>

/* A column as "name|type|length|default|reference|label|flags"; trailing parts may be missing.
 * Types: s text, i number, b true/false, d time, r reference, c choice, n numeric choice, j
 * journal, u duration, p password. Flags: R read-only, K strict choice, H hash index, O ordered
 * index. */
typedef const char *const column_list[];

static column_list task = {
    "number|s|40|||Number|H",
    "short_description|s|160|||Short description",
    "description|s|4000|||Description",
    "state|n|40|1||State|K",
    "active|b|40|true||Active",
    "approval|c|40|not requested||Approval",
    "approval_history|j|4000|||Approval history",
    "approval_set|d|40|||Approval set",
    "assigned_to|r|32||sys_user|Assigned to",
    "assignment_group|r|32||sys_user_group|Assignment group",
    "business_duration|u|40|||Business duration",
    "business_service|r|32||cmdb_ci_service|Service",
    "calendar_duration|u|40|||Duration",
    "activity_due|d|40|||Activity due",
    "additional_assignee_list|s|4000|||Additional assignee list",
    "close_notes|s|4000|||Close notes",
    "closed_at|d|40|||Closed",
    "closed_by|r|32||sys_user|Closed by",
    "cmdb_ci|r|32||cmdb_ci|Configuration item",
    "comments|j|4000|||Additional comments",
    "comments_and_work_notes|j|4000|||Comments and Work notes",
    "company|r|32||core_company|Company",
    "contact_type|c|40|||Contact type|K",
    "contract|r|32||ast_contract|Contract",
    "correlation_display|s|100|||Correlation display|O",
    "correlation_id|s|100|||Correlation ID|H",
    "delivery_plan|s|32|||Delivery plan",
    "delivery_task|s|32|||Delivery task",
    "due_date|d|40|||Due date",
    "escalation|n|40|0||Escalation",
    "expected_start|d|40|||Expected start",
    "follow_up|d|40|||Follow up",
    "group_list|s|4000|||Group list",
    "impact|n|40|3||Impact|K",
    "knowledge|b|40|false||Knowledge",
    "location|r|32||cmn_location|Location",
    "made_sla|b|40|true||Made SLA",
    "opened_at|d|40|||Opened",
    "opened_by|r|32||sys_user|Opened by",
    "order|i|40|||Order",
    "parent|r|32||task|Parent",
    "priority|n|40|5||Priority|K",
    "reassignment_count|i|40|0||Reassignment count|R",
    "service_offering|r|32||service_offering|Service offering",
    "sla_due|d|40|||SLA due",
    "sys_domain|r|32|global|sys_user_group|Domain|R",
    "sys_domain_path|s|255|/||Domain Path|R",
    "sys_tags|s|4000|||Tags",
    "task_effective_number|s|40|||Effective number|R",
    "time_worked|u|40|||Time worked",
    "universal_request|r|32||task|Universal Request",
    "upon_approval|c|40|proceed||Upon approval",
    "upon_reject|c|40|cancel||Upon reject",
    "urgency|n|40|3||Urgency|K",
    "user_input|s|4000|||User input",
    "watch_list|s|4000|||Watch list",
    "work_end|d|40|||Actual end",
    "work_notes|j|4000|||Work notes",
    "work_notes_list|s|4000|||Work notes list",
    "work_start|d|40|||Actual start",
    NULL,
};

static column_list incident = {
    "business_impact|s|4000|||Business impact",
    "business_stc|i|40|||Business resolve time",
    "calendar_stc|i|40|||Resolve time",
    "caller_id|r|32||sys_user|Caller",
    "category|c|40|inquiry||Category|K",
    "caused_by|r|32||change_request|Caused by Change",
    "cause|s|4000|||Probable cause",
    "child_incidents|i|40|0||Child Incidents|R",
    "close_code|c|40|||Resolution code|K",
    "hold_reason|n|40|||On hold reason|K",
    "incident_state|n|40|1||Incident state|K",
    "notify|n|40|1||Notify",
    "origin_id|s|32|||Origin",
    "origin_table|s|80|||Origin table",
    "parent_incident|r|32||incident|Parent Incident",
    "problem_id|r|32||problem|Problem",
    "reopen_count|i|40|0||Reopen count|R",
    "reopened_by|r|32||sys_user|Last reopened by",
    "reopened_time|d|40|||Last reopened at",
    "resolved_at|d|40|||Resolved",
    "resolved_by|r|32||sys_user|Resolved by",
    "rfc|r|32||change_request|Change Request",
    "severity|n|40|3||Severity",
    "subcategory|c|40|||Subcategory",
    NULL,
};

static column_list change = {
    "backout_plan|s|4000|||Backout plan",
    "cab_date|d|40|||CAB date",
    "cab_delegate|r|32||sys_user|CAB delegate",
    "cab_recommendation|s|4000|||CAB recommendation",
    "cab_required|b|40|false||CAB required",
    "category|c|40|Other||Category",
    "change_plan|s|4000|||Change plan",
    "chg_model|s|32|||Model",
    "close_code|c|40|||Close code|K",
    "conflict_last_run|d|40|||Conflict last run",
    "conflict_status|c|40|Not Run||Conflict status",
    "end_date|d|40|||Planned end date",
    "implementation_plan|s|4000|||Implementation plan",
    "justification|s|4000|||Justification",
    "on_hold|b|40|false||On hold",
    "on_hold_reason|s|4000|||On hold reason",
    "on_hold_task|s|4000|||On hold change tasks",
    "outside_maintenance_schedule|b|40|false||Outside maintenance schedule",
    "phase|c|40|requested||Phase",
    "phase_state|c|40|open||Phase state",
    "production_system|b|40|false||Production system",
    "reason|c|40|||Reason",
    "requested_by|r|32||sys_user|Requested by",
    "requested_by_date|d|40|||Requested by date",
    "review_comments|s|4000|||Review comments",
    "review_date|d|40|||Review date",
    "review_status|n|40|||Review status",
    "risk|n|40|3||Risk",
    "risk_impact_analysis|s|4000|||Risk and impact analysis",
    "risk_value|i|40|||Risk value",
    "scope|n|40|3||Scope",
    "start_date|d|40|||Planned start date",
    "std_change_producer_version|s|32|||Standard Change Template version",
    "test_plan|s|4000|||Test plan",
    "type|c|40|normal||Type",
    "unauthorized|b|40|false||Unauthorized",
    NULL,
};

static column_list problem = {
    "category|c|40|||Category",
    "cause_notes|s|4000|||Cause notes",
    "first_reported_by_task|r|32||task|First reported by",
    "fix_notes|s|4000|||Fix notes",
    "known_error|b|40|false||Known error",
    "major_problem|b|40|false||Major problem",
    "problem_state|n|40|101||Problem state",
    "related_incidents|i|40|0||Related Incidents",
    "resolution_code|c|40|||Resolution code",
    "workaround|s|4000|||Workaround",
    NULL,
};

static column_list em_event = {
    "source|s|100|||Source",
    "event_class|s|100|||Source instance",
    "node|s|100|||Node",
    "type|s|100|||Type",
    "resource|s|100|||Resource",
    "metric_name|s|100|||Metric name",
    "message_key|s|1024|||Message key|H",
    "ci_type|s|100|||CI type",
    "severity|n|40|||Severity",
    "resolution_state|c|40|New||Resolution state",
    "time_of_event|s|40|||Time of event",
    "description|s|4000|||Description",
    "additional_info|s|65000|||Additional information",
    "state|c|40|Ready||State",
    "alert|r|32||em_alert|Alert",
    "processing_notes|s|4000|||Processing notes",
    "ci_identifier|s|4000|||CI identifier",
    "error_msg|s|4000|||Error message",
    "bucket|i|40|0||Bucket",
    NULL,
};

static column_list em_alert = {
    "number|s|40|||Number|H",
    "source|s|100|||Source",
    "event_class|s|100|||Source instance",
    "node|s|100|||Node",
    "type|s|100|||Type",
    "resource|s|100|||Resource",
    "metric_name|s|100|||Metric name",
    "message_key|s|1024|||Message key|H",
    "severity|n|40|||Severity",
    "state|c|40|Open||State",
    "acknowledged|b|40|false||Acknowledged",
    "maintenance|b|40|false||Maintenance",
    "description|s|4000|||Description",
    "short_description|s|160|||Short description",
    "additional_info|s|65000|||Additional information",
    "cmdb_ci|r|32||cmdb_ci|Configuration item",
    "incident|r|32||task|Task",
    "parent|r|32||em_alert|Parent",
    "event_count|i|40|1||Overall event count",
    "initial_remote_time|d|40|||Initial event generation time",
    "last_remote_time|d|40|||Last event generation time",
    "group_source|n|40|||Group source",
    "is_group_alert|b|40|false||Group alert",
    NULL,
};

static column_list cmdb_ci = {
    "name|s|255|||Name|H",
    "asset_tag|s|40|||Asset tag",
    "assigned_to|r|32||sys_user|Assigned to",
    "category|c|40|||Category",
    "company|r|32||core_company|Company",
    "correlation_id|s|512|||Correlation ID|H",
    "discovery_source|c|40|||Discovery source",
    "fqdn|s|255|||Fully qualified domain name|H",
    "install_status|n|40|1||Status",
    "ip_address|s|255|||IP Address|H",
    "location|r|32||cmn_location|Location",
    "operational_status|n|40|1||Operational status",
    "serial_number|s|255|||Serial number",
    "short_description|s|1000|||Description",
    "support_group|r|32||sys_user_group|Support group",
    "sys_domain|r|32|global|sys_user_group|Domain|R",
    NULL,
};

static column_list server = {
    "cpu_count|i|40|||CPU count",
    "host_name|s|100|||Host name",
    "os|c|255|||Operating System",
    "os_version|s|255|||OS Version",
    "ram|i|40|||RAM (MB)",
    "virtual|b|40|false||Is Virtual",
    NULL,
};

static column_list service = {
    "busines_criticality|c|40|||Business criticality",
    "service_classification|c|40|||Service classification",
    NULL,
};

static column_list sys_user = {
    "user_name|s|40|||User ID|H",
    "name|s|151|||Name|H",
    "first_name|s|50|||First name",
    "last_name|s|50|||Last name",
    "email|s|100|||Email|H",
    "active|b|40|true||Active",
    "locked_out|b|40|false||Locked out",
    "time_zone|s|40|||Time zone",
    "date_format|s|40|||Date format",
    "web_service_access_only|b|40|false||Web service access only",
    "title|s|60|||Title",
    "user_password|p|255|||Password",
    "password_needs_reset|b|40|false||Password needs reset",
    "company|r|32||core_company|Company",
    NULL,
};

static column_list sys_user_group = {
    "name|s|80|||Name|H",
    "active|b|40|true||Active",
    "description|s|1000|||Description",
    "email|s|100|||Group email",
    "manager|r|32||sys_user|Manager",
    NULL,
};

static column_list sys_user_role = {"name|s|100|||Name|H", NULL};

static column_list sys_user_has_role = {
    "user|r|32||sys_user|User|H",
    "role|r|32||sys_user_role|Role",
    "state|c|40|active||State",
    "inherited|b|40|false||Inherited",
    NULL,
};

static column_list sys_choice = {
    "name|s|80|||Table|H",
    "element|s|80|||Element",
    "value|s|60|||Value",
    "label|s|60|||Label",
    "sequence|i|40|||Sequence",
    "inactive|b|40|false||Inactive",
    "dependent_value|s|60|||Dependent value",
    "language|s|3|en||Language",
    NULL,
};

static column_list sys_template = {
    "name|s|100|||Name|H",
    "table|s|80|||Table",
    "template|s|4000|||Template",
    "short_description|s|100|||Short description",
    "active|b|40|true||Active",
    "global|b|40|true||Global",
    NULL,
};

static column_list sys_dictionary = {
    "name|s|80|||Table|H",
    "element|s|80|||Column name",
    "internal_type|s|40|||Type",
    "max_length|i|40|||Max length",
    "column_label|s|80|||Column label",
    "reference|s|80|||Reference",
    "mandatory|b|40|false||Mandatory",
    "read_only|b|40|false||Read only",
    "default_value|s|255|||Default value",
    "active|b|40|true||Active",
    NULL,
};

static column_list sys_db_object = {
    "name|s|80|||Name|H",
    "label|s|80|||Label",
    "super_class|r|32||sys_db_object|Extends table",
    NULL,
};

static column_list sys_properties = {
    "name|s|100|||Name|H",
    "value|s|65000|||Value",
    "type|s|40|string||Type",
    "description|s|4000|||Description",
    NULL,
};

static column_list v_plugin = {
    "id|s|255|||ID|H", "name|s|255|||Name", "version|s|40|||Version", "active|s|40|||Status", NULL,
};

static column_list oauth_entity = {
    "name|s|100|||Name|H",
    "client_id|s|255|||Client ID|H",
    "client_secret|p|255|||Client Secret",
    "type|s|40|client||Type",
    "active|b|40|true||Active",
    "access_token_lifespan|i|40|1800||Access Token Lifespan",
    "refresh_token_lifespan|i|40|8640000||Refresh Token Lifespan",
    "user|r|32||sys_user|OAuth Application User",
    "default_grant_type|s|40|||Default Grant type",
    "redirect_url|s|4000|||Redirect URL",
    "comments|s|4000|||Comments",
    NULL,
};

static column_list oauth_credential = {
    "type|s|40|||Type",
    "expires|d|40|||Expires",
    "user|r|32||sys_user|User",
    "peer|r|32||oauth_entity|OAuth entity",
    NULL,
};

static column_list sys_journal_field = {
    "element|s|80|||Element",
    "element_id|s|32|||Element ID|H",
    "name|s|80|||Name",
    "value|s|65000|||Value",
    NULL,
};

static column_list sys_audit_delete = {
    "tablename|s|80|||Table name|H",
    "documentkey|s|32|||Document key|H",
    "display_value|s|255|||Display name",
    "payload|s|1000000|||Payload",
    "user|s|100|||Deleted by",
    NULL,
};

static column_list named = {"name|s|255|||Name|H", NULL};

static const struct {
    const char *name, *label, *parent, *prefix;
    int64_t first;
    enum table_kind kind;
    const char *const *columns, *const *more;
} tables[] = {
    {"incident", "Incident", NULL, "INC", 10001, TABLE_INCIDENT, task, incident},
    {"change_request", "Change Request", NULL, "CHG", 30001, TABLE_CHANGE, task, change},
    {"problem", "Problem", NULL, "PRB", 40001, TABLE_PROBLEM, task, problem},
    {"em_event", "Event", NULL, NULL, 0, TABLE_PLAIN, em_event, NULL},
    {"em_alert", "Alert", NULL, "Alert", 10001, TABLE_PLAIN, em_alert, NULL},
    {"cmdb_ci", "Configuration Item", NULL, NULL, 0, TABLE_PLAIN, cmdb_ci, NULL},
    {"cmdb_ci_computer", "Computer", "cmdb_ci", NULL, 0, TABLE_PLAIN, server, NULL},
    {"cmdb_ci_server", "Server", "cmdb_ci_computer", NULL, 0, TABLE_PLAIN, NULL, NULL},
    {"cmdb_ci_linux_server", "Linux Server", "cmdb_ci_server", NULL, 0, TABLE_PLAIN, NULL, NULL},
    {"cmdb_ci_win_server", "Windows Server", "cmdb_ci_server", NULL, 0, TABLE_PLAIN, NULL, NULL},
    {"cmdb_ci_service", "Service", "cmdb_ci", NULL, 0, TABLE_PLAIN, service, NULL},
    {"cmdb_ci_appl", "Application", "cmdb_ci", NULL, 0, TABLE_PLAIN, NULL, NULL},
    {"sys_user", "User", NULL, NULL, 0, TABLE_PLAIN, sys_user, NULL},
    {"sys_user_group", "Group", NULL, NULL, 0, TABLE_PLAIN, sys_user_group, NULL},
    {"sys_user_role", "Role", NULL, NULL, 0, TABLE_PLAIN, sys_user_role, NULL},
    {"sys_user_has_role", "User Role", NULL, NULL, 0, TABLE_PLAIN, sys_user_has_role, NULL},
    {"sys_choice", "Choice", NULL, NULL, 0, TABLE_PLAIN, sys_choice, NULL},
    {"sys_template", "Template", NULL, NULL, 0, TABLE_PLAIN, sys_template, NULL},
    {"sys_dictionary", "Dictionary Entry", NULL, NULL, 0, TABLE_PLAIN, sys_dictionary, NULL},
    {"sys_db_object", "Table", NULL, NULL, 0, TABLE_PLAIN, sys_db_object, NULL},
    {"sys_properties", "System Property", NULL, NULL, 0, TABLE_PLAIN, sys_properties, NULL},
    {"v_plugin", "Plugin", NULL, NULL, 0, TABLE_PLAIN, v_plugin, NULL},
    {"oauth_entity", "Application Registry", NULL, NULL, 0, TABLE_PLAIN, oauth_entity, NULL},
    {"oauth_credential", "Manage Tokens", NULL, NULL, 0, TABLE_PLAIN, oauth_credential, NULL},
    {"sys_journal_field", "Journal Entry", NULL, NULL, 0, TABLE_PLAIN, sys_journal_field, NULL},
    {"sys_audit_delete", "Audit Deleted Record", NULL, NULL, 0, TABLE_PLAIN, sys_audit_delete,
     NULL},
    {"core_company", "Company", NULL, NULL, 0, TABLE_PLAIN, named, NULL},
    {"cmn_location", "Location", NULL, NULL, 0, TABLE_PLAIN, named, NULL},
    {"service_offering", "Service Offering", NULL, NULL, 0, TABLE_PLAIN, named, NULL},
};

static void column_type(struct column *c, char letter)
{
    static const char letters[] = "sibdrcnjup";
    static const enum column_type types[] = {COL_TEXT,      COL_WHOLE,   COL_FLAG,   COL_TIME,
                                             COL_REFERENCE, COL_CHOICE,  COL_CHOICE, COL_JOURNAL,
                                             COL_DURATION,  COL_PASSWORD};

    c->type = types[strchr(letters, letter) - letters];
    c->flags |= letter == 'n' ? COL_NUMERIC : 0;
}

static void column_flags(struct column *c, const char *letters)
{
    static const char names[] = "RKHO";
    static const unsigned flags[] = {COL_READ_ONLY, COL_STRICT, COL_HASHED, COL_SORTED};

    for (; *letters; letters++)
        c->flags |= flags[strchr(names, *letters) - names];
}

static void add_column(struct table *t, const char *text)
{
    char *copy = xstrdup(text);
    char *part[7] = {copy};
    struct column c = {0};
    int64_t length = 40;

    for (int i = 1; i < 7 && part[i - 1] != NULL; i++) {
        part[i] = strchr(part[i - 1], '|');
        if (part[i] != NULL)
            *part[i]++ = '\0';
    }
    c.name = part[0];
    column_type(&c, part[1][0]);
    (void)parse_int(part[2], &length);
    c.length = (uint32_t)length;
    c.fallback = part[3];
    c.reference = part[4] && part[4][0] ? part[4] : NULL;
    c.label = part[5];
    if (part[6])
        column_flags(&c, part[6]);
    table_column_add(t, &c);
    free(copy);
}

static void add_columns(struct table *t, const char *const *columns)
{
    for (; columns && *columns; columns++)
        add_column(t, *columns);
}

static void table_finish(struct table *t)
{
    static const char *const shown[] = {"number", "name", "label", "user_name"};

    t->number = table_column(t, "number", 6);
    for (size_t i = 0; i < 4 && t->display == NO_COLUMN; i++)
        t->display = table_column(t, shown[i], strlen(shown[i]));
    if (t->store == t) {
        free(t->column[COL_CLASS].fallback);
        t->column[COL_CLASS].fallback = xstrdup(t->name);
        free(t->column[COL_MOD_COUNT].fallback);
        t->column[COL_MOD_COUNT].fallback = xstrdup("0");
    }
}

static void fallback(struct table *t, const char *column, const char *value)
{
    struct column *c = &t->column[table_column(t, column, strlen(column))];

    free(c->fallback);
    c->fallback = xstrdup(value);
}

struct table *schema_plain(struct store *s, const char *name, const char *label)
{
    static column_list plain = {
        "number|s|40|||Number|H",
        "short_description|s|160|||Short description",
        "correlation_id|s|100|||Correlation ID|H",
        "correlation_display|s|100|||Correlation display|O",
        NULL,
    };
    struct table *t = store_add(s, name, label, NULL);

    add_columns(t, plain);
    table_finish(t);
    return t;
}

void schema_build(struct store *s, int64_t now)
{
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        struct table *parent = tables[i].parent ? store_find(s, tables[i].parent) : NULL;
        struct table *t = store_add(s, tables[i].name, tables[i].label, parent);

        t->kind = tables[i].kind;
        t->prefix = tables[i].prefix ? xstrdup(tables[i].prefix) : NULL;
        t->next_number = tables[i].first;
        add_columns(t, tables[i].columns);
        add_columns(t, tables[i].more);
        table_finish(t);
    }
    fallback(store_find(s, "change_request"), "state", "-5");
    fallback(store_find(s, "change_request"), "priority", "4");
    fallback(store_find(s, "problem"), "state", "101");
    seed_all(s, now);
}
