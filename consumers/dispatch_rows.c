/* Rows: events in bulk, imports one by one. Nothing is looked at before, so a message is sent again
 * until it is clearly taken; the instance knows it by its key. One request of a lane at a time, its
 * messages in order. What a bulk answer did not take is sent again in ever smaller requests, until
 * the bad one is alone. */
#include <stdlib.h>
#include <string.h>

#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"
#include "bridge/retry/backoff.h"
#include "bridge/servicenow/query.h"
#include "consumers/dispatch_internal.h"
#include "consumers/event.h"

/* What the events of one request may take of its body; the instance takes 10 MB
 * (glide.rest.max_content_length). */
#define BODY_BYTES ((size_t)1 << 20)
/* While a request of events is under way more of them gather, so that requests hold many when many
 * come: until so many wait, or for so long. */
#define GATHER_ENOUGH ((size_t)100)
#define GATHER        (50 * USEC_MS)
/* Requests of events under way at most: each does the work of hundreds, and what is under way is
 * kept decoded. */
#define EVENTS_AT_ONCE 4
/* Lanes looked at in one turn, so that a turn stays short. */
#define TURN_LANES 1000
/* Back-off of a place that is not there, as after so many attempts. */
#define PLACE_ATTEMPTS 5

struct rows {
    struct dispatch *d;
    enum snow_kind kind;
    struct lane **lanes;
    size_t count, capacity, messages;
    struct buf body; /* of events */
    size_t most;     /* messages that it may hold */
};

void dispatch_rows_init(struct dispatch *d)
{
    usec_t third = d->config->connection.request_timeout / 3;

    rows_pace_init(&d->pace, third < 10 * USEC_S ? third : 10 * USEC_S);
    d->rows_sent = metrics_counter(d->metrics, "rows_sent_total", NULL,
                                   "Messages that became an event or a row of a staging table");
    d->rows_split = metrics_counter(d->metrics, "rows_split_total", NULL,
                                    "Requests of events that were not taken whole");
}

static struct row_context context_of(const struct dispatch *d, const struct item *i)
{
    return (struct row_context){.target = i->target,
                                .consumer = i->unit->consumer,
                                .connection = d->config->connection.name,
                                .message = &i->unit->message,
                                .rules = i->unit->rules};
}

/* ---------------------------------------------------------------- what needs no request */

static void end_without(struct dispatch *d, struct lane *lane, struct item *i, const char *why,
                        usec_t now)
{
    struct ending how = {.operation = "nothing", .why = why, .table = lane->target->table};

    lanes_take(d->lanes, i);
    ends_item(d->ends, i, &how, now);
}

/* A fire of an instance whose clear was sent before is late: it would open the alert again. */
static bool is_late(const struct dispatch *d, const struct lane *lane)
{
    const struct record *known = lane->marked ? ledger_find(d->ledger, lane->key) : NULL;

    return known != NULL && record_cleared(known);
}

/* The lane is IDLE on entry. False: nothing is left to send, the lane is settled. */
static bool prepare(struct dispatch *d, struct lane *lane, usec_t now)
{
    bool late = is_late(d, lane);
    struct item *next;

    dispatch_drop_stale(d, lane);
    if (lane->marked)
        lane_clears_last(lane);
    for (struct item *i = lane->items; i != NULL; i = next) {
        next = i->next;
        if (i->fact.state == ALERT_NOTE && lane->target->kind == TARGET_EVENT)
            end_without(d, lane, i, "note", now);
        else if (i->fact.state == ALERT_FIRING && late)
            end_without(d, lane, i, "late", now);
    }
    if (lane->count > 0)
        return true;
    lanes_settle(d->lanes, lane);
    return false;
}

/* ---------------------------------------------------------------- what the answer means */

static void remember_clear(struct dispatch *d, const struct lane *lane)
{
    static char empty[] = "";
    const struct record cleared = {.sys_id = empty,
                                   .number = empty,
                                   .has_stamp = true,
                                   .stamp = {.rank = 1},
                                   .mod_count = -1,
                                   .closed = MSEC_NONE};

    if (lane->marked)
        ledger_put(d->ledger, lane->key, &cleared);
}

static const char *text_of(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));

    return text == NULL ? "" : text;
}

