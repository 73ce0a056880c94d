/* Bytes to alerts: strict JSON, envelopes, arrays of messages, and the format of each. All or
 * nothing: one bad alert makes its whole message bad, since the message is what the dead-letter
 * topic takes. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <uthash.h>

#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "consumers/alert_edit.h"
#include "consumers/azure.h"
#include "consumers/envelope.h"
#include "consumers/formats.h"
#include "consumers/json_in.h"

#define ENVELOPES_MAX 4 /* one in another */

static int decode_value(struct map_input *in, json_t *value, unsigned depth, struct alerts *list,
                        struct err *e);

static int no_format(const struct map_input *in, struct err *e)
{
    const json_t *event = in->event != NULL                                     ? in->event
                          : json_object_get(in->message, "specversion") != NULL ? in->message
                                                                                : NULL;
    const char *type = json_string_value(json_object_get(event, "type"));

    if (type != NULL)
        return err_set(e, ERR_REJECT, "no-format",
                       "The CloudEvents event of type \"%.80s\" holds no alert in a format that is "
                       "known (format = \"%.40s\"). It goes to the dead-letter topic. Write a "
                       "mapping for it, or keep such events off this topic.",
                       type, in->consumer->format);
    return err_set(e, ERR_REJECT, "no-format",
                   "The message is %s of no format that is known (format = \"%.40s\"). It goes to "
                   "the dead-letter topic. Send a format that is known, set `format` of the "
                   "consumers entry, or write a mapping for it.",
                   json_in_type(in->message), in->consumer->format);
}

static int decode_azure(struct map_input *in, struct alerts *list, struct err *e)
{
    struct alert *a = azure_decode(in->consumer, in->record, in->message, e);

    if (a == NULL)
        return -1;
    alerts_add(list, a);
    return 0;
}

static int decode_object(struct map_input *in, unsigned depth, struct alerts *list, struct err *e)
{
    struct map_input inside = *in;
    struct format_match match;
    json_t *inner;
    int rc;

    if (formats_find(in, &match))
        return match.azure ? decode_azure(in, list, e)
                           : mapping_decode(match.mapping, match.shape, in, list, e);
    inner = depth < ENVELOPES_MAX ? envelope_open(in->message, &inside.event) : NULL;
    if (inner != NULL) {
        rc = decode_value(&inside, inner, depth + 1, list, e);
        json_decref(inner);
        return rc;
    }
    if (text_equal_nocase(in->consumer->format, "azure"))
        return decode_azure(in, list, e); /* says what is missing */
    return no_format(in, e);
}

static int decode_array(struct map_input *in, json_t *array, unsigned depth, struct alerts *list,
                        struct err *e)
{
    json_t *item;
    size_t i;

    if (json_array_size(array) == 0)
        return err_set(e, ERR_REJECT, "empty",
                       "The message is an array without any alert. It goes to the dead-letter "
                       "topic; correct its sender.");
    json_array_foreach (array, i, item) {
        int rc = json_is_array(item) ? decode_value(in, item, ENVELOPES_MAX + 1, list, e)
                                     : decode_value(in, item, depth, list, e);

        if (rc != 0)
            return err_prefix(e, "alert %zu of %zu in the message", i + 1, json_array_size(array));
    }
    return 0;
}

static int decode_value(struct map_input *in, json_t *value, unsigned depth, struct alerts *list,
                        struct err *e)
{
    if (json_is_array(value) && depth <= ENVELOPES_MAX)
        return decode_array(in, value, depth, list, e);
    if (!json_is_object(value))
        return err_set(e, ERR_REJECT, "no-format",
                       "The message is %s where an alert, which is an object, was expected. It "
                       "goes to the dead-letter topic; correct its sender.",
                       json_in_type(value));
    in->message = value;
    return decode_object(in, depth, list, e);
}

/* The last alert of each identity, while a message's list is looked through. */
struct seen {
    const char *identity; /* borrowed from the alert */
    struct alert *last;
    UT_hash_handle hh;
};

static bool says_the_same(const struct alert *a, const struct alert *b)
{
    return a->format == b->format && a->state == b->state && a->fired == b->fired &&
           a->resolved == b->resolved && a->severity == b->severity &&
           strcmp(a->series, b->series) == 0 && strcmp(a->part, b->part) == 0 &&
           strcmp(a->title, b->title) == 0 && strcmp(a->description, b->description) == 0;
}

/* An alert that says what the one before it of the same identity said is dropped. The rest keep
 * their order, and a message decodes to the same list each time. */
static void drop_repeats(struct alerts *list)
{
    struct seen *all = xcalloc(list->count, sizeof *all), *table = NULL, *found;
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++) {
        struct alert *a = list->items[i];
        const char *identity = a->marked ? a->instance : a->series;

        HASH_FIND_STR(table, identity, found);
        if (found != NULL && says_the_same(found->last, a)) {
            (void)alert_free(a);
            continue;
        }
        if (found == NULL) {
            found = &all[i];
            found->identity = identity;
            HASH_ADD_KEYPTR(hh, table, identity, strlen(identity), found);
        }
        found->last = a;
        list->items[kept++] = a;
    }
    list->count = kept;
    HASH_CLEAR(hh, table);
    free(all);
}

enum decode_result decode_message(const struct config_consumer *c, const struct message *m,
                                  struct alerts *ret_alerts, struct err *e)
{
    struct map_input in = {.consumer = c, .record = m};
    struct alerts list = {0};
    json_t *json, *event = NULL;
    int rc;

    if (m->value == NULL)
        return DECODE_SKIP;
    json = envelope_load(m, &event, e);
    if (json == NULL)
        return DECODE_BAD;
    in.event = event;
    rc = decode_value(&in, json, 0, &list, e);
    json_decref(json);
    json_decref(event);
    if (rc != 0) {
        alerts_done(&list);
        return DECODE_BAD;
    }
    if (list.count > 1)
        drop_repeats(&list);
    *ret_alerts = list;
    return DECODE_OK;
}
