/* Start and end of the parts, and the bridge's configuration. With the mock the topics have their
 * usual names; on a broker that belongs to somebody they get a prefix of this run, so that nothing
 * of the user's is touched and everything can be removed again. */
#include "tests/demo/scene.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bridge/base/buf.h"
#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "tests/demo/ask.h"

#define START_LIMIT (40 * USEC_S)
#define LOG_LOOK    ((size_t)1 << 20)

/* The settings that make it quick to watch: a poll each 250 ms, and short fetches for the mock. */
static const char config_text[] =
    "# Written by the demo. Secrets come from the environment, as they should.\n"
    "connection: {\n"
    "    name = \"demo\";\n"
    "    server_url = \"%s\";\n"
    "    allow_insecure_loopback = true;\n"
    "    auth: { grant = \"password\"; client_id = \"itsm-bridge\"; client_secret = "
    "\"env:SNOW_SECRET\";\n"
    "            username = \"itsm.integration\"; password = \"env:SNOW_PASSWORD\"; };\n"
    "};\n"
    "kafka: { bootstrap_servers = \"%s\"; group_id = \"%s\";\n"
    "         properties = [\"fetch.wait.max.ms=10\"]; };\n"
    "topics: { prefix = \"%s\"; outcomes = \"%s\"; dead_letter = \"%s\"; state = \"%s\";\n"
    "          create = %s; exactly_once = \"auto\"; };\n"
    "consumers: ( { name = \"azure\"; topics = [\"%s\"]; clear_wait_s = 2; settle_s = 2; } );\n"
    "producers: ( { table = \"incident\"; poll_busy_ms = 250; poll_idle_ms = 1000; },\n"
    "             { table = \"change_request\"; poll_busy_ms = 250; poll_idle_ms = 1000; } );\n"
    "status: { listen = \"127.0.0.1:0\"; };\n";

static void name_topics(struct scene *s, const char *prefix)
{
    static const char *const names[TOPICS] = {
        [TOPIC_ALERTS] = "alerts",
        [TOPIC_OUTCOMES] = "itsm-bridge.outcomes",
        [TOPIC_DEAD_LETTER] = "itsm-bridge.dead-letter",
        [TOPIC_STATE] = "itsm-bridge.state",
        [TOPIC_INCIDENT] = "servicenow.incident",
        [TOPIC_CHANGE_REQUEST] = "servicenow.change_request",
    };

    for (int i = 0; i < TOPICS; i++)
        s->topics[i] = xasprintf("%s%s", prefix, names[i]);
    s->group = xasprintf("%sitsm-bridge.demo", prefix);
}

static int make_topics(struct scene *s, struct err *e)
{
    static const int partitions[TOPICS] = {
        [TOPIC_ALERTS] = 3, [TOPIC_OUTCOMES] = 2, [TOPIC_DEAD_LETTER] = 1,
        [TOPIC_STATE] = 2,  [TOPIC_INCIDENT] = 2, [TOPIC_CHANGE_REQUEST] = 1,
    };
    /* on a broker the bridge makes its own, as it would for a user */
    int last = cluster_is_mock(s->cluster) ? TOPICS : TOPIC_ALERTS + 1;

    for (int i = 0; i < last; i++) {
        if (cluster_make_topic(s->cluster, s->topics[i], partitions[i], e) != 0)
            return -1;
        s->topics_made = true;
    }
    return 0;
}

