/*
 * Rows over the control path: edits by a person (with all rules, or raw), bulk loading, raw reading
 * and removing, and tables of the user's own. Bulk rows are stored as given, without rules, journal
 * or cost.
 */
#include "tests/simulator/api.h"
#include "tests/simulator/control.h"
#include "tests/simulator/draft.h"
#include "tests/simulator/journal.h"
#include "tests/simulator/record.h"
#include "tests/simulator/schema.h"

#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *o, const char *name)
{
    return json_string_value(json_object_get(o, name));
}

/* The table that body or argument names; NULL after a refusal. */
static struct table *table_of(struct call *c, const json_t *body)
{
    const char *name = text_of(body, "table");
    struct table *t;
    struct str s = {0};

    if (name == NULL)
        name = request_arg(&c->r, "table");
    t = name ? store_find(c->sim->store, name) : NULL;
    if (t == NULL) {
        str_printf(&s, "there is no table '%s'", name ? name : "");
        control_refuse(c, str_take(&s));
    }
    return t;
}

static void find_rows(struct call *c, const struct table *t, const char *sys_id, const char *query,
                      struct slots *ret)
{
    struct query *q;

    if (sys_id) {
        uint32_t slot = table_find(t, sys_id);

        if (slot != NO_SLOT)
            slots_add(ret, slot);
        return;
    }
    q = query_parse(c->sim, t, query ? query : "", "");
    query_run(c->sim, q, 0, UINT64_MAX, false, ret);
    query_free(q);
}

/* One edited or created row; adds its outcome to the list. */
static void edit_row(struct call *c, const json_t *body, struct table *t, uint32_t slot,
                     json_t *list)
{
    const char *user = text_of(body, "user");
    const json_t *set = json_object_get(body, "set");
    const char *id = text_of(set, "sys_id");
    json_t *o = json_object();
    struct draft d;

    draft_open(&d, c->sim, t, slot, c->r.stamp_s);
    d.raw = json_is_true(json_object_get(body, "raw"));
    draft_by(&d, user ? user : "ann.operator");
    if (slot == NO_SLOT && id)
        d.value[COL_SYS_ID] = arena_copy(&d.arena, id, strnlen(id, 32));
    draft_take(&d, set, json_is_true(json_object_get(body, "input_display_value")));
    if (draft_store(&d, "EDIT", c->r.header[HDR_REQUEST_ID], false) < 0) {
        json_object_set_new(o, "refused", json_string(d.detail));
    } else {
        const struct row *r = table_row(t, d.slot);

        json_object_set_new(o, "sys_id", json_string(row_get(t, r, COL_SYS_ID)));
        json_object_set_new(o, "sys_mod_count", json_string(row_get(t, r, COL_MOD_COUNT)));
        json_object_set_new(o, "sys_updated_on", json_string(row_get(t, r, COL_UPDATED_ON)));
    }
    json_array_append_new(list, o);
    draft_close(&d);
}

static void edit(struct call *c, const json_t *body)
{
    struct table *t = table_of(c, body);
    struct slots found = {0};
    json_t *list = json_array();

    if (t == NULL) {
        json_decref(list);
        return;
    }
    if (json_is_true(json_object_get(body, "create"))) {
        edit_row(c, body, t, NO_SLOT, list);
    } else {
        find_rows(c, t, text_of(body, "sys_id"), text_of(body, "query"), &found);
        for (size_t i = 0; i < found.n; i++)
            edit_row(c, body, t, found.slot[i], list);
    }
    free(found.slot);
    control_done(c, json_pack("{s:o}", "edited", list));
}

static void edit_timer(void *arg)
{
    struct call *c = arg;
    json_t *body = json_loadb(c->r.body.p, c->r.body.n, 0, NULL);

    edit(c, body);
    json_decref(body);
    flow_finish(c);
}

bool control_edit(struct call *c, const json_t *body)
{
    usec_t delay = api_commit_delay(c->sim, c->sim->set.edit_commit_delay_ms);

    c->r.stamp_s = sim_now_s(c->sim);
    if (!json_is_object(json_object_get(body, "set"))) {
        control_refuse(c, xstrdup("edit needs table, sys_id or query (or create: true), and set"));
        return true;
    }
    if (delay == 0) {
        edit(c, body);
        return true;
    }
    timers_add(flow_timers(c->sim), clock_mono() + delay, edit_timer, c);
    return false;
}

