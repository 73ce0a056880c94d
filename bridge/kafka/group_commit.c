/* Commits: filtered by assignment and epoch (the broker would let any valid member overwrite any
 * partition), never backwards within an epoch, one in flight; inside `taken` one more is let
 * through, because there is no later. A proof of membership is a commit of what is stored already:
 * the broker answers it without error only to a member of the present generation. */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "bridge/base/xalloc.h"
#include "bridge/kafka/group_internal.h"

#define DOUBT_AGAIN (500 * USEC_MS)

static bool may_commit(struct group *g, const rd_kafka_topic_partition_t *x)
{
    struct group_part *part = group_parts_find(&g->parts, x->topic, x->partition);

    return part != NULL && !part->state && x->offset >= 0 && x->offset >= part->sent;
}

static void filter(struct group *g, rd_kafka_topic_partition_list_t *list)
{
    for (int i = list->cnt - 1; i >= 0; i--)
        if (!may_commit(g, &list->elems[i]))
            (void)rd_kafka_topic_partition_list_del_by_idx(list, i);
}

static int send_commit(struct group *g, const rd_kafka_topic_partition_list_t *list, bool proof,
                       struct err *e)
{
    struct group_commit *commit = xcalloc(1, sizeof *commit);
    rd_kafka_resp_err_t code;

    commit->epoch = g->epoch;
    commit->stalls = g->stalls;
    commit->proof = proof;
    code = rd_kafka_commit_queue(g->rk, list, g->queues[QUEUE_REPLY], NULL, commit);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        free(commit);
        return kafka_err(e, code, "the offsets of %d partitions could not be committed", list->cnt);
    }
    DL_APPEND(g->commits, commit);
    return 0;
}

static int check_commit(const struct group *g, uint64_t epoch, struct err *e)
{
    if (epoch != g->epoch || g->phase < GROUP_GIVEN)
        return err_set(e, ERR_RETRY, "kafka-not-member",
                       "offsets of assignment %llu cannot be committed: it is over",
                       (unsigned long long)epoch);
    if (g->commits != NULL && !g->taking)
        return err_set(e, ERR_RETRY, "kafka-commit-busy", "another commit is under way");
    return 0;
}

int group_commit(struct group *g, uint64_t epoch, rd_kafka_topic_partition_list_t *list,
                 struct err *e)
{
    int failed = check_commit(g, epoch, e);

    if (failed == 0) {
        filter(g, list);
        if (list->cnt == 0)
            failed = err_set(e, ERR_RETRY, "kafka-commit-empty",
                             "nothing of the commit belongs to this assignment or is new");
    }
    if (failed == 0)
        failed = send_commit(g, list, false, e);
    for (int i = 0; failed == 0 && i < list->cnt; i++)
        group_parts_find(&g->parts, list->elems[i].topic, list->elems[i].partition)->sent =
            list->elems[i].offset;
    if (failed == 0)
        g->taking = false;
    rd_kafka_topic_partition_list_destroy(list);
    return failed;
}

bool group_committing(const struct group *g)
{
    return g->commits != NULL;
}

static size_t count_errors(const rd_kafka_topic_partition_list_t *list)
{
    size_t n = 0;

    for (int i = 0; list != NULL && i < list->cnt; i++)
        n += list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR ? 1 : 0;
    return n;
}

static void remember(struct group *g, const rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *x = &list->elems[i];
        struct group_part *part = group_parts_find(&g->parts, x->topic, x->partition);

        if (part != NULL && !part->state && x->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            group_part_stored(part, x->offset, x->metadata, x->metadata_size);
    }
}

static void answer_proofs(struct group *g, bool ours, usec_t now)
{
    struct group_proof *p, *next;

    DL_FOREACH_SAFE (g->proofs, p, next) {
        if (!p->under_way)
            continue;
        DL_DELETE(g->proofs, p); /* NOLINT(clang-analyzer-core.NullDereference): p is in it */
        p->fn(p->arg, ours, now);
        free(p);
    }
}

void group_no_proof(struct group *g, usec_t now)
{
    struct group_proof *p;

    DL_FOREACH (g->proofs, p)
        p->under_way = true;
    answer_proofs(g, false, now);
}

