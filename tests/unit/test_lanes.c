/* Lanes against a plain model: random operations as the dispatcher makes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/rand.h"
#include "consumers/lanes.h"

#define KEYS   6
#define ITEMS  40
#define BOUND  3
#define STATES (LANE_LOOKUP + 1)
#define NOBODY (-1)

struct model_lane {
    bool exists;
    enum lane_state state;
    int items[ITEMS], count; /* numbers of items, the oldest first */
    usec_t due;
};

struct model {
    struct lanes *lanes;
    struct model_lane lane[KEYS];
    int ready[KEYS], writes[KEYS], readies, write_count; /* in order */
    struct item item[ITEMS];
    bool used[ITEMS];
    usec_t now;
    struct rand r;
};

static int any(struct model *m, int count)
{
    return (int)rand_between(&m->r, 0, count - 1);
}

static void key_of(int n, unsigned char out[LANE_KEY_SIZE])
{
    memset(out, 0, LANE_KEY_SIZE);
    out[0] = (unsigned char)n;
}

static void unlist(int *list, int *count, int n)
{
    for (int i = 0; i < *count; i++)
        if (list[i] == n) {
            --*count;
            memmove(&list[i], &list[i + 1], (size_t)(*count - i) * sizeof *list);
            return;
        }
}

static void model_move(struct model *m, int n, enum lane_state to)
{
    unlist(m->ready, &m->readies, n);
    unlist(m->writes, &m->write_count, n);
    m->lane[n].state = to;
    if (to == LANE_READY)
        m->ready[m->readies++] = n;
    if (to == LANE_WRITE)
        m->writes[m->write_count++] = n;
}

static struct lane *get(struct model *m, int n)
{
    unsigned char key[LANE_KEY_SIZE];
    struct lane *lane;

    key_of(n, key);
    lane = lanes_get(m->lanes, key, n % 2 == 0);
    assert_memory_equal(lane->key, key, LANE_KEY_SIZE);
    assert_int_equal(lane->marked, n % 2 == 0);
    if (!m->lane[n].exists) {
        assert_int_equal(lane->state, LANE_IDLE);
        assert_int_equal(lane->count, 0);
        m->lane[n] = (struct model_lane){.exists = true, .state = LANE_IDLE};
    }
    return lane;
}

/* ---------------------------------------------------------------- operations */

static void push(struct model *m)
{
    int n = any(m, KEYS), item = 0;
    struct lane *lane;

    while (item < ITEMS && m->used[item])
        item++;
    if (item == ITEMS)
        return;
    lane = get(m, n);
    m->used[item] = true;
    m->item[item] = (struct item){.index = (size_t)item};
    m->lane[n].items[m->lane[n].count++] = item;
    if (m->lane[n].state == LANE_IDLE || m->lane[n].state == LANE_WAITING)
        model_move(m, n, LANE_READY);
    lanes_push(m->lanes, lane, &m->item[item]);
}

static void take(struct model *m)
{
    int n = any(m, KEYS), at, item;

    if (!m->lane[n].exists || m->lane[n].count == 0)
        return;
    at = any(m, m->lane[n].count);
    item = m->lane[n].items[at];
    m->lane[n].count--;
    memmove(&m->lane[n].items[at], &m->lane[n].items[at + 1],
            (size_t)(m->lane[n].count - at) * sizeof(int));
    m->used[item] = false;
    lanes_take(m->lanes, &m->item[item]);
    assert_null(m->item[item].lane);
}

static void settle(struct model *m, int n)
{
    lanes_settle(m->lanes, get(m, n));
    if (m->lane[n].count > 0)
        model_move(m, n, LANE_READY);
    else
        m->lane[n].exists = false;
}

/* What the dispatcher does with a lane that it has moved to IDLE. */
static void work_on(struct model *m, int n)
{
    static const enum lane_state goals[] = {LANE_WRITE, LANE_FLIGHT, LANE_LOOKUP};
    int what = any(m, 6);
    struct lane *lane = get(m, n);
    enum lane_state how = what == 3 ? LANE_DELAYED : LANE_WAITING;

    if (what < 3) {
        lane_move(m->lanes, lane, goals[what]);
        model_move(m, n, goals[what]);
    } else if (what < 5) {
        m->lane[n].due = m->now + any(m, 50);
        lane_delay(m->lanes, lane, how, m->lane[n].due, "why");
        model_move(m, n, how);
        assert_string_equal(lane->retry.reason, "why");
    } else {
        settle(m, n);
    }
}

static void turn(struct model *m)
{
    int n = any(m, KEYS);

    if (!m->lane[n].exists)
        return;
    if (m->lane[n].state != LANE_IDLE) {
        lane_move(m->lanes, get(m, n), LANE_IDLE);
        model_move(m, n, LANE_IDLE);
    }
    work_on(m, n);
}

static int next_due(const struct model *m)
{
    int best = NOBODY;

    for (int n = 0; n < KEYS; n++)
        if (m->lane[n].exists &&
            (m->lane[n].state == LANE_DELAYED || m->lane[n].state == LANE_WAITING) &&
            (best == NOBODY || m->lane[n].due < m->lane[best].due))
            best = n;
    return best;
}

