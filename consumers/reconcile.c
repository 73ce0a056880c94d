/* The decision table of a lane. Two halves: marked formats (the message names its cycle, one
 * record) and unmarked ones (a series of generations). Nothing here may decide from a ledger what
 * only a fresh read can tell. */
#include "consumers/reconcile.h"

#include <string.h>

#define NONE SIZE_MAX

static struct decision decide(enum action action, size_t consumed, const char *why)
{
    return (struct decision){.action = action,
                             .consumed = consumed,
                             .fire = NONE,
                             .clear = NONE,
                             .until = USEC_NEVER,
                             .why = why};
}

static struct decision wait_until(usec_t until, const char *why)
{
    struct decision d = decide(ACT_WAIT, 0, why);

    d.until = until;
    return d;
}

static struct decision act(enum action action, size_t consumed, size_t fire, size_t clear,
                           uint32_t generation)
{
    struct decision d = decide(action, consumed, action_name(action));

    d.fire = fire;
    d.clear = clear;
    d.generation = generation;
    return d;
}

/* Newest of facts[from..to) whose state is one of `states` (bit set); NONE when there is none. */
static size_t newest(const struct fact *facts, size_t from, size_t to, unsigned states)
{
    size_t best = NONE;

    for (size_t i = from; i < to; i++)
        if ((states & (1u << facts[i].state)) != 0 &&
            (best == NONE || !version_newer(&facts[best].version, &facts[i].version)))
            best = i;
    return best;
}

#define FIRES  (1u << ALERT_FIRING)
#define CLEARS (1u << ALERT_CLEARED)

static struct decision because(struct decision d, const char *why)
{
    d.why = why;
    return d;
}

static const struct config_life *life_of(const struct reconcile *r, size_t index)
{
    static const struct config_life plain;

    return r->facts[index].life != NULL ? r->facts[index].life : &plain;
}

/* A record is never made resolved, nor moved by this clear. */
static bool clear_leaves(const struct reconcile *r, size_t clear)
{
    return clear != NONE && (life_of(r, clear)->on_clear == ON_CLEAR_NOTE ||
                             life_of(r, clear)->on_clear == ON_CLEAR_NOTHING);
}

/* What a clear does to an open record. */
static struct decision clear_open(const struct reconcile *r, size_t consumed, size_t clear,
                                  uint32_t generation)
{
    struct decision note = act(ACT_HOLD_NOTE, consumed, NONE, clear, generation);
    enum config_on_clear wanted = life_of(r, clear)->on_clear;

    if (wanted == ON_CLEAR_NOTHING)
        return because(act(ACT_STAMP, consumed, NONE, clear, generation), "nothing-wanted");
    if (wanted == ON_CLEAR_NOTE)
        return because(note, "note-only");
    if (r->record->state == RECORD_ON_HOLD)
        return because(note, "on-hold");
    if (wanted == ON_CLEAR_RESOLVE_UNTOUCHED && r->record->touched)
        return because(note, "touched");
    return act(ACT_RESOLVE, consumed, NONE, clear, generation);
}

/* When the last of these clears may be acted on; 0: now. */
static usec_t clears_due(const struct reconcile *r, size_t from, size_t to)
{
    usec_t due = 0;

    for (size_t i = from; i < to; i++)
        if (r->facts[i].state == ALERT_CLEARED && r->facts[i].due > due)
            due = r->facts[i].due;
    return due > r->now ? due : 0;
}

/* A note leaves no version of its own in the record. One that is older than what the record shows
 * of content or clear was dealt with before these were, since a lane is in order. */
static bool note_before(const struct record *r, const struct version *v)
{
    return (r->has_content && !version_newer(v, &r->content)) ||
           (r->has_stamp && r->stamp.rank == 1 && !version_newer(v, &r->stamp.version));
}

/* A note at the head, of a record that is there: a work note and nothing else, whatever the state,
 * since the analysis of a cause comes when all is over; but closed is closed. */
static struct decision remark(const struct reconcile *r, uint32_t generation)
{
    if (note_before(r->record, &r->facts[0].version))
        return decide(ACT_NOTHING, 1, "applied");
    if (r->record->state == RECORD_CLOSED || r->record->state == RECORD_CANCELED)
        return decide(ACT_NOTHING, 1, "closed");
    return act(ACT_REMARK, 1, 0, NONE, generation);
}

