/* One entry and table after the other: page, then for each candidate of it a read and a resolve,
 * one request at a time. An answer that says nothing ends the round; the next one begins anew. */
#include "consumers/expiry.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/log.h"
#include "bridge/base/xalloc.h"
#include "bridge/servicenow/query.h"
#include "consumers/expire.h"
#include "consumers/incident.h"

#define FIRST_AFTER (5 * USEC_S)
#define EVERY       (300 * USEC_S)
#define AGAIN       USEC_S
#define PAGE        100
#define QUERY_MAX   ((size_t)8192)

struct job {
    const struct config_consumer *consumer;
    const struct target *target;
};

struct owned {
    uint32_t topic;
    int32_t partition;
};

enum step { STEP_IDLE, STEP_PAGE, STEP_READ, STEP_WRITE };

struct expiry {
    const struct config *config;
    struct snow *snow;
    struct partitions *partitions;
    const struct lanes *lanes;
    struct dispatch *dispatch;
    struct job *jobs;
    size_t jobs_count, job; /* job: of this round */
    enum step step;
    bool waits; /* for an answer */
    usec_t due;
    char after[SYS_ID_SIZE]; /* last sys_id of the page */
    bool more;               /* the page was full */
    char (*ids)[SYS_ID_SIZE];
    size_t ids_count, id;
    struct owned *owned;
    size_t owned_count;
    struct record record;    /* STEP_WRITE: as it was read */
    struct expire_wish wish; /* of the record last looked at */
    struct buf query;
    char *fields;
    json_t *body;
    struct log_limit said;
    struct metric *expired;
};

/* ---------------------------------------------------------------- what there is to do */

static void add_job(struct expiry *x, const struct config_consumer *c, const struct target *t)
{
    if (target_is_rows(t) || !t->shape->stamped)
        return;
    for (size_t i = 0; i < x->jobs_count; i++)
        if (x->jobs[i].consumer == c && x->jobs[i].target == t)
            return;
    x->jobs = xrealloc(x->jobs, x->jobs_count + 1, sizeof *x->jobs);
    x->jobs[x->jobs_count++] = (struct job){c, t};
}

struct expiry *expiry_new(const struct config *c, struct snow *s, struct partitions *p,
                          const struct lanes *l, struct dispatch *d, struct targets *t,
                          struct metrics *m)
{
    struct expiry *x = xcalloc(1, sizeof *x);

    *x = (struct expiry){.config = c, .snow = s, .partitions = p, .lanes = l, .dispatch = d};
    for (size_t i = 0; i < c->consumers_count; i++) {
        const struct config_consumer *entry = &c->consumers[i];

        if (expire_least(entry) == 0)
            continue;
        add_job(x, entry, targets_of(t, entry, ""));
        for (size_t k = 0; k < entry->rules_count; k++)
            add_job(x, entry, targets_of(t, entry, entry->rules[k].target));
    }
    buf_init(&x->query, QUERY_MAX);
    x->ids = xcalloc(PAGE, sizeof *x->ids);
    x->expired = metrics_counter(m, "records_expired_total", NULL,
                                 "Records resolved because there was no news for expire_h");
    return x;
}

struct expiry *expiry_free(struct expiry *x)
{
    if (x == NULL)
        return NULL;
    free(x->jobs);
    free(x->ids);
    free(x->owned);
    free(x->fields);
    json_decref(x->body);
    record_done(&x->record);
    buf_done(&x->query);
    free(x);
    return NULL;
}

static const struct job *present(const struct expiry *x)
{
    return &x->jobs[x->job];
}

/* ---------------------------------------------------------------- whose records */

static uint32_t topic_digest(const char *topic)
{
    const struct message m = {.topic = topic, .timestamp = MSEC_NONE};

    return version_of(&m).topic;
}

/* The partitions of the entry that are ours now. */
static void find_owned(struct expiry *x)
{
    x->owned_count = 0;
    for (struct partition *p = partitions_first(x->partitions); p != NULL; p = p->next) {
        if (p->offsets == NULL || p->consumer != present(x)->consumer)
            continue;
        x->owned = xrealloc(x->owned, x->owned_count + 1, sizeof *x->owned);
        x->owned[x->owned_count++] = (struct owned){topic_digest(p->topic), p->number};
    }
}

static bool is_owned(const struct expiry *x, const struct version *v)
{
    for (size_t i = 0; i < x->owned_count; i++)
        if (x->owned[i].topic == v->topic && x->owned[i].partition == v->partition)
            return true;
    return false;
}

