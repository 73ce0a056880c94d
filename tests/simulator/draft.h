#ifndef SIM_DRAFT_H
#define SIM_DRAFT_H

#include "tests/simulator/sim.h"
#include "tests/simulator/users.h"

#include <jansson.h>

#define NOTES_MAX 4

/* A record on its way into the store: old and new value of every column, what rules may change. */
struct draft {
    struct sim *sim;
    struct table *table; /* as addressed; may be a class */
    uint32_t slot;       /* NO_SLOT: insert */
    const char *old[COLUMNS_MAX];
    const char *value[COLUMNS_MAX];
    bool given[COLUMNS_MAX];
    struct {
        uint32_t column;
        const char *text;
    } note[NOTES_MAX];
    unsigned notes;
    struct arena arena;
    const struct user *user; /* NULL: a person or job known by name alone */
    const char *user_name, *user_id;
    int64_t stamp_s;
    char stamp[DATE_LEN];
    bool raw;    /* stored as given, no rules */
    int refused; /* status, 0: not refused */
    const char *message, *detail;
};

/* Opens a draft for the row in `slot`, or a new one. The texts of the row are borrowed. */
void draft_open(struct draft *d, struct sim *sim, struct table *t, uint32_t slot, int64_t stamp_s);
/* Names who writes. */
void draft_by(struct draft *d, const char *user_name);
void draft_close(struct draft *d);

/* Takes the members of a JSON object as the Table API does: unknown and read-only ones are passed
 * over, values are checked and cut. `display`: sysparm_input_display_value. */
void draft_take(struct draft *d, const json_t *object, bool display);

/* By column name; get gives "" for a column the table has not. set copies nothing. */
const char *draft_get(const struct draft *d, const char *column);
const char *draft_old(const struct draft *d, const char *column);
void draft_set(struct draft *d, const char *column, const char *value);
bool draft_given(const struct draft *d, const char *column);
bool draft_changed(const struct draft *d, const char *column);

/* Marks as refused with status 403 and the platform's words. */
void draft_refuse(struct draft *d, const char *message, const char *detail);

/* Runs rules, then stores and writes the journal. `method` and `request_id` go into the journal.
 * Returns 0 (also when nothing changed), or -1 with the refusal in the draft. */
int draft_store(struct draft *d, const char *method, const char *request_id, bool late);

#endif
