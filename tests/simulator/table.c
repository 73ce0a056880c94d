/*
 * Tables and their rows. A row is one block: a bitmap of the columns it holds, an offset for each
 * of them, and the texts; a column it does not hold has the column's fallback. So a million
 * incidents fit into memory. Invariant: after table_put and table_remove every index agrees with
 * the rows. No rules here: what is stored was decided before.
 */
#include "tests/simulator/index.h"

#include <stdlib.h>
#include <string.h>

struct row {
    uint64_t held[COLUMNS_MAX / 64];
    uint32_t at[]; /* one for each held column, from the start of the row */
};

struct store *store_new(void)
{
    return xalloc(sizeof(struct store));
}

static void table_free(struct table *t)
{
    table_clear(t);
    for (uint32_t i = 0; i < t->stored && t->store == t; i++) {
        free(t->column[i].name);
        free(t->column[i].label);
        free(t->column[i].fallback);
        free(t->column[i].reference);
        hash_index_free(t->rows.hash[i]);
        sorted_index_free(t->rows.sorted[i]);
    }
    free(t->rows.row);
    free(t->rows.spare);
    free(t->name);
    free(t->label);
    free(t->prefix);
    free(t);
}

void store_free(struct store *s)
{
    struct table *t, *next;

    HASH_ITER (hh, s->tables, t, next) {
        HASH_DEL(s->tables, t);
        table_free(t);
    }
    free(s);
}

struct table *store_find(const struct store *s, const char *name)
{
    struct table *t;

    HASH_FIND_STR(s->tables, name, t);
    return t;
}

static void add_system_columns(struct table *t)
{
    static const struct {
        const char *name, *label;
        enum column_type type;
        uint32_t length;
        unsigned flags;
    } system[COL_SYSTEM_COUNT] = {
        [COL_SYS_ID] = {"sys_id", "Sys ID", COL_TEXT, 32, COL_HASHED | COL_SORTED},
        [COL_CREATED_ON] = {"sys_created_on", "Created", COL_TIME, 40, 0},
        [COL_CREATED_BY] = {"sys_created_by", "Created by", COL_TEXT, 40, 0},
        [COL_UPDATED_ON] = {"sys_updated_on", "Updated", COL_TIME, 40, COL_SORTED},
        [COL_UPDATED_BY] = {"sys_updated_by", "Updated by", COL_TEXT, 40, 0},
        [COL_MOD_COUNT] = {"sys_mod_count", "Updates", COL_WHOLE, 40, 0},
        [COL_CLASS] = {"sys_class_name", "Class", COL_TEXT, 80, 0},
    };

    for (int i = 0; i < COL_SYSTEM_COUNT; i++) {
        struct column c = {0};
        char *name = xstrdup(system[i].name);
        char *label = xstrdup(system[i].label);

        c.name = name;
        c.label = label;
        c.type = system[i].type;
        c.length = system[i].length;
        c.flags = system[i].flags | COL_READ_ONLY;
        table_column_add(t, &c);
        free(name);
        free(label);
    }
}

struct table *store_add(struct store *s, const char *name, const char *label, struct table *parent)
{
    struct table *t = xalloc(sizeof(*t));

    t->name = xstrdup(name);
    t->label = xstrdup(label);
    t->parent = parent;
    t->store = parent ? parent->store : t;
    t->number = t->display = NO_COLUMN;
    if (parent == NULL) {
        add_system_columns(t);
    } else {
        t->columns = parent->columns;
        t->display = parent->display;
    }
    HASH_ADD_KEYPTR(hh, s->tables, t->name, strlen(t->name), t);
    return t;
}

static uint64_t hash_bytes(const char *s, size_t n)
{
    uint64_t h = 1469598103934665603u;

    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)s[i]) * 1099511628211u;
    return h ^ (h >> 29);
}

/* Among all columns that the rows have. */
static uint32_t stored_column(const struct table *s, const char *name, size_t n)
{
    for (uint64_t h = hash_bytes(name, n);; h++) {
        uint8_t c = s->by_name[h & 511];

        if (c == 0)
            return NO_COLUMN;
        if (strncmp(s->column[c - 1].name, name, n) == 0 && s->column[c - 1].name[n] == '\0')
            return c - 1u;
    }
}

uint32_t table_column(const struct table *t, const char *name, size_t n)
{
    uint32_t c = stored_column(t->store, name, n);

    return c != NO_COLUMN && c < t->columns ? c : NO_COLUMN;
}

static char *copy(const char *s)
{
    return s ? xstrdup(s) : NULL;
}

uint32_t table_column_add(struct table *t, const struct column *like)
{
    struct table *s = t->store;
    uint32_t i = stored_column(s, like->name, strlen(like->name));
    uint64_t h;

    if (i != NO_COLUMN) {
        t->columns = i >= t->columns ? i + 1 : t->columns;
        return i;
    }
    if (s->stored == COLUMNS_MAX)
        return NO_COLUMN;
    i = s->stored++;
    s->column[i] = *like;
    s->column[i].name = xstrdup(like->name);
    s->column[i].label = xstrdup(like->label ? like->label : like->name);
    s->column[i].fallback = xstrdup(like->fallback ? like->fallback : "");
    s->column[i].reference = copy(like->reference);
    for (h = hash_bytes(like->name, strlen(like->name)); s->by_name[h & 511]; h++)
        ;
    s->by_name[h & 511] = (uint8_t)(i + 1);
    if (like->flags & COL_HASHED)
        s->rows.hash[i] = hash_index_new();
    if (like->flags & COL_SORTED)
        s->rows.sorted[i] = sorted_index_new();
    t->columns = i + 1;
    return i;
}

