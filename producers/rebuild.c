/* Reading back: partitions are asked for, then where each begins and ends, then they are read to
 * their ends. Offsets of a compacted topic have gaps, so the last n offsets hold at most n records.
 * The end is that of committed records; the table's fence before has made it so for its own. */
#include "producers/rebuild.h"

#include <jansson.h>
#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "bridge/kafka/client.h"
#include "producers/column.h"

#define CALL_MS   1000
#define TURN      (200 * USEC_MS)
#define WAIT_MS   100
#define ROW_BYTES 512 /* of a row in memory, about */
#define KEY_MAX   32

struct rebuild {
    const struct config *config;
    const char *topic;
    size_t max_bytes;
    struct lastseen *seen;
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    rd_kafka_topic_partition_list_t *parts; /* with the offsets to begin at */
    int placed;                             /* of them: their offset is known */
    int ended;                              /* of them: read to the end */
    usec_t deadline;
    size_t records;
};

struct rebuild *rebuild_new(const struct config *c, const char *topic, size_t max_bytes)
{
    struct rebuild *r = xcalloc(1, sizeof(*r));
    r->config = c;
    r->topic = topic;
    r->max_bytes = max_bytes;
    r->seen = lastseen_new(max_bytes);
    return r;
}

void rebuild_close(struct rebuild *r)
{
    if (r->parts != NULL)
        rd_kafka_topic_partition_list_destroy(r->parts);
    if (r->queue != NULL)
        rd_kafka_queue_destroy(r->queue);
    if (r->rk != NULL)
        rd_kafka_destroy_flags(r->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    r->parts = NULL;
    r->queue = NULL;
    r->rk = NULL;
}

struct rebuild *rebuild_free(struct rebuild *r)
{
    if (r == NULL)
        return NULL;
    rebuild_close(r);
    lastseen_free(r->seen);
    free(r);
    return NULL;
}

struct lastseen *rebuild_take(struct rebuild *r)
{
    struct lastseen *seen = r->seen;
    r->seen = NULL;
    return seen;
}

size_t rebuild_records(const struct rebuild *r)
{
    return r->records;
}

/* Records ---------------------------------------------------------------------------------------
 */

void rebuild_record(struct lastseen *seen, const char *key, size_t key_length, const char *value,
                    size_t length)
{
    char sys_id[KEY_MAX + 1] = {0};
    long long mod_count;
    if (key == NULL || key_length == 0 || key_length > KEY_MAX)
        return;
    memcpy(sys_id, key, key_length);
    json_t *o = value != NULL ? json_loadb(value, length, 0, NULL) : NULL;
    const json_t *row = json_object_get(o, "record");
    const char *count = json_string_value(json_object_get(o, "sys_mod_count"));
    if (json_is_object(row) && count != NULL && text_to_int(count, &mod_count) == 0)
        lastseen_published(seen, sys_id, mod_count, row);
    else
        lastseen_forget(seen, sys_id); /* deleted, or what it holds is not known */
    json_decref(o);
}

static void take_message(struct rebuild *r, const rd_kafka_message_t *m)
{
    if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    r->records++;
    rebuild_record(r->seen, m->key, m->key_len, m->payload, m->len);
}

static void take_event(struct rebuild *r, rd_kafka_event_t *ev)
{
    const rd_kafka_message_t *m;
    switch (rd_kafka_event_type(ev)) {
    case RD_KAFKA_EVENT_FETCH:
        while ((m = rd_kafka_event_message_next(ev)) != NULL)
            take_message(r, m);
        break;
    case RD_KAFKA_EVENT_ERROR:
        r->ended += rd_kafka_event_error(ev) == RD_KAFKA_RESP_ERR__PARTITION_EOF;
        break;
    default:
        (void)kafka_log_serve(ev);
    }
    rd_kafka_event_destroy(ev);
}

/* Steps -----------------------------------------------------------------------------------------
 */

static int open_consumer(struct rebuild *r, struct err *e)
{
    rd_kafka_conf_t *conf = kafka_conf_new(r->config, KAFKA_CONSUMER, NULL, e);
    r->rk = conf != NULL ? kafka_new(conf, KAFKA_CONSUMER, e) : NULL;
    if (r->rk == NULL)
        return -1;
    (void)rd_kafka_poll_set_consumer(r->rk);
    r->queue = rd_kafka_queue_get_consumer(r->rk);
    return 0;
}

static int list_partitions(struct rebuild *r, struct err *e)
{
    const struct rd_kafka_metadata *md = NULL;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(r->rk, r->topic, NULL);
    rd_kafka_resp_err_t code = rd_kafka_metadata(r->rk, 0, topic, &md, CALL_MS);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = md->topic_cnt == 1 ? md->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        r->parts = rd_kafka_topic_partition_list_new(md->topics[0].partition_cnt);
        for (int i = 0; i < md->topics[0].partition_cnt; i++)
            rd_kafka_topic_partition_list_add(r->parts, r->topic, i);
    }
    if (md != NULL)
        rd_kafka_metadata_destroy(md);
    rd_kafka_topic_destroy(topic);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR
               ? 0
               : kafka_err(e, code, "Topic %s cannot be looked at", r->topic);
}

/* Where the next partition begins to be read. */
static int place_next(struct rebuild *r, struct err *e)
{
    rd_kafka_topic_partition_t *p = &r->parts->elems[r->placed];
    int64_t low = 0, high = 0, most = (int64_t)(r->max_bytes / ROW_BYTES) / r->parts->cnt + 1;
    rd_kafka_resp_err_t code =
        rd_kafka_query_watermark_offsets(r->rk, r->topic, p->partition, &low, &high, CALL_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_err(e, code, "The end of partition %d of topic %s cannot be read",
                         (int)p->partition, r->topic);
    p->offset = high - most > low ? high - most : low;
    r->placed++;
    if (r->placed < r->parts->cnt)
        return 0;
    code = rd_kafka_assign(r->rk, r->parts);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR
               ? 0
               : kafka_err(e, code, "Topic %s cannot be read", r->topic);
}

static void read_on(struct rebuild *r, usec_t now)
{
    rd_kafka_event_t *ev;
    while (r->ended < r->parts->cnt && clock_now() < now + TURN &&
           (ev = rd_kafka_queue_poll(r->queue, WAIT_MS)) != NULL)
        take_event(r, ev);
}

/* What does not go now is tried again in the next turn, until the time is over. */
static int step(struct rebuild *r, usec_t now, struct err *e)
{
    if (r->rk == NULL && open_consumer(r, e) != 0)
        return -1;
    if (r->parts == NULL)
        return list_partitions(r, e);
    if (r->placed < r->parts->cnt)
        return place_next(r, e);
    read_on(r, now);
    return 0;
}

bool rebuild_run(struct rebuild *r, usec_t now, struct err *e)
{
    struct err why = {.class = ERR_NONE};
    if (r->deadline == 0)
        r->deadline = now + REBUILD_TIME;
    int rc = step(r, now, &why);
    bool all =
        rc == 0 && r->parts != NULL && r->placed == r->parts->cnt && r->ended == r->parts->cnt;
    if (!all && now < r->deadline)
        return false;
    if (all)
        err_clear(e);
    else if (rc != 0)
        *e = why;
    else
        err_set(e, ERR_RETRY, "rebuild-time", "the time for it was over");
    return true;
}
