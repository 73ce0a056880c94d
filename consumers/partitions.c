/* Partitions by topic and number, kept for the life of the process: units point to them. A process
 * has some hundreds at most, so a list is enough for everything but the look-up. */
#include "consumers/partitions.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/buf.h"
#include "bridge/base/log.h"
#include "bridge/base/xalloc.h"

/* The broker's default bound for commit metadata (offset.metadata.max.bytes). */
#define METADATA_MAX 4096

struct pattern {
    const struct config_consumer *consumer;
    const char *name; /* plain topic, or NULL when regex is used */
    regex_t regex;
};

struct partitions {
    const struct config *config;
    struct partition *first;
    struct pattern *patterns;
    size_t patterns_count;
    struct rules **rules; /* of each consumers entry */
    size_t metadata_max;  /* halved when a broker refuses our metadata as too large */
};

static void add_pattern(struct partitions *p, const struct config_consumer *c, const char *topic)
{
    struct pattern x = {.consumer = c, .name = topic};

    if (topic[0] == '^') {
        x.name = NULL;
        if (regcomp(&x.regex, topic, REG_EXTENDED | REG_NOSUB) != 0) {
            log_warn("topic-pattern",
                     "topics=\"%s\"\tThis regular expression is not understood here; records of "
                     "topics that only it matches are not read. Write it in POSIX extended syntax",
                     topic);
            return;
        }
    }
    p->patterns = xrealloc(p->patterns, p->patterns_count + 1, sizeof *p->patterns);
    p->patterns[p->patterns_count++] = x;
}

struct partitions *partitions_new(const struct config *c)
{
    struct partitions *p = xcalloc(1, sizeof *p);

    p->config = c;
    p->metadata_max = METADATA_MAX;
    p->rules = xcalloc(c->consumers_count, sizeof(struct rules *));
    for (size_t i = 0; i < c->consumers_count; i++) {
        p->rules[i] = rules_new(&c->consumers[i]);
    }
    for (size_t i = 0; i < c->consumers_count; i++)
        for (size_t k = 0; k < c->consumers[i].topics.count; k++)
            add_pattern(p, &c->consumers[i], c->consumers[i].topics.items[k]);
    return p;
}

struct partitions *partitions_free(struct partitions *p)
{
    if (p == NULL)
        return NULL;
    for (struct partition *x = p->first, *next; x != NULL; x = next) {
        next = x->next;
        partition_release(x);
        free(x->topic);
        free(x);
    }
    for (size_t i = 0; i < p->patterns_count; i++)
        if (p->patterns[i].name == NULL)
            regfree(&p->patterns[i].regex);
    free(p->patterns);
    for (size_t i = 0; i < p->config->consumers_count; i++)
        (void)rules_free(p->rules[i]);
    free(p->rules);
    free(p);
    return NULL;
}

const struct config_consumer *partitions_consumer(const struct partitions *p, const char *topic)
{
    for (size_t i = 0; i < p->patterns_count; i++) {
        const struct pattern *x = &p->patterns[i];

        if (x->name != NULL ? strcmp(x->name, topic) == 0
                            : regexec(&x->regex, topic, 0, NULL, 0) == 0)
            return x->consumer;
    }
    return NULL;
}

struct partition *partitions_find(struct partitions *p, const char *topic, int32_t number)
{
    for (struct partition *x = p->first; x != NULL; x = x->next)
        if (x->number == number && strcmp(x->topic, topic) == 0)
            return x;
    return NULL;
}

struct partition *partitions_get(struct partitions *p, const char *topic, int32_t number)
{
    struct partition *x = partitions_find(p, topic, number);

    if (x != NULL)
        return x;
    x = xcalloc(1, sizeof *x);
    x->topic = xstrdup(topic);
    x->number = number;
    x->consumer = partitions_consumer(p, topic);
    if (x->consumer != NULL)
        x->rules = p->rules[x->consumer - p->config->consumers];
    x->cut = MSEC_NONE;
    x->end = OFFSETS_NONE;
    x->next = p->first;
    p->first = x;
    return x;
}

struct partition *partitions_first(struct partitions *p)
{
    return p->first;
}

void partition_assign(struct partition *x, uint64_t epoch, int64_t position)
{
    partition_release(x);
    x->epoch = epoch;
    x->paused = x->deep = false;
    x->tracker++;
    x->offsets = offsets_new(position, epoch);
}

void partition_release(struct partition *x)
{
    x->offsets = offsets_free(x->offsets);
}

