/* The inside of a sweep, shared by sweep.c and sweep_plan.c only. */
#ifndef PRODUCERS_SWEEP_PARTS_H
#define PRODUCERS_SWEEP_PARTS_H

#include "producers/sweep.h"

/* What a sweep is for. */
enum sweep_pass {
    PASS_ALL,   /* the overlap and everything behind it, whole rows */
    PASS_QUICK, /* the last second and everything behind it, whole rows; `hi` stays */
    PASS_LATE,  /* the overlap up to the watermark: versions only, whole rows of the unknown ones */
};

struct sweep {
    struct sweep_options o;
    struct seen *seen;
    struct watermark mark;
    int64_t hi, seen_from;
    int64_t clock;   /* of the last answer; WATERMARK_SECOND_NONE before the first */
    usec_t clock_at; /* when that answer came */
    int64_t best;    /* the clock when it was furthest ahead, at best_at */
    usec_t best_at;
    int64_t back; /* seconds that the clock went back since the last pass over the overlap began */

    bool sweeping;
    bool held; /* the last one found no room for its versions: only a pass over all makes some */
    enum sweep_pass pass;
    int64_t end; /* upper end of this sweep */
    struct watermark cursor;
    struct watermark top; /* PASS_LATE: behind it others read */
    bool verify;          /* an empty page has to be told from one whose rows are hidden */
    int64_t window;       /* seconds that a page may span while all of it is hidden; 0 = no bound */

    struct page page;          /* rows not yet published; array NULL: none */
    bool *fresh;               /* per row: not seen before */
    size_t done;               /* rows that are published or were seen */
    struct page late;          /* PASS_LATE: versions whose rows are read one lot after the other */
    size_t late_done, late_to; /* the lot in hand */
    const char **late_ids;
    struct page ahead; /* bounded: the page behind it, read already */
    bool full;         /* more rows wait behind the page */

    long long limit;
    unsigned good, failures;
    usec_t due, last_change;
    usec_t paced;     /* the rows read so far are used up at this time, by the rate */
    usec_t reread_at; /* when the last pass over the overlap began */
    int64_t read_to;  /* upper end of the last sweep that came to its end */
    bool caught_up;
    struct err stop;
};

void sweep_drop_page(struct sweep *s);
void sweep_drop_late(struct sweep *s);
/* The page is done: moves the cursor behind it. */
void sweep_advance(struct sweep *s, usec_t now);
/* The watermark when everything up to the cursor is published. */
struct watermark sweep_mark_after(const struct sweep *s, const struct watermark *cursor);

#endif
