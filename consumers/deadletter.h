/* The dead letter of a message: its own key, value, headers and time, and beside them why it could
 * not be done, in our headers and in those of Kafka Connect (KIP-298: `__connect.errors.*`). */
#ifndef CONSUMERS_DEADLETTER_H
#define CONSUMERS_DEADLETTER_H

#include <stddef.h>

#include "bridge/base/err.h"
#include "bridge/config/config.h"
#include "bridge/kafka/output.h"
#include "consumers/unit.h"

struct deadletter {
    const struct config *config;
    const struct unit *unit;
    size_t index;          /* which alert of the message; SIZE_MAX: the message as a whole */
    const struct err *why; /* code = class */
    int http_status;       /* 0: none */
    unsigned attempts;
    const char *sys_id; /* "" when no record is meant */
    msec_t now;         /* wall */
    size_t value_max;   /* the value is cut to this many bytes; SIZE_MAX: whole */
    bool headers_kept;  /* false: the message's own headers are left out (last resort) */
};

/* Sends it; output_send's rules for the callback and the result. */
int deadletter_send(struct output *o, const struct deadletter *d, output_fn fn, void *arg,
                    struct err *e) MUST_CHECK;

#endif
