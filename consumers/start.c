/* The first start of a partition, in three steps: its end, the offset for the time (or beginning),
 * the first commit with `cut` and `end` in its metadata. Only when that commit is answered is the
 * partition read: a process that dies in between leaves nothing half decided. */
#include "consumers/start.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/log.h"
#include "bridge/base/xalloc.h"

#define RETRY     USEC_S
#define BUSY      (20 * USEC_MS) /* another commit is under way */
#define SAY_EVERY (30 * USEC_S)
/* The broker says so long that a partition does not exist: a topic that was just made may take some
 * seconds to be known everywhere. */
#define GONE_AFTER (10 * USEC_S)

enum step { STEP_NONE, STEP_END, STEP_FROM, STEP_COMMIT, STEP_COMMITTING };

struct fresh { /* a partition without commit */
    struct partition *partition;
    int64_t from;
    msec_t since;   /* first start of the topic's other partitions; MSEC_NONE: this is the first */
    usec_t missing; /* since when the broker does not know it; USEC_NEVER: it does */
    bool gone;      /* deleted: begun without a commit, so that the others need not wait for it */
};

struct start {
    const struct config *config;
    struct partitions *partitions;
    struct lookup *lookup;
    void (*failed)(void *arg, const struct err *e);
    void *arg;
    struct group *group;
    uint64_t epoch;
    enum step step;
    struct fresh *fresh;
    size_t fresh_count;
    size_t asked; /* look-ups without their answer */
    usec_t again; /* a failed step is tried at this time; USEC_NEVER: none waits */
    struct log_limit said;
};

static const char first_commit[] = "The first commit of new partitions failed";

static void go(struct start *s, usec_t now);

struct start *start_new(const struct config *c, struct partitions *p, struct lookup *k,
                        void (*failed)(void *arg, const struct err *e), void *arg)
{
    struct start *s = xcalloc(1, sizeof *s);

    *s = (struct start){.config = c,
                        .partitions = p,
                        .lookup = k,
                        .failed = failed,
                        .arg = arg,
                        .again = USEC_NEVER};
    return s;
}

struct start *start_free(struct start *s)
{
    if (s == NULL)
        return NULL;
    free(s->fresh);
    free(s);
    return NULL;
}

void start_taken(struct start *s)
{
    free(s->fresh);
    s->fresh = NULL;
    s->fresh_count = 0;
    s->step = STEP_NONE;
    s->again = USEC_NEVER;
}

static int load_metadata(struct start *s, struct partition *x, const struct group_given *g)
{
    struct offsets_loaded note;
    char why[160];
    struct err e;

    if (offsets_load(x->offsets, g->committed, g->metadata, &note, why, sizeof why) != 0) {
        if (why[0] != '\0')
            log_warn("commit-metadata",
                     "topic=%s partition=%d offset=%lld reason=\"%s\"\tThe metadata of the "
                     "committed offset is not usable "
                     "and is ignored; alerts finished above the offset are looked at again, none "
                     "is written twice",
                     x->topic, x->number, (long long)g->committed, why);
        return 0;
    }
    x->cut = note.cut;
    x->end = note.end;
    if (strcmp(note.host, s->config->connection.host) != 0) {
        (void)err_set(&e, ERR_CONFIG, "foreign-group",
                      "The consumer group '%s' has offsets of topic %s that stand for the "
                      "ServiceNow instance %s, but this "
                      "configuration names %s. Nothing was read. Give this connection a group_id "
                      "of its own, or delete "
                      "the old group",
                      s->config->kafka.group_id, x->topic, note.host, s->config->connection.host);
        free(note.host);
        s->failed(s->arg, &e);
        return -1;
    }
    free(note.host);
    return 0;
}

/* Somebody else, or this process before, may have content updates of these records on their way. */
static void start_known(struct start *s, struct partition *x, const struct group_given *g,
                        usec_t now)
{
    partition_assign(x, s->epoch, g->committed);
    if (load_metadata(s, x, g) != 0)
        return;
    x->settle_until = now + x->consumer->settle;
    group_start(s->group, s->epoch, x->topic, x->number, g->committed);
}

static void skip_unknown(struct start *s, struct partition *x)
{
    log_warn("topic-unclaimed",
             "topic=%s partition=%d\tNo consumers entry names this topic; it is not read", x->topic,
             x->number);
    group_start(s->group, s->epoch, x->topic, x->number, RD_KAFKA_OFFSET_END);
}

