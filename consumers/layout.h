/* Text for people, line by line: `Name: value` lines under headings that appear only when
 * something follows. What comes from outside becomes one line each, so that it cannot forge another
 * line. Pure. */
#ifndef CONSUMERS_LAYOUT_H
#define CONSUMERS_LAYOUT_H

#include <jansson.h>
#include <stddef.h>

#include "bridge/base/attr.h"
#include "bridge/base/buf.h"

/* No record can hold more; what is added beyond is dropped. */
#define LAYOUT_MAX       ((size_t)32 * 1024)
#define LAYOUT_VALUE_MAX ((size_t)2000) /* bytes of one value, then "..." */

struct layout {
    struct buf text;
    const char *heading; /* not written yet; borrowed */
};

void layout_init(struct layout *l);
void layout_done(struct layout *l);
char *layout_take(struct layout *l) MUST_CHECK; /* new; without a line end behind it */

void layout_heading(struct layout *l, const char *heading);
/* `Name: value`; an empty value writes nothing. */
void layout_line(struct layout *l, const char *name, const char *value);
/* `Name: value` of several texts in a row. */
void layout_lines(struct layout *l, const char *name, char *const *values, size_t count);
/* A text with paragraphs under its name; line ends stay, runs of empty lines become one. */
void layout_paragraphs(struct layout *l, const char *name, const char *text);

/* Adds `text` as one line without line ends, at most max bytes (then "..."). */
void layout_flat(struct buf *out, const char *text, size_t max);

/* Tags out, entities decoded, paragraphs apart by one empty line; scripts and styles dropped. What
 * is no HTML passes unchanged but for runs of blanks. Linear. */
void layout_from_html(struct buf *out, const char *html);

#endif
