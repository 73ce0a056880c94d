/* Totals by word, and how many series and instances are different. Words are printed sorted. */
#include "bridge/commands/map_count.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "bridge/base/digest.h"
#include "bridge/base/xalloc.h"

struct total {
    char *word;
    size_t count;
    UT_hash_handle hh;
};

struct distinct {
    uint64_t digest;
    UT_hash_handle hh;
};

struct map_count {
    size_t messages, bad, skipped, alerts, notes;
    struct total *kinds, *severities, *classes;
    struct distinct *series, *instances;
};

struct map_count *map_count_new(void)
{
    return xcalloc(1, sizeof(struct map_count));
}

/* Takes the word. */
static void add_word(struct total **totals, char *word)
{
    struct total *t;

    HASH_FIND_STR(*totals, word, t);
    if (t == NULL) {
        t = xcalloc(1, sizeof *t);
        t->word = word;
        HASH_ADD_KEYPTR(hh, *totals, t->word, strlen(t->word), t);
    } else {
        free(word);
    }
    t->count++;
}

static void add_distinct(struct distinct **all, const char *text)
{
    uint64_t digest = digest_u64(text, strlen(text));
    struct distinct *d;

    HASH_FIND(hh, *all, &digest, sizeof digest, d);
    if (d != NULL)
        return;
    d = xcalloc(1, sizeof *d);
    d->digest = digest;
    HASH_ADD(hh, *all, digest, sizeof d->digest, d);
}

/* Clearing a table leaves its members and their order alone. */
static void free_words(struct total *first)
{
    struct total *t = first, *next;

    HASH_CLEAR(hh, first);
    for (; t != NULL; t = next) {
        next = t->hh.next;
        free(t->word);
        free(t);
    }
}

static void free_distinct(struct distinct *first)
{
    struct distinct *d = first, *next;

    HASH_CLEAR(hh, first);
    for (; d != NULL; d = next) {
        next = d->hh.next;
        free(d);
    }
}

struct map_count *map_count_free(struct map_count *c)
{
    if (c == NULL)
        return NULL;
    free_words(c->kinds);
    free_words(c->severities);
    free_words(c->classes);
    free_distinct(c->series);
    free_distinct(c->instances);
    free(c);
    return NULL;
}

void map_count_good(struct map_count *c, const struct alerts *list)
{
    static const char *const states[] = {
        [ALERT_FIRING] = "firing", [ALERT_CLEARED] = "cleared", [ALERT_NOTE] = "note"};

    c->messages++;
    for (size_t i = 0; i < list->count; i++) {
        const struct alert *a = list->items[i];

        c->alerts++;
        c->notes += a->notes_count;
        add_word(&c->kinds, xasprintf("%s, %s, %s", a->format, a->kind, states[a->state]));
        add_word(&c->severities,
                 a->severity < 0 ? xstrdup("not known") : xasprintf("Sev%d", a->severity));
        add_distinct(&c->series, a->series);
        if (a->marked)
            add_distinct(&c->instances, a->instance);
    }
}

void map_count_bad(struct map_count *c, const struct err *why)
{
    c->messages++;
    c->bad++;
    add_word(&c->classes, xstrdup(why->code));
}

void map_count_skipped(struct map_count *c)
{
    c->messages++;
    c->skipped++;
}

static int by_word(const void *a, const void *b)
{
    return strcmp((*(const struct total *const *)a)->word, (*(const struct total *const *)b)->word);
}

static void print_words(const char *heading, const struct total *totals)
{
    size_t n = HASH_COUNT(totals), i = 0;
    const struct total **sorted = xcalloc(n + 1, sizeof(struct total *));

    for (const struct total *t = totals; t != NULL; t = t->hh.next)
        sorted[i++] = t;
    qsort(sorted, n, sizeof(struct total *), by_word);
    for (i = 0; i < n; i++)
        (void)printf("%s %s: %zu\n", heading, sorted[i]->word, sorted[i]->count);
    free(sorted);
}

void map_count_print(const struct map_count *c)
{
    (void)printf("Messages: %zu, bad: %zu, without value: %zu\n"
                 "Alerts: %zu, series: %u, instances that messages name: %u, notes: %zu\n",
                 c->messages, c->bad, c->skipped, c->alerts, HASH_COUNT(c->series),
                 HASH_COUNT(c->instances), c->notes);
    print_words("Alerts", c->kinds);
    print_words("Severity", c->severities);
    print_words("Dead letters", c->classes);
}
