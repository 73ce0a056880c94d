/* Escape sequences and widths. All text that comes from outside passes pen_cell, which lets no
 * control character through. One character is taken as one column. */
#include "tests/demo/ink.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"

#define FRAME_MAX ((size_t)1 << 20)

static const char *const codes[] = {
    [INK_PLAIN] = "",        [INK_BOLD] = "\033[1m",   [INK_DIM] = "\033[2m",
    [INK_RED] = "\033[31m",  [INK_GREEN] = "\033[32m", [INK_YELLOW] = "\033[33m",
    [INK_BLUE] = "\033[34m", [INK_CYAN] = "\033[36m",  [INK_ALARM] = "\033[1;37;41m",
};

static const char *const glyphs[][2] = {
    [GLYPH_ARROW] = {"->", "→"}, [GLYPH_WAITS] = {".", "○"}, [GLYPH_OPEN] = {"o", "●"},
    [GLYPH_GOOD] = {"+", "✓"},   [GLYPH_BAD] = {"x", "✗"},   [GLYPH_FULL] = {"#", "━"},
    [GLYPH_EMPTY] = {"-", "─"},  [GLYPH_DOT] = {"|", "·"},
};

void pen_init(struct pen *p, bool colour, bool utf8)
{
    buf_init(&p->out, FRAME_MAX);
    p->colour = colour;
    p->utf8 = utf8;
}

void pen_done(struct pen *p)
{
    buf_done(&p->out);
}

const char *pen_glyph(const struct pen *p, enum glyph g)
{
    return glyphs[g][p->utf8];
}

const char *pen_step(const struct pen *p, unsigned height)
{
    static const char *const steps[][8] = {{" ", ".", ".", ":", ":", "|", "|", "|"},
                                           {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"}};

    return steps[p->utf8][height > 7 ? 7 : height];
}

/* A frame that does not fit is cut; the next one is as good. */
static void add(struct pen *p, const char *text)
{
    (void)buf_add_text(&p->out, text);
}

static void begin(struct pen *p, enum ink ink)
{
    if (p->colour)
        add(p, codes[ink]);
}

static void end(struct pen *p, enum ink ink)
{
    if (p->colour && ink != INK_PLAIN)
        add(p, "\033[0m");
}

void pen_put(struct pen *p, enum ink ink, const char *text)
{
    begin(p, ink);
    add(p, text);
    end(p, ink);
}

void pen_putf(struct pen *p, enum ink ink, const char *format, ...)
{
    va_list ap;
    char *text;

    va_start(ap, format);
    if (vasprintf(&text, format, ap) < 0)
        text = xstrdup("");
    va_end(ap);
    pen_put(p, ink, text);
    free(text);
}

void pen_times(struct pen *p, enum ink ink, const char *text, size_t times)
{
    begin(p, ink);
    for (size_t i = 0; i < times; i++)
        add(p, text);
    end(p, ink);
}

static char *tame(const char *text)
{
    char *copy = xstrdup(text);

    for (char *c = copy; *c != '\0'; c++)
        if ((unsigned char)*c < 32 || *c == 127)
            *c = '?';
    return copy;
}

static void cell(struct pen *p, enum ink ink, size_t width, const char *text, bool right)
{
    char *copy = tame(text);
    size_t chars = text_chars(copy);
    size_t room = chars < width ? width - chars : 0;

    if (chars > width)
        copy[text_chars_bytes(copy, width)] = '\0';
    if (right)
        pen_times(p, INK_PLAIN, " ", room);
    pen_put(p, ink, copy);
    if (!right)
        pen_times(p, INK_PLAIN, " ", room);
    free(copy);
}

void pen_cell(struct pen *p, enum ink ink, size_t width, const char *text)
{
    cell(p, ink, width, text, false);
}

void pen_right(struct pen *p, enum ink ink, size_t width, const char *text)
{
    cell(p, ink, width, text, true);
}

enum ink ink_severity(int severity)
{
    static const enum ink inks[] = {INK_ALARM, INK_RED, INK_YELLOW, INK_CYAN, INK_BLUE};

    return severity >= 0 && severity < (int)ARRAY_LEN(inks) ? inks[severity] : INK_DIM;
}

const char *severity_name(int severity)
{
    static const char *const names[] = {"Sev0", "Sev1", "Sev2", "Sev3", "Sev4"};

    return severity >= 0 && severity < (int)ARRAY_LEN(names) ? names[severity] : "-";
}
