/* Rows that their topic cannot take: without their largest columns. Pure, any thread. */
#ifndef PRODUCERS_LESS_H
#define PRODUCERS_LESS_H

#include <jansson.h>
#include <stddef.h>

#include "bridge/base/attr.h"

/* How often the row was found too large, from 1 on, to bytes: half as many each time. 0 behind
 * LESS_TIMES: not even a row without its columns would do. */
#define LESS_TIMES 12
size_t less_most(size_t whole, unsigned times);

/* A copy with the largest columns left out until the rest is written in at most `most` bytes, never
 * those that a version is told by, nor the number. New; *ret_names (new) are the names, largest
 * first. NULL when memory is short. */
json_t *less_row(const json_t *row, size_t most, json_t **ret_names) MUST_CHECK;

#endif
