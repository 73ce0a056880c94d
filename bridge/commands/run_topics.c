/* Start-up, first step: the bridge's own topics exist, or are made. Nothing is read before. */
#include <stdlib.h>
#include <string.h>

#include "bridge/base/log.h"
#include "bridge/base/xalloc.h"
#include "bridge/commands/run.h"

#define AGAIN (5 * USEC_S)
/* A dead letter carries a whole message and headers that say why (design D10). */
#define DEAD_LETTER_BYTES (2 << 20)

static void wish(struct topic_wish *w, size_t *n, const struct config *c, const char *name,
                 bool compacted, int64_t partitions, long long bytes)
{
    w[(*n)++] = (struct topic_wish){.name = name,
                                    .compacted = compacted,
                                    .partitions = (int32_t)partitions,
                                    .replication_factor = (int32_t)c->topics.replication_factor,
                                    .max_message_bytes = bytes};
}

size_t run_topics_room(const struct config *c)
{
    return c->producers_count * CONFIG_PRODUCER_TOPICS_MAX + 3;
}

size_t run_topics_wishes(const struct config *c, struct topic_wish *w)
{
    size_t n = 0;

    if (c->consumers_count > 0) {
        if (c->topics.outcomes_enabled)
            wish(w, &n, c, c->topics.outcomes, false, c->topics.partitions, 0);
        wish(w, &n, c, c->topics.dead_letter, false, c->topics.partitions, DEAD_LETTER_BYTES);
    }
    if (c->producers_count > 0) {
        wish(w, &n, c, c->topics.state, true, c->topics.state_partitions, 0);
        for (size_t i = 0; i < c->producers_count; i++) {
            struct config_producer_topic of[CONFIG_PRODUCER_TOPICS_MAX];
            size_t count = config_producer_topics(&c->producers[i], of);

            for (size_t j = 0; j < count; j++)
                wish(w, &n, c, of[j].topic, of[j].compacted, c->topics.partitions, 0);
        }
    }
    return n;
}

/* The first topic that is not as it must be; its problem becomes the reason for waiting. */
static const struct topic_state *first_problem(const struct topic_state *states, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!states[i].exists)
            return &states[i];
    return NULL;
}

static void wait_for_topics(struct run *r, const struct err *why, usec_t now)
{
    if (strcmp(r->topics_problem.text, why->text) != 0)
        log_error("topics", "code=%s\t%s. Nothing is read before; tried again every 5 s", why->code,
                  why->text);
    r->topics_problem = *why;
    r->topics_again = now + AGAIN;
}

static void answer(void *arg, const struct topic_state *states, size_t n, const struct err *error,
                   usec_t now)
{
    struct run *r = arg;
    const struct topic_state *missing;
    int32_t state_partitions = 0;
    struct err e;

    r->topics = NULL;
    if (r->phase != RUN_STARTING)
        return;
    if (error != NULL) {
        wait_for_topics(r, error, now);
        return;
    }
    missing = first_problem(states, n);
    if (missing != NULL) {
        if (missing->err.class != ERR_NONE)
            e = missing->err;
        else
            (void)err_set(&e, ERR_CONFIG, "topic-missing",
                          "The topic %s does not exist and topics.create is off: create it, or set "
                          "topics.create = true",
                          missing->name);
        wait_for_topics(r, &e, now);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (states[i].err.class != ERR_NONE)
            log_warn("topic-odd", "topic=%s code=%s\t%s", states[i].name, states[i].err.code,
                     states[i].err.text);
        if (strcmp(states[i].name, r->config->topics.state) == 0)
            state_partitions = states[i].partitions;
    }
    if (r->topics_problem.class != ERR_NONE)
        log_info("topics", "topics=%zu\tAll topics of the bridge are there", n);
    err_clear(&r->topics_problem);
    run_topics_ready(r, state_partitions, now);
}

void run_topics_ask(struct run *r, usec_t now)
{
    struct topic_wish *wishes = xcalloc(run_topics_room(r->config), sizeof *wishes);
    size_t n = run_topics_wishes(r->config, wishes);

    (void)now;
    r->topics_again = USEC_NEVER;
    r->topics = topics_ensure(r->loop, r->lookup, r->output, wishes, n, r->config->topics.create,
                              answer, r);
    free(wishes);
}
