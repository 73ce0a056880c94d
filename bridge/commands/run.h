/* The running daemon: builds the parts in order, runs the loop, takes them down in order. */
#ifndef BRIDGE_COMMANDS_RUN_H
#define BRIDGE_COMMANDS_RUN_H

#include "bridge/base/buf.h"
#include "bridge/base/loop.h"
#include "bridge/base/metrics.h"
#include "bridge/commands/service.h"
#include "bridge/config/config.h"
#include "bridge/kafka/group.h"
#include "bridge/kafka/lookup.h"
#include "bridge/kafka/output.h"
#include "bridge/kafka/topics.h"
#include "bridge/servicenow/snow.h"
#include "bridge/status/status.h"
#include "consumers/flow.h"
#include "producers/workitems.h"

/* starting: topics are asked for; running: the group is joined or being joined; draining: nothing
 * new is taken; leaving: the group is being left; done. Only forward. */
enum run_phase { RUN_STARTING, RUN_RUNNING, RUN_DRAINING, RUN_LEAVING, RUN_DONE };

struct run {
    struct config *config;
    struct loop *loop;
    struct metrics *metrics;
    struct snow *snow;
    struct output *output;
    struct lookup *lookup;
    struct group *group;
    struct flow *flow;           /* NULL: no consumers configured */
    struct workitems *workitems; /* NULL: no producers configured */
    struct status *status;       /* NULL: switched off */
    struct service *service;
    struct loop_tick *tick; /* of the run itself: always the last one */
    enum run_phase phase;
    int exit_code;
    usec_t deadline;           /* of the shutdown */
    bool answered;             /* shutdown: no request to ServiceNow is under way any more */
    usec_t topics_again;       /* when the topics are asked for again; USEC_NEVER */
    struct topics *topics;     /* the question under way, NULL */
    struct err topics_problem; /* why start-up waits; class ERR_NONE when it does not */
    bool ready_said;
    int signal_fd;
    msec_t started;
};

/* run_pages.c: what the status server serves. */
int run_page(void *arg, const char *path, struct buf *out, const char **ret_type);
/* run_status.c: the page /api/status. Returns the HTTP status. */
int run_status(struct run *r, struct buf *out);
/* Why the bridge is not ready; NULL when it is. Borrowed until the next turn. */
const char *run_not_ready(const struct run *r);

/* run_topics.c: the bridge's own topics. run_topics_wishes fills w (room for run_topics_room of
 * them) with what this configuration needs, strings borrowed from it, and returns how many.
 * run_topics_ask calls run_topics_ready when all are there. */
size_t run_topics_room(const struct config *c);
size_t run_topics_wishes(const struct config *c, struct topic_wish *w);
void run_topics_ask(struct run *r, usec_t now);
void run_topics_ready(struct run *r, int32_t state_partitions, usec_t now);

#endif
