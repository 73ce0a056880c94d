/* Echo guard: which versions of a row the bridge itself has written. Pure, any thread. */
#ifndef PRODUCERS_ECHO_H
#define PRODUCERS_ECHO_H

#include <stdbool.h>

#include "producers/lastseen.h"
#include "producers/page.h"

enum echo {
    ECHO_UNKNOWN, /* the bridge's user, or who wrote the version, is not known */
    ECHO_OTHER,
    ECHO_OWN, /* the bridge's user wrote last; somebody else may have written before unseen */
};

/* self: user name of the bridge, NULL: not known. Names compare without regard to case. */
enum echo echo_of(const char *self, const char *written_by);

/* May this version be left out because nobody but the bridge changed anything in it? A version
 * hides those between it and the last one that was seen. So only when it is the very next one, or
 * the insert itself; when the last one is not known: no. */
bool echo_leaves_out(enum echo echo, const struct lastseen *seen, const struct page_row *row);

#endif
