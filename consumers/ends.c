/* Endings under way. An ending passes two stages, each confirmed by the broker: dead letter (when
 * it is one), then outcome record (when outcomes are on). A stage that fails is tried again after a
 * delay, for as long as it takes: its offset waits. */
#include "consumers/ends.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "bridge/base/log.h"
#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"
#include "bridge/retry/backoff.h"
#include "bridge/retry/retryq.h"
#include "consumers/deadletter.h"
#include "consumers/outcome.h"

enum stage { STAGE_DEAD, STAGE_OUTCOME, STAGE_DONE };

struct end {
    struct ends *owner;
    struct unit *unit;
    struct item *item; /* NULL: the message as a whole */
    enum stage stage;
    struct err *why; /* dead letter: owned */
    int http_status;
    char *sys_id;
    char *key, *id, *value; /* outcome record; NULL: none */
    size_t value_max;       /* of the dead letter */
    bool headers_kept;
    unsigned tries;
    struct retry_item retry;
    struct end *prev, *next;
};

struct ends {
    const struct config *config;
    struct output *output;
    struct metrics *metrics;
    void (*unit_done)(void *arg, struct unit *u, usec_t now);
    void (*unit_dropped)(void *arg, struct unit *u, usec_t now);
    void *arg;
    struct end *list;
    size_t pending;
    struct retryq *waiting;
    struct rand rand;
    struct log_limit said;
    bool trouble;   /* that something could not be written */
    usec_t *recent; /* times of the last dead letters, a ring of the per-minute bound */
    size_t recent_size, recent_next;
};

static void step(struct end *x, usec_t now);

struct ends *ends_new(const struct config *c, struct output *o, struct metrics *m,
                      void (*unit_done)(void *arg, struct unit *u, usec_t now),
                      void (*unit_dropped)(void *arg, struct unit *u, usec_t now), void *arg)
{
    struct ends *e = xcalloc(1, sizeof *e);

    *e = (struct ends){.config = c,
                       .output = o,
                       .metrics = m,
                       .unit_done = unit_done,
                       .unit_dropped = unit_dropped,
                       .arg = arg};
    e->waiting = retryq_new(SIZE_MAX);
    e->recent_size = (size_t)c->limits.dead_letters_per_minute;
    e->recent = xcalloc(e->recent_size, sizeof *e->recent);
    for (size_t i = 0; i < e->recent_size; i++)
        e->recent[i] = INT64_MIN / 2;
    rand_seed_system(&e->rand);
    return e;
}

static void end_free(struct end *x)
{
    (void)item_free(x->item);
    free(x->why);
    free(x->sys_id);
    free(x->key);
    free(x->id);
    free(x->value);
    free(x);
}

static void finish(struct end *x, usec_t now)
{
    struct ends *e = x->owner;
    struct unit *u = x->unit;

    DL_DELETE(e->list, x);
    e->pending--;
    retryq_remove(e->waiting, &x->retry);
    end_free(x);
    invariant(u->pending > 0);
    if (--u->pending == 0)
        e->unit_done(e->arg, u, now);
}

struct ends *ends_free(struct ends *e)
{
    struct end *x, *next;

    if (e == NULL)
        return NULL;
    e->unit_done = e->unit_dropped;
    DL_FOREACH_SAFE (e->list, x, next)
        finish(x, 0);
    (void)retryq_free(e->waiting);
    free(e->recent);
    free(e);
    return NULL;
}

static void try_later(struct end *x, const struct err *error, usec_t now)
{
    struct ends *e = x->owner;
    usec_t delay = backoff_delay(&e->rand, ++x->tries, 200 * USEC_MS, 30 * USEC_S, 0);
    const char *what = x->stage == STAGE_DEAD ? "A dead letter" : "An outcome record";
    const char *topic =
        x->stage == STAGE_DEAD ? e->config->topics.dead_letter : e->config->topics.outcomes;
    unsigned skipped;

    if (log_limit_pass(&e->said, now, 30 * USEC_S, &skipped))
        log_warn("end-waits",
                 "topic=%s code=%s pending=%zu\t%s could not be written: %s. It is tried again "
                 "until it can; the "
                 "offset of its message stays uncommitted",
                 topic, error->code, e->pending, what, error->text);
    e->trouble = true;
    retryq_add(e->waiting, &x->retry, now + delay, what);
}

/* The topic takes no record of this size: cut the value, then leave the headers out. When nothing
 * is left to cut, it is whole again at the next try: the topic's bound may have been raised by
 * then. */
static bool shrink(struct end *x, const struct err *error)
{
    size_t length = x->unit->message.value_length;

    if (x->stage != STAGE_DEAD || strcmp(error->code, "kafka-too-large") != 0)
        return false;
    if (x->value_max == 0 && !x->headers_kept) {
        x->value_max = SIZE_MAX;
        x->headers_kept = true;
        return false;
    }
    if (x->value_max > length)
        x->value_max = length;
    if (x->value_max > 0)
        x->value_max = x->value_max < 1024 ? 0 : x->value_max / 2;
    else
        x->headers_kept = false;
    return true;
}

static void confirmed(void *arg, const struct err *error, usec_t now)
{
    struct end *x = arg;

    if (error != NULL) {
        if (shrink(x, error))
            step(x, now);
        else
            try_later(x, error, now);
        return;
    }
    if (x->owner->trouble && retryq_next(x->owner->waiting) == USEC_NEVER) {
        log_info("ends-written", "\tOutcome records and dead letters are written again");
        x->owner->trouble = false;
    }
    x->stage++;
    x->tries = 0;
    step(x, now);
}

