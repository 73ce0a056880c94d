/* Wanted against actual (design D4, D5; alert-identity 3): given the messages that wait in a lane
 * and what is known of the record, the least that joins the two. Pure: no clock, no I/O. The rules
 * are those checked in the project's protocol model; each has a counterexample without it. */
#ifndef CONSUMERS_RECONCILE_H
#define CONSUMERS_RECONCILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/base/clock.h"
#include "bridge/config/config.h"
#include "consumers/alert.h"
#include "consumers/record.h"
#include "consumers/version.h"

/* What counts of one waiting message. */
struct fact {
    enum alert_state state;
    struct version version;
    msec_t own_time; /* a fire's own time */
    msec_t fired;    /* fire time that the message names, MSEC_NONE */
    usec_t due;      /* a clear is not acted on before (clear_delay); 0: at once */
    /* What entry and rules want for this message, borrowed; NULL: the defaults. Of clears that are
     * decided about together the newest one's counts. */
    const struct config_life *life;
};

enum sight {
    SIGHT_NEVER,  /* nothing is known */
    SIGHT_LEDGER, /* `record` is what this process last wrote or read: good for "nothing to do" only
                   */
    SIGHT_ABSENT, /* a read found no such record */
    SIGHT_RECORD, /* a fresh read found `record` */
};

enum action {
    ACT_READ,            /* look at the record first */
    ACT_CREATE,          /* insert, state New, content of facts[fire] */
    ACT_CREATE_RESOLVED, /* insert as resolved: facts[fire] (may be the clear itself), facts[clear]
                          */
    ACT_UPDATE,          /* content of facts[fire], a fire */
    ACT_RESOLVE,         /* state, close fields, stamp of facts[clear] */
    ACT_STAMP,           /* the stamp of facts[clear] alone: somebody else resolved the record */
    ACT_HOLD_NOTE,       /* work note and stamp of facts[clear], the state stays: `why` is on-hold,
                            touched or note-only */
    ACT_REOPEN,          /* state In Progress, content, note and stamp of facts[fire] */
    ACT_REFIRE_NOTE,     /* work note and stamp of facts[fire] on a record that stays resolved */
    ACT_REMARK,          /* work note of facts[fire] alone, a message of state ALERT_NOTE */
    ACT_NOTHING,         /* `why` says why there is nothing to do */
    ACT_WAIT,            /* nothing before `until`, unless another message comes */
    ACT_DEAD,            /* cannot be joined: dead letter of class `why` */
};

struct reconcile {
    bool marked;
    bool no_state; /* the table cannot tell whether a record is open */
    bool no_stamp; /* the table cannot keep the state stamp: what a clear did shows in the state
                      alone, and a series of generations cannot be told apart */
    const struct fact *facts; /* in lane order, at least one */
    size_t count;
    enum sight sight;
    const struct record *record; /* SIGHT_LEDGER, SIGHT_RECORD */
    bool refused; /* our last create was refused as existing; the sight is of after that */
    /* Marked: the ledger knows that the record existed: absent means deleted. A series that has no
     * record left begins anew instead, or its later cycles would be lost. */
    bool known_before;
    bool read_first;    /* look before a create, too: many waiting, or likely redelivered */
    bool orphan_ignore; /* orphan_clear = "ignore" */
    /* What may hold for some message of the entry, whether or not it waits: */
    bool reopens; /* refire = reopen */
    bool delays;  /* clear_delay */
    msec_t cut;   /* clears whose fire lies before it and that find no record write nothing */
    usec_t now, clear_wait_until, settle_until;
};

struct decision {
    enum action action;
    size_t consumed;     /* how many facts from the head this decides; >= 1 unless READ or WAIT */
    size_t fire, clear;  /* index of the message that content (ACT_REMARK: the note) and stamp come
                            from; SIZE_MAX: none */
    uint32_t generation; /* of the record that is meant; 0 for marked formats */
    usec_t until;        /* ACT_WAIT */
    const char *why;     /* fixed word: "applied", "late", "deleted", "orphan", "settle",
                            "flapped", "clear-delay", ... */
};

struct decision reconcile(const struct reconcile *r);

const char *action_name(enum action a); /* static: "read", "create", ... */

#endif
