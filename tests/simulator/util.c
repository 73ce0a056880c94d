/*
 * Small helpers without a home of their own: memory, growing text, random numbers, encodings,
 * dates. Nothing here knows the simulator. Out of memory ends the process: a test bench that
 * goes on without memory would only produce wrong results.
 */
#include "tests/simulator/util.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct arena_block {
    struct arena_block *next;
    size_t used;
    size_t cap;
    char data[];
};

static void *checked(void *p)
{
    if (p == NULL) {
        fputs("snow-sim: out of memory, the simulator stops here\n", stderr);
        abort();
    }
    return p;
}

void *xalloc(size_t bytes)
{
    return checked(calloc(1, bytes ? bytes : 1));
}

void *xresize(void *p, size_t bytes)
{
    return checked(realloc(p, bytes ? bytes : 1));
}

char *xstrdup(const char *s)
{
    return xstrndup(s, strlen(s));
}

char *xstrndup(const char *s, size_t n)
{
    char *p = checked(malloc(n + 1));

    memcpy(p, s, n);
    p[n] = '\0';
    return p;
}

static void str_room(struct str *s, size_t more)
{
    size_t need = s->n + more + 1;

    if (need <= s->cap)
        return;
    s->cap = need < 256 ? 256 : need + need / 2;
    s->p = xresize(s->p, s->cap);
}

void str_reserve(struct str *s, size_t n)
{
    str_room(s, n);
}

void str_add(struct str *s, const void *data, size_t n)
{
    str_room(s, n);
    if (n)
        memcpy(s->p + s->n, data, n);
    s->n += n;
    s->p[s->n] = '\0';
}

void str_puts(struct str *s, const char *text)
{
    str_add(s, text, strlen(text));
}

void str_putc(struct str *s, char c)
{
    str_add(s, &c, 1);
}

void str_printf(struct str *s, const char *format, ...)
{
    va_list ap;
    int n;

    va_start(ap, format);
    n = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    if (n < 0)
        return;
    str_room(s, (size_t)n);
    va_start(ap, format);
    vsnprintf(s->p + s->n, (size_t)n + 1, format, ap);
    va_end(ap);
    s->n += (size_t)n;
}

static void json_escape(struct str *s, unsigned char c)
{
    static const char names[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    const char *hit;

    for (hit = names; *hit; hit += 2) {
        if ((unsigned char)*hit == c) {
            str_putc(s, '\\');
            str_putc(s, hit[1]);
            return;
        }
    }
    str_printf(s, "\\u%04x", c);
}

void str_json(struct str *s, const char *text)
{
    const char *from = text;
    const char *p = text;

    str_putc(s, '"');
    for (; *p; p++) {
        unsigned char c = (unsigned char)*p;

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        str_add(s, from, (size_t)(p - from));
        json_escape(s, c);
        from = p + 1;
    }
    str_add(s, from, (size_t)(p - from));
    str_putc(s, '"');
}

void str_clear(struct str *s)
{
    s->n = 0;
    if (s->p != NULL)
        s->p[0] = '\0';
}

void str_free(struct str *s)
{
    free(s->p);
    *s = (struct str){0};
}

char *str_take(struct str *s)
{
    char *p;

    str_add(s, "", 0);
    p = s->p;
    *s = (struct str){0};
    return p;
}

#define ARENA_BLOCK 960 /* small enough for the allocator's quick lists */

static char *arena_room(struct arena *a, size_t n)
{
    struct arena_block *b = a->head;
    char *p;

    if (b == NULL || b->cap - b->used < n) {
        size_t cap = n > ARENA_BLOCK ? n : ARENA_BLOCK;

        b = checked(malloc(sizeof(*b) + cap));
        b->next = a->head;
        b->used = 0;
        b->cap = cap;
        a->head = b;
    }
    p = b->data + b->used;
    b->used += n;
    return p;
}

char *arena_copy(struct arena *a, const char *s, size_t n)
{
    char *p = arena_room(a, n + 1);

    memcpy(p, s, n);
    p[n] = '\0';
    return p;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    va_list ap;
    char *p;
    int n;

    va_start(ap, format);
    n = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    p = arena_room(a, (size_t)(n < 0 ? 0 : n) + 1);
    va_start(ap, format);
    vsnprintf(p, (size_t)(n < 0 ? 0 : n) + 1, format, ap);
    va_end(ap);
    return p;
}

void arena_free(struct arena *a)
{
    while (a->head != NULL) {
        struct arena_block *b = a->head;

        a->head = b->next;
        free(b);
    }
}

uint64_t hash_mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

uint64_t hash_text(const char *s)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
    return hash_mix(h);
}

uint64_t rng_next(struct rng *r)
{
    uint64_t x = r->state;

    r->state += UINT64_C(0x9e3779b97f4a7c15);
    return hash_mix(x);
}

double rng_unit(struct rng *r)
{
    return (double)(rng_next(r) >> 11) / 9007199254740992.0;
}

static void rng_alphabet(struct rng *r, char *out, size_t n, const char *alphabet, unsigned bits)
{
    uint64_t x = 0;
    unsigned left = 0;

    for (size_t i = 0; i < n; i++) {
        if (left < bits) {
            x = rng_next(r);
            left = 64;
        }
        out[i] = alphabet[x & ((1u << bits) - 1)];
        x >>= bits;
        left -= bits;
    }
    out[n] = '\0';
}

