/* librdkafka properties that pass through: taken apart and resolved here, judged by librdkafka. No
 * error text repeats a value: it may be a password. */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/attr.h"
#include "bridge/base/xalloc.h"
#include "bridge/config/config_reader.h"
#include "bridge/config/config_secret.h"
#include "bridge/config/config_text.h"
#include "bridge/config/config_value.h"

#define PROPERTIES_MAX ((size_t)256 * 1024)

static const char *key_instead(const char *name)
{
    static const struct {
        const char *property, *key;
    } ours[] = {
        {"bootstrap.servers", "kafka.bootstrap_servers"},
        {"metadata.broker.list", "kafka.bootstrap_servers"},
        {"group.id", "kafka.group_id"},
        {"group.instance.id", "kafka.group_instance_id"},
    };

    for (size_t i = 0; i < ARRAY_LEN(ours); i++)
        if (strcmp(name, ours[i].property) == 0)
            return ours[i].key;
    return NULL;
}

int config_property_add(struct config_reader *r, struct config_pairs *pairs, const char *text,
                        struct config_place at, const char *path)
{
    const char *equals = strchr(text, '=');
    char *name = NULL, *value = NULL;
    struct err e;
    int result = -1;

    if (!equals || equals == text) {
        config_problems_add(&r->problems, at, path,
                            "an entry has no '='; write it as \"name=value\"");
        return -1;
    }
    name = xstrndup(text, (size_t)(equals - text));
    if (config_check_name(name)) {
        config_problems_add(&r->problems, at, path,
                            "what stands before the '=' is no name of a librdkafka property; write "
                            "it as \"name=value\" without blanks");
        goto out;
    }
    if (key_instead(name)) {
        config_problems_add(&r->problems, at, path, "%s has a key of its own; set %s instead", name,
                            key_instead(name));
        goto out;
    }
    for (size_t i = 0; i < pairs->count; i++)
        if (strcmp(pairs->items[i].name, name) == 0) {
            config_problems_add(&r->problems, at, path, "%s stands there twice; remove one", name);
            goto out;
        }
    value = r->need == CONFIG_NO_SECRETS && config_secret_is_reference(equals + 1)
                ? xstrdup("")
                : config_secret_resolve(equals + 1, &e);
    if (!value) {
        config_problems_add(&r->problems, at, path,
                            "%s: %s; give the value there, or another "
                            "file:PATH or env:NAME",
                            name, e.text);
        goto out;
    }
    config_pairs_add(pairs, name, value);
    name = NULL;
    result = 0;
out:
    free(name);
    return result;
}

/* One line, blanks around name and value removed in place; NULL when nothing stands there. */
static char *tidy_line(char *line)
{
    char *equals, *end;

    line += strspn(line, " \t");
    end = line + strlen(line);
    while (end > line && strchr(" \t\r", end[-1]))
        *--end = '\0';
    if (!*line || *line == '#')
        return NULL;
    equals = strchr(line, '=');
    if (equals) {
        char *name_end = equals, *value = equals + 1 + strspn(equals + 1, " \t");

        while (name_end > line && strchr(" \t", name_end[-1]))
            name_end--;
        *name_end = '=';
        memmove(name_end + 1, value, strlen(value) + 1);
    }
    return line;
}

static void read_properties(struct config_reader *r, const char *path, char *text,
                            struct config_pairs *pairs)
{
    int number = 0;

    for (char *line = text, *next; line; line = next) {
        char *end = strchr(line, '\n'), *tidy;

        next = end ? end + 1 : NULL;
        if (end)
            *end = '\0';
        number++;
        tidy = tidy_line(line);
        if (tidy)
            (void)!config_property_add(r, pairs, tidy, (struct config_place){path, number}, NULL);
    }
}

/* Is there a pair of this name in the list? */
static bool has_name(const struct config_pairs *pairs, const char *name)
{
    for (size_t i = 0; i < pairs->count; i++)
        if (strcmp(pairs->items[i].name, name) == 0)
            return true;
    return false;
}

/* Those of the file that `properties` does not set, then `properties`. */
static void join(struct config_pairs *all, struct config_pairs *file, struct config_pairs *own)
{
    struct config_pairs *sources[] = {file, own};

    for (size_t s = 0; s < ARRAY_LEN(sources); s++)
        for (size_t i = 0; i < sources[s]->count; i++) {
            struct config_pair *p = &sources[s]->items[i];

            if (sources[s] == file && has_name(own, p->name))
                continue;
            config_pairs_add(all, p->name, p->value);
            *p = (struct config_pair){xstrdup(""), NULL};
        }
    config_pairs_done(file);
    config_pairs_done(own);
}

void config_finish_properties(struct config_reader *r)
{
    const char *path = r->config->kafka.properties_file;
    struct config_pairs from_file = {0};
    size_t length = 0;
    struct err e;
    char *text = NULL;

    if (*path && r->need != CONFIG_NO_SECRETS) {
        text = config_read_file_text(path, PROPERTIES_MAX, &length, &e);
        if (!text)
            config_fail(r, "kafka.properties_file", 0, "%s %s; name a file of name=value lines",
                        path, e.text);
        else if (memchr(text, '\0', length))
            config_fail(r, "kafka.properties_file", 0, "%s holds a NUL byte; it is no text file",
                        path);
        else
            read_properties(r, path, text, &from_file);
    }
    join(&r->config->kafka.properties, &from_file, &r->properties);
    if (text)
        OPENSSL_cleanse(text, length);
    free(text);
}
