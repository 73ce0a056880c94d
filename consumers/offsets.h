/* Offsets of one assigned partition: what was received, what is finished, what may be committed
 * (design D5). Records finish in any order; the commit carries the lowest unfinished offset and a
 * map of the finished ones above it. Only offsets really received are tracked: gaps (control
 * records, compaction) never hold the frontier. Pure; no librdkafka; loop thread. */
#ifndef CONSUMERS_OFFSETS_H
#define CONSUMERS_OFFSETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/base/attr.h"
#include "bridge/base/buf.h"
#include "bridge/base/clock.h"

#define OFFSETS_NONE INT64_MIN

/* What stands in the commit metadata beside the map (design D11, D12, D13). */
struct offsets_note {
    const char *host; /* of server_url: whose records these offsets stand for */
    msec_t cut;  /* first start: older records are "too old" below `end`; MSEC_NONE: not known */
    int64_t end; /* the partition's end at the first start; OFFSETS_NONE: not known */
};

struct offsets;

/* New tracker that begins at `position` (next offset to read). `epoch` is the caller's number of
 * the assignment; it comes back from offsets_epoch and nothing here compares it. */
struct offsets *offsets_new(int64_t position, uint64_t epoch);
struct offsets *offsets_free(struct offsets *o); /* NULL is fine */
uint64_t offsets_epoch(const struct offsets *o);

/* A record was read; offsets come in rising order (panics otherwise: the reader is broken; after a
 * seek to an earlier offset a new tracker is needed).
 * Returns a ticket for offsets_done, or OFFSETS_FINISHED when the loaded map says that this
 * record was finished before: the caller skips it. O(1) on average. */
#define OFFSETS_FINISHED UINT64_MAX
uint64_t offsets_receive(struct offsets *o, int64_t offset);

/* The record of this ticket is finished: O(1) on average, the frontier moves over finished ones.
 * Twice for one ticket: nothing happens. */
void offsets_done(struct offsets *o, uint64_t ticket);

/* The consumer reached the end of the partition at `offset` (PARTITION_EOF): when nothing is
 * unfinished the frontier goes there, over control records. Never moves it back. What a loaded map
 * holds from there on is forgotten: the log was cut, such offsets will be other records. */
void offsets_end(struct offsets *o, int64_t offset);

/* What may be committed: the lowest unfinished one, or the position. Never goes back. */
int64_t offsets_frontier(const struct offsets *o);
int64_t offsets_position(const struct offsets *o);  /* next offset expected from the reader */
size_t offsets_unfinished(const struct offsets *o); /* received, not finished */
size_t offsets_ahead(const struct offsets *o);      /* finished above the frontier */
/* Something new to commit: the frontier moved or a record was finished since the state that
 * offsets_committed confirmed (since the beginning, when nothing was committed yet). */
bool offsets_dirty(const struct offsets *o);

/* The commit: offset and metadata, printable ASCII, at most max_chars long (a map that would be
 * longer is cut: what is not in it is done again after a restart, each without a write; with
 * max_chars too short for any map only the note is written, and below that nothing). `metadata` is
 * emptied first. The map also keeps what a loaded map holds beyond the position. Layout, version 1:
 * `1 <host> <cut> <end> <map> <check>`; `-` stands for a time, an offset or a map that is not
 * there; the map is run lengths or bit set, whichever is shorter, see offsets_map.h; the check is
 * the first 8 hex digits of the SHA-256 of the committed offset, a blank and all before it, so that
 * metadata beside another offset (copied or translated by a tool) is never believed.
 * *ret_map_cut tells that the map was cut. Remembers which state it wrote, for offsets_dirty. */
void offsets_commit(struct offsets *o, const struct offsets_note *note, size_t max_chars,
                    int64_t *ret_offset, struct buf *metadata, bool *ret_map_cut);
/* The commit of this offset, the last one made by offsets_commit, was answered without error. */
void offsets_committed(struct offsets *o, int64_t offset);
/* What was last committed in this epoch, OFFSETS_NONE when nothing; never goes back. */
int64_t offsets_last_committed(const struct offsets *o);

/* Would a map of the present state be longer than max_chars (see offsets_note_chars)? The caller
 * pauses the partition before that. Cheap enough to be asked at each turn: mostly a comparison, a
 * real measurement only when enough records finished since the last one. */
bool offsets_map_full(struct offsets *o, size_t max_chars);
/* What all but the map takes of the metadata: the map's share of max_chars is the rest. */
size_t offsets_note_chars(const struct offsets_note *note);

/* Elementary steps done so far, over all calls: the measure of the complexity tests. */
uint64_t offsets_steps(const struct offsets *o);

/* Metadata of an earlier commit, `committed` being its offset: *ret_note's host is new (caller
 * frees) and the map is kept in the tracker for offsets_receive. Offsets in it that no longer exist
 * are passed over. -1 when it is damaged, foreign to this program, or of another
 * version: nothing changes, it is ignored (safe: work is done again without a write), and `why` (at
 * least 128 bytes) says what is wrong. Empty metadata is -1 with why = "". */
struct offsets_loaded {
    char *host;
    msec_t cut;
    int64_t end;
};
int offsets_load(struct offsets *o, int64_t committed, const char *metadata,
                 struct offsets_loaded *ret_note, char *why, size_t why_size) MUST_CHECK;

#endif
