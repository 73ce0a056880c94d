/* The check at the end: what was sent against what the simulator and the topics really hold. */
#ifndef DEMO_VERDICT_H
#define DEMO_VERDICT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "tests/demo/board.h"
#include "tests/demo/ink.h"

#define VERDICT_MOST 12

struct finding {
    bool good;
    const char *what; /* static */
    char *numbers;
};

struct verdict {
    struct finding findings[VERDICT_MOST];
    size_t n;
};

/* incidents: the simulator's rows that alerts made, read behind the bridge's back; an alert is
 * found in them by its mark. */
void verdict_make(struct verdict *v, const struct board *b, const json_t *incidents);
/* One more; takes the numbers. */
void verdict_add(struct verdict *v, bool good, const char *what, char *take_numbers);
bool verdict_good(const struct verdict *v);
void verdict_print(struct pen *p, const struct verdict *v, const struct board *b);
void verdict_done(struct verdict *v);

#endif
