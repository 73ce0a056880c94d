/* Asks the cluster over a handle of its own, blocking: brokers, topics, their settings, and for a
 * missing one a creation that is only validated. Makes and changes nothing. What the rights are
 * worth is tried in check_rights.c. */
#include "bridge/commands/check_kafka.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "bridge/commands/run.h"
#include "bridge/kafka/client.h"

#define ASK_MS   5000
#define SLICE_MS 500

/* ---------------------------------------------------------------- is it there, who are we */

/* The cause that librdkafka has told about the connection, in the order of worth. */
static void take_cause(rd_kafka_queue_t *q, struct err *cause)
{
    rd_kafka_event_t *ev;

    while ((ev = rd_kafka_queue_poll(q, 0)) != NULL) {
        rd_kafka_resp_err_t code = rd_kafka_event_error(ev);

        if (rd_kafka_event_type(ev) == RD_KAFKA_EVENT_ERROR &&
            code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && cause->class != ERR_AUTH)
            (void)kafka_err(cause, code, "%s", rd_kafka_event_error_string(ev));
        rd_kafka_event_destroy(ev);
    }
}

static bool signs_in(const struct config *c)
{
    for (size_t i = 0; i < c->kafka.properties.count; i++)
        if (strcmp(c->kafka.properties.items[i].name, "security.protocol") == 0)
            return strcasestr(c->kafka.properties.items[i].value, "sasl") != NULL ||
                   strcasestr(c->kafka.properties.items[i].value, "ssl") != NULL;
    return false;
}

static void judge_reached(struct check_kafka *d, bool reached, const struct err *cause)
{
    const char *servers = d->c->kafka.bootstrap_servers;
    bool refused = cause->class == ERR_AUTH;

    if (reached)
        check_add(d->report, CHECK_COMPLETED, "reachable", NULL, NULL, "%s: %d broker%s", servers,
                  d->all->broker_cnt, d->all->broker_cnt == 1 ? "" : "s");
    else if (refused)
        check_add(d->report, CHECK_COMPLETED, "reachable", NULL, NULL, "%s answers", servers);
    else
        check_add_err(d->report, "reachable", NULL, cause);
    if (!signs_in(d->c))
        check_add(d->report, CHECK_SKIPPED, "sign-in", NULL, NULL,
                  "security.protocol is plaintext: nobody signs in");
    else if (reached)
        check_add(d->report, CHECK_COMPLETED, "sign-in", NULL, NULL,
                  "the brokers take the connection");
    else if (refused)
        check_add_err(d->report, "sign-in", NULL, cause);
    else
        check_add(d->report, CHECK_SKIPPED, "sign-in", NULL, NULL, "no broker can be reached");
}

/* Refused sign-ins are tried again by librdkafka until the time is over; a second is enough. */
static bool reach(struct check_kafka *d, struct err *e)
{
    rd_kafka_queue_t *q = rd_kafka_queue_get_main(d->rk);
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__TRANSPORT;
    usec_t end = clock_now() + ASK_MS * USEC_MS;

    err_clear(e);
    while (d->all == NULL && clock_now() < end && e->class != ERR_AUTH) {
        code = rd_kafka_metadata(d->rk, 1, NULL, &d->all, SLICE_MS);
        take_cause(q, e);
    }
    rd_kafka_queue_destroy(q);
    if (d->all == NULL && e->class == ERR_NONE)
        (void)kafka_err(e, code, "no broker of %s answers", d->c->kafka.bootstrap_servers);
    return d->all != NULL;
}

/* ---------------------------------------------------------------- the topics */

static struct check_topic *find(struct check_kafka *d, const char *name)
{
    for (size_t i = 0; i < d->count; i++)
        if (strcmp(d->topics[i].wish.name, name) == 0)
            return &d->topics[i];
    return NULL;
}

static void add_topic(struct check_kafka *d, const struct topic_wish *wish, bool own, bool read)
{
    struct check_topic *t;

    if (find(d, wish->name) != NULL)
        return;
    d->topics = xrealloc(d->topics, d->count + 1, sizeof *d->topics);
    t = &d->topics[d->count++];
    *t = (struct check_topic){.wish = *wish, .own = own, .wanted_read = read};
    t->create = d->c->topics.create;
}

