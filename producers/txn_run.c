/* The helper's side: what a job does in one turn. Each blocking call is bounded by TXN_CALL_MS; a
 * call that may be resumed (time-out, broker away) ends the turn, and the next turn makes it again.
 * Rules, all measured with librdkafka 2.0.2: delivery events stay off on a transactional handle
 * (the commit would wait for somebody to poll them); any failed produce aborts, for a commit then
 * succeeds without the record; a commit that timed out is committed again, an abort would be
 * refused. */
#include <stdlib.h>
#include <string.h>

#include "bridge/base/log.h"
#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"
#include "bridge/kafka/client.h"
#include "producers/txn_job.h"
#include "producers/txn_log.h"

#define LEVEL_DEBUG 7 /* of syslog */

static bool end_with(struct txn_job *j, enum txn_end end)
{
    j->answer.end = end;
    if (end == TXN_DONE)
        err_clear(&j->answer.err);
    return true;
}

/* Handles -------------------------------------------------------------------------------------- */

void txn_handle_destroy(struct txn_handle *h)
{
    if (h->rk == NULL)
        return;
    for (size_t i = 0; i < h->topics_count; i++)
        rd_kafka_topic_destroy(h->objects[i]);
    free(h->objects);
    h->objects = NULL;
    rd_kafka_destroy(h->rk);
    h->rk = NULL;
}

/* Without transactions only: with them no report is asked for. */
static void on_report(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    struct txn_job *j = m->_private;
    (void)rk;
    (void)opaque;
    j->outstanding--;
    if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR && j->failed == RD_KAFKA_RESP_ERR_NO_ERROR)
        j->failed = m->err;
}

/* Returns whether the line is one for the log: those that only txn_log wants are not. */
static bool take_line(struct txn_handle *h, int level, const char *text)
{
    (void)txn_log_refuses(text, &h->refused);
    return level < LEVEL_DEBUG || h->debug;
}

/* Lines that a blocking call serves itself; what else matters of them comes back as its error. */
static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    if (take_line(rd_kafka_opaque(rk), level, text))
        log_debug("kafka-log", "facility=%s severity=%d\t%s", facility, level, text);
}

/* Adds the lines that txn_log reads to those that the user wants. */
static void want_lines(struct txn_handle *h, rd_kafka_conf_t *conf)
{
    char text[256], wanted[512];
    size_t size = sizeof(wanted);

    if (rd_kafka_conf_get(conf, "debug", wanted, &size) != RD_KAFKA_CONF_OK)
        wanted[0] = '\0';
    h->debug = wanted[0] != '\0';
    err_clear(&h->refused);
    char *both = h->debug ? xasprintf("%s,%s", wanted, TXN_LOG_CONTEXT) : xstrdup(TXN_LOG_CONTEXT);
    if (rd_kafka_conf_set(conf, "debug", both, text, sizeof(text)) != RD_KAFKA_CONF_OK)
        log_debug("kafka-log", "\t%s", text);
    free(both);
}

static int handle_make(struct txn_handle *h, struct err *e)
{
    enum kafka_role role = h->transactional ? KAFKA_TRANSACTIONAL : KAFKA_PRODUCER;
    char text[256];
    rd_kafka_conf_t *conf = kafka_conf_new(h->config, role, h->transactional ? h->id : NULL, e);
    if (conf == NULL)
        return -1;
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_opaque(conf, h);
    if (h->transactional)
        want_lines(h, conf);
    if (!h->transactional) { /* reports by callback: this thread serves them in flush */
        rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG);
        rd_kafka_conf_set_dr_msg_cb(conf, on_report);
    }
    if (rd_kafka_conf_set(conf, "partitioner", "murmur2_random", text, sizeof(text)) !=
        RD_KAFKA_CONF_OK) {
        rd_kafka_conf_destroy(conf);
        return err_set(e, ERR_CONFIG, "partitioner",
                       "The producer of work items cannot be set up: %s", text);
    }
    h->rk = kafka_new(conf, role, e);
    if (h->rk == NULL)
        return -1;
    h->objects = xcalloc(h->topics_count + 1, sizeof(rd_kafka_topic_t *));
    for (size_t i = 0; i < h->topics_count; i++)
        h->objects[i] = rd_kafka_topic_new(h->rk, h->topics[i], NULL);
    return 0;
}

/* Errors --------------------------------------------------------------------------------------- */

static bool is_fencing(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
           code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
}

