/* Received records have numbers in a row (the tickets); they stand in segments of 512 with a bit
 * each for "finished", and with their offsets only where the offsets are not consecutive.
 * Invariants: `head` is the lowest unfinished record, or `next`; everything below it is dropped;
 * offsets rise with the numbers; `position` is above them all. What a loaded map knows beyond the
 * position stays in `loaded` until it is received or turns out not to exist. */
#include "consumers/offsets.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"
#include "consumers/offsets_map.h"

#define SEGMENT   512u
#define WORD_BITS 64u

struct segment {
    int64_t base;     /* offset of the first record */
    int64_t *offsets; /* of each record; NULL while they are base, base + 1, ... */
    unsigned used, finished;
    uint64_t done[SEGMENT / WORD_BITS];
};

struct offsets {
    uint64_t epoch;
    struct segment **ring; /* segment number n stands at n % capacity */
    size_t capacity;       /* a power of two, or 0 */
    uint64_t first;        /* number of the oldest segment */
    uint64_t head, next;
    size_t unfinished;
    int64_t start, position, committed;
    int64_t top; /* no finished offset is at or above it */
    struct offsets_runs loaded;
    size_t loaded_next;                /* runs before it are passed */
    uint64_t changes, written, stored; /* finished so far; when last written; when confirmed */
    struct {
        size_t chars, max; /* length of the map, and for which limit it was asked */
        uint64_t changes;
    } measured;
    uint64_t steps;
};

struct offsets *offsets_new(int64_t position, uint64_t epoch)
{
    struct offsets *o = xcalloc(1, sizeof *o);

    o->epoch = epoch;
    o->start = o->position = o->top = position;
    o->committed = OFFSETS_NONE;
    o->measured.chars = 1;
    return o;
}

static void segment_free(struct segment *s)
{
    free(s->offsets);
    free(s);
}

/* Segments that exist: numbers first to this, exclusive. */
static uint64_t segments_end(const struct offsets *o)
{
    return (o->next + SEGMENT - 1) / SEGMENT;
}

static struct segment *segment_number(const struct offsets *o, uint64_t number)
{
    return o->ring[number & (o->capacity - 1)];
}

static struct segment *segment_of(const struct offsets *o, uint64_t ticket)
{
    return segment_number(o, ticket / SEGMENT);
}

struct offsets *offsets_free(struct offsets *o)
{
    if (o == NULL)
        return NULL;
    for (uint64_t n = o->first; n < segments_end(o); n++)
        segment_free(segment_number(o, n));
    offsets_runs_done(&o->loaded);
    free(o->ring);
    free(o);
    return NULL;
}

uint64_t offsets_epoch(const struct offsets *o)
{
    return o->epoch;
}

static int64_t segment_offset(const struct segment *s, unsigned i)
{
    return s->offsets != NULL ? s->offsets[i] : s->base + i;
}

/* The first record from `i` on whose bit is `done`, or s->used. */
static unsigned segment_find(struct offsets *o, const struct segment *s, unsigned i, bool done)
{
    while (i < s->used) {
        uint64_t word = s->done[i / WORD_BITS];

        word = (done ? word : ~word) >> i % WORD_BITS;
        o->steps++;
        if (word != 0) {
            i += (unsigned)__builtin_ctzll(word);
            break;
        }
        i = (i | (WORD_BITS - 1)) + 1;
    }
    return i < s->used ? i : s->used;
}

static void ring_grow(struct offsets *o)
{
    size_t capacity = o->capacity == 0 ? 4 : 2 * o->capacity;
    struct segment **ring = xcalloc(capacity, sizeof(struct segment *));

    for (uint64_t n = o->first; n < segments_end(o); n++, o->steps++)
        ring[n & (capacity - 1)] = segment_number(o, n);
    free(o->ring);
    o->ring = ring;
    o->capacity = capacity;
}

static struct segment *segment_push(struct offsets *o, int64_t base)
{
    struct segment *s = xcalloc(1, sizeof *s);
    uint64_t number = o->next / SEGMENT;

    if (number - o->first == o->capacity)
        ring_grow(o);
    s->base = base;
    o->ring[number & (o->capacity - 1)] = s;
    return s;
}

