/* What the demo knows: each alert and what became of it, each version of each row in ServiceNow and
 * in the topics. Fed by the events of the show, read by the screen and the verdict. No I/O, no
 * clock. */
#ifndef DEMO_BOARD_H
#define DEMO_BOARD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "bridge/base/clock.h"
#include "tests/demo/feed.h"

enum ticket_state { TICKET_PLANNED, TICKET_SENT, TICKET_OPEN, TICKET_RESOLVED, TICKET_DEAD };

/* One alert. */
struct ticket {
    const struct feed_alert *of;
    enum ticket_state state;
    usec_t sent, opened;   /* of the first fire, and of its outcome; 0: not yet */
    usec_t touched;        /* last time that something happened to it */
    char *number, *sys_id; /* NULL before the first outcome */
    bool clear_sent;
};

/* Where a message lies in the alert topic, and its outcome; either may be known first. */
struct place {
    char *key;         /* "partition/offset" */
    long long message; /* index in the feed, -1: not known yet */
    json_t *outcome;   /* not applied yet, NULL: none, or applied */
    size_t outcomes;
    UT_hash_handle hh;
};

/* A row of a table, as the journal and the topics tell. */
struct row {
    char *sys_id;
    char *mod_count, *updated_on; /* newest in the journal */
    struct version *newest;       /* in the journal, NULL: only seen in a topic */
    UT_hash_handle hh;
};

struct version {
    char *key;                 /* "sys_id/mod_count/updated_on" */
    msec_t written, published; /* MSEC_NONE: not seen there */
    size_t in_topics;          /* how often */
    UT_hash_handle hh;
};

/* A record that came from a topic, for the screen. */
struct change {
    char *topic, *number, *title, *state;
    char *mod_count;
    struct version *of;
};

#define BOARD_CHANGES 64  /* the latest ones, a ring */
#define BOARD_SLOTS   400 /* of BOARD_SLOT each: what happened when */
#define BOARD_SLOT    (250 * USEC_MS)

struct times {
    int64_t *ms;
    size_t n, room;
};

struct board {
    const struct feed *feed;
    usec_t begin; /* of the feed */
    struct ticket *tickets;
    struct place *places;
    struct row *rows;
    struct version *versions;
    struct change changes[BOARD_CHANGES];
    size_t changes_count; /* ever */
    size_t sent, confirmed, fires, clears, repeats, failed;
    size_t outcomes, outcomes_again, opened, resolved, dead_letters;
    size_t written, published, rows_changed, republished;
    long long journal_last;
    struct times ticket_times, change_times;
    unsigned alert_slots[BOARD_SLOTS], change_slots[BOARD_SLOTS];
};

/* Borrows the feed. */
struct board *board_new(const struct feed *feed, usec_t begin);
void board_free(struct board *b); /* NULL is fine */

void board_send(struct board *b, size_t message, usec_t now);
/* The broker has it, or `why` not. */
void board_sent(struct board *b, size_t message, int32_t partition, int64_t offset, const char *why,
                usec_t now);
void board_outcome(struct board *b, json_t *outcome, usec_t now); /* shares the value */
void board_record(struct board *b, const char *topic, const json_t *value, msec_t wall, usec_t now);
void board_dead_letter(struct board *b);
/* An answer of the simulator's journal. */
void board_journal(struct board *b, const json_t *journal);

/* Every message has its outcome and every row's newest version is in a topic. */
bool board_settled(const struct board *b);
/* Rows whose newest version no topic has. */
size_t board_rows_behind(const struct board *b);

/* The p-th part (0.5: median) of the times; 0 without any. */
int64_t times_part(const struct times *t, double p);

#endif
