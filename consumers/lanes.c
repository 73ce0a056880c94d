/* Lanes by key, and the lists that a lane may be in: each state is one list (or none). */
#include "consumers/lanes.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"

struct lanes {
    struct lane *by_key;
    struct lane *ready[TARGET_KINDS], *writes;
    size_t readies[TARGET_KINDS];
    struct retryq *parked;
    size_t count[LANE_LOOKUP + 1];
    size_t items;
};

static const char *const state_names[] = {
    [LANE_IDLE] = "idle",     [LANE_READY] = "ready",     [LANE_WRITE] = "write",
    [LANE_FLIGHT] = "flight", [LANE_DELAYED] = "delayed", [LANE_WAITING] = "waiting",
    [LANE_LOOKUP] = "lookup",
};

#define TO(s_) (1u << (s_))

/* Which states may follow which. Everything passes through IDLE while it is being decided about,
 * but for the wake-ups. */
static const unsigned allowed[] = {
    [LANE_IDLE] = TO(LANE_READY) | TO(LANE_WRITE) | TO(LANE_FLIGHT) | TO(LANE_DELAYED) |
                  TO(LANE_WAITING) | TO(LANE_LOOKUP),
    [LANE_READY] = TO(LANE_IDLE),
    [LANE_WRITE] = TO(LANE_IDLE),
    [LANE_FLIGHT] = TO(LANE_IDLE),
    [LANE_DELAYED] = TO(LANE_READY) | TO(LANE_IDLE),
    [LANE_WAITING] = TO(LANE_READY) | TO(LANE_IDLE),
    [LANE_LOOKUP] = TO(LANE_READY) | TO(LANE_IDLE),
};

struct lanes *lanes_new(size_t max_parked)
{
    struct lanes *l = xcalloc(1, sizeof *l);

    l->parked = retryq_new(max_parked);
    return l;
}

struct lanes *lanes_free(struct lanes *l)
{
    if (l == NULL)
        return NULL;
    invariant(l->by_key == NULL);
    (void)retryq_free(l->parked);
    free(l);
    return NULL;
}

struct lane *lanes_find(const struct lanes *l, const unsigned char key[LANE_KEY_SIZE])
{
    struct lane *lane;

    HASH_FIND(hh, l->by_key, key, LANE_KEY_SIZE, lane);
    return lane;
}

struct lane *lanes_get(struct lanes *l, const unsigned char key[LANE_KEY_SIZE], bool marked)
{
    struct lane *lane = lanes_find(l, key);

    if (lane != NULL)
        return lane;
    lane = xcalloc(1, sizeof *lane);
    memcpy(lane->key, key, LANE_KEY_SIZE);
    lane->marked = marked;
    HASH_ADD(hh, l->by_key, key, LANE_KEY_SIZE, lane);
    l->count[LANE_IDLE]++;
    return lane;
}

static enum target_kind kind_of(const struct lane *lane)
{
    return lane->target == NULL ? TARGET_RECORD : lane->target->kind;
}

static void unready(struct lanes *l, struct lane *lane)
{
    enum target_kind kind = kind_of(lane);

    DL_DELETE(l->ready[kind], lane); /* NOLINT(clang-analyzer-core.NullDereference) */
    l->readies[kind]--;
}

static void unlink_lane(struct lanes *l, struct lane *lane)
{
    if (lane->state == LANE_READY)
        unready(l, lane);
    else if (lane->state == LANE_WRITE)
        DL_DELETE(l->writes, lane); /* NOLINT(clang-analyzer-core.NullDereference) */
    else
        retryq_remove(l->parked, &lane->retry);
    l->count[lane->state]--;
}

void lane_move(struct lanes *l, struct lane *lane, enum lane_state to)
{
    if ((allowed[lane->state] & TO(to)) == 0)
        panic("lane goes from %s to %s", state_names[lane->state], state_names[to]);
    unlink_lane(l, lane);
    lane->state = to;
    l->count[to]++;
    if (to == LANE_READY) {
        DL_APPEND(l->ready[kind_of(lane)], lane);
        l->readies[kind_of(lane)]++;
    } else if (to == LANE_WRITE)
        DL_APPEND(l->writes, lane);
}

