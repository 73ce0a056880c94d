/* Configuration, messages, and the producer's stand-in. */
#include "tests/consumers/standin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bridge/base/xalloc.h"
#include "tests/consumers/standin_internal.h"

static struct standin_record *records;
static size_t records_count;
static struct err refusal;
static int refusals;

/* ---------------------------------------------------------------- configuration */

struct config *standin_config(const char *consumers)
{
    char path[] = "/tmp/itsm-standin-XXXXXX";
    int fd = mkstemp(path);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
    struct config_errors errors = {0};
    struct config *c;

    assert_non_null(f);
    (void)fprintf(f,
                  "connection: { name = \"t\"; server_url = \"https://acme.service-now.com\";"
                  " auth: { client_id = \"i\"; client_secret = \"s\"; }; };\n"
                  "kafka: { bootstrap_servers = \"localhost:9092\"; };\nconsumers: ( %s );\n",
                  consumers);
    (void)fclose(f);
    c = config_load(path, CONFIG_NO_SECRETS, &errors);
    (void)unlink(path);
    if (c == NULL)
        fail_msg("%s", errors.items[0].text);
    return c;
}

/* ---------------------------------------------------------------- messages */

static msec_t message_time;

rd_kafka_message_t *standin_message(int64_t offset, msec_t time, const char *value)
{
    static rd_kafka_message_t m;
    static char key[] = "k";

    message_time = time;
    m = (rd_kafka_message_t){.offset = offset, .key = key, .key_len = 1};
    if (value != NULL) {
        m.payload = (void *)(uintptr_t)value;
        m.len = strlen(value);
    }
    return &m;
}

/* librdkafka's own look behind the struct that it hands out; ours is not one of its. */
int64_t rd_kafka_message_timestamp(const rd_kafka_message_t *rkmessage,
                                   rd_kafka_timestamp_type_t *tstype)
{
    (void)rkmessage;
    if (tstype != NULL)
        *tstype = message_time == MSEC_NONE ? RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
                                            : RD_KAFKA_TIMESTAMP_CREATE_TIME;
    return message_time == MSEC_NONE ? -1 : message_time;
}

rd_kafka_resp_err_t rd_kafka_message_headers(const rd_kafka_message_t *rkmessage,
                                             rd_kafka_headers_t **hdrsp)
{
    (void)rkmessage;
    (void)hdrsp;
    return RD_KAFKA_RESP_ERR__NOENT;
}

static unsigned reports; /* each alert has news: without, a repeat would be no work */

char *standin_alert_of(int n, const char *condition, const char *host)
{
    return xasprintf(
        "{\"schemaId\":\"azureMonitorCommonAlertSchema\",\"data\":{\"essentials\":{"
        "\"alertId\":\"/subscriptions/s/providers/Microsoft.AlertsManagement/alerts/"
        "%08x-0000-4000-8000-000000000000\",\"alertRule\":\"rule\",\"severity\":\"Sev1\","
        "\"signalType\":\"Metric\",\"monitorCondition\":\"%s\",\"monitoringService\":\"Platform\","
        "\"description\":\"report "
        "%u\",\"alertTargetIDs\":[\"/subscriptions/s/resourcegroups/g/providers/"
        "microsoft.compute/virtualmachines/%s\"],\"configurationItems\":[%s%s%s],"
        "\"firedDateTime\":\"2025-06-01T10:20:30.123Z\",\"essentialsVersion\":\"1.0\","
        "\"alertContextVersion\":\"1.0\"},\"alertContext\":{}}}",
        (unsigned)n, condition, ++reports, host[0] == '\0' ? "vm" : host,
        host[0] == '\0' ? "" : "\"", host, host[0] == '\0' ? "" : "\"");
}

char *standin_alert(int n, const char *condition)
{
    return standin_alert_of(n, condition, "");
}

