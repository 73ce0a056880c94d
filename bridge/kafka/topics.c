/* topics_ensure: look (metadata), make what is missing (CreateTopics), look again until the cluster
 * has settled, compare the settings of what was there before (DescribeConfigs). One step at a time;
 * each answer leads to `next_step`. A topic's own trouble stays with it; only a cluster that cannot
 * be asked ends the whole. The object frees itself when the answer is given. */
#include "bridge/kafka/topics.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/log.h"
#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "bridge/kafka/client.h"

#define REQUEST_MS   10000
#define COMPARE_MS   2000 /* settings only lead to warnings: the start does not wait for them */
#define SETTLE_WAIT  (200 * USEC_MS)
#define SETTLE_TRIES 25

enum step { LOOK, MAKE, SETTLE, COMPARE, ANSWER };

struct want {
    struct topic_wish wish;
    struct topic_state state;
    bool missing; /* the cluster has said so */
    bool made;    /* by us or by somebody else, a moment ago */
};

struct topics {
    struct loop *loop;
    struct lookup *lookup;
    struct output *output;
    rd_kafka_t *rk;
    struct want *wants;
    size_t count, answered;
    bool create;
    topics_fn fn;
    void *arg;
    enum step step;
    int tries;
    usec_t due; /* of the next step; USEC_NEVER: an answer is awaited */
    struct err err;
    rd_kafka_queue_t *queue;
    struct kafka_events *events;
    struct loop_tick *tick;
};

static void topics_free(struct topics *t)
{
    loop_remove_tick(t->loop, t->tick);
    t->events = kafka_events_free(t->events);
    rd_kafka_queue_destroy(t->queue);
    for (size_t i = 0; i < t->count; i++)
        free((void *)(uintptr_t)t->wants[i].wish.name);
    free(t->wants);
    free(t);
}

void topics_cancel(struct topics *t)
{
    if (t == NULL)
        return;
    lookup_cancel(t->lookup, t);
    topics_free(t);
}

static void answer(struct topics *t, usec_t now)
{
    struct topic_state *states = xcalloc(t->count + 1, sizeof *states);

    for (size_t i = 0; i < t->count; i++)
        states[i] = t->wants[i].state;
    if (t->err.class == ERR_NONE)
        t->fn(t->arg, states, t->count, NULL, now);
    else
        t->fn(t->arg, NULL, 0, &t->err, now);
    free(states);
    topics_free(t);
}

static void go(struct topics *t, enum step step, usec_t due)
{
    t->step = step;
    t->due = due;
    loop_again(t->loop);
}

static bool missing(const struct want *w)
{
    return w->missing && !w->made && w->state.err.class == ERR_NONE;
}

static bool unsettled(const struct want *w)
{
    return w->made && w->state.partitions == 0 && w->state.err.class == ERR_NONE;
}

static bool was_there(const struct want *w)
{
    return w->state.exists && !w->state.created;
}

static size_t count_wants(const struct topics *t, bool (*is)(const struct want *w))
{
    size_t n = 0;

    for (size_t i = 0; i < t->count; i++)
        n += is(&t->wants[i]) ? 1 : 0;
    return n;
}

static void take_metadata(struct want *w, const struct rd_kafka_metadata_topic *topic)
{
    if (topic->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
        w->missing = true;
        return;
    }
    if (topic->err != RD_KAFKA_RESP_ERR_NO_ERROR &&
        topic->err != RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE) {
        (void)kafka_err(&w->state.err, topic->err, "the topic %s cannot be used", w->wish.name);
        return;
    }
    w->missing = false;
    w->state.exists = topic->partition_cnt > 0;
    w->state.partitions = topic->partition_cnt;
}