bool table_holds_class(const struct store *s, const struct table *t, const char *class)
{
    for (const struct table *c = store_find(s, class); c; c = c->parent) {
        if (c == t)
            return true;
    }
    return t->store == t;
}

const char *row_get(const struct table *t, const struct row *r, uint32_t column)
{
    uint32_t word = column / 64;
    uint64_t bit = UINT64_C(1) << (column % 64);
    int i = 0;

    if (!(r->held[word] & bit))
        return t->store->column[column].fallback;
    for (uint32_t w = 0; w < word; w++)
        i += __builtin_popcountll(r->held[w]);
    i += __builtin_popcountll(r->held[word] & (bit - 1));
    return (const char *)r + r->at[i];
}

uint32_t table_find(const struct table *t, const char *sys_id)
{
    return hash_first(t, COL_SYS_ID, sys_id);
}

static struct row *row_build(const struct table *t, const char *const *values)
{
    size_t length[COLUMNS_MAX];
    size_t texts = 0, held = 0, at;
    struct row *r;

    for (uint32_t i = 0; i < t->stored; i++) {
        length[i] = 0;
        if (values[i] == NULL || strcmp(values[i], t->column[i].fallback) == 0)
            continue;
        length[i] = strlen(values[i]) + 1;
        texts += length[i];
        held++;
    }
    at = sizeof(*r) + held * sizeof(uint32_t);
    r = xalloc(at + texts);
    held = 0;
    for (uint32_t i = 0; i < t->stored; i++) {
        if (length[i] == 0)
            continue;
        r->held[i / 64] |= UINT64_C(1) << (i % 64);
        r->at[held++] = (uint32_t)at;
        memcpy((char *)r + at, values[i], length[i]);
        at += length[i];
    }
    return r;
}

static uint32_t slot_take(struct rows *rows)
{
    if (rows->spares > 0)
        return rows->spare[--rows->spares];
    if (rows->slots == rows->cap) {
        rows->cap = rows->cap ? rows->cap * 2 : 64;
        rows->row = xresize(rows->row, (size_t)rows->cap * sizeof(*rows->row));
        rows->spare = xresize(rows->spare, (size_t)rows->cap * sizeof(*rows->spare));
    }
    rows->row[rows->slots] = NULL;
    return rows->slots++;
}

static bool key_differs(const struct table *t, uint32_t column, const struct row *a,
                        const struct row *b)
{
    return a == NULL || b == NULL || strcmp(row_get(t, a, column), row_get(t, b, column)) != 0;
}

/* Drops (add: adds) the entries of `slot` whose key is not the same in `other`. */
static void indexes_move(struct table *t, uint32_t slot, const struct row *other, bool add)
{
    const struct row *r = t->rows.row[slot];
    bool id = key_differs(t, COL_SYS_ID, r, other);

    for (uint32_t i = 0; i < t->stored; i++) {
        struct hash_index *h = t->rows.hash[i];
        struct sorted_index *x = t->rows.sorted[i];

        if ((h == NULL && x == NULL) || (!id && !key_differs(t, i, r, other)))
            continue;
        if (h)
            (add ? hash_index_add : hash_index_drop)(h, t, i, slot);
        if (x)
            (add ? sorted_index_add : sorted_index_drop)(x, t, i, slot);
    }
}

uint32_t table_put(struct table *t, uint32_t slot, const char *const *values)
{
    struct table *s = t->store;
    struct row *r = row_build(s, values);
    struct row *old = NULL;

    if (slot == NO_SLOT) {
        slot = slot_take(&s->rows);
        s->rows.live++;
    } else {
        old = s->rows.row[slot];
        indexes_move(s, slot, r, false);
    }
    s->rows.row[slot] = r;
    indexes_move(s, slot, old, true);
    s->rows.version++;
    free(old);
    return slot;
}

void table_remove(struct table *t, uint32_t slot)
{
    struct table *s = t->store;

    indexes_move(s, slot, NULL, false);
    free(s->rows.row[slot]);
    s->rows.row[slot] = NULL;
    s->rows.spare[s->rows.spares++] = slot;
    s->rows.live--;
    s->rows.version++;
}

void table_clear(struct table *t)
{
    if (t->store != t)
        return;
    for (uint32_t i = 0; i < t->rows.slots; i++)
        free(t->rows.row[i]);
    for (uint32_t i = 0; i < t->stored; i++) {
        if (t->rows.hash[i]) {
            hash_index_free(t->rows.hash[i]);
            t->rows.hash[i] = hash_index_new();
        }
        if (t->rows.sorted[i]) {
            sorted_index_free(t->rows.sorted[i]);
            t->rows.sorted[i] = sorted_index_new();
        }
    }
    t->rows.slots = t->rows.spares = t->rows.live = 0;
    t->rows.version++;
}
