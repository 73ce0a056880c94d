/*
 * Rows that an instance has from the start: people, groups, roles, choice lists, some
 * configuration items, properties, and the dictionary made from the tables as defined. Their
 * sys_ids depend on table and key alone, so they are the same in every run.
 */
#include "tests/simulator/seed.h"
#include "tests/simulator/schema.h"

#include <openssl/sha.h>
#include <stdarg.h>
#include <string.h>

void schema_seed_id(const char *table, const char *key, char out[33])
{
    struct str s = {0};
    unsigned char digest[SHA256_DIGEST_LENGTH];

    str_printf(&s, "%s/%s", table, key);
    SHA256((const unsigned char *)s.p, s.n, digest);
    str_clear(&s);
    for (int i = 0; i < 16; i++)
        str_printf(&s, "%02x", digest[i]);
    memcpy(out, s.p, 33);
    str_free(&s);
}

uint32_t schema_seed(struct table *t, int64_t now, ...)
{
    const char *values[COLUMNS_MAX] = {NULL};
    const char *name, *key = NULL;
    char when[DATE_LEN], id[33];
    va_list ap;

    date_format(now, when);
    values[COL_CREATED_ON] = values[COL_UPDATED_ON] = when;
    values[COL_CREATED_BY] = values[COL_UPDATED_BY] = "system";
    values[COL_CLASS] = t->name;
    va_start(ap, now);
    while ((name = va_arg(ap, const char *)) != NULL) {
        const char *value = va_arg(ap, const char *);
        uint32_t c = table_column(t, name, strlen(name));

        key = key ? key : value;
        if (c != NO_COLUMN)
            values[c] = value;
    }
    va_end(ap);
    if (values[COL_SYS_ID] == NULL) {
        schema_seed_id(t->name, key ? key : "", id);
        values[COL_SYS_ID] = id;
    }
    return table_put(t, table_find(t, values[COL_SYS_ID]), values);
}

/* Choices: "table element value=label,value=label,...". */
static const char *const choices[] = {
    "incident state 1=New;2=In Progress;3=On Hold;6=Resolved;7=Closed;8=Canceled",
    "incident incident_state 1=New;2=In Progress;3=On Hold;6=Resolved;7=Closed;8=Canceled",
    "incident impact 1=1 - High;2=2 - Medium;3=3 - Low",
    "incident urgency 1=1 - High;2=2 - Medium;3=3 - Low",
    "incident severity 1=1 - High;2=2 - Medium;3=3 - Low",
    "incident priority 1=1 - Critical;2=2 - High;3=3 - Moderate;4=4 - Low;5=5 - Planning",
    "incident hold_reason 1=Awaiting Caller;3=Awaiting Problem;4=Awaiting Vendor;5=Awaiting Change",
    "incident category inquiry=Inquiry / Help;software=Software;hardware=Hardware;network=Network;"
    "database=Database",
    "incident contact_type phone=Phone;email=Email;self-service=Self-service;walk-in=Walk-in;"
    "chat=Chat;virtual_agent=Virtual Agent;monitoring=Monitoring;event=Event",
    "incident close_code Duplicate=Duplicate;Known error=Known error;"
    "No resolution provided=No resolution provided;Resolved by caller=Resolved by caller;"
    "Resolved by change=Resolved by change;Resolved by problem=Resolved by problem;"
    "Resolved by request=Resolved by request;Solution provided=Solution provided;"
    "Workaround provided=Workaround provided;User error=User error",
    "incident notify 1=Do Not Notify;2=Send Email;3=Phone",
    "incident escalation 0=Normal;1=Moderate;2=High;3=Overdue",
    "incident approval not requested=Not Yet Requested;requested=Requested;approved=Approved;"
    "rejected=Rejected",
    "incident upon_approval proceed=Proceed to Next Task;do_nothing=Wait for a User to Close this "
    "task",
    "incident upon_reject cancel=Cancel all future Tasks;goto=Go to a previous Task",
    "change_request state -5=New;-4=Assess;-3=Authorize;-2=Scheduled;-1=Implement;0=Review;"
    "3=Closed;4=Canceled",
    "change_request impact 1=1 - High;2=2 - Medium;3=3 - Low",
    "change_request urgency 1=1 - High;2=2 - Medium;3=3 - Low",
    "change_request priority 1=1 - Critical;2=2 - High;3=3 - Moderate;4=4 - Low",
    "change_request risk 1=Very High;2=High;3=Moderate;4=Low",
    "change_request scope 1=Massive;2=Large;3=Medium;4=Small;5=Tiny",
    "change_request type normal=Normal;standard=Standard;emergency=Emergency",
    "change_request phase requested=Requested;plan=Plan;build=Build;accept=Accept",
    "change_request contact_type phone=Phone;email=Email;self-service=Self-service",
    "change_request close_code successful=Successful;successful_issues=Successful with issues;"
    "unsuccessful=Unsuccessful",
    "change_request approval not requested=Not Yet Requested;requested=Requested;"
    "approved=Approved;rejected=Rejected",
    "change_request conflict_status Not Run=Not Run;Conflict=Conflict;No Conflict=No Conflict",
    "problem state 101=New;102=Assess;103=Root Cause Analysis;104=Fix in Progress;106=Resolved;"
    "107=Closed",
    "problem impact 1=1 - High;2=2 - Medium;3=3 - Low",
    "problem urgency 1=1 - High;2=2 - Medium;3=3 - Low",
    "problem priority 1=1 - Critical;2=2 - High;3=3 - Moderate;4=4 - Low;5=5 - Planning",
    "em_event severity 0=Clear;1=Critical;2=Major;3=Minor;4=Warning;5=OK",
    "em_alert severity 0=Clear;1=Critical;2=Major;3=Minor;4=Warning;5=OK",
};

