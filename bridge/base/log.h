/* Log: one line an entry, to standard error. `TIME LEVEL event key=value ... "text"` as plain text,
 * or one JSON object a line. `event` is a short fixed word that never changes between releases
 * (people grep and alert on it); the text is for people. No payloads, no secrets: keys, sys_ids,
 * offsets, statuses only. Any thread. */
#ifndef BRIDGE_BASE_LOG_H
#define BRIDGE_BASE_LOG_H

#include <stdbool.h>

#include "bridge/base/attr.h"
#include "bridge/base/clock.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR, LOG_LEVEL_OFF };
enum log_format { LOG_PLAIN, LOG_JSON };

void log_setup(enum log_level least, enum log_format format);
bool log_wanted(enum log_level level);

/* fields: `key=value` pairs formatted by the caller into `format`, then, behind a tab, the
 * sentence: log_info("topic-created", "topic=%s partitions=%d\tTopic was missing and has been
 * created", ...) Control characters are replaced, so that outside data cannot start a new line. */
void log_debug(const char *event, const char *format, ...) PRINTF_LIKE(2, 3);
void log_info(const char *event, const char *format, ...) PRINTF_LIKE(2, 3);
void log_warn(const char *event, const char *format, ...) PRINTF_LIKE(2, 3);
void log_error(const char *event, const char *format, ...) PRINTF_LIKE(2, 3);

/* Says a thing at most once per interval: returns true when the caller may log now, and then
 * *ret_skipped is how often it was held back since. Zeroed memory is ready. Pure. */
struct log_limit {
    usec_t next;
    unsigned skipped;
};
bool log_limit_pass(struct log_limit *l, usec_t now, usec_t interval, unsigned *ret_skipped);

#endif
