/* The producers' side as the program sees it: which table belongs to which state partition, which
 * partitions are ours, and whose turn it is. */
#include "producers/workitems.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/digest.h"
#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"
#include "producers/parts.h"

static int check_tables(const struct config *c, struct err *e)
{
    for (size_t i = 0; i < c->producers_count; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(c->producers[i].table, c->producers[j].table) == 0)
                return err_set(e, ERR_CONFIG, "table-twice",
                               "Table %s has two producers entries (lines %d and %d), but one "
                               "watermark. Join them into one entry",
                               c->producers[i].table, c->producers[j].line, c->producers[i].line);
    return 0;
}

static int make_pool(struct workitems *w, struct err *e)
{
    const struct config *c = w->config;
    const char **topics =
        xcalloc(c->producers_count * CONFIG_PRODUCER_TOPICS_MAX + 1, sizeof(*topics));
    size_t n = 0;
    topics[n++] = c->topics.state;
    for (size_t i = 0; i < c->producers_count; i++) {
        struct config_producer_topic of[CONFIG_PRODUCER_TOPICS_MAX];
        size_t count = config_producer_topics(&c->producers[i], of);
        for (size_t j = 0; j < count; j++)
            topics[n++] = of[j].topic;
    }
    w->pool = txn_pool_new(w->loop, c, topics, n, e);
    free(topics);
    return w->pool != NULL ? 0 : -1;
}

int32_t workitems_partition(const char *key, int32_t state_partitions)
{
    return (int32_t)(digest_u64(key, strlen(key)) % (uint64_t)state_partitions);
}

struct workitems *workitems_new(struct loop *l, const struct config *c, struct snow *s,
                                int32_t state_partitions, struct metrics *m, struct err *e)
{
    if (check_tables(c, e) != 0)
        return NULL;
    struct workitems *w = xcalloc(1, sizeof(*w));
    w->loop = l;
    w->config = c;
    w->snow = s;
    w->state_partitions = state_partitions;
    w->transactional = c->topics.exactly_once != EXACTLY_ONCE_OFF;
    if (c->producers_count == 0)
        return w;
    invariant(state_partitions > 0);
    if (make_pool(w, e) != 0) {
        free(w);
        return NULL;
    }
    w->self = self_new(&c->connection, s);
    w->tables = xcalloc(c->producers_count, sizeof(*w->tables));
    w->tables_count = c->producers_count;
    for (size_t i = 0; i < w->tables_count; i++) {
        struct table *t = &w->tables[i];
        table_init(t, w, &c->producers[i], m);
        t->partition = workitems_partition(t->key, state_partitions);
    }
    return w;
}

static bool has_tables(const struct workitems *w, int32_t partition)
{
    for (size_t i = 0; i < w->tables_count; i++)
        if (w->tables[i].partition == partition)
            return true;
    return false;
}

void workitems_state_given(struct workitems *w, struct group *g, uint64_t epoch,
                           const int32_t *partitions, size_t n, usec_t now)
{
    (void)now;
    for (size_t i = 0; i < n; i++) {
        if (!has_tables(w, partitions[i]))
            continue;
        invariant(owner_find(w, partitions[i]) == NULL);
        struct owner *o = owner_new(w, partitions[i], g, epoch);
        o->next = w->owners;
        w->owners = o;
    }
}

static void drop_owners(struct workitems *w)
{
    while (w->owners != NULL) {
        struct owner *o = w->owners;
        w->owners = o->next;
        owner_free(o);
    }
}

/* A commit under way is let go on: the next owner's fence decides it either way. */
void workitems_state_taken(struct workitems *w, uint64_t epoch, enum group_loss loss, usec_t now)
{
    (void)loss;
    (void)now;
    (void)epoch; /* the eager protocol takes all of them */
    drop_owners(w);
}

static bool is_key(const struct feed *f, const rd_kafka_message_t *m)
{
    return f->t != NULL && strlen(f->key) == m->key_len && memcmp(m->key, f->key, m->key_len) == 0;
}

void workitems_on_read(struct workitems *w, void (*fn)(void *arg, usec_t now), void *arg)
{
    w->on_read = fn;
    w->on_read_arg = arg;
}