static bool is_unsupported(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE ||
           code == RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION;
}

static bool is_size(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ||
           code == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE;
}

/* Takes the error of a transactional call. Returns whether the job is finished; when false, *what
 * has to happen next stands in j->step. */
static bool judge(struct txn_job *j, rd_kafka_error_t *error, const char *call)
{
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    bool fatal = rd_kafka_error_is_fatal(error), retry = rd_kafka_error_is_retriable(error);
    bool abort = rd_kafka_error_txn_requires_abort(error);
    kafka_err(&j->answer.err, code, "Kafka %s for %s: %s", call, "work items",
              rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    if (is_unsupported(code))
        return end_with(j, TXN_UNSUPPORTED);
    if (fatal || is_fencing(code))
        return end_with(j, is_fencing(code) ? TXN_FENCED : TXN_DEAD);
    if (abort) {
        j->answer.end = is_size(code) ? TXN_TOO_LARGE : TXN_AGAIN;
        j->step = TXN_STEP_ABORT;
        return false;
    }
    if (retry)
        return false;
    return end_with(j, TXN_DEAD);
}

/* Jobs ----------------------------------------------------------------------------------------- */

static bool run_fence(struct txn_handle *h, struct txn_job *j)
{
    if (j->step == TXN_STEP_START) {
        txn_handle_destroy(h);
        if (handle_make(h, &j->answer.err) != 0)
            return end_with(j, TXN_DEAD);
        j->step = TXN_STEP_COMMIT;
    }
    if (!h->transactional)
        return end_with(j, TXN_DONE);
    rd_kafka_error_t *error = rd_kafka_init_transactions(h->rk, TXN_CALL_MS);
    if (error == NULL)
        return end_with(j, TXN_DONE);
    if (h->refused.class == ERR_NONE)
        return judge(j, error, "init_transactions");
    rd_kafka_error_destroy(error);
    j->answer.err = h->refused;
    return end_with(j, TXN_UNSUPPORTED);
}

static bool run_end(struct txn_handle *h, struct txn_job *j)
{
    int64_t low = 0, high = 0;
    rd_kafka_resp_err_t code =
        rd_kafka_query_watermark_offsets(h->rk, j->topic, j->partition, &low, &high, TXN_CALL_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        kafka_err(&j->answer.err, code, "The end of partition %d of topic %s cannot be read",
                  (int)j->partition, j->topic);
        return kafka_err_is_connection(code) || code == RD_KAFKA_RESP_ERR__TIMED_OUT
                   ? false
                   : end_with(j, TXN_AGAIN);
    }
    j->answer.offset = high;
    return end_with(j, TXN_DONE);
}

/* Number of partitions, or -1 with the answer's err set. */
static int32_t partitions_of(struct txn_handle *h, struct txn_job *j)
{
    const struct rd_kafka_metadata *md = NULL;
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(h->rk, j->topic, NULL);
    rd_kafka_resp_err_t code = rd_kafka_metadata(h->rk, 0, rkt, &md, TXN_CALL_MS);
    int32_t n = -1;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && md->topic_cnt == 1) {
        code = md->topics[0].err;
        n = code == RD_KAFKA_RESP_ERR_NO_ERROR ? md->topics[0].partition_cnt : -1;
    }
    if (n < 0)
        kafka_err(&j->answer.err, code, "Topic %s cannot be looked at", j->topic);
    if (md != NULL)
        rd_kafka_metadata_destroy(md);
    rd_kafka_topic_destroy(rkt);
    return n;
}

/* One partition a turn: `produced` counts them. */
static bool run_holds(struct txn_handle *h, struct txn_job *j)
{
    int32_t n = partitions_of(h, j);
    if (n < 0)
        return end_with(j, TXN_AGAIN);
    for (; j->produced < (size_t)n; j->produced++) {
        int64_t low = 0, high = 0;
        rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(
            h->rk, j->topic, (int32_t)j->produced, &low, &high, TXN_CALL_MS);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
            kafka_err(&j->answer.err, code, "Partition %zu of topic %s cannot be looked at",
                      j->produced, j->topic);
            return end_with(j, TXN_AGAIN);
        }
        j->answer.holds = j->answer.holds || low < high;
    }
    return end_with(j, TXN_DONE);
}

