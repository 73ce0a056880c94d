/* Offset tracker against a naive model with one state per offset of a small log, over thousands of
 * random lives: records finish in any order, the process restarts from its last commit, offsets
 * vanish from the log, maps are cut. Then the complexity, counted in steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/base/rand.h"
#include "consumers/offsets.h"
#include "consumers/offsets_map.h"

#define LOG_MAX 3000

static const struct offsets_note note = {"acme.service-now.com", 1714000000000, 4711};

enum state { UNREAD, UNFINISHED, FINISHED };

struct model {
    struct rand r;
    struct offsets *o;
    int64_t size, position, frontier;
    bool exists[LOG_MAX];
    bool really[LOG_MAX]; /* was finished in some life: only these may be skipped */
    bool held[LOG_MAX];   /* was in the map that this life began with */
    enum state states[LOG_MAX];
    uint64_t tickets[LOG_MAX];
};

static int64_t model_frontier(const struct model *m)
{
    for (int64_t i = 0; i < m->position; i++)
        if (m->states[i] == UNFINISHED)
            return i;
    return m->position;
}

static void check(struct model *m)
{
    size_t unfinished = 0, ahead = 0;
    int64_t frontier = model_frontier(m);

    for (int64_t i = 0; i < m->position; i++) {
        unfinished += m->states[i] == UNFINISHED;
        ahead += m->states[i] == FINISHED && i > frontier;
    }
    assert_int_equal(offsets_frontier(m->o), frontier);
    assert_true(frontier >= m->frontier);
    m->frontier = frontier;
    assert_int_equal(offsets_position(m->o), m->position);
    assert_int_equal(offsets_unfinished(m->o), unfinished);
    assert_int_equal(offsets_ahead(m->o), ahead);
}

static void receive(struct model *m, int64_t most)
{
    for (; m->position < m->size && most > 0; m->position++, most--) {
        int64_t i = m->position;
        uint64_t ticket;

        if (!m->exists[i])
            continue;
        ticket = offsets_receive(m->o, i);
        if (ticket == OFFSETS_FINISHED) {
            assert_true(m->really[i]);
            assert_true(m->held[i]);
            m->states[i] = FINISHED;
        } else {
            assert_false(m->held[i]);
            m->states[i] = UNFINISHED;
            m->tickets[i] = ticket;
        }
    }
    while (m->position > 0 && m->states[m->position - 1] == UNREAD &&
           m->position - 1 >= offsets_position(m->o))
        m->position--; /* absent offsets at the end were not seen */
}

static void finish(struct model *m, unsigned chance)
{
    for (int64_t i = 0; i < m->position; i++) {
        if (m->states[i] != UNFINISHED || rand_between(&m->r, 0, 99) >= chance)
            continue;
        offsets_done(m->o, m->tickets[i]);
        if (rand_between(&m->r, 0, 3) == 0)
            offsets_done(m->o, m->tickets[i]);
        m->states[i] = FINISHED;
        m->really[i] = true;
    }
}

static bool in_runs(const struct offsets_runs *runs, int64_t offset)
{
    for (size_t i = 0; i < runs->count; i++)
        if (offset >= runs->items[i].first && offset < runs->items[i].first + runs->items[i].count)
            return true;
    return false;
}

static void check_map(const struct model *m, const struct offsets_runs *runs, bool cut)
{
    bool missing = false;

    for (int64_t i = 0; i < m->size; i++) {
        bool in = in_runs(runs, i);

        if (i < m->position) {
            assert_false(in && (m->states[i] != FINISHED || i < m->frontier));
            missing |= !in && m->states[i] == FINISHED && i > m->frontier;
        } else {
            assert_false(in && !(m->really[i] && m->held[i]));
            missing |= !in && m->held[i];
        }
    }
    if (!cut)
        assert_false(missing);
}

/* Commits, and checks what is in the metadata. Returns it (the caller frees) and its offset. */
static char *commit(struct model *m, size_t max_chars, int64_t *ret_offset,
                    struct offsets_runs *ret_runs)
{
    struct offsets_loaded loaded = {0};
    struct buf metadata;
    char why[128];
    bool cut;

