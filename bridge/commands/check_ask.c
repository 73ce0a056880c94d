/* Questions side by side. The desk's results are gone with its next round, so references are taken.
 */
#include "bridge/commands/check_ask.h"

#include <stdio.h>
#include <stdlib.h>

#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"

size_t check_ask_op(struct check_ask *a, const struct snow_op *op)
{
    a->ops = xrealloc(a->ops, a->count + 1, sizeof *a->ops);
    a->ops[a->count] = *op;
    return a->count++;
}

const char *check_ask_keep(struct check_ask *a, char *text)
{
    a->texts = xrealloc(a->texts, a->texts_count + 1, sizeof *a->texts);
    a->texts[a->texts_count++] = text;
    return text;
}

size_t check_ask_list(struct check_ask *a, const char *table, const char *fields, long long limit,
                      const char *format, ...)
{
    char *query = NULL;
    va_list ap;
    int rc;

    va_start(ap, format);
    rc = vasprintf(&query, format, ap);
    va_end(ap);
    invariant(rc >= 0);
    return check_ask_op(a, &(struct snow_op){.kind = SNOW_LIST,
                                             .table = table,
                                             .query = check_ask_keep(a, query),
                                             .fields = fields,
                                             .limit = limit});
}

void check_ask_run(struct check_ask *a, struct desk *d)
{
    if (a->count == 0)
        return;
    a->outcomes = xcalloc(a->count, sizeof *a->outcomes);
    a->results = xcalloc(a->count, sizeof(json_t *));
    desk_ask(d, a->ops, a->count, a->outcomes);
    for (size_t i = 0; i < a->count; i++)
        a->results[i] = json_incref(a->outcomes[i].result);
}

const struct snow_outcome *check_ask_outcome(const struct check_ask *a, size_t index)
{
    return index == CHECK_NONE || a->outcomes == NULL ? NULL : &a->outcomes[index];
}

const json_t *check_ask_rows(const struct check_ask *a, size_t index)
{
    const struct snow_outcome *o = check_ask_outcome(a, index);

    return o == NULL || o->verdict != SNOW_OK ? NULL : a->results[index];
}

void check_ask_done(struct check_ask *a)
{
    for (size_t i = 0; i < a->count; i++)
        if (a->results != NULL)
            json_decref(a->results[i]);
    for (size_t i = 0; i < a->texts_count; i++)
        free(a->texts[i]);
    free(a->ops);
    free(a->outcomes);
    free(a->results);
    free(a->texts);
    *a = (struct check_ask){0};
}
