/*
 * Two kinds of index over slot numbers. A hash index chains slots by value. A sorted index keeps
 * slots ordered by (value, sys_id) in chunks of at most CHUNK entries: insertion moves 2 KiB at
 * worst, and walking it is an array walk. Keys are read from the rows, so the row must be in place
 * while an entry is added or dropped.
 */
#include "tests/simulator/index.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK 512

struct hash_index {
    uint32_t *bucket;
    uint32_t *next; /* by slot */
    uint32_t buckets, cap, used;
};

struct chunk {
    uint32_t n;
    uint32_t slot[CHUNK];
};

struct sorted_index {
    struct chunk **chunk;
    uint32_t n, cap;
};

struct hash_index *hash_index_new(void)
{
    struct hash_index *h = xalloc(sizeof(*h));

    h->buckets = 64;
    h->bucket = xresize(NULL, h->buckets * sizeof(uint32_t));
    memset(h->bucket, 0xff, h->buckets * sizeof(uint32_t));
    return h;
}

void hash_index_free(struct hash_index *h)
{
    if (h == NULL)
        return;
    free(h->bucket);
    free(h->next);
    free(h);
}

static uint32_t *bucket_of(const struct hash_index *h, const char *value)
{
    return &h->bucket[hash_text(value) & (h->buckets - 1)];
}

static void hash_grow(struct hash_index *h, const struct table *t, uint32_t column)
{
    uint32_t old = h->buckets;
    uint32_t *from = h->bucket;

    h->buckets *= 2;
    h->bucket = xresize(NULL, (size_t)h->buckets * sizeof(uint32_t));
    memset(h->bucket, 0xff, (size_t)h->buckets * sizeof(uint32_t));
    for (uint32_t i = 0; i < old; i++) {
        uint32_t slot = from[i];

        while (slot != NO_SLOT) {
            uint32_t after = h->next[slot];
            uint32_t *b = bucket_of(h, row_get(t, table_row(t, slot), column));

            h->next[slot] = *b;
            *b = slot;
            slot = after;
        }
    }
    free(from);
}

void hash_index_add(struct hash_index *h, const struct table *t, uint32_t column, uint32_t slot)
{
    const char *value = row_get(t, table_row(t, slot), column);
    uint32_t *b;

    if (*value == '\0')
        return;
    if (slot >= h->cap) {
        h->cap = slot + slot / 2 + 64;
        h->next = xresize(h->next, (size_t)h->cap * sizeof(uint32_t));
    }
    if (h->used > h->buckets)
        hash_grow(h, t, column);
    b = bucket_of(h, value);
    h->next[slot] = *b;
    *b = slot;
    h->used++;
}

void hash_index_drop(struct hash_index *h, const struct table *t, uint32_t column, uint32_t slot)
{
    const char *value = row_get(t, table_row(t, slot), column);
    uint32_t *link;

    if (*value == '\0')
        return;
    for (link = bucket_of(h, value); *link != NO_SLOT; link = &h->next[*link]) {
        if (*link == slot) {
            *link = h->next[slot];
            h->used--;
            return;
        }
    }
}

static uint32_t hash_match(const struct table *t, uint32_t column, const char *value, uint32_t slot)
{
    const struct hash_index *h = t->rows.hash[column];

    while (slot != NO_SLOT && strcmp(row_get(t, table_row(t, slot), column), value) != 0)
        slot = h->next[slot];
    return slot;
}

uint32_t hash_first(const struct table *t, uint32_t column, const char *value)
{
    if (*value == '\0')
        return NO_SLOT;
    return hash_match(t->store, column, value, *bucket_of(t->store->rows.hash[column], value));
}

uint32_t hash_next(const struct table *t, uint32_t column, const char *value, uint32_t slot)
{
    return hash_match(t->store, column, value, t->store->rows.hash[column]->next[slot]);
}

struct sorted_index *sorted_index_new(void)
{
    return xalloc(sizeof(struct sorted_index));
}

void sorted_index_free(struct sorted_index *x)
{
    if (x == NULL)
        return;
    for (uint32_t i = 0; i < x->n; i++)
        free(x->chunk[i]);
    free(x->chunk);
    free(x);
}

/* Order of an entry against (value, sys_id); sys_id NULL compares as `tie`. */
static int entry_compare(const struct table *t, uint32_t column, uint32_t slot, const char *value,
                         const char *sys_id, int tie)
{
    const struct row *r = table_row(t, slot);
    int c = strcmp(row_get(t, r, column), value);

    if (c != 0)
        return c;
    return sys_id ? strcmp(row_get(t, r, COL_SYS_ID), sys_id) : tie;
}

