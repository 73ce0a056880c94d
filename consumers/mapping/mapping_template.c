/* Templates: parsing into pieces and filling them. Filling looks at each piece once; what a piece
 * adds is bounded, but for identities, where nothing may be cut in silence. */
#include "consumers/mapping/mapping_template.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/panic.h"
#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "consumers/alert_edit.h"
#include "consumers/json_in.h"

static int bad(struct err *e, const char *what, const char *at)
{
    return err_set(e, ERR_CONFIG, "mapping", "%s at \"%.30s\"", what, at);
}

static struct map_piece *add_piece(struct map_template *t, enum map_piece_kind kind)
{
    t->pieces = xrealloc(t->pieces, t->count + 1, sizeof *t->pieces);
    t->pieces[t->count] = (struct map_piece){.kind = kind};
    return &t->pieces[t->count++];
}

/* One character of plain text, joined to the plain text in front of it. */
static void add_char(struct map_template *t, char c)
{
    struct map_piece *p = t->count > 0 ? &t->pieces[t->count - 1] : NULL;

    if (p == NULL || p->kind != PIECE_TEXT)
        p = add_piece(t, PIECE_TEXT);
    p->text = xrealloc(p->text, p->length + 2, 1);
    p->text[p->length++] = c;
    p->text[p->length] = '\0';
}

static void skip_blanks(const char **text)
{
    while (**text == ' ')
        (*text)++;
}

static int take_paths(const char **text, struct map_piece *p, struct err *e)
{
    for (;;) {
        struct map_path path;

        skip_blanks(text);
        if (map_path_parse(text, &path, e) != 0)
            return -1;
        p->paths = xrealloc(p->paths, p->paths_count + 1, sizeof *p->paths);
        p->paths[p->paths_count++] = path;
        skip_blanks(text);
        if (**text != ',')
            return 0;
        (*text)++;
    }
}

static int take_filters(const char **text, struct map_piece *p, struct err *e)
{
    while (**text == '|') {
        struct map_filter filter;

        (*text)++;
        skip_blanks(text);
        if (map_filter_parse(text, &filter, e) != 0)
            return -1;
        p->filters = xrealloc(p->filters, p->filters_count + 1, sizeof *p->filters);
        p->filters[p->filters_count++] = filter;
        p->optional = p->optional || map_filter_is_optional(&filter);
        skip_blanks(text);
    }
    return 0;
}

/* *text stands behind the opening brace. */
static int take_hole(const char **text, struct map_template *t, struct err *e)
{
    struct map_piece *p = add_piece(t, PIECE_HOLE);
    const char *start = *text;

    if (take_paths(text, p, e) != 0 || take_filters(text, p, e) != 0)
        return -1;
    if (**text != '}')
        return bad(e, "a hole is not closed by }", *text);
    p->text = xstrndup(start, (size_t)(*text - start));
    (*text)++;
    t->holes++;
    return 0;
}

static int take_bracket(char c, bool *open, struct map_template *t, const char *at, struct err *e)
{
    if (*open == (c == '['))
        return bad(e,
                   c == '[' ? "a part in brackets cannot hold another one"
                            : "a bracket closes what none has opened (write ]] for the sign)",
                   at);
    (void)add_piece(t, c == '[' ? PIECE_OPEN : PIECE_CLOSE);
    *open = c == '[';
    return 0;
}

/* One piece or character. */
static int take_one(const char **text, struct map_template *t, bool *open, struct err *e)
{
    char c = **text;

    if (t->count >= MAP_PIECES_MAX)
        return bad(e, "the text has too many pieces", *text);
    if (strchr("{}[]", c) != NULL && (*text)[1] == c) {
        add_char(t, c);
        *text += 2;
        return 0;
    }
    (*text)++;
    if (c == '{')
        return take_hole(text, t, e);
    if (c == '}')
        return bad(e, "a brace closes what none has opened (write }} for the sign)", *text - 1);
    if (c == '[' || c == ']')
        return take_bracket(c, open, t, *text - 1, e);
    add_char(t, c);
    return 0;
}

int map_template_parse(const char *text, struct map_template *ret, struct err *e)
{
    struct map_template t = {0};
    bool open = false;
    int rc = 0;

    while (rc == 0 && *text != '\0')
        rc = take_one(&text, &t, &open, e);
    if (rc == 0 && open)
        rc = bad(e, "a bracket is not closed", "the end");
    if (rc != 0) {
        map_template_done(&t);
        return -1;
    }
    *ret = t;
    return 0;
}

static void piece_done(struct map_piece *p)
{
    for (size_t i = 0; i < p->paths_count; i++)
        map_path_done(&p->paths[i]);
    for (size_t i = 0; i < p->filters_count; i++)
        map_filter_done(&p->filters[i]);
    free(p->paths);
    free(p->filters);
    free(p->text);
}

