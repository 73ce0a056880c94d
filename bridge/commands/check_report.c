/* Collects and prints the checklist. A line of text is `STATE  check subject: what was seen`, with
 * the cure on a line of its own beneath; the same words are the members of the JSON form, so that a
 * program can rely on `check`, `subject` and `state`. */
#include "bridge/commands/check_report.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"
#include "bridge/commands/explain.h"

struct check_report {
    const char *area;
    struct check_line *lines;
    size_t count, printed;
    char **notes;
    size_t notes_count;
};

static const char *const names[] = {
    [CHECK_COMPLETED] = "Completed",
    [CHECK_WILL_BE_CREATED] = "Completed (will be created)",
    [CHECK_NOT_COMPLETE] = "Not complete",
    [CHECK_SKIPPED] = "Skipped",
};

const char *check_state_name(enum check_state state)
{
    return names[state];
}

struct check_report *check_report_new(void)
{
    struct check_report *r = xcalloc(1, sizeof *r);

    r->area = "";
    return r;
}

static void free_text(const char *text)
{
    free((void *)(uintptr_t)text);
}

struct check_report *check_report_free(struct check_report *r)
{
    if (r == NULL)
        return NULL;
    for (size_t i = 0; i < r->count; i++) {
        free_text(r->lines[i].subject);
        free_text(r->lines[i].seen);
        free_text(r->lines[i].cure);
    }
    for (size_t i = 0; i < r->notes_count; i++)
        free(r->notes[i]);
    free(r->lines);
    free(r->notes);
    free(r);
    return NULL;
}

void check_area(struct check_report *r, const char *area)
{
    r->area = area;
}

static char *formatted(const char *format, va_list ap) PRINTF_LIKE(1, 0);
static char *formatted(const char *format, va_list ap)
{
    struct err e;

    (void)err_vset(&e, ERR_NONE, "", format, ap);
    return xstrdup(e.text);
}

static void add(struct check_report *r, struct check_line line)
{
    r->lines = xrealloc(r->lines, r->count + 1, sizeof *r->lines);
    r->lines[r->count++] = line;
}

void check_add(struct check_report *r, enum check_state state, const char *check,
               const char *subject, const char *cure, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    add(r, (struct check_line){.state = state,
                               .area = r->area,
                               .check = check,
                               .subject = xstrdup(subject == NULL ? "" : subject),
                               .seen = formatted(format, ap),
                               .cure = xstrdup(cure == NULL ? "" : cure),
                               .code = ""});
    va_end(ap);
}

void check_add_err(struct check_report *r, const char *check, const char *subject,
                   const struct err *e)
{
    check_add_cured(r, check, subject, e, NULL);
}

void check_add_cured(struct check_report *r, const char *check, const char *subject,
                     const struct err *e, const char *cure)
{
    const struct explain_entry *known = explain_find(e->code);

    if (cure == NULL && known != NULL)
        cure = known->cure;
    check_add(r, CHECK_NOT_COMPLETE, check, subject, cure, "%s", e->text);
    r->lines[r->count - 1].code = e->code;
}

void check_note(struct check_report *r, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    r->notes = xrealloc(r->notes, r->notes_count + 1, sizeof *r->notes);
    r->notes[r->notes_count++] = formatted(format, ap);
    va_end(ap);
}

const struct check_line *check_lines(const struct check_report *r, size_t *ret_count)
{
    *ret_count = r->count;
    return r->lines;
}

size_t check_count(const struct check_report *r, enum check_state state)
{
    size_t n = 0;

    for (size_t i = 0; i < r->count; i++)
        n += r->lines[i].state == state ? 1 : 0;
    return n;
}

size_t check_notes_count(const struct check_report *r)
{
    return r->notes_count;
}

const char *check_note_text(const struct check_report *r, size_t index)
{
    return r->notes[index];
}

static void print_line(const struct check_line *l, FILE *out)
{
    (void)fprintf(out, "%-12s  %s%s%s: %s\n", names[l->state], l->check,
                  l->subject[0] == '\0' ? "" : " ", l->subject, l->seen);
    if (l->cure[0] != '\0')
        (void)fprintf(out, "%-12s  What to do: %s\n", "", l->cure);
    if (l->code[0] != '\0')
        (void)fprintf(out, "%-12s  More: itsm-bridge explain %s\n", "", l->code);
}

void check_print_new(struct check_report *r, FILE *out)
{
    for (; r->printed < r->count; r->printed++)
        print_line(&r->lines[r->printed], out);
    (void)fflush(out);
}

void check_print_end(struct check_report *r, FILE *out)
{
    size_t bad = check_count(r, CHECK_NOT_COMPLETE), skipped = check_count(r, CHECK_SKIPPED);

    for (size_t i = 0; i < r->notes_count; i++)
        (void)fprintf(out, "%s%-12s  %s\n", i == 0 ? "\n" : "", "Note", r->notes[i]);
    if (bad == 0)
        (void)fprintf(out, "\nEverything that could be checked is complete");
    else
        (void)fprintf(out, "\n%zu of %zu lines %s not complete", bad, r->count,
                      bad == 1 ? "is" : "are");
    (void)fprintf(out, " (%zu skipped)\n", skipped);
}

static json_t *json_of(const struct check_line *l)
{
    json_t *o =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "area", l->area, "check", l->check, "subject",
                  l->subject, "state", names[l->state], "seen", l->seen, "cure", l->cure);

    if (l->code[0] != '\0')
        (void)json_object_set_new(o, "code", json_string(l->code));
    return o;
}

void check_print_json(const struct check_report *r, FILE *out)
{
    json_t *lines = json_array(), *notes = json_array();
    json_t *all;

    for (size_t i = 0; i < r->count; i++)
        (void)json_array_append_new(lines, json_of(&r->lines[i]));
    for (size_t i = 0; i < r->notes_count; i++)
        (void)json_array_append_new(notes, json_string(r->notes[i]));
    all =
        json_pack("{s:b, s:i, s:i, s:o, s:o}", "complete", check_count(r, CHECK_NOT_COMPLETE) == 0,
                  "not_complete", (int)check_count(r, CHECK_NOT_COMPLETE), "skipped",
                  (int)check_count(r, CHECK_SKIPPED), "lines", lines, "notes", notes);
    (void)json_dumpf(all, out, JSON_INDENT(2));
    (void)fputc('\n', out);
    json_decref(all);
}
