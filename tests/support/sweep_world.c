/* Random writes that become visible late, several a second, while pages are read; rows hidden by
 * ACLs; nodes whose clocks differ; transactions that fail, whose outcome is lost, crashes at any
 * point. Checked are the properties of the model: each version at most once, rising versions per
 * row, the newest of each readable row in the end. */
#include "tests/support/sweep_world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"
#include "producers/turn.h"

#define HOST      "acme.service-now.com"
#define SCOPE     INT64_C(86400)
#define PAUSE_MAX (40 * USEC_S)

static const struct page_form form = {.time = "sys_updated_on", .count = "sys_mod_count"};

void sweep_world_init(struct sweep_world *w, uint64_t seed, size_t rows)
{
    *w = (struct sweep_world){.count = rows, .visible_max = 2 * USEC_S, .skew = 1};
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

/* Rows of before, some of them written just now. */
void sweep_world_old_rows(struct sweep_world *w, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        w->rows[i].stamp = WORLD_EPOCH + rand_between(&w->rand, -50, 999);
        w->rows[i].mod = 0;
    }
}

void sweep_world_done(struct sweep_world *w)
{
    for (size_t i = 0; i < FEEDS; i++) {
        sweep_free(w->sweeps[i]);
        free(w->stored[i]);
    }
    free(w->rows);
}

int64_t sweep_world_clock(struct sweep_world *w)
{
    return WORLD_EPOCH + w->now / USEC_S + w->clock_step +
           rand_between(&w->rand, -w->skew, w->skew);
}

void sweep_world_write(struct sweep_world *w, struct row *r)
{
    if (r->pending)
        return;
    r->pending = true;
    r->pending_stamp = sweep_world_clock(w);
    if (w->future > 0 && rand_between(&w->rand, 0, 9) == 0)
        r->pending_stamp += rand_between(&w->rand, 2, w->future);
    r->pending_until = w->now + rand_between(&w->rand, 0, w->visible_max);
}

static void settle_rows(struct sweep_world *w)
{
    for (size_t i = 0; i < w->count; i++) {
        struct row *r = &w->rows[i];
        if (r->pending && r->pending_until <= w->now) {
            r->pending = false;
            r->stamp = r->pending_stamp;
            r->visible = r->pending_until;
            r->mod++;
        }
    }
}

/* Time passes, rows are written. */
void sweep_world_pass(struct sweep_world *w, usec_t length, unsigned writes)
{
    usec_t end = w->now + length;
    for (unsigned i = 0; i < writes; i++) {
        w->now += length / (writes + 1);
        settle_rows(w);
        sweep_world_write(w, &w->rows[rand_between(&w->rand, 0, (int64_t)w->count - 1)]);
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

static bool asked_for(const struct sweep_ask *ask, const struct row *r)
{
    struct watermark at = watermark_at(r->stamp, r->sys_id);
    if (r->mod < 0)
        return false;
    for (size_t i = 0; i < ask->sys_ids_count; i++)
        if (strcmp(ask->sys_ids[i], r->sys_id) == 0)
            return true;
    return ask->sys_ids == NULL && watermark_compare(&at, &ask->after) > 0 &&
           (ask->until == WATERMARK_SECOND_NONE || at.second <= ask->until);
}

/* As the Table API: the limit counts hidden rows, X-Total-Count too. */
static json_t *answer(struct sweep_world *w, const struct sweep_ask *ask, long long *ret_total)
{
    struct row **match = xcalloc(w->count + 1, sizeof(struct row *));
    size_t n = 0;
    json_t *list = json_array();
    for (size_t i = 0; i < w->count; i++)
        if (asked_for(ask, &w->rows[i]))
            match[n++] = &w->rows[i];
    qsort(match, n, sizeof(struct row *), by_key);
    for (size_t i = 0; i < n && i < (size_t)ask->limit; i++)
        if (!match[i]->hidden)
            (void)json_array_append_new(list, row_json(match[i]));
    free(match);
    *ret_total = ask->count ? (long long)n : -1;
    return list;
}

static struct row *find(struct sweep_world *w, const char *sys_id)
{
    return &w->rows[strtoul(sys_id + 8, NULL, 16)];
}

static void store(struct sweep_world *w, size_t feed, const struct sweep_plan *p)
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
                                .seen_count = p->seen_count,
                                .is_history = feed == HISTORY,
                                .history.resync = ""};
    s.has_history = feed == LIVE && w->stored[HISTORY] != NULL;
    free(w->stored[feed]);
    w->stored[feed] = watermark_encode(&s, &w->stored_length[feed], &e);
    assert_non_null(w->stored[feed]);
}

