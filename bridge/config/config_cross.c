/* Checks that need several keys: the instance's host, sign-in, topics, librdkafka properties. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "bridge/config/config_reader.h"
#include "bridge/config/config_secret.h"
#include "bridge/config/config_text.h"
#include "bridge/config/config_value.h"

#define SERVICENOW_SUFFIX ".service-now.com"

static bool host_allowed(const struct config_connection *c, const struct config_url *u)
{
    if (text_ends(u->host, SERVICENOW_SUFFIX))
        return true;
    if (u->loopback && c->allow_insecure_loopback)
        return true;
    for (size_t i = 0; i < c->allowed_hosts.count; i++)
        if (text_equal_nocase(c->allowed_hosts.items[i], u->host))
            return true;
    return false;
}

static void check_server(struct config_reader *r)
{
    struct config_connection *c = &r->config->connection;
    const char *path = "connection.server_url";
    struct config_url u;

    if (!*c->server_url || config_url_parse(c->server_url, &u))
        return; /* missing or refused: has been said */
    if (strcmp(u.scheme, "https") != 0 && !(u.loopback && c->allow_insecure_loopback))
        config_fail(r, path, 0,
                    u.loopback ? "is http, not https; for a simulator on this machine set "
                                 "connection.allow_insecure_loopback = true"
                               : "is http, not https; passwords and tokens would travel in clear "
                                 "text: write https://");
    else if (!host_allowed(c, &u))
        config_fail(r, path, 0,
                    "the host %s is not under service-now.com; if it is yours, add it to "
                    "connection.allowed_hosts",
                    u.host);
    config_set(&c->host, config_url_host(&u));
    config_set(&c->server_url, xasprintf("%s://%s", u.scheme, c->host));
    config_url_done(&u);
}

/* What each way of signing in needs. */
enum {
    NEED_ID = 1,
    NEED_SECRET = 2,
    NEED_USER = 4,
    NEED_PASSWORD = 8,
    NEED_KEY = 16,
    NEED_JWT_KEY = 32
};

static const unsigned grant_needs[] = {
    [GRANT_PASSWORD] = NEED_ID | NEED_SECRET | NEED_USER | NEED_PASSWORD,
    [GRANT_REFRESH_TOKEN] = NEED_ID | NEED_SECRET,
    [GRANT_CLIENT_CREDENTIALS] = NEED_ID | NEED_SECRET,
    [GRANT_JWT_BEARER] = NEED_ID | NEED_JWT_KEY,
    [GRANT_BASIC] = NEED_USER | NEED_PASSWORD,
    [GRANT_API_KEY] = NEED_KEY,
};

static const char *const grant_names[] = {
    [GRANT_PASSWORD] = "password",
    [GRANT_REFRESH_TOKEN] = "refresh_token",
    [GRANT_CLIENT_CREDENTIALS] = "client_credentials",
    [GRANT_JWT_BEARER] = "jwt_bearer",
    [GRANT_BASIC] = "basic",
    [GRANT_API_KEY] = "api_key",
};

/* Has something been said about the key already, so that its value here is only the default? */
static bool was_refused(const struct config_reader *r, const char *path)
{
    const struct config_mark *mark = config_mark_find(r, path, 0);

    return mark && config_problems_at(&r->problems, mark->place);
}

static void check_credentials(struct config_reader *r)
{
    const struct config_auth *a = &r->config->connection.auth;
    const struct {
        unsigned need;
        const char *path, *value;
    } parts[] = {
        {NEED_ID, "connection.auth.client_id", a->client_id},
        {NEED_SECRET, "connection.auth.client_secret", a->client_secret.spec},
        {NEED_USER, "connection.auth.username", a->username},
        {NEED_PASSWORD, "connection.auth.password", a->password.spec},
        {NEED_KEY, "connection.auth.api_key", a->api_key.spec},
        {NEED_JWT_KEY, "connection.auth.jwt_key", a->jwt.key},
    };

    if (was_refused(r, "connection.auth.grant"))
        return;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        bool refused = !*parts[i].value && was_refused(r, parts[i].path);

        if ((grant_needs[a->grant] & parts[i].need) && !*parts[i].value && !refused)
            config_fail(r, parts[i].path, 0, "is needed for grant = \"%s\" and %s%s",
                        grant_names[a->grant],
                        config_given(r, parts[i].path, 0) ? "empty; fill it in"
                                                          : "missing; add it to connection.auth",
                        a->grant == GRANT_PASSWORD && parts[i].need == NEED_PASSWORD
                            ? ", or keep it nowhere: grant = \"refresh_token\", token_store, and "
                              "`itsm-bridge login`"
                            : "");
    }
    if (a->grant == GRANT_REFRESH_TOKEN && !*a->refresh_token.spec && !*a->token_store)
        config_fail(r, "connection.auth.refresh_token", 0,
                    "is needed for grant = \"refresh_token\"; give it, or a token_store that "
                    "holds one");
}

