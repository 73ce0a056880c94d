/* Rebalances (eager protocol). ASSIGN: remember the partitions, ask for what is committed (again
 * and again, until an answer or the next rebalance), give them to the owner, wait for its
 * positions, forward each partition to its queue, assign. REVOKE: take everything away, unassign.
 * Until assign is called librdkafka waits for us, so no other rebalance comes in between; should
 * one come nevertheless, the pending one is dropped. */
#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"
#include "bridge/kafka/group_internal.h"

#define ASK_TIMEOUT_MS 10000
#define ASK_DELAY_MIN  (100 * USEC_MS)
#define ASK_DELAY_MAX  (5 * USEC_S)

static bool is_excluded(void *arg, const char *topic)
{
    struct group *g = arg;

    for (size_t i = 0; i < g->excluded.count; i++) {
        struct group_name *x = &g->excluded.items[i];

        if (strcmp(x->name, topic) != 0)
            continue;
        if (!x->said)
            log_info("topic-excluded",
                     "topic=%s\tA subscription matches this topic, but it is the bridge's own and "
                     "is not read",
                     topic);
        x->said = true;
        return true;
    }
    /* Of the brokers themselves (offsets, transactions): an expression like ^.* matches them too.
     */
    return strncmp(topic, "__", 2) == 0 && !group_names_topic(g, topic);
}

/* Over the consumer's handle: on one without a group, an answer that names another coordinator
 * crashes librdkafka 2.0.2 (rd_kafka_handle_OffsetFetch looks for the group of the handle). At most
 * one fetch is before it. */
static void ask_committed(struct group *g)
{
    /* All that the group has, not only ours: see `sibling`. */
    rd_kafka_ListConsumerGroupOffsets_t *what = rd_kafka_ListConsumerGroupOffsets_new(g->id, NULL);
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(g->rk, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS);
    rd_kafka_error_t *error;
    char why[256];

    (void)rd_kafka_AdminOptions_set_request_timeout(options, ASK_TIMEOUT_MS, why, sizeof why);
    error = rd_kafka_AdminOptions_set_require_stable_offsets(options, 1);
    if (error != NULL)
        rd_kafka_error_destroy(error);
    rd_kafka_AdminOptions_set_opaque(options, (void *)(uintptr_t)g->epoch);
    rd_kafka_ListConsumerGroupOffsets(g->rk, &what, 1, options, g->queues[QUEUE_ADMIN]);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ListConsumerGroupOffsets_destroy(what);
}

static void ask_failed(struct group *g, rd_kafka_resp_err_t code, const char *text, usec_t now)
{
    if (!g->ask_failed)
        log_warn("kafka-committed-unknown",
                 "group=%s code=%s\tThe committed offsets of the group cannot be read: %s. Reading "
                 "starts when they can; the question is repeated",
                 g->id, rd_kafka_err2name(code), text);
    g->ask_failed = true;
    g->ask_due = usec_add(now, g->ask_delay);
    g->ask_delay = usec_min(2 * g->ask_delay, ASK_DELAY_MAX);
    loop_again(g->loop);
}

static bool printable(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e)
            return false;
    return true;
}

/* What another partition of the topic was committed with, for those of ours that have no commit. */
static void tell_siblings(struct group *g, const rd_kafka_topic_partition_t *x)
{
    char *metadata = xstrndup(x->metadata == NULL ? "" : x->metadata, x->metadata_size);

    for (size_t i = 0; i < g->parts.count && printable(metadata) && metadata[0] != '\0'; i++) {
        struct group_part *part = &g->parts.items[i];

        if (part->partition == x->partition || part->sibling[0] != '\0' ||
            strcmp(part->topic, x->topic) != 0)
            continue;
        free(part->sibling);
        part->sibling = xstrdup(metadata);
        part->sibling_stored = x->offset;
    }
    free(metadata);
}

/* -1 with the code of the first partition of ours that has an error. */
static int take_committed(struct group *g, const rd_kafka_topic_partition_list_t *list,
                          rd_kafka_resp_err_t *ret_code)
{
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *x = &list->elems[i];
        struct group_part *part = group_parts_find(&g->parts, x->topic, x->partition);

        if (x->err != RD_KAFKA_RESP_ERR_NO_ERROR && part != NULL) {
            *ret_code = x->err;
            return -1;
        }
        if (x->offset >= 0)
            tell_siblings(g, x);
        if (part == NULL || x->offset < 0)
            continue;
        group_part_stored(part, x->offset, x->metadata, x->metadata_size);
        if (!printable(part->metadata)) /* no commit of ours: those are printable */
            group_part_stored(part, x->offset, NULL, 0);
    }
    return 0;
}

static rd_kafka_topic_partition_list_t *start_list(const struct group *g)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)g->parts.count + 1);

    for (size_t i = 0; i < g->parts.count; i++) {
        const struct group_part *part = &g->parts.items[i];

        if (!part->stopped)
            rd_kafka_topic_partition_list_add(list, part->topic, part->partition)->offset =
                part->start;
    }
    return list;
}

