/* POSIX TZ strings: `CET-1CEST,M3.5.0,M10.5.0/3`, `<-03>3`. Offsets there count west of UTC. */
#include "bridge/base/zone_rule.h"

#include <stddef.h>
#include <string.h>

#include "bridge/base/zone.h"

#define DAY ((int64_t)86400)

static bool take(const char **p, char c)
{
    if (**p != c)
        return false;
    (*p)++;
    return true;
}

static bool take_number(const char **p, int max, int *ret)
{
    const char *start = *p;
    int n = 0;

    for (; **p >= '0' && **p <= '9' && n <= max; (*p)++)
        n = n * 10 + (**p - '0');
    *ret = n;
    return *p > start && n <= max;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(const char **p, int32_t *ret)
{
    int sign = **p == '-' ? -1 : 1, hours, minutes = 0, seconds = 0;

    if (!take(p, '-'))
        (void)take(p, '+');
    if (!take_number(p, 167, &hours) || (take(p, ':') && !take_number(p, 59, &minutes)) ||
        (take(p, ':') && !take_number(p, 59, &seconds)))
        return false;
    *ret = sign * (hours * 3600 + minutes * 60 + seconds);
    return true;
}

static bool take_name(const char **p)
{
    const char *start = *p;

    if (take(p, '<')) {
        *p += strcspn(*p, ">");
        return take(p, '>');
    }
    while ((**p >= 'A' && **p <= 'Z') || (**p >= 'a' && **p <= 'z'))
        (*p)++;
    return *p - start >= 3;
}

static bool take_change(const char **p, struct zone_change *ret)
{
    *ret = (struct zone_change){.kind = ZONE_DAY, .time = 7200};
    if (take(p, 'M')) {
        ret->kind = ZONE_WEEKDAY;
        if (!take_number(p, 12, &ret->month) || !take(p, '.') || !take_number(p, 5, &ret->week) ||
            !take(p, '.') || !take_number(p, 6, &ret->day) || ret->month < 1 || ret->week < 1)
            return false;
    } else {
        if (take(p, 'J'))
            ret->kind = ZONE_JULIAN;
        if (!take_number(p, 365, &ret->day) || (ret->kind == ZONE_JULIAN && ret->day < 1))
            return false;
    }
    return !take(p, '/') || take_time(p, &ret->time);
}

int zone_rule_parse(const char *text, struct zone_rule *ret)
{
    struct zone_rule r = {0};
    const char *p = text;

    if (!take_name(&p) || !take_time(&p, &r.standard))
        return -1;
    r.standard = -r.standard;
    if (*p != '\0') {
        r.changes = true;
        if (!take_name(&p))
            return -1;
        r.summer = -r.standard - 3600;
        if (*p != ',' && !take_time(&p, &r.summer))
            return -1;
        r.summer = -r.summer;
        if (!take(&p, ',') || !take_change(&p, &r.begin) || !take(&p, ',') ||
            !take_change(&p, &r.end) || *p != '\0')
            return -1;
    }
    *ret = r;
    return 0;
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t year_of(int64_t local_s)
{
    int64_t year = 1970 + local_s / (DAY * 365);

    while (zone_days(year, 1, 1) * DAY > local_s)
        year--;
    while (zone_days(year + 1, 1, 1) * DAY <= local_s)
        year++;
    return year;
}

/* Local seconds at which the change happens in a year. */
static int64_t change_at(const struct zone_change *c, int64_t year)
{
    int64_t day, next;

    if (c->kind == ZONE_JULIAN)
        day = zone_days(year, 1, 1) + c->day - 1 + (is_leap(year) && c->day >= 60);
    else if (c->kind == ZONE_DAY)
        day = zone_days(year, 1, 1) + c->day;
    else {
        day = zone_days(year, c->month, 1);
        next = c->month == 12 ? zone_days(year + 1, 1, 1) : zone_days(year, c->month + 1, 1);
        /* 1970-01-01 was a Thursday. */
        day += (c->day - (day + 4) % 7 + 7) % 7 + (int64_t)(c->week - 1) * 7;
        while (day >= next)
            day -= 7;
    }
    return day * DAY + c->time;
}

int32_t zone_rule_offset(const struct zone_rule *r, int64_t utc_s)
{
    int64_t year, begin, end;
    bool summer;

    if (!r->changes)
        return r->standard;
    year = year_of(utc_s + r->standard);
    begin = change_at(&r->begin, year) - r->standard;
    end = change_at(&r->end, year) - r->summer;
    summer = begin < end ? utc_s >= begin && utc_s < end : utc_s >= begin || utc_s < end;
    return summer ? r->summer : r->standard;
}
