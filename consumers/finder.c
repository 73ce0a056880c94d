/* An entry is wanted, asked for, known; one that is not there may be made. A record is made like an
 * incident: under a sys_id that every process computes alike, so that of two creates one is refused
 * and both mean the same record. */
#include "consumers/finder.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "bridge/base/digest.h"
#include "bridge/base/log.h"
#include "bridge/base/near.h"
#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "bridge/servicenow/query.h"
#include "bridge/servicenow/request.h"

#define LIFE_FAILED (60 * USEC_S)
#define RETRY       USEC_S
#define TRIES       5 /* of answers that tell nothing */
#define BATCH       50
#define ROWS_MOST   500
#define ENTRIES_MAX 20000
#define NEAR_START  2  /* bytes that a near match begins with */
#define NEAR_WAIT   20 /* unknown names that wait for their near matches; outcomes tell of all */
/* What is left of a URL for the names, each byte percent-encoded. */
#define NAMES_LENGTH ((REQUEST_URL_MAX - 2000) / 3)

enum entry_state {
    ENTRY_WANTED, /* a look-up is due */
    ENTRY_ASKED,
    ENTRY_MISSING, /* looked up, not there: to be made */
    ENTRY_MAKING,
    ENTRY_KNOWN,
};

struct entry {
    char *key;  /* the name in lower case */
    char *name; /* as it was first asked for */
    enum entry_state state;
    char *sys_id;   /* NULL: none */
    size_t rank;    /* of the column that named it */
    bool ambiguous; /* several records, by columns of the same rank */
    bool can_make;  /* a look-up found that there is none */
    unsigned tries;
    char *note;     /* NULL: nothing to say */
    bool note_once; /* said with the next find and then no more */
    usec_t until;
    UT_hash_handle hh;
};

struct finder {
    struct snow *snow;
    struct finder_options o;
    char *fields;
    struct entry *entries; /* oldest first */
    size_t open;           /* WANTED or MISSING */
    struct entry *making;  /* the request under way is for it */
    bool asking;
    usec_t again;
    struct buf query;
    char *lost[NEAR_WAIT]; /* names that were not there, to be looked for in their neighbourhood */
    size_t lost_count;
    char *said; /* the note that was handed out and is no longer the entry's */
};

struct finder *finder_new(struct snow *s, const struct finder_options *o)
{
    struct finder *f = xcalloc(1, sizeof *f);
    struct buf fields;

    *f = (struct finder){.snow = s, .o = *o};
    buf_init(&fields, 4096);
    (void)buf_add_text(&fields, "sys_id");
    for (size_t i = 0; i < o->columns_count; i++)
        (void)buf_addf(&fields, ",%s", o->columns[i]);
    f->fields = buf_take(&fields, NULL);
    buf_init(&f->query, REQUEST_URL_MAX);
    return f;
}

static void drop(struct finder *f, struct entry *e)
{
    HASH_DEL(f->entries, e);
    free(e->key);
    free(e->name);
    free(e->sys_id);
    free(e->note);
    free(e);
}

struct finder *finder_free(struct finder *f)
{
    struct entry *e, *next;

    if (f == NULL)
        return NULL;
    HASH_ITER (hh, f->entries, e, next)
        drop(f, e);
    buf_done(&f->query);
    free(f->fields);
    while (f->lost_count > 0)
        free(f->lost[--f->lost_count]);
    free(f->said);
    free(f);
    return NULL;
}

void finder_forget(struct finder *f)
{
    struct entry *e, *next;

    HASH_ITER (hh, f->entries, e, next) {
        if (e->state == ENTRY_KNOWN)
            drop(f, e);
    }
}

static void make_room(struct finder *f)
{
    struct entry *e, *next;

    if (HASH_COUNT(f->entries) < ENTRIES_MAX)
        return;
    HASH_ITER (hh, f->entries, e, next) {
        if (e->state == ENTRY_KNOWN) {
            drop(f, e);
            return;
        }
    }
}

