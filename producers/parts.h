/* The structures behind workitems.h, shared by workitems.c, owner.c, feed.c and table*.c only. Loop
 * thread only.
 *
 * An owner is one partition of the state topic that the group gave to this process, with its
 * transactional id. A table belongs to the one partition that the hash of its key names; it works
 * only while its owner is ready.
 *
 * A table is read by feeds, each with a cursor and a state record of its own. They share the
 * table's one question: what a feed has read is published before any feed asks again. So nothing
 * that was read earlier is published after something that was read later, whichever feed read it:
 * no old version after a newer one, no row after its own deletion. */
#ifndef PRODUCERS_PARTS_H
#define PRODUCERS_PARTS_H

#include "producers/control.h"
#include "producers/records.h"
#include "producers/self.h"
#include "producers/sweep.h"
#include "producers/txn.h"
#include "producers/vanished.h"
#include "producers/workitems.h"

enum table_phase {
    TABLE_AWAY,    /* the partition is not ours */
    TABLE_LOADING, /* ours; fencing, then reading the state */
    TABLE_PROBE,   /* query or columns are new: does the table have these columns? */
    TABLE_REBUILD, /* what was published last is read back */
    TABLE_CHECK,   /* no watermark: does the topic hold records already? */
    TABLE_CLOCK,   /* no watermark: the instance's time is wanted */
    TABLE_FIRST,   /* the first watermark is being committed */
    TABLE_POLL,
    TABLE_STOPPED,
};

struct ask; /* a list request under way */
struct feed;
struct inquiry; /* of inquiry.c */

enum feed_id {
    FEED_LIVE,    /* the rows of the table, from its first start on */
    FEED_HISTORY, /* those before, once; or again, when somebody asked for a resync */
    FEED_DELETES, /* what is said of its deleted rows */
    FEED_JOURNAL, /* its work notes and comments */
    FEEDS,
};

/* What a feed reads; static, see feed.c. */
struct feed_kind {
    const char *name; /* in log lines; `<connection>/<table>/<name>` is the key of its state, of
                         the live feed `<connection>/<table>` */
    struct page_form form; /* the columns that order its rows and tell versions apart */
    bool (*wanted)(const struct config_producer *p);
    void (*set_up)(struct feed *f); /* fills source, query and fields */
    bool passing;       /* it has a state only while it is read: none is nothing that is missing */
    enum stream stream; /* what its rows become, see records.h */
    /* Not NULL: the table goes on without it where the user may not read its source; this says so
     * to people, once. */
    const char *unreadable;
};

/* How far the history of a table is. */
struct history {
    bool open;    /* it has a state record, and the live one says so */
    char *resync; /* when somebody asked for it; "" or NULL: the first pull */
    unsigned long long done;
    long long total; /* rows in all, -1: not known */
    bool counted;    /* the instance was asked for the total */
    long long rate;  /* rows a second, of late; 0: not known */
};

struct feed {
    struct table *t; /* NULL: not wanted by the configuration */
    const struct feed_kind *kind;
    char *key;
    const char *source; /* the table of the instance that is read; borrowed */
    char *query, *fields;
    const char *display; /* sysparm_display_value, NULL: stored values only */
    bool links;          /* references with their link */
    struct sweep_options options;

    char *raw; /* newest state record read, NULL: none */
    size_t raw_length;
    struct watermark_state first; /* TABLE_FIRST: position only */
    bool starts;                  /* has no state yet: TABLE_FIRST commits its first one */

    struct sweep *sweep; /* NULL: it is not read */
    usec_t asked;        /* when it was last asked */
    struct err reason;   /* of the last failure */
    bool said_unreadable;
    struct log_limit say;
};

struct table {
    struct workitems *w;
    const struct config_producer *p;
    char *key; /* `<connection>/<table>`: its hash names the partition */
    char fingerprint[WATERMARK_FINGERPRINT_SIZE];
    int32_t partition;
    struct feed feeds[FEEDS];
    struct history history;
    struct control *controls;      /* what people ask, in order; a list of its own */
    struct history next_history;   /* while a control is carried out */
    struct watermark_state target; /* the same: the live position that it sets, seen included */

    enum table_phase phase;
    struct err reason; /* of a stop, or of the last failure that was no feed's */

    struct inquiry *inquiry; /* TABLE_PROBE */
    struct lastseen *last_seen;
    bool rebuilt; /* it was read back from the topic in this life of the table */

