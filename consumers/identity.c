/* Keys of a record. Every byte that enters a digest here is fixed for ever (alert-identity 2). */
#include "consumers/identity.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/buf.h"
#include "bridge/base/digest.h"
#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"

#define CORRELATION_MAX  100
#define CORRELATION_HEAD 67 /* + '~' + 32 hex digits = 100 */

/* The fields are joined by NUL: one between two, none behind the last. */
static void add_field(struct digest *d, const char *field, bool more)
{
    digest_add(d, field, strlen(field) + (more ? 1 : 0));
}

static void make_sys_id(const struct alert *a, const char *record_namespace, const char *table,
                        const char *instance, char out[SYS_ID_SIZE])
{
    struct digest *d = digest_new();
    char hex[DIGEST_HEX_SIZE];

    add_field(d, "itsm-bridge/1", true);
    add_field(d, record_namespace, true);
    add_field(d, table, true);
    add_field(d, a->part, true);
    add_field(d, a->format, true);
    add_field(d, instance, false);
    digest_finish(d, hex);
    memcpy(out, hex, SYS_ID_SIZE - 1);
    out[SYS_ID_SIZE - 1] = '\0';
}

/* What would end a term of an encoded query, and control characters (C0, DEL, C1), become '_'. */
static void clean(char *text)
{
    char *out = text;

    for (const char *p = text; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;

        if (c < 0x20 || c == 0x7f || c == '^' || c == ',') {
            *out++ = '_';
        } else if (c == 0xc2 && (unsigned char)p[1] >= 0x80 && (unsigned char)p[1] < 0xa0) {
            *out++ = '_';
            p++;
        } else {
            *out++ = *p;
        }
    }
    *out = '\0';
}

/* The digest is taken of the uncut, uncleaned text, so that what differs stays different. */
static void make_correlation_id(const char *format, const char *short_instance, const char *part,
                                char out[CORRELATION_ID_SIZE])
{
    const char *joint = part[0] != '\0' && part[0] != '/' ? "/" : "";
    char *text = xasprintf("%s:%s%s%s", format, short_instance, joint, part);
    size_t length = strlen(text);

    if (length <= CORRELATION_MAX) {
        memcpy(out, text, length + 1);
    } else {
        size_t head = text_boundary(text, length, CORRELATION_HEAD);
        char hex[DIGEST_HEX_SIZE];

        digest_hex(text, length, hex);
        (void)snprintf(out, CORRELATION_ID_SIZE, "%.*s~%.32s", (int)head, text, hex);
    }
    clean(out);
    free(text);
}

char *identity_instance(const struct alert *a, uint32_t generation)
{
    if (a->marked)
        return xstrdup(a->instance);
    return xasprintf("%s#%" PRIu32, a->series, generation);
}

uint64_t identity_series(const struct alert *a)
{
    char *text;
    uint64_t series;

    if (a->part[0] == '\0')
        return digest_u64(a->series, strlen(a->series));
    text = xasprintf("%s%s%s", a->series, ALERT_SEP, a->part);
    series = digest_u64(text, strlen(text));
    free(text);
    return series;
}

void identity_keys(const struct alert *a, const char *record_namespace, const char *table,
                   uint32_t generation, struct keys *ret)
{
    char *instance = identity_instance(a, generation);
    char hex[DIGEST_HEX_SIZE];

    make_sys_id(a, record_namespace, table, instance, ret->sys_id);
    if (a->marked && a->short_id[0] != '\0') {
        make_correlation_id(a->format, a->short_id, a->part, ret->correlation_id);
    } else {
        digest_hex(instance, strlen(instance), hex);
        hex[16] = '\0';
        make_correlation_id(a->format, hex, a->part, ret->correlation_id);
    }
    ret->series = identity_series(a);
    free(instance);
}

void identity_row_key(const struct alert *a, bool by_series, char out[CORRELATION_ID_SIZE])
{
    const char *identity = by_series ? a->series : a->instance;
    char hex[DIGEST_HEX_SIZE];
    char *text;

    if (!by_series && a->short_id[0] != '\0' && a->part[0] == '\0') {
        make_correlation_id(a->format, a->short_id, "", out);
        return;
    }
    text =
        a->part[0] == '\0' ? xstrdup(identity) : xasprintf("%s" ALERT_SEP "%s", identity, a->part);
    digest_hex(text, strlen(text), hex);
    hex[16] = '\0';
    make_correlation_id(a->format, hex, "", out);
    free(text);
}

bool identity_is_long(const char *identity)
{
    size_t length = 0;

    for (const char *p = identity; *p != '\0' && length <= IDENTITY_SHOWN_MAX; p++)
        length += *p == ALERT_SEP[0] ? 3 : 1;
    return length > IDENTITY_SHOWN_MAX;
}

char *identity_shown(const char *identity)
{
    struct buf b;

    if (identity_is_long(identity)) {
        char hex[DIGEST_HEX_SIZE];

        digest_hex(identity, strlen(identity), hex);
        return xasprintf("sha256:%s", hex);
    }
    buf_init(&b, IDENTITY_SHOWN_MAX);
    for (const char *p = identity; *p != '\0'; p++) {
        if (*p == ALERT_SEP[0])
            (void)buf_add_text(&b, " | ");
        else
            (void)buf_add_char(&b, (unsigned char)*p < 0x20 || *p == 0x7f ? '_' : *p);
    }
    return buf_take(&b, NULL);
}
