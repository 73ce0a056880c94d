/* Which of the two values of a column is wanted. */
#include "producers/column.h"

#include <string.h>

const char *column_text(const json_t *member)
{
    return json_is_object(member) ? json_string_value(json_object_get(member, "value"))
                                  : json_string_value(member);
}

const char *column_value(const json_t *row, const char *name)
{
    return column_text(json_object_get(row, name));
}

const char *column_shown(const json_t *row, const char *name)
{
    const json_t *member = json_object_get(row, name);
    const char *shown = json_string_value(json_object_get(member, "display_value"));
    return shown != NULL ? shown : column_text(member);
}

static json_t *one_value_row(const json_t *row, const char *which)
{
    union {
        const json_t *in;
        json_t *iterated; /* jansson's iterators take no const */
    } u = {.in = row};
    json_t *copy = json_object(), *member;
    const char *name;
    json_object_foreach (u.iterated, name, member) {
        json_t *stored = member;
        if (json_object_get(member, "display_value") != NULL)
            stored = json_object_get(member, which);
        if (json_object_set(copy, name, stored) != 0) {
            json_decref(copy);
            return NULL;
        }
    }
    return copy;
}

json_t *column_stored_row(const json_t *row)
{
    return one_value_row(row, "value");
}

json_t *column_shown_row(const json_t *row)
{
    return one_value_row(row, "display_value");
}
