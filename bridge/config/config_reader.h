/* The state of reading one file, shared by the parts of the reader. Inside bridge/config only. */
#ifndef BRIDGE_CONFIG_CONFIG_READER_H
#define BRIDGE_CONFIG_CONFIG_READER_H

#include <libconfig.h>
#include <stdbool.h>
#include <stddef.h>

#include "bridge/config/config.h"
#include "bridge/config/config_problems.h"
#include "bridge/config/config_table.h"
#include "bridge/config/config_tokens.h"

#define CONFIG_REFUSED SIZE_MAX

/* Where a key or group was met in the file. */
struct config_mark {
    const char *path; /* of the table */
    size_t entry; /* CONFIG_REFUSED: a group that is none; nothing in it may be called missing */
    struct config_place place;
};

struct config_reader {
    const char *file;
    char *folder; /* of the file, "" = the current one */
    enum config_need need;
    struct config *config; /* being filled */
    struct config_problems problems;
    struct config_tokens tokens;
    struct config_mark *marks;
    size_t marks_count;
    struct config_pairs properties; /* those of kafka.properties, resolved */
};

struct config_place config_place_of(const struct config_reader *r, const config_setting_t *s);
void config_mark_add(struct config_reader *r, const char *path, size_t entry,
                     struct config_place place);
/* NULL when the file does not have it. */
const struct config_mark *config_mark_find(const struct config_reader *r, const char *path,
                                           size_t entry);
/* Where to point at for a key: itself, else its group, else the file. */
struct config_place config_key_place(const struct config_reader *r, const struct config_key *k,
                                     size_t entry);
/* "consumers[1].topics"; new. */
char *config_key_shown(const struct config *c, const struct config_key *k, size_t entry) MUST_CHECK;

/* Takes "name=value" apart and resolves the value (but for CONFIG_NO_SECRETS, where it is ""). 0
 * and the pair is added; -1 and the reason is noted at `at`. The text itself is never repeated. */
int config_property_add(struct config_reader *r, struct config_pairs *pairs, const char *text,
                        struct config_place at, const char *path) MUST_CHECK;

/* Defaults that depend on other keys, kafka.properties_file, and all checks that need more than
 * one key. Notes problems in r. */
void config_finish(struct config_reader *r);
void config_finish_connection(struct config_reader *r); /* server_url, sign-in */
void config_finish_topics(struct config_reader *r);     /* who reads and writes which topic */
void config_finish_rules(struct config_reader *r);      /* rules and their conditions */
void config_finish_properties(struct config_reader *r); /* kafka.properties, its file */

/* Notes a problem at the key with this path of the table. */
void config_fail(struct config_reader *r, const char *path, size_t entry, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* Does the file itself have the key? */
bool config_given(const struct config_reader *r, const char *path, size_t entry);

#endif
