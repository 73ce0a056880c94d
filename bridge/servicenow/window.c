/* The request window: two mechanisms side by side. Feedback moves the size: up by one after a full
 * window of successes, down at the first congestion of a cohort (the requests that were under way
 * then are not counted again), by half when half of a cohort was throttled. Closing ends all
 * requests: after a cohort of failures without a success between, for a time that grows with a
 * penalty, or for as long as the instance asked; then one probe decides. The penalty falls by a
 * point a minute of being open. Does not know items, attempts or delays of single records. */
#include "bridge/servicenow/window.h"

#include <limits.h>
#include <stdlib.h>

#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"

#define START           4u
#define LEAST_FAILURES  3u /* closes a window of less than this only after that many */
#define PENALTY_MAX     6u
#define PENALTY_DECAY   (60 * USEC_S)
#define CLOSE_BASE      (2 * USEC_S)
#define CLOSE_MAX       (60 * USEC_S)
#define RETRY_AFTER_MAX (3600 * USEC_S)
#define HOUR            (3600 * USEC_S)
#define RATE_MAX        1000000000   /* no rule worth minding */
#define KEPT_PART       4            /* of an even pace is left to alerts */
#define RETRY_SPREAD    (5 * USEC_S) /* several bridges shall not come back at once */

struct window {
    unsigned size, max, credit;
    unsigned in_flight[2];
    bool waiting[2];
    enum window_state state; /* never BARRED: that lies above it */
    bool probing;
    bool failed, asked; /* why it is not open; both may hold */
    usec_t until, opened;
    unsigned penalty;
    unsigned failures, limit;              /* since the last success; how many close */
    unsigned cohort, cohort_left, refused; /* after a decrease: requests of before it */
    char *reason, *barred;                 /* NULL: open; not barred */
    long long rate_limit, rate_used;       /* of an hourly rule; 0: none known */
    usec_t rate_reset;
    struct rand rand;
};

struct window *window_new(unsigned max, uint64_t seed)
{
    struct window *w = xcalloc(1, sizeof *w);

    w->max = max > 0 ? max : 1;
    w->size = w->max < START ? w->max : START;
    w->until = USEC_NEVER;
    rand_seed(&w->rand, seed);
    return w;
}

struct window *window_free(struct window *w)
{
    if (w == NULL)
        return NULL;
    free(w->reason);
    free(w->barred);
    free(w);
    return NULL;
}

unsigned window_in_flight(const struct window *w)
{
    return w->in_flight[WINDOW_ALERTS] + w->in_flight[WINDOW_SYNC];
}

