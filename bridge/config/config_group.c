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
    char *path = xasprintf("%s%s%s", parent->path, *parent->path ? "." : "", name);
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
    case GROUP_PRODUCERS:
        return c->producers_count;
    case GROUP_ONE:
    default:
        return 1;
    }
}

void *config_group_base(struct config *c, const struct config_group *g, size_t entry)
{
    switch (g->kind) {
    case GROUP_CONSUMERS:
        return &c->consumers[entry];
    case GROUP_PRODUCERS:
        return &c->producers[entry];
    case GROUP_ONE:
    default:
        return c;
    }
}

const void *config_group_base_const(const struct config *c, const struct config_group *g,
                                    size_t entry)
{
    switch (g->kind) {
    case GROUP_CONSUMERS:
        return &c->consumers[entry];
    case GROUP_PRODUCERS:
        return &c->producers[entry];
    case GROUP_ONE:
    default:
        return c;
    }
}

size_t config_group_add(struct config *c, const struct config_group *g)
{
    size_t entry = config_group_count(c, g);

    if (g->kind == GROUP_CONSUMERS) {
        c->consumers = xrealloc(c->consumers, ++c->consumers_count, sizeof(*c->consumers));
        c->consumers[entry] = (struct config_consumer){0};
    } else if (g->kind == GROUP_PRODUCERS) {
        c->producers = xrealloc(c->producers, ++c->producers_count, sizeof(*c->producers));
        c->producers[entry] = (struct config_producer){0};
    } else {
        panic("configuration group %s is no list", g->path);
    }
    config_preset(c, g, entry);
    return entry;
}
