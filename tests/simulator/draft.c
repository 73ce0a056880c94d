/*
 * From the members of a request to a stored row: which member counts, how a value is read, cut and
 * checked, and the system fields of the result. Business rules are in rules.c. A draft that is
 * refused leaves no trace but a consumed number.
 */
#include "tests/simulator/draft.h"
#include "tests/simulator/accounts.h"
#include "tests/simulator/choices.h"
#include "tests/simulator/journal.h"
#include "tests/simulator/rules.h"

#include <stdlib.h>
#include <string.h>

void draft_open(struct draft *d, struct sim *sim, struct table *t, uint32_t slot, int64_t stamp_s)
{
    const struct row *r = slot == NO_SLOT ? NULL : table_row(t, slot);
    const struct table *s = t->store;

    memset(d, 0, sizeof(*d));
    d->sim = sim;
    d->table = t;
    d->slot = slot;
    d->stamp_s = stamp_s;
    date_format(stamp_s, d->stamp);
    for (uint32_t i = 0; i < s->stored; i++) {
        d->old[i] = r ? row_get(s, r, i) : "";
        d->value[i] = r ? d->old[i] : s->column[i].fallback;
    }
    if (r == NULL)
        d->value[COL_CLASS] = t->name;
    d->user_name = "system";
    d->user_id = "";
}

void draft_by(struct draft *d, const char *user_name)
{
    const struct table *t = store_find(d->sim->store, "sys_user");
    uint32_t slot = hash_first(t, table_column(t, "user_name", 9), user_name);

    d->user_name = user_name;
    d->user = user_find(d->sim, user_name);
    d->user_id = slot == NO_SLOT ? "" : row_get(t, table_row(t, slot), COL_SYS_ID);
}

void draft_close(struct draft *d)
{
    arena_free(&d->arena);
}

static uint32_t column_of(const struct draft *d, const char *name)
{
    return table_column(d->table, name, strlen(name));
}

const char *draft_get(const struct draft *d, const char *column)
{
    uint32_t c = column_of(d, column);

    return c == NO_COLUMN ? "" : d->value[c];
}

const char *draft_old(const struct draft *d, const char *column)
{
    uint32_t c = column_of(d, column);

    return c == NO_COLUMN ? "" : d->old[c];
}

void draft_set(struct draft *d, const char *column, const char *value)
{
    uint32_t c = column_of(d, column);

    if (c != NO_COLUMN)
        d->value[c] = value;
}

bool draft_given(const struct draft *d, const char *column)
{
    uint32_t c = column_of(d, column);

    return c != NO_COLUMN && d->given[c];
}

bool draft_changed(const struct draft *d, const char *column)
{
    uint32_t c = column_of(d, column);

    return c != NO_COLUMN && strcmp(d->old[c], d->value[c]) != 0;
}

void draft_refuse(struct draft *d, const char *message, const char *detail)
{
    if (d->refused)
        return;
    d->refused = 403;
    d->message = message;
    d->detail = detail;
}

/* A JSON value as the text the platform makes of it; NULL: passed over. */
static const char *value_text(struct draft *d, const json_t *v, bool display)
{
    if (json_is_object(v)) {
        const json_t *inner = json_object_get(v, display ? "display_value" : "value");

        v = inner ? inner : json_object_get(v, display ? "value" : "display_value");
    }
    if (json_is_string(v))
        return json_string_value(v);
    if (json_is_boolean(v))
        return json_is_true(v) ? "true" : "false";
    if (json_is_integer(v))
        return arena_printf(&d->arena, "%lld", (long long)json_integer_value(v));
    if (json_is_real(v))
        return arena_printf(&d->arena, "%.15g", json_real_value(v));
    return json_is_null(v) ? "" : NULL;
}

/* Cuts to n characters, never inside one. */
static const char *cut(struct draft *d, const char *text, size_t n)
{
    const char *p = text;

    if (strlen(text) <= n)
        return text;
    for (; *p; p++) {
        if (((unsigned char)*p & 0xc0) != 0x80 && n-- == 0)
            return arena_copy(&d->arena, text, (size_t)(p - text));
    }
    return text;
}

