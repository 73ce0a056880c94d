/*
 * Import Set API, synchronous: a row goes into its staging table and through the transform map that
 * the control path has set for it. Whatever becomes of the row, the answer is 201 and says it
 * inside.
 */
#include "tests/simulator/import_set.h"
#include "tests/simulator/api.h"
#include "tests/simulator/draft.h"
#include "tests/simulator/journal.h"

#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *o, const char *name)
{
    const char *text = json_string_value(json_object_get(o, name));

    return text ? text : "";
}

int import_set_put(struct sim *sim, const json_t *map, char **ret_why)
{
    const char *staging = text_of(map, "staging");

    if (store_find(sim->store, staging) == NULL ||
        !json_is_object(json_object_get(map, "columns"))) {
        *ret_why = xstrdup("a transform needs staging (a table that exists) and columns {target "
                           "column: staging column}");
        return -1;
    }
    if (sim->transforms == NULL)
        sim->transforms = json_object();
    json_object_set_new(sim->transforms, staging, json_deep_copy(map));
    return 0;
}

void import_set_free(struct sim *sim)
{
    json_decref(sim->transforms);
    sim->transforms = NULL;
}

/* The words of the staging table that stand for others in the target. */
static const char *translated(const json_t *map, const char *column, const char *value)
{
    const json_t *words = json_object_get(json_object_get(map, "words"), column);
    const char *word = json_string_value(json_object_get(words, value));

    return word ? word : value;
}

/* Constants hold for rows whose `when` column has one value, or for all. */
static bool applies(const json_t *constants, const struct draft *staged)
{
    const json_t *when = json_object_get(constants, "when");
    const char *column;
    json_t *value;

    json_object_foreach ((json_t *)(uintptr_t)when, column, value) {
        if (strcmp(draft_get(staged, column), text_of(when, column)) != 0)
            return false;
    }
    return true;
}

static json_t *mapped(const json_t *map, const struct draft *staged)
{
    json_t *columns = json_object_get(map, "columns"), *from, *constants;
    json_t *out = json_object();
    const char *to;
    size_t i;

    json_object_foreach (columns, to, from) {
        const char *value =
            draft_get(staged, json_string_value(from) ? json_string_value(from) : "");

        json_object_set_new(out, to, json_string(translated(map, to, value)));
    }
    json_array_foreach (json_object_get(map, "constants"), i, constants) {
        if (applies(constants, staged))
            json_object_update(out, json_object_get(constants, "set"));
    }
    return out;
}

static json_t *failed(const json_t *map, const char *why)
{
    return json_pack("{s:s,s:s,s:s,s:s}", "transform_map", text_of(map, "name"), "table",
                     text_of(map, "target"), "status", "error", "error_message", why);
}

static json_t *done(const struct sim *sim, const json_t *map, const struct draft *d,
                    const char *status)
{
    struct table *t = d->table;
    const struct row *r = table_row(t, d->slot);
    const char *id = row_get(t, r, COL_SYS_ID);
    bool shown = t->display != NO_COLUMN;
    struct str link = {0};
    json_t *o;

    str_printf(&link, "%s/api/now/table/%s/%s", sim_base(sim), t->name, id);
    o = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "transform_map", text_of(map, "name"), "table",
                  t->name, "display_name", shown ? t->store->column[t->display].name : "",
                  "display_value", shown ? row_get(t, r, t->display) : "", "record_link", link.p,
                  "status", status, "sys_id", id);
    str_free(&link);
    return o;
}

static uint32_t coalesced(const struct table *t, const json_t *map, const json_t *values)
{
    const char *column = text_of(map, "coalesce");
    uint32_t c = column[0] ? table_column(t, column, strlen(column)) : NO_COLUMN;

    return c == NO_COLUMN ? NO_SLOT : hash_first(t, c, text_of(values, column));
}

static json_t *transform(struct sim *sim, struct request *r, const json_t *map,
                         const struct draft *staged)
{
    struct table *t = store_find(sim->store, text_of(map, "target"));
    const json_t *error = json_object_get(map, "error");
    const char *found =
        error ? strstr(draft_get(staged, text_of(error, "column")), text_of(error, "contains"))
              : NULL;
    json_t *values, *out;
    uint32_t slot;
    struct draft d;

    if (t == NULL || found != NULL)
        return failed(map, t == NULL ? "Invalid table" : text_of(error, "message"));
    values = mapped(map, staged);
    slot = coalesced(t, map, values);
    draft_open(&d, sim, t, slot, r->stamp_s);
    draft_by(&d, r->user ? r->user->name : "guest");
    draft_take(&d, values, false);
    if (draft_store(&d, "IMPORT", r->header[HDR_REQUEST_ID], r->late) < 0) {
        out = failed(map, d.detail ? d.detail : d.message);
    } else {
        struct draft after;

        draft_open(&after, sim, t, d.slot, r->stamp_s);
        out = done(sim, map, &after,
                   slot == NO_SLOT ? "inserted"
                   : strcmp(draft_get(&after, "sys_mod_count"), draft_old(&d, "sys_mod_count")) == 0
                       ? "ignored"
                       : "updated");
        draft_close(&after);
    }
    draft_close(&d);
    json_decref(values);
    return out;
}

static void stage(struct sim *sim, struct request *r, struct table *t, const json_t *body,
                  struct answer *a)
{
    const json_t *map = json_object_get(sim->transforms, t->name);
    json_t *result = json_array();
    struct draft d;

    draft_open(&d, sim, t, NO_SLOT, r->stamp_s);
    draft_by(&d, r->user ? r->user->name : "guest");
    draft_take(&d, body, false);
    if (draft_store(&d, "POST", r->header[HDR_REQUEST_ID], r->late) < 0) {
        answer_error(a, d.refused, d.message, d.detail);
        json_decref(result);
    } else {
        struct draft staged;

        draft_open(&staged, sim, t, d.slot, r->stamp_s);
        if (map != NULL)
            json_array_append_new(result, transform(sim, r, map, &staged));
        draft_close(&staged);
        answer_json(a, 201,
                    json_pack("{s:s,s:s,s:o}", "import_set", "ISET0010001", "staging_table",
                              t->name, "result", result));
    }
    draft_close(&d);
}

void import_set_serve(struct sim *sim, struct request *r, const char *table, struct answer *a)
{
    struct table *t = store_find(sim->store, table);
    json_t *body = json_loadb(r->body.p ? r->body.p : "", r->body.n, 0, NULL);
    struct str s = {0};

    if (strcmp(r->method, "POST") != 0) {
        answer_error(a, 405, "Method Not Allowed", NULL);
    } else if (t == NULL) {
        str_printf(&s, "Invalid table %s", table);
        answer_error(a, 400, s.p, NULL);
        str_free(&s);
    } else if (user_denied(r->user, DENY_INSERT, t->name)) {
        answer_error(a, 403, "Operation Failed",
                     "ACL Exception Insert Failed due to security constraints");
    } else if (!json_is_object(body)) {
        answer_error(a, 400, "Exception while reading request", "the body is no JSON object");
    } else {
        stage(sim, r, t, body, a);
    }
    json_decref(body);
}