/* How many facts one step is about: up to the first note behind the last clear. Notes in front of a
 * clear do not hold it up. */
static size_t step_end(const struct reconcile *r)
{
    size_t i = r->count, end = r->count;

    for (; i > 0 && r->facts[i - 1].state != ALERT_CLEARED; i--)
        if (r->facts[i - 1].state == ALERT_NOTE)
            end = i - 1;
    return end > 0 ? end : 1;
}

/* ---------------------------------------------------------------- marked */

static bool content_applied(const struct record *r, const struct version *v)
{
    return r->has_content && !version_newer(v, &r->content);
}

static bool marked_applied(const struct record *r, const struct fact *f)
{
    if (f->state == ALERT_NOTE)
        return note_before(r, &f->version);
    if (record_cleared(r))
        return true; /* a clear is newer than every fire of its instance */
    return f->state != ALERT_CLEARED && content_applied(r, &f->version);
}

static struct decision marked_create(const struct reconcile *r, size_t fire, size_t clear)
{
    if (clear == NONE || clear_leaves(r, clear))
        return act(ACT_CREATE, r->count, fire, NONE, 0);
    return act(ACT_CREATE_RESOLVED, r->count, fire, clear, 0);
}

static struct decision marked_absent(const struct reconcile *r, size_t fire, size_t clear)
{
    if (r->refused)
        return decide(ACT_DEAD, r->count, "hidden");
    if (r->known_before)
        return decide(ACT_NOTHING, r->count, "deleted");
    if (fire != NONE)
        return marked_create(r, fire, clear);
    if (clear == NONE || clear_leaves(r, clear))
        return decide(ACT_NOTHING, r->count, "no-record");
    if (r->facts[clear].fired != MSEC_NONE && r->cut != MSEC_NONE && r->facts[clear].fired < r->cut)
        return decide(ACT_NOTHING, r->count, "before-cut");
    if (r->orphan_ignore)
        return decide(ACT_NOTHING, r->count, "orphan");
    if (r->now < r->clear_wait_until)
        return wait_until(r->clear_wait_until, "clear-wait");
    return act(ACT_CREATE_RESOLVED, r->count, clear, clear, 0);
}

static struct decision marked_cleared(const struct reconcile *r, size_t clear)
{
    if (!record_open(r->record))
        return act(ACT_STAMP, r->count, NONE, clear, 0);
    return clear_open(r, r->count, clear, 0);
}

static struct decision marked_content(const struct reconcile *r)
{
    size_t content = newest(r->facts, 0, r->count, FIRES);

    if (!record_open(r->record))
        return decide(ACT_NOTHING, r->count, "late");
    if (content_applied(r->record, &r->facts[content].version))
        return decide(ACT_NOTHING, r->count, "applied");
    if (r->now < r->settle_until)
        return wait_until(r->settle_until, "settle");
    return act(ACT_UPDATE, r->count, content, NONE, 0);
}

static bool ledger_says_nothing(const struct reconcile *r,
                                bool (*applied)(const struct record *, const struct fact *))
{
    if (r->sight != SIGHT_LEDGER)
        return false;
    for (size_t i = 0; i < r->count; i++)
        if (!applied(r->record, &r->facts[i]))
            return false;
    return true;
}

static struct decision marked_step(const struct reconcile *r)
{
    size_t fire = newest(r->facts, 0, r->count, FIRES);
    size_t clear = newest(r->facts, 0, r->count, CLEARS);

    if (ledger_says_nothing(r, marked_applied))
        return decide(ACT_NOTHING, r->count, "applied");
    if (r->sight == SIGHT_NEVER && fire != NONE && !r->read_first)
        return marked_create(r, fire, clear);
    if (r->sight == SIGHT_NEVER || r->sight == SIGHT_LEDGER)
        return decide(ACT_READ, 0, "read");
    if (r->sight == SIGHT_ABSENT)
        return marked_absent(r, fire, clear);
    if (fire == NONE && clear == NONE)
        return remark(r, 0);
    if (record_cleared(r->record))
        return decide(ACT_NOTHING, r->count, clear == NONE ? "late" : "applied");
    if (clear != NONE)
        return marked_cleared(r, clear);
    return marked_content(r);
}

static size_t first_clear(const struct reconcile *r)
{
    size_t i = 0;

    while (i < r->count && r->facts[i].state != ALERT_CLEARED)
        i++;
    return i;
}