static char *key_of(const char *name)
{
    char *key = xstrdup(name);

    text_lower(key);
    return key;
}

static struct entry *entry_find(const struct finder *f, const char *name)
{
    char *key = key_of(name);
    struct entry *e;

    HASH_FIND_STR(f->entries, key, e);
    free(key);
    return e;
}

static void set_note(struct entry *e, char *note)
{
    free(e->note);
    e->note = note;
}

static void know(struct entry *e, usec_t until)
{
    e->state = ENTRY_KNOWN;
    e->until = until;
}

/* Names that cannot be asked for are known at once. */
static bool can_ask(const struct finder *f, const char *name)
{
    return query_value_ok(name) && (strlen(name) + 1) * f->o.columns_count <= NAMES_LENGTH / 2;
}

static struct entry *entry_get(struct finder *f, const char *name, usec_t now)
{
    struct entry *e = entry_find(f, name);

    if (e != NULL && e->state == ENTRY_KNOWN && now >= e->until) {
        drop(f, e);
        e = NULL;
    }
    if (e != NULL)
        return e;
    make_room(f);
    e = xcalloc(1, sizeof *e);
    e->name = xstrdup(name);
    e->key = key_of(name);
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    HASH_ADD_KEYPTR(hh, f->entries, e->key, strlen(e->key), e);
    if (can_ask(f, name)) {
        f->open++;
    } else {
        know(e, now + f->o.life_none);
        set_note(e, xasprintf("%s left out: its name is too long or holds characters that a query "
                              "cannot carry",
                              f->o.what));
    }
    return e;
}

/* The note stays valid for the caller although the entry forgets it. */
static const char *say(struct finder *f, struct entry *e)
{
    if (e->note == NULL)
        return "";
    if (!e->note_once)
        return e->note;
    free(f->said);
    f->said = e->note;
    e->note = NULL;
    return f->said;
}

static bool may_make(const struct finder *f, struct entry *e)
{
    return f->o.make != NULL && e->can_make && !e->ambiguous;
}

enum finder_result finder_find(struct finder *f, char *const *names, size_t n, usec_t now,
                               const char **ret_sys_id, const char **ret_note)
{
    struct entry *first = NULL;
    bool pending = false, missing = true;

    *ret_note = "";
    for (size_t i = 0; i < n; i++) {
        struct entry *e = entry_get(f, names[i], now);

        if (i == 0)
            first = e;
        missing = missing && may_make(f, e);
        if (e->state != ENTRY_KNOWN) {
            pending = true;
        } else if (e->sys_id != NULL && !pending) {
            *ret_sys_id = e->sys_id;
            *ret_note = say(f, e);
            return FINDER_FOUND;
        } else if (e->note != NULL) {
            *ret_note = e->note;
        }
    }
    if (first != NULL && !pending && missing) {
        first->state = ENTRY_MISSING;
        f->open++;
        pending = true;
    }
    return pending ? FINDER_PENDING : FINDER_NONE;
}

/* ---------------------------------------------------------------- looking up */

static void offer(struct finder *f, const char *name, const char *sys_id, size_t rank)
{
    struct entry *e = entry_find(f, name);

    if (e == NULL || e->state != ENTRY_ASKED)
        return;
    if (e->sys_id == NULL || rank < e->rank) {
        free(e->sys_id);
        e->sys_id = xstrdup(sys_id);
        e->rank = rank;
        e->ambiguous = false;
    } else if (rank == e->rank && strcmp(e->sys_id, sys_id) != 0) {
        e->ambiguous = true;
    }
}

static void take_row(struct finder *f, const json_t *row)
{
    const char *sys_id = json_string_value(json_object_get(row, "sys_id"));

    if (sys_id == NULL || !query_sys_id_ok(sys_id))
        return;
    for (size_t k = 0; k < f->o.columns_count; k++) {
        const char *name = json_string_value(json_object_get(row, f->o.columns[k]));

        if (name != NULL && name[0] != '\0')
            offer(f, name, sys_id, k);
    }
}

