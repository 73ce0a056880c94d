/* Questions of a command: submits one operation at a time as long as the window has room, turns the
 * loop until all are answered. The window was made for a daemon that waits out an outage; a command
 * rather tells: when the window closes or the sign-in fails, what was not sent fails with it. */
#include "bridge/commands/desk.h"

#include <stdlib.h>

#include "bridge/base/xalloc.h"

#define TURN_MOST (100 * USEC_MS)

struct question {
    struct desk *desk;
    struct snow_op op;
    struct snow_outcome *outcome;
};

struct desk {
    struct loop *loop;
    struct snow *snow;
    size_t open;  /* under way */
    json_t *kept; /* results of the last questions */
};

static usec_t tick(void *arg, usec_t now)
{
    return snow_tick(((struct desk *)arg)->snow, now);
}

struct desk *desk_open(const struct config *c, struct err *e)
{
    struct desk *d = xcalloc(1, sizeof *d);

    d->kept = json_array();
    d->loop = loop_new(e);
    d->snow = d->loop == NULL ? NULL : snow_new(d->loop, c, NULL, e);
    if (d->snow == NULL)
        return desk_close(d);
    (void)loop_add_tick(d->loop, tick, d);
    return d;
}

struct desk *desk_close(struct desk *d)
{
    if (d == NULL)
        return NULL;
    d->snow = snow_free(d->snow);
    d->loop = loop_free(d->loop);
    json_decref(d->kept);
    free(d);
    return NULL;
}

static void answered(void *arg, const struct snow_op *ops, const struct snow_outcome *outcomes,
                     size_t n, usec_t now)
{
    struct question *q = arg;

    (void)ops;
    (void)n;
    (void)now;
    *q->outcome = outcomes[0];
    if (outcomes[0].result != NULL)
        (void)json_array_append(q->desk->kept, outcomes[0].result);
    q->desk->open--;
}

/* Fills *ret when nothing can be sent, now or soon. */
static bool hopeless(const struct desk *d, struct snow_outcome *ret)
{
    const struct oauth *o = snow_oauth(d->snow);
    enum oauth_state sign_in = oauth_state(o);
    const struct window *w = snow_window(d->snow);

    *ret = (struct snow_outcome){.date = MSEC_NONE, .total_count = -1};
    if (sign_in == OAUTH_BROKEN || (sign_in == OAUTH_BACKOFF && !oauth_has_password_left(o))) {
        ret->verdict = SNOW_UNAUTHORISED;
        (void)err_set(&ret->err, ERR_AUTH, "no-sign-in", "%s", oauth_reason(o));
        return true;
    }
    if (window_state(w) == WINDOW_CLOSED && d->open == 0) {
        ret->verdict = SNOW_UNAVAILABLE;
        (void)err_set(&ret->err, ERR_RETRY, "unavailable", "Not sent: %s", window_reason(w));
        return true;
    }
    return false;
}

static void ask(struct question *q, usec_t now)
{
    struct err e;

    if (snow_submit(q->desk->snow, WINDOW_ALERTS, &q->op, 1, answered, q, now, &e) == 0) {
        q->desk->open++;
        return;
    }
    *q->outcome = (struct snow_outcome){
        .verdict = SNOW_REJECTED, .date = MSEC_NONE, .total_count = -1, .err = e};
}

void desk_ask(struct desk *d, const struct snow_op *ops, size_t n, struct snow_outcome *outcomes)
{
    struct question *questions = xcalloc(n, sizeof *questions);
    struct snow_outcome failed;
    size_t next = 0;

    (void)json_array_clear(d->kept);
    while (next < n || d->open > 0) {
        usec_t now = loop_now(d->loop);

        while (next < n && snow_room(d->snow, WINDOW_ALERTS, true, now) > 0) {
            questions[next] =
                (struct question){.desk = d, .op = ops[next], .outcome = &outcomes[next]};
            questions[next].op.once = true;
            ask(&questions[next++], now);
        }
        while (next < n && hopeless(d, &failed))
            outcomes[next++] = failed;
        if (next < n || d->open > 0)
            loop_turn(d->loop, TURN_MOST);
    }
    free(questions);
}

struct loop *desk_loop(struct desk *d)
{
    return d->loop;
}

struct snow *desk_snow(struct desk *d)
{
    return d->snow;
}
