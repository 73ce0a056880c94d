/* The JSON writer for records. Texts are copied in runs between the characters that need an escape;
 * members of any other type are left to jansson. */
#include "bridge/servicenow/row_text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/buf.h"

#define ROW_USUAL 4000 /* bytes that most records need */

static void add_escape(struct buf *out, unsigned char c)
{
    static const char signs[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *sign = c != '\0' ? strchr(signs, c) : NULL;

    if (sign != NULL) {
        char escaped[2] = {'\\', letters[sign - signs]};

        (void)buf_add(out, escaped, sizeof escaped);
    } else {
        (void)buf_addf(out, "\\u%04X", c);
    }
}

static void add_text(struct buf *out, const char *text, size_t length)
{
    size_t from = 0;

    (void)buf_add_char(out, '"');
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        (void)buf_add(out, text + from, i - from);
        add_escape(out, c);
        from = i + 1;
    }
    (void)buf_add(out, text + from, length - from);
    (void)buf_add_char(out, '"');
}

/* 17 digits would rewrite 0.1 as 0.10000000000000001. */
static bool add_value(struct buf *out, const json_t *value)
{
    char *text;

    if (json_is_string(value)) {
        add_text(out, json_string_value(value), json_string_length(value));
        return true;
    }
    text = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(15) | JSON_ENCODE_ANY);
    if (text != NULL)
        (void)buf_add_text(out, text);
    free(text);
    return text != NULL;
}

char *row_text(const json_t *object, size_t *ret_length)
{
    json_t *all = (json_t *)(uintptr_t)object; /* iterating does not change it */
    bool fine = json_is_object(object);
    struct buf out;
    const char *name;
    json_t *value;

    buf_init(&out, SIZE_MAX / 4);
    buf_room(&out, ROW_USUAL);
    (void)buf_add_char(&out, '{');
    json_object_foreach (all, name, value) {
        if (out.length > 1)
            (void)buf_add_char(&out, ',');
        add_text(&out, name, strlen(name));
        (void)buf_add_char(&out, ':');
        fine = fine && add_value(&out, value);
    }
    (void)buf_add_char(&out, '}');
    if (!fine || out.failed) {
        buf_done(&out);
        return NULL;
    }
    return buf_take(&out, ret_length);
}
