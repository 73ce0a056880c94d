/* The daemon's life. Parts are built bottom up and taken down top down; what must not block at the
 * end is bounded, and a missed bound leaves by _exit: destroying a consumer of a dead broker takes
 * 41 s, and an uncommitted offset makes leaving safe at any moment. */
#include "bridge/commands/run.h"

#include <curl/curl.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "bridge/base/log.h"
#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"
#include "bridge/commands/commands.h"
#include "consumers/formats.h"

#define EXIT_TRY_LATER 75 /* EX_TEMPFAIL of sysexits */
#define TAKE_DOWN_S    1
/* What Kafka gets at the end, once ServiceNow has answered: confirmations and the last commit; then
 * leaving the group. A healthy broker needs milliseconds for each. */
#define CONFIRM_BOUND (2 * USEC_S)
#define LEAVE_BOUND   (2 * USEC_S)

/* ---------------------------------------------------------------- the group's callbacks */

static void on_given(void *arg, uint64_t epoch, const struct group_given *parts, size_t n,
                     usec_t now)
{
    struct run *r = arg;

    if (r->flow != NULL)
        flow_given(r->flow, r->group, epoch, parts, n, now);
}

static void on_taken(void *arg, uint64_t epoch, enum group_loss loss, usec_t now)
{
    struct run *r = arg;

    if (r->flow != NULL)
        flow_taken(r->flow, epoch, loss, now);
}

static bool on_record(void *arg, uint64_t epoch, rd_kafka_message_t *m, usec_t now)
{
    struct run *r = arg;

    return r->flow != NULL && flow_record(r->flow, epoch, m, now);
}

static void on_end(void *arg, uint64_t epoch, const char *topic, int32_t partition, int64_t offset,
                   usec_t now)
{
    struct run *r = arg;

    if (r->flow != NULL)
        flow_end(r->flow, epoch, topic, partition, offset, now);
}

static void on_out_of_range(void *arg, uint64_t epoch, const char *topic, int32_t partition,
                            usec_t now)
{
    struct run *r = arg;

    if (r->flow != NULL)
        flow_out_of_range(r->flow, epoch, topic, partition, now);
}

static void on_committed(void *arg, uint64_t epoch, const rd_kafka_topic_partition_list_t *list,
                         const struct err *error, usec_t now)
{
    struct run *r = arg;

    if (r->flow != NULL)
        flow_committed(r->flow, epoch, list, error, now);
}

static void on_state_given(void *arg, uint64_t epoch, const int32_t *partitions, size_t n,
                           usec_t now)
{
    struct run *r = arg;

    if (r->workitems != NULL)
        workitems_state_given(r->workitems, r->group, epoch, partitions, n, now);
}

static void on_state_taken(void *arg, uint64_t epoch, enum group_loss loss, usec_t now)
{
    struct run *r = arg;

    if (r->workitems != NULL)
        workitems_state_taken(r->workitems, epoch, loss, now);
}

static void on_state_record(void *arg, int32_t partition, const rd_kafka_message_t *m, usec_t now)
{
    struct run *r = arg;

    if (r->workitems != NULL)
        workitems_state_record(r->workitems, partition, m, now);
}

static void on_state_end(void *arg, int32_t partition, int64_t offset, usec_t now)
{
    struct run *r = arg;

    if (r->workitems != NULL)
        workitems_state_end(r->workitems, partition, offset, now);
}

/* Everything in memory stands for uncommitted offsets: leaving at once loses nothing. */
NO_RETURN static void leave_at_once(int code)
{
    (void)fflush(NULL);
    _exit(code);
}

NO_RETURN static void leave_broken(const char *event, const struct err *error)
{
    log_error(event,
              "code=%s\tKafka refuses this process for good: %s. It ends with exit code %d so that "
              "it is started again; nothing is lost",
              error->code, error->text, EXIT_TRY_LATER);
    leave_at_once(EXIT_TRY_LATER);
}

static void on_fatal(void *arg, const struct err *error, usec_t now)
{
    (void)arg;
    (void)now;
    leave_broken("consumer-fatal", error);
}

static void on_failed(void *arg, const struct err *e)
{
    (void)arg;
    log_error("stopped", "code=%s\t%s", e->code, e->text);
    leave_at_once(e->class == ERR_CONFIG ? 2 : 1);
}

/* ---------------------------------------------------------------- start */

