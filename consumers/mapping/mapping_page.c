/* The page of an alert that a mapping made: what a person on call reads first comes first, what
 * only a search needs comes last. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bridge/base/xalloc.h"
#include "consumers/alert_edit.h"
#include "consumers/json_in.h"
#include "consumers/mapping/mapping_program.h"

#define LINK_SHOWN_MAX 1500 /* a longer link would leave no room for the rest of a description */
#define PAIRS_MAX      200  /* of one list of elements; the record holds fewer */

/* Takes one pair; both borrowed, neither empty. */
typedef void pair_fn(void *arg, const char *name, const char *value);

static void each_member(const struct map_pairs *p, const struct mapping *m, const json_t *object,
                        pair_fn *fn, void *arg)
{
    json_t *all = (json_t *)(uintptr_t)object; /* iterating does not change it */
    const char *name;
    json_t *value;

    json_object_foreach (all, name, value) {
        char space[JSON_IN_SPACE];
        const char *text = json_in_text(value, space);

        if (text != NULL && text[0] != '\0' && !map_texts_have(&p->except, name) &&
            !map_is_secret(m, name))
            fn(arg, name, text);
    }
}

/* A name that the mapping itself gives, which is no secret; NULL when the message gives it. */
static const char *constant(const struct map_template *name)
{
    return name->count == 1 && name->holes == 0 ? name->pieces[0].text : NULL;
}

static void one_pair(const struct map_pairs *p, const struct mapping *m, struct map_fill *f,
                     pair_fn *fn, void *arg)
{
    const char *given = constant(&p->name);
    char *name = given == NULL ? map_template_text(&p->name, f) : NULL;
    char *value = map_template_text(&p->value, f);

    if (given != NULL && value[0] != '\0')
        fn(arg, given, value);
    else if (name != NULL && name[0] != '\0' && value[0] != '\0' &&
             !map_texts_have(&p->except, name) && !map_is_secret(m, name))
        fn(arg, name, value);
    free(name);
    free(value);
}

static void each_element(const struct map_pairs *p, const struct mapping *m, struct map_fill *f,
                         pair_fn *fn, void *arg)
{
    const json_t *list = map_path_get(&p->at, &f->scope);
    struct map_fill inner = *f;
    size_t n = json_array_size(list);

    for (size_t i = 0; i < n && i < PAIRS_MAX; i++) {
        inner.scope.item = json_array_get(list, i);
        one_pair(p, m, &inner, fn, arg);
    }
    if (n > PAIRS_MAX)
        alert_note(f->alert, "%s has %zu elements: the first %d were read", map_path_name(&p->at),
                   n, PAIRS_MAX);
}

static void each_pair(const struct map_pairs_list *list, const struct mapping *m,
                      struct map_fill *f, pair_fn *fn, void *arg)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct map_pairs *p = &list->items[i];

        if (p->kind == PAIRS_MEMBERS)
            each_member(p, m, map_path_get(&p->at, &f->scope), fn, arg);
        else if (p->kind == PAIRS_EACH)
            each_element(p, m, f, fn, arg);
        else
            one_pair(p, m, f, fn, arg);
    }
}

static void add_label(void *arg, const char *name, const char *value)
{
    alert_add_label(arg, name, value);
}

static bool has_link(const struct alert *a, const char *url)
{
    for (size_t i = 0; i < a->links_count; i++)
        if (strcmp(a->links[i].value, url) == 0)
            return true;
    return false;
}

static void add_link(void *arg, const char *name, const char *url)
{
    struct alert *a = arg;

    if (!has_link(a, url))
        alert_add_link(a, name, url);
}

static void add_line(void *arg, const char *name, const char *value)
{
    struct layout *l = arg;

    if (strpbrk(value, "\r\n") != NULL)
        layout_paragraphs(l, name, value);
    else
        layout_line(l, name, value);
}