static void list_topics(struct check_kafka *d)
{
    struct topic_wish *wishes = xcalloc(run_topics_room(d->c), sizeof *wishes);
    size_t n = run_topics_wishes(d->c, wishes);

    for (size_t i = 0; i < d->c->consumers_count; i++)
        for (size_t k = 0; k < d->c->consumers[i].topics.count; k++) {
            const struct topic_wish alerts = {.name = d->c->consumers[i].topics.items[k]};

            if (alerts.name[0] != '^')
                add_topic(d, &alerts, false, true);
        }
    for (size_t i = 0; i < n; i++)
        add_topic(d, &wishes[i], true, strcmp(wishes[i].name, d->c->topics.state) == 0);
    free(wishes);
}

static void judge_patterns(struct check_kafka *d)
{
    for (size_t i = 0; i < d->c->consumers_count; i++)
        for (size_t k = 0; k < d->c->consumers[i].topics.count; k++) {
            const char *pattern = d->c->consumers[i].topics.items[k];
            regex_t regex;
            int fits = 0;

            if (pattern[0] != '^' || regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
                continue;
            for (int n = 0; n < d->all->topic_cnt; n++)
                fits += find(d, d->all->topics[n].topic) == NULL &&
                                regexec(&regex, d->all->topics[n].topic, 0, NULL, 0) == 0
                            ? 1
                            : 0;
            regfree(&regex);
            check_judge_pattern(d->report, pattern, fits);
        }
}

/* The list of all topics leaves out what we may not see, so what is not in it is asked for. */
static void ask_topic(struct check_kafka *d, struct check_topic *t)
{
    rd_kafka_topic_t *rkt;
    const struct rd_kafka_metadata *md = NULL;
    rd_kafka_resp_err_t code;

    for (int i = 0; i < d->all->topic_cnt; i++)
        if (strcmp(d->all->topics[i].topic, t->wish.name) == 0 &&
            d->all->topics[i].err == RD_KAFKA_RESP_ERR_NO_ERROR)
            t->partitions = d->all->topics[i].partition_cnt;
    if (t->partitions > 0)
        return;
    rkt = rd_kafka_topic_new(d->rk, t->wish.name, NULL);
    code = rkt == NULL ? rd_kafka_last_error() : rd_kafka_metadata(d->rk, 0, rkt, &md, ASK_MS);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && md != NULL && md->topic_cnt > 0) {
        code = md->topics[0].err;
        t->partitions = code == RD_KAFKA_RESP_ERR_NO_ERROR ? md->topics[0].partition_cnt : 0;
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART &&
        code != RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
        (void)kafka_err(&t->err, code, "the topic %s cannot be used", t->wish.name);
    if (md != NULL)
        rd_kafka_metadata_destroy(md);
    if (rkt != NULL)
        rd_kafka_topic_destroy(rkt);
}

/* Waits for the answer to an admin call. NULL: none came. */
static rd_kafka_event_t *answer_of(rd_kafka_queue_t *q)
{
    return rd_kafka_queue_poll(q, 2 * ASK_MS);
}

static rd_kafka_AdminOptions_t *options_new(struct check_kafka *d, rd_kafka_admin_op_t op)
{
    rd_kafka_AdminOptions_t *o = rd_kafka_AdminOptions_new(d->rk, op);
    char why[256];

    (void)rd_kafka_AdminOptions_set_request_timeout(o, ASK_MS, why, sizeof why);
    if (op == RD_KAFKA_ADMIN_OP_CREATETOPICS)
        (void)rd_kafka_AdminOptions_set_validate_only(o, 1, why, sizeof why);
    return o;
}

static void take_setting(struct check_topic *t, const char *name, const char *value)
{
    if (value != NULL && strcmp(name, "cleanup.policy") == 0 && t->policy == NULL)
        t->policy = xstrdup(value);
    else if (value != NULL && strcmp(name, "max.message.bytes") == 0 &&
             text_to_int(value, &t->bytes) != 0)
        t->bytes = 0;
}

static void take_settings(struct check_kafka *d, rd_kafka_event_t *ev)
{
    const rd_kafka_DescribeConfigs_result_t *result = rd_kafka_event_DescribeConfigs_result(ev);
    const rd_kafka_ConfigResource_t **resources;
    size_t n = 0, settings;

    if (result == NULL)
        return;
    resources = rd_kafka_DescribeConfigs_result_resources(result, &n);
    for (size_t i = 0; i < n; i++) {
        struct check_topic *t = find(d, rd_kafka_ConfigResource_name(resources[i]));
        const rd_kafka_ConfigEntry_t **entries =
            rd_kafka_ConfigResource_configs(resources[i], &settings);

        for (size_t k = 0; t != NULL && k < settings; k++)
            take_setting(t, rd_kafka_ConfigEntry_name(entries[k]),
                         rd_kafka_ConfigEntry_value(entries[k]));
    }
}

static void ask_settings(struct check_kafka *d, rd_kafka_queue_t *q)
{
    rd_kafka_ConfigResource_t **resources = xcalloc(d->count + 1, sizeof(void *));
    rd_kafka_AdminOptions_t *options = options_new(d, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_event_t *ev;
    size_t n = 0;

    for (size_t i = 0; i < d->count; i++)
        if (d->topics[i].own && d->topics[i].partitions > 0)
            resources[n++] =
                rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, d->topics[i].wish.name);
    if (n > 0) {
        rd_kafka_DescribeConfigs(d->rk, resources, n, options, q);
        ev = answer_of(q);
        if (ev != NULL)
            take_settings(d, ev);
        rd_kafka_event_destroy(ev);
    }
    rd_kafka_ConfigResource_destroy_array(resources, n);
    free(resources);
    rd_kafka_AdminOptions_destroy(options);
}

static void take_creation(struct check_topic *t, rd_kafka_resp_err_t code, const char *text)
{
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
        t->creatable = CHECK_YES;
        return;
    }
    t->creatable = CHECK_NO;
    (void)kafka_err(&t->create_err, code,
                    "the topic %s is missing and the bridge may not make it (%s)", t->wish.name,
                    text == NULL ? "no further text" : text);
}

