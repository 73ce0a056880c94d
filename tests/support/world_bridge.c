/* One bridge process: real lanes, ledger, offsets and reconcile, and between them what
 * consumers/dispatch.c, dispatch_read.c and dispatch_write.c do, without JSON and network. */
#include <stdlib.h>
#include <string.h>

#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"
#include "tests/support/world_internal.h"

#define RETRY (500 * USEC_MS)

/* ---------------------------------------------------------------- items */

static int message_of(const struct item *i)
{
    return (int)i->index;
}

static struct item *item_at(const struct lane *lane, size_t index)
{
    struct item *i = lane->items;

    for (; index > 0; index--)
        i = i->next;
    return i;
}

static void drop_item(struct item *i)
{
    free(i->unit);
    free(i);
}

/* What was in flight when its partition was taken: another process does it now. */
static void drop_stale(struct world *w, struct process *p, struct lane *lane)
{
    for (struct item *i = lane->items, *next; i != NULL; i = next) {
        next = i->next;
        if (!i->lost)
            continue;
        world_say(w, "bridge %d lets message %d go, it is another's", (int)(p - w->process),
                  message_of(i));
        lanes_take(p->lanes, i);
        drop_item(i);
    }
}

static int alert_of(const struct lane *lane)
{
    return lane->key[0] - 1;
}

/* A clear that ends without a write: it found nothing to do, or it is lost. */
static void note_unused(struct world *w, int message)
{
    int i = snow_newest(w, w->s.message[message].alert);
    struct row *row = i < 0 ? NULL : &w->row[i];
    bool new_one;

    if (row == NULL || w->fact[message].state != ALERT_CLEARED)
        return;
    new_one = w->s.marked ? row->stamp.rank == 0 && row->consumed == 0
                          : version_newer(&w->version[message], &row->stamp.version);
    if (row_open(row) && new_one)
        world_break(w, BREAK_FINAL, "the new clear %d is dropped on an open record", message);
    if (!w->s.marked || !row_open(row))
        row->consumed |= BIT(message);
}

/* As ends_item, confirmed at once, and flow.c's unit_done. */
static void end_items(struct world *w, struct process *p, struct lane *lane,
                      const struct decision *what)
{
    struct item *i = lane->items, *next;

    for (size_t n = what->consumed; n > 0; n--, i = next) {
        struct partition *x = i->unit->partition;

        next = i->next;
        lanes_take(p->lanes, i);
        if (what->action == ACT_DEAD) {
            w->dead |= BIT(message_of(i));
            w->dead_ever |= BIT(message_of(i));
        }
        if (what->action == ACT_NOTHING)
            note_unused(w, message_of(i));
        if (x->offsets != NULL && x->tracker == i->unit->tracker)
            offsets_done(x->offsets, i->unit->ticket);
        drop_item(i);
    }
}

void bridge_receive(struct world *w, int process, int partition, int64_t offset, int message)
{
    struct process *p = &w->process[process];
    struct partition *x = &p->part[partition];
    unsigned char key[LANE_KEY_SIZE] = {(unsigned char)(w->s.message[message].alert + 1)};
    uint64_t ticket = offsets_receive(x->offsets, offset);
    struct item *i;
    struct lane *lane;

    if (ticket == OFFSETS_FINISHED) {
        world_say(w, "bridge %d skips message %d, finished by the map", process, message);
        return;
    }
    world_say(w, "bridge %d reads message %d (alert %d, %s)", process, message,
              w->s.message[message].alert, world_word(w->fact[message].state));
    i = xcalloc(1, sizeof *i);
    i->unit = xcalloc(1, sizeof *i->unit);
    *i->unit = (struct unit){.partition = x, .tracker = x->tracker, .ticket = ticket, .pending = 1};
    i->index = (size_t)message;
    i->fact = w->fact[message];
    lane = lanes_get(p->lanes, key, w->s.marked);
    if (i->fact.state == ALERT_CLEARED && lane->clear_wait_until == 0)
        lane->clear_wait_until = w->now + w->s.clear_wait;
    lanes_push(p->lanes, lane, i);
}