static void time_line(struct layout *l, const char *name, msec_t ms)
{
    char text[CLOCK_SN_SIZE + 4];

    if (ms == MSEC_NONE)
        return;
    clock_format_sn(ms, text);
    memcpy(text + strlen(text), " UTC", 5);
    layout_line(l, name, text);
}

static void severity_line(struct layout *l, const struct alert *a)
{
    static const char *const words[] = {"critical", "error", "warning", "informational", "verbose"};
    const char *told = a->severity_text;
    char *text;

    if (told[0] == '\0' && a->severity < 0) {
        layout_line(l, "Severity", a->state == ALERT_FIRING ? "not told" : "");
        return;
    }
    if (told[0] == '\0' || a->severity < 0 || strcasecmp(words[a->severity], told) == 0) {
        layout_line(l, "Severity", told[0] != '\0' ? told : words[a->severity]);
        return;
    }
    text = xasprintf("%s (%s)", told, words[a->severity]);
    layout_line(l, "Severity", text);
    free(text);
}

static void where_line(struct layout *l, const struct map_shape *shape, struct map_fill *f)
{
    const struct alert *a = f->alert;
    char *where = map_template_text(&shape->where, f);

    layout_line(l, "Where",
                where[0] != '\0'        ? where
                : a->ci_names_count > 0 ? a->ci_names[0]
                                        : a->resource);
    free(where);
}

static void write_head(struct layout *l, const struct map_shape *shape, struct map_fill *f)
{
    const struct alert *a = f->alert;
    char *about = map_template_text(&shape->about, f);

    layout_line(l, "What", a->title);
    where_line(l, shape, f);
    time_line(l, "Since", a->fired);
    time_line(l, "Cleared", a->resolved);
    severity_line(l, a);
    layout_line(l, "Rule", a->rule);
    if (strstr(a->title, about) == NULL)
        add_line(l, "About", about);
    free(about);
}

static void write_links(struct layout *l, struct alert *a)
{
    layout_heading(l, "Links");
    for (size_t i = 0; i < a->links_count; i++) {
        if (strlen(a->links[i].value) <= LINK_SHOWN_MAX)
            layout_line(l, a->links[i].name, a->links[i].value);
        else
            alert_note(a, "the link \"%s\" is too long to be shown", a->links[i].name);
    }
}

static void write_labels(struct layout *l, const struct alert *a)
{
    layout_heading(l, "Labels");
    for (size_t i = 0; i < a->labels_count; i++)
        layout_line(l, a->labels[i].name, a->labels[i].value);
}

static void write_origin(struct layout *l, const struct alert *a)
{
    layout_heading(l, "Origin");
    layout_line(l, "Source", a->source);
    layout_line(l, "Service", a->service);
    layout_lines(l, "Target", a->targets, a->targets_count);
    layout_lines(l, "Configuration item", a->ci_names, a->ci_names_count);
}

static void write_title(const struct map_shape *shape, struct map_fill *f)
{
    char *text = map_template_text(&shape->title, f);
    struct buf line;

    buf_init(&line, LAYOUT_VALUE_MAX + 8);
    layout_flat(&line, text, LAYOUT_VALUE_MAX);
    free(text);
    free(f->alert->title);
    f->alert->title = buf_take(&line, NULL);
}

void map_page_write(const struct map_shape *shape, struct map_fill *f)
{
    const struct mapping *m = shape->mapping;
    struct alert *a = f->alert;
    struct layout l;

    write_title(shape, f);
    each_pair(&shape->labels, m, f, add_label, a);
    each_pair(&shape->links, m, f, add_link, a);
    layout_init(&l);
    write_head(&l, shape, f);
    for (size_t i = 0; i < shape->sections.count; i++) {
        layout_heading(&l, shape->sections.items[i].heading);
        each_pair(&shape->sections.items[i].lines, m, f, add_line, &l);
    }
    write_links(&l, a);
    write_labels(&l, a);
    write_origin(&l, a);
    free(a->description);
    a->description = layout_take(&l);
}
