/* The filters of a hole, each a row of one table. A filter gets what the one before it left; none
 * of them fails: what it cannot work on passes or becomes empty. */
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bridge/base/digest.h"
#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "consumers/alert_edit.h"
#include "consumers/json_in.h"
#include "consumers/layout.h"
#include "consumers/mapping/mapping_program.h"

#define JSON_SHOWN_MAX 2000 /* bytes of JSON that stands in a text */

enum argument { ARGUMENT_NONE, ARGUMENT_TEXT, ARGUMENT_NUMBER };

struct map_filter_kind {
    const char *name;
    enum argument argument;
    void (*apply)(const struct map_filter *f, struct map_value *v, struct map_fill *fill,
                  const char *hole);
};

static void set_text(struct map_value *v, const char *text, size_t length)
{
    struct buf fresh;

    buf_init(&fresh, SIZE_MAX / 4);
    (void)buf_add(&fresh, text, length);
    buf_done(&v->text);
    v->text = fresh;
    v->json = NULL;
}

bool map_value_empty(const struct map_value *v)
{
    if (v->json == NULL)
        return v->text.length == 0;
    return json_is_null(v->json) || (json_is_string(v->json) && json_string_length(v->json) == 0);
}

void map_value_to_text(struct map_value *v, struct map_fill *fill, const char *hole)
{
    char space[JSON_IN_SPACE];
    const json_t *json = v->json;
    const char *text = json_in_text(json, space);

    if (json == NULL)
        return;
    if (text == NULL && fill->strict && fill->wrong == NULL) {
        fill->wrong = hole;
        fill->wrong_type = json_in_type(json);
    } else if (text == NULL && !fill->strict) {
        alert_note(fill->alert, "%.80s is %s, not a single value: left out", hole,
                   json_in_type(json));
    }
    set_text(v, text != NULL ? text : "", text != NULL ? strlen(text) : 0);
}

static void apply_default(const struct map_filter *f, struct map_value *v, struct map_fill *fill,
                          const char *hole)
{
    if (!map_value_empty(v))
        return;
    alert_note(fill->alert, "%.*s is not told: taken as \"%.60s\"", (int)strcspn(hole, "|"), hole,
               f->text);
    set_text(v, f->text, strlen(f->text));
}

static void apply_or(const struct map_filter *f, struct map_value *v, struct map_fill *fill,
                     const char *hole)
{
    (void)fill;
    (void)hole;
    if (map_value_empty(v))
        set_text(v, f->text, strlen(f->text));
}

static void apply_lower(const struct map_filter *f, struct map_value *v, struct map_fill *fill,
                        const char *hole)
{
    (void)f;
    map_value_to_text(v, fill, hole);
    if (v->text.length > 0)
        text_lower(v->text.data);
}

static void apply_upper(const struct map_filter *f, struct map_value *v, struct map_fill *fill,
                        const char *hole)
{
    (void)f;
    map_value_to_text(v, fill, hole);
    for (size_t i = 0; i < v->text.length; i++)
        if (v->text.data[i] >= 'a' && v->text.data[i] <= 'z')
            v->text.data[i] = (char)(v->text.data[i] - 'a' + 'A');
}

static void apply_cut(const struct map_filter *f, struct map_value *v, struct map_fill *fill,
                      const char *hole)
{
    size_t n;

    map_value_to_text(v, fill, hole);
    n = text_chars_bytes(buf_text(&v->text), f->number);
    if (n < v->text.length) {
        v->text.length = n;
        v->text.data[n] = '\0';
        (void)buf_add_text(&v->text, "...");
    }
}

/* Behind the last, or up to the first, appearance of the argument; without any the whole. */
static void apply_last(const struct map_filter *f, struct map_value *v, struct map_fill *fill,
                       const char *hole)
{
    const char *text, *found = NULL;

    map_value_to_text(v, fill, hole);
    text = buf_text(&v->text);
    for (const char *p = strstr(text, f->text); p != NULL; p = strstr(p + 1, f->text))
        if (p[strlen(f->text)] != '\0')
            found = p + strlen(f->text);
    if (found != NULL)
        set_text(v, found, strlen(found));
}

