/* From our configuration to librdkafka's: the project's settings first, then the user's properties,
 * then what is never the user's. A property that would break a promise is refused with the reason
 * before librdkafka sees it; everything else is judged by librdkafka, in its own words. No value of
 * a property ever gets into an error text unless librdkafka puts it there and it is no secret. */
#include <stdlib.h>
#include <string.h>

#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "bridge/kafka/client.h"

enum role_bit {
    C = 1 << KAFKA_CONSUMER,
    P = 1 << KAFKA_PRODUCER,
    T = 1 << KAFKA_TRANSACTIONAL,
    ALL = C | P | T,
};

struct setting {
    unsigned roles;
    const char *name, *value;
};

/* Beneath the user's properties: may be changed by them. */
static const struct setting defaults[] = {
    {ALL, "client.id", "itsm-bridge"},
    {ALL, "reconnect.backoff.max.ms", "1000"},
    {ALL, "topic.metadata.refresh.interval.ms", "30000"},
    {C, "session.timeout.ms", "10000"},
    {C, "heartbeat.interval.ms", "1000"},
    {C, "partition.assignment.strategy", "roundrobin,range"},
    /* At least a second of the highest reading rate: below that the fetcher sleeps. */
    {C, "queued.max.messages.kbytes", "16384"},
    {C, "fetch.max.bytes", "8388608"},
    {C, "fetch.wait.max.ms", "100"},
    {P | T, "linger.ms", "5"},
    {P | T, "message.max.bytes", "2097152"},
    {P | T, "queue.buffering.max.kbytes", "65536"},
    {P, "message.timeout.ms", "0"}, /* the offset waits anyway */
    {T, "transaction.timeout.ms", "15000"},
};

/* Above the user's properties: the code relies on them. */
static const struct setting fixed[] = {
    {ALL, "log.queue", "true"},
    {ALL, "allow.auto.create.topics", "false"}, /* topics are made with settings, or not at all */
    {C, "enable.auto.commit", "false"},
    {C, "enable.auto.offset.store", "false"},
    {C, "auto.offset.reset", "error"},
    {C, "enable.partition.eof", "true"},
    {C, "isolation.level", "read_committed"},
    {P | T, "enable.idempotence", "true"},
};

struct refusal {
    const char *name;
    const char *allowed; /* this one value is fine; NULL: none is */
    const char *why;
};

static const struct refusal refusals[] = {
    {"bootstrap.servers", NULL, "it is the key kafka.bootstrap_servers"},
    {"metadata.broker.list", NULL, "it is the key kafka.bootstrap_servers"},
    {"group.id", NULL, "it is the key kafka.group_id"},
    {"group.instance.id", NULL, "it is the key kafka.group_instance_id"},
    {"transactional.id", NULL, "it is derived from the group and the state topic"},
    {"enable.auto.commit", "false", "an offset is committed only when its alert is finished"},
    {"auto.commit.enable", "false", "an offset is committed only when its alert is finished"},
    {"enable.auto.offset.store", "false", "an offset is committed only when its alert is finished"},
    {"auto.offset.reset", "error",
     "lost records must be seen; where a first start begins is the key start_from of a consumer"},
    {"topic.auto.offset.reset", "error",
     "lost records must be seen; where a first start begins is the key start_from of a consumer"},
    {"enable.partition.eof", "true", "the end of a partition has to be committed"},
    {"isolation.level", "read_committed", "records of aborted transactions are none"},
    {"enable.idempotence", "true", "without it a record can be stored twice"},
    {"delivery.report.only.error", "false", "every record needs its confirmation"},
    {"allow.auto.create.topics", "false",
     "the bridge makes its own topics with fitting settings, see the key topics.create"},
    {"log.queue", "true", "the lines go to the log of the bridge"},
};

static int put(rd_kafka_conf_t *conf, const char *name, const char *value, struct err *e)
{
    char why[512];

    if (rd_kafka_conf_set(conf, name, value, why, sizeof why) == RD_KAFKA_CONF_OK)
        return 0;
    /* A secret that was put under a wrong name, or is malformed, must not be printed. */
    if (value[0] != '\0' && strstr(why, value) != NULL && strlen(value) > 4)
        return err_set(e, ERR_CONFIG, "kafka-property",
                       "librdkafka refuses the value of the Kafka property '%s' (its own text "
                       "repeats the value, which may be a secret, and is left out); see the list "
                       "of properties of librdkafka %s",
                       name, rd_kafka_version_str());
    return err_set(e, ERR_CONFIG, "kafka-property",
                   "librdkafka %s refuses the Kafka property '%s': %s", rd_kafka_version_str(),
                   name, why);
}

