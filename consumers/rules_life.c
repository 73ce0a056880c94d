/* Which life holds for an alert: the entry's keys, over them those of the rules that hold, the
 * later rule winning. Each outcome is kept once, by its values, so that a waiting alert needs a
 * pointer only and alerts cannot make more of them than the configuration has combinations. */
#include <stdlib.h>

#include <uthash.h>

#include "bridge/base/xalloc.h"
#include "consumers/rules_internal.h"

_Static_assert(sizeof(struct config_life) == 2 * sizeof(unsigned) + 4 * sizeof(int64_t),
               "lives are compared by their bytes: no padding");

struct rules_life {
    struct config_life life;
    UT_hash_handle hh;
};

bool rule_has_life(const struct config_life *l)
{
    return l->on_clear != ON_CLEAR_AS_ENTRY || l->refire != REFIRE_AS_ENTRY ||
           l->clear_delay >= 0 || l->reopen_within >= 0 || l->note_every >= 0 || l->expire >= 0;
}

static int64_t over(int64_t before, int64_t set)
{
    return set >= 0 ? set : before;
}

static void merge(struct config_life *to, const struct config_life *rule)
{
    if (rule->on_clear != ON_CLEAR_AS_ENTRY)
        to->on_clear = rule->on_clear;
    if (rule->refire != REFIRE_AS_ENTRY)
        to->refire = rule->refire;
    to->clear_delay = over(to->clear_delay, rule->clear_delay);
    to->reopen_within = over(to->reopen_within, rule->reopen_within);
    to->note_every = over(to->note_every, rule->note_every);
    to->expire = over(to->expire, rule->expire);
}

/* Who leaves the end to people does not let records expire either. */
static void finish(struct config_life *life)
{
    if (life->on_clear == ON_CLEAR_NOTE || life->on_clear == ON_CLEAR_NOTHING)
        life->expire = 0;
}

/* The one of these values. */
static const struct config_life *keep(struct rules *r, const struct config_life *life)
{
    struct rules_life *x;

    HASH_FIND(hh, r->lives, life, sizeof *life, x);
    if (x == NULL) {
        x = xcalloc(1, sizeof *x);
        x->life = *life;
        HASH_ADD(hh, r->lives, life, sizeof x->life, x);
    }
    return &x->life;
}

const struct config_life *rules_life(struct rules *r, const struct ruling *g)
{
    struct config_life life;
    bool set = false;

    for (size_t i = 0; i < g->count; i++) {
        const struct rule *rule = &r->items[g->held[i]];

        if (!rule->has_life)
            continue;
        if (!set)
            life = r->consumer->life;
        set = true;
        merge(&life, &rule->config->life);
    }
    if (!set)
        return NULL;
    finish(&life);
    return keep(r, &life);
}

bool rules_reopen(const struct rules *r)
{
    return r->reopen;
}

bool rules_delay(const struct rules *r)
{
    return r->delay;
}

void rules_lives_init(struct rules *r)
{
    r->reopen = r->consumer->life.refire == REFIRE_REOPEN;
    r->delay = r->consumer->life.clear_delay > 0;
    for (size_t i = 0; i < r->count; i++) {
        r->reopen = r->reopen || r->items[i].config->life.refire == REFIRE_REOPEN;
        r->delay = r->delay || r->items[i].config->life.clear_delay > 0;
    }
}

void rules_lives_done(struct rules *r)
{
    struct rules_life *x = r->lives, *next;

    HASH_CLEAR(hh, r->lives);
    for (; x != NULL; x = next) {
        next = x->hh.next; /* the links outlive the table */
        free(x);
    }
}

/* ---------------------------------------------------------------- for people */

static const char *const clear_words[] = {
    [ON_CLEAR_RESOLVE] = "resolve",
    [ON_CLEAR_RESOLVE_UNTOUCHED] = "resolve_untouched",
    [ON_CLEAR_NOTE] = "note",
    [ON_CLEAR_NOTHING] = "nothing",
};
static const char *const refire_words[] = {
    [REFIRE_NEW] = "new", [REFIRE_REOPEN] = "reopen", [REFIRE_NOTE] = "note"};

static void describe_number(const char *name, int64_t value, int64_t unit, const char *before,
                            struct buf *out)
{
    if (value >= 0)
        (void)buf_addf(out, "%s%s = %lld", before, name, (long long)(value / unit));
}

void life_describe(const struct config_life *l, const char *before, struct buf *out)
{
    if (l->on_clear != ON_CLEAR_AS_ENTRY)
        (void)buf_addf(out, "%son_clear = \"%s\"", before, clear_words[l->on_clear]);
    describe_number("clear_delay_s", l->clear_delay, USEC_S, before, out);
    if (l->refire != REFIRE_AS_ENTRY)
        (void)buf_addf(out, "%srefire = \"%s\"", before, refire_words[l->refire]);
    describe_number("reopen_within_h", l->reopen_within, 3600000, before, out);
    describe_number("note_every_min", l->note_every, 60 * USEC_S, before, out);
    describe_number("expire_h", l->expire, 3600000, before, out);
}
