/* Writing: decision to body to operation, and what each answer means for the lane. A write whose
 * effect is not known makes the lane doubtful: a read comes before anything else is tried. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"
#include "bridge/retry/backoff.h"
#include "consumers/dispatch_internal.h"

#define NOTE_MOST  ((size_t)8000)
#define WHOLE_MOST ((size_t)512 * 1024)

struct write {
    struct dispatch *d;
    struct lane *lane;
    struct decision what;
    char *sys_id; /* that the write is meant for */
    json_t *body;
    struct buf note; /* what the body lacks and why */
};

static struct item *item_at(const struct lane *lane, size_t index)
{
    struct item *i = lane->items;

    for (; index > 0; index--)
        i = i->next;
    return i;
}

static bool is_create(enum action a)
{
    return a == ACT_CREATE || a == ACT_CREATE_RESOLVED;
}

static struct stamp stamp_of(const struct lane *lane, const struct decision *what)
{
    size_t index = what->clear != SIZE_MAX ? what->clear : what->fire;

    return (struct stamp){.series = lane->series,
                          .generation = what->generation,
                          .rank = what->clear != SIZE_MAX,
                          .version = item_at(lane, index)->fact.version};
}

/* A work note about news is left out where the last one is too young, or there is no news. */
static json_t *build_update(struct dispatch *d, struct lane *lane, const struct incident_context *x,
                            struct item *fire, uint32_t generation, usec_t now)
{
    json_t *body = incident_update(x, item_alert(fire), generation, &fire->fact.version);
    struct ledger_content last = ledger_content(d->ledger, lane->key);

    if ((last.noted_at != 0 && now - last.noted_at < x->life->note_every) ||
        (last.known && last.digest == incident_content_digest(body)))
        (void)json_object_del(body, "work_notes");
    return body;
}

static json_t *build_of(struct dispatch *d, struct lane *lane, const struct decision *what,
                        const char *ci, struct buf *whole, usec_t now)
{
    struct item *fire = what->fire == SIZE_MAX ? NULL : item_at(lane, what->fire);
    struct item *clear = what->clear == SIZE_MAX ? NULL : item_at(lane, what->clear);
    const struct unit *head = lane->items->unit, *unit = fire != NULL ? fire->unit : head;
    const struct config_consumer *consumer = unit->consumer;
    const struct dictionary *dictionary = lookups_dictionary(d->lookups);
    struct incident_context x = {
        .consumer = consumer,
        .life = fire != NULL ? fire->fact.life : &consumer->life,
        .table = lane->target->table,
        .shape = lane->target->shape,
        .record_namespace = d->config->connection.record_namespace,
        .close_code = dispatch_close_code(d, consumer, lane->target),
        .contact_type = dictionary_contact_type(dictionary, lane->target->table),
        .cmdb_ci = ci,
        .rules = unit->rules,
        .columns = dictionary_columns(dictionary, lane->target->table),
        .whole = whole,
    };
    struct stamp stamp = stamp_of(lane, what);

    switch (what->action) {
    case ACT_CREATE:
        return incident_create(&x, item_alert(fire), what->generation, &fire->fact.version, &stamp);
    case ACT_CREATE_RESOLVED:
        return incident_create_resolved(&x, item_alert(fire), item_alert(clear), what->generation,
                                        &fire->fact.version, &stamp);
    case ACT_UPDATE:
        return build_update(d, lane, &x, fire, what->generation, now);
    case ACT_REOPEN:
        return incident_reopen(&x, item_alert(fire), what->generation, &fire->fact.version, &stamp);
    case ACT_REFIRE_NOTE:
        return incident_refire(item_alert(fire), &stamp);
    case ACT_REMARK:
        return incident_remark(item_alert(fire), &fire->fact.version);
    case ACT_RESOLVE:
        return incident_resolve(&x, item_alert(clear), &stamp);
    case ACT_STAMP:
        return incident_stamp(&stamp);
    case ACT_HOLD_NOTE:
        return incident_note(&x, item_alert(clear), &stamp, what->why);
    default:
        panic("no body for the action %s", action_name(what->action));
    }
}

