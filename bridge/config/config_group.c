/* Walking the table: which key is in which group, and where its value lies in the snapshot. */
#include <stdlib.h>
#include <string.h>

#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"
#include "bridge/config/config_table.h"
#include "bridge/config/config_value.h"

const char *config_key_name(const struct config_key *k)
{
    const char *dot = strrchr(k->path, '.');

    return dot ? dot + 1 : k->path;
}

bool config_key_in(const struct config_key *k, const struct config_group *g)
{
    size_t n = strlen(g->path), own = (size_t)(config_key_name(k) - k->path);

    if (n == 0)
        return own == 0;
    if (own == 0 || strncmp(k->path, g->path, n) != 0)
        return false;
    return own == n + (g->kind == GROUP_ONE ? strlen(".") : strlen("[]."));
}

const struct config_key *config_key_find(const struct config_group *g, const char *name)
{
    for (size_t i = 0; i < config_keys_count(); i++)
        if (config_key_in(config_key_at(i), g) &&
            strcmp(config_key_name(config_key_at(i)), name) == 0)
            return config_key_at(i);
    return NULL;
}

const struct config_group *config_group_find(const struct config_group *parent, const char *name)
{
    const char *joint = !*parent->path ? "" : parent->kind == GROUP_ONE ? "." : "[].";
    char *path = xasprintf("%s%s%s", parent->path, joint, name);
    const struct config_group *found = NULL;

    for (size_t i = 0; i < config_groups_count && !found; i++)
        if (*config_groups[i].path && strcmp(config_groups[i].path, path) == 0)
            found = &config_groups[i];
    free(path);
    return found;
}

const struct config_group *config_key_group(const struct config_key *k)
{
    for (size_t i = 0; i < config_groups_count; i++)
        if (config_key_in(k, &config_groups[i]))
            return &config_groups[i];
    panic("configuration key %s is in no group", k->path);
}

size_t config_group_count(const struct config *c, const struct config_group *g)
{
    switch (g->kind) {
    case GROUP_CONSUMERS:
        return c->consumers_count;
    case GROUP_RULES:
        return c->rules_count;
    case GROUP_CONDITIONS:
        return c->conditions_count;
    case GROUP_PRODUCERS:
        return c->producers_count;
    case GROUP_ONE:
    default:
        return 1;
    }
}

const void *config_group_base_const(const struct config *c, const struct config_group *g,
                                    size_t entry)
{
    switch (g->kind) {
    case GROUP_CONSUMERS:
        return &c->consumers[entry];
    case GROUP_RULES:
        return &c->rules[entry];
    case GROUP_CONDITIONS:
        return &c->conditions[entry];
    case GROUP_PRODUCERS:
        return &c->producers[entry];
    case GROUP_ONE:
    default:
        return c;
    }
}

void *config_group_base(struct config *c, const struct config_group *g, size_t entry)
{
    return (void *)(uintptr_t)config_group_base_const(c, g, entry);
}

size_t config_group_owner(const struct config *c, const struct config_group *g, size_t entry)
{
    if (g->kind == GROUP_RULES)
        return c->rules[entry].consumer;
    return g->kind == GROUP_CONDITIONS ? c->conditions[entry].rule : 0;
}

void config_group_set_line(struct config *c, const struct config_group *g, size_t entry, int line)
{
    if (g->kind == GROUP_CONSUMERS)
        c->consumers[entry].line = line;
    else if (g->kind == GROUP_RULES)
        c->rules[entry].line = line;
    else if (g->kind == GROUP_CONDITIONS)
        c->conditions[entry].line = line;
    else if (g->kind == GROUP_PRODUCERS)
        c->producers[entry].line = line;
}

/* The entry's number within the list that it stands in. */
static size_t own_number(const struct config *c, const struct config_group *g, size_t entry)
{
    size_t first = entry;

    while (first > 0 && config_group_owner(c, g, first - 1) == config_group_owner(c, g, entry))
        first--;
    return entry - first;
}

static const struct config_group *group_of_kind(enum config_group_kind kind)
{
    for (size_t i = 0; i < config_groups_count; i++)
        if (config_groups[i].kind == kind)
            return &config_groups[i];
    panic("no configuration group of kind %d", (int)kind);
}

char *config_entry_shown(const struct config *c, const struct config_group *g, size_t entry)
{
    const char *name = strrchr(g->path, '.');
    char *outer, *shown;

    if (g->kind == GROUP_ONE)
        return xstrdup(g->path);
    if (g->kind != GROUP_RULES && g->kind != GROUP_CONDITIONS)
        return xasprintf("%s[%zu]", g->path, entry);
    outer =
        config_entry_shown(c, group_of_kind(g->kind == GROUP_RULES ? GROUP_CONSUMERS : GROUP_RULES),
                           config_group_owner(c, g, entry));
    shown = xasprintf("%s%s[%zu]", outer, name, own_number(c, g, entry));
    free(outer);
    return shown;
}

/* The list that is being read stands in the last entry of the outer one. */
size_t config_group_add(struct config *c, const struct config_group *g)
{
    size_t entry = config_group_count(c, g);

    if (g->kind == GROUP_CONSUMERS) {
        c->consumers = xrealloc(c->consumers, ++c->consumers_count, sizeof(*c->consumers));
        c->consumers[entry] = (struct config_consumer){0};
    } else if (g->kind == GROUP_RULES) {
        c->rules = xrealloc(c->rules, ++c->rules_count, sizeof(*c->rules));
        c->rules[entry] = (struct config_rule){.consumer = c->consumers_count - 1};
    } else if (g->kind == GROUP_CONDITIONS) {
        c->conditions = xrealloc(c->conditions, ++c->conditions_count, sizeof(*c->conditions));
        c->conditions[entry] = (struct config_condition){.rule = c->rules_count - 1};
    } else if (g->kind == GROUP_PRODUCERS) {
        c->producers = xrealloc(c->producers, ++c->producers_count, sizeof(*c->producers));
        c->producers[entry] = (struct config_producer){0};
    } else {
        panic("configuration group %s is no list", g->path);
    }
    config_preset(c, g, entry);
    return entry;
}
