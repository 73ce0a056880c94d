/* The way back of `setup`: deletes what setup made and nobody took over since, last made first, and
 * gives columns of other people's records their old values back where they still have the new ones.
 * Pure. */
#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"
#include "bridge/commands/setup_plan_internal.h"

static void remove_row(struct setup_plan *p, const char *table, const json_t *row, char *what)
{
    (void)setup_step_add(p, SETUP_DELETE, table, setup_column(row, "sys_id"), NULL, what);
}

/* One record with a mark; says why it stays. */
static void undo_record(struct setup_plan *p, const struct setup_wanted *w, const char *table,
                        const json_t *row, const char *kind, const char *name)
{
    if (row == NULL)
        return;
    if (setup_is_ours(w, table, row))
        remove_row(p, table, row, xasprintf("%s %s", kind, name));
    else if (setup_has_our_id(w, table, row))
        setup_note_add(p, false,
                       "The %s %s stays: setup made it, but its %s no longer begins with "
                       "\"" SETUP_MARK "\", so a person took it over",
                       kind, name, setup_mark_column(table));
    else
        setup_note_add(p, false,
                       "The %s %s stays: its sys_id is not the one that setup chooses, so a person "
                       "made it (or the instance keeps no chosen sys_ids)",
                       kind, name);
}

static void undo_roles(struct setup_plan *p, const struct setup_wanted *w, const json_t *state)
{
    const json_t *user = setup_row(state, SETUP_USER, "user_name", w->user_name);
    bool taken_over = setup_has_our_id(w, SETUP_USER, user) && !setup_is_ours(w, SETUP_USER, user);
    json_t *row;
    size_t i;

    json_array_foreach (setup_rows(state, SETUP_HAS_ROLE), i, row)
        if (!taken_over && setup_has_our_id(w, SETUP_HAS_ROLE, row))
            remove_row(p, SETUP_HAS_ROLE, row,
                       xasprintf("role %s of %s", setup_column(row, "role.name"), w->user_name));
}

static bool is_the_client(const struct setup_wanted *w, const json_t *row)
{
    return strcmp(setup_column(row, "client_id"), w->client_id) == 0 ||
           strcmp(setup_column(row, "name"), w->client_name) == 0;
}

static void undo_clients(struct setup_plan *p, const struct setup_wanted *w, const json_t *state)
{
    json_t *row;
    size_t i;

    json_array_foreach (setup_rows(state, SETUP_CLIENT), i, row)
        if (is_the_client(w, row))
            undo_record(p, w, SETUP_CLIENT, row, "OAuth client", setup_column(row, "name"));
}

/* Did setup give this client of somebody else its user? Then it loses it again. */
static bool gets_user_back(const json_t *changes, const json_t *client)
{
    json_t *change;
    size_t i;

    json_array_foreach (changes, i, change)
        if (strcmp(setup_column(change, "sys_id"), setup_column(client, "sys_id")) == 0 &&
            json_object_get(json_object_get(change, "after"), "user") != NULL)
            return true;
    return false;
}

/* A client that stays and needs what it shares with the one that goes; NULL when there is none. */
static const json_t *still_needed(const struct setup_wanted *w, const json_t *state,
                                  const json_t *changes)
{
    const json_t *user = setup_row(state, SETUP_USER, "user_name", w->user_name);
    json_t *row;
    size_t i;

    json_array_foreach (setup_rows(state, SETUP_CLIENT), i, row) {
        const char *acts_as = setup_column(row, "user");
        bool ours = setup_is_ours(w, SETUP_CLIENT, row);

        if (is_the_client(w, row) && (ours || gets_user_back(changes, row)))
            continue;
        if (ours || (*acts_as != '\0' && strcmp(acts_as, setup_column(user, "sys_id")) == 0))
            return row;
    }
    return NULL;
}

/* The row of a change, when the columns still have what setup wrote. */
static const json_t *unchanged(const json_t *state, const json_t *change)
{
    const json_t *row =
        setup_row(state, setup_column(change, "table"), "sys_id", setup_column(change, "sys_id"));
    const char *column;
    json_t *value;

    json_object_foreach (json_object_get(change, "after"), column, value)
        if (strcmp(setup_column(row, column), json_string_value(value)) != 0)
            return NULL;
    return row;
}

/* The name of the table as a plan has it; NULL for one that setup never writes. */
static const char *known_table(const char *table)
{
    static const char *const tables[] = {SETUP_USER, SETUP_CLIENT, SETUP_PROPERTY};

    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        if (strcmp(tables[i], table) == 0)
            return tables[i];
    return NULL;
}

static void undo_changes(struct setup_plan *p, const json_t *state, const json_t *changes)
{
    json_t *change;
    size_t i;

    json_array_foreach (changes, i, change) {
        const char *table = known_table(setup_column(change, "table"));
        const json_t *row = table == NULL ? NULL : unchanged(state, change);
        json_t *before = json_object_get(change, "before");

        if (row == NULL)
            setup_note_add(p, false, "%s %s stays as it is: it was changed after setup changed it",
                           setup_column(change, "table"), setup_column(change, "sys_id"));
        else
            (void)setup_step_add(p, SETUP_UPDATE, table, setup_column(row, "sys_id"),
                                 json_incref(before),
                                 xasprintf("%s: what stood there before", table));
    }
}

void setup_plan_undo(const struct setup_wanted *w, const json_t *state, const json_t *changes,
                     struct setup_plan *ret)
{
    const json_t *property = setup_row(state, SETUP_PROPERTY, "name", SETUP_CLIENT_PROPERTY);
    const json_t *needed = still_needed(w, state, changes);

    *ret = (struct setup_plan){.client_id = xstrdup("")};
    if (needed == NULL) {
        undo_changes(ret, state, changes);
        if (setup_has_our_id(w, SETUP_PROPERTY, property))
            undo_record(ret, w, SETUP_PROPERTY, property, "system property", SETUP_CLIENT_PROPERTY);
    }
    undo_clients(ret, w, state);
    if (needed != NULL) {
        setup_note_add(ret, false,
                       "The user %s, its roles and the system property stay: the OAuth client "
                       "\"%s\" needs them",
                       w->user_name, setup_column(needed, "name"));
        return;
    }
    undo_roles(ret, w, state);
    undo_record(ret, w, SETUP_USER, setup_row(state, SETUP_USER, "user_name", w->user_name), "user",
                w->user_name);
}

static json_t *find_change(const json_t *changes, const struct setup_step *step)
{
    json_t *change;
    size_t i;

    json_array_foreach (changes, i, change)
        if (strcmp(setup_column(change, "table"), step->table) == 0 &&
            strcmp(setup_column(change, "sys_id"), step->sys_id) == 0)
            return change;
    return NULL;
}

void setup_changes_add(json_t *changes, const struct setup_step *step)
{
    json_t *change, *before;

    if (step->before == NULL)
        return;
    change = find_change(changes, step);
    if (change == NULL) {
        change = json_pack("{s:s,s:s,s:{},s:{}}", "table", step->table, "sys_id", step->sys_id,
                           "before", "after");
        (void)json_array_append_new(changes, change);
    }
    before = json_object_get(change, "before");
    (void)json_object_update(json_object_get(change, "after"), step->body);
    (void)json_object_update_missing(before, step->before);
}
