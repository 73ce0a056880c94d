/* Text for terminals: colours, glyphs and cells of a fixed width, into a buffer. Falls back to
 * plain text and ASCII. */
#ifndef DEMO_INK_H
#define DEMO_INK_H

#include <stdbool.h>
#include <stddef.h>

#include "bridge/base/attr.h"
#include "bridge/base/buf.h"

enum ink {
    INK_PLAIN,
    INK_BOLD,
    INK_DIM,
    INK_RED,
    INK_GREEN,
    INK_YELLOW,
    INK_BLUE,
    INK_CYAN,
    INK_ALARM, /* white on red */
};

enum glyph {
    GLYPH_ARROW,
    GLYPH_WAITS,
    GLYPH_OPEN,
    GLYPH_GOOD,
    GLYPH_BAD,
    GLYPH_FULL,
    GLYPH_EMPTY,
    GLYPH_DOT,
};

struct pen {
    struct buf out;
    bool colour, utf8;
};

void pen_init(struct pen *p, bool colour, bool utf8);
void pen_done(struct pen *p);

/* Borrowed, static. */
const char *pen_glyph(const struct pen *p, enum glyph g);
/* The glyph for a height of 0 to 7 of a small bar. */
const char *pen_step(const struct pen *p, unsigned height);

void pen_put(struct pen *p, enum ink ink, const char *text);
void pen_putf(struct pen *p, enum ink ink, const char *format, ...) PRINTF_LIKE(3, 4);
void pen_times(struct pen *p, enum ink ink, const char *text, size_t times);
/* Exactly `width` characters: cut or filled with blanks, behind (cell) or before the text (right).
 * Control characters become '?'. */
void pen_cell(struct pen *p, enum ink ink, size_t width, const char *text);
void pen_right(struct pen *p, enum ink ink, size_t width, const char *text);

/* The ink of a severity (0 to 4, -1: none) and its name, "Sev1" or "-"; static. */
enum ink ink_severity(int severity);
const char *severity_name(int severity);

#endif
