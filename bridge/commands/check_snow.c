/* Asks the instance. */
#include "bridge/commands/check_parts.h"

#include "bridge/commands/desk.h"

static bool sign_in(struct check_report *r, struct desk *d)
{
    const struct snow_op op = {.kind = SNOW_LIST,
                               .table = "sys_user",
                               .query = "sys_id=javascript:gs.getUserID()",
                               .fields = "sys_id,user_name",
                               .limit = 1};
    struct snow_outcome o;

    desk_ask(d, &op, 1, &o);
    if (o.verdict == SNOW_OK || o.verdict == SNOW_REJECTED || o.verdict == SNOW_ABSENT) {
        check_add(r, CHECK_COMPLETED, "token", NULL, NULL, "the instance takes the sign-in");
        return true;
    }
    check_add_err(r, "token", NULL, &o.err);
    return false;
}

void check_snow(struct check_report *r, const struct config *c, const struct check_options *o,
                bool reachable)
{
    struct err e;
    struct desk *d = reachable ? desk_open(c, &e) : NULL;

    (void)o;
    if (!reachable)
        check_add(r, CHECK_SKIPPED, "token", NULL, NULL, "the instance cannot be reached");
    else if (d == NULL)
        check_add_err(r, "token", NULL, &e);
    else
        (void)sign_in(r, d);
    (void)desk_close(d);
}
