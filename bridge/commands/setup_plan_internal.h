/* What making a plan and taking it back share. Inside the plan of `setup` only. */
#ifndef BRIDGE_COMMANDS_SETUP_PLAN_INTERNAL_H
#define BRIDGE_COMMANDS_SETUP_PLAN_INTERNAL_H

#include "bridge/commands/setup_plan.h"

/* Adds a step: takes body and what. Borrowed until the next one is added. */
struct setup_step *setup_step_add(struct setup_plan *p, enum setup_action action, const char *table,
                                  const char *sys_id, json_t *body, char *what);
void setup_note_add(struct setup_plan *p, bool blocks, const char *format, ...) PRINTF_LIKE(3, 4);

/* The sys_id that setup chooses for a record. */
void setup_id(const char *host, const char *table, const char *key, char out[33]);
void setup_has_role_id(const char *host, const char *user_id, const char *role_id, char out[33]);
void setup_copy_id(char out[33], const char *sys_id);

/* Rows of a table in the state (borrowed, an empty array when there are none); the row whose column
 * has this value, NULL; its column as text, "" when it lacks it or the row is NULL. */
json_t *setup_rows(const json_t *state, const char *table);
const json_t *setup_row(const json_t *state, const char *table, const char *column,
                        const char *value);
const char *setup_column(const json_t *row, const char *column);

/* The text column that carries the mark; NULL for sys_user_has_role. */
const char *setup_mark_column(const char *table);
/* Made by setup and not taken over since; for a user, client or property. */
bool setup_is_ours(const struct setup_wanted *w, const char *table, const json_t *row);
/* Has it at least the sys_id that setup chose? */
bool setup_has_our_id(const struct setup_wanted *w, const char *table, const json_t *row);

#endif
