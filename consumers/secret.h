/* Secrets that alerts carry, known by the names of their members (alert-identity 5). Pure. */
#ifndef CONSUMERS_SECRET_H
#define CONSUMERS_SECRET_H

#include <stdbool.h>

/* Is this the name of a member that no record, outcome or log may show: passwords, tokens, keys,
 * claims, signed links? Without regard to ASCII case, `_`, `-` and blanks. */
bool secret_name(const char *name);

#endif
