/* Readers of settings with members: conditions, word tables, pairs, sections. */
#include <stdlib.h>
#include <string.h>

#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "consumers/mapping/mapping_load.h"

static const config_setting_t *member(const config_setting_t *group, const char *name)
{
    return config_setting_get_member(group, name);
}

static bool is_group(struct map_loader *l, const config_setting_t *s)
{
    if (config_setting_is_group(s))
        return true;
    map_fault(l, s, "must be a group, as in { name = \"...\"; }");
    return false;
}

static bool is_list(struct map_loader *l, const config_setting_t *s)
{
    if (config_setting_is_list(s))
        return true;
    map_fault(l, s, "must be a list in round brackets");
    return false;
}

static const struct {
    const char *name;
    enum map_test_kind kind;
} test_names[] = {{"is", TEST_IS},     {"has", TEST_HAS},           {"missing", TEST_MISSING},
                  {"type", TEST_TYPE}, {"contains", TEST_CONTAINS}, {"starts", TEST_STARTS}};

static void read_test_words(struct map_loader *l, const config_setting_t *s, struct map_test *t)
{
    static const char *const types[] = {"object", "array", "text", "number", "boolean", "null"};
    bool fine = true;

    if (t->kind == TEST_HAS || t->kind == TEST_MISSING) {
        if (config_setting_type(s) != CONFIG_TYPE_BOOL || config_setting_get_bool(s) == 0)
            map_fault(l, s, "can only be true");
        return;
    }
    map_read_texts(l, s, &t->words);
    for (size_t i = 0; t->kind == TEST_TYPE && i < t->words.count; i++) {
        bool known = false;

        for (size_t j = 0; j < ARRAY_LEN(types); j++)
            known = known || strcmp(types[j], t->words.items[i]) == 0;
        fine = fine && known;
    }
    if (!fine)
        map_fault(l, s, "a type is one of object, array, text, number, boolean, null");
}

/* One condition. `then` belongs to cases of state and is read there. */
static void read_test(struct map_loader *l, const config_setting_t *s, struct map_tests *into)
{
    static const char *const names[] = {"at",       "is",     "has",  "missing", "type",
                                        "contains", "starts", "then", NULL};
    const config_setting_t *at;
    struct map_test t = {0};
    size_t found = 0;

    if (!is_group(l, s))
        return;
    map_check_names(l, s, names);
    at = member(s, "at");
    if (at == NULL) {
        map_fault(l, s, "has no `at`, the path of the value that it looks at");
        return;
    }
    if (!map_read_path(l, at, &t.at))
        return;
    for (size_t i = 0; i < ARRAY_LEN(test_names); i++) {
        const config_setting_t *words = member(s, test_names[i].name);

        if (words == NULL)
            continue;
        t.kind = test_names[i].kind;
        if (found++ == 0)
            read_test_words(l, words, &t);
    }
    if (found != 1)
        map_fault(l, s, "wants exactly one of is, has, missing, type, contains, starts");
    into->items = xrealloc(into->items, into->count + 1, sizeof *into->items);
    into->items[into->count++] = t;
}

void map_read_tests(struct map_loader *l, const config_setting_t *s, void *into)
{
    if (!is_list(l, s))
        return;
    for (int i = 0; i < config_setting_length(s); i++)
        read_test(l, config_setting_get_elem(s, (unsigned)i), into);
}

/* Names of the values that words stand for, in the order of the values. */
static const char *const state_names[] = {"firing", "cleared", "note", NULL};
static const char *const severity_names[] = {"sev0", "sev1", "sev2", "sev3", "sev4", NULL};

static int value_of(struct map_loader *l, const config_setting_t *s, const char *const *names)
{
    const char *text = config_setting_get_string(s);

    for (int i = 0; text != NULL && names[i] != NULL; i++)
        if (strcmp(names[i], text) == 0)
            return i;
    map_fault(l, s, "must be one of \"%s\", \"%s\", \"%s\"%s", names[0], names[1], names[2],
              names[3] != NULL ? ", \"sev3\", \"sev4\"" : "");
    return -1;
}

static void add_words(struct map_words *w, struct map_texts *texts, int value)
{
    for (size_t i = 0; i < texts->count; i++) {
        w->items = xrealloc(w->items, w->count + 1, sizeof *w->items);
        w->items[w->count++] = (struct map_word){.word = texts->items[i], .value = value};
    }
    free(texts->items);
}

/* `{ of = "..."; firing = [...]; cleared = [...]; otherwise = "firing"; }` */
static void read_words(struct map_loader *l, const config_setting_t *s, struct map_words *w,
                       const char *const *names)
{
    const char *allowed[8] = {"of", "otherwise"};
    const config_setting_t *of, *other;
    size_t n = 2;

    for (size_t i = 0; names[i] != NULL; i++)
        allowed[n++] = names[i];
    map_check_names(l, s, allowed);
    of = member(s, "of");
    if (of != NULL)
        map_read_template(l, of, &w->of);
    for (int i = 0; names[i] != NULL; i++) {
        const config_setting_t *words = member(s, names[i]);
        struct map_texts texts = {0};

        if (words == NULL)
            continue;
        map_read_texts(l, words, &texts);
        add_words(w, &texts, i);
    }
    other = member(s, "otherwise");
    if (other != NULL)
        w->otherwise = value_of(l, other, names);
    if (of == NULL && (other == NULL || w->count > 0))
        map_fault(l, s, "has no `of`, the text that its words are compared with");
}

