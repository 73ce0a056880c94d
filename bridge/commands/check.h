/* The installation checklist: what the bridge needs of configuration, network, instance and Kafka,
 * asked for and told line by line. Each line is Completed, Not complete or Skipped (not to be known
 * as things are; never a failure), with what was seen and, where something is wrong, the cure;
 * notes stand apart. The checks are asked of the real counterparts: a right by using it. */
#ifndef BRIDGE_COMMANDS_CHECK_H
#define BRIDGE_COMMANDS_CHECK_H

#include <stdbool.h>
#include <stdio.h>

#include "bridge/config/config.h"

struct check_options {
    bool write; /* also write: one marked record in the table of each target, and a record in an
                   aborted transaction to each topic. Without it only questions are asked */
    bool json;  /* one JSON object instead of lines for people */
};

/* Runs the whole list on c (borrowed, secrets resolved) and prints it to `out`. Waits for the
 * answers, bounded by the time-outs of the configuration; a healthy connection takes less than five
 * seconds. Returns the exit code: 0 when nothing is Not complete, else 1. Logs nothing by itself,
 * but the parts that it uses do: the caller has chosen the log level. curl_global_init is the
 * caller's. Main thread. */
int check_run(const struct config *c, const struct check_options *o, FILE *out);

/* The list of a file that config_load refused: one line Not complete. Returns 2. */
int check_refused(const char *file, const struct config_errors *errors,
                  const struct check_options *o, FILE *out);

#endif
