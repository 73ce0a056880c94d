/* What `map` prints of an alert whose target is rows: events and imports. Standard output. */
#ifndef BRIDGE_COMMANDS_MAP_ROWS_H
#define BRIDGE_COMMANDS_MAP_ROWS_H

#include "consumers/alert.h"
#include "consumers/event.h"

/* Key and exact request of the alert. */
void map_rows(const struct row_context *x, const struct alert *a);

#endif
