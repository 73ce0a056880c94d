/* The parts of a plan: rows, steps, notes, marks, and which roles the features need. Pure. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/digest.h"
#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "bridge/commands/setup_plan_internal.h"

json_t *setup_rows(const json_t *state, const char *table)
{
    return json_object_get(state, table);
}

const char *setup_column(const json_t *row, const char *column)
{
    const json_t *v = json_object_get(row, column);
    const char *text = json_string_value(json_is_object(v) ? json_object_get(v, "value") : v);

    return text != NULL ? text : "";
}

const json_t *setup_row(const json_t *state, const char *table, const char *column,
                        const char *value)
{
    json_t *row;
    size_t i;

    json_array_foreach (setup_rows(state, table), i, row)
        if (strcmp(setup_column(row, column), value) == 0)
            return row;
    return NULL;
}

void setup_copy_id(char out[33], const char *sys_id)
{
    (void)snprintf(out, 33, "%s", sys_id);
}

void setup_id(const char *host, const char *table, const char *key, char out[33])
{
    char *text = xasprintf("itsm-bridge setup 1\n%s\n%s\n%s", host, table, key);
    char hex[DIGEST_HEX_SIZE];

    digest_hex(text, strlen(text), hex);
    (void)snprintf(out, 33, "%.32s", hex);
    free(text);
}

void setup_has_role_id(const char *host, const char *user_id, const char *role_id, char out[33])
{
    char *key = xasprintf("%s/%s", user_id, role_id);

    setup_id(host, SETUP_HAS_ROLE, key, out);
    free(key);
}

void setup_client_id(const char *host, const char *connection, char out[33])
{
    setup_id(host, "client_id", connection, out);
}

static const struct {
    const char *table, *key, *mark;
} kinds[] = {
    {SETUP_USER, "user_name", "title"},
    {SETUP_CLIENT, "client_id", "comments"},
    {SETUP_PROPERTY, "name", "description"},
};

static size_t kind_of(const char *table)
{
    size_t i = 0;

    while (i < ARRAY_LEN(kinds) && strcmp(kinds[i].table, table) != 0)
        i++;
    return i;
}

const char *setup_mark_column(const char *table)
{
    size_t i = kind_of(table);

    return i < ARRAY_LEN(kinds) ? kinds[i].mark : NULL;
}

bool setup_has_our_id(const struct setup_wanted *w, const char *table, const json_t *row)
{
    size_t i = kind_of(table);
    char id[33];

    if (row == NULL)
        return false;
    if (i < ARRAY_LEN(kinds))
        setup_id(w->host, table, setup_column(row, kinds[i].key), id);
    else
        setup_has_role_id(w->host, setup_column(row, "user"), setup_column(row, "role"), id);
    return text_equal_nocase(id, setup_column(row, "sys_id"));
}

bool setup_is_ours(const struct setup_wanted *w, const char *table, const json_t *row)
{
    const char *mark = setup_mark_column(table);

    return setup_has_our_id(w, table, row) &&
           (mark == NULL || text_starts(setup_column(row, mark), SETUP_MARK));
}

struct setup_step *setup_step_add(struct setup_plan *p, enum setup_action action, const char *table,
                                  const char *sys_id, json_t *body, char *what)
{
    struct setup_step *s;

    p->steps = xrealloc(p->steps, p->count + 1, sizeof *p->steps);
    s = &p->steps[p->count++];
    *s = (struct setup_step){.action = action, .table = table, .body = body, .what = what};
    setup_copy_id(s->sys_id, sys_id);
    return s;
}

void setup_note_add(struct setup_plan *p, bool blocks, const char *format, ...)
{
    char *text = NULL;
    va_list ap;

    va_start(ap, format);
    if (vasprintf(&text, format, ap) < 0)
        text = xstrdup(format);
    va_end(ap);
    p->notes = xrealloc(p->notes, p->notes_count + 1, sizeof *p->notes);
    p->notes[p->notes_count++] = (struct setup_note){.blocks = blocks, .text = text};
}

void setup_plan_done(struct setup_plan *p)
{
    for (size_t i = 0; i < p->count; i++) {
        json_decref(p->steps[i].body);
        json_decref(p->steps[i].before);
        free(p->steps[i].what);
    }
    for (size_t i = 0; i < p->notes_count; i++)
        free(p->notes[i].text);
    free(p->steps);
    free(p->notes);
    free(p->client_id);
    *p = (struct setup_plan){0};
}

static void role_add(struct setup_role out[SETUP_ROLES_MAX], size_t *n, const char *name,
                     const char *why)
{
    for (size_t i = 0; i < *n; i++)
        if (strcmp(out[i].name, name) == 0)
            return;
    if (*n < SETUP_ROLES_MAX)
        out[(*n)++] = (struct setup_role){name, why};
}

/* Targets that are not tables of tasks. A prefix ends in ':'. */
static const struct {
    const char *target, *role, *why;
} target_roles[] = {
    {"event", "evt_mgmt_integration", "to create events"},
    {"alert", "evt_mgmt_integration", "to create alerts"},
    {"alert", "evt_mgmt_operator", "to update and close alerts"},
    {"import:", "import_transformer", "to write import sets and run their transforms"},
};

static void target_add(struct setup_role out[SETUP_ROLES_MAX], size_t *n, const char *target)
{
    bool found = false;

    for (size_t i = 0; i < ARRAY_LEN(target_roles); i++) {
        const char *t = target_roles[i].target;
        bool prefix = text_ends(t, ":");

        if (prefix ? !text_starts(target, t) : strcmp(target, t) != 0)
            continue;
        role_add(out, n, target_roles[i].role, target_roles[i].why);
        found = true;
    }
    if (found)
        return;
    role_add(out, n, "itil", "to open, update and resolve incidents and other tasks");
    role_add(out, n, "personalize_choices", "to read which values choice fields have");
}

size_t setup_roles(const struct config *c, struct setup_role out[SETUP_ROLES_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < c->consumers_count; i++)
        target_add(out, &n, c->consumers[i].target);
    for (size_t i = 0; i < c->rules_count; i++)
        if (!c->rules[i].drop && c->rules[i].target[0] != '\0')
            target_add(out, &n, c->rules[i].target);
    for (size_t i = 0; i < c->producers_count; i++) {
        if (text_starts(c->producers[i].table, "em_"))
            role_add(out, &n, "evt_mgmt_user", "to read events and alerts");
        else
            role_add(out, &n, "itil", "to read work items");
    }
    return n;
}
