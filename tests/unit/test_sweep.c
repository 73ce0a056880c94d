/* The sweep against a simulated table: random writes that become visible late, several a second,
 * while pages are read; rows hidden by ACLs; nodes whose clocks differ; transactions that fail,
 * whose outcome is lost, crashes at any point. Checked are the properties of the model: each
 * version at most once, rising versions per row, the newest of each readable row in the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/rand.h"
#include "bridge/base/xalloc.h"
#include "producers/sweep.h"

#define ROWS_MAX  13000
#define EPOCH     INT64_C(1790000000)
#define HOST      "acme.service-now.com"
#define PAUSE_MAX (40 * USEC_S)

static const struct page_form form = {.time = "sys_updated_on", .count = "sys_mod_count"};

struct row {
    char sys_id[33];
    int64_t stamp; /* of the visible version */
    long long mod; /* of the visible version, -1: none yet */
    bool pending, hidden;
    int64_t pending_stamp;
    usec_t pending_until;
    long long published; /* newest published version, -1: none */
};

struct world {
    struct rand rand;
    struct row *rows;
    size_t count;
    usec_t now;         /* monotonic; also the instance's true time, from EPOCH on */
    int64_t clock_step; /* seconds added to the instance's clock */
    int64_t skew;       /* of a node's clock, seconds either way */
    int64_t future;     /* so many seconds ahead one write of ten is stamped by a wrong clock */
    usec_t visible_max;
    struct sweep_options options;
    char *stored; /* the committed state record */
    size_t stored_length;
    unsigned long long pages, transactions, versions;
};

static void world_init(struct world *w, uint64_t seed, size_t rows)
{
    *w = (struct world){.count = rows, .visible_max = 2 * USEC_S, .skew = 1};
    rand_seed(&w->rand, seed);
    w->now = 1000 * USEC_S;
    w->rows = xcalloc(rows + 1, sizeof(*w->rows));
    for (size_t i = 0; i < rows; i++) {
        (void)snprintf(w->rows[i].sys_id, sizeof(w->rows[i].sys_id), "%08x%024zx",
                       (unsigned)rand_next(&w->rand), i);
        w->rows[i].mod = w->rows[i].published = -1;
    }
    w->options = (struct sweep_options){.overlap = 6,
                                        .slack = 10,
                                        .poll_busy = USEC_S,
                                        .poll_idle = 30 * USEC_S,
                                        .busy_for = 60 * USEC_S,
                                        .page_size = 4,
                                        .widest = 100,
                                        .seen_max = 40000};
}

static void world_done(struct world *w)
{
    free(w->rows);
    free(w->stored);
}

static int64_t node_clock(struct world *w)
{
    return EPOCH + w->now / USEC_S + w->clock_step + rand_between(&w->rand, -w->skew, w->skew);
}

static void write_row(struct world *w, struct row *r)
{
    if (r->pending)
        return;
    r->pending = true;
    r->pending_stamp = node_clock(w);
    if (w->future > 0 && rand_between(&w->rand, 0, 9) == 0)
        r->pending_stamp += rand_between(&w->rand, 2, w->future);
    r->pending_until = w->now + rand_between(&w->rand, 0, w->visible_max);
}

static void settle_rows(struct world *w)
{
    for (size_t i = 0; i < w->count; i++) {
        struct row *r = &w->rows[i];
        if (r->pending && r->pending_until <= w->now) {
            r->pending = false;
            r->stamp = r->pending_stamp;
            r->mod++;
        }
    }
}

/* Time passes, rows are written. */
static void pass(struct world *w, usec_t length, unsigned writes)
{
    usec_t end = w->now + length;
    for (unsigned i = 0; i < writes; i++) {
        w->now += length / (writes + 1);
        settle_rows(w);
        write_row(w, &w->rows[rand_between(&w->rand, 0, (int64_t)w->count - 1)]);
    }
    w->now = end;
    settle_rows(w);
}

static int by_key(const void *a, const void *b)
{
    const struct row *x = *(struct row *const *)a, *y = *(struct row *const *)b;
    if (x->stamp != y->stamp)
        return x->stamp < y->stamp ? -1 : 1;
    return strcmp(x->sys_id, y->sys_id);
}

