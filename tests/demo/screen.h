/* The show on a terminal: one frame drawn over the other, on the terminal's second screen. */
#ifndef DEMO_SCREEN_H
#define DEMO_SCREEN_H

#include <stdbool.h>

#include "bridge/base/clock.h"
#include "tests/demo/board.h"
#include "tests/demo/ink.h"
#include "tests/demo/scene.h"

/* What there is to see; all borrowed. */
struct view {
    const struct scene *scene;
    const struct board *board; /* NULL before the feed begins */
    const char *phase;         /* what is going on now */
    usec_t start, length;      /* of the program; of the feed */
};

/* Is standard output a terminal that knows escape sequences? Is it large enough for a frame? */
bool screen_is_terminal(void);
bool screen_is_large(void);

/* Takes the terminal over; screen_close gives it back (fine without open, and twice: callable from
 * a signal handler). */
void screen_open(void);
void screen_close(void);

/* Draws a frame in the present size of the terminal. */
void screen_draw(struct pen *p, const struct view *v, usec_t now);

/* The frame's header for the end of the show, written once into the pen. */
void screen_header(struct pen *p, const struct view *v, usec_t now, size_t width);

#endif
