/* Mapping files to programs: libconfig parses, a table says which keys there are and who reads
 * them. Every fault of a file is reported at once. A shape takes what it does not say itself from
 * the file's top level. */
#include "consumers/mapping/mapping_load.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/buf.h"
#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "bridge/config/config_tokens.h"

#define FILE_MAX   ((size_t)1024 * 1024)
#define SHAPES_MAX 50
#define NAME_MAX_  60

#define SHAPE(m_) offsetof(struct map_shape, m_)

static const struct key {
    const char *name;
    void (*read)(struct map_loader *l, const config_setting_t *s, void *into);
    size_t offset;
    bool must;
} keys[] = {
    {"kind", map_read_text, SHAPE(kind), false},
    {"when", map_read_tests, SHAPE(when), false},
    {"series_digest", map_read_flag, SHAPE(series_digest), false},
    {"series", map_read_templates, SHAPE(series), true},
    {"instance", map_read_templates, SHAPE(instance), false},
    {"short_id", map_read_template, SHAPE(short_id), false},
    {"state", map_read_state, 0, true},
    {"severity", map_read_severity, SHAPE(severity), false},
    {"fired", map_read_template, SHAPE(fired), false},
    {"cleared", map_read_template, SHAPE(resolved), false},
    {"rule", map_read_template, SHAPE(rule), false},
    {"service", map_read_template, SHAPE(service), false},
    {"source", map_read_template, SHAPE(source), false},
    {"resource", map_read_template, SHAPE(resource), false},
    {"title", map_read_template, SHAPE(title), true},
    {"about", map_read_template, SHAPE(about), false},
    {"where", map_read_template, SHAPE(where), false},
    {"targets", map_read_templates, SHAPE(targets), false},
    {"ci_names", map_read_templates, SHAPE(ci_names), false},
    {"labels", map_read_pairs, SHAPE(labels), false},
    {"links", map_read_pairs, SHAPE(links), false},
    {"sections", map_read_sections, SHAPE(sections), false},
};

/* Keys that are read by hand. */
static const char *const other_keys[] = {"name", "shapes", "never", "per", "unpack", "each"};

void map_fault(struct map_loader *l, const config_setting_t *at, const char *format, ...)
{
    struct config_errors *list = l->errors;
    const char *name = config_setting_name(at);
    char *what = NULL;
    va_list ap;

    va_start(ap, format);
    if (vasprintf(&what, format, ap) < 0)
        what = xstrdup("is wrong");
    va_end(ap);
    list->items = xrealloc(list->items, list->count + 1, sizeof *list->items);
    list->items[list->count++].text =
        xasprintf("%s:%u: %s%s%s", l->mapping->file, config_setting_source_line(at),
                  name != NULL ? name : "", name != NULL ? ": " : "", what);
    free(what);
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (size_t i = 0; names[i] != NULL; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

void map_check_names(struct map_loader *l, const config_setting_t *group, const char *const *names)
{
    for (int i = 0; i < config_setting_length(group); i++) {
        const config_setting_t *s = config_setting_get_elem(group, (unsigned)i);
        struct buf all;

        if (is_one_of(config_setting_name(s), names))
            continue;
        buf_init(&all, 2000);
        for (size_t j = 0; names[j] != NULL; j++)
            (void)buf_addf(&all, "%s%s", j > 0 ? ", " : "", names[j]);
        map_fault(l, s, "is no key that is known here; there are %s", buf_text(&all));
        buf_done(&all);
    }
}

static void check_keys(struct map_loader *l, const config_setting_t *group)
{
    const char *names[ARRAY_LEN(keys) + ARRAY_LEN(other_keys) + 1];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        names[n++] = keys[i].name;
    for (size_t i = 0; i < ARRAY_LEN(other_keys); i++)
        names[n++] = other_keys[i];
    names[n] = NULL;
    map_check_names(l, group, names);
}

static const config_setting_t *lookup(const config_setting_t *root, const config_setting_t *shape,
                                      const char *name)
{
    const config_setting_t *s = config_setting_get_member(shape, name);

    return s != NULL ? s : config_setting_get_member(root, name);
}

static void read_unpack(struct map_loader *l, const config_setting_t *s, struct map_shape *shape)
{
    struct map_texts texts = {0};

    map_read_texts(l, s, &texts);
    for (size_t i = 0; i < texts.count; i++) {
        const char *text = texts.items[i];
        struct map_path p;
        struct err e;

        if (map_path_parse(&text, &p, &e) != 0) {
            map_fault(l, s, "%s", e.text);
            continue;
        }
        shape->unpack = xrealloc(shape->unpack, shape->unpack_count + 1, sizeof *shape->unpack);
        shape->unpack[shape->unpack_count++] = p;
        if (*text != '\0' || p.each || p.count == 0 || p.steps[p.count - 1].kind != STEP_NAME)
            map_fault(l, s, "must be paths of one member each, as in [\"Message\"]");
    }
    map_texts_done(&texts);
}

static void read_by_hand(struct map_loader *l, const config_setting_t *root,
                         const config_setting_t *group, struct map_shape *shape)
{
    const config_setting_t *per = lookup(root, group, "per");
    const config_setting_t *unpack = lookup(root, group, "unpack");
    const config_setting_t *each = lookup(root, group, "each");
    char *word = NULL;

    if (per != NULL)
        map_read_text(l, per, &word);
    if (word != NULL && strcmp(word, "group") != 0 && strcmp(word, "alert") != 0)
        map_fault(l, per, "must be \"alert\" or \"group\"");
    shape->per_group = word != NULL && strcmp(word, "group") == 0;
    free(word);
    if (unpack != NULL)
        read_unpack(l, unpack, shape);
    if (each != NULL)
        shape->has_each = map_read_path(l, each, &shape->each);
}

static void read_shape(struct map_loader *l, const config_setting_t *root,
                       const config_setting_t *group)
{
    struct mapping *m = l->mapping;
    struct map_shape *shape;

    m->shapes = xrealloc(m->shapes, m->shapes_count + 1, sizeof *m->shapes);
    shape = &m->shapes[m->shapes_count++];
    *shape = (struct map_shape){.mapping = m};
    shape->state.otherwise = shape->severity.otherwise = -1;
    check_keys(l, group);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        const config_setting_t *s = lookup(root, group, keys[i].name);

        if (s == NULL && keys[i].must)
            map_fault(l, group, "`%s` is missing", keys[i].name);
        if (s == NULL)
            continue;
        l->secrets_allowed = shape->series_digest && strcmp(keys[i].name, "series") == 0;
        keys[i].read(l, s, (char *)shape + keys[i].offset);
        l->secrets_allowed = false;
    }
    read_by_hand(l, root, group, shape);
    if (shape->series.count == 0 && lookup(root, group, "series") != NULL)
        map_fault(l, group, "`series` is empty; it must name what is watched");
    if (shape->kind == NULL)
        shape->kind = xstrdup("alert");
}

static void read_shapes(struct map_loader *l, const config_setting_t *root)
{
    const config_setting_t *list = config_setting_get_member(root, "shapes");
    int n = list != NULL && config_setting_is_list(list) ? config_setting_length(list) : 0;

    if (list == NULL) {
        read_shape(l, root, root);
        return;
    }
    check_keys(l, root);
    if (n == 0 || n > SHAPES_MAX)
        map_fault(l, list, "must be a list of 1 to %d groups", SHAPES_MAX);
    for (int i = 0; i < n && n <= SHAPES_MAX; i++) {
        const config_setting_t *group = config_setting_get_elem(list, (unsigned)i);

        if (config_setting_is_group(group))
            read_shape(l, root, group);
        else
            map_fault(l, group, "a shape must be a group");
    }
}

static void read_name(struct map_loader *l, const config_setting_t *root, bool shipped)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
    const config_setting_t *s = config_setting_get_member(root, "name");
    char *name = NULL;

    if (s != NULL)
        map_read_text(l, s, &name);
    else
        map_fault(l, root,
                  "`name` is missing: the format's name, which enters the identity of its "
                  "alerts and may never change");
    if (name != NULL &&
        (name[0] == '\0' || strlen(name) > NAME_MAX_ || name[strspn(name, allowed)] != '\0'))
        map_fault(l, s, "must be 1 to %d of the characters %s", NAME_MAX_, allowed);
    l->mapping->format = xasprintf("%s%s", shipped ? "" : "mapping:", name != NULL ? name : "");
    free(name);
}

