/* Looking at records: one bulk read for many marked lanes of a table (by sys_id), one query for the
 * newest generation of an unmarked series. A read that is refused is the instance's trouble (roles,
 * table rights), never the record's: lanes wait, nothing is dead-lettered. */
#include <stdlib.h>
#include <string.h>

#include "bridge/base/buf.h"
#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"
#include "bridge/retry/backoff.h"
#include "consumers/dispatch_internal.h"

#define QUERY_MAX 65536

struct look {
    struct dispatch *d;
    struct lane **lanes;
    size_t count;
    struct buf query;
};

static void key_hex(const struct lane *lane, char out[SYS_ID_SIZE])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < LANE_KEY_SIZE; i++) {
        out[2 * i] = digits[lane->key[i] >> 4];
        out[2 * i + 1] = digits[lane->key[i] & 15];
    }
    out[SYS_ID_SIZE - 1] = '\0';
}

static void lane_keys(struct dispatch *d, const struct lane *lane, uint32_t generation,
                      struct keys *ret)
{
    identity_keys(item_alert(lane->items), d->config->connection.record_namespace,
                  lane->target->table, generation, ret);
}

static void build_marked(struct look *k)
{
    char hex[SYS_ID_SIZE];
    struct keys keys;

    (void)buf_addf(&k->query, "%sIN",
                   k->d->by_correlation ? k->lanes[0]->target->shape->key : "sys_id");
    for (size_t i = 0; i < k->count; i++) {
        key_hex(k->lanes[i], hex);
        if (k->d->by_correlation)
            lane_keys(k->d, k->lanes[i], 0, &keys);
        (void)buf_addf(&k->query, "%s%s", i == 0 ? "" : ",",
                       k->d->by_correlation ? keys.correlation_id : hex);
    }
}

/* A refused create is followed by a read of that sys_id, not of the series (alert-identity 3.1). */
static void build_unmarked(struct look *k)
{
    const struct lane *lane = k->lanes[0];
    struct keys keys;

    if (lane->refused && !k->d->by_correlation) {
        lane_keys(k->d, lane, lane->generation, &keys);
        (void)buf_addf(&k->query, "sys_id=%s", keys.sys_id);
        return;
    }
    (void)buf_addf(
        &k->query,
        "correlation_displaySTARTSWITHitsm-bridge %016llx ^ORDERBYDESCcorrelation_display",
        (unsigned long long)lane->series);
}

static const char *column(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));

    return text == NULL ? "" : text;
}

static const json_t *find_row(struct dispatch *d, const json_t *rows, const struct lane *lane)
{
    char hex[SYS_ID_SIZE];
    struct keys keys;
    json_t *row;
    size_t i;

    if (!lane->marked)
        return json_array_get(rows, 0);
    key_hex(lane, hex);
    if (d->by_correlation)
        lane_keys(d, lane, 0, &keys);
    json_array_foreach (rows, i, row) {
        if (d->by_correlation
                ? strcmp(column(row, lane->target->shape->key), keys.correlation_id) == 0
                : strcmp(column(row, "sys_id"), hex) == 0)
            return row;
    }
    return NULL;
}

static void see(struct dispatch *d, struct lane *lane, const json_t *row, usec_t now)
{
    record_done(&lane->record);
    lane->sight = row != NULL && record_parse(row, lane->target->shape, &lane->record) == 0
                      ? SIGHT_RECORD
                      : SIGHT_ABSENT;
    lane->sight_at = now;
    lane->doubt = false;
    if (lane->sight == SIGHT_RECORD) {
        ledger_put(d->ledger, lane->key, &lane->record);
        ledger_seen(d->ledger, lane->key, now);
    }
    metric_add(d->read_lanes, 1);
}

