/*
 * Records as JSON: raw values, display values, references with links, journal texts. Written
 * straight as text, since this is what the simulator does most. Members come in an order that
 * changes from answer to answer when the setting says so.
 */
#include "tests/simulator/record.h"
#include "tests/simulator/choices.h"

#include <stdlib.h>
#include <string.h>

void view_read(const struct sim *sim, const struct table *t, const struct request *r,
               const char *version, struct view *ret_view)
{
    const char *display = request_arg(r, "sysparm_display_value");
    const char *fields = request_arg(r, "sysparm_fields");
    struct view v = {.version = version};
    size_t n = 1;

    if (display && strcmp(display, "true") == 0)
        v.display = DISPLAY_TRUE;
    else if (display && strcmp(display, "all") == 0)
        v.display = DISPLAY_ALL;
    v.no_links = request_flag(r, "sysparm_exclude_reference_link");
    if (fields && *fields) {
        for (const char *p = fields; *p; p++)
            n += *p == ',';
        v.field = xalloc(n * sizeof(*v.field));
        v.name = xalloc(n * sizeof(*v.name));
        while (*fields) {
            size_t len = strcspn(fields, ",");

            if (field_resolve(sim, t, fields, len, &v.field[v.fields]) == 0)
                v.name[v.fields++] = xstrndup(fields, len);
            fields += len + (fields[len] == ',');
        }
    }
    *ret_view = v;
}

void view_free(struct view *v)
{
    for (size_t i = 0; i < v->fields; i++)
        free(v->name[i]);
    free(v->name);
    free(v->field);
}

/* Row and table that a reference points to; `task` means any of the task tables. */
static const struct row *referenced(const struct sim *sim, const char *table, const char *id,
                                    const struct table **ret_table)
{
    static const char *const tasks[] = {"incident", "change_request", "problem"};
    bool task = strcmp(table, "task") == 0;

    for (size_t i = 0; i < (task ? 3u : 1u); i++) {
        const struct table *t = store_find(sim->store, task ? tasks[i] : table);
        uint32_t slot = t ? table_find(t, id) : NO_SLOT;

        if (slot != NO_SLOT) {
            *ret_table = t;
            return table_row(t, slot);
        }
    }
    return NULL;
}

/* The history of a journal field, newest first. */
static const char *journal_text(const struct sim *sim, struct arena *a, const struct column *c,
                                const char *sys_id)
{
    const struct table *t = store_find(sim->store, "sys_journal_field");
    uint32_t element = table_column(t, "element", 7), value = table_column(t, "value", 5);
    uint32_t id = table_column(t, "element_id", 10);
    bool both = strcmp(c->name, "comments_and_work_notes") == 0;
    struct str s = {0};
    const char *text;
    uint32_t slot;

    /* the hash index gives the newest entry of a key first */
    for (slot = hash_first(t, id, sys_id); slot != NO_SLOT; slot = hash_next(t, id, sys_id, slot)) {
        const struct row *r = table_row(t, slot);
        const char *e = row_get(t, r, element);

        if (both || strcmp(e, c->name) == 0)
            str_printf(&s, "%s - %s (%s)\n%s\n\n", row_get(t, r, COL_CREATED_ON),
                       row_get(t, r, COL_CREATED_BY),
                       strcmp(e, "comments") == 0 ? "Additional comments" : "Work notes",
                       row_get(t, r, value));
    }
    text = arena_copy(a, s.p ? s.p : "", s.n);
    str_free(&s);
    return text;
}

static const char *reference_text(const struct sim *sim, const struct column *c, const char *value)
{
    const struct table *t = NULL;
    const struct row *r;

    if (*value == '\0' || strcmp(value, "global") == 0)
        return value;
    r = referenced(sim, c->reference, value, &t);
    if (r == NULL)
        return sim->set.null_display ? NULL : "";
    return t->display == NO_COLUMN ? value : row_get(t, r, t->display);
}

