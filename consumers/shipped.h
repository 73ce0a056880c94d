/* The files of schemas/mappings, as the build put them into the program. */
#ifndef CONSUMERS_SHIPPED_H
#define CONSUMERS_SHIPPED_H

#include <stddef.h>

struct shipped_mapping {
    const char *file, *text;
};

extern const struct shipped_mapping shipped_mappings[]; /* in the order of their names */
extern const size_t shipped_mappings_count;

#endif
