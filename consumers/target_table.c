/* The tables that are known, and the one that stands for all others. A value that is not listed is
 * open (an empty one as in a new record): a clear may then try to resolve the record, and the
 * instance's answer decides. */
#include "consumers/target_table.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"

/* The state column is the last of both, so that another one can take its place. */
#define READ_STAMPED                                                                               \
    "sys_id,number,correlation_id,correlation_display,description,sys_mod_count,resolved_at,"      \
    "closed_at,sys_created_by,sys_updated_by,"
#define WRITE_STAMPED "sys_id,number,correlation_display,sys_mod_count,"
#define READ_ALERT                                                                                 \
    "sys_id,number,message_key,description,sys_mod_count,sys_created_by,sys_updated_by,"
#define WRITE_ALERT "sys_id,number,sys_mod_count,"

static const struct target_state incident_states[] = {
    {"1", RECORD_NEW},      {"2", RECORD_OTHER},  {"3", RECORD_ON_HOLD},
    {"6", RECORD_RESOLVED}, {"7", RECORD_CLOSED}, {"8", RECORD_CANCELED},
};
/* From 101 on the state model of problems since Madrid; below it the one before. */
static const struct target_state problem_states[] = {
    {"101", RECORD_NEW}, {"106", RECORD_RESOLVED}, {"107", RECORD_CLOSED},
    {"1", RECORD_NEW},   {"4", RECORD_CLOSED},
};
static const struct target_state change_states[] = {
    {"-5", RECORD_NEW},
    {"3", RECORD_RESOLVED},
    {"4", RECORD_CANCELED},
};
static const struct target_state alert_states[] = {
    {"Open", RECORD_NEW},
    {"Closed", RECORD_RESOLVED},
};
static const struct target_state task_states[] = {
    {"-5", RECORD_ON_HOLD}, {"1", RECORD_NEW},    {"2", RECORD_OTHER},
    {"3", RECORD_RESOLVED}, {"4", RECORD_CLOSED}, {"7", RECORD_CLOSED},
};

static const char *const close_notes[] = {"close_notes", NULL};
static const char *const problem_notes[] = {"close_notes", "fix_notes", NULL};
static const char *const no_notes[] = {NULL};

#define STATES(list) .states = (list), .states_count = ARRAY_LEN(list)

static const struct target_table tables[] = {
    {.name = "incident",
     .state_column = "state",
     STATES(incident_states),
     .numbers = true,
     .opened = "1",
     .taken_up = "2",
     .resolved = "6",
     .key = "correlation_id",
     .stamped = true,
     .code = "close_code",
     .notes = close_notes,
     .read_fields = READ_STAMPED "state",
     .write_fields = WRITE_STAMPED "state"},
    {.name = "problem",
     .state_column = "state",
     STATES(problem_states),
     .numbers = true,
     .opened = "101",
     .taken_up = "104",
     .resolved = "106",
     .key = "correlation_id",
     .stamped = true,
     .code = "resolution_code",
     .code_preset = "fix_applied",
     .notes = problem_notes,
     .read_fields = READ_STAMPED "state",
     .write_fields = WRITE_STAMPED "state"},
    {.name = "change_request",
     .state_column = "state",
     STATES(change_states),
     .numbers = true,
     .opened = "-5",
     .taken_up = "-1",
     .resolved = "3",
     .key = "correlation_id",
     .stamped = true,
     .code = "close_code",
     .code_preset = "successful",
     .notes = close_notes,
     .read_fields = READ_STAMPED "state",
     .write_fields = WRITE_STAMPED "state"},
    {.name = "em_alert",
     .state_column = "state",
     STATES(alert_states),
     .opened = "Open",
     .taken_up = "Reopen",
     .resolved = "Closed",
     .key = "message_key",
     .event_severity = true,
     .notes = no_notes,
     .read_fields = READ_ALERT "state",
     .write_fields = WRITE_ALERT "state"},
};

static const struct target_table any = {
    .name = "",
    .state_column = "state",
    STATES(task_states),
    .opened = "",
    .taken_up = "2",
    .resolved = "3",
    .key = "correlation_id",
    .stamped = true,
    .code = "close_code",
    .code_preset = "",
    .notes = close_notes,
    .read_fields = READ_STAMPED "state",
    .write_fields = WRITE_STAMPED "state",
};

const struct target_table *target_table_of(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        if (strcmp(tables[i].name, name) == 0)
            return &tables[i];
    return &any;
}

/* The list of columns with another one in the place of the last. */
static char *fields_with(const char *fields, const char *column)
{
    size_t n = strlen(fields) - strlen("state");

    return xasprintf("%.*s%s", (int)n, fields, column);
}

/* A copy whose lists and texts are its own. The values that are given come first in the list. */
const struct target_table *target_table_new(const char *name, const char *state_column,
                                            const char *opened, const char *resolved)
{
    const struct target_table *from = target_table_of(name);
    struct target_table *t = xcalloc(1, sizeof *t);
    bool other = state_column[0] != '\0' && strcmp(state_column, from->state_column) != 0;
    size_t known = other ? 0 : from->states_count;
    struct target_state *states = xcalloc(known + 2, sizeof *states);

    *t = *from;
    t->state_column = xstrdup(other ? state_column : from->state_column);
    t->opened = xstrdup(opened[0] != '\0' || other ? opened : from->opened);
    t->resolved = xstrdup(resolved[0] != '\0' ? resolved : from->resolved);
    t->read_fields = fields_with(from->read_fields, t->state_column);
    t->write_fields = fields_with(from->write_fields, t->state_column);
    t->taken_up = other ? t->opened : from->taken_up;
    t->numbers = false;
    states[0] = (struct target_state){t->resolved, RECORD_RESOLVED};
    states[1] = (struct target_state){t->opened, RECORD_NEW};
    if (known > 0)
        memcpy(&states[2], from->states, known * sizeof *states);
    t->states = states;
    t->states_count = known + 2;
    return t;
}

static void drop(const void *p)
{
    free((void *)(uintptr_t)p);
}

void target_table_free(const struct target_table *t)
{
    if (t == NULL)
        return;
    drop(t->state_column);
    drop(t->opened);
    drop(t->resolved);
    drop(t->read_fields);
    drop(t->write_fields);
    drop(t->states);
    drop(t);
}

enum record_state target_table_state(const struct target_table *t, const char *value)
{
    for (size_t i = 0; i < t->states_count; i++)
        if (strcmp(t->states[i].value, value) == 0)
            return t->states[i].state;
    return value[0] == '\0' ? RECORD_NEW : RECORD_OTHER;
}
