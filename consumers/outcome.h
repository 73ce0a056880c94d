/* The outcome record: what became of an alert, for programs that follow along (design D13: version
 * 1; schema: schemas/outcome.schema.json). Pure: builds text, sends nothing. */
#ifndef CONSUMERS_OUTCOME_H
#define CONSUMERS_OUTCOME_H

#include "bridge/base/attr.h"
#include "bridge/base/clock.h"
#include "bridge/config/config.h"
#include "consumers/ends.h"

/* The record's value as JSON text; new, caller frees. *ret_key: its key, the correlation_id of the
 * record; *ret_id: the id to drop repeats by (`<topic>/<partition>/<offset>/<index>/<operation>`);
 * both new. wall: now, in ms. */
char *outcome_build(const struct config *c, struct item *i, const struct ending *how, msec_t wall,
                    char **ret_key, char **ret_id) MUST_CHECK;

#endif
