/* UTF-8 and ASCII helpers; no locale is ever consulted. */
#include "bridge/base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Length of the well-formed character at p (of n bytes), 0 when there is none (RFC 3629). */
static size_t char_length(const unsigned char *p, size_t n)
{
    size_t need;

    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        need = 2;
    else if (p[0] >= 0xe0 && p[0] <= 0xef)
        need = 3;
    else if (p[0] >= 0xf0 && p[0] <= 0xf4)
        need = 4;
    else
        return 0;
    if (n < need)
        return 0;
    for (size_t i = 1; i < need; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return need;
}

bool text_is_utf8(const char *text, size_t length)
{
    const unsigned char *p = (const unsigned char *)text;

    while (length > 0) {
        size_t n = char_length(p, length);

        if (n == 0)
            return false;
        p += n;
        length -= n;
    }
    return true;
}

size_t text_boundary(const char *text, size_t length, size_t max)
{
    if (length <= max)
        return length;
    while (max > 0 && ((unsigned char)text[max] & 0xc0) == 0x80)
        max--;
    return max;
}

void text_cut(char *text, size_t length)
{
    size_t start = length;

    while (start > 0 && length - start < 4 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start > 0 && (unsigned char)text[start - 1] >= 0x80)
        start--;
    if (start < length && char_length((const unsigned char *)text + start, length - start) == 0)
        text[start] = '\0';
}

void text_mend(char *text)
{
    size_t length = strlen(text);
    char *out = text;

    for (size_t i = 0; i < length;) {
        size_t n = char_length((const unsigned char *)text + i, length - i);

        if (n > 0)
            memmove(out, text + i, n);
        out += n;
        i += n > 0 ? n : 1;
    }
    *out = '\0';
}

size_t text_chars(const char *text)
{
    size_t n = 0;

    for (; *text != '\0'; text++)
        if (((unsigned char)*text & 0xc0) != 0x80)
            n++;
    return n;
}

size_t text_chars_bytes(const char *text, size_t chars)
{
    size_t i = 0;

    for (; text[i] != '\0'; i++) {
        if (((unsigned char)text[i] & 0xc0) == 0x80)
            continue;
        if (chars == 0)
            break;
        chars--;
    }
    return i;
}

void text_lower(char *text)
{
    for (; *text != '\0'; text++)
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text - 'A' + 'a');
}

bool text_equal_nocase(const char *a, const char *b)
{
    return strcasecmp(a, b) == 0;
}

bool text_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_ends(const char *text, const char *suffix)
{
    size_t n = strlen(text), m = strlen(suffix);

    return n >= m && memcmp(text + n - m, suffix, m) == 0;
}

int text_to_int(const char *text, long long *ret_value)
{
    const char *digits = text + (*text == '-' || *text == '+');
    char *end;
    long long value;

    if (*digits < '0' || *digits > '9')
        return -1;
    errno = 0;
    value = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0')
        return -1;
    *ret_value = value;
    return 0;
}
