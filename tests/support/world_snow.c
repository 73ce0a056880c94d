/* ServiceNow in memory: create-if-absent under a chosen sys_id and unconditional updates, nothing
 * else. Each write is checked against what it may do. */
#include <stdlib.h>
#include <string.h>

#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"
#include "consumers/incident.h"
#include "tests/support/alert_support.h"
#include "tests/support/world_internal.h"

bool row_open(const struct row *r)
{
    return r->state != RECORD_RESOLVED && r->state != RECORD_CLOSED && r->state != RECORD_CANCELED;
}

int snow_find(const struct world *w, int alert, uint32_t generation)
{
    for (int i = 0; i < w->rows; i++)
        if (w->row[i].alert == alert && w->row[i].generation == generation)
            return i;
    return -1;
}

/* By the state stamp in descending order, as the bridge asks for it. */
int snow_newest(const struct world *w, int alert)
{
    int best = -1;

    for (int i = 0; i < w->rows; i++)
        if (w->row[i].alert == alert && w->row[i].has_stamp &&
            (best < 0 || stamp_newer(&w->row[i].stamp, &w->row[best].stamp, false)))
            best = i;
    return best;
}

void row_record(const struct world *w, const struct row *row, struct record *ret)
{
    if (w->s.bodies) {
        if (record_parse(row->columns, target_table_of("incident"), ret) != 0)
            panic("the world made a row that is no record");
        ret->closed = row->closed;
        return;
    }
    *ret = (struct record){.sys_id = xstrdup(row->sys_id),
                           .number = xstrdup("INC0000001"),
                           .state = row->state,
                           .has_stamp = row->has_stamp,
                           .has_content = row->has_content,
                           .stamp = row->stamp,
                           .content = row->content,
                           .mod_count = row->mods,
                           .closed = row->closed};
}

/* ---------------------------------------------------------------- what a write may do */

static bool read_after(const struct request *r, unsigned step)
{
    return r->read_step > step;
}

static void check_state_write(struct world *w, const struct row *row, const struct request *r)
{
    bool again = w->s.marked ? row->consumed != 0 : (row->consumed & BIT(r->clear)) != 0;
    bool undone = row->wish != 0 && row->state == row->wish &&
                  (row->state != RECORD_NEW || (row->reopened && again));

    if (!undone)
        return;
    if (read_after(r, row->wish_step))
        world_break(w, BREAK_PERSON, "a person had set state %d before the read", row->wish);
    else
        w->broken |= RACE_PERSON;
}

static void check_content_write(struct world *w, const struct row *row, const struct request *r)
{
    if (!row_open(row) && read_after(r, row->closed_step))
        world_break(w, BREAK_PERSON, "a closed record is rewritten");
    if (w->s.keyed && row->has_content && version_newer(&row->content, &r->content))
        world_break(w, BREAK_CONTENT, "content of message %d is overwritten by message %d",
                    row->newest, r->fire);
}

static void set_content(struct world *w, struct row *row, const struct request *r)
{
    row->content = r->content;
    row->has_content = true;
    row->contents |= BIT(r->fire);
    if (row->newest < 0 || version_newer(&w->version[r->fire], &w->version[row->newest]))
        row->newest = r->fire;
}

static void set_stamp(struct row *row, const struct request *r)
{
    row->stamp = r->stamp;
    row->has_stamp = true;
    row->stamps |= BIT(r->clear >= 0 ? r->clear : r->fire);
}

static void set_closed(struct world *w, struct row *row, const struct request *r)
{
    row->state = RECORD_RESOLVED;
    row->closed = world_wall(w);
    row->closed_step = w->step;
    row->ever_closed = true;
    row->consumed |= BIT(r->clear);
}

/* ---------------------------------------------------------------- real bodies */

static json_t *make_body(struct world *w, const struct request *r)
{
    struct config_consumer consumer = alert_support_consumer();
    struct incident_context x = alert_support_context(&consumer);
    const struct alert *fire = r->fire < 0 ? NULL : w->alert[r->fire];
    const struct alert *clear = r->clear < 0 ? NULL : w->alert[r->clear];
    uint32_t generation = r->what.generation;

    switch (r->what.action) {
    case ACT_CREATE:
        return incident_create(&x, fire, generation, &r->content, &r->stamp);
    case ACT_CREATE_RESOLVED:
        return incident_create_resolved(&x, fire, clear, generation, &r->content, &r->stamp);
    case ACT_UPDATE:
        return incident_update(&x, fire, generation, &r->content);
    case ACT_REMARK:
        return incident_remark(fire, &r->content);
    case ACT_RESOLVE:
        return incident_resolve(&x, clear, &r->stamp);
    case ACT_STAMP:
        return incident_stamp(&r->stamp);
    case ACT_HOLD_NOTE:
        return incident_note(&x, clear, &r->stamp, r->what.why);
    default:
        panic("no body for %s", action_name(r->what.action));
    }
}

/* The body is applied as the instance would, then the row must be what the plain copy became. */
static void apply_body(struct world *w, struct row *row, const struct request *r)
{
    json_t *body = make_body(w, r);
    struct record seen = {0};

    (void)json_object_update(row->columns, body);
    json_decref(body);
    if (record_parse(row->columns, target_table_of("incident"), &seen) != 0) {
        world_break(w, BREAK_BODY, "the record cannot be read after the %s",
                    action_name(r->what.action));
        return;
    }
    if (seen.state != row->state || !seen.has_stamp || !seen.has_content ||
        seen.stamp.rank != row->stamp.rank || seen.stamp.generation != row->stamp.generation ||
        !version_same(&seen.stamp.version, &row->stamp.version) ||
        !version_same(&seen.content, &row->content))
        world_break(w, BREAK_BODY, "after the %s the record holds state %d, rank %d, content %lld",
                    action_name(r->what.action), seen.state, seen.stamp.rank,
                    (long long)seen.content.offset);
    record_done(&seen);
}

