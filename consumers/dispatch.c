/* Whose turn it is. Writes that follow a fresh read go first; then ready lanes in order: what needs
 * a look is collected for one bulk read, what needs a create goes by itself. */
#include "consumers/dispatch.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"
#include "bridge/retry/backoff.h"
#include "consumers/dispatch_internal.h"
#include "consumers/expire.h"
#include "consumers/partitions.h"

#define LEDGER_RECORDS 20000
/* Lanes looked at in one turn, so that a turn stays short. */
#define TURN_LANES 500
/* Of these: without a slot, while batches of other tables are being collected. */
#define PASSED_OVER 100
/* Messages of one lane that are decided about together. */
#define FACTS_MAX 1000

static void name_answered(void *arg, usec_t now);

static void want(struct dispatch *d, const char *word)
{
    const char *table = target_word_table(word);

    if (table == NULL)
        return;
    d->records = true;
    lookups_want(d->lookups, table);
}

/* Every table that records may be made in. */
static void want_all(struct dispatch *d)
{
    const struct config *c = d->config;

    for (size_t i = 0; i < c->consumers_count; i++)
        want(d, c->consumers[i].target);
    for (size_t i = 0; i < c->rules_count; i++)
        if (c->rules[i].target[0] != '\0')
            want(d, c->rules[i].target);
}

struct dispatch *dispatch_new(const struct config *c, struct snow *s, struct lanes *l,
                              struct ends *e, struct metrics *m)
{
    struct dispatch *d = xcalloc(1, sizeof *d);

    *d = (struct dispatch){
        .config = c, .snow = s, .lanes = l, .ends = e, .metrics = m, .suspect = true};
    d->ledger = ledger_new(LEDGER_RECORDS);
    d->lookups = lookups_new(c, s, name_answered, d);
    d->views = table_views_new();
    want_all(d);
    d->bulk = BULK_MIN;
    rand_seed_system(&d->rand);
    dispatch_rows_init(d);
    d->read_lanes =
        metrics_counter(m, "lanes_read_total", NULL, "Records looked at before a decision");
    d->changed_between =
        metrics_counter(m, "changed_between_total", NULL,
                        "Writes whose answer shows that somebody else wrote after our read");
    return d;
}

void dispatch_read_again(struct dispatch *d)
{
    lookups_reload(d->lookups);
}

struct dispatch *dispatch_free(struct dispatch *d)
{
    if (d == NULL)
        return NULL;
    (void)ledger_free(d->ledger);
    (void)lookups_free(d->lookups);
    (void)table_views_free(d->views);
    free(d->facts);
    free(d);
    return NULL;
}

static void wake_lookup(void *arg, struct lane *lane)
{
    if (lane->state == LANE_LOOKUP)
        lane_move(arg, lane, LANE_READY);
}

static void name_answered(void *arg, usec_t now)
{
    struct dispatch *d = arg;

    (void)now;
    lanes_each(d->lanes, wake_lookup, d->lanes);
}

void dispatch_suspect(struct dispatch *d)
{
    d->suspect = true;
    ledger_age(d->ledger);
}

bool dispatch_knows_tables(const struct dispatch *d)
{
    return lookups_known(d->lookups);
}

size_t dispatch_in_flight(const struct dispatch *d)
{
    return d->in_flight;
}

static size_t collect_facts(struct dispatch *d, const struct lane *lane)
{
    size_t n = 0, most = lane->count < FACTS_MAX ? lane->count : FACTS_MAX;

    if (d->facts_capacity < most) {
        d->facts_capacity = 2 * most;
        d->facts = xrealloc(d->facts, d->facts_capacity, sizeof *d->facts);
    }
    for (const struct item *i = lane->items; n < most; i = i->next)
        d->facts[n++] = i->fact;
    return n;
}

/* The latest of the lane's own settle time, of what is remembered of its record, and of the
 * partitions that its messages come from. */
static usec_t settle_until(const struct dispatch *d, const struct lane *lane)
{
    usec_t remembered = ledger_settle_until(d->ledger, lane->key);
    usec_t until = lane->settle_until > remembered ? lane->settle_until : remembered;

    for (const struct item *i = lane->items; i != NULL; i = i->next)
        if (i->unit->partition->settle_until > until)
            until = i->unit->partition->settle_until;
    return until;
}

static bool sight_fresh(const struct lane *lane, usec_t now)
{
    return lane->sight == SIGHT_RECORD && now - lane->sight_at <= SIGHT_LIFE;
}

static bool all_fire(const struct dispatch *d, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (d->facts[i].state != ALERT_FIRING)
            return false;
    return true;
}

