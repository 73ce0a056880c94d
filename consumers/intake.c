/* Decoding and placing. Whatever cannot be placed has its end decided here: finished before (map),
 * tombstone, unreadable, too old. */
#include "consumers/intake.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/log.h"
#include "bridge/base/xalloc.h"
#include "consumers/identity.h"
#include "consumers/parts.h"

/* Decoded alerts kept while they wait (the most that intake takes when all goes well); beyond it
 * they are decoded again when their turn comes, so that a long queue costs its messages' bytes and
 * little more. */
#define DECODED_MAX 2048

void intake_init(struct intake *n, const struct config *c, struct lanes *l, struct ends *e,
                 struct metrics *m)
{
    *n =
        (struct intake){.config = c, .lanes = l, .ends = e, .metrics = m, .targets = targets_new()};
    n->received =
        metrics_counter(m, "messages_received_total", NULL, "Messages read from alert topics");
    n->skipped = metrics_counter(m, "messages_skipped_total", NULL, "Messages without a value");
    n->finished_before = metrics_counter(m, "messages_finished_before_total", NULL,
                                         "Messages that the committed map names as finished");
}

void intake_done(struct intake *n)
{
    n->targets = targets_free(n->targets);
}

void intake_free_unit(struct intake *n, struct unit *u)
{
    n->units--;
    n->bytes -= u->bytes;
    (void)unit_free(u);
}

/* A lane at its depth bound is noted in the partition, which rests then (flow.c). */
static void place(struct intake *n, struct item *i, usec_t now)
{
    unsigned char key[LANE_KEY_SIZE];
    struct lane *lane;

    target_lane_key(i->target, i->unit->consumer, n->config->connection.record_namespace, i->alert,
                    key);
    lane = lanes_get(n->lanes, key,
                     i->alert->marked && !target_by_series(i->target, i->unit->consumer));
    lane->target = i->target;
    if (lane->series == 0)
        lane->series = identity_series(i->alert);
    if (i->fact.state == ALERT_CLEARED && i->fact.life->clear_delay > 0)
        i->fact.due = now + i->fact.life->clear_delay;
    if (i->fact.state == ALERT_CLEARED && lane->clear_wait_until == 0)
        lane->clear_wait_until = now + i->unit->consumer->clear_wait;
    if (lanes_items(n->lanes) >= DECODED_MAX)
        item_forget(i);
    lanes_push(n->lanes, lane, i);
    if (lane->count >= (size_t)n->config->limits.max_per_alert) {
        struct partition *x = i->unit->partition;

        x->deep = true;
        memcpy(x->deep_key, key, LANE_KEY_SIZE);
    }
}

/* A rule drops the alert, and never silently: by its rule it is counted, and by its outcome record
 * it can be found. Takes the item. */
static void drop(struct intake *n, struct item *i, const struct config_rule *by, usec_t now)
{
    struct ending how = {.operation = "dropped", .why = "rule", .table = i->target->table};
    char *rule = xasprintf("%s/%s", i->unit->consumer->name, by->name);
    char *label = metrics_label("rule", rule);

    metric_add(metrics_counter(n->metrics, "alerts_dropped_total", label,
                               "Alerts that a rule dropped, by consumers entry and rule"),
               1);
    free(label);
    free(rule);
    ends_item(n->ends, i, &how, now);
}

/* The rules say which target, which life, and whether at all. Takes the item. */
static void judge(struct intake *n, struct item *i, usec_t now)
{
    const struct config_life *life;
    const struct config_rule *drops;
    struct ruling g;

    rules_decide(i->unit->rules, i->alert, &g);
    if (g.target[0] != '\0')
        i->target = targets_of(n->targets, i->unit->consumer, g.target);
    life = rules_life(i->unit->rules, &g);
    if (life != NULL)
        i->fact.life = life;
    drops = g.drop;
    ruling_done(&g);
    if (drops != NULL)
        drop(n, i, drops, now);
    else
        place(n, i, now);
}

/* Design D12: what lay in the topic at the first start and is older than `cut`. */
static bool too_old(const struct unit *u)
{
    const struct partition *x = u->partition;

    return x->end != OFFSETS_NONE && u->message.offset < x->end && x->cut != MSEC_NONE &&
           u->message.timestamp != MSEC_NONE && u->message.timestamp < x->cut;
}

static void place_all(struct intake *n, struct unit *u, struct alerts *list, usec_t now)
{
    const struct target *target = targets_of(n->targets, u->consumer, "");
    struct ending old = {.operation = "too-old", .why = "before-cut", .table = target->table};
    struct item **items = xcalloc(list->count, sizeof(struct item *));
    bool ends_now = too_old(u);
    size_t count = list->count;

    u->pending = count;
    for (size_t k = 0; k < count; k++) {
        items[k] = item_new(u, k, list->items[k]);
        items[k]->target = target;
        list->items[k] = NULL;
    }
    n->bytes += u->bytes;
    /* The unit may be gone after its last item: nothing of it is touched then. */
    for (size_t k = 0; k < count; k++) {
        if (ends_now)
            ends_item(n->ends, items[k], &old, now);
        else
            judge(n, items[k], now);
    }
    free(items);
}

void intake_record(struct intake *n, struct partition *x, const rd_kafka_message_t *m, usec_t now)
{
    uint64_t ticket;
    struct alerts list = {0};
    struct unit *u;
    struct err why;

    metric_add(n->received, 1);
    if (m->offset < offsets_position(x->offsets)) {
        log_warn("offset-back",
                 "topic=%s partition=%d offset=%lld expected=%lld\tOffsets went back: the topic "
                 "was made anew. It is "
                 "read from here",
                 x->topic, x->number, (long long)m->offset,
                 (long long)offsets_position(x->offsets));
        partition_assign(x, x->epoch, m->offset);
    }
    ticket = offsets_receive(x->offsets, m->offset);
    if (ticket == OFFSETS_FINISHED) {
        metric_add(n->finished_before, 1);
        return;
    }
    u = unit_new(x, ticket, m, clock_wall());
    n->units++;
    switch (parts_decode(u->consumer, u->rules, &u->message, &list, &why)) {
    case DECODE_OK:
        place_all(n, u, &list, now);
        break;
    case DECODE_BAD:
        n->bytes += u->bytes;
        ends_unit(n->ends, u, &why, now);
        break;
    case DECODE_SKIP:
        metric_add(n->skipped, 1);
        n->bytes += u->bytes;
        offsets_done(x->offsets, ticket);
        intake_free_unit(n, u);
        break;
    }
    alerts_done(&list);
}
