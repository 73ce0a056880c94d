/* Envelopes around alerts. Opening one is tried only when the object itself is no known alert, and
 * what is inside has to be one: nothing is guessed. */
#include "consumers/envelope.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bridge/base/text.h"
#include "consumers/json_in.h"

#define PREFIX_LENGTH 5 /* Confluent: 0, then the schema's id */

/* Members that an envelope has beside the one that holds the alert. */
static const struct {
    const char *inner;
    const char *beside[4];
    bool is_event;
} envelopes[] = {
    {"data", {"specversion", "id", "source", "type"}, true},        /* CloudEvents */
    {"data_base64", {"specversion", "id", "source", "type"}, true}, /* the same, binary */
    {"data", {"eventType", "eventTime", "subject"}, false},         /* Event Grid */
    {"Body", {"EnqueuedTimeUtc", "SequenceNumber"}, false},         /* Event Hubs capture */
    {"RequestBody", {"WebhookName"}, false},                        /* Azure Automation */
    {"Message", {"TopicArn", "Type"}, false},                       /* SNS */
    {"payload", {"schema"}, false},                                 /* Kafka Connect JSON */
    {"records", {NULL}, false}, /* Azure diagnostic streams into Event Hubs */
};

static const struct message_header *find_header(const struct message *m, const char *name)
{
    for (size_t i = 0; i < m->headers_count; i++)
        if (m->headers[i].value != NULL && strcasecmp(m->headers[i].name, name) == 0)
            return &m->headers[i];
    return NULL;
}

static bool is_structured(const struct message *m)
{
    static const char type[] = "application/cloudevents";
    const struct message_header *h = find_header(m, "content-type");

    return h != NULL && h->length >= sizeof type - 1 &&
           strncasecmp(h->value, type, sizeof type - 1) == 0;
}

/* The attributes in the headers of a binary event: new, NULL when a required one is missing. */
static json_t *binary_event(const struct message *m)
{
    static const char *const required[] = {"ce_id", "ce_source", "ce_specversion", "ce_type"};
    json_t *event;

    if (is_structured(m))
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(required); i++)
        if (find_header(m, required[i]) == NULL)
            return NULL;
    event = json_object();
    for (size_t i = 0; i < m->headers_count; i++) {
        const struct message_header *h = &m->headers[i];
        json_t *value = NULL;

        if (strncasecmp(h->name, "ce_", 3) == 0 && h->value != NULL)
            value = json_stringn(h->value, h->length); /* NULL when it is no UTF-8 */
        if (value != NULL && memchr(h->value, '\0', h->length) == NULL)
            (void)json_object_set_new(event, h->name + 3, value);
        else
            json_decref(value);
    }
    return event;
}

static bool starts_json(const char *text, size_t length)
{
    size_t i = 0;

    while (i < length && strchr(" \t\r\n", text[i]) != NULL && text[i] != '\0')
        i++;
    return i < length && (text[i] == '{' || text[i] == '[');
}

json_t *envelope_load(const struct message *m, json_t **ret_event, struct err *e)
{
    const char *bytes = m->value;
    size_t length = m->value_length;
    json_t *json;

    if (length > PREFIX_LENGTH && bytes[0] == '\0') {
        if (!starts_json(bytes + PREFIX_LENGTH, length - PREFIX_LENGTH)) {
            (void)err_set(e, ERR_REJECT, "not-json",
                          "The message has Confluent's prefix (schema id %u), and what follows is "
                          "no JSON: Avro and Protobuf are not read. It goes to the dead-letter "
                          "topic; let its sender use the JSON serializer.",
                          (unsigned)((unsigned char)bytes[1] << 24 | (unsigned char)bytes[2] << 16 |
                                     (unsigned char)bytes[3] << 8 | (unsigned char)bytes[4]));
            return NULL;
        }
        bytes += PREFIX_LENGTH;
        length -= PREFIX_LENGTH;
    }
    json = json_in_load(bytes, length, e);
    if (json != NULL)
        *ret_event = m->headers_count > 0 ? binary_event(m) : NULL;
    return json;
}

static int digit_of(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;

    return at != NULL ? (int)(at - digits) : -1;
}

/* Base64 (RFC 4648 4) to JSON: new, NULL when it is neither. */
static json_t *load_base64(const char *text, size_t length)
{
    char *bytes = malloc(length / 4 * 3 + 4); /* a size from outside: short memory is survived */
    size_t n = 0;
    unsigned bits = 0;
    int held = 0, digit;
    json_t *json = NULL;

    if (bytes == NULL)
        return NULL;
    for (; (digit = digit_of(*text)) >= 0; text++) {
        bits = bits << 6 | (unsigned)digit;
        held += 6;
        if (held >= 8) {
            held -= 8;
            bytes[n++] = (char)(bits >> held & 0xff);
        }
    }
    if (text[strspn(text, "=")] == '\0' && starts_json(bytes, n))
        json = json_in_load(bytes, n, NULL);
    free(bytes);
    return json;
}

static json_t *inner_json(const char *member, json_t *value)
{
    const char *text = json_string_value(value);

    if (json_is_object(value) || json_is_array(value))
        return json_incref(value);
    if (text == NULL)
        return NULL;
    if (strcmp(member, "data_base64") == 0)
        return load_base64(text, json_string_length(value));
    return starts_json(text, json_string_length(value))
               ? json_in_load(text, json_string_length(value), NULL)
               : NULL;
}

static bool has_all(const json_t *outer, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count && names[i] != NULL; i++)
        if (json_object_get(outer, names[i]) == NULL)
            return false;
    return true;
}

json_t *envelope_open(json_t *outer, const json_t **ret_event)
{
    for (size_t i = 0; i < ARRAY_LEN(envelopes); i++) {
        json_t *value = json_object_get(outer, envelopes[i].inner), *inner;

        if (value == NULL || !has_all(outer, envelopes[i].beside, ARRAY_LEN(envelopes[i].beside)))
            continue;
        inner = inner_json(envelopes[i].inner, value);
        if (inner == NULL)
            continue;
        if (envelopes[i].is_event)
            *ret_event = outer;
        return inner;
    }
    return NULL;
}
