/* The group and the look-ups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"
#include "tests/consumers/standin.h"
#include "tests/consumers/standin_internal.h"

#define LOOKUPS 64

struct standin_group standin_group;

static struct {
    rd_kafka_topic_partition_list_t *list;
    lookup_offsets_fn fn;
    void *arg;
} lookups[LOOKUPS];
static size_t lookups_count;

void standin_kafka_reset(void)
{
    if (standin_group.last != NULL)
        rd_kafka_topic_partition_list_destroy(standin_group.last);
    for (size_t i = 0; i < lookups_count; i++)
        rd_kafka_topic_partition_list_destroy(lookups[i].list);
    lookups_count = 0;
    standin_group = (struct standin_group){.epoch = 1, .joined = true};
}

/* ---------------------------------------------------------------- group */

int group_commit(struct group *g, uint64_t epoch, rd_kafka_topic_partition_list_t *list,
                 struct err *e)
{
    (void)g;
    (void)epoch;
    if (standin_group.commit_class != ERR_NONE) {
        (void)err_set(e, standin_group.commit_class, standin_group.commit_code,
                      "the stand-in takes no commit");
        rd_kafka_topic_partition_list_destroy(list);
        return -1;
    }
    if (standin_group.last != NULL)
        rd_kafka_topic_partition_list_destroy(standin_group.last);
    standin_group.last = list;
    standin_group.commits++;
    standin_group.committing = true;
    return 0;
}

bool group_committing(const struct group *g)
{
    (void)g;
    return standin_group.committing;
}

uint64_t group_epoch(const struct group *g)
{
    (void)g;
    return standin_group.epoch;
}

bool group_joined(const struct group *g)
{
    (void)g;
    return standin_group.joined;
}

bool group_doubtful(const struct group *g)
{
    (void)g;
    return standin_group.doubtful;
}

bool group_readable(const struct group *g)
{
    (void)g;
    return standin_group.readable;
}

size_t group_read(struct group *g, size_t max, usec_t now)
{
    (void)g;
    standin_group.reads++;
    return standin_group.read == NULL ? 0 : standin_group.read(standin_group.read_arg, max, now);
}

void group_start(struct group *g, uint64_t epoch, const char *topic, int32_t partition,
                 int64_t offset)
{
    size_t i = standin_group.starts++;

    (void)g;
    assert_int_equal(epoch, standin_group.epoch);
    assert_true(i < ARRAY_LEN(standin_group.start));
    (void)snprintf(standin_group.start[i].topic, sizeof standin_group.start[i].topic, "%s", topic);
    standin_group.start[i].partition = partition;
    standin_group.start[i].offset = offset;
}

void group_pause(struct group *g, const char *topic, int32_t partition)
{
    (void)g;
    (void)topic;
    (void)partition;
    standin_group.pauses++;
}

void group_resume(struct group *g, const char *topic, int32_t partition, int64_t offset)
{
    (void)g;
    (void)topic;
    (void)partition;
    (void)offset;
    standin_group.resumes++;
}

void group_seek(struct group *g, const char *topic, int32_t partition, int64_t offset)
{
    (void)g;
    (void)topic;
    (void)partition;
    (void)offset;
}

/* ---------------------------------------------------------------- look-ups */

void lookup_offsets(struct lookup *k, rd_kafka_topic_partition_list_t *list, lookup_offsets_fn fn,
                    void *arg)
{
    (void)k;
    assert_true(lookups_count < LOOKUPS);
    lookups[lookups_count].list = list;
    lookups[lookups_count].fn = fn;
    lookups[lookups_count++].arg = arg;
}

size_t standin_lookups(void)
{
    return lookups_count;
}

rd_kafka_topic_partition_list_t *standin_lookup(size_t i)
{
    assert_true(i < lookups_count);
    return lookups[i].list;
}

void standin_lookup_answer(size_t i, const int64_t *offsets, rd_kafka_resp_err_t error, usec_t now)
{
    rd_kafka_topic_partition_list_t *list = standin_lookup(i);

    for (int n = 0; n < list->cnt; n++) {
        list->elems[n].offset = error == RD_KAFKA_RESP_ERR_NO_ERROR ? offsets[n] : -1001;
        list->elems[n].err = error;
    }
    lookups[i].fn(lookups[i].arg, list, NULL, now);
}

void standin_lookup_fail(size_t i, usec_t now)
{
    struct err e;

    assert_true(i < lookups_count);
    (void)err_set(&e, ERR_RETRY, "kafka-timeout", "no broker");
    lookups[i].fn(lookups[i].arg, NULL, &e, now);
}