    struct ask *ask;
    struct feed *from;   /* whose rows are published */
    size_t *record_rows; /* which row of the plan each record is of */
    bool publishing;
    bool void_answer; /* the publishing under way belongs to an earlier life of the table */
    struct sweep_plan plan;
    bool *plan_skip;        /* rows of the plan that make no record; NULL: none of them */
    struct vanished *gone;  /* the look for rows that are gone is under way */
    usec_t gone_due;        /* of the next one, 0: not known yet */
    const char **gone_rows; /* of `gone`: their tombstones are being published */
    size_t gone_count;
    size_t chunk;
    uint64_t *large; /* versions that are published as markers */
    size_t large_count;
    usec_t due; /* nothing before, after a failed publishing */
    unsigned failures;

    usec_t progress_at;
    unsigned long long published, published_then;
    bool said_caught_up, was_stopped, query_is_new;
    struct log_limit say;
    struct metric *m_rows, *m_pages, *m_transactions, *m_lag, *m_seen, *m_done, *m_total,
        *m_last_seen, *m_left_out;
};

enum owner_phase {
    OWNER_FENCING,
    OWNER_END,     /* the end offset of the partition is asked for */
    OWNER_LOADING, /* the state is read up to it */
    OWNER_READY,
    OWNER_CONFIRM, /* fenced: does the group still say it is ours? */
    OWNER_RESTING, /* fence anew at `due` */
    OWNER_STOPPED,
};

struct owner {
    struct workitems *w;
    int32_t partition;
    uint64_t epoch;
    struct group *group;
    struct txn *txn;
    enum owner_phase phase;
    int64_t end;     /* of the partition, after the fence */
    int64_t read_to; /* everything before has been handed over */
    usec_t due;
    unsigned failures;
    usec_t fenced_at;        /* the last time in this assignment, 0: never */
    struct confirm *confirm; /* under way */
    struct owner *next;
};

struct workitems {
    struct loop *loop;
    const struct config *config;
    struct snow *snow;
    struct self *self;
    struct txn_pool *pool; /* NULL without tables */
    int32_t state_partitions;
    struct table *tables;
    size_t tables_count;
    struct owner *owners;
    bool transactional; /* false: exactly_once = off, or the brokers cannot */
    bool draining;
    void (*on_read)(void *arg, usec_t now); /* NULL: nobody wants to know */
    void *on_read_arg;
    bool waiting; /* a table found no room in the request window in this turn */
};

/* owner.c */
struct owner *owner_new(struct workitems *w, int32_t partition, struct group *g, uint64_t epoch);
void owner_free(struct owner *o);
struct owner *owner_find(struct workitems *w, int32_t partition); /* NULL: not ours */
void owner_state_end(struct owner *o, int64_t offset, usec_t now);
usec_t owner_step(struct owner *o, usec_t now); /* next deadline */
/* A publishing of one of its tables found the handle fenced or dead. */
void owner_lost(struct owner *o, const struct txn_answer *a, usec_t now);

/* feed.c */
void feed_init(struct feed *f, struct table *t, enum feed_id id);
void feed_done(struct feed *f);
void feed_reset(struct feed *f); /* forgets what is in memory; `raw` stays */
/* Takes over a state record of the feed: copied, NULL for a tombstone. */
void feed_take(struct feed *f, const void *bytes, size_t length);
/* The state record that moves the feed to this position. Goes to its partition by number: the hash
 * of a changed partition count must not move it. */
int feed_state(const struct feed *f, const struct watermark_state *position,
               struct txn_record *ret_record, struct err *e);
/* The record that takes a state of the table, or a request, away. */
struct txn_record feed_tombstone(const struct table *t, const char *key);
/* How the rows of the table become records. */
struct records feed_records(const struct feed *f);
struct feed *feed_live(struct table *t);
int64_t feed_scope(const struct table *t, msec_t date); /* second where the first pull begins */
struct feed *feed_history(struct table *t);
/* The first states of all feeds that start, at the instance's time `date`; the history starts with
 * the live feed. */
void feed_first(struct table *t, msec_t date);
const struct err *feed_trouble(const struct table *t); /* of the first feed that has one, or NULL */

/* table_ask.c: requests and their answers */
/* Asks for a page, or with page NULL for any answer with a Date header. Returns the next deadline:
 * nothing is asked while the request window has no room. */
