/* The lines of the checklist: collected in order, printed as text or as one JSON object. Knows
 * nothing of what is checked. */
#ifndef BRIDGE_COMMANDS_CHECK_REPORT_H
#define BRIDGE_COMMANDS_CHECK_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "bridge/base/attr.h"
#include "bridge/base/err.h"

enum check_state {
    CHECK_COMPLETED,
    CHECK_WILL_BE_CREATED, /* a missing topic that the bridge makes: Completed */
    CHECK_NOT_COMPLETE,
    CHECK_SKIPPED,
};

struct check_line {
    enum check_state state;
    const char *area;    /* "servicenow", ...; static */
    const char *check;   /* short fixed word; static */
    const char *subject; /* the table, topic, column, ...; "" when there is only one */
    const char *seen;    /* what was found, or why it is not complete or was skipped */
    const char *cure;    /* what to do; "" when there is nothing to do */
    const char *code;    /* the code of an error (`explain` tells more); "" when none; static */
};

struct check_report;

struct check_report *check_report_new(void);
struct check_report *check_report_free(struct check_report *r); /* NULL is fine */

/* Lines that follow belong to this area; static. */
void check_area(struct check_report *r, const char *area);

/* Adds a line. `subject`, `cure` are copied and may be NULL; `format` makes `seen`. */
void check_add(struct check_report *r, enum check_state state, const char *check,
               const char *subject, const char *cure, const char *format, ...) PRINTF_LIKE(6, 7);
/* Not complete because of an error: its text, its code, and the cure of `explain`. */
void check_add_err(struct check_report *r, const char *check, const char *subject,
                   const struct err *e);
/* The same with a cure of its own; copied, NULL: that of `explain`. */
void check_add_cured(struct check_report *r, const char *check, const char *subject,
                     const struct err *e, const char *cure);
void check_note(struct check_report *r, const char *format, ...) PRINTF_LIKE(2, 3);

/* All lines so far; borrowed until the next is added. */
const struct check_line *check_lines(const struct check_report *r, size_t *ret_count);
size_t check_count(const struct check_report *r, enum check_state state);
size_t check_notes_count(const struct check_report *r);
const char *check_note_text(const struct check_report *r, size_t index);
const char *check_state_name(enum check_state state); /* "Completed", ...; static */

/* Text: prints the lines that were not printed yet. */
void check_print_new(struct check_report *r, FILE *out);
/* Text: notes and the result. */
void check_print_end(struct check_report *r, FILE *out);
void check_print_json(const struct check_report *r, FILE *out);

#endif
