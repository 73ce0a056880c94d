/* The partitions of one assignment, ordered by topic and number. Pure memory; loop thread. */
#ifndef BRIDGE_KAFKA_GROUP_PARTS_H
#define BRIDGE_KAFKA_GROUP_PARTS_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct group_part {
    char *topic;
    int32_t partition;
    bool state;     /* of the state topic */
    bool answered;  /* the owner has said where it starts */
    bool paused;    /* nothing is handed out */
    bool stopped;   /* the position was out of range: librdkafka fetches no more until it is
                       assigned again */
    int64_t start;  /* where it would be started now; may be RD_KAFKA_OFFSET_BEGINNING */
    int64_t next;   /* the least offset that is not stale */
    int64_t sent;   /* highest offset sent in a commit of this epoch; GROUP_NO_OFFSET: none */
    int64_t stored; /* last commit that the broker is known to hold; GROUP_NO_OFFSET: none */
    char *metadata; /* of that commit, never NULL */
    char *sibling;  /* metadata of a commit of another partition of the topic, never NULL */
    int64_t sibling_stored; /* the offset of that commit */
    uint64_t barrier; /* messages of this batch are stale: seek or pause came in the middle of it */
    rd_kafka_resp_err_t trouble; /* what the log has said of it */
};

struct group_parts {
    struct group_part *items;
    size_t count;
    size_t last; /* index of the last one found: records come in runs */
};

/* Fills the empty *ret_p from a list; partitions of `excluded` topics are left out. */
typedef bool (*group_parts_exclude_fn)(void *arg, const char *topic);
void group_parts_init(struct group_parts *ret_p, const rd_kafka_topic_partition_list_t *list,
                      const char *state_topic, group_parts_exclude_fn excluded, void *arg);
void group_parts_done(struct group_parts *p); /* empty again */

/* Borrowed until done; NULL when it is none of the assignment. */
struct group_part *group_parts_find(struct group_parts *p, const char *topic, int32_t partition);

/* How many are of the state topic (`state`), or are not. */
size_t group_parts_count(const struct group_parts *p, bool state);

/* It continues at `offset`, whatever was read of it before. */
void group_part_move(struct group_part *part, int64_t offset);
/* The broker holds this commit now. NULL metadata = "". */
void group_part_stored(struct group_part *part, int64_t offset, const char *metadata,
                       size_t metadata_length);

#endif