static void apply_first(const struct map_filter *f, struct map_value *v, struct map_fill *fill,
                        const char *hole)
{
    const char *text, *found;

    map_value_to_text(v, fill, hole);
    text = buf_text(&v->text);
    found = strstr(text, f->text);
    if (found != NULL && found != text)
        set_text(v, text, (size_t)(found - text));
}

/* Behind the first appearance of the argument; without any nothing. */
static void apply_after(const struct map_filter *f, struct map_value *v, struct map_fill *fill,
                        const char *hole)
{
    const char *found;

    map_value_to_text(v, fill, hole);
    found = strstr(buf_text(&v->text), f->text);
    found = found != NULL ? found + strlen(f->text) : "";
    set_text(v, found, strlen(found));
}

/* `https://host.example:9100/metrics` and `host.example:9100` to `host.example`. */
static void apply_host(const struct map_filter *f, struct map_value *v, struct map_fill *fill,
                       const char *hole)
{
    const char *text, *start;
    size_t n;

    (void)f;
    map_value_to_text(v, fill, hole);
    text = buf_text(&v->text);
    start = strstr(text, "://");
    start = start != NULL ? start + 3 : text;
    n = strcspn(start, "/?#");
    if (start[0] == '[' && memchr(start, ']', n) != NULL) {
        start++;
        n = strcspn(start, "]");
    } else {
        const char *colon = memchr(start, ':', n);

        /* Two of them: an IPv6 address without a port. */
        if (colon != NULL && memchr(colon + 1, ':', n - (size_t)(colon + 1 - start)) == NULL)
            n = (size_t)(colon - start);
    }
    set_text(v, start, n);
}

static void apply_plain(const struct map_filter *f, struct map_value *v, struct map_fill *fill,
                        const char *hole)
{
    struct buf plain;

    (void)f;
    map_value_to_text(v, fill, hole);
    buf_init(&plain, SIZE_MAX / 4);
    layout_from_html(&plain, buf_text(&v->text));
    buf_done(&v->text);
    v->text = plain;
}

static void apply_time(const struct map_filter *f, struct map_value *v, struct map_fill *fill,
                       const char *hole)
{
    char iso[CLOCK_ISO_SIZE] = "";
    msec_t ms;

    (void)f;
    map_value_to_text(v, fill, hole);
    if (map_time_parse(buf_text(&v->text), &ms) == 0)
        clock_format_iso(ms, iso);
    set_text(v, iso, strlen(iso));
}

/* A copy without the members that are secrets, at any depth (messages have a bounded one). */
static json_t *without_secrets(const json_t *value, const struct mapping *m)
{
    json_t *all = (json_t *)(uintptr_t)value, *copy, *member; /* iterating does not change it */
    const char *name;
    size_t i;

    if (json_is_object(value)) {
        copy = json_object();
        json_object_foreach (all, name, member) {
            if (!map_is_secret(m, name))
                (void)json_object_set_new(copy, name, without_secrets(member, m));
        }
        return copy;
    }
    if (!json_is_array(value))
        return json_incref(all);
    copy = json_array();
    json_array_foreach (all, i, member) {
        (void)json_array_append_new(copy, without_secrets(member, m));
    }
    return copy;
}

static void apply_json(const struct map_filter *f, struct map_value *v, struct map_fill *fill,
                       const char *hole)
{
    json_t *copy;
    char *text;

    (void)f;
    (void)hole;
    if (!json_is_object(v->json) && !json_is_array(v->json))
        return;
    copy = without_secrets(v->json, fill->mapping);
    text = json_dumps(copy, JSON_COMPACT);
    json_decref(copy);
    if (text == NULL)
        return;
    set_text(v, text,
             fill->strict ? strlen(text) : text_boundary(text, strlen(text), JSON_SHOWN_MAX));
    free(text);
}

static void apply_count(const struct map_filter *f, struct map_value *v, struct map_fill *fill,
                        const char *hole)
{
    size_t n = json_is_array(v->json) ? json_array_size(v->json) : json_object_size(v->json);
    char text[24];

    (void)f;
    (void)fill;
    (void)hole;
    if (json_is_object(v->json) || json_is_array(v->json))
        set_text(v, text, (size_t)snprintf(text, sizeof text, "%zu", n));
}

struct label {
    const char *name, *value; /* value may point to space, so labels do not move */
    char space[JSON_IN_SPACE];
};

