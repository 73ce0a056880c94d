/* The normalised alert as a value: making, filling, freeing, and its JSON form. Knows no format.
 * Lists grow when their length is a power of two, so no capacity has to be kept. */
#include "consumers/alert.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "consumers/alert_edit.h"

static const char *const state_names[] = {
    [ALERT_FIRING] = "firing",
    [ALERT_CLEARED] = "cleared",
    [ALERT_NOTE] = "note",
};

static void *grown(void *items, size_t count, size_t size)
{
    if ((count & (count - 1)) != 0)
        return items;
    return xrealloc(items, count == 0 ? 1 : count * 2, size);
}

struct alert *alert_new(const char *format)
{
    struct alert *a = xcalloc(1, sizeof *a);
    char **strings[] = {
        &a->series,  &a->instance, &a->short_id, &a->part,  &a->severity_text, &a->rule,
        &a->service, &a->source,   &a->resource, &a->title, &a->description,
    };

    a->format = format;
    a->kind = "";
    a->severity = -1;
    a->fired = a->resolved = a->own_time = MSEC_NONE;
    for (size_t i = 0; i < ARRAY_LEN(strings); i++)
        *strings[i] = xstrdup("");
    return a;
}

static void free_pairs(struct alert_pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(pairs[i].name);
        free(pairs[i].value);
    }
    free(pairs);
}

static void free_texts(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(texts[i]);
    free(texts);
}

struct alert *alert_free(struct alert *a)
{
    if (a == NULL)
        return NULL;
    free(a->series);
    free(a->instance);
    free(a->short_id);
    free(a->part);
    free(a->severity_text);
    free(a->rule);
    free(a->service);
    free(a->source);
    free(a->resource);
    free(a->title);
    free(a->description);
    free_pairs(a->labels, a->labels_count);
    free_pairs(a->links, a->links_count);
    free_texts(a->targets, a->targets_count);
    free_texts(a->ci_names, a->ci_names_count);
    free_texts(a->notes, a->notes_count);
    free(a);
    return NULL;
}

void alerts_add(struct alerts *list, struct alert *a)
{
    list->items = grown(list->items, list->count, sizeof(struct alert *));
    list->items[list->count++] = a;
}

void alerts_done(struct alerts *list)
{
    for (size_t i = 0; i < list->count; i++)
        (void)alert_free(list->items[i]);
    free(list->items);
    *list = (struct alerts){0};
}

void alert_set(char **member, const char *text)
{
    free(*member);
    *member = xstrdup(text != NULL ? text : "");
}

static void add_text(char ***items, size_t *count, char *text)
{
    *items = grown(*items, *count, sizeof **items);
    (*items)[(*count)++] = text;
}

static void add_pair(struct alert_pair **items, size_t *count, const char *name, const char *value)
{
    *items = grown(*items, *count, sizeof **items);
    (*items)[(*count)++] = (struct alert_pair){.name = xstrdup(name), .value = xstrdup(value)};
}

void alert_note(struct alert *a, const char *format, ...)
{
    char text[256];
    va_list ap;

    if (a->notes_count > ALERT_NOTES_MAX)
        return;
    if (a->notes_count == ALERT_NOTES_MAX) {
        add_text(&a->notes, &a->notes_count, xstrdup("there were more notes than are kept"));
        return;
    }
    va_start(ap, format);
    (void)vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    text_mend(text);
    for (size_t i = 0; i < a->notes_count; i++)
        if (strcmp(a->notes[i], text) == 0)
            return;
    add_text(&a->notes, &a->notes_count, xstrdup(text));
}

void alert_add_label(struct alert *a, const char *name, const char *value)
{
    if (a->labels_count < ALERT_LABELS_MAX)
        add_pair(&a->labels, &a->labels_count, name, value);
    else if (a->labels_count == ALERT_LABELS_MAX)
        alert_note(a, "more than %d labels: the rest is left out", ALERT_LABELS_MAX);
}

void alert_add_target(struct alert *a, const char *target)
{
    add_text(&a->targets, &a->targets_count, xstrdup(target));
}

void alert_add_ci(struct alert *a, const char *name)
{
    add_text(&a->ci_names, &a->ci_names_count, xstrdup(name));
}

void alert_add_link(struct alert *a, const char *name, const char *url)
{
    if (url[0] == '\0')
        return;
    if (strncasecmp(url, "https://", 8) == 0 || strncasecmp(url, "http://", 7) == 0)
        add_pair(&a->links, &a->links_count, name, url);
    else
        alert_note(a, "the link \"%s\" is no web address: left out", name);
}

static json_t *time_json(msec_t ms)
{
    char text[CLOCK_ISO_SIZE];

    if (ms == MSEC_NONE)
        return json_null();
    clock_format_iso(ms, text);
    return json_string(text);
}

static json_t *pairs_json(const struct alert_pair *pairs, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(
            list, json_pack("{s:s, s:s}", "name", pairs[i].name, "value", pairs[i].value));
    return list;
}

static json_t *texts_json(char *const *texts, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(list, json_string(texts[i]));
    return list;
}

/* Labels, links and lists of names keep their order and their repeats, so they are arrays. */
json_t *alert_to_json(const struct alert *a)
{
    return json_pack(
        "{s:s, s:s, s:s, s:b, s:s, s:s, s:s, s:s, s:i, s:s,"
        " s:o, s:o, s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o}",
        "format", a->format, "kind", a->kind, "state", state_names[a->state], "marked", a->marked,
        "series", a->series, "instance", a->instance, "short_id", a->short_id, "part", a->part,
        "severity", a->severity, "severity_text", a->severity_text, "fired", time_json(a->fired),
        "resolved", time_json(a->resolved), "own_time", time_json(a->own_time), "rule", a->rule,
        "service", a->service, "source", a->source, "resource", a->resource, "title", a->title,
        "description", a->description, "labels", pairs_json(a->labels, a->labels_count), "targets",
        texts_json(a->targets, a->targets_count), "ci_names",
        texts_json(a->ci_names, a->ci_names_count), "links", pairs_json(a->links, a->links_count),
        "notes", texts_json(a->notes, a->notes_count));
}
