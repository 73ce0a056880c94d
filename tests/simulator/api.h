#ifndef SIM_API_H
#define SIM_API_H

#include "tests/simulator/request.h"
#include "tests/simulator/sim.h"

/* What a request costs; settings give the times. */
enum cost { COST_NONE, COST_TOKEN, COST_READ, COST_PAGE, COST_INSERT, COST_UPDATE };

/* Service time of a request in microseconds. *ret_commit is the added commit delay of a write. */
usec_t api_cost(struct sim *sim, const struct request *r, usec_t *ret_commit);

/* Runs a signed-in (or token) request: reads or changes the store and fills the answer. */
void api_serve(struct sim *sim, struct request *r, struct answer *a);

/* Whether the path needs no sign-in (token endpoint and the like). */
bool api_open(const char *path);

/* Name of the table that a path speaks of, new; NULL for other paths. */
char *api_table_name(const char *path);

/* The commit delay drawn for one write. */
usec_t api_commit_delay(struct sim *sim, double ms);

/* GET, POST, PUT, PATCH, DELETE on /api/now[/vN]/table/T[/id]; `version` is "", "/v1", "/v2". */
void table_serve(struct sim *sim, struct request *r, const char *version, const char *table,
                 const char *sys_id, struct answer *a);
/* GET /api/now/stats/T */
void aggregate_serve(struct sim *sim, struct request *r, const char *table, struct answer *a);
/* POST /api/now/v1/batch */
void batch_serve(struct sim *sim, struct request *r, struct answer *a);
usec_t batch_cost(struct sim *sim, const struct request *r);
/* POST /api/global/em/jsonv2 */
void events_serve(struct sim *sim, struct request *r, struct answer *a);
usec_t events_cost(struct sim *sim, const struct request *r);

/* Shared by the two: rows of the query arguments. Returns a query (new). */
struct query *api_query(struct sim *sim, const struct table *t, const struct request *r);

#endif
