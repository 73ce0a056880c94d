/* Laying out text for people. Not its job: cutting to a column's length (incident_text.c). */
#include "consumers/layout.h"

#include <string.h>

#include "bridge/base/text.h"

#define LAYOUT_USUAL 2000 /* bytes that most pages need */

void layout_init(struct layout *l)
{
    buf_init(&l->text, LAYOUT_MAX + 8 * LAYOUT_VALUE_MAX);
    buf_room(&l->text, LAYOUT_USUAL);
    l->heading = NULL;
}

void layout_done(struct layout *l)
{
    buf_done(&l->text);
}

char *layout_take(struct layout *l)
{
    while (l->text.length > 0 && l->text.data[l->text.length - 1] == '\n')
        l->text.data[--l->text.length] = '\0';
    return buf_take(&l->text, NULL);
}

void layout_heading(struct layout *l, const char *heading)
{
    l->heading = heading;
}

static bool full(const struct layout *l)
{
    return l->text.length > LAYOUT_MAX;
}

static void flush_heading(struct layout *l)
{
    if (l->heading == NULL)
        return;
    if (l->text.length > 0)
        (void)buf_add_char(&l->text, '\n');
    (void)buf_add_text(&l->text, l->heading);
    (void)buf_add_char(&l->text, '\n');
    l->heading = NULL;
}

static bool is_plain(char c)
{
    return (unsigned char)c > 0x20 && c != 0x7f;
}

/* The length of a text that is one line already, words with single blanks between; else 0. */
static size_t flat_length(const char *text)
{
    size_t n = 0;

    for (bool gap = true; text[n] != '\0'; n++) {
        bool blank = !is_plain(text[n]);

        if (blank && (gap || text[n] != ' '))
            return 0;
        gap = blank;
    }
    return n > 0 && text[n - 1] != ' ' ? n : 0;
}

void layout_flat(struct buf *out, const char *text, size_t max)
{
    size_t start = out->length, flat = flat_length(text);

    if (flat > 0 && flat <= max) {
        (void)buf_add(out, text, flat);
        return;
    }

    for (;;) {
        size_t n = 0, room;

        while (*text != '\0' && !is_plain(*text))
            text++;
        if (*text == '\0')
            return;
        while (is_plain(text[n]))
            n++;
        if (out->length > start)
            (void)buf_add_char(out, ' ');
        room = max > out->length - start ? max - (out->length - start) : 0;
        if (n > room) {
            (void)buf_add(out, text, text_boundary(text, n, room));
            (void)buf_add_text(out, "...");
            return;
        }
        (void)buf_add(out, text, n);
        text += n;
    }
}

static bool has_words(const char *text)
{
    while (*text != '\0' && !is_plain(*text))
        text++;
    return *text != '\0';
}

void layout_line(struct layout *l, const char *name, const char *value)
{
    if (full(l) || !has_words(value))
        return;
    flush_heading(l);
    layout_flat(&l->text, name, 200);
    (void)buf_add(&l->text, ": ", 2);
    layout_flat(&l->text, value, LAYOUT_VALUE_MAX);
    (void)buf_add_char(&l->text, '\n');
}

void layout_lines(struct layout *l, const char *name, char *const *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        layout_line(l, name, values[i]);
}

static void add_paragraph_lines(struct buf *out, const char *text)
{
    bool gap = false;

    for (size_t used = 0; *text != '\0' && used < 2 * LAYOUT_VALUE_MAX;) {
        size_t n = strcspn(text, "\r\n");
        char line[512];
        size_t part = text_boundary(text, n, sizeof line - 1);

        memcpy(line, text, part);
        line[part] = '\0';
        if (has_words(line)) {
            if (gap)
                (void)buf_add_char(out, '\n');
            layout_flat(out, line, sizeof line);
            (void)buf_add_char(out, '\n');
            gap = false;
        } else if (part == n) {
            gap = true;
        }
        text += part;
        used += part;
        if (*text == '\r')
            text++;
        if (*text == '\n')
            text++;
    }
}

void layout_paragraphs(struct layout *l, const char *name, const char *text)
{
    if (full(l) || !has_words(text))
        return;
    if (strpbrk(text, "\r\n") == NULL) {
        layout_line(l, name, text);
        return;
    }
    flush_heading(l);
    (void)buf_add_text(&l->text, name);
    (void)buf_add_text(&l->text, ":\n");
    text += strspn(text, " \t\r\n");
    add_paragraph_lines(&l->text, text);
}
