/* Files of the time zone database. Everything in them is checked against the length of the file. */
#include "bridge/base/zone.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"
#include "bridge/base/zone_rule.h"

#define FILE_SIZE_MAX ((size_t)256 * 1024)
#define HEADER_SIZE   44
#define TYPE_SIZE     6

struct zone {
    size_t count; /* of transitions */
    int64_t *times;
    int32_t *offsets; /* from that time on */
    int32_t first;    /* before all of them */
    bool has_rule;
    struct zone_rule rule; /* behind all of them */
};

struct counts {
    size_t utc, standard, leap, times, types, chars;
};

int64_t zone_days(int64_t year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400, year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

static int64_t number_at(const unsigned char *p, size_t size)
{
    uint64_t n = (p[0] & 0x80) != 0 ? UINT64_MAX : 0;

    for (size_t i = 0; i < size; i++)
        n = n << 8 | p[i];
    return (int64_t)n;
}

/* The header at p, of which `left` bytes are there. */
static bool read_counts(const unsigned char *p, size_t left, struct counts *ret)
{
    size_t *fields[] = {&ret->utc,   &ret->standard, &ret->leap,
                        &ret->times, &ret->types,    &ret->chars};

    if (left < HEADER_SIZE || memcmp(p, "TZif", 4) != 0 || p[4] < '2')
        return false;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        int64_t n = number_at(p + 20 + 4 * i, 4);

        if (n < 0 || n > (int64_t)FILE_SIZE_MAX)
            return false;
        *fields[i] = (size_t)n;
    }
    return true;
}

static size_t block_size(const struct counts *c, size_t time_size)
{
    return c->times * (time_size + 1) + c->types * TYPE_SIZE + c->chars +
           c->leap * (time_size + 4) + c->standard + c->utc;
}

static void read_rule(struct zone *z, const unsigned char *p, const unsigned char *end)
{
    const unsigned char *line_end = p < end && *p == '\n' ? memchr(p + 1, '\n', end - p - 1) : NULL;
    char *text;

    if (line_end == NULL)
        return;
    text = xstrndup((const char *)p + 1, (size_t)(line_end - p - 1));
    z->has_rule = zone_rule_parse(text, &z->rule) == 0;
    free(text);
}

/* p: the second data block, all of which is there. */
static bool read_block(struct zone *z, const unsigned char *p, const struct counts *c)
{
    const unsigned char *numbers = p + 8 * c->times, *types = numbers + c->times;

    if (c->types == 0)
        return false;
    z->times = xcalloc(c->times + 1, sizeof *z->times);
    z->offsets = xcalloc(c->times + 1, sizeof *z->offsets);
    z->count = c->times;
    z->first = (int32_t)number_at(types, 4);
    for (size_t i = 0; i < c->times; i++) {
        if (numbers[i] >= c->types)
            return false;
        z->times[i] = number_at(p + 8 * i, 8);
        z->offsets[i] = (int32_t)number_at(types + (size_t)numbers[i] * TYPE_SIZE, 4);
        if (i > 0 && z->times[i] <= z->times[i - 1])
            return false;
    }
    return true;
}

static bool read_zone(struct zone *z, const unsigned char *bytes, size_t length)
{
    const unsigned char *p = bytes, *end = bytes + length;
    struct counts c;

    if (!read_counts(p, length, &c) || block_size(&c, 4) > length - HEADER_SIZE)
        return false;
    p += HEADER_SIZE + block_size(&c, 4);
    if (!read_counts(p, (size_t)(end - p), &c))
        return false;
    p += HEADER_SIZE;
    if (block_size(&c, 8) > (size_t)(end - p) || !read_block(z, p, &c))
        return false;
    read_rule(z, p + block_size(&c, 8), end);
    return true;
}

/* No part of a name may lead out of the folder. */
static bool is_name(const char *name)
{
    return name[0] >= 'A' && name[0] <= 'z' && strstr(name, "..") == NULL &&
           name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                             "/_+-")] == '\0';
}

static bool read_file(struct zone *z, const char *name)
{
    const char *folder = getenv("TZDIR");
    char *path =
        xasprintf("%s/%s", folder != NULL && *folder ? folder : "/usr/share/zoneinfo", name);
    unsigned char *bytes = xmalloc(FILE_SIZE_MAX);
    FILE *f = fopen(path, "rb");
    size_t n = f == NULL ? 0 : fread(bytes, 1, FILE_SIZE_MAX, f);
    bool fine = n > 0 && read_zone(z, bytes, n);

    if (f != NULL)
        (void)fclose(f);
    free(bytes);
    free(path);
    return fine;
}

/* +hh:mm or -hh:mm */
static bool read_fixed(struct zone *z, const char *name)
{
    int hours, minutes, used = 0;

    if ((name[0] != '+' && name[0] != '-') ||
        sscanf(name + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 || used != 5 ||
        name[6] != '\0' || hours < 0 || hours > 18 || minutes < 0 || minutes > 59)
        return false;
    z->first = (name[0] == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
    return true;
}

struct zone *zone_new(const char *name, struct err *e)
{
    struct zone *z = xcalloc(1, sizeof *z);

    if (strcmp(name, "UTC") == 0 || read_fixed(z, name) || (is_name(name) && read_file(z, name)))
        return z;
    (void)err_set(e, ERR_CONFIG, "zone",
                  "is not known; use \"UTC\", an offset as in \"+02:00\", or a name of the time "
                  "zone database (package tzdata) as in \"Europe/Berlin\"");
    return zone_free(z);
}

struct zone *zone_free(struct zone *z)
{
    if (z == NULL)
        return NULL;
    free(z->times);
    free(z->offsets);
    free(z);
    return NULL;
}

int32_t zone_offset_s(const struct zone *z, msec_t utc)
{
    int64_t s = utc >= 0 ? utc / 1000 : -((999 - utc) / 1000);
    size_t low = 0, high = z->count;

    if (z->count == 0)
        return z->has_rule ? zone_rule_offset(&z->rule, s) : z->first;
    if (z->has_rule && s >= z->times[z->count - 1])
        return zone_rule_offset(&z->rule, s);
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (z->times[middle] <= s)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? z->first : z->offsets[low - 1];
}
