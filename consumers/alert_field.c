/* Fields by their names. */
#include "consumers/alert_field.h"

#include <string.h>

msec_t alert_field_time(const struct alert *a, enum field_id id)
{
    if (id == FIELD_RESOLVED)
        return a->resolved;
    if (id == FIELD_FIRED || a->fired != MSEC_NONE)
        return a->fired;
    return a->own_time;
}

static const char *state_of(const struct alert *a)
{
    static const char *const states[] = {
        [ALERT_FIRING] = "firing", [ALERT_CLEARED] = "cleared", [ALERT_NOTE] = "note"};

    return states[a->state];
}

static const char *severity_of(const struct alert *a)
{
    static const char *const severities[] = {"Sev0", "Sev1", "Sev2", "Sev3", "Sev4"};

    return a->severity >= 0 && a->severity <= 4 ? severities[a->severity] : "";
}

/* Of the fields that have one text. */
static const char *text_of(const struct alert *a, enum field_id id)
{
    switch (id) {
    case FIELD_SEVERITY:
        return severity_of(a);
    case FIELD_SEVERITY_TEXT:
        return a->severity_text;
    case FIELD_RULE:
        return a->rule;
    case FIELD_SERVICE:
        return a->service;
    case FIELD_SOURCE:
        return a->source;
    case FIELD_RESOURCE:
        return a->resource;
    case FIELD_TITLE:
        return a->title;
    case FIELD_DESCRIPTION:
        return a->description;
    case FIELD_FORMAT:
        return a->format;
    case FIELD_KIND:
        return a->kind;
    case FIELD_STATE:
        return state_of(a);
    case FIELD_PART:
        return a->part;
    case FIELD_SHORT_ID:
        return a->short_id;
    default:
        return "";
    }
}

static const char *next_pair(const struct alert_pair *pairs, size_t count, const char *name,
                             size_t *cursor)
{
    while (*cursor < count) {
        const struct alert_pair *pair = &pairs[(*cursor)++];

        if (pair->value[0] != '\0' && strcmp(pair->name, name) == 0)
            return pair->value;
    }
    return NULL;
}

static const char *next_text(char *const *texts, size_t count, size_t *cursor)
{
    while (*cursor < count) {
        const char *text = texts[(*cursor)++];

        if (text[0] != '\0')
            return text;
    }
    return NULL;
}

static const char *only_time(const struct alert *a, enum field_id id, char space[ALERT_FIELD_SPACE])
{
    msec_t time = alert_field_time(a, id);

    if (time == MSEC_NONE)
        return "";
    clock_format_sn(time, space);
    return space;
}

const char *alert_field_next(const struct alert *a, const struct field *f, size_t *cursor,
                             char space[ALERT_FIELD_SPACE])
{
    const char *text;

    switch (f->id) {
    case FIELD_LABEL:
        return next_pair(a->labels, a->labels_count, f->name, cursor);
    case FIELD_LINK:
        return next_pair(a->links, a->links_count, f->name, cursor);
    case FIELD_TARGET:
        return next_text(a->targets, a->targets_count, cursor);
    case FIELD_CI:
        return next_text(a->ci_names, a->ci_names_count, cursor);
    default:
        break;
    }
    if ((*cursor)++ > 0)
        return NULL;
    text = field_kind(f->id) == FIELD_IS_TIME ? only_time(a, f->id, space) : text_of(a, f->id);
    return text[0] != '\0' ? text : NULL;
}
