/* The consumer group: the handle, its six queues on the loop, and the way events take from there.
 * The consumer queue carries rebalances and errors only, since every partition is forwarded to the
 * data or the state queue before it is assigned. Polling any of the queues keeps the membership, so
 * whether the bridge still works is not for librdkafka to judge (the loop has a watchdog). */
#include "bridge/kafka/group.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "bridge/kafka/group_internal.h"

#define CLOSE_POLL      (20 * USEC_MS)
#define EVENTS_PER_TURN 64

static void names_add(struct group_names *names, const char *name)
{
    names->items = xrealloc(names->items, names->count + 1, sizeof *names->items);
    names->items[names->count++] =
        (struct group_name){.name = xstrdup(name), .pattern = name[0] == '^'};
}

static void names_done(struct group_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i].name);
    free(names->items);
}

/* The owner frees the group in a later turn: the queue that said it is still being served. */
void group_die(struct group *g, rd_kafka_resp_err_t code, const char *text, usec_t now)
{
    struct err error;

    if (g->fatal)
        return;
    g->fatal = true;
    group_take_away(g, GROUP_LOST, now);
    (void)kafka_err(&error, code, "the consumer of the group %s cannot go on (%s)", g->id, text);
    error.class = ERR_FATAL;
    g->cb.fatal(g->cb.arg, &error, now);
}

static void on_error(struct group *g, rd_kafka_event_t *ev, usec_t now)
{
    rd_kafka_topic_partition_t *where;

    if (rd_kafka_event_error_is_fatal(ev)) {
        char text[512];
        rd_kafka_resp_err_t code = rd_kafka_fatal_error(g->rk, text, sizeof text);

        group_die(g, code, text, now);
        return;
    }
    if (rd_kafka_event_error(ev) != RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
        (void)group_watch_error(g, ev, now);
        return;
    }
    where = rd_kafka_event_topic_partition(ev);
    if (where == NULL)
        return;
    group_out_of_range(g, where->topic, where->partition, where->offset, now);
    rd_kafka_topic_partition_destroy(where);
}

/* A record that came to the wrong queue is not lost: its partition is led to ours again and read
 * from where we are. */
static void on_stray(struct group *g, rd_kafka_event_t *ev)
{
    const rd_kafka_message_t *m = rd_kafka_event_message_next(ev);
    struct group_part *part;

    if (m == NULL || m->rkt == NULL || g->phase != GROUP_ASSIGNED)
        return;
    part = group_parts_find(&g->parts, rd_kafka_topic_name(m->rkt), m->partition);
    if (part == NULL)
        return;
    log_debug("kafka-stray", "topic=%s partition=%d offset=%lld\tRead again from offset %lld",
              part->topic, (int)part->partition, (long long)m->offset, (long long)part->start);
    group_forward(g, part);
    group_seek(g, part->topic, part->partition, part->start);
}

void group_doubt(struct group *g, usec_t stood, bool beyond, usec_t now)
{
    g->stalls++;
    g->stalled = g->stalled || beyond;
    g->doubt_due = now;
    metric_add(g->stalls_seen, 1);
    if (!g->doubtful)
        log_warn("kafka-membership-doubtful",
                 "group=%s ms=%lld session_ms=%lld\tThe bridge stood still (stopped, swapped out, "
                 "or no processor time), so its partitions may have been given away. Nothing is "
                 "sent for them until a commit shows that they are still ours",
                 g->id, (long long)(stood / USEC_MS), (long long)(g->session / USEC_MS));
    g->doubtful = true;
}

void group_trust(struct group *g)
{
    if (g->doubtful)
        log_info("kafka-membership-proved",
                 "group=%s epoch=%llu\tThe partitions are ours: sending goes on", g->id,
                 (unsigned long long)g->epoch);
    g->doubtful = g->stalled = false;
}