    buf_init(&metadata, 4096);
    (void)buf_add_text(&metadata, "rest of an earlier commit");
    offsets_commit(m->o, &note, max_chars, ret_offset, &metadata, &cut);
    assert_int_equal(*ret_offset, m->frontier);
    assert_true(metadata.length <= max_chars);
    for (size_t i = 0; i < metadata.length; i++)
        assert_in_range(metadata.data[i], 0x20, 0x7e);
    *ret_runs = (struct offsets_runs){0};
    if (metadata.length > 0) {
        assert_int_equal(
            offsets_map_read(metadata.data, *ret_offset, &loaded, ret_runs, why, sizeof why), 0);
        assert_string_equal(loaded.host, note.host);
        assert_int_equal(loaded.cut, note.cut);
        assert_int_equal(loaded.end, note.end);
        free(loaded.host);
    }
    check_map(m, ret_runs, cut);
    offsets_committed(m->o, *ret_offset);
    assert_false(offsets_dirty(m->o));
    assert_int_equal(offsets_last_committed(m->o), *ret_offset);
    return buf_take(&metadata, NULL);
}

static void vanish(struct model *m, int64_t from)
{
    for (int64_t i = from; i < m->size; i++)
        if (rand_between(&m->r, 0, 9) == 0)
            m->exists[i] = false;
}

static void begin(struct model *m, int64_t position)
{
    m->position = m->frontier = position;
    memset(m->states, 0, sizeof m->states);
    memset(m->held, 0, sizeof m->held);
    m->o = offsets_new(position, 1);
}

/* Kill and start again from the last commit. */
static void restart(struct model *m)
{
    static const size_t limits[] = {4096, 4096, 4096, 70, 20, 140};
    struct offsets_loaded loaded = {0};
    struct offsets_runs runs;
    int64_t offset;
    char why[128] = "?";
    char *metadata = commit(m, limits[rand_between(&m->r, 0, 5)], &offset, &runs);

    m->o = offsets_free(m->o);
    if (rand_between(&m->r, 0, 2) == 0)
        vanish(m, offset);
    begin(m, offset);
    if (offsets_load(m->o, offset, metadata, &loaded, why, sizeof why) != 0)
        assert_string_equal(why, "");
    for (int64_t i = 0; i < m->size; i++)
        m->held[i] = in_runs(&runs, i);
    free(loaded.host);
    offsets_runs_done(&runs);
    free(metadata);
}

static void step(struct model *m)
{
    switch (rand_between(&m->r, 0, 19)) {
    case 0:
        restart(m);
        break;
    case 1:
        if (offsets_position(m->o) <= m->size && rand_between(&m->r, 0, 3) == 0) {
            receive(m, m->size);
            offsets_end(m->o, m->size);
            m->position = m->size;
            memset(m->held, 0, sizeof m->held);
        }
        break;
    case 2:
        if (m->position > 0)
            offsets_end(m->o, rand_between(&m->r, 0, m->position - 1));
        break;
    case 3:
    case 4:
    case 5:
        finish(m, (unsigned)rand_between(&m->r, 1, 100));
        break;
    case 6: {
        struct offsets_runs runs;
        int64_t offset;

        free(commit(m, 4096, &offset, &runs));
        offsets_runs_done(&runs);
        break;
    }
    default:
        receive(m, rand_between(&m->r, 1, 1 + m->size / 20));
    }
    check(m);
}

/* One partition's life; at its end everything finishes and the frontier is at the end of the log.
 */
static void live(uint64_t seed, int64_t size, int steps)
{
    static struct model m;
    unsigned holes;

    m = (struct model){.size = size};
    rand_seed(&m.r, seed);
    holes = (unsigned)rand_between(&m.r, 0, 2) * 30;
    for (int64_t i = 0; i < size; i++)
        m.exists[i] = rand_between(&m.r, 0, 99) >= holes;
    begin(&m, 0);
    while (steps-- > 0)
        step(&m);
    receive(&m, size);
    finish(&m, 100);
    offsets_end(m.o, size);
    assert_int_equal(offsets_frontier(m.o), size);
    assert_int_equal(offsets_unfinished(m.o), 0);
    assert_int_equal(offsets_ahead(m.o), 0);
    m.o = offsets_free(m.o);
}

