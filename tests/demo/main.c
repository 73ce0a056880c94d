/* The show: starts the parts, feeds alerts and the audit log, draws what comes back, checks it at
 * the end, and leaves nothing running. One thread; Ctrl-C is seen within a tenth of a second. */
#include <curl/curl.h>
#include <errno.h>
#include <getopt.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bridge/base/xalloc.h"
#include "tests/demo/ask.h"
#include "tests/demo/board.h"
#include "tests/demo/plain.h"
#include "tests/demo/scene.h"
#include "tests/demo/screen.h"
#include "tests/demo/verdict.h"

#define FEED_LENGTH  (18 * USEC_S)
#define SETTLE_LIMIT (30 * USEC_S) /* beyond the feed's length */
#define DRAW_EACH    (100 * USEC_MS)
#define ASK_EACH     (250 * USEC_MS)
#define TAIL_LINES   15

#define WORDS_FEED   "Alerts go out; ServiceNow plays the audit log of a real instance"
#define WORDS_SETTLE "All is sent; waiting for the last incidents and records"
#define WORDS_CHECK  "Checking"

static volatile sig_atomic_t stop_asked;

struct show {
    struct scene_options options;
    bool plain_asked, keep;
    bool live; /* draws frames */
    struct scene scene;
    struct feed *feed;
    struct board *board;
    struct pen pen;
    struct plain plain;
    struct view view;
    usec_t next_draw, next_ask;
    size_t next_message;
    bool replay_ended;
};

static void on_signal(int number)
{
    (void)number;
    stop_asked = 1;
}

static void draw(struct show *s, usec_t now)
{
    if (now < s->next_draw)
        return;
    s->next_draw = now + DRAW_EACH;
    if (s->live)
        screen_draw(&s->pen, &s->view, now);
    else
        plain_draw(&s->plain, &s->view, now);
}

static bool on_wait(void *arg, const char *what)
{
    struct show *s = arg;
    char *words = xasprintf("Starting: %s", what);

    s->view.phase = words;
    draw(s, clock_now());
    s->view.phase = "Starting";
    free(words);
    return !stop_asked;
}

static void on_sent(void *arg, size_t token, int32_t partition, int64_t offset, const char *why)
{
    struct show *s = arg;

    board_sent(s->board, token, partition, offset, why, clock_now());
}

static void on_record(void *arg, const rd_kafka_message_t *m)
{
    struct show *s = arg;
    const char *topic = rd_kafka_topic_name(m->rkt);
    json_t *value;

    if (strcmp(topic, s->scene.topics[TOPIC_DEAD_LETTER]) == 0) {
        board_dead_letter(s->board);
        return;
    }
    value = json_loadb(m->payload, m->len, 0, NULL);
    if (strcmp(topic, s->scene.topics[TOPIC_OUTCOMES]) == 0)
        board_outcome(s->board, value, clock_now());
    else if (value != NULL)
        board_record(s->board, topic, value, clock_wall(), clock_now());
    json_decref(value);
}

static void serve(struct show *s, int timeout_ms)
{
    const struct cluster_events on = {.arg = s, .on_sent = on_sent, .on_record = on_record};

    cluster_poll(s->scene.cluster, &on, timeout_ms);
}

/* GET or POST on the simulator's control path; new, NULL on failure. */
static json_t *control(struct show *s, const char *path, const json_t *body, struct err *e)
{
    char *url = xasprintf("%s/_sim/%s", s->scene.simulator_url, path);
    json_t *answer = ask_json(url, body, e);

    free(url);
    return answer;
}

static int read_journal(struct show *s, struct err *e)
{
    char *path = xasprintf("journal?since=%lld", s->board->journal_last);
    json_t *journal = control(s, path, NULL, e);

    free(path);
    if (journal == NULL)
        return -1;
    board_journal(s->board, journal);
    json_decref(journal);
    return 0;
}

static int ask_simulator(struct show *s, struct err *e)
{
    json_t *replay;

    if (read_journal(s, e) != 0)
        return -1;
    replay = control(s, "replay", NULL, e);
    if (replay == NULL)
        return -1;
    s->replay_ended = json_is_false(json_object_get(replay, "running"));
    json_decref(replay);
    return 0;
}

static int start_replay(struct show *s, struct err *e)
{
    json_t *body = json_pack("{s:s, s:s, s:i, s:i, s:s}", "file", DEMO_AUDIT_LOG, "speed", "25/s",
                             "max_rows", 400, "change_every", 4, "times", "clock");
    json_t *answer = control(s, "replay", body, e);
    int rc = answer != NULL ? 0 : -1;

    json_decref(answer);
    json_decref(body);
    return rc;
}

static int begin(struct show *s, struct err *e)
{
    const struct feed_plan plan = {.steady = 52, .burst = 78, .length = FEED_LENGTH};

    s->feed = feed_new(DEMO_SAMPLES, &plan, clock_wall(), e);
    if (s->feed == NULL || start_replay(s, e) != 0)
        return -1;
    s->board = board_new(s->feed, clock_now());
    s->view.board = s->board;
    s->view.length = FEED_LENGTH;
    s->view.phase = WORDS_FEED;
    return 0;
}

