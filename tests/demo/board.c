/* Bookkeeping of the show. Events may come in any order: an outcome before the report of its
 * message, a record before the journal entry of its version. */
#include "tests/demo/board.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/xalloc.h"

static void times_add(struct times *t, int64_t ms)
{
    if (t->n == t->room) {
        t->room = t->room != 0 ? t->room * 2 : 256;
        t->ms = xrealloc(t->ms, t->room, sizeof *t->ms);
    }
    t->ms[t->n++] = ms;
}

static int by_value(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

int64_t times_part(const struct times *t, double p)
{
    int64_t *sorted, value;

    if (t->n == 0)
        return 0;
    sorted = xcalloc(t->n, sizeof *sorted);
    memcpy(sorted, t->ms, t->n * sizeof *sorted);
    qsort(sorted, t->n, sizeof *sorted, by_value);
    value = sorted[(size_t)(p * (double)(t->n - 1))];
    free(sorted);
    return value;
}

struct board *board_new(const struct feed *feed, usec_t begin)
{
    struct board *b = xcalloc(1, sizeof *b);

    b->feed = feed;
    b->begin = begin;
    b->tickets = xcalloc(feed->alerts_count, sizeof *b->tickets);
    for (size_t i = 0; i < feed->alerts_count; i++)
        b->tickets[i].of = &feed->alerts[i];
    return b;
}

static void change_done(struct change *c)
{
    free(c->topic);
    free(c->number);
    free(c->title);
    free(c->state);
    free(c->mod_count);
    *c = (struct change){0};
}

/* The chain of the elements stays whole when the table around it is gone. */
static void free_places(struct board *b)
{
    struct place *p = b->places, *next;

    HASH_CLEAR(hh, b->places);
    for (; p != NULL; p = next) {
        next = p->hh.next;
        json_decref(p->outcome);
        free(p->key);
        free(p);
    }
}

static void free_rows(struct board *b)
{
    struct row *r = b->rows, *next;

    HASH_CLEAR(hh, b->rows);
    for (; r != NULL; r = next) {
        next = r->hh.next;
        free(r->sys_id);
        free(r->mod_count);
        free(r->updated_on);
        free(r);
    }
}

static void free_versions(struct board *b)
{
    struct version *v = b->versions, *next;

    HASH_CLEAR(hh, b->versions);
    for (; v != NULL; v = next) {
        next = v->hh.next;
        free(v->key);
        free(v);
    }
}

void board_free(struct board *b)
{
    if (b == NULL)
        return;
    free_places(b);
    free_rows(b);
    free_versions(b);
    for (size_t i = 0; i < b->feed->alerts_count; i++) {
        free(b->tickets[i].number);
        free(b->tickets[i].sys_id);
    }
    for (size_t i = 0; i < BOARD_CHANGES; i++)
        change_done(&b->changes[i]);
    free(b->tickets);
    free(b->ticket_times.ms);
    free(b->change_times.ms);
    free(b);
}

static void count_in_slot(const struct board *b, unsigned *slots, usec_t now)
{
    usec_t slot = (now - b->begin) / BOARD_SLOT;

    if (slot >= 0 && slot < BOARD_SLOTS)
        slots[slot]++;
}

void board_send(struct board *b, size_t message, usec_t now)
{
    const struct feed_message *m = &b->feed->messages[message];
    struct ticket *t = &b->tickets[m->alert];

    b->sent++;
    if (m->kind == FEED_REPEAT)
        b->repeats++;
    if (m->kind == FEED_CLEAR) {
        b->clears++;
        t->clear_sent = true;
    }
    if (m->kind == FEED_FIRE) {
        b->fires++;
        t->sent = t->touched = now;
        t->state = TICKET_SENT;
    }
    count_in_slot(b, b->alert_slots, now);
}

/* The place of that key; takes the key. */
static struct place *place_of(struct board *b, char *key)
{
    struct place *p;

    HASH_FIND_STR(b->places, key, p);
    if (p != NULL) {
        free(key);
        return p;
    }
    p = xcalloc(1, sizeof *p);
    p->key = key;
    p->message = -1;
    HASH_ADD_KEYPTR(hh, b->places, p->key, strlen(p->key), p);
    return p;
}

static const char *text(const json_t *o, const char *name)
{
    const char *s = json_string_value(json_object_get(o, name));

    return s != NULL ? s : "";
}

static void keep(char **to, const char *value)
{
    if (*value == '\0')
        return;
    free(*to);
    *to = xstrdup(value);
}

static void ticket_opens(struct board *b, struct ticket *t, usec_t now)
{
    if (t->opened != 0)
        return;
    t->opened = now;
    b->opened++;
    if (t->state == TICKET_SENT)
        t->state = TICKET_OPEN;
    times_add(&b->ticket_times, (now - t->sent) / USEC_MS);
}

static void ticket_resolves(struct board *b, struct ticket *t)
{
    if (t->state == TICKET_RESOLVED)
        return;
    t->state = TICKET_RESOLVED;
    b->resolved++;
}

static void apply(struct board *b, struct place *p, usec_t now)
{
    struct ticket *t;
    const char *operation;

    if (p->message < 0 || p->outcome == NULL)
        return;
    t = &b->tickets[b->feed->messages[p->message].alert];
    operation = text(p->outcome, "operation");
    t->touched = now;
    keep(&t->number, text(p->outcome, "number"));
    keep(&t->sys_id, text(p->outcome, "sys_id"));
    if (strcmp(operation, "dead-letter") == 0)
        t->state = TICKET_DEAD;
    else if (t->number != NULL)
        ticket_opens(b, t, now);
    if (strcmp(operation, "resolved") == 0 || strcmp(operation, "created-resolved") == 0)
        ticket_resolves(b, t);
    json_decref(p->outcome);
    p->outcome = NULL;
}

void board_sent(struct board *b, size_t message, int32_t partition, int64_t offset, const char *why,
                usec_t now)
{
    struct place *p;

    if (why != NULL) {
        b->failed++;
        return;
    }
    b->confirmed++;
    p = place_of(b, xasprintf("%d/%lld", (int)partition, (long long)offset));
    p->message = (long long)message;
    apply(b, p, now);
}

void board_outcome(struct board *b, json_t *outcome, usec_t now)
{
    const json_t *source = json_object_get(outcome, "source");
    long long partition = json_integer_value(json_object_get(source, "partition"));
    long long offset = json_integer_value(json_object_get(source, "offset"));
    struct place *p = place_of(b, xasprintf("%lld/%lld", partition, offset));

    if (p->outcomes++ > 0) {
        b->outcomes_again++;
        return;
    }
    b->outcomes++;
    p->outcome = json_incref(outcome);
    apply(b, p, now);
}

void board_dead_letter(struct board *b)
{
    b->dead_letters++;
}

static struct row *row_of(struct board *b, const char *sys_id)
{
    struct row *r;

    HASH_FIND_STR(b->rows, sys_id, r);
    if (r == NULL) {
        r = xcalloc(1, sizeof *r);
        r->sys_id = xstrdup(sys_id);
        HASH_ADD_KEYPTR(hh, b->rows, r->sys_id, strlen(r->sys_id), r);
    }
    return r;
}

static struct version *version_of(struct board *b, const char *sys_id, const char *mod_count,
                                  const char *updated_on)
{
    char *key = xasprintf("%s/%s/%s", sys_id, mod_count, updated_on);
    struct version *v;

    HASH_FIND_STR(b->versions, key, v);
    if (v != NULL) {
        free(key);
        return v;
    }
    v = xcalloc(1, sizeof *v);
    v->key = key;
    v->written = v->published = MSEC_NONE;
    HASH_ADD_KEYPTR(hh, b->versions, v->key, strlen(v->key), v);
    return v;
}

static void both_known(struct board *b, const struct version *v)
{
    if (v->written != MSEC_NONE && v->published != MSEC_NONE)
        times_add(&b->change_times, v->published > v->written ? v->published - v->written : 0);
}

static void journal_entry(struct board *b, const json_t *entry)
{
    const json_t *changes = json_object_get(entry, "changes");
    const char *table = text(entry, "table");
    struct version *v;
    struct row *r;

    if (strcmp(table, "incident") != 0 && strcmp(table, "change_request") != 0)
        return;
    r = row_of(b, text(entry, "sys_id"));
    keep(&r->mod_count, text(json_object_get(changes, "sys_mod_count"), "new"));
    keep(&r->updated_on, text(json_object_get(changes, "sys_updated_on"), "new"));
    /* the journal leaves out what is as it was, and 0 is the default of a new row */
    v = version_of(b, r->sys_id, r->mod_count != NULL ? r->mod_count : "0",
                   r->updated_on != NULL ? r->updated_on : "");
    if (r->newest == NULL)
        b->rows_changed++;
    r->newest = v;
    if (v->written != MSEC_NONE)
        return;
    v->written = json_integer_value(json_object_get(entry, "wall_ms"));
    b->written++;
    both_known(b, v);
}

void board_journal(struct board *b, const json_t *journal)
{
    const json_t *entries = json_object_get(journal, "entries");

    for (size_t i = 0; i < json_array_size(entries); i++)
        journal_entry(b, json_array_get(entries, i));
    b->journal_last = json_integer_value(json_object_get(journal, "last"));
}

static const char *state_label(const char *table, const char *state)
{
    static const char *const labels[][3] = {
        {"incident", "1", "New"},
        {"incident", "2", "In Progress"},
        {"incident", "3", "On Hold"},
        {"incident", "6", "Resolved"},
        {"incident", "7", "Closed"},
        {"incident", "8", "Canceled"},
        {"change_request", "-5", "New"},
        {"change_request", "-4", "Assess"},
        {"change_request", "-3", "Authorize"},
        {"change_request", "-2", "Scheduled"},
        {"change_request", "-1", "Implement"},
        {"change_request", "0", "Review"},
        {"change_request", "3", "Closed"},
        {"change_request", "4", "Canceled"},
    };

    for (size_t i = 0; i < ARRAY_LEN(labels); i++)
        if (strcmp(labels[i][0], table) == 0 && strcmp(labels[i][1], state) == 0)
            return labels[i][2];
    return state;
}

static void change_add(struct board *b, const char *topic, const json_t *value, struct version *v)
{
    struct change *c = &b->changes[b->changes_count++ % BOARD_CHANGES];
    const json_t *record = json_object_get(value, "record");

    change_done(c);
    c->topic = xstrdup(topic);
    c->number = xstrdup(text(value, "number"));
    c->title = xstrdup(text(record, "short_description"));
    c->state = xstrdup(state_label(text(value, "table"), text(record, "state")));
    c->mod_count = xstrdup(text(value, "sys_mod_count"));
    c->of = v;
}

void board_record(struct board *b, const char *topic, const json_t *value, msec_t wall, usec_t now)
{
    const char *sys_id = text(value, "sys_id");
    struct version *v =
        version_of(b, sys_id, text(value, "sys_mod_count"), text(value, "sys_updated_on"));

    (void)row_of(b, sys_id);
    b->published++;
    if (v->in_topics++ > 0) {
        b->republished++;
        return;
    }
    v->published = wall;
    both_known(b, v);
    change_add(b, topic, value, v);
    count_in_slot(b, b->change_slots, now);
}

size_t board_rows_behind(const struct board *b)
{
    size_t n = 0;

    for (const struct row *r = b->rows; r != NULL; r = r->hh.next)
        n += r->newest != NULL && r->newest->in_topics == 0;
    return n;
}

bool board_settled(const struct board *b)
{
    return b->sent == b->feed->messages_count && b->confirmed + b->failed == b->sent &&
           b->outcomes >= b->confirmed && board_rows_behind(b) == 0;
}
