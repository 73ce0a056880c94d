/* Rows of one table mostly have the same columns, so the names stand once, in a shape that many
 * rows share, and a row holds four bytes a column. The oldest row lies at the tail of `rows`. */
#include "producers/lastseen.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "bridge/base/xalloc.h"
#include "producers/column.h"

#define KEY_BYTES 32
#define OVERHEAD  32 /* of an allocation and a place in the hash table, about */

struct shape {
    char **names; /* sorted */
    size_t count, used;
    size_t bytes;
    struct shape *prev, *next;
};

struct row {
    char key[KEY_BYTES]; /* sys_id, filled up with zeros */
    long long mod_count;
    struct shape *shape; /* NULL: only its mod count is known */
    UT_hash_handle hh;
    struct row *prev, *next;
    uint32_t digests[]; /* one for each name of the shape */
};

struct lastseen {
    size_t max, bytes;
    struct row *hash;
    struct row *rows;     /* utlist DL, newest first */
    struct shape *shapes; /* utlist DL, the one used last first */
};

/* Columns ------------------------------------------------------------------------------------- */

static bool is_own(const char *name)
{
    return strcmp(name, "sys_updated_on") == 0 || strcmp(name, "sys_updated_by") == 0 ||
           strcmp(name, "sys_mod_count") == 0;
}