/* Which step follows when all questions of a look are answered. */
static void looked(struct topics *t, usec_t now)
{
    if (t->err.class != ERR_NONE)
        go(t, ANSWER, now);
    else if (t->create && count_wants(t, missing) > 0)
        go(t, MAKE, now);
    else if (count_wants(t, unsettled) > 0 && t->tries++ < SETTLE_TRIES)
        go(t, SETTLE, usec_add(now, SETTLE_WAIT));
    else
        go(t, count_wants(t, was_there) > 0 ? COMPARE : ANSWER, now);
}

static void on_metadata(void *arg, const struct rd_kafka_metadata *md, const struct err *error,
                        usec_t now)
{
    struct topics *t = arg;
    struct want *w = &t->wants[t->answered++]; /* answers come in the order of the questions */

    if (error != NULL)
        t->err = *error;
    else
        output_answered(t->output);
    if (error == NULL && md->topic_cnt > 0)
        take_metadata(w, &md->topics[0]);
    if (t->answered == t->count)
        looked(t, now);
}

static void step_look(struct topics *t, usec_t now)
{
    t->answered = 0;
    for (size_t i = 0; i < t->count; i++)
        lookup_metadata(t->lookup, t->wants[i].wish.name, on_metadata, t);
    if (t->count == 0)
        go(t, ANSWER, now);
}

static rd_kafka_NewTopic_t *new_topic(struct want *w)
{
    const struct topic_wish *wish = &w->wish;
    char why[256];
    char *bytes;
    rd_kafka_NewTopic_t *topic;

    topic = rd_kafka_NewTopic_new(wish->name, wish->partitions, wish->replication_factor, why,
                                  sizeof why);
    if (topic == NULL) {
        (void)err_set(&w->state.err, ERR_CONFIG, "kafka-topic-settings",
                      "the topic %s cannot be made with %d partitions and %d replicas: %s",
                      wish->name, (int)wish->partitions, (int)wish->replication_factor, why);
        return NULL;
    }
    (void)rd_kafka_NewTopic_set_config(topic, "cleanup.policy",
                                       wish->compacted ? "compact" : "delete");
    if (wish->max_message_bytes > 0) {
        bytes = xasprintf("%lld", wish->max_message_bytes);
        (void)rd_kafka_NewTopic_set_config(topic, "max.message.bytes", bytes);
        free(bytes);
    }
    return topic;
}

static rd_kafka_AdminOptions_t *options_new(struct topics *t, rd_kafka_admin_op_t op)
{
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(t->rk, op);
    char why[256];

    (void)rd_kafka_AdminOptions_set_request_timeout(
        options, op == RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS ? COMPARE_MS : REQUEST_MS, why,
        sizeof why);
    if (op == RD_KAFKA_ADMIN_OP_CREATETOPICS)
        (void)rd_kafka_AdminOptions_set_operation_timeout(options, REQUEST_MS / 2, why, sizeof why);
    return options;
}

static void step_make(struct topics *t, usec_t now)
{
    rd_kafka_NewTopic_t **topics = xcalloc(t->count, sizeof(rd_kafka_NewTopic_t *));
    rd_kafka_AdminOptions_t *options = options_new(t, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    size_t n = 0;

    for (size_t i = 0; i < t->count; i++)
        if (missing(&t->wants[i]) && (topics[n] = new_topic(&t->wants[i])) != NULL)
            n++;
    if (n > 0)
        rd_kafka_CreateTopics(t->rk, topics, n, options, t->queue);
    else
        looked(t, now);
    rd_kafka_NewTopic_destroy_array(topics, n);
    free(topics);
    rd_kafka_AdminOptions_destroy(options);
}

static struct want *find(struct topics *t, const char *name)
{
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->wants[i].wish.name, name) == 0)
            return &t->wants[i];
    return NULL;
}