static void small_lives(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3000; seed++)
        live(seed, 20 + (int64_t)seed % 150, 60);
}

static void long_lives(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++)
        live(seed, LOG_MAX, 80);
}

static void gaps_never_hold(void **state)
{
    struct offsets *o = offsets_new(10, 77);
    uint64_t a, b;

    (void)state;
    assert_int_equal(offsets_epoch(o), 77);
    assert_false(offsets_dirty(o));
    a = offsets_receive(o, 15);
    assert_int_equal(offsets_frontier(o), 15);
    assert_true(offsets_dirty(o));
    b = offsets_receive(o, 1000);
    offsets_done(o, b);
    assert_int_equal(offsets_frontier(o), 15);
    offsets_end(o, 1005); /* control records behind the last one */
    assert_int_equal(offsets_frontier(o), 15);
    offsets_done(o, a);
    assert_int_equal(offsets_frontier(o), 1005);
    offsets_end(o, 1000);
    assert_int_equal(offsets_frontier(o), 1005);
    assert_null(offsets_free(o));
    assert_null(offsets_free(NULL));
}

/* What finishes between a commit and its answer is still to be committed. */
static void dirty_while_a_commit_is_under_way(void **state)
{
    struct offsets *o = offsets_new(0, 1);
    struct buf metadata;
    uint64_t tickets[3];
    int64_t offset;
    bool cut;

    (void)state;
    buf_init(&metadata, 4096);
    for (int i = 0; i < 3; i++)
        tickets[i] = offsets_receive(o, i);
    offsets_done(o, tickets[1]);
    assert_true(offsets_dirty(o));
    offsets_commit(o, &note, 4096, &offset, &metadata, &cut);
    assert_true(offsets_dirty(o));
    offsets_done(o, tickets[2]);
    offsets_committed(o, offset);
    assert_true(offsets_dirty(o));
    offsets_commit(o, &note, 4096, &offset, &metadata, &cut);
    offsets_committed(o, offset);
    assert_false(offsets_dirty(o));
    assert_int_equal(offsets_last_committed(o), 0);
    offsets_done(o, tickets[0]);
    assert_true(offsets_dirty(o));
    offsets_committed(o, 2);
    offsets_committed(o, 1);
    assert_int_equal(offsets_last_committed(o), 2);
    buf_done(&metadata);
    (void)offsets_free(o);
}

/* The log was cut and grew again: offsets of the map are other records now. */
static void an_end_below_the_map_forgets_it(void **state)
{
    struct offsets *o = offsets_new(0, 1);
    struct offsets_loaded loaded;
    struct buf metadata;
    char why[128];
    int64_t offset;
    bool cut;

    (void)state;
    buf_init(&metadata, 4096);
    (void)offsets_receive(o, 0);
    for (int i = 1; i < 9; i++)
        offsets_done(o, offsets_receive(o, i));
    offsets_commit(o, &note, 4096, &offset, &metadata, &cut);
    (void)offsets_free(o);
    o = offsets_new(0, 2);
    assert_int_equal(offsets_load(o, 0, metadata.data, &loaded, why, sizeof why), 0);
    free(loaded.host);
    assert_true(offsets_receive(o, 0) != OFFSETS_FINISHED);
    assert_true(offsets_receive(o, 1) == OFFSETS_FINISHED);
    offsets_end(o, 4);
    assert_true(offsets_receive(o, 4) != OFFSETS_FINISHED);
    assert_true(offsets_receive(o, 5) != OFFSETS_FINISHED);
    buf_done(&metadata);
    (void)offsets_free(o);
}