/* `whole`: as incident_context; NULL: not wanted. */
static json_t *build_body(struct dispatch *d, struct lane *lane, const struct decision *what,
                          const char *ci, struct buf *whole, usec_t now)
{
    json_t *body = build_of(d, lane, what, ci, whole, now);

    lookups_content(d->lookups, lane->target->table, body);
    return body;
}

bool dispatch_says_the_same(struct dispatch *d, struct lane *lane, size_t index)
{
    struct ledger_content last = ledger_content(d->ledger, lane->key);
    struct decision update = {.action = ACT_UPDATE, .fire = index, .clear = SIZE_MAX};
    const struct record *known = ledger_find(d->ledger, lane->key);
    json_t *body;
    bool same;

    if (!last.known || known == NULL || !known->has_content ||
        !version_same(&known->content, &last.version))
        return false;
    update.generation = lane->marked ? 0 : known->stamp.generation;
    body = build_body(d, lane, &update, "", NULL, 0);
    same = incident_content_digest(body) == last.digest;
    json_decref(body);
    return same;
}

static void write_free(struct write *w)
{
    json_decref(w->body);
    free(w->sys_id);
    buf_done(&w->note);
    free(w);
}

/* ---------------------------------------------------------------- what the answer means */

static void forget_sight(struct lane *lane)
{
    lane->sight = SIGHT_NEVER;
    record_done(&lane->record);
}

static const char *operation_of(enum action a)
{
    static const char *const words[] = {
        [ACT_CREATE] = "created",    [ACT_CREATE_RESOLVED] = "created-resolved",
        [ACT_UPDATE] = "updated",    [ACT_RESOLVE] = "resolved",
        [ACT_STAMP] = "stamped",     [ACT_HOLD_NOTE] = "noted",
        [ACT_REMARK] = "noted",      [ACT_REOPEN] = "reopened",
        [ACT_REFIRE_NOTE] = "noted",
    };

    return words[a];
}

/* Where the word of the operation alone does not tell what was decided. */
static bool says_why(enum action a)
{
    return a == ACT_HOLD_NOTE || a == ACT_REFIRE_NOTE;
}

/* Messages that the operation was for get its word; the others of the group were folded into it. */
static void end_group(struct write *w, const struct snow_outcome *o, const struct record *r,
                      const char *note, usec_t now)
{
    struct dispatch *d = w->d;
    struct ending how = {.table = w->lane->target->table,
                         .generation = w->what.generation,
                         .record = r,
                         .http_status = o->status,
                         .note = note};

    for (size_t k = 0; k < w->what.consumed; k++) {
        bool meant = k == w->what.fire || k == w->what.clear;

        w->lane->items->attempts += meant;
        how.operation = meant ? operation_of(w->what.action) : "nothing";
        how.why = !meant ? "folded" : says_why(w->what.action) ? w->what.why : NULL;
        dispatch_end_items(d, w->lane, 1, &how, now);
    }
}

/* Somebody wrote between our read and our write: it can be said, not undone (design D4). */
static bool changed_between(struct write *w, const struct record *r)
{
    bool changed = !is_create(w->what.action) && w->lane->record.mod_count >= 0 &&
                   r->mod_count >= 0 && r->mod_count > w->lane->record.mod_count + 1;

    if (changed) {
        metric_add(w->d->changed_between, 1);
        log_warn("changed-between",
                 "number=%s sys_id=%s action=%s\tSomebody else changed this record between the "
                 "bridge's read and its write; look at its history when its state surprises",
                 r->number, r->sys_id, action_name(w->what.action));
    }
    return changed;
}

static void check_sys_id(struct write *w, const struct record *r)
{
    struct dispatch *d = w->d;

    if (!is_create(w->what.action))
        return;
    if (strcmp(r->sys_id, w->sys_id) != 0 && !d->by_correlation) {
        d->by_correlation = true;
        log_error("sys-id-ignored",
                  "wanted=%s got=%s\tThe instance does not take the sys_id that the bridge "
                  "chooses, so creating twice "
                  "can no longer be ruled out by it. From now on every create is preceded by a "
                  "look-up of "
                  "correlation_id; a lost answer may still lead to a second record",
                  w->sys_id, r->sys_id);
    }
}

