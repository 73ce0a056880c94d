/* A hash table of the values that rules want. A rule stands in it under the values of one of its
 * conditions, the one whose values fewest rules share. Keys: field, name of a label, value in small
 * letters; the condition itself looks again, so that too much may be found and never too little. */
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "consumers/alert_field.h"
#include "consumers/rules_internal.h"

struct bucket {
    char *key;
    size_t *rules;
    size_t count;
    UT_hash_handle hh;
};

struct rules_index {
    struct bucket *buckets;
    bool used[FIELD_COUNT];
    size_t key_max;
    char *key; /* of the look-up at hand, key_max + 1 bytes */
    size_t *always;
    size_t always_count;
    size_t *found; /* room for all rules */
    size_t found_count;
    uint64_t *mark, turn; /* a rule found in this turn has its number */
};

/* New. */
static char *key_of(const struct field *f, const char *value)
{
    char *key = xasprintf("%c%s\x1f%s", (char)('A' + f->id), f->name != NULL ? f->name : "", value);

    text_lower(key);
    return key;
}

static struct bucket *bucket_get(struct rules_index *x, const struct field *f, const char *value)
{
    char *key = key_of(f, value);
    size_t length = strlen(key);
    struct bucket *b;

    HASH_FIND(hh, x->buckets, key, length, b);
    if (b != NULL) {
        free(key);
        return b;
    }
    b = xcalloc(1, sizeof *b);
    b->key = key;
    HASH_ADD_KEYPTR(hh, x->buckets, b->key, length, b);
    if (length > x->key_max)
        x->key_max = length;
    x->used[f->id] = true;
    return b;
}

/* May the rule be left out where no value is among the condition's? */
static bool is_indexable(const struct condition *c)
{
    size_t n;

    return !c->config->negated && condition_texts(c, &n) != NULL;
}

/* First only counted, for the choice of the condition. */
static void count_values(struct rules_index *x, const struct rule *r)
{
    for (size_t k = 0; k < r->when_count; k++) {
        size_t n;
        const char *const *texts = condition_texts(&r->when[k], &n);

        for (size_t i = 0; i < n && is_indexable(&r->when[k]); i++)
            bucket_get(x, &r->when[k].field, texts[i])->count++;
    }
}

static size_t weight_of(struct rules_index *x, const struct condition *c)
{
    size_t n, weight = 0;
    const char *const *texts = condition_texts(c, &n);

    for (size_t i = 0; i < n; i++)
        weight += bucket_get(x, &c->field, texts[i])->count;
    return weight;
}

static const struct condition *choose(struct rules_index *counts, const struct rule *r)
{
    const struct condition *best = NULL;
    size_t least = SIZE_MAX;

    for (size_t k = 0; k < r->when_count; k++) {
        size_t weight;

        if (!is_indexable(&r->when[k]))
            continue;
        weight = weight_of(counts, &r->when[k]);
        if (weight < least) {
            least = weight;
            best = &r->when[k];
        }
    }
    return best;
}

static void put_rule(struct rules_index *x, size_t number, const struct condition *c)
{
    size_t n;
    const char *const *texts;

    if (c == NULL) {
        x->always[x->always_count++] = number;
        return;
    }
    texts = condition_texts(c, &n);
    for (size_t i = 0; i < n; i++) {
        struct bucket *b = bucket_get(x, &c->field, texts[i]);

        b->rules = xrealloc(b->rules, b->count + 1, sizeof *b->rules);
        b->rules[b->count++] = number;
    }
}

static void free_buckets(struct rules_index *x)
{
    struct bucket *b = x->buckets, *next;

    HASH_CLEAR(hh, x->buckets);
    for (; b != NULL; b = next) {
        next = b->hh.next; /* the links outlive the table */
        free(b->key);
        free(b->rules);
        free(b);
    }
}

struct rules_index *rules_index_new(const struct rule *items, size_t count)
{
    struct rules_index counts = {0}, *x = xcalloc(1, sizeof *x);

    x->always = xcalloc(count + 1, sizeof *x->always);
    x->found = xcalloc(count + 1, sizeof *x->found);
    x->mark = xcalloc(count + 1, sizeof *x->mark);
    for (size_t i = 0; i < count; i++)
        count_values(&counts, &items[i]);
    for (size_t i = 0; i < count; i++)
        put_rule(x, i, choose(&counts, &items[i]));
    free_buckets(&counts);
    x->key = xcalloc(1, x->key_max + 1);
    return x;
}

struct rules_index *rules_index_free(struct rules_index *x)
{
    if (x == NULL)
        return NULL;
    free_buckets(x);
    free(x->key);
    free(x->always);
    free(x->found);
    free(x->mark);
    free(x);
    return NULL;
}

/* ---------------------------------------------------------------- looking up */

static void find_value(struct rules_index *x, enum field_id id, const char *name, const char *value)
{
    size_t name_length = strlen(name), length = strlen(value), whole = name_length + length + 2;
    struct bucket *b;

    if (whole > x->key_max)
        return;
    x->key[0] = (char)('A' + id);
    memcpy(x->key + 1, name, name_length);
    x->key[1 + name_length] = '\x1f';
    memcpy(x->key + 2 + name_length, value, length + 1);
    text_lower(x->key);
    HASH_FIND(hh, x->buckets, x->key, whole, b);
    for (size_t i = 0; b != NULL && i < b->count; i++)
        if (x->mark[b->rules[i]] != x->turn) {
            x->mark[b->rules[i]] = x->turn;
            x->found[x->found_count++] = b->rules[i];
        }
}

static void find_pairs(struct rules_index *x, enum field_id id, const struct alert_pair *pairs,
                       size_t count)
{
    for (size_t i = 0; i < count; i++)
        find_value(x, id, pairs[i].name, pairs[i].value);
}

static void find_field(struct rules_index *x, enum field_id id, const struct alert *a)
{
    struct field f = {.id = id};
    char space[ALERT_FIELD_SPACE];
    size_t cursor = 0;
    const char *value;

    if (id == FIELD_LABEL || id == FIELD_LINK) {
        if (id == FIELD_LABEL)
            find_pairs(x, id, a->labels, a->labels_count);
        else
            find_pairs(x, id, a->links, a->links_count);
        return;
    }
    while ((value = alert_field_next(a, &f, &cursor, space)) != NULL)
        find_value(x, id, "", value);
}

static int ascending(const void *left, const void *right)
{
    const size_t *a = left, *b = right;

    return *a < *b ? -1 : *a > *b;
}

const size_t *rules_index_find(struct rules_index *x, const struct alert *a, size_t *ret_count)
{
    x->turn++;
    memcpy(x->found, x->always, x->always_count * sizeof *x->found);
    x->found_count = x->always_count;
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if (x->used[i])
            find_field(x, (enum field_id)i, a);
    if (x->found_count > x->always_count)
        qsort(x->found, x->found_count, sizeof *x->found, ascending);
    *ret_count = x->found_count;
    return x->found;
}