/* Is what the file holds in PEM form? What it is, is seen when it is used. */
static void check_pem(struct config_reader *r, const char *key, const char *file, const char *what)
{
    const size_t most = (size_t)1024 * 1024;
    struct err e;
    size_t length;
    char *text;

    if (!*file || r->need == CONFIG_NO_SECRETS)
        return;
    text = config_read_file_text(file, most, &length, &e);
    if (!text)
        config_fail(r, key, 0, "%s %s; name a file with %s in PEM form", file, e.text, what);
    else if (!strstr(text, "-----BEGIN"))
        config_fail(r, key, 0, "%s holds none; name a file with %s in PEM form", file, what);
    config_secret_wipe(text);
}

static void check_files(struct config_reader *r)
{
    const struct config_connection *c = &r->config->connection;

    check_pem(r, "connection.ca_file", c->ca_file, "certificates");
    check_pem(r, "connection.client_certificate", c->client_certificate, "a certificate");
    check_pem(r, "connection.client_key", c->client_key, "a private key");
    if (c->auth.grant == GRANT_JWT_BEARER)
        check_pem(r, "connection.auth.jwt_key", c->auth.jwt.key, "a private key");
    if (*c->client_key && !*c->client_certificate)
        config_fail(r, "connection.client_certificate", 0,
                    "is needed beside connection.client_key; name the certificate of that key");
}

static void default_text(char **text, const char *otherwise)
{
    if (!**text)
        config_set(text, xstrdup(otherwise));
}

/* What the assertion says when the file does not. */
static void finish_jwt(struct config_reader *r)
{
    struct config_auth *a = &r->config->connection.auth;

    if (a->grant != GRANT_JWT_BEARER)
        return;
    if (!*a->jwt.subject && !*a->username)
        config_fail(
            r, "connection.auth.username", 0,
            "is needed for grant = \"jwt_bearer\" (or jwt_subject, where the instance finds "
            "the user by something else); add it to connection.auth");
    default_text(&a->jwt.issuer, a->client_id);
    default_text(&a->jwt.subject, a->username);
    default_text(&a->jwt.audience, a->client_id);
}

static void default_ci_fields(struct config_list *fields)
{
    static const char *const names[] = {"name", "fqdn", "ip_address"};

    if (fields->count > 0)
        return;
    fields->items = xrealloc(fields->items, ARRAY_LEN(names), sizeof(char *));
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        fields->items[fields->count++] = xstrdup(names[i]);
}

void config_finish_connection(struct config_reader *r)
{
    const struct config_connection *c = &r->config->connection;

    text_lower(c->partner_type);
    check_server(r);
    default_ci_fields(&r->config->connection.ci_fields);
    if (!was_refused(r, "connection.auth.grant"))
        finish_jwt(r);
    if (r->need == CONFIG_FULL && !config_given(r, "connection", CONFIG_REFUSED) &&
        !config_given(r, "connection.auth", CONFIG_REFUSED))
        check_credentials(r);
    check_files(r);
}

/* Topics that the bridge writes, with the key that names each. */
struct own_topic {
    const char *topic, *path;
    size_t entry;
};

size_t config_producer_topics(const struct config_producer *p,
                              struct config_producer_topic ret_topics[CONFIG_PRODUCER_TOPICS_MAX])
{
    size_t n = 0;

    ret_topics[n++] = (struct config_producer_topic){p->topic, true, "producers[].topic"};
    if (p->form == FORM_BOTH)
        ret_topics[n++] =
            (struct config_producer_topic){p->topic_itsmc, true, "producers[].topic_itsmc"};
    if (p->journal)
        ret_topics[n++] =
            (struct config_producer_topic){p->topic_journal, false, "producers[].topic_journal"};
    return n;
}

static size_t own_topics(const struct config *c, struct own_topic *own)
{
    size_t n = 0;

    if (c->topics.outcomes_enabled)
        own[n++] = (struct own_topic){c->topics.outcomes, "topics.outcomes", 0};
    own[n++] = (struct own_topic){c->topics.dead_letter, "topics.dead_letter", 0};
    own[n++] = (struct own_topic){c->topics.state, "topics.state", 0};
    for (size_t i = 0; i < c->producers_count; i++) {
        struct config_producer_topic of[CONFIG_PRODUCER_TOPICS_MAX];
        size_t count = config_producer_topics(&c->producers[i], of);

        for (size_t j = 0; j < count; j++)
            own[n++] = (struct own_topic){of[j].topic, of[j].path, i};
    }
    return n;
}

static const char *where(char **text, const char *path, size_t entry)
{
    char *shown = strstr(path, "[]") ? xasprintf("producers[%zu]", entry) : xstrdup(path);

    config_set(text, shown);
    return *text;
}

