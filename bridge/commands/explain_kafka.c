/* Codes of Kafka: errors of brokers and of librdkafka, topics, group, transactions. */
#include "bridge/base/attr.h"
#include "bridge/commands/explain.h"

static const struct explain_entry entries[] = {
    {"kafka-connection", "No broker can be reached: refused, unknown host, or cut.",
     "check kafka.bootstrap_servers, the names that the brokers advertise, and firewalls"},
    {"kafka-auth", "A broker refuses the sign-in.",
     "check security.protocol and the sasl.* entries of kafka.properties"},
    {"kafka-tls", "TLS to a broker fails.",
     "check security.protocol and the ssl.* entries of kafka.properties (ssl.ca.location for a "
     "private authority)"},
    {"kafka-acl", "The user of the bridge has no right to do this in Kafka.",
     "give it the right with kafka-acls.sh; the README lists those that are needed"},
    {"kafka-topic-settings", "A topic cannot be made with the configured settings.",
     "check topics.partitions and topics.replication_factor against the number of brokers"},
};

const struct explain_area explain_kafka = {"Kafka", entries, ARRAY_LEN(entries)};
