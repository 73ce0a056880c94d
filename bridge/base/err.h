/* What went wrong, in the caller's frame. Policy reads the class, people read the text. */
#ifndef BRIDGE_BASE_ERR_H
#define BRIDGE_BASE_ERR_H

#include <stdarg.h>

#include "bridge/base/attr.h"

enum err_class {
    ERR_NONE = 0,
    ERR_RETRY,    /* may go away by itself: time-out, lost answer, broker away */
    ERR_THROTTLE, /* the other side asks us to slow down */
    ERR_AUTH,     /* sign-in is missing or refused */
    ERR_REJECT,   /* this one record or request is refused for a reason of its own */
    ERR_CONFIG,   /* configuration or usage: a person has to change something */
    ERR_FATAL,    /* the part that reports it cannot go on */
};

/* `text` is one sentence or two: what failed, on what, why, what happens next, what to do. It is
 * cut at 639 bytes, at a character boundary. `code` is a short fixed word for `explain` and
 * metrics, never NULL once set, static storage. Never put secrets into it. */
struct err {
    enum err_class class;
    const char *code;
    char text[640];
};

/* Fills *e. e may be NULL (the caller does not want to know). Always returns -1, so that
 * `return err_set(e, ...)` reads well. Control characters in the formatted text become '?'. */
int err_set(struct err *e, enum err_class class, const char *code, const char *format, ...)
    PRINTF_LIKE(4, 5);
int err_vset(struct err *e, enum err_class class, const char *code, const char *format, va_list ap)
    PRINTF_LIKE(4, 0);

/* Puts "<formatted>: " before the text that is there. Class and code stay. Returns -1. */
int err_prefix(struct err *e, const char *format, ...) PRINTF_LIKE(2, 3);

void err_clear(struct err *e);

/* Lower-case word for a class; static. */
const char *err_class_name(enum err_class class);

#endif
