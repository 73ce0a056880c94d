/* Error values: formatting only, no policy, no logging. */
#include "bridge/base/err.h"

#include <stdio.h>
#include <string.h>

#include "bridge/base/text.h"

/* One error is one line wherever it is printed, whatever was formatted into it. */
static void tidy(char *text)
{
    text_mend(text);
    for (char *p = text; *p != '\0'; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
}

int err_vset(struct err *e, enum err_class class, const char *code, const char *format, va_list ap)
{
    if (e == NULL)
        return -1;
    e->class = class;
    e->code = code;
    (void)vsnprintf(e->text, sizeof e->text, format, ap);
    tidy(e->text);
    return -1;
}

int err_set(struct err *e, enum err_class class, const char *code, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    (void)err_vset(e, class, code, format, ap);
    va_end(ap);
    return -1;
}

int err_prefix(struct err *e, const char *format, ...)
{
    char old[sizeof e->text];
    size_t used;
    va_list ap;

    if (e == NULL)
        return -1;
    memcpy(old, e->text, sizeof old);
    va_start(ap, format);
    (void)vsnprintf(e->text, sizeof e->text, format, ap);
    va_end(ap);
    used = strlen(e->text);
    (void)snprintf(e->text + used, sizeof e->text - used, ": %s", old);
    tidy(e->text);
    return -1;
}

void err_clear(struct err *e)
{
    if (e != NULL)
        *e = (struct err){.class = ERR_NONE, .code = "none"};
}

const char *err_class_name(enum err_class class)
{
    static const char *const names[] = {
        [ERR_NONE] = "none",   [ERR_RETRY] = "retry",   [ERR_THROTTLE] = "throttle",
        [ERR_AUTH] = "auth",   [ERR_REJECT] = "reject", [ERR_CONFIG] = "config",
        [ERR_FATAL] = "fatal",
    };

    return (size_t) class < ARRAY_LEN(names) ? names[class] : "unknown";
}
