/* ServiceNow client. A job is one submit: its operations go out as one request each, and its
 * callback runs when the last of them has an outcome. The window is started and ended here for
 * every request, and barred while there is no sign-in. Building requests is request.c, judging
 * answers answer.c. Never sends anything twice. */
#include "bridge/servicenow/snow.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "bridge/base/log.h"
#include "bridge/base/panic.h"
#include "bridge/base/rand.h"
#include "bridge/base/xalloc.h"
#include "bridge/servicenow/answer.h"
#include "bridge/servicenow/request.h"

/* Largest answer that is read, by the memory that the process may take: parsed and written to Kafka
 * a page takes several times its length. A thousand rows of 10 KB fit at the default. */
#define BODY_SHARE 16
#define BODY_LEAST ((size_t)4 * 1024 * 1024)
#define BODY_MOST  ((size_t)64 * 1024 * 1024)

#define RATE_AHEAD_S 86400 /* a reset beyond that is no hourly rule's */

#define KINDS    (SNOW_IMPORT + 1)
#define VERDICTS (SNOW_CANCELLED + 1)

/* One operation of a job. */
struct part {
    struct job *job;
    size_t index;
    uint64_t generation; /* of the sign-in that it used */
    json_t *root;        /* holds the outcome's result */
};

struct job {
    struct snow *snow;
    enum window_class class;
    struct snow_op *ops;
    struct snow_outcome *outcomes;
    struct part *parts;
    size_t n, open; /* open: without an outcome yet */
    snow_fn fn;
    void *arg;
    struct job *prev, *next;
};

struct snow {
    struct loop *loop;
    const struct config_connection *c;
    struct http *http;
    struct oauth *oauth;
    struct window *window;
    struct job *done; /* without a request under way, callback not yet run: next tick */
    bool closing;
    msec_t skew;
    bool skew_known;
    enum window_state said;
    char *life_query; /* under way: when does the refresh token end; NULL: not */
    struct metrics *metrics;
    struct metric *counts[KINDS][VERDICTS];
    struct metric *seconds[KINDS];
    msec_t rate_reset; /* of the last answer with a rule, by the instance's clock */
    char *rate_rule;   /* its sys_id; NULL: none was seen */
    struct metric *rate_limit, *rate_left, *rate_wait;
    struct metric *window_size, *window_in_flight, *window_states[WINDOW_BARRED + 1];
};

const char *snow_verdict_name(enum snow_verdict v)
{
    static const char *const names[] = {
        [SNOW_OK] = "ok",
        [SNOW_ABSENT] = "absent",
        [SNOW_EXISTS] = "exists",
        [SNOW_REJECTED] = "rejected",
        [SNOW_THROTTLED] = "throttled",
        [SNOW_UNAVAILABLE] = "unavailable",
        [SNOW_UNKNOWN] = "unknown",
        [SNOW_UNAUTHORISED] = "unauthorised",
        [SNOW_CANCELLED] = "cancelled",
    };

    return (size_t)v < ARRAY_LEN(names) ? names[v] : "none";
}

static void make_metrics(struct snow *s)
{
    for (size_t i = 0; i < KINDS; i++) {
        char *label = metrics_label("kind", request_kind_name((enum snow_kind)i));

        s->seconds[i] = metrics_histogram(s->metrics, "servicenow_request_seconds", label,
                                          "Time from sending a request to its outcome");
        free(label);
    }
    for (size_t i = 0; i < ARRAY_LEN(s->window_states); i++) {
        char *label = metrics_label("state", window_state_name((enum window_state)i));

        s->window_states[i] = metrics_gauge(s->metrics, "servicenow_window_state", label,
                                            "1 for the state of the request window");
        free(label);
    }
    s->window_size = metrics_gauge(s->metrics, "servicenow_window_size", NULL,
                                   "Requests that may be under way at once");
    s->rate_limit = metrics_gauge(s->metrics, "servicenow_rate_limit", NULL,
                                  "Requests an hour of the rule that answers told of; 0: none");
    s->rate_left = metrics_gauge(s->metrics, "servicenow_rate_left", NULL,
                                 "Requests left of it until its reset, as far as this process "
                                 "knows");
    s->rate_wait = metrics_gauge(s->metrics, "servicenow_rate_reset_seconds", NULL,
                                 "Time until that reset; 0: no rule was seen");
    s->window_in_flight = metrics_gauge(s->metrics, "servicenow_window_in_flight", NULL,
                                        "Requests that are under way");
}

