/* Text of a template to its parts. */
#include "bridge/config/template.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/buf.h"
#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "bridge/config/config_text.h"

#define DATE_LETTERS "YmdHMSyjFT%"

enum argument { ARGUMENT_NONE, ARGUMENT_TEXT, ARGUMENT_NUMBER };

static const struct {
    const char *name;
    enum argument argument;
} ops[] = {
    [TEMPLATE_DEFAULT] = {"default", ARGUMENT_TEXT}, [TEMPLATE_CUT] = {"cut", ARGUMENT_NUMBER},
    [TEMPLATE_UPPER] = {"upper", ARGUMENT_NONE},     [TEMPLATE_LOWER] = {"lower", ARGUMENT_NONE},
    [TEMPLATE_TRIM] = {"trim", ARGUMENT_NONE},       [TEMPLATE_JOIN] = {"join", ARGUMENT_TEXT},
    [TEMPLATE_DATE] = {"date", ARGUMENT_TEXT},
};

struct parser {
    const char *text, *p;
    struct template *t;
    struct err *e;
};

static size_t position(const struct parser *x, const char *at)
{
    size_t n = 1;

    for (const char *p = x->text; p < at; p++)
        n += ((unsigned char)*p & 0xc0) != 0x80;
    return n;
}

static int fail_at(struct parser *x, const char *at, const char *what)
{
    return err_set(x->e, ERR_CONFIG, "template", "at character %zu: %s", position(x, at), what);
}

static struct template_piece *piece_add(struct template *t)
{
    t->pieces = xrealloc(t->pieces, t->count + 1, sizeof *t->pieces);
    t->pieces[t->count] = (struct template_piece){0};
    return &t->pieces[t->count++];
}

/* Text up to the next field; {{ and }} are braces. */
static int parse_literal(struct parser *x)
{
    struct buf b;

    buf_init(&b, TEMPLATE_TEXT_MAX);
    while (*x->p != '\0') {
        if (*x->p == '{' || *x->p == '}') {
            if (x->p[1] != x->p[0])
                break;
            x->p++;
        }
        (void)buf_add_char(&b, *x->p++);
    }
    if (b.length > 0)
        piece_add(x->t)->literal = buf_take(&b, NULL);
    buf_done(&b);
    if (*x->p == '}')
        return fail_at(x, x->p, "a brace closes that was not opened; write }} for a brace");
    return 0;
}

/* A word up to one of `ends`, or a text in quotes. New, or NULL with the error set. */
static char *take_text(struct parser *x, const char *ends)
{
    const char *start = x->p;
    char quote[2] = {*x->p};
    size_t n;

    if (*start != '"' && *start != '\'') {
        x->p += strcspn(start, ends);
        return xstrndup(start, (size_t)(x->p - start));
    }
    n = strcspn(start + 1, quote);
    if (start[1 + n] == '\0') {
        (void)fail_at(x, start, "a text in quotes begins that does not end");
        return NULL;
    }
    x->p += n + 2;
    return xstrndup(start + 1, n);
}

static int parse_field(struct parser *x, struct template_piece *piece)
{
    const char *start = x->p;
    struct buf name;
    char *rest;
    int rc;

    /* Behind the dot there may be quotes, for labels whose names hold signs of ours. */
    x->p += strcspn(x->p, ".|}");
    buf_init(&name, TEMPLATE_TEXT_MAX);
    (void)buf_add(&name, start, (size_t)(x->p - start));
    if (*x->p == '.') {
        x->p++;
        rest = take_text(x, "|}");
        if (rest == NULL) {
            buf_done(&name);
            return -1;
        }
        (void)buf_addf(&name, ".%s", rest);
        free(rest);
    }
    rc = field_parse(buf_text(&name), name.length, &piece->field, x->e);
    buf_done(&name);
    if (rc != 0)
        return err_prefix(x->e, "at character %zu", position(x, start));
    return 0;
}

static int check_date(struct parser *x, const char *at, const char *form)
{
    for (const char *p = strchr(form, '%'); p != NULL; p = strchr(p + 2, '%'))
        if (p[1] == '\0' || strchr(DATE_LETTERS, p[1]) == NULL)
            return fail_at(x, at, "a date knows %Y %m %d %H %M %S %y %j %F %T and %% only");
    return 0;
}

static int parse_number(struct parser *x, const char *at, struct template_filter *f)
{
    long long n;

    if (text_to_int(f->text, &n) != 0 || n < 1 || n > TEMPLATE_CUT_MAX)
        return fail_at(x, at, "cut needs a number of characters from 1 to 4000, as in cut:40");
    f->number = (size_t)n;
    return 0;
}

