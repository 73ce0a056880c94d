/* What the tables are read for, and the state of each such feed. How a feed is read is the business
 * of sweep.c, whose turn it is that of turn.c. */
#include <stdlib.h>
#include <string.h>

#include "bridge/base/clock.h"
#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"
#include "producers/ask.h"
#include "producers/deletes.h"
#include "producers/journal.h"
#include "producers/parts.h"

#define WRITTEN_BY "itsm-bridge/" ITSM_VERSION
#define SLACK_S    10
#define BUSY_FOR   (60 * USEC_S)
#define WIDEST     10000 /* the default limit of the Table API */
#define SEEN_MAX   40000

#define SECONDS_DAY INT64_C(86400)

/* Rows ----------------------------------------------------------------------------------------- */

static bool rows_wanted(const struct config_producer *p)
{
    (void)p;
    return true;
}

static void rows_set_up(struct feed *f)
{
    const struct config_producer *p = f->t->p;
    f->source = p->table;
    f->query = xstrdup(p->query);
    f->fields = ask_fields(p);
    f->display = records_want_display(p) ? "all" : NULL;
    f->links = p->reference_links;
}

static void history_set_up(struct feed *f)
{
    rows_set_up(f);
    f->options.bounded = true;
    f->options.rate = f->t->p->history_rate;
}

/* Deleted rows and journal entries ------------------------------------------------------------- */

static bool deletes_wanted(const struct config_producer *p)
{
    return p->deletes;
}

static void deletes_set_up(struct feed *f)
{
    f->source = DELETES_SOURCE;
    f->query = deletes_query(f->t->p->table);
    f->fields = xstrdup(DELETES_FIELDS);
}

static bool journal_wanted(const struct config_producer *p)
{
    return p->journal;
}

static void journal_set_up(struct feed *f)
{
    f->source = JOURNAL_SOURCE;
    f->query = journal_query(f->t->p->table);
    f->fields = xstrdup(JOURNAL_FIELDS);
}

static const struct feed_kind kinds[FEEDS] = {
    [FEED_LIVE] = {.name = "live",
                   .form = {.time = "sys_updated_on",
                            .count = "sys_mod_count",
                            .by = "sys_updated_by"},
                   .wanted = rows_wanted,
                   .set_up = rows_set_up,
                   .stream = STREAM_ROWS},
    [FEED_HISTORY] = {.name = "history",
                      .form = {.time = "sys_updated_on",
                               .count = "sys_mod_count",
                               .by = "sys_updated_by"},
                      .passing = true,
                      .wanted = rows_wanted,
                      .set_up = history_set_up,
                      .stream = STREAM_ROWS},
    [FEED_DELETES] = {.name = "deletes",
                      .form = {.time = "sys_created_on", .by = "sys_created_by"},
                      .wanted = deletes_wanted,
                      .set_up = deletes_set_up,
                      .stream = STREAM_DELETES,
                      .unreadable = "deleted rows make no tombstones. Let the user read "
                                    "sys_audit_delete (a role with an ACL for it), or set deletes "
                                    "= false for the table"},
    [FEED_JOURNAL] = {.name = "journal",
                      .form = {.time = "sys_created_on", .by = "sys_created_by"},
                      .wanted = journal_wanted,
                      .set_up = journal_set_up,
                      .stream = STREAM_JOURNAL,
                      .unreadable = "work notes and comments are not published. Let the user read "
                                    "sys_journal_field (a role with an ACL for it)"},
};

/* Every feed ----------------------------------------------------------------------------------- */

void feed_init(struct feed *f, struct table *t, enum feed_id id)
{
    const struct config_producer *p = t->p;
    int64_t overlap = (p->overlap + USEC_S - 1) / USEC_S;
    *f = (struct feed){.kind = &kinds[id]};
    if (!f->kind->wanted(p))
        return;
    f->t = t;
    f->key = id == FEED_LIVE ? xstrdup(t->key) : xasprintf("%s/%s", t->key, f->kind->name);
    f->options = (struct sweep_options){
        .overlap = overlap > 0 ? overlap : 1,
        .slack = SLACK_S,
        .poll_busy = p->poll_busy,
        .poll_idle = p->poll_idle,
        .busy_for = BUSY_FOR,
        .page_size = p->page_size,
        .widest = WIDEST,
        .seen_max = SEEN_MAX,
        .reread = p->reread,
    };
    f->kind->set_up(f);
}

void feed_reset(struct feed *f)
{
    f->sweep = sweep_free(f->sweep);
    f->starts = false;
    f->asked = 0;
    err_clear(&f->reason);
}

