/* Random schedules, and the way to rest. */
#include "bridge/base/rand.h"
#include "tests/support/world_internal.h"

static int any(struct rand *r, int count)
{
    return (int)(rand_next(r) % (uint64_t)count);
}

static bool spend(int *budget, bool done)
{
    *budget -= done;
    return done;
}

static bool random_person(struct world *w, struct rand *r, struct world_luck *luck)
{
    static const int states[] = {RECORD_RESOLVED, RECORD_CLOSED, RECORD_CANCELED, RECORD_ON_HOLD};
    int alert = any(r, w->s.alerts), record = w->s.marked ? 0 : any(r, 2);

    if (luck->reopens > 0 && any(r, 2) == 0)
        return spend(&luck->reopens, world_person(w, alert, record, RECORD_NEW));
    if (luck->persons > 0)
        return spend(&luck->persons, world_person(w, alert, record, states[any(r, 4)]));
    return false;
}

static void random_time(struct world *w, struct rand *r)
{
    static const usec_t times[] = {1000, 400 * USEC_MS, 3 * USEC_S, 31 * USEC_S, 95 * USEC_S};

    world_pass(w, times[any(r, 5)]);
}

static bool random_trouble(struct world *w, struct rand *r, struct world_luck *luck)
{
    static const enum world_answer kinds[] = {ANSWER_LOST, ANSWER_ERROR, ANSWER_TIMEOUT,
                                              ANSWER_TIMEOUT, ANSWER_THROTTLED};

    return luck->faults > 0 &&
           spend(&luck->faults,
                 world_answer(w, any(r, w->s.processes), any(r, w->s.alerts), kinds[any(r, 5)]));
}

static void random_step(struct world *w, struct rand *r, struct world_luck *luck)
{
    int process = any(r, w->s.processes), part = any(r, w->s.partitions);
    int alert = any(r, w->s.alerts), what = any(r, 64);

    if (what < 8)
        (void)world_arrive(w);
    else if (what < 18)
        (void)world_read(w, process, part);
    else if (what < 34)
        (void)world_turn(w, process, -1);
    else if (what < 44)
        (void)world_answer(w, process, alert, ANSWER_WELL);
    else if (what < 47)
        (void)random_trouble(w, r, luck);
    else if (what < 50)
        (void)world_late(w, alert, -1, any(r, 4) > 0);
    else if (what < 53)
        random_time(w, r);
    else if (what < 56)
        (void)world_commit(w, part);
    else if (what < 59)
        (void)world_assign(w, part, process);
    else if (what < 62)
        (void)random_person(w, r, luck);
    else if (what == 62 && luck->rebalances > 0)
        (void)spend(&luck->rebalances, world_revoke(w, part));
    else if (what == 63 && luck->crashes > 0)
        (void)spend(&luck->crashes, world_crash(w, process));
}

/* ---------------------------------------------------------------- rest */

static bool all_committed(const struct world *w)
{
    if (w->arrived < w->s.messages)
        return false;
    for (int i = 0; i < w->s.partitions; i++)
        if (w->broker[i].committed < w->broker[i].length)
            return false;
    return true;
}

static bool quiet(const struct world *w)
{
    for (size_t i = 0; i < WORLD_REQUESTS; i++)
        if (w->request[i].used)
            return false;
    for (int i = 0; i < w->s.processes; i++)
        if (bridge_busy(&w->process[i]))
            return false;
    return all_committed(w);
}

static bool once_more(struct world *w, struct rand *r)
{
    bool any_step = world_arrive(w);

    for (int i = 0; i < w->s.partitions; i++) {
        any_step |= world_assign(w, i, any(r, w->s.processes));
        any_step |= world_commit(w, i);
        any_step |= world_read(w, w->broker[i].owner, i);
    }
    for (int i = 0; i < w->s.processes; i++) {
        any_step |= world_turn(w, i, -1);
        for (int a = 0; a < w->s.alerts; a++)
            any_step |= world_answer(w, i, a, ANSWER_WELL);
    }
    for (int a = 0; a < w->s.alerts; a++)
        any_step |= world_late(w, a, -1, any(r, 2) == 0);
    return any_step;
}

void world_rest(struct world *w, struct rand *r)
{
    for (int rounds = 0; !quiet(w); rounds++) {
        if (rounds >= 400) {
            world_break(w, BREAK_STUCK, "the world does not come to rest");
            return;
        }
        if (!once_more(w, r))
            world_pass(w, 31 * USEC_S);
    }
    check_rest(w);
}

void world_random(struct world *w, struct rand *r, const struct world_luck *luck, int steps)
{
    struct world_luck left = *luck;

    for (int i = 0; i < steps; i++)
        random_step(w, r, &left);
    world_rest(w, r);
}
