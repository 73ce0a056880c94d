/* The registry of formats. The shipped mappings are compiled at first use and live as long as the
 * process; that they are sound is a test's business, so a fault in them is a broken program. */
#include "consumers/formats.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/buf.h"
#include "bridge/base/panic.h"
#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "consumers/azure.h"
#include "consumers/shipped.h"

#define AZURE "azure"

struct formats {
    struct mapping **items;
    size_t count;
};

static void add(struct formats *f, struct mapping *taken)
{
    f->items = xrealloc(f->items, f->count + 1, sizeof(struct mapping *));
    f->items[f->count++] = taken;
}

/* Loop thread or a command's only thread. */
static const struct formats *shipped(void)
{
    static struct formats all;
    struct config_errors errors = {0};

    for (size_t i = all.count; i < shipped_mappings_count; i++) {
        struct mapping *m =
            mapping_new(shipped_mappings[i].file, shipped_mappings[i].text, true, &errors);

        if (m == NULL)
            panic("a shipped mapping is wrong: %s", errors.items[0].text);
        add(&all, m);
    }
    return &all;
}

char *formats_names(void)
{
    const struct formats *all = shipped();
    struct buf b;

    buf_init(&b, 4000);
    (void)buf_add_text(&b, AZURE);
    for (size_t i = 0; i < all->count; i++)
        (void)buf_addf(&b, ", %s", mapping_format(all->items[i]));
    return buf_take(&b, NULL);
}

static bool find_in(const struct formats *f, const struct map_input *in, struct format_match *ret)
{
    const char *format = in->consumer->format;
    bool any = text_equal_nocase(format, "auto");

    for (size_t i = 0; f != NULL && i < f->count; i++) {
        const struct map_shape *shape;

        if (!any && !text_equal_nocase(format, mapping_format(f->items[i])))
            continue;
        shape = mapping_detect(f->items[i], in);
        if (shape != NULL) {
            *ret = (struct format_match){.mapping = f->items[i], .shape = shape};
            return true;
        }
    }
    return false;
}

/* The user's own come first: who writes one for messages that are known means it. */
bool formats_find(const struct map_input *in, struct format_match *ret)
{
    const char *format = in->consumer->format;

    if (find_in(in->consumer->formats, in, ret))
        return true;
    if ((text_equal_nocase(format, "auto") || text_equal_nocase(format, AZURE)) &&
        azure_detect(in->message)) {
        *ret = (struct format_match){.azure = true};
        return true;
    }
    return find_in(shipped(), in, ret);
}

static void add_error(struct config_errors *errors, char *taken)
{
    errors->items = xrealloc(errors->items, errors->count + 1, sizeof *errors->items);
    errors->items[errors->count++].text = taken;
}

/* A relative path starts from the folder of the configuration, as all paths in it do. */
static char *path_of(const struct config *c, const char *path)
{
    const char *slash = strrchr(c->file, '/');

    if (path[0] == '/' || slash == NULL)
        return xstrdup(path);
    return xasprintf("%.*s/%s", (int)(slash - c->file), c->file, path);
}

static const struct mapping *find_name(const struct formats *f, const char *format)
{
    for (size_t i = 0; i < f->count; i++)
        if (text_equal_nocase(mapping_format(f->items[i]), format))
            return f->items[i];
    return NULL;
}

static void load_one(struct config *c, struct formats *f, const char *path,
                     struct config_errors *errors)
{
    char *file = path_of(c, path);
    struct mapping *m = mapping_load(file, errors);
    const struct mapping *other = m != NULL ? find_name(f, mapping_format(m)) : NULL;

    if (other != NULL) {
        add_error(errors, xasprintf("%s: has the name of %s (%s); names must differ", file,
                                    mapping_file(other), mapping_format(other)));
        m = mapping_free(m);
    }
    if (m != NULL)
        add(f, m);
    free(file);
}

static void check_format(const struct config *c, const struct config_consumer *consumer,
                         const struct formats *own, struct config_errors *errors)
{
    const char *format = consumer->format;
    struct buf names;
    char *known;

    if (text_equal_nocase(format, "auto") || text_equal_nocase(format, AZURE) ||
        find_name(shipped(), format) != NULL || find_name(own, format) != NULL)
        return;
    known = formats_names();
    buf_init(&names, 4000);
    for (size_t i = 0; i < own->count; i++)
        (void)buf_addf(&names, ", %s", mapping_format(own->items[i]));
    add_error(errors,
              xasprintf("%s:%d: consumers \"%s\": there is no format \"%s\"; there are "
                        "auto, %s%s, and any of your own by a file named in `mappings`",
                        c->file, consumer->line, consumer->name, format, known, buf_text(&names)));
    buf_done(&names);
    free(known);
}

static struct formats *formats_free(struct formats *f)
{
    for (size_t i = 0; f != NULL && i < f->count; i++)
        (void)mapping_free(f->items[i]);
    free(f != NULL ? f->items : NULL);
    free(f);
    return NULL;
}

int formats_open(struct config *c, struct config_errors *errors)
{
    struct formats *own = xcalloc(1, sizeof *own);

    for (size_t i = 0; i < c->mappings.count; i++)
        load_one(c, own, c->mappings.items[i], errors);
    for (size_t i = 0; errors->count == 0 && i < c->consumers_count; i++)
        check_format(c, &c->consumers[i], own, errors);
    if (errors->count > 0) {
        (void)formats_free(own);
        return -1;
    }
    c->formats = own;
    for (size_t i = 0; i < c->consumers_count; i++)
        c->consumers[i].formats = own;
    return 0;
}

void formats_close(struct config *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->consumers_count; i++)
        c->consumers[i].formats = NULL;
    c->formats = formats_free(c->formats);
}