/* With a handle of its own; h is the next job's. */
static bool run_rebuild(struct txn_handle *h, struct txn_job *j)
{
    struct err why;
    (void)h;
    if (!rebuild_run(j->rebuild, clock_now(), &why))
        return false;
    rebuild_close(j->rebuild);
    j->answer.rebuild = j->rebuild;
    j->answer.end = TXN_DONE;
    j->answer.err = why;
    return true;
}

static rd_kafka_headers_t *headers_of(const struct workitem *i)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(i->headers_count);
    for (size_t n = 0; n < i->headers_count; n++)
        if (rd_kafka_header_add(headers, i->headers[n].name, -1, i->headers[n].value, -1) !=
            RD_KAFKA_RESP_ERR_NO_ERROR)
            panic("a header cannot be added to a fresh list");
    return headers;
}

static rd_kafka_resp_err_t produce_one(struct txn_handle *h, struct txn_job *j,
                                       const struct txn_record *r)
{
    const struct workitem *i = &r->item;
    rd_kafka_headers_t *headers = headers_of(i);
    rd_kafka_resp_err_t code = rd_kafka_producev(
        h->rk, RD_KAFKA_V_TOPIC(r->topic), RD_KAFKA_V_PARTITION(r->partition),
        RD_KAFKA_V_KEY(i->key, strlen(i->key)), RD_KAFKA_V_VALUE(i->value, i->value_length),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(j),
        RD_KAFKA_V_END);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_headers_destroy(headers);
    else if (!h->transactional)
        j->outstanding++;
    return code;
}

/* Sends records up to `to`. 1: all sent; 0: the client's queue is full, go on next turn; -1: one is
 * refused, answer.end and err say why. */
static int produce_to(struct txn_handle *h, struct txn_job *j, size_t to)
{
    while (j->produced < to && j->failed == RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_resp_err_t code = produce_one(h, j, &j->records[j->produced]);
        if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            (void)rd_kafka_flush(h->rk, TXN_CALL_MS);
            return 0;
        }
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
            kafka_err(&j->answer.err, code, "Record %s cannot be written to topic %s",
                      j->records[j->produced].item.key, j->records[j->produced].topic);
            j->answer.end = is_size(code) ? TXN_TOO_LARGE : TXN_AGAIN;
            j->answer.too_large = is_size(code) ? j->produced : SIZE_MAX;
            return -1;
        }
        j->produced++;
    }
    return 1;
}

static bool run_abort(struct txn_handle *h, struct txn_job *j)
{
    enum txn_end end = j->answer.end;
    struct err why = j->answer.err;
    rd_kafka_error_t *error = rd_kafka_abort_transaction(h->rk, TXN_CALL_MS);
    if (error == NULL)
        return end_with(j, end);
    bool done = judge(j, error, "abort_transaction");
    if (!done) { /* the next turn aborts again; the first reason is the one to tell */
        j->answer.end = end;
        j->answer.err = why;
        j->step = TXN_STEP_ABORT;
    }
    return done;
}

static bool run_commit(struct txn_handle *h, struct txn_job *j)
{
    rd_kafka_error_t *error = rd_kafka_commit_transaction(h->rk, TXN_CALL_MS);
    if (error == NULL)
        return end_with(j, TXN_DONE);
    if (judge(j, error, "commit_transaction"))
        return true;
    return j->step == TXN_STEP_ABORT ? run_abort(h, j) : false;
}

static bool run_transaction(struct txn_handle *h, struct txn_job *j)
{
    if (j->step == TXN_STEP_START) {
        rd_kafka_error_t *error = rd_kafka_begin_transaction(h->rk);
        if (error != NULL)
            return judge(j, error, "begin_transaction");
        j->step = TXN_STEP_PRODUCE;
    }
    if (j->step == TXN_STEP_PRODUCE) {
        int r = produce_to(h, j, j->count);
        if (r == 0)
            return false;
        j->step = r > 0 ? TXN_STEP_COMMIT : TXN_STEP_ABORT;
    }
    return j->step == TXN_STEP_COMMIT ? run_commit(h, j) : run_abort(h, j);
}

/* After a fatal error (a lost sequence of the idempotent producer) the handle refuses every record
 * for ever; only a new one helps. */
static bool is_fatal(struct txn_handle *h, struct txn_job *j)
{
    char text[256];
    rd_kafka_resp_err_t code = rd_kafka_fatal_error(h->rk, text, sizeof(text));
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return false;
    kafka_err(&j->answer.err, code, "The producer of work items can never go on: %s", text);
    return true;
}

