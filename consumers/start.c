/* The first start of a partition, in three steps: its end, the offset for the time (or beginning),
 * the first commit with `cut` and `end` in its metadata. Only when that commit is answered is the
 * partition read: a process that dies in between leaves nothing half decided. */
#include "consumers/start.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/log.h"
#include "bridge/base/xalloc.h"

#define RETRY USEC_S

enum step { STEP_NONE, STEP_END, STEP_FROM, STEP_COMMIT, STEP_COMMITTING };

struct fresh { /* a partition without commit */
    struct partition *partition;
    int64_t from;
    msec_t since; /* first start of the topic's other partitions; MSEC_NONE: this is the first */
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
};

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
                (struct fresh){.partition = x, .since = since_of(&parts[i])};
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
    log_warn("start-lookup",
             "code=%s\t%s could not be asked of the broker: %s. Tried again in a second; nothing "
             "is read before",
             error->code, what, error->text);
    s->again = now + RETRY;
}

/* The look-up's answer is in the order of s->fresh. -1: a partition had an error. */
static int take_offsets(struct start *s, const rd_kafka_topic_partition_list_t *list, bool end,
                        usec_t now)
{
    for (size_t i = 0; i < s->fresh_count; i++) {
        const rd_kafka_topic_partition_t *p = &list->elems[i];
        struct fresh *f = &s->fresh[i];
        struct err e;

        if (p->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            (void)err_set(&e, ERR_RETRY, "offsets", "topic %s partition %d: %s", p->topic,
                          p->partition, rd_kafka_err2str(p->err));
            failed_step(s, "Offsets", &e, now);
            return -1;
        }
        if (end)
            f->partition->end = p->offset;
        else
            f->from = p->offset < 0 ? f->partition->end : p->offset;
    }
    return 0;
}

static void answer_offsets(void *arg, const rd_kafka_topic_partition_list_t *list,
                           const struct err *error, usec_t now)
{
    struct start *s = arg;

    /* Questions are answered in order: with another one still open this is the answer to an older
     * assignment's. */
    if (--s->asked > 0 || (s->step != STEP_END && s->step != STEP_FROM))
        return;
    if (error != NULL) {
        failed_step(s, "Offsets", error, now);
        return;
    }
    if (take_offsets(s, list, s->step == STEP_END, now) != 0)
        return;
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

static void commit_first(struct start *s, usec_t now)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)s->fresh_count);
    msec_t wall = clock_wall();
    struct err e;

    for (size_t i = 0; i < s->fresh_count; i++) {
        set_cut(&s->fresh[i], wall);
        partitions_add_first(s->partitions, list, s->fresh[i].partition, s->fresh[i].from);
    }
    if (group_commit(s->group, s->epoch, list, &e) != 0)
        failed_step(s, "The first commit", &e, now);
    else
        s->step = STEP_COMMITTING;
}

static void go(struct start *s, usec_t now)
{
    s->again = USEC_NEVER;
    if (s->step == STEP_COMMIT)
        commit_first(s, now);
    else if (s->step == STEP_END || s->step == STEP_FROM)
        ask_offsets(s, s->step == STEP_END);
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

bool start_committed(struct start *s, uint64_t epoch, const rd_kafka_topic_partition_list_t *list,
                     const struct err *error, usec_t now)
{
    if (s->step != STEP_COMMITTING || epoch != s->epoch)
        return false;
    s->step = STEP_COMMIT;
    if (error != NULL) {
        failed_step(s, "The first commit", error, now);
        return true;
    }
    for (int i = 0; i < list->cnt; i++) {
        struct err e;

        if (list->elems[i].err == RD_KAFKA_RESP_ERR_NO_ERROR)
            continue;
        (void)err_set(&e, ERR_RETRY, "commit", "topic %s partition %d: %s", list->elems[i].topic,
                      list->elems[i].partition, rd_kafka_err2str(list->elems[i].err));
        failed_step(s, "The first commit", &e, now);
        return true;
    }
    for (size_t i = 0; i < s->fresh_count; i++)
        begin(s, &s->fresh[i]);
    start_taken(s);
    return true;
}

usec_t start_tick(struct start *s, usec_t now)
{
    if (s->again != USEC_NEVER && now >= s->again)
        go(s, now);
    return s->again;
}
