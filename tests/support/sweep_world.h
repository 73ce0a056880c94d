/* A simulated table, and the loop that reads it with sweeps: what the tests of producers/sweep.h
 * play with. Everything comes from a seed. Failures end the test (cmocka). */
#ifndef TESTS_SUPPORT_SWEEP_WORLD_H
#define TESTS_SUPPORT_SWEEP_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/base/rand.h"
#include "producers/sweep.h"

/* Second 0 of the simulation. */
#define WORLD_EPOCH INT64_C(1790000000)

enum { LIVE, HISTORY, FEEDS };

struct row {
    char sys_id[33];
    int64_t stamp; /* of the visible version */
    long long mod; /* of the visible version, -1: none yet */
    bool pending, hidden;
    int64_t pending_stamp;
    usec_t pending_until;
    usec_t visible;      /* since when, 0: always */
    long long published; /* newest published version, -1: none */
};

struct sweep_world {
    struct rand rand;
    struct row *rows;
    size_t count;
    usec_t now;         /* monotonic; also the instance's true time, from WORLD_EPOCH on */
    int64_t clock_step; /* seconds added to the instance's clock */
    int64_t skew;       /* of a node's clock, seconds either way */
    int64_t future;     /* so many seconds ahead one write of ten is stamped by a wrong clock */
    usec_t visible_max;
    struct sweep_options options;
    bool single;         /* as an earlier release: one cursor for everything */
    char *stored[FEEDS]; /* the committed state records */
    size_t stored_length[FEEDS];
    struct sweep *sweeps[FEEDS];
    usec_t asked[FEEDS];
    usec_t longest;                              /* from visible to published */
    unsigned long long whole_rows, version_rows; /* that were read */
    unsigned long long pages, transactions, versions;
};

/* So many rows without a version. */
void sweep_world_init(struct sweep_world *w, uint64_t seed, size_t rows);
void sweep_world_done(struct sweep_world *w);
/* The first n rows get a version of before, some of them of just now. */
void sweep_world_old_rows(struct sweep_world *w, size_t n);
/* Starts a write of a row: visible after a random time. */
void sweep_world_write(struct sweep_world *w, struct row *r);
/* Time passes, with so many writes of random rows. */
void sweep_world_pass(struct sweep_world *w, usec_t length, unsigned writes);
/* What the instance's clock says, by one of its nodes. */
int64_t sweep_world_clock(struct sweep_world *w);
/* A new life: all that is known is what was committed. */
void sweep_world_load(struct sweep_world *w);
/* Reads and publishes until `until`; returns early when a sweep has stopped. Checks: no version is
 * published twice or after a newer one. faults: failures and crashes; writes: during each page. */
void sweep_world_run(struct sweep_world *w, usec_t until, bool faults, unsigned writes);
/* Runs until everything must be read, and checks that it is. */
void sweep_world_run_quiet(struct sweep_world *w);

#endif
