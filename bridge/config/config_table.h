/* The table of all keys (design D14). Inside bridge/config only; everyone else uses config.h.
 * Paths: "kafka.group_id"; keys of list entries "consumers[].name". */
#ifndef BRIDGE_CONFIG_CONFIG_TABLE_H
#define BRIDGE_CONFIG_CONFIG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/config/config.h"

enum config_key_type {
    KEY_STRING,     /* char * */
    KEY_PATH,       /* char *; a relative one starts from the folder of the file */
    KEY_BOOL,       /* bool */
    KEY_INT,        /* int64_t: the number in the file times `scale` */
    KEY_ENUM,       /* an enum, counted through `words` from 0 */
    KEY_STRINGS,    /* struct config_list */
    KEY_PAIRS,      /* struct config_pairs, a group of constants in the file */
    KEY_PROPERTIES, /* struct config_list of "name=value", may hold secrets */
    KEY_SECRET,     /* struct config_secret */
    KEY_START,      /* start and start_time of struct config_consumer; offset 0 */
};

struct config_key {
    const char *path;
    enum config_key_type type;
    size_t offset;         /* in struct config, or in the entry of the list */
    const char *preset;    /* default, as in the file without quotes; NULL = must be given */
    int64_t low, high;     /* KEY_INT: range. Text: least and most bytes. Lists: least entries */
    const char *unit;      /* KEY_INT, for people; NULL = none */
    int64_t scale;         /* KEY_INT: 0 counts as 1 */
    const char **words;    /* KEY_ENUM, ends with NULL */
    const char *kind;      /* text: what it is, for people: "URL", "topic name" */
    const char *preset_is; /* how the default is made when `preset` alone does not say it */
    /* NULL when text (or an item, or a name of pairs) is fine, else what is wrong with it. */
    const char *(*check)(const char *text);
    /* NULL when the text (of pairs: the value) is fine, else all of what is wrong with it; new. */
    char *(*explain)(const char *text);
    bool discreet;   /* never repeat the value in an error */
    bool reloadable; /* a reload may change it */
    const char *help;
};

/* Everything but GROUP_ONE is a list. The entries of a list within a list are numbered through over
 * all lists of its kind, as they lie in the snapshot. */
enum config_group_kind {
    GROUP_ONE,
    GROUP_CONSUMERS,
    GROUP_RULES,
    GROUP_CONDITIONS,
    GROUP_PRODUCERS,
};

struct config_group {
    const char *path; /* without "[]" at its end; "" is the file itself */
    enum config_group_kind kind;
    const char *help;
};

/* All keys, those of a group in the order of printing; 0 <= i < config_keys_count(). */
const struct config_key *config_key_at(size_t i);
size_t config_keys_count(void);
extern const struct config_key config_connection_keys[]; /* parts of them, in files of their own */
extern const size_t config_connection_keys_count;
extern const struct config_key config_consumer_keys[];
extern const size_t config_consumer_keys_count;
extern const struct config_key config_rule_keys[];
extern const size_t config_rule_keys_count;
extern const struct config_group config_groups[]; /* in the order of printing */
extern const size_t config_groups_count;

/* The part of a key's path behind the last dot; borrowed. */
const char *config_key_name(const struct config_key *k);
/* Is this key a direct member of the group? */
bool config_key_in(const struct config_key *k, const struct config_group *g);
/* NULL when there is none. */
const struct config_key *config_key_find(const struct config_group *g, const char *name);
const struct config_group *config_group_find(const struct config_group *parent, const char *name);
/* The group that the key is a direct member of. */
const struct config_group *config_key_group(const struct config_key *k);

/* Entries of a group: 1 for GROUP_ONE. The base that offsets count from. */
size_t config_group_count(const struct config *c, const struct config_group *g);
void *config_group_base(struct config *c, const struct config_group *g, size_t entry);
const void *config_group_base_const(const struct config *c, const struct config_group *g,
                                    size_t entry);
/* Of a list within a list: the entry of the outer list that this one belongs to; else 0. */
size_t config_group_owner(const struct config *c, const struct config_group *g, size_t entry);
/* The line at which the entry begins. */
void config_group_set_line(struct config *c, const struct config_group *g, size_t entry, int line);
/* "consumers[0].rules[2]"; of GROUP_ONE its path. New. */
char *config_entry_shown(const struct config *c, const struct config_group *g,
                         size_t entry) MUST_CHECK;
/* A new last entry, every key at its default; returns its number. GROUP_ONE is a bug. */
size_t config_group_add(struct config *c, const struct config_group *g);

#endif