/* Lanes due at one moment may come in any order: the model takes the order of the lanes. */
static void tick(struct model *m)
{
    usec_t next;
    int n;

    m->now += any(m, 20);
    next = lanes_tick(m->lanes, m->now);
    while ((n = next_due(m)) != NOBODY && m->lane[n].due <= m->now)
        model_move(m, n, LANE_READY);
    assert_int_equal(next, n == NOBODY ? USEC_NEVER : m->lane[n].due);
    m->readies = 0;
    for (struct lane *l = lanes_first_ready(m->lanes); l != NULL; l = l->next)
        m->ready[m->readies++] = l->key[0];
}

/* ---------------------------------------------------------------- the same state */

static void check_lane(void *arg, struct lane *lane)
{
    struct model *m = arg;
    const struct model_lane *want = &m->lane[lane->key[0]];
    int i = 0;

    assert_true(want->exists);
    assert_int_equal(lane->state, want->state);
    assert_int_equal(lane->count, want->count);
    for (const struct item *item = lane->items; item != NULL; item = item->next) {
        assert_ptr_equal(item->lane, lane);
        assert_int_equal(item->index, want->items[i++]);
    }
    assert_int_equal(i, want->count);
}

static void check(struct model *m)
{
    int count[STATES] = {0}, lanes = 0, items = 0;

    for (int n = 0; n < KEYS; n++)
        if (m->lane[n].exists) {
            lanes++;
            items += m->lane[n].count;
            count[m->lane[n].state]++;
        }
    assert_int_equal(lanes_count(m->lanes), lanes);
    assert_int_equal(lanes_items(m->lanes), items);
    assert_int_equal(lanes_ready(m->lanes), count[LANE_READY]);
    assert_int_equal(lanes_writes(m->lanes), count[LANE_WRITE]);
    assert_int_equal(lanes_flight(m->lanes), count[LANE_FLIGHT]);
    assert_int_equal(lanes_parked(m->lanes), count[LANE_DELAYED] + count[LANE_WAITING]);
    assert_int_equal(lanes_parked_full(m->lanes),
                     count[LANE_DELAYED] + count[LANE_WAITING] >= BOUND);
    assert_int_equal(lanes_first_ready(m->lanes) != NULL, m->readies > 0);
    assert_int_equal(lanes_first_write(m->lanes) != NULL, m->write_count > 0);
    if (m->readies > 0)
        assert_int_equal(lanes_first_ready(m->lanes)->key[0], m->ready[0]);
    if (m->write_count > 0)
        assert_int_equal(lanes_first_write(m->lanes)->key[0], m->writes[0]);
    lanes_each(m->lanes, check_lane, m);
}

static void empty_all(struct model *m)
{
    for (int n = 0; n < KEYS; n++) {
        if (!m->lane[n].exists)
            continue;
        while (m->lane[n].count > 0) {
            int item = m->lane[n].items[--m->lane[n].count];

            lanes_take(m->lanes, &m->item[item]);
        }
        if (m->lane[n].state != LANE_IDLE)
            lane_move(m->lanes, get(m, n), LANE_IDLE);
        settle(m, n);
    }
}

static void as_the_plain_model(void **state)
{
    struct model m = {.lanes = lanes_new(BOUND), .now = 1000};

    (void)state;
    rand_seed(&m.r, 11);
    for (int i = 0; i < 40000; i++) {
        int what = any(&m, 8);

        if (what < 3)
            push(&m);
        else if (what == 3)
            take(&m);
        else if (what < 7)
            turn(&m);
        else
            tick(&m);
        check(&m);
    }
    empty_all(&m);
    assert_int_equal(lanes_count(m.lanes), 0);
    assert_null(lanes_free(m.lanes));
    assert_null(lanes_free(NULL));
}

/* ---------------------------------------------------------------- wake-ups */

static void parked(enum lane_state how, enum lane_state after)
{
    struct lanes *l = lanes_new(BOUND);
    unsigned char key[LANE_KEY_SIZE] = {1};
    struct lane *lane = lanes_get(l, key, true);
    struct item items[2] = {{0}, {0}};

    lanes_push(l, lane, &items[0]);
    lane_move(l, lane, LANE_IDLE);
    lane_delay(l, lane, how, 500, "why");
    lanes_push(l, lane, &items[1]);
    assert_int_equal(lane->state, after);
    assert_int_equal(lanes_tick(l, 499), after == LANE_READY ? USEC_NEVER : 500);
    assert_int_equal(lane->state, after);
    assert_int_equal(lanes_tick(l, 500), USEC_NEVER);
    assert_int_equal(lane->state, LANE_READY);
    assert_ptr_equal(lane->items, &items[0]);
    lanes_take(l, &items[0]);
    lanes_take(l, &items[1]);
    lane_move(l, lane, LANE_IDLE);
    lanes_settle(l, lane);
    (void)lanes_free(l);
}

static void a_message_wakes_a_lane_that_waits(void **state)
{
    (void)state;
    parked(LANE_WAITING, LANE_READY);
}

static void a_message_does_not_end_a_back_off(void **state)
{
    (void)state;
    parked(LANE_DELAYED, LANE_DELAYED);
}

static void every_state_has_a_name(void **state)
{
    (void)state;
    for (int s = LANE_IDLE; s <= LANE_LOOKUP; s++)
        assert_string_not_equal(lane_state_name((enum lane_state)s), "unknown");
    assert_string_equal(lane_state_name((enum lane_state)STATES), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_the_plain_model),
        cmocka_unit_test(a_message_wakes_a_lane_that_waits),
        cmocka_unit_test(a_message_does_not_end_a_back_off),
        cmocka_unit_test(every_state_has_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
