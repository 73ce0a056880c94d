/* Scripted stand-ins for what consumers/ talks to: the producer (output_*), the group (group_*),
 * the look-ups (lookup_*) and the ServiceNow client (snow_*). Each call is kept in order and
 * answered when the test says so. Pointers to struct output, group, lookup and snow are never
 * looked at: NULL will do. One world a program; standin_reset between tests. */
#ifndef TESTS_CONSUMERS_STANDIN_H
#define TESTS_CONSUMERS_STANDIN_H

#include <jansson.h>
#include <librdkafka/rdkafka.h>

#include "bridge/config/config.h"
#include "bridge/kafka/group.h"
#include "bridge/kafka/lookup.h"
#include "bridge/kafka/output.h"
#include "bridge/servicenow/snow.h"

/* Forgets all calls and scripts; what was not answered is dropped. */
void standin_reset(void);

/* A configuration as config_load makes it: connection "t" to acme.service-now.com, the consumers
 * entries of `consumers` (libconfig text, as in "{ topics = [\"a\"]; }"). The caller frees it. */
struct config *standin_config(const char *consumers);

/* ---- records as librdkafka hands them out; valid until the next call; key may be NULL */
rd_kafka_message_t *standin_message(int64_t offset, msec_t time, const char *value);
/* One Azure metric alert (instance number n), as JSON; condition "Fired" or "Resolved"; each says
 * something new. New. */
char *standin_alert(int n, const char *condition);
/* The same that names a configuration item. New. */
char *standin_alert_of(int n, const char *condition, const char *host);
/* A Service Health communication of the tracking id n: stage "Active", "Resolved" or "RCA". New. */
char *standin_health(int n, const char *stage);

/* ---- producer */
struct standin_record {
    char *topic, *key, *value;
    size_t value_length, headers_count;
    char *headers; /* "name=value\n" of each */
    output_fn fn;
    void *arg;
    bool answered;
};
size_t standin_sent(void);
struct standin_record *standin_record(size_t i);
size_t standin_unanswered(void);
/* The next `times` calls of output_send fail with this. */
void standin_refuse(enum err_class class, const char *code, int times);
/* Answers record i: code NULL = stored. */
void standin_answer(size_t i, enum err_class class, const char *code, usec_t now);
/* Answers everything that is open, also what is sent meanwhile, as stored. */
void standin_answer_all(usec_t now);

/* ---- group */
struct standin_group {
    bool doubtful; /* what group_doubtful answers */
    uint64_t epoch;
    bool committing, joined, readable;
    enum err_class commit_class; /* of the next group_commit; ERR_NONE: it is taken */
    const char *commit_code;
    size_t commits;                        /* taken so far */
    rd_kafka_topic_partition_list_t *last; /* the list of the last one */
    size_t starts, pauses, resumes;
    struct {
        char topic[64];
        int32_t partition;
        int64_t offset;
    } start[16];
    /* Called by group_read; returns how many it delivered. NULL: nothing to read. */
    size_t (*read)(void *arg, size_t max, usec_t now);
    void *read_arg;
    size_t reads;
};
extern struct standin_group standin_group;
#define STANDIN_GROUP ((struct group *)(void *)&standin_group)

/* ---- look-ups */
size_t standin_lookups(void);
rd_kafka_topic_partition_list_t *standin_lookup(size_t i); /* the question */
/* Answers look-up i: each offset from `offsets`, `error` for all of them when not 0. */
void standin_lookup_answer(size_t i, const int64_t *offsets, rd_kafka_resp_err_t error, usec_t now);
/* The look-up as a whole fails. */
void standin_lookup_fail(size_t i, usec_t now);

/* ---- ServiceNow */
struct standin_op {
    enum snow_kind kind;
    char *table, *sys_id, *query;
    long long limit;
    json_t *body; /* NULL */
    struct snow_op op;
    snow_fn fn;
    void *arg;
    bool answered;
};
extern unsigned standin_room;           /* requests at once */
extern enum window_class standin_class; /* that each request must be of; alerts at first */
size_t standin_ops(void);
struct standin_op *standin_op(size_t i);
/* The last one that is not answered; the test fails when there is none. */
struct standin_op *standin_open_op(void);
size_t standin_open_ops(void);
/* Answers with this verdict; `result` is taken (NULL: none). */
void standin_op_answer(struct standin_op *op, enum snow_verdict v, json_t *result, usec_t now);
/* The same with everything that an outcome may say; result of `o` is borrowed. */
void standin_op_outcome(struct standin_op *op, const struct snow_outcome *o, usec_t now);

#endif
