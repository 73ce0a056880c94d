/* Counts and compares; says nothing that was not counted. */
#include "tests/demo/verdict.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"

/* What the simulator holds for one alert. */
struct held {
    size_t incidents;
    const char *state; /* of the last one, borrowed */
};

void verdict_add(struct verdict *v, bool good, const char *what, char *take_numbers)
{
    invariant(v->n < VERDICT_MOST);
    v->findings[v->n++] = (struct finding){.good = good, .what = what, .numbers = take_numbers};
}

static const char *text(const json_t *o, const char *name)
{
    const char *s = json_string_value(json_object_get(o, name));

    return s != NULL ? s : "";
}

static struct held *find_held(const struct board *b, const json_t *incidents)
{
    size_t n = b->feed->alerts_count;
    struct held *held = xcalloc(n, sizeof *held);

    for (size_t r = 0; r < json_array_size(incidents); r++) {
        const json_t *row = json_array_get(incidents, r);

        for (size_t i = 0; i < n; i++) {
            if (strstr(text(row, "description"), b->feed->alerts[i].mark) == NULL)
                continue;
            held[i].incidents++;
            held[i].state = text(row, "state");
        }
    }
    return held;
}

/* ", first missing: demo-0017 (INC0010003)"; new, empty when none is. */
static char *first_missing(const struct board *b, const struct held *held)
{
    for (size_t i = 0; i < b->feed->alerts_count; i++)
        if (held[i].incidents == 0)
            return xasprintf(", first missing: %s (%s; outcome says %s)", b->feed->alerts[i].mark,
                             b->feed->alerts[i].rule,
                             b->tickets[i].number != NULL ? b->tickets[i].number : "no number");
    return xstrdup("");
}

static void judge_incidents(struct verdict *v, const struct board *b, const json_t *incidents)
{
    struct held *held = find_held(b, incidents);
    size_t n = b->feed->alerts_count, one = 0, many = 0, right = 0, resolved = 0, clears = 0;
    char *missing;

    for (size_t i = 0; i < n; i++) {
        bool clear = b->tickets[i].clear_sent;
        bool done = held[i].state != NULL && strcmp(held[i].state, "6") == 0;

        one += held[i].incidents == 1;
        many += held[i].incidents > 1;
        clears += clear;
        resolved += clear && done;
        right += held[i].state != NULL && !clear && strcmp(held[i].state, "1") == 0;
    }
    missing = first_missing(b, held);
    verdict_add(v, one + many == n, "every alert has its incident",
                xasprintf("%zu of %zu%s", one + many, n, missing));
    free(missing);
    verdict_add(v, many == 0 && json_array_size(incidents) == one, "no alert has two",
                xasprintf("%zu incidents, %zu messages sent twice", json_array_size(incidents),
                          b->repeats));
    verdict_add(v, resolved == clears, "every cleared alert is resolved",
                xasprintf("%zu of %zu", resolved, clears));
    verdict_add(v, right == n - clears, "the others are open",
                xasprintf("%zu of %zu", right, n - clears));
    free(held);
}

static void judge_changes(struct verdict *v, const struct board *b)
{
    size_t unknown = 0, missing = 0, behind = board_rows_behind(b);

    for (const struct version *x = b->versions; x != NULL; x = x->hh.next) {
        unknown += x->written == MSEC_NONE;
        missing += x->written != MSEC_NONE && x->in_topics == 0;
    }
    verdict_add(v, behind == 0 && b->rows_changed > 0, "every changed row came back",
                xasprintf("%zu of %zu rows, %zu changes", b->rows_changed - behind, b->rows_changed,
                          b->written));
    verdict_add(
        v, b->republished == 0 && unknown == 0, "no version came twice",
        xasprintf("%zu records, %zu overwritten before read", b->published, missing - behind));
}

void verdict_make(struct verdict *v, const struct board *b, const json_t *incidents)
{
    judge_incidents(v, b, incidents);
    verdict_add(v, b->sent == b->feed->messages_count && b->outcomes == b->sent,
                "every message has its outcome",
                xasprintf("%zu outcomes for %zu messages", b->outcomes, b->sent));
    judge_changes(v, b);
    verdict_add(v, b->dead_letters == 0, "dead letters", xasprintf("%zu", b->dead_letters));
}

bool verdict_good(const struct verdict *v)
{
    for (size_t i = 0; i < v->n; i++)
        if (!v->findings[i].good)
            return false;
    return v->n > 0;
}

static void print_times(struct pen *p, const char *what, const struct times *t)
{
    pen_put(p, INK_PLAIN, "     ");
    pen_cell(p, INK_DIM, 34, what);
    pen_putf(p, INK_DIM, "median %lld ms, 95 of 100 within %lld ms\n",
             (long long)times_part(t, 0.5), (long long)times_part(t, 0.95));
}

void verdict_print(struct pen *p, const struct verdict *v, const struct board *b)
{
    for (size_t i = 0; i < v->n; i++) {
        const struct finding *f = &v->findings[i];

        pen_put(p, INK_PLAIN, "  ");
        pen_cell(p, f->good ? INK_GREEN : INK_RED, 3,
                 pen_glyph(p, f->good ? GLYPH_GOOD : GLYPH_BAD));
        pen_cell(p, f->good ? INK_PLAIN : INK_BOLD, 34, f->what);
        pen_putf(p, f->good ? INK_BOLD : INK_RED, "%s\n", f->numbers);
    }
    print_times(p, "alert sent to incident confirmed", &b->ticket_times);
    print_times(p, "change written to record read", &b->change_times);
}

void verdict_done(struct verdict *v)
{
    for (size_t i = 0; i < v->n; i++)
        free(v->findings[i].numbers);
    *v = (struct verdict){0};
}