static const char *scalar(struct arena *a, const json_t *v)
{
    if (json_is_string(v))
        return json_string_value(v);
    if (json_is_boolean(v))
        return json_is_true(v) ? "true" : "false";
    if (json_is_integer(v))
        return arena_printf(a, "%lld", (long long)json_integer_value(v));
    return json_is_real(v) ? arena_printf(a, "%.15g", json_real_value(v)) : "";
}

static bool is_custom(const char *name)
{
    return (name[0] == 'u' || name[0] == 'x') && name[1] == '_';
}

static void set_missing(struct call *c, struct table *t, struct arena *a, const char **v)
{
    char id[33], now[DATE_LEN];
    uint32_t n = t->store->number;

    date_format(sim_now_s(c->sim), now);
    if (v[COL_SYS_ID] == NULL) {
        rng_hex(&c->sim->rng, id, 32, false);
        v[COL_SYS_ID] = arena_copy(a, id, 32);
    }
    if (v[COL_UPDATED_ON] == NULL)
        v[COL_UPDATED_ON] = arena_copy(a, now, DATE_LEN - 1);
    if (v[COL_CREATED_ON] == NULL)
        v[COL_CREATED_ON] = v[COL_UPDATED_ON];
    if (v[COL_CLASS] == NULL)
        v[COL_CLASS] = t->name;
    if (n != NO_COLUMN && t->store->prefix && v[n] == NULL)
        v[n] = arena_printf(a, "%s%07lld", t->store->prefix, (long long)t->store->next_number++);
}

/* Stores one row as given; members that are no column are passed over, or make one in a table of
 * the user's own. An existing row keeps what is not given. */
static void load_row(struct call *c, struct table *t, const json_t *o)
{
    json_t *object = (json_t *)(uintptr_t)o;
    const char *v[COLUMNS_MAX] = {NULL};
    struct arena a = {0};
    uint32_t slot = NO_SLOT;
    void *it;

    for (it = json_object_iter(object); it; it = json_object_iter_next(object, it)) {
        const char *name = json_object_iter_key(it);
        uint32_t col = table_column(t, name, strlen(name));
        char *copy;

        if (col == NO_COLUMN && is_custom(t->name)) {
            struct column like = {.length = 4000, .type = COL_TEXT};

            copy = arena_copy(&a, name, strlen(name));
            like.name = copy;
            col = table_column_add(t, &like);
        }
        if (col != NO_COLUMN)
            v[col] = scalar(&a, json_object_iter_value(it));
    }
    if (v[COL_SYS_ID])
        slot = table_find(t, v[COL_SYS_ID]);
    for (uint32_t i = 0; slot != NO_SLOT && i < t->store->stored; i++)
        v[i] = v[i] ? v[i] : row_get(t, table_row(t, slot), i);
    set_missing(c, t, &a, v);
    table_put(t, slot, v);
    arena_free(&a);
}

static size_t load_lines(struct call *c, struct table *t)
{
    const char *p = c->r.body.p;
    size_t n = 0;

    while (p && *p) {
        size_t len = strcspn(p, "\n");
        json_t *o = json_loadb(p, len, 0, NULL);

        if (json_is_object(o)) {
            load_row(c, t, o);
            n++;
        }
        json_decref(o);
        p += len + (p[len] == '\n');
    }
    return n;
}

bool control_rows_put(struct call *c, const json_t *body)
{
    const json_t *rows = json_is_array(body) ? body : json_object_get(body, "rows");
    const char *name = text_of(body, "table");
    struct table *t;
    size_t n;

    if (name == NULL)
        name = request_arg(&c->r, "table");
    if (name && is_custom(name) && store_find(c->sim->store, name) == NULL)
        schema_plain(c->sim->store, name, name);
    t = table_of(c, body);
    if (t == NULL)
        return true;
    n = json_is_array(rows) ? json_array_size(rows) : 0;
    for (size_t i = 0; i < n; i++)
        load_row(c, t, json_array_get(rows, i));
    if (!json_is_array(rows))
        n = load_lines(c, t);
    control_done(c, json_pack("{s:I}", "stored", (json_int_t)n));
    return true;
}

