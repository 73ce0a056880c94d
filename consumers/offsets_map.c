/* Writes and reads the commit metadata. The reader believes nothing: a text that passes its check
 * is still parsed with every bound checked. Memory in proportion to the text's length, whatever
 * numbers stand in it. Does not know what was received: that is offsets.c. */
#include "consumers/offsets_map.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/digest.h"
#include "bridge/base/panic.h"
#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"

#define VERSION     "1"
#define CHECK_CHARS 8
#define FIELDS      6
#define BITS        6   /* offsets in a character of the bit set */
#define NUMBER_BITS 5   /* bits of a number in a character */
#define NUMBER_MORE 32u /* another character follows */

static const char symbols[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int64_t run_end(const struct offsets_run *run)
{
    return run->first + run->count;
}

void offsets_runs_add(struct offsets_runs *r, int64_t first, int64_t count)
{
    struct offsets_run *last = r->count > 0 ? &r->items[r->count - 1] : NULL;

    invariant(count > 0 && (last == NULL || first >= run_end(last)));
    if (last != NULL && first == run_end(last)) {
        last->count += count;
        return;
    }
    if (r->count == r->capacity) {
        r->capacity = r->capacity == 0 ? 16 : 2 * r->capacity;
        r->items = xrealloc(r->items, r->capacity, sizeof *r->items);
    }
    r->items[r->count++] = (struct offsets_run){.first = first, .count = count};
}

void offsets_runs_done(struct offsets_runs *r)
{
    free(r->items);
    *r = (struct offsets_runs){0};
}

bool offsets_runs_enough(const struct offsets_runs *r, int64_t base, size_t chars)
{
    return r->count > chars / 2 && (uint64_t)(r->items[r->count - 1].first - base) / BITS >= chars;
}

struct fit {
    size_t chars;    /* without the letter of the form */
    size_t runs;     /* run lengths: how many runs are in it */
    int64_t covered; /* finished offsets that are in it */
};

static size_t number_chars(int64_t n)
{
    size_t chars = 1;

    while ((n >>= NUMBER_BITS) > 0)
        chars++;
    return chars;
}

static struct fit fit_runs(const struct offsets_runs *r, int64_t base, size_t room)
{
    struct fit fit = {0};

    for (; fit.runs < r->count; fit.runs++) {
        const struct offsets_run *run = &r->items[fit.runs];
        size_t chars = number_chars(run->first - base) + number_chars(run->count);

        if (chars > room - fit.chars)
            break;
        fit.chars += chars;
        fit.covered += run->count;
        base = run_end(run);
    }
    return fit;
}

/* The end of the part of a run that `chars` characters of a bit set can hold. */
static int64_t bits_end(const struct offsets_run *run, int64_t base, size_t chars)
{
    if ((uint64_t)(run_end(run) - base) / BITS < chars)
        return run_end(run);
    return base + (int64_t)chars * BITS;
}

static struct fit fit_bits(const struct offsets_runs *r, int64_t base, size_t room)
{
    struct fit fit = {0};

    for (size_t i = 0; i < r->count; i++) {
        int64_t end = bits_end(&r->items[i], base, room);

        if (end <= r->items[i].first)
            break;
        fit.covered += end - r->items[i].first;
        fit.chars = (size_t)((end - base + BITS - 1) / BITS);
    }
    return fit;
}

size_t offsets_map_length(const struct offsets_runs *r, int64_t base)
{
    size_t runs = fit_runs(r, base, SIZE_MAX).chars, bits;

    if (r->count == 0)
        return 1;
    bits = (size_t)((uint64_t)(run_end(&r->items[r->count - 1]) - base - 1) / BITS + 1);
    return 1 + (runs < bits ? runs : bits);
}

static void add_number(struct buf *out, int64_t n)
{
    do {
        unsigned low = (unsigned)(n & (NUMBER_MORE - 1));

        n >>= NUMBER_BITS;
        (void)buf_add_char(out, symbols[n > 0 ? low | NUMBER_MORE : low]);
    } while (n > 0);
}

static void add_runs(struct buf *out, const struct offsets_runs *r, int64_t base, size_t count)
{
    (void)buf_add_char(out, 'r');
    for (size_t i = 0; i < count; i++) {
        add_number(out, r->items[i].first - base);
        add_number(out, r->items[i].count);
        base = run_end(&r->items[i]);
    }
}

static void add_bits(struct buf *out, const struct offsets_runs *r, int64_t base, size_t chars)
{
    size_t run = 0;

    (void)buf_add_char(out, 'b');
    for (size_t i = 0; i < chars; i++) {
        unsigned bits = 0;

        for (unsigned bit = 0; bit < BITS; bit++, base++) {
            while (run < r->count && run_end(&r->items[run]) <= base)
                run++;
            if (run < r->count && r->items[run].first <= base)
                bits |= 1u << bit;
        }
        (void)buf_add_char(out, symbols[bits]);
    }
}

/* Returns whether something had to be left out. */
static bool add_map(struct buf *out, const struct offsets_runs *r, int64_t base, size_t max_chars)
{
    size_t room = max_chars - 1;
    struct fit runs = fit_runs(r, base, room), bits = fit_bits(r, base, room), *best = &runs;
    int64_t wanted = 0;

    for (size_t i = 0; i < r->count; i++)
        wanted += r->items[i].count;
    if (bits.covered > runs.covered || (bits.covered == runs.covered && bits.chars < runs.chars))
        best = &bits;
    if (best->covered == 0)
        (void)buf_add_char(out, '-');
    else if (best == &runs)
        add_runs(out, r, base, runs.runs);
    else
        add_bits(out, r, base, bits.chars);
    return best->covered < wanted;
}

/* A host name needs no escape; whatever else comes here must not end the field. */
static void add_host(struct buf *out, const char *host)
{
    if (*host == '\0')
        (void)buf_add_char(out, '-');
    for (; *host != '\0'; host++) {
        if (*host > ' ' && *host <= '~' && *host != '%')
            (void)buf_add_char(out, *host);
        else
            (void)buf_addf(out, "%%%02X", (unsigned)(unsigned char)*host);
    }
}

static void add_value(struct buf *out, int64_t value, int64_t none)
{
    if (value == none)
        (void)buf_add_text(out, " -");
    else
        (void)buf_addf(out, " %" PRId64, value);
}

static void add_note(struct buf *out, const struct offsets_note *note)
{
    (void)buf_add_text(out, VERSION " ");
    add_host(out, note->host);
    add_value(out, note->cut, MSEC_NONE);
    add_value(out, note->end, OFFSETS_NONE);
    (void)buf_add_char(out, ' ');
}

static void check_of(const char *text, size_t length, int64_t base, char ret_hex[DIGEST_HEX_SIZE])
{
    struct digest *d = digest_new();
    char offset[32];

    (void)snprintf(offset, sizeof offset, "%" PRId64 " ", base);
    digest_add(d, offset, strlen(offset));
    digest_add(d, text, length);
    digest_finish(d, ret_hex);
    ret_hex[CHECK_CHARS] = '\0';
}

size_t offsets_note_chars(const struct offsets_note *note)
{
    struct buf text;
    size_t chars;

    buf_init(&text, 3 * strlen(note->host) + 64);
    add_note(&text, note);
    chars = text.length + 1 + CHECK_CHARS;
    buf_done(&text);
    return chars;
}

void offsets_map_write(struct buf *out, const struct offsets_note *note, int64_t base,
                       const struct offsets_runs *runs, size_t max_chars, bool *ret_cut)
{
    size_t others = offsets_note_chars(note);
    char check[DIGEST_HEX_SIZE];

    buf_clear(out);
    *ret_cut = runs->count > 0;
    if (max_chars > out->max)
        max_chars = out->max;
    if (max_chars <= others)
        return;
    add_note(out, note);
    *ret_cut = add_map(out, runs, base, max_chars - others);
    (void)buf_add_char(out, ' ');
    check_of(buf_text(out), out->length, base, check);
    (void)buf_add_text(out, check);
    if (out->failed) { /* memory is short: a commit without metadata is better than none */
        buf_clear(out);
        *ret_cut = runs->count > 0;
    }
}

/* The value of a character, -1 when it is none of ours. */
static int symbol_value(char c)
{
    const char *at = c == '\0' ? NULL : strchr(symbols, c);

    return at == NULL ? -1 : (int)(at - symbols);
}

/* 13 characters hold 63 bits: the last of them has three. */
static int take_number(const char **p, int64_t *ret_number)
{
    uint64_t n = 0;

    for (unsigned shift = 0; shift <= 60; shift += NUMBER_BITS) {
        int value = symbol_value(**p);

        if (value < 0 || (shift == 60 && value > 7))
            return -1;
        (*p)++;
        n |= (uint64_t)(value & (int)(NUMBER_MORE - 1)) << shift;
        if ((unsigned)value < NUMBER_MORE) {
            *ret_number = (int64_t)n;
            return 0;
        }
    }
    return -1;
}

static int read_runs(const char *p, int64_t base, struct offsets_runs *runs)
{
    int64_t skip, count, first, end;

    while (*p != '\0') {
        if (take_number(&p, &skip) != 0 || take_number(&p, &count) != 0 || count == 0 ||
            __builtin_add_overflow(base, skip, &first) ||
            __builtin_add_overflow(first, count, &end))
            return -1;
        offsets_runs_add(runs, first, count);
        base = end;
    }
    return 0;
}

static int read_bits(const char *p, int64_t base, struct offsets_runs *runs)
{
    for (; *p != '\0'; p++, base += BITS) {
        int value = symbol_value(*p);

        if (value < 0 || base > INT64_MAX - BITS)
            return -1;
        for (int bit = 0; bit < BITS; bit++)
            if (value >> bit & 1)
                offsets_runs_add(runs, base + bit, 1);
    }
    return 0;
}

static int read_map(const char *map, int64_t base, struct offsets_runs *runs)
{
    if (strcmp(map, "-") == 0)
        return 0;
    if (*map == 'r')
        return read_runs(map + 1, base, runs);
    return *map == 'b' ? read_bits(map + 1, base, runs) : -1;
}

static int read_value(const char *text, int64_t none, int64_t *ret_value)
{
    long long value = none;

    if (strcmp(text, "-") != 0 && text_to_int(text, &value) != 0)
        return -1;
    *ret_value = value;
    return 0;
}

/* `%41` to `A`, in place. */
static int read_host(char *host)
{
    char *to = host;

    for (const char *p = host; *p != '\0'; p++) {
        unsigned byte;

        if (*p != '%') {
            *to++ = *p;
            continue;
        }
        if (strspn(p + 1, "0123456789ABCDEF") < 2 || sscanf(p + 1, "%2X", &byte) != 1 || byte == 0)
            return -1;
        *to++ = (char)byte;
        p += 2;
    }
    *to = '\0';
    return 0;
}

/* Cuts at single blanks; -1 when there are not exactly FIELDS non-empty fields. */
static int split(char *text, char *ret_fields[FIELDS])
{
    for (int i = 0; i < FIELDS; i++) {
        size_t length = strcspn(text, " ");

        if (length == 0 || (text[length] == '\0') != (i == FIELDS - 1))
            return -1;
        ret_fields[i] = text;
        text[length] = '\0';
        text += length + 1;
    }
    return 0;
}

static int fail(char *why, size_t why_size, const char *text)
{
    (void)snprintf(why, why_size, "%s", text);
    return -1;
}

/* Is it ours, of our version, undamaged, and made for this offset? */
static int check(const char *text, int64_t base, char *why, size_t why_size)
{
    size_t length = strlen(text), digits = strspn(text, "0123456789");
    char wanted[DIGEST_HEX_SIZE];

    if (length == 0)
        return fail(why, why_size, "");
    if (digits == 0 || digits > 6 || text[digits] != ' ')
        return fail(why, why_size, "another program wrote it (no version in front)");
    if (digits != strlen(VERSION) || memcmp(text, VERSION, digits) != 0) {
        (void)snprintf(why, why_size, "it has version %.*s, this release reads only version %s",
                       (int)digits, text, VERSION);
        return -1;
    }
    if (length <= CHECK_CHARS)
        return fail(why, why_size, "it is damaged (too short)");
    check_of(text, length - CHECK_CHARS, base, wanted);
    if (strcmp(text + length - CHECK_CHARS, wanted) != 0)
        return fail(why, why_size, "it is damaged or was made for another offset (check differs)");
    return 0;
}

int offsets_map_read(const char *metadata, int64_t base, struct offsets_loaded *ret_note,
                     struct offsets_runs *ret_runs, char *why, size_t why_size)
{
    struct offsets_runs runs = {0};
    struct offsets_loaded note;
    char *fields[FIELDS], *copy = NULL;
    int result = -1;

    if (check(metadata, base, why, why_size) != 0)
        goto out;
    copy = xstrdup(metadata);
    if (split(copy, fields) != 0 || read_host(fields[1]) != 0 ||
        read_value(fields[2], MSEC_NONE, &note.cut) != 0 ||
        read_value(fields[3], OFFSETS_NONE, &note.end) != 0 ||
        read_map(fields[4], base, &runs) != 0) {
        (void)fail(why, why_size, "it is malformed, although its check is right");
        goto out;
    }
    note.host = xstrdup(fields[1]);
    *ret_note = note;
    *ret_runs = runs;
    runs = (struct offsets_runs){0};
    result = 0;
out:
    offsets_runs_done(&runs);
    free(copy);
    return result;
}
