/* The versions seen: a hash set by digest. Each entry carries its second, so that it can expire
 * once no later sweep can read that second again; expiry looks at every entry and is skipped while
 * nothing can have expired. What may expire is not decided here. */
#include "producers/seen.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "bridge/base/buf.h"
#include "bridge/base/digest.h"
#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"

struct entry {
    struct seen_version v;
    UT_hash_handle hh;
};

struct seen {
    struct entry *entries;
    int64_t oldest; /* no entry is of an earlier second */
};

struct seen *seen_new(void)
{
    struct seen *s = xcalloc(1, sizeof(*s));
    s->oldest = INT64_MAX;
    return s;
}

struct seen *seen_free(struct seen *s)
{
    if (s == NULL)
        return NULL;
    struct entry *x = s->entries, *next;
    HASH_CLEAR(hh, s->entries);
    for (; x != NULL; x = next) {
        next = x->hh.next;
        free(x);
    }
    free(s);
    return NULL;
}

bool seen_has(const struct seen *s, uint64_t digest)
{
    struct entry *x;
    HASH_FIND(hh, s->entries, &digest, sizeof(digest), x);
    return x != NULL;
}

void seen_add(struct seen *s, struct seen_version v)
{
    if (seen_has(s, v.digest))
        return;
    struct entry *x = xcalloc(1, sizeof(*x));
    x->v = v;
    HASH_ADD(hh, s->entries, v.digest, sizeof(x->v.digest), x);
    if (v.second < s->oldest)
        s->oldest = v.second;
}

static bool kept(const struct seen_version *v, struct seen_keep k)
{
    return v->second >= k.from || (v->ahead && v->second >= k.ahead_from);
}

void seen_expire(struct seen *s, struct seen_keep k)
{
    if (k.from <= s->oldest)
        return;
    int64_t oldest = INT64_MAX;
    struct entry *x, *tmp;
    HASH_ITER (hh, s->entries, x, tmp) {
        if (!kept(&x->v, k)) {
            /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): entries after x are alive */
            HASH_DEL(s->entries, x);
            free(x);
        } else if (x->v.second < oldest) {
            oldest = x->v.second;
        }
    }
    s->oldest = oldest;
}

size_t seen_count(const struct seen *s)
{
    return HASH_COUNT(s->entries);
}

static int by_second(const void *va, const void *vb)
{
    const struct seen_version *a = va, *b = vb;
    if (a->second != b->second)
        return a->second < b->second ? -1 : 1;
    if (a->ahead != b->ahead)
        return a->ahead ? 1 : -1;
    return (a->digest > b->digest) - (a->digest < b->digest);
}

void seen_sort(struct seen_version *list, size_t count)
{
    if (count > 1)
        qsort(list, count, sizeof(*list), by_second);
}

struct seen_version *seen_list(const struct seen *s, struct seen_keep k, size_t spare,
                               size_t *ret_count)
{
    struct seen_version *list = xcalloc(seen_count(s) + spare + 1, sizeof(*list));
    size_t n = 0;
    for (const struct entry *x = s->entries; x != NULL; x = x->hh.next)
        if (kept(&x->v, k))
            list[n++] = x->v;
    seen_sort(list, n);
    *ret_count = n;
    return list;
}

uint64_t seen_digest(const char *sys_id, const char *updated_on, const char *mod_count)
{
    /* The NUL between the parts keeps ("a", "bc") and ("ab", "c") apart. */
    struct buf b;
    buf_init(&b, strlen(sys_id) + strlen(updated_on) + strlen(mod_count) + 2);
    (void)buf_add(&b, sys_id, strlen(sys_id) + 1);
    (void)buf_add(&b, updated_on, strlen(updated_on) + 1);
    (void)buf_add(&b, mod_count, strlen(mod_count));
    invariant(!b.failed);
    uint64_t digest = digest_u64(b.data, b.length);
    buf_done(&b);
    return digest;
}
