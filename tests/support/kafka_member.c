/* A consumer group's owner as a test needs it: plain, and strict about what it is told. */
#include "tests/support/kafka_member.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"
#include "tests/support/kafka_rig.h"

struct kafka_seen *kafka_member_seen(struct kafka_member *m, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < m->seen_count; i++)
        if (m->seen[i].partition == partition && strcmp(m->seen[i].topic, topic) == 0)
            return &m->seen[i];
    assert_true(m->seen_count < KAFKA_MEMBER_PARTS);
    m->seen[m->seen_count] = (struct kafka_seen){.topic = xstrdup(topic),
                                                 .partition = partition,
                                                 .committed = GROUP_NO_OFFSET,
                                                 .first = -1,
                                                 .end = -1};
    return &m->seen[m->seen_count++];
}

static void start_all(struct kafka_member *m)
{
    for (size_t i = 0; i < m->seen_count; i++) {
        struct kafka_seen *s = &m->seen[i];

        if (!s->ours)
            continue;
        s->position = s->committed == GROUP_NO_OFFSET ? 0 : s->committed;
        group_start(m->group, m->epoch, s->topic, s->partition, s->position);
    }
}

static void on_given(void *arg, uint64_t epoch, const struct group_given *parts, size_t n,
                     usec_t now)
{
    struct kafka_member *m = arg;

    (void)now;
    assert_true(epoch > m->epoch);
    assert_int_equal(m->given, m->taken);
    m->given++;
    m->epoch = epoch;
    m->given_n = n;
    for (size_t i = 0; i < n; i++) {
        struct kafka_seen *s = kafka_member_seen(m, parts[i].topic, parts[i].partition);

        s->ours = true;
        s->committed = parts[i].committed;
        free(s->metadata);
        s->metadata = xstrdup(parts[i].metadata);
    }
    if (!m->manual)
        start_all(m);
}

rd_kafka_topic_partition_list_t *kafka_member_positions(struct kafka_member *m,
                                                        const char *metadata)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(KAFKA_MEMBER_PARTS);

    for (size_t i = 0; i < m->seen_count; i++) {
        rd_kafka_topic_partition_t *x;

        if (!m->seen[i].ours)
            continue;
        x = rd_kafka_topic_partition_list_add(list, m->seen[i].topic, m->seen[i].partition);
        x->offset = m->seen[i].position;
        x->metadata = xstrdup(metadata);
        x->metadata_size = strlen(metadata);
    }
    return list;
}

static void on_taken(void *arg, uint64_t epoch, enum group_loss loss, usec_t now)
{
    struct kafka_member *m = arg;
    struct err e;

    (void)now;
    assert_int_equal(epoch, m->epoch);
    m->taken++;
    m->lost += loss == GROUP_LOST ? 1 : 0;
    if (m->commit_in_taken && loss == GROUP_REVOKED)
        assert_int_equal(group_commit(m->group, epoch, kafka_member_positions(m, "in taken"), &e),
                         0);
    if (loss == GROUP_LOST)
        assert_int_equal(group_commit(m->group, epoch + 1, kafka_member_positions(m, ""), &e), -1);
    for (size_t i = 0; i < m->seen_count; i++)
        m->seen[i].ours = false;
}

static bool on_record(void *arg, uint64_t epoch, rd_kafka_message_t *r, usec_t now)
{
    struct kafka_member *m = arg;
    struct kafka_seen *s = kafka_member_seen(m, rd_kafka_topic_name(r->rkt), r->partition);

    (void)now;
    assert_int_equal(epoch, m->epoch);
    assert_true(s->ours);
    assert_int_equal(r->offset, s->position);
    if (s->first < 0)
        s->first = r->offset;
    s->position = r->offset + 1;
    s->records++;
    if (m->on_record != NULL)
        m->on_record(m, s, r->offset);
    if (s->records % 2 == 0)
        return false;
    rd_kafka_message_destroy(r); /* taken over */
    return true;
}

