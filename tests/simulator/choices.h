#ifndef SIM_CHOICES_H
#define SIM_CHOICES_H

#include "tests/simulator/sim.h"

void choices_free(struct sim *sim);
/* Label of a value in the list of a field as sys_choice holds it now; NULL when it is not there.
 * Borrowed until sys_choice changes. */
const char *choice_label(struct sim *sim, const char *table, const char *element,
                         const char *value);
/* Value of a label, or NULL. */
const char *choice_value(struct sim *sim, const char *table, const char *element,
                         const char *label);
/* Whether the field has a list at all. */
bool choice_exists(struct sim *sim, const char *table, const char *element);

#endif