void group_note_stall(struct group *g, usec_t now)
{
    usec_t stood = now - g->last_turn;

    g->last_turn = now;
    if (g->phase != GROUP_IDLE && stood > g->session / 2)
        group_doubt(g, stood, stood > g->session, now);
}

bool group_doubtful(const struct group *g)
{
    return g->doubtful;
}

void group_serve_event(struct group *g, rd_kafka_event_t *ev, usec_t now)
{
    if (kafka_log_serve(ev))
        return;
    switch (rd_kafka_event_type(ev)) {
    case RD_KAFKA_EVENT_REBALANCE:
        group_on_rebalance(g, ev, now);
        break;
    case RD_KAFKA_EVENT_OFFSET_COMMIT:
        group_on_commit(g, ev, now);
        break;
    case RD_KAFKA_EVENT_ERROR:
        on_error(g, ev, now);
        break;
    case RD_KAFKA_EVENT_FETCH:
        on_stray(g, ev);
        break;
    default:
        break;
    }
}

static bool on_events(void *group, rd_kafka_queue_t *q, usec_t now)
{
    struct group *g = group;
    rd_kafka_event_t *ev;

    for (int i = 0; i < EVENTS_PER_TURN; i++) {
        ev = rd_kafka_queue_poll(q, 0);
        if (ev == NULL)
            return false;
        group_serve_event(g, ev, now);
        rd_kafka_event_destroy(ev);
    }
    return true;
}

/* Nothing of the group is touched after `done`: the owner may free it there. */
static usec_t close_tick(struct group *g, usec_t now)
{
    if (g->closed)
        return USEC_NEVER;
    if (!g->close_failed && !rd_kafka_consumer_closed(g->rk))
        return usec_add(now, CLOSE_POLL);
    group_take_away(g, GROUP_REVOKED, now);
    g->closed = true;
    g->done(g->done_arg, now);
    return USEC_NEVER;
}

/* An idle queue wakes nobody, and a consumer that is not polled is thrown out of its group. */
static usec_t poll_tick(struct group *g, usec_t now)
{
    if (now < g->poll_due)
        return g->poll_due;
    g->poll_due = usec_add(now, g->poll_interval);
    kafka_events_kick(g->events[QUEUE_CONSUMER]);
    return g->poll_due;
}

static usec_t on_tick(void *group, usec_t now)
{
    struct group *g = group;
    usec_t next;

    group_note_stall(g, now);
    next = usec_min(poll_tick(g, now), group_assign_tick(g, now));
    next = usec_min(next, group_commit_tick(g, now));
    next = usec_min(next, group_watch_tick(g, now));
    /* An idle loop may sleep for long; it must not look like one that stood still. */
    next = usec_min(next, usec_add(now, g->session / 2));
    return g->closing ? usec_min(next, close_tick(g, now)) : next;
}

static int subscribe(struct group *g, struct err *e)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)g->subscribed.count + 1);
    rd_kafka_resp_err_t code;

    for (size_t i = 0; i < g->subscribed.count; i++)
        (void)rd_kafka_topic_partition_list_add(list, g->subscribed.items[i].name,
                                                RD_KAFKA_PARTITION_UA);
    code = rd_kafka_subscribe(g->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    return kafka_err(e, code, "the consumer group cannot subscribe to its %zu topics",
                     g->subscribed.count);
}

/* A time-out of the handle as it is in force; `other` when it cannot be read. */
static usec_t setting(rd_kafka_t *rk, const char *name, usec_t other)
{
    char text[32];
    size_t size = sizeof text;
    long long ms;

    if (rd_kafka_conf_get(rd_kafka_conf(rk), name, text, &size) != RD_KAFKA_CONF_OK ||
        text_to_int(text, &ms) != 0)
        return other;
    return ms * USEC_MS;
}

