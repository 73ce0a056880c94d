/* Words to targets, and the keys that alerts have in them. */
#include "consumers/target.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/digest.h"
#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"

#define EVENT_TABLE "em_event"
#define ALERT_TABLE "em_alert"
#define IMPORT      "import:"

struct entry {
    struct target target;
    const struct config_consumer *consumer; /* whose state column and values it has; NULL */
    const struct target_table *own;         /* owned; NULL: the shape is a static one */
    struct entry *next;
};

struct targets {
    struct entry *first;
};

struct targets *targets_new(void)
{
    return xcalloc(1, sizeof(struct targets));
}

struct targets *targets_free(struct targets *t)
{
    struct entry *e, *next;

    if (t == NULL)
        return NULL;
    for (e = t->first; e != NULL; e = next) {
        next = e->next;
        free(e->target.word);
        target_table_free(e->own);
        free(e);
    }
    free(t);
    return NULL;
}

const char *target_word_table(const char *word)
{
    if (strcmp(word, "event") == 0 || text_starts(word, IMPORT))
        return NULL;
    return strcmp(word, "alert") == 0 ? ALERT_TABLE : word;
}

static void read_word(struct target *t, const char *word)
{
    t->word = xstrdup(word);
    t->kind = TARGET_RECORD;
    t->table = target_word_table(t->word);
    if (t->table != NULL) {
        t->shape = target_table_of(t->table);
    } else if (text_starts(word, IMPORT)) {
        t->kind = TARGET_IMPORT;
        t->table = t->word + strlen(IMPORT);
    } else {
        t->kind = TARGET_EVENT;
        t->table = EVENT_TABLE;
    }
}

static struct entry *find(struct targets *t, const char *word, const struct config_consumer *c)
{
    struct entry *e = t->first;

    while (e != NULL && (e->consumer != c || strcmp(e->target.word, word) != 0))
        e = e->next;
    return e;
}

static struct entry *add(struct targets *t, const char *word, const struct config_consumer *c)
{
    struct entry *e = xcalloc(1, sizeof *e);

    read_word(&e->target, word);
    e->consumer = c;
    if (c != NULL && e->target.shape != NULL) {
        e->own =
            target_table_new(e->target.table, c->state_column, c->open_value, c->resolved_value);
        e->target.shape = e->own;
    }
    e->next = t->first;
    t->first = e;
    return e;
}

static const struct target *get(struct targets *t, const char *word,
                                const struct config_consumer *c)
{
    struct entry *e = find(t, word, c);

    return e != NULL ? &e->target : &add(t, word, c)->target;
}

const struct target *targets_get(struct targets *t, const char *word)
{
    return get(t, word, NULL);
}

static bool has_states(const struct config_consumer *c)
{
    return c->state_column[0] != '\0' || c->open_value[0] != '\0' || c->resolved_value[0] != '\0';
}

const struct target *targets_of(struct targets *t, const struct config_consumer *c,
                                const char *word)
{
    if (word[0] != '\0' && strcmp(word, c->target) != 0)
        return targets_get(t, word);
    return get(t, c->target, has_states(c) ? c : NULL);
}

bool target_is_rows(const struct target *t)
{
    return t != NULL && t->kind != TARGET_RECORD;
}

bool target_by_series(const struct target *t, const struct config_consumer *c)
{
    return t->kind == TARGET_EVENT && c->message_key == MESSAGE_KEY_SERIES;
}

void target_row_key(const struct target *t, const struct config_consumer *c, const struct alert *a,
                    char out[CORRELATION_ID_SIZE])
{
    identity_row_key(a, !a->marked || target_by_series(t, c), out);
}

static unsigned char nibble(char hex)
{
    return (unsigned char)(hex <= '9' ? hex - '0' : hex - 'a' + 10);
}

static void from_hex(const char *hex, unsigned char out[TARGET_KEY_SIZE])
{
    for (size_t i = 0; i < TARGET_KEY_SIZE; i++)
        out[i] = (unsigned char)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
}

void target_key_of(const char *sys_id, unsigned char out[TARGET_KEY_SIZE])
{
    from_hex(sys_id, out);
}

void target_lane_key(const struct target *t, const struct config_consumer *c,
                     const char *record_namespace, const struct alert *a,
                     unsigned char out[TARGET_KEY_SIZE])
{
    char row_key[CORRELATION_ID_SIZE], hex[DIGEST_HEX_SIZE];
    struct digest *d;
    struct keys keys;

    if (!target_is_rows(t)) {
        identity_keys(a, record_namespace, t->table, 0, &keys);
        from_hex(keys.sys_id, out);
        return;
    }
    target_row_key(t, c, a, row_key);
    d = digest_new();
    digest_add(d, t->word, strlen(t->word) + 1);
    digest_add(d, row_key, strlen(row_key));
    digest_finish(d, hex);
    from_hex(hex, out);
}
