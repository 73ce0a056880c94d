/* What must hold at each commit and at rest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/world_internal.h"

/* ---------------------------------------------------------------- commits (promise 1) */

static bool any_not_older(const struct world *w, unsigned messages, int than)
{
    for (int i = 0; i < w->s.messages; i++)
        if ((messages & BIT(i)) != 0 && !version_newer(&w->version[than], &w->version[i]))
            return true;
    return false;
}

static bool fire_done(const struct world *w, const struct row *row, int message)
{
    if (w->s.marked && (row->ever_closed || row->stamp.rank == 1))
        return true;
    if (w->s.clocks && !w->s.keyed)
        return true;
    return any_not_older(w, row->contents | row->stamps, message) ||
           (row->wish != 0 && row->ever_closed);
}

static bool clear_done(const struct world *w, const struct row *row, int message)
{
    if (w->s.marked)
        return row->ever_closed || row->stamp.rank == 1;
    return any_not_older(w, row->stamps, message);
}

/* Is there a fire of the alert that was written before this message to its partition? */
static bool fired_before(const struct world *w, int message)
{
    const struct world_message *m = &w->s.message[message];

    for (int i = 0; i < message; i++)
        if (w->s.message[i].alert == m->alert && w->s.message[i].partition == m->partition &&
            w->s.message[i].state == ALERT_FIRING && (w->dead_ever & BIT(i)) == 0)
            return true;
    return false;
}

static bool done_in_fact(const struct world *w, int message)
{
    enum alert_state state = w->s.message[message].state;

    if ((w->dead_ever & BIT(message)) != 0 || state == ALERT_NOTE)
        return true;
    for (int i = 0; i < w->rows; i++)
        if (w->row[i].alert == w->s.message[message].alert &&
            (state == ALERT_FIRING ? fire_done(w, &w->row[i], message)
                                   : clear_done(w, &w->row[i], message)))
            return true;
    if (state == ALERT_CLEARED && w->s.marked)
        return w->s.orphan_ignore;
    return state == ALERT_CLEARED && !(w->s.keyed && fired_before(w, message));
}

void check_commit(struct world *w, int partition)
{
    const struct broker *b = &w->broker[partition];
    struct offsets *probe = offsets_new(b->committed, 0);
    struct offsets_loaded note = {0};
    char why[128];

    if (offsets_load(probe, b->committed, b->metadata, &note, why, sizeof why) != 0)
        world_break(w, BREAK_EARLY, "the metadata of the commit cannot be read: %s", why);
    free(note.host);
    for (int i = 0; i < b->length; i++) {
        bool finished = i < b->committed || offsets_receive(probe, (int64_t)i) == OFFSETS_FINISHED;

        if (finished && !done_in_fact(w, b->list[i]))
            world_break(w, BREAK_EARLY, "message %d is committed and not done", b->list[i]);
    }
    (void)offsets_free(probe);
}

/* ---------------------------------------------------------------- rest (promise 2) */

static bool cleared(const struct world *w, int alert)
{
    for (int i = 0; i < w->s.messages; i++)
        if (w->s.message[i].alert == alert && w->s.message[i].state == ALERT_CLEARED &&
            (w->dead & BIT(i)) == 0)
            return true;
    return false;
}

static bool wants_record(const struct world *w, int alert)
{
    for (int i = 0; i < w->s.messages; i++)
        if (w->s.message[i].alert == alert && w->s.message[i].state != ALERT_NOTE &&
            (w->dead & BIT(i)) == 0 &&
            (w->s.message[i].state == ALERT_FIRING || !w->s.orphan_ignore))
            return true;
    return false;
}

static void judge_marked(struct world *w, int alert)
{
    int i = snow_find(w, alert, 0);
    const struct row *row = i < 0 ? NULL : &w->row[i];
    bool right;

    if (alert == w->s.hidden && row != NULL)
        return;
    if (row == NULL || !wants_record(w, alert)) {
        if ((row != NULL) != wants_record(w, alert))
            world_break(w, BREAK_FINAL, "alert %d has %s record", alert,
                        row == NULL ? "no" : "a needless");
        return;
    }
    if (!cleared(w, alert))
        right = row->state == (row->wish == 0 ? RECORD_NEW : row->wish);
    else
        right = row->state == RECORD_RESOLVED || (row->wish != 0 && row->state == row->wish);
    if (!right)
        world_break(w, BREAK_FINAL, "the record of alert %d is in state %d", alert, row->state);
}

static void judge_content(struct world *w, const struct row *row)
{
    if (!row_open(row) || row->newest < 0 || !row->has_content ||
        version_same(&row->content, &w->version[row->newest]))
        return;
    if (w->s.keyed)
        world_break(w, BREAK_CONTENT, "an open record shows an older message than %d", row->newest);
    else
        w->broken |= LIMIT_CONTENT;
}

struct series {   /* what the records of one series look like at rest */
    unsigned had; /* cycles with a record of their own */
    int open;
    bool reopened, acted, held;
};

static struct series look_at_series(const struct world *w, int alert)
{
    struct series s = {0};

    for (int i = 0; i < w->rows; i++) {
        const struct row *row = &w->row[i];

        if (row->alert != alert)
            continue;
        s.had |= BIT(w->s.message[row->opener].cycle);
        s.open += row_open(row);
        s.reopened |= row->reopened;
        s.acted |= row->wish != 0;
        s.held |= row->held;
    }
    return s;
}

static void judge_series(struct world *w, int alert)
{
    struct series s = look_at_series(w, alert);
    unsigned all = BIT(w->s.cycles[alert]) - 1;

    if (s.reopened || s.held)
        return;
    if (s.had != all)
        world_break(w, BREAK_CYCLE, "alert %d: cycles with a record of their own: %x of %x", alert,
                    s.had, all);
    if (s.open != (int)w->s.open[alert] && !(s.acted && s.open < (int)w->s.open[alert]))
        world_break(w, BREAK_FINAL, "alert %d has %d open records", alert, s.open);
}

void check_rest(struct world *w)
{
    for (int a = 0; a < w->s.alerts; a++)
        if (w->s.marked)
            judge_marked(w, a);
        else if (w->s.judged)
            judge_series(w, a);
    for (int i = 0; i < w->rows; i++)
        judge_content(w, &w->row[i]);
}
