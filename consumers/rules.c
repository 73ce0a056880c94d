/* Deciding: the rules that can hold, in their order, until one that does not continue. */
#include "consumers/rules.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"
#include "consumers/rules_internal.h"

static void add_column(struct rule *r, const char *name, const char *text)
{
    struct err e;
    struct template *t = template_new(text, &e);

    if (t == NULL)
        panic("a template that the configuration has accepted is not possible: %s", e.text);
    r->columns = xrealloc(r->columns, r->columns_count + 1, sizeof *r->columns);
    r->columns[r->columns_count++] = (struct rule_column){name, t};
}

static void add_given(struct rule *r, const char *name, const char *text)
{
    if (text[0] != '\0')
        add_column(r, name, text);
}

static void add_level(struct rule *r, const char *name, int64_t level)
{
    static const char *const levels[] = {"", "1", "2", "3"};

    invariant(level >= 0 && level <= 3);
    add_given(r, name, levels[level]);
}

static void rule_init(struct rule *r, const struct config_rule *c)
{
    *r = (struct rule){
        .config = c, .when_count = c->when_count, .has_life = rule_has_life(&c->life)};
    r->when = xcalloc(c->when_count, sizeof *r->when);
    for (size_t i = 0; i < c->when_count; i++)
        condition_init(&r->when[i], &c->when[i]);
    add_given(r, "assignment_group", c->assignment_group);
    add_given(r, "category", c->category);
    add_level(r, "impact", c->impact);
    add_level(r, "urgency", c->urgency);
    for (size_t i = 0; i < c->fields.count; i++)
        add_column(r, c->fields.items[i].name, c->fields.items[i].value);
}

static void rule_done(struct rule *r)
{
    for (size_t i = 0; i < r->when_count; i++)
        condition_done(&r->when[i]);
    for (size_t i = 0; i < r->columns_count; i++)
        (void)template_free(r->columns[i].template);
    free(r->when);
    free(r->columns);
}

struct rules *rules_new(const struct config_consumer *c)
{
    struct rules *r = xcalloc(1, sizeof *r);

    r->consumer = c;
    r->count = c->rules_count;
    r->items = xcalloc(r->count, sizeof *r->items);
    for (size_t i = 0; i < r->count; i++)
        rule_init(&r->items[i], &c->rules[i]);
    rules_lives_init(r);
    r->index = rules_index_new(r->items, r->count);
    return r;
}

struct rules *rules_free(struct rules *r)
{
    if (r == NULL)
        return NULL;
    (void)rules_index_free(r->index);
    rules_lives_done(r);
    for (size_t i = 0; i < r->count; i++)
        rule_done(&r->items[i]);
    free(r->items);
    free(r);
    return NULL;
}

static bool holds(const struct rule *r, const struct alert *a)
{
    for (size_t i = 0; i < r->when_count; i++)
        if (!condition_holds(&r->when[i], a))
            return false;
    return true;
}

/* Adds one rule to what is decided; of two that set the same, the later one wins. */
static void apply(struct ruling *g, const struct rule *r, size_t number)
{
    g->held = xrealloc(g->held, g->count + 1, sizeof *g->held);
    g->held[g->count++] = number;
    if (r->config->drop)
        g->drop = r->config;
    if (r->config->individual_work_items)
        g->individual = true;
    if (r->config->target[0] != '\0')
        g->target = r->config->target;
    if (r->config->template[0] != '\0')
        g->template = r->config->template;
}

void rules_decide(struct rules *r, const struct alert *a, struct ruling *ret)
{
    const size_t *numbers;
    size_t n;

    *ret = (struct ruling){.target = "", .template = ""};
    if (r == NULL || r->count == 0)
        return;
    numbers = rules_index_find(r->index, a, &n);
    for (size_t i = 0; i < n; i++) {
        const struct rule *rule = &r->items[numbers[i]];

        if (!holds(rule, a))
            continue;
        apply(ret, rule, numbers[i]);
        if (!rule->config->go_on)
            return;
    }
}

void ruling_done(struct ruling *g)
{
    free(g->held);
    *g = (struct ruling){0};
}