struct search {
    const struct record *record;
    bool found;
};

/* The lane of an unmarked series has a key that its records do not tell. */
static void compare(void *arg, struct lane *lane)
{
    struct search *s = arg;

    s->found = s->found || (!lane->marked && lane->series == s->record->stamp.series);
}

/* Do messages about this record wait right now? Then they decide. */
static bool has_lane(const struct expiry *x, const struct record *r)
{
    struct search s = {.record = r};
    unsigned char key[LANE_KEY_SIZE];

    if (r->stamp.generation == 0) {
        target_key_of(r->sys_id, key);
        return lanes_find(x->lanes, key) != NULL;
    }
    lanes_each((struct lanes *)(uintptr_t)x->lanes, compare, &s);
    return s.found;
}

static bool is_due(struct expiry *x, const json_t *row, struct record *r)
{
    struct expire_view v = {.record = r, .updated = MSEC_NONE, .wall = clock_wall()};
    const char *updated = json_string_value(json_object_get(row, "sys_updated_on"));
    const char *description = json_string_value(json_object_get(row, "description"));
    struct version last;

    x->wish = expire_wish_of(present(x)->consumer, description != NULL ? description : "");
    v.age = x->wish.age;
    v.untouched = x->wish.untouched;
    if (v.age == 0 || updated == NULL || clock_parse(updated, &v.updated) != 0)
        return false;
    v.there = v.wall + snow_clock_skew(x->snow);
    last = expire_last(r);
    return expire_due(&v) && is_owned(x, &last) && !has_lane(x, r);
}

/* ---------------------------------------------------------------- answers */

static void round_done(struct expiry *x, usec_t now)
{
    x->step = STEP_IDLE;
    x->job = 0;
    x->due = now + EVERY;
}

static void next_page(struct expiry *x, usec_t now)
{
    if (x->more) {
        x->step = STEP_PAGE;
    } else if (++x->job < x->jobs_count) {
        x->step = STEP_PAGE;
        x->after[0] = '\0';
    } else {
        round_done(x, now);
    }
}

static void next_id(struct expiry *x, usec_t now)
{
    if (++x->id < x->ids_count)
        x->step = STEP_READ;
    else
        next_page(x, now);
}

static void copy_id(char to[SYS_ID_SIZE], const char *from)
{
    memcpy(to, from, SYS_ID_SIZE - 1);
    to[SYS_ID_SIZE - 1] = '\0';
}

static void take_page(struct expiry *x, const json_t *rows, usec_t now)
{
    json_t *row;
    size_t i;

    x->ids_count = x->id = 0;
    x->after[0] = '\0';
    json_array_foreach (rows, i, row) {
        const char *sys_id = json_string_value(json_object_get(row, "sys_id"));
        struct record r = {0};

        if (i >= PAGE || sys_id == NULL || !query_sys_id_ok(sys_id))
            continue;
        copy_id(x->after, sys_id);
        if (record_parse(row, present(x)->target->shape, &r) != 0)
            continue;
        if (is_due(x, row, &r))
            copy_id(x->ids[x->ids_count++], sys_id);
        record_done(&r);
    }
    x->more = json_array_size(rows) >= PAGE && x->after[0] != '\0';
    if (x->ids_count > 0)
        x->step = STEP_READ;
    else
        next_page(x, now);
}

static void take_read(struct expiry *x, const json_t *rows, usec_t now)
{
    const json_t *row = json_array_get(rows, 0);

    record_done(&x->record);
    if (row != NULL && record_parse(row, present(x)->target->shape, &x->record) == 0 &&
        is_due(x, row, &x->record))
        x->step = STEP_WRITE;
    else
        next_id(x, now);
}

static void take_write(struct expiry *x, const struct snow_outcome *o, usec_t now)
{
    const struct job *job = present(x);
    long long hours = (long long)(x->wish.age / 3600000);
    unsigned skipped;

    if (o->verdict == SNOW_OK) {
        metric_add(x->expired, 1);
        log_info("expired", "table=%s number=%s sys_id=%s\tResolved: no news for %lld h",
                 job->target->table, x->record.number, x->record.sys_id, hours);
    } else if (log_limit_pass(&x->said, now, 60 * USEC_S, &skipped)) {
        log_warn("expire-refused",
                 "table=%s number=%s sys_id=%s code=%s not_said=%u\tThere is no news of this "
                 "record for %lld "
                 "h, and it could not be resolved: %s. It stays open and is tried again in some "
                 "minutes",
                 job->target->table, x->record.number, x->record.sys_id, o->err.code, skipped,
                 hours, o->err.text);
    }
    next_id(x, now);
}