static void tell_owner(struct group *g, const struct group_commit *c, rd_kafka_resp_err_t code,
                       const rd_kafka_topic_partition_list_t *list, usec_t now)
{
    struct err error;

    if (code != RD_KAFKA_RESP_ERR_NO_ERROR && count_errors(list) == 0) {
        (void)kafka_err(&error, code, "the offsets were not committed");
        g->cb.committed(g->cb.arg, c->epoch, NULL, &error, now);
        return;
    }
    g->cb.committed(g->cb.arg, c->epoch, list, NULL, now);
}

void group_on_commit(struct group *g, rd_kafka_event_t *ev, usec_t now)
{
    const rd_kafka_topic_partition_list_t *list = rd_kafka_event_topic_partition_list(ev);
    rd_kafka_resp_err_t code = rd_kafka_event_error(ev);
    struct group_commit *commit = rd_kafka_event_opaque(ev), answered;
    bool fine = code == RD_KAFKA_RESP_ERR_NO_ERROR && count_errors(list) == 0;

    if (commit == NULL)
        return;
    DL_DELETE(g->commits, commit);
    answered = *commit;
    free(commit);
    metric_add(fine ? g->commits_ok : g->commits_failed, 1);
    if (fine) {
        kafka_link_ok(&g->link);
        if (answered.epoch == g->epoch && answered.stalls == g->stalls)
            group_trust(g);
    }
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && list != NULL && answered.epoch == g->epoch)
        remember(g, list);
    if (answered.proof)
        answer_proofs(g, fine && answered.epoch == g->epoch, now);
    else
        tell_owner(g, &answered, code, list, now);
    loop_again(g->loop); /* the next commit may go */
}

/* What a proof commits: one alert partition as it is stored; where the member has none (only state
 * partitions, say), a state partition at 0, which nobody ever reads. */
static rd_kafka_topic_partition_list_t *proof_list(const struct group *g)
{
    const struct group_part *best = NULL;
    rd_kafka_topic_partition_list_t *list;
    rd_kafka_topic_partition_t *x;

    for (size_t i = 0; i < g->parts.count && (best == NULL || best->state); i++) {
        const struct group_part *part = &g->parts.items[i];

        if (part->state ? best == NULL : part->stored != GROUP_NO_OFFSET)
            best = part;
    }
    if (best == NULL)
        return NULL;
    list = rd_kafka_topic_partition_list_new(1);
    x = rd_kafka_topic_partition_list_add(list, best->topic, best->partition);
    x->offset = best->state ? 0 : best->stored;
    if (!best->state && best->metadata[0] != '\0') {
        x->metadata = xstrdup(best->metadata); /* librdkafka frees it */
        x->metadata_size = strlen(best->metadata);
    }
    return list;
}

static void send_proof(struct group *g, usec_t now)
{
    rd_kafka_topic_partition_list_t *list;
    struct group_proof *p;
    int failed = -1;

    list = g->phase == GROUP_ASSIGNED ? proof_list(g) : NULL;
    DL_FOREACH (g->proofs, p)
        p->under_way = true;
    if (list != NULL) {
        failed = send_commit(g, list, true, NULL);
        rd_kafka_topic_partition_list_destroy(list);
    }
    if (failed != 0)
        answer_proofs(g, false, now);
}

static bool proof_wanted(const struct group *g)
{
    const struct group_proof *p;

    DL_FOREACH (g->proofs, p)
        if (!p->under_way)
            return true;
    return false;
}

void group_confirm(struct group *g, void (*fn)(void *arg, bool ours, usec_t now), void *arg)
{
    struct group_proof *p = xcalloc(1, sizeof *p);

    p->fn = fn;
    p->arg = arg;
    DL_APPEND(g->proofs, p);
    loop_again(g->loop);
}

/* After a stall the group wants a proof itself; while none comes it is asked for again. */
static bool doubt_wants_proof(const struct group *g, usec_t now)
{
    return g->doubtful && g->phase == GROUP_ASSIGNED && now >= g->doubt_due;
}

usec_t group_commit_tick(struct group *g, usec_t now)
{
    if (g->doubtful && g->phase == GROUP_ASSIGNED && g->parts.count == 0)
        group_trust(g); /* there is nothing that could be somebody else's */
    if (g->commits == NULL && (proof_wanted(g) || doubt_wants_proof(g, now))) {
        g->doubt_due = usec_add(now, DOUBT_AGAIN);
        send_proof(g, now);
    }
    return g->doubtful && g->phase == GROUP_ASSIGNED && g->commits == NULL ? g->doubt_due
                                                                           : USEC_NEVER;
}
