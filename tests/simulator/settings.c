/*
 * The table of settings and its three users: command line, control path, help text. A value is
 * checked for its type and range here; what it does lies with the code that reads it.
 */
#include "tests/simulator/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { KIND_BOOL, KIND_INT, KIND_REAL, KIND_TEXT };

struct entry {
    const char *name;
    enum kind kind;
    size_t at;
    const char *value; /* the default */
    double low, high;
    const char *help;
};

#define AT(field) offsetof(struct settings, field)
#define FLAG(field, value, help)                                                                   \
    {                                                                                              \
#field, KIND_BOOL, AT(field), value, 0, 1, help                                            \
    }
#define WHOLE(field, value, low, high, help)                                                       \
    {                                                                                              \
#field, KIND_INT, AT(field), value, low, high, help                                        \
    }
#define MS(field, help)                                                                            \
    {                                                                                              \
#field, KIND_REAL, AT(field), "0", 0, 86400000.0, help                                     \
    }
#define TEXT(field, value, help)                                                                   \
    {                                                                                              \
#field, KIND_TEXT, AT(field), value, 0, 0, help                                            \
    }

static const struct entry entries[] = {
    WHOLE(port, "0", 0, 65535, "port on 127.0.0.1, 0 takes a free one"),
    TEXT(port_file, "", "file that gets the port number (written by rename)"),
    FLAG(quiet, "false", "do not print the listening line"),
    WHOLE(seed, "1", 0, 9e15, "seed of everything random"),
    WHOLE(workers, "16", 1, 100000, "virtual worker threads"),
    WHOLE(queue, "50", 0, 10000000, "requests that may wait for a worker; beyond: bare 429"),
    MS(insert_ms, "service time of an insert"),
    MS(update_ms, "service time of an update or a delete"),
    MS(read_ms, "service time of a read of one record"),
    MS(page_ms, "service time of a list, a count or an aggregate"),
    MS(page_row_us, "added service time for each row asked for (sysparm_limit), microseconds"),
    MS(token_ms, "service time of a token request"),
    MS(bulk_row_ms, "service time of each event of a bulk request"),
    {"batch_limit_ms", KIND_REAL, AT(batch_limit_ms), "30000", 0, 86400000.0,
     "server limit of one Batch call; the tail comes back unserviced"},
    WHOLE(rate_limit, "0", 0, 1e9, "requests an hour and user, 0: no rule"),
    WHOLE(rate_window_s, "3600", 1, 86400, "length of the window of rate_limit"),
    FLAG(no_auth, "false", "accept requests without credentials (as the default user)"),
    FLAG(basic, "true", "accept HTTP Basic"),
    FLAG(basic_restricted, "false",
         "HTTP Basic only for web-service users and role snc_basic_auth_api_access"),
    FLAG(api_key, "true", "accept the header x-sn-apikey"),
    TEXT(client_id, "itsm-bridge", "OAuth client"),
    TEXT(client_secret, "secret", "its secret"),
    TEXT(user, "itsm.integration", "first user, read at start and by reset"),
    TEXT(password, "password", "password of that user"),
    WHOLE(access_life_s, "1800", 0, 1e9, "life of an access token"),
    WHOLE(refresh_life_s, "8640000", 0, 1e9, "life of a refresh token"),
    FLAG(grant_password, "true", "password grant allowed"),
    FLAG(grant_refresh, "true", "refresh grant allowed"),
    FLAG(grant_client_credentials, "true", "client_credentials grant enabled (instances: off)"),
    FLAG(same_token, "true", "a grant while a token is alive gives it again, expiry set anew"),
    FLAG(new_refresh_token, "false", "a refresh grant replaces the refresh token"),
    FLAG(refresh_in_answer, "true", "a refresh grant's answer carries refresh_token"),
    FLAG(refresh_kills_access, "false", "a refresh grant ends the older access token"),
    FLAG(client_credentials_refresh, "false", "client_credentials gives a refresh token too"),
    FLAG(url_parameters, "false", "token parameters may stand in the URL"),
    FLAG(client_basic, "true",
         "the OAuth client may sign in by HTTP Basic (the vendor's own does)"),
    TEXT(jwt_key, "", "file of the public key (PEM) of the JWT bearer grant; empty: not allowed"),
    TEXT(jwt_kid, "", "key id that an assertion must name, empty: any"),
    TEXT(jwt_audience, "", "audience that an assertion must name, empty: the client id"),
    TEXT(revoke, "any",
         "which revocation works: any, url (token in the URL), plain "
         "(/oauth_revoke.do) or none"),
    TEXT(challenge, "BASIC", "WWW-Authenticate scheme of a 401: BASIC, BEARER or both"),
    FLAG(gzip, "true", "pack answers when asked"),
    FLAG(chunked, "true", "answers of the Table API in chunked encoding"),
    FLAG(cookies, "true", "send Set-Cookie as an instance does"),
    FLAG(random_member_order, "true", "members of a record in changing order"),
    FLAG(strict_headers, "false", "writes need Accept and Content-Type, else 400 or 415"),
    FLAG(null_display, "false", "display value of a dangling reference is null, not empty"),
    TEXT(base_url, "", "host in links, as an instance's own name; empty: as listening"),
    WHOLE(max_content_length, "10485760", 0, 1e9, "largest request body"),
    WHOLE(max_url_bytes, "16384", 100, 60000, "longest URL, beyond: HTML error page"),
    TEXT(request_id_header, "X-Request-ID", "request header that is kept in the journal"),
    FLAG(invalid_query_returns_no_rows, "false", "a bad query part gives no rows; else dropped"),
    FLAG(random_order, "true", "rows without ORDERBY come in an order of their own"),
    FLAG(double_caret, "true", "^^ in a query is a literal ^"),
    FLAG(ignore_case, "false", "text comparison ignores case"),
    WHOLE(user_zone_offset_s, "0", -50400, 50400, "zone of the users: display values, gs.*"),
    FLAG(literals_in_user_zone, "false", "plain times in queries are read in the users' zone"),
    FLAG(honour_sys_id, "true", "POST keeps the given sys_id"),
    FLAG(touch_unchanged, "false", "an update without a change counts as one"),
    FLAG(state_rules, "true", "resolved_at, closed_at, active and the like follow the state"),
    FLAG(resolve_policy, "true", "close_code and close_notes mandatory at state 6 and 7"),
    FLAG(priority_rules, "true", "priority is computed from impact and urgency"),
    FLAG(change_transitions, "true", "illegal jumps of change_request.state are refused"),
    FLAG(guard, "false", "before-update rule that refuses outdated state changes"),
    FLAG(enforce_roles, "true", "delete, sys_audit_delete, sys_journal_field, roles need roles"),
    FLAG(audit_delete, "true", "DELETE writes sys_audit_delete"),
    {"alert_job_ms", KIND_REAL, AT(alert_job_ms), "5000", -1, 1e9,
     "alerts are made of events so long after they came; -1: only over the control path"},
    WHOLE(alert_active_s, "86400", 0, 1e9, "a closed alert is opened again within this time"),
    TEXT(event_role, "", "role that bulk events need (instances: evt_mgmt_integration)"),
    TEXT(bad_event, "", "events that hold this text are not inserted, and not counted"),
    FLAG(event_sink, "false", "bulk events are counted by their keys and dropped: for measuring"),
    TEXT(guard_user, "itsm.integration", "user that the guard looks at"),
    TEXT(unknown_choice, "ignore", "unknown value of a choice field: ignore, refuse or accept"),
    WHOLE(description_length, "4000", 1, 1e8, "column length of description"),
    WHOLE(clock_offset_s, "0", -4e9, 4e9, "instance clock minus machine clock"),
    MS(commit_delay_ms, "API writes become visible so long after their sys_updated_on"),
    MS(edit_commit_delay_ms, "the same for edits over the control path and the replay"),
    FLAG(commit_delay_random, "false", "commit delays are drawn from 0 to the value"),
    WHOLE(journal_max, "1000000", 0, 1e9, "entries kept in the journal"),
    TEXT(replay, "", "audit log (csv or csv.gz) played from the start"),
    TEXT(replay_speed, "60", "log seconds a second, N/s for events a second, or max"),
};

