/* Handles, their queues on the loop, their log lines and their errors. A queue's descriptor is an
 * eventfd that librdkafka writes once when the empty queue gets something, so each wake-up drains
 * until the queue is empty, or asks for another turn. Connection trouble is said when it begins and
 * when it ends, whatever number of events librdkafka makes of it. */
#include "bridge/kafka/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bridge/base/log.h"
#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"

rd_kafka_t *kafka_new(rd_kafka_conf_t *conf, enum kafka_role role, struct err *e)
{
    char why[512];
    rd_kafka_t *rk;

    rk = rd_kafka_new(role == KAFKA_CONSUMER ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER, conf, why,
                      sizeof why);
    if (rk == NULL) {
        rd_kafka_conf_destroy(conf);
        (void)err_set(e, ERR_CONFIG, "kafka-property",
                      "librdkafka cannot make a client from the Kafka settings: %s", why);
        return NULL;
    }
    (void)rd_kafka_set_log_queue(rk, NULL); /* NULL: the main queue */
    return rk;
}

/* Lines that only repeat what an error event says as well, or that a property list shared by all
 * handles cannot avoid. */
static bool is_noise(const char *facility, const char *text)
{
    return strcmp(facility, "FAIL") == 0 || strcmp(facility, "ERROR") == 0 ||
           strcmp(facility, "FATAL") == 0 || strcmp(facility, "GETPID") == 0 ||
           (strcmp(facility, "CONFWARN") == 0 && strstr(text, "will be ignored by this") != NULL);
}

bool kafka_log_serve(rd_kafka_event_t *ev)
{
    const char *facility, *text;
    int level;

    if (rd_kafka_event_type(ev) != RD_KAFKA_EVENT_LOG)
        return false;
    if (rd_kafka_event_log(ev, &facility, &text, &level) != 0)
        return true;
    if (level >= 6 || is_noise(facility, text))
        log_debug("kafka-log", "facility=%s\t%s", facility, text);
    else if (level <= 2)
        log_error("kafka-log", "facility=%s\t%s", facility, text);
    else if (level <= 4)
        log_warn("kafka-log", "facility=%s\t%s", facility, text);
    else
        log_info("kafka-log", "facility=%s\t%s", facility, text);
    return true;
}

struct kafka_events {
    struct loop *loop;
    rd_kafka_queue_t *queue;
    kafka_events_fn fn;
    void *arg;
    int fd;
    bool due; /* call fn in the next tick */
    struct loop_fd *watch;
    struct loop_tick *tick;
};

/* The number must be read before the queue is drained: the other way round a wake-up between the
 * two would be lost. */
static void on_readable(void *arg, usec_t now)
{
    struct kafka_events *k = arg;
    uint64_t count;

    (void)now;
    if (read(k->fd, &count, sizeof count) == (ssize_t)sizeof count)
        k->due = true;
}

static usec_t on_tick(void *arg, usec_t now)
{
    struct kafka_events *k = arg;

    if (!k->due)
        return USEC_NEVER;
    k->due = false;
    if (k->fn(k->arg, k->queue, now))
        k->due = true;
    return k->due ? now : USEC_NEVER;
}

struct kafka_events *kafka_events_new(struct loop *l, rd_kafka_queue_t *q, kafka_events_fn fn,
                                      void *arg)
{
    static const uint64_t one = 1;
    struct kafka_events *k = xcalloc(1, sizeof *k);

    *k = (struct kafka_events){.loop = l, .queue = q, .fn = fn, .arg = arg, .due = true};
    k->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (k->fd < 0)
        panic("no descriptor for a Kafka queue: %s (raise the limit of open files)",
              strerror(errno));
    rd_kafka_queue_io_event_enable(q, k->fd, &one, sizeof one);
    k->watch = loop_add_fd(l, k->fd, on_readable, k);
    k->tick = loop_add_tick(l, on_tick, k);
    return k;
}

