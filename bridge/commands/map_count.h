/* Counts over many messages, for `map --count`: how a whole stream would come out. */
#ifndef BRIDGE_COMMANDS_MAP_COUNT_H
#define BRIDGE_COMMANDS_MAP_COUNT_H

#include <stddef.h>

#include "bridge/base/err.h"
#include "consumers/alert.h"

struct map_count;

struct map_count *map_count_new(void);
struct map_count *map_count_free(struct map_count *c); /* NULL is fine */

/* One message that decoded, bad (dead letter), or without a value. */
void map_count_good(struct map_count *c, const struct alerts *list);
void map_count_bad(struct map_count *c, const struct err *why);
void map_count_skipped(struct map_count *c);

/* To standard output. */
void map_count_print(const struct map_count *c);

#endif