static int write_config(struct scene *s, const char *folder, struct err *e)
{
    const char *incident = s->topics[TOPIC_INCIDENT];
    int prefix = (int)(strlen(incident) - strlen(".incident"));
    char *names = xasprintf("%.*s", prefix, incident);
    FILE *f;
    int n, rc = 0;

    s->config_file = xasprintf("%s/itsm-bridge.cfg", folder);
    f = fopen(s->config_file, "we");
    if (f == NULL) {
        free(names);
        return err_set(e, ERR_FATAL, "demo-file", "The file %s cannot be made: %s", s->config_file,
                       strerror(errno));
    }
    n = fprintf(f, config_text, s->simulator_url, cluster_bootstrap(s->cluster), s->group, names,
                s->topics[TOPIC_OUTCOMES], s->topics[TOPIC_DEAD_LETTER], s->topics[TOPIC_STATE],
                cluster_is_mock(s->cluster) ? "false" : "true", s->topics[TOPIC_ALERTS]);
    if (fclose(f) != 0 || n < 0)
        rc = err_set(e, ERR_FATAL, "demo-file", "The file %s cannot be written: %s", s->config_file,
                     strerror(errno));
    free(names);
    return rc;
}

/* The beginning of a file as text, new; empty when it cannot be read (yet). */
static char *file_text(const char *path)
{
    FILE *f = fopen(path, "re");
    char part[4096];
    struct buf b;
    size_t n;

    buf_init(&b, LOG_LOOK);
    while (f != NULL && (n = fread(part, 1, sizeof part, f)) > 0)
        if (buf_add(&b, part, n) != 0)
            break;
    if (f != NULL)
        (void)fclose(f);
    return buf_take(&b, NULL);
}

/* The number behind `before` in a file; -1 when it is not there yet. */
static long number_in(const char *path, const char *before)
{
    char *text = file_text(path);
    const char *at = strstr(text, before);
    char *end;
    long value = -1;

    if (at != NULL) {
        at += strlen(before);
        value = strtol(at, &end, 10);
        if (end == at || (*end != '\n' && *end != ' ' && *end != '\t'))
            value = -1;
    }
    free(text);
    return value;
}

struct waiting {
    struct scene *s;
    scene_wait *wait;
    void *arg;
    usec_t until;
};

/* One turn of waiting for `what`. */
static int turn(const struct waiting *w, const char *what, struct err *e)
{
    const struct timespec pause = {.tv_nsec = 20000000};

    if (scene_check(w->s, e) != 0)
        return -1;
    if (!w->wait(w->arg, what))
        return err_set(e, ERR_NONE, "demo-stopped", "Stopped");
    if (clock_now() > w->until)
        return err_set(e, ERR_RETRY, "demo-slow", "Gave up after %d s of waiting: %s",
                       (int)(START_LIMIT / USEC_S), what);
    (void)nanosleep(&pause, NULL);
    return 0;
}

static int start_simulator(struct scene *s, const struct scene_options *o, const struct waiting *w,
                           struct err *e)
{
    char *program = xasprintf("%s/snow-sim", o->programs);
    char *port_file = xasprintf("%s/simulator.port", o->folder);
    char *log = xasprintf("%s/simulator.log", o->folder);
    /* about the times of a real instance */
    const char *const words[] = {
        program, "--quiet",   "--port-file", port_file,   "--insert-ms", "150", "--update-ms",
        "40",    "--page-ms", "15",          "--read-ms", "10",          NULL};
    char *argv[ARRAY_LEN(words)];
    long port = -1;
    int rc;

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        argv[i] = xstrdup(words[i]);
    (void)unlink(port_file);
    rc = child_start(&s->simulator, "the simulator", log, argv, e);
    while (rc == 0 && (port = number_in(port_file, "")) < 0)
        rc = turn(w, "the simulator starts", e);
    if (rc == 0)
        s->simulator_url = xasprintf("http://127.0.0.1:%ld", port);
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        free(argv[i]);
    free(log);
    free(port_file);
    free(program);
    return rc;
}

static int await_ready(struct scene *s, const struct waiting *w, struct err *e)
{
    char *url = xasprintf("%s/readyz", s->status_url);
    char *text = NULL;
    int status, rc = 0;

    while (rc == 0) {
        status = ask_text(url, NULL, &text, NULL);
        if (status == 200)
            break;
        if (status > 0)
            text[strcspn(text, "\n")] = '\0';
        rc = turn(w, status > 0 ? text : "the bridge starts", e);
        free(text);
        text = NULL;
    }
    free(text);
    free(url);
    return rc;
}