/* ---------------------------------------------------------------- deciding (dispatch.c) */

static usec_t settle_until(const struct process *p, const struct lane *lane)
{
    usec_t remembered = ledger_settle_until(p->ledger, lane->key);
    usec_t until = lane->settle_until > remembered ? lane->settle_until : remembered;

    for (const struct item *i = lane->items; i != NULL; i = i->next)
        if (i->unit->partition->settle_until > until)
            until = i->unit->partition->settle_until;
    return until;
}

static struct decision decide(struct world *w, struct process *p, struct lane *lane)
{
    const struct record *known = ledger_find(p->ledger, lane->key);
    struct fact facts[WORLD_FACTS];
    struct reconcile r = {
        .marked = lane->marked,
        .facts = facts,
        .sight = lane->sight,
        .record = &lane->record,
        .refused = lane->refused,
        .known_before = known != NULL,
        .read_first = lane->doubt || p->suspect || w->s.fallback,
        .orphan_ignore = w->s.orphan_ignore,
        .cut = MSEC_NONE,
        .now = w->now,
        .clear_wait_until = lane->clear_wait_until,
        .settle_until = settle_until(p, lane),
    };

    for (const struct item *i = lane->items; i != NULL && r.count < WORLD_FACTS; i = i->next)
        facts[r.count++] = i->fact; /* NOLINT(clang-analyzer-unix.Malloc): it is in the lane */
    if (r.sight == SIGHT_RECORD && w->now - lane->sight_at > WORLD_SIGHT_LIFE)
        r.sight = SIGHT_NEVER;
    if (r.sight == SIGHT_NEVER && known != NULL && !lane->doubt) {
        r.sight = SIGHT_LEDGER;
        r.record = known;
    }
    return reconcile(&r);
}

static bool without_request(struct world *w, struct process *p, struct lane *lane,
                            const struct decision *what)
{
    if (what->action == ACT_WAIT) {
        lane_delay(p->lanes, lane, LANE_WAITING, what->until, what->why);
        return true;
    }
    if (what->action != ACT_NOTHING && what->action != ACT_DEAD)
        return false;
    end_items(w, p, lane, what);
    if (lane->sight != SIGHT_ABSENT)
        lane->refused = false;
    lane_forget_refusal(lane);
    lanes_settle(p->lanes, lane);
    return true;
}

static void say_decision(struct world *w, const struct process *p, const struct lane *lane,
                         const struct decision *what)
{
    world_say(w, "bridge %d decides about alert %d: %s (%s), %zu of %zu messages",
              (int)(p - w->process), alert_of(lane), action_name(what->action), what->why,
              what->consumed, lane->count);
    if (what->action == ACT_DEAD && alert_of(lane) != w->s.hidden && alert_of(lane) != w->s.poison)
        world_break(w, BREAK_DEAD, "dead letter of alert %d: %s", alert_of(lane), what->why);
}

/* ---------------------------------------------------------------- requests */

static struct request *new_request(struct world *w)
{
    for (size_t i = 0; i < WORLD_REQUESTS; i++)
        if (!w->request[i].used)
            return &w->request[i];
    panic("the world has no room for another request");
}

static void set_versions(struct world *w, struct request *r, const struct lane *lane,
                         const struct decision *what)
{
    bool cleared = what->clear != SIZE_MAX;

    if (what->fire != SIZE_MAX) {
        r->fire = message_of(item_at(lane, what->fire));
        r->content = w->version[r->fire];
    }
    if (cleared)
        r->clear = message_of(item_at(lane, what->clear));
    r->stamp = (struct stamp){.series = (uint64_t)lane->key[0],
                              .generation = what->generation,
                              .rank = cleared,
                              .version = w->version[cleared ? r->clear : r->fire]};
}

