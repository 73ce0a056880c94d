/*
 * The few expressions that queries carry after `javascript:`: users and dates. Dates are computed
 * in the users' zone (setting user_zone_offset_s) and given in UTC, as an instance does.
 */
#include "tests/simulator/query.h"
#include "tests/simulator/sim.h"

#include <stdlib.h>
#include <string.h>

#define DAY 86400

static int64_t day_start(const struct sim *sim, int64_t at)
{
    int64_t local = at + sim->set.user_zone_offset_s;

    return local - ((local % DAY) + DAY) % DAY - sim->set.user_zone_offset_s;
}

static const char *dated(struct arena *a, int64_t seconds)
{
    char text[DATE_LEN];

    date_format(seconds, text);
    return arena_copy(a, text, strlen(text));
}

struct ago {
    const char *name;
    int64_t unit;   /* seconds of the argument */
    int64_t align;  /* 0: none, else the length of the span that is looked for */
    int64_t adjust; /* 1: the end of that span */
};

static const struct ago agos[] = {
    {"gs.daysAgoStart(", DAY, DAY, 0},
    {"gs.daysAgoEnd(", DAY, DAY, 1},
    {"gs.daysAgo(", DAY, 0, 0},
    {"gs.hoursAgoStart(", 3600, 3600, 0},
    {"gs.hoursAgoEnd(", 3600, 3600, 1},
    {"gs.hoursAgo(", 3600, 0, 0},
    {"gs.minutesAgoStart(", 60, 60, 0},
    {"gs.minutesAgoEnd(", 60, 60, 1},
    {"gs.minutesAgo(", 60, 0, 0},
    {"gs.beginningOfToday(", 0, DAY, 0},
    {"gs.endOfToday(", 0, DAY, 1},
    {"gs.nowDateTime(", 0, 0, 0},
    {"gs.now(", 0, 0, 0},
};

static int64_t ago_value(const struct sim *sim, const struct ago *g, const char *argument)
{
    int64_t at = sim_now_s(sim) - strtoll(argument, NULL, 10) * g->unit;

    if (g->align == DAY)
        at = day_start(sim, at);
    else if (g->align)
        at -= at % g->align;
    return g->adjust ? at + g->align - 1 : at;
}

/* gs.dateGenerate('2026-01-31','23:59:59'); a word instead of the time is start or end. */
static const char *generate(const struct sim *sim, struct arena *a, const char *text)
{
    const char *d = strchr(text, '\'');
    const char *t = d && strlen(d) > 12 ? strchr(d + 12, '\'') : NULL;
    int64_t seconds;

    if (d == NULL)
        return NULL;
    if (t == NULL || strncmp(t, "'start", 6) == 0)
        t = "'00:00:00'";
    else if (strncmp(t, "'end", 4) == 0)
        t = "'23:59:59'";
    if (date_parse(arena_printf(a, "%.10s %.8s", d + 1, t + 1), &seconds) < 0)
        return NULL;
    return dated(a, seconds - sim->set.user_zone_offset_s);
}

const char *script_value(const struct sim *sim, struct arena *a, const char *text, const char *user)
{
    while (*text == ' ')
        text++;
    if (strncmp(text, "gs.getUserID(", 13) == 0)
        return arena_copy(a, user, strlen(user));
    if (strncmp(text, "gs.getUserName(", 15) == 0) {
        const struct table *t = store_find(sim->store, "sys_user");
        uint32_t slot = table_find(t, user);

        return slot == NO_SLOT ? ""
                               : row_get(t, table_row(t, slot), table_column(t, "user_name", 9));
    }
    if (strncmp(text, "gs.dateGenerate(", 16) == 0)
        return generate(sim, a, text);
    for (size_t i = 0; i < sizeof(agos) / sizeof(agos[0]); i++) {
        size_t n = strlen(agos[i].name);

        if (strncmp(text, agos[i].name, n) == 0)
            return dated(a, ago_value(sim, &agos[i], text + n));
    }
    return NULL;
}
