/* Clocks and date forms. Dates are computed with the proleptic Gregorian calendar in UTC only;
 * neither the process's zone nor its locale is used. */
#include "bridge/base/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

usec_t clock_now(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (usec_t)ts.tv_sec * USEC_S + ts.tv_nsec / 1000;
}

msec_t clock_wall(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return (msec_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

usec_t usec_add(usec_t a, usec_t b)
{
    usec_t sum;

    return __builtin_add_overflow(a, b, &sum) ? USEC_NEVER : sum;
}

usec_t usec_min(usec_t a, usec_t b)
{
    return a < b ? a : b;
}

struct date {
    int year, month, day, hour, minute, second, ms;
};

static bool leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return month == 2 && leap(year) ? 29 : days[month - 1];
}

static bool date_valid(const struct date *d)
{
    return d->year >= 1 && d->year <= 9999 && d->month >= 1 && d->month <= 12 && d->day >= 1 &&
           d->day <= month_days(d->year, d->month) && d->hour >= 0 && d->hour <= 23 &&
           d->minute >= 0 && d->minute <= 59 && d->second >= 0 && d->second <= 60;
}

static msec_t date_to_ms(const struct date *d)
{
    struct tm tm = {.tm_year = d->year - 1900,
                    .tm_mon = d->month - 1,
                    .tm_mday = d->day,
                    .tm_hour = d->hour,
                    .tm_min = d->minute,
                    .tm_sec = d->second};

    return (msec_t)timegm(&tm) * 1000 + d->ms;
}

/* Reads exactly `digits` decimal digits. */
static bool take_number(const char **p, int digits, int *ret)
{
    int value = 0;

    for (int i = 0; i < digits; i++) {
        if ((*p)[i] < '0' || (*p)[i] > '9')
            return false;
        value = value * 10 + ((*p)[i] - '0');
    }
    *p += digits;
    *ret = value;
    return true;
}

static bool take_char(const char **p, const char *any)
{
    if (**p == '\0' || strchr(any, **p) == NULL)
        return false;
    (*p)++;
    return true;
}

/* `.8512345`: the first three digits count, the rest is cut. */
static bool take_fraction(const char **p, int *ret_ms)
{
    int ms = 0, n = 0;

    for (; **p >= '0' && **p <= '9'; (*p)++, n++)
        if (n < 3)
            ms = ms * 10 + (**p - '0');
    if (n == 0)
        return false;
    for (; n < 3; n++)
        ms *= 10;
    *ret_ms = ms;
    return true;
}

static bool take_zone(const char **p, int *ret_minutes)
{
    int hours, minutes = 0, sign;

    *ret_minutes = 0;
    if (**p == '\0' || take_char(p, "Zz"))
        return true;
    sign = **p == '-' ? -1 : 1;
    if (!take_char(p, "+-") || !take_number(p, 2, &hours))
        return false;
    if (**p != '\0') {
        (void)take_char(p, ":");
        if (!take_number(p, 2, &minutes))
            return false;
    }
    *ret_minutes = sign * (hours * 60 + minutes);
    return hours <= 23 && minutes <= 59;
}

static int parse_iso(const char *p, msec_t *ret_ms)
{
    struct date d = {0};
    int zone;

    if (!take_number(&p, 4, &d.year) || !take_char(&p, "-") || !take_number(&p, 2, &d.month) ||
        !take_char(&p, "-") || !take_number(&p, 2, &d.day) || !take_char(&p, "Tt ") ||
        !take_number(&p, 2, &d.hour) || !take_char(&p, ":") || !take_number(&p, 2, &d.minute))
        return -1;
    if (take_char(&p, ":") && !take_number(&p, 2, &d.second))
        return -1;
    if (take_char(&p, ".,") && !take_fraction(&p, &d.ms))
        return -1;
    if (!take_zone(&p, &zone) || *p != '\0' || !date_valid(&d))
        return -1;
    *ret_ms = date_to_ms(&d) - (msec_t)zone * 60000;
    return 0;
}

static int parse_us(const char *text, msec_t *ret_ms)
{
    struct date d = {0};
    char half[3] = "";
    int used = 0;

    if (sscanf(text, "%2d/%2d/%4d %2d:%2d:%2d %2s%n", &d.month, &d.day, &d.year, &d.hour, &d.minute,
               &d.second, half, &used) != 7 ||
        text[used] != '\0' || d.hour < 1 || d.hour > 12 || d.year < 1000)
        return -1;
    if (strcmp(half, "PM") != 0 && strcmp(half, "AM") != 0)
        return -1;
    d.hour = d.hour % 12 + (half[0] == 'P' ? 12 : 0);
    if (!date_valid(&d))
        return -1;
    *ret_ms = date_to_ms(&d);
    return 0;
}

int clock_parse(const char *text, msec_t *ret_ms)
{
    return parse_iso(text, ret_ms) == 0 ? 0 : parse_us(text, ret_ms);
}

int clock_parse_http(const char *text, msec_t *ret_ms)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct date d = {0};
    char month[4] = "";
    const char *found;
    int used = 0;

    if (sscanf(text, "%*3c, %2d %3s %4d %2d:%2d:%2d GMT%n", &d.day, month, &d.year, &d.hour,
               &d.minute, &d.second, &used) != 6 ||
        used == 0 || text[used] != '\0' || strlen(month) != 3)
        return -1;
    found = strstr(months, month);
    if (found == NULL || (found - months) % 3 != 0)
        return -1;
    d.month = (int)(found - months) / 3 + 1;
    if (!date_valid(&d))
        return -1;
    *ret_ms = date_to_ms(&d);
    return 0;
}

static struct tm to_tm(msec_t ms, int *ret_fraction)
{
    time_t seconds = (time_t)(ms / 1000);
    int fraction = (int)(ms % 1000);
    struct tm tm = {0};

    if (fraction < 0) {
        fraction += 1000;
        seconds--;
    }
    (void)gmtime_r(&seconds, &tm);
    *ret_fraction = fraction;
    return tm;
}

void clock_format_sn(msec_t ms, char out[CLOCK_SN_SIZE])
{
    int fraction;
    struct tm tm = to_tm(ms, &fraction);

    (void)strftime(out, CLOCK_SN_SIZE, "%Y-%m-%d %H:%M:%S", &tm);
}

void clock_format_iso(msec_t ms, char out[CLOCK_ISO_SIZE])
{
    int fraction;
    struct tm tm = to_tm(ms, &fraction);
    size_t used = strftime(out, CLOCK_ISO_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);

    (void)snprintf(out + used, CLOCK_ISO_SIZE - used, ".%03dZ", fraction);
}