static struct metric *counter(struct snow *s, enum snow_kind kind, enum snow_verdict verdict)
{
    struct metric **m = &s->counts[kind][verdict];
    char *label;

    if (*m != NULL || s->metrics == NULL)
        return *m;
    label = xasprintf("kind=\"%s\",verdict=\"%s\"", request_kind_name(kind),
                      snow_verdict_name(verdict));
    *m = metrics_counter(s->metrics, "servicenow_requests_total", label,
                         "Requests to ServiceNow by kind and verdict");
    free(label);
    return *m;
}

/* Tells log and metrics about the window. A barred one was told by the sign-in already. */
static void watch_window(struct snow *s, usec_t now)
{
    enum window_state state = window_state(s->window);
    usec_t until = window_until(s->window);
    struct window_budget budget;
    long long wait = until == USEC_NEVER || until < now ? 0 : (long long)((until - now) / USEC_S);

    window_budget(s->window, now, &budget);
    metric_set(s->rate_limit, budget.limit);
    metric_set(s->rate_left, budget.left);
    metric_set(s->rate_wait, budget.limit == 0 ? 0 : (budget.reset - now) / USEC_S);
    metric_set(s->window_size, window_size(s->window));
    metric_set(s->window_in_flight, window_in_flight(s->window));
    for (size_t i = 0; i < ARRAY_LEN(s->window_states); i++)
        metric_set(s->window_states[i], i == (size_t)state);
    if (state == s->said || state == WINDOW_HALF_OPEN || state == WINDOW_BARRED)
        return;
    if (state == WINDOW_CLOSED)
        log_warn("servicenow-closed",
                 "host=%s retry_s=%lld\tServiceNow gets no requests for %lld s: %s. Nothing is "
                 "lost, the bridge waits",
                 s->c->host, wait, wait, window_reason(s->window));
    else if (s->said == WINDOW_CLOSED)
        log_info("servicenow-open", "host=%s window=%u\tServiceNow answers again", s->c->host,
                 window_size(s->window));
    s->said = state;
}

static void watch_sign_in(struct snow *s, usec_t now)
{
    uint64_t generation;
    const char *key;

    if (oauth_authorization(s->oauth, now, &generation, &key) == NULL)
        window_bar(s->window, oauth_reason(s->oauth));
    else
        window_unbar(s->window);
}

/* Date has whole seconds, so half a second is added; single answers are smoothed, a step of either
 * clock is taken over at once. */
static void watch_clock(struct snow *s, const struct snow_outcome *o)
{
    msec_t skew;

    if (o->date == MSEC_NONE)
        return;
    skew = o->date + 500 - (clock_wall() - o->took / USEC_MS / 2);
    if (!s->skew_known || skew - s->skew > 2000 || s->skew - skew > 2000)
        s->skew = skew;
    else
        s->skew += (skew - s->skew) / 8;
    s->skew_known = true;
}

/* Reset is UNIX seconds of the instance's clock, so it is counted from the answer's own date. */
static void watch_rate(struct snow *s, const struct http_answer *a, usec_t now)
{
    msec_t date = a->date == MSEC_NONE ? clock_wall() : a->date, left;

    if (a->end != HTTP_ANSWERED || a->rate_limit <= 0 || a->rate_reset <= date / 1000 ||
        a->rate_reset > date / 1000 + RATE_AHEAD_S)
        return;
    left = a->rate_reset * 1000 - date;
    window_rate(s->window, a->rate_limit, now + left * USEC_MS, now);
    s->rate_reset = a->rate_reset * 1000;
    free(s->rate_rule);
    s->rate_rule = xstrdup(a->rate_rule);
}

