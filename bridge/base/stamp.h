/* Has a file changed? By what the file system says of it, links followed; a file that is replaced
 * by rename or behind a link (as mounted secrets are) is another one. */
#ifndef BRIDGE_BASE_STAMP_H
#define BRIDGE_BASE_STAMP_H

#include <stdbool.h>

/* Zeroed memory stands for a file that is not there. */
struct stamp {
    unsigned long long device, inode;
    long long seconds, nanoseconds, size;
};

/* Blocking, one stat. Cannot fail: what cannot be looked at is not there. Any thread. */
struct stamp stamp_of(const char *path);
bool stamp_same(const struct stamp *a, const struct stamp *b);

#endif
