/* Conditions of mappings: which shape a message has, which state an alert is in. */
#include <string.h>
#include <strings.h>

#include "bridge/base/text.h"
#include "consumers/json_in.h"
#include "consumers/mapping/mapping_program.h"
#include "consumers/secret.h"

bool map_texts_have(const struct map_texts *texts, const char *text)
{
    for (size_t i = 0; i < texts->count; i++)
        if (strcasecmp(texts->items[i], text) == 0)
            return true;
    return false;
}

bool map_is_secret(const struct mapping *p, const char *name)
{
    return secret_name(name) || map_texts_have(&p->never, name);
}

static bool any_in(const struct map_test *t, const char *text)
{
    for (size_t i = 0; i < t->words.count; i++) {
        const char *word = t->words.items[i];

        if (t->kind == TEST_STARTS ? strncasecmp(text, word, strlen(word)) == 0
                                   : strcasestr(text, word) != NULL)
            return true;
    }
    return false;
}

static bool has_type(const struct map_test *t, const json_t *value)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "object",  [JSON_ARRAY] = "array", [JSON_STRING] = "text",
        [JSON_INTEGER] = "number", [JSON_REAL] = "number", [JSON_TRUE] = "boolean",
        [JSON_FALSE] = "boolean",  [JSON_NULL] = "null",
    };

    return value != NULL && map_texts_have(&t->words, names[json_typeof(value)]);
}

static bool holds(const struct map_test *t, const struct map_scope *s)
{
    const json_t *value = map_path_get(&t->at, s);
    bool there = value != NULL && !json_is_null(value);
    char space[JSON_IN_SPACE];
    const char *text;

    switch (t->kind) {
    case TEST_HAS:
        return there;
    case TEST_MISSING:
        return !there;
    case TEST_TYPE:
        return has_type(t, value);
    case TEST_IS:
    case TEST_CONTAINS:
    case TEST_STARTS:
        break;
    }
    text = there ? json_in_text(value, space) : NULL;
    if (text == NULL)
        return false;
    return t->kind == TEST_IS ? map_texts_have(&t->words, text) : any_in(t, text);
}

bool map_tests_hold(const struct map_tests *tests, const struct map_scope *s)
{
    for (size_t i = 0; i < tests->count; i++)
        if (!holds(&tests->items[i], s))
            return false;
    return true;
}