/* Kafka commits: rows and state together. */
static void commit(struct sweep_world *w, size_t feed, const struct sweep_plan *p)
{
    /* Never beyond what the instance's clock says. */
    assert_true(p->mark.second <= WORLD_EPOCH + w->now / USEC_S + w->skew);
    for (size_t i = 0; i < p->count; i++) {
        struct row *r = find(w, p->rows[i]->sys_id);
        long long mod = strtoll(p->rows[i]->mod_count, NULL, 10);
        if (mod <= r->published)
            fail_msg("row %s: version %lld after version %lld", r->sys_id, mod, r->published);
        r->published = mod;
        if (r->visible > 0 && w->now - r->visible > w->longest)
            w->longest = w->now - r->visible;
        w->versions++;
    }
    store(w, feed, p);
    w->transactions++;
}

static struct sweep_plan plan_of(const struct watermark_state *s)
{
    return (struct sweep_plan){.mark = s->mark, .hi = s->hi, .seen_from = s->seen_from};
}

static void first(struct sweep_world *w)
{
    struct watermark_state live = {0}, history = {0};
    msec_t date = sweep_world_clock(w) * 1000;
    bool two = sweep_first(&w->options, date, date / 1000 - SCOPE, &live, &history);
    assert_true(two);
    if (w->single)
        live.mark = history.mark;
    struct sweep_plan p = plan_of(&history);
    if (!w->single)
        store(w, HISTORY, &p);
    p = plan_of(&live);
    store(w, LIVE, &p);
}

/* A new life: all that is known is what was committed. */
void sweep_world_load(struct sweep_world *w)
{
    struct err e;
    if (w->stored[LIVE] == NULL)
        first(w);
    for (size_t i = 0; i < FEEDS; i++) {
        struct watermark_state s = {0};
        struct sweep_options o = w->options;
        o.bounded = i == HISTORY;
        w->sweeps[i] = sweep_free(w->sweeps[i]);
        w->asked[i] = 0;
        if (w->stored[i] == NULL)
            continue;
        if (watermark_decode(w->stored[i], w->stored_length[i], HOST, "c", "t", &s, &e) != 0)
            fail_msg("%s", e.text);
        if (i == LIVE)
            assert_int_equal(s.has_history, w->stored[HISTORY] != NULL);
        w->sweeps[i] = sweep_new(&o, &s);
        watermark_state_done(&s);
    }
}

static void one_page(struct sweep_world *w, size_t feed, const struct sweep_ask *ask,
                     unsigned writes)
{
    struct page page;
    struct err e;
    long long total;
    usec_t sent = w->now;
    w->asked[feed] = sent;
    sweep_world_pass(w, rand_between(&w->rand, 1, 300) * USEC_MS, writes);
    json_t *list = answer(w, ask, &total);
    int64_t date = sweep_world_clock(w);
    sweep_world_pass(w, rand_between(&w->rand, 1, 100) * USEC_MS, 0);
    if (page_read(list, "t", &form, &ask->after, ask->limit, &page, &e) != 0)
        fail_msg("%s", e.text);
    json_decref(list);
    for (size_t i = 0; i < FEEDS; i++)
        if (w->sweeps[i] != NULL)
            sweep_clock(w->sweeps[i], date * 1000, sent, w->now);
    w->pages++;
    if (ask->versions)
        w->version_rows += page.count;
    else
        w->whole_rows += page.count;
    sweep_page(w->sweeps[feed], &page, total, w->now);
}

/* The end of the history, in one transaction with the live one's state. */
static void close_history(struct sweep_world *w)
{
    struct sweep_plan p;
    sweep_position(w->sweeps[LIVE], &p);
    free(w->stored[HISTORY]);
    w->stored[HISTORY] = NULL;
    store(w, LIVE, &p);
    sweep_plan_done(&p);
    w->sweeps[HISTORY] = sweep_free(w->sweeps[HISTORY]);
}

/* The next page, while this one is published: given to the sweep, or to be given later. */
static void read_ahead(struct sweep_world *w, struct sweep *s, struct page *ret_page)
{
    struct sweep_ask ask;
    struct page page;
    struct err e;
    long long total;
    if (!sweep_next_ahead(s, w->now, &ask))
        return;
    json_t *list = answer(w, &ask, &total);
    if (page_read(list, "t", &form, &ask.after, ask.limit, &page, &e) != 0)
        fail_msg("%s", e.text);
    json_decref(list);
    if (rand_between(&w->rand, 0, 1) == 0)
        *ret_page = page;
    else
        sweep_page_ahead(s, &page, total, w->now);
}

