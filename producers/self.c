/* The question for the own user. The instance itself evaluates who asks, as its vendor's own client
 * does it, so any kind of sign-in gets its answer (servicenow-api 10). */
#include "producers/self.h"

#include <stdlib.h>

#include "bridge/base/log.h"
#include "bridge/base/xalloc.h"

#define AGAIN (5 * USEC_S)
#define PAUSE (50 * USEC_MS)

/* Lives until the answer comes, its owner perhaps not. */
struct question {
    struct self *self; /* NULL: nobody waits for it */
};

struct self {
    struct snow *snow;
    char *name;
    bool settled;
    struct question *question;
    usec_t due;
};

static void settle(struct self *s, const char *name, const struct err *why)
{
    s->settled = true;
    s->name = xstrdup(name);
    if (name != NULL)
        log_info("own-user", "user=%s\tChanges by this user count as the bridge's own", name);
    else
        log_warn("own-user-unknown",
                 "code=%s\tThe bridge cannot find out which user it is (%s), so its own changes "
                 "are neither marked nor left out. Let the user read its own row of sys_user",
                 why->code, why->text);
}

static void on_answer(void *arg, const struct snow_op *ops, const struct snow_outcome *outcomes,
                      size_t n, usec_t now)
{
    struct question *q = arg;
    struct self *s = q->self;
    const struct snow_outcome *o = &outcomes[0];
    struct err e;
    (void)ops;
    (void)n;
    free(q);
    if (s == NULL)
        return;
    s->question = NULL;
    const char *name =
        json_string_value(json_object_get(json_array_get(o->result, 0), "user_name"));
    if (o->verdict == SNOW_OK && name != NULL && name[0] != '\0') {
        settle(s, name, NULL);
    } else if (o->verdict == SNOW_OK || o->verdict == SNOW_ABSENT) {
        err_set(&e, ERR_CONFIG, "no-own-user", "the instance shows no such row");
        settle(s, NULL, &e);
    } else if (o->verdict == SNOW_REJECTED) {
        settle(s, NULL, &o->err);
    } else {
        s->due = now + AGAIN;
    }
}

usec_t self_step(struct self *s, usec_t now)
{
    struct err e;
    if (s->settled || s->question != NULL)
        return USEC_NEVER;
    if (now < s->due)
        return s->due;
    if (snow_room(s->snow, WINDOW_SYNC, true, now) == 0) {
        usec_t next = window_next(snow_window(s->snow));
        return next > now ? next : now + PAUSE;
    }
    struct question *q = xcalloc(1, sizeof(*q));
    const struct snow_op op = {.kind = SNOW_LIST,
                               .table = "sys_user",
                               .query = "sys_id=javascript:gs.getUserID()",
                               .fields = "user_name",
                               .limit = 1};
    q->self = s;
    if (snow_submit(s->snow, WINDOW_SYNC, &op, 1, on_answer, q, now, &e) != 0) {
        free(q);
        s->due = now + AGAIN;
        return s->due;
    }
    s->question = q;
    return USEC_NEVER;
}

struct self *self_new(const struct config_connection *c, struct snow *snow)
{
    struct self *s = xcalloc(1, sizeof(*s));
    s->snow = snow;
    s->settled = c->auth.grant == GRANT_PASSWORD || c->auth.grant == GRANT_BASIC;
    if (s->settled)
        s->name = xstrdup(c->auth.username);
    return s;
}

struct self *self_free(struct self *s)
{
    if (s == NULL)
        return NULL;
    if (s->question != NULL)
        s->question->self = NULL;
    free(s->name);
    free(s);
    return NULL;
}

bool self_settled(const struct self *s)
{
    return s->settled;
}

const char *self_name(const struct self *s)
{
    return s->name;
}
