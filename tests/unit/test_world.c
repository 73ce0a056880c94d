/* Random worlds: promises 1 to 3 of the alert direction after any schedule of crashes, rebalances,
 * lost answers, late requests and persons. A failing seed tells its story; it alone is played
 * again with WORLD_SEED=<kind>:<seed>. WORLD_MANY=<n> plays n times as many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/rand.h"
#include "tests/support/world.h"

#define STEPS 110

struct kind {
    const char *name;
    void (*fill)(struct world_setup *s, struct rand *r);
    struct world_luck luck; /* at most */
    unsigned allowed;
    int schedules; /* in the plain build */
    bool bodies;
};

static int any(struct rand *r, int count)
{
    return (int)rand_between(r, 0, count - 1);
}

static void add(struct world_setup *s, int partition, int alert, enum alert_state state, int cycle)
{
    s->message[s->messages++] = (struct world_message){
        .partition = partition, .alert = alert, .state = state, .cycle = cycle};
}

static void base(struct world_setup *s, struct rand *r)
{
    *s = (struct world_setup){.poison = -1,
                              .hidden = -1,
                              .processes = 2 + any(r, 2),
                              .partitions = 1 + any(r, 3),
                              .alerts = 1 + any(r, 2),
                              .clear_wait = 15 * USEC_S * any(r, 3),
                              .settle = 90 * USEC_S};
}

/* Messages that arrive together, within a second, or far apart; `back`: a clock may be wrong. */
static void set_times(struct world_setup *s, struct rand *r, bool back)
{
    static const msec_t gaps[] = {0, 0, 1, 700, 5000, 100000};
    msec_t at = 0;

    s->clocks = back;
    for (int i = 0; i < s->messages; i++) {
        at += gaps[any(r, 6)];
        s->message[i].arrives = at;
        s->message[i].time = at;
        if (back && any(r, 3) == 0)
            s->message[i].time += 1000 * (msec_t)(any(r, 9) - 4);
    }
}

static void shuffle(struct world_setup *s, struct rand *r)
{
    for (int i = s->messages - 1; i > 0; i--) {
        int k = any(r, i + 1);
        struct world_message m = s->message[i];

        s->message[i] = s->message[k];
        s->message[k] = m;
    }
}

static enum alert_state fire_or_note(struct rand *r)
{
    return any(r, 8) == 0 ? ALERT_NOTE : ALERT_FIRING;
}

/* Fires, clears, a repeat that comes too late: all in the alert's own partition. */
static void marked_keyed(struct world_setup *s, struct rand *r)
{
    base(s, r);
    s->marked = true;
    s->keyed = true;
    for (int a = 0; a < s->alerts; a++) {
        int part = any(r, s->partitions);

        add(s, part, a, ALERT_FIRING, 0);
        for (int n = any(r, 3); n > 0; n--)
            add(s, part, a, fire_or_note(r), 0);
        if (any(r, 3) > 0)
            add(s, part, a, ALERT_CLEARED, 0);
        if (any(r, 4) == 0)
            add(s, part, a, any(r, 2) == 0 ? ALERT_CLEARED : ALERT_FIRING, 0);
    }
    s->orphan_ignore = any(r, 5) == 0;
    set_times(s, r, true);
}

/* Any order in any partition. */
static void marked_unkeyed(struct world_setup *s, struct rand *r)
{
    base(s, r);
    s->marked = true;
    for (int a = 0; a < s->alerts; a++) {
        for (int n = any(r, 4); n > 0; n--)
            add(s, any(r, s->partitions), a, fire_or_note(r), 0);
        for (int n = any(r, 3); n > 0; n--)
            add(s, any(r, s->partitions), a, ALERT_CLEARED, 0);
    }
    shuffle(s, r);
    set_times(s, r, false);
    for (int i = 0; i < s->messages; i++)
        s->message[i].time += (msec_t)900 * s->message[i].partition;
}

static void marked_clocks(struct world_setup *s, struct rand *r)
{
    marked_unkeyed(s, r);
    set_times(s, r, true);
}

static void one_cycle(struct world_setup *s, struct rand *r, int part, int alert, int cycle)
{
    add(s, part, alert, ALERT_FIRING, cycle);
    for (int n = any(r, 3) - 1; n > 0; n--)
        add(s, part, alert, fire_or_note(r), cycle);
}

static void series(struct world_setup *s, struct rand *r, int alert)
{
    int part = any(r, s->partitions), cycles = 1 + any(r, 2);

    if (any(r, 5) == 0)
        add(s, part, alert, ALERT_CLEARED, 0);
    for (int c = 0; c < cycles; c++) {
        one_cycle(s, r, part, alert, c);
        s->open[alert] = c == cycles - 1 && any(r, 2) == 0;
        if (!s->open[alert])
            add(s, part, alert, ALERT_CLEARED, c);
    }
    if (!s->open[alert] && any(r, 5) == 0)
        add(s, part, alert, ALERT_CLEARED, cycles - 1);
    s->cycles[alert] = cycles;
}

static void unmarked_keyed(struct world_setup *s, struct rand *r)
{
    base(s, r);
    s->keyed = true;
    s->judged = true;
    for (int a = 0; a < s->alerts; a++)
        series(s, r, a);
    set_times(s, r, false);
}

/* A person's act is compared with a fire's own time: without persons clocks may be wrong. */
static void unmarked_clocks(struct world_setup *s, struct rand *r)
{
    unmarked_keyed(s, r);
    set_times(s, r, true);
}

