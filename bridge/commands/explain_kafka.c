/* Codes of Kafka: brokers, librdkafka, topics, group, transactions. */
#include "bridge/base/attr.h"
#include "bridge/commands/explain.h"

static const struct explain_entry entries[] = {
    {"kafka-connection",
     "A Kafka broker cannot be reached: unknown host, refused, or cut. The client keeps trying; "
     "nothing is lost, offsets and records wait.",
     "check kafka.bootstrap_servers, the names that the brokers advertise, and firewalls"},
    {"kafka-down", "No broker of the cluster can be reached. The client keeps trying.",
     "see kafka-connection; kafka-up says that it is over"},
    {"kafka-up", "The brokers answer again.", ""},
    {"kafka-timeout", "A broker did not answer in time. The request is made again.",
     "look at the load of the brokers and at the network when it goes on"},
    {"kafka-auth", "A broker refuses the sign-in. The client keeps trying.",
     "check security.protocol and the sasl.* entries of kafka.properties, and whether the cluster "
     "knows the user"},
    {"kafka-tls", "TLS to a broker fails. The client keeps trying.",
     "check security.protocol and the ssl.* entries of kafka.properties; for a private authority "
     "set ssl.ca.location"},
    {"kafka-acl",
     "The bridge's Kafka user lacks a right: to read, write or describe a topic, to use the group, "
     "or to use a transactional id. It is tried again.",
     "give the right with kafka-acls: read on alert topics and the state topic, write on the "
     "bridge's own topics, read on the group, and write on transactional ids that begin with the "
     "group's name"},
    {"kafka-quota", "A broker asks the client to slow down. It does, and goes on.",
     "raise the client's quota when it goes on"},
    {"kafka-queue-full",
     "The local queue of records is full, or the records of a refused batch are being sent one at "
     "a time. The record is sent a little later.",
     "nothing, unless it lasts: then the brokers do not keep up"},
    {"kafka-purged",
     "A record was given up because the producer closes. Its offset was not committed, so it is "
     "made again after the next start.",
     ""},
    {"kafka-topic-missing",
     "A topic does not exist, and nobody may make it: topics.create is off, or it was deleted "
     "while in use.",
     "make the topic by hand, or set topics.create = true and start the bridge again"},
    {"kafka-not-member",
     "The group has given the partitions to somebody else, or is distributing them anew. What is "
     "done then counts for nothing here; who has the partition looks again.",
     ""},
    {"kafka-coordinator",
     "The cluster's coordinator of the group or transaction is moving or loading. It is tried "
     "again.",
     "look at the brokers when it goes on"},
    {"kafka-too-large", "A record is larger than the topic or the client takes.",
     "raise max.message.bytes of the topic, and message.max.bytes in kafka.properties"},
    {"kafka-record-refused",
     "The broker refuses a record for a reason of its own, as a record without a key in a "
     "compacted topic.",
     "compare the topic's settings with what check says of it"},
    {"kafka-metadata-too-large",
     "The broker takes less metadata with a commit than the map of finished offsets needs. The "
     "map is cut; nothing is lost.",
     "raise offset.metadata.max.bytes of the brokers"},
    {"kafka-argument", "librdkafka refuses a call as it stands.",
     "please report it with the log around it"},
    {"kafka-topic-name", "The cluster refuses a topic's name.",
     "use letters, digits, '.', '_' and '-', 249 of them at most"},
    {"kafka-topic-settings",
     "A topic cannot be made as configured: more replicas than brokers, a policy of the cluster, "
     "or a bad number of partitions.",
     "change topics.partitions, topics.state_partitions or topics.replication_factor, or make the "
     "topic by hand"},
    {"kafka-unsupported", "The cluster is too old for this, or does not offer it.",
     "use brokers of Kafka 2.5 or newer; for a service without transactions leave "
     "topics.exactly_once at \"auto\""},
    {"kafka-fenced",
     "Another producer or member has taken over this one's identity, or it was too slow and lost "
     "it. It stops what it did under it and begins anew when the group says so.",
     "nothing when it happens once; else look for a second process with the same group_id and "
     "group_instance_id"},
    {"kafka-fatal",
     "librdkafka cannot go on with a producer or consumer. The process ends with exit code 75 to "
     "be started again.",
     "let a supervisor start it again, as the service unit does"},
    {"kafka-error", "An error of Kafka that has no code of its own; its text says which.",
     "see the text"},
    {"kafka-property",
     "A property of kafka.properties is refused: unknown to librdkafka, of a bad value, or one "
     "that the bridge relies on.",
     "correct or remove the property that the text names"},
    {"kafka-commit-busy", "One commit at a time: this one waits for the one under way.", ""},
    {"kafka-commit-empty", "Nothing of the commit is new, so nothing was sent.", ""},
    {"kafka-log", "A line of librdkafka's own log.", "see the text"},
    {"kafka-assigned", "The group has given partitions to this process; reading begins.", ""},
    {"kafka-revoked",
     "The group distributes its partitions anew; requests under way still end, the new owner "
     "looks at the records.",
     ""},
    {"kafka-assign-failed",
     "librdkafka refuses an assignment. The partitions are given back to the group.",
     "please report it with the log around it when it goes on"},
    {"kafka-assignment-lost",
     "The session of the group ran out, so others may have the partitions. Alerts in memory are "
     "let go uncommitted, and the group is joined again.",
     "look at the load of this machine, the network, and session.timeout.ms"},
    {"kafka-close",
     "The group could not be left in good order. Its partitions rest until the session ends.", ""},
    {"kafka-committed-unknown",
     "The group's committed offsets cannot be read. Nothing is read before; the question is "
     "repeated.",
     "see the code in the line"},
    {"kafka-membership-doubtful",
     "The process stood still for more than half the session time-out, so its partitions may be "
     "somebody else's. Nothing is sent for them until a commit shows that they are not.",
     "give the process time and memory; look for swapping and for pauses of the machine"},
    {"kafka-membership-proved", "A commit has shown that the partitions are still ours.", ""},
    {"kafka-stray", "A record came from another place than asked for and is read again.", ""},
    {"consumer-fatal",
     "The broker refuses this consumer for good, as when another process has the same "
     "kafka.group_instance_id. The process ends with exit code 75.",
     "give each process a group_instance_id of its own"},
    {"producer-fatal",
     "The broker refuses this producer for good. The process ends with exit code 75 to be started "
     "again; nothing is lost.",
     ""},
    {"topic-missing",
     "A topic does not exist: one of alerts, which is waited for, or one of the bridge's own while "
     "topics.create is off.",
     "make the topic, or correct its name"},
    {"topic-created", "A topic of the bridge was missing and has been made.", ""},
    {"topics", "Whether all topics of the bridge are there; nothing is read before.",
     "see the code in the line; nothing when all are there"},
    {"topic-odd", "A topic of the bridge can be used but is not as it should be.",
     "see the code in the line"},
    {"topic-not-compacted",
     "A topic whose newest records have to stay for good deletes them with time.",
     "set cleanup.policy=compact on it"},
    {"topic-compacted", "A topic of records without keys is compacted, which refuses such records.",
     "set cleanup.policy=delete on it"},
    {"topic-small-messages", "A topic takes smaller records than may come; such are cut.",
     "raise its max.message.bytes"},
    {"topic-settings-unknown", "The settings of topics cannot be read, so they are not checked.",
     "give the Kafka user the right to describe the settings of topics, if you want it checked"},
    {"topic-error", "A subscribed topic cannot be used. It is tried again.",
     "see the code in the line"},
    {"topic-healed", "A subscribed topic can be used now.", ""},
    {"topic-excluded",
     "A subscription fits one of the bridge's own topics, which is never read as alerts.",
     "narrow the expression, if you like"},
    {"topic-pattern",
     "A regular expression of consumers[].topics is understood by librdkafka but not here, so "
     "records of topics that only it fits are not read.",
     "write it in POSIX extended syntax"},
    {"topic-unclaimed", "Records of a topic that no entry of consumers names; they are not read.",
     "add the topic to an entry, or narrow the expression that fits it"},
    {"partition-error", "A partition cannot be read. It is tried again; the others go on.",
     "see the code in the line"},
    {"partition-healed", "The partition can be read again.", ""},
    {"partition-start", "The first start of a partition: where it begins is committed.", ""},
    {"partition-gone", "A topic was deleted before its partition was started.", ""},
    {"partition-paused",
     "One partition is not read on: an alert of it has limits.max_per_alert messages, or its map "
     "of finished offsets is full. The others go on.",
     "look for the alert or the record that holds it up"},
    {"partition-resumed", "The partition is read again.", ""},
    {"state-restarted",
     "The position in the state topic does not exist any more, so it is read from its beginning.",
     ""},
    {"no-transactions",
     "The cluster has no transactions. With topics.exactly_once = \"auto\" work items are "
     "published at least once; with \"required\" no table is read.",
     "use a cluster with transactions, or set topics.exactly_once to \"auto\" or \"off\""},
    {"transaction-waits", "A transaction cannot be finished now. It is tried again.",
     "see the text; look at the brokers when it goes on"},
    {"partitioner", "librdkafka refuses the setting up of the producer of work items.",
     "see the text; look at the producer's entries in kafka.properties"},
    {"no-handle", "The producer of work items was closed and is made again.", ""},
};

const struct explain_area explain_kafka = {"Kafka", entries, ARRAY_LEN(entries)};
