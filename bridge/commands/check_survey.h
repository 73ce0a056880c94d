/* Between the files that ask the instance and tell of it: what was asked, and the answers. */
#ifndef BRIDGE_COMMANDS_CHECK_SURVEY_H
#define BRIDGE_COMMANDS_CHECK_SURVEY_H

#include "bridge/commands/check.h"
#include "bridge/commands/check_ask.h"
#include "bridge/commands/check_snow.h"
#include "bridge/commands/desk.h"

struct survey_columns {
    struct check_column *items;
    size_t count;
};

/* A table that alerts go to, or that is published, or both. */
struct survey_table {
    const char *name;
    const struct check_target *target; /* NULL: no alerts go there */
    bool published;
    struct buf chain, dictionary; /* queries */
    size_t read, chained, choices, described;
    struct survey_columns columns;
    struct check_schema schema;
    struct columns *known;
};

/* The columns of a producer's query. */
struct survey_query {
    const struct config_producer *producer;
    char **names;
    struct survey_columns columns;
};

struct survey_probe { /* of one column */
    struct check_column *column;
    size_t contradiction, tautology;
};

/* A value that the configuration gives for a column, with or without substitutions. */
struct survey_constant {
    const char *table, *column, *value;
    const char *use;       /* where it is given */
    const char *reference; /* the table that the column points to */
    size_t asked, like;    /* the record, and names that begin alike; CHECK_NONE: no reference */
};

struct survey_template { /* of the instance */
    const char *table, *name;
    size_t asked, all; /* this one, and the names of all of the table */
};

struct survey {
    const struct config *c;
    const struct check_options *o;
    struct check_report *r;
    struct desk *desk;
    struct check_ask first, second, third, fourth;
    struct survey_table *tables;
    size_t tables_count;
    struct survey_query *queries; /* one for each producer */
    struct survey_probe *probes;
    size_t probes_count;
    struct survey_constant *constants;
    size_t constants_count;
    struct survey_template *templates;
    size_t templates_count;
    struct check_user user;
    size_t own, roles, deletes, plugin, items, dropping, literal;
    bool drops; /* the instance drops unknown columns */
    long long rate;
};

/* The table of this name, added when it is not there yet. Borrowed until the next one is added. */
struct survey_table *survey_table_of(struct survey *s, const char *name);
/* The plug-in that a target needs; NULL: none does. */
const char *survey_plugin(const struct survey *s);
/* check_names.c: what consumers and rules name by constants. Listing comes before the first
 * question, asking goes with the fourth round. */
void survey_list_names(struct survey *s);
bool survey_is_constant(const struct survey_constant *c);
void survey_ask_names(struct survey *s);
void survey_tell_names(struct survey *s);
/* All lines; writes too, when asked to. */
void survey_tell(struct survey *s);

#endif
