/* What the checklist finds out about the instance, and what it says about it. The judging is pure:
 * facts in, lines out. */
#ifndef BRIDGE_COMMANDS_CHECK_SNOW_H
#define BRIDGE_COMMANDS_CHECK_SNOW_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "bridge/commands/check_report.h"
#include "bridge/config/config.h"
#include "bridge/servicenow/columns.h"
#include "bridge/servicenow/snow.h"

/* What a target of alerts needs of the instance. */
struct check_target {
    const char *target, *table;
    const char *const *columns; /* that the bridge writes; NULL ends the list */
    const char *const *choices; /* "column=value"; NULL ends the list */
    const char *const *roles;   /* any one of them is enough; the first is the usual one */
    bool is_read;               /* the bridge looks at records before it writes */
    const char *plugin;         /* NULL: part of every instance */
};
/* NULL: no such target. Static. */
const struct check_target *check_target_find(const char *target);

enum check_known { CHECK_UNKNOWN, CHECK_EXISTS, CHECK_MISSING };

/* ---- the user */

struct check_user {
    const json_t *row;   /* its row of sys_user; NULL: not readable */
    const json_t *roles; /* rows of sys_user_has_role with role.name; NULL or empty: not readable */
    msec_t skew;         /* the instance's clock minus ours */
    /* Does a plain literal find the row whose time it is? */
    enum { LITERAL_NOT_ASKED, LITERAL_FOUND, LITERAL_NOT_FOUND } literal;
};
void check_judge_user(struct check_report *r, const struct check_user *u);
void check_judge_zone(struct check_report *r, const struct check_user *u);
void check_judge_clock(struct check_report *r, const struct check_user *u);
/* `written`: the rights were proved by writing. */
void check_judge_roles(struct check_report *r, const struct check_target *t,
                       const struct check_user *u, bool written);

/* ---- tables */

/* A read of one row. */
void check_judge_read(struct check_report *r, const char *table, const struct snow_outcome *o,
                      const json_t *rows);
/* Tables that only refine: unreadable is Skipped, with what is lost. */
void check_judge_optional(struct check_report *r, const char *check, const char *table,
                          const struct snow_outcome *o, const json_t *rows, const char *works,
                          const char *lost);
/* plugin: NULL when no target needs one. */
void check_judge_plugin(struct check_report *r, const char *name, const struct snow_outcome *o,
                        const json_t *rows);
/* limit: requests an hour, 0: no rule was seen. What the tables take an hour, quiet and busy. */
void check_judge_rate(struct check_report *r, long long limit, long long idle, long long busy);
/* The look-up of the newest generation of a series. */
void check_judge_lookup(struct check_report *r, const char *table, const struct snow_outcome *o);
/* Rows for a query of an unknown column. */
void check_judge_dropping(struct check_report *r, const struct snow_outcome *o, const json_t *rows);

/* ---- columns, choices, references */

/* What is known of the columns of a table. */
struct check_schema {
    const char *table;
    const struct columns *columns; /* the dictionary; NULL: not readable */
    const json_t *row;             /* a row with all columns that the user may read; NULL: none */
    const json_t *choices;         /* rows of sys_choice; NULL or empty: not readable */
};

struct check_column {
    const char *name;
    const char *use;        /* "consumers[].fields of azure", ...: where it is named */
    enum check_known known; /* by dictionary or row; else by the probe */
};

/* By dictionary and row alone. */
enum check_known check_column_known(const struct check_schema *s, const char *name);
/* By two probes: `contradiction` asks for rows where the column is empty and is not (rows: the
 * instance dropped it), `tautology` for rows where it is either (none: it is refused). The table
 * must have rows. */
enum check_known check_column_probed(const json_t *contradiction, const json_t *tautology,
                                     bool drops);
/* One line for all that are fine, one for each that is not. `check`: "columns" or "query". */
void check_judge_columns(struct check_report *r, const char *check, const char *subject,
                         const struct check_schema *s, const struct check_column *c, size_t n,
                         const char *harm);
/* Does the table have this value or label among its choices? CHECK_UNKNOWN: the column has none
 * that can be read. */
enum check_known check_choice_known(const struct check_schema *s, const char *column,
                                    const char *value);
/* The value of a choice that is given by value or label; the text itself when it is neither.
 * Borrowed. */
const char *check_choice_value(const struct check_schema *s, const char *column, const char *text);
/* `values`: "column=value" texts. */
void check_judge_choices(struct check_report *r, const struct check_schema *s,
                         const char *const *values, size_t n);
/* The names of the columns that an encoded query has conditions on, each once; new, with free()able
 * items and a NULL at the end. */
char **check_query_columns(const char *query);

#endif
