/* What the files of the group share: nobody else includes this. group.c: life, events, pausing;
 * group_assign.c: rebalances; group_commit.c: commits; group_read.c: records; group_watch.c: what
 * is said about topics and connections. Loop thread only. */
#ifndef BRIDGE_KAFKA_GROUP_INTERNAL_H
#define BRIDGE_KAFKA_GROUP_INTERNAL_H

#include "bridge/base/log.h"
#include "bridge/kafka/client.h"
#include "bridge/kafka/group.h"
#include "bridge/kafka/group_parts.h"

enum group_phase {
    GROUP_IDLE,     /* no assignment */
    GROUP_ASKING,   /* committed offsets are being asked for */
    GROUP_GIVEN,    /* the owner has to say where the partitions start */
    GROUP_ASSIGNED, /* in force */
};

struct group_commit { /* in flight */
    uint64_t epoch;
    uint64_t stalls; /* seen when it was sent: an answer proves nothing about a later stall */
    bool proof;      /* for group_confirm, or because of a stall */
    struct group_commit *prev, *next;
};

struct group_proof { /* somebody waits for one */
    void (*fn)(void *arg, bool ours, usec_t now);
    void *arg;
    bool under_way;
    struct group_proof *prev, *next;
};

struct group_name { /* subscribed or excluded */
    char *name;
    bool pattern;
    bool said;                   /* excluded: that it is matched */
    rd_kafka_resp_err_t trouble; /* subscribed: what the log has said */
};

struct group_names {
    struct group_name *items;
    size_t count;
};

enum group_queue {
    QUEUE_CONSUMER, /* rebalances and errors */
    QUEUE_MAIN,     /* log lines */
    QUEUE_REPLY,    /* answers to commits; everything during the close */
    QUEUE_DATA,
    QUEUE_STATE,
    QUEUE_ADMIN, /* committed offsets */
    QUEUES
};

struct group {
    struct loop *loop;
    struct group_callbacks cb;
    struct lookup *lookup;
    rd_kafka_t *rk; /* the consumer */
    rd_kafka_queue_t *queues[QUEUES];
    struct kafka_events *events[QUEUES];
    struct loop_tick *tick;
    char *id, *state_topic, *member;
    struct group_names subscribed, excluded;
    size_t alert_topics; /* of `subscribed`; the state topic is not counted */

    enum group_phase phase;
    uint64_t epoch;
    struct group_parts parts;
    usec_t ask_due, ask_delay;
    bool ask_failed;
    bool giving;  /* inside the owner's `given` */
    bool restart; /* assign again: a stopped partition has a new position */
    usec_t poll_interval, poll_due;
    usec_t session, last_turn;
    /* The loop stood still for longer than half the session (doubtful), or than the session
     * (stalled: a revocation is a loss then, which librdkafka does not see when a rebalance was
     * pending before). Both until a commit made afterwards has been answered. */
    bool doubtful, stalled;
    uint64_t stalls;
    usec_t doubt_due; /* next proof because of it */

    struct group_commit *commits;
    struct group_proof *proofs;
    bool taking; /* inside the owner's `taken`, and it may commit once */

    bool readable;
    uint64_t batch;

    struct kafka_link link;
    usec_t watch_due;
    size_t watch_waits; /* questions not answered */
    bool refused_said;
    struct log_limit other_errors;

    bool fatal, closing, close_failed, closed;
    void (*done)(void *arg, usec_t now);
    void *done_arg;
    struct metric *assigned, *rebalances, *lost, *stalls_seen, *commits_ok, *commits_failed;
};

void group_serve_event(struct group *g, rd_kafka_event_t *ev, usec_t now);
void group_die(struct group *g, rd_kafka_resp_err_t code, const char *text, usec_t now);

void group_on_rebalance(struct group *g, rd_kafka_event_t *ev, usec_t now);
bool group_on_admin(void *group, rd_kafka_queue_t *q, usec_t now); /* committed offsets */
void group_take_away(struct group *g, enum group_loss loss, usec_t now);
/* The partition's queue leads to ours from now on; later fetch starts keep that. */
void group_forward(struct group *g, const struct group_part *part);
/* Was this turn late? */
void group_note_stall(struct group *g, usec_t now);
/* The loop stood still for so long; `beyond`: longer than the session. */
void group_doubt(struct group *g, usec_t stood, bool beyond, usec_t now);
void group_trust(struct group *g);
usec_t group_assign_tick(struct group *g, usec_t now);

void group_on_commit(struct group *g, rd_kafka_event_t *ev, usec_t now);
usec_t group_commit_tick(struct group *g, usec_t now);
/* No proof will come any more: all who wait are told so. */
void group_no_proof(struct group *g, usec_t now);

bool group_on_data(void *group, rd_kafka_queue_t *q, usec_t now);
bool group_on_state(void *group, rd_kafka_queue_t *q, usec_t now);
void group_out_of_range(struct group *g, const char *topic, int32_t partition, int64_t offset,
                        usec_t now);

/* An error that concerns topics or connections: true when it is dealt with. */
bool group_watch_error(struct group *g, rd_kafka_event_t *ev, usec_t now);
void group_watch_assigned(struct group *g);
bool group_names_topic(const struct group *g, const char *topic); /* not by an expression */
usec_t group_watch_tick(struct group *g, usec_t now);

#endif