static void read_case(struct map_loader *l, const config_setting_t *s, struct map_cases *into)
{
    struct map_case c = {0};
    const config_setting_t *then;

    if (!is_group(l, s))
        return;
    then = member(s, "then");
    if (then == NULL) {
        map_fault(l, s, "has no `then`: \"firing\", \"cleared\" or \"note\"");
        return;
    }
    c.then = value_of(l, then, state_names);
    if (config_setting_length(s) > 1)
        read_test(l, s, &c.when);
    into->items = xrealloc(into->items, into->count + 1, sizeof *into->items);
    into->items[into->count++] = c;
}

void map_read_state(struct map_loader *l, const config_setting_t *s, void *into)
{
    struct map_shape *shape = into;

    if (config_setting_is_list(s)) {
        for (int i = 0; i < config_setting_length(s); i++)
            read_case(l, config_setting_get_elem(s, (unsigned)i), &shape->state_cases);
        if (shape->state_cases.count == 0)
            map_fault(l, s, "has no case; the last may be { then = \"firing\"; }");
    } else if (is_group(l, s)) {
        read_words(l, s, &shape->state, state_names);
    }
}

void map_read_severity(struct map_loader *l, const config_setting_t *s, void *into)
{
    if (is_group(l, s))
        read_words(l, s, into, severity_names);
}

static struct map_pairs *add_pairs(struct map_pairs_list *list, enum map_pairs_kind kind)
{
    list->items = xrealloc(list->items, list->count + 1, sizeof *list->items);
    list->items[list->count] = (struct map_pairs){.kind = kind};
    return &list->items[list->count++];
}

/* A constant as a template: braces and brackets in it stand for themselves. */
static void constant(const char *text, size_t length, struct map_template *into)
{
    into->pieces = xcalloc(1, sizeof *into->pieces);
    into->pieces[0].text = xstrndup(text, length);
    into->pieces[0].length = length;
    into->count = 1;
}

/* "Name: template", one line. */
static void read_line(struct map_loader *l, const config_setting_t *s, struct map_pairs_list *into)
{
    const char *text = config_setting_get_string(s), *colon = strstr(text, ": ");
    struct map_pairs *p;

    if (colon == NULL || colon == text) {
        map_fault(l, s, "must read \"Name: text\"");
        return;
    }
    p = add_pairs(into, PAIRS_ONE);
    constant(text, (size_t)(colon - text), &p->name);
    map_read_template_text(l, s, colon + 2, &p->value);
}

/* { all = PATH; except = [...]; }, { each = PATH; name = ...; value = ...; } or { name; value; } */
static void read_pair_group(struct map_loader *l, const config_setting_t *s,
                            struct map_pairs_list *into)
{
    static const char *const names[] = {"all", "each", "name", "value", "except", NULL};
    const config_setting_t *all = member(s, "all"), *each = member(s, "each");
    const config_setting_t *name = member(s, "name"), *value = member(s, "value");
    const config_setting_t *except = member(s, "except");
    struct map_pairs *p = add_pairs(into, all != NULL    ? PAIRS_MEMBERS
                                          : each != NULL ? PAIRS_EACH
                                                         : PAIRS_ONE);

    map_check_names(l, s, names);
    if (all != NULL)
        (void)map_read_path(l, all, &p->at);
    else if (each != NULL)
        (void)map_read_path(l, each, &p->at);
    if (all == NULL && (name == NULL || value == NULL))
        map_fault(l, s, "wants `all`, or `name` and `value`");
    if (name != NULL)
        map_read_template(l, name, &p->name);
    if (value != NULL)
        map_read_template(l, value, &p->value);
    if (except != NULL)
        map_read_texts(l, except, &p->except);
}

void map_read_pairs(struct map_loader *l, const config_setting_t *s, void *into)
{
    if (!is_list(l, s))
        return;
    for (int i = 0; i < config_setting_length(s); i++) {
        const config_setting_t *item = config_setting_get_elem(s, (unsigned)i);

        if (config_setting_type(item) == CONFIG_TYPE_STRING)
            read_line(l, item, into);
        else if (is_group(l, item))
            read_pair_group(l, item, into);
    }
}

void map_read_sections(struct map_loader *l, const config_setting_t *s, void *into)
{
    static const char *const names[] = {"heading", "lines", NULL};
    struct map_sections *list = into;

    if (!is_list(l, s))
        return;
    for (int i = 0; i < config_setting_length(s); i++) {
        const config_setting_t *item = config_setting_get_elem(s, (unsigned)i);
        const config_setting_t *heading, *lines;
        struct map_section section = {0};

        if (!is_group(l, item))
            continue;
        map_check_names(l, item, names);
        heading = member(item, "heading");
        lines = member(item, "lines");
        if (heading == NULL || lines == NULL) {
            map_fault(l, item, "wants `heading` and `lines`");
            continue;
        }
        map_read_text(l, heading, &section.heading);
        map_read_pairs(l, lines, &section.lines);
        list->items = xrealloc(list->items, list->count + 1, sizeof *list->items);
        list->items[list->count++] = section;
    }
}
