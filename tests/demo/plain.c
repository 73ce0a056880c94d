/* Lines for logs and pipes. */
#include "tests/demo/plain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"

#define SHOW_OPENED   8
#define SHOW_RESOLVED 5
#define SHOW_CHANGES  8
#define COUNTS_EACH   (3 * USEC_S)

static void stamp(const struct view *v, usec_t now)
{
    (void)printf("%5.1f s  ", (double)(now - v->start) / (double)USEC_S);
}

static void opened(struct plain *p, const struct view *v, usec_t now)
{
    for (size_t i = p->opened; i < v->board->feed->alerts_count && p->opened < SHOW_OPENED; i++) {
        const struct ticket *t = &v->board->tickets[i];

        if (t->number == NULL)
            return;
        stamp(v, now);
        (void)printf("%s %-4s %s -> %s New (%lld ms)\n", t->of->mark,
                     severity_name(t->of->severity), t->of->rule, t->number,
                     (long long)((t->opened - t->sent) / USEC_MS));
        p->opened = i + 1;
    }
}

static void resolved(struct plain *p, const struct view *v, usec_t now)
{
    for (size_t i = p->resolved; i < v->board->feed->alerts_count && i < SHOW_RESOLVED; i++) {
        const struct ticket *t = &v->board->tickets[i];

        if (t->of->clears && t->state != TICKET_RESOLVED)
            return;
        p->resolved = i + 1;
        if (!t->of->clears)
            continue;
        stamp(v, now);
        (void)printf("%s cleared -> %s Resolved\n", t->of->mark, t->number);
    }
}

static void changed(struct plain *p, const struct view *v, usec_t now)
{
    for (; p->changes < v->board->changes_count && p->changes < SHOW_CHANGES; p->changes++) {
        const struct change *c = &v->board->changes[p->changes % BOARD_CHANGES];

        stamp(v, now);
        (void)printf("%s version %s, %s -> record in %s\n", c->number, c->mod_count, c->state,
                     c->topic);
    }
}

static void counts(struct plain *p, const struct view *v, usec_t now)
{
    const struct board *b = v->board;

    if (now < p->next_counts)
        return;
    if (p->next_counts != 0) {
        stamp(v, now);
        (void)printf(
            "alerts %zu, incidents %zu, resolved %zu, sent twice %zu; changes %zu, records "
            "%zu\n",
            b->fires, b->opened, b->resolved, b->repeats, b->written, b->published);
    }
    p->next_counts = now + COUNTS_EACH;
}

void plain_draw(struct plain *p, const struct view *v, usec_t now)
{
    if (p->phase == NULL || strcmp(p->phase, v->phase) != 0) {
        free(p->phase);
        p->phase = xstrdup(v->phase);
        stamp(v, now);
        (void)printf("%s\n", p->phase);
    }
    if (v->board != NULL) {
        opened(p, v, now);
        resolved(p, v, now);
        changed(p, v, now);
        counts(p, v, now);
    }
    (void)fflush(stdout);
}

void plain_done(struct plain *p)
{
    free(p->phase);
    *p = (struct plain){0};
}
