/* A table of verdicts; only the full count of a bulk answer is more than its verdict. */
#include "consumers/event_answer.h"

#include "bridge/base/attr.h"

static bool taken(enum snow_kind kind, const struct snow_outcome *o, size_t messages)
{
    return kind != SNOW_EVENTS || o->total_count >= (long long)messages;
}

enum rows_action rows_judge(enum snow_kind kind, const struct snow_outcome *o, size_t messages)
{
    bool alone = messages == 1;

    switch (o->verdict) {
    case SNOW_OK:
        if (taken(kind, o, messages))
            return ROWS_DONE;
        return alone ? ROWS_CHARGE : ROWS_SPLIT;
    case SNOW_REJECTED:
        if (o->place)
            return ROWS_PLACE;
        return alone ? ROWS_DEAD : ROWS_SPLIT;
    case SNOW_UNKNOWN:
        if (o->outage)
            return ROWS_AGAIN;
        return alone ? ROWS_CHARGE : ROWS_SPLIT;
    case SNOW_ABSENT:
    case SNOW_EXISTS: /* these two are never said of rows */
    case SNOW_THROTTLED:
    case SNOW_UNAVAILABLE:
    case SNOW_UNAUTHORISED:
    case SNOW_CANCELLED:
        break;
    }
    return ROWS_AGAIN;
}

void rows_pace_init(struct rows_pace *p, usec_t work)
{
    *p = (struct rows_pace){.most = ROWS_FIRST, .work = work};
}

static size_t within(usec_t n)
{
    return n < 1 ? 1 : n > (usec_t)ROWS_MOST ? ROWS_MOST : (size_t)n;
}

void rows_pace_learn(struct rows_pace *p, const struct snow_outcome *o, size_t messages)
{
    usec_t took = o->took > 0 ? o->took : 1;
    size_t in_time = within((usec_t)messages * p->work / took);

    if (o->verdict == SNOW_UNKNOWN) {
        p->most = within((usec_t)(messages < p->most ? messages : p->most) / 2);
    } else if (o->verdict == SNOW_OK) {
        /* Of a small request only the fixed cost is seen: it says nothing about large ones. */
        if (in_time < p->most && in_time < messages)
            p->most = in_time;
        else if (messages >= p->most / 2)
            p->most = 2 * p->most < in_time ? within((usec_t)(2 * p->most)) : in_time;
    }
}
