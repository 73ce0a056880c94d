/* Paths into JSON, as mappings write them: compiled once, walked for each message. For
 * consumers/mapping alone. Pure.
 *
 * `labels.severity` starts at the alert at hand, `$.externalURL` at the whole message,
 * `@ce.subject` at what is known beside it (Kafka record, CloudEvents attributes). Behind a dot
 * stands a name, in quotes (single) when it holds other characters than letters, digits, `_`, `-`,
 * `/` and `:`;
 * `[0]` is an element, `[*]` each of them, `[name=CPU]` the first whose member says so. `.` alone
 * is the alert itself. */
#ifndef CONSUMERS_MAPPING_MAPPING_PATH_H
#define CONSUMERS_MAPPING_MAPPING_PATH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "bridge/base/attr.h"
#include "bridge/base/err.h"

#define MAP_STEPS_MAX 16
#define MAP_EACH_MAX  1000 /* values that `[*]` looks at in one message, all levels together */

enum map_root { ROOT_ITEM, ROOT_MESSAGE, ROOT_BESIDE };
enum map_step_kind { STEP_NAME, STEP_INDEX, STEP_EACH, STEP_WHERE };

struct map_step {
    enum map_step_kind kind;
    char *name;  /* STEP_NAME; STEP_WHERE: the member that is compared */
    char *value; /* STEP_WHERE */
    size_t index;
};

struct map_path {
    enum map_root root;
    struct map_step *steps;
    size_t count;
    bool each; /* there is a STEP_EACH */
};

/* What a path starts from. All borrowed. */
struct map_scope {
    const json_t *item, *message, *beside;
};

/* Reads a path from *text and moves it behind. -1 with e: the text says what is wrong; nothing to
 * free then. */
int map_path_parse(const char **text, struct map_path *ret, struct err *e) MUST_CHECK;
void map_path_done(struct map_path *p);

/* The value, of several the first; NULL when there is none. Borrowed. */
const json_t *map_path_get(const struct map_path *p, const struct map_scope *s);

/* Every value in order, at most MAP_EACH_MAX; stops when fn says false. */
void map_path_each(const struct map_path *p, const struct map_scope *s,
                   bool (*fn)(void *arg, const json_t *value), void *arg);

/* The last name of the path, "" when it has none. Borrowed. */
const char *map_path_name(const struct map_path *p);

#endif
