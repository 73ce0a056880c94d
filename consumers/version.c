/* Versions and the two stamps that records carry. Text out and in again, to the byte; anything that
 * is not exactly ours is refused, so that a person's edit never counts as a version. */
#include "consumers/version.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bridge/base/digest.h"

#define BASE36_SIZE 14 /* 2^63 - 1 has 13 digits */

static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";

/* Times before 1970 do not exist in Kafka; such a clock counts as "no time". */
static void base36(msec_t time, char out[BASE36_SIZE])
{
    uint64_t rest = time > 0 ? (uint64_t)time : 0;
    char reversed[BASE36_SIZE];
    size_t n = 0;

    do {
        reversed[n++] = digits[rest % 36];
        rest /= 36;
    } while (rest > 0);
    for (size_t i = 0; i < n; i++)
        out[i] = reversed[n - 1 - i];
    out[n] = '\0';
}

/* Reads digits of the base up to `end`; false when there is none, one too many, or an overflow. */
static bool take_number(const char **text, unsigned base, char end, uint64_t max, uint64_t *ret)
{
    const char *p = *text;
    uint64_t value = 0;

    for (; *p != '\0' && *p != end; p++) {
        const char *digit = memchr(digits, *p, base);
        uint64_t add;

        if (digit == NULL)
            return false;
        add = (uint64_t)(digit - digits);
        if (add > max || value > (max - add) / base)
            return false;
        value = value * base + add;
    }
    if (p == *text || *p != end)
        return false;
    *text = p + (end != '\0');
    *ret = value;
    return true;
}

static bool take_word(const char **text, const char *word)
{
    size_t n = strlen(word);

    if (strncmp(*text, word, n) != 0)
        return false;
    *text += n;
    return true;
}

/* `<topic digest>.<partition>.<offset>` and the character behind it. */
static bool take_place(const char **text, char end, struct version *v)
{
    const char *start = *text;
    uint64_t topic, partition, offset;

    if (!take_number(text, 16, '.', UINT32_MAX, &topic) || *text - start != 9 ||
        !take_number(text, 10, '.', INT32_MAX, &partition) ||
        !take_number(text, 10, end, INT64_MAX, &offset))
        return false;
    v->topic = (uint32_t)topic;
    v->partition = (int32_t)partition;
    v->offset = (int64_t)offset;
    return true;
}

struct version version_of(const struct message *m)
{
    return (struct version){
        .time = m->timestamp > 0 ? m->timestamp : 0,
        .topic = (uint32_t)(digest_u64(m->topic, strlen(m->topic)) >> 32),
        .partition = m->partition,
        .offset = m->offset,
    };
}

bool version_newer(const struct version *a, const struct version *b)
{
    if (a->topic == b->topic && a->partition == b->partition)
        return a->offset > b->offset;
    return a->time > b->time;
}

bool version_same(const struct version *a, const struct version *b)
{
    return a->topic == b->topic && a->partition == b->partition && a->offset == b->offset;
}

void stamp_format(const struct stamp *s, char out[STAMP_SIZE])
{
    char time[BASE36_SIZE];

    base36(s->version.time, time);
    (void)snprintf(out, STAMP_SIZE,
                   "itsm-bridge %016" PRIx64 " %06" PRIu32 ".%d.%s %08" PRIx32 ".%" PRId32
                   ".%" PRId64,
                   s->series, s->generation, s->rank != 0, time, s->version.topic,
                   s->version.partition, s->version.offset);
}

int stamp_parse(const char *text, struct stamp *ret)
{
    struct stamp s = {0};
    const char *start;
    uint64_t generation, rank, time;

    if (!take_word(&text, "itsm-bridge "))
        return -1;
    start = text;
    if (!take_number(&text, 16, ' ', UINT64_MAX, &s.series) || text - start != 17)
        return -1;
    start = text;
    if (!take_number(&text, 10, '.', UINT32_MAX, &generation) || text - start < 7 ||
        !take_number(&text, 10, '.', 1, &rank) || !take_number(&text, 36, ' ', INT64_MAX, &time) ||
        !take_place(&text, '\0', &s.version))
        return -1;
    s.generation = (uint32_t)generation;
    s.rank = (int)rank;
    s.version.time = (msec_t)time;
    *ret = s;
    return 0;
}

void version_format(const struct version *v, char out[VERSION_LINE_SIZE])
{
    char time[BASE36_SIZE];

    base36(v->time, time);
    (void)snprintf(out, VERSION_LINE_SIZE, "[itsm-bridge %s.%08" PRIx32 ".%" PRId32 ".%" PRId64 "]",
                   time, v->topic, v->partition, v->offset);
}

/* ServiceNow may hand the text back with other line ends or a blank behind it. */
int version_parse(const char *description, struct version *ret)
{
    struct version v = {0};
    size_t end = strlen(description), start;
    const char *text;
    uint64_t time;

    while (end > 0 && strchr(" \t\r\n", description[end - 1]) != NULL)
        end--;
    for (start = end; start > 0 && strchr("\r\n", description[start - 1]) == NULL;)
        start--;
    text = description + start;
    if (!take_word(&text, "[itsm-bridge ") || !take_number(&text, 36, '.', INT64_MAX, &time) ||
        !take_place(&text, ']', &v) || text != description + end)
        return -1;
    v.time = (msec_t)time;
    *ret = v;
    return 0;
}

bool stamp_newer(const struct stamp *a, const struct stamp *b, bool marked)
{
    if (a->generation != b->generation)
        return a->generation > b->generation;
    if (marked && a->rank != b->rank)
        return a->rank > b->rank;
    return version_newer(&a->version, &b->version);
}
