/* What the log says about subscribed topics and connections. librdkafka repeats errors and never
 * says that one is over; so an error only starts a look at the metadata, which is repeated until
 * all is well, and each change is one line. */
#include <string.h>

#include "bridge/kafka/group_internal.h"

#define WATCH_INTERVAL (5 * USEC_S)
#define SAY_INTERVAL   (60 * USEC_S)

static void watch_soon(struct group *g, usec_t when)
{
    if (g->watch_waits == 0)
        g->watch_due = usec_min(g->watch_due, when);
    loop_again(g->loop);
}

static void say_trouble(const struct group_name *name, rd_kafka_resp_err_t code)
{
    struct err error;

    if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
        log_warn("topic-missing",
                 "topic=%s\tThe subscribed topic does not exist; reading begins when it does",
                 name->name);
        return;
    }
    (void)kafka_err(&error, code, "the subscribed topic %s cannot be used", name->name);
    log_error("topic-error", "topic=%s code=%s\t%s. It is tried again; this is said once",
              name->name, error.code, error.text);
}

static void set_trouble(struct group_name *name, rd_kafka_resp_err_t code)
{
    if (code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE) /* just being made */
        code = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (name->trouble == code)
        return;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        log_info("topic-healed", "topic=%s\tThe subscribed topic can be used now", name->name);
    else
        say_trouble(name, code);
    name->trouble = code;
}

static bool all_well(const struct group *g)
{
    for (size_t i = 0; i < g->subscribed.count; i++)
        if (g->subscribed.items[i].trouble != RD_KAFKA_RESP_ERR_NO_ERROR &&
            !g->subscribed.items[i].pattern)
            return false;
    return !g->link.down && !g->link.refused;
}

static void on_metadata(void *arg, const struct rd_kafka_metadata *md, const struct err *error,
                        usec_t now)
{
    struct group *g = arg;

    g->watch_waits--;
    if (error == NULL)
        kafka_link_ok(&g->link);
    for (int i = 0; error == NULL && i < md->topic_cnt; i++)
        for (size_t n = 0; n < g->subscribed.count; n++)
            if (strcmp(g->subscribed.items[n].name, md->topics[i].topic) == 0)
                set_trouble(&g->subscribed.items[n], md->topics[i].err);
    if (g->watch_waits == 0 && !all_well(g))
        watch_soon(g, usec_add(now, WATCH_INTERVAL));
}

static void ask_all(struct group *g)
{
    for (size_t i = 0; i < g->subscribed.count; i++) {
        if (g->subscribed.items[i].pattern)
            continue;
        lookup_metadata(g->lookup, g->subscribed.items[i].name, on_metadata, g);
        g->watch_waits++;
    }
    if (g->watch_waits == 0) { /* patterns only: any answer shows that the cluster is there */
        lookup_metadata(g->lookup, NULL, on_metadata, g);
        g->watch_waits++;
    }
}

static void on_pattern(struct group *g, const char *text)
{
    for (size_t i = 0; i < g->subscribed.count; i++) {
        struct group_name *name = &g->subscribed.items[i];

        if (!name->pattern || strstr(text, name->name) == NULL)
            continue;
        if (name->trouble == RD_KAFKA_RESP_ERR_NO_ERROR)
            log_warn("topic-missing",
                     "topic=%s\tNo topic matches the expression; reading begins when one does",
                     name->name);
        name->trouble = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    }
}

bool group_names_topic(const struct group *g, const char *topic)
{
    for (size_t i = 0; i < g->subscribed.count; i++)
        if (strcmp(g->subscribed.items[i].name, topic) == 0)
            return true;
    return false;
}

/* A topic that nobody named came by an expression. */
void group_watch_assigned(struct group *g)
{
    bool matched = false;

    for (size_t i = 0; i < g->parts.count && !matched; i++)
        matched = !group_names_topic(g, g->parts.items[i].topic);
    for (size_t i = 0; matched && i < g->subscribed.count; i++)
        if (g->subscribed.items[i].pattern)
            set_trouble(&g->subscribed.items[i], RD_KAFKA_RESP_ERR_NO_ERROR);
}

static bool is_topic_error(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
           code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
           code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
           code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
           code == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION;
}

static void say_other(struct group *g, rd_kafka_resp_err_t code, const char *text, usec_t now)
{
    unsigned skipped;

    if (code == RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED)
        group_doubt(g, 4 * g->poll_interval, true, now);
    if (code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED) {
        if (!g->refused_said)
            log_error("kafka-acl",
                      "group=%s\tThe broker does not let the bridge use this consumer group (%s); "
                      "it needs the right to read the group. It is tried again",
                      g->id, text);
        g->refused_said = true;
    } else if (log_limit_pass(&g->other_errors, now, SAY_INTERVAL, &skipped)) {
        log_warn("kafka-error", "client=consumer code=%s not_said=%u\t%s", rd_kafka_err2name(code),
                 skipped, text);
    }
}

bool group_watch_error(struct group *g, rd_kafka_event_t *ev, usec_t now)
{
    rd_kafka_resp_err_t code = rd_kafka_event_error(ev);
    const char *text = rd_kafka_event_error_string(ev);

    if (kafka_link_error(&g->link, ev)) {
        if (!all_well(g))
            watch_soon(g, usec_add(now, WATCH_INTERVAL));
        return true;
    }
    if (rd_kafka_event_error_is_fatal(ev))
        return false;
    if (is_topic_error(code)) {
        on_pattern(g, text);
        watch_soon(g, now);
    } else {
        say_other(g, code, text, now);
    }
    return true;
}

usec_t group_watch_tick(struct group *g, usec_t now)
{
    if (now < g->watch_due)
        return g->watch_due;
    g->watch_due = USEC_NEVER;
    ask_all(g);
    return USEC_NEVER;
}