/* What an import tells of the record that its map wrote; NULL when it tells of none. */
static const struct record *told_record(const json_t *row, struct record *ret)
{
    const char *sys_id = text_of(row, "sys_id");

    if (!query_sys_id_ok(sys_id))
        return NULL;
    *ret = (struct record){.sys_id = xstrdup(sys_id),
                           .number = xstrdup(text_of(row, "display_value"))};
    return ret;
}

static void set_imported(struct ending *how, const json_t *row)
{
    static const struct {
        const char *status, *operation;
    } words[] = {{"inserted", "created"}, {"updated", "updated"}};
    const char *status = text_of(row, "status"), *table = text_of(row, "table");

    how->operation = "nothing";
    how->why = strcmp(status, "ignored") == 0 ? "ignored" : "skipped";
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(status, words[i].status) == 0) {
            how->operation = words[i].operation;
            how->why = NULL;
        }
    if (query_name_ok(table))
        how->table = table;
}

static void end_taken(struct rows *q, struct lane *lane, const struct snow_outcome *o, usec_t now)
{
    struct dispatch *d = q->d;
    struct record told = {0};
    struct ending how = {
        .operation = "sent", .table = lane->target->table, .http_status = o->status};
    bool cleared = false;

    if (q->kind == SNOW_IMPORT) {
        set_imported(&how, o->result);
        how.record = told_record(o->result, &told);
    }
    for (size_t n = lane->taken; n > 0; n--) {
        lane->items->attempts++;
        cleared = cleared || lane->items->fact.state == ALERT_CLEARED;
        dispatch_end_items(d, lane, 1, &how, now);
        metric_add(d->rows_sent, 1);
    }
    record_done(&told);
    if (cleared)
        remember_clear(d, lane);
    lane->crowd = 0;
    lanes_settle(d->lanes, lane);
}

static void end_dead(struct rows *q, struct lane *lane, const struct snow_outcome *o,
                     const struct err *why, usec_t now)
{
    struct ending how = {.operation = "dead-letter",
                         .table = lane->target->table,
                         .http_status = o->status,
                         .err = why};

    dispatch_end_items(q->d, lane, 1, &how, now);
    lane->crowd = 0;
    lanes_settle(q->d->lanes, lane);
}

static void delay(struct dispatch *d, struct lane *lane, unsigned attempts, const char *reason,
                  usec_t now)
{
    const struct config_limits *limits = &d->config->limits;

    lane_delay(d->lanes, lane, LANE_DELAYED,
               now + backoff_delay(&d->rand, attempts, limits->retry_min, limits->retry_max, 0),
               reason);
}

/* Alone, and not clearly taken. */
static void charge(struct rows *q, struct lane *lane, const struct snow_outcome *o, usec_t now)
{
    unsigned attempts = ++lane->items->attempts;
    long long most = q->d->config->limits.max_attempts;
    struct err why;

    if (attempts < (unsigned)most) {
        delay(q->d, lane, attempts, "the instance did not say that it took the row", now);
        return;
    }
    (void)err_set(
        &why, ERR_REJECT, "attempts",
        "ServiceNow was sent this %u times by itself and never said that it took it (%s). "
        "See the instance's log, mend the cause, then send the dead letter again "
        "(limits.max_attempts is %lld)",
        attempts, o->verdict == SNOW_OK ? "it counts no event as inserted" : o->err.code, most);
    end_dead(q, lane, o, &why, now);
}

static void say_place(struct rows *q, const struct snow_outcome *o, usec_t now)
{
    unsigned skipped;

    if (log_limit_pass(&q->d->said_place, now, 60 * USEC_S, &skipped))
        log_error("rows-refused",
                  "target=%s status=%d code=%s\tNothing can be written there: %s. Nothing is lost: "
                  "the alerts wait and it is tried again. Events need Event Management and the "
                  "role evt_mgmt_integration; an import needs a staging table that the bridge's "
                  "user may write and read, and an active transform map",
                  q->lanes[0]->target->word, o->status, o->err.code, o->err.text);
}

