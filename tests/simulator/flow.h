#ifndef SIM_FLOW_H
#define SIM_FLOW_H

#include "tests/simulator/faults.h"
#include "tests/simulator/request.h"
#include "tests/simulator/sim.h"
#include "tests/simulator/timers.h"

struct MHD_Connection;

/* One request on its way from the front through the worker pool and back. */
struct call {
    struct sim *sim;
    struct request r;
    struct answer a;
    char *table;         /* that the path speaks of, or NULL */
    struct fault *fault; /* held, or NULL */
    usec_t service, commit;
    bool in_worker, queued, counted;
    struct call *next; /* in the queue of the pool */

    /* the front's part */
    struct MHD_Connection *connection;
    char *target;
    uint64_t body_bytes; /* as received, also what was thrown away */
    bool started, running, in_handler, answered;
    bool cut;           /* close without an answer */
    int64_t cut_at;     /* close after so many bytes of the body, -1: no */
    int64_t drip_bytes; /* send so many at a time, -1: all */
    usec_t drip_wait;
    size_t sent;
    bool dripping; /* suspended between two pieces */
    struct call *prev_live, *next_live;
};

void flow_init(struct sim *sim);
void flow_free(struct sim *sim);
/* Drops every request on its way (connections are cut) except `keep`. */
void flow_drop_all(struct sim *sim, const struct call *keep);

/* Takes a complete request. The answer comes by front_answer, now or later. */
void flow_take(struct call *c);
/* Called before the call is freed by the front. */
void flow_forget(struct call *c);

struct timers *flow_timers(struct sim *sim);
/* Gives the answer in c->a to the front. */
void flow_finish(struct call *c);

#endif