/* Display value; NULL means JSON null. */
static const char *display_text(struct sim *sim, struct arena *a, const struct table *t,
                                const struct column *c, const char *value, const char *sys_id)
{
    const char *label;
    char date[DATE_LEN];
    int64_t s;

    switch (c->type) {
    case COL_REFERENCE:
        return reference_text(sim, c, value);
    case COL_CHOICE:
        label = choice_label(sim, t->store->name, c->name, value);
        return label ? label : value;
    case COL_TIME:
        if (*value == '\0' &&
            (strcmp(c->name, "sla_due") == 0 || strcmp(c->name, "activity_due") == 0))
            return "UNKNOWN";
        if (sim->set.user_zone_offset_s == 0 || date_parse(value, &s) < 0)
            return value;
        date_format(s + sim->set.user_zone_offset_s, date);
        return arena_copy(a, date, strlen(date));
    case COL_JOURNAL:
        return journal_text(sim, a, c, sys_id);
    default:
        return value;
    }
}

static void put_link(const struct sim *sim, struct str *out, const struct view *v,
                     const struct column *c, const char *value)
{
    str_puts(out, "\"link\":\"");
    str_puts(out, sim_base(sim));
    str_puts(out, "/api/now");
    str_puts(out, v->version);
    str_puts(out, "/table/");
    str_puts(out, c->reference);
    str_putc(out, '/');
    for (const char *p = value; *p; p++) {
        if (*p == '"' || *p == '\\' || (unsigned char)*p < 0x20)
            str_printf(out, "%%%02X", (unsigned)*p);
        else
            str_putc(out, *p);
    }
    str_putc(out, '"');
}

static void put_text(struct str *out, const char *text)
{
    if (text)
        str_json(out, text);
    else
        str_puts(out, "null");
}

static void put_value(struct sim *sim, struct str *out, const struct view *v, const struct table *t,
                      const struct column *c, const char *value, const char *sys_id)
{
    bool link = c->reference && !v->no_links && *value;
    struct arena a = {0};
    const char *shown = NULL;

    if (v->display != DISPLAY_FALSE)
        shown = display_text(sim, &a, t, c, value, sys_id);
    if (v->display == DISPLAY_ALL) {
        str_puts(out, "{\"display_value\":");
        put_text(out, shown);
        str_puts(out, ",\"value\":");
        str_json(out, value);
    } else if (link) {
        str_puts(out, v->display == DISPLAY_TRUE ? "{\"display_value\":" : "{\"value\":");
        put_text(out, v->display == DISPLAY_TRUE ? shown : value);
    } else {
        put_text(out, v->display == DISPLAY_TRUE ? shown : value);
    }
    if (link) {
        str_putc(out, ',');
        put_link(sim, out, v, c, value);
    }
    if (link || v->display == DISPLAY_ALL)
        str_putc(out, '}');
    arena_free(&a);
}

static void put_field(struct sim *sim, struct str *out, const struct view *v, const struct row *r,
                      size_t i)
{
    const struct field *f = &v->field[i];
    const struct table *t = f->table[f->steps - 1];

    str_json(out, v->name[i]);
    str_putc(out, ':');
    put_value(sim, out, v, t, &t->store->column[f->column[f->steps - 1]], field_value(f, r),
              row_get(f->table[0], r, COL_SYS_ID));
}

static void put_column(struct sim *sim, struct str *out, const struct table *t, const struct row *r,
                       const struct view *v, uint32_t i)
{
    str_putc(out, '"');
    str_puts(out, t->store->column[i].name);
    str_puts(out, "\":");
    put_value(sim, out, v, t, &t->store->column[i], row_get(t, r, i), row_get(t, r, COL_SYS_ID));
}

void record_write(struct sim *sim, struct str *out, const struct table *t, const struct row *r,
                  const struct view *v)
{
    size_t n = v->field ? v->fields : t->columns;
    size_t start = sim->set.random_member_order && n ? rng_next(&sim->rng) % n : 0;

    str_putc(out, '{');
    for (size_t k = 0; k < n; k++) {
        size_t i = (start + k) % n;

        if (k)
            str_putc(out, ',');
        if (v->field)
            put_field(sim, out, v, r, i);
        else
            put_column(sim, out, t, r, v, (uint32_t)i);
    }
    str_putc(out, '}');
}

void record_write_raw(struct str *out, const struct table *t, const struct row *r)
{
    for (uint32_t i = 0; i < t->columns; i++) {
        str_puts(out, i ? ",\"" : "{\"");
        str_puts(out, t->store->column[i].name);
        str_puts(out, "\":");
        str_json(out, row_get(t, r, i));
    }
    str_putc(out, '}');
}