static void take_created(struct want *w, rd_kafka_resp_err_t code, const char *text)
{
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        w->made = w->state.created = true;
        log_info("topic-created",
                 "topic=%s policy=%s\tThe topic was missing and has been made; its settings can be "
                 "changed with Kafka's own tools",
                 w->wish.name, w->wish.compacted ? "compact" : "delete");
    } else if (code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
        w->made = true;
    } else {
        (void)kafka_err(&w->state.err, code,
                        "the topic %s is missing and could not be made (%s); make it by hand or "
                        "give the bridge the right to",
                        w->wish.name, text == NULL ? "no further text" : text);
    }
}

static void on_created(struct topics *t, rd_kafka_event_t *ev, usec_t now)
{
    const rd_kafka_topic_result_t **results;
    rd_kafka_resp_err_t code = rd_kafka_event_error(ev);
    size_t n = 0;

    for (size_t i = 0; code != RD_KAFKA_RESP_ERR_NO_ERROR && i < t->count; i++)
        if (missing(&t->wants[i]))
            take_created(&t->wants[i], code, rd_kafka_event_error_string(ev));
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        looked(t, now);
        return;
    }
    results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(ev), &n);
    for (size_t i = 0; i < n; i++) {
        struct want *w = find(t, rd_kafka_topic_result_name(results[i]));

        if (w != NULL)
            take_created(w, rd_kafka_topic_result_error(results[i]),
                         rd_kafka_topic_result_error_string(results[i]));
    }
    go(t, LOOK, now);
}

static void step_compare(struct topics *t)
{
    rd_kafka_ConfigResource_t **resources = xcalloc(t->count, sizeof(rd_kafka_ConfigResource_t *));
    rd_kafka_AdminOptions_t *options = options_new(t, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    size_t n = 0;

    for (size_t i = 0; i < t->count; i++)
        if (was_there(&t->wants[i]))
            resources[n++] =
                rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, t->wants[i].wish.name);
    rd_kafka_DescribeConfigs(t->rk, resources, n, options, t->queue);
    rd_kafka_ConfigResource_destroy_array(resources, n);
    free(resources);
    rd_kafka_AdminOptions_destroy(options);
}

static void compare_policy(struct want *w, const char *value)
{
    bool compacted = strstr(value, "compact") != NULL;

    if (w->wish.compacted && !compacted)
        (void)err_set(&w->state.err, ERR_CONFIG, "topic-not-compacted",
                      "the topic %s has cleanup.policy=%s, but its newest records have to stay for "
                      "good: set cleanup.policy=compact",
                      w->wish.name, value);
    else if (!w->wish.compacted && compacted)
        (void)err_set(&w->state.err, ERR_CONFIG, "topic-compacted",
                      "the topic %s has cleanup.policy=%s, which refuses records without a key: "
                      "set cleanup.policy=delete",
                      w->wish.name, value);
}

static void compare_size(struct want *w, const char *value)
{
    long long bytes;

    if (text_to_int(value, &bytes) != 0 || bytes >= w->wish.max_message_bytes ||
        w->state.err.class != ERR_NONE)
        return;
    (void)err_set(&w->state.err, ERR_CONFIG, "topic-small-messages",
                  "the topic %s has max.message.bytes=%lld, less than the %lld that the largest "
                  "records need: raise it, or such records are cut",
                  w->wish.name, bytes, w->wish.max_message_bytes);
}

static void not_compared(const char *topic, const char *text)
{
    log_info("topic-settings-unknown",
             "topic=%s\tThe settings of the topic cannot be read (%s), so they are not checked",
             topic, text);
}

static void compare(struct topics *t, const rd_kafka_ConfigResource_t *r)
{
    struct want *w = find(t, rd_kafka_ConfigResource_name(r));
    const rd_kafka_ConfigEntry_t **entries;
    size_t n = 0;

    if (w == NULL)
        return;
    if (rd_kafka_ConfigResource_error(r) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        not_compared(w->wish.name, rd_kafka_err2str(rd_kafka_ConfigResource_error(r)));
        return;
    }
    entries = rd_kafka_ConfigResource_configs(r, &n);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < n; i++) {
            const char *name = rd_kafka_ConfigEntry_name(entries[i]);
            const char *value = rd_kafka_ConfigEntry_value(entries[i]);

            if (value == NULL)
                continue;
            if (pass == 0 && strcmp(name, "cleanup.policy") == 0)
                compare_policy(w, value);
            else if (pass == 1 && strcmp(name, "max.message.bytes") == 0)
                compare_size(w, value);
        }
    }
}

