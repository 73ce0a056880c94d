/* Members of an Azure message: strict where identity or state hang on them, forgiving with a note
 * everywhere else, and never the ones that carry secrets. */
#include <string.h>
#include <strings.h>

#include "bridge/base/text.h"
#include "consumers/alert_edit.h"
#include "consumers/azure.h"
#include "consumers/secret.h"

/* Beside what all formats leave out: it says nothing to people. */
static const char *const never[] = {"hierarchy"};

#define REST_JSON_MAX 300

int azure_key(const json_t *object, const char *name, const char **ret, struct err *e)
{
    const json_t *value = json_object_get(object, name);

    if (value != NULL && !json_is_string(value) && !json_is_null(value))
        return err_set(e, ERR_REJECT, "wrong-type",
                       "The member \"%s\" of the Azure alert is %s but must be a text: it tells "
                       "which alert this is or what state it is in. The message goes to the "
                       "dead-letter topic; correct its sender.",
                       name, json_in_type(value));
    *ret = json_is_string(value) ? json_string_value(value) : "";
    return 0;
}

const char *azure_text(struct azure *z, const json_t *object, const char *name,
                       char space[JSON_IN_SPACE])
{
    const json_t *value = json_object_get(object, name);
    const char *text = json_in_text(value, space);

    if (text == NULL) {
        alert_note(z->a, "%s is %s, not a single value: left out", name, json_in_type(value));
        text = "";
    }
    return text;
}

static json_t *typed(struct azure *z, const json_t *object, const char *name, json_type type)
{
    json_t *value = json_object_get(object, name);

    if (value == NULL || json_is_null(value))
        return NULL;
    if (json_typeof(value) == type)
        return value;
    alert_note(z->a, "%s is %s, not %s: left out", name, json_in_type(value),
               type == JSON_OBJECT ? "an object" : "an array");
    return NULL;
}

json_t *azure_object(struct azure *z, const json_t *object, const char *name)
{
    return typed(z, object, name, JSON_OBJECT);
}

json_t *azure_array(struct azure *z, const json_t *object, const char *name)
{
    return typed(z, object, name, JSON_ARRAY);
}

void azure_lines(struct azure *z, const json_t *object, const struct azure_field *fields,
                 size_t count)
{
    char space[JSON_IN_SPACE];

    for (size_t i = 0; i < count; i++)
        layout_line(&z->text, fields[i].label, azure_text(z, object, fields[i].member, space));
}

static bool is_listed(const char *name, const struct azure_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(name, fields[i].member) == 0)
            return true;
    for (size_t i = 0; i < ARRAY_LEN(never); i++)
        if (strcasecmp(name, never[i]) == 0)
            return true;
    return secret_name(name);
}

/* JSON inside a text is for machines: its beginning is enough. */
static void rest_line(struct azure *z, const char *name, const char *text)
{
    struct buf b;

    if (text[0] != '{' && text[0] != '[') {
        layout_line(&z->text, name, text);
        return;
    }
    buf_init(&b, LAYOUT_VALUE_MAX);
    layout_flat(&b, text, REST_JSON_MAX);
    layout_line(&z->text, name, buf_text(&b));
    buf_done(&b);
}

void azure_rest(struct azure *z, json_t *object, const struct azure_field *fields, size_t count)
{
    char space[JSON_IN_SPACE];
    const char *name;
    json_t *value;

    json_object_foreach (object, name, value) {
        const char *text = json_in_text(value, space);

        if (text != NULL && !is_listed(name, fields, count))
            rest_line(z, name, text);
    }
}

void azure_labels(struct azure *z, json_t *object, const json_t *except)
{
    char space[JSON_IN_SPACE];
    const char *name;
    json_t *value;

    json_object_foreach (object, name, value) {
        const json_t *other = json_object_get(except, name);
        const char *text = azure_text(z, object, name, space);

        if (is_listed(name, NULL, 0) || (other != NULL && json_equal(other, value)))
            continue;
        alert_add_label(z->a, name, text);
        layout_line(&z->text, name, text);
    }
}

void azure_dimensions(struct azure *z, const json_t *list)
{
    size_t i;
    json_t *item;

    layout_heading(&z->text, "Dimensions");
    json_array_foreach (list, i, item) {
        char name_space[JSON_IN_SPACE], value_space[JSON_IN_SPACE];
        const char *name = azure_text(z, item, "name", name_space);
        const char *value = azure_text(z, item, "value", value_space);

        if (name[0] == '\0') {
            alert_note(z->a, "dimension %zu has no name: left out", i + 1);
            continue;
        }
        if (secret_name(name))
            continue;
        alert_add_label(z->a, name, value);
        layout_line(&z->text, name, value);
    }
}

const char *azure_where(const struct azure *z)
{
    return z->a->ci_names_count > 0 ? z->a->ci_names[0] : "";
}