/* Without transactions: rows, their reports, then the state and its report. A turn ends while
 * reports are outstanding; the job never ends before they all came, for they point to it. */
static bool run_plain(struct txn_handle *h, struct txn_job *j)
{
    int r = 1;
    if (j->step == TXN_STEP_START)
        j->step = TXN_STEP_PRODUCE;
    if (j->step == TXN_STEP_PRODUCE)
        r = produce_to(h, j, j->count - 1);
    else if (j->step == TXN_STEP_STATE)
        r = produce_to(h, j, j->count);
    if (r == 0)
        return false;
    if (r < 0)
        j->step = TXN_STEP_ABORT;
    if (j->outstanding > 0 && rd_kafka_flush(h->rk, TXN_CALL_MS) != RD_KAFKA_RESP_ERR_NO_ERROR &&
        j->outstanding > 0)
        return false;
    if (is_fatal(h, j))
        return end_with(j, TXN_DEAD);
    if (j->step == TXN_STEP_ABORT)
        return end_with(j, j->answer.end);
    if (j->failed != RD_KAFKA_RESP_ERR_NO_ERROR) {
        kafka_err(&j->answer.err, j->failed, "Work items were not stored");
        return end_with(j, is_size(j->failed) ? TXN_TOO_LARGE : TXN_AGAIN);
    }
    if (j->step == TXN_STEP_STATE)
        return end_with(j, TXN_DONE);
    j->step = TXN_STEP_STATE;
    return false;
}

static bool run_publish(struct txn_handle *h, struct txn_job *j)
{
    return h->transactional ? run_transaction(h, j) : run_plain(h, j);
}

static bool run_close(struct txn_handle *h, struct txn_job *j)
{
    txn_handle_destroy(h);
    return end_with(j, TXN_DONE);
}

/* The owner no longer waits: whatever is open is settled by the next owner's fence, or, without
 * transactions, purged so that no report points to a job that is gone. */
static bool run_cancelled(struct txn_handle *h, struct txn_job *j)
{
    if (j->rebuild != NULL)
        rebuild_close(j->rebuild);
    if (h->rk != NULL && j->outstanding > 0) {
        (void)rd_kafka_purge(h->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        (void)rd_kafka_flush(h->rk, TXN_CALL_MS);
        if (j->outstanding > 0)
            return false;
    }
    return end_with(j, TXN_DEAD);
}

/* Log lines and errors of the handle; errors that matter come back from the calls themselves. */
static void drain_events(struct txn_handle *h)
{
    if (h->rk == NULL)
        return;
    rd_kafka_queue_t *q = rd_kafka_queue_get_main(h->rk);
    rd_kafka_event_t *ev;
    while ((ev = rd_kafka_queue_poll(q, 0)) != NULL) {
        const char *facility, *text;
        int level;
        if (rd_kafka_event_type(ev) != RD_KAFKA_EVENT_LOG ||
            rd_kafka_event_log(ev, &facility, &text, &level) != 0 || take_line(h, level, text))
            (void)kafka_log_serve(ev);
        rd_kafka_event_destroy(ev);
    }
    rd_kafka_queue_destroy(q);
}

static bool run_serve(struct txn_handle *h, struct txn_job *j)
{
    (void)h;
    return end_with(j, TXN_DONE);
}

bool txn_run(struct txn_handle *h, struct txn_job *j)
{
    static bool (*const run[])(struct txn_handle *, struct txn_job *) = {
        [TXN_KIND_FENCE] = run_fence,     [TXN_KIND_END] = run_end,
        [TXN_KIND_HOLDS] = run_holds,     [TXN_KIND_PUBLISH] = run_publish,
        [TXN_KIND_CLOSE] = run_close,     [TXN_KIND_SERVE] = run_serve,
        [TXN_KIND_REBUILD] = run_rebuild,
    };
    bool needs_handle =
        j->kind == TXN_KIND_END || j->kind == TXN_KIND_HOLDS || j->kind == TXN_KIND_PUBLISH;
    if (atomic_load(&j->cancelled))
        return run_cancelled(h, j);
    if (h->rk == NULL && needs_handle) {
        err_set(&j->answer.err, ERR_RETRY, "no-handle",
                "The producer of work items has no handle; it is made again");
        return end_with(j, TXN_DEAD);
    }
    bool done = run[j->kind](h, j);
    drain_events(h);
    return done;
}
