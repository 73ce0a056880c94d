/* Windows of the week in local time: an hour that a clock change repeats counts twice, one that it
 * leaves out does not exist. */
#include "bridge/base/weekly.h"

#include <stddef.h>
#include <string.h>

#include "bridge/base/text.h"

#define DAY_MINUTES 1440

static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

static int day_number(const char *text, size_t length)
{
    char name[4] = {0};

    if (length != 3)
        return -1;
    memcpy(name, text, 3);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (text_equal_nocase(name, names[i]))
            return (int)i;
    return -1;
}

int weekly_days(const char *text, unsigned *days)
{
    size_t n = strcspn(text, "-");
    int first = day_number(text, n), last = first;

    if (text[n] == '-')
        last = day_number(text + n + 1, strlen(text + n + 1));
    if (first < 0 || last < 0)
        return -1;
    for (int d = first;; d = (d + 1) % 7) {
        *days |= 1u << d;
        if (d == last)
            return 0;
    }
}

int weekly_minutes(const char *text, int *ret_minutes)
{
    int n = 0;

    if (strlen(text) != 5 || text[2] != ':')
        return -1;
    for (size_t i = 0; i < 5; i++)
        if (i != 2 && (text[i] < '0' || text[i] > '9'))
            return -1;
    n = ((text[0] - '0') * 10 + text[1] - '0') * 60 + (text[3] - '0') * 10 + text[4] - '0';
    if (n > DAY_MINUTES || text[3] > '5')
        return -1;
    *ret_minutes = n;
    return 0;
}

static bool on_day(const struct weekly *w, int64_t day)
{
    /* 1970-01-01, day 0, was a Thursday. */
    int64_t weekday = ((day + 3) % 7 + 7) % 7;

    return (w->days >> weekday & 1u) != 0;
}

bool weekly_holds(const struct weekly *w, msec_t utc)
{
    int64_t local = utc + (int64_t)zone_offset_s(w->zone, utc) * 1000;
    int64_t minute = local >= 0 ? local / 60000 : -((59999 - local) / 60000);
    int64_t day = minute >= 0 ? minute / DAY_MINUTES : -((DAY_MINUTES - 1 - minute) / DAY_MINUTES);
    int64_t of_day = minute - day * DAY_MINUTES;

    if (w->from < w->to)
        return on_day(w, day) && of_day >= w->from && of_day < w->to;
    return (on_day(w, day) && of_day >= w->from) || (on_day(w, day - 1) && of_day < w->to);
}
