/* Bytes to alerts: strict JSON, arrays of messages, and the format of each. All or nothing: one bad
 * alert makes its whole message bad, since the message is what the dead-letter topic takes. */
#include <string.h>
#include <strings.h>

#include "bridge/base/text.h"
#include "consumers/alert_edit.h"
#include "consumers/azure.h"
#include "consumers/json_in.h"

struct format {
    const char *name;
    bool (*detect)(const json_t *message);
    struct alert *(*decode)(const struct config_consumer *c, const struct message *m,
                            json_t *message, struct err *e);
};

static const struct format formats[] = {
    {"azure", azure_detect, azure_decode},
};

/* The older schemas of Azure look alike enough to be taken for the common one by a person. */
static const char *hint(const json_t *message)
{
    const char *schema = json_string_value(json_object_get(message, "schemaId"));

    if (schema != NULL && (strncasecmp(schema, "AzureMonitor", 12) == 0 ||
                           strncasecmp(schema, "Microsoft.Insights", 18) == 0))
        return "It looks like an alert of Azure Monitor in an older schema: switch on the common "
               "alert schema in its action group.";
    return "Send a format that is known, or set `format` of the consumers entry.";
}

static const struct format *find_format(const struct config_consumer *c, const json_t *message,
                                        struct err *e)
{
    bool detected = text_equal_nocase(c->format, "auto");

    for (size_t i = 0; i < ARRAY_LEN(formats); i++)
        if (detected ? formats[i].detect(message) : text_equal_nocase(c->format, formats[i].name))
            return &formats[i];
    (void)err_set(e, ERR_REJECT, "no-format",
                  "The message is %s of no format that is known (format = \"%.40s\"). It goes to "
                  "the dead-letter topic. %s",
                  json_in_type(message), c->format, hint(message));
    return NULL;
}

static int decode_one(const struct config_consumer *c, const struct message *m, json_t *message,
                      struct alerts *list, struct err *e)
{
    const struct format *format;
    struct alert *a;

    if (!json_is_object(message))
        return err_set(e, ERR_REJECT, "no-format",
                       "The message is %s where an alert, which is an object, was expected. It "
                       "goes to the dead-letter topic; correct its sender.",
                       json_in_type(message));
    format = find_format(c, message, e);
    if (format == NULL)
        return -1;
    a = format->decode(c, m, message, e);
    if (a == NULL)
        return -1;
    alerts_add(list, a);
    return 0;
}

static int decode_array(const struct config_consumer *c, const struct message *m, json_t *array,
                        struct alerts *list, struct err *e)
{
    json_t *item;
    size_t i;

    if (json_array_size(array) == 0)
        return err_set(e, ERR_REJECT, "empty",
                       "The message is an array without any alert. It goes to the dead-letter "
                       "topic; correct its sender.");
    json_array_foreach (array, i, item) {
        if (decode_one(c, m, item, list, e) != 0)
            return err_prefix(e, "alert %zu of %zu in the message", i + 1, json_array_size(array));
    }
    return 0;
}

enum decode_result decode_message(const struct config_consumer *c, const struct message *m,
                                  struct alerts *ret_alerts, struct err *e)
{
    struct alerts list = {0};
    json_t *json;
    int rc;

    if (m->value == NULL)
        return DECODE_SKIP;
    json = json_in_load(m->value, m->value_length, e);
    if (json == NULL)
        return DECODE_BAD;
    rc =
        json_is_array(json) ? decode_array(c, m, json, &list, e) : decode_one(c, m, json, &list, e);
    json_decref(json);
    if (rc != 0) {
        alerts_done(&list);
        return DECODE_BAD;
    }
    *ret_alerts = list;
    return DECODE_OK;
}