static void ask_creation(struct check_kafka *d, struct check_topic *t, rd_kafka_queue_t *q)
{
    rd_kafka_AdminOptions_t *options = options_new(d, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    char why[256];
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(t->wish.name, t->wish.partitions,
                                                       t->wish.replication_factor, why, sizeof why);
    const rd_kafka_topic_result_t **results;
    rd_kafka_event_t *ev;
    size_t n = 0;

    if (topic == NULL) {
        t->creatable = CHECK_NO;
        (void)err_set(&t->create_err, ERR_CONFIG, "kafka-topic-settings",
                      "the topic %s cannot be made as configured: %s", t->wish.name, why);
    } else {
        rd_kafka_CreateTopics(d->rk, &topic, 1, options, q);
        ev = answer_of(q);
        if (ev != NULL && rd_kafka_event_error(ev) != RD_KAFKA_RESP_ERR_NO_ERROR) {
            take_creation(t, rd_kafka_event_error(ev), rd_kafka_event_error_string(ev));
        } else if (ev != NULL) {
            results =
                rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(ev), &n);
            if (n > 0)
                take_creation(t, rd_kafka_topic_result_error(results[0]),
                              rd_kafka_topic_result_error_string(results[0]));
        }
        rd_kafka_event_destroy(ev);
        rd_kafka_NewTopic_destroy(topic);
    }
    rd_kafka_AdminOptions_destroy(options);
}

static void ask_topics(struct check_kafka *d)
{
    rd_kafka_queue_t *q = rd_kafka_queue_new(d->rk);

    for (size_t i = 0; i < d->count; i++)
        ask_topic(d, &d->topics[i]);
    ask_settings(d, q);
    for (size_t i = 0; i < d->count; i++) {
        struct check_topic *t = &d->topics[i];

        if (t->own && t->create && t->partitions == 0 && t->err.class == ERR_NONE)
            ask_creation(d, t, q);
    }
    rd_kafka_queue_destroy(q);
}

void check_kafka(struct check_report *r, const struct config *c, const struct check_options *o)
{
    struct check_kafka d = {.c = c, .report = r, .options = o};
    struct err e;
    rd_kafka_conf_t *conf = kafka_conf_new(c, KAFKA_PRODUCER, NULL, &e);

    d.rk = conf == NULL ? NULL : kafka_new(conf, KAFKA_PRODUCER, &e);
    if (d.rk == NULL) {
        check_add_err(r, "reachable", NULL, &e);
        return;
    }
    judge_reached(&d, reach(&d, &e), &e);
    list_topics(&d);
    if (d.all != NULL) {
        ask_topics(&d);
        judge_patterns(&d);
        check_rights(&d);
    }
    for (size_t i = 0; i < d.count; i++) {
        if (d.all != NULL)
            check_judge_topic(r, &d.topics[i]);
        else
            check_add(r, CHECK_SKIPPED, "topic", d.topics[i].wish.name, NULL,
                      "no broker can be asked");
        free(d.topics[i].policy);
    }
    free(d.topics);
    if (d.all != NULL)
        rd_kafka_metadata_destroy(d.all);
    rd_kafka_destroy(d.rk);
}