static const char *read_time(struct draft *d, const char *text, bool display)
{
    char date[DATE_LEN];
    int64_t s;

    if (*text == '\0')
        return text;
    if (date_parse(text, &s) < 0)
        return NULL;
    date_format(display ? s - d->sim->set.user_zone_offset_s : s, date);
    return arena_copy(&d->arena, date, strlen(date));
}

/* sys_id of the record whose display value this is; the text itself when there is none. */
static const char *read_reference(struct draft *d, const struct column *c, const char *text,
                                  bool display)
{
    const struct table *t = c->reference ? store_find(d->sim->store, c->reference) : NULL;
    uint32_t slot = NO_SLOT;

    if (!display || t == NULL || *text == '\0' || table_find(t, text) != NO_SLOT)
        return text;
    if (t->display != NO_COLUMN && t->store->rows.hash[t->display])
        slot = hash_first(t, t->display, text);
    return slot == NO_SLOT ? text : row_get(t, table_row(t, slot), COL_SYS_ID);
}

static const char *read_choice(struct draft *d, const struct column *c, const char *text,
                               bool display)
{
    struct sim *sim = d->sim;
    const char *t = d->table->store->name;
    const char *v = display ? choice_value(sim, t, c->name, text) : NULL;

    if (v != NULL)
        text = v;
    if (!(c->flags & COL_STRICT) || !choice_exists(sim, t, c->name))
        return text;
    if (*text == '\0')
        return NULL;
    if (choice_label(sim, t, c->name, text) || strcmp(sim->set.unknown_choice, "accept") == 0)
        return text;
    if (strcmp(sim->set.unknown_choice, "refuse") == 0)
        draft_refuse(d, "Operation Failed",
                     arena_printf(&d->arena, "Invalid choice '%s' for field '%s'", text, c->name));
    return NULL;
}

static const char *read_number(const char *text)
{
    int64_t whole;

    return *text == '\0' || parse_int(text, &whole) == 0 ? text : NULL;
}

static const char *read_text(struct draft *d, const struct column *c, const char *text)
{
    size_t n = c->length;

    if (strcmp(c->name, "description") == 0 && d->table->kind != TABLE_PLAIN)
        n = (size_t)d->sim->set.description_length;
    return cut(d, text, n);
}

/* The value as it will be stored, or NULL to pass the member over. */
static const char *read_value(struct draft *d, const struct column *c, const char *text,
                              bool display)
{
    switch (c->type) {
    case COL_WHOLE:
        return read_number(text);
    case COL_FLAG:
        return strcmp(text, "true") == 0 || strcmp(text, "1") == 0 ? "true" : "false";
    case COL_TIME:
    case COL_DURATION:
        return read_time(d, text, display && c->type == COL_TIME);
    case COL_REFERENCE:
        return cut(d, read_reference(d, c, text, display), c->length);
    case COL_CHOICE:
        text = read_choice(d, c, text, display);
        return text ? cut(d, text, c->length) : NULL;
    case COL_JOURNAL:
        return text;
    case COL_PASSWORD:
        return password_stored(&d->arena, text, display);
    case COL_TEXT:
        break;
    }
    return read_text(d, c, text);
}

static void take_note(struct draft *d, uint32_t column, const char *text)
{
    const char *name = d->table->store->column[column].name;

    if (*text == '\0' || d->notes == NOTES_MAX)
        return;
    if (strcmp(name, "work_notes") != 0 && strcmp(name, "comments") != 0)
        return;
    d->note[d->notes].column = column;
    d->note[d->notes++].text = text;
}