void group_forward(struct group *g, const struct group_part *part)
{
    rd_kafka_queue_t *q = rd_kafka_queue_get_partition(g->rk, part->topic, part->partition);

    if (q == NULL)
        return;
    rd_kafka_queue_forward(q, g->queues[part->state ? QUEUE_STATE : QUEUE_DATA]);
    rd_kafka_queue_destroy(q);
}

static int assign_parts(struct group *g)
{
    rd_kafka_topic_partition_list_t *list = start_list(g);
    rd_kafka_resp_err_t code;

    for (size_t i = 0; i < g->parts.count; i++)
        group_forward(g, &g->parts.items[i]);
    code = rd_kafka_assign(g->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    log_error("kafka-assign-failed",
              "group=%s code=%s\tlibrdkafka refuses the assignment: %s. The partitions are given "
              "back",
              g->id, rd_kafka_err2name(code), rd_kafka_err2str(code));
    return -1;
}

static void give_state(struct group *g, usec_t now)
{
    int32_t *partitions;
    size_t n = 0;

    if (g->state_topic == NULL)
        return;
    partitions = xcalloc(g->parts.count + 1, sizeof *partitions);
    for (size_t i = 0; i < g->parts.count; i++)
        if (g->parts.items[i].state)
            partitions[n++] = g->parts.items[i].partition;
    g->cb.state_given(g->cb.arg, g->epoch, partitions, n, now);
    free(partitions);
}

static void put_in_force(struct group *g, usec_t now)
{
    if (assign_parts(g) != 0) {
        group_take_away(g, GROUP_LOST, now);
        (void)rd_kafka_assign(g->rk, NULL);
        return;
    }
    g->phase = GROUP_ASSIGNED;
    metric_set(g->assigned, (int64_t)g->parts.count);
    log_info("kafka-assigned",
             "group=%s epoch=%llu partitions=%zu state_partitions=%zu\tReading begins", g->id,
             (unsigned long long)g->epoch, group_parts_count(&g->parts, false),
             group_parts_count(&g->parts, true));
    give_state(g, now);
}

static bool all_answered(const struct group *g)
{
    for (size_t i = 0; i < g->parts.count; i++)
        if (!g->parts.items[i].answered)
            return false;
    return true;
}

static void give_alerts(struct group *g, usec_t now)
{
    struct group_given *given = xcalloc(g->parts.count + 1, sizeof *given);
    size_t n = 0;

    for (size_t i = 0; i < g->parts.count; i++) {
        const struct group_part *part = &g->parts.items[i];

        if (!part->state)
            given[n++] = (struct group_given){.topic = part->topic,
                                              .partition = part->partition,
                                              .committed = part->stored,
                                              .metadata = part->metadata,
                                              .sibling = part->sibling,
                                              .sibling_committed = part->sibling_stored};
    }
    g->giving = true;
    g->cb.given(g->cb.arg, g->epoch, given, n, now);
    g->giving = false;
    free(given);
}

static void give(struct group *g, usec_t now)
{
    uint64_t epoch = g->epoch;

    g->phase = GROUP_GIVEN;
    if (g->alert_topics > 0)
        give_alerts(g, now);
    if (g->epoch == epoch && g->phase == GROUP_GIVEN && all_answered(g))
        put_in_force(g, now);
}

void group_start(struct group *g, uint64_t epoch, const char *topic, int32_t partition,
                 int64_t offset)
{
    struct group_part *part;

    if (epoch != g->epoch || g->phase != GROUP_GIVEN)
        return;
    part = group_parts_find(&g->parts, topic, partition);
    if (part == NULL || part->answered)
        return;
    part->answered = true;
    group_part_move(part, offset);
    if (!g->giving && all_answered(g))
        put_in_force(g, loop_now(g->loop));
}

static void on_committed_offsets(struct group *g, rd_kafka_event_t *ev, usec_t now)
{
    rd_kafka_resp_err_t code = rd_kafka_event_error(ev);
    const char *text = rd_kafka_event_error_string(ev);
    const rd_kafka_group_result_t **groups;
    const rd_kafka_error_t *error;
    size_t n = 0;

    if (g->phase != GROUP_ASKING || (uintptr_t)rd_kafka_event_opaque(ev) != (uintptr_t)g->epoch)
        return;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
            rd_kafka_event_ListConsumerGroupOffsets_result(ev), &n);
        error = n == 0 ? NULL : rd_kafka_group_result_error(groups[0]);
        if (error != NULL) {
            code = rd_kafka_error_code(error);
            text = rd_kafka_error_string(error);
        } else if (n > 0 &&
                   take_committed(g, rd_kafka_group_result_partitions(groups[0]), &code) != 0) {
            text = rd_kafka_err2str(code);
        }
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        ask_failed(g, code, text, now);
        return;
    }
    g->ask_failed = false;
    kafka_link_ok(&g->link);
    give(g, now);
}

bool group_on_admin(void *group, rd_kafka_queue_t *q, usec_t now)
{
    struct group *g = group;
    rd_kafka_event_t *ev;

    while ((ev = rd_kafka_queue_poll(q, 0)) != NULL) {
        if (rd_kafka_event_type(ev) == RD_KAFKA_EVENT_LISTCONSUMERGROUPOFFSETS_RESULT)
            on_committed_offsets(g, ev, now);
        rd_kafka_event_destroy(ev);
    }
    return false;
}