/* A transaction with its chances; all is loaded anew when its outcome is lost. */
static void one_transaction(struct sweep_world *w, size_t feed, bool faults)
{
    struct sweep_plan p;
    struct page ahead = {0};
    struct sweep *s = w->sweeps[feed];
    int64_t dice = faults ? rand_between(&w->rand, 0, 19) : 19;
    size_t rows = rand_between(&w->rand, 0, 3) == 0 ? 1 : SIZE_MAX;
    if (!sweep_plan(s, rows, w->now, &p))
        return;
    sweep_world_pass(w, rand_between(&w->rand, 1, 50) * USEC_MS, 0);
    if (rand_between(&w->rand, 0, 1) == 0)
        read_ahead(w, s, &ahead);
    if (dice >= 4) { /* committed */
        commit(w, feed, &p);
        sweep_committed(s, &p, w->now);
        if (ahead.array != NULL) /* its answer came late */
            sweep_page_ahead(s, &ahead, -1, w->now);
    } else if (dice >= 2) { /* the outcome is lost: committed or not, load anew */
        if (dice == 2)
            commit(w, feed, &p);
        sweep_plan_done(&p);
        page_done(&ahead);
        sweep_world_load(w);
        return;
    } /* else: aborted, planned again */
    page_done(&ahead);
    sweep_plan_done(&p);
}

/* Does what the feed wants. */
static void act(struct sweep_world *w, size_t feed, enum sweep_want want,
                const struct sweep_ask *ask, bool faults, unsigned writes)
{
    if (want == SWEEP_CLOCK)
        sweep_clock(w->sweeps[feed], sweep_world_clock(w) * 1000, w->now, w->now);
    else if (want == SWEEP_DONE)
        close_history(w);
    else if (want == SWEEP_PUBLISH)
        one_transaction(w, feed, faults);
    else if (faults && rand_between(&w->rand, 0, 30) == 0)
        sweep_failed(w->sweeps[feed], true, 0, w->now);
    else
        one_page(w, feed, ask, writes);
}

/* Runs until `until`; returns early when a sweep has stopped. */
void sweep_world_run(struct sweep_world *w, usec_t until, bool faults, unsigned writes)
{
    while (w->now < until) {
        struct sweep_ask asks[FEEDS] = {0};
        struct turn turns[FEEDS];
        usec_t due = 0;
        if (faults && rand_between(&w->rand, 0, 60) == 0)
            sweep_world_load(w);
        for (size_t i = 0; i < FEEDS; i++) {
            turns[i] = (struct turn){.want = SWEEP_SLEEP, .due = USEC_NEVER, .asked = w->asked[i]};
            if (w->sweeps[i] != NULL)
                turns[i].want = sweep_next(w->sweeps[i], w->now, &asks[i], &turns[i].due);
        }
        size_t i = turn_choose(turns, FEEDS, &due);
        if (i == TURN_NOBODY) {
            assert_true(due > w->now);
            sweep_world_pass(w, due - w->now < PAUSE_MAX ? due - w->now : PAUSE_MAX, writes * 3);
        } else if (turns[i].want == SWEEP_STOPPED) {
            return;
        } else {
            act(w, i, turns[i].want, &asks[i], faults, writes);
        }
    }
}

static void check_complete(struct sweep_world *w)
{
    for (size_t i = 0; i < w->count; i++) {
        const struct row *r = &w->rows[i];
        if (r->hidden || r->published == r->mod)
            continue;
        fail_msg("row %s: version %lld (second %lld) exists, %lld is the newest published",
                 r->sys_id, r->mod, (long long)(r->stamp - WORLD_EPOCH), r->published);
    }
}

/* Everything written before is read within two idle polls and the overlap. */
void sweep_world_run_quiet(struct sweep_world *w)
{
    sweep_world_pass(w, w->visible_max + USEC_S, 0);
    sweep_world_run(w, w->now + 300 * USEC_S, false, 0);
    if (sweep_reason(w->sweeps[LIVE])->class != ERR_NONE)
        fail_msg("%s", sweep_reason(w->sweeps[LIVE])->text);
    assert_null(w->sweeps[HISTORY]);
    check_complete(w);
}
