/* The alert flow: intake when there is room, dispatch, endings, commits. Back-pressure is not
 * reading (design D5); nothing is ever dropped at a limit. */
#include "consumers/flow.h"

#include <stdlib.h>

#include "bridge/base/log.h"
#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"
#include "consumers/dispatch.h"
#include "consumers/expiry.h"
#include "consumers/intake.h"
#include "consumers/start.h"

#define COMMIT_EVERY (500 * USEC_MS)
#define READ_AT_ONCE 500
/* With this many alerts ready to be sent, more need not be in memory: they wait in librdkafka's
 * queue, undecoded. Alerts that wait for a retry do not count, so they hold nobody up. */
#define READY_ENOUGH 512
/* Bounds are looked at after so many messages, or fewer where less room is left. */
#define READ_STEP    16
#define MESSAGE_SIZE ((size_t)1 << 20) /* the largest that brokers take by default */
#define SAY_EVERY    (30 * USEC_S)
/* What the process needs beside the waiting messages: librdkafka's queue and fetch buffers, caches.
 */
#define FIXED_BYTES ((size_t)64 << 20)

struct flow {
    const struct config *config;
    struct snow *snow;
    struct output *output;
    struct group *group;
    struct partitions *partitions;
    struct lanes *lanes;
    struct ends *ends;
    struct dispatch *dispatch;
    struct expiry *expiry;
    struct start *start;
    struct intake intake;
    usec_t commit_due;
    bool draining, committing;
    bool refused;           /* the last commit was: it is repeated at its pace, also at the end */
    bool commit_trouble;    /* the last commit failed as a whole: said once */
    struct log_limit rests; /* lines about resting partitions */
    const char *paused;     /* why intake rests, static; NULL: it does not */
    bool pause_said;
    struct log_limit pause_limit;
    struct metric *waiting, *lanes_gauge, *parked, *endings, *commits, *resting;
};

static void unit_done(void *arg, struct unit *u, usec_t now)
{
    struct flow *f = arg;

    (void)now;
    if (u->partition->offsets != NULL && u->partition->tracker == u->tracker)
        offsets_done(u->partition->offsets, u->ticket);
    intake_free_unit(&f->intake, u);
}

static void unit_dropped(void *arg, struct unit *u, usec_t now)
{
    struct flow *f = arg;

    (void)now;
    intake_free_unit(&f->intake, u);
}

static void make_metrics(struct flow *f, struct metrics *m)
{
    f->waiting = metrics_gauge(m, "messages_waiting", NULL, "Messages in memory, not finished");
    f->lanes_gauge = metrics_gauge(m, "lanes", NULL, "Alerts with unfinished messages");
    f->parked =
        metrics_gauge(m, "lanes_parked", NULL, "Alerts that wait for a retry or a settle time");
    f->endings = metrics_gauge(m, "endings_pending", NULL,
                               "Outcome records and dead letters not confirmed yet");
    f->resting = metrics_gauge(m, "intake_paused", NULL, "1 while no alerts are read at a bound");
    f->commits = metrics_counter(m, "commits_total", NULL, "Offset commits answered without error");
}

struct flow *flow_new(const struct config *c, struct snow *s, struct output *o, struct lookup *k,
                      struct metrics *m, void (*failed)(void *arg, const struct err *e), void *arg)
{
    struct flow *f = xcalloc(1, sizeof *f);

    *f = (struct flow){.config = c, .snow = s, .output = o};
    f->partitions = partitions_new(c);
    f->lanes = lanes_new((size_t)c->limits.max_parked);
    f->ends = ends_new(c, o, m, unit_done, unit_dropped, f);
    f->dispatch = dispatch_new(c, s, f->lanes, f->ends, m);
    f->start = start_new(c, f->partitions, k, failed, arg);
    intake_init(&f->intake, c, f->lanes, f->ends, m);
    f->expiry = expiry_new(c, s, f->partitions, f->lanes, f->dispatch, f->intake.targets, m);
    make_metrics(f, m);
    return f;
}

/* ---------------------------------------------------------------- assignment */

static void gone(void *arg, struct item *i)
{
    struct flow *f = arg;
    struct unit *u = i->unit;

    (void)item_free(i);
    if (--u->pending == 0)
        intake_free_unit(&f->intake, u);
}

