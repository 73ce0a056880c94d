/* A sorted array: assignments change rarely, every record looks its partition up. */
#include "bridge/kafka/group_parts.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"
#include "bridge/kafka/group.h"

static int compare_to(const char *topic, int32_t partition, const struct group_part *b)
{
    int order = strcmp(topic, b->topic);

    if (order != 0)
        return order;
    return (partition > b->partition) - (partition < b->partition);
}

static int compare(const void *a, const void *b)
{
    const struct group_part *x = a;

    return compare_to(x->topic, x->partition, b);
}

void group_parts_init(struct group_parts *ret_p, const rd_kafka_topic_partition_list_t *list,
                      const char *state_topic, group_parts_exclude_fn excluded, void *arg)
{
    *ret_p = (struct group_parts){.items = xcalloc((size_t)list->cnt + 1, sizeof *ret_p->items)};
    for (int i = 0; i < list->cnt; i++) {
        const char *topic = list->elems[i].topic;
        bool state = state_topic != NULL && strcmp(topic, state_topic) == 0;

        if (!state && excluded(arg, topic))
            continue;
        ret_p->items[ret_p->count++] = (struct group_part){
            .topic = xstrdup(topic),
            .partition = list->elems[i].partition,
            .state = state,
            .answered = state,
            .start = RD_KAFKA_OFFSET_BEGINNING,
            .sent = GROUP_NO_OFFSET,
            .stored = GROUP_NO_OFFSET,
            .metadata = xstrdup(""),
            .sibling = xstrdup(""),
        };
    }
    qsort(ret_p->items, ret_p->count, sizeof *ret_p->items, compare);
}

void group_parts_done(struct group_parts *p)
{
    for (size_t i = 0; i < p->count; i++) {
        free(p->items[i].topic);
        free(p->items[i].metadata);
        free(p->items[i].sibling);
    }
    free(p->items);
    *p = (struct group_parts){.items = NULL};
}

struct group_part *group_parts_find(struct group_parts *p, const char *topic, int32_t partition)
{
    size_t low = 0, high = p->count;

    if (p->last < p->count && compare_to(topic, partition, &p->items[p->last]) == 0)
        return &p->items[p->last];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_to(topic, partition, &p->items[middle]);

        if (order == 0) {
            p->last = middle;
            return &p->items[middle];
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

size_t group_parts_count(const struct group_parts *p, bool state)
{
    size_t n = 0;

    for (size_t i = 0; i < p->count; i++)
        n += p->items[i].state == state ? 1 : 0;
    return n;
}

void group_part_move(struct group_part *part, int64_t offset)
{
    part->start = offset;
    part->next = offset < 0 ? 0 : offset;
}

void group_part_stored(struct group_part *part, int64_t offset, const char *metadata,
                       size_t metadata_length)
{
    part->stored = offset;
    free(part->metadata);
    /* librdkafka stops copying at a NUL but still reports the full length. */
    part->metadata = metadata == NULL ? xstrdup("") : xstrndup(metadata, metadata_length);
}