static void segment_widen(struct offsets *o, struct segment *s)
{
    int64_t *offsets = xmalloc(SEGMENT * sizeof *offsets);

    for (unsigned i = 0; i < s->used; i++, o->steps++)
        offsets[i] = s->base + i;
    s->offsets = offsets;
}

static uint64_t append(struct offsets *o, int64_t offset)
{
    unsigned i = (unsigned)(o->next % SEGMENT);
    struct segment *s = i == 0 ? segment_push(o, offset) : segment_of(o, o->next);

    if (s->offsets == NULL && offset != s->base + i)
        segment_widen(o, s);
    if (s->offsets != NULL)
        s->offsets[i] = offset;
    s->used++;
    o->unfinished++;
    return o->next++;
}

/* Does the loaded map hold it? Runs below it are of no more use: offsets rise. */
static bool loaded_has(struct offsets *o, int64_t offset)
{
    while (o->loaded_next < o->loaded.count) {
        const struct offsets_run *run = &o->loaded.items[o->loaded_next];

        if (offset < run->first + run->count)
            return offset >= run->first;
        o->loaded_next++;
        o->steps++;
    }
    if (o->loaded.count > 0) {
        offsets_runs_done(&o->loaded);
        o->loaded_next = 0;
    }
    return false;
}

uint64_t offsets_receive(struct offsets *o, int64_t offset)
{
    bool finished;
    uint64_t ticket;

    if (offset < o->position || offset == INT64_MAX)
        panic("offset %lld was read where %lld or a later one was due", (long long)offset,
              (long long)o->position);
    finished = loaded_has(o, offset);
    ticket = append(o, offset);
    o->position = offset + 1;
    o->steps++;
    if (!finished)
        return ticket;
    offsets_done(o, ticket);
    return OFFSETS_FINISHED;
}

/* Moves the head over finished records and frees the segments that it leaves. */
static void advance(struct offsets *o)
{
    while (o->head < o->next) {
        struct segment *s = segment_of(o, o->head);
        unsigned from = (unsigned)(o->head % SEGMENT), to = segment_find(o, s, from, false);

        o->head += to - from;
        if (to < SEGMENT)
            break;
        segment_free(s);
        o->first++;
    }
}

void offsets_done(struct offsets *o, uint64_t ticket)
{
    struct segment *s;
    unsigned i = (unsigned)(ticket % SEGMENT);
    uint64_t bit = UINT64_C(1) << i % WORD_BITS;
    int64_t offset;

    invariant(ticket < o->next);
    if (ticket < o->head)
        return;
    s = segment_of(o, ticket);
    if ((s->done[i / WORD_BITS] & bit) != 0)
        return;
    s->done[i / WORD_BITS] |= bit;
    s->finished++;
    o->unfinished--;
    o->changes++;
    o->steps++;
    offset = segment_offset(s, i);
    if (offset >= o->top)
        o->top = offset + 1;
    if (ticket == o->head)
        advance(o);
}

void offsets_end(struct offsets *o, int64_t offset)
{
    if (offset < o->position)
        return;
    o->position = offset;
    if (o->loaded.count > 0)
        o->changes++;
    offsets_runs_done(&o->loaded);
    o->loaded_next = 0;
}

int64_t offsets_frontier(const struct offsets *o)
{
    if (o->head == o->next)
        return o->position;
    return segment_offset(segment_of(o, o->head), (unsigned)(o->head % SEGMENT));
}

int64_t offsets_position(const struct offsets *o)
{
    return o->position;
}

size_t offsets_unfinished(const struct offsets *o)
{
    return o->unfinished;
}

size_t offsets_ahead(const struct offsets *o)
{
    return (size_t)(o->next - o->head) - o->unfinished;
}

bool offsets_dirty(const struct offsets *o)
{
    int64_t base = o->committed > o->start ? o->committed : o->start;

    return offsets_frontier(o) > base || o->changes != o->stored;
}