/* `cut` of the topic's other partitions, when they have one. */
static msec_t since_of(const struct group_given *g)
{
    struct offsets *scratch = offsets_new(g->sibling_committed, 0);
    struct offsets_loaded note;
    msec_t since = MSEC_NONE;
    char why[160];

    if (offsets_load(scratch, g->sibling_committed, g->sibling, &note, why, sizeof why) == 0) {
        since = note.cut;
        free(note.host);
    }
    (void)offsets_free(scratch);
    return since;
}

void start_given(struct start *s, struct group *g, uint64_t epoch, const struct group_given *parts,
                 size_t n, usec_t now)
{
    start_taken(s);
    s->group = g;
    s->epoch = epoch;
    s->fresh = xcalloc(n, sizeof *s->fresh);
    for (size_t i = 0; i < n; i++) {
        struct partition *x = partitions_get(s->partitions, parts[i].topic, parts[i].partition);

        if (x->consumer == NULL)
            skip_unknown(s, x);
        else if (parts[i].committed != GROUP_NO_OFFSET)
            start_known(s, x, &parts[i], now);
        else
            s->fresh[s->fresh_count++] =
                (struct fresh){.partition = x, .since = since_of(&parts[i]), .missing = USEC_NEVER};
    }
    if (s->fresh_count == 0)
        return;
    s->step = STEP_END;
    go(s, now);
}

/* A partition that was added to a topic of ours later is read from the time at which the others
 * were first started: that is its beginning, since it did not exist then; and where two processes
 * make the first start together, both begin at the same time. */
static int64_t from_of(const struct fresh *f)
{
    const struct config_consumer *c = f->partition->consumer;

    if (c->start == START_EARLIEST)
        return RD_KAFKA_OFFSET_BEGINNING;
    if (f->since != MSEC_NONE)
        return f->since;
    return c->start == START_LATEST ? RD_KAFKA_OFFSET_END : c->start_time;
}

static void set_cut(struct fresh *f, msec_t wall)
{
    const struct config_consumer *c = f->partition->consumer;

    if (f->since != MSEC_NONE)
        f->partition->cut = f->since;
    else if (c->start == START_EARLIEST)
        f->partition->cut = wall - c->max_alert_age_h * 3600000;
    else
        f->partition->cut = c->start == START_LATEST ? wall : c->start_time;
}

static void failed_step(struct start *s, const char *what, const struct err *error, usec_t now)
{
    unsigned skipped;

    if (log_limit_pass(&s->said, now, SAY_EVERY, &skipped))
        log_warn("start-lookup",
                 "code=%s not_said=%u\t%s: %s. Tried again every second; nothing is read before",
                 error->code, skipped, what, error->text);
    s->again = now + RETRY;
}

/* Did the broker say for long enough that this partition does not exist? All others would wait for
 * it, and no new assignment without it comes before this one is started. */
static bool is_gone(struct fresh *f, rd_kafka_resp_err_t code, usec_t now)
{
    if (f->gone)
        return true;
    if (code != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART &&
        code != RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC && code != RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION) {
        f->missing = USEC_NEVER;
        return false;
    }
    if (f->missing == USEC_NEVER)
        f->missing = now;
    f->gone = now - f->missing >= GONE_AFTER;
    if (f->gone)
        log_warn("partition-gone",
                 "topic=%s partition=%d\tThe topic was deleted before its partition was started. "
                 "The others are read; should it come again, it is read from its beginning",
                 f->partition->topic, f->partition->number);
    return f->gone;
}

static struct fresh *find_fresh(struct start *s, const rd_kafka_topic_partition_t *p)
{
    for (size_t i = 0; i < s->fresh_count; i++)
        if (s->fresh[i].partition->number == p->partition &&
            strcmp(s->fresh[i].partition->topic, p->topic) == 0)
            return &s->fresh[i];
    return NULL;
}

/* 0: no partition of the answer has an error that matters; -1: the step failed, it is tried again.
 */