static bool writes_content(enum action a)
{
    return is_create(a) || a == ACT_UPDATE || a == ACT_REOPEN;
}

/* For the next message that has no news. */
static void remember_content(struct write *w, usec_t now)
{
    struct ledger_content c = ledger_content(w->d->ledger, w->lane->key);

    if (!writes_content(w->what.action))
        return;
    c.known = true;
    c.digest = incident_content_digest(w->body);
    c.version = item_at(w->lane, w->what.fire)->fact.version;
    if (json_object_get(w->body, "work_notes") != NULL)
        c.noted_at = now;
    ledger_set_content(w->d->ledger, w->lane->key, c);
}

/* The answer leaves out the description: its version is the one just written, or the one just read.
 */
static void set_content(const struct write *w, struct record *r)
{
    const struct record *before = &w->lane->record;

    if (writes_content(w->what.action)) {
        r->has_content = true;
        r->content = item_at(w->lane, w->what.fire)->fact.version;
    } else {
        r->has_content = before->has_content;
        r->content = before->content;
    }
}

/* The lane may be gone before the update can no longer land: the ledger remembers. */
static void settle_later(struct write *w, usec_t now)
{
    w->lane->settle_until = now + item_at(w->lane, 0)->unit->consumer->settle;
    ledger_settle(w->d->ledger, w->lane->key, w->lane->settle_until);
}

/* One more attempt of each message that the write was for. */
static void charge(struct write *w)
{
    for (size_t k = 0; k < w->what.consumed; k++)
        item_at(w->lane, k)->attempts++;
}

static void delay(struct write *w, const struct snow_outcome *o, const char *reason, usec_t now)
{
    unsigned attempts = o->outage ? 1 : item_at(w->lane, 0)->attempts;
    const struct config_limits *limits = &w->d->config->limits;

    forget_sight(w->lane);
    lane_delay(w->d->lanes, w->lane, LANE_DELAYED,
               now + backoff_delay(&w->d->rand, attempts, limits->retry_min, limits->retry_max,
                                   o->retry_after),
               reason);
}

static void on_unknown(struct write *w, const struct snow_outcome *o, usec_t now)
{
    /* A lost answer or a time-out is the instance's trouble; an answer of its own is the record's.
     */
    if (!o->outage)
        charge(w);
    w->lane->doubt = true;
    if (w->what.action == ACT_UPDATE || w->what.action == ACT_REOPEN)
        settle_later(w, now);
    delay(w, o, "the answer to a write was lost or unclear", now);
}

static void on_ok(struct write *w, const struct snow_outcome *o, usec_t now)
{
    struct dispatch *d = w->d;
    struct record r = {0};
    const char *note = w->note.length == 0 ? NULL : buf_text(&w->note);

    if (record_parse(o->result, w->lane->target->shape, &r) != 0) {
        /* The write happened; what it answered is not a record. Look before it is called done. */
        on_unknown(w, o, now);
        return;
    }
    set_content(w, &r);
    check_sys_id(w, &r);
    if (changed_between(w, &r))
        note = "sys_mod_count shows that somebody else wrote between our read and our write";
    ledger_put(d->ledger, w->lane->key, &r);
    ledger_seen(d->ledger, w->lane->key, now);
    remember_content(w, now);
    end_group(w, o, &r, note, now);
    w->lane->refused = false;
    w->lane->doubt = false;
    w->lane->clear_wait_until = 0;
    lane_forget_refusal(w->lane);
    forget_sight(w->lane);
    lanes_settle(d->lanes, w->lane);
    record_done(&r);
}

static void on_exists(struct write *w, const struct snow_outcome *o, usec_t now)
{
    (void)o;
    (void)now;
    w->lane->refused = true;
    w->lane->doubt = true;
    w->lane->generation = w->what.generation;
    w->d->suspect = true;
    forget_sight(w->lane);
    lanes_settle(w->d->lanes, w->lane);
}

/* Deleted between our read and our write: the next look tells. An instance that shows a record and
 * yet says 404 to its update costs the record its attempts, or this would go on for ever. */
