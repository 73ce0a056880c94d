/* Optimal string alignment over three rows; the best few candidates are kept sorted. */
#include "bridge/base/near.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bridge/base/xalloc.h"

static int lower(char c)
{
    return tolower((unsigned char)c);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t near_distance(const char *a, const char *b)
{
    size_t la = strnlen(a, NEAR_LENGTH), lb = strnlen(b, NEAR_LENGTH);
    size_t rows[3][NEAR_LENGTH + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];

    for (size_t j = 0; j <= lb; j++)
        last[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t *free_row = before;

        now[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t change = last[j - 1] + (lower(a[i - 1]) != lower(b[j - 1]));

            now[j] = least(change, least(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1]))
                now[j] = least(now[j], before[j - 2] + 1);
        }
        before = last;
        last = now;
        now = free_row;
    }
    return last[lb];
}

void near_init(struct near *n, const char *wanted)
{
    *n = (struct near){.wanted = wanted};
}

static bool begins(const char *text, const char *with)
{
    size_t length = strlen(with);

    return length > 2 && strncasecmp(text, with, length) == 0;
}

void near_offer(struct near *n, const char *candidate)
{
    size_t distance = near_distance(n->wanted, candidate);
    size_t longest = strnlen(n->wanted, NEAR_LENGTH), at = n->count;

    if (distance > longest / 3 + 1 && !begins(candidate, n->wanted) &&
        !begins(n->wanted, candidate))
        return;
    while (at > 0 && n->distance[at - 1] > distance)
        at--;
    if (at == NEAR_MOST)
        return;
    if (n->count == NEAR_MOST)
        free(n->best[--n->count]);
    memmove(&n->best[at + 1], &n->best[at], (n->count - at) * sizeof *n->best);
    memmove(&n->distance[at + 1], &n->distance[at], (n->count - at) * sizeof *n->distance);
    n->best[at] = xstrdup(candidate);
    n->distance[at] = distance;
    n->count++;
}

void near_text(const struct near *n, struct buf *out)
{
    for (size_t i = 0; i < n->count; i++)
        (void)buf_addf(out, "%s'%s'", i == 0 ? "" : i + 1 == n->count ? " or " : ", ", n->best[i]);
}

void near_done(struct near *n)
{
    for (size_t i = 0; i < n->count; i++)
        free(n->best[i]);
    n->count = 0;
}
