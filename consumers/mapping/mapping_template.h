/* Texts with holes, as mappings write them: compiled once, filled for each message. For
 * consumers/mapping alone. Pure.
 *
 * `{labels.alertname, $.title|lower|cut:60}`: of the paths the first that leads to something, then
 * the filters in order. `[: {annotations.summary}]` is left out when its holes are empty; a text
 * whose holes are all empty is empty. `{{`, `}}`, `[[` and `]]` stand for themselves. */
#ifndef CONSUMERS_MAPPING_MAPPING_TEMPLATE_H
#define CONSUMERS_MAPPING_MAPPING_TEMPLATE_H

#include "bridge/base/buf.h"
#include "consumers/alert.h"
#include "consumers/mapping/mapping_path.h"

#define MAP_PIECES_MAX    64
#define MAP_HOLE_TEXT_MAX ((size_t)32 * 1024) /* of one hole, unless it enters an identity */

enum map_piece_kind { PIECE_TEXT, PIECE_HOLE, PIECE_OPEN, PIECE_CLOSE };

struct map_filter_kind;

struct map_filter {
    const struct map_filter_kind *kind;
    char *text; /* its argument, NULL when it takes none */
    size_t number;
};

struct map_piece {
    enum map_piece_kind kind;
    char *text; /* PIECE_TEXT: itself; PIECE_HOLE: as the mapping writes it, for messages */
    size_t length;
    struct map_path *paths;
    size_t paths_count;
    struct map_filter *filters;
    size_t filters_count;
    bool optional;
};

struct map_template {
    struct map_piece *pieces;
    size_t count, holes;
};

/* What a template is filled from. */
struct mapping;

struct map_fill {
    struct map_scope scope;
    const struct mapping *mapping; /* knows the names of secrets */
    struct alert *alert;           /* takes notes of what was left out or filled by a default */
    bool strict;                   /* identity and state: what follows is set, nothing is cut */
    const char *missing;           /* the first hole that is empty and not optional; borrowed */
    const char *wrong; /* the first hole that leads to an object or an array; borrowed */
    const char *wrong_type;
};

/* -1 with e; nothing to free then. */
int map_template_parse(const char *text, struct map_template *ret, struct err *e) MUST_CHECK;
void map_template_done(struct map_template *t);

/* Adds the filled text; false when it is empty (then nothing was added). */
bool map_template_fill(const struct map_template *t, struct map_fill *f, struct buf *out);
/* The same as a new text. */
char *map_template_text(const struct map_template *t, struct map_fill *f) MUST_CHECK;

/* Calls fn with each path of the template; stops at the first that it refuses (-1). */
int map_template_paths(const struct map_template *t,
                       int (*fn)(void *arg, const struct map_path *path, struct err *e), void *arg,
                       struct err *e) MUST_CHECK;

/* mapping_filter.c */

/* A value on its way through the filters of a hole: JSON until something makes it a text. */
struct map_value {
    const json_t *json; /* borrowed; NULL: the text counts */
    struct buf text;
};

/* Reads `name` or `name:argument` and moves *text behind it. */
int map_filter_parse(const char **text, struct map_filter *ret, struct err *e) MUST_CHECK;
void map_filter_done(struct map_filter *f);
void map_filter_apply(const struct map_filter *f, struct map_value *v, struct map_fill *fill,
                      const char *hole);
/* `optional`: the hole may be empty in an identity. */
bool map_filter_is_optional(const struct map_filter *f);
/* `join`: its argument stands between the values of `[*]`. */
bool map_filter_is_join(const struct map_filter *f);

bool map_value_empty(const struct map_value *v);
/* Makes it a text; what is no single value becomes empty, which is noted. */
void map_value_to_text(struct map_value *v, struct map_fill *fill, const char *hole);

/* A point in time from any of the usual forms: ISO 8601, HTTP dates, seconds, milliseconds, micro-
 * or nanoseconds since 1970 (told apart by size). -1: none of these, or before 1970, which is what
 * senders mean by "no time" (0001-01-01T00:00:00Z). */
int map_time_parse(const char *text, msec_t *ret_ms) MUST_CHECK;

#endif