static int by_name(const void *a, const void *b)
{
    const struct label *x = *(const struct label *const *)a, *y = *(const struct label *const *)b;
    int names = strcmp(x->name, y->name);

    return names != 0 ? names : strcmp(x->value, y->value);
}

static void set_label(struct label *l, const char *name, const json_t *value, struct map_fill *fill,
                      const char *hole)
{
    const char *text = json_in_text(value, l->space);

    if (text == NULL && fill->wrong == NULL) {
        fill->wrong = hole;
        fill->wrong_type = json_in_type(value);
    }
    l->name = name != NULL ? name : "";
    l->value = text != NULL ? text : "";
}

/* The members of an object, or the elements { name, value } of a list. */
static void collect(const json_t *labels, struct label *all, struct map_fill *fill,
                    const char *hole)
{
    json_t *object = (json_t *)(uintptr_t)labels; /* iterating does not change it */
    size_t i = 0, n = json_array_size(labels);

    for (void *it = json_object_iter(object); it != NULL; it = json_object_iter_next(object, it))
        set_label(&all[i++], json_object_iter_key(it), json_object_iter_value(it), fill, hole);
    for (i = 0; i < n; i++) {
        const json_t *element = json_array_get(labels, i);

        set_label(&all[i], json_string_value(json_object_get(element, "name")),
                  json_is_object(element) ? json_object_get(element, "value") : element, fill,
                  hole);
    }
}

/* SHA-256 over name NUL value NUL of the labels, sorted by bytes (alert-identity 2). */
static void labels_digest(const json_t *labels, char hex[DIGEST_HEX_SIZE], struct map_fill *fill,
                          const char *hole)
{
    size_t n = json_is_array(labels) ? json_array_size(labels) : json_object_size(labels);
    struct label *all = xcalloc(n + 1, sizeof *all);
    struct label **sorted = xcalloc(n + 1, sizeof(struct label *));
    struct digest *d = digest_new();

    collect(labels, all, fill, hole);
    for (size_t i = 0; i < n; i++)
        sorted[i] = &all[i];
    qsort(sorted, n, sizeof(struct label *), by_name);
    for (size_t i = 0; i < n; i++) {
        digest_add(d, sorted[i]->name, strlen(sorted[i]->name) + 1);
        digest_add(d, sorted[i]->value, strlen(sorted[i]->value) + 1);
    }
    digest_finish(d, hex);
    free(sorted);
    free(all);
}

/* Without labels there is nothing that names: empty. */
static void apply_digest(const struct map_filter *f, struct map_value *v, struct map_fill *fill,
                         const char *hole)
{
    char hex[DIGEST_HEX_SIZE] = "";

    (void)f;
    if (json_is_object(v->json) || json_is_array(v->json)) {
        if (json_object_size(v->json) > 0 || json_array_size(v->json) > 0)
            labels_digest(v->json, hex, fill, hole);
    } else {
        map_value_to_text(v, fill, hole);
        if (v->text.length > 0)
            digest_hex(v->text.data, v->text.length, hex);
    }
    set_text(v, hex, strlen(hex));
}

static void apply_nothing(const struct map_filter *f, struct map_value *v, struct map_fill *fill,
                          const char *hole)
{
    (void)f;
    (void)v;
    (void)fill;
    (void)hole;
}

static const struct map_filter_kind kinds[] = {
    {"default", ARGUMENT_TEXT, apply_default},  {"or", ARGUMENT_TEXT, apply_or},
    {"lower", ARGUMENT_NONE, apply_lower},      {"upper", ARGUMENT_NONE, apply_upper},
    {"cut", ARGUMENT_NUMBER, apply_cut},        {"last", ARGUMENT_TEXT, apply_last},
    {"first", ARGUMENT_TEXT, apply_first},      {"after", ARGUMENT_TEXT, apply_after},
    {"host", ARGUMENT_NONE, apply_host},        {"plain", ARGUMENT_NONE, apply_plain},
    {"time", ARGUMENT_NONE, apply_time},        {"json", ARGUMENT_NONE, apply_json},
    {"count", ARGUMENT_NONE, apply_count},      {"digest", ARGUMENT_NONE, apply_digest},
    {"optional", ARGUMENT_NONE, apply_nothing}, {"join", ARGUMENT_TEXT, apply_nothing},
};

