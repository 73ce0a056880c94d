/* What a ruling sets, and how it is told. */
#include <stdlib.h>

#include "bridge/base/panic.h"
#include "consumers/render.h"
#include "consumers/rules_internal.h"

static void set(json_t *columns, const char *name, json_t *value)
{
    if (json_object_set_new(columns, name, value) != 0)
        panic("jansson cannot hold the columns of a rule (out of memory?)");
}

void ruling_columns(const struct rules *r, const struct ruling *g, const struct alert *a,
                    struct ruling_columns *ret)
{
    *ret = (struct ruling_columns){json_object(), json_object()};
    for (size_t i = 0; i < g->count; i++) {
        const struct rule *rule = &r->items[g->held[i]];
        const struct config_pairs *presets = &rule->config->default_fields;

        for (size_t k = 0; k < presets->count; k++)
            set(ret->presets, presets->items[k].name, json_string(presets->items[k].value));
        for (size_t k = 0; k < rule->columns_count; k++) {
            char *text = render(rule->columns[k].template, a);

            set(ret->fields, rule->columns[k].name, json_string(text));
            free(text);
        }
    }
}

void ruling_columns_done(struct ruling_columns *c)
{
    json_decref(c->fields);
    json_decref(c->presets);
    *c = (struct ruling_columns){0};
}

json_t *ruling_names(const struct rules *r, const struct ruling *g)
{
    json_t *names = json_array();

    for (size_t i = 0; i < g->count; i++)
        if (json_array_append_new(names, json_string(r->items[g->held[i]].config->name)) != 0)
            panic("jansson cannot hold the names of rules (out of memory?)");
    return names;
}

static void describe_settings(const struct rule *rule, const struct alert *a, struct buf *out)
{
    const struct config_rule *c = rule->config;

    if (c->drop)
        (void)buf_add_text(out, "\n    drops the alert");
    if (c->target[0] != '\0')
        (void)buf_addf(out, "\n    target %s", c->target);
    if (c->template[0] != '\0')
        (void)buf_addf(out, "\n    template \"%s\"", c->template);
    if (c->individual_work_items)
        (void)buf_add_text(out, "\n    a record for each configuration item");
    life_describe(&c->life, "\n    ", out);
    for (size_t i = 0; i < c->default_fields.count; i++)
        (void)buf_addf(out, "\n    %s = \"%s\" where nothing else sets it",
                       c->default_fields.items[i].name, c->default_fields.items[i].value);
    for (size_t i = 0; i < rule->columns_count; i++) {
        char *text = render(rule->columns[i].template, a);

        if (text[0] != '\0')
            (void)buf_addf(out, "\n    %s = \"%s\"", rule->columns[i].name, text);
        else
            (void)buf_addf(out, "\n    %s is left out", rule->columns[i].name);
        free(text);
    }
    if (c->go_on)
        (void)buf_add_text(out, "\n    continues");
}

void ruling_describe(const struct rules *r, const struct ruling *g, const struct alert *a,
                     struct buf *out)
{
    for (size_t i = 0; i < g->count; i++) {
        const struct rule *rule = &r->items[g->held[i]];

        (void)buf_addf(out, "  %s, because ", rule->config->name);
        for (size_t k = 0; k < rule->when_count; k++) {
            (void)buf_add_text(out, k > 0 ? " and " : "");
            condition_describe(&rule->when[k], out);
        }
        (void)buf_add_text(out, rule->when_count == 0 ? "it has no condition" : "");
        describe_settings(rule, a, out);
        (void)buf_add_char(out, '\n');
    }
}