struct flow *flow_free(struct flow *f)
{
    if (f == NULL)
        return NULL;
    dispatch_release(f->dispatch, gone, f);
    (void)expiry_free(f->expiry);
    (void)dispatch_free(f->dispatch);
    (void)lanes_free(f->lanes);
    (void)ends_free(f->ends);
    intake_done(&f->intake);
    (void)start_free(f->start);
    (void)partitions_free(f->partitions);
    free(f);
    return NULL;
}

void flow_given(struct flow *f, struct group *g, uint64_t epoch, const struct group_given *parts,
                size_t n, usec_t now)
{
    f->group = g;
    dispatch_suspect(f->dispatch);
    start_given(f->start, g, epoch, parts, n, now);
}

/* `last`: the partitions are being taken away, so this one does not wait for another one's answer.
 */
static void commit(struct flow *f, bool last, usec_t now)
{
    rd_kafka_topic_partition_list_t *list;
    struct err e;

    f->commit_due = now + COMMIT_EVERY;
    if (f->group == NULL || (group_committing(f->group) && !last))
        return;
    list = partitions_commit_list(f->partitions);
    if (list == NULL)
        return;
    if (group_commit(f->group, group_epoch(f->group), list, &e) == 0)
        f->committing = true;
}

void flow_taken(struct flow *f, uint64_t epoch, enum group_loss loss, usec_t now)
{
    (void)epoch;
    start_taken(f->start);
    if (loss == GROUP_REVOKED)
        commit(f, true, now);
    dispatch_release(f->dispatch, gone, f);
    for (struct partition *x = partitions_first(f->partitions); x != NULL; x = x->next)
        partition_release(x);
    f->committing = false;
}

/* ---------------------------------------------------------------- records */

static struct partition *current(struct flow *f, uint64_t epoch, const char *topic, int32_t number)
{
    struct partition *x = partitions_find(f->partitions, topic, number);

    return x != NULL && x->offsets != NULL && x->epoch == epoch ? x : NULL;
}

static void watch_partition(struct flow *f, struct partition *x, usec_t now);

bool flow_record(struct flow *f, uint64_t epoch, rd_kafka_message_t *m, usec_t now)
{
    struct partition *x = current(f, epoch, rd_kafka_topic_name(m->rkt), m->partition);

    if (x == NULL)
        return false;
    intake_record(&f->intake, x, m, now);
    if (x->deep && !x->paused)
        watch_partition(f, x, now);
    return false;
}

void flow_end(struct flow *f, uint64_t epoch, const char *topic, int32_t partition, int64_t offset,
              usec_t now)
{
    struct partition *x = current(f, epoch, topic, partition);

    (void)now;
    if (x != NULL)
        offsets_end(x->offsets, offset);
}

void flow_out_of_range(struct flow *f, uint64_t epoch, const char *topic, int32_t partition,
                       usec_t now)
{
    struct partition *x = current(f, epoch, topic, partition);

    (void)now;
    if (x == NULL)
        return;
    log_error("records-lost",
              "topic=%s partition=%d from=%lld\tThe broker no longer holds the records from this "
              "offset on: retention or "
              "deletion took them before they were read. Reading goes on at the first record that "
              "is left. Give the topic "
              "a longer retention than the longest outage",
              topic, partition, (long long)offsets_position(x->offsets));
    group_seek(f->group, topic, partition, RD_KAFKA_OFFSET_BEGINNING);
}

void flow_committed(struct flow *f, uint64_t epoch, const rd_kafka_topic_partition_list_t *list,
                    const struct err *error, usec_t now)
{
    if (start_committed(f->start, epoch, list, error, now))
        return;
    f->committing = false;
    f->refused = error != NULL || partitions_committed(f->partitions, epoch, list);
    if (error == NULL && f->commit_trouble)
        log_info("commit-healed", "\tOffsets are committed again");
    if (error != NULL && !f->commit_trouble)
        log_warn(
            "commit-failed",
            "code=%s\tOffsets could not be committed: %s. Tried again while the partitions are "
            "ours; this is said once",
            error->code, error->text);
    f->commit_trouble = error != NULL;
    if (!f->refused)
        metric_add(f->commits, 1);
}

/* ---------------------------------------------------------------- turns */