/* Where a clear has to wait, or leaves the state alone, what came before it is a step of its own.
 */
static struct decision reconcile_marked(const struct reconcile *r)
{
    struct reconcile step = *r;
    size_t first = first_clear(r), newest_clear = newest(r->facts, 0, r->count, CLEARS);
    usec_t due = clears_due(r, 0, r->count);

    step.count = step_end(r);
    if (due > 0 && first == 0)
        return wait_until(due, "clear-delay");
    if ((due > 0 || clear_leaves(r, newest_clear)) && first > 0 && first < step.count)
        step.count = first;
    return marked_step(&step);
}

/* ---------------------------------------------------------------- unmarked */

static bool unmarked_applied(const struct record *r, const struct fact *f)
{
    if (r->has_stamp && !version_newer(&f->version, &r->stamp.version))
        return true;
    return f->state != ALERT_CLEARED && content_applied(r, &f->version);
}

/* The head group: fires, then the clears right behind them; or one note. */
struct group {
    size_t fires_end, end;
    size_t fire, clear;
    bool fold;  /* the clear ends what the fire begins: both are one step */
    usec_t due; /* clears only: when they may be acted on; 0: now */
};

/* Is there a fire behind the clears of the group that is newer than they are? */
static bool fires_again(const struct reconcile *r, const struct group *g)
{
    size_t fire = newest(r->facts, g->end, r->count, FIRES);

    return fire != NONE && version_newer(&r->facts[fire].version, &r->facts[g->clear].version);
}

/* Clears that have to wait are no part of the step of the fires in front of them. */
static void split_group(const struct reconcile *r, struct group *g)
{
    g->due = clears_due(r, g->fires_end, g->end);
    if (g->fires_end == 0 || (g->due == 0 && !clear_leaves(r, g->clear)))
        return;
    g->end = g->fires_end;
    g->clear = NONE;
    g->due = 0;
}

static struct group head_group(const struct reconcile *r)
{
    struct group g = {0};

    while (g.fires_end < r->count && r->facts[g.fires_end].state == ALERT_FIRING)
        g.fires_end++;
    if (r->facts[0].state == ALERT_NOTE)
        g.fires_end = 1;
    g.end = g.fires_end;
    while (g.end < r->count && r->facts[g.end].state == ALERT_CLEARED &&
           r->facts[0].state != ALERT_NOTE)
        g.end++;
    g.fire = newest(r->facts, 0, g.fires_end, FIRES);
    g.clear = newest(r->facts, g.fires_end, g.end, CLEARS);
    split_group(r, &g);
    g.fold = g.fire != NONE && g.clear != NONE &&
             version_newer(&r->facts[g.clear].version, &r->facts[g.fire].version);
    return g;
}

static struct decision open_generation(const struct group *g, uint32_t generation)
{
    if (g->fold)
        return act(ACT_CREATE_RESOLVED, g->end, g->fire, g->clear, generation);
    return act(ACT_CREATE, g->fires_end, g->fire, NONE, generation);
}

static struct decision unmarked_absent(const struct reconcile *r, const struct group *g)
{
    if (r->refused)
        return decide(ACT_DEAD, r->count, "hidden");
    if (g->fire == NONE)
        return decide(ACT_NOTHING, g->end, "no-record");
    return open_generation(g, 1);
}

/* A clear that a newer fire cancelled while it waited, read once more. */
static bool overtaken(const struct reconcile *r, const struct version *clear)
{
    return r->delays && r->record->has_content && version_newer(&r->record->content, clear);
}

static struct decision unmarked_open(const struct reconcile *r, const struct group *g)
{
    const struct record *rec = r->record;
    uint32_t generation = rec->stamp.generation;
    bool clear_counts = g->clear != NONE &&
                        version_newer(&r->facts[g->clear].version, &rec->stamp.version) &&
                        !overtaken(r, &r->facts[g->clear].version);
    size_t content = g->fire;

    if (clear_counts && (g->fires_end == 0 || g->fold))
        return clear_open(r, g->end, g->clear, generation);
    if (content == NONE)
        return decide(ACT_NOTHING, g->end, "applied");
    if (content_applied(rec, &r->facts[content].version) ||
        !version_newer(&r->facts[content].version, &rec->stamp.version))
        return decide(ACT_NOTHING, g->fires_end, "applied");
    if (r->now < r->settle_until)
        return wait_until(r->settle_until, "settle");
    return act(ACT_UPDATE, g->fires_end, content, NONE, generation);
}