void feed_done(struct feed *f)
{
    feed_reset(f);
    free(f->raw);
    free(f->key);
    free(f->query);
    free(f->fields);
    *f = (struct feed){0};
}

void feed_take(struct feed *f, const void *bytes, size_t length)
{
    free(f->raw);
    f->raw = NULL;
    f->raw_length = length;
    if (bytes == NULL)
        return;
    f->raw = malloc(length + 1);
    if (f->raw == NULL)
        panic("no memory for a state record of %zu bytes", length);
    memcpy(f->raw, bytes, length);
}

int feed_state(const struct feed *f, const struct watermark_state *position,
               struct txn_record *ret_record, struct err *e)
{
    const struct table *t = f->t;
    struct watermark_state s = *position;
    struct txn_record r = {.topic = t->w->config->topics.state, .partition = t->partition};
    s.owner = t->w->config->connection.host;
    s.connection = t->w->config->connection.name;
    s.table = t->p->table;
    s.fingerprint = t->fingerprint;
    s.written_by = WRITTEN_BY;
    s.has_history = f->kind == &kinds[FEED_LIVE] && t->history.open;
    s.is_history = f->kind == &kinds[FEED_HISTORY];
    if (s.is_history)
        s.history = (struct watermark_history){.resync = t->history.resync,
                                               .done = t->history.done + t->plan.count,
                                               .total = t->history.total};
    r.item.value = watermark_encode(&s, &r.item.value_length, e);
    if (r.item.value == NULL)
        return -1;
    r.item.key = xstrdup(f->key);
    *ret_record = r;
    return 0;
}

struct txn_record feed_tombstone(const struct table *t, const char *key)
{
    return (struct txn_record){
        .topic = t->w->config->topics.state, .partition = t->partition, .item.key = xstrdup(key)};
}

struct records feed_records(const struct feed *f)
{
    const struct table *t = f->t;
    const struct config_connection *c = &t->w->config->connection;
    return (struct records){
        .origin = {.host = c->host, .connection = c->name, .table = t->p->table},
        .p = t->p,
        .seen = t->last_seen,
        .self = self_name(t->w->self),
        .resync = f == &t->feeds[FEED_HISTORY] ? t->history.resync : NULL};
}

struct feed *feed_live(struct table *t)
{
    return &t->feeds[FEED_LIVE];
}

struct feed *feed_history(struct table *t)
{
    return &t->feeds[FEED_HISTORY];
}

int64_t feed_scope(const struct table *t, msec_t date)
{
    msec_t start;
    if (strcmp(t->p->start_from, "latest") == 0)
        return date / 1000;
    if (t->p->start_from[0] != '\0' && clock_parse(t->p->start_from, &start) == 0)
        return start / 1000;
    return date / 1000 - t->w->config->connection.sync_scope_days * SECONDS_DAY;
}

/* After a request the topic may hold the rows already, so they are marked as repeats. */
static void rows_first(struct table *t, msec_t date)
{
    struct feed *live = feed_live(t), *history = feed_history(t);
    const struct control *c = t->controls;
    int64_t from = c != NULL && c->from != CONTROL_SCOPE ? c->from : feed_scope(t, date);
    from = from < date / 1000 ? from : date / 1000;
    history->first = (struct watermark_state){0};
    history->starts = sweep_first(&live->options, date, from, &live->first, &history->first);
    if (history->starts)
        history_open(t,
                     &(struct watermark_history){.resync = c != NULL ? c->asked : "", .total = -1});
}

/* From the start of the scope on, by one cursor: tombstones of rows that were never published do no
 * harm, and none is missing that was published before deletes could be read. */
static void other_first(struct feed *f, msec_t date)
{
    int64_t now = date / 1000, from = feed_scope(f->t, date);
    f->first = (struct watermark_state){.mark = watermark_at(from < now ? from : now, ""),
                                        .hi = now,
                                        .seen_from = now - f->options.overlap - f->options.slack};
}

void feed_first(struct table *t, msec_t date)
{
    for (size_t i = 0; i < FEEDS; i++) {
        struct feed *f = &t->feeds[i];
        if (!f->starts || f->kind->passing)
            continue;
        f->first = (struct watermark_state){0};
        if (f == feed_live(t))
            rows_first(t, date);
        else
            other_first(f, date);
    }
}

const struct err *feed_trouble(const struct table *t)
{
    for (size_t i = 0; i < FEEDS; i++)
        if (t->feeds[i].reason.class != ERR_NONE)
            return &t->feeds[i].reason;
    return NULL;
}
