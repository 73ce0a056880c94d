/*
 * ACL-hidden rows: by sys_id in a map, by standing queries in a list. Looked at after the limit was
 * applied, so pages become short as on an instance.
 */
#include "tests/simulator/hides.h"

#include <stdlib.h>
#include <string.h>

struct hide {
    char *key; /* table/sys_id, or table?query */
    char *table, *user;
    struct query *query; /* NULL: by sys_id */
    UT_hash_handle hh;
};

struct hides {
    struct hide *by_id, *by_query;
};

static void hide_drop(struct hide **map, struct hide *h)
{
    HASH_DEL(*map, h);
    query_free(h->query);
    free(h->key);
    free(h->table);
    free(h->user);
    free(h);
}

void hides_clear(struct sim *sim)
{
    struct hide *h, *next;

    if (sim->hides == NULL)
        return;
    HASH_ITER (hh, sim->hides->by_id, h, next) {
        hide_drop(&sim->hides->by_id, h);
    }
    HASH_ITER (hh, sim->hides->by_query, h, next) {
        hide_drop(&sim->hides->by_query, h);
    }
}

void hides_free(struct sim *sim)
{
    hides_clear(sim);
    free(sim->hides);
    sim->hides = NULL;
}

int hides_put(struct sim *sim, const char *table, const char *sys_id, const char *query,
              const char *user, bool hidden, char **ret_why)
{
    const struct table *t = store_find(sim->store, table);
    struct hide **map, *h;
    struct str key = {0};

    if (t == NULL || (sys_id == NULL) == (query == NULL)) {
        *ret_why = xstrdup("hide needs a known table, and either sys_id or query");
        return -1;
    }
    if (sim->hides == NULL)
        sim->hides = xalloc(sizeof(*sim->hides));
    map = sys_id ? &sim->hides->by_id : &sim->hides->by_query;
    str_printf(&key, "%s/%s", t->store->name, sys_id ? sys_id : query);
    HASH_FIND_STR(*map, key.p, h);
    if (h != NULL)
        hide_drop(map, h);
    if (hidden) {
        h = xalloc(sizeof(*h));
        h->key = str_take(&key);
        h->table = xstrdup(t->store->name);
        h->user = user ? xstrdup(user) : NULL;
        h->query = query ? query_parse(sim, t, query, "") : NULL;
        HASH_ADD_KEYPTR(hh, *map, h->key, strlen(h->key), h);
    }
    str_free(&key);
    return 0;
}

static bool meant(const struct hide *h, const char *user)
{
    return h != NULL && (h->user == NULL || strcmp(h->user, user) == 0);
}

bool row_hidden(const struct sim *sim, const struct table *t, const struct row *r, const char *user)
{
    struct hide *h;
    struct str key = {0};

    if (sim->hides == NULL)
        return false;
    if (sim->hides->by_id) {
        str_printf(&key, "%s/%s", t->store->name, row_get(t, r, COL_SYS_ID));
        HASH_FIND_STR(sim->hides->by_id, key.p, h);
        str_free(&key);
        if (meant(h, user))
            return true;
    }
    for (h = sim->hides->by_query; h; h = h->hh.next) {
        if (meant(h, user) && strcmp(h->table, t->store->name) == 0 &&
            query_match(sim, h->query, r))
            return true;
    }
    return false;
}