static void send_off(struct world *w, struct process *p, struct lane *lane,
                     const struct decision *what)
{
    struct request *r = new_request(w);
    int alert = alert_of(lane);
    bool create = what->action == ACT_CREATE || what->action == ACT_CREATE_RESOLVED;

    *r = (struct request){.used = true,
                          .process = (int)(p - w->process),
                          .lane = lane,
                          .alert = alert,
                          .what = *what,
                          .row = -1,
                          .fire = -1,
                          .clear = -1,
                          .read_step = w->step,
                          .dies = w->now + WORLD_LIFE};
    lane->taken = what->consumed;
    if (what->action != ACT_READ)
        set_versions(w, r, lane, what);
    if (what->action != ACT_READ && lane->sight == SIGHT_RECORD)
        r->read_step = p->seen_step[alert];
    if (what->action != ACT_READ && !create)
        r->row = p->seen_row[alert];
    lane_move(p->lanes, lane, LANE_FLIGHT);
}

/* A refused create, or one that failed and that the look has not explained (dispatch_write.c). */
static bool given_up(struct world *w, struct process *p, struct lane *lane,
                     const struct decision *what)
{
    struct decision dead = *what;
    bool create = what->action == ACT_CREATE || what->action == ACT_CREATE_RESOLVED;

    if (lane->refusal == NULL)
        return false;
    if (dead.consumed > lane->refusal->count)
        dead.consumed = lane->refusal->count;
    lane_forget_refusal(lane);
    if (!create)
        return false;
    dead.action = ACT_DEAD;
    dead.why = "rejected";
    say_decision(w, p, lane, &dead);
    end_items(w, p, lane, &dead);
    lane->sight = SIGHT_NEVER;
    record_done(&lane->record);
    lanes_settle(p->lanes, lane);
    return true;
}

static void turn(struct world *w, struct process *p, struct lane *lane)
{
    struct decision what;

    lane_move(p->lanes, lane, LANE_IDLE);
    drop_stale(w, p, lane);
    if (lane->count == 0) {
        lanes_settle(p->lanes, lane);
        return;
    }
    what = decide(w, p, lane);
    say_decision(w, p, lane, &what);
    if (without_request(w, p, lane, &what))
        return;
    if (what.action == ACT_READ || !given_up(w, p, lane, &what))
        send_off(w, p, lane, &what);
}

/* ---------------------------------------------------------------- a look (dispatch_read.c) */

static int look_up(const struct world *w, const struct lane *lane)
{
    int alert = alert_of(lane);

    if (alert == w->s.hidden)
        return -1;
    if (lane->marked || (lane->refused && !w->s.fallback))
        return snow_find(w, alert, lane->marked ? 0 : lane->generation);
    return snow_newest(w, alert);
}

static void see(struct world *w, struct process *p, struct lane *lane)
{
    int row = look_up(w, lane);

    record_done(&lane->record);
    lane->sight = row >= 0 ? SIGHT_RECORD : SIGHT_ABSENT;
    lane->sight_at = w->now;
    lane->doubt = false;
    p->seen_row[alert_of(lane)] = row;
    p->seen_step[alert_of(lane)] = w->step;
    if (row < 0)
        return;
    p->suspect = true;
    row_record(w, &w->row[row], &lane->record);
    ledger_put(p->ledger, lane->key, &lane->record);
}

static void seen(struct world *w, struct process *p, struct lane *lane)
{
    struct decision what;

    p->suspect = false;
    if (lane->count > 0)
        see(w, p, lane);
    lane_move(p->lanes, lane, LANE_IDLE);
    drop_stale(w, p, lane);
    if (lane->count == 0) {
        lanes_settle(p->lanes, lane);
        return;
    }
    what = decide(w, p, lane);
    say_decision(w, p, lane, &what);
    if (!without_request(w, p, lane, &what))
        lane_move(p->lanes, lane, LANE_WRITE);
}

/* ---------------------------------------------------------------- answers (dispatch_write.c) */

static void forget_sight(struct lane *lane)
{
    lane->sight = SIGHT_NEVER;
    record_done(&lane->record);
}