#define N_ENTRIES (sizeof(entries) / sizeof(entries[0]))

static void *place(struct settings *set, const struct entry *e)
{
    return (char *)set + e->at;
}

static const void *place_const(const struct settings *set, const struct entry *e)
{
    return (const char *)set + e->at;
}

static const struct entry *entry_find(const char *name)
{
    for (size_t i = 0; i < N_ENTRIES; i++) {
        const char *a = entries[i].name;
        const char *b = name;

        while (*a && (*a == *b || (*a == '_' && *b == '-'))) {
            a++;
            b++;
        }
        if (*a == '\0' && *b == '\0')
            return &entries[i];
    }
    return NULL;
}

static int read_bool(const char *value, bool *ret)
{
    if (strcmp(value, "true") == 0 || strcmp(value, "1") == 0 || strcmp(value, "on") == 0)
        *ret = true;
    else if (strcmp(value, "false") == 0 || strcmp(value, "0") == 0 || strcmp(value, "off") == 0)
        *ret = false;
    else
        return -1;
    return 0;
}

/* Stores into `to`, or only checks when it is NULL. */
static int entry_store(const struct entry *e, void *to, const char *value)
{
    bool flag;
    int64_t whole;
    double real;

    switch (e->kind) {
    case KIND_BOOL:
        if (read_bool(value, &flag) < 0)
            return -1;
        if (to)
            *(bool *)to = flag;
        return 0;
    case KIND_INT:
        if (parse_int(value, &whole) < 0 || (double)whole < e->low || (double)whole > e->high)
            return -1;
        if (to)
            *(int64_t *)to = whole;
        return 0;
    case KIND_REAL:
        if (parse_double(value, &real) < 0 || !(real >= e->low && real <= e->high))
            return -1;
        if (to)
            *(double *)to = real;
        return 0;
    case KIND_TEXT:
        if (to) {
            char **text = to;

            free(*text);
            *text = xstrdup(value);
        }
        return 0;
    }
    return -1;
}