static void on_end(void *arg, uint64_t epoch, const char *topic, int32_t partition, int64_t offset,
                   usec_t now)
{
    struct kafka_member *m = arg;
    struct kafka_seen *s = kafka_member_seen(m, topic, partition);

    (void)now;
    assert_int_equal(epoch, m->epoch);
    s->end = s->position = offset;
}

static void on_out_of_range(void *arg, uint64_t epoch, const char *topic, int32_t partition,
                            usec_t now)
{
    struct kafka_member *m = arg;

    (void)now;
    assert_int_equal(epoch, m->epoch);
    kafka_member_seen(m, topic, partition)->out_of_range++;
}

static void on_committed(void *arg, uint64_t epoch, const rd_kafka_topic_partition_list_t *list,
                         const struct err *error, usec_t now)
{
    struct kafka_member *m = arg;

    (void)epoch;
    (void)now;
    m->committed++;
    assert_true((list == NULL) == (error != NULL));
    m->commit_errors += error != NULL ? 1 : 0;
    for (int i = 0; list != NULL && i < list->cnt; i++)
        m->commit_errors += list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR ? 1 : 0;
}

static void on_state_given(void *arg, uint64_t epoch, const int32_t *partitions, size_t n,
                           usec_t now)
{
    struct kafka_member *m = arg;

    (void)partitions;
    (void)now;
    assert_true(epoch >= m->epoch);
    m->state_given++;
    m->state_n = n;
    m->state_records = 0;
    m->state_end = -1;
}

static void on_state_taken(void *arg, uint64_t epoch, enum group_loss loss, usec_t now)
{
    struct kafka_member *m = arg;

    (void)epoch;
    (void)loss;
    (void)now;
    m->state_taken++;
}

static void on_state_record(void *arg, int32_t partition, const rd_kafka_message_t *r, usec_t now)
{
    struct kafka_member *m = arg;

    (void)partition;
    (void)now;
    assert_int_equal(r->err, RD_KAFKA_RESP_ERR_NO_ERROR);
    m->state_records++;
}

static void on_state_end(void *arg, int32_t partition, int64_t offset, usec_t now)
{
    struct kafka_member *m = arg;

    (void)partition;
    (void)now;
    m->state_end = offset;
}

static void on_fatal(void *arg, const struct err *error, usec_t now)
{
    struct kafka_member *m = arg;

    (void)now;
    assert_int_equal(error->class, ERR_FATAL);
    m->fatal++;
}

static const struct group_callbacks callbacks = {
    .given = on_given,
    .taken = on_taken,
    .record = on_record,
    .end = on_end,
    .out_of_range = on_out_of_range,
    .committed = on_committed,
    .state_given = on_state_given,
    .state_taken = on_state_taken,
    .state_record = on_state_record,
    .state_end = on_state_end,
    .fatal = on_fatal,
};

static usec_t read_tick(void *arg, usec_t now)
{
    struct kafka_member *m = arg;

    if (!m->idle && m->group != NULL && group_readable(m->group))
        (void)group_read(m->group, 100, now);
    return USEC_NEVER;
}

static size_t length(const char *const *names)
{
    size_t n = 0;

    while (names != NULL && names[n] != NULL)
        n++;
    return n;
}

struct kafka_member *kafka_member_new(const struct kafka_wish *w)
{
    struct kafka_member *m = xcalloc(1, sizeof *m);
    struct group_callbacks cb = callbacks;
    struct err e;

    m->manual = w->manual;
    m->idle = w->idle;
    m->commit_in_taken = w->commit_in_taken;
    m->state_end = -1;
    m->loop = loop_new(&e);
    m->config = kafka_rig_config(kafka_rig_address(), w->id, w->properties);
    if (w->instance_id != NULL) {
        free(m->config->kafka.group_instance_id);
        m->config->kafka.group_instance_id = xstrdup(w->instance_id);
    }
    m->output = output_new(m->loop, m->config, NULL, 0, NULL, &e);
    assert_non_null(m->output);
    m->lookup = lookup_new(m->loop, output_handle(m->output));
    cb.arg = m;
    m->group = group_new(m->loop, m->config, w->topics, length(w->topics), w->excluded,
                         length(w->excluded), w->state_topic, m->lookup, &cb, NULL, &e);
    assert_non_null(m->group);
    (void)loop_add_tick(m->loop, read_tick, m);
    return m;
}