static void seed_choice(struct table *t, int64_t now, const char *line)
{
    struct arena a = {0};
    char *copy = arena_copy(&a, line, strlen(line));
    char *element = strchr(copy, ' ');
    char *list = strchr(element + 1, ' ');
    int n = 0;

    *element++ = '\0';
    *list++ = '\0';
    while (list != NULL) {
        char *value = list;
        char *label = strchr(value, '=');
        char id[33];

        list = strchr(value, ';');
        if (list != NULL)
            *list++ = '\0';
        *label++ = '\0';
        schema_seed_id("sys_choice", arena_printf(&a, "%s.%s=%s", copy, element, value), id);
        schema_seed(t, now, "sys_id", id, "name", copy, "element", element, "value", value, "label",
                    label, "sequence", arena_printf(&a, "%d", ++n * 10), NULL);
    }
    arena_free(&a);
}

static const char *const people[][3] = {
    {"admin", "System", "Administrator"},
    {"ann.operator", "Ann", "Operator"},
    {"bob.resolver", "Bob", "Resolver"},
    {"cleo.manager", "Cleo", "Manager"},
};

static void seed_people(struct store *s, int64_t now)
{
    static const char *const groups[] = {"Service Desk", "Network", "Database", "Hardware"};
    static const char *const roles[] = {"admin",
                                        "itil",
                                        "itil_admin",
                                        "personalize_choices",
                                        "evt_mgmt_integration",
                                        "evt_mgmt_operator",
                                        "evt_mgmt_user",
                                        "import_transformer",
                                        "snc_basic_auth_api_access",
                                        "cmdb_read"};
    struct table *user = store_find(s, "sys_user");
    struct table *group = store_find(s, "sys_user_group");
    struct table *role = store_find(s, "sys_user_role");

    for (size_t i = 0; i < sizeof(people) / sizeof(people[0]); i++) {
        struct str name = {0};

        str_printf(&name, "%s %s", people[i][1], people[i][2]);
        schema_seed(user, now, "user_name", people[i][0], "name", name.p, "first_name",
                    people[i][1], "last_name", people[i][2], NULL);
        str_free(&name);
    }
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
        schema_seed(group, now, "name", groups[i], NULL);
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
        schema_seed(role, now, "name", roles[i], NULL);
}