static void go_on(struct rows *q, struct lane *lane, const struct snow_outcome *o,
                  enum rows_action action, usec_t now)
{
    switch (action) {
    case ROWS_DONE:
        end_taken(q, lane, o, now);
        break;
    case ROWS_SPLIT:
        lane->crowd = q->messages / 2;
        lanes_settle(q->d->lanes, lane);
        break;
    case ROWS_CHARGE:
        charge(q, lane, o, now);
        break;
    case ROWS_DEAD:
        end_dead(q, lane, o, &o->err, now);
        break;
    case ROWS_PLACE:
        delay(q->d, lane, PLACE_ATTEMPTS, "the endpoint, the table or the right to it is missing",
              now);
        break;
    case ROWS_AGAIN:
        dispatch_again(q->d, lane, o, now);
        break;
    }
}

static void rows_free(struct rows *q)
{
    buf_done(&q->body);
    free(q->lanes);
    free(q);
}

static void answer(void *arg, const struct snow_op *ops, const struct snow_outcome *outcomes,
                   size_t n, usec_t now)
{
    struct rows *q = arg;
    struct dispatch *d = q->d;
    enum rows_action action = rows_judge(q->kind, &outcomes[0], q->messages);

    (void)ops;
    (void)n;
    d->in_flight--;
    if (q->kind == SNOW_EVENTS) {
        d->events_in_flight--;
        rows_pace_learn(&d->pace, &outcomes[0], q->messages);
    }
    if (action == ROWS_SPLIT)
        metric_add(d->rows_split, 1);
    if (action == ROWS_PLACE)
        say_place(q, &outcomes[0], now);
    for (size_t i = 0; i < q->count; i++) {
        lane_move(d->lanes, q->lanes[i], LANE_IDLE);
        go_on(q, q->lanes[i], &outcomes[0], action, now);
    }
    rows_free(q);
}

/* ---------------------------------------------------------------- sending */

static struct rows *rows_new(struct dispatch *d, enum snow_kind kind, size_t most)
{
    struct rows *q = xcalloc(1, sizeof *q);

    *q = (struct rows){.d = d, .kind = kind, .most = most};
    buf_init(&q->body, BODY_BYTES + EVENT_BYTES_MAX + sizeof EVENTS_TAIL);
    (void)buf_add_text(&q->body, EVENTS_HEAD);
    return q;
}

static void submit(struct rows *q, struct snow_op *op, usec_t now)
{
    struct dispatch *d = q->d;
    struct err e;

    d->in_flight++;
    d->events_in_flight += q->kind == SNOW_EVENTS;
    if (snow_submit(d->snow, WINDOW_ALERTS, op, 1, answer, q, now, &e) != 0)
        panic("a row of our own making was refused: %s", e.text);
    buf_done(&q->body);
}

static void send_events(struct rows *q, usec_t now)
{
    struct snow_op op = {.kind = SNOW_EVENTS, .table = q->lanes[0]->target->table};

    (void)buf_add_text(&q->body, EVENTS_TAIL);
    invariant(!q->body.failed);
    op.text = buf_text(&q->body);
    op.text_length = q->body.length;
    submit(q, &op, now);
}

static void add_lane(struct rows *q, struct lane *lane, size_t taken)
{
    if (q->count == q->capacity) {
        q->capacity = q->capacity == 0 ? 16 : 2 * q->capacity;
        q->lanes = xrealloc(q->lanes, q->capacity, sizeof(struct lane *));
    }
    q->lanes[q->count++] = lane;
    q->messages += taken;
    lane->taken = taken;
    lane_move(q->d->lanes, lane, LANE_FLIGHT);
}

static bool add_event(struct rows *q, struct item *i)
{
    size_t before = q->body.length;
    struct row_context x = context_of(q->d, i);

    if (before > strlen(EVENTS_HEAD))
        (void)buf_add_char(&q->body, ',');
    event_add(&q->body, &x, item_alert(i));
    if (!q->body.failed && (before == strlen(EVENTS_HEAD) || q->body.length <= BODY_BYTES))
        return true;
    q->body.failed = false;
    q->body.length = before;
    q->body.data[before] = '\0';
    return false;
}

/* As many of the lane's messages as there is room for. 0: not even the first. */
static size_t add_events(struct rows *q, struct lane *lane)
{
    size_t room = q->most - q->messages, n = 0;

    for (struct item *i = lane->items; i != NULL && n < room && add_event(q, i); i = i->next)
        n++;
    return n;
}