char *standin_health(int n, const char *stage)
{
    return xasprintf(
        "{\"schemaId\":\"azureMonitorCommonAlertSchema\",\"data\":{\"essentials\":{"
        "\"alertId\":\"/subscriptions/s/providers/Microsoft.AlertsManagement/alerts/x\","
        "\"alertRule\":\"health\",\"severity\":\"Sev4\",\"signalType\":\"Activity Log\","
        "\"monitorCondition\":\"Fired\",\"monitoringService\":\"ServiceHealth\","
        "\"alertTargetIDs\":[\"/subscriptions/11111111-1111-1111-1111-111111111111\"],"
        "\"firedDateTime\":\"2025-06-01T10:20:30.123Z\",\"essentialsVersion\":\"1.0\","
        "\"alertContextVersion\":\"1.0\"},\"alertContext\":{\"eventSource\":\"ServiceHealth\","
        "\"status\":\"Active\",\"subscriptionId\":\"11111111-1111-1111-1111-111111111111\","
        "\"properties\":{\"trackingId\":\"T%d\",\"stage\":\"%s\",\"title\":\"Storage is slow\","
        "\"service\":\"Storage\",\"region\":\"West Europe\",\"communication\":\"why: a cable\"}}}}",
        n, stage);
}

/* ---------------------------------------------------------------- producer */

static void records_reset(void)
{
    for (size_t i = 0; i < records_count; i++) {
        free(records[i].topic);
        free(records[i].key);
        free(records[i].value);
        free(records[i].headers);
    }
    free(records);
    records = NULL;
    records_count = 0;
    refusals = 0;
}

static char *headers_text(const struct output_record *r)
{
    struct buf b;

    buf_init(&b, (size_t)16 << 20);
    for (size_t i = 0; i < r->headers_count; i++)
        (void)buf_addf(&b, "%s=%.*s\n", r->headers[i].name, (int)r->headers[i].length,
                       (const char *)r->headers[i].value);
    return buf_take(&b, NULL);
}

int output_send(struct output *o, const struct output_record *r, output_fn fn, void *arg,
                struct err *e)
{
    struct standin_record *s;

    (void)o;
    if (refusals > 0) {
        refusals--;
        *e = refusal;
        return -1;
    }
    records = xrealloc(records, records_count + 1, sizeof *records);
    s = &records[records_count++];
    *s = (struct standin_record){
        .topic = xstrdup(r->topic),
        .key = xstrndup(r->key == NULL ? "" : r->key, r->key_length),
        .value = xstrndup(r->value == NULL ? "" : r->value, r->value == NULL ? 0 : r->value_length),
        .value_length = r->value_length,
        .headers_count = r->headers_count,
        .headers = headers_text(r),
        .fn = fn,
        .arg = arg};
    return 0;
}

size_t standin_sent(void)
{
    return records_count;
}

struct standin_record *standin_record(size_t i)
{
    assert_true(i < records_count);
    return &records[i];
}

size_t standin_unanswered(void)
{
    size_t n = 0;

    for (size_t i = 0; i < records_count; i++)
        n += !records[i].answered;
    return n;
}

void standin_refuse(enum err_class class, const char *code, int times)
{
    (void)err_set(&refusal, class, code, "the stand-in refuses");
    refusals = times;
}

void standin_answer(size_t i, enum err_class class, const char *code, usec_t now)
{
    struct standin_record *s = standin_record(i);
    output_fn fn = s->fn;
    void *arg = s->arg;
    struct err e;

    assert_false(s->answered);
    s->answered = true;
    if (code != NULL)
        (void)err_set(&e, class, code, "the stand-in does not store it");
    fn(arg, code == NULL ? NULL : &e, now);
}

void standin_answer_all(usec_t now)
{
    for (size_t i = 0; i < records_count; i++)
        if (!records[i].answered)
            standin_answer(i, ERR_NONE, NULL, now);
}

void standin_reset(void)
{
    records_reset();
    standin_kafka_reset();
    standin_snow_reset();
}
