/* Keys that hold several values (lists of text, constants, librdkafka properties) and the table of
 * all types. */
#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"
#include "bridge/config/config_reader.h"
#include "bridge/config/config_scalar.h"
#include "bridge/config/config_secret.h"
#include "bridge/config/config_text.h"

void config_list_add(struct config_list *list, char *taken)
{
    list->items = xrealloc(list->items, list->count + 1, sizeof(*list->items));
    list->items[list->count++] = taken;
}

bool config_list_same(const struct config_list *a, const struct config_list *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->items[i], b->items[i]) != 0)
            return false;
    return true;
}

void config_pairs_add(struct config_pairs *pairs, char *name_taken, char *value_taken)
{
    pairs->items = xrealloc(pairs->items, pairs->count + 1, sizeof(*pairs->items));
    pairs->items[pairs->count++] = (struct config_pair){name_taken, value_taken};
}

void config_pairs_done(struct config_pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++) {
        free(pairs->items[i].name);
        config_secret_wipe(pairs->items[i].value);
    }
    free(pairs->items);
    *pairs = (struct config_pairs){0};
}

bool config_pairs_same(const struct config_pairs *a, const struct config_pairs *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->items[i].name, b->items[i].name) != 0 ||
            strcmp(a->items[i].value, b->items[i].value) != 0)
            return false;
    return true;
}

/* Lists of text. Memory is zero before a preset, which is an empty list already. */

static void empty_preset(const struct config_key *k, void *value)
{
    (void)k;
    (void)value;
}

static bool is_list(const config_setting_t *s)
{
    return config_setting_type(s) == CONFIG_TYPE_ARRAY ||
           config_setting_type(s) == CONFIG_TYPE_LIST;
}

/* The text of item i when it is fine, else NULL with the reason noted. Borrowed. */
static const char *item_checked(struct config_reader *r, const struct config_key *k,
                                const config_setting_t *s, unsigned i, const char *path)
{
    const config_setting_t *item = config_setting_get_elem(s, i);
    const char *text, *wrong;

    if (config_setting_type(item) != CONFIG_TYPE_STRING) {
        config_wrong_type(r, item, path, "a list of texts in quotes, as in [\"a\", \"b\"]");
        return NULL;
    }
    text = config_setting_get_string(item);
    wrong = config_check_plain(text);
    if (wrong) {
        config_problems_add(&r->problems, config_place_of(r, item), path, "item %u %s", i + 1,
                            wrong);
        return NULL;
    }
    wrong = k->check ? k->check(text) : NULL;
    if (wrong)
        config_problems_add(&r->problems, config_place_of(r, item), path, "\"%s\" %s", text, wrong);
    return wrong ? NULL : text;
}

static bool has(const struct config_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], text) == 0)
            return true;
    return false;
}

static void strings_read(struct config_reader *r, const struct config_key *k, void *value,
                         const config_setting_t *s, const char *path)
{
    struct config_list *list = value;

    if (!is_list(s)) {
        config_wrong_type(r, s, path, "a list of texts in quotes, as in [\"a\", \"b\"]");
        return;
    }
    if (config_setting_length(s) < k->low)
        config_problems_add(&r->problems, config_place_of(r, s), path, "must not be empty");
    for (unsigned i = 0; i < (unsigned)config_setting_length(s); i++) {
        const char *text = item_checked(r, k, s, i, path);

        if (text && has(list, text))
            config_problems_add(&r->problems, config_place_of(r, config_setting_get_elem(s, i)),
                                path, "\"%s\" stands there twice; remove one", text);
        else if (text)
            config_list_add(list, xstrdup(text));
    }
}

static void strings_print(const struct config_key *k, const void *value, FILE *out)
{
    const struct config_list *list = value;

    (void)k;
    (void)fputc('[', out);
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0)
            (void)fputs(", ", out);
        config_print_text(list->items[i], out);
    }
    (void)fputc(']', out);
}

static bool strings_same(const void *a, const void *b)
{
    return config_list_same(a, b);
}

/* Properties are lists too, and may hold secrets: wiped in both cases. */
static void strings_done(void *value)
{
    struct config_list *list = value;

    for (size_t i = 0; i < list->count; i++)
        config_secret_wipe(list->items[i]);
    free(list->items);
    *list = (struct config_list){0};
}

/* Constants */

/* New text of a scalar, or NULL with the reason noted. */
static char *constant_text(struct config_reader *r, const config_setting_t *s, const char *path)
{
    struct config_place at = config_place_of(r, s);
    struct config_token *token;
    const char *wrong;

    switch (config_setting_type(s)) {
    case CONFIG_TYPE_STRING:
        wrong = config_check_plain(config_setting_get_string(s));
        if (!wrong)
            return xstrdup(config_setting_get_string(s));
        config_problems_add(&r->problems, at, path, "%s", wrong);
        return NULL;
    case CONFIG_TYPE_BOOL:
        return xstrdup(config_setting_get_bool(s) == CONFIG_TRUE ? "true" : "false");
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        token = config_tokens_find(&r->tokens, at.file, at.line, config_setting_name(s));
        if (!token)
            return xasprintf("%lld", config_setting_get_int64(s));
        token->told = true;
        config_problems_add(&r->problems, at, path, "%s %s; put it in quotes", token->text,
                            token->why);
        return NULL;
    default:
        config_wrong_type(r, s, path, "a text in quotes");
        return NULL;
    }
}