static size_t own_topics(const struct config *c, const char **out)
{
    size_t n = 0;

    out[n++] = c->topics.outcomes;
    out[n++] = c->topics.dead_letter;
    out[n++] = c->topics.state;
    for (size_t i = 0; i < c->producers_count; i++) {
        struct config_producer_topic of[CONFIG_PRODUCER_TOPICS_MAX];
        size_t count = config_producer_topics(&c->producers[i], of);

        for (size_t j = 0; j < count; j++)
            out[n++] = of[j].topic;
    }
    return n;
}

static struct group *join_group(struct run *r, struct err *e)
{
    const struct config *c = r->config;
    const struct group_callbacks cb = {
        .arg = r,
        .given = on_given,
        .taken = on_taken,
        .record = on_record,
        .end = on_end,
        .out_of_range = on_out_of_range,
        .committed = on_committed,
        .state_given = on_state_given,
        .state_taken = on_state_taken,
        .state_record = on_state_record,
        .state_end = on_state_end,
        .fatal = on_fatal,
    };
    const char **own = xcalloc(c->producers_count * CONFIG_PRODUCER_TOPICS_MAX + 3, sizeof(char *));
    size_t own_count = own_topics(c, own), n = 0, most = 0;
    const char **topics;
    struct group *g;

    for (size_t i = 0; i < c->consumers_count; i++)
        most += c->consumers[i].topics.count;
    topics = xcalloc(most, sizeof(char *));
    for (size_t i = 0; i < c->consumers_count; i++)
        for (size_t k = 0; k < c->consumers[i].topics.count; k++)
            topics[n++] = c->consumers[i].topics.items[k];
    g = group_new(r->loop, c, topics, n, own, own_count,
                  c->producers_count > 0 ? c->topics.state : NULL, r->lookup, &cb, r->metrics, e);
    free(topics);
    free(own);
    return g;
}

static usec_t tick_flows(void *arg, usec_t now);
static usec_t tick_run(void *arg, usec_t now);

/* Somebody has called `itsm-bridge resync` without a table. */
static void on_read(void *arg, usec_t now)
{
    struct run *r = arg;

    (void)now;
    log_info("configuration-asked",
             "\tSomebody asked for it: what the instance has of configuration is read again");
    if (r->flow != NULL)
        flow_read_again(r->flow);
}

void run_topics_ready(struct run *r, int32_t state_partitions, usec_t now)
{
    struct err e;

    (void)now;
    if (r->config->consumers_count > 0)
        r->flow = flow_new(r->config, r->snow, r->output, r->lookup, r->metrics, on_failed, r);
    if (r->config->producers_count > 0) {
        r->workitems = workitems_new(r->loop, r->config, r->snow, state_partitions, r->metrics, &e);
        if (r->workitems == NULL)
            on_failed(r, &e);
        else
            workitems_on_read(r->workitems, on_read, r);
    }
    r->group = join_group(r, &e);
    if (r->group == NULL)
        on_failed(r, &e);
    r->phase = RUN_RUNNING;
    /* Ticks run in the order in which they were added: what the parts above find in a turn, the
     * flows act on in the same one, and the run sees what became of it. */
    loop_remove_tick(r->loop, r->tick);
    (void)loop_add_tick(r->loop, tick_flows, r);
    r->tick = loop_add_tick(r->loop, tick_run, r);
}

static void say_ready(struct run *r)
{
    const char *why = run_not_ready(r);

    service_status(r->service, why == NULL ? "Alerts and work items flow" : why);
    if (r->ready_said || why != NULL)
        return;
    r->ready_said = true;
    log_info("ready", "connection=%s host=%s ms=%lld\tAlerts and work items flow",
             r->config->connection.name, r->config->connection.host,
             (long long)(clock_wall() - r->started));
}

/* ---------------------------------------------------------------- end */

static void left(void *arg, usec_t now)
{
    struct run *r = arg;

    (void)now;
    r->phase = RUN_DONE;
    loop_stop(r->loop);
    /* The question waits in a helper thread, for seconds when no broker answers. */
    if (r->topics != NULL) {
        log_info("stopped", "\tNothing had been taken yet");
        leave_at_once(0);
    }
}

static void begin_leave(struct run *r, usec_t now)
{
    r->phase = RUN_LEAVING;
    r->deadline = now + LEAVE_BOUND;
    if (r->group == NULL)
        left(r, now);
    else
        group_close(r->group, left, r);
}

static void begin_drain(struct run *r, usec_t now)
{
    log_info("stopping", "bound_s=%lld\tNo more alerts are taken; what is under way is finished",
             (long long)(r->config->limits.shutdown / USEC_S));
    service_stopping(r->service, r->config->limits.shutdown + LEAVE_BOUND);
    r->deadline = now + r->config->limits.shutdown;
    r->phase = RUN_DRAINING;
    if (r->flow != NULL)
        flow_drain(r->flow);
}

