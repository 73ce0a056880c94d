/* Expiry as rules. Both sides must be silent: messages (their versions) and people (the record's
 * own time), so that a long backlog or somebody at work keeps a record open. */
#include "consumers/expire.h"

#include <inttypes.h>
#include <string.h>

#include "bridge/servicenow/query.h"

/* With more topics the query leaves them out. */
#define TOPICS_MOST 20

struct version expire_last(const struct record *r)
{
    if (r->has_content && version_newer(&r->content, &r->stamp.version))
        return r->content;
    return r->stamp.version;
}

static bool silent(msec_t since, msec_t now, msec_t age)
{
    return since != MSEC_NONE && now != MSEC_NONE && now - since > age;
}

bool expire_due(const struct expire_view *v)
{
    const struct record *r = v->record;

    if (!record_open(r) || !r->has_stamp || r->stamp.rank != 0 || r->state == RECORD_ON_HOLD)
        return false;
    if (v->on_clear == ON_CLEAR_RESOLVE_UNTOUCHED && r->touched)
        return false;
    return silent(expire_last(r).time, v->wall, v->age) && silent(v->updated, v->there, v->age);
}

struct stamp expire_stamp(const struct record *r)
{
    struct stamp s = r->stamp;

    s.rank = 1;
    s.version = expire_last(r);
    return s;
}

bool expire_shows_life(const struct record *known, const struct version *fire, msec_t age)
{
    return age > 0 && (!known->has_content || fire->time - known->content.time > age / 4);
}

static bool is_over(enum record_state s)
{
    return s == RECORD_RESOLVED || s == RECORD_CLOSED || s == RECORD_CANCELED;
}

static void add_states(struct buf *out, const struct target_table *t)
{
    const char *between = "";

    for (size_t i = 0; i < t->states_count; i++) {
        if (!is_over(t->states[i].state) || !query_in_ok(t->states[i].value))
            continue;
        if (between[0] == '\0')
            (void)buf_addf(out, "^%sNOT IN", t->state_column);
        (void)buf_addf(out, "%s%s", between, t->states[i].value);
        between = ",";
    }
}

void expire_query(struct buf *out, const struct target_table *t, const uint32_t *topics,
                  size_t topics_count, msec_t before, const char *after)
{
    char time[CLOCK_SN_SIZE];

    clock_format_sn(before, time);
    (void)buf_add_text(out, "correlation_displaySTARTSWITHitsm-bridge ");
    for (size_t i = 0; i < topics_count && topics_count <= TOPICS_MOST; i++)
        (void)buf_addf(out, "%scorrelation_displayLIKE %08" PRIx32 ".", i == 0 ? "^" : "^OR",
                       topics[i]);
    add_states(out, t);
    (void)buf_addf(out, "^sys_updated_on<%s", time);
    if (after[0] != '\0')
        (void)buf_addf(out, "^sys_id>%s", after);
    (void)buf_add_text(out, "^ORDERBYsys_id");
}