static void on_done(void *arg, usec_t now)
{
    struct kafka_member *m = arg;

    (void)now;
    m->done++;
    m->group = group_free(m->group);
}

static bool is_done(void *arg)
{
    return ((struct kafka_member *)arg)->done > 0;
}

void kafka_member_free(struct kafka_member *m)
{
    if (m->group != NULL) {
        group_close(m->group, on_done, m);
        kafka_rig_until(&m->loop, 1, is_done, m, 5);
    }
    assert_int_equal(m->given, m->taken);
    assert_int_equal(m->state_given, m->state_taken);
    m->lookup = lookup_free(m->lookup);
    m->output = output_free(m->output);
    loop_turn(m->loop, 0);
    m->loop = loop_free(m->loop);
    m->config = kafka_rig_config_free(m->config);
    for (size_t i = 0; i < m->seen_count; i++) {
        free(m->seen[i].topic);
        free(m->seen[i].metadata);
    }
    free(m);
}

void kafka_member_until(struct kafka_goal g, bool (*is)(void *arg), int limit_s)
{
    struct loop *loops[] = {g.m->loop, g.n == NULL ? NULL : g.n->loop};

    kafka_rig_until(loops, g.n == NULL ? 1 : 2, is, &g, limit_s);
}

bool kafka_is_joined(void *arg)
{
    struct kafka_goal *g = arg;

    return group_joined(g->m->group);
}

bool kafka_is_given(void *arg)
{
    struct kafka_goal *g = arg;

    return g->m->given >= g->a;
}

bool kafka_is_read(void *arg)
{
    struct kafka_goal *g = arg;
    int n = 0;

    for (size_t i = 0; i < g->m->seen_count; i++)
        n += g->m->seen[i].records;
    return n >= g->a;
}

bool kafka_is_at_end(void *arg)
{
    struct kafka_goal *g = arg;

    return kafka_member_seen(g->m, g->topic, 0)->end >= g->a;
}

bool kafka_is_committed(void *arg)
{
    struct kafka_goal *g = arg;

    return g->m->committed >= g->a;
}

bool kafka_is_shared(void *arg)
{
    struct kafka_goal *g = arg;

    return group_joined(g->m->group) && group_joined(g->n->group) && (int)g->m->given_n == g->a &&
           (int)g->n->given_n == g->b;
}

bool kafka_is_state_end(void *arg)
{
    struct kafka_goal *g = arg;

    return g->m->state_end >= g->a;
}

void kafka_member_confirmed(void *arg, bool ours, usec_t now)
{
    struct kafka_member *m = arg;

    (void)now;
    m->confirmed++;
    m->confirmed_true += ours ? 1 : 0;
}

bool kafka_is_confirmed(void *arg)
{
    struct kafka_goal *g = arg;

    return g->m->confirmed >= g->a;
}

bool kafka_is_out_of_range(void *arg)
{
    struct kafka_goal *g = arg;

    return kafka_member_seen(g->m, g->topic, 0)->out_of_range >= g->a;
}

void kafka_member_commit(struct kafka_member *m, const char *metadata)
{
    int before = m->committed;
    struct err e;

    assert_int_equal(group_commit(m->group, m->epoch, kafka_member_positions(m, metadata), &e), 0);
    assert_true(group_committing(m->group));
    assert_int_equal(group_commit(m->group, m->epoch, kafka_member_positions(m, ""), &e), -1);
    assert_string_equal(e.code, "kafka-commit-busy");
    kafka_member_until((struct kafka_goal){.m = m, .a = before + 1}, kafka_is_committed, 10);
    assert_int_equal(m->commit_errors, 0);
    assert_false(group_committing(m->group));
}
