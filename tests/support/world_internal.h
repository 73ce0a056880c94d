/* Shared by the files of the world. */
#ifndef TESTS_SUPPORT_WORLD_INTERNAL_H
#define TESTS_SUPPORT_WORLD_INTERNAL_H

#include "bridge/base/attr.h"
#include "consumers/lanes.h"
#include "consumers/ledger.h"
#include "consumers/partitions.h"
#include "tests/support/world.h"

#define WORLD_ROWS     24
#define WORLD_REQUESTS 48
#define WORLD_FACTS    64
#define WORLD_METADATA 512
#define WORLD_NOBODY   (-1)
/* The life of a request inside the instance: its quota. */
#define WORLD_LIFE (60 * USEC_S)
/* As in consumers/dispatch_internal.h. */
#define WORLD_SIGHT_LIFE USEC_S
#define WORLD_BEGIN      ((msec_t)1700000000000)

struct process {
    struct lanes *lanes;
    struct ledger *ledger;
    struct partition part[WORLD_PARTITIONS];
    bool suspect;
    /* Of the record that each lane looked at last: its row, and the step of that read. */
    int seen_row[WORLD_ALERTS];
    unsigned seen_step[WORLD_ALERTS];
};

struct broker { /* one partition as the broker has it */
    int owner;
    int64_t committed;
    char metadata[WORLD_METADATA];
    bool started;                 /* was assigned at some time */
    int list[WORLD_MESSAGES * 2]; /* messages in order of offsets; all that will ever be there */
    int length, arrived;
};

struct row {
    int alert;
    uint32_t generation;
    json_t *columns; /* setup.bodies */
    char sys_id[33];
    int state;
    bool has_stamp, has_content;
    struct stamp stamp;
    struct version content;
    long long mods;
    msec_t closed;
    /* for the checks alone */
    int wish;                        /* what a person wanted last: 0 nothing, else the state */
    unsigned wish_step, closed_step; /* when; when it left the open states last */
    bool reopened, ever_closed, held;
    unsigned contents, stamps; /* messages that were its content, or its stamp, at some time */
    unsigned consumed;         /* clears that were applied or found nothing to do */
    int opener, newest;        /* message that made it; that wrote the newest content */
};

struct request {
    bool used;
    int process; /* who waits for it; WORLD_NOBODY: late */
    struct lane *lane;
    int alert;
    struct decision what; /* ACT_READ: a look */
    int row;              /* target of an update; -1: a create */
    int fire, clear;      /* messages, -1 */
    struct stamp stamp;
    struct version content;
    unsigned read_step; /* of the read that it was decided on; its own for a create */
    usec_t dies;
};

struct world {
    struct world_setup s;
    struct process process[WORLD_PROCESSES];
    struct broker broker[WORLD_PARTITIONS];
    struct version version[WORLD_MESSAGES];
    struct fact fact[WORLD_MESSAGES];
    struct alert *alert[WORLD_MESSAGES]; /* setup.bodies */
    int arrived, rows, persons;
    struct row row[WORLD_ROWS];
    struct request request[WORLD_REQUESTS];
    usec_t now;
    uint64_t epoch;
    unsigned step, broken, dead, dead_ever, writes;
    bool telling, cured;
};

#define BIT(n_) (1u << (n_))

/* world.c */
void world_say(struct world *w, const char *format, ...) PRINTF_LIKE(2, 3);
void world_break(struct world *w, unsigned what, const char *format, ...) PRINTF_LIKE(3, 4);
msec_t world_wall(const struct world *w);
const char *world_word(enum alert_state state); /* static */

/* world_bridge.c */
void bridge_start(struct process *p);
void bridge_stop(struct world *w, int process); /* killed: its requests are late from now on */
void bridge_release(struct world *w, int process);
void bridge_receive(struct world *w, int process, int partition, int64_t offset, int message);
bool bridge_busy(const struct process *p);

/* world_snow.c: executes a write; false: refused because it exists. */
bool snow_execute(struct world *w, const struct request *r);
bool snow_refuses(const struct world *w, const struct request *r); /* poison */
int snow_find(const struct world *w, int alert, uint32_t generation);
int snow_newest(const struct world *w, int alert);
bool row_open(const struct row *r);
void row_record(const struct world *w, const struct row *row, struct record *ret);

/* world_check.c */
void check_commit(struct world *w, int partition);
void check_rest(struct world *w);

#endif