static void job_free(struct job *job)
{
    for (size_t i = 0; i < job->n; i++) {
        json_decref(job->parts[i].root);
        json_decref(job->ops[i].body);
    }
    free(job->ops);
    free(job->outcomes);
    free(job->parts);
    free(job);
}

static void job_finish(struct job *job, usec_t now)
{
    job->fn(job->arg, job->ops, job->outcomes, job->n, now);
    job_free(job);
}

static void on_answer(void *arg, const struct http_answer *a, usec_t now)
{
    struct part *p = arg;
    struct job *job = p->job;
    struct snow *s = job->snow;
    const struct snow_op *op = &job->ops[p->index];
    struct snow_outcome *o = &job->outcomes[p->index];
    enum window_result result;

    p->root = answer_judge(op, a, o, &result);
    if (o->verdict == SNOW_UNAUTHORISED)
        oauth_rejected(s->oauth, p->generation, now);
    window_end(s->window, job->class, result, o->retry_after, o->err.text, now);
    watch_rate(s, a, now);
    watch_sign_in(s, now);
    watch_clock(s, o);
    watch_window(s, now);
    metric_add(counter(s, op->kind, o->verdict), 1);
    if (o->sent)
        metric_observe(s->seconds[op->kind], (double)a->took / 1e6);
    if (--job->open == 0)
        job_finish(job, now);
}

/* The outcome of an operation whose request did not even start. What is not the record's own fault
 * is charged to the window, as if it had been sent in vain: else it would be tried without a pause.
 */
static void part_fail(struct part *p, enum snow_verdict verdict, const struct err *e, usec_t now)
{
    struct job *job = p->job;
    struct snow *s = job->snow;
    bool outage = verdict == SNOW_UNAVAILABLE;

    if (outage) {
        window_start(s->window, job->class, now);
        window_end(s->window, job->class, WINDOW_FAILED, 0, e->text, now);
    }
    job->outcomes[p->index] = (struct snow_outcome){
        .verdict = verdict, .date = MSEC_NONE, .total_count = -1, .outage = outage, .err = *e};
    metric_add(counter(s, job->ops[p->index].kind, verdict), 1);
    job->open--;
}

static int part_send(struct part *p, const char *authorization, const char *api_key, usec_t now,
                     struct err *e)
{
    struct job *job = p->job;
    struct snow *s = job->snow;
    const struct snow_op *op = &job->ops[p->index];
    struct http_header headers[] = {{"Accept", "application/json"},
                                    {"Content-Type", "application/json"},
                                    {api_key != NULL ? "x-sn-apikey" : "Authorization",
                                     api_key != NULL ? api_key : authorization}};
    struct http_request r = {.method = request_method(op->kind),
                             .headers = headers,
                             .headers_count = ARRAY_LEN(headers),
                             .timeout = op->timeout};
    char *body = NULL;
    struct buf url;
    int rc = -1;

    buf_init(&url, REQUEST_URL_MAX + strlen(s->c->server_url));
    if (request_url(&url, s->c->server_url, op, e) != 0)
        goto out;
    if (op->kind == SNOW_EVENTS) {
        r.body = op->text;
        r.body_length = op->text_length;
    } else if (request_has_body(op->kind)) {
        body = request_body(op, &r.body_length, e);
        if (body == NULL)
            goto out;
        r.body = body;
    }
    r.url = buf_text(&url);
    if (http_submit(s->http, &r, on_answer, p, e) == NULL)
        goto out;
    window_start(s->window, job->class, now);
    rc = 0;
out:
    buf_done(&url);
    free(body);
    return rc;
}

/* The sign-in may have gone since the caller asked for room: then the operations get that outcome.
 */
