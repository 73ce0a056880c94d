#ifndef SIM_RULES_H
#define SIM_RULES_H

#include "tests/simulator/draft.h"

/* Business rules and data policies of the table: may change values or refuse the draft. */
void rules_apply(struct draft *d);

#endif