static int send_due(struct show *s, usec_t now, struct err *e)
{
    for (; s->next_message < s->feed->messages_count; s->next_message++) {
        const struct feed_message *m = &s->feed->messages[s->next_message];

        if (s->board->begin + m->due > now)
            break;
        if (cluster_send(s->scene.cluster, s->scene.topics[TOPIC_ALERTS], m->key, m->value,
                         s->next_message, e) != 0)
            return -1;
        board_send(s->board, s->next_message, now);
    }
    return 0;
}

/* One turn. Returns 1 when all has come back, 0 to go on, -1 on failure. */
static int turn(struct show *s, struct err *e)
{
    usec_t now = clock_now();
    bool sent;

    if (scene_check(&s->scene, e) != 0 || send_due(s, now, e) != 0)
        return -1;
    serve(s, 10);
    if (now >= s->next_ask) {
        s->next_ask = now + ASK_EACH;
        if (ask_simulator(s, e) != 0)
            return -1;
    }
    sent = s->replay_ended && s->next_message == s->feed->messages_count;
    s->view.phase = sent ? WORDS_SETTLE : WORDS_FEED;
    draw(s, clock_now());
    return sent && board_settled(s->board);
}

/* Until all has come back, the time is over (the verdict tells what is missing) or Ctrl-C. */
static int play(struct show *s, struct err *e)
{
    usec_t end = s->board->begin + FEED_LENGTH + SETTLE_LIMIT;
    int rc = 0;

    while (rc == 0 && !stop_asked && clock_now() < end)
        rc = turn(s, e);
    return rc < 0 ? -1 : 0;
}

/* What still comes within a moment: a second copy of something would. */
static void linger(struct show *s, usec_t length)
{
    usec_t end = clock_now() + length;

    while (clock_now() < end && !stop_asked)
        serve(s, 10);
}

static int judge(struct show *s, struct verdict *v, struct err *e)
{
    json_t *answer;

    s->view.phase = WORDS_CHECK;
    s->next_draw = 0;
    draw(s, clock_now());
    linger(s, 700 * USEC_MS);
    if (read_journal(s, e) != 0)
        return -1;
    answer = control(s, "rows?table=incident&query=correlation_idSTARTSWITHazure%3A", NULL, e);
    if (answer == NULL)
        return -1;
    if (!s->keep) {
        bool good = scene_stop_bridge(&s->scene);

        linger(s, 200 * USEC_MS);
        verdict_make(v, s->board, json_object_get(answer, "rows"));
        verdict_add(v, good, "itsm-bridge stopped in good order", xstrdup(good ? "yes" : "no"));
    } else
        verdict_make(v, s->board, json_object_get(answer, "rows"));
    json_decref(answer);
    return 0;
}

static void flush_pen(struct show *s)
{
    (void)fputs(buf_text(&s->pen.out), stdout);
    (void)fflush(stdout);
    buf_clear(&s->pen.out);
}

static void print_tail(const char *path)
{
    FILE *f = fopen(path, "re");
    char *lines[TAIL_LINES] = {NULL};
    char *line = NULL;
    size_t room = 0, n = 0;

    if (f == NULL)
        return;
    while (getline(&line, &room, f) >= 0) {
        free(lines[n % TAIL_LINES]);
        lines[n++ % TAIL_LINES] = xstrdup(line);
    }
    (void)printf("\nLast lines of %s:\n", path);
    for (size_t i = n > TAIL_LINES ? n - TAIL_LINES : 0; i < n; i++)
        (void)printf("  %s", lines[i % TAIL_LINES]);
    for (size_t i = 0; i < TAIL_LINES; i++)
        free(lines[i]);
    free(line);
    (void)fclose(f);
}

static void print_logs(const struct show *s, bool good)
{
    char *path = xasprintf("%s/itsm-bridge.log", s->options.folder);

    (void)printf("\n  Configuration and logs: %s\n", s->options.folder);
    if (!good && s->scene.bridge.started)
        print_tail(path);
    free(path);
}

static void print_verdict(struct show *s, const struct verdict *v)
{
    bool good = verdict_good(v);

    buf_clear(&s->pen.out);
    pen_put(&s->pen, INK_PLAIN, "\n");
    screen_header(&s->pen, &s->view, clock_now(), 80);
    pen_put(&s->pen, INK_PLAIN, "\n\n");
    verdict_print(&s->pen, v, s->board);
    pen_putf(&s->pen, good ? INK_GREEN : INK_RED, "\n  %s\n",
             good ? "All of it holds." : "NOT all of it holds; see the lines marked above.");
    if (good && !s->keep)
        pen_put(&s->pen, INK_DIM, "  To look around while it runs: bridge/demo --keep\n");
    flush_pen(s);
    print_logs(s, good);
}