static size_t newest_fact(const struct dispatch *d, size_t count)
{
    size_t best = 0;

    for (size_t i = 1; i < count; i++)
        if (version_newer(&d->facts[i].version, &d->facts[best].version))
            best = i;
    return best;
}

/* Was the record seen after everything that others, or a lost request of ours, may have written? */
static bool seen_since(const struct dispatch *d, const struct lane *lane, usec_t settle_until)
{
    usec_t seen_at = ledger_seen_at(d->ledger, lane->key);

    return seen_at > 0 && seen_at >= settle_until;
}

/* Repeats that change nothing cost no write (but for one now and then where records expire), and no
 * look either where one could only lead to an
 * update: fires of a marked alert whose record was open when it was last seen. */
static struct decision without_news(struct dispatch *d, struct lane *lane,
                                    const struct reconcile *r, struct decision what)
{
    size_t fire = what.fire;

    if (!seen_since(d, lane, r->settle_until))
        return what;
    if (what.action == ACT_READ && r->marked && r->sight == SIGHT_LEDGER &&
        record_open(r->record) && all_fire(d, r->count)) {
        fire = newest_fact(d, r->count);
        what.consumed = r->count;
    } else if (what.action != ACT_UPDATE) {
        return what;
    }
    if (!dispatch_says_the_same(d, lane, fire) ||
        expire_shows_life(r->record, &d->facts[fire].version, d->facts[fire].life->expire)) {
        what.consumed = what.action == ACT_READ ? 0 : what.consumed;
        return what;
    }
    what.action = ACT_NOTHING;
    what.why = "same";
    return what;
}

struct decision dispatch_decide(struct dispatch *d, struct lane *lane, usec_t now)
{
    const struct partition *from = lane->items->unit->partition;
    const struct record *known = ledger_find(d->ledger, lane->key);
    size_t count = collect_facts(d, lane);
    struct table_fit fit = dispatch_fit(d, lane->target);
    struct reconcile r = {
        .marked = lane->marked,
        .no_state = fit.no_state,
        .no_stamp = fit.no_stamp,
        .count = count,
        .facts = d->facts,
        .sight = lane->sight,
        .record = &lane->record,
        .refused = lane->refused,
        .known_before = known != NULL,
        .read_first =
            lane->doubt || d->suspect || d->by_correlation || lanes_ready(d->lanes) > BACKLOG,
        .reopens = rules_reopen(from->rules),
        .delays = rules_delay(from->rules),
        .orphan_ignore = from->consumer->orphan_clear == ORPHAN_IGNORE,
        .cut = from->cut,
        .now = now,
        .clear_wait_until = lane->clear_wait_until,
        .settle_until = settle_until(d, lane),
    };

    if (r.sight == SIGHT_RECORD && !sight_fresh(lane, now))
        r.sight = SIGHT_NEVER;
    if (r.sight == SIGHT_NEVER && known != NULL && !lane->doubt) {
        r.sight = SIGHT_LEDGER;
        r.record = known;
    }
    return without_news(d, lane, &r, reconcile(&r));
}

void dispatch_drop_stale(struct dispatch *d, struct lane *lane)
{
    for (struct item *i = lane->items, *next; i != NULL; i = next) {
        next = i->next;
        if (!i->lost)
            continue;
        lanes_take(d->lanes, i);
        d->gone(d->gone_arg, i);
        lane_forget_refusal(lane);
    }
}

void dispatch_end_items(struct dispatch *d, struct lane *lane, size_t n, const struct ending *how,
                        usec_t now)
{
    for (; n > 0; n--) {
        struct item *i = lane->items;

        lanes_take(d->lanes, i);
        ends_item(d->ends, i, how, now);
    }
}

static void end_nothing(struct dispatch *d, struct lane *lane, const struct decision *what,
                        usec_t now)
{
    struct ending how = {.operation = "nothing",
                         .why = what->why,
                         .table = lane->target->table,
                         .generation = what->generation};
    struct record known = {0};
    const struct record *ledger = ledger_find(d->ledger, lane->key);

    if (lane->sight == SIGHT_RECORD)
        record_copy(&known, &lane->record);
    else if (ledger != NULL)
        record_copy(&known, ledger);
    if (known.sys_id != NULL) {
        how.record = &known;
        how.generation = lane->marked ? 0 : known.stamp.generation;
    }
    dispatch_end_items(d, lane, what->consumed, &how, now);
    record_done(&known);
}