/* Only one that comes while we listen: what was asked before was read at the start. */
static void control_of_no_table(struct workitems *w, int32_t partition, const rd_kafka_message_t *m,
                                usec_t now)
{
    const struct owner *o = owner_find(w, partition);
    size_t length;
    struct err e;
    char *key = control_no_table(w->config->connection.name);
    bool ours = control_id(key, m->key, m->key_len, &length) != NULL && m->payload != NULL;
    free(key);
    if (!ours || o == NULL || o->phase != OWNER_READY || w->on_read == NULL)
        return;
    struct control *c = control_decode(m->payload, m->len, w->config->connection.host, &e);
    if (c != NULL && c->what == CONTROL_READ)
        w->on_read(w->on_read_arg, now);
    control_free(c);
}

/* A tombstone says that a watermark was removed on purpose, or a request carried out. */
void workitems_state_record(struct workitems *w, int32_t partition, const rd_kafka_message_t *m,
                            usec_t now)
{
    control_of_no_table(w, partition, m, now);
    for (size_t i = 0; i < w->tables_count; i++) {
        struct table *t = &w->tables[i];
        size_t length = 0;
        if (t->partition != partition)
            continue;
        for (size_t j = 0; j < FEEDS; j++)
            if (is_key(&t->feeds[j], m))
                feed_take(&t->feeds[j], m->payload, m->len);
        const char *id = control_id(t->key, m->key, m->key_len, &length);
        if (id != NULL)
            table_control(t, id, length, m->payload, m->len, now);
    }
}

void workitems_state_end(struct workitems *w, int32_t partition, int64_t offset, usec_t now)
{
    struct owner *o = owner_find(w, partition);
    if (o != NULL)
        owner_state_end(o, offset, now);
}

usec_t workitems_tick(struct workitems *w, usec_t now)
{
    usec_t next = USEC_NEVER;
    w->waiting = false;
    if (w->owners != NULL && !w->draining)
        next = usec_min(next, self_step(w->self, now));
    for (struct owner *o = w->owners; o != NULL; o = o->next)
        next = usec_min(next, owner_step(o, now));
    for (size_t i = 0; i < w->tables_count; i++)
        next = usec_min(next, table_step(&w->tables[i], now));
    /* A table that got its room needs none kept from the alerts. */
    (void)snow_room(w->snow, WINDOW_SYNC, w->waiting, now);
    return next;
}

bool workitems_drain(struct workitems *w, usec_t now)
{
    (void)now;
    w->draining = true;
    for (size_t i = 0; i < w->tables_count; i++)
        if (w->tables[i].publishing)
            return false;
    return w->pool == NULL || txn_pool_idle(w->pool);
}

struct workitems *workitems_free(struct workitems *w)
{
    if (w == NULL)
        return NULL;
    drop_owners(w);
    for (size_t i = 0; i < w->tables_count; i++)
        table_done(&w->tables[i]);
    free(w->tables);
    txn_pool_free(w->pool);
    self_free(w->self);
    free(w);
    return NULL;
}

void workitems_each(struct workitems *w, void (*fn)(void *arg, const struct workitems_table *t),
                    void *arg)
{
    usec_t now = loop_now(w->loop);
    for (size_t i = 0; i < w->tables_count; i++) {
        const struct table *t = &w->tables[i];
        const struct sweep *live = t->feeds[FEED_LIVE].sweep;
        const struct err *why = t->reason.class != ERR_NONE ? &t->reason : feed_trouble(t);
        struct workitems_table view = {
            .table = t->p->table,
            .topic = t->p->topic,
            .phase = table_phase_name(t, now),
            .reason = why != NULL ? why->text : "",
            .watermark = live != NULL ? sweep_mark(live).second * 1000 : MSEC_NONE,
            .published = t->published,
            .next_poll = live != NULL ? sweep_due(live) : USEC_NEVER,
            .history = t->history.open,
            .rows_done = t->history.done,
            .rows_total = t->history.total,
            .seconds_left = history_left(t),
        };
        fn(arg, &view);
    }
}