static void set_metadata(rd_kafka_topic_partition_t *to, struct buf *metadata)
{
    /* librdkafka frees it with the list, by free(). */
    to->metadata_size = metadata->length;
    to->metadata = metadata->length > 0 ? xstrdup(buf_text(metadata)) : NULL;
}

static struct offsets_note note_of(const struct partitions *p, const struct partition *x)
{
    return (struct offsets_note){.host = p->config->connection.host, .cut = x->cut, .end = x->end};
}

static void add_commit(struct partitions *p, rd_kafka_topic_partition_list_t *list,
                       struct partition *x)
{
    struct offsets_note note = note_of(p, x);
    rd_kafka_topic_partition_t *to = rd_kafka_topic_partition_list_add(list, x->topic, x->number);
    struct buf metadata;
    bool cut;

    buf_init(&metadata, p->metadata_max);
    offsets_commit(x->offsets, &note, p->metadata_max, &to->offset, &metadata, &cut);
    set_metadata(to, &metadata);
    buf_done(&metadata);
}

rd_kafka_topic_partition_list_t *partitions_commit_list(struct partitions *p)
{
    rd_kafka_topic_partition_list_t *list = NULL;

    for (struct partition *x = p->first; x != NULL; x = x->next) {
        if (x->offsets == NULL || !offsets_dirty(x->offsets))
            continue;
        if (list == NULL)
            list = rd_kafka_topic_partition_list_new(8);
        add_commit(p, list, x);
    }
    return list;
}

void partitions_add_first(struct partitions *p, rd_kafka_topic_partition_list_t *list,
                          const struct partition *x, int64_t offset)
{
    struct offsets_note note = note_of(p, x);
    struct offsets *fresh = offsets_new(offset, 0);
    rd_kafka_topic_partition_t *to = rd_kafka_topic_partition_list_add(list, x->topic, x->number);
    struct buf metadata;
    bool cut;

    buf_init(&metadata, p->metadata_max);
    offsets_commit(fresh, &note, p->metadata_max, &to->offset, &metadata, &cut);
    set_metadata(to, &metadata);
    buf_done(&metadata);
    (void)offsets_free(fresh);
}

/* A broker that takes less metadata than asked for: half of it. Several partitions of one commit
 * may be refused for that, so it is halved once a commit. */
static void halve_metadata(struct partitions *p, const rd_kafka_topic_partition_t *part)
{
    p->metadata_max = p->metadata_max > 128 ? p->metadata_max / 2 : 0;
    log_warn("commit-metadata",
             "topic=%s partition=%d limit=%zu\tThe broker takes less commit metadata than asked "
             "for; the map of finished offsets is cut to this many characters. After a restart "
             "more alerts are looked at again (none is written twice). Raise "
             "offset.metadata.max.bytes to avoid it",
             part->topic, part->partition, p->metadata_max);
}

/* The same error comes every half second for as long as its cause lasts. */
static void say_commit(struct partition *x, const rd_kafka_topic_partition_t *part)
{
    if (x->commit_trouble == part->err)
        return;
    if (part->err == RD_KAFKA_RESP_ERR_NO_ERROR)
        log_info("commit-healed", "topic=%s partition=%d offset=%lld\tOffsets are committed again",
                 x->topic, x->number, (long long)part->offset);
    else
        log_warn(
            "commit-failed",
            "topic=%s partition=%d offset=%lld error=%s\tThe offset could not be committed; it "
            "is tried again while the partition is ours. This is said once",
            x->topic, x->number, (long long)part->offset, rd_kafka_err2name(part->err));
    x->commit_trouble = part->err;
}

bool partitions_committed(struct partitions *p, uint64_t epoch,
                          const rd_kafka_topic_partition_list_t *list)
{
    const rd_kafka_topic_partition_t *too_large = NULL;
    bool again = false;

    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *part = &list->elems[i];
        struct partition *x = partitions_find(p, part->topic, part->partition);

        if (x == NULL || x->offsets == NULL || x->epoch != epoch)
            continue;
        if (part->err == RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE && p->metadata_max > 0) {
            too_large = part;
            again = true;
            continue;
        }
        again |= part->err != RD_KAFKA_RESP_ERR_NO_ERROR;
        say_commit(x, part);
        if (part->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            offsets_committed(x->offsets, part->offset);
    }
    if (too_large != NULL)
        halve_metadata(p, too_large);
    return again;
}

bool partitions_map_full(const struct partitions *p, struct partition *x)
{
    struct offsets_note note = note_of(p, x);
    size_t taken = offsets_note_chars(&note);

    return x->offsets != NULL &&
           offsets_map_full(x->offsets, p->metadata_max > taken ? p->metadata_max - taken : 0);
}
