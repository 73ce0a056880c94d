/* Strict JSON reading on top of jansson. One cheap pass in front of the parser finds what it would
 * answer badly to (deep nesting) or not by name (NUL, bad UTF-8). Error texts carry positions and,
 * for a repeated member, its name; never values, since alerts may carry secrets. */
#include "consumers/json_in.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "bridge/base/text.h"

#define NEXT "The message goes to the dead-letter topic; correct its sender."

static bool is_ascii(const char *text, size_t length)
{
    const uint64_t high = UINT64_C(0x8080808080808080);
    size_t i = 0;

    for (; i + 8 <= length; i += 8) {
        uint64_t word;

        memcpy(&word, text + i, 8);
        if ((word & high) != 0)
            return false;
    }
    for (; i < length; i++)
        if ((unsigned char)text[i] >= 0x80)
            return false;
    return true;
}

/* Behind the text that begins at `i`, or `length` when it does not end. A quotation mark behind an
 * odd number of backslashes is one of the text's own. */
static size_t text_end(const char *text, size_t length, size_t i)
{
    for (;;) {
        const char *quote = memchr(text + i, '"', length - i);
        size_t end, slashes = 0;

        if (quote == NULL)
            return length;
        end = (size_t)(quote - text);
        while (slashes < end - i && text[end - 1 - slashes] == '\\')
            slashes++;
        i = end + 1;
        if (slashes % 2 == 0)
            return i;
    }
}

/* The first byte that nests deeper than the bound, or `length`. */
static size_t too_deep_at(const char *text, size_t length)
{
    size_t depth = 0, i = 0;

    while (i < length) {
        char c = text[i++];

        if (c == '"') {
            i = text_end(text, length, i);
        } else if (c == '[' || c == '{') {
            if (++depth > JSON_IN_DEPTH_MAX)
                return i - 1;
        } else if (c == ']' || c == '}') {
            depth -= depth > 0;
        }
    }
    return length;
}

static int look(const char *text, size_t length, struct err *e)
{
    const char *nul = memchr(text, '\0', length);
    size_t deep;

    if (strspn(text, " \t\r\n") >= length)
        return err_set(e, ERR_REJECT, "empty", "The message has no content. " NEXT);
    if (nul != NULL)
        return err_set(e, ERR_REJECT, "nul", "The message holds a NUL byte at byte %zu. " NEXT,
                       (size_t)(nul - text));
    if (!is_ascii(text, length) && !text_is_utf8(text, length))
        return err_set(e, ERR_REJECT, "not-utf8",
                       "The message is not well-formed UTF-8, the only encoding of JSON. " NEXT);
    deep = too_deep_at(text, length);
    if (deep < length)
        return err_set(e, ERR_REJECT, "too-deep",
                       "The message nests deeper than %d levels at byte %zu. " NEXT,
                       JSON_IN_DEPTH_MAX, deep);
    return 0;
}

/* jansson quotes what it stopped at, which may be anything; only a member's name is passed on. */
static void refuse(json_error_t *error, struct err *e)
{
    enum json_error_code code = json_error_code(error);
    char *near = strstr(error->text, " near ");

    if (code == json_error_duplicate_key) {
        (void)err_set(e, ERR_REJECT, "duplicate-member",
                      "The message has a member twice (line %d, column %d: %s), and which of the "
                      "two counts is not defined. " NEXT,
                      error->line, error->column, error->text);
        return;
    }
    if (code == json_error_null_character || code == json_error_null_byte_in_key) {
        (void)err_set(
            e, ERR_REJECT, "nul",
            "The message holds the character U+0000 in a text (line %d, column %d). " NEXT,
            error->line, error->column);
        return;
    }
    if (near != NULL)
        *near = '\0';
    (void)err_set(e, ERR_REJECT, "not-json",
                  "The message is not JSON: line %d, column %d: %s. " NEXT, error->line,
                  error->column, error->text);
}

json_t *json_in_load(const void *bytes, size_t length, struct err *e)
{
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;
    const char *text = bytes;
    json_error_t error;
    json_t *value;

    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
        length -= 3;
    }
    if (length == 0) {
        (void)err_set(e, ERR_REJECT, "empty", "The message has no content. " NEXT);
        return NULL;
    }
    if (look(text, length, e) != 0)
        return NULL;
    value = json_loadb(text, length, flags, &error);
    if (value == NULL && json_error_code(&error) == json_error_numeric_overflow)
        value = json_loadb(text, length, flags | JSON_DECODE_INT_AS_REAL, &error);
    if (value == NULL)
        refuse(&error, e);
    return value;
}

const char *json_in_text(const json_t *value, char space[JSON_IN_SPACE])
{
    if (value == NULL)
        return "";
    switch (json_typeof(value)) {
    case JSON_STRING:
        return json_string_value(value);
    case JSON_INTEGER:
        (void)snprintf(space, JSON_IN_SPACE, "%" PRIdMAX, (intmax_t)json_integer_value(value));
        return space;
    case JSON_REAL:
        (void)snprintf(space, JSON_IN_SPACE, "%.15g", json_real_value(value));
        return space;
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    case JSON_NULL:
        return "";
    case JSON_OBJECT:
    case JSON_ARRAY:
        break;
    }
    return NULL;
}

const char *json_in_type(const json_t *value)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array", [JSON_STRING] = "a text",
        [JSON_INTEGER] = "a number", [JSON_REAL] = "a number",  [JSON_TRUE] = "a boolean",
        [JSON_FALSE] = "a boolean",  [JSON_NULL] = "null",
    };

    return value == NULL ? "nothing" : names[json_typeof(value)];
}
