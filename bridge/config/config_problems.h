/* Everything that is wrong with a file, collected and put in order. Inside bridge/config only. */
#ifndef BRIDGE_CONFIG_CONFIG_PROBLEMS_H
#define BRIDGE_CONFIG_CONFIG_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>

#include "bridge/base/attr.h"
#include "bridge/config/config.h"

/* Where something stands. file: borrowed, as people should read it; line 0 = not known. */
struct config_place {
    const char *file;
    int line;
};

struct config_problem {
    size_t file; /* number in `files`: the main file is 0 */
    int line;
    size_t order; /* of finding: the later criterion */
    char *text;
};

struct config_problems {
    struct config_problem *items;
    size_t count;
    char **files;
    size_t files_count;
};

void config_problems_init(struct config_problems *p, const char *main_file);
void config_problems_done(struct config_problems *p);

/* Notes "FILE:LINE: PATH: <formatted>"; path NULL leaves it out. Control characters become '?'. */
void config_problems_add(struct config_problems *p, struct config_place at, const char *path,
                         const char *format, ...) PRINTF_LIKE(4, 5);
/* Is anything noted for this line? */
bool config_problems_at(const struct config_problems *p, struct config_place at);
/* Moves the texts to *ret_errors in order of files and lines; p is empty then. */
void config_problems_take(struct config_problems *p, struct config_errors *ret_errors);

#endif