static json_t *row_json(const struct row *r)
{
    char at[CLOCK_SN_SIZE], mod[24];
    clock_format_sn(r->stamp * 1000, at);
    (void)snprintf(mod, sizeof(mod), "%lld", r->mod);
    return json_pack("{s:s, s:s, s:s}", "sys_id", r->sys_id, "sys_updated_on", at, "sys_mod_count",
                     mod);
}

/* As the Table API: the limit counts hidden rows, X-Total-Count too. */
static json_t *answer(struct world *w, const struct sweep_ask *ask, long long *ret_total)
{
    struct row **match = xcalloc(w->count + 1, sizeof(struct row *));
    size_t n = 0;
    json_t *list = json_array();
    for (size_t i = 0; i < w->count; i++) {
        struct watermark at = watermark_at(w->rows[i].stamp, w->rows[i].sys_id);
        if (w->rows[i].mod >= 0 && watermark_compare(&at, &ask->after) > 0 &&
            (ask->until == WATERMARK_SECOND_NONE || at.second <= ask->until))
            match[n++] = &w->rows[i];
    }
    qsort(match, n, sizeof(struct row *), by_key);
    for (size_t i = 0; i < n && i < (size_t)ask->limit; i++)
        if (!match[i]->hidden)
            (void)json_array_append_new(list, row_json(match[i]));
    free(match);
    *ret_total = ask->count ? (long long)n : -1;
    return list;
}

static struct row *find(struct world *w, const char *sys_id)
{
    return &w->rows[strtoul(sys_id + 8, NULL, 16)];
}

/* Kafka commits: rows and state together. */
static void commit(struct world *w, const struct sweep_plan *p)
{
    struct err e;
    struct watermark_state s = {.owner = HOST,
                                .connection = "c",
                                .table = "t",
                                .fingerprint = "f",
                                .written_by = "test",
                                .mark = p->mark,
                                .hi = p->hi,
                                .seen_from = p->seen_from,
                                .seen = p->seen,
                                .seen_count = p->seen_count};
    /* Never beyond what the instance's clock says. */
    assert_true(p->mark.second <= EPOCH + w->now / USEC_S + w->skew);
    for (size_t i = 0; i < p->count; i++) {
        struct row *r = find(w, p->rows[i]->sys_id);
        long long mod = strtoll(p->rows[i]->mod_count, NULL, 10);
        if (mod <= r->published)
            fail_msg("row %s: version %lld after version %lld", r->sys_id, mod, r->published);
        r->published = mod;
        w->versions++;
    }
    free(w->stored);
    w->stored = watermark_encode(&s, &w->stored_length, &e);
    assert_non_null(w->stored);
    w->transactions++;
}

static struct sweep *load(struct world *w)
{
    struct watermark_state s = {0};
    struct err e;
    if (w->stored == NULL) {
        struct sweep_plan first = {0};
        sweep_first(&w->options, node_clock(w) * 1000, 1, &s);
        first.mark = s.mark;
        first.hi = s.hi;
        first.seen_from = s.seen_from;
        commit(w, &first);
        s = (struct watermark_state){0};
    }
    if (watermark_decode(w->stored, w->stored_length, HOST, "c", "t", &s, &e) != 0)
        fail_msg("%s", e.text);
    struct sweep *x = sweep_new(&w->options, &s);
    watermark_state_done(&s);
    return x;
}

static void one_page(struct world *w, struct sweep *s, const struct sweep_ask *ask, unsigned writes)
{
    struct page page;
    struct err e;
    long long total;
    usec_t sent = w->now;
    pass(w, rand_between(&w->rand, 1, 300) * USEC_MS, writes);
    json_t *list = answer(w, ask, &total);
    int64_t date = node_clock(w);
    pass(w, rand_between(&w->rand, 1, 100) * USEC_MS, 0);
    if (page_read(list, "t", &form, &ask->after, ask->limit, &page, &e) != 0)
        fail_msg("%s", e.text);
    json_decref(list);
    sweep_clock(s, date * 1000, sent, w->now);
    sweep_page(s, &page, total, w->now);
    w->pages++;
}

