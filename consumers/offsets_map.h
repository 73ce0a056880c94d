/* The text in the commit metadata: note, map of finished offsets, check (layout: offsets.h). Used
 * by offsets.c only. Pure.
 *
 * A map is `-` (empty), or `r` and run lengths, or `b` and a bit set, in the 64 characters of
 * base64url (RFC 4648 section 5), all relative to the committed offset:
 *   r  numbers in turn: offsets to skip, offsets that are finished. A number is 5 bits a character,
 *      low bits first; a character of 32 or more says that another follows.
 *   b  6 offsets a character, lowest bit first. */
#ifndef CONSUMERS_OFFSETS_MAP_H
#define CONSUMERS_OFFSETS_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/base/attr.h"
#include "bridge/base/buf.h"
#include "consumers/offsets.h"

/* `count` offsets from `first` on. In a list they rise and do not touch. */
struct offsets_run {
    int64_t first, count;
};

/* Zeroed memory is an empty list. */
struct offsets_runs {
    struct offsets_run *items;
    size_t count, capacity;
};

/* Appends; first must not be below the end of the last run. Runs that touch become one. */
void offsets_runs_add(struct offsets_runs *r, int64_t first, int64_t count);
void offsets_runs_done(struct offsets_runs *r); /* frees; empty again */

/* Nothing that follows these runs could be in a map of at most `chars`, whatever its form. */
bool offsets_runs_enough(const struct offsets_runs *r, int64_t base, size_t chars);

/* Length of the shortest map that holds all these runs, in characters. */
size_t offsets_map_length(const struct offsets_runs *r, int64_t base);

/* One finished offset more makes the run-length form longer by at most this: a gap becomes two and
 * a run of one between them. */
#define OFFSETS_MAP_GROWTH 14

/* Writes the whole metadata for a commit of `base` into `out`, emptied first; nothing when not even
 * the note fits. */
void offsets_map_write(struct buf *out, const struct offsets_note *note, int64_t base,
                       const struct offsets_runs *runs, size_t max_chars, bool *ret_cut);

/* Reads metadata that stood beside the offset `base`. *ret_note's host is new, *ret_runs is filled
 * (offsets_runs_done). -1, and `why` for people, as in offsets_load; then both are untouched. */
int offsets_map_read(const char *metadata, int64_t base, struct offsets_loaded *ret_note,
                     struct offsets_runs *ret_runs, char *why, size_t why_size) MUST_CHECK;

#endif
