/* Log lines and metrics of the sign-in. Each line says what happened, what happens next and, where
 * a person is needed, what to do. Never a token, a body or a secret. */
#include "bridge/servicenow/oauth_say.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/log.h"

const char *oauth_state_name(enum oauth_state s)
{
    static const char *const names[] = {"empty",      "fetching", "ready",
                                        "refreshing", "backoff",  "broken"};

    return (size_t)s < ARRAY_LEN(names) ? names[s] : "unknown";
}

static void say_waiting(const char *host, enum oauth_state state, const char *why, long long wait)
{
    if (state == OAUTH_READY)
        log_warn("sign-in-refresh-failed",
                 "host=%s retry_s=%lld\tThe sign-in could not be renewed: %s. The old one is used "
                 "until it expires; tried again in %lld s",
                 host, wait, why, wait);
    else if (state == OAUTH_BACKOFF)
        log_warn("sign-in-waiting",
                 "host=%s retry_s=%lld\tNo sign-in to ServiceNow: %s. Nothing is sent to it until "
                 "there is one; tried again in %lld s",
                 host, wait, why, wait);
    else
        log_error("sign-in-broken",
                  "host=%s retry_s=%lld\tNo sign-in to ServiceNow: %s. Nothing is sent to it until "
                  "there is one, and nothing is lost. A changed secret file or token store is "
                  "noticed, other changes take a reload (SIGHUP) or a restart; otherwise tried "
                  "again in %lld s",
                  host, wait, why, wait);
}

void oauth_say(struct oauth_said *said, const char *host, enum oauth_state state,
               const struct err *reason, usec_t wait)
{
    bool failing = reason->class != ERR_NONE;
    const char *why = failing ? reason->text : "";

    if (state != OAUTH_READY && (!failing || (state != OAUTH_BACKOFF && state != OAUTH_BROKEN)))
        return;
    if (state == said->state && strcmp(said->text, why) == 0)
        return;
    if (failing)
        say_waiting(host, state, why, (long long)(wait / USEC_S));
    else
        log_info("sign-in-ready", "host=%s\tSigned in to ServiceNow", host);
    said->state = state;
    memcpy(said->text, why, strlen(why) + 1);
}

void oauth_metrics_make(struct oauth_metrics *x, struct metrics *m)
{
    for (size_t i = 0; i < ARRAY_LEN(x->states); i++) {
        char *label = metrics_label("state", oauth_state_name((enum oauth_state)i));

        x->states[i] = metrics_gauge(m, "oauth_state", label, "1 for the state of the sign-in");
        free(label);
    }
    x->refreshed =
        metrics_counter(m, "oauth_refreshes_total", NULL, "Access tokens got, the first included");
    x->failed = metrics_counter(m, "oauth_failures_total", NULL,
                                "Token requests that failed, and tokens that got a 401");
    x->life = metrics_gauge(m, "oauth_token_life_seconds", NULL,
                            "Life left of the access token; 0 without one, -1 without end");
    x->refresh_life =
        metrics_gauge(m, "oauth_refresh_token_life_seconds", NULL,
                      "Life left of the refresh token; -1 when there is none or it is not known");
    for (size_t i = 0; i < ARRAY_LEN(x->sources); i++) {
        char *label = metrics_label("source", oauth_life_name((enum oauth_life)i));

        x->sources[i] = metrics_gauge(m, "oauth_refresh_token_life_source", label,
                                      "1 for how the end of the refresh token is known");
        free(label);
    }
}

void oauth_metrics_refresh(struct oauth_metrics *x, const struct oauth *o, usec_t now)
{
    struct oauth_refresh r;

    oauth_refresh_life(o, now, &r);
    metric_set(x->refresh_life, r.left == USEC_NEVER ? -1 : r.left / USEC_S);
    for (size_t i = 0; i < ARRAY_LEN(x->sources); i++)
        metric_set(x->sources[i], i == (size_t)r.source);
}

void oauth_metrics_set(struct oauth_metrics *x, enum oauth_state state, usec_t life)
{
    for (size_t i = 0; i < ARRAY_LEN(x->states); i++)
        metric_set(x->states[i], i == (size_t)state);
    metric_set(x->life, life == USEC_NEVER ? -1 : life / USEC_S);
}