static void collect_segment(struct offsets *o, const struct segment *s, unsigned i,
                            struct offsets_runs *runs)
{
    if (s->offsets == NULL && s->finished == SEGMENT) {
        offsets_runs_add(runs, s->base, SEGMENT);
        return;
    }
    while ((i = segment_find(o, s, i, true)) < s->used) {
        unsigned end = segment_find(o, s, i, false);

        if (s->offsets == NULL)
            offsets_runs_add(runs, s->base + i, end - i);
        for (; s->offsets != NULL && i < end; i++, o->steps++)
            offsets_runs_add(runs, s->offsets[i], 1);
        i = end;
    }
}

static void collect_loaded(struct offsets *o, struct offsets_runs *runs)
{
    for (size_t i = o->loaded_next; i < o->loaded.count; i++, o->steps++) {
        int64_t first = o->loaded.items[i].first, end = first + o->loaded.items[i].count;

        if (first < o->position)
            first = o->position;
        if (first < end)
            offsets_runs_add(runs, first, end - first);
    }
}

/* The finished offsets above the frontier, as far as a map of `chars` could hold them; false when
 * there are more. */
static bool collect(struct offsets *o, size_t chars, struct offsets_runs *runs)
{
    int64_t base = offsets_frontier(o);

    for (uint64_t n = o->head / SEGMENT; n < segments_end(o); n++, o->steps++) {
        const struct segment *s = segment_number(o, n);

        if (s->finished > 0)
            collect_segment(o, s, n == o->head / SEGMENT ? (unsigned)(o->head % SEGMENT) : 0, runs);
        if (offsets_runs_enough(runs, base, chars))
            return false;
    }
    collect_loaded(o, runs);
    return true;
}

void offsets_commit(struct offsets *o, const struct offsets_note *note, size_t max_chars,
                    int64_t *ret_offset, struct buf *metadata, bool *ret_map_cut)
{
    struct offsets_runs runs = {0};
    int64_t frontier = offsets_frontier(o);
    bool cut, all = collect(o, max_chars, &runs);

    offsets_map_write(metadata, note, frontier, &runs, max_chars, &cut);
    offsets_runs_done(&runs);
    o->written = o->changes;
    *ret_offset = frontier;
    *ret_map_cut = cut || !all;
}

void offsets_committed(struct offsets *o, int64_t offset)
{
    if (offset > o->committed)
        o->committed = offset;
    o->stored = o->written;
}

int64_t offsets_last_committed(const struct offsets *o)
{
    return o->committed;
}

static size_t measure(struct offsets *o, size_t max_chars)
{
    struct offsets_runs runs = {0};
    size_t chars = SIZE_MAX / 2;

    if (collect(o, max_chars, &runs))
        chars = offsets_map_length(&runs, offsets_frontier(o));
    o->steps += runs.count;
    offsets_runs_done(&runs);
    return chars;
}

/* Two bounds that cost nothing: the bit set grows with the distance alone; the run lengths grow by
 * a few characters for each record finished since they were measured, and by nothing else. */
bool offsets_map_full(struct offsets *o, size_t max_chars)
{
    int64_t frontier = offsets_frontier(o);
    uint64_t since = o->changes - o->measured.changes;

    o->steps++;
    if (o->top <= frontier || (uint64_t)(o->top - frontier) / 6 + 2 <= max_chars)
        return false;
    if (o->measured.chars + since * OFFSETS_MAP_GROWTH <= max_chars)
        return false;
    if (since > 0 || o->measured.max != max_chars) {
        o->measured.chars = measure(o, max_chars);
        o->measured.max = max_chars;
        o->measured.changes = o->changes;
    }
    return o->measured.chars > max_chars;
}

uint64_t offsets_steps(const struct offsets *o)
{
    return o->steps;
}

int offsets_load(struct offsets *o, int64_t committed, const char *metadata,
                 struct offsets_loaded *ret_note, char *why, size_t why_size)
{
    struct offsets_runs runs = {0};
    const struct offsets_run *last;

    if (offsets_map_read(metadata, committed, ret_note, &runs, why, why_size) != 0)
        return -1;
    offsets_runs_done(&o->loaded);
    o->loaded = runs;
    o->loaded_next = 0;
    if (runs.count > 0) {
        last = &runs.items[runs.count - 1];
        if (last->first + last->count > o->top)
            o->top = last->first + last->count;
        o->measured.max = 0; /* never asked for: measure before the next answer */
        o->measured.chars = SIZE_MAX / 2;
    }
    return 0;
}
