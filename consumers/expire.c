/* Expiry as a decision. Both sides must be silent: messages (their versions) and people (the
 * record's own time), so that a long backlog or somebody at work keeps a record open. */
#include "consumers/expire.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/text.h"
#include "bridge/servicenow/query.h"

/* With more topics the query leaves them out. */
#define TOPICS_MOST 20

#define HOUR      INT64_C(3600000)
#define AGES_MOST INT64_C(87600) /* hours; as the configuration has it */

static const char line_start[] = "Without news: ";
static const char line_after[] = "resolved after ";
static const char line_never[] = "stays open";
static const char line_untouched[] = ", if untouched";

static struct expire_wish wish_by(const struct config_life *life)
{
    return (struct expire_wish){.age = life->expire,
                                .untouched = life->expire > 0 &&
                                             life->on_clear == ON_CLEAR_RESOLVE_UNTOUCHED};
}

void expire_line(const struct config_consumer *c, const struct config_life *life,
                 char out[EXPIRE_LINE_SIZE])
{
    struct expire_wish own = wish_by(life), usual = wish_by(&c->life);

    out[0] = '\0';
    if (own.age == usual.age && own.untouched == usual.untouched)
        return;
    if (own.age == 0)
        (void)snprintf(out, EXPIRE_LINE_SIZE, "%s%s", line_start, line_never);
    else
        (void)snprintf(out, EXPIRE_LINE_SIZE, "%s%s%" PRId64 " h%s", line_start, line_after,
                       own.age / HOUR, own.untouched ? line_untouched : "");
}

/* The line above the last one, without its end; NULL: there is none. */
static const char *line_above(const char *text, size_t *ret_length)
{
    size_t end = strlen(text), start;

    while (end > 0 && strchr(" \t\r\n", text[end - 1]) != NULL)
        end--;
    while (end > 0 && strchr("\r\n", text[end - 1]) == NULL)
        end--;
    while (end > 0 && strchr(" \t\r\n", text[end - 1]) != NULL)
        end--;
    for (start = end; start > 0 && strchr("\r\n", text[start - 1]) == NULL;)
        start--;
    *ret_length = end - start;
    return text + start;
}

/* 0, or -1: it is no such line, to the letter. */
static int parse_line(const char *text, size_t length, struct expire_wish *ret)
{
    char line[EXPIRE_LINE_SIZE], again[EXPIRE_LINE_SIZE];
    struct config_consumer plain = {.life = {.expire = -1}};
    struct config_life life = {0};
    const char *number = line + strlen(line_start) + strlen(line_after);
    long hours = 0;

    if (length >= sizeof line)
        return -1;
    memcpy(line, text, length);
    line[length] = '\0';
    if (length > (size_t)(number - line))
        hours = strtol(number, NULL, 10);
    if (hours < 0 || hours > AGES_MOST)
        return -1;
    life.expire = hours * HOUR;
    if (text_ends(line, line_untouched))
        life.on_clear = ON_CLEAR_RESOLVE_UNTOUCHED;
    expire_line(&plain, &life, again);
    if (strcmp(line, again) != 0)
        return -1;
    *ret = wish_by(&life);
    return 0;
}

/* The more cautious of two. */
static void be_careful(struct expire_wish *w, const struct config_life *rule)
{
    if (rule->expire == 0 || rule->on_clear == ON_CLEAR_NOTE || rule->on_clear == ON_CLEAR_NOTHING)
        w->age = 0;
    if (w->age > 0 && rule->expire > w->age)
        w->age = rule->expire;
    if (rule->on_clear == ON_CLEAR_RESOLVE_UNTOUCHED)
        w->untouched = true;
}

static struct expire_wish longest(const struct config_consumer *c)
{
    struct expire_wish w = wish_by(&c->life);

    for (size_t i = 0; i < c->rules_count; i++)
        be_careful(&w, &c->rules[i].life);
    return w;
}

struct expire_wish expire_wish_of(const struct config_consumer *c, const char *description)
{
    struct expire_wish w = wish_by(&c->life);
    struct version v;
    const char *line;
    size_t length;

    if (version_parse(description, &v) != 0)
        return longest(c);
    line = line_above(description, &length);
    (void)parse_line(line, length, &w);
    return w;
}

msec_t expire_least(const struct config_consumer *c)
{
    msec_t least = c->life.expire;

    for (size_t i = 0; i < c->rules_count; i++) {
        msec_t age = c->rules[i].life.expire;

        if (age > 0 && (least == 0 || age < least))
            least = age;
    }
    return least;
}

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
    if (v->untouched && r->touched)
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