static int send_dead(struct end *x, struct err *e)
{
    struct deadletter d = {.config = x->owner->config,
                           .unit = x->unit,
                           .index = x->item == NULL ? SIZE_MAX : x->item->index,
                           .why = x->why,
                           .http_status = x->http_status,
                           .attempts = x->item == NULL ? 0 : x->item->attempts,
                           .sys_id = x->sys_id == NULL ? "" : x->sys_id,
                           .now = clock_wall(),
                           .value_max = x->value_max,
                           .headers_kept = x->headers_kept};

    return deadletter_send(x->owner->output, &d, confirmed, x, e);
}

static int send_outcome(struct end *x, struct err *e)
{
    const struct config *c = x->owner->config;
    char *source = xasprintf("https://%s", c->connection.host);
    struct output_header headers[] = {
        {"ce_specversion", "1.0", 3},           {"ce_id", x->id, strlen(x->id)},
        {"ce_source", source, strlen(source)},  {"ce_type", "itsm-bridge.outcome.v1", 22},
        {"ce_subject", x->key, strlen(x->key)}, {"content-type", "application/json", 16},
    };
    struct output_record r = {.topic = c->topics.outcomes,
                              .partition = -1,
                              .key = x->key,
                              .key_length = strlen(x->key),
                              .value = x->value,
                              .value_length = strlen(x->value),
                              .headers = headers,
                              .headers_count = ARRAY_LEN(headers)};
    int rc = output_send(x->owner->output, &r, confirmed, x, e);

    free(source);
    return rc;
}

/* Sends the present stage, or goes over stages that this ending does not have. */
static void step(struct end *x, usec_t now)
{
    struct err error;
    int rc = 0;

    if (x->stage == STAGE_DEAD && x->why == NULL)
        x->stage = STAGE_OUTCOME;
    if (x->stage == STAGE_OUTCOME && x->value == NULL)
        x->stage = STAGE_DONE;
    if (x->stage == STAGE_DONE) {
        finish(x, now);
        return;
    }
    do
        rc = x->stage == STAGE_DEAD ? send_dead(x, &error) : send_outcome(x, &error);
    while (rc != 0 && shrink(x, &error));
    if (rc != 0)
        try_later(x, &error, now);
}

static struct end *end_new(struct ends *e, struct unit *u, struct item *i)
{
    struct end *x = xcalloc(1, sizeof *x);

    *x =
        (struct end){.owner = e, .unit = u, .item = i, .value_max = SIZE_MAX, .headers_kept = true};
    DL_APPEND(e->list, x);
    e->pending++;
    return x;
}

/* Some reasons end with a full stop, some do not. */
static int without_stop(const char *text)
{
    size_t n = strlen(text);

    return (int)(n > 0 && text[n - 1] == '.' ? n - 1 : n);
}

static void make_dead(struct end *x, const struct err *why, usec_t now)
{
    struct ends *e = x->owner;
    const struct message *m = &x->unit->message;
    char *label = metrics_label("class", why->code);

    x->why = xmalloc(sizeof *x->why);
    *x->why = *why;
    metric_add(metrics_counter(e->metrics, "dead_letters_total", label,
                               "Messages sent to the dead-letter topic"),
               1);
    free(label);
    if (e->recent_size > 0) {
        e->recent[e->recent_next] = now;
        e->recent_next = (e->recent_next + 1) % e->recent_size;
    }
    log_warn("dead-letter",
             "topic=%s partition=%d offset=%lld class=%s\t%.*s. The message is kept in %s, the "
             "stream goes on",
             m->topic, m->partition, (long long)m->offset, why->code, without_stop(why->text),
             why->text, e->config->topics.dead_letter);
}

void ends_item(struct ends *e, struct item *i, const struct ending *how, usec_t now)
{
    struct end *x = end_new(e, i->unit, i);
    char *label = metrics_label("operation", how->operation);

    metric_add(metrics_counter(e->metrics, "alerts_total", label, "Alerts by what became of them"),
               1);
    free(label);
    x->http_status = how->http_status;
    if (how->record != NULL)
        x->sys_id = xstrdup(how->record->sys_id);
    if (how->err != NULL)
        make_dead(x, how->err, now);
    if (e->config->topics.outcomes_enabled)
        x->value = outcome_build(e->config, i, how, clock_wall(), &x->key, &x->id);
    item_forget(i);
    step(x, now);
}

void ends_unit(struct ends *e, struct unit *u, const struct err *why, usec_t now)
{
    struct end *x = end_new(e, u, NULL);

    u->pending = 1;
    make_dead(x, why, now);
    step(x, now);
}

usec_t ends_tick(struct ends *e, usec_t now)
{
    struct retry_item *due;

    while ((due = retryq_due(e->waiting, now)) != NULL)
        step(CONTAINER_OF(due, struct end, retry), now);
    return retryq_next(e->waiting);
}

size_t ends_pending(const struct ends *e)
{
    return e->pending;
}

bool ends_flooded(struct ends *e, usec_t now)
{
    return e->recent_size > 0 && now - e->recent[e->recent_next] < 60 * USEC_S;
}
