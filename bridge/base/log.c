/* Line logger. One write(2) an entry, so that lines of several threads never mix. */
#include "bridge/base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bridge/base/buf.h"

/* Longer entries are cut: an outside text in a field must not flood the log. */
#define LOG_LINE_MAX 8192

static atomic_int least_level = LOG_LEVEL_INFO;
static atomic_int line_format = LOG_PLAIN;

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_setup(enum log_level least, enum log_format format)
{
    atomic_store(&least_level, least);
    atomic_store(&line_format, format);
}

bool log_wanted(enum log_level level)
{
    return (int)level >= atomic_load(&least_level);
}

static void add_json_string(struct buf *b, const char *text, size_t length)
{
    (void)buf_add_char(b, '"');
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '"' || c == '\\')
            (void)buf_addf(b, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            (void)buf_addf(b, "\\u%04x", c);
        else
            (void)buf_add_char(b, (char)c);
    }
    (void)buf_add_char(b, '"');
}

/* Cuts `a=b c=d` at blanks; a value that holds blanks was quoted by the caller. */
static void add_json_fields(struct buf *b, const char *fields, size_t length)
{
    size_t i = 0;

    while (i < length) {
        size_t start = i, equals = 0;
        bool quoted = false;

        for (; i < length && (quoted || fields[i] != ' '); i++) {
            if (fields[i] == '=' && equals == 0)
                equals = i;
            else if (fields[i] == '"')
                quoted = !quoted;
        }
        if (equals > start) {
            bool strip = equals + 2 < i && fields[equals + 1] == '"' && fields[i - 1] == '"';

            (void)buf_add_char(b, ',');
            add_json_string(b, fields + start, equals - start);
            (void)buf_add_char(b, ':');
            add_json_string(b, fields + equals + 1 + strip, i - equals - 1 - 2 * (size_t)strip);
        }
        while (i < length && fields[i] == ' ')
            i++;
    }
}

static void format_json(struct buf *line, enum log_level level, const char *event, const char *body)
{
    const char *tab = strchr(body, '\t');
    size_t fields = tab == NULL ? strlen(body) : (size_t)(tab - body);
    char when[CLOCK_ISO_SIZE];

    clock_format_iso(clock_wall(), when);
    (void)buf_addf(line, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":", when, level_names[level]);
    add_json_string(line, event, strlen(event));
    add_json_fields(line, body, fields);
    if (tab != NULL) {
        (void)buf_add_text(line, ",\"text\":");
        add_json_string(line, tab + 1, strlen(tab + 1));
    }
    (void)buf_add_char(line, '}');
}

static void format_plain(struct buf *line, enum log_level level, const char *event,
                         const char *body)
{
    char when[CLOCK_ISO_SIZE];

    clock_format_iso(clock_wall(), when);
    (void)buf_addf(line, "%s %-5s %s ", when, level_names[level], event);
    for (const char *p = body; *p != '\0'; p++) {
        if (*p == '\t')
            (void)buf_add_text(line, p == body ? "" : "  ");
        else
            (void)buf_add_char(line, (unsigned char)*p < 0x20 || *p == 0x7f ? '?' : *p);
    }
}

static PRINTF_LIKE(3, 0) void entry(enum log_level level, const char *event, const char *format,
                                    va_list ap)
{
    char body[LOG_LINE_MAX / 2];
    struct buf line;
    ssize_t written;

    if (!log_wanted(level))
        return;
    (void)vsnprintf(body, sizeof body, format, ap);
    buf_init(&line, LOG_LINE_MAX);
    if (atomic_load(&line_format) == LOG_JSON)
        format_json(&line, level, event, body);
    else
        format_plain(&line, level, event, body);
    (void)buf_add_char(&line, '\n');
    written = write(STDERR_FILENO, buf_text(&line), line.length);
    (void)written; /* there is nowhere left to complain */
    buf_done(&line);
}

#define DEFINE_LEVEL(name_, level_)                                                                \
    void name_(const char *event, const char *format, ...)                                         \
    {                                                                                              \
        va_list ap;                                                                                \
                                                                                                   \
        va_start(ap, format);                                                                      \
        entry(level_, event, format, ap);                                                          \
        va_end(ap);                                                                                \
    }

DEFINE_LEVEL(log_debug, LOG_LEVEL_DEBUG)
DEFINE_LEVEL(log_info, LOG_LEVEL_INFO)
DEFINE_LEVEL(log_warn, LOG_LEVEL_WARN)
DEFINE_LEVEL(log_error, LOG_LEVEL_ERROR)

bool log_limit_pass(struct log_limit *l, usec_t now, usec_t interval, unsigned *ret_skipped)
{
    if (now < l->next) {
        l->skipped++;
        return false;
    }
    *ret_skipped = l->skipped;
    l->skipped = 0;
    l->next = usec_add(now, interval);
    return true;
}
