/* What stands in an incident's text columns. Invariant: identity and version are never cut; the
 * text in front of them is, at a line's end where one is near. */
#include "consumers/incident_text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/buf.h"
#include "bridge/base/panic.h"
#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "consumers/identity.h"
#include "consumers/layout.h"

#define CUT_MARK   "\n[The text was cut here: the field holds no more.]"
#define NEAR_UNITS 200 /* a line's end this near to the cut is preferred */

static size_t units_of(unsigned char c)
{
    if ((c & 0xc0) == 0x80)
        return 0;
    return c >= 0xf0 ? 2 : 1;
}

size_t incident_fit(const char *text, size_t units)
{
    size_t used = 0, i = 0, length = strlen(text);

    if (length <= units) /* no character has more units than bytes */
        return length;
    for (; text[i] != '\0'; i++) {
        used += units_of((unsigned char)text[i]);
        if (used > units)
            break;
    }
    return i;
}

static size_t count_units(const char *text)
{
    size_t used = 0;

    for (; *text != '\0'; text++)
        used += units_of((unsigned char)*text);
    return used;
}

/* Most texts are far shorter than the column. */
static bool fits_at_once(const char *body, const char *tail, size_t units)
{
    return strlen(body) + strlen(tail) <= units;
}

char *incident_cut(const char *text, size_t units)
{
    struct buf b;

    if (text[incident_fit(text, units)] == '\0')
        return xstrdup(text);
    buf_init(&b, 4 * units);
    (void)buf_add(&b, text, incident_fit(text, units - 3));
    (void)buf_add_text(&b, "...");
    return buf_take(&b, NULL);
}

char *incident_title(const struct alert *a)
{
    if (a->title[0] == '\0')
        return xasprintf("%s alert", a->source[0] != '\0' ? a->source : a->format);
    return xstrdup(a->title);
}

/* `body` cut so that `tail` fits behind it into a text column of `units`. Takes both. */
static char *fitted_to(char *body, char *tail, size_t units, bool *ret_cut)
{
    size_t room = fits_at_once(body, tail, units) ? units : units - count_units(tail);
    size_t n = incident_fit(body, room);
    struct buf b;

    *ret_cut = body[n] != '\0';
    buf_init(&b, 8 * units);
    buf_room(&b, n + strlen(tail));
    if (body[n] != '\0') {
        size_t line;

        n = incident_fit(body, room - (sizeof CUT_MARK - 1));
        for (line = n; line > 0 && n - line < NEAR_UNITS && body[line] != '\n';)
            line--;
        if (body[line] == '\n')
            n = line;
        (void)buf_add(&b, body, n);
        (void)buf_add_text(&b, CUT_MARK);
    } else {
        (void)buf_add(&b, body, n);
    }
    (void)buf_add_text(&b, tail);
    invariant(!b.failed);
    free(body);
    free(tail);
    return buf_take(&b, NULL);
}

static char *fitted(char *body, char *tail)
{
    bool cut;

    return fitted_to(body, tail, INCIDENT_TEXT_MAX, &cut);
}

static bool has_lines(const char *column)
{
    static const char *const names[] = {"comments", "comments_and_work_notes", "description"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(column, names[i]) == 0)
            return true;
    return false;
}

char *incident_column(const char *column, const char *text, size_t units)
{
    struct buf flat;
    char *line;
    bool cut;

    if (has_lines(column))
        return fitted_to(xstrdup(text), xstrdup(""), units, &cut);
    buf_init(&flat, 8 * units);
    layout_flat(&flat, text, 4 * units);
    line = incident_cut(buf_text(&flat), units);
    buf_done(&flat);
    return line;
}

/* Identity and version, the end of each description. */
static char *description_tail(const struct alert *a, const struct incident_tail *t)
{
    char *instance = identity_instance(a, t->generation);
    char *shown = identity_shown(instance), *series = identity_shown(a->series);
    char line[VERSION_LINE_SIZE], *tail;

    version_format(t->version, line);
    tail = xasprintf("\n\nIdentity (%s, %s)\nInstance: %s\nSeries: %s\n%s%s%s", a->format, a->kind,
                     shown, series, t->expiry, t->expiry[0] == '\0' ? "" : "\n", line);
    free(instance);
    free(shown);
    free(series);
    return tail;
}

char *incident_description(const struct alert *a, const char *text,
                           const struct incident_tail *tail, bool orphan, size_t units,
                           bool *ret_cut)
{
    size_t fit = incident_fit(text, units);
    struct layout l;
    char *whole;

    if (fit > LAYOUT_MAX)
        fit = text_boundary(text, fit, LAYOUT_MAX);
    layout_init(&l);
    if (orphan)
        layout_line(&l, "Note",
                    "only the end of this alert was seen, so it was recorded as "
                    "resolved at once");
    (void)buf_add(&l.text, text, fit);
    (void)buf_add_char(&l.text, '\n');
    layout_heading(&l, "Notes");
    layout_lines(&l, "Note", a->notes, a->notes_count);
    whole = fitted_to(layout_take(&l), description_tail(a, tail), units, ret_cut);
    *ret_cut = *ret_cut || text[fit] != '\0';
    return whole;
}

static void add_time(struct buf *b, const char *before, msec_t ms)
{
    char text[CLOCK_SN_SIZE];

    if (ms == MSEC_NONE)
        return;
    clock_format_sn(ms, text);
    (void)buf_add_text(b, before);
    (void)buf_add_text(b, text);
    (void)buf_add_text(b, " UTC");
}