static const struct map_filter_kind *find_kind(const char *name, size_t length)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strlen(kinds[i].name) == length && strncmp(kinds[i].name, name, length) == 0)
            return &kinds[i];
    return NULL;
}

static int unknown(const char *name, struct err *e)
{
    struct buf all;
    int rc;

    buf_init(&all, 1000);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        (void)buf_addf(&all, "%s%s", i > 0 ? ", " : "", kinds[i].name);
    rc = err_set(e, ERR_CONFIG, "mapping", "there is no filter \"%.20s\"; there are %s", name,
                 buf_text(&all));
    buf_done(&all);
    return rc;
}

static int take_argument(const char **text, struct map_filter *f, struct err *e)
{
    char quote = **text;
    const char *start = *text + 1, *end;

    if (f->kind->argument == ARGUMENT_NUMBER) {
        size_t n = strspn(*text, "0123456789");

        f->number = n > 0 && n < 7 ? strtoul(*text, NULL, 10) : 0;
        *text += n;
        return f->number > 0 ? 0
                             : err_set(e, ERR_CONFIG, "mapping", "%s wants a number, as in %s:60",
                                       f->kind->name, f->kind->name);
    }
    end = quote == '\'' || quote == '"' ? strchr(start, quote) : NULL;
    if (end == NULL)
        return err_set(e, ERR_CONFIG, "mapping", "%s wants a text in quotes, as in %s:'-'",
                       f->kind->name, f->kind->name);
    if (end == start && f->kind->apply != apply_or)
        return err_set(e, ERR_CONFIG, "mapping", "the text behind %s: is empty", f->kind->name);
    f->text = xstrndup(start, (size_t)(end - start));
    *text = end + 1;
    return 0;
}

int map_filter_parse(const char **text, struct map_filter *ret, struct err *e)
{
    size_t n = 0;
    struct map_filter f = {0};

    while (islower((unsigned char)(*text)[n]))
        n++;
    f.kind = find_kind(*text, n);
    if (f.kind == NULL)
        return unknown(*text, e);
    *text += n;
    if (f.kind->argument != ARGUMENT_NONE) {
        if (**text != ':')
            return err_set(e, ERR_CONFIG, "mapping", "%s wants an argument behind a colon",
                           f.kind->name);
        (*text)++;
        if (take_argument(text, &f, e) != 0)
            return -1;
    }
    *ret = f;
    return 0;
}

void map_filter_done(struct map_filter *f)
{
    free(f->text);
    *f = (struct map_filter){0};
}

bool map_filter_is_optional(const struct map_filter *f)
{
    return strcmp(f->kind->name, "optional") == 0;
}

bool map_filter_is_join(const struct map_filter *f)
{
    return strcmp(f->kind->name, "join") == 0;
}

void map_filter_apply(const struct map_filter *f, struct map_value *v, struct map_fill *fill,
                      const char *hole)
{
    f->kind->apply(f, v, fill, hole);
}

/* Seconds up to the year 5138, then milliseconds, micro- and nanoseconds. */
static int parse_epoch(const char *text, msec_t *ret_ms)
{
    static const struct {
        int64_t below;
        int64_t times, by;
    } sizes[] = {{INT64_C(100000000000), 1000, 1},
                 {INT64_C(100000000000000), 1, 1},
                 {INT64_C(100000000000000000), 1, 1000},
                 {INT64_MAX, 1, 1000000}};
    char *end;
    long long whole;
    int64_t part = 0;

    errno = 0;
    whole = strtoll(text, &end, 10);
    if (end == text || errno != 0 || whole <= 0)
        return -1;
    if (*end == '.')
        for (int64_t worth = 100; end++, *end >= '0' && *end <= '9'; worth /= 10)
            part += (*end - '0') * worth;
    if (*end != '\0')
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        if (whole < sizes[i].below || i + 1 == ARRAY_LEN(sizes)) {
            *ret_ms = whole * sizes[i].times / sizes[i].by + (i == 0 ? part : 0);
            return 0;
        }
    return -1;
}

int map_time_parse(const char *text, msec_t *ret_ms)
{
    msec_t ms;

    if (clock_parse(text, &ms) != 0 && clock_parse_http(text, &ms) != 0 &&
        parse_epoch(text, &ms) != 0)
        return -1;
    if (ms <= 0)
        return -1;
    *ret_ms = ms;
    return 0;
}