/* What waiting messages may take of limits.memory_mb. */
static size_t byte_budget(const struct flow *f)
{
    size_t memory = (size_t)f->config->limits.memory_mb << 20;

    return memory > 2 * FIXED_BYTES ? memory - FIXED_BYTES : memory / 2;
}

/* A bound that was reached holds until an eighth of it is free again: reading in long strides, not
 * by the single message. */
static bool at_bound(const struct flow *f, size_t have, size_t bound)
{
    return have >= (f->paused == NULL ? bound : bound - bound / 8);
}

/* Why nothing may be read now; NULL: go on. */
static const char *reason_to_rest(struct flow *f, usec_t now)
{
    const struct config_limits *limits = &f->config->limits;

    if (f->draining)
        return "shutting down";
    if (at_bound(f, f->intake.units, (size_t)limits->max_waiting) ||
        at_bound(f, lanes_items(f->lanes), (size_t)limits->max_waiting))
        return "limits.max_waiting is reached";
    if (at_bound(f, f->intake.bytes, byte_budget(f)))
        return "limits.memory_mb is reached";
    if (at_bound(f, lanes_parked(f->lanes), (size_t)limits->max_parked))
        return "limits.max_parked is reached: too many alerts wait for a retry or a settle time";
    if (ends_flooded(f->ends, now))
        return "limits.dead_letters_per_minute is reached: look at the dead letters, a mapping or "
               "a right may be wrong";
    return NULL;
}

/* Under a steady backlog intake rests and reads by turns: said at most every half minute, and "read
 * again" only where the pause was said. */
static void say_paused(struct flow *f, const char *why, usec_t now)
{
    unsigned skipped;

    f->paused = why;
    metric_set(f->resting, why != NULL);
    if (why == NULL) {
        if (f->pause_said)
            log_info("intake-resumed", "waiting=%zu bytes=%zu\tAlerts are read again",
                     f->intake.units, f->intake.bytes);
        f->pause_said = false;
    } else if (!f->pause_said && log_limit_pass(&f->pause_limit, now, SAY_EVERY, &skipped)) {
        log_warn("intake-paused",
                 "waiting=%zu bytes=%zu parked=%zu not_said=%u\tNo more alerts are read for now: "
                 "%s. Nothing is lost, they stay in their topics",
                 f->intake.units, f->intake.bytes, lanes_parked(f->lanes), skipped, why);
        f->pause_said = true;
    }
}

/* Has the alert that filled this partition's share of memory been worked off to half its bound? */
static bool still_deep(struct flow *f, const struct partition *x)
{
    const struct lane *lane = x->deep ? lanes_find(f->lanes, x->deep_key) : NULL;

    return lane != NULL && lane->count > (size_t)f->config->limits.max_per_alert / 2;
}

/* A busy alert may do this several times a second: said now and then, and then both lines. */
static void say_partition(struct flow *f, struct partition *x, usec_t now)
{
    unsigned skipped;

    if (x->paused)
        x->paused_said = log_limit_pass(&f->rests, now, 30 * USEC_S, &skipped);
    if (!x->paused_said)
        return;
    log_info(x->paused ? "partition-paused" : "partition-resumed",
             "topic=%s partition=%d unfinished=%zu ahead=%zu\t%s", x->topic, x->number,
             offsets_unfinished(x->offsets), offsets_ahead(x->offsets),
             !x->paused ? "The partition is read again"
             : x->deep ? "One alert of this partition has limits.max_per_alert messages that wait: "
                         "the partition is not read further until half of them are done"
                       : "The map of finished offsets is at its bound: the partition is not read "
                         "further until older alerts are finished");
}

/* Two things stop a single partition: its map would outgrow the commit metadata, or one alert of it
 * has so many messages in memory that reading on would fill the memory with them. The others go on.
 */
static void watch_partition(struct flow *f, struct partition *x, usec_t now)
{
    bool full = partitions_map_full(f->partitions, x), rest;

    x->deep = still_deep(f, x);
    rest = full || x->deep;
    if (x->offsets == NULL || rest == x->paused)
        return;
    x->paused = rest;
    if (rest)
        group_pause(f->group, x->topic, x->number);
    else
        group_resume(f->group, x->topic, x->number, offsets_position(x->offsets));
    say_partition(f, x, now);
}

static void watch_partitions(struct flow *f, usec_t now)
{
    if (f->group == NULL || !group_joined(f->group))
        return; /* what is not fetched yet cannot be paused */
    for (struct partition *x = partitions_first(f->partitions); x != NULL; x = x->next)
        watch_partition(f, x, now);
}