/* One cycle whose fires lie in several partitions, the clear behind them: one record. */
static void unmarked_unkeyed(struct world_setup *s, struct rand *r)
{
    base(s, r);
    for (int a = 0; a < s->alerts; a++) {
        s->cycles[a] = 1;
        for (int n = 1 + any(r, 3); n > 0; n--)
            add(s, any(r, s->partitions), a, ALERT_FIRING, 0);
    }
    for (int a = 0; a < s->alerts; a++)
        if (any(r, 3) > 0)
            add(s, any(r, s->partitions), a, ALERT_CLEARED, 0);
    for (int i = 0; i < s->messages; i++) {
        s->message[i].arrives = (msec_t)10 * i;
        s->message[i].time = (msec_t)10 * i;
    }
}

/* Little but content: one alert in one partition, so that updates meet late ones. */
static void content(struct world_setup *s, struct rand *r, bool marked)
{
    base(s, r);
    s->marked = marked;
    s->keyed = true;
    s->judged = true;
    s->partitions = 1;
    s->alerts = 1;
    s->processes = 2;
    s->cycles[0] = 1;
    s->open[0] = true;
    for (int n = 3 + any(r, 3); n > 0; n--)
        add(s, 0, 0, ALERT_FIRING, 0);
    for (int i = 0; i < s->messages; i++) {
        s->message[i].arrives = i;
        s->message[i].time = i;
    }
}

static void marked_content(struct world_setup *s, struct rand *r)
{
    content(s, r, true);
}

static void unmarked_content(struct world_setup *s, struct rand *r)
{
    content(s, r, false);
}

static const struct kind kinds[] = {
    {"marked-keyed", marked_keyed, {2, 2, 2, 0, 0}, 0, 40000, false},
    {"marked-keyed-people", marked_keyed, {3, 2, 2, 3, 2}, RACE_PERSON, 50000, false},
    {"marked-unkeyed", marked_unkeyed, {3, 2, 2, 0, 0}, LIMIT_CONTENT, 40000, false},
    {"marked-unkeyed-people",
     marked_unkeyed,
     {3, 2, 2, 3, 2},
     RACE_PERSON | LIMIT_CONTENT,
     50000,
     false},
    {"marked-clocks", marked_clocks, {3, 2, 2, 3, 2}, RACE_PERSON | LIMIT_CONTENT, 20000, false},
    {"unmarked-keyed", unmarked_keyed, {3, 2, 2, 0, 0}, 0, 40000, false},
    {"unmarked-keyed-people", unmarked_keyed, {3, 2, 2, 3, 2}, RACE_PERSON, 50000, false},
    {"unmarked-clocks", unmarked_clocks, {3, 2, 2, 0, 0}, 0, 20000, false},
    {"unmarked-unkeyed", unmarked_unkeyed, {3, 2, 2, 0, 0}, LIMIT_CONTENT, 20000, false},
    {"marked-content", marked_content, {4, 1, 2, 0, 0}, 0, 60000, false},
    {"unmarked-content", unmarked_content, {4, 1, 2, 0, 0}, 0, 60000, false},
    {"marked-bodies", marked_keyed, {3, 2, 2, 3, 2}, RACE_PERSON, 1000, true},
    {"unmarked-bodies", unmarked_keyed, {3, 2, 2, 3, 2}, RACE_PERSON, 1000, true},
};

static unsigned play(const struct kind *k, uint64_t seed, bool telling)
{
    struct world_setup s;
    struct world_luck luck = k->luck;
    struct rand r;
    struct world *w;
    unsigned broken;

    rand_seed(&r, seed);
    k->fill(&s, &r);
    s.bodies = k->bodies;
    luck.faults = any(&r, luck.faults + 1);
    luck.crashes = any(&r, luck.crashes + 1);
    luck.rebalances = any(&r, luck.rebalances + 1);
    luck.persons = any(&r, luck.persons + 1);
    luck.reopens = any(&r, luck.reopens + 1);
    w = world_new(&s);
    if (telling)
        world_tell(w);
    world_random(w, &r, &luck, STEPS);
    broken = world_broken(w) & ~k->allowed;
    (void)world_free(w);
    return broken;
}

static void tell(const struct kind *k, uint64_t seed)
{
    print_message("WORLD_SEED=%s:%" PRIu64 "\n", k->name, seed);
    (void)play(k, seed, true);
}

/* Fewer where a step costs more. */
static int schedules(const struct kind *k)
{
    const char *many = getenv("WORLD_MANY");
    int plain = many == NULL ? k->schedules : k->schedules * (int)strtol(many, NULL, 10);

#ifdef __SANITIZE_ADDRESS__
    plain = plain / 5;
#endif
    return getenv("ITSM_VALGRIND") == NULL ? plain : k->schedules / 500 + 1;
}

static void random_worlds(void **state)
{
    const struct kind *k = *state;
    const char *again = getenv("WORLD_SEED");
    size_t length = strlen(k->name);

    if (again != NULL) {
        if (strncmp(again, k->name, length) == 0 && again[length] == ':')
            tell(k, strtoull(again + length + 1, NULL, 10));
        return;
    }
    for (int i = 0; i < schedules(k); i++) {
        unsigned broken = play(k, (uint64_t)i, false);

        if (broken == 0)
            continue;
        tell(k, (uint64_t)i);
        fail_msg("%s: seed %d broke %#x", k->name, i, broken);
    }
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(kinds)];
    struct kind copies[ARRAY_LEN(kinds)];

    memcpy(copies, kinds, sizeof kinds);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        tests[i] = (struct CMUnitTest){
            .name = kinds[i].name, .test_func = random_worlds, .initial_state = &copies[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
