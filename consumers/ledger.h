/* Ledger: what this process last knew of recent records, bounded, oldest use forgotten first. It
 * saves reads: a message whose stamp or content it knows to be applied needs no request. It may
 * never decide more than that (design D4). Pure; loop thread. */
#ifndef CONSUMERS_LEDGER_H
#define CONSUMERS_LEDGER_H

#include <stddef.h>

#include "consumers/lanes.h"
#include "consumers/record.h"

struct ledger;

struct ledger *ledger_new(size_t max_records);
struct ledger *ledger_free(struct ledger *l); /* NULL is fine */

/* What is known of the lane's (newest) record; borrowed until the next call; NULL. */
const struct record *ledger_find(struct ledger *l, const unsigned char key[LANE_KEY_SIZE]);
/* Copies the record; replaces what was known. */
void ledger_put(struct ledger *l, const unsigned char key[LANE_KEY_SIZE], const struct record *r);
/* Content updates of this record wait until then, because an older one may still land; remembered
 * when its lane is long gone, as long as the record is. Nothing happens when it is not known. */
void ledger_settle(struct ledger *l, const unsigned char key[LANE_KEY_SIZE], usec_t until);
usec_t ledger_settle_until(const struct ledger *l,
                           const unsigned char key[LANE_KEY_SIZE]); /* 0: no need to wait */
/* An answer has shown the record as it was put; nothing happens when it is not known. */
void ledger_seen(struct ledger *l, const unsigned char key[LANE_KEY_SIZE], usec_t now);
usec_t ledger_seen_at(const struct ledger *l,
                      const unsigned char key[LANE_KEY_SIZE]); /* 0: not since ledger_age */
void ledger_age(struct ledger *l); /* others may have written all of them since */
/* What the record's content says, as this process last wrote it, and when it last wrote a work note
 * about news; nothing happens when the record is not known. The record may have got other content
 * since: only while its version is this one does it say so. */
struct ledger_content {
    uint64_t digest; /* of incident_content_digest */
    struct version version;
    usec_t noted_at; /* 0: never */
    bool known;
};
void ledger_set_content(struct ledger *l, const unsigned char key[LANE_KEY_SIZE],
                        struct ledger_content c);
struct ledger_content ledger_content(const struct ledger *l,
                                     const unsigned char key[LANE_KEY_SIZE]);
void ledger_forget(struct ledger *l, const unsigned char key[LANE_KEY_SIZE]);
size_t ledger_count(const struct ledger *l);

#endif
