#ifndef SIM_SCHEMA_H
#define SIM_SCHEMA_H

#include "tests/simulator/table.h"

/* Makes all tables of the instance with their columns, and fills those that describe the instance
 * or hold its people and choices. `now` are UTC seconds for the rows' times. */
void schema_build(struct store *s, int64_t now);

/* A plain table of the user (u_..., x_...) with the columns of a task's head. Borrowed. */
struct table *schema_plain(struct store *s, const char *name, const char *label);

/* Puts a row given as name, value, ..., NULL; sys_id is made of table and first value when it is
 * not given, so that it is the same in every run. */
uint32_t schema_seed(struct table *t, int64_t now, ...);

/* The fixed sys_id of a seeded row. */
void schema_seed_id(const char *table, const char *key, char out[33]);

#endif
