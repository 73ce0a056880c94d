/* sys_mod_count is 0 for the insert and rises by one with each change, so a gap says that changes
 * lie in between. */
#include "producers/echo.h"

#include <stddef.h>

#include "bridge/base/text.h"

enum echo echo_of(const char *self, const char *written_by)
{
    if (self == NULL || written_by == NULL || written_by[0] == '\0')
        return ECHO_UNKNOWN;
    return text_equal_nocase(self, written_by) ? ECHO_OWN : ECHO_OTHER;
}

bool echo_leaves_out(enum echo echo, const struct lastseen *seen, const struct page_row *row)
{
    long long now, last;
    if (echo != ECHO_OWN || text_to_int(row->mod_count, &now) != 0)
        return false;
    if (lastseen_mod_count(seen, row->sys_id, &last))
        return now == last + 1;
    return now == 0;
}