static void on_absent(struct write *w, const struct snow_outcome *o, usec_t now)
{
    charge(w);
    w->lane->doubt = true;
    delay(w, o, "the record was not there when it was written", now);
}

static void dead_group(struct write *w, int status, const struct err *why, usec_t now)
{
    struct ending how = {.operation = "dead-letter",
                         .table = w->lane->target->table,
                         .generation = w->what.generation,
                         .record = w->lane->sight == SIGHT_RECORD ? &w->lane->record : NULL,
                         .http_status = status,
                         .err = why};

    dispatch_end_items(w->d, w->lane, w->what.consumed, &how, now);
    lane_forget_refusal(w->lane);
    forget_sight(w->lane);
    lanes_settle(w->d->lanes, w->lane);
}

/* A 403 may follow a commit: look once before it is called refused. */
static void look_once(struct write *w, const struct snow_outcome *o)
{
    struct lane *lane = w->lane;

    if (lane->refusal == NULL)
        lane->refusal = xcalloc(1, sizeof *lane->refusal);
    *lane->refusal = (struct lane_refusal){
        .action = w->what.action, .count = w->what.consumed, .status = o->status, .err = o->err};
    lane->doubt = true;
    forget_sight(lane);
    lanes_settle(w->d->lanes, lane);
}

static void on_rejected(struct write *w, const struct snow_outcome *o, usec_t now)
{
    if (w->what.action == ACT_STAMP) {
        /* The record is closed for good, and rightly so: nothing is left to do for this clear. */
        struct ending how = {.operation = "nothing",
                             .why = "closed",
                             .table = w->lane->target->table,
                             .generation = w->what.generation,
                             .record = &w->lane->record,
                             .http_status = o->status};

        dispatch_end_items(w->d, w->lane, w->what.consumed, &how, now);
        forget_sight(w->lane);
        lanes_settle(w->d->lanes, w->lane);
        return;
    }
    if (o->doubtful)
        look_once(w, o);
    else
        dead_group(w, o->status, &o->err, now);
}

static void on_not_done(struct write *w, const struct snow_outcome *o, usec_t now)
{
    if (o->verdict == SNOW_CANCELLED)
        w->lane->doubt = true;
    forget_sight(w->lane);
    dispatch_again(w->d, w->lane, o, now);
}

static void answer(void *arg, const struct snow_op *ops, const struct snow_outcome *outcomes,
                   size_t n, usec_t now)
{
    static void (*const handlers[])(struct write *, const struct snow_outcome *, usec_t) = {
        [SNOW_OK] = on_ok,
        [SNOW_ABSENT] = on_absent,
        [SNOW_EXISTS] = on_exists,
        [SNOW_REJECTED] = on_rejected,
        [SNOW_THROTTLED] = on_not_done,
        [SNOW_UNAVAILABLE] = on_not_done,
        [SNOW_UNKNOWN] = on_unknown,
        [SNOW_UNAUTHORISED] = on_not_done,
        [SNOW_CANCELLED] = on_not_done,
    };
    struct write *w = arg;

    (void)ops;
    (void)n;
    w->d->in_flight--;
    lane_move(w->d->lanes, w->lane, LANE_IDLE);
    handlers[outcomes[0].verdict](w, &outcomes[0], now);
    write_free(w);
}

/* ---------------------------------------------------------------- sending */

/* The look after a refusal shows that the write was not applied, or it would not be wanted again.
 * Where it shows that something else is wanted (the insert is there all the same, a person closed
 * the record meanwhile), that is tried. */
static bool refused_again(struct write *w, usec_t now)
{
    struct lane_refusal *refusal = w->lane->refusal;
    struct lane_refusal was;

    if (refusal == NULL)
        return false;
    was = *refusal;
    lane_forget_refusal(w->lane);
    if (was.action != w->what.action && !(is_create(was.action) && is_create(w->what.action)))
        return false;
    if (w->what.consumed > was.count)
        w->what.consumed = was.count;
    dead_group(w, was.status, &was.err, now);
    return true;
}