/* --keep: everything stays until Ctrl-C. */
static int stay(struct show *s, struct err *e)
{
    const char *broker = cluster_bootstrap(s->scene.cluster);

    (void)printf("\n  All is still running; Ctrl-C ends it. To look around:\n"
                 "    kcat -b %s -C -e -t %s\n"
                 "    kcat -b %s -C -e -t %s -f '%%k %%h\\n%%s\\n'\n"
                 "    curl %s/metrics\n"
                 "    curl -u itsm.integration:password %s/api/now/table/incident\n",
                 broker, s->scene.topics[TOPIC_OUTCOMES], broker, s->scene.topics[TOPIC_INCIDENT],
                 s->scene.status_url, s->scene.simulator_url);
    (void)printf("  A change of your own, which comes back as a record:\n"
                 "    curl -d '{\"table\":\"incident\",\"query\":\"number=%s\",\n"
                 "        \"set\":{\"state\":\"2\"}}' %s/_sim/edit\n",
                 s->board->tickets[0].number, s->scene.simulator_url);
    (void)fflush(stdout);
    while (!stop_asked) {
        if (scene_check(&s->scene, e) != 0)
            return -1;
        serve(s, 100);
    }
    return 0;
}

static void open_screen(struct show *s)
{
    const char *no_colour = getenv("NO_COLOR");
    bool terminal = !s->plain_asked && screen_is_terminal();

    s->live = terminal && screen_is_large();
    pen_init(&s->pen, terminal && (no_colour == NULL || *no_colour == '\0'),
             strcmp(nl_langinfo(CODESET), "UTF-8") == 0);
    if (s->live)
        screen_open();
}

/* Returns the exit code. */
static int perform(struct show *s)
{
    struct verdict v = {0};
    struct err e = {0};
    int rc = scene_open(&s->scene, &s->options, on_wait, s, &e);

    if (rc == 0)
        rc = begin(s, &e);
    if (rc == 0)
        rc = play(s, &e);
    if (rc == 0 && !stop_asked)
        rc = judge(s, &v, &e);
    screen_close();
    if (rc == 0 && !stop_asked) {
        print_verdict(s, &v);
        rc = verdict_good(&v) ? 0 : -1;
        if (rc == 0 && s->keep && stay(s, &e) != 0)
            (void)printf("\n  %s\n", e.text);
    } else if (stop_asked) {
        (void)printf("\n  Stopped. Configuration and logs: %s\n", s->options.folder);
        rc = 130;
    } else {
        (void)printf("\n  The demo failed: %s.\n", e.text);
        print_logs(s, false);
    }
    verdict_done(&v);
    return rc < 0 ? 1 : rc;
}

static int usage(FILE *out, int code)
{
    (void)fputs(
        "usage: demo-kafka --programs DIR --folder DIR [--kafka HOST:PORT] [--keep] [--plain]\n"
        "\n"
        "  --programs DIR     where itsm-bridge and snow-sim are\n"
        "  --folder DIR       gets configuration and logs; made when missing\n"
        "  --kafka HOST:PORT  a real broker in place of librdkafka's mock cluster; topics named\n"
        "                     itsm-demo-* are made there and removed at the end\n"
        "  --keep             leave everything running at the end, until Ctrl-C\n"
        "  --plain            plain lines, also on a terminal\n",
        out);
    return code;
}

static int read_options(struct show *s, int argc, char **argv)
{
    static const struct option known[] = {{"programs", required_argument, NULL, 'p'},
                                          {"folder", required_argument, NULL, 'f'},
                                          {"kafka", required_argument, NULL, 'k'},
                                          {"keep", no_argument, NULL, 'K'},
                                          {"plain", no_argument, NULL, 'P'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int c;

    while ((c = getopt_long(argc, argv, "h", known, NULL)) != -1) {
        if (c == 'h')
            exit(usage(stdout, 0));
        else if (c == 'p')
            s->options.programs = optarg;
        else if (c == 'f')
            s->options.folder = optarg;
        else if (c == 'k')
            s->options.bootstrap = optarg;
        else if (c == 'K')
            s->keep = true;
        else if (c == 'P')
            s->plain_asked = true;
        else
            return -1;
    }
    return optind == argc && s->options.programs != NULL && s->options.folder != NULL ? 0 : -1;
}

static void catch_signals(void)
{
    const struct sigaction on = {.sa_handler = on_signal};

    (void)sigaction(SIGINT, &on, NULL);
    (void)sigaction(SIGTERM, &on, NULL);
    (void)sigaction(SIGHUP, &on, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv)
{
    struct show s = {.view = {.phase = "Starting", .start = clock_now()}};
    struct err e = {0};
    int code;

    if (read_options(&s, argc, argv) != 0)
        return usage(stderr, 2);
    if (mkdir(s.options.folder, 0755) != 0 && errno != EEXIST) {
        (void)fprintf(stderr, "demo-kafka: the folder %s cannot be made: %s\n", s.options.folder,
                      strerror(errno));
        return 1;
    }
    (void)setlocale(LC_CTYPE, "");
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    catch_signals();
    s.view.scene = &s.scene;
    open_screen(&s);
    code = perform(&s);
    if (scene_close(&s.scene, false, &e) != 0)
        (void)printf("  Left on the broker: %s\n", e.text);
    board_free(s.board);
    feed_free(s.feed);
    plain_done(&s.plain);
    pen_done(&s.pen);
    curl_global_cleanup();
    return code;
}