/* Does a bound hold? Looked at before and after the work of a turn: what ends in it makes room. */
static bool rests(struct flow *f, usec_t now)
{
    const char *why = reason_to_rest(f, now);

    if (!f->draining)
        say_paused(f, why, now);
    return why != NULL;
}

/* How many messages may be read before the bounds, of which none is reached, are looked at again.
 */
static size_t step_size(const struct flow *f)
{
    size_t messages = (size_t)f->config->limits.max_waiting - f->intake.units;
    size_t bytes = (byte_budget(f) - f->intake.bytes) / MESSAGE_SIZE;
    size_t step = messages < bytes ? messages : bytes;

    return step > READ_STEP ? READ_STEP : step == 0 ? 1 : step;
}

static size_t ready(const struct flow *f)
{
    size_t n = 0;

    for (int kind = 0; kind < TARGET_KINDS; kind++)
        n += lanes_rows(f->lanes, (enum target_kind)kind);
    return n;
}

static bool has_enough(const struct flow *f)
{
    return ready(f) + lanes_writes(f->lanes) >= READY_ENOUGH;
}

static void read_some(struct flow *f, usec_t now)
{
    for (size_t n = 0; f->group != NULL && n < READ_AT_ONCE && !has_enough(f) && !rests(f, now);) {
        size_t step = step_size(f), got = group_read(f->group, step, now);

        if (got < step)
            return;
        n += got;
    }
}

static void show(struct flow *f)
{
    metric_set(f->waiting, (int64_t)f->intake.units);
    metric_set(f->lanes_gauge, (int64_t)lanes_count(f->lanes));
    metric_set(f->parked, (int64_t)lanes_parked(f->lanes));
    metric_set(f->endings, (int64_t)ends_pending(f->ends));
}

static bool anything_to_commit(struct flow *f)
{
    for (struct partition *x = partitions_first(f->partitions); x != NULL; x = x->next)
        if (x->offsets != NULL && offsets_dirty(x->offsets))
            return true;
    return false;
}

static usec_t commit_in_time(struct flow *f, usec_t now)
{
    if (!anything_to_commit(f) || f->committing)
        return USEC_NEVER;
    if (now >= f->commit_due)
        commit(f, false, now);
    return f->committing ? USEC_NEVER : f->commit_due;
}

/* While it is in doubt whose the partitions are nothing leaves: another process may be at work. */
static bool held(const struct flow *f)
{
    return f->draining || (f->group != NULL && group_doubtful(f->group));
}

usec_t flow_tick(struct flow *f, usec_t now)
{
    usec_t next;

    read_some(f, now);
    next = usec_min(ends_tick(f->ends, now), start_tick(f->start, now));
    next = usec_min(next, dispatch_tick(f->dispatch, held(f), now));
    if (!held(f))
        next = usec_min(next, expiry_tick(f->expiry, now));
    watch_partitions(f, now);
    next = usec_min(next, commit_in_time(f, now));
    show(f);
    if (f->draining || f->group == NULL)
        return next;
    /* The bound of dead letters is one of time: looked at again in a second. */
    if (rests(f, now))
        return usec_min(next, now + USEC_S);
    return group_readable(f->group) && !has_enough(f) ? now : next;
}

void flow_read_again(struct flow *f)
{
    dispatch_read_again(f->dispatch);
}

void flow_drain(struct flow *f)
{
    f->draining = true;
    f->commit_due = 0;
}

bool flow_drained(struct flow *f, usec_t now)
{
    if (dispatch_in_flight(f->dispatch) > 0 || ends_pending(f->ends) > 0)
        return false;
    if (!f->refused)
        f->commit_due = now;
    (void)commit_in_time(f, now);
    return !f->committing && !anything_to_commit(f);
}

struct flow_stats flow_stats(const struct flow *f, usec_t now)
{
    (void)now;
    return (struct flow_stats){.waiting = f->intake.units,
                               .bytes = f->intake.bytes,
                               .lanes = lanes_count(f->lanes),
                               .ready = ready(f),
                               .in_flight = dispatch_in_flight(f->dispatch),
                               .parked = lanes_parked(f->lanes),
                               .endings = ends_pending(f->ends),
                               .paused = f->paused};
}