static void drain(struct run *r, usec_t now)
{
    bool flow_done = r->flow == NULL || flow_drained(r->flow, now);
    bool tables_done = r->workitems == NULL || workitems_drain(r->workitems, now);

    if (flow_done && tables_done) {
        begin_leave(r, now);
    } else if (!r->answered && (r->flow == NULL || flow_stats(r->flow, now).in_flight == 0)) {
        r->answered = true;
        r->deadline = usec_min(r->deadline, now + CONFIRM_BOUND);
    }
}

static void bound_missed(struct run *r)
{
    log_warn(
        "stop-bound",
        "phase=%s\tThe shutdown took longer than its bound (broker or instance do not answer). "
        "What was not "
        "finished was not committed: it is done after the next start, nothing is written twice",
        r->phase == RUN_DRAINING ? "draining" : "leaving");
    leave_at_once(0);
}

static void reload(struct run *r, usec_t now);

static void on_signal(void *arg, usec_t now)
{
    struct run *r = arg;
    struct signalfd_siginfo info;

    while (read(r->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGHUP) {
            reload(r, now);
        } else if (r->phase >= RUN_DRAINING) {
            log_warn("killed", "signal=%u\tSecond signal: leaving at once", info.ssi_signo);
            leave_at_once(1);
        } else {
            begin_drain(r, now);
        }
    }
}

static void say_line(void *arg, const char *text)
{
    (void)arg;
    log_warn("reload", "\t%s", text);
}

static void reload(struct run *r, usec_t now)
{
    struct config_errors errors = {0};
    struct config *next = config_load(r->config->file, CONFIG_FULL, &errors);

    for (size_t i = 0; i < errors.count; i++)
        log_error("reload", "\t%s", errors.items[i].text);
    if (next == NULL) {
        log_error("reload",
                  "file=%s\tThe configuration was not taken over; the old one stays in force",
                  r->config->file);
    } else {
        config_reload(r->config, next, say_line, NULL);
        (void)config_free(next);
        log_setup(r->config->log.level, r->config->log.format);
        oauth_reload(snow_oauth(r->snow), now);
        log_info("reload", "file=%s\tThe configuration was read again", r->config->file);
    }
    config_errors_done(&errors);
    if (r->flow != NULL)
        flow_read_again(r->flow);
}

/* ---------------------------------------------------------------- turns */

static usec_t tick_snow(void *arg, usec_t now)
{
    return snow_tick(((struct run *)arg)->snow, now);
}

static usec_t tick_flows(void *arg, usec_t now)
{
    struct run *r = arg;
    usec_t next = USEC_NEVER;

    if (r->flow != NULL)
        next = usec_min(next, flow_tick(r->flow, now));
    if (r->workitems != NULL)
        next = usec_min(next, workitems_tick(r->workitems, now));
    return next;
}

static usec_t tick_run(void *arg, usec_t now)
{
    struct run *r = arg;

    usec_t ping = service_tick(r->service, now);

    if (output_broken(r->output) != NULL)
        leave_broken("producer-fatal", output_broken(r->output));
    if (r->phase == RUN_STARTING) {
        if (r->topics == NULL && now >= r->topics_again)
            run_topics_ask(r, now);
        say_ready(r);
        return usec_min(ping, r->topics_again);
    }
    if (r->phase == RUN_RUNNING) {
        say_ready(r);
        return ping;
    }
    if (r->phase == RUN_DRAINING)
        drain(r, now);
    if (r->phase != RUN_DONE && now >= r->deadline)
        bound_missed(r);
    return r->phase == RUN_DONE ? USEC_NEVER : usec_min(ping, r->deadline);
}

/* ---------------------------------------------------------------- building and taking down */

/* Signals arrive as a descriptor; they are blocked before any thread exists, so that all threads
 * inherit it. */
static int open_signals(struct err *e)
{
    sigset_t set;
    int fd;

    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 ||
        (fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC)) < 0)
        return err_set(e, ERR_FATAL, "signals", "signals cannot be received: %s", strerror(errno));
    return fd;
}