static void on_described(struct topics *t, rd_kafka_event_t *ev, usec_t now)
{
    const rd_kafka_ConfigResource_t **resources;
    size_t n = 0;

    if (rd_kafka_event_error(ev) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        not_compared("*", rd_kafka_event_error_string(ev));
    } else {
        resources = rd_kafka_DescribeConfigs_result_resources(
            rd_kafka_event_DescribeConfigs_result(ev), &n);
        for (size_t i = 0; i < n; i++)
            compare(t, resources[i]);
    }
    go(t, ANSWER, now);
}

static bool on_events(void *arg, rd_kafka_queue_t *q, usec_t now)
{
    struct topics *t = arg;
    rd_kafka_event_t *ev;

    while ((ev = rd_kafka_queue_poll(q, 0)) != NULL) {
        if (rd_kafka_event_type(ev) == RD_KAFKA_EVENT_CREATETOPICS_RESULT)
            on_created(t, ev, now);
        else if (rd_kafka_event_type(ev) == RD_KAFKA_EVENT_DESCRIBECONFIGS_RESULT)
            on_described(t, ev, now);
        rd_kafka_event_destroy(ev);
    }
    return false;
}

/* What is said of a topic that is still not there at the end. */
static void explain_missing(struct topics *t)
{
    for (size_t i = 0; i < t->count; i++) {
        struct want *w = &t->wants[i];

        if (w->state.exists || w->state.err.class != ERR_NONE)
            continue;
        if (w->made)
            (void)err_set(&w->state.err, ERR_RETRY, "kafka-topic-missing",
                          "the topic %s was made, but the cluster does not show it yet",
                          w->wish.name);
        else
            (void)err_set(&w->state.err, ERR_CONFIG, "kafka-topic-missing",
                          "the topic %s does not exist, and topics.create is off: make it by hand",
                          w->wish.name);
    }
}

static usec_t on_tick(void *arg, usec_t now)
{
    struct topics *t = arg;

    if (now < t->due)
        return t->due;
    t->due = USEC_NEVER;
    switch (t->step) {
    case LOOK:
    case SETTLE:
        step_look(t, now);
        break;
    case MAKE:
        step_make(t, now);
        break;
    case COMPARE:
        step_compare(t);
        break;
    case ANSWER:
        explain_missing(t);
        answer(t, now);
        break;
    }
    return USEC_NEVER;
}

struct topics *topics_ensure(struct loop *l, struct lookup *k, struct output *o,
                             const struct topic_wish *wishes, size_t n, bool create, topics_fn fn,
                             void *arg)
{
    struct topics *t = xcalloc(1, sizeof *t);

    *t = (struct topics){.loop = l,
                         .lookup = k,
                         .output = o,
                         .rk = output_handle(o),
                         .wants = xcalloc(n + 1, sizeof *t->wants),
                         .count = n,
                         .create = create,
                         .fn = fn,
                         .arg = arg};
    err_clear(&t->err);
    for (size_t i = 0; i < n; i++) {
        t->wants[i].wish = wishes[i];
        t->wants[i].wish.name = xstrdup(wishes[i].name);
        t->wants[i].state.name = t->wants[i].wish.name;
        err_clear(&t->wants[i].state.err);
    }
    t->queue = rd_kafka_queue_new(t->rk);
    t->events = kafka_events_new(l, t->queue, on_events, t);
    t->tick = loop_add_tick(l, on_tick, t);
    go(t, LOOK, loop_now(l));
    return t;
}