/* offsets_map_full is exact at the moment it says "full", and never late. */
static void full_is_exact(void **state)
{
    struct rand r;

    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct offsets *o = offsets_new(0, 1);
        static uint64_t tickets[6000];
        size_t max = 30 + 4 * (size_t)seed, first = offsets_note_chars(&note);
        int64_t offset, at = 0;
        struct buf metadata;
        bool cut = false;

        rand_seed(&r, seed);
        buf_init(&metadata, 8192);
        for (int i = 0; i < 6000; i++) {
            at += 1 + (rand_between(&r, 0, 99) < (int64_t)seed % 50);
            tickets[i] = offsets_receive(o, at);
        }
        for (int i = 0; i < 3000; i++) {
            offsets_done(o, tickets[rand_between(&r, 1, 5999)]);
            offsets_commit(o, &note, max + first, &offset, &metadata, &cut);
            assert_int_equal(offsets_map_full(o, max), cut);
            assert_int_equal(offsets_map_full(o, max), cut);
            if (cut)
                break;
        }
        assert_true(cut);
        for (int i = 0; i < 6000; i++)
            offsets_done(o, tickets[i]);
        assert_false(offsets_map_full(o, max));
        buf_done(&metadata);
        (void)offsets_free(o);
    }
}

static void shuffle(struct rand *r, uint64_t *a, size_t n)
{
    for (size_t i = n - 1; i > 0; i--) {
        size_t j = (size_t)rand_between(r, 0, (int64_t)i);
        uint64_t t = a[i];

        a[i] = a[j];
        a[j] = t;
    }
}

/* A million unfinished records, finished in random order, in order, and backwards; with the full
 * question after each: a few steps each, whatever the number. */
static void million(unsigned order, int64_t gap, uint64_t most)
{
    const size_t n = 1000000;
    uint64_t *tickets = calloc(n, sizeof *tickets), before;
    struct offsets *o = offsets_new(0, 1);
    struct rand r;

    assert_non_null(tickets);
    rand_seed(&r, 1);
    for (size_t i = 0; i < n; i++)
        tickets[i] = offsets_receive(o, (int64_t)i * gap);
    assert_true(offsets_steps(o) < 3 * n);
    before = offsets_steps(o);
    if (order == 1)
        shuffle(&r, tickets, n);
    for (size_t i = 0; i < n; i++)
        offsets_done(o, tickets[order == 2 ? n - 1 - i : i]);
    assert_true(offsets_steps(o) - before < most * n);
    assert_int_equal(offsets_unfinished(o), 0);
    assert_int_equal(offsets_frontier(o), (int64_t)(n - 1) * gap + 1);
    (void)offsets_free(o);
    free(tickets);
}

static void a_million_unfinished(void **state)
{
    (void)state;
    for (unsigned order = 0; order < 3; order++) {
        million(order, 1, 3);
        million(order, 2, 3);
    }
}

/* One record hangs, a million behind it finish: one run, and the question costs nearly nothing. */
static void one_slow_record(void **state)
{
    struct offsets *o = offsets_new(0, 1);
    uint64_t slow = offsets_receive(o, 0), before;
    struct buf metadata;
    int64_t offset;
    bool cut;

    (void)state;
    buf_init(&metadata, 4096);
    for (int64_t i = 1; i <= 1000000; i++) {
        offsets_done(o, offsets_receive(o, i));
        assert_false(offsets_map_full(o, 4000));
    }
    assert_true(offsets_steps(o) < UINT64_C(10000000));
    before = offsets_steps(o);
    offsets_commit(o, &note, 4096, &offset, &metadata, &cut);
    assert_true(offsets_steps(o) - before < 20000);
    assert_int_equal(offset, 0);
    assert_false(cut);
    assert_true(metadata.length < offsets_note_chars(&note) + 8);
    offsets_done(o, slow);
    assert_int_equal(offsets_frontier(o), 1000001);
    buf_done(&metadata);
    (void)offsets_free(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_lives),
        cmocka_unit_test(long_lives),
        cmocka_unit_test(gaps_never_hold),
        cmocka_unit_test(dirty_while_a_commit_is_under_way),
        cmocka_unit_test(an_end_below_the_map_forgets_it),
        cmocka_unit_test(full_is_exact),
        cmocka_unit_test(a_million_unfinished),
        cmocka_unit_test(one_slow_record),
    };

    return cmocka_run_group_tests_name("offsets", tests, NULL, NULL);
}
