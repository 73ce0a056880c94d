/* What a reload changes: values of keys marked `reloadable` change places between the running
 * snapshot and the fresh one, so that pointers into the structs stay good and the old secrets are
 * wiped with the fresh snapshot. All other differences are only told. */
#include <stdlib.h>
#include <string.h>

#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"
#include "bridge/config/config_reader.h"
#include "bridge/config/config_value.h"

struct reload {
    struct config *now, *next;
    void (*say)(void *arg, const char *text);
    void *arg;
};

static void tell(const struct reload *r, const char *path, const char *what)
{
    char *text = xasprintf("%s: %s; it takes a restart", path, what);

    if (r->say)
        r->say(r->arg, text);
    free(text);
}

static void swap(void *a, void *b, size_t size)
{
    char old[sizeof(struct config_secret)];

    invariant(size <= sizeof(old));
    memcpy(old, a, size);
    memcpy(a, b, size);
    memcpy(b, old, size);
}

static void reload_key(const struct reload *r, const struct config_key *k,
                       const struct config_group *g, size_t entry)
{
    void *now = (char *)config_group_base(r->now, g, entry) + k->offset;
    void *next = (char *)config_group_base(r->next, g, entry) + k->offset;
    char *shown;

    if (config_type_of(k)->same(now, next))
        return;
    if (k->reloadable) {
        swap(now, next, config_type_of(k)->size);
        return;
    }
    shown = config_key_shown(r->now, k, entry);
    tell(r, shown, "the file has another value");
    free(shown);
}

static void reload_group(const struct reload *r, const struct config_group *g)
{
    size_t n = config_group_count(r->now, g);

    if (n != config_group_count(r->next, g)) {
        tell(r, g->path, "the file has another number of entries");
        return;
    }
    for (size_t entry = 0; entry < n; entry++)
        if (config_group_owner(r->now, g, entry) != config_group_owner(r->next, g, entry)) {
            tell(r, g->path, "the file has the entries in other places");
            return;
        }
    for (size_t i = 0; i < config_keys_count(); i++)
        for (size_t entry = 0; config_key_in(config_key_at(i), g) && entry < n; entry++)
            reload_key(r, config_key_at(i), g, entry);
}

void config_reload(struct config *c, struct config *next, void (*say)(void *arg, const char *text),
                   void *arg)
{
    struct reload r = {c, next, say, arg};

    for (size_t i = 0; i < config_groups_count; i++)
        reload_group(&r, &config_groups[i]);
    if (config_list_same(&c->kafka.properties_spec, &next->kafka.properties_spec) &&
        !config_pairs_same(&c->kafka.properties, &next->kafka.properties))
        tell(&r, "kafka.properties", "a value behind file: or env: has changed");
}