/* `cut`: the answer was full, so that what is not in it may exist all the same. */
static void conclude(struct finder *f, struct entry *e, bool cut, usec_t now)
{
    if (e->ambiguous) {
        free(e->sys_id);
        e->sys_id = NULL;
        set_note(e, xasprintf("%s left out: several are named %s", f->o.what, e->name));
        know(e, now + f->o.life_none);
    } else if (e->sys_id != NULL) {
        know(e, now + f->o.life_found);
    } else {
        e->can_make = !cut;
        know(e, now + (cut ? LIFE_FAILED : f->o.life_none));
        if (f->o.near && !cut && f->lost_count < NEAR_WAIT)
            f->lost[f->lost_count++] = xstrdup(e->name);
    }
}

/* Nothing can be said about these names: `wait`: it is tried again, else they count as not there
 * for a minute. */
static void give_back(struct finder *f, bool wait, usec_t now)
{
    struct entry *e, *next;

    HASH_ITER (hh, f->entries, e, next) {
        if (e->state != ENTRY_ASKED)
            continue;
        if (wait) {
            e->state = ENTRY_WANTED;
            f->open++;
        } else {
            know(e, now + LIFE_FAILED);
        }
    }
}

static bool is_outage(const struct snow_outcome *o)
{
    return o->verdict == SNOW_THROTTLED || o->verdict == SNOW_UNAVAILABLE ||
           o->verdict == SNOW_UNAUTHORISED || o->verdict == SNOW_CANCELLED || o->outage;
}

static void not_looked_up(struct finder *f, const struct snow_outcome *o, usec_t now)
{
    f->again = now + RETRY;
    if (is_outage(o)) {
        give_back(f, true, now);
        return;
    }
    log_warn("name-lookup",
             "table=%s code=%s\tA %s could not be looked up: %s. Records are made without one "
             "until the next try in a minute",
             f->o.table, o->err.code, f->o.what, o->err.text);
    give_back(f, false, now);
}

static void looked_up(void *arg, const struct snow_op *ops, const struct snow_outcome *outcomes,
                      size_t n, usec_t now)
{
    struct finder *f = arg;
    struct entry *e, *next;
    json_t *row;
    size_t i;

    (void)ops;
    (void)n;
    f->asking = false;
    if (outcomes[0].verdict != SNOW_OK) {
        not_looked_up(f, &outcomes[0], now);
        f->o.answered(f->o.arg, now);
        return;
    }
    json_array_foreach (outcomes[0].result, i, row)
        take_row(f, row);
    HASH_ITER (hh, f->entries, e, next) {
        if (e->state == ENTRY_ASKED)
            conclude(f, e, json_array_size(outcomes[0].result) >= ROWS_MOST, now);
    }
    f->o.answered(f->o.arg, now);
}

/* Every column is asked for the name or names. */
static void add_columns(struct finder *f, const char *operator, const char * names)
{
    for (size_t k = 0; k < f->o.columns_count; k++)
        (void)buf_addf(&f->query, "%s%s%s%s", f->query.length == 0 ? "" : "^OR",
                       f->o.columns[k], operator, names);
}

/* What one name takes of the URL: its bytes, and for one that stands alone the columns' too. */
static size_t length_of(const struct finder *f, const char *name)
{
    size_t length = (strlen(name) + 1) * f->o.columns_count;

    return query_in_ok(name) ? length : length + strlen(f->fields) + 4 * f->o.columns_count;
}

/* One list for each column; a name with a comma in it cannot stand in a list. */
static void build(struct finder *f)
{
    struct entry *e, *next;
    size_t n = 0, length = 0;
    struct buf names;

    buf_clear(&f->query);
    buf_init(&names, NAMES_LENGTH);
    HASH_ITER (hh, f->entries, e, next) {
        size_t more = length_of(f, e->name);

        if (e->state != ENTRY_WANTED || n == BATCH || length + more > NAMES_LENGTH)
            continue;
        if (query_in_ok(e->name))
            (void)buf_addf(&names, "%s%s", names.length == 0 ? "" : ",", e->name);
        else
            add_columns(f, "=", e->name);
        e->state = ENTRY_ASKED;
        f->open--;
        length += more;
        n++;
    }
    if (names.length > 0)
        add_columns(f, "IN", buf_text(&names));
    buf_done(&names);
}