/* After a look: what needs no request is done at once, writes go to the head of the queue. */
static void go_on(struct dispatch *d, struct lane *lane, usec_t now)
{
    struct decision what;

    lane_move(d->lanes, lane, LANE_IDLE);
    dispatch_drop_stale(d, lane);
    if (lane->count == 0) {
        lanes_settle(d->lanes, lane);
        return;
    }
    what = dispatch_decide(d, lane, now);
    if (!dispatch_without_request(d, lane, &what, now))
        lane_move(d->lanes, lane, LANE_WRITE);
}

static void seen(struct look *k, const json_t *rows, usec_t now)
{
    struct dispatch *d = k->d;
    size_t found = 0;

    for (size_t i = 0; i < k->count; i++) {
        struct lane *lane = k->lanes[i];

        if (lane->count > 0) {
            see(d, lane, find_row(d, rows, lane), now);
            found += lane->sight == SIGHT_RECORD;
        }
        go_on(d, lane, now);
    }
    /* Nothing of what we were about to create was there: this is no replay, create without a look.
     */
    if (found == 0)
        d->suspect = false;
    d->bulk = 2 * d->bulk > BULK_MAX ? BULK_MAX : 2 * d->bulk;
}

static void look_failed(struct look *k, const struct snow_outcome *o, usec_t now)
{
    struct dispatch *d = k->d;
    bool refused = o->verdict == SNOW_REJECTED;
    unsigned skipped;

    if (refused && log_limit_pass(&d->said, now, 60 * USEC_S, &skipped))
        log_error("read-refused",
                  "table=%s status=%d code=%s\tRecords of the table cannot be read: %s. Nothing is "
                  "lost: the alerts wait and reading is tried again. Give the bridge's user read "
                  "access to the table (of incidents: the role itil)",
                  k->lanes[0]->target->table, o->status, o->err.code, o->err.text);
    for (size_t i = 0; i < k->count; i++) {
        lane_move(d->lanes, k->lanes[i], LANE_IDLE);
        if (k->lanes[i]->count == 0) /* its partitions were taken meanwhile */
            lanes_settle(d->lanes, k->lanes[i]);
        else if (refused || o->verdict == SNOW_UNKNOWN)
            lane_delay(d->lanes, k->lanes[i], LANE_DELAYED,
                       now + backoff_delay(&d->rand, refused ? 5 : 1, d->config->limits.retry_min,
                                           d->config->limits.retry_max, 0),
                       "the record could not be read");
        else
            dispatch_again(d, k->lanes[i], o, now);
    }
}

static void answer(void *arg, const struct snow_op *ops, const struct snow_outcome *outcomes,
                   size_t n, usec_t now)
{
    struct look *k = arg;

    (void)ops;
    (void)n;
    k->d->in_flight--;
    if (outcomes[0].verdict == SNOW_OK && json_is_array(outcomes[0].result))
        seen(k, outcomes[0].result, now);
    else if (outcomes[0].verdict == SNOW_ABSENT) /* version 1 of the API: 404 for an empty list */
        seen(k, NULL, now);
    else
        look_failed(k, &outcomes[0], now);
    buf_done(&k->query);
    free(k->lanes);
    free(k);
}

void dispatch_read(struct dispatch *d, struct lane **lanes, size_t n, usec_t now)
{
    struct look *k = xcalloc(1, sizeof *k);
    struct snow_op op = {.kind = SNOW_LIST,
                         .table = lanes[0]->target->table,
                         .fields = lanes[0]->target->shape->read_fields};
    struct err e;

    *k = (struct look){.d = d, .lanes = lanes, .count = n};
    buf_init(&k->query, QUERY_MAX);
    if (lanes[0]->marked)
        build_marked(k);
    else
        build_unmarked(k);
    op.query = buf_text(&k->query);
    op.limit = lanes[0]->marked ? (long long)n + 1 : 1;
    for (size_t i = 0; i < n; i++) {
        lanes[i]->taken = 0;
        lane_move(d->lanes, lanes[i], LANE_FLIGHT);
    }
    d->in_flight++;
    if (snow_submit(d->snow, WINDOW_ALERTS, &op, 1, answer, k, now, &e) != 0)
        panic("a read of our own making was refused: %s", e.text);
}