static int put_all(rd_kafka_conf_t *conf, const struct setting *s, size_t n, enum kafka_role role,
                   struct err *e)
{
    for (size_t i = 0; i < n; i++)
        if ((s[i].roles & (1U << role)) != 0 && put(conf, s[i].name, s[i].value, e) != 0)
            return -1;
    return 0;
}

static int check_strategy(const char *value, struct err *e)
{
    if (strstr(value, "cooperative-sticky") == NULL)
        return 0;
    return err_set(e, ERR_CONFIG, "kafka-property",
                   "the Kafka property 'partition.assignment.strategy' may not name "
                   "cooperative-sticky: it can abort the process below librdkafka 2.3.0 (this is "
                   "%s), and the bridge takes and gives partitions all at once. Leave the property "
                   "out, or use roundrobin or range",
                   rd_kafka_version_str());
}

static int check_mechanism(const struct config_pair *p, struct err *e)
{
    if (strcasestr(p->value, "OAUTHBEARER") == NULL)
        return 0;
    return err_set(e, ERR_CONFIG, "kafka-property",
                   "the Kafka property '%s' may not name OAUTHBEARER in this release: nothing here "
                   "fetches the token, and the connection would wait for ever. Use PLAIN, "
                   "SCRAM-SHA-256, SCRAM-SHA-512 or GSSAPI",
                   p->name);
}

static int check_property(const struct config_pair *p, struct err *e)
{
    if (strcmp(p->name, "partition.assignment.strategy") == 0)
        return check_strategy(p->value, e);
    if (strcmp(p->name, "sasl.mechanism") == 0 || strcmp(p->name, "sasl.mechanisms") == 0)
        return check_mechanism(p, e);
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        const struct refusal *r = &refusals[i];

        if (strcmp(p->name, r->name) != 0)
            continue;
        if (r->allowed != NULL && text_equal_nocase(p->value, r->allowed))
            return 0;
        return err_set(e, ERR_CONFIG, "kafka-property",
                       "the Kafka property '%s' cannot be set%s%s: %s. Remove it from "
                       "kafka.properties",
                       r->name, r->allowed == NULL ? "" : " to anything but ",
                       r->allowed == NULL ? "" : r->allowed, r->why);
    }
    return 0;
}

/* librdkafka wants the time-out of a record below that of its transaction, and finds a fitting one
 * itself: what the user sets is meant for the plain producer. */
static bool applies(const struct config_pair *p, enum kafka_role role)
{
    static const char *const plain_only[] = {"message.timeout.ms", "delivery.timeout.ms",
                                             "topic.message.timeout.ms"};

    for (size_t i = 0; i < ARRAY_LEN(plain_only); i++)
        if (role == KAFKA_TRANSACTIONAL && strcmp(p->name, plain_only[i]) == 0)
            return false;
    return true;
}

static int put_user(rd_kafka_conf_t *conf, const struct config_pairs *pairs, enum kafka_role role,
                    struct err *e)
{
    for (size_t i = 0; i < pairs->count; i++) {
        const struct config_pair *p = &pairs->items[i];

        if (check_property(p, e) != 0)
            return -1;
        if (applies(p, role) && put(conf, p->name, p->value, e) != 0)
            return -1;
    }
    return 0;
}

static int put_identity(rd_kafka_conf_t *conf, const struct config_kafka *k, enum kafka_role role,
                        const char *transactional_id, struct err *e)
{
    if (put(conf, "bootstrap.servers", k->bootstrap_servers, e) != 0)
        return -1;
    if (role == KAFKA_TRANSACTIONAL)
        return put(conf, "transactional.id", transactional_id, e);
    if (role != KAFKA_CONSUMER)
        return 0;
    if (put(conf, "group.id", k->group_id, e) != 0)
        return -1;
    if (k->group_instance_id != NULL && k->group_instance_id[0] != '\0')
        return put(conf, "group.instance.id", k->group_instance_id, e);
    return 0;
}

rd_kafka_conf_t *kafka_conf_new(const struct config *c, enum kafka_role role,
                                const char *transactional_id, struct err *e)
{
    static const int events[] = {
        [KAFKA_CONSUMER] = RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_OFFSET_COMMIT,
        [KAFKA_PRODUCER] = RD_KAFKA_EVENT_DR,
        /* Never delivery reports: commit_transaction would wait for somebody to poll them. */
        [KAFKA_TRANSACTIONAL] = 0,
    };
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    if (put_all(conf, defaults, ARRAY_LEN(defaults), role, e) != 0 ||
        put_user(conf, &c->kafka.properties, role, e) != 0 ||
        put_all(conf, fixed, ARRAY_LEN(fixed), role, e) != 0 ||
        put_identity(conf, &c->kafka, role, transactional_id, e) != 0) {
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    rd_kafka_conf_set_events(conf, events[role] | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG);
    return conf;
}
