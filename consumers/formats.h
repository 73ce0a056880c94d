/* Which formats there are: those written in C, the shipped mappings, which are part of the program,
 * and the user's own mappings. */
#ifndef CONSUMERS_FORMATS_H
#define CONSUMERS_FORMATS_H

#include "bridge/config/config.h"
#include "consumers/mapping/mapping.h"

struct formats;

/* Compiles the files of `mappings` and checks the `format` of each consumers entry. -1 with every
 * fault in errors, which is empty before; nothing to close then. On success the configuration holds
 * what formats_close frees; alerts that were decoded with it must be gone by then. */
int formats_open(struct config *c, struct config_errors *errors) MUST_CHECK;
void formats_close(struct config *c); /* a configuration that was never opened is fine */

/* How a message is decoded: in C, or by a shape of a mapping. */
struct format_match {
    bool azure;
    const struct mapping *mapping; /* NULL: in C, or nothing was found */
    const struct map_shape *shape;
};

/* The format of one message by consumer->format. False: it has none that is allowed. */
bool formats_find(const struct map_input *in, struct format_match *ret);

/* The names of all formats in C and of the shipped mappings, with ", " between: new. */
char *formats_names(void) MUST_CHECK;

#endif
