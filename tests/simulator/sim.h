#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "tests/simulator/query.h"
#include "tests/simulator/settings.h"
#include "tests/simulator/table.h"
#include "tests/simulator/util.h"

#include <jansson.h>

struct users;
struct tokens;
struct faults;
struct journal;
struct stats;
struct hides;
struct choices;
struct flow;
struct front;
struct replay;

/* The simulated instance: everything that one process holds. Touched only under the
 * front's lock once it listens. */
struct sim {
    struct settings set;
    struct rng rng;
    struct store *store;
    struct users *users;
    struct tokens *tokens;
    struct faults *faults;
    struct journal *journal;
    struct stats *stats;
    struct hides *hides;
    struct choices *choices;
    struct flow *flow;
    struct front *front;
    struct replay *replay;
    json_t *transforms;   /* of staging tables, by name; NULL: none */
    bool alert_job_waits; /* a timer for it is set */
    char *base;           /* http://127.0.0.1:PORT */
};

/* Clock of the instance, UTC. */
int64_t sim_now_us(const struct sim *sim);
int64_t sim_now_s(const struct sim *sim);

/* What links and Location begin with: base_url or the listening address. Borrowed. */
const char *sim_base(const struct sim *sim);

/* Makes the instance new: tables, users, tokens, faults, journal, statistics. Settings stay.
 * Requests on their way must have been dropped before. */
void sim_reset(struct sim *sim);

#endif
