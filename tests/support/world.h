/* A small world around the deciding parts of the alert direction: Kafka partitions, two or three
 * bridge processes with the real lanes, ledger, offsets and reconcile, an instance of ServiceNow
 * in memory, and persons. Every step is atomic and asked for by the test; nothing happens by
 * itself but what a passed time brings. The glue between decision and request is written after
 * consumers/dispatch*.c and must be changed with it.
 *
 * A step that is not possible now returns false and changes nothing. What goes wrong is collected
 * in world_broken; the story of a world is told line by line once world_tell was called. */
#ifndef TESTS_SUPPORT_WORLD_H
#define TESTS_SUPPORT_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/base/clock.h"
#include "bridge/base/rand.h"
#include "consumers/reconcile.h"

#define WORLD_PROCESSES  3
#define WORLD_PARTITIONS 3
#define WORLD_ALERTS     2
#define WORLD_MESSAGES   16

/* What a world may break, as bits. */
enum world_break {
    BREAK_TWO = 1 << 0,     /* a second record of one instance, or more records than cycles */
    BREAK_FINAL = 1 << 1,   /* at rest: no record, or in the wrong state */
    BREAK_EARLY = 1 << 2,   /* a commit calls a message finished that is not */
    BREAK_OPENED = 1 << 3,  /* the bridge moved a record from resolved to open */
    BREAK_PERSON = 1 << 4,  /* a person's act undone by a decision on a later read */
    BREAK_CONTENT = 1 << 5, /* keyed: older content over newer, or not the newest at rest */
    BREAK_PAIR = 1 << 6,    /* two open records of one series */
    BREAK_CYCLE = 1 << 7,   /* a cycle of a series without a record of its own */
    BREAK_STUCK = 1 << 8,   /* never at rest */
    BREAK_DEAD = 1 << 9,    /* a dead letter for a record that is well */
    BREAK_BODY = 1 << 10,   /* a request's body holds what its kind must not */
    /* Not a fault: a request that was on its way when a person acted landed after it. */
    RACE_PERSON = 1 << 16,
    /* Unkeyed topics: the content of an open record at rest is not the newest written. */
    LIMIT_CONTENT = 1 << 17,
};

struct world_message {
    int partition, alert;
    enum alert_state state;
    int cycle;      /* unmarked: which cycle of the series it belongs to, from 0 */
    msec_t arrives; /* when it is written, in ms after the world's begin */
    msec_t time;    /* of the Kafka record: the same, or what a wrong clock says */
};

struct world_setup {
    bool marked;
    bool keyed;    /* all messages of an alert lie in one partition, in the order of its life */
    bool judged;   /* unmarked: final state and cycles are promised (keyed) */
    bool clocks;   /* times contradict offsets: the newest of several partitions is not defined */
    bool bodies;   /* real request bodies and record_parse instead of plain copies: slow */
    bool fallback; /* the instance does not take the bridge's sys_ids */
    bool orphan_ignore;
    int poison, hidden; /* alert refused for a reason of its own; hidden by an ACL; -1: none */
    int processes, partitions, alerts;
    int messages;
    struct world_message message[WORLD_MESSAGES];
    int cycles[WORLD_ALERTS]; /* unmarked */
    bool open[WORLD_ALERTS];  /* unmarked: is the last cycle without a clear */
    usec_t clear_wait, settle;
};

struct world;

struct world *world_new(const struct world_setup *s);
struct world *world_free(struct world *w);
/* From now on each step prints a line. */
void world_tell(struct world *w);
unsigned world_broken(const struct world *w);

enum world_answer {
    ANSWER_WELL,     /* executed, the answer arrives */
    ANSWER_LOST,     /* executed, the answer is lost or an error */
    ANSWER_ERROR,    /* not executed, an error */
    ANSWER_TIMEOUT,  /* nobody waits any more; it may still land */
    ANSWER_THROTTLED /* not executed, and known not to be */
};

bool world_arrive(struct world *w); /* the next message is written to its partition */
bool world_read(struct world *w, int process, int partition);
bool world_turn(struct world *w, int process, int alert); /* alert -1: whose turn it is */
/* As often as it takes until a write of the alert is under way or nothing is left to do now. */
bool world_look(struct world *w, int process, int alert);
bool world_answer(struct world *w, int process, int alert, enum world_answer how);
/* A late request of the alert lands, or dies. `action`: of this kind, or -1: any. */
bool world_late(struct world *w, int alert, int action, bool lands);
bool world_commit(struct world *w, int partition);
bool world_crash(struct world *w, int process);
bool world_revoke(struct world *w, int partition); /* all that its owner has */
bool world_assign(struct world *w, int partition, int process);
/* state RECORD_RESOLVED, CLOSED, CANCELED, ON_HOLD, NEW (opens again); record: 0 the alert's first
 * generation. */
bool world_person(struct world *w, int alert, int record, int state);
void world_pass(struct world *w, usec_t time);
/* The cause of the poison is cured and the dead letters are written to the topic again. */
bool world_cure(struct world *w);

/* No more faults: goes on until every message is committed and nothing is left, then judges. */
void world_rest(struct world *w, struct rand *r);

/* Budgets of a random run. */
struct world_luck {
    int faults, crashes, rebalances, persons, reopens;
};

/* `steps` random steps, then world_rest. */
void world_random(struct world *w, struct rand *r, const struct world_luck *luck, int steps);

/* State of the alert's record of this generation (0 for marked): 0 when there is none. */
int world_state(const struct world *w, int alert, uint32_t generation);
int world_records(const struct world *w, int alert);
unsigned world_dead(const struct world *w); /* messages that became dead letters, bits */
unsigned world_writes(const struct world *w);

#endif
