/* Words to targets, and the keys that alerts have in them. */
#include "consumers/target.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/digest.h"
#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"

#define EVENT_TABLE "em_event"
#define IMPORT      "import:"

struct entry {
    struct target target;
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
        free(e);
    }
    free(t);
    return NULL;
}

static void read_word(struct target *t, const char *word)
{
    t->word = xstrdup(word);
    t->kind = TARGET_RECORD;
    t->table = t->word;
    if (strcmp(word, "event") == 0) {
        t->kind = TARGET_EVENT;
        t->table = EVENT_TABLE;
    } else if (text_starts(word, IMPORT)) {
        t->kind = TARGET_IMPORT;
        t->table = t->word + strlen(IMPORT);
    }
}

const struct target *targets_get(struct targets *t, const char *word)
{
    struct entry *e;

    for (e = t->first; e != NULL; e = e->next)
        if (strcmp(e->target.word, word) == 0)
            return &e->target;
    e = xcalloc(1, sizeof *e);
    read_word(&e->target, word);
    e->next = t->first;
    t->first = e;
    return &e->target;
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