/* A transaction with its chances; returns the sweep, or a new one when it had to be loaded anew. */
static struct sweep *one_transaction(struct world *w, struct sweep *s, bool faults)
{
    struct sweep_plan p;
    int64_t dice = faults ? rand_between(&w->rand, 0, 19) : 19;
    size_t rows = rand_between(&w->rand, 0, 3) == 0 ? 1 : SIZE_MAX;
    if (!sweep_plan(s, rows, w->now, &p))
        return s;
    pass(w, rand_between(&w->rand, 1, 50) * USEC_MS, 0);
    if (dice >= 4) { /* committed */
        commit(w, &p);
        sweep_committed(s, &p, w->now);
    } else if (dice >= 2) { /* the outcome is lost: committed or not, load anew */
        if (dice == 2)
            commit(w, &p);
        sweep_plan_done(&p);
        sweep_free(s);
        return load(w);
    } /* else: aborted, planned again */
    sweep_plan_done(&p);
    return s;
}

/* Runs until `until`; then, quiet true, until everything is read. */
static struct sweep *run(struct world *w, struct sweep *s, usec_t until, bool faults,
                         unsigned writes)
{
    while (w->now < until) {
        struct sweep_ask ask = {0};
        usec_t due = 0;
        if (faults && rand_between(&w->rand, 0, 60) == 0) {
            sweep_free(s);
            s = load(w);
        }
        switch (sweep_next(s, w->now, &ask, &due)) {
        case SWEEP_SLEEP:
            assert_true(due > w->now);
            pass(w, due - w->now < PAUSE_MAX ? due - w->now : PAUSE_MAX, writes * 3);
            break;
        case SWEEP_CLOCK:
            sweep_clock(s, node_clock(w) * 1000, w->now, w->now);
            break;
        case SWEEP_PAGE:
            if (faults && rand_between(&w->rand, 0, 30) == 0) {
                sweep_failed(s, true, 0, w->now);
                break;
            }
            one_page(w, s, &ask, writes);
            break;
        case SWEEP_PUBLISH:
            s = one_transaction(w, s, faults);
            break;
        case SWEEP_STOPPED:
            return s;
        }
    }
    return s;
}

static void check_complete(struct world *w)
{
    for (size_t i = 0; i < w->count; i++) {
        const struct row *r = &w->rows[i];
        if (r->hidden || r->published == r->mod)
            continue;
        fail_msg("row %s: version %lld (second %lld) exists, %lld is the newest published",
                 r->sys_id, r->mod, (long long)(r->stamp - EPOCH), r->published);
    }
}

/* Everything written before is read within two idle polls and the overlap. */
static void run_quiet(struct world *w, struct sweep **s)
{
    pass(w, w->visible_max + USEC_S, 0);
    *s = run(w, *s, w->now + 300 * USEC_S, false, 0);
    assert_int_equal(sweep_reason(*s)->class, ERR_NONE);
    check_complete(w);
}

/* Under valgrind the paths count, not how often they are gone. */
static uint64_t rounds(uint64_t all)
{
    return getenv("ITSM_VALGRIND") == NULL ? all : all / 20 + 1;
}

static void random_worlds(uint64_t first, uint64_t seeds, unsigned hidden, size_t rows,
                          int64_t future)
{
    for (uint64_t seed = first; seed < first + rounds(seeds); seed++) {
        struct world w;
        world_init(&w, seed, rows);
        for (size_t i = 0; i < rows; i++)
            w.rows[i].hidden = rand_between(&w.rand, 1, 100) <= hidden;
        w.options.page_size = rand_between(&w.rand, 1, 7);
        w.future = future;
        struct sweep *s = load(&w);
        s = run(&w, s, w.now + 120 * USEC_S, true, 2);
        run_quiet(&w, &s);
        if (hidden < 100)
            assert_true(w.versions > rows / 4);
        sweep_free(s);
        world_done(&w);
    }
}

static void test_random(void **state)
{
    (void)state;
    random_worlds(1, 300, 0, 12, 0);
}