/* The next cycle: a record of its own, or the last one again where it is wanted and young enough. A
 * fire that is cleared already opens nothing again. */
static struct decision fires_anew(const struct reconcile *r, const struct group *g,
                                  const struct fact *fire)
{
    const struct record *rec = r->record;
    const struct config_life *life = life_of(r, g->fire);
    uint32_t generation = rec->stamp.generation;

    if (life->refire == REFIRE_NEW || rec->state != RECORD_RESOLVED || rec->closed == MSEC_NONE ||
        fire->own_time - rec->closed > life->reopen_within)
        return open_generation(g, generation + 1);
    if (life->refire == REFIRE_NOTE || g->fold)
        return act(ACT_REFIRE_NOTE, g->fires_end, g->fire, NONE, generation);
    return act(ACT_REOPEN, g->fires_end, g->fire, NONE, generation);
}

static struct decision unmarked_closed(const struct reconcile *r, const struct group *g)
{
    const struct record *rec = r->record;
    const struct fact *fire = g->fire == NONE ? NULL : &r->facts[g->fire];

    if (fire != NULL && version_newer(&fire->version, &rec->stamp.version) &&
        (rec->stamp.rank == 1 || (rec->closed != MSEC_NONE && fire->own_time > rec->closed)))
        return fires_anew(r, g, fire);
    if (g->fires_end > 0)
        return decide(ACT_NOTHING, g->fires_end, "late");
    if (version_newer(&r->facts[g->clear].version, &rec->stamp.version))
        return act(ACT_STAMP, g->end, NONE, g->clear, rec->stamp.generation);
    return decide(ACT_NOTHING, g->end, "applied");
}

static struct decision reconcile_unmarked(const struct reconcile *r)
{
    struct group g = head_group(r);

    if (ledger_says_nothing(r, unmarked_applied))
        return decide(ACT_NOTHING, r->count, "applied");
    if (g.due > 0)
        return fires_again(r, &g) ? decide(ACT_NOTHING, g.end, "flapped")
                                  : wait_until(g.due, "clear-delay");
    if (r->sight == SIGHT_NEVER || r->sight == SIGHT_LEDGER)
        return decide(ACT_READ, 0, "read");
    if (r->sight == SIGHT_ABSENT)
        return unmarked_absent(r, &g);
    if (!r->record->has_stamp)
        return decide(ACT_DEAD, r->count, "stamp-damaged");
    if (r->facts[0].state == ALERT_NOTE)
        return remark(r, r->record->stamp.generation);
    /* A reopening whose answer was lost may still land, over whatever is written now. */
    if (r->reopens && r->now < r->settle_until)
        return wait_until(r->settle_until, "settle");
    return record_open(r->record) ? unmarked_open(r, &g) : unmarked_closed(r, &g);
}

/* A record that is over already needs no stamp where there is no place for one. */
static struct decision without_stamp(struct decision d)
{
    if (d.action != ACT_STAMP)
        return d;
    d.action = ACT_NOTHING;
    d.clear = NONE;
    d.why = d.why == action_name(ACT_STAMP) ? "applied" : d.why;
    return d;
}

struct decision reconcile(const struct reconcile *r)
{
    if (r->no_state || (r->no_stamp && !r->marked))
        return decide(ACT_DEAD, r->count, "table-columns");
    if (r->no_stamp)
        return without_stamp(reconcile_marked(r));
    return r->marked ? reconcile_marked(r) : reconcile_unmarked(r);
}

const char *action_name(enum action a)
{
    static const char *const names[] = {
        [ACT_READ] = "read",
        [ACT_CREATE] = "create",
        [ACT_CREATE_RESOLVED] = "create-resolved",
        [ACT_UPDATE] = "update",
        [ACT_RESOLVE] = "resolve",
        [ACT_STAMP] = "stamp",
        [ACT_HOLD_NOTE] = "note",
        [ACT_REOPEN] = "reopen",
        [ACT_REFIRE_NOTE] = "refire-note",
        [ACT_REMARK] = "remark",
        [ACT_NOTHING] = "nothing",
        [ACT_WAIT] = "wait",
        [ACT_DEAD] = "dead",
    };

    return (size_t)a < ARRAY_LEN(names) ? names[a] : "unknown";
}