static void metrics_init(struct group *g, struct metrics *m)
{
    g->assigned = metrics_gauge(m, "kafka_assigned_partitions", NULL,
                                "Partitions that the consumer group has given to this process.");
    g->rebalances = metrics_counter(m, "kafka_rebalances_total", NULL,
                                    "Assignments that the consumer group has made here.");
    g->lost = metrics_counter(m, "kafka_assignments_lost_total", NULL,
                              "Assignments that ended because the membership ran out.");
    g->stalls_seen = metrics_counter(m, "kafka_stalls_total", NULL,
                                     "Turns of the loop that were late by more than half the "
                                     "session time-out.");
    g->commits_ok = metrics_counter(m, "kafka_commits_total", "result=\"stored\"",
                                    "Commits of offsets, by result.");
    g->commits_failed = metrics_counter(m, "kafka_commits_total", "result=\"failed\"",
                                        "Commits of offsets, by result.");
}

static void queues_init(struct group *g)
{
    static const kafka_events_fn serve[QUEUES] = {
        [QUEUE_CONSUMER] = on_events,   [QUEUE_MAIN] = on_events,
        [QUEUE_REPLY] = on_events,      [QUEUE_DATA] = group_on_data,
        [QUEUE_STATE] = group_on_state, [QUEUE_ADMIN] = group_on_admin,
    };

    g->queues[QUEUE_CONSUMER] = rd_kafka_queue_get_consumer(g->rk);
    g->queues[QUEUE_MAIN] = rd_kafka_queue_get_main(g->rk);
    g->queues[QUEUE_REPLY] = rd_kafka_queue_new(g->rk);
    g->queues[QUEUE_DATA] = rd_kafka_queue_new(g->rk);
    g->queues[QUEUE_STATE] = rd_kafka_queue_new(g->rk);
    g->queues[QUEUE_ADMIN] = rd_kafka_queue_new(g->rk);
    for (int i = 0; i < QUEUES; i++)
        g->events[i] = kafka_events_new(g->loop, g->queues[i], serve[i], g);
}

struct group *group_new(struct loop *l, const struct config *c, const char *const *topics,
                        size_t topics_count, const char *const *excluded, size_t excluded_count,
                        const char *state_topic, struct lookup *k, const struct group_callbacks *cb,
                        struct metrics *m, struct err *e)
{
    rd_kafka_conf_t *conf = kafka_conf_new(c, KAFKA_CONSUMER, NULL, e);
    rd_kafka_t *rk = conf == NULL ? NULL : kafka_new(conf, KAFKA_CONSUMER, e);
    struct group *g;

    if (rk == NULL)
        return NULL;
    g = xcalloc(1, sizeof *g);
    *g = (struct group){.loop = l,
                        .cb = *cb,
                        .lookup = k,
                        .rk = rk,
                        .id = xstrdup(c->kafka.group_id),
                        .state_topic = xstrdup(state_topic),
                        .member = xstrdup(""),
                        .alert_topics = topics_count,
                        .ask_due = USEC_NEVER,
                        .watch_due = USEC_NEVER,
                        .session = setting(rk, "session.timeout.ms", 10 * USEC_S),
                        .poll_interval = setting(rk, "max.poll.interval.ms", 60 * USEC_S) / 4,
                        .doubt_due = USEC_NEVER,
                        .last_turn = loop_now(l),
                        .link.client = "consumer"};
    /* An idle wait must not look like a stall. */
    g->poll_interval = usec_min(g->poll_interval, g->session / 4);
    for (size_t i = 0; i < topics_count; i++)
        names_add(&g->subscribed, topics[i]);
    if (state_topic != NULL)
        names_add(&g->subscribed, state_topic);
    for (size_t i = 0; i < excluded_count; i++)
        names_add(&g->excluded, excluded[i]);
    metrics_init(g, m);
    queues_init(g);
    g->tick = loop_add_tick(l, on_tick, g);
    if (subscribe(g, e) != 0)
        return group_free(g);
    return g;
}

static rd_kafka_topic_partition_list_t *one(const char *topic, int32_t partition, int64_t offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);

    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = offset;
    return list;
}