static void on_ok(struct world *w, struct process *p, struct request *r)
{
    struct lane *lane = r->lane;
    int row = r->row >= 0 ? r->row : snow_find(w, r->alert, r->what.generation);
    struct record now = {0};

    row_record(w, &w->row[row], &now);
    ledger_put(p->ledger, lane->key, &now);
    record_done(&now);
    end_items(w, p, lane, &r->what);
    lane->refused = false;
    lane->doubt = false;
    lane->clear_wait_until = 0;
    lane_forget_refusal(lane);
    forget_sight(lane);
    lanes_settle(p->lanes, lane);
}

static void on_exists(struct process *p, struct request *r)
{
    r->lane->refused = true;
    r->lane->doubt = true;
    r->lane->generation = r->what.generation;
    p->suspect = true;
    forget_sight(r->lane);
    lanes_settle(p->lanes, r->lane);
}

static void on_rejected(struct process *p, struct request *r)
{
    if (r->lane->refusal == NULL)
        r->lane->refusal = xcalloc(1, sizeof *r->lane->refusal);
    *r->lane->refusal = (struct lane_refusal){.action = r->what.action, .count = r->what.consumed};
    r->lane->doubt = true;
    forget_sight(r->lane);
    lanes_settle(p->lanes, r->lane);
}

static void on_unknown(struct world *w, struct process *p, struct request *r)
{
    r->lane->doubt = true;
    if (r->what.action == ACT_UPDATE) {
        r->lane->settle_until = w->now + w->s.settle;
        ledger_settle(p->ledger, r->lane->key, r->lane->settle_until);
    }
    forget_sight(r->lane);
    lane_delay(p->lanes, r->lane, LANE_DELAYED, w->now + RETRY, "unknown");
}

static void on_not_done(struct world *w, struct process *p, struct request *r)
{
    forget_sight(r->lane);
    lane_delay(p->lanes, r->lane, LANE_DELAYED, w->now + RETRY, "throttled");
}

static void answer_look(struct world *w, struct process *p, struct request *r,
                        enum world_answer how)
{
    if (how == ANSWER_WELL) {
        seen(w, p, r->lane);
        return;
    }
    lane_move(p->lanes, r->lane, LANE_IDLE);
    lane_delay(p->lanes, r->lane, LANE_DELAYED, w->now + RETRY, "not read");
}

static void answer_write(struct world *w, struct process *p, struct request *r,
                         enum world_answer how)
{
    bool reaches = how == ANSWER_WELL || how == ANSWER_LOST;
    bool refused = reaches && snow_refuses(w, r);
    bool done = reaches && !refused && snow_execute(w, r);

    lane_move(p->lanes, r->lane, LANE_IDLE);
    if (how == ANSWER_THROTTLED)
        on_not_done(w, p, r);
    else if (how != ANSWER_WELL)
        on_unknown(w, p, r);
    else if (refused)
        on_rejected(p, r);
    else if (!done)
        on_exists(p, r);
    else
        on_ok(w, p, r);
}

static struct request *flying(struct world *w, int process, int alert)
{
    for (size_t i = 0; i < WORLD_REQUESTS; i++) {
        struct request *r = &w->request[i];

        if (r->used && r->process == process && r->alert == alert)
            return r;
    }
    return NULL;
}

bool world_answer(struct world *w, int process, int alert, enum world_answer how)
{
    static const char *const words[] = {
        [ANSWER_WELL] = "executes",
        [ANSWER_LOST] = "executes, and loses its answer to,",
        [ANSWER_ERROR] = "fails, without a trace,",
        [ANSWER_TIMEOUT] = "is late with",
        [ANSWER_THROTTLED] = "throttles",
    };
    struct request *r = flying(w, process, alert), copy;

    if (r == NULL)
        return false;
    w->step++;
    world_say(w, "ServiceNow %s the %s of alert %d by bridge %d", words[how],
              action_name(r->what.action), alert, process);
    copy = *r;
    if (how == ANSWER_TIMEOUT && r->what.action != ACT_READ)
        r->process = WORLD_NOBODY;
    else
        r->used = false;
    if (copy.what.action == ACT_READ)
        answer_look(w, &w->process[process], &copy, how);
    else
        answer_write(w, &w->process[process], &copy, how);
    return true;
}

