/* Capped growing buffer. Growth doubles, so additions are O(1) on average. */
#include "bridge/base/buf.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"

void buf_init(struct buf *b, size_t max_bytes)
{
    *b = (struct buf){.max = max_bytes};
}

void buf_done(struct buf *b)
{
    free(b->data);
    buf_init(b, b->max);
}

void buf_clear(struct buf *b)
{
    b->length = 0;
    b->failed = false;
    if (b->data != NULL)
        b->data[0] = '\0';
}

static int fail(struct buf *b)
{
    b->failed = true;
    return -1;
}

/* Is there room already? The common case, by far. */
static bool fits(const struct buf *b, size_t more)
{
    return b->capacity > b->length && more < b->capacity - b->length &&
           more <= b->max - b->length && !b->failed;
}

static int grow(struct buf *b, size_t more)
{
    size_t capacity = b->capacity == 0 ? 64 : b->capacity;
    char *data;

    if (b->failed || more > b->max || b->length > b->max - more)
        return fail(b);
    while (capacity < b->length + more + 1)
        capacity *= 2;
    if (capacity == b->capacity)
        return 0;
    data = realloc(b->data, capacity);
    if (data == NULL)
        return fail(b);
    b->data = data;
    b->capacity = capacity;
    return 0;
}

static int reserve(struct buf *b, size_t more)
{
    return fits(b, more) ? 0 : grow(b, more);
}

void buf_room(struct buf *b, size_t bytes)
{
    char *data = b->length + bytes < b->capacity || b->failed
                     ? NULL
                     : realloc(b->data, b->length + bytes + 1);

    if (data == NULL)
        return;
    b->data = data;
    b->data[b->length] = '\0';
    b->capacity = b->length + bytes + 1;
}

int buf_add(struct buf *b, const void *bytes, size_t length)
{
    if (reserve(b, length) != 0)
        return -1;
    if (length > 0)
        memcpy(b->data + b->length, bytes, length);
    b->length += length;
    b->data[b->length] = '\0';
    return 0;
}

int buf_add_text(struct buf *b, const char *text)
{
    return buf_add(b, text, strlen(text));
}

int buf_add_char(struct buf *b, char c)
{
    return buf_add(b, &c, 1);
}

int buf_addf(struct buf *b, const char *format, ...)
{
    va_list ap;
    int length;

    va_start(ap, format);
    length = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    if (length < 0 || reserve(b, (size_t)length) != 0)
        return fail(b);
    va_start(ap, format);
    (void)vsnprintf(b->data + b->length, (size_t)length + 1, format, ap);
    va_end(ap);
    b->length += (size_t)length;
    return 0;
}

const char *buf_text(const struct buf *b)
{
    return b->data == NULL ? "" : b->data;
}

char *buf_take(struct buf *b, size_t *ret_length)
{
    char *data = b->data != NULL ? b->data : xstrdup("");

    if (ret_length != NULL)
        *ret_length = b->length;
    buf_init(b, b->max);
    return data;
}

void buf_wipe(struct buf *b)
{
    if (b->data != NULL)
        OPENSSL_cleanse(b->data, b->capacity);
    buf_done(b);
}