struct kafka_events *kafka_events_free(struct kafka_events *k)
{
    if (k == NULL)
        return NULL;
    rd_kafka_queue_io_event_enable(k->queue, -1, NULL, 0);
    loop_remove_fd(k->loop, k->watch);
    loop_remove_tick(k->loop, k->tick);
    (void)close(k->fd);
    free(k);
    return NULL;
}

void kafka_events_kick(struct kafka_events *k)
{
    k->due = true;
    loop_again(k->loop);
}

struct meaning {
    rd_kafka_resp_err_t code;
    enum err_class class;
    const char *word;
};

#define E_(name_, class_, word_)                                                                   \
    {                                                                                              \
        RD_KAFKA_RESP_ERR_##name_, ERR_##class_, word_                                             \
    }

static const struct meaning meanings[] = {
    E_(_TRANSPORT, RETRY, "kafka-connection"),
    E_(_ALL_BROKERS_DOWN, RETRY, "kafka-connection"),
    E_(_RESOLVE, RETRY, "kafka-connection"),
    E_(NETWORK_EXCEPTION, RETRY, "kafka-connection"),
    E_(_TIMED_OUT, RETRY, "kafka-timeout"),
    E_(_MSG_TIMED_OUT, RETRY, "kafka-timeout"),
    E_(_TIMED_OUT_QUEUE, RETRY, "kafka-timeout"),
    E_(REQUEST_TIMED_OUT, RETRY, "kafka-timeout"),
    E_(_QUEUE_FULL, RETRY, "kafka-queue-full"),
    E_(_PURGE_QUEUE, RETRY, "kafka-purged"),
    E_(_PURGE_INFLIGHT, RETRY, "kafka-purged"),
    E_(UNKNOWN_TOPIC_OR_PART, RETRY, "kafka-topic-missing"),
    E_(_UNKNOWN_TOPIC, RETRY, "kafka-topic-missing"),
    E_(_UNKNOWN_PARTITION, RETRY, "kafka-topic-missing"),
    E_(UNKNOWN_MEMBER_ID, RETRY, "kafka-not-member"),
    E_(ILLEGAL_GENERATION, RETRY, "kafka-not-member"),
    E_(REBALANCE_IN_PROGRESS, RETRY, "kafka-not-member"),
    E_(_ASSIGNMENT_LOST, RETRY, "kafka-not-member"),
    E_(_WAIT_COORD, RETRY, "kafka-coordinator"),
    E_(COORDINATOR_LOAD_IN_PROGRESS, RETRY, "kafka-coordinator"),
    E_(COORDINATOR_NOT_AVAILABLE, RETRY, "kafka-coordinator"),
    E_(NOT_COORDINATOR, RETRY, "kafka-coordinator"),
    E_(THROTTLING_QUOTA_EXCEEDED, THROTTLE, "kafka-quota"),
    E_(_AUTHENTICATION, AUTH, "kafka-auth"),
    E_(SASL_AUTHENTICATION_FAILED, AUTH, "kafka-auth"),
    E_(UNSUPPORTED_SASL_MECHANISM, AUTH, "kafka-auth"),
    E_(ILLEGAL_SASL_STATE, AUTH, "kafka-auth"),
    E_(_SSL, AUTH, "kafka-tls"),
    E_(TOPIC_AUTHORIZATION_FAILED, AUTH, "kafka-acl"),
    E_(GROUP_AUTHORIZATION_FAILED, AUTH, "kafka-acl"),
    E_(CLUSTER_AUTHORIZATION_FAILED, AUTH, "kafka-acl"),
    E_(TRANSACTIONAL_ID_AUTHORIZATION_FAILED, AUTH, "kafka-acl"),
    E_(MSG_SIZE_TOO_LARGE, REJECT, "kafka-too-large"),
    E_(RECORD_LIST_TOO_LARGE, REJECT, "kafka-too-large"),
    E_(INVALID_RECORD, REJECT, "kafka-record-refused"),
    E_(INVALID_MSG, REJECT, "kafka-record-refused"),
    E_(INVALID_TIMESTAMP, REJECT, "kafka-record-refused"),
    E_(OFFSET_METADATA_TOO_LARGE, REJECT, "kafka-metadata-too-large"),
    E_(_INVALID_ARG, CONFIG, "kafka-argument"),
    E_(TOPIC_EXCEPTION, CONFIG, "kafka-topic-name"),
    E_(INVALID_PARTITIONS, CONFIG, "kafka-topic-settings"),
    E_(INVALID_REPLICATION_FACTOR, CONFIG, "kafka-topic-settings"),
    E_(INVALID_CONFIG, CONFIG, "kafka-topic-settings"),
    E_(POLICY_VIOLATION, CONFIG, "kafka-topic-settings"),
    E_(UNSUPPORTED_VERSION, CONFIG, "kafka-unsupported"),
    E_(_UNSUPPORTED_FEATURE, CONFIG, "kafka-unsupported"),
    E_(_FENCED, FATAL, "kafka-fenced"),
    E_(PRODUCER_FENCED, FATAL, "kafka-fenced"),
    E_(FENCED_INSTANCE_ID, FATAL, "kafka-fenced"),
    E_(INVALID_PRODUCER_EPOCH, FATAL, "kafka-fenced"),
    E_(_FATAL, FATAL, "kafka-fatal"),
    E_(OUT_OF_ORDER_SEQUENCE_NUMBER, FATAL, "kafka-fatal"),
};

