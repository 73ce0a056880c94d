/* The show as plain lines, not more than sixty: the first few of each kind of event, then counts.
 */
#ifndef DEMO_PLAIN_H
#define DEMO_PLAIN_H

#include "bridge/base/clock.h"
#include "tests/demo/screen.h"

struct plain {
    size_t opened, resolved, changes; /* shown so far */
    usec_t next_counts;
    char *phase; /* last one printed */
};

/* Prints what is new; call it often. */
void plain_draw(struct plain *p, const struct view *v, usec_t now);
void plain_done(struct plain *p);

#endif