static void look_up(struct finder *f, usec_t now)
{
    struct snow_op op = {
        .kind = SNOW_LIST, .table = f->o.table, .fields = f->fields, .limit = ROWS_MOST};
    struct snow_outcome failed = {.verdict = SNOW_REJECTED};

    build(f);
    f->asking = true;
    op.query = buf_text(&f->query);
    if (snow_submit(f->snow, WINDOW_ALERTS, &op, 1, looked_up, f, now, &failed.err) != 0)
        looked_up(f, &op, &failed, 1, now);
}

/* ---------------------------------------------------------------- near matches */

static void say_near(const struct finder *f, const json_t *rows)
{
    const char *column = f->o.columns[0], *lost = f->lost[0];
    struct buf like;
    struct near n;
    json_t *row;
    size_t i;

    near_init(&n, lost);
    json_array_foreach (rows, i, row) {
        const char *name = json_string_value(json_object_get(row, column));

        if (name != NULL)
            near_offer(&n, name);
    }
    buf_init(&like, 4096);
    near_text(&n, &like);
    log_error("name-unknown",
              "table=%s\t'%s' is no %s (looked up by %s)%s%s. Records are made without it; correct "
              "the name in `fields`, rules or template, or make it, then run `itsm-bridge resync`",
              f->o.table, lost, f->o.what, column, like.length == 0 ? "" : "; did you mean ",
              buf_text(&like));
    buf_done(&like);
    near_done(&n);
}

static void near_answered(void *arg, const struct snow_op *ops, const struct snow_outcome *outcomes,
                          size_t n, usec_t now)
{
    struct finder *f = arg;

    (void)ops;
    (void)n;
    (void)now;
    f->asking = false;
    say_near(f, outcomes[0].result);
    free(f->lost[0]);
    f->lost_count--;
    memmove(&f->lost[0], &f->lost[1], f->lost_count * sizeof f->lost[0]);
}

/* Those that begin alike, by a bounded question: the instance cannot compare by distance. */
static void ask_near(struct finder *f, usec_t now)
{
    struct snow_op op = {
        .kind = SNOW_LIST, .table = f->o.table, .fields = f->o.columns[0], .limit = ROWS_MOST};
    struct snow_outcome none = {.verdict = SNOW_REJECTED};

    buf_clear(&f->query);
    (void)buf_addf(&f->query, "%sSTARTSWITH%.*s^ORDERBY%s", f->o.columns[0],
                   (int)text_boundary(f->lost[0], strlen(f->lost[0]), NEAR_START), f->lost[0],
                   f->o.columns[0]);
    op.query = buf_text(&f->query);
    f->asking = true;
    if (snow_submit(f->snow, WINDOW_ALERTS, &op, 1, near_answered, f, now, &none.err) != 0)
        near_answered(f, &op, &none, 1, now);
}

/* ---------------------------------------------------------------- making */

void finder_made_id(const char *record_namespace, const char *table, const char *name, char out[33])
{
    struct digest *d = digest_new();
    char *key = key_of(name);
    char hex[DIGEST_HEX_SIZE];

    digest_add(d, "itsm-bridge/1", sizeof "itsm-bridge/1");
    digest_add(d, record_namespace, strlen(record_namespace) + 1);
    digest_add(d, table, strlen(table) + 1);
    digest_add(d, "name", sizeof "name");
    digest_add(d, key, strlen(key));
    digest_finish(d, hex);
    memcpy(out, hex, 32);
    out[32] = '\0';
    free(key);
}

