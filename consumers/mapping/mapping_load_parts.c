/* Readers of single settings: texts, lists of them, templates, paths. */
#include <stdlib.h>
#include <string.h>

#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "consumers/mapping/mapping_load.h"

static bool is_list(const config_setting_t *s)
{
    return config_setting_type(s) == CONFIG_TYPE_ARRAY ||
           config_setting_type(s) == CONFIG_TYPE_LIST;
}

/* The text of the setting, or NULL with a fault. Borrowed. */
static const char *text_of(struct map_loader *l, const config_setting_t *s)
{
    const char *text = config_setting_get_string(s);

    if (text == NULL)
        map_fault(l, s, "is no text; put it in quotes");
    else if (!text_is_utf8(text, strlen(text))) {
        map_fault(l, s, "is not UTF-8; save the file as UTF-8");
        text = NULL;
    }
    return text;
}

struct path_check {
    struct map_loader *l;
    const config_setting_t *at;
};

static int check_path(void *arg, const struct map_path *path, struct err *e)
{
    struct path_check *c = arg;

    if (path->root == ROOT_BESIDE)
        c->l->mapping->looks_beside = true;
    for (size_t i = 0; i < path->count && !c->l->secrets_allowed; i++)
        if (path->steps[i].name != NULL && map_is_secret(c->l->mapping, path->steps[i].name))
            return err_set(e, ERR_CONFIG, "mapping",
                           "\"%s\" is the name of a secret, which is never copied; leave it out",
                           path->steps[i].name);
    return 0;
}

void map_read_template_text(struct map_loader *l, const config_setting_t *s, const char *text,
                            struct map_template *into)
{
    struct path_check check = {l, s};
    struct map_template t;
    struct err e;

    if (map_template_parse(text, &t, &e) != 0) {
        map_fault(l, s, "%s", e.text);
        return;
    }
    if (map_template_paths(&t, check_path, &check, &e) != 0)
        map_fault(l, s, "%s", e.text);
    map_template_done(into);
    *into = t;
}

void map_read_template(struct map_loader *l, const config_setting_t *s, void *into)
{
    const char *text = text_of(l, s);

    if (text != NULL)
        map_read_template_text(l, s, text, into);
}

void map_read_templates(struct map_loader *l, const config_setting_t *s, void *into)
{
    struct map_templates *list = into;
    size_t n = is_list(s) ? (size_t)config_setting_length(s) : 1;

    for (size_t i = 0; i < n; i++) {
        list->items = xrealloc(list->items, list->count + 1, sizeof *list->items);
        list->items[list->count] = (struct map_template){0};
        map_read_template(l, is_list(s) ? config_setting_get_elem(s, (unsigned)i) : s,
                          &list->items[list->count++]);
    }
}

void map_read_texts(struct map_loader *l, const config_setting_t *s, void *into)
{
    struct map_texts *list = into;
    size_t n = is_list(s) ? (size_t)config_setting_length(s) : 1;

    for (size_t i = 0; i < n; i++) {
        const char *text = text_of(l, is_list(s) ? config_setting_get_elem(s, (unsigned)i) : s);

        if (text == NULL)
            continue;
        list->items = xrealloc(list->items, list->count + 1, sizeof *list->items);
        list->items[list->count++] = xstrdup(text);
    }
}

void map_read_text(struct map_loader *l, const config_setting_t *s, void *into)
{
    const char *text = text_of(l, s);

    if (text == NULL)
        return;
    free(*(char **)into);
    *(char **)into = xstrdup(text);
}

void map_read_flag(struct map_loader *l, const config_setting_t *s, void *into)
{
    if (config_setting_type(s) != CONFIG_TYPE_BOOL)
        map_fault(l, s, "must be true or false");
    else
        *(bool *)into = config_setting_get_bool(s) != 0;
}

bool map_read_path(struct map_loader *l, const config_setting_t *s, struct map_path *into)
{
    struct path_check check = {l, s};
    const char *text = text_of(l, s);
    struct err e;

    if (text == NULL)
        return false;
    if (map_path_parse(&text, into, &e) == 0) {
        if (*text == '\0' && check_path(&check, into, &e) == 0)
            return true;
        if (*text != '\0')
            (void)err_set(&e, ERR_CONFIG, "mapping",
                          "a path ends at \"%.30s\"; a name with such characters stands in single "
                          "quotes",
                          text);
        map_path_done(into);
    }
    map_fault(l, s, "%s", e.text);
    return false;
}
