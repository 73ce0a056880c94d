/* The table of fields. A label or a link may have any name: what stands behind the dot. */
#include "bridge/config/field.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/buf.h"
#include "bridge/base/xalloc.h"
#include "bridge/config/config_text.h"

static const struct {
    const char *name;
    enum field_kind kind;
} fields[FIELD_COUNT] = {
    [FIELD_SEVERITY] = {"severity", FIELD_IS_TEXT},
    [FIELD_SEVERITY_TEXT] = {"severity_text", FIELD_IS_TEXT},
    [FIELD_RULE] = {"rule", FIELD_IS_TEXT},
    [FIELD_SERVICE] = {"service", FIELD_IS_TEXT},
    [FIELD_SOURCE] = {"source", FIELD_IS_TEXT},
    [FIELD_RESOURCE] = {"resource", FIELD_IS_TEXT},
    [FIELD_TITLE] = {"title", FIELD_IS_TEXT},
    [FIELD_DESCRIPTION] = {"description", FIELD_IS_TEXT},
    [FIELD_FORMAT] = {"format", FIELD_IS_TEXT},
    [FIELD_KIND] = {"kind", FIELD_IS_TEXT},
    [FIELD_STATE] = {"state", FIELD_IS_TEXT},
    [FIELD_PART] = {"part", FIELD_IS_TEXT},
    [FIELD_SHORT_ID] = {"short_id", FIELD_IS_TEXT},
    [FIELD_TARGET] = {"target", FIELD_IS_LIST},
    [FIELD_CI] = {"ci", FIELD_IS_LIST},
    [FIELD_FIRED] = {"fired", FIELD_IS_TIME},
    [FIELD_RESOLVED] = {"resolved", FIELD_IS_TIME},
    [FIELD_TIME] = {"time", FIELD_IS_TIME},
    [FIELD_LABEL] = {"label", FIELD_IS_LIST},
    [FIELD_LINK] = {"link", FIELD_IS_LIST},
};

static bool is_open(enum field_id id)
{
    return id == FIELD_LABEL || id == FIELD_LINK;
}

/* The name as it is written: with what stands behind it. */
static const char *behind(enum field_id id)
{
    return is_open(id) ? ".NAME" : "";
}

/* The field whose name, up to the dot, is near enough to be meant; FIELD_COUNT: none. */
static enum field_id nearest(const char *name)
{
    char *head = xstrndup(name, strcspn(name, "."));
    const char *names[FIELD_COUNT], *near;
    size_t id = 0;

    for (size_t i = 0; i < FIELD_COUNT; i++)
        names[i] = fields[i].name;
    near = config_nearest(head, names, FIELD_COUNT);
    while (id < FIELD_COUNT && names[id] != near)
        id++;
    free(head);
    return (enum field_id)id;
}

static int unknown(const char *text, size_t length, struct err *e)
{
    char *name = xstrndup(text, length);
    enum field_id near = nearest(name);
    struct buf list;

    buf_init(&list, 1024);
    if (near < FIELD_COUNT)
        (void)buf_addf(&list, " (did you mean \"%s%s\"?)", fields[near].name, behind(near));
    (void)buf_add_text(&list, "; use one of: ");
    for (size_t i = 0; i < FIELD_COUNT; i++)
        (void)buf_addf(&list, "%s%s%s", i > 0 ? ", " : "", fields[i].name,
                       behind((enum field_id)i));
    (void)err_set(e, ERR_CONFIG, "field", "there is no field \"%.80s\"%s", name, buf_text(&list));
    buf_done(&list);
    free(name);
    return -1;
}

int field_parse(const char *text, size_t length, struct field *ret, struct err *e)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        enum field_id id = (enum field_id)i;
        size_t n = strlen(fields[i].name);

        if (length < n || memcmp(text, fields[i].name, n) != 0)
            continue;
        if (is_open(id) && length > n + 1 && text[n] == '.') {
            *ret = (struct field){.id = id, .name = xstrndup(text + n + 1, length - n - 1)};
            return 0;
        }
        if (!is_open(id) && length == n) {
            *ret = (struct field){.id = id};
            return 0;
        }
    }
    return unknown(text, length, e);
}

void field_done(struct field *f)
{
    free(f->name);
    *f = (struct field){0};
}

enum field_kind field_kind(enum field_id id)
{
    return fields[id].kind;
}

const char *field_name(enum field_id id)
{
    return fields[id].name;
}
