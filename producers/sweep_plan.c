/* The transactions of a sweep: which rows go together with which state. `mark` and `hi` change with
 * what is committed, never before. */
#include <stdlib.h>

#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"
#include "producers/sweep_parts.h"

#define HELD_DELAY (5 * USEC_S)

/* Rows [done, end) of the page with at most max_rows fresh ones; the page's tail of seen rows goes
 * with the last fresh one. */
static size_t chunk_end(const struct sweep *s, size_t max_rows)
{
    size_t i = s->done;
    for (size_t n = 0; i < s->page.count; i++) {
        if (s->fresh[i] && n == max_rows)
            break;
        n += s->fresh[i];
    }
    return i;
}

/* Adds the versions of the chunk that a later sweep may read again. */
static void plan_rows(const struct sweep *s, int64_t floor, struct sweep_plan *p)
{
    p->rows = xcalloc(p->page_end - s->done + 1, sizeof(const struct page_row *));
    for (size_t i = s->done; i < p->page_end; i++) {
        const struct page_row *row = &s->page.rows[i];
        if (!s->fresh[i])
            continue;
        p->rows[p->count++] = row;
        bool ahead = watermark_compare(&row->at, &p->mark) > 0;
        if (!s->o.bounded && row->at.second >= floor)
            p->seen[p->seen_count++] = (struct seen_version){
                .second = row->at.second, .digest = row->digest, .ahead = ahead};
    }
}

/* set_back: the watermark goes back to the cursor. All up to it was read by this sweep, so its end
 * may count at once, and versions that are old by it need no place any more; those between the
 * cursor and the old watermark are ahead of it now. */
static void plan_chunk(const struct sweep *s, size_t max_rows, bool set_back, struct sweep_plan *p)
{
    *p = (struct sweep_plan){.page_end = chunk_end(s, max_rows), .set_back = set_back};
    const struct watermark *cursor = &s->page.rows[p->page_end - 1].at;
    bool reaches = s->pass == PASS_ALL && watermark_compare(cursor, &s->mark) >= 0;
    bool passed = set_back || reaches;
    p->mark = set_back ? *cursor : s->pass == PASS_LATE ? s->mark : sweep_mark_after(s, cursor);
    p->hi = passed ? s->end - s->back : s->hi;
    int64_t floor = p->hi - s->o.overlap - s->o.slack;
    p->seen_from = floor > s->seen_from ? floor : s->seen_from;
    struct seen_keep keep = {.from = set_back && cursor->second < p->seen_from ? cursor->second
                                                                               : p->seen_from,
                             .ahead_from = p->mark.second};
    p->seen = seen_list(s->seen, keep, p->page_end - s->done, &p->seen_count);
    for (size_t i = 0; set_back && i < p->seen_count; i++)
        p->seen[i].ahead = p->seen[i].ahead || p->seen[i].second >= cursor->second;
    plan_rows(s, floor, p);
    seen_sort(p->seen, p->seen_count);
}

static void plan_bounded(const struct sweep *s, size_t max_rows, struct sweep_plan *p)
{
    size_t end = chunk_end(s, max_rows);
    *p = (struct sweep_plan){
        .page_end = end, .mark = s->page.rows[end - 1].at, .hi = s->hi, .seen_from = s->seen_from};
    plan_rows(s, s->hi, p);
}

static bool fits(const struct sweep *s, size_t max_rows, bool set_back, struct sweep_plan *p)
{
    plan_chunk(s, max_rows, set_back, p);
    if (p->seen_count <= s->o.seen_max)
        return true;
    sweep_plan_done(p);
    return false;
}

bool sweep_plan(struct sweep *s, size_t max_rows, usec_t now, struct sweep_plan *ret_plan)
{
    invariant(s->page.array != NULL && max_rows > 0);
    if (max_rows > s->page.count)
        max_rows = s->page.count;
    if (s->o.bounded) {
        plan_bounded(s, max_rows, ret_plan);
        return true;
    }
    for (size_t n = max_rows; n > 0; n /= 2) {
        bool late = s->pass == PASS_ALL &&
                    watermark_compare(&s->page.rows[chunk_end(s, n) - 1].at, &s->mark) < 0;
        if (fits(s, n, false, ret_plan) || (late && fits(s, n, true, ret_plan)))
            return true;
    }
    sweep_drop_page(s);
    sweep_drop_late(s);
    s->sweeping = false;
    s->held = true;
    s->due = now + HELD_DELAY;
    return false;
}

void sweep_position(const struct sweep *s, struct sweep_plan *ret_plan)
{
    struct seen_keep all = {.from = INT64_MIN, .ahead_from = INT64_MIN};
    struct sweep_plan p = {.mark = s->mark, .hi = s->hi, .seen_from = s->seen_from};
    p.seen = seen_list(s->seen, all, 0, &p.seen_count);
    *ret_plan = p;
}

void sweep_plan_done(struct sweep_plan *p)
{
    free(p->rows);
    free(p->seen);
    *p = (struct sweep_plan){0};
}

void sweep_committed(struct sweep *s, const struct sweep_plan *p, usec_t now)
{
    s->mark = p->mark;
    s->hi = p->hi;
    s->seen_from = p->seen_from;
    if (p->set_back) { /* the flags changed */
        s->seen = seen_free(s->seen);
        s->seen = seen_new();
    }
    seen_expire(s->seen, (struct seen_keep){.from = s->seen_from, .ahead_from = s->mark.second});
    for (size_t i = 0; i < p->seen_count; i++)
        seen_add(s->seen, p->seen[i]);
    s->done = p->page_end;
    if (s->done == s->page.count)
        sweep_advance(s, now);
}
