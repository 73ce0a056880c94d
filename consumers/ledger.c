/* Least recently used cache; uthash keeps insertion order, so re-adding moves an entry to the end.
 */
#include "consumers/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"

struct entry {
    unsigned char key[LANE_KEY_SIZE];
    struct record record;
    struct ledger_content content;
    usec_t settle_until;
    usec_t seen_at;
    UT_hash_handle hh;
};

struct ledger {
    struct entry *entries;
    size_t max;
};

struct ledger *ledger_new(size_t max_records)
{
    struct ledger *l = xcalloc(1, sizeof *l);

    l->max = max_records;
    return l;
}

static void drop(struct ledger *l, struct entry *e)
{
    HASH_DEL(l->entries, e); /* NOLINT(clang-analyzer-unix.Malloc) */
    record_done(&e->record);
    free(e);
}

struct ledger *ledger_free(struct ledger *l)
{
    struct entry *e, *next;

    if (l == NULL)
        return NULL;
    HASH_ITER (hh, l->entries, e, next)
        drop(l, e);
    free(l);
    return NULL;
}

static struct entry *find(const struct ledger *l, const unsigned char *key)
{
    struct entry *e;

    HASH_FIND(hh, l->entries, key, LANE_KEY_SIZE, e);
    return e;
}

const struct record *ledger_find(struct ledger *l, const unsigned char key[LANE_KEY_SIZE])
{
    struct entry *e = find(l, key);

    if (e == NULL)
        return NULL;
    HASH_DEL(l->entries, e);
    HASH_ADD(hh, l->entries, key, LANE_KEY_SIZE, e);
    return &e->record;
}

void ledger_put(struct ledger *l, const unsigned char key[LANE_KEY_SIZE], const struct record *r)
{
    struct entry *e = find(l, key);

    if (e == NULL) {
        if (l->max == 0)
            return;
        if (HASH_COUNT(l->entries) >= l->max)
            drop(l, l->entries);
        e = xcalloc(1, sizeof *e);
        memcpy(e->key, key, LANE_KEY_SIZE);
    } else {
        HASH_DEL(l->entries, e);
    }
    record_copy(&e->record, r);
    HASH_ADD(hh, l->entries, key, LANE_KEY_SIZE, e); /* NOLINT(clang-analyzer-unix.Malloc) */
}

void ledger_settle(struct ledger *l, const unsigned char key[LANE_KEY_SIZE], usec_t until)
{
    struct entry *e = find(l, key);

    if (e != NULL)
        e->settle_until = until;
}

usec_t ledger_settle_until(const struct ledger *l, const unsigned char key[LANE_KEY_SIZE])
{
    const struct entry *e = find(l, key);

    return e == NULL ? 0 : e->settle_until;
}

void ledger_seen(struct ledger *l, const unsigned char key[LANE_KEY_SIZE], usec_t now)
{
    struct entry *e = find(l, key);

    if (e != NULL)
        e->seen_at = now;
}

usec_t ledger_seen_at(const struct ledger *l, const unsigned char key[LANE_KEY_SIZE])
{
    const struct entry *e = find(l, key);

    return e == NULL ? 0 : e->seen_at;
}

void ledger_age(struct ledger *l)
{
    for (struct entry *e = l->entries; e != NULL; e = e->hh.next)
        e->seen_at = 0;
}

void ledger_set_content(struct ledger *l, const unsigned char key[LANE_KEY_SIZE],
                        struct ledger_content c)
{
    struct entry *e = find(l, key);

    if (e != NULL)
        e->content = c;
}

struct ledger_content ledger_content(const struct ledger *l, const unsigned char key[LANE_KEY_SIZE])
{
    const struct entry *e = find(l, key);

    return e == NULL ? (struct ledger_content){0} : e->content;
}

void ledger_forget(struct ledger *l, const unsigned char key[LANE_KEY_SIZE])
{
    struct entry *e = find(l, key);

    if (e != NULL)
        drop(l, e);
}

size_t ledger_count(const struct ledger *l)
{
    return HASH_COUNT(l->entries);
}