/* Of the record, or of the table; anything else is the instance's trouble. */
static bool is_answer(const struct snow_outcome *o)
{
    return o->verdict == SNOW_OK || o->verdict == SNOW_ABSENT || o->verdict == SNOW_REJECTED;
}

static void answer(void *arg, const struct snow_op *ops, const struct snow_outcome *outcomes,
                   size_t n, usec_t now)
{
    struct expiry *x = arg;
    const struct snow_outcome *o = &outcomes[0];

    (void)ops;
    (void)n;
    x->waits = false;
    if (!is_answer(o) || x->step == STEP_IDLE)
        round_done(x, now);
    else if (x->step == STEP_WRITE)
        take_write(x, o, now);
    else if (x->step == STEP_READ)
        take_read(x, o->result, now);
    else
        take_page(x, o->result, now);
}

/* ---------------------------------------------------------------- questions */

static void ask_page(struct expiry *x, struct snow_op *op)
{
    uint32_t *topics = xcalloc(x->owned_count + 1, sizeof *topics);
    msec_t before = clock_wall() + snow_clock_skew(x->snow) - expire_least(present(x)->consumer);
    size_t n = 0;

    for (size_t i = 0; i < x->owned_count; i++) {
        size_t k = 0;

        while (k < n && topics[k] != x->owned[i].topic)
            k++;
        if (k == n)
            topics[n++] = x->owned[i].topic;
    }
    expire_query(&x->query, present(x)->target->shape, topics, n, before, x->after);
    op->limit = PAGE;
    free(topics);
}

static void ask_write(struct expiry *x, struct snow_op *op)
{
    const struct job *job = present(x);
    const struct incident_context c = {
        .consumer = job->consumer,
        .table = job->target->table,
        .shape = job->target->shape,
        .close_code = dispatch_close_code(x->dispatch, job->consumer, job->target),
    };
    struct stamp stamp = expire_stamp(&x->record);

    json_decref(x->body);
    x->body = incident_expire(&c, (long long)(x->wish.age / 3600000), &stamp);
    op->kind = SNOW_UPDATE;
    op->sys_id = x->record.sys_id;
    op->body = x->body;
}

/* The question of the present step. */
static void ask(struct expiry *x, struct snow_op *op)
{
    const struct target *t = present(x)->target;

    *op = (struct snow_op){.kind = SNOW_LIST, .table = t->table, .limit = 1};
    buf_clear(&x->query);
    free(x->fields);
    x->fields = xasprintf("%s,sys_updated_on",
                          x->step == STEP_WRITE ? t->shape->write_fields : t->shape->read_fields);
    if (x->step == STEP_WRITE)
        ask_write(x, op);
    else if (x->step == STEP_READ)
        (void)buf_addf(&x->query, "sys_id=%s", x->ids[x->id]);
    else
        ask_page(x, op);
    op->fields = x->fields;
    op->query = buf_text(&x->query);
}

/* The next page of an entry that has partitions here. False: there is none in this round. */
static bool find_work(struct expiry *x, usec_t now)
{
    while (x->step == STEP_PAGE) {
        find_owned(x);
        if (x->owned_count > 0 && dispatch_keeps_stamps(x->dispatch, present(x)->target))
            return true;
        x->more = false;
        next_page(x, now);
    }
    return x->step != STEP_IDLE;
}

static bool begin(struct expiry *x, usec_t now)
{
    if (x->due == 0)
        x->due = now + FIRST_AFTER;
    if (now < x->due)
        return false;
    x->step = STEP_PAGE;
    x->after[0] = '\0';
    return true;
}

usec_t expiry_tick(struct expiry *x, usec_t now)
{
    struct snow_op op;
    struct err e;

    if (x->jobs_count == 0 || x->waits || !dispatch_knows_tables(x->dispatch))
        return USEC_NEVER;
    if (x->step == STEP_IDLE && !begin(x, now))
        return x->due;
    if (!find_work(x, now))
        return x->due;
    if (snow_room(x->snow, WINDOW_SYNC, true, now) == 0)
        return now + AGAIN;
    ask(x, &op);
    if (snow_submit(x->snow, WINDOW_SYNC, &op, 1, answer, x, now, &e) != 0) {
        round_done(x, now); /* the client is being shut down */
        return x->due;
    }
    x->waits = true;
    return USEC_NEVER;
}
