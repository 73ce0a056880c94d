/* A member of a consumer group for tests: a group with its own loop, producer and look-up, so that
 * one member can stand still while another goes on. It starts its partitions where they were
 * committed (else at 0), reads, and checks each callback against the contract of group.h, and that
 * records come without gap and repeat (`position` is for tests to move after a seek). */
#ifndef TESTS_SUPPORT_KAFKA_MEMBER_H
#define TESTS_SUPPORT_KAFKA_MEMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/kafka/group.h"
#include "bridge/kafka/output.h"

#define KAFKA_MEMBER_PARTS 8

struct kafka_seen { /* of one partition of one topic, in one member */
    char *topic;
    int32_t partition;
    bool ours;
    int64_t committed; /* as given */
    char *metadata;
    int64_t position; /* next offset expected */
    int records;      /* in all epochs */
    int64_t first, end;
    int out_of_range;
};

struct kafka_member {
    struct loop *loop;
    struct config *config;
    struct output *output;
    struct lookup *lookup;
    struct group *group;
    struct kafka_seen seen[KAFKA_MEMBER_PARTS];
    size_t seen_count;
    int given, taken, lost, committed, commit_errors, fatal, state_given, state_taken;
    int state_records, confirmed, confirmed_true, done;
    int64_t state_end;
    size_t given_n, state_n;
    uint64_t epoch;
    bool manual;          /* the test calls group_start */
    bool idle;            /* the test reads */
    bool commit_in_taken; /* of what was read */
    /* Called with the seen partition for each record before it counts; NULL: nothing. */
    void (*on_record)(struct kafka_member *m, struct kafka_seen *s, int64_t offset);
};

struct kafka_wish {
    const char *id, *const *topics, *const *excluded, *state_topic, *const *properties;
    const char *instance_id; /* static membership; NULL: none */
    bool manual, idle, commit_in_taken;
};

struct kafka_goal {
    struct kafka_member *m, *n;
    int a, b;
    const char *topic;
};

/* Joins at once; its loop reads by itself unless `idle`. */
struct kafka_member *kafka_member_new(const struct kafka_wish *w);

/* Leaves the group in good order (within 5 s) and checks that what was given was taken. */
void kafka_member_free(struct kafka_member *m);

/* What the member has seen of a partition; made when there is nothing yet. */
struct kafka_seen *kafka_member_seen(struct kafka_member *m, const char *topic, int32_t partition);

/* The positions of its own partitions as a list for group_commit: new. */
rd_kafka_topic_partition_list_t *kafka_member_positions(struct kafka_member *m,
                                                        const char *metadata);

/* Commits them and waits for the answer. */
void kafka_member_commit(struct kafka_member *m, const char *metadata);

/* For group_confirm. */
void kafka_member_confirmed(void *arg, bool ours, usec_t now);

/* Turns the loops of goal.m and goal.n until is(&goal); fails after the limit. */
void kafka_member_until(struct kafka_goal g, bool (*is)(void *arg), int limit_s);

/* What tests wait for; `a`, `b`, `topic` of the goal say how much. */
bool kafka_is_joined(void *arg);
bool kafka_is_given(void *arg);        /* a times */
bool kafka_is_read(void *arg);         /* a records in all */
bool kafka_is_at_end(void *arg);       /* partition 0 of topic, at a or beyond */
bool kafka_is_committed(void *arg);    /* a answers */
bool kafka_is_shared(void *arg);       /* m has a partitions, n has b */
bool kafka_is_state_end(void *arg);    /* at a or beyond */
bool kafka_is_confirmed(void *arg);    /* a answers */
bool kafka_is_out_of_range(void *arg); /* a times, partition 0 of topic */

#endif
