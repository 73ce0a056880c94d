/*
 * The part of the Aggregate API that proves a table quiescent: COUNT, MAX and MIN over a query.
 * Numbers are texts in the answer.
 */
#include "tests/simulator/api.h"
#include "tests/simulator/users.h"

#include <stdlib.h>
#include <string.h>

/* {"field": "extreme"} over the found rows. */
static void extremes(struct str *out, const struct table *t, const struct slots *found,
                     const char *fields, const char *name, int sign)
{
    bool first = true;

    if (fields == NULL)
        return;
    str_printf(out, ",\"%s\":{", name);
    while (*fields) {
        size_t n = strcspn(fields, ",");
        uint32_t c = table_column(t, fields, n);
        const char *best = "";

        for (size_t i = 0; c != NO_COLUMN && i < found->n; i++) {
            const char *v = row_get(t, table_row(t, found->slot[i]), c);

            if (*v && (*best == '\0' || strcmp(v, best) * sign > 0))
                best = v;
        }
        if (c != NO_COLUMN) {
            str_puts(out, first ? "" : ",");
            str_json(out, t->store->column[c].name);
            str_putc(out, ':');
            str_json(out, best);
            first = false;
        }
        fields += n + (fields[n] == ',');
    }
    str_putc(out, '}');
}

void aggregate_serve(struct sim *sim, struct request *r, const char *table, struct answer *a)
{
    struct table *t = store_find(sim->store, table);
    struct slots found = {0};
    struct query *q;
    uint64_t total;
    bool all = false;

    if (t == NULL) {
        answer_error(a, 400, "Invalid table", NULL);
        return;
    }
    q = api_query(sim, t, r);
    all = request_arg(r, "sysparm_max_fields") || request_arg(r, "sysparm_min_fields");
    total = query_run(sim, q, 0, all ? UINT64_MAX : 0, true, &found);
    a->status = 200;
    a->type = "application/json;charset=UTF-8";
    str_puts(&a->body, "{\"result\":{\"stats\":{");
    str_printf(&a->body, "\"count\":\"%llu\"", (unsigned long long)total);
    extremes(&a->body, t, &found, request_arg(r, "sysparm_max_fields"), "max", 1);
    extremes(&a->body, t, &found, request_arg(r, "sysparm_min_fields"), "min", -1);
    str_puts(&a->body, "}}}");
    free(found.slot);
    query_free(q);
}
