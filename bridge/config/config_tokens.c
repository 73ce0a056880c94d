/* A scanner over libconfig's lexical rules, as far as numbers need: comments (#, //, slash-star),
 * strings, names, @include lines, numbers. It never fails; text that libconfig refuses may give
 * anything, because libconfig's own error is reported then and nothing of this. */
#include "bridge/config/config_tokens.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"

struct scan {
    const char *p;
    int line;
    bool closed; /* the last text in quotes had an end */
    const char *name;
    size_t name_length;
    int name_line;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '*';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static void skip_to(struct scan *s, const char *end)
{
    for (; s->p < end; s->p++)
        if (*s->p == '\n')
            s->line++;
}

/* To the end of the line, to the end of a comment, or behind a string. false: none of these. */
static bool skip_dull(struct scan *s)
{
    const char *end;

    if (*s->p == '#' || *s->p == '@' || (s->p[0] == '/' && s->p[1] == '/')) {
        skip_to(s, s->p + strcspn(s->p, "\n"));
        return true;
    }
    if (s->p[0] == '/' && s->p[1] == '*') {
        end = strstr(s->p + 2, "*/");
        skip_to(s, end ? end + 2 : s->p + strlen(s->p));
        return true;
    }
    if (*s->p != '"')
        return false;
    for (end = s->p + 1; *end && *end != '"'; end++)
        if (*end == '\\' && end[1])
            end++;
    s->closed = *end != '\0';
    skip_to(s, s->closed ? end + 1 : end);
    return true;
}

int config_tokens_open_text(const char *text)
{
    struct scan s = {.p = text, .line = 1};

    while (*s.p) {
        bool quote = *s.p == '"';
        int line = s.line;

        if (!skip_dull(&s))
            skip_to(&s, s.p + 1);
        else if (quote && !*s.p && !s.closed)
            return line;
    }
    return 0;
}

/* Why the number (with its digits up to `end`, without suffix) does not fit, or NULL. */
static const char *misfit(const char *number, bool hex, bool wide)
{
    const char *narrow_text = "lies outside -2147483648 to 2147483647";
    long long value;

    errno = 0;
    value = strtoll(number, NULL, hex ? 16 : 10);
    if (errno == ERANGE)
        return wide ? "does not fit in 64 bits" : narrow_text;
    return !wide && (value < INT32_MIN || value > INT32_MAX) ? narrow_text : NULL;
}

static void add(struct config_tokens *t, const char *file, const struct scan *s, char *text,
                const char *why)
{
    t->items = xrealloc(t->items, t->count + 1, sizeof(*t->items));
    t->items[t->count++] = (struct config_token){
        .name = s->name ? xstrndup(s->name, s->name_length) : xstrdup(""),
        .name_line = s->name ? s->name_line : s->line,
        .text = text,
        .why = why,
        .file = file,
    };
}

static void scan_number(struct config_tokens *t, const char *file, struct scan *s)
{
    const char *digits = s->p + (*s->p == '-' || *s->p == '+'), *end = digits;
    bool hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X'), wide;
    const char *why;
    char *text;

    for (end += hex ? 2 : 0; hex ? is_hex(*end) : is_digit(*end); end++)
        ;
    if (!hex && (*end == '.' || *end == 'e' || *end == 'E')) { /* a float */
        while (is_digit(*end) || strchr(".eE+-", *end ? *end : '#'))
            end++;
        s->p = end;
        return;
    }
    text = xstrndup(s->p, (size_t)(end - s->p));
    for (wide = *end == 'L'; *end == 'L'; end++)
        ;
    why = misfit(text, hex, wide);
    if (why)
        add(t, file, s, text, why);
    else
        free(text);
    s->p = end;
}

void config_tokens_scan(struct config_tokens *t, const char *file, const char *text)
{
    struct scan s = {.p = text, .line = 1};

    while (*s.p) {
        if (skip_dull(&s))
            continue;
        if (is_letter(*s.p)) {
            s.name = s.p;
            s.name_line = s.line;
            while (is_letter(*s.p) || is_digit(*s.p) || *s.p == '-' || *s.p == '_')
                s.p++;
            s.name_length = (size_t)(s.p - s.name);
        } else if (is_digit(*s.p) || ((*s.p == '-' || *s.p == '+') && is_digit(s.p[1]))) {
            scan_number(t, file, &s);
        } else {
            skip_to(&s, s.p + 1);
        }
    }
}

struct config_token *config_tokens_find(struct config_tokens *t, const char *file, int line,
                                        const char *name)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->items[i].name_line == line && strcmp(t->items[i].name, name) == 0 &&
            strcmp(t->items[i].file, file) == 0)
            return &t->items[i];
    return NULL;
}

void config_tokens_done(struct config_tokens *t)
{
    for (size_t i = 0; i < t->count; i++) {
        free(t->items[i].name);
        free(t->items[i].text);
    }
    free(t->items);
    *t = (struct config_tokens){0};
}