static void test_future_rows(void **state)
{
    (void)state;
    random_worlds(3000, 150, 0, 12, 40);
}

static void test_hidden_rows(void **state)
{
    (void)state;
    random_worlds(1000, 100, 60, 40, 0);
    random_worlds(2000, 20, 100, 40, 0);
}

/* Many rows that are hidden between a few that are not, with pages much smaller than the gaps. */
static void test_hidden_desert(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, 7, 3000);
    w.options.page_size = 50;
    w.visible_max = 0;
    w.skew = 0;
    for (size_t i = 0; i < w.count; i++) {
        w.rows[i].hidden = i % 1000 != 999;
        w.rows[i].stamp = EPOCH - 80000 + (int64_t)i * 20;
        w.rows[i].mod = 0;
    }
    struct sweep *s = load(&w);
    run_quiet(&w, &s);
    assert_int_equal(w.versions, 3);
    sweep_free(s);
    world_done(&w);
}

static void test_hidden_second(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, 8, 101);
    w.options.page_size = 50;
    for (size_t i = 0; i < w.count; i++) {
        w.rows[i].hidden = true;
        w.rows[i].stamp = EPOCH - 500;
        w.rows[i].mod = 0;
    }
    struct sweep *s = load(&w);
    s = run(&w, s, w.now + 100 * USEC_S, false, 0);
    assert_string_equal(sweep_reason(s)->code, "hidden-rows");
    sweep_free(s);
    world_done(&w);
}

/* Hidden rows lie before readable ones of the same second: more of both than the widest page. */
static void test_hidden_before_readable(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, 9, 400);
    w.options.page_size = 10;
    for (size_t i = 0; i < w.count; i++) {
        (void)snprintf(w.rows[i].sys_id, sizeof(w.rows[i].sys_id), "%032zx", i);
        w.rows[i].hidden = i >= 30 && i < 90;
        w.rows[i].stamp = EPOCH - 500;
        w.rows[i].mod = 0;
    }
    struct sweep *s = load(&w);
    s = run(&w, s, w.now + 100 * USEC_S, false, 0);
    assert_int_equal(sweep_reason(s)->class, ERR_NONE);
    assert_int_equal(w.versions, 340);
    assert_int_equal(sweep_limit(s), 10);
    sweep_free(s);
    world_done(&w);
}

/* 12,000 rows in one second, pages of 500; restarts in between. */
static void test_one_second(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, 3, 12000);
    w.options.page_size = 500;
    for (size_t i = 0; i < w.count; i++) {
        w.rows[i].stamp = EPOCH + 990;
        w.rows[i].mod = 0;
    }
    struct sweep *s = load(&w);
    for (unsigned i = 0; i < 8; i++) {
        s = run(&w, s, w.now + 2 * USEC_S, false, 0);
        sweep_free(s);
        s = load(&w);
    }
    run_quiet(&w, &s);
    assert_int_equal(w.versions, 12000);
    sweep_free(s);
    world_done(&w);
}

/* More versions in the overlap than a record may carry: the table waits, and loses nothing. */
static void test_full_overlap(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= rounds(40); seed++) {
        struct world w;
        world_init(&w, seed, 100);
        w.options.page_size = rand_between(&w.rand, 2, 12);
        w.options.seen_max = 20;
        struct sweep *s = load(&w);
        for (size_t i = 0; i < w.count; i++)
            write_row(&w, &w.rows[i]);
        s = run(&w, s, w.now + 40 * USEC_S, true, 1);
        assert_true(sweep_seen(s) <= 20);
        s = run(&w, s, w.now + 500 * USEC_S, false, 0);
        run_quiet(&w, &s);
        sweep_free(s);
        world_done(&w);
    }
}

/* The clock of the instance is set back while the table is polled: within the slack nothing is lost
 * or doubled, beyond it the table stops and says why. */
