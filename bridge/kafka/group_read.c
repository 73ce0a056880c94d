/* Records, ends of partitions and errors of partitions, out of the data queue (when the owner asks)
 * and the state queue (as they come). librdkafka drops what belongs to an earlier assignment or
 * position; the checks here hold for what was already on its way out: partitions that are not ours,
 * offsets behind the position, and the rest of a batch in whose middle the owner sought or paused.
 */
#include "bridge/base/panic.h"
#include "bridge/kafka/group_internal.h"

#define BATCH          128
#define STATE_PER_TURN 1024

struct reader {
    struct group *g;
    bool state;
    usec_t now;
};

static void trouble_over(struct group_part *part)
{
    if (part->trouble != RD_KAFKA_RESP_ERR_NO_ERROR)
        log_info("partition-healed", "topic=%s partition=%d\tThe partition can be read again",
                 part->topic, (int)part->partition);
    part->trouble = RD_KAFKA_RESP_ERR_NO_ERROR;
}

static void on_trouble(struct group_part *part, const rd_kafka_message_t *m)
{
    struct err error;

    if (part->trouble == m->err)
        return;
    part->trouble = m->err;
    (void)kafka_err(&error, m->err, "partition %d of the topic %s cannot be read",
                    (int)part->partition, part->topic);
    log_warn("partition-error",
             "topic=%s partition=%d code=%s\t%s. It is tried again; this is said once", part->topic,
             (int)part->partition, error.code, error.text);
}

void group_out_of_range(struct group *g, const char *topic, int32_t partition, int64_t offset,
                        usec_t now)
{
    struct group_part *part = group_parts_find(&g->parts, topic, partition);

    if (g->phase != GROUP_ASSIGNED || part == NULL || part->stopped ||
        (offset >= 0 && offset < part->next))
        return;
    part->stopped = true;
    if (!part->state) {
        g->cb.out_of_range(g->cb.arg, g->epoch, topic, partition, now);
        return;
    }
    log_warn("state-restarted",
             "topic=%s partition=%d\tThe position in the state topic does not exist any more; it "
             "is read from its beginning again",
             topic, (int)partition);
    group_seek(g, topic, partition, RD_KAFKA_OFFSET_BEGINNING);
}

static void on_end(struct reader *r, struct group_part *part, int64_t offset)
{
    if (offset < part->next)
        return;
    trouble_over(part);
    group_part_move(part, offset);
    if (r->state)
        r->g->cb.state_end(r->g->cb.arg, part->partition, offset, r->now);
    else
        r->g->cb.end(r->g->cb.arg, r->g->epoch, part->topic, part->partition, offset, r->now);
}

/* True when the owner took the message over. */
static bool on_record(struct reader *r, struct group_part *part, rd_kafka_message_t *m)
{
    if (m->offset < part->next || part->stopped)
        return false;
    trouble_over(part);
    group_part_move(part, m->offset + 1);
    if (!r->state)
        return r->g->cb.record(r->g->cb.arg, r->g->epoch, m, r->now);
    r->g->cb.state_record(r->g->cb.arg, part->partition, m, r->now);
    return false;
}

/* True when the message is not ours any more. */
static bool deliver(struct reader *r, rd_kafka_message_t *m)
{
    struct group *g = r->g;
    struct group_part *part;

    if (m->rkt == NULL || g->phase != GROUP_ASSIGNED)
        return false;
    part = group_parts_find(&g->parts, rd_kafka_topic_name(m->rkt), m->partition);
    if (part == NULL || part->state != r->state || part->paused || part->barrier == g->batch)
        return false;
    switch (m->err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
        return on_record(r, part, m);
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        on_end(r, part, m->offset);
        return false;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
        group_out_of_range(g, part->topic, part->partition, m->offset, r->now);
        return false;
    default:
        on_trouble(part, m);
        return false;
    }
}

/* Returns how many messages were taken from the queue; 0: it is empty. */
static size_t read_batch(struct reader *r, rd_kafka_queue_t *q, size_t max)
{
    rd_kafka_message_t *messages[BATCH];
    ssize_t n = rd_kafka_consume_batch_queue(q, 0, messages, max < BATCH ? max : BATCH);

    r->g->batch++;
    for (ssize_t i = 0; i < n; i++)
        if (!deliver(r, messages[i]))
            rd_kafka_message_destroy(messages[i]);
    return n < 0 ? 0 : (size_t)n;
}

size_t group_read(struct group *g, size_t max, usec_t now)
{
    struct reader r = {.g = g, .now = now};
    size_t total = 0, n;

    while (total < max && g->readable) {
        n = read_batch(&r, g->queues[QUEUE_DATA], max - total);
        total += n;
        if (n == 0)
            g->readable = false;
    }
    if (g->readable)
        loop_again(g->loop);
    return total;
}

bool group_readable(const struct group *g)
{
    return g->readable;
}

/* Only remembers: reading is the owner's, and is his back-pressure. Without an assignment the owner
 * does not read, and what lies in the queue is stale. */
bool group_on_data(void *group, rd_kafka_queue_t *q, usec_t now)
{
    struct group *g = group;

    (void)q;
    g->readable = true;
    /* This may run after the owner's tick of this turn: he must get another one. */
    loop_again(g->loop);
    if (g->phase == GROUP_IDLE)
        (void)group_read(g, BATCH, now);
    return g->phase == GROUP_IDLE && g->readable;
}

bool group_on_state(void *group, rd_kafka_queue_t *q, usec_t now)
{
    struct reader r = {.g = group, .state = true, .now = now};

    for (size_t total = 0, n = 0; total < STATE_PER_TURN; total += n) {
        n = read_batch(&r, q, STATE_PER_TURN - total);
        if (n == 0)
            return false;
    }
    return true;
}
