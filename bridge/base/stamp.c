/* Stamps of files. Time of change and size alone would miss two writes within one tick of the file
 * system's clock, so device and inode count too. */
#include "bridge/base/stamp.h"

#include <sys/stat.h>

struct stamp stamp_of(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return (struct stamp){0};
    return (struct stamp){.device = st.st_dev,
                          .inode = st.st_ino,
                          .seconds = st.st_mtim.tv_sec,
                          .nanoseconds = st.st_mtim.tv_nsec,
                          .size = st.st_size};
}

bool stamp_same(const struct stamp *a, const struct stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->seconds == b->seconds &&
           a->nanoseconds == b->nanoseconds && a->size == b->size;
}
