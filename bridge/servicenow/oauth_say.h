/* What the sign-in tells people: log lines at changes, and metrics. */
#ifndef BRIDGE_SERVICENOW_OAUTH_SAY_H
#define BRIDGE_SERVICENOW_OAUTH_SAY_H

#include "bridge/base/err.h"
#include "bridge/base/metrics.h"
#include "bridge/servicenow/oauth.h"

/* The last line that was logged. Zeroed memory is ready. */
struct oauth_said {
    enum oauth_state state;
    char text[sizeof((struct err *)0)->text];
};

/* Logs when there is news for a person: another state or another reason. Fetching is none. `wait`:
 * until the next attempt. reason: class ERR_NONE when all is fine; holds no secret. */
void oauth_say(struct oauth_said *said, const char *host, enum oauth_state state,
               const struct err *reason, usec_t wait);

struct oauth_metrics {
    struct metric *states[OAUTH_BROKEN + 1], *refreshed, *failed, *life, *refresh_life;
    struct metric *sources[OAUTH_LIFE_ANSWERED + 1];
};

void oauth_metrics_make(struct oauth_metrics *x, struct metrics *m); /* m may be NULL */
/* life: left of the token; 0 without one, USEC_NEVER without end. */
void oauth_metrics_set(struct oauth_metrics *x, enum oauth_state state, usec_t life);
void oauth_metrics_refresh(struct oauth_metrics *x, const struct oauth *o, usec_t now);

#endif
