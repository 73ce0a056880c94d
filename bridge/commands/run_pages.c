/* What the status server serves: health, readiness, metrics. */
#include <string.h>

#include "bridge/base/log.h"
#include "bridge/commands/run.h"
#include "bridge/servicenow/oauth.h"

const char *run_not_ready(const struct run *r)
{
    const struct window *w = snow_window(r->snow);

    if (r->phase == RUN_STARTING)
        return r->topics_problem.class != ERR_NONE ? r->topics_problem.text
                                                   : "asking Kafka for the bridge's topics";
    if (r->phase != RUN_RUNNING)
        return "shutting down";
    if (!group_joined(r->group))
        return "joining the consumer group";
    if (window_state(w) != WINDOW_OPEN) /* half open: nothing has been proved yet */
        return window_reason(w);
    if (oauth_state(snow_oauth(r->snow)) == OAUTH_EMPTY ||
        oauth_state(snow_oauth(r->snow)) == OAUTH_FETCHING)
        return "signing in to ServiceNow";
    return NULL;
}

static int page_health(struct run *r, struct buf *out)
{
    (void)buf_addf(out, "ok\nphase %s, %llu turns\n",
                   r->phase == RUN_RUNNING ? "running" : "starting or stopping",
                   loop_turns(r->loop));
    return 200;
}

static int page_ready(struct run *r, struct buf *out)
{
    const char *why = run_not_ready(r);

    (void)buf_addf(out, "%s%s\n", why == NULL ? "ready" : "not ready: ", why == NULL ? "" : why);
    return why == NULL ? 200 : 503;
}

static int page_metrics(struct run *r, struct buf *out)
{
    metric_set(metrics_gauge(r->metrics, "ready", NULL, "1 when everything needed is up"),
               run_not_ready(r) == NULL);
    metric_set(metrics_gauge(r->metrics, "uptime_seconds", NULL, "Since the process was started"),
               (clock_wall() - r->started) / 1000);
    return metrics_print(r->metrics, out) == 0 ? 200 : 500;
}

int run_page(void *arg, const char *path, struct buf *out, const char **ret_type)
{
    struct run *r = arg;

    if (strcmp(path, "/healthz") == 0)
        return page_health(r, out);
    if (strcmp(path, "/readyz") == 0)
        return page_ready(r, out);
    if (strcmp(path, "/metrics") == 0) {
        *ret_type = "text/plain; version=0.0.4; charset=utf-8";
        return page_metrics(r, out);
    }
    if (strcmp(path, "/api/status") == 0) {
        *ret_type = "application/json";
        return run_status(r, out);
    }
    if (strcmp(path, "/") == 0) {
        (void)buf_addf(
            out,
            "itsm-bridge %s, connection %s\n\n/healthz  is the process alive\n/readyz   "
            "does it do its "
            "work\n/metrics  Prometheus metrics\n/api/status  what it does now, as JSON\n",
            ITSM_VERSION, r->config->connection.name);
        return 200;
    }
    (void)buf_add_text(out, "no such page; try /healthz, /readyz, /metrics or /api/status\n");
    return 404;
}
