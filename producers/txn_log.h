/* What librdkafka tells about transactions by a log line only. A cluster that refuses to name a
 * coordinator for transactions (measured with 2.0.2 against an endpoint that answers as Azure Event
 * Hubs of tier Standard does: github.com/camunda-community-hub/zeebe-kafka-exporter/issues/390)
 * looks to init_transactions like one that is slow: it times out, resumable, for ever. Pure, any
 * thread. */
#ifndef PRODUCERS_TXN_LOG_H
#define PRODUCERS_TXN_LOG_H

#include <stdbool.h>

#include "bridge/base/err.h"

/* The debug context of librdkafka that has the lines. */
#define TXN_LOG_CONTEXT "eos"

/* True when the line says that the cluster has no transactions; then *ret_why (class ERR_CONFIG) is
 * the cluster's own reason. False for what can pass, such as a coordinator that is still loading.
 * *ret_why is untouched then. */
bool txn_log_refuses(const char *text, struct err *ret_why);

#endif
