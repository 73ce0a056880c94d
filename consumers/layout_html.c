/* HTML to plain text, for the mails that Azure puts into service health alerts. Forgiving: what is
 * no tag stays as text, nothing is ever an error. */
#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "consumers/layout.h"

enum gap { GAP_NONE, GAP_BLANK, GAP_LINE, GAP_PARAGRAPH };

struct strip {
    struct buf *out;
    size_t start; /* where our text begins in out */
    enum gap gap; /* owed before the next visible character */
    bool no_more_tags, no_more_closings;
};

static const struct {
    const char *name;
    enum gap gap;
} tags[] = {
    {"p", GAP_PARAGRAPH},  {"h1", GAP_PARAGRAPH},    {"h2", GAP_PARAGRAPH}, {"h3", GAP_PARAGRAPH},
    {"h4", GAP_PARAGRAPH}, {"table", GAP_PARAGRAPH}, {"ul", GAP_PARAGRAPH}, {"ol", GAP_PARAGRAPH},
    {"br", GAP_LINE},      {"div", GAP_LINE},        {"tr", GAP_LINE},      {"li", GAP_LINE},
    {"td", GAP_BLANK},     {"th", GAP_BLANK},        {"hr", GAP_LINE},
};

static const struct {
    const char *name, *text;
} entities[] = {
    {"amp", "&"},
    {"lt", "<"},
    {"gt", ">"},
    {"quot", "\""},
    {"apos", "'"},
    {"nbsp", " "},
    {"ndash", "\xe2\x80\x93"},
    {"mdash", "\xe2\x80\x94"},
    {"lsquo", "\xe2\x80\x98"},
    {"rsquo", "\xe2\x80\x99"},
    {"ldquo", "\xe2\x80\x9c"},
    {"rdquo", "\xe2\x80\x9d"},
    {"bull", "\xe2\x80\xa2"},
    {"hellip", "\xe2\x80\xa6"},
    {"copy", "\xc2\xa9"},
    {"reg", "\xc2\xae"},
    {"deg", "\xc2\xb0"},
};

static void owe(struct strip *s, enum gap gap)
{
    if (gap > s->gap)
        s->gap = gap;
}

static void put(struct strip *s, const char *text, size_t length)
{
    static const char *const gaps[] = {"", " ", "\n", "\n\n"};

    if (s->out->length > s->start)
        (void)buf_add_text(s->out, gaps[s->gap]);
    s->gap = GAP_NONE;
    (void)buf_add(s->out, text, length);
}

static bool is_named(const char *text, size_t length, const char *name)
{
    return strlen(name) == length && strncasecmp(text, name, length) == 0;
}

static size_t utf8(unsigned long c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* `name` lies between `&#` and `;`. Control characters and what is no character: nothing. */
static bool put_number(struct strip *s, const char *name)
{
    bool hex = name[0] == 'x' || name[0] == 'X';
    char *end, bytes[4];
    unsigned long c = strtoul(name + hex, &end, hex ? 16 : 10);

    if (*end != ';' || end == name + hex || !isxdigit((unsigned char)name[hex]))
        return false;
    if (c == 160 || c == '\n' || c == '\r' || c == '\t')
        owe(s, GAP_BLANK);
    else if (c >= 0x20 && c <= 0x10ffff && !(c >= 0x7f && c < 0xa0) && (c < 0xd800 || c > 0xdfff))
        put(s, bytes, utf8(c, bytes));
    return true;
}

/* Length of the entity at `&`, 0 when it is none. */
static size_t entity(struct strip *s, const char *p)
{
    size_t n = strnlen(p, 12);
    const char *end = memchr(p, ';', n);

    if (end == NULL || end == p + 1)
        return 0;
    n = (size_t)(end - p) - 1;
    if (p[1] == '#')
        return put_number(s, p + 2) ? n + 2 : 0;
    for (size_t i = 0; i < sizeof entities / sizeof entities[0]; i++) {
        if (!is_named(p + 1, n, entities[i].name))
            continue;
        if (entities[i].text[0] == ' ')
            owe(s, GAP_BLANK);
        else
            put(s, entities[i].text, strlen(entities[i].text));
        return n + 2;
    }
    return 0;
}

/* Behind the closing tag of an element whose content is no text; the tag's end when there is none
 * (looked for once only, so that many openings stay linear). */
static const char *skip_content(struct strip *s, const char *end, const char *closing)
{
    const char *p = s->no_more_closings ? NULL : strcasestr(end, closing);

    if (p == NULL)
        s->no_more_closings = true;
    else
        end = strchr(p, '>') != NULL ? strchr(p, '>') + 1 : p + strlen(p);
    return end;
}

/* Behind the tag at `<`, or NULL when it is none. */
static const char *tag(struct strip *s, const char *p)
{
    const char *name = p + 1 + (p[1] == '/'), *end;
    size_t n = 0;

    if (s->no_more_tags || !(isalpha((unsigned char)p[1]) || p[1] == '/' || p[1] == '!'))
        return NULL;
    end = strchr(p, '>');
    if (end == NULL) {
        s->no_more_tags = true;
        return NULL;
    }
    while (isalnum((unsigned char)name[n]))
        n++;
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++)
        if (is_named(name, n, tags[i].name))
            owe(s, tags[i].gap);
    if (is_named(name, n, "li") && p[1] != '/')
        put(s, "- ", 2);
    if (p[1] != '/' && is_named(name, n, "script"))
        return skip_content(s, end + 1, "</script");
    if (p[1] != '/' && is_named(name, n, "style"))
        return skip_content(s, end + 1, "</style");
    return end + 1;
}

void layout_from_html(struct buf *out, const char *html)
{
    struct strip s = {.out = out, .start = out->length};

    for (const char *p = html; *p != '\0';) {
        const char *behind = *p == '<' ? tag(&s, p) : NULL;
        size_t n = *p == '&' ? entity(&s, p) : 0;

        if (behind != NULL) {
            p = behind;
        } else if (n > 0) {
            p += n;
        } else if ((unsigned char)*p <= 0x20 || *p == 0x7f) {
            owe(&s, GAP_BLANK);
            p++;
        } else {
            for (n = 1; (unsigned char)p[n] > 0x20 && p[n] != '<' && p[n] != '&' && p[n] != 0x7f;)
                n++;
            put(&s, p, n);
            p += n;
        }
    }
}