/* FNV-1a, folded. An absent text is not an empty one. */
static uint32_t digest_of(const json_t *member)
{
    const char *text = column_text(member);
    uint64_t h = UINT64_C(14695981039346656037);
    if (text == NULL)
        return 0;
    for (; *text != '\0'; text++)
        h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return (uint32_t)(h >> 32) ^ (uint32_t)h;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t columns_of(const json_t *record)
{
    static const char *const own[] = {"sys_updated_on", "sys_updated_by", "sys_mod_count"};
    size_t n = json_object_size(record);
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        n -= json_object_get(record, own[i]) != NULL;
    return n;
}

static bool fits(const struct shape *s, const json_t *record, size_t columns)
{
    if (s->count != columns)
        return false;
    for (size_t i = 0; i < s->count; i++)
        if (json_object_get(record, s->names[i]) == NULL)
            return false;
    return true;
}

static struct shape *shape_new(struct lastseen *s, const json_t *record, size_t columns)
{
    union {
        const json_t *in;
        json_t *iterated; /* jansson's iterators take no const */
    } u = {.in = record};
    struct shape *shape = xcalloc(1, sizeof(*shape));
    const char *name;
    json_t *member;
    shape->names = xcalloc(columns + 1, sizeof(char *));
    shape->bytes = sizeof(*shape) + OVERHEAD + columns * sizeof(char *);
    json_object_foreach (u.iterated, name, member)
        if (!is_own(name)) {
            shape->names[shape->count++] = xstrdup(name);
            shape->bytes += strlen(name) + OVERHEAD;
        }
    qsort(shape->names, shape->count, sizeof(char *), by_name);
    DL_PREPEND(s->shapes, shape);
    s->bytes += shape->bytes;
    return shape;
}

static void shape_unuse(struct lastseen *s, struct shape *shape)
{
    if (shape == NULL || --shape->used > 0)
        return;
    DL_DELETE(s->shapes, shape);
    s->bytes -= shape->bytes;
    for (size_t i = 0; i < shape->count; i++)
        free(shape->names[i]);
    free(shape->names);
    free(shape);
}

static struct shape *shape_of(struct lastseen *s, const json_t *record)
{
    size_t columns = columns_of(record);
    struct shape *shape;
    DL_FOREACH (s->shapes, shape)
        if (fits(shape, record, columns)) {
            DL_DELETE(s->shapes, shape);
            DL_PREPEND(s->shapes, shape);
            return shape;
        }
    return shape_new(s, record, columns);
}

/* Rows ---------------------------------------------------------------------------------------- */

static void key_of(const char *sys_id, char key[KEY_BYTES])
{
    memset(key, 0, KEY_BYTES);
    memcpy(key, sys_id, strnlen(sys_id, KEY_BYTES));
}

static size_t row_bytes(const struct row *r)
{
    size_t columns = r->shape != NULL ? r->shape->count : 0;
    return sizeof(*r) + OVERHEAD + columns * sizeof(r->digests[0]);
}

static struct row *find(const struct lastseen *s, const char *sys_id)
{
    char key[KEY_BYTES];
    struct row *r;
    key_of(sys_id, key);
    HASH_FIND(hh, s->hash, key, KEY_BYTES, r);
    return r;
}

static void drop(struct lastseen *s, struct row *r)
{
    HASH_DEL(s->hash, r); /* NOLINT(clang-analyzer-core.NullDereference) */
    DL_DELETE(s->rows, r);
    s->bytes -= row_bytes(r);
    shape_unuse(s, r->shape);
    free(r);
}

static void make_room(struct lastseen *s)
{
    while (s->bytes > s->max && s->rows != NULL)
        drop(s, s->rows->prev); /* the tail */
}

static struct row *add(struct lastseen *s, const char *sys_id, long long mod_count,
                       struct shape *shape)
{
    size_t columns = shape != NULL ? shape->count : 0;
    struct row *r = xcalloc(1, sizeof(*r) + columns * sizeof(r->digests[0]));
    key_of(sys_id, r->key);
    r->mod_count = mod_count;
    r->shape = shape;
    if (shape != NULL)
        shape->used++;
    HASH_ADD(hh, s->hash, key, KEY_BYTES, r);
    DL_PREPEND(s->rows, r);
    s->bytes += row_bytes(r);
    return r;
}

void lastseen_published(struct lastseen *s, const char *sys_id, long long mod_count,
                        const json_t *row)
{
    if (s->max == 0)
        return;
    struct shape *shape = shape_of(s, row);
    shape->used++; /* the old row may be the only one that holds it */
    lastseen_forget(s, sys_id);
    struct row *r = add(s, sys_id, mod_count, shape);
    for (size_t i = 0; i < shape->count; i++)
        r->digests[i] = digest_of(json_object_get(row, shape->names[i]));
    shape_unuse(s, shape);
    make_room(s);
}

void lastseen_left_out(struct lastseen *s, const char *sys_id, long long mod_count)
{
    struct row *r = find(s, sys_id);
    if (s->max == 0)
        return;
    if (r == NULL) {
        (void)add(s, sys_id, mod_count, NULL);
    } else {
        r->mod_count = mod_count;
        DL_DELETE(s->rows, r);
        DL_PREPEND(s->rows, r);
    }
    make_room(s);
}

void lastseen_forget(struct lastseen *s, const char *sys_id)
{
    struct row *r = find(s, sys_id);
    if (r != NULL)
        drop(s, r);
}

void lastseen_clear(struct lastseen *s)
{
    while (s->rows != NULL)
        drop(s, s->rows);
}

bool lastseen_mod_count(const struct lastseen *s, const char *sys_id, long long *ret_mod_count)
{
    const struct row *r = find(s, sys_id);
    if (r == NULL)
        return false;
    *ret_mod_count = r->mod_count;
    return true;
}

json_t *lastseen_changed(const struct lastseen *s, const char *sys_id, const json_t *row)
{
    const struct row *r = find(s, sys_id);
    if (r == NULL || r->shape == NULL)
        return NULL;
    json_t *names = json_array();
    for (size_t i = 0; i < r->shape->count; i++) {
        const json_t *member = json_object_get(row, r->shape->names[i]);
        if (member != NULL && digest_of(member) != r->digests[i])
            (void)json_array_append_new(names, json_string(r->shape->names[i]));
    }
    return names;
}

/* ---------------------------------------------------------------------------------------------- */

struct lastseen *lastseen_new(size_t max_bytes)
{
    struct lastseen *s = xcalloc(1, sizeof(*s));
    s->max = max_bytes;
    return s;
}

struct lastseen *lastseen_free(struct lastseen *s)
{
    if (s == NULL)
        return NULL;
    lastseen_clear(s);
    free(s);
    return NULL;
}

char **lastseen_sys_ids(const struct lastseen *s, size_t *ret_count)
{
    size_t i = HASH_COUNT(s->hash);
    char **sys_ids = xcalloc(i + 1, sizeof(*sys_ids));
    const struct row *r;
    *ret_count = i;
    DL_FOREACH (s->rows, r)
        sys_ids[--i] = xstrndup(r->key, strnlen(r->key, KEY_BYTES));
    return sys_ids;
}

size_t lastseen_count(const struct lastseen *s)
{
    return HASH_COUNT(s->hash);
}

size_t lastseen_bytes(const struct lastseen *s)
{
    return s->bytes;
}