bool control_rows_get(struct call *c, const json_t *body)
{
    struct table *t = table_of(c, body);
    struct slots found = {0};

    if (t == NULL)
        return true;
    find_rows(c, t, request_arg(&c->r, "sys_id"), request_arg(&c->r, "query"), &found);
    c->a.status = 200;
    c->a.type = "application/json;charset=UTF-8";
    str_printf(&c->a.body, "{\"total\":%zu,\"rows\":[", found.n);
    for (size_t i = 0; i < found.n; i++) {
        if (i)
            str_putc(&c->a.body, ',');
        record_write_raw(&c->a.body, t, table_row(t, found.slot[i]));
    }
    str_puts(&c->a.body, "]}");
    free(found.slot);
    return true;
}

bool control_rows_delete(struct call *c, const json_t *body)
{
    struct table *t = table_of(c, body);
    struct slots found = {0};

    if (t == NULL)
        return true;
    find_rows(c, t, request_arg(&c->r, "sys_id"), request_arg(&c->r, "query"), &found);
    for (size_t i = 0; i < found.n; i++)
        table_remove(t, found.slot[i]);
    control_done(c, json_pack("{s:I}", "removed", (json_int_t)found.n));
    free(found.slot);
    return true;
}

static const struct {
    const char *name;
    enum column_type type;
    unsigned flags;
} types[] = {
    {"string", COL_TEXT, 0},           {"integer", COL_WHOLE, 0},
    {"boolean", COL_FLAG, 0},          {"glide_date_time", COL_TIME, 0},
    {"reference", COL_REFERENCE, 0},   {"choice", COL_CHOICE, 0},
    {"journal_input", COL_JOURNAL, 0}, {"glide_duration", COL_DURATION, 0},
};

static void add_column(struct table *t, const json_t *o)
{
    const char *type = text_of(o, "type");
    struct arena a = {0};
    struct column like = {.length = 255, .type = COL_TEXT};
    const char *parts[4] = {text_of(o, "name"), text_of(o, "label"), text_of(o, "default"),
                            text_of(o, "reference")};
    char *copy[4] = {NULL};

    for (int i = 0; i < 4; i++)
        copy[i] = parts[i] ? arena_copy(&a, parts[i], strlen(parts[i])) : NULL;
    for (size_t i = 0; type && i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(types[i].name, type) == 0)
            like.type = types[i].type;
    }
    like.name = copy[0];
    like.label = copy[1];
    like.fallback = copy[2];
    like.reference = copy[3];
    if (json_is_integer(json_object_get(o, "length")))
        like.length = (uint32_t)json_integer_value(json_object_get(o, "length"));
    if (like.name)
        table_column_add(t, &like);
    arena_free(&a);
}

static json_t *tables_json(const struct sim *sim)
{
    json_t *o = json_object();

    for (const struct table *t = sim->store->tables; t; t = t->hh.next)
        json_object_set_new(o, t->name, json_integer(t->store == t ? t->rows.live : 0));
    return o;
}

/* POST {name, label, prefix, columns: [{name, type, length, default, reference, label}]} makes a
 * table or adds columns to one; GET tells all with their rows. */
bool control_tables(struct call *c, const json_t *body)
{
    const char *name = text_of(body, "name");
    const char *label = text_of(body, "label");
    const char *prefix = text_of(body, "prefix");
    const json_t *columns = json_object_get(body, "columns");
    struct table *t = name ? store_find(c->sim->store, name) : NULL;

    if (name && t == NULL)
        t = schema_plain(c->sim->store, name, label ? label : name);
    for (size_t i = 0; t && i < json_array_size(columns); i++)
        add_column(t, json_array_get(columns, i));
    if (t && prefix && t->prefix == NULL) {
        t->prefix = xstrdup(prefix);
        t->next_number = 1001;
    }
    if (name == NULL && strcmp(c->r.method, "POST") == 0)
        control_refuse(c, xstrdup("a table needs the member name"));
    else
        control_done(c, tables_json(c->sim));
    return true;
}
