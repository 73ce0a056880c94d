/* Numbers in the source text that libconfig cannot hold: it wraps them in silence (99999999999
 * becomes 1215752191, and 4294967297 becomes a harmless 1; measured with libconfig 1.5), so the
 * text itself has to be looked at. Pure. Inside bridge/config only. */
#ifndef BRIDGE_CONFIG_CONFIG_TOKENS_H
#define BRIDGE_CONFIG_CONFIG_TOKENS_H

#include <stdbool.h>
#include <stddef.h>

#include "bridge/base/attr.h"

struct config_token {
    char *name;      /* the setting in front of it, "" = none */
    int name_line;   /* where that stands: what libconfig calls the setting's line */
    char *text;      /* the number as written */
    const char *why; /* static */
    const char *file;
    bool told; /* for the reader: has been reported */
};

struct config_tokens {
    struct config_token *items;
    size_t count;
};

/* Adds the numbers of one file's text that do not fit. file is borrowed by the entries. */
void config_tokens_scan(struct config_tokens *t, const char *file, const char *text);
/* The entry for a setting, or NULL. */
struct config_token *config_tokens_find(struct config_tokens *t, const char *file, int line,
                                        const char *name);
/* The line on which a text in quotes begins that never ends, 0 when all end. For any reader of
 * files in libconfig's syntax. */
int config_tokens_open_text(const char *text);
void config_tokens_done(struct config_tokens *t);

#endif