static int check_answer(struct start *s, const char *what,
                        const rd_kafka_topic_partition_list_t *list, usec_t now)
{
    const rd_kafka_topic_partition_t *bad = NULL;
    struct err e;

    for (int i = 0; i < list->cnt; i++) {
        struct fresh *f = find_fresh(s, &list->elems[i]);

        if (f != NULL && !is_gone(f, list->elems[i].err, now) &&
            list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR)
            bad = &list->elems[i];
    }
    if (bad == NULL)
        return 0;
    (void)err_set(&e, ERR_RETRY, "offsets", "topic %s partition %d: %s", bad->topic, bad->partition,
                  rd_kafka_err2str(bad->err));
    failed_step(s, what, &e, now);
    return -1;
}

static void take_offsets(struct start *s, const rd_kafka_topic_partition_list_t *list, bool end)
{
    for (int i = 0; i < list->cnt; i++) {
        struct fresh *f = find_fresh(s, &list->elems[i]);
        int64_t offset = f == NULL || f->gone ? 0 : list->elems[i].offset;

        if (f == NULL)
            continue;
        if (end)
            f->partition->end = offset;
        else
            f->from = offset < 0 ? f->partition->end : offset;
    }
}

static void answer_offsets(void *arg, const rd_kafka_topic_partition_list_t *list,
                           const struct err *error, usec_t now)
{
    static const char look_up[] = "The offsets for a first start could not be looked up";
    struct start *s = arg;

    /* Questions are answered in order: with another one still open this is the answer to an older
     * assignment's. */
    if (--s->asked > 0 || (s->step != STEP_END && s->step != STEP_FROM))
        return;
    if (error != NULL) {
        failed_step(s, look_up, error, now);
        return;
    }
    if (check_answer(s, look_up, list, now) != 0)
        return;
    take_offsets(s, list, s->step == STEP_END);
    s->step++;
    go(s, now);
}

static void ask_offsets(struct start *s, bool end)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)s->fresh_count);

    for (size_t i = 0; i < s->fresh_count; i++)
        rd_kafka_topic_partition_list_add(list, s->fresh[i].partition->topic,
                                          s->fresh[i].partition->number)
            ->offset = end ? RD_KAFKA_OFFSET_END : from_of(&s->fresh[i]);
    s->asked++;
    lookup_offsets(s->lookup, list, answer_offsets, s);
}

static void begin(struct start *s, struct fresh *f)
{
    struct partition *x = f->partition;

    partition_assign(x, s->epoch, f->from);
    x->settle_until = 0;
    log_info("partition-start",
             "topic=%s partition=%d offset=%lld end=%lld\tFirst start of this partition", x->topic,
             x->number, (long long)f->from, (long long)x->end);
    group_start(s->group, s->epoch, x->topic, x->number, f->from);
}

static void begin_all(struct start *s)
{
    for (size_t i = 0; i < s->fresh_count; i++)
        begin(s, &s->fresh[i]);
    start_taken(s);
}

static void commit_first(struct start *s, usec_t now)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)s->fresh_count);
    msec_t wall = clock_wall();
    struct err e;

    for (size_t i = 0; i < s->fresh_count; i++) {
        set_cut(&s->fresh[i], wall);
        if (!s->fresh[i].gone)
            partitions_add_first(s->partitions, list, s->fresh[i].partition, s->fresh[i].from);
    }
    if (list->cnt == 0) {
        rd_kafka_topic_partition_list_destroy(list);
        begin_all(s);
    } else if (group_commit(s->group, s->epoch, list, &e) == 0) {
        s->step = STEP_COMMITTING;
    } else if (strcmp(e.code, "kafka-commit-busy") == 0) {
        s->again = now + BUSY;
    } else {
        failed_step(s, first_commit, &e, now);
    }
}

static void go(struct start *s, usec_t now)
{
    s->again = USEC_NEVER;
    if (s->step == STEP_COMMIT)
        commit_first(s, now);
    else if (s->step == STEP_END || s->step == STEP_FROM)
        ask_offsets(s, s->step == STEP_END);
}

bool start_committed(struct start *s, uint64_t epoch, const rd_kafka_topic_partition_list_t *list,
                     const struct err *error, usec_t now)
{
    if (s->step != STEP_COMMITTING || epoch != s->epoch)
        return false;
    s->step = STEP_COMMIT;
    if (error != NULL)
        failed_step(s, first_commit, error, now);
    else if (check_answer(s, first_commit, list, now) == 0)
        begin_all(s);
    return true;
}

usec_t start_tick(struct start *s, usec_t now)
{
    if (s->again != USEC_NEVER && now >= s->again)
        go(s, now);
    return s->again;
}