int kafka_err(struct err *e, rd_kafka_resp_err_t code, const char *format, ...)
{
    static const struct meaning other = {.class = ERR_RETRY, .word = "kafka-error"};
    const struct meaning *m = &other;
    struct err what;
    va_list ap;

    for (size_t i = 0; i < ARRAY_LEN(meanings); i++)
        if (meanings[i].code == code)
            m = &meanings[i];
    va_start(ap, format);
    (void)err_vset(&what, m->class, m->word, format, ap);
    va_end(ap);
    return err_set(e, m->class, m->word, "%s: %s (%s)", what.text, rd_kafka_err2str(code),
                   rd_kafka_err2name(code));
}

bool kafka_err_is_connection(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ||
           code == RD_KAFKA_RESP_ERR__RESOLVE;
}

static void link_refused(struct kafka_link *k, rd_kafka_resp_err_t code, const char *text)
{
    if (!k->refused)
        log_error(code == RD_KAFKA_RESP_ERR__SSL ? "kafka-tls" : "kafka-auth",
                  "client=%s\tA Kafka broker refuses the connection: %s. The client keeps trying; "
                  "check security.protocol and the sasl.* and ssl.* entries of kafka.properties",
                  k->client, text);
    k->refused = true;
}

static void link_down(struct kafka_link *k, const char *text)
{
    if (!k->down)
        log_warn("kafka-down",
                 "client=%s\tNo Kafka broker can be reached (%s); the client keeps trying",
                 k->client, k->cause.class == ERR_NONE ? text : k->cause.text);
    k->down = true;
}

bool kafka_link_error(struct kafka_link *k, rd_kafka_event_t *ev)
{
    rd_kafka_resp_err_t code = rd_kafka_event_error(ev);
    const char *text = rd_kafka_event_error_string(ev);

    if (rd_kafka_event_error_is_fatal(ev))
        return false;
    if (code == RD_KAFKA_RESP_ERR__AUTHENTICATION || code == RD_KAFKA_RESP_ERR__SSL) {
        link_refused(k, code, text);
        return true;
    }
    if (!kafka_err_is_connection(code))
        return false;
    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
        link_down(k, text);
    } else {
        log_debug("kafka-connection", "client=%s\t%s", k->client, text);
        (void)err_set(&k->cause, ERR_RETRY, "kafka-connection", "%s", text);
    }
    return true;
}

void kafka_link_ok(struct kafka_link *k)
{
    if (k->down || k->refused)
        log_info("kafka-up", "client=%s\tKafka answers again", k->client);
    k->down = k->refused = false;
    err_clear(&k->cause);
}