/* ---------------------------------------------------------------- executing */

static void count_open(struct world *w, int alert)
{
    int open = 0;

    for (int i = 0; i < w->rows; i++)
        if (w->row[i].alert == alert) {
            if (w->row[i].reopened)
                return;
            open += row_open(&w->row[i]);
        }
    if (open > 1)
        world_break(w, BREAK_PAIR, "alert %d has %d open records", alert, open);
}

static void count_records(struct world *w, int alert)
{
    int most = w->s.marked ? 1 : w->s.cycles[alert] + w->persons;

    if (world_records(w, alert) > most)
        world_break(w, BREAK_TWO, "alert %d has %d records, at most %d are right", alert,
                    world_records(w, alert), most);
}

/* No record beside a person's resolve for a message that is older (alert-identity 3.1). */
static void check_opening(struct world *w, const struct request *r)
{
    int before = snow_find(w, r->alert, r->what.generation - 1);
    const struct row *row = before < 0 ? NULL : &w->row[before];

    if (row != NULL && row->wish != 0 && !row_open(row) && row->has_stamp && row->stamp.rank == 0 &&
        read_after(r, row->wish_step) && w->fact[r->fire].own_time <= row->closed)
        world_break(w, BREAK_TWO, "message %d is older than the person's act on generation %u",
                    r->fire, row->generation);
}

static bool create(struct world *w, const struct request *r)
{
    struct row *row;

    if (!w->s.fallback && snow_find(w, r->alert, r->what.generation) >= 0)
        return false;
    if (!w->s.marked)
        check_opening(w, r);
    if (w->rows >= WORLD_ROWS)
        panic("the world has no room for another record");
    row = &w->row[w->rows++];
    *row = (struct row){.alert = r->alert,
                        .generation = r->what.generation,
                        .state = RECORD_NEW,
                        .closed = MSEC_NONE,
                        .opener = r->fire,
                        .newest = -1};
    (void)snprintf(row->sys_id, sizeof row->sys_id, "%016x%08x%08x", r->alert + 1,
                   r->what.generation, (unsigned)w->rows);
    set_content(w, row, r);
    set_stamp(row, r);
    if (r->what.action == ACT_CREATE_RESOLVED)
        set_closed(w, row, r);
    if (w->s.bodies) {
        row->columns = json_object();
        (void)json_object_set_new(row->columns, "number", json_string("INC0000001"));
        apply_body(w, row, r);
    }
    count_records(w, r->alert);
    count_open(w, r->alert);
    return true;
}

static void change(struct world *w, struct row *row, const struct request *r)
{
    switch (r->what.action) {
    case ACT_UPDATE:
        check_content_write(w, row, r);
        set_content(w, row, r);
        break;
    case ACT_REMARK: /* a work note: nothing of what the bridge decides by */
        break;
    case ACT_RESOLVE:
        check_state_write(w, row, r);
        set_closed(w, row, r);
        set_stamp(row, r);
        break;
    case ACT_STAMP:
    case ACT_HOLD_NOTE:
        if (!row_open(row) || row->state == RECORD_ON_HOLD)
            row->consumed |= BIT(r->clear);
        set_stamp(row, r);
        break;
    default:
        panic("a change by %s", action_name(r->what.action));
    }
    row->mods++;
    if (w->s.bodies)
        apply_body(w, row, r);
}

bool snow_refuses(const struct world *w, const struct request *r)
{
    return r->row < 0 && r->alert == w->s.poison && !w->cured;
}

bool snow_execute(struct world *w, const struct request *r)
{
    w->writes++;
    if (r->row < 0)
        return create(w, r);
    change(w, &w->row[r->row], r);
    return true;
}

/* ---------------------------------------------------------------- persons */

static bool may(const struct row *row, int state)
{
    if (state == RECORD_NEW)
        return row->state == RECORD_RESOLVED || row->state == RECORD_ON_HOLD;
    if (state == RECORD_CLOSED)
        return row_open(row) || row->state == RECORD_RESOLVED;
    return row_open(row) && row->state != state;
}

bool world_person(struct world *w, int alert, int record, int state)
{
    int i = snow_find(w, alert, w->s.marked ? 0 : (uint32_t)record + 1);
    struct row *row = i < 0 ? NULL : &w->row[i];

    if (row == NULL || !may(row, state))
        return false;
    w->step++;
    world_say(w, "a person sets record %d of alert %d to state %d", record, alert, state);
    if (!row_open(row) && state == RECORD_NEW)
        row->reopened = true;
    row->held |= state == RECORD_ON_HOLD;
    w->persons += row_open(row) && state != RECORD_ON_HOLD && state != RECORD_NEW;
    row->state = state;
    row->wish = state;
    row->wish_step = w->step;
    row->mods++;
    if (row_open(row)) {
        row->closed = MSEC_NONE;
    } else {
        row->closed = world_wall(w);
        row->closed_step = w->step;
        row->ever_closed = true;
    }
    if (w->s.bodies) {
        char text[2] = {(char)('0' + state), '\0'};

        (void)json_object_set_new(row->columns, "state", json_string(text));
    }
    return true;
}
