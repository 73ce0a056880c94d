/* What each type of key can do. Inside bridge/config only. `value` points at the member of the
 * snapshot that belongs to the key. */
#ifndef BRIDGE_CONFIG_CONFIG_VALUE_H
#define BRIDGE_CONFIG_CONFIG_VALUE_H

#include <libconfig.h>
#include <stdbool.h>
#include <stdio.h>

#include "bridge/config/config_table.h"

struct config_reader;

struct config_type {
    const char *name; /* for people: "must be <name>" */
    size_t size;      /* of the value */
    void (*preset)(const struct config_key *k, void *value);
    /* Notes what is wrong in r and leaves the value as it is then. path: as shown to people. */
    void (*read)(struct config_reader *r, const struct config_key *k, void *value,
                 const config_setting_t *s, const char *path);
    void (*print)(const struct config_key *k, const void *value, FILE *out);
    bool (*same)(const void *a, const void *b);
    void (*done)(void *value);
};

const struct config_type *config_type_of(const struct config_key *k);

/* All keys of one entry at their defaults; the memory was zero. */
void config_preset(struct config *c, const struct config_group *g, size_t entry);
void config_release(struct config *c, const struct config_group *g, size_t entry);

/* Replaces a text: frees the old one, takes the new one. */
void config_set(char **text, char *taken);
void config_list_add(struct config_list *list, char *taken);
bool config_list_same(const struct config_list *a, const struct config_list *b);
void config_pairs_add(struct config_pairs *pairs, char *name_taken, char *value_taken);
/* Wipes and frees. */
void config_pairs_done(struct config_pairs *pairs);
bool config_pairs_same(const struct config_pairs *a, const struct config_pairs *b);

/* In the file's syntax, quoted. */
void config_print_text(const char *text, FILE *out);

/* Notes what k->explain has against the text; false: nothing, or there is no such check. */
bool config_explained(struct config_reader *r, const struct config_key *k,
                      const config_setting_t *s, const char *path, const char *text);

/* Notes "must be <type>, not <what it is>". */
void config_wrong_type(struct config_reader *r, const config_setting_t *s, const char *path,
                       const char *wanted);

#endif
