/* The list of problems. Order: the main file first, then included files as they were met; within a
 * file by line. */
#include "bridge/config/config_problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"

static size_t file_number(struct config_problems *p, const char *file)
{
    for (size_t i = 0; i < p->files_count; i++)
        if (strcmp(p->files[i], file) == 0)
            return i;
    p->files = xrealloc(p->files, p->files_count + 1, sizeof(*p->files));
    p->files[p->files_count] = xstrdup(file);
    return p->files_count++;
}

void config_problems_init(struct config_problems *p, const char *main_file)
{
    *p = (struct config_problems){0};
    (void)file_number(p, main_file);
}

void config_problems_done(struct config_problems *p)
{
    for (size_t i = 0; i < p->count; i++)
        free(p->items[i].text);
    for (size_t i = 0; i < p->files_count; i++)
        free(p->files[i]);
    free(p->items);
    free(p->files);
    *p = (struct config_problems){0};
}

static char *format_text(const char *format, va_list ap) PRINTF_LIKE(1, 0);
static char *format_text(const char *format, va_list ap)
{
    char *text = NULL;

    if (vasprintf(&text, format, ap) < 0)
        return xstrdup("this problem is too long to be written down");
    return text;
}

void config_problems_add(struct config_problems *p, struct config_place at, const char *path,
                         const char *format, ...)
{
    va_list ap;
    char *what, *line, *text;

    va_start(ap, format);
    what = format_text(format, ap);
    va_end(ap);
    line = at.line > 0 ? xasprintf(":%d", at.line) : xstrdup("");
    text =
        xasprintf("%s%s: %s%s%s", at.file, line, path ? path : "", path && *path ? ": " : "", what);
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    p->items = xrealloc(p->items, p->count + 1, sizeof(*p->items));
    p->items[p->count] = (struct config_problem){file_number(p, at.file), at.line, p->count, text};
    p->count++;
    free(what);
    free(line);
}

bool config_problems_at(const struct config_problems *p, struct config_place at)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->items[i].line == at.line && strcmp(p->files[p->items[i].file], at.file) == 0)
            return true;
    return false;
}

static int compare(const void *left, const void *right)
{
    const struct config_problem *a = left, *b = right;

    if (a->file != b->file)
        return a->file < b->file ? -1 : 1;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

void config_problems_take(struct config_problems *p, struct config_errors *ret_errors)
{
    *ret_errors = (struct config_errors){0};
    if (p->count > 0) {
        qsort(p->items, p->count, sizeof(*p->items), compare);
        ret_errors->items = xcalloc(p->count, sizeof(*ret_errors->items));
        ret_errors->count = p->count;
    }
    for (size_t i = 0; i < p->count; i++) {
        ret_errors->items[i].text = p->items[i].text;
        p->items[i].text = NULL;
    }
    config_problems_done(p);
}

void config_errors_done(struct config_errors *errors)
{
    for (size_t i = 0; i < errors->count; i++)
        free(errors->items[i].text);
    free(errors->items);
    *errors = (struct config_errors){0};
}