/* The two largest units that are not zero. */
static void add_length(struct buf *b, msec_t ms)
{
    static const struct {
        msec_t ms;
        const char *name;
    } units[] = {{86400000, "day"}, {3600000, "hour"}, {60000, "minute"}, {1000, "second"}};
    int said = 0;

    for (size_t i = 0; i < ARRAY_LEN(units) && said < 2; i++) {
        msec_t n = ms / units[i].ms;

        ms %= units[i].ms;
        if (n == 0)
            continue;
        (void)buf_addf(b, "%s%" PRId64 " %s%s", said == 0 ? "" : " ", n, units[i].name,
                       n == 1 ? "" : "s");
        said++;
    }
    if (said == 0)
        (void)buf_add_text(b, "less than a second");
}

static const char *source_of(const struct alert *a)
{
    return a->source[0] != '\0' ? a->source : a->format;
}

char *incident_close_notes(const struct alert *clear, bool orphan)
{
    struct buf b;
    char *body;

    buf_init(&b, 8 * INCIDENT_TEXT_MAX);
    (void)buf_addf(&b, "%s reported this alert as cleared", source_of(clear));
    add_time(&b, " at ", clear->resolved);
    if (clear->fired != MSEC_NONE && clear->resolved > clear->fired) {
        (void)buf_add_text(&b, ", ");
        add_length(&b, clear->resolved - clear->fired);
        add_time(&b, " after it fired at ", clear->fired);
    }
    (void)buf_add_text(&b, ".\nLast report: ");
    layout_flat(&b, clear->title, LAYOUT_VALUE_MAX);
    if (orphan)
        (void)buf_add_text(&b, "\nOnly the end of this alert was seen.");
    body = buf_take(&b, NULL);
    return fitted(body, xstrdup(""));
}

char *incident_expire_note(long long hours, const struct version *v)
{
    char line[VERSION_LINE_SIZE] = "";

    if (v != NULL)
        version_format(v, line);
    return xasprintf("No news for %lld h: neither a report of this alert nor a change of this "
                     "record. It is taken to be over.%s%s",
                     hours, v == NULL ? "" : "\n", line);
}

/* A work note: `first`, more lines, and the message's version as its last line. A journal holds far
 * more than a column: `whole` is not cut. */
static char *note_of(const struct alert *a, const char *first, const char *more, const char *whole,
                     const struct version *v)
{
    char line[VERSION_LINE_SIZE], *note;
    struct buf b;
    char *tail;

    version_format(v, line);
    buf_init(&b, LAYOUT_MAX * 4);
    (void)buf_add_text(&b, source_of(a));
    (void)buf_add_text(&b, first);
    layout_flat(&b, a->title, LAYOUT_VALUE_MAX);
    (void)buf_add_text(&b, more);
    tail = xasprintf("\n%s", line);
    if (whole[0] == '\0')
        return fitted(buf_take(&b, NULL), tail);
    note = xasprintf("%s\n\n%s%s", buf_text(&b), whole, tail);
    buf_done(&b);
    free(tail);
    return note;
}

char *incident_update_note(const struct alert *fire, const char *whole, const struct version *v)
{
    struct buf more;
    char *note;

    buf_init(&more, INCIDENT_TEXT_MAX);
    if (fire->severity_text[0] != '\0') {
        (void)buf_add_text(&more, "\nSeverity: ");
        layout_flat(&more, fire->severity_text, 100);
    }
    add_time(&more, "\nFired: ", fire->fired);
    note = note_of(fire, " reported this alert again. Now: ", buf_text(&more), whole, v);
    buf_done(&more);
    return note;
}

/* Why a clear leaves the state of an open record as it is. */
static const char *reason_of(const char *why)
{
    if (strcmp(why, "on-hold") == 0)
        return "The record is on hold, so its state was left as it is.";
    if (strcmp(why, "touched") == 0)
        return "Somebody works on the record, so its state was left as it is.";
    return "The configuration leaves the state to people.";
}

char *incident_refire_note(const struct alert *fire, const char *whole, const struct version *v,
                           bool reopened)
{
    struct buf more;
    char *note;

    buf_init(&more, INCIDENT_TEXT_MAX);
    add_time(&more, "\nFired: ", fire->fired);
    (void)buf_add_text(&more, reopened ? "\nThe record was opened again."
                                       : "\nThe record stays resolved.");
    note = note_of(fire, " reported that this alert fires again: ", buf_text(&more), whole, v);
    buf_done(&more);
    return note;
}

char *incident_hold_note(const struct alert *clear, const struct version *v, const char *why)
{
    struct buf more;
    char *note;

    buf_init(&more, INCIDENT_TEXT_MAX);
    add_time(&more, "\nCleared: ", clear->resolved);
    (void)buf_addf(&more, "\n%s", reason_of(why));
    note = note_of(clear, " reported this alert as cleared. Last report: ", buf_text(&more), "", v);
    buf_done(&more);
    return note;
}

char *incident_remark_note(const struct alert *note, const struct version *v)
{
    struct buf more;
    char *text;

    buf_init(&more, LAYOUT_MAX * 3);
    (void)buf_add_text(&more, "\n\n");
    (void)buf_add(&more, note->description, incident_fit(note->description, INCIDENT_TEXT_MAX));
    text = note_of(note, " tells more about this alert: ", buf_text(&more), "", v);
    buf_done(&more);
    return text;
}
