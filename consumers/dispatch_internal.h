/* Shared by the files of the dispatcher (dispatch.c: whose turn; dispatch_read.c: looking;
 * dispatch_write.c: writing; dispatch_table.c: tables; dispatch_rows.c: rows that are written
 * without looking). Nobody else includes it. */
#ifndef CONSUMERS_DISPATCH_INTERNAL_H
#define CONSUMERS_DISPATCH_INTERNAL_H

#include "bridge/base/log.h"
#include "bridge/base/rand.h"
#include "consumers/dispatch.h"
#include "consumers/event_answer.h"
#include "consumers/identity.h"
#include "consumers/incident.h"
#include "consumers/ledger.h"
#include "consumers/lookups.h"
#include "consumers/reconcile.h"

/* A read is "directly before" a write when it is not older than this. */
#define SIGHT_LIFE USEC_S
/* More waiting lanes than this: look in bulk before creating, it costs one request in a hundred. */
#define BACKLOG  16
#define BULK_MAX 100
#define BULK_MIN 8
/* Tables whose lanes are collected for a bulk read side by side. */
#define BATCHES 4

/* Lanes that are to be looked at, collected for one request. */
struct batch {
    struct lane **lanes;
    size_t count;
};

struct batches {
    struct batch items[BATCHES]; /* each of one table */
};

struct table_views;

struct dispatch {
    const struct config *config;
    struct snow *snow;
    struct lanes *lanes;
    struct ends *ends;
    struct ledger *ledger;
    struct lookups *lookups;
    struct table_views *views;
    struct metrics *metrics;
    struct rand rand;
    size_t in_flight;
    size_t bulk;         /* lanes of the next bulk read */
    bool suspect;        /* records may exist already: look before creating */
    bool by_correlation; /* the instance does not take our sys_ids */
    struct log_limit said, said_place;
    struct rows_pace pace;   /* of events */
    size_t events_in_flight; /* requests of events */
    usec_t gather_until;     /* events gather until then; 0: they do not */
    bool records;            /* some target is a record: what its body needs is looked up */
    unsigned first;          /* which kind of target takes first of what room there is */
    void (*gone)(void *arg, struct item *i); /* of the last release; NULL before the first */
    void *gone_arg;
    struct fact *facts; /* of the lane being decided about */
    size_t facts_capacity;
    struct metric *read_lanes, *changed_between, *rows_sent, *rows_split;
};

/* dispatch.c: how many requests may leave now. */
unsigned dispatch_room(struct dispatch *d, usec_t now);
/* Decides about a lane in state IDLE from what is known of it. */
struct decision dispatch_decide(struct dispatch *d, struct lane *lane, usec_t now);
/* Does what needs no request: ends items, delays or settles the lane. False: it wants a request. */
bool dispatch_without_request(struct dispatch *d, struct lane *lane, const struct decision *what,
                              usec_t now);
/* Lets items go whose partition was taken while their operation was in flight: another process does
 * them now. The lane is IDLE. */
void dispatch_drop_stale(struct dispatch *d, struct lane *lane);
/* Ends the first `n` items of the lane alike. */
void dispatch_end_items(struct dispatch *d, struct lane *lane, size_t n, const struct ending *how,
                        usec_t now);
/* The answer said nothing about the record: the lane tries again, uncharged. */
void dispatch_again(struct dispatch *d, struct lane *lane, const struct snow_outcome *o,
                    usec_t now);

/* dispatch_read.c: lanes (all IDLE on entry, FLIGHT after) are looked at by one request. Takes the
 * array. */
void dispatch_read(struct dispatch *d, struct lane **lanes, size_t n, usec_t now);

/* dispatch_table.c: what the table lacks; said once. Costs no look-up by name. */
struct table_fit {
    bool no_state; /* no column tells whether a record is open: nothing can be kept there */
    bool no_stamp; /* as in struct reconcile */
};
struct table_views *table_views_new(void);
struct table_views *table_views_free(struct table_views *v); /* NULL is fine */
size_t table_views_count(const struct table_views *v);
struct table_fit dispatch_fit(struct dispatch *d, const struct target *t);

/* dispatch_table.c: marked lanes that are to be looked at, by table. Each batch that is not empty
 * holds one slot until it is sent. */
struct batch *batches_joinable(struct batches *b, const struct target *t, size_t most);
unsigned batches_held(const struct batches *b);
/* Begins a batch with this lane; may send another one first. Takes one more slot. */
void batches_begin(struct dispatch *d, struct batches *b, struct lane *lane, usec_t now);
void batches_send(struct dispatch *d, struct batches *b, usec_t now);

/* dispatch_rows.c: both send what may be sent now and return when they want to be called again. */
void dispatch_rows_init(struct dispatch *d);
usec_t dispatch_events(struct dispatch *d, usec_t now);
usec_t dispatch_imports(struct dispatch *d, usec_t now);

/* dispatch_write.c: would an update by the lane's item of this index tell people what this process
 * last wrote, and what the record still says as far as is known? False when that is not known. */
bool dispatch_says_the_same(struct dispatch *d, struct lane *lane, size_t index);

/* dispatch_write.c: carries out a decision that wants a request. The lane is IDLE on entry. */
void dispatch_write(struct dispatch *d, struct lane *lane, const struct decision *what, usec_t now);

#endif