static void test_clock_back(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= rounds(100); seed++) {
        struct world w;
        int64_t step = rand_between(&(struct rand){.state = seed * 77 + 1}, 1, 7);
        world_init(&w, seed, 12);
        struct sweep *s = load(&w);
        s = run(&w, s, w.now + 40 * USEC_S, false, 2);
        w.clock_step = -step;
        s = run(&w, s, w.now + 40 * USEC_S, false, 2);
        assert_int_equal(sweep_reason(s)->class, ERR_NONE);
        run_quiet(&w, &s);
        sweep_free(s);
        world_done(&w);
    }
}

/* The same while the table is asked rarely: when it is asked again the clock is already beyond
 * where it was, and only its lag against the time that passed tells. */
static void test_clock_back_idle(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= rounds(60); seed++) {
        struct world w;
        world_init(&w, seed, 12);
        w.options.poll_busy = w.options.poll_idle;
        struct sweep *s = load(&w);
        s = run(&w, s, w.now + 100 * USEC_S, false, 4);
        struct sweep_ask ask;
        usec_t due;
        while (sweep_next(s, w.now, &ask, &due) != SWEEP_SLEEP)
            s = run(&w, s, w.now + 1, false, 0);
        w.clock_step = -8; /* just after the table was asked */
        for (size_t i = 0; i < 6; i++)
            write_row(&w, &w.rows[i]);
        s = run(&w, s, w.now + 100 * USEC_S, false, 0);
        assert_int_equal(sweep_reason(s)->class, ERR_NONE);
        run_quiet(&w, &s);
        sweep_free(s);
        world_done(&w);
    }
}

static void test_clock_far_back(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, 5, 12);
    struct sweep *s = load(&w);
    s = run(&w, s, w.now + 40 * USEC_S, false, 2);
    w.clock_step = -3600;
    s = run(&w, s, w.now + 80 * USEC_S, false, 2);
    assert_string_equal(sweep_reason(s)->code, "clock-step");
    sweep_free(s);
    world_done(&w);
}

static void test_limit_adapts(void **state)
{
    struct world w;
    struct sweep_ask ask;
    usec_t due;
    (void)state;
    world_init(&w, 6, 400);
    w.options.page_size = 64;
    for (size_t i = 0; i < w.count; i++) {
        w.rows[i].stamp = EPOCH + (int64_t)i;
        w.rows[i].mod = 0;
    }
    struct sweep *s = load(&w);
    sweep_clock(s, node_clock(&w) * 1000, w.now, w.now);
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(sweep_next(s, w.now, &ask, &due), SWEEP_PAGE);
        sweep_failed(s, true, 0, w.now);
        assert_int_equal(sweep_next(s, w.now, &ask, &due), SWEEP_SLEEP);
        assert_true(due - w.now >= USEC_S && due - w.now <= 64 * USEC_S);
        w.now = due;
    }
    assert_int_equal(sweep_limit(s), 1);
    s = run(&w, s, w.now + 100 * USEC_S, false, 0);
    assert_int_equal(sweep_limit(s), 64);
    run_quiet(&w, &s);
    sweep_free(s);
    world_done(&w);
}

/* Quiet tables are asked rarely, and without a transaction. */
static void test_idle(void **state)
{
    struct world w;
    (void)state;
    world_init(&w, 9, 12);
    struct sweep *s = load(&w);
    s = run(&w, s, w.now + 30 * USEC_S, false, 2);
    run_quiet(&w, &s);
    unsigned long long pages = w.pages, transactions = w.transactions;
    s = run(&w, s, w.now + 600 * USEC_S, false, 0);
    assert_int_equal(w.transactions, transactions);
    assert_in_range(w.pages - pages, 19, 45);
    assert_true(sweep_caught_up(s));
    assert_false(sweep_busy(s, w.now));
    sweep_free(s);
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_future_rows),
        cmocka_unit_test(test_hidden_rows),
        cmocka_unit_test(test_hidden_desert),
        cmocka_unit_test(test_hidden_second),
        cmocka_unit_test(test_one_second),
        cmocka_unit_test(test_full_overlap),
        cmocka_unit_test(test_clock_back),
        cmocka_unit_test(test_clock_back_idle),
        cmocka_unit_test(test_clock_far_back),
        cmocka_unit_test(test_hidden_before_readable),
        cmocka_unit_test(test_limit_adapts),
        cmocka_unit_test(test_idle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
