/* Bytes to alerts, and alerts to their parts: where a rule asks for a record for each configuration
 * item, an alert becomes one alert for each of its targets (alert-identity 1, 2). Pure. */
#ifndef CONSUMERS_PARTS_H
#define CONSUMERS_PARTS_H

#include "consumers/alert.h"
#include "consumers/rules.h"

/* decode_message, then parts. The same list each time for the same bytes and configuration. r may
 * be NULL: no rules. */
enum decode_result parts_decode(const struct config_consumer *c, struct rules *r,
                                const struct message *m, struct alerts *ret_alerts,
                                struct err *e) MUST_CHECK;

#endif
