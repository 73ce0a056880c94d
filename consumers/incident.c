/* Bodies of the requests that create, change and resolve incidents (design D4): only a create and a
 * resolve hold state and close fields and the stamp; an update holds content alone. */
#include "consumers/incident.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/digest.h"

#include "consumers/incident_text.h"

/* Impact and urgency by severity 0..4: priorities 1 to 5. Unknown: the last. */
static const char *const impacts[] = {"1", "2", "2", "2", "3"};
static const char *const urgencies[] = {"1", "1", "2", "3", "3"};

static void set(json_t *body, const char *column, const char *value)
{
    (void)json_object_set_new_nocheck(body, column, json_string(value));
}

static void set_given(json_t *body, const char *column, const char *value)
{
    if (value[0] != '\0')
        set(body, column, value);
}

/* Takes the value. */
static void set_take(json_t *body, const char *column, char *value)
{
    set(body, column, value);
    free(value);
}

static void set_severity(json_t *body, const struct alert *a)
{
    int severity = a->severity >= 0 && a->severity <= 4 ? a->severity : 4;

    set(body, "impact", impacts[severity]);
    set(body, "urgency", urgencies[severity]);
}

static void set_stamp(json_t *body, const struct stamp *stamp)
{
    char text[STAMP_SIZE];

    stamp_format(stamp, text);
    set(body, "correlation_display", text);
}

static void set_content(json_t *body, const struct alert *fire, uint32_t generation,
                        const struct version *content, bool orphan)
{
    set_take(body, "short_description", incident_short_description(fire));
    set_take(body, "description", incident_description(fire, generation, content, orphan));
    set_severity(body, fire);
}

static void set_resolved(json_t *body, const struct incident_context *x, const struct alert *clear,
                         bool orphan)
{
    set(body, "state", "6");
    set_given(body, "close_code", x->close_code);
    set_take(body, "close_notes", incident_close_notes(clear, orphan));
}

/* The constants of the configuration go in first, so that nothing of ours can be overridden. */
static json_t *new_record(const struct incident_context *x, const struct alert *fire,
                          uint32_t generation, const struct version *content,
                          const struct stamp *stamp, bool orphan)
{
    const struct config_pairs *fields = &x->consumer->fields;
    json_t *body = json_object();
    struct keys keys;

    for (size_t i = 0; i < fields->count; i++)
        set(body, fields->items[i].name, fields->items[i].value);
    identity_keys(fire, x->record_namespace, x->consumer->target, generation, &keys);
    set(body, "sys_id", keys.sys_id);
    set(body, "correlation_id", keys.correlation_id);
    set_stamp(body, stamp);
    set_content(body, fire, generation, content, orphan);
    set_given(body, "contact_type", x->contact_type);
    set_given(body, "cmdb_ci", x->cmdb_ci);
    set(body, "state", "1");
    return body;
}

json_t *incident_create(const struct incident_context *x, const struct alert *fire,
                        uint32_t generation, const struct version *content,
                        const struct stamp *stamp)
{
    return new_record(x, fire, generation, content, stamp, false);
}

json_t *incident_create_resolved(const struct incident_context *x, const struct alert *fire,
                                 const struct alert *clear, uint32_t generation,
                                 const struct version *content, const struct stamp *stamp)
{
    bool orphan = fire == clear;
    json_t *body = new_record(x, fire, generation, content, stamp, orphan);

    set_resolved(body, x, clear, orphan);
    return body;
}

json_t *incident_update(const struct incident_context *x, const struct alert *fire,
                        uint32_t generation, const struct version *content)
{
    json_t *body = json_object();

    (void)x;
    set_content(body, fire, generation, content, false);
    set_take(body, "work_notes", incident_update_note(fire, content));
    return body;
}

json_t *incident_resolve(const struct incident_context *x, const struct alert *clear,
                         const struct stamp *stamp)
{
    json_t *body = json_object();

    set_resolved(body, x, clear, false);
    set_stamp(body, stamp);
    return body;
}

json_t *incident_stamp(const struct stamp *stamp)
{
    json_t *body = json_object();

    set_stamp(body, stamp);
    return body;
}

json_t *incident_note(const struct incident_context *x, const struct alert *clear,
                      const struct stamp *stamp, const char *why)
{
    json_t *body = json_object();

    (void)x;
    set_take(body, "work_notes", incident_hold_note(clear, &stamp->version, why));
    set_stamp(body, stamp);
    return body;
}

json_t *incident_reopen(const struct incident_context *x, const struct alert *fire,
                        uint32_t generation, const struct version *content,
                        const struct stamp *stamp)
{
    json_t *body = incident_update(x, fire, generation, content);

    set(body, "state", "2");
    set_take(body, "work_notes", incident_refire_note(fire, content, true));
    set_stamp(body, stamp);
    return body;
}

json_t *incident_refire(const struct alert *fire, const struct stamp *stamp)
{
    json_t *body = json_object();

    set_take(body, "work_notes", incident_refire_note(fire, &stamp->version, false));
    set_stamp(body, stamp);
    return body;
}

static void add_to_digest(struct digest *d, const char *text, size_t length)
{
    digest_add(d, text, length);
    digest_add(d, "", 1);
}

uint64_t incident_content_digest(const json_t *body)
{
    static const char *const columns[] = {"short_description", "impact", "urgency"};
    const char *description = json_string_value(json_object_get(body, "description"));
    const char *last = description == NULL ? NULL : strrchr(description, '\n');
    struct digest *d = digest_new();
    char hex[DIGEST_HEX_SIZE];

    for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
        const char *text = json_string_value(json_object_get(body, columns[i]));

        add_to_digest(d, text == NULL ? "" : text, text == NULL ? 0 : strlen(text));
    }
    if (description != NULL)
        add_to_digest(d, description,
                      last == NULL ? strlen(description) : (size_t)(last - description));
    digest_finish(d, hex);
    hex[16] = '\0';
    return strtoull(hex, NULL, 16);
}

json_t *incident_remark(const struct alert *note, const struct version *v)
{
    json_t *body = json_object();

    set_take(body, "work_notes", incident_remark_note(note, v));
    return body;
}