usec_t table_ask(struct feed *f, const struct sweep_ask *page, usec_t now);
/* Asks for one row that the query finds, its count, and these columns. Both are copied. */
usec_t table_ask_probe(struct table *t, const char *query, const char *fields, usec_t now);
/* Asks how many rows the history has before it. */
usec_t table_ask_count(struct feed *f, usec_t now);
/* Asks which rows of the table exist; takes the content of `query`, which is for that many rows.
 * The same return value; only with USEC_NEVER is fn called later, once. rows: those that exist and
 * may be read; total: how many exist, -1 when not known; why: the question failed, else NULL. */
typedef void (*table_existing_fn)(struct feed *f, const struct err *why, const json_t *rows,
                                  long long total, usec_t now);
usec_t table_ask_existing(struct feed *f, struct buf *query, long long rows, table_existing_fn fn,
                          usec_t now);
void table_forget_ask(struct table *t); /* the answer under way finds no table */

/* inquiry.c: does the table have the columns that query and fields name? An instance leaves a
 * condition on an unknown column out, and gives the whole table (servicenow-api 0.5). */
/* NULL: there is nothing to look at, or (table stopped) the query cannot be read. */
struct inquiry *inquiry_new(struct table *t);
struct inquiry *inquiry_free(struct inquiry *p); /* NULL is fine */
/* Asks; when all is known, or a name is not, the table goes on or is stopped. Next deadline. */
usec_t inquiry_step(struct table *t, usec_t now);
void inquiry_answer(struct table *t, const struct snow_outcome *o);

/* table.c */
void table_init(struct table *t, struct workitems *w, const struct config_producer *p,
                struct metrics *m);
void table_done(struct table *t);
const char *table_phase_name(const struct table *t, usec_t now);
struct owner *table_owner(struct table *t); /* NULL unless it is ready */
/* Forgets what is in memory: before it is loaded, after it was given away or fenced. */
void table_reset(struct table *t, enum table_phase phase);
void table_loaded(struct table *t, usec_t now); /* the owner is ready: `raw` is the state */
void table_stop(struct table *t, const struct err *why);
usec_t table_step(struct table *t, usec_t now);  /* next deadline */
void table_probed(struct table *t, usec_t now);  /* goes on behind TABLE_PROBE */
void table_polling(struct table *t, usec_t now); /* every feed that is wanted has its sweep */

/* table_control.c */
/* A record with a key of the table that names a request: taken, or, when bytes is NULL, forgotten.
 */
void table_control(struct table *t, const char *id, size_t id_length, const void *bytes,
                   size_t length, usec_t now);
/* The bridge itself wants one; the first in the list. */
void table_control_own(struct table *t, enum control_what what, int64_t from);
/* Carries out the first request, at the instance's time `date`. The table has no rows in hand. */
void table_control_do(struct table *t, struct owner *o, msec_t date, usec_t now);
/* The first request belongs to the transaction that is made: adds its tombstone. From then on the
 * request stays in the list until the answer, which one of the next two takes, even when its
 * tombstone is read back before. */
bool table_control_tombstone(struct table *t, struct txn_record *ret_record);
void table_control_done(struct table *t);   /* the first request is carried out */
void table_control_undone(struct table *t); /* it was not, or nobody knows */
void table_controls_free(struct table *t);

/* history.c */
void history_open(struct table *t, const struct watermark_history *h);
void history_forget(struct table *t);
/* All of it is published: takes its state away, in one transaction with the live one's. */
void history_close(struct table *t, struct owner *o, usec_t now);
long long history_left(const struct table *t); /* seconds, -1: not known */
/* The progress of the first pull or of a resync, now and then, and the table's gauges. */
void history_say(struct table *t, usec_t now);

/* table_publish.c */
/* A transaction of this table has ended: false when it belongs to an earlier life of the table, or
 * the table is not in the phase any more. */
bool table_answered(struct table *t, enum table_phase phase);
/* What did not work is tried again later. */
void table_try_later(struct table *t, const struct err *why, usec_t now);
bool table_plan(struct feed *f, size_t most, usec_t now); /* false: nothing to publish now */
void table_publish_plan(struct feed *f, struct owner *o, usec_t now);
/* Commits the first states of all feeds that have none, in one transaction. */
void table_publish_first(struct table *t, struct owner *o, msec_t date, usec_t now);

/* table_gone.c: rows that do not exist any more */
/* As table_publish_plan for entries about deletes, after a look whether their rows are there again.
 * Returns the next deadline. */
usec_t table_publish_deletes(struct feed *f, struct owner *o, usec_t now);
/* The periodic look for rows that are gone, where nothing else tells of deletes. Returns the next
 * deadline. */
usec_t table_look_for_gone(struct table *t, usec_t now);
void table_forget_gone(struct table *t); /* ends the look under way */

#endif