static void check_own_topics(struct config_reader *r, const struct own_topic *own, size_t n)
{
    char *text = NULL;

    for (size_t i = 0; i < n; i++) {
        const char *wrong = *own[i].topic ? config_check_topic(own[i].topic) : NULL;

        if (wrong)
            config_fail(r, own[i].path, own[i].entry, "\"%s\" %s", own[i].topic, wrong);
        for (size_t j = 0; j < i; j++)
            if (*own[i].topic && strcmp(own[i].topic, own[j].topic) == 0) {
                config_fail(r, own[i].path, own[i].entry,
                            "the topic \"%s\" is that of %s too; each needs a topic of its own",
                            own[i].topic, where(&text, own[j].path, own[j].entry));
                break;
            }
    }
    free(text);
}

static void check_consumer_topic(struct config_reader *r, size_t entry, const char *topic,
                                 const struct own_topic *own, size_t n)
{
    const char *path = "consumers[].topics";
    char *text = NULL;

    for (size_t i = 0; i < n; i++)
        if (strcmp(topic, own[i].topic) == 0) {
            config_fail(r, path, entry,
                        "\"%s\" is a topic that the bridge writes (%s); it never reads its own: "
                        "remove it",
                        topic, where(&text, own[i].path, own[i].entry));
            break;
        }
    for (size_t i = 0; i < entry; i++)
        for (size_t j = 0; j < r->config->consumers[i].topics.count; j++)
            if (strcmp(topic, r->config->consumers[i].topics.items[j]) == 0)
                config_fail(r, path, entry,
                            "\"%s\" is read by consumers[%zu] already; a topic may stand in one "
                            "entry only",
                            topic, i);
    free(text);
}

static void check_entries(struct config_reader *r)
{
    const struct config *c = r->config;

    for (size_t i = 0; i < c->consumers_count; i++)
        for (size_t j = 0; j < i; j++)
            if (*c->consumers[i].name && strcmp(c->consumers[i].name, c->consumers[j].name) == 0 &&
                config_given(r, "consumers[].name", i))
                config_fail(r, "consumers[].name", i,
                            "\"%s\" is the name of consumers[%zu] too; names must differ",
                            c->consumers[i].name, j);
    for (size_t i = 0; i < c->producers_count; i++)
        for (size_t j = 0; j < i; j++) {
            const struct config_producer *a = &c->producers[i], *b = &c->producers[j];

            if (*a->table && strcmp(a->table, b->table) == 0)
                config_fail(r, "producers[].table", i,
                            "\"%s\" is published by producers[%zu] already; a table may stand in "
                            "one entry only",
                            a->table, j);
            else if (*a->name && strcmp(a->name, b->name) == 0)
                config_fail(r, "producers[].name", i,
                            "\"%s\" is the name of producers[%zu] too; names must differ", a->name,
                            j);
        }
}

/* Where a record is open, and where it is over, must be known of any column that is named. */
static void check_states(struct config_reader *r, size_t entry)
{
    const struct config_consumer *c = &r->config->consumers[entry];
    bool rows = strcmp(c->target, "event") == 0 || text_starts(c->target, "import:");

    if (rows && (*c->state_column || *c->open_value || *c->resolved_value))
        config_fail(r, "consumers[].target", entry,
                    "\"%s\" writes rows that are never resolved, so state_column, open_value and "
                    "resolved_value have no effect; remove them",
                    c->target);
    else if (*c->state_column && (!*c->open_value || !*c->resolved_value))
        config_fail(r, "consumers[].state_column", entry,
                    "needs the stored values of that column beside it; add open_value and "
                    "resolved_value");
    if (c->life.expire > 0 &&
        (c->life.on_clear == ON_CLEAR_NOTE || c->life.on_clear == ON_CLEAR_NOTHING))
        config_fail(r, "consumers[].expire_h", entry,
                    "resolves records, which on_clear = \"%s\" leaves to people; remove one of the "
                    "two",
                    c->life.on_clear == ON_CLEAR_NOTE ? "note" : "nothing");
    if (c->life.expire > 0 &&
        (rows || strcmp(c->target, "alert") == 0 || strcmp(c->target, "em_alert") == 0))
        config_fail(r, "consumers[].expire_h", entry,
                    "has no effect with the target \"%s\", which keeps no stamp that tells of the "
                    "last news; remove it",
                    c->target);
}

void config_finish_topics(struct config_reader *r)
{
    const struct config *c = r->config;
    struct own_topic *own =
        xcalloc(c->producers_count * CONFIG_PRODUCER_TOPICS_MAX + 3, sizeof(*own));
    size_t n = own_topics(c, own);

    check_entries(r);
    check_own_topics(r, own, n);
    for (size_t i = 0; i < c->consumers_count; i++)
        check_states(r, i);
    for (size_t i = 0; i < c->consumers_count; i++)
        for (size_t j = 0; j < c->consumers[i].topics.count; j++)
            check_consumer_topic(r, i, c->consumers[i].topics.items[j], own, n);
    free(own);
}