static void say_dead(const struct lane *lane, const char *class, struct err *ret)
{
    const char *table = lane->target->table;

    if (strcmp(class, "hidden") == 0)
        (void)err_set(ret, ERR_REJECT, "hidden",
                      "ServiceNow refuses to create this record of %s because its sys_id exists, "
                      "and shows no such record: an access rule hides it from the bridge's user. "
                      "Give that user read access to it, then send the dead letter again",
                      table);
    else if (strcmp(class, "table-columns") == 0)
        (void)err_set(ret, ERR_REJECT, "table-columns",
                      "No record of this alert can be kept in %s: the table lacks a column that "
                      "the bridge needs (%s, and for alerts that do not name their cycle "
                      "correlation_display and description). Add it or choose another target, "
                      "then send the dead letter again",
                      table, lane->target->shape->state_column);
    else
        (void)err_set(ret, ERR_REJECT, "stamp-damaged",
                      "The newest record of this series carries an unreadable state stamp "
                      "(correlation_display), so it cannot be told which cycle it is. Restore or "
                      "clear the column, then send the dead letter again");
}

static void end_dead(struct dispatch *d, struct lane *lane, const struct decision *what, usec_t now)
{
    struct err why;
    struct ending how = {.operation = "dead-letter",
                         .why = what->why,
                         .table = lane->target->table,
                         .generation = what->generation,
                         .err = &why};

    say_dead(lane, what->why, &why);
    dispatch_end_items(d, lane, what->consumed, &how, now);
}

bool dispatch_without_request(struct dispatch *d, struct lane *lane, const struct decision *what,
                              usec_t now)
{
    if (what->action == ACT_WAIT) {
        lane_delay(d->lanes, lane, LANE_WAITING, what->until, what->why);
        return true;
    }
    if (what->action == ACT_NOTHING)
        end_nothing(d, lane, what, now);
    else if (what->action == ACT_DEAD)
        end_dead(d, lane, what, now);
    else
        return false;
    if (lane->sight != SIGHT_ABSENT)
        lane->refused = false;
    lane_forget_refusal(lane);
    lanes_settle(d->lanes, lane);
    return true;
}

void dispatch_again(struct dispatch *d, struct lane *lane, const struct snow_outcome *o, usec_t now)
{
    if (o->verdict == SNOW_UNAUTHORISED || o->verdict == SNOW_CANCELLED) {
        lanes_settle(d->lanes, lane);
        return;
    }
    lane_delay(d->lanes, lane, LANE_DELAYED,
               now + backoff_delay(&d->rand, 1, d->config->limits.retry_min / 4 + 1,
                                   d->config->limits.retry_max, 0),
               "the instance is not answering");
}

static size_t bulk_size(const struct dispatch *d)
{
    return d->suspect ? BULK_MAX : d->bulk;
}

/* One ready lane. Returns how many requests it took (0 or 1), -1 when it needs one and none is
 * left. */
static int turn_ready(struct dispatch *d, struct lane *lane, struct batches *b, unsigned room,
                      usec_t now)
{
    struct decision what;
    struct batch *batch;

    lane_move(d->lanes, lane, LANE_IDLE);
    dispatch_drop_stale(d, lane);
    if (lane->count == 0) {
        lanes_settle(d->lanes, lane);
        return 0;
    }
    what = dispatch_decide(d, lane, now);
    if (dispatch_without_request(d, lane, &what, now))
        return 0;
    if (what.action == ACT_READ && lane->marked &&
        (batch = batches_joinable(b, lane->target, bulk_size(d))) != NULL) {
        batch->lanes[batch->count++] = lane;
        return 0;
    }
    if (room == 0) {
        lanes_settle(d->lanes, lane);
        return -1;
    }
    if (what.action != ACT_READ) {
        dispatch_write(d, lane, &what, now);
    } else if (lane->marked) {
        batches_begin(d, b, lane, now);
    } else {
        struct lane **one = xcalloc(1, sizeof(struct lane *));

        one[0] = lane;
        dispatch_read(d, one, 1, now);
    }
    return 1;
}

/* A write that waited for its slot: sent when its read is still fresh, looked at again when not. */
static bool turn_write(struct dispatch *d, struct lane *lane, usec_t now)
{
    struct decision what;

    lane_move(d->lanes, lane, LANE_IDLE);
    dispatch_drop_stale(d, lane);
    if (lane->count == 0) {
        lanes_settle(d->lanes, lane);
        return false;
    }
    what = dispatch_decide(d, lane, now);
    if (dispatch_without_request(d, lane, &what, now))
        return false;
    if (what.action == ACT_READ) {
        d->bulk = d->bulk / 2 < BULK_MIN ? BULK_MIN : d->bulk / 2;
        lanes_settle(d->lanes, lane);
        return false;
    }
    dispatch_write(d, lane, &what, now);
    return true;
}