/* Refused because it exists: another process was first, or an answer of ours was lost. */
static void made_before(struct finder *f, struct entry *e, const char *sys_id, usec_t now)
{
    e->sys_id = xstrdup(sys_id);
    know(e, now + f->o.life_found);
}

static void made(struct finder *f, struct entry *e, const char *sys_id, usec_t now)
{
    made_before(f, e, sys_id, now);
    set_note(e, xasprintf("%s %s was made in %s", f->o.what, e->name, f->o.make));
    e->note_once = true;
    log_info("name-made", "table=%s sys_id=%s\tThe %s '%s' was not there and was made", f->o.make,
             sys_id, f->o.what, e->name);
}

static void not_made(struct finder *f, struct entry *e, const struct snow_outcome *o, usec_t now)
{
    f->again = now + RETRY;
    if (is_outage(o) || (o->verdict == SNOW_UNKNOWN && ++e->tries < TRIES)) {
        e->state = ENTRY_MISSING;
        f->open++;
        return;
    }
    e->can_make = false;
    set_note(e, xasprintf("%s left out: %s was not there and could not be made: %s", f->o.what,
                          e->name, o->err.text));
    know(e, now + f->o.life_none);
    log_warn("name-not-made", "table=%s code=%s\tThe %s '%s' could not be made: %s", f->o.make,
             o->err.code, f->o.what, e->name, o->err.text);
}

static void answer_make(void *arg, const struct snow_op *ops, const struct snow_outcome *outcomes,
                        size_t n, usec_t now)
{
    struct finder *f = arg;
    struct entry *e = f->making;
    const struct snow_outcome *o = &outcomes[0];
    const char *sys_id = json_string_value(json_object_get(o->result, "sys_id"));
    char ours[33];

    (void)ops;
    (void)n;
    f->asking = false;
    f->making = NULL;
    finder_made_id(f->o.record_namespace, f->o.make, e->name, ours);
    if (o->verdict == SNOW_OK && sys_id != NULL && query_sys_id_ok(sys_id))
        made(f, e, sys_id, now);
    else if (o->verdict == SNOW_OK)
        made(f, e, ours, now);
    else if (o->verdict == SNOW_EXISTS)
        made_before(f, e, ours, now);
    else
        not_made(f, e, o, now);
    f->o.answered(f->o.arg, now);
}

static struct entry *first_missing(const struct finder *f)
{
    struct entry *e = f->entries;

    while (e != NULL && e->state != ENTRY_MISSING)
        e = e->hh.next;
    return e;
}

static void make(struct finder *f, struct entry *e, usec_t now)
{
    struct snow_op op = {.kind = SNOW_CREATE, .table = f->o.make, .fields = "sys_id"};
    struct snow_outcome failed = {.verdict = SNOW_REJECTED};
    char sys_id[33];

    finder_made_id(f->o.record_namespace, f->o.make, e->name, sys_id);
    op.body = json_pack("{ssssss}", "sys_id", sys_id, f->o.columns[0], e->name, "short_description",
                        "Made by itsm-bridge for an alert that names it");
    e->state = ENTRY_MAKING;
    f->open--;
    f->making = e;
    f->asking = true;
    if (snow_submit(f->snow, WINDOW_ALERTS, &op, 1, answer_make, f, now, &failed.err) != 0)
        answer_make(f, &op, &failed, 1, now);
    json_decref(op.body);
}

usec_t finder_tick(struct finder *f, usec_t now)
{
    struct entry *missing;

    if ((f->open == 0 && f->lost_count == 0) || f->asking)
        return USEC_NEVER;
    if (now < f->again)
        return f->again;
    if (snow_room(f->snow, WINDOW_ALERTS, true, now) == 0)
        return USEC_NEVER;
    missing = first_missing(f);
    if (missing != NULL)
        make(f, missing, now);
    else if (f->open > 0)
        look_up(f, now);
    else
        ask_near(f, now);
    return f->asking ? USEC_NEVER : now;
}