void settings_init(struct settings *set)
{
    memset(set, 0, sizeof(*set));
    for (size_t i = 0; i < N_ENTRIES; i++)
        (void)entry_store(&entries[i], place(set, &entries[i]), entries[i].value);
}

void settings_free(struct settings *set)
{
    for (size_t i = 0; i < N_ENTRIES; i++) {
        if (entries[i].kind == KIND_TEXT)
            free(*(char **)place(set, &entries[i]));
    }
}

static char *explain(const struct entry *e, const char *name, const char *value)
{
    struct str s = {0};

    if (e == NULL)
        str_printf(&s, "there is no setting '%s'; GET /_sim/settings lists them", name);
    else if (e->kind == KIND_BOOL)
        str_printf(&s, "setting '%s' takes true or false, not '%s'", e->name, value);
    else
        str_printf(&s, "setting '%s' takes a number from %.0f to %.0f, not '%s'", e->name, e->low,
                   e->high, value);
    return str_take(&s);
}

int settings_put(struct settings *set, const char *name, const char *value, char **ret_why)
{
    const struct entry *e = entry_find(name);

    if (e == NULL || entry_store(e, place(set, e), value) < 0) {
        *ret_why = explain(e, name, value);
        return -1;
    }
    return 0;
}

/* The text of a JSON scalar, new; NULL for anything else. */
static char *scalar_text(const json_t *v)
{
    if (json_is_string(v))
        return xstrdup(json_string_value(v));
    if (json_is_boolean(v))
        return xstrdup(json_is_true(v) ? "true" : "false");
    return json_is_number(v) ? json_dumps(v, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15)) : NULL;
}

static int put_member(struct settings *set, const char *name, const json_t *v, bool store,
                      char **ret_why)
{
    const struct entry *e = entry_find(name);
    char *text = scalar_text(v);
    int rc = 0;

    if (e == NULL || text == NULL || entry_store(e, store ? place(set, e) : NULL, text) < 0) {
        *ret_why = explain(e, name, text ? text : "a structure");
        rc = -1;
    }
    free(text);
    return rc;
}

int settings_put_json(struct settings *set, const json_t *object, char **ret_why)
{
    for (int store = 0; store < 2; store++) {
        void *it = json_object_iter((json_t *)(uintptr_t)object);

        for (; it; it = json_object_iter_next((json_t *)(uintptr_t)object, it)) {
            if (put_member(set, json_object_iter_key(it), json_object_iter_value(it), store,
                           ret_why) < 0)
                return -1;
        }
    }
    return 0;
}

json_t *settings_json(const struct settings *set)
{
    json_t *o = json_object();

    for (size_t i = 0; i < N_ENTRIES; i++) {
        const void *at = place_const(set, &entries[i]);
        json_t *v = NULL;

        switch (entries[i].kind) {
        case KIND_BOOL:
            v = json_boolean(*(const bool *)at);
            break;
        case KIND_INT:
            v = json_integer(*(const int64_t *)at);
            break;
        case KIND_REAL:
            v = json_real(*(const double *)at);
            break;
        case KIND_TEXT:
            v = json_string(*(char *const *)at);
            break;
        }
        json_object_set_new(o, entries[i].name, v);
    }
    return o;
}

static void help(void)
{
    printf("snow-sim: a stand-in for a ServiceNow instance, for tests on the loopback interface.\n"
           "Usage: snow-sim [--SETTING VALUE]...\n\n");
    for (size_t i = 0; i < N_ENTRIES; i++) {
        struct str name = {0};

        str_puts(&name, entries[i].name);
        for (char *p = name.p; *p; p++)
            *p = *p == '_' ? '-' : *p;
        printf("  --%-30s %s (default: %s)\n", name.p, entries[i].help,
               entries[i].value[0] ? entries[i].value : "none");
        str_free(&name);
    }
}

/* One argument; *i is moved over a value of its own. Returns 0 or -1 with *ret_why. */
static int argument(struct settings *set, int argc, char **argv, int *i, char **ret_why)
{
    char *name = xstrdup(argv[*i] + (strncmp(argv[*i], "--", 2) == 0 ? 2 : 0));
    char *eq = strchr(name, '=');
    const char *value = eq ? eq + 1 : NULL;
    const struct entry *e;
    int rc;

    if (eq)
        *eq = '\0';
    e = entry_find(name);
    if (value == NULL && e && e->kind == KIND_BOOL)
        value = "true";
    else if (value == NULL && e == NULL && strncmp(name, "no-", 3) == 0 && entry_find(name + 3)) {
        memmove(name, name + 3, strlen(name + 3) + 1);
        value = "false";
    } else if (value == NULL && *i + 1 < argc)
        value = argv[++*i];
    rc = settings_put(set, name, value ? value : "", ret_why);
    free(name);
    return rc;
}

int settings_arguments(struct settings *set, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        char *why = NULL;

        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            help();
            return 1;
        }
        if (argument(set, argc, argv, &i, &why) < 0) {
            fprintf(stderr, "snow-sim: argument '%s': %s\n", argv[i], why);
            free(why);
            return -1;
        }
    }
    return 0;
}