void rng_hex(struct rng *r, char *out, size_t n, bool upper)
{
    rng_alphabet(r, out, n, upper ? "0123456789ABCDEF" : "0123456789abcdef", 4);
}

void rng_token(struct rng *r, char *out, size_t n)
{
    rng_alphabet(r, out, n, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", 6);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

size_t url_decode(char *s, bool plus)
{
    char *w = s;

    for (const char *p = s; *p; p++) {
        if (*p == '%' && hex_value(p[1]) >= 0 && hex_value(p[2]) >= 0) {
            *w++ = (char)(hex_value(p[1]) * 16 + hex_value(p[2]));
            p += 2;
        } else {
            *w++ = plus && *p == '+' ? ' ' : *p;
        }
    }
    *w = '\0';
    return (size_t)(w - s);
}

void url_encode(struct str *s, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            strchr("-._~", c) != NULL)
            str_putc(s, (char)c);
        else
            str_printf(s, "%%%02X", c);
    }
}

static int base64_value(char c)
{
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *p = c ? strchr(set, c) : NULL;

    return p ? (int)(p - set) : -1;
}

char *base64_decode(const char *s, size_t n, size_t *ret_n)
{
    char *out = xalloc(n / 4 * 3 + 4);
    size_t w = 0;
    uint32_t acc = 0;
    unsigned bits = 0;

    while (n > 0 && s[n - 1] == '=')
        n--;
    for (size_t i = 0; i < n; i++) {
        int v = base64_value(s[i]);

        if (v < 0) {
            free(out);
            return NULL;
        }
        acc = (acc << 6) | (uint32_t)v;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[w++] = (char)((acc >> bits) & 0xff);
        }
    }
    out[w] = '\0';
    *ret_n = w;
    return out;
}

void base64_encode(struct str *s, const void *data, size_t n)
{
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *d = data;

    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)d[i] << 16;
        char four[4];

        if (i + 1 < n)
            v |= (uint32_t)d[i + 1] << 8;
        if (i + 2 < n)
            v |= d[i + 2];
        four[0] = set[v >> 18];
        four[1] = set[(v >> 12) & 63];
        four[2] = i + 1 < n ? set[(v >> 6) & 63] : '=';
        four[3] = i + 2 < n ? set[v & 63] : '=';
        str_add(s, four, 4);
    }
}

static void put_digits(char *out, int64_t v, int n)
{
    for (int i = n - 1; i >= 0; i--) {
        out[i] = (char)('0' + v % 10);
        v /= 10;
    }
}

/* Civil date from days since 1970-01-01 by eras of 400 years. */
void date_format(int64_t seconds, char out[DATE_LEN])
{
    int64_t days = seconds / 86400;
    int64_t rest = seconds % 86400;
    int64_t era, doe, yoe, doy, mp, year, month;

    if (rest < 0) {
        rest += 86400;
        days--;
    }
    days += 719468;
    era = (days >= 0 ? days : days - 146096) / 146097;
    doe = days - era * 146097;
    yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    mp = (5 * doy + 2) / 153;
    month = mp < 10 ? mp + 3 : mp - 9;
    year = yoe + era * 400 + (month <= 2);
    memcpy(out, "0000-00-00 00:00:00", DATE_LEN);
    put_digits(out, year, 4);
    put_digits(out + 5, month, 2);
    put_digits(out + 8, doy - (153 * mp + 2) / 5 + 1, 2);
    put_digits(out + 11, rest / 3600, 2);
    put_digits(out + 14, rest / 60 % 60, 2);
    put_digits(out + 17, rest % 60, 2);
}

static int64_t days_of(int64_t y, int64_t m, int64_t d)
{
    int64_t era, yoe, doy;

    y -= m <= 2;
    era = (y >= 0 ? y : y - 399) / 400;
    yoe = y - era * 400;
    doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static int read_digits(const char *s, int n)
{
    int v = 0;

    for (int i = 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9')
            return -1;
        v = v * 10 + (s[i] - '0');
    }
    return v;
}

int date_parse(const char *text, int64_t *ret_seconds)
{
    static const int at[] = {0, 5, 8, 11, 14, 17};
    static const char form[] = "dddd-dd-dd dd:dd:dd";
    size_t n = strlen(text);
    int v[6] = {0};

    if (n != 10 && n != 19)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (form[i] != 'd' && text[i] != form[i])
            return -1;
    }
    for (int i = 0; i < (n == 10 ? 3 : 6); i++) {
        v[i] = read_digits(text + at[i], i == 0 ? 4 : 2);
        if (v[i] < 0)
            return -1;
    }
    if (v[1] < 1 || v[1] > 12 || v[2] < 1 || v[2] > 31 || v[3] > 23 || v[4] > 59 || v[5] > 59)
        return -1;
    *ret_seconds = days_of(v[0], v[1], v[2]) * 86400 + v[3] * 3600 + v[4] * 60 + v[5];
    return 0;
}

int parse_int(const char *text, int64_t *ret)
{
    char *end;
    long long v;

    errno = 0;
    v = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0')
        return -1;
    *ret = v;
    return 0;
}

int parse_double(const char *text, double *ret)
{
    char *end;
    double v;

    errno = 0;
    v = strtod(text, &end);
    if (errno != 0 || end == text || *end != '\0')
        return -1;
    *ret = v;
    return 0;
}

usec_t clock_mono(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (usec_t)t.tv_sec * 1000000 + (usec_t)t.tv_nsec / 1000;
}

int64_t clock_wall_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}