static void job_start(struct job *job, usec_t now)
{
    struct snow *s = job->snow;
    uint64_t generation = 0;
    const char *api_key = NULL;
    const char *authorization = oauth_authorization(s->oauth, now, &generation, &api_key);
    struct err e;

    for (size_t i = 0; i < job->n; i++) {
        job->parts[i].generation = generation;
        if (authorization == NULL) {
            (void)err_set(&e, ERR_AUTH, "no-sign-in", "Not sent: there is no sign-in (%s)",
                          oauth_reason(s->oauth));
            part_fail(&job->parts[i], SNOW_UNAUTHORISED, &e, now);
        } else if (part_send(&job->parts[i], authorization, api_key, now, &e) != 0) {
            part_fail(&job->parts[i], e.class == ERR_REJECT ? SNOW_REJECTED : SNOW_UNAVAILABLE, &e,
                      now);
        }
    }
}

static struct job *job_new(struct snow *s, enum window_class class, const struct snow_op *ops,
                           size_t n)
{
    struct job *job = xcalloc(1, sizeof *job);

    *job = (struct job){.snow = s, .class = class, .n = n, .open = n};
    job->ops = xcalloc(n, sizeof *job->ops);
    job->outcomes = xcalloc(n, sizeof *job->outcomes);
    job->parts = xcalloc(n, sizeof *job->parts);
    memcpy(job->ops, ops, n * sizeof *ops);
    for (size_t i = 0; i < n; i++) {
        json_incref(job->ops[i].body);
        job->parts[i] = (struct part){.job = job, .index = i};
    }
    return job;
}

static int check_all(const struct snow *s, const struct snow_op *ops, size_t n, struct err *e)
{
    struct buf url;
    int rc = 0;

    buf_init(&url, REQUEST_URL_MAX + strlen(s->c->server_url));
    for (size_t i = 0; i < n && rc == 0; i++) {
        buf_clear(&url);
        rc = request_check(&ops[i], e);
        if (rc == 0)
            rc = request_url(&url, s->c->server_url, &ops[i], e);
    }
    buf_done(&url);
    return rc;
}

int snow_submit(struct snow *s, enum window_class c, const struct snow_op *ops, size_t n,
                snow_fn fn, void *arg, usec_t now, struct err *e)
{
    struct job *job;

    invariant(n > 0);
    if (s->closing)
        return err_set(e, ERR_FATAL, "closing", "The bridge stops; nothing more is sent");
    if (check_all(s, ops, n, e) != 0)
        return -1;
    job = job_new(s, c, ops, n);
    job->fn = fn;
    job->arg = arg;
    job_start(job, now);
    if (job->open == 0) {
        /* Never from inside submit: the next tick tells. */
        DL_APPEND(s->done, job);
        loop_again(s->loop);
    }
    watch_window(s, now);
    return 0;
}

static void finish_done(struct snow *s, usec_t now)
{
    struct job *batch = s->done, *job, *next;

    s->done = NULL; /* what the callbacks add waits for the next turn */
    DL_FOREACH_SAFE (batch, job, next)
        job_finish(job, now);
}

static void on_life(void *arg, const struct snow_op *ops, const struct snow_outcome *outcomes,
                    size_t n, usec_t now)
{
    struct snow *s = arg;
    const struct config_auth *a = &s->c->auth;
    msec_t end = 0;

    (void)ops;
    (void)n;
    if (outcomes[0].verdict == SNOW_OK)
        end = oauth_life_read(outcomes[0].result, a->client_id, a->username);
    oauth_told_life(s->oauth, end, now);
    free(s->life_query);
    s->life_query = NULL;
}

/* One question for each sign-in, when there is room. Few users may read that table; then the end
 * stays assumed or configured. */
static void ask_life(struct snow *s, usec_t now)
{
    struct snow_op op = {
        .kind = SNOW_LIST, .table = OAUTH_LIFE_TABLE, .fields = OAUTH_LIFE_FIELDS, .limit = 100};
    struct buf query;

    if (s->life_query != NULL || s->closing || !oauth_asks_life(s->oauth, now) ||
        window_state(s->window) != WINDOW_OPEN ||
        window_in_flight(s->window) >= window_size(s->window))
        return;
    buf_init(&query, REQUEST_URL_MAX);
    if (oauth_life_query(&query, s->c->auth.client_id) == 0) {
        op.query = s->life_query = buf_take(&query, &(size_t){0});
        if (snow_submit(s, WINDOW_SYNC, &op, 1, on_life, s, now, NULL) == 0)
            return;
    }
    buf_done(&query);
    free(s->life_query);
    s->life_query = NULL;
    oauth_told_life(s->oauth, 0, now);
}

