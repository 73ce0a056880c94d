/*
 * Reader of the incident event log (36 columns, comma separated, no quoting, dates D/M/YYYY HH:MM,
 * "?" for unknown), packed or not. Keeps the text and sorts pointers to its lines by the time of
 * the update, file order within a minute.
 */
#include "tests/simulator/auditlog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

int auditlog_time(const char *text, int64_t *ret_seconds)
{
    int d, m, y, h, min, used = 0;
    char iso[40];

    if (sscanf(text, "%2d/%2d/%4d %2d:%2d%n", &d, &m, &y, &h, &min, &used) != 5 || text[used])
        return -1;
    snprintf(iso, sizeof(iso), "%04d-%02d-%02d %02d:%02d:00", y, m, d, h, min);
    return date_parse(iso, ret_seconds);
}

/* The whole file unpacked, or NULL. */
static char *read_all(const char *path, size_t *ret_n)
{
    gzFile f = gzopen(path, "rb");
    char *p = NULL;
    size_t n = 0, cap = 0;
    int got;

    if (f == NULL)
        return NULL;
    do {
        if (n + 65537 > cap) {
            cap = cap ? cap * 2 : 1 << 20;
            p = xresize(p, cap);
        }
        got = gzread(f, p + n, 65536);
        n += got > 0 ? (size_t)got : 0;
    } while (got > 0);
    if (gzclose(f) != Z_OK || got < 0) {
        free(p);
        return NULL;
    }
    p[n] = '\0';
    *ret_n = n;
    return p;
}

static int event_compare(const void *a, const void *b)
{
    const struct audit_event *x = a, *y = b;

    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return x->line < y->line ? -1 : 1;
}

/* Time of a line's update: its 14th field. */
static int line_time(const char *line, int64_t *ret)
{
    char text[40];
    size_t n;

    for (int i = 0; i < AUDIT_UPDATED_AT; i++) {
        line += strcspn(line, ",");
        if (*line == '\0')
            return -1;
        line++;
    }
    n = strcspn(line, ",");
    if (n >= sizeof(text))
        return -1;
    memcpy(text, line, n);
    text[n] = '\0';
    return auditlog_time(text, ret);
}

static void split(struct auditlog *log)
{
    size_t cap = 0;
    char *p = log->text;

    while (p && *p) {
        char *end = strchr(p, '\n');
        int64_t at;

        if (end)
            *end = '\0';
        if (line_time(p, &at) == 0) {
            if (log->n == cap) {
                cap = cap ? cap * 2 : 4096;
                log->event = xresize(log->event, cap * sizeof(*log->event));
            }
            log->event[log->n++] = (struct audit_event){at, p};
        }
        p = end ? end + 1 : NULL;
    }
}

int auditlog_read(const char *path, struct auditlog *ret, char **ret_why)
{
    struct auditlog log = {0};
    struct str why = {0};
    size_t n;

    log.text = read_all(path, &n);
    if (log.text)
        split(&log);
    if (log.n == 0) {
        str_printf(&why, "the audit log '%s' cannot be read, or holds no event", path);
        *ret_why = str_take(&why);
        auditlog_free(&log);
        return -1;
    }
    qsort(log.event, log.n, sizeof(*log.event), event_compare);
    *ret = log;
    return 0;
}

void auditlog_free(struct auditlog *log)
{
    free(log->text);
    free(log->event);
    memset(log, 0, sizeof(*log));
}

void auditlog_fields(const struct audit_event *e, char **ret_copy, const char *field[AUDIT_FIELDS])
{
    char *p = xstrdup(e->line);

    *ret_copy = p;
    for (int i = 0; i < AUDIT_FIELDS; i++) {
        char *comma = p ? strchr(p, ',') : NULL;

        if (comma)
            *comma = '\0';
        else if (p)
            p[strcspn(p, "\r")] = '\0';
        field[i] = p == NULL || strcmp(p, "?") == 0 ? "" : p;
        p = comma ? comma + 1 : NULL;
    }
}