/* Does the filter fit where it stands? */
static int check_filter(struct parser *x, const char *at, const struct template_piece *piece,
                        struct template_filter *f)
{
    enum field_kind kind = field_kind(piece->field.id);
    bool first = piece->filters_count == 0;

    switch (f->op) {
    case TEMPLATE_JOIN:
        return first && kind == FIELD_IS_LIST
                   ? 0
                   : fail_at(x, at,
                             "join must be the first filter of a field with several values "
                             "(target, ci, label.NAME, link.NAME)");
    case TEMPLATE_DATE:
        if (!first || kind != FIELD_IS_TIME)
            return fail_at(x, at,
                           "date must be the first filter of a time (fired, resolved, time)");
        return check_date(x, at, f->text);
    case TEMPLATE_CUT:
        return parse_number(x, at, f);
    default:
        return 0;
    }
}

static int find_op(struct parser *x, const char *at, const char *name, enum template_op *ret)
{
    const char *names[ARRAY_LEN(ops)], *near;
    char *what;

    for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
        names[i] = ops[i].name;
        if (strcmp(name, ops[i].name) == 0) {
            *ret = (enum template_op)i;
            return 0;
        }
    }
    near = config_nearest(name, names, ARRAY_LEN(ops));
    what = xasprintf("there is no filter \"%.40s\"%s%s%s; use default, cut, upper, lower, trim, "
                     "join or date",
                     name, near != NULL ? " (did you mean \"" : "", near != NULL ? near : "",
                     near != NULL ? "\"?)" : "");
    (void)fail_at(x, at, what);
    free(what);
    return -1;
}

/* x->p is behind the bar. The filter's text is owned by the piece as soon as it is there. */
static int parse_filter(struct parser *x, struct template_piece *piece)
{
    struct template_filter *f = &piece->filters[piece->filters_count];
    const char *at = x->p;
    char *name;
    int rc;

    if (piece->filters_count == TEMPLATE_FILTERS_MAX)
        return fail_at(x, at, "there are more than 16 filters");
    x->p += strcspn(x->p, ":|}");
    name = xstrndup(at, (size_t)(x->p - at));
    rc = find_op(x, at, name, &f->op);
    free(name);
    if (rc != 0)
        return -1;
    if ((*x->p == ':') != (ops[f->op].argument != ARGUMENT_NONE))
        return fail_at(x, x->p,
                       *x->p == ':' ? "this filter takes no argument"
                                    : "this filter needs an argument, as in default:none");
    if (*x->p == ':') {
        x->p++;
        f->text = take_text(x, "|}");
        if (f->text == NULL)
            return -1;
    }
    rc = check_filter(x, at, piece, f);
    piece->filters_count++;
    return rc;
}

/* x->p is behind the opening brace. */
static int parse_substitution(struct parser *x)
{
    const char *open = x->p - 1;
    struct template_piece *piece = piece_add(x->t);

    if (parse_field(x, piece) != 0)
        return -1;
    while (*x->p == '|') {
        x->p++;
        if (parse_filter(x, piece) != 0)
            return -1;
    }
    if (*x->p != '}')
        return *x->p == '\0'
                   ? fail_at(x, open, "a brace opens that is not closed; write {{ for a brace")
                   : fail_at(x, x->p, "a bar or a closing brace must stand here");
    x->p++;
    return 0;
}

struct template *template_new(const char *text, struct err *e)
{
    struct parser x = {.text = text, .p = text, .e = e};

    if (strlen(text) > TEMPLATE_TEXT_MAX) {
        (void)err_set(e, ERR_CONFIG, "template", "the template is longer than %zu bytes",
                      TEMPLATE_TEXT_MAX);
        return NULL;
    }
    x.t = xcalloc(1, sizeof *x.t);
    while (*x.p != '\0') {
        if (parse_literal(&x) != 0)
            return template_free(x.t);
        if (*x.p == '{') {
            x.p++;
            if (parse_substitution(&x) != 0)
                return template_free(x.t);
        }
    }
    return x.t;
}

struct template *template_free(struct template *t)
{
    if (t == NULL)
        return NULL;
    for (size_t i = 0; i < t->count; i++) {
        struct template_piece *piece = &t->pieces[i];

        free(piece->literal);
        field_done(&piece->field);
        for (size_t k = 0; k < piece->filters_count; k++)
            free(piece->filters[k].text);
    }
    free(t->pieces);
    free(t);
    return NULL;
}
