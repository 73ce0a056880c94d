/* Messages to the service manager. It starts what waits for the bridge, shows the status line, and
 * ends a process whose loop no longer turns. Does not decide what is ready: see run_pages.c for
 * that. */
#include "bridge/commands/service.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef ITSM_HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "bridge/base/xalloc.h"

struct service {
    usec_t interval; /* between pings; 0: no watchdog */
    usec_t due;
    char *status; /* the last one told; NULL: none */
    bool up;
};

static void tell(const char *message)
{
#ifdef ITSM_HAVE_SYSTEMD
    (void)sd_notify(0, message);
#else
    (void)message;
#endif
}

/* Half of what the manager wants: one late turn must not end the process. */
static usec_t watchdog_interval(void)
{
#ifdef ITSM_HAVE_SYSTEMD
    uint64_t usec = 0;

    if (sd_watchdog_enabled(0, &usec) > 0 && usec / 2 < (uint64_t)USEC_NEVER)
        return (usec_t)(usec / 2);
#endif
    return 0;
}

struct service *service_new(void)
{
    struct service *s = xcalloc(1, sizeof *s);

    s->interval = watchdog_interval();
    return s;
}

struct service *service_free(struct service *s)
{
    if (s != NULL)
        free(s->status);
    free(s);
    return NULL;
}

usec_t service_tick(struct service *s, usec_t now)
{
    if (!s->up) {
        s->up = true;
        s->due = now;
        tell("READY=1");
    }
    if (s->interval == 0)
        return USEC_NEVER;
    if (now >= s->due) {
        tell("WATCHDOG=1");
        s->due = usec_add(now, s->interval);
    }
    return s->due;
}

void service_status(struct service *s, const char *text)
{
    char *message;

    if (s->status != NULL && strcmp(s->status, text) == 0)
        return;
    free(s->status);
    s->status = xstrdup(text);
    message = xasprintf("STATUS=%s", text);
    for (char *p = message; *p != '\0'; p++)
        if (*p == '\n') /* a line end would begin another message */
            *p = ' ';
    tell(message);
    free(message);
}

void service_stopping(struct service *s, usec_t most)
{
    char *message = xasprintf("STOPPING=1\nEXTEND_TIMEOUT_USEC=%lld", (long long)most);

    tell(message);
    free(message);
    service_status(s, "Stopping: what is under way is finished");
}