/* How many of the slots this class may hold at once. */
static unsigned share(const struct window *w, enum window_class c)
{
    unsigned kept = w->size / 4;

    if (c == WINDOW_SYNC)
        return w->waiting[WINDOW_ALERTS] ? kept : w->size;
    return w->waiting[WINDOW_SYNC] ? w->size - kept : w->size;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned less(unsigned a, unsigned b)
{
    return a > b ? a - b : 0;
}

void window_rate(struct window *w, long long limit, usec_t reset, usec_t now)
{
    if (limit <= 0 || reset <= now)
        return;
    if (limit > RATE_MAX)
        limit = RATE_MAX;
    /* Several rules may be at work: that of fewest requests counts until its hour is over. The same
     * end is told with a second's difference, as the answers carry whole seconds. */
    if (now >= w->rate_reset || reset > w->rate_reset + 2 * USEC_S) {
        w->rate_limit = limit;
        w->rate_used = 0;
    } else if (limit < w->rate_limit) {
        w->rate_limit = limit;
    }
    w->rate_reset = reset;
    w->rate_used++;
}

void window_budget(const struct window *w, usec_t now, struct window_budget *ret)
{
    *ret = (struct window_budget){.reset = USEC_NEVER};
    if (w->rate_limit == 0 || now >= w->rate_reset)
        return;
    ret->limit = w->rate_limit;
    ret->left = w->rate_used < w->rate_limit ? w->rate_limit - w->rate_used : 0;
    ret->reset = w->rate_reset;
}

/* What has to stay for alerts: a part of an even pace until the reset. It shrinks with the time, so
 * that sync is slowed down and never stopped for the whole hour. */
static long long kept_for_alerts(const struct window_budget *b, usec_t now)
{
    long long ahead_s = usec_min(b->reset - now, HOUR) / USEC_S;
    long long whole = HOUR / USEC_S * KEPT_PART;

    return (b->limit * ahead_s + whole - 1) / whole;
}

/* How many requests sync may take out of the budget. */
static unsigned budget_room(const struct window *w, usec_t now)
{
    struct window_budget b;
    long long room;

    window_budget(w, now, &b);
    if (b.limit == 0)
        return UINT_MAX;
    room =
        b.left - kept_for_alerts(&b, now) - w->in_flight[WINDOW_ALERTS] - w->in_flight[WINDOW_SYNC];
    return room <= 0 ? 0 : room > UINT_MAX ? UINT_MAX : (unsigned)room;
}

usec_t window_budget_next(const struct window *w, usec_t now)
{
    struct window_budget b;

    if (budget_room(w, now) > 0)
        return USEC_NEVER;
    window_budget(w, now, &b);
    return usec_min(b.reset, now + USEC_S);
}

unsigned window_room(struct window *w, enum window_class c, bool waiting, usec_t now)
{
    unsigned free_slots, own;

    w->waiting[c] = waiting;
    if (w->barred != NULL)
        return 0;
    if (w->state == WINDOW_CLOSED && now >= w->until)
        w->state = WINDOW_HALF_OPEN;
    if (w->state == WINDOW_HALF_OPEN)
        return window_in_flight(w) == 0 && (c == WINDOW_ALERTS || !w->waiting[WINDOW_ALERTS]);
    if (w->state != WINDOW_OPEN)
        return 0;
    free_slots = less(w->size, window_in_flight(w));
    own = less(share(w, c), w->in_flight[c]);
    if (c == WINDOW_SYNC)
        own = least(own, budget_room(w, now));
    return least(free_slots, own);
}

void window_start(struct window *w, enum window_class c, usec_t now)
{
    (void)now;
    if (w->state == WINDOW_HALF_OPEN && window_in_flight(w) == 0)
        w->probing = true;
    w->in_flight[c]++;
}

static const char *text_of(const char *reason)
{
    return reason == NULL || *reason == '\0' ? "no reason was given" : reason;
}

static void set_reason(char **slot, char *text)
{
    free(*slot);
    *slot = text;
}

static void forget_cohort(struct window *w)
{
    w->failures = w->credit = w->cohort = w->cohort_left = w->refused = 0;
}

static void close_until(struct window *w, usec_t until)
{
    if (w->state != WINDOW_CLOSED || until > w->until)
        w->until = until;
    w->state = WINDOW_CLOSED;
    forget_cohort(w);
}

/* The penalty as it is now, after the time that the window was open. */
static unsigned decayed(const struct window *w, usec_t now)
{
    usec_t points = w->state == WINDOW_OPEN ? (now - w->opened) / PENALTY_DECAY : 0;

    return points >= w->penalty ? 0 : w->penalty - (unsigned)points;
}

static void close_failed(struct window *w, unsigned failures, const char *reason, usec_t now)
{
    usec_t delay;

    w->penalty = decayed(w, now) + 1;
    if (w->penalty > PENALTY_MAX)
        w->penalty = PENALTY_MAX;
    delay = usec_min(CLOSE_MAX, CLOSE_BASE * w->penalty * w->penalty);
    delay -= rand_between(&w->rand, 0, delay / 4);
    w->failed = true;
    w->asked = false;
    close_until(w, usec_add(now, delay));
    if (failures > 1)
        set_reason(&w->reason, xasprintf("%u requests in a row failed, the last one: %s", failures,
                                         text_of(reason)));
    else
        set_reason(&w->reason, xasprintf("the probe failed: %s", text_of(reason)));
}

/* Not the instance's fault and no doubt about its health: no penalty, the size stays. */
static void close_asked(struct window *w, usec_t retry_after, const char *reason, usec_t now)
{
    usec_t asked = usec_min(retry_after, RETRY_AFTER_MAX);
    usec_t spread = usec_min(asked / 16, RETRY_SPREAD);
    usec_t delay = usec_min(asked + rand_between(&w->rand, 0, spread), RETRY_AFTER_MAX);

    if (w->state == WINDOW_OPEN)
        w->penalty = decayed(w, now);
    w->asked = true;
    close_until(w, usec_add(now, delay));
    set_reason(&w->reason, xasprintf("the instance asked for a pause of %lld s: %s",
                                     (long long)((asked + USEC_S - 1) / USEC_S), text_of(reason)));
}

static void open_again(struct window *w, usec_t now)
{
    if (w->failed && w->size > START)
        w->size = START;
    w->state = WINDOW_OPEN;
    w->failed = w->asked = false;
    w->until = USEC_NEVER;
    w->opened = now;
    forget_cohort(w);
    set_reason(&w->reason, NULL);
}

static void shrink_to(struct window *w, unsigned size)
{
    w->size = size > 0 ? size : 1;
    w->credit = 0;
}

/* Shrinks by one at once; what was under way then tells nothing new, except that a cohort of which
 * half is throttled shows a capacity far below the size. */
static void shrink(struct window *w, enum window_result r, unsigned before)
{
    if (w->cohort_left == 0) {
        w->cohort = before;
        w->cohort_left = before;
        w->refused = 0;
        shrink_to(w, less(w->size, 1));
    }
    if (r == WINDOW_THROTTLED && ++w->refused == (w->cohort + 1) / 2 && w->cohort > 1)
        shrink_to(w, (w->size + 1) / 2);
}

static void failure(struct window *w, enum window_result r, unsigned before, const char *reason,
                    usec_t now)
{
    if (w->failures++ == 0)
        w->limit = w->size > LEAST_FAILURES ? w->size : LEAST_FAILURES;
    shrink(w, r, before);
    if (w->failures >= w->limit)
        close_failed(w, w->failures, reason, now);
}

/* Grows only while the window is nearly used: room that nobody needs proves nothing; nor do the
 * requests that were under way at the last decrease. */
static void success(struct window *w, unsigned before)
{
    w->failures = 0;
    if (w->size >= w->max || before + START <= w->size || w->cohort_left > 0)
        return;
    if (++w->credit >= w->size) {
        w->size++;
        w->credit = 0;
    }
}

/* The end of a request while the window is closed or half open: the probe, or one of before. */
static void ended_closed(struct window *w, enum window_result r, bool probe, const char *reason,
                         usec_t now)
{
    if (r == WINDOW_SUCCESS) {
        if (w->state == WINDOW_HALF_OPEN)
            open_again(w, now);
        else if (!w->asked) /* it lives: ask at once, with one request */
            w->until = usec_min(w->until, now);
    } else if (r != WINDOW_NEUTRAL && probe) {
        close_failed(w, 1, reason, now);
    }
}

void window_end(struct window *w, enum window_class c, enum window_result r, usec_t retry_after,
                const char *reason, usec_t now)
{
    unsigned before = window_in_flight(w);
    bool probe = w->probing;

    invariant(w->in_flight[c] > 0);
    w->in_flight[c]--;
    w->probing = false;
    if (retry_after > 0 && (r == WINDOW_THROTTLED || r == WINDOW_FAILED))
        close_asked(w, retry_after, reason, now);
    else if (w->state != WINDOW_OPEN)
        ended_closed(w, r, probe, reason, now);
    else if (r == WINDOW_SUCCESS)
        success(w, before);
    else if (r != WINDOW_NEUTRAL)
        failure(w, r, before, reason, now);
    if (w->cohort_left > 0)
        w->cohort_left--;
}

void window_bar(struct window *w, const char *reason)
{
    set_reason(&w->barred, xstrdup(text_of(reason)));
}

void window_unbar(struct window *w)
{
    set_reason(&w->barred, NULL);
}

enum window_state window_state(const struct window *w)
{
    return w->barred != NULL ? WINDOW_BARRED : w->state;
}

const char *window_state_name(enum window_state s)
{
    static const char *const names[] = {
        [WINDOW_OPEN] = "open",
        [WINDOW_CLOSED] = "closed",
        [WINDOW_HALF_OPEN] = "half open",
        [WINDOW_BARRED] = "barred",
    };

    return (size_t)s < ARRAY_LEN(names) ? names[s] : "unknown";
}

unsigned window_size(const struct window *w)
{
    return w->size;
}

const char *window_reason(const struct window *w)
{
    const char *reason = w->barred != NULL ? w->barred : w->reason;

    return reason != NULL ? reason : "";
}

usec_t window_until(const struct window *w)
{
    return w->barred != NULL ? USEC_NEVER : w->until;
}

usec_t window_next(const struct window *w)
{
    return w->barred == NULL && w->state == WINDOW_CLOSED ? w->until : USEC_NEVER;
}
