/* Strings of JSON (RFC 8259, 7): quote, backslash and control characters are escaped, all else
 * stands as it is. */
#include "consumers/json_out.h"

#include <string.h>

static size_t plain_length(const char *text, size_t length)
{
    size_t n = 0;

    while (n < length && (unsigned char)text[n] >= 0x20 && text[n] != '"' && text[n] != '\\')
        n++;
    return n;
}

static void add_escape(struct buf *out, unsigned char c)
{
    static const char from[] = "\"\\\n\r\t\b\f", to[] = "\"\\nrtbf";
    const char *known = c == '\0' ? NULL : strchr(from, c);
    char pair[2] = {'\\', '\0'};

    if (known == NULL) {
        (void)buf_addf(out, "\\u%04x", c);
        return;
    }
    pair[1] = to[known - from];
    (void)buf_add(out, pair, sizeof pair);
}

void json_out_piece(struct buf *out, const char *text, size_t length)
{
    for (size_t at = 0; at < length;) {
        size_t n = plain_length(text + at, length - at);

        (void)buf_add(out, text + at, n);
        at += n;
        if (at < length)
            add_escape(out, (unsigned char)text[at++]);
    }
}

void json_out_string(struct buf *out, const char *text, size_t length)
{
    (void)buf_add_char(out, '"');
    json_out_piece(out, text, length);
    (void)buf_add_char(out, '"');
}

void json_out_name(struct buf *out, const char *name)
{
    if (out->length > 0 && out->data[out->length - 1] != '{')
        (void)buf_add_char(out, ',');
    json_out_string(out, name, strlen(name));
    (void)buf_add_char(out, ':');
}

void json_out_member_n(struct buf *out, const char *name, const char *value, size_t length)
{
    json_out_name(out, name);
    json_out_string(out, value, length);
}

void json_out_member(struct buf *out, const char *name, const char *value)
{
    json_out_member_n(out, name, value, strlen(value));
}
