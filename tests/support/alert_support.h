/* Ready-made consumers entries and messages for tests of decoding and mapping. */
#ifndef TESTS_SUPPORT_ALERT_SUPPORT_H
#define TESTS_SUPPORT_ALERT_SUPPORT_H

#include <jansson.h>

#include "consumers/alert.h"
#include "consumers/incident.h"
#include "consumers/version.h"

/* Consumers entry "alerts": format auto, target incident, no fields. Static parts, never freed. */
struct config_consumer alert_support_consumer(void);
/* A configuration with these consumers entries, read by config_load; the test fails when it is
 * refused. Caller frees. */
struct config *alert_support_config(const char *consumers);
/* Message of topic "alerts", partition 3, offset 42, 2025-06-01T10:20:31.000Z. */
struct message alert_support_message(const void *value, size_t length);
/* close_code "Solution provided", nothing else, of this consumers entry. */
struct incident_context alert_support_context(const struct config_consumer *c);

/* Decodes JSON; the code of the error, "ok" or "skip". */
const char *alert_support_decode(const struct config_consumer *c, json_t *json,
                                 struct alerts *ret_alerts, struct err *e);
/* The one alert of this text; the test fails when it is bad. Caller frees. */
struct alert *alert_support_one(const struct config_consumer *c, const char *text);
/* A whole file, NUL-terminated; the test fails when it cannot be read. Caller frees. */
char *alert_support_read(const char *path, size_t *ret_length);
/* The sample `name`.json of tests/data/alerts/azure, whole messages only. */
json_t *alert_support_sample(const char *name);
/* The column `name` of a body; the test fails when it is not a text. Borrowed. */
const char *alert_support_column(json_t *body, const char *name);

#endif
