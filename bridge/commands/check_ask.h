/* A round of questions to the instance: collected, asked side by side, answers kept until the round
 * is done. Main thread. */
#ifndef BRIDGE_COMMANDS_CHECK_ASK_H
#define BRIDGE_COMMANDS_CHECK_ASK_H

#include <jansson.h>
#include <stddef.h>

#include "bridge/base/attr.h"
#include "bridge/commands/desk.h"

#define CHECK_NONE ((size_t)-1) /* no such question was asked */

struct check_ask {
    struct snow_op *ops;
    struct snow_outcome *outcomes;
    json_t **results; /* references of our own */
    char **texts;     /* queries of our own */
    size_t count, texts_count;
};

/* Zeroed memory is an empty round. Adds a question whose strings live until the round is done;
 * returns its index. */
size_t check_ask_op(struct check_ask *a, const struct snow_op *op);
/* Rows of a table; `format` makes the query. */
size_t check_ask_list(struct check_ask *a, const char *table, const char *fields, long long limit,
                      const char *format, ...) PRINTF_LIKE(5, 6);
/* Keeps a text for the life of the round; takes it. Borrowed. */
const char *check_ask_keep(struct check_ask *a, char *text);

void check_ask_run(struct check_ask *a, struct desk *d);

/* NULL: not asked. Borrowed. */
const struct snow_outcome *check_ask_outcome(const struct check_ask *a, size_t index);
/* The rows, or NULL when there was no good answer. Borrowed. */
const json_t *check_ask_rows(const struct check_ask *a, size_t index);

void check_ask_done(struct check_ask *a);

#endif
