/* config_load: libconfig parses, the table says what may stand there, config_finish checks what
 * belongs together. Every problem is noted and reading goes on, so that one run shows all; only
 * libconfig's own refusals (syntax, duplicates) come alone. No network, no clock. */
#include <libconfig.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"
#include "bridge/config/config_reader.h"
#include "bridge/config/config_secret.h"
#include "bridge/config/config_text.h"
#include "bridge/config/config_value.h"

#define FILE_MAX ((size_t)1024 * 1024)

struct config_place config_place_of(const struct config_reader *r, const config_setting_t *s)
{
    const char *file = config_setting_source_file(s);

    return (struct config_place){file ? file : r->file, config_setting_source_line(s)};
}

void config_mark_add(struct config_reader *r, const char *path, size_t entry,
                     struct config_place place)
{
    r->marks = xrealloc(r->marks, r->marks_count + 1, sizeof(*r->marks));
    r->marks[r->marks_count++] = (struct config_mark){path, entry, place};
}

const struct config_mark *config_mark_find(const struct config_reader *r, const char *path,
                                           size_t entry)
{
    for (size_t i = 0; i < r->marks_count; i++)
        if (r->marks[i].entry == entry && strcmp(r->marks[i].path, path) == 0)
            return &r->marks[i];
    return NULL;
}

struct config_place config_key_place(const struct config_reader *r, const struct config_key *k,
                                     size_t entry)
{
    const struct config_group *g = config_key_group(k);
    const struct config_mark *mark = config_mark_find(r, k->path, entry);
    const char *dot = strrchr(g->path, '.');
    char *parent = dot ? xstrndup(g->path, (size_t)(dot - g->path)) : NULL;

    if (!mark)
        mark = config_mark_find(r, g->path, entry);
    if (!mark && parent)
        mark = config_mark_find(r, parent, 0);
    if (!mark && g->kind == GROUP_PRODUCERS) /* the entry was made from a work item */
        mark = config_mark_find(r, "connection.work_items", 0);
    free(parent);
    return mark ? mark->place : (struct config_place){r->file, 0};
}

/* "group.name" as people should read it; new. */
static char *member_shown(const struct config *c, const struct config_group *g, size_t entry,
                          const char *name)
{
    char *group = config_entry_shown(c, g, entry);
    char *shown = xasprintf("%s%s%s", group, *group ? "." : "", name);

    free(group);
    return shown;
}

char *config_key_shown(const struct config *c, const struct config_key *k, size_t entry)
{
    return member_shown(c, config_key_group(k), entry, config_key_name(k));
}

/* The group in which a key of this name exists, when there is exactly one. */
static const struct config_group *home_of(const char *name)
{
    const struct config_group *home = NULL;

    for (size_t i = 0; i < config_groups_count; i++) {
        if (!config_key_find(&config_groups[i], name))
            continue;
        if (home)
            return NULL;
        home = &config_groups[i];
    }
    return home;
}

/* Names of the keys and groups that may stand in g. Returns how many; room for all is needed. */
static size_t names_in(const struct config_group *g, const char **names)
{
    size_t n = 0;

    for (size_t i = 0; i < config_keys_count(); i++)
        if (config_key_in(config_key_at(i), g))
            names[n++] = config_key_name(config_key_at(i));
    for (size_t i = 0; i < config_groups_count; i++) {
        const char *dot = strrchr(config_groups[i].path, '.');
        const char *name = dot ? dot + 1 : config_groups[i].path;

        if (*name && config_group_find(g, name) == &config_groups[i])
            names[n++] = name;
    }
    return n;
}

static void unknown_key(struct config_reader *r, const struct config_group *g, const char *shown,
                        const config_setting_t *s)
{
    const char **names = xcalloc(config_keys_count() + config_groups_count, sizeof(*names));
    const char *name = config_setting_name(s);
    const char *near = config_nearest(name, names, names_in(g, names));
    const struct config_group *home = home_of(name);
    struct config_place at = config_place_of(r, s);

    if (home && !(near && config_distance(name, near) == 1))
        config_problems_add(&r->problems, at, shown, "there is no such key here; it belongs %s%s",
                            *home->path ? "in " : "at the top of the file", home->path);
    else if (near)
        config_problems_add(&r->problems, at, shown, "there is no such key; did you mean %s?",
                            near);
    else
        config_problems_add(&r->problems, at, shown,
                            "there is no such key; `itsm-bridge config reference` lists all");
    free(names);
}