/* A write that was refused before, or failed too often, and that the look has not explained. */
static bool given_up(struct write *w, usec_t now)
{
    unsigned attempts = item_at(w->lane, 0)->attempts;
    struct err why;

    if (refused_again(w, now))
        return true;
    if (attempts < (unsigned)w->d->config->limits.max_attempts)
        return false;
    (void)err_set(&why, ERR_REJECT, "attempts",
                  "ServiceNow answered %u times without saying clearly that the write was "
                  "done, and the record shows "
                  "that it was not. See the instance's log for this record, mend the cause, "
                  "then send the dead "
                  "letter again (limits.max_attempts is %lld)",
                  attempts, (long long)w->d->config->limits.max_attempts);
    dead_group(w, 0, &why, now);
    return true;
}

/* The sys_id of the alert's configuration item, "" when it has none; false: wait for the look-up.
 */
static bool find_ci(struct write *w, const char **ret_ci, usec_t now)
{
    const struct decision *what = &w->what;
    enum finder_result found;
    const struct alert *a;
    const char *note;

    *ret_ci = "";
    if (!is_create(what->action))
        return true;
    a = item_alert(item_at(w->lane, what->fire));
    found = lookups_item(w->d->lookups, a, now, ret_ci, &note);
    if (found != FINDER_FOUND)
        *ret_ci = "";
    if (found == FINDER_PENDING)
        return false;
    (void)buf_add_text(&w->note, note);
    return true;
}

static bool rules_name_templates(const struct config_consumer *c)
{
    for (size_t i = 0; i < c->rules_count; i++)
        if (c->rules[i].template[0] != '\0')
            return true;
    return false;
}

/* The instance's template that a rule names for this alert, else the consumer's. */
static const char *template_of(struct item *fire)
{
    const char *name = fire->unit->consumer->template;
    struct ruling g;

    if (fire->unit->rules == NULL || !rules_name_templates(fire->unit->consumer))
        return name;
    rules_decide(fire->unit->rules, item_alert(fire), &g);
    if (g.template[0] != '\0')
        name = g.template;
    ruling_done(&g);
    return name;
}

/* The body of the write in w->body; false: wait for a look-up. */
static bool make_body(struct write *w, usec_t now)
{
    struct buf whole;
    const char *ci;
    bool ready = find_ci(w, &ci, now);

    buf_init(&whole, WHOLE_MOST);
    w->body = build_body(w->d, w->lane, &w->what, ci, &whole, now);
    if (is_create(w->what.action) && !lookups_complete(w->d->lookups, w->lane->target->table,
                                                       template_of(item_at(w->lane, w->what.fire)),
                                                       w->body, &whole, &w->note, now))
        ready = false;
    buf_done(&whole);
    return ready;
}

static char *target(const struct write *w)
{
    struct keys keys;

    if (!is_create(w->what.action))
        return xstrdup(w->lane->record.sys_id);
    identity_keys(item_alert(w->lane->items), w->d->config->connection.record_namespace,
                  w->lane->target->table, w->what.generation, &keys);
    return xstrdup(keys.sys_id);
}

void dispatch_write(struct dispatch *d, struct lane *lane, const struct decision *what, usec_t now)
{
    struct write *w = xcalloc(1, sizeof *w);
    struct snow_op op = {.table = lane->target->table, .fields = lane->target->shape->write_fields};
    struct err e;

    *w = (struct write){.d = d, .lane = lane, .what = *what};
    buf_init(&w->note, NOTE_MOST);
    if (given_up(w, now)) {
        write_free(w);
        return;
    }
    if (!make_body(w, now)) {
        lane_move(d->lanes, lane, LANE_LOOKUP);
        write_free(w);
        return;
    }
    w->sys_id = target(w);
    op.kind = is_create(what->action) ? SNOW_CREATE : SNOW_UPDATE;
    op.sys_id = w->sys_id;
    op.body = w->body;
    lane->taken = what->consumed;
    lane_move(d->lanes, lane, LANE_FLIGHT);
    d->in_flight++;
    if (snow_submit(d->snow, WINDOW_ALERTS, &op, 1, answer, w, now, &e) != 0)
        panic("a write of our own making was refused: %s", e.text);
}
