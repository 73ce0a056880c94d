/* One wait for everything: curl_multi_poll with extra descriptors. Descriptors and ticks removed
 * inside a callback are only marked, and freed at the end of the turn. */
#include "bridge/base/loop.h"

#include <limits.h>
#include <stdlib.h>
#include <utlist.h>

#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"

struct loop_fd {
    int fd;
    loop_fd_fn fn;
    void *arg;
    bool removed;
    struct loop_fd *prev, *next;
};

struct loop_tick {
    loop_tick_fn fn;
    void *arg;
    bool removed;
    struct loop_tick *prev, *next;
};

struct loop {
    CURLM *multi;
    struct loop_fd *fds;
    struct loop_tick *ticks;
    struct curl_waitfd *wait;
    struct loop_fd **waited;
    size_t wait_capacity;
    void (*transfers)(void *arg, usec_t now);
    void *transfers_arg;
    usec_t now, deadline, last_turn;
    unsigned long long turns;
    bool stop, removed, again;
};

struct loop *loop_new(struct err *e)
{
    struct loop *l = xcalloc(1, sizeof *l);

    l->multi = curl_multi_init();
    if (l->multi == NULL) {
        (void)err_set(e, ERR_FATAL, "loop", "libcurl cannot make a multi handle (out of memory?)");
        free(l);
        return NULL;
    }
    l->now = clock_now();
    return l;
}

static void sweep(struct loop *l)
{
    struct loop_fd *f, *next_fd;
    struct loop_tick *t, *next_tick;

    if (!l->removed)
        return;
    l->removed = false;
    DL_FOREACH_SAFE (l->fds, f, next_fd) {
        if (f->removed) {
            DL_DELETE(l->fds, f); /* NOLINT(clang-analyzer-core.NullDereference) */
            free(f);
        }
    }
    DL_FOREACH_SAFE (l->ticks, t, next_tick) {
        if (t->removed) {
            DL_DELETE(l->ticks, t); /* NOLINT(clang-analyzer-core.NullDereference) */
            free(t);
        }
    }
}

struct loop *loop_free(struct loop *l)
{
    struct loop_fd *f;
    struct loop_tick *t;

    if (l == NULL)
        return NULL;
    DL_FOREACH (l->fds, f)
        f->removed = true;
    DL_FOREACH (l->ticks, t)
        t->removed = true;
    l->removed = true;
    sweep(l);
    (void)curl_multi_cleanup(l->multi);
    free(l->wait);
    free(l->waited);
    free(l);
    return NULL;
}

CURLM *loop_multi(struct loop *l)
{
    return l->multi;
}

void loop_on_transfers(struct loop *l, void (*fn)(void *arg, usec_t now), void *arg)
{
    l->transfers = fn;
    l->transfers_arg = arg;
}

struct loop_fd *loop_add_fd(struct loop *l, int fd, loop_fd_fn fn, void *arg)
{
    struct loop_fd *f = xcalloc(1, sizeof *f);

    *f = (struct loop_fd){.fd = fd, .fn = fn, .arg = arg};
    DL_APPEND(l->fds, f);
    loop_again(l);
    return f;
}

void loop_remove_fd(struct loop *l, struct loop_fd *f)
{
    if (f == NULL)
        return;
    f->removed = true;
    l->removed = true;
}

struct loop_tick *loop_add_tick(struct loop *l, loop_tick_fn fn, void *arg)
{
    struct loop_tick *t = xcalloc(1, sizeof *t);

    *t = (struct loop_tick){.fn = fn, .arg = arg};
    DL_APPEND(l->ticks, t);
    loop_again(l);
    return t;
}

void loop_remove_tick(struct loop *l, struct loop_tick *t)
{
    if (t == NULL)
        return;
    t->removed = true;
    l->removed = true;
}

void loop_wake(struct loop *l)
{
    (void)curl_multi_wakeup(l->multi);
}

void loop_again(struct loop *l)
{
    l->again = true;
}

/* Rounded up: a wait cut short would spin until the deadline is really there. */
static int wait_ms(const struct loop *l, usec_t max_wait)
{
    usec_t now = clock_now(), wait = l->deadline == USEC_NEVER ? max_wait : l->deadline - now;

    wait = usec_min(wait, max_wait);
    if (wait <= 0 || l->again)
        return 0;
    wait = wait / USEC_MS + (wait % USEC_MS != 0);
    return wait > INT_MAX ? INT_MAX : (int)wait;
}

static unsigned collect(struct loop *l)
{
    struct loop_fd *f;
    size_t n = 0;

    DL_FOREACH (l->fds, f) {
        if (n == l->wait_capacity) {
            l->wait_capacity = l->wait_capacity == 0 ? 8 : 2 * l->wait_capacity;
            l->wait = xrealloc(l->wait, l->wait_capacity, sizeof *l->wait);
            l->waited = xrealloc(l->waited, l->wait_capacity, sizeof(struct loop_fd *));
        }
        l->wait[n] = (struct curl_waitfd){.fd = f->fd, .events = CURL_WAIT_POLLIN};
        l->waited[n++] = f;
    }
    return (unsigned)n;
}

static void run_ticks(struct loop *l)
{
    struct loop_tick *t;
    usec_t deadline = USEC_NEVER;

    DL_FOREACH (l->ticks, t) {
        if (!t->removed)
            deadline = usec_min(deadline, t->fn(t->arg, l->now));
    }
    l->deadline = deadline;
}

void loop_turn(struct loop *l, usec_t max_wait)
{
    unsigned n = collect(l);
    int running;

    if (curl_multi_poll(l->multi, l->wait, n, wait_ms(l, max_wait), NULL) != CURLM_OK)
        panic("curl_multi_poll failed");
    l->again = false;
    l->now = clock_now();
    l->turns++;
    (void)curl_multi_perform(l->multi, &running);
    if (l->transfers != NULL)
        l->transfers(l->transfers_arg, l->now);
    for (unsigned i = 0; i < n; i++)
        if (l->wait[i].revents != 0 && !l->waited[i]->removed)
            l->waited[i]->fn(l->waited[i]->arg, l->now);
    run_ticks(l);
    sweep(l);
    l->last_turn = clock_now() - l->now;
}

void loop_run(struct loop *l)
{
    l->stop = false;
    while (!l->stop)
        loop_turn(l, USEC_NEVER);
}

void loop_stop(struct loop *l)
{
    l->stop = true;
}

usec_t loop_now(const struct loop *l)
{
    return l->now;
}

usec_t loop_last_turn(const struct loop *l)
{
    return l->last_turn;
}

unsigned long long loop_turns(const struct loop *l)
{
    return l->turns;
}
