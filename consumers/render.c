/* Pieces one after another; a field's values are collected, then pass its filters. */
#include "consumers/render.h"

#include <string.h>
#include <time.h>

#include "bridge/base/buf.h"
#include "bridge/base/text.h"
#include "consumers/alert_field.h"
#include "consumers/layout.h"

/* As much as fits, whole characters. */
static void add_fitting(struct buf *b, const char *text, size_t length)
{
    size_t room = b->length < RENDER_MAX ? RENDER_MAX - b->length : 0;

    (void)buf_add(b, text, length <= room ? length : text_boundary(text, length, room));
}

static void add_text(struct buf *b, const char *text)
{
    add_fitting(b, text, strlen(text));
}

static void add_line(struct buf *b, const char *text)
{
    struct buf flat;

    buf_init(&flat, RENDER_MAX + 16);
    layout_flat(&flat, text, RENDER_MAX);
    add_text(b, buf_text(&flat));
    buf_done(&flat);
}

static void add_number(struct buf *b, int width, int n)
{
    (void)buf_addf(b, "%0*d", width, n);
}

static void add_date_part(struct buf *b, char letter, const struct tm *tm)
{
    switch (letter) {
    case 'Y':
        add_number(b, 4, tm->tm_year + 1900);
        break;
    case 'y':
        add_number(b, 2, tm->tm_year % 100);
        break;
    case 'm':
        add_number(b, 2, tm->tm_mon + 1);
        break;
    case 'd':
        add_number(b, 2, tm->tm_mday);
        break;
    case 'H':
        add_number(b, 2, tm->tm_hour);
        break;
    case 'M':
        add_number(b, 2, tm->tm_min);
        break;
    case 'S':
        add_number(b, 2, tm->tm_sec);
        break;
    case 'j':
        add_number(b, 3, tm->tm_yday + 1);
        break;
    case 'F':
        (void)buf_addf(b, "%04d-%02d-%02d", tm->tm_year + 1900, tm->tm_mon + 1, tm->tm_mday);
        break;
    case 'T':
        (void)buf_addf(b, "%02d:%02d:%02d", tm->tm_hour, tm->tm_min, tm->tm_sec);
        break;
    default:
        (void)buf_add_char(b, letter);
        break;
    }
}

/* `form` was checked when the template was read. */
static void add_date(struct buf *b, const char *form, msec_t ms)
{
    time_t seconds = (time_t)(ms / 1000 - (ms % 1000 < 0));
    struct tm tm = {0};

    if (ms == MSEC_NONE || gmtime_r(&seconds, &tm) == NULL)
        return;
    for (const char *p = form; *p != '\0' && b->length < RENDER_MAX; p++) {
        if (*p == '%')
            add_date_part(b, *++p, &tm);
        else
            (void)buf_add_char(b, *p);
    }
}

static void add_values(struct buf *b, const struct template_piece *piece, const struct alert *a)
{
    const struct template_filter *first = piece->filters_count > 0 ? &piece->filters[0] : NULL;
    const char *between = first != NULL && first->op == TEMPLATE_JOIN ? first->text : ", ";
    char space[ALERT_FIELD_SPACE];
    size_t cursor = 0;
    const char *value;

    if (first != NULL && first->op == TEMPLATE_DATE) {
        add_date(b, first->text, alert_field_time(a, piece->field.id));
        return;
    }
    while (b->length < RENDER_MAX &&
           (value = alert_field_next(a, &piece->field, &cursor, space)) != NULL) {
        if (b->length > 0)
            add_text(b, between);
        if (piece->field.id == FIELD_DESCRIPTION)
            add_text(b, value);
        else
            add_line(b, value);
    }
}

static void upper(char *text)
{
    for (; *text != '\0'; text++)
        if (*text >= 'a' && *text <= 'z')
            *text = (char)(*text - 'a' + 'A');
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void shorten(struct buf *b, size_t length)
{
    if (length < b->length) {
        b->length = length;
        b->data[length] = '\0';
    }
}

static void trim(struct buf *b)
{
    size_t from = 0, to = b->length;

    while (from < to && is_blank(b->data[from]))
        from++;
    while (to > from && is_blank(b->data[to - 1]))
        to--;
    if (from > 0)
        memmove(b->data, b->data + from, to - from);
    shorten(b, to - from);
}

static void filter(struct buf *b, const struct template_filter *f)
{
    if (f->op == TEMPLATE_DEFAULT && b->length == 0)
        add_text(b, f->text);
    if (b->length == 0)
        return;
    if (f->op == TEMPLATE_CUT)
        shorten(b, text_chars_bytes(b->data, f->number));
    else if (f->op == TEMPLATE_UPPER)
        upper(b->data);
    else if (f->op == TEMPLATE_LOWER)
        text_lower(b->data);
    else if (f->op == TEMPLATE_TRIM)
        trim(b);
}

char *render(const struct template *t, const struct alert *a)
{
    struct buf out, value;

    /* Additions above the bound are cut before; dates alone may pass it by a little. */
    buf_init(&out, RENDER_MAX + 64);
    buf_init(&value, RENDER_MAX + 64);
    for (size_t i = 0; i < t->count && out.length < RENDER_MAX; i++) {
        const struct template_piece *piece = &t->pieces[i];

        if (piece->literal != NULL) {
            add_text(&out, piece->literal);
            continue;
        }
        buf_clear(&value);
        add_values(&value, piece, a);
        for (size_t k = 0; k < piece->filters_count; k++)
            filter(&value, &piece->filters[k]);
        add_text(&out, buf_text(&value));
    }
    buf_done(&value);
    return buf_take(&out, NULL);
}