usec_t snow_tick(struct snow *s, usec_t now)
{
    usec_t watch = oauth_watch(s->oauth, now);
    usec_t deadline = usec_min(watch, oauth_tick(s->oauth, now));

    watch_sign_in(s, now);
    ask_life(s, now);
    finish_done(s, now);
    watch_window(s, now);
    deadline = usec_min(deadline, window_budget_next(s->window, now));
    return usec_min(deadline, window_next(s->window));
}

unsigned snow_room(struct snow *s, enum window_class c, bool waiting, usec_t now)
{
    watch_sign_in(s, now);
    return window_room(s->window, c, waiting, now);
}

static size_t body_limit(const struct config *c)
{
    size_t share = ((size_t)c->limits.memory_mb << 20) / BODY_SHARE;

    return share < BODY_LEAST ? BODY_LEAST : share > BODY_MOST ? BODY_MOST : share;
}

struct http_options snow_http_options(const struct config_connection *c, size_t body_max,
                                      unsigned connections)
{
    return (struct http_options){.ca_file = c->ca_file,
                                 .client_certificate = c->client_certificate,
                                 .client_key = c->client_key,
                                 .client_key_password = c->client_key_password.value,
                                 .proxy = c->proxy,
                                 .allow_http = c->allow_insecure_loopback,
                                 .connect_timeout = c->connect_timeout,
                                 .request_timeout = c->request_timeout,
                                 .body_max = body_max,
                                 .connections = connections};
}

static struct http *make_http(struct loop *l, const struct config_connection *c, size_t body_max,
                              struct err *e)
{
    const struct http_options o = snow_http_options(c, body_max, (unsigned)c->max_in_flight + 1);

    return http_new(l, &o, e);
}

struct snow *snow_new(struct loop *l, const struct config *c, struct metrics *m, struct err *e)
{
    struct snow *s = xcalloc(1, sizeof *s);
    struct rand r;

    rand_seed_system(&r);
    s->loop = l;
    s->c = &c->connection;
    s->metrics = m;
    s->said = WINDOW_OPEN;
    s->window = window_new((unsigned)s->c->max_in_flight, rand_next(&r));
    make_metrics(s);
    s->http = make_http(l, s->c, body_limit(c), e);
    if (s->http == NULL)
        return snow_free(s);
    s->oauth = oauth_new(s->http, s->c, m, e);
    if (s->oauth == NULL)
        return snow_free(s);
    return s;
}

struct snow *snow_free(struct snow *s)
{
    if (s == NULL)
        return NULL;
    s->closing = true;
    /* Requests first: their callbacks still look at the sign-in. */
    if (s->oauth != NULL) {
        http_stop(s->http);
        finish_done(s, loop_now(s->loop));
    }
    s->oauth = oauth_free(s->oauth);
    s->http = http_free(s->http);
    (void)window_free(s->window);
    free(s->life_query);
    free(s->rate_rule);
    free(s);
    return NULL;
}

void snow_rate(const struct snow *s, struct snow_rate *ret)
{
    struct window_budget b;

    window_budget(s->window, loop_now(s->loop), &b);
    *ret = (struct snow_rate){.limit = b.limit,
                              .left = b.left,
                              .reset = b.limit == 0 ? MSEC_NONE : s->rate_reset,
                              .rule = s->rate_rule == NULL ? "" : s->rate_rule};
}

const struct window *snow_window(const struct snow *s)
{
    return s->window;
}

struct oauth *snow_oauth(struct snow *s)
{
    return s->oauth;
}

msec_t snow_clock_skew(const struct snow *s)
{
    return s->skew;
}
