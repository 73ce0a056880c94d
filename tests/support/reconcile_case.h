/* One rule of the decision table as a case: what waits, what is known, what must be decided. */
#ifndef TESTS_SUPPORT_RECONCILE_CASE_H
#define TESTS_SUPPORT_RECONCILE_CASE_H

#include "consumers/reconcile.h"

#define CASE_NOW   (1000 * USEC_S)
#define CASE_LATER (CASE_NOW + 30 * USEC_S)
#define CASE_MAX   6

/* Messages are written as text: f fire, c clear, n note, then the offset; `'` puts it into another
 * partition,
 * `@` and a number is its time, which is the offset otherwise; `~`: a clear that is not due yet;
 * `!`: a message of the other life. "f1 c5~ f3'@9" */
struct look { /* of the record that is known or seen */
    int state;
    const char *stamp;   /* "f1", "c4": as a message; "" none readable */
    const char *content; /* "" none readable */
    uint32_t generation;
    msec_t closed;
};

struct known {
    bool refused, known_before, read_first, orphan_ignore, clear_waits, settles;
    msec_t cut, fired;        /* fired: of every clear */
    struct config_life life;  /* of every message; clear_delay: clears marked `~` are due at
                                 CASE_LATER, others at once */
    struct config_life other; /* of messages marked `!` */
    bool touched;
};

struct wanted {
    enum action action;
    size_t consumed;
    int fire, clear; /* -1: none */
    uint32_t generation;
    const char *why; /* NULL: any */
};

struct rule {
    const char *name;
    bool marked;
    const char *messages;
    enum sight sight;
    struct look look;
    struct known known;
    struct wanted wanted;
};

/* cmocka test whose initial state is a struct rule. */
void reconcile_case(void **state);

#endif