static void read_group(struct config_reader *r, const struct config_group *g, size_t entry,
                       const config_setting_t *s);

static void read_list(struct config_reader *r, const struct config_group *g,
                      const config_setting_t *s, const char *path)
{
    int type = config_setting_type(s);

    if (type != CONFIG_TYPE_LIST && (type != CONFIG_TYPE_ARRAY || config_setting_length(s) > 0)) {
        config_mark_add(r, g->path, CONFIG_REFUSED, config_place_of(r, s));
        config_wrong_type(r, s, path, "a list of groups ( { ... }, { ... } )");
        return;
    }
    for (unsigned i = 0; i < (unsigned)config_setting_length(s); i++) {
        const config_setting_t *item = config_setting_get_elem(s, i);
        char *shown = xasprintf("%s[%u]", path, i);

        if (config_setting_type(item) == CONFIG_TYPE_GROUP) {
            read_group(r, g, config_group_add(r->config, g), item);
        } else {
            config_mark_add(r, g->path, CONFIG_REFUSED, config_place_of(r, item));
            config_wrong_type(r, item, shown, "a group { ... }");
        }
        free(shown);
    }
}

static void read_subgroup(struct config_reader *r, const struct config_group *g,
                          const config_setting_t *s, const char *path)
{
    if (g->kind != GROUP_ONE) {
        read_list(r, g, s, path);
    } else if (config_setting_type(s) == CONFIG_TYPE_GROUP) {
        read_group(r, g, 0, s);
    } else {
        config_mark_add(r, g->path, CONFIG_REFUSED, config_place_of(r, s));
        config_wrong_type(r, s, path, "a group { ... }");
    }
}

static void read_group(struct config_reader *r, const struct config_group *g, size_t entry,
                       const config_setting_t *s)
{
    config_mark_add(r, g->path, entry, config_place_of(r, s));
    for (unsigned i = 0; i < (unsigned)config_setting_length(s); i++) {
        const config_setting_t *member = config_setting_get_elem(s, i);
        const char *name = config_setting_name(member);
        const struct config_key *k = config_key_find(g, name);
        const struct config_group *sub = config_group_find(g, name);
        char *shown = member_shown(r->config, g, entry, name);

        if (k) {
            char *base = config_group_base(r->config, g, entry);

            config_mark_add(r, k->path, entry, config_place_of(r, member));
            config_type_of(k)->read(r, k, base + k->offset, member, shown);
        } else if (sub) {
            read_subgroup(r, sub, member, shown);
        } else {
            unknown_key(r, g, shown, member);
        }
        free(shown);
    }
    config_group_set_line(r->config, g, entry, config_place_of(r, s).line);
}

/* Numbers that do not fit, in places that no key of ours has looked at. */
static void report_tokens(struct config_reader *r)
{
    for (size_t i = 0; i < r->tokens.count; i++) {
        const struct config_token *t = &r->tokens.items[i];
        struct config_place at = {t->file, t->name_line};

        if (!t->told && !config_problems_at(&r->problems, at))
            config_problems_add(&r->problems, at, t->name, "%s %s", t->text, t->why);
    }
}

static void scan_includes(struct config_reader *r, const config_t *lib)
{
    for (unsigned i = 0; i < lib->num_filenames; i++) {
        bool joined = *r->folder && strncmp(lib->filenames[i], r->folder, strlen(r->folder)) == 0;
        char *path = config_join(joined ? "" : r->folder, lib->filenames[i]);
        size_t length;
        char *text = config_read_file_text(path, FILE_MAX, &length, NULL);

        if (text) {
            config_tokens_scan(&r->tokens, lib->filenames[i], text);
            OPENSSL_cleanse(text, length);
        } else {
            config_problems_add(&r->problems, (struct config_place){lib->filenames[i], 0}, "",
                                "cannot be read again, so its numbers are not checked; it must be "
                                "a regular file of at most %zu KiB",
                                FILE_MAX / 1024);
        }
        free(text);
        free(path);
    }
}