static void resume_all(struct group *g)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);

    for (size_t i = 0; i < g->parts.count; i++)
        if (g->parts.items[i].paused)
            (void)rd_kafka_topic_partition_list_add(list, g->parts.items[i].topic,
                                                    g->parts.items[i].partition);
    if (list->cnt > 0) /* a pause would outlive the assignment */
        (void)rd_kafka_resume_partitions(g->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
}

void group_take_away(struct group *g, enum group_loss loss, usec_t now)
{
    enum group_phase phase = g->phase;

    if (phase == GROUP_IDLE)
        return;
    if (phase >= GROUP_GIVEN && g->alert_topics > 0) {
        g->taking = loss == GROUP_REVOKED;
        g->cb.taken(g->cb.arg, g->epoch, loss, now);
        g->taking = false;
    }
    if (phase == GROUP_ASSIGNED && g->state_topic != NULL)
        g->cb.state_taken(g->cb.arg, g->epoch, loss, now);
    group_no_proof(g, now);
    resume_all(g);
    group_parts_done(&g->parts);
    g->phase = GROUP_IDLE;
    g->restart = false;
    metric_set(g->assigned, 0);
    kafka_events_kick(g->events[QUEUE_DATA]); /* what lies there is stale and holds room */
}

static void begin(struct group *g, const rd_kafka_topic_partition_list_t *list, usec_t now)
{
    char *member = rd_kafka_memberid(g->rk);

    free(g->member);
    g->member = xstrdup(member == NULL ? "" : member);
    if (member != NULL)
        rd_kafka_mem_free(g->rk, member);
    g->epoch++;
    g->refused_said = false;
    g->doubtful = g->stalled = false;
    g->ask_delay = ASK_DELAY_MIN;
    kafka_link_ok(&g->link);
    metric_add(g->rebalances, 1);
    group_parts_init(&g->parts, list, g->state_topic, is_excluded, g);
    group_watch_assigned(g);
    if (group_parts_count(&g->parts, false) == 0) {
        give(g, now);
        return;
    }
    g->phase = GROUP_ASKING;
    g->ask_due = USEC_NEVER;
    ask_committed(g);
}

static void revoked(struct group *g, usec_t now)
{
    enum group_loss loss = GROUP_REVOKED;

    group_note_stall(g, now);
    if (rd_kafka_assignment_lost(g->rk) != 0 || g->stalled)
        loss = GROUP_LOST;

    if (loss == GROUP_LOST) {
        metric_add(g->lost, 1);
        log_warn("kafka-assignment-lost",
                 "group=%s epoch=%llu\tThe membership of the group has run out: other members may "
                 "have the partitions already. The group is joined again",
                 g->id, (unsigned long long)g->epoch);
    } else {
        log_info("kafka-revoked", "group=%s epoch=%llu\tThe group is distributed anew", g->id,
                 (unsigned long long)g->epoch);
    }
    group_take_away(g, loss, now);
}

void group_on_rebalance(struct group *g, rd_kafka_event_t *ev, usec_t now)
{
    bool assign = rd_kafka_event_error(ev) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;

    if (assign && !g->closing && !g->fatal) {
        group_take_away(g, GROUP_LOST, now);
        begin(g, rd_kafka_event_topic_partition_list(ev), now);
        return;
    }
    if (!assign)
        revoked(g, now);
    (void)rd_kafka_assign(g->rk, NULL);
}

/* Stopping a fetcher undoes the forward of its queue, some time after the call: asking for the
 * assignment is answered behind that. */
static void stop_fetching(struct group *g)
{
    rd_kafka_topic_partition_list_t *list = NULL;

    (void)rd_kafka_assign(g->rk, NULL);
    if (rd_kafka_assignment(g->rk, &list) == RD_KAFKA_RESP_ERR_NO_ERROR && list != NULL)
        rd_kafka_topic_partition_list_destroy(list);
}

/* A partition whose position was out of range fetches nothing until it is assigned again, seeking
 * is refused; so everything is assigned again, each at its own position. */
static void restart(struct group *g, usec_t now)
{
    g->restart = false;
    stop_fetching(g);
    if (assign_parts(g) != 0) {
        group_take_away(g, GROUP_LOST, now);
        (void)rd_kafka_assign(g->rk, NULL);
        return;
    }
    for (size_t i = 0; i < g->parts.count; i++)
        if (g->parts.items[i].paused)
            group_pause(g, g->parts.items[i].topic, g->parts.items[i].partition);
}

usec_t group_assign_tick(struct group *g, usec_t now)
{
    if (g->restart && g->phase == GROUP_ASSIGNED)
        restart(g, now);
    if (g->phase != GROUP_ASKING)
        return USEC_NEVER;
    if (now < g->ask_due)
        return g->ask_due;
    g->ask_due = USEC_NEVER;
    ask_committed(g);
    return USEC_NEVER;
}