static int build(struct run *r, struct err *e)
{
    const struct config *c = r->config;
    const char **topics = xcalloc(c->producers_count + 3, sizeof(char *));
    size_t n = 0;

    if (c->consumers_count > 0 && c->topics.outcomes_enabled)
        topics[n++] = c->topics.outcomes;
    if (c->consumers_count > 0)
        topics[n++] = c->topics.dead_letter;
    r->signal_fd = open_signals(e);
    r->loop = r->signal_fd < 0 ? NULL : loop_new(e);
    r->snow = r->loop == NULL ? NULL : snow_new(r->loop, c, r->metrics, e);
    r->output = r->snow == NULL ? NULL : output_new(r->loop, c, topics, n, r->metrics, e);
    free(topics);
    if (r->output == NULL)
        return -1;
    r->lookup = lookup_new(r->loop, output_handle(r->output));
    if (c->status.listen[0] != '\0') {
        r->status = status_new(r->loop, c->status.listen, run_page, r, e);
        if (r->status == NULL)
            return -1;
        log_info("status", "port=%d\tStatus server listens", status_port(r->status));
    }
    (void)loop_add_fd(r->loop, r->signal_fd, on_signal, r);
    (void)loop_add_tick(r->loop, tick_snow, r);
    r->tick = loop_add_tick(r->loop, tick_run, r);
    return 0;
}

static volatile sig_atomic_t code_when_late;

static void on_late(int signal_number)
{
    (void)signal_number;
    _exit(code_when_late);
}

/* A helper thread can be inside a call to a dead broker, and joining it would take as long. All
 * that counts was done or given up before. */
static void bound_take_down(int code)
{
    code_when_late = code;
    (void)signal(SIGALRM, on_late);
    (void)alarm(TAKE_DOWN_S);
}

static void take_down(struct run *r)
{
    r->status = status_free(r->status);
    topics_cancel(r->topics);
    r->snow = snow_free(r->snow);
    r->workitems = workitems_free(r->workitems);
    r->group = group_free(r->group); /* before the look-up, which it cancels questions at */
    r->lookup = lookup_free(r->lookup);
    r->output = output_free(r->output);
    r->flow = flow_free(r->flow);
    r->loop = loop_free(r->loop);
    if (r->signal_fd >= 0)
        (void)close(r->signal_fd);
    r->service = service_free(r->service);
    r->metrics = metrics_free(r->metrics);
}

static int run(struct config *c)
{
    struct run r = {.config = c, .signal_fd = -1, .started = clock_wall(), .topics_again = 0};
    struct err e;

    log_setup(c->log.level, c->log.format);
    /* Tokens and passwords live in this memory: no core file, no ptrace by other processes. */
    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    r.metrics = metrics_new();
    r.service = service_new();
    log_info(
        "start",
        "version=%s librdkafka=%s libcurl=%s connection=%s host=%s group=%s\titsm-bridge starts",
        ITSM_VERSION, rd_kafka_version_str(), curl_version_info(CURLVERSION_NOW)->version,
        c->connection.name, c->connection.host, c->kafka.group_id);
    if (build(&r, &e) != 0) {
        log_error("stopped", "code=%s\t%s", e.code, e.text);
        r.exit_code = e.class == ERR_CONFIG ? 2 : 1;
    } else {
        loop_run(r.loop);
        log_info("stopped", "\tEverything taken was finished and committed");
    }
    bound_take_down(r.exit_code);
    take_down(&r);
    curl_global_cleanup();
    return r.exit_code;
}

static const char usage[] =
    "Usage: itsm-bridge run [-c FILE]\n"
    "\n"
    "Runs the bridge in the foreground, with its log on standard error.\n"
    "\n"
    "  -c, --config FILE  configuration (default " DEFAULT_CONFIG_FILE ")\n"
    "  -h, --help         this text\n"
    "\n"
    "SIGTERM, SIGINT  stop: finish what is under way, commit, leave the group; a second one ends "
    "at once\n"
    "SIGHUP           read the configuration again (log level, secrets; the rest needs a "
    "restart),\n"
    "                 and what the instance has of it (templates, groups, choices)\n"
    "\n"
    "Exit codes: 0 stopped as asked, 1 failed, 2 configuration, 75 start me again.\n";

int cmd_run(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    struct config_errors errors = {0};
    const char *file = DEFAULT_CONFIG_FILE;
    struct config *c;
    int option, code;

    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (option == 'h') {
            (void)fputs(usage, stdout);
            return 0;
        }
        if (option != 'c')
            return 2;
        file = optarg;
    }
    if (optind < argc) {
        (void)fprintf(stderr,
                      "itsm-bridge run: unexpected argument '%s'; see itsm-bridge run --help\n",
                      argv[optind]);
        return 2;
    }
    c = config_load(file, CONFIG_FULL, &errors);
    code = c != NULL && formats_open(c, &errors) == 0 ? run(c) : 2;
    for (size_t i = 0; i < errors.count; i++)
        (void)fprintf(stderr, "%s\n", errors.items[i].text);
    config_errors_done(&errors);
    formats_close(c);
    (void)config_free(c);
    return code;
}
