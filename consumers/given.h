/* What configuration and rules give for the columns of what is written: `fields` of the consumers
 * entry, over them what the rules set that hold for the alert. Pure. */
#ifndef CONSUMERS_GIVEN_H
#define CONSUMERS_GIVEN_H

#include <jansson.h>

#include "bridge/config/config.h"
#include "consumers/alert.h"
#include "consumers/rules.h"

struct given {
    json_t *columns; /* texts, "" leaves the column out; NULL: none */
    json_t *presets; /* texts that stand back behind everything else; NULL: none */
};

/* r may be NULL: no rules. *ret is to be given to given_done. */
void given_for(const struct config_consumer *c, struct rules *r, const struct alert *a,
               struct given *ret);
void given_done(struct given *g);

/* NULL: nothing is given for the column. Borrowed. */
const char *given_text(const struct given *g, const char *column);

#endif