static void seed_items(struct store *s, int64_t now)
{
    struct table *linux_server = store_find(s, "cmdb_ci_linux_server");
    struct table *windows = store_find(s, "cmdb_ci_win_server");
    struct table *service = store_find(s, "cmdb_ci_service");

    schema_seed(linux_server, now, "name", "web-01", "fqdn", "web-01.example.com", "ip_address",
                "192.0.2.11", "os", "Linux Debian", NULL);
    schema_seed(linux_server, now, "name", "db-01", "fqdn", "db-01.example.com", "ip_address",
                "192.0.2.21", "os", "Linux Debian", NULL);
    schema_seed(windows, now, "name", "win-01", "fqdn", "win-01.example.com", "ip_address",
                "192.0.2.31", "os", "Windows 2022", NULL);
    schema_seed(service, now, "name", "Payments", NULL);
    schema_seed(store_find(s, "core_company"), now, "name", "Example", NULL);
    schema_seed(store_find(s, "cmn_location"), now, "name", "Head Office", NULL);
}

static void seed_properties(struct store *s, int64_t now)
{
    static const char *const properties[][2] = {
        {"instance_name", "snow-sim"},
        {"glide.invalid_query.returns_no_rows", "false"},
        {"glide.rest.max_content_length", "10"},
        {"glide.oauth.allow.parameters.in.post.body.only", "true"},
        {"glide.sys.default.tz", "GMT"},
    };
    struct table *t = store_find(s, "sys_properties");

    for (size_t i = 0; i < sizeof(properties) / sizeof(properties[0]); i++)
        schema_seed(t, now, "name", properties[i][0], "value", properties[i][1], NULL);
}

static void seed_plugins(struct store *s, int64_t now)
{
    static const char *const plugins[][2] = {
        {"com.snc.incident", "Incident"},
        {"com.snc.change_management", "Change Management"},
        {"com.glideapp.itom.snac", "Event Management"},
    };
    struct table *t = store_find(s, "v_plugin");

    for (size_t i = 0; i < sizeof(plugins) / sizeof(plugins[0]); i++)
        schema_seed(t, now, "id", plugins[i][0], "name", plugins[i][1], "active", "active", NULL);
}

static const char *type_name(const struct column *c)
{
    static const char *const names[] = {
        [COL_TEXT] = "string",           [COL_WHOLE] = "integer",
        [COL_FLAG] = "boolean",          [COL_TIME] = "glide_date_time",
        [COL_REFERENCE] = "reference",   [COL_CHOICE] = "choice",
        [COL_JOURNAL] = "journal_input", [COL_DURATION] = "glide_duration",
        [COL_PASSWORD] = "password2",
    };

    return c->flags & COL_NUMERIC ? "integer" : names[c->type];
}

static void seed_dictionary(struct store *s, int64_t now)
{
    struct table *d = store_find(s, "sys_dictionary");
    struct table *o = store_find(s, "sys_db_object");

    for (struct table *t = s->tables; t; t = t->hh.next) {
        uint32_t from = t->parent ? t->parent->columns : 0;
        char super[33] = "";

        if (t->parent)
            schema_seed_id("sys_db_object", t->parent->name, super);
        schema_seed(o, now, "name", t->name, "label", t->label, "super_class", super, NULL);
        for (uint32_t i = from; i < t->columns; i++) {
            const struct column *c = &t->store->column[i];
            struct arena a = {0};
            char id[33];

            schema_seed_id("sys_dictionary", arena_printf(&a, "%s.%s", t->name, c->name), id);
            schema_seed(d, now, "sys_id", id, "name", t->name, "element", c->name, "internal_type",
                        type_name(c), "max_length", arena_printf(&a, "%u", c->length),
                        "column_label", c->label, "reference", c->reference ? c->reference : "",
                        "read_only", c->flags & COL_READ_ONLY ? "true" : "false", "default_value",
                        c->fallback, NULL);
            arena_free(&a);
        }
    }
}

void seed_all(struct store *s, int64_t now)
{
    struct table *choice = store_find(s, "sys_choice");

    for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++)
        seed_choice(choice, now, choices[i]);
    seed_people(s, now);
    seed_items(s, now);
    seed_properties(s, now);
    seed_plugins(s, now);
    seed_dictionary(s, now);
}
