/* The list is cut into parts, from the front; a part that cannot be decided at once is halved, its
 * first half next. Parts lie on a stack, which so never grows beyond the logarithm of one. */
#include "producers/vanished.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"

#define PARTS_MAX 70

struct part {
    size_t from, count;
};

struct vanished {
    char **sys_ids;
    size_t count, most;
    size_t cut; /* rows that lie in parts already */
    struct part parts[PARTS_MAX];
    size_t parts_count;
};

static void cut(struct vanished *v)
{
    size_t left = v->count - v->cut;
    if (v->parts_count > 0 || left == 0)
        return;
    v->parts[v->parts_count++] =
        (struct part){.from = v->cut, .count = left < v->most ? left : v->most};
    v->cut += v->parts[0].count;
}

struct vanished *vanished_new(char **sys_ids, size_t count, size_t most)
{
    struct vanished *v = xcalloc(1, sizeof(*v));
    invariant(most > 0);
    v->sys_ids = sys_ids;
    v->count = count;
    v->most = most;
    cut(v);
    return v;
}

struct vanished *vanished_free(struct vanished *v)
{
    if (v == NULL)
        return NULL;
    for (size_t i = 0; i < v->count; i++)
        free(v->sys_ids[i]);
    free(v->sys_ids);
    free(v);
    return NULL;
}

bool vanished_next(const struct vanished *v, struct buf *query, long long *ret_rows)
{
    if (v->parts_count == 0)
        return false;
    const struct part *p = &v->parts[v->parts_count - 1];
    (void)buf_add_text(query, "sys_idIN");
    for (size_t i = 0; i < p->count; i++)
        (void)buf_addf(query, "%s%s", i > 0 ? "," : "", v->sys_ids[p->from + i]);
    *ret_rows = (long long)p->count;
    return true;
}

static bool holds(const json_t *rows, const char *sys_id)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const char *has = json_string_value(json_object_get(json_array_get(rows, i), "sys_id"));
        if (has != NULL && strcasecmp(has, sys_id) == 0)
            return true;
    }
    return false;
}

static void halve(struct vanished *v, struct part p)
{
    size_t half = p.count / 2;
    invariant(v->parts_count + 2 <= PARTS_MAX);
    v->parts[v->parts_count++] = (struct part){.from = p.from + half, .count = p.count - half};
    v->parts[v->parts_count++] = (struct part){.from = p.from, .count = half};
}

const char **vanished_answer(struct vanished *v, const json_t *rows, long long total,
                             size_t *ret_count)
{
    invariant(v->parts_count > 0);
    struct part p = v->parts[--v->parts_count];
    const char **missing = xcalloc(p.count + 1, sizeof(*missing));
    size_t n = 0;
    for (size_t i = p.from; i < p.from + p.count; i++)
        if (!holds(rows, v->sys_ids[i]))
            missing[n++] = v->sys_ids[i];
    long long gone = total < 0 ? 0 : (long long)p.count - total;
    if (gone > 0 && gone < (long long)n && p.count > 1)
        halve(v, p);
    *ret_count = gone == (long long)n ? n : 0;
    cut(v);
    return missing;
}