void lane_clears_last(struct lane *lane)
{
    struct item *i = lane->items, *next;

    for (size_t n = lane->count; i != NULL && n > 0; n--, i = next) {
        next = i->next;
        if (i->fact.state != ALERT_CLEARED || next == NULL)
            continue;
        DL_DELETE(lane->items, i);
        DL_APPEND(lane->items, i);
    }
}

void lane_forget_refusal(struct lane *lane)
{
    free(lane->refusal);
    lane->refusal = NULL;
}

void lane_delay(struct lanes *l, struct lane *lane, enum lane_state how, usec_t due,
                const char *reason)
{
    invariant(how == LANE_DELAYED || how == LANE_WAITING);
    lane_move(l, lane, how);
    for (struct item *i = lane->items; i != NULL; i = i->next)
        item_forget(i);
    retryq_add(l->parked, &lane->retry, due, reason);
}

void lanes_push(struct lanes *l, struct lane *lane, struct item *item)
{
    item->lane = lane;
    DL_APPEND(lane->items, item);
    lane->count++;
    l->items++;
    if (lane->state == LANE_IDLE || lane->state == LANE_WAITING)
        lane_move(l, lane, LANE_READY);
}

void lanes_take(struct lanes *l, struct item *item)
{
    invariant(item->lane != NULL);
    DL_DELETE(item->lane->items, item);
    item->lane->count--;
    item->lane = NULL;
    l->items--;
}

void lanes_settle(struct lanes *l, struct lane *lane)
{
    invariant(lane->state == LANE_IDLE);
    if (lane->count > 0) {
        lane_move(l, lane, LANE_READY);
        return;
    }
    HASH_DEL(l->by_key, lane);
    l->count[LANE_IDLE]--;
    record_done(&lane->record);
    free(lane->refusal);
    free(lane);
}

usec_t lanes_tick(struct lanes *l, usec_t now)
{
    struct retry_item *due;

    while ((due = retryq_due(l->parked, now)) != NULL)
        lane_move(l, CONTAINER_OF(due, struct lane, retry), LANE_READY);
    return retryq_next(l->parked);
}

struct lane *lanes_first_ready(struct lanes *l)
{
    return lanes_first_row(l, TARGET_RECORD);
}

struct lane *lanes_first_row(struct lanes *l, enum target_kind kind)
{
    return l->ready[kind];
}

struct lane *lanes_first_write(struct lanes *l)
{
    return l->writes;
}

size_t lanes_ready(const struct lanes *l)
{
    return lanes_rows(l, TARGET_RECORD);
}

size_t lanes_rows(const struct lanes *l, enum target_kind kind)
{
    return l->readies[kind];
}

size_t lanes_writes(const struct lanes *l)
{
    return l->count[LANE_WRITE];
}

size_t lanes_flight(const struct lanes *l)
{
    return l->count[LANE_FLIGHT];
}

size_t lanes_parked(const struct lanes *l)
{
    return l->count[LANE_DELAYED] + l->count[LANE_WAITING];
}

bool lanes_parked_full(const struct lanes *l)
{
    return retryq_full(l->parked);
}

size_t lanes_count(const struct lanes *l)
{
    return HASH_COUNT(l->by_key);
}

size_t lanes_items(const struct lanes *l)
{
    return l->items;
}

void lanes_each(struct lanes *l, void (*fn)(void *arg, struct lane *lane), void *arg)
{
    struct lane *lane, *next;

    HASH_ITER (hh, l->by_key, lane, next)
        fn(arg, lane);
}

const char *lane_state_name(enum lane_state s)
{
    return (size_t)s < ARRAY_LEN(state_names) ? state_names[s] : "unknown";
}