/* ---------------------------------------------------------------- turns */

static struct lane *lane_of(struct process *p, int alert)
{
    unsigned char key[LANE_KEY_SIZE] = {(unsigned char)(alert + 1)};
    struct lane *lane = lanes_get(p->lanes, key, false);

    if (lane->state != LANE_IDLE || lane->count > 0)
        return lane;
    lanes_settle(p->lanes, lane);
    return NULL;
}

bool world_turn(struct world *w, int process, int alert)
{
    struct process *p = &w->process[process];
    struct lane *lane;

    (void)lanes_tick(p->lanes, w->now);
    lane = lanes_first_write(p->lanes);
    if (lane == NULL)
        lane = lanes_first_ready(p->lanes);
    if (alert >= 0)
        lane = lane_of(p, alert);
    if (lane == NULL || (lane->state != LANE_WRITE && lane->state != LANE_READY))
        return false;
    w->step++;
    turn(w, p, lane);
    return true;
}

bool world_look(struct world *w, int process, int alert)
{
    const struct request *r = flying(w, process, alert);
    bool any = false;

    for (int i = 0; i < 8; i++) {
        if (r != NULL && r->what.action != ACT_READ)
            return any;
        if (r != NULL)
            (void)world_answer(w, process, alert, ANSWER_WELL);
        else if (!world_turn(w, process, alert))
            return any;
        any = true;
        r = flying(w, process, alert);
    }
    return any;
}

/* ---------------------------------------------------------------- life and death */

bool bridge_busy(const struct process *p)
{
    return lanes_count(p->lanes) > 0;
}

void bridge_start(struct process *p)
{
    *p = (struct process){.lanes = lanes_new(1000), .ledger = ledger_new(8), .suspect = true};
    for (int i = 0; i < WORLD_PARTITIONS; i++) {
        p->part[i].number = i;
        p->part[i].cut = MSEC_NONE;
    }
}

/* As dispatch_release: what is not in flight leaves. */
static void release_lane(void *arg, struct lane *lane)
{
    struct process *p = arg;
    size_t keep = lane->state == LANE_FLIGHT ? lane->taken : 0;
    struct item *i = lane->items, *next;

    for (; keep > 0; keep--) {
        i->lost = true;
        i = i->next;
    }
    for (; i != NULL; i = next) {
        next = i->next;
        lanes_take(p->lanes, i);
        drop_item(i);
    }
    if (lane->count > 0 || lane->state == LANE_FLIGHT)
        return;
    if (lane->state != LANE_IDLE)
        lane_move(p->lanes, lane, LANE_IDLE);
    lanes_settle(p->lanes, lane);
}

void bridge_release(struct world *w, int process)
{
    struct process *p = &w->process[process];

    lanes_each(p->lanes, release_lane, p);
    for (int i = 0; i < WORLD_PARTITIONS; i++)
        p->part[i].offsets = offsets_free(p->part[i].offsets);
}

static void kill_lane(void *arg, struct lane *lane)
{
    if (lane->state == LANE_FLIGHT)
        lane_move(((struct process *)arg)->lanes, lane, LANE_IDLE);
    release_lane(arg, lane);
}

void bridge_stop(struct world *w, int process)
{
    struct process *p = &w->process[process];

    for (size_t i = 0; i < WORLD_REQUESTS; i++) {
        struct request *r = &w->request[i];

        if (!r->used || r->process != process)
            continue;
        r->process = WORLD_NOBODY;
        r->lane = NULL;
        r->used = r->what.action != ACT_READ;
    }
    lanes_each(p->lanes, kill_lane, p);
    bridge_release(w, process);
    p->lanes = lanes_free(p->lanes);
    p->ledger = ledger_free(p->ledger);
}
