#ifndef SIM_IMPORT_SET_H
#define SIM_IMPORT_SET_H

#include "tests/simulator/request.h"
#include "tests/simulator/sim.h"

#include <jansson.h>

/* POST /api/now/import/TABLE */
void import_set_serve(struct sim *sim, struct request *r, const char *table, struct answer *a);

/* Sets the transform map of a staging table: {staging, name, target, coalesce, columns {target
 * column: staging column}, words {target column: {value: value}}, constants [{when {staging column:
 * value}, set {target column: value}}], error {column, contains, message}}. Returns 0, or -1 with
 * *ret_why (new). */
int import_set_put(struct sim *sim, const json_t *map, char **ret_why);
void import_set_free(struct sim *sim);

#endif