static size_t records_waiting(const struct dispatch *d)
{
    return lanes_ready(d->lanes) + lanes_writes(d->lanes);
}

unsigned dispatch_room(struct dispatch *d, usec_t now)
{
    size_t waiting = records_waiting(d) + lanes_rows(d->lanes, TARGET_EVENT) +
                     lanes_rows(d->lanes, TARGET_IMPORT);
    unsigned room;

    /* Asked without need as well: the window keeps room, and the probe, for alerts that wait. */
    room = snow_room(d->snow, WINDOW_ALERTS, waiting > 1, now);
    return waiting == 0 ? 0 : room;
}

/* Records need what the instance says about their table for their bodies. */
static unsigned room_now(struct dispatch *d, usec_t now)
{
    unsigned room = dispatch_room(d, now);

    return records_waiting(d) > 0 && lookups_known(d->lookups) ? room : 0;
}

/* Returns true when it stopped because the turn got long. */
static bool send_all(struct dispatch *d, usec_t now)
{
    struct batches b = {0};
    size_t looked = 0, passed = 0;
    struct lane *lane;
    bool more = false;

    while (room_now(d, now) > 0 && (lane = lanes_first_write(d->lanes)) != NULL &&
           looked++ < TURN_LANES)
        (void)turn_write(d, lane, now);
    while ((lane = lanes_first_ready(d->lanes)) != NULL) {
        unsigned room = room_now(d, now), held = batches_held(&b);

        if (room == 0 && held == 0)
            break;
        if (looked++ >= TURN_LANES) {
            more = true;
            break;
        }
        /* With more tables than room lanes of one are passed over (they go to the end of the
         * queue), so that the batches of the others fill. */
        if (turn_ready(d, lane, &b, room > held ? room - held : 0, now) < 0 &&
            (held == 0 || table_views_count(d->views) < 2 || passed++ >= PASSED_OVER))
            break;
    }
    batches_send(d, &b, now);
    return more;
}

static usec_t send_records(struct dispatch *d, usec_t now)
{
    return send_all(d, now) ? now : USEC_NEVER;
}

/* Who has sent goes behind the others, or a backlog of the one would take every slot that gets
 * free. */
static usec_t send_in_turn(struct dispatch *d, usec_t now)
{
    static usec_t (*const senders[TARGET_KINDS])(struct dispatch *, usec_t) = {
        [TARGET_RECORD] = send_records,
        [TARGET_EVENT] = dispatch_events,
        [TARGET_IMPORT] = dispatch_imports,
    };
    unsigned first = d->first;
    usec_t next = USEC_NEVER;

    for (unsigned i = 0; i < TARGET_KINDS; i++) {
        unsigned kind = (first + i) % TARGET_KINDS;
        size_t before = d->in_flight;

        next = usec_min(next, senders[kind](d, now));
        if (d->in_flight > before)
            d->first = (kind + 1) % TARGET_KINDS;
    }
    return next;
}

usec_t dispatch_tick(struct dispatch *d, bool hold, usec_t now)
{
    usec_t next = lanes_tick(d->lanes, now);

    if (hold)
        return USEC_NEVER;
    d->records = d->records || records_waiting(d) > 0;
    /* Rows need none of it, and their user may not be allowed to read it. */
    if (d->records)
        next = usec_min(next, lookups_tick(d->lookups, now));
    next = usec_min(next, send_in_turn(d, now));
    /* A lane may have been parked, and a name asked for, just now. */
    if (d->records)
        next = usec_min(next, lookups_tick(d->lookups, now));
    return usec_min(next, lanes_tick(d->lanes, now));
}

struct release {
    struct dispatch *d;
    void (*gone)(void *arg, struct item *i);
    void *arg;
};

static void release_lane(void *arg, struct lane *lane)
{
    struct release *r = arg;
    size_t keep = lane->state == LANE_FLIGHT ? lane->taken : 0;
    struct item *i = lane->items, *next;

    for (; keep > 0; keep--) {
        i->lost = true;
        i = i->next;
    }
    for (; i != NULL; i = next) {
        next = i->next;
        lanes_take(r->d->lanes, i);
        r->gone(r->arg, i);
    }
    if (lane->count > 0 || lane->state == LANE_FLIGHT)
        return;
    if (lane->state != LANE_IDLE)
        lane_move(r->d->lanes, lane, LANE_IDLE);
    lanes_settle(r->d->lanes, lane);
}

void dispatch_release(struct dispatch *d, void (*gone)(void *arg, struct item *i), void *arg)
{
    struct release r = {.d = d, .gone = gone, .arg = arg};

    d->gone = gone;
    d->gone_arg = arg;
    lanes_each(d->lanes, release_lane, &r);
}