void draft_take(struct draft *d, const json_t *object, bool display)
{
    json_t *o = (json_t *)(uintptr_t)object;
    void *it;

    for (it = json_object_iter(o); it; it = json_object_iter_next(o, it)) {
        const char *name = json_object_iter_key(it);
        uint32_t c = table_column(d->table, name, strlen(name));
        const struct column *col = &d->table->store->column[c == NO_COLUMN ? 0 : c];
        const char *text;

        if (c == NO_COLUMN || (!d->raw && (col->flags & COL_READ_ONLY)))
            continue;
        text = value_text(d, json_object_iter_value(it), display);
        if (text != NULL && !d->raw)
            text = read_value(d, col, text, display);
        if (text == NULL)
            continue;
        if (col->type == COL_JOURNAL) {
            take_note(d, c, text);
            continue;
        }
        d->value[c] = text;
        d->given[c] = true;
    }
}

static void store_notes(struct draft *d)
{
    struct table *t = store_find(d->sim->store, "sys_journal_field");

    for (unsigned i = 0; i < d->notes; i++) {
        const char *v[COLUMNS_MAX] = {NULL};
        char id[33];

        rng_hex(&d->sim->rng, id, 32, false);
        v[COL_SYS_ID] = id;
        v[COL_CREATED_ON] = v[COL_UPDATED_ON] = d->stamp;
        v[COL_CREATED_BY] = v[COL_UPDATED_BY] = d->user_name;
        v[table_column(t, "element", 7)] = d->table->store->column[d->note[i].column].name;
        v[table_column(t, "element_id", 10)] = d->value[COL_SYS_ID];
        v[table_column(t, "name", 4)] = d->table->name;
        v[table_column(t, "value", 5)] = d->note[i].text;
        table_put(t, NO_SLOT, v);
    }
}

static bool anything_changed(const struct draft *d)
{
    for (uint32_t i = 0; i < d->table->store->stored; i++) {
        if (strcmp(d->old[i], d->value[i]) != 0)
            return true;
    }
    return d->notes > 0 || d->sim->set.touch_unchanged;
}

static void set_system_fields(struct draft *d)
{
    int64_t count = 0;

    if (d->slot == NO_SLOT) {
        d->value[COL_CREATED_ON] = d->stamp;
        d->value[COL_CREATED_BY] = d->user_name;
    } else {
        (void)parse_int(d->old[COL_MOD_COUNT], &count);
        d->value[COL_MOD_COUNT] = arena_printf(&d->arena, "%lld", (long long)count + 1);
    }
    d->value[COL_UPDATED_ON] = d->stamp;
    d->value[COL_UPDATED_BY] = d->user_name;
}

static void set_identity(struct draft *d)
{
    struct table *t = d->table->store;

    if (d->value[COL_SYS_ID][0] == '\0') {
        char id[33];

        rng_hex(&d->sim->rng, id, 32, false);
        d->value[COL_SYS_ID] = arena_copy(&d->arena, id, 32);
    }
    if (t->number != NO_COLUMN && t->prefix && d->value[t->number][0] == '\0')
        d->value[t->number] =
            arena_printf(&d->arena, "%s%07lld", t->prefix, (long long)t->next_number++);
}

int draft_store(struct draft *d, const char *method, const char *request_id, bool late)
{
    bool insert = d->slot == NO_SLOT;

    if (insert)
        set_identity(d);
    if (insert && table_find(d->table, d->value[COL_SYS_ID]) != NO_SLOT) {
        uint32_t n = d->table->store->number;

        draft_refuse(d, "Operation Failed",
                     arena_printf(&d->arena, "Error during insert of %s (%s)", d->table->name,
                                  n == NO_COLUMN ? d->value[COL_SYS_ID] : d->value[n]));
    }
    if (!d->raw && !d->refused)
        rules_apply(d);
    if (d->refused) {
        journal_refused(d->sim, d, method);
        return -1;
    }
    if (!insert && !anything_changed(d))
        return 0;
    if (!d->raw)
        set_system_fields(d);
    journal_change(d->sim, d, method, request_id, late);
    store_notes(d);
    d->slot = table_put(d->table, d->slot, d->value); /* the old texts end here */
    return 0;
}
