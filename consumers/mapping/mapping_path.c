/* Paths: parsing and walking. Walking is bounded by the number of steps and, where a step is `[*]`,
 * by a budget of values for the whole walk. */
#include "consumers/mapping/mapping_path.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "consumers/json_in.h"

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (unsigned char)c >= 0x80 || (c != '\0' && strchr("_-/:", c) != NULL);
}

static int bad(struct err *e, const char *what, const char *at)
{
    return err_set(e, ERR_CONFIG, "mapping", "%s at \"%.30s\"", what, at);
}

static struct map_step *add_step(struct map_path *p)
{
    p->steps = xrealloc(p->steps, p->count + 1, sizeof *p->steps);
    p->steps[p->count] = (struct map_step){.kind = STEP_NAME};
    return &p->steps[p->count++];
}

/* A name, plain or in single quotes: new, NULL with e. */
static char *take_name(const char **text, struct err *e)
{
    const char *start = *text, *end;

    if (*start == '\'') {
        end = strchr(++start, '\'');
        if (end == NULL || end == start) {
            (void)bad(e, "a name in quotes does not end, or is empty,", *text);
            return NULL;
        }
        *text = end + 1;
        return xstrndup(start, (size_t)(end - start));
    }
    for (end = start; is_name_char(*end);)
        end++;
    if (end == start) {
        (void)bad(e, "a name is missing", start);
        return NULL;
    }
    *text = end;
    return xstrndup(start, (size_t)(end - start));
}

/* `[*]`, `[3]` or `[name=value]`; *text stands behind the bracket. */
static int take_bracket(const char **text, struct map_path *p, struct err *e)
{
    struct map_step *s = add_step(p);
    const char *end = strchr(*text, ']');

    if (end == NULL)
        return bad(e, "a bracket is not closed", *text - 1);
    if (text_starts(*text, "*]")) {
        s->kind = STEP_EACH;
        p->each = true;
    } else if (**text >= '0' && **text <= '9') {
        char *behind;

        s->kind = STEP_INDEX;
        s->index = strtoul(*text, &behind, 10);
        if (behind != end || end - *text > 6)
            return bad(e, "this is no place in a list", *text);
    } else {
        s->kind = STEP_WHERE;
        s->name = take_name(text, e);
        if (s->name == NULL)
            return -1;
        if (**text != '=')
            return bad(e, "a bracket holds *, a number or name=value, not what stands", *text);
        s->value = xstrndup(*text + 1, (size_t)(end - *text - 1));
    }
    *text = end + 1;
    return 0;
}

static void take_root(const char **text, struct map_path *p)
{
    static const struct {
        char sign;
        enum map_root root;
    } roots[] = {{'$', ROOT_MESSAGE}, {'@', ROOT_BESIDE}};

    for (size_t i = 0; i < ARRAY_LEN(roots); i++)
        if (**text == roots[i].sign) {
            p->root = roots[i].root;
            (*text)++;
        }
}

/* The step behind *text: `.name`, `[...]`, or, at the very beginning, `name`. 1 when the path ends.
 */
static int take_step(const char **text, struct map_path *p, bool begun, struct err *e)
{
    bool dot = **text == '.';
    char *name;

    if (**text == '[') {
        (*text)++;
        return take_bracket(text, p, e);
    }
    if (begun && !dot)
        return 1;
    *text += dot;
    if (!begun && !is_name_char(**text) && **text != '\'')
        return dot ? 1 : bad(e, "a path is missing", *text); /* `.` alone */
    name = take_name(text, e);
    if (name == NULL)
        return -1;
    add_step(p)->name = name;
    return 0;
}

int map_path_parse(const char **text, struct map_path *ret, struct err *e)
{
    struct map_path p = {.root = ROOT_ITEM};
    bool begun;
    int rc;

    take_root(text, &p);
    begun = p.root == ROOT_MESSAGE;
    while ((rc = take_step(text, &p, begun, e)) == 0) {
        begun = true;
        if (p.count == MAP_STEPS_MAX) {
            rc = bad(e, "the path has too many steps", *text);
            break;
        }
    }
    if (rc < 0) {
        map_path_done(&p);
        return -1;
    }
    *ret = p;
    return 0;
}

void map_path_done(struct map_path *p)
{
    for (size_t i = 0; i < p->count; i++) {
        free(p->steps[i].name);
        free(p->steps[i].value);
    }
    free(p->steps);
    *p = (struct map_path){0};
}

static bool says(const json_t *element, const struct map_step *s)
{
    char space[JSON_IN_SPACE];
    const char *text = json_in_text(json_object_get(element, s->name), space);

    return text != NULL && strcmp(text, s->value) == 0;
}

static const json_t *find_where(const json_t *list, const struct map_step *s)
{
    size_t n = json_array_size(list);

    for (size_t i = 0; i < n && i < MAP_EACH_MAX; i++)
        if (says(json_array_get(list, i), s))
            return json_array_get(list, i);
    return NULL;
}

/* One step that leads to one value. */
static const json_t *go(const json_t *from, const struct map_step *s)
{
    switch (s->kind) {
    case STEP_NAME:
        return json_object_get(from, s->name);
    case STEP_INDEX:
        return json_array_get(from, s->index);
    case STEP_WHERE:
        return find_where(from, s);
    case STEP_EACH:
        break;
    }
    return NULL;
}

struct walk {
    bool (*fn)(void *arg, const json_t *value);
    void *arg;
    size_t budget;
};

static bool walk(struct walk *w, const json_t *at, const struct map_step *s, size_t left)
{
    size_t n;

    for (; left > 0 && s->kind != STEP_EACH && at != NULL; s++, left--)
        at = go(at, s);
    if (at == NULL || w->budget == 0)
        return w->budget > 0;
    if (left == 0) {
        w->budget--;
        return w->fn(w->arg, at);
    }
    n = json_array_size(at);
    for (size_t i = 0; i < n; i++) {
        if (w->budget == 0)
            return false;
        w->budget--;
        if (!walk(w, json_array_get(at, i), s + 1, left - 1))
            return false;
    }
    return true;
}

static const json_t *root_of(const struct map_path *p, const struct map_scope *s)
{
    return p->root == ROOT_ITEM ? s->item : p->root == ROOT_MESSAGE ? s->message : s->beside;
}

void map_path_each(const struct map_path *p, const struct map_scope *s,
                   bool (*fn)(void *arg, const json_t *value), void *arg)
{
    struct walk w = {.fn = fn, .arg = arg, .budget = 2 * (size_t)MAP_EACH_MAX};

    (void)walk(&w, root_of(p, s), p->steps, p->count);
}

static bool keep_first(void *arg, const json_t *value)
{
    *(const json_t **)arg = value;
    return false;
}

const json_t *map_path_get(const struct map_path *p, const struct map_scope *s)
{
    const json_t *at = root_of(p, s);

    if (p->each) {
        at = NULL;
        map_path_each(p, s, keep_first, &at);
        return at;
    }
    for (size_t i = 0; i < p->count && at != NULL; i++)
        at = go(at, &p->steps[i]);
    return at;
}

const char *map_path_name(const struct map_path *p)
{
    for (size_t i = p->count; i > 0; i--)
        if (p->steps[i - 1].kind == STEP_NAME)
            return p->steps[i - 1].name;
    return "";
}