/* libconfig does not overwrite what it frees. */
static void wipe_strings(config_setting_t *s)
{
    if (config_setting_type(s) == CONFIG_TYPE_STRING && s->value.sval)
        OPENSSL_cleanse(s->value.sval, strlen(s->value.sval));
    if (!config_setting_is_aggregate(s))
        return;
    for (unsigned i = 0; i < (unsigned)config_setting_length(s); i++)
        wipe_strings(config_setting_get_elem(s, i));
}

static void parse_problem(struct config_reader *r, const config_t *lib)
{
    const char *file = config_error_file(lib), *text = config_error_text(lib);
    const char *cure = "look at this line and the one before it for a missing quote, bracket, ';' "
                       "or '='";

    if (text && strstr(text, "duplicate"))
        cure = "a key may stand once in its group: remove one";
    else if (text && strstr(text, "include"))
        cure = "the path counts from the folder of the main file";
    else if (text && strstr(text, "mismatched"))
        cure = "all items between [ and ] must be of one type";
    config_problems_add(&r->problems,
                        (struct config_place){file ? file : r->file, config_error_line(lib)}, NULL,
                        "%s; %s", text ? text : "cannot be parsed", cure);
}

static void read_text(struct config_reader *r, const char *text)
{
    int open = config_tokens_open_text(text);
    config_t lib;

    if (open > 0) { /* libconfig would point at the end of the file, and leak what it has read */
        config_problems_add(&r->problems, (struct config_place){r->file, open}, NULL,
                            "syntax error: a text begins here and does not end; add the missing "
                            "quote (\"), or put a \\ before a quote inside the text");
        return;
    }
    config_init(&lib);
    config_set_include_dir(&lib, *r->folder ? r->folder : ".");
    if (config_read_string(&lib, text) == CONFIG_TRUE) {
        config_tokens_scan(&r->tokens, r->file, text);
        scan_includes(r, &lib);
        read_group(r, &config_groups[config_groups_count - 1], 0, config_root_setting(&lib));
        config_finish(r);
        report_tokens(r);
    } else {
        parse_problem(r, &lib);
    }
    config_tokens_done(&r->tokens); /* borrows file names of lib */
    wipe_strings(config_root_setting(&lib));
    config_destroy(&lib);
}

static void read_file(struct config_reader *r)
{
    struct config_place top = {r->file, 0};
    struct err e;
    size_t length;
    char *text = config_read_file_text(r->file, FILE_MAX, &length, &e);
    const char *mark = "\xef\xbb\xbf", *begin = text;

    if (!text) {
        config_problems_add(&r->problems, top, NULL, "%s; name another file with -c FILE", e.text);
        return;
    }
    if (strncmp(text, mark, strlen(mark)) == 0)
        begin = text + strlen(mark);
    if (memchr(text, '\0', length))
        config_problems_add(&r->problems, top, NULL,
                            "holds a NUL byte, so it is no text file; save it as UTF-8");
    else
        read_text(r, begin);
    OPENSSL_cleanse(text, length);
    free(text);
}

static char *folder_of(const char *file)
{
    const char *slash = strrchr(file, '/');

    if (!slash)
        return xstrdup("");
    return slash == file ? xstrdup("/") : xstrndup(file, (size_t)(slash - file));
}

struct config *config_load(const char *file, enum config_need need, struct config_errors *errors)
{
    struct config_reader r = {.file = file, .need = need, .folder = folder_of(file)};

    r.config = xcalloc(1, sizeof(*r.config));
    r.config->file = xstrdup(file);
    r.config->connection.host = xstrdup("");
    for (size_t i = 0; i < config_groups_count; i++)
        if (config_groups[i].kind == GROUP_ONE)
            config_preset(r.config, &config_groups[i], 0);
    config_problems_init(&r.problems, file);
    read_file(&r);
    if (r.problems.count > 0)
        r.config = config_free(r.config);
    config_problems_take(&r.problems, errors);
    config_pairs_done(&r.properties);
    free(r.marks);
    free(r.folder);
    return r.config;
}

struct config *config_free(struct config *c)
{
    if (!c)
        return NULL;
    for (size_t i = 0; i < config_groups_count; i++)
        for (size_t entry = 0; entry < config_group_count(c, &config_groups[i]); entry++)
            config_release(c, &config_groups[i], entry);
    config_pairs_done(&c->kafka.properties);
    free(c->consumers);
    free(c->rules);
    free(c->conditions);
    free(c->producers);
    free(c->connection.host);
    free(c->file);
    free(c);
    return NULL;
}
