/*
 * The course of a request: faults that act before, sign-in, rate rule, the queue and the virtual
 * workers, the effect at the end of the service time, faults that act after, the answer. A worker
 * is a number, not a thread: being busy is a timer. With no service time the effect is at once.
 */
#include "tests/simulator/flow.h"
#include "tests/simulator/api.h"
#include "tests/simulator/control.h"
#include "tests/simulator/front.h"
#include "tests/simulator/journal.h"
#include "tests/simulator/oauth.h"
#include "tests/simulator/users.h"

#include <stdlib.h>
#include <string.h>

#define HANG_MAX_US (600 * UINT64_C(1000000))

struct flow {
    struct timers timers;
    int64_t busy, waiting;
    struct call *first, *last; /* waiting for a worker */
};

static void effect(struct call *c);
static void worker_done(void *arg);

void flow_init(struct sim *sim)
{
    sim->flow = xalloc(sizeof(*sim->flow));
}

void flow_free(struct sim *sim)
{
    timers_free(&sim->flow->timers);
    free(sim->flow);
    sim->flow = NULL;
}

struct timers *flow_timers(struct sim *sim)
{
    return &sim->flow->timers;
}

void flow_forget(struct call *c)
{
    if (c->counted)
        stats_in_flight(c->sim, -1);
    c->counted = false;
    fault_release(c->fault);
    c->fault = NULL;
    timers_drop(&c->sim->flow->timers, c);
}

static void finish_timer(void *arg)
{
    flow_finish(arg);
}

static void after_ms(struct call *c, double ms, timer_fn run)
{
    timers_add(&c->sim->flow->timers, clock_mono() + (usec_t)(ms * 1000), run, c);
}

void flow_finish(struct call *c)
{
    if (c->counted) {
        stats_in_flight(c->sim, -1);
        stats_request(c->sim, &c->r, c->table, c->cut ? 0 : c->a.status, c->a.body.n);
        c->counted = false;
    }
    front_answer(c);
}

static void cut_timer(void *arg)
{
    struct call *c = arg;

    c->cut = true;
    flow_finish(c);
}

/* The effect of a hanging request, for which nobody waits any more. */
static void late_timer(void *arg)
{
    struct call *c = arg;
    struct answer none = {0};

    c->r.late = true;
    c->r.stamp_s = sim_now_s(c->sim);
    api_serve(c->sim, &c->r, &none);
    answer_free(&none);
}

static void set_drip(struct call *c)
{
    c->drip_bytes = c->fault->bytes > 0 ? c->fault->bytes : 1;
    c->drip_wait = (usec_t)(c->fault->ms * 1000);
}

/* What a fault does once the effect is there. */
static void after_effect(struct call *c)
{
    const struct fault *f = c->fault;

    if (f == NULL) {
        flow_finish(c);
        return;
    }
    fault_mangle(f, &c->a);
    c->cut = f->action == FAULT_CUT_AFTER;
    if (f->action == FAULT_CUT_MID_BODY)
        c->cut_at = f->bytes >= 0 ? f->bytes : (int64_t)(c->a.body.n / 2);
    if (f->action == FAULT_SLOW_DRIP)
        set_drip(c);
    else if (f->action == FAULT_DELAY ? f->after : f->ms > 0) {
        after_ms(c, f->ms, finish_timer);
        return;
    }
    flow_finish(c);
}

static void effect(struct call *c)
{
    c->r.late = c->r.late || (c->service > 0 && front_gone(c));
    c->r.stamp_s = (sim_now_us(c->sim) - (int64_t)c->commit) / 1000000;
    api_serve(c->sim, &c->r, &c->a);
    after_effect(c);
}

static void worker_start(struct call *c)
{
    c->sim->flow->busy++;
    c->in_worker = true;
    timers_add(&c->sim->flow->timers, clock_mono() + c->service + c->commit, worker_done, c);
}

static void worker_next(struct flow *f)
{
    struct call *c = f->first;

    if (c == NULL)
        return;
    f->first = c->next;
    if (f->first == NULL)
        f->last = NULL;
    f->waiting--;
    c->queued = false;
    worker_start(c);
}

static void worker_done(void *arg)
{
    struct call *c = arg;
    struct flow *f = c->sim->flow;

    f->busy--;
    c->in_worker = false;
    effect(c);
    if (f->busy < c->sim->set.workers)
        worker_next(f);
}

static void semaphore(struct call *c)
{
    c->a.status = 429;
    c->a.type = "text/html;charset=UTF-8";
    c->a.plain = true;
    stats_count(c->sim, "semaphore", "refused", 1);
    flow_finish(c);
}