static int start_bridge(struct scene *s, const struct scene_options *o, const struct waiting *w,
                        struct err *e)
{
    char *program = xasprintf("%s/itsm-bridge", o->programs);
    char *log = xasprintf("%s/itsm-bridge.log", o->folder);
    char *argv[] = {program, xstrdup("run"), xstrdup("-c"), s->config_file, NULL};
    long port = -1;
    int rc;

    (void)setenv("SNOW_SECRET", "secret", 1);
    (void)setenv("SNOW_PASSWORD", "password", 1);
    rc = child_start(&s->bridge, "itsm-bridge", log, argv, e);
    while (rc == 0 && (port = number_in(log, " status port=")) < 0)
        rc = turn(w, "the bridge starts", e);
    if (rc == 0)
        s->status_url = xasprintf("http://127.0.0.1:%ld", port);
    if (rc == 0)
        rc = await_ready(s, w, e);
    free(argv[1]);
    free(argv[2]);
    free(log);
    free(program);
    return rc;
}

static int open_cluster(struct scene *s, const struct scene_options *o, struct err *e)
{
    char *path = xasprintf("%s/kafka-client.log", o->folder);
    char *prefix = o->bootstrap == NULL
                       ? xstrdup("")
                       : xasprintf("itsm-demo-%llx.", (unsigned long long)clock_wall());

    s->kafka_log = fopen(path, "we");
    name_topics(s, prefix);
    free(prefix);
    free(path);
    s->cluster = cluster_new(o->bootstrap, s->kafka_log, e);
    return s->cluster != NULL ? make_topics(s, e) : -1;
}

int scene_open(struct scene *s, const struct scene_options *o, scene_wait *wait, void *arg,
               struct err *e)
{
    const struct waiting w = {s, wait, arg, clock_now() + START_LIMIT};

    if (!wait(arg, "Kafka") || open_cluster(s, o, e) != 0 || start_simulator(s, o, &w, e) != 0 ||
        write_config(s, o->folder, e) != 0 || start_bridge(s, o, &w, e) != 0 ||
        cluster_warm(s->cluster, s->topics[TOPIC_ALERTS], e) != 0)
        return -1;
    return cluster_read(s->cluster,
                        (const char *[]){s->topics[TOPIC_OUTCOMES], s->topics[TOPIC_DEAD_LETTER],
                                         s->topics[TOPIC_INCIDENT],
                                         s->topics[TOPIC_CHANGE_REQUEST]},
                        4, e);
}

int scene_check(struct scene *s, struct err *e)
{
    struct child *const children[] = {&s->simulator, &s->bridge};

    for (size_t i = 0; i < ARRAY_LEN(children); i++) {
        struct child *c = children[i];

        if (c->started && !child_runs(c)) {
            char *how = child_end(c);

            (void)err_set(e, ERR_FATAL, "demo-child", "%s has ended by itself: %s. Its log is %s",
                          c->name, how, c->log);
            free(how);
            return -1;
        }
    }
    return 0;
}

bool scene_stop_bridge(struct scene *s)
{
    return child_stop(&s->bridge, 15 * USEC_S);
}

int scene_close(struct scene *s, bool keep_topics, struct err *e)
{
    int rc = 0;

    (void)child_stop(&s->bridge, 15 * USEC_S);
    (void)child_stop(&s->simulator, 5 * USEC_S);
    if (s->topics_made && !keep_topics)
        rc = cluster_clean(s->cluster, (const char *const *)s->topics, TOPICS, s->group, e);
    cluster_free(s->cluster);
    if (s->kafka_log != NULL)
        (void)fclose(s->kafka_log);
    child_done(&s->bridge);
    child_done(&s->simulator);
    for (int i = 0; i < TOPICS; i++)
        free(s->topics[i]);
    free(s->group);
    free(s->config_file);
    free(s->simulator_url);
    free(s->status_url);
    *s = (struct scene){0};
    return rc;
}
