#ifndef SIM_SEED_H
#define SIM_SEED_H

#include "tests/simulator/table.h"

/* Fills users, groups, roles, choices, items, properties, dictionary; called by schema_build. */
void seed_all(struct store *s, int64_t now);

#endif