static void queue_add(struct call *c)
{
    struct flow *f = c->sim->flow;

    if (f->waiting >= c->sim->set.queue) {
        semaphore(c);
        return;
    }
    c->next = NULL;
    c->queued = true;
    if (f->last)
        f->last->next = c;
    else
        f->first = c;
    f->last = c;
    f->waiting++;
}

/* Into a worker, the queue, or at once. */
static void serve(struct call *c)
{
    struct flow *f = c->sim->flow;

    c->service = api_cost(c->sim, &c->r, &c->commit);
    if (c->fault && c->fault->action == FAULT_DELAY && !c->fault->after)
        c->service += (usec_t)(c->fault->ms * 1000);
    if (c->service + c->commit == 0 && f->waiting == 0)
        effect(c);
    else if (f->busy < c->sim->set.workers)
        worker_start(c);
    else
        queue_add(c);
}

static void hang(struct call *c)
{
    if (c->fault->late_ms >= 0)
        after_ms(c, c->fault->late_ms, late_timer);
    timers_add(&c->sim->flow->timers, clock_mono() + HANG_MAX_US, cut_timer, c);
}

/* Faults that replace the answer. Returns whether the request is dealt with. */
static bool before_effect(struct call *c)
{
    const struct fault *f = c->fault;
    const char *auth = c->r.header[HDR_AUTHORIZATION];

    if (f == NULL || !(fault_is_before(f) || f->action == FAULT_CUT_BEFORE))
        return false;
    if (f->action == FAULT_EXPIRE_TOKEN && auth && strncasecmp(auth, "Bearer ", 7) == 0)
        (void)oauth_kill(c->sim, auth + 7, true);
    c->cut = f->action == FAULT_CUT_BEFORE;
    answer_free(&c->a);
    if (!c->cut)
        fault_answer(c->sim, f, &c->r, &c->a);
    if (f->ms > 0)
        after_ms(c, f->ms, finish_timer);
    else
        flow_finish(c);
    return true;
}

static bool url_too_long(struct call *c)
{
    if (c->r.url_bytes <= (size_t)c->sim->set.max_url_bytes)
        return false;
    c->a.status = 414;
    c->a.type = "text/html;charset=UTF-8";
    c->a.plain = true;
    str_puts(&c->a.body, "<html><head><title>414 Request-URI Too Large</title></head></html>");
    return true;
}

static bool body_too_long(struct call *c)
{
    int64_t max = c->sim->set.max_content_length;
    struct str s = {0};

    if (c->body_bytes <= (uint64_t)max)
        return false;
    str_printf(
        &s,
        "Rejected large REST payload with content-length = %llu bytes. Max allowed: %lld bytes.",
        (unsigned long long)c->body_bytes, (long long)max);
    answer_error(&c->a, 400, "Exception while reading request", s.p);
    str_free(&s);
    return true;
}

static void override_method(struct request *r)
{
    if (r->header[HDR_OVERRIDE] == NULL || strcmp(r->method, "POST") != 0)
        return;
    free(r->method);
    r->method = xstrdup(r->header[HDR_OVERRIDE]);
}

void flow_take(struct call *c)
{
    struct sim *sim = c->sim;
    bool open, known;

    c->cut_at = c->drip_bytes = -1;
    if (strncmp(c->r.path, "/_sim/", 6) == 0) {
        control_serve(c);
        return;
    }
    c->counted = true;
    stats_in_flight(sim, 1);
    override_method(&c->r);
    c->table = api_table_name(c->r.path);
    open = api_open(c->r.path);
    if (open)
        stats_count(sim, "token", "requests", 1);
    known = open || sign_in(sim, &c->r, &c->a) == 0; /* a rule may look at the user */
    c->fault = fault_match(sim, &c->r, c->table);
    if (before_effect(c))
        return;
    if (!known || url_too_long(c) || body_too_long(c) ||
        (!open && rate_check(sim, &c->r, &c->a) < 0)) {
        flow_finish(c);
        return;
    }
    if (c->fault && c->fault->action == FAULT_HANG)
        hang(c);
    else
        serve(c);
}

void flow_drop_all(struct sim *sim, const struct call *keep)
{
    struct call *c, *next;

    sim->flow->first = sim->flow->last = NULL;
    sim->flow->waiting = sim->flow->busy = 0;
    timers_drop(&sim->flow->timers, NULL);
    for (c = front_live(sim); c; c = next) {
        next = c->next_live;
        front_kick(c);
        if (c == keep || c->answered || !c->running)
            continue;
        c->cut = true;
        flow_finish(c);
    }
}
