/* Making librdkafka handles from our configuration, and their queues on our loop. How each call is
 * used follows the project's measured findings (librdkafka 2.0.2): events, never callbacks. */
#ifndef BRIDGE_KAFKA_CLIENT_H
#define BRIDGE_KAFKA_CLIENT_H

#include <librdkafka/rdkafka.h>

#include "bridge/base/attr.h"
#include "bridge/base/err.h"
#include "bridge/base/loop.h"
#include "bridge/config/config.h"

enum kafka_role { KAFKA_CONSUMER, KAFKA_PRODUCER, KAFKA_TRANSACTIONAL };

/* A configuration for the role: the project's settings beneath, the user's properties above. A
 * property that would break a promise (enable.auto.commit, enable.idempotence=false,
 * auto.offset.reset, enable.auto.offset.store, ...) and cooperative-sticky below librdkafka 2.3.0
 * are refused; librdkafka's own error text is passed on. New; NULL with e set (ERR_CONFIG).
 * transactional_id: for that role only, else NULL. */
rd_kafka_conf_t *kafka_conf_new(const struct config *c, enum kafka_role role,
                                const char *transactional_id, struct err *e) MUST_CHECK;

/* rd_kafka_new with its error as struct err; takes conf in any case. The handle's log lines come as
 * events on its main queue: whoever drains that queue hands each event to kafka_log_serve first.
 * Any thread. */
rd_kafka_t *kafka_new(rd_kafka_conf_t *conf, enum kafka_role role, struct err *e) MUST_CHECK;

/* Is the event a log line of librdkafka? Then it goes to our log: true. The event stays the
 * caller's. Any thread. */
bool kafka_log_serve(rd_kafka_event_t *ev);

/* A librdkafka queue in the loop's wait: fn is called when it is or may be non-empty and drains it;
 * returning true means "stopped early, call again next turn". The queue stays the caller's. */
struct kafka_events;
typedef bool (*kafka_events_fn)(void *arg, rd_kafka_queue_t *q, usec_t now);
struct kafka_events *kafka_events_new(struct loop *l, rd_kafka_queue_t *q, kafka_events_fn fn,
                                      void *arg);
struct kafka_events *kafka_events_free(struct kafka_events *k); /* before the queue is destroyed */
/* Calls fn in the next turn whatever the descriptor says: after reading was allowed again. */
void kafka_events_kick(struct kafka_events *k);

/* A librdkafka error as ours: class (retriable -> ERR_RETRY, authorisation -> ERR_AUTH, ...), code
 * and a sentence. Returns -1. */
int kafka_err(struct err *e, rd_kafka_resp_err_t code, const char *format, ...) PRINTF_LIKE(3, 4);

/* Is this error only noise about connections that librdkafka mends by itself (_TRANSPORT,
 * _ALL_BROKERS_DOWN, _RESOLVE)? Said once per transition, not per event. */
bool kafka_err_is_connection(rd_kafka_resp_err_t code);

/* What the log has said about the connections of one handle, so that an outage is one line at its
 * beginning and one at its end. Zeroed memory with `client` set is ready: nothing is wrong. */
struct kafka_link {
    const char *client; /* "consumer", ...: static, for the log lines */
    bool down;          /* no broker can be reached */
    bool refused;       /* sign-in or TLS fails */
    struct err cause;   /* of the last failed connection */
};
/* An RD_KAFKA_EVENT_ERROR of the handle. True when it was about connections or sign-in, and so is
 * dealt with; false: the caller's own. */
bool kafka_link_error(struct kafka_link *k, rd_kafka_event_t *ev);
/* A broker has answered something. */
void kafka_link_ok(struct kafka_link *k);

#endif