/* First place whose entry is >= the key (or > when `after`). */
static struct place seek(const struct sorted_index *x, const struct table *t, uint32_t column,
                         const char *value, const char *sys_id, bool after)
{
    int limit = after ? 0 : -1; /* entries that compare <= limit lie before the place */
    int tie = after ? 0 : 1;
    struct place p = {0, 0};
    uint32_t low = 0, high = x->n;

    while (low < high) {
        uint32_t mid = (low + high) / 2;
        struct chunk *c = x->chunk[mid];

        if (entry_compare(t, column, c->slot[c->n - 1], value, sys_id, tie) <= limit)
            low = mid + 1;
        else
            high = mid;
    }
    p.chunk = low;
    if (low == x->n)
        return p;
    high = x->chunk[p.chunk]->n;
    for (low = 0; low < high;) {
        uint32_t mid = (low + high) / 2;

        if (entry_compare(t, column, x->chunk[p.chunk]->slot[mid], value, sys_id, tie) <= limit)
            low = mid + 1;
        else
            high = mid;
    }
    p.at = low;
    return p;
}

static struct chunk *chunk_insert(struct sorted_index *x, uint32_t at)
{
    struct chunk *c = xalloc(sizeof(*c));

    if (x->n == x->cap) {
        x->cap = x->cap ? x->cap * 2 : 16;
        x->chunk = xresize(x->chunk, x->cap * sizeof(*x->chunk));
    }
    memmove(x->chunk + at + 1, x->chunk + at, (x->n - at) * sizeof(*x->chunk));
    x->chunk[at] = c;
    x->n++;
    return c;
}

/* Makes room at a place in a full chunk: an append opens a new one, else the chunk is halved. */
static struct place chunk_split(struct sorted_index *x, struct place p)
{
    struct chunk *c = x->chunk[p.chunk];
    struct chunk *d = chunk_insert(x, p.chunk + 1);
    uint32_t keep = p.at == c->n && p.chunk + 2 == x->n ? c->n : c->n / 2;

    d->n = c->n - keep;
    memcpy(d->slot, c->slot + keep, d->n * sizeof(uint32_t));
    c->n = keep;
    if (p.at >= keep && (d->n == 0 || p.at > keep)) {
        p.chunk++;
        p.at -= keep;
    }
    return p;
}

void sorted_index_add(struct sorted_index *x, const struct table *t, uint32_t column, uint32_t slot)
{
    const struct row *r = table_row(t, slot);
    const char *value = row_get(t, r, column);
    struct place p;
    struct chunk *c;

    if (*value == '\0')
        return;
    p = seek(x, t, column, value, row_get(t, r, COL_SYS_ID), false);
    if (p.chunk == x->n) {
        if (x->n == 0)
            chunk_insert(x, 0);
        p.chunk = x->n - 1;
        p.at = x->chunk[p.chunk]->n;
    }
    if (x->chunk[p.chunk]->n == CHUNK)
        p = chunk_split(x, p);
    c = x->chunk[p.chunk];
    memmove(c->slot + p.at + 1, c->slot + p.at, (c->n - p.at) * sizeof(uint32_t));
    c->slot[p.at] = slot;
    c->n++;
}

void sorted_index_drop(struct sorted_index *x, const struct table *t, uint32_t column,
                       uint32_t slot)
{
    const struct row *r = table_row(t, slot);
    const char *value = row_get(t, r, column);
    struct place p;
    struct chunk *c;

    if (*value == '\0')
        return;
    p = seek(x, t, column, value, row_get(t, r, COL_SYS_ID), false);
    if (p.chunk == x->n || x->chunk[p.chunk]->slot[p.at] != slot)
        return;
    c = x->chunk[p.chunk];
    c->n--;
    memmove(c->slot + p.at, c->slot + p.at + 1, (c->n - p.at) * sizeof(uint32_t));
    if (c->n > 0)
        return;
    free(c);
    x->n--;
    memmove(x->chunk + p.chunk, x->chunk + p.chunk + 1, (x->n - p.chunk) * sizeof(*x->chunk));
}

struct place sorted_seek(const struct table *t, uint32_t column, const char *value,
                         const char *sys_id, bool after)
{
    const struct sorted_index *x = t->store->rows.sorted[column];

    if (value == NULL)
        return (struct place){after ? x->n : 0, 0};
    return seek(x, t->store, column, value, sys_id, after);
}

uint32_t sorted_slot(const struct table *t, uint32_t column, struct place p)
{
    const struct sorted_index *x = t->store->rows.sorted[column];

    return p.chunk < x->n ? x->chunk[p.chunk]->slot[p.at] : NO_SLOT;
}

struct place sorted_forward(const struct table *t, uint32_t column, struct place p)
{
    const struct sorted_index *x = t->store->rows.sorted[column];

    if (++p.at < x->chunk[p.chunk]->n)
        return p;
    return (struct place){p.chunk + 1, 0};
}

bool sorted_back(const struct table *t, uint32_t column, struct place *p)
{
    const struct sorted_index *x = t->store->rows.sorted[column];

    if (p->at > 0) {
        p->at--;
        return true;
    }
    if (p->chunk == 0)
        return false;
    p->chunk--;
    p->at = x->chunk[p->chunk]->n - 1;
    return true;
}
