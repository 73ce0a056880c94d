/*
 * A map over the active rows of sys_choice, made anew when that table has changed, so that a test
 * can take a choice away from an instance by editing the row.
 */
#include "tests/simulator/choices.h"

#include <stdlib.h>
#include <string.h>

struct choice {
    char *key;
    char *text;
    UT_hash_handle hh;
};

struct choices {
    uint64_t version;
    struct choice *map;
};

static void map_free(struct choices *c)
{
    struct choice *e, *next;

    HASH_ITER (hh, c->map, e, next) {
        HASH_DEL(c->map, e);
        free(e->key);
        free(e->text);
        free(e);
    }
}

void choices_free(struct sim *sim)
{
    if (sim->choices)
        map_free(sim->choices);
    free(sim->choices);
    sim->choices = NULL;
}

static void map_add(struct choices *c, char *take_key, const char *text)
{
    struct choice *e;

    HASH_FIND_STR(c->map, take_key, e);
    if (e != NULL) {
        free(take_key);
        return;
    }
    e = xalloc(sizeof(*e));
    e->key = take_key;
    e->text = xstrdup(text);
    HASH_ADD_KEYPTR(hh, c->map, e->key, strlen(e->key), e);
}

static char *key_of(const char *table, const char *element, char kind, const char *text)
{
    struct str s = {0};

    str_printf(&s, "%s\n%s\n%c%s", table, element, kind, text);
    return str_take(&s);
}

static void build(struct sim *sim, const struct table *t)
{
    static const char *const names[] = {"name", "element", "value", "label", "inactive"};
    uint32_t col[5];

    for (int i = 0; i < 5; i++)
        col[i] = table_column(t, names[i], strlen(names[i]));
    map_free(sim->choices);
    for (uint32_t s = 0; s < t->rows.slots; s++) {
        const struct row *r = table_row(t, s);
        const char *v[5];

        for (int i = 0; r && i < 5; i++)
            v[i] = row_get(t, r, col[i]);
        if (r == NULL || strcmp(v[4], "true") == 0)
            continue;
        map_add(sim->choices, key_of(v[0], v[1], 'v', v[2]), v[3]);
        map_add(sim->choices, key_of(v[0], v[1], 'l', v[3]), v[2]);
        map_add(sim->choices, key_of(v[0], v[1], 'e', ""), "");
    }
    sim->choices->version = t->rows.version;
}

static const char *look(struct sim *sim, const char *table, const char *element, char kind,
                        const char *text)
{
    const struct table *t = store_find(sim->store, "sys_choice");
    struct choice *e;
    char *key;

    if (sim->choices == NULL)
        sim->choices = xalloc(sizeof(*sim->choices));
    if (sim->choices->version != t->rows.version)
        build(sim, t);
    key = key_of(table, element, kind, text);
    HASH_FIND_STR(sim->choices->map, key, e);
    free(key);
    return e ? e->text : NULL;
}

const char *choice_label(struct sim *sim, const char *table, const char *element, const char *value)
{
    return look(sim, table, element, 'v', value);
}

const char *choice_value(struct sim *sim, const char *table, const char *element, const char *label)
{
    return look(sim, table, element, 'l', label);
}

bool choice_exists(struct sim *sim, const char *table, const char *element)
{
    return look(sim, table, element, 'e', "") != NULL;
}