static void pairs_read(struct config_reader *r, const struct config_key *k, void *value,
                       const config_setting_t *s, const char *path)
{
    if (config_setting_type(s) != CONFIG_TYPE_GROUP) {
        config_wrong_type(r, s, path, "a group of constants, as in { column = \"value\"; }");
        return;
    }
    for (unsigned i = 0; i < (unsigned)config_setting_length(s); i++) {
        const config_setting_t *item = config_setting_get_elem(s, i);
        const char *name = config_setting_name(item), *wrong = k->check(name);
        char *shown = xasprintf("%s.%s", path, name), *text = NULL;

        if (wrong)
            config_problems_add(&r->problems, config_place_of(r, item), shown, "\"%s\" %s", name,
                                wrong);
        else
            text = constant_text(r, item, shown);
        if (text && k->explain && config_explained(r, k, item, shown, text)) {
            free(text);
            text = NULL;
        }
        if (text)
            config_pairs_add(value, xstrdup(name), text);
        free(shown);
    }
}

static void pairs_print(const struct config_key *k, const void *value, FILE *out)
{
    const struct config_pairs *pairs = value;

    (void)k;
    (void)fputs("{ ", out);
    for (size_t i = 0; i < pairs->count; i++) {
        (void)fprintf(out, "%s = ", pairs->items[i].name);
        config_print_text(pairs->items[i].value, out);
        (void)fputs("; ", out);
    }
    (void)fputc('}', out);
}

static bool pairs_same(const void *a, const void *b)
{
    return config_pairs_same(a, b);
}

static void pairs_done(void *value)
{
    config_pairs_done(value);
}

/* Properties of librdkafka. The specs go to the value, the resolved pairs to r. */

/* A relative file: path starts from the folder of the file. New. */
static char *property_spec(const struct config_reader *r, const char *text)
{
    const char *equals = strchr(text, '=');
    char *path, *spec;

    if (!equals || strncmp(equals, "=file:", strlen("=file:")) != 0)
        return xstrdup(text);
    path = config_join(r->folder, equals + strlen("=file:"));
    spec = xasprintf("%.*s=file:%s", (int)(equals - text), text, path);
    free(path);
    return spec;
}

static void properties_read(struct config_reader *r, const struct config_key *k, void *value,
                            const config_setting_t *s, const char *path)
{
    if (!is_list(s)) {
        config_wrong_type(r, s, path, "a list, as in [\"client.id=bridge\"]");
        return;
    }
    for (unsigned i = 0; i < (unsigned)config_setting_length(s); i++) {
        const config_setting_t *item = config_setting_get_elem(s, i);
        const char *text = item_checked(r, k, s, i, path);
        char *spec = text ? property_spec(r, text) : NULL;

        if (spec &&
            config_property_add(r, &r->properties, spec, config_place_of(r, item), path) == 0)
            config_list_add(value, spec);
        else
            config_secret_wipe(spec);
    }
}

static void properties_print(const struct config_key *k, const void *value, FILE *out)
{
    const struct config_list *list = value;

    (void)k;
    (void)fputc('[', out);
    for (size_t i = 0; i < list->count; i++) {
        const char *equals = strchr(list->items[i], '=');
        char *name = xstrndup(list->items[i], (size_t)(equals - list->items[i]));
        bool hide =
            config_property_is_secret(name) && equals[1] && !config_secret_is_reference(equals + 1);
        char *shown = xasprintf("%s=%s", name, hide ? CONFIG_HIDDEN : equals + 1);

        if (i > 0)
            (void)fputs(", ", out);
        config_print_text(shown, out);
        config_secret_wipe(shown);
        free(name);
    }
    (void)fputc(']', out);
}

static void nothing_done(void *value)
{
    (void)value;
}

static const struct config_type types[] = {
    [KEY_STRING] = {"text", sizeof(char *), config_string_preset, config_string_read,
                    config_string_print, config_string_same, config_string_done},
    [KEY_PATH] = {"text", sizeof(char *), config_string_preset, config_path_read,
                  config_string_print, config_string_same, config_string_done},
    [KEY_BOOL] = {"true or false", sizeof(bool), config_bool_preset, config_bool_read,
                  config_bool_print, config_bool_same, nothing_done},
    [KEY_INT] = {"number", sizeof(int64_t), config_int_preset, config_int_read, config_int_print,
                 config_int_same, nothing_done},
    [KEY_ENUM] = {"word", sizeof(unsigned), config_enum_preset, config_enum_read, config_enum_print,
                  config_enum_same, nothing_done},
    [KEY_STRINGS] = {"list of text", sizeof(struct config_list), empty_preset, strings_read,
                     strings_print, strings_same, strings_done},
    [KEY_PAIRS] = {"group", sizeof(struct config_pairs), empty_preset, pairs_read, pairs_print,
                   pairs_same, pairs_done},
    [KEY_PROPERTIES] = {"list of text", sizeof(struct config_list), empty_preset, properties_read,
                        properties_print, strings_same, strings_done},
    [KEY_SECRET] = {"secret", sizeof(struct config_secret), config_secret_preset,
                    config_secret_read, config_secret_print, config_secret_same,
                    config_secret_done},
    [KEY_START] = {"text", 0, config_start_preset, config_start_read, config_start_print,
                   config_start_same, nothing_done},
};

const struct config_type *config_type_of(const struct config_key *k)
{
    return &types[k->type];
}

void config_preset(struct config *c, const struct config_group *g, size_t entry)
{
    char *base = config_group_base(c, g, entry);

    for (size_t i = 0; i < config_keys_count(); i++)
        if (config_key_in(config_key_at(i), g))
            config_type_of(config_key_at(i))
                ->preset(config_key_at(i), base + config_key_at(i)->offset);
}

void config_release(struct config *c, const struct config_group *g, size_t entry)
{
    char *base = config_group_base(c, g, entry);

    for (size_t i = 0; i < config_keys_count(); i++)
        if (config_key_in(config_key_at(i), g))
            config_type_of(config_key_at(i))->done(base + config_key_at(i)->offset);
}
