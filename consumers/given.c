/* Entries without fields and rules, which are most, cost nothing here. */
#include "consumers/given.h"

#include "bridge/base/panic.h"

static void add_fields(json_t *columns, const struct config_pairs *fields)
{
    for (size_t i = 0; i < fields->count; i++)
        if (json_object_set_new_nocheck(columns, fields->items[i].name,
                                        json_string(fields->items[i].value)) != 0)
            panic("jansson cannot hold the columns of the configuration (out of memory?)");
}

void given_for(const struct config_consumer *c, struct rules *r, const struct alert *a,
               struct given *ret)
{
    struct ruling_columns columns;
    struct ruling g;

    *ret = (struct given){0};
    rules_decide(r, a, &g);
    if (c->fields.count > 0 || g.count > 0) {
        ret->columns = json_object();
        add_fields(ret->columns, &c->fields);
    }
    if (g.count > 0) {
        ruling_columns(r, &g, a, &columns);
        if (json_object_update(ret->columns, columns.fields) != 0)
            panic("jansson cannot hold the columns of rules (out of memory?)");
        ret->presets = json_incref(columns.presets);
        ruling_columns_done(&columns);
    }
    ruling_done(&g);
}

void given_done(struct given *g)
{
    json_decref(g->columns);
    json_decref(g->presets);
    *g = (struct given){0};
}

const char *given_text(const struct given *g, const char *column)
{
    return g->columns == NULL ? NULL : json_string_value(json_object_get(g->columns, column));
}