/* An event that no request can hold: only constants of the configuration can be that long. */
static void too_large(struct rows *q, struct lane *lane, usec_t now)
{
    struct snow_outcome none = {.date = MSEC_NONE};
    struct err why;

    (void)err_set(&why, ERR_REJECT, "event-too-large",
                  "The event would be longer than %zu bytes. Shorten the constants in `fields`, "
                  "then send the dead letter again",
                  EVENT_BYTES_MAX);
    end_dead(q, lane, &none, &why, now);
}

/* The next lane joins the request. False: the request is full. */
static bool join(struct rows *q, struct lane *lane, usec_t now)
{
    struct dispatch *d = q->d;
    size_t n;

    lane_move(d->lanes, lane, LANE_IDLE);
    if (!prepare(d, lane, now))
        return true;
    if (lane->crowd > 0 && lane->crowd < q->most) {
        if (q->messages >= lane->crowd) {
            lanes_settle(d->lanes, lane);
            return false;
        }
        q->most = lane->crowd;
    }
    n = add_events(q, lane);
    if (n > 0) {
        add_lane(q, lane, n);
        return q->messages < q->most && q->body.length < BODY_BYTES;
    }
    if (q->messages > 0)
        lanes_settle(d->lanes, lane);
    else
        too_large(q, lane, now);
    return q->messages == 0;
}

/* Group commit: a second request leaves when it is worth it, or after a short while. */
static bool gathering(struct dispatch *d, usec_t now)
{
    if (d->events_in_flight == 0 || lanes_rows(d->lanes, TARGET_EVENT) >= GATHER_ENOUGH)
        return false;
    if (d->gather_until == 0)
        d->gather_until = now + GATHER;
    return now < d->gather_until;
}

static bool others_wait(const struct dispatch *d)
{
    return lanes_ready(d->lanes) + lanes_writes(d->lanes) + lanes_rows(d->lanes, TARGET_IMPORT) > 0;
}

/* Returns when it wants to be called again. A request of events does the work of hundreds, so one
 * may always be under way, and more while nothing else wants the room. */
usec_t dispatch_events(struct dispatch *d, usec_t now)
{
    size_t looked = 0;
    struct lane *lane;

    while (lanes_first_row(d->lanes, TARGET_EVENT) != NULL) {
        struct rows *q;

        if (d->events_in_flight >= (others_wait(d) ? 1 : EVENTS_AT_ONCE))
            return USEC_NEVER;
        if (gathering(d, now))
            return d->gather_until;
        if (dispatch_room(d, now) == 0)
            return USEC_NEVER;
        if (looked >= TURN_LANES)
            return now;
        d->gather_until = 0;
        q = rows_new(d, SNOW_EVENTS, d->pace.most);
        while (looked < TURN_LANES && (lane = lanes_first_row(d->lanes, TARGET_EVENT)) != NULL) {
            looked++;
            if (!join(q, lane, now))
                break;
        }
        if (q->count > 0)
            send_events(q, now);
        else
            rows_free(q);
    }
    return USEC_NEVER;
}

static void send_import(struct dispatch *d, struct lane *lane, usec_t now)
{
    struct row_context x = context_of(d, lane->items);
    struct snow_op op = {.kind = SNOW_IMPORT,
                         .table = lane->target->table,
                         .body = import_row(&x, item_alert(lane->items))};
    struct rows *q = rows_new(d, SNOW_IMPORT, 1);

    add_lane(q, lane, 1);
    submit(q, &op, now);
    json_decref(op.body);
}

usec_t dispatch_imports(struct dispatch *d, usec_t now)
{
    struct lane *lane;

    for (size_t looked = 0; (lane = lanes_first_row(d->lanes, TARGET_IMPORT)) != NULL; looked++) {
        if (dispatch_room(d, now) == 0)
            return USEC_NEVER;
        if (looked >= TURN_LANES)
            return now;
        lane_move(d->lanes, lane, LANE_IDLE);
        if (prepare(d, lane, now))
            send_import(d, lane, now);
    }
    return USEC_NEVER;
}