static void read_file(struct map_loader *l, const config_setting_t *root, bool shipped)
{
    const config_setting_t *never = config_setting_get_member(root, "never");

    read_name(l, root, shipped);
    if (never != NULL)
        map_read_texts(l, never, &l->mapping->never);
    read_shapes(l, root);
}

static void add_error(struct config_errors *errors, char *taken)
{
    errors->items = xrealloc(errors->items, errors->count + 1, sizeof *errors->items);
    errors->items[errors->count++].text = taken;
}

static void read_text(struct map_loader *l, const char *text, bool shipped)
{
    int open = config_tokens_open_text(text);
    config_t c;

    if (open > 0) { /* libconfig would point at the end of the file, and leak what it has read */
        add_error(l->errors, xasprintf("%s:%d: a text begins here and does not end; add the "
                                       "missing quote",
                                       l->mapping->file, open));
        return;
    }
    config_init(&c);
    if (config_read_string(&c, text) != CONFIG_TRUE)
        add_error(l->errors,
                  xasprintf("%s:%d: %s; check the line and the one above it", l->mapping->file,
                            config_error_line(&c), config_error_text(&c)));
    else
        read_file(l, config_root_setting(&c), shipped);
    config_destroy(&c);
}

struct mapping *mapping_new(const char *file, const char *text, bool shipped,
                            struct config_errors *errors)
{
    struct map_loader l = {.mapping = xcalloc(1, sizeof *l.mapping), .errors = errors};
    size_t before = errors->count;

    l.mapping->file = xstrdup(file);
    read_text(&l, text, shipped);
    return errors->count == before ? l.mapping : mapping_free(l.mapping);
}

static int read_all(FILE *f, struct buf *text)
{
    char piece[4096];
    size_t n;

    while ((n = fread(piece, 1, sizeof piece, f)) > 0)
        (void)buf_add(text, piece, n);
    return ferror(f) || text->failed ? -1 : 0;
}

struct mapping *mapping_load(const char *file, struct config_errors *errors)
{
    struct mapping *m = NULL;
    FILE *f = fopen(file, "rb");
    struct buf text;

    if (f == NULL) {
        add_error(errors,
                  xasprintf("%s: cannot be opened: %s; correct `mappings`", file, strerror(errno)));
        return NULL;
    }
    buf_init(&text, FILE_MAX);
    if (read_all(f, &text) != 0)
        add_error(errors, xasprintf("%s: cannot be read, or is longer than %zu KiB, which no "
                                    "mapping is",
                                    file, FILE_MAX >> 10));
    else
        m = mapping_new(file, buf_text(&text), false, errors);
    buf_done(&text);
    (void)fclose(f);
    return m;
}