static struct group_part *assigned_part(struct group *g, const char *topic, int32_t partition)
{
    if (g->phase != GROUP_ASSIGNED)
        return NULL;
    return group_parts_find(&g->parts, topic, partition);
}

void group_pause(struct group *g, const char *topic, int32_t partition)
{
    struct group_part *part = assigned_part(g, topic, partition);
    rd_kafka_topic_partition_list_t *list;

    if (part == NULL)
        return;
    list = one(topic, partition, 0);
    (void)rd_kafka_pause_partitions(g->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    part->paused = true;
    part->barrier = g->batch;
}

void group_resume(struct group *g, const char *topic, int32_t partition, int64_t offset)
{
    struct group_part *part = assigned_part(g, topic, partition);
    rd_kafka_topic_partition_list_t *list;

    if (part == NULL || !part->paused)
        return;
    list = one(topic, partition, 0);
    (void)rd_kafka_resume_partitions(g->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    part->paused = false;
    group_seek(g, topic, partition, offset);
}

/* The seek also wakes the fetcher, which may sleep for up to a second after a resume. */
void group_seek(struct group *g, const char *topic, int32_t partition, int64_t offset)
{
    struct group_part *part = assigned_part(g, topic, partition);
    rd_kafka_topic_partition_list_t *list;
    rd_kafka_error_t *error;

    if (part == NULL)
        return;
    group_part_move(part, offset);
    part->barrier = g->batch;
    if (part->sent > part->next) /* the owner knows that the topic begins anew */
        part->sent = GROUP_NO_OFFSET;
    if (part->stopped) {
        part->stopped = false;
        g->restart = true;
        loop_again(g->loop);
        return;
    }
    list = one(topic, partition, offset);
    error = rd_kafka_seek_partitions(g->rk, list, 0);
    if (error != NULL)
        rd_kafka_error_destroy(error);
    rd_kafka_topic_partition_list_destroy(list);
}

bool group_joined(const struct group *g)
{
    return g->phase == GROUP_ASSIGNED;
}

uint64_t group_epoch(const struct group *g)
{
    return g->epoch;
}

const char *group_member_id(const struct group *g)
{
    return g->member;
}

void group_close(struct group *g, void (*done)(void *arg, usec_t now), void *arg)
{
    usec_t now = loop_now(g->loop);
    rd_kafka_error_t *error;

    if (g->closing)
        return;
    g->closing = true;
    g->done = done;
    g->done_arg = arg;
    if (g->phase == GROUP_ASKING || g->phase == GROUP_GIVEN) {
        group_take_away(g, GROUP_REVOKED, now);
        (void)rd_kafka_assign(g->rk, NULL);
    }
    error = rd_kafka_consumer_close_queue(g->rk, g->queues[QUEUE_REPLY]);
    if (error != NULL) {
        log_warn("kafka-close", "group=%s\tThe group cannot be left in good order: %s", g->id,
                 rd_kafka_error_string(error));
        rd_kafka_error_destroy(error);
        g->close_failed = true; /* a broken consumer has nothing left to close */
    }
    loop_again(g->loop);
}

static void lists_free(struct group *g)
{
    struct group_commit *c, *next_commit;
    struct group_proof *p, *next_proof;

    DL_FOREACH_SAFE (g->commits, c, next_commit)
        free(c);
    DL_FOREACH_SAFE (g->proofs, p, next_proof)
        free(p);
    group_parts_done(&g->parts);
    names_done(&g->subscribed);
    names_done(&g->excluded);
}

struct group *group_free(struct group *g)
{
    if (g == NULL)
        return NULL;
    lookup_cancel(g->lookup, g);
    loop_remove_tick(g->loop, g->tick);
    for (int i = 0; i < QUEUES; i++) {
        g->events[i] = kafka_events_free(g->events[i]);
        rd_kafka_queue_destroy(g->queues[i]);
    }
    rd_kafka_destroy_flags(g->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    lists_free(g);
    free(g->id);
    free(g->state_topic);
    free(g->member);
    free(g);
    return NULL;
}