void map_template_done(struct map_template *t)
{
    for (size_t i = 0; i < t->count; i++)
        piece_done(&t->pieces[i]);
    free(t->pieces);
    *t = (struct map_template){0};
}

int map_template_paths(const struct map_template *t,
                       int (*fn)(void *arg, const struct map_path *path, struct err *e), void *arg,
                       struct err *e)
{
    for (size_t i = 0; i < t->count; i++)
        for (size_t j = 0; j < t->pieces[i].paths_count; j++)
            if (fn(arg, &t->pieces[i].paths[j], e) != 0)
                return -1;
    return 0;
}

/* The values of a path with `[*]`, joined. */
struct joining {
    struct buf *text;
    const char *between;
    size_t max;
};

static bool join_one(void *arg, const json_t *value)
{
    struct joining *j = arg;
    char space[JSON_IN_SPACE];
    const char *text = json_in_text(value, space);

    if (text == NULL || text[0] == '\0')
        return true;
    if (j->text->length > 0)
        (void)buf_add_text(j->text, j->between);
    (void)buf_add_text(j->text, text);
    return j->text->length < j->max;
}

static const char *between_of(const struct map_piece *p)
{
    for (size_t i = 0; i < p->filters_count; i++)
        if (map_filter_is_join(&p->filters[i]))
            return p->filters[i].text;
    return ", ";
}

/* The first path that leads to something. */
static void find_value(const struct map_piece *p, const struct map_fill *f, struct map_value *v)
{
    for (size_t i = 0; i < p->paths_count && map_value_empty(v); i++) {
        if (p->paths[i].each) {
            struct joining j = {&v->text, between_of(p), f->strict ? SIZE_MAX : MAP_HOLE_TEXT_MAX};

            v->json = NULL;
            map_path_each(&p->paths[i], &f->scope, join_one, &j);
        } else {
            v->json = map_path_get(&p->paths[i], &f->scope);
        }
    }
}

static bool put(const struct map_fill *f, struct buf *out, const char *text)
{
    size_t n = strlen(text);

    if (n > MAP_HOLE_TEXT_MAX && !f->strict)
        n = text_boundary(text, n, MAP_HOLE_TEXT_MAX);
    (void)buf_add(out, text, n);
    return n > 0;
}

static bool fill_filtered(const struct map_piece *p, struct map_fill *f, struct buf *out)
{
    struct map_value v = {0};
    bool some;

    buf_init(&v.text, SIZE_MAX / 4);
    find_value(p, f, &v);
    for (size_t i = 0; i < p->filters_count; i++)
        map_filter_apply(&p->filters[i], &v, f, p->text);
    map_value_to_text(&v, f, p->text);
    some = put(f, out, buf_text(&v.text));
    buf_done(&v.text);
    return some;
}

/* Most holes are one path to one scalar. */
static bool fill_hole(const struct map_piece *p, struct map_fill *f, struct buf *out)
{
    char space[JSON_IN_SPACE];
    const char *text;
    bool some;

    if (p->filters_count == 0 && p->paths_count == 1 && !p->paths[0].each) {
        text = json_in_text(map_path_get(&p->paths[0], &f->scope), space);
        if (text != NULL && text[0] != '\0')
            return put(f, out, text);
    }
    some = fill_filtered(p, f, out);
    if (!some && !p->optional && f->missing == NULL)
        f->missing = p->text;
    return some;
}

static void cut_back(struct buf *out, size_t length)
{
    out->length = length;
    if (out->data != NULL)
        out->data[length] = '\0';
}

bool map_template_fill(const struct map_template *t, struct map_fill *f, struct buf *out)
{
    size_t start = out->length, part = start;
    bool any = t->holes == 0, in_part = false;

    for (size_t i = 0; i < t->count; i++) {
        const struct map_piece *p = &t->pieces[i];

        switch (p->kind) {
        case PIECE_TEXT:
            (void)buf_add(out, p->text, p->length);
            break;
        case PIECE_HOLE:
            if (fill_hole(p, f, out))
                any = in_part = true;
            break;
        case PIECE_OPEN:
            part = out->length;
            in_part = false;
            break;
        case PIECE_CLOSE:
            if (!in_part)
                cut_back(out, part);
            break;
        }
    }
    if (!any)
        cut_back(out, start);
    invariant(!out->failed);
    return out->length > start;
}

char *map_template_text(const struct map_template *t, struct map_fill *f)
{
    struct buf out;

    if (t->count == 0)
        return xstrdup("");
    buf_init(&out, SIZE_MAX / 4);
    (void)map_template_fill(t, f, &out);
    return buf_take(&out, NULL);
}
