/* Lanes: the waiting messages of one alert in order, across partitions, with at most one operation
 * in flight each (design D5). A failing lane blocks only itself. Who is in which list is decided by
 * lane_move alone. Pure bookkeeping: no I/O, no clock; loop thread. */
#ifndef CONSUMERS_LANES_H
#define CONSUMERS_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "bridge/base/clock.h"
#include "bridge/base/err.h"
#include "bridge/retry/retryq.h"
#include "consumers/record.h"
#include "consumers/target.h"
#include "consumers/unit.h"

#define LANE_KEY_SIZE TARGET_KEY_SIZE

enum lane_state {
    LANE_IDLE,    /* in no list; has no items, or is being worked on in this very turn */
    LANE_READY,   /* in `ready` of its target's kind: wants its next step */
    LANE_WRITE,   /* in `writes`: a fresh read lies before it, its write goes first */
    LANE_FLIGHT,  /* one operation of it is under way */
    LANE_DELAYED, /* in the retry queue: back-off after a failure; new messages do not wake it */
    LANE_WAITING, /* in the retry queue: settle or clear wait; a new message wakes it */
    LANE_LOOKUP,  /* waits for the sys_id of a configuration item */
};

/* A write that was refused although it may have been applied (KB0546297): the record is looked at
 * once, and what would only be repeated then becomes a dead letter. */
struct lane_refusal {
    enum action action;
    size_t count; /* items from the head that it was for */
    int status;   /* HTTP */
    struct err err;
};

struct lane {
    unsigned char key[LANE_KEY_SIZE]; /* marked: the record's sys_id; unmarked: digest of the
                                         series; rows: see target_lane_key */
    UT_hash_handle hh;
    const struct target *target; /* borrowed; set before the first push; NULL: a record */
    struct item *items;          /* utlist DL; the head is the oldest */
    size_t count;
    enum lane_state state;
    struct lane *prev, *next; /* in ready or writes */
    struct retry_item retry;
    bool marked;
    uint64_t series;  /* for the look-up of an unmarked series */
    bool doubt;       /* the outcome of the last write is not known: a read comes before anything */
    bool refused;     /* the last create was refused as existing */
    enum sight sight; /* of `record`; back to SIGHT_NEVER after each write */
    struct record record; /* SIGHT_RECORD */
    usec_t sight_at;      /* when the read's answer came */
    usec_t clear_wait_until, settle_until;
    size_t taken;                 /* FLIGHT: how many items from the head the operation is for */
    uint32_t generation;          /* FLIGHT: of the record that is written */
    struct lane_refusal *refusal; /* owned; NULL: none */
    size_t crowd; /* events: most messages that its next request may hold; 0: no such bound */
};

struct lanes;

/* delayed, waiting lanes: max_parked is the bound that lanes_parked_full tells about. */
struct lanes *lanes_new(size_t max_parked);
struct lanes *lanes_free(struct lanes *l); /* panics when lanes remain; NULL is fine */

/* The lane of this key, made when there is none. Borrowed; stays until lanes_drop. */
struct lane *lanes_get(struct lanes *l, const unsigned char key[LANE_KEY_SIZE], bool marked);

/* The same without making one: NULL. */
struct lane *lanes_find(const struct lanes *l, const unsigned char key[LANE_KEY_SIZE]);

/* Puts the item at the end of the lane; an idle or waiting lane becomes ready. The lane borrows it.
 */
void lanes_push(struct lanes *l, struct lane *lane, struct item *item);
/* Takes the item out of its lane (from any place). An empty lane that is not in flight stays until
 * lanes_settle. */
void lanes_take(struct lanes *l, struct item *item);

/* Marked lanes of rows: puts every clear behind every fire, orders kept otherwise. A clear is newer
 * than all fires of its instance, from whichever partition they come (alert-identity 3.2). */
void lane_clears_last(struct lane *lane);

/* The only way from one state to another; panics on a pair that must not happen. */
void lane_move(struct lanes *l, struct lane *lane, enum lane_state to);
/* What was refused is of no more interest. */
void lane_forget_refusal(struct lane *lane);
/* DELAYED or WAITING until `due`; decoded alerts are let go meanwhile. `reason`: static. */
void lane_delay(struct lanes *l, struct lane *lane, enum lane_state how, usec_t due,
                const char *reason);

/* After work on a lane that was moved to IDLE: ready again when it has items, freed when not. */
void lanes_settle(struct lanes *l, struct lane *lane);

/* Moves lanes whose time has come to READY; returns when the next one is due. */
usec_t lanes_tick(struct lanes *l, usec_t now);

struct lane *lanes_first_ready(struct lanes *l); /* of a record; borrowed; NULL */
struct lane *lanes_first_write(struct lanes *l);
struct lane *lanes_first_row(struct lanes *l, enum target_kind kind); /* READY; borrowed; NULL */
size_t lanes_ready(const struct lanes *l);                            /* READY, of records */
size_t lanes_rows(const struct lanes *l, enum target_kind kind);      /* READY, of this kind */
size_t lanes_writes(const struct lanes *l);                           /* WRITE */
size_t lanes_flight(const struct lanes *l);                           /* FLIGHT */
size_t lanes_parked(const struct lanes *l);                           /* DELAYED or WAITING */
bool lanes_parked_full(const struct lanes *l);
size_t lanes_count(const struct lanes *l);
size_t lanes_items(const struct lanes *l);

/* Every lane, any order; fn may move and drop the lane it is given, no other. */
void lanes_each(struct lanes *l, void (*fn)(void *arg, struct lane *lane), void *arg);

const char *lane_state_name(enum lane_state s); /* static */

#endif
