/* What may stand around an alert: Confluent's prefix, CloudEvents 1.0 (binary, structured), Event
 * Grid, Event Hubs, SNS and the like. Pure. Facts: CloudEvents 1.0 Kafka binding 3.1 to 3.3 and
 * JSON format 3.1; Confluent wire format (magic byte 0, four bytes of schema id); Event Grid
 * schema. */
#ifndef CONSUMERS_ENVELOPE_H
#define CONSUMERS_ENVELOPE_H

#include <jansson.h>

#include "bridge/base/attr.h"
#include "bridge/base/err.h"
#include "consumers/message.h"

/* The record's JSON, new reference. *ret_event: the CloudEvents attributes that stand in its
 * headers, new reference, NULL when it is no such event. NULL with e as json_in_load has it. */
json_t *envelope_load(const struct message *m, json_t **ret_event, struct err *e) MUST_CHECK;

/* What an object holds as an envelope: new reference, an object or an array; NULL when it is no
 * envelope, or one without JSON inside. *ret_event is borrowed from outer when it is a CloudEvent,
 * else untouched. */
json_t *envelope_open(json_t *outer, const json_t **ret_event) MUST_CHECK;

#endif
