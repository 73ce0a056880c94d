/* itsm-bridge map: what becomes of a message. Decodes it as the daemon would and prints format,
 * normalised alert, keys and the request to ServiceNow. No network, no secrets: what only the
 * instance or Kafka can tell is replaced by stand-ins, and said to be. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/attr.h"
#include "bridge/base/buf.h"
#include "bridge/base/xalloc.h"
#include "bridge/commands/commands.h"
#include "bridge/commands/map_count.h"
#include "bridge/commands/map_rows.h"
#include "bridge/config/config.h"
#include "consumers/alert.h"
#include "consumers/formats.h"
#include "consumers/identity.h"
#include "consumers/incident.h"
#include "consumers/parts.h"
#include "consumers/rules.h"
#include "consumers/version.h"

#define MESSAGE_MAX        ((size_t)64 * 1024 * 1024)
#define RULING_MAX         ((size_t)256 * 1024)
#define HEADERS_MAX        32
#define STANDIN_CLOSE_CODE "Solution provided"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static const char usage[] =
    "Usage: itsm-bridge map [OPTION...] [MESSAGE...]\n"
    "\n"
    "Shows what becomes of alert messages, without any network: format, normalised alert, keys,\n"
    "the rules that hold with why and what they set, and the request to ServiceNow that it makes\n"
    "as the first of its kind. Each MESSAGE is a file\n"
    "that holds one Kafka value; `-` or none reads one value from standard input.\n"
    "\n"
    "  -c, --config FILE    the configuration (default " DEFAULT_CONFIG_FILE ")\n"
    "      --consumer NAME  the consumers entry to use (default: the first)\n"
    "      --lines          each line of a file is a message\n"
    "      --count          print only how many messages became what\n"
    "      --key TEXT       key of the Kafka records\n"
    "      --header N=V     a header of the Kafka records, as in ce_type=alert; may be repeated\n"
    "  -h, --help           this text\n"
    "\n"
    "Exit code: 0 all messages are fine, 1 one was bad (it would go to the dead-letter topic), 2\n"
    "wrong usage or configuration.\n";

struct mapping {
    const struct config *config;
    const struct config_consumer *consumer;
    struct rules *rules;
    struct targets *targets;
    const struct config_life *life; /* of the alert at hand */
    int64_t offset;                 /* of the message at hand: its number in this call */
    bool lines;
    struct map_count *count; /* NULL: each message is printed */
    const char *key;         /* NULL: none */
    struct message_header headers[HEADERS_MAX];
    size_t headers_count;
};

static void print_json(const json_t *json)
{
    char *text = json_dumps(json, JSON_INDENT(2) | JSON_ENCODE_ANY);

    (void)printf("%s\n", text != NULL ? text : "(cannot be printed)");
    free(text);
}

static const char *state_name(const struct alert *a)
{
    static const char *const names[] = {
        [ALERT_FIRING] = "firing", [ALERT_CLEARED] = "cleared", [ALERT_NOTE] = "note"};

    return names[a->state];
}

static void print_keys(const struct target *target, const struct keys *keys,
                       const struct stamp *stamp)
{
    char text[STAMP_SIZE];

    stamp_format(stamp, text);
    (void)printf("\nKeys\n"
                 "  sys_id               %s\n"
                 "  %-20s %s\n",
                 keys->sys_id, target->shape->key, keys->correlation_id);
    if (target->shape->stamped)
        (void)printf("  correlation_display  %s\n", text);
}

/* In JSON a text of many lines cannot be read. */
static void print_description(json_t *body)
{
    const char *text = json_string_value(json_object_get(body, "description"));

    (void)printf("\nIts description, as a person sees it\n");
    while (text != NULL && *text != '\0') {
        size_t n = strcspn(text, "\n");

        (void)printf("  | %.*s\n", (int)n, text);
        text += n + (text[n] == '\n');
    }
}

static void print_create(const char *when, const char *table, json_t *body)
{
    (void)printf("\n%s\nPOST /api/now/table/%s\n", when, table);
    print_json(body);
    print_description(body);
    json_decref(body);
}

static void print_patch(const char *when, const char *table, const struct keys *keys, json_t *body)
{
    (void)printf("\n%s\nPATCH /api/now/table/%s/%s\n", when, table, keys->sys_id);
    print_json(body);
    json_decref(body);
}

/* What the instance's choices would tell is the usual value here. */
static const char *close_code(const struct mapping *p, const struct target *target)
{
    if (p->consumer->close_code[0] != '\0')
        return p->consumer->close_code;
    return target->shape->code_preset != NULL ? target->shape->code_preset : STANDIN_CLOSE_CODE;
}

/* A clear of a record that is open, by what is wanted of its life, and of one that is not there. */
static void print_clear(const struct mapping *p, const struct incident_context *x,
                        const struct alert *a, const struct keys *keys, const struct stamp *stamp)
{
    enum config_on_clear wanted = p->life->on_clear;
    bool leaves = wanted == ON_CLEAR_NOTE || wanted == ON_CLEAR_NOTHING;
    json_t *body = wanted == ON_CLEAR_NOTE      ? incident_note(x, a, stamp, "note-only")
                   : wanted == ON_CLEAR_NOTHING ? incident_stamp(stamp)
                                                : incident_resolve(x, a, stamp);

    print_patch("Request when the record is open (after a read of it)", x->table, keys, body);
    if (a->marked && p->consumer->orphan_clear == ORPHAN_INSERT_RESOLVED && !leaves)
        print_create("Request when there is no record (after clear_wait_s)", x->table,
                     incident_create_resolved(x, a, a, stamp->generation, &stamp->version, stamp));
    else
        (void)printf("\nWhen there is no record: no request.\n");
}

/* The requests of an alert that is the first of its instance (marked) or series (unmarked). */
static void print_requests(const struct mapping *p, const struct target *target,
                           const struct alert *a, const struct keys *keys,
                           const struct stamp *stamp)
{
    struct incident_context x = {
        .consumer = p->consumer,
        .life = p->life,
        .table = target->table,
        .shape = target->shape,
        .record_namespace = p->config->connection.record_namespace,
        .close_code = close_code(p, target),
        .contact_type = "",
        .cmdb_ci = "",
        .rules = p->rules,
    };
    const struct version *v = &stamp->version;
    uint32_t generation = stamp->generation;

    switch (a->state) {
    case ALERT_FIRING:
        print_create("Request when there is no record yet", x.table,
                     incident_create(&x, a, generation, v, stamp));
        break;
    case ALERT_CLEARED:
        print_clear(p, &x, a, keys, stamp);
        break;
    case ALERT_NOTE:
        print_patch("Request when there is a record", x.table, keys, incident_remark(a, v));
        break;
    }
}

/* Targets that are rows: one for each message, whatever is there. */
static void print_row(const struct mapping *p, const struct target *target, const struct alert *a,
                      const struct message *m)
{
    const struct row_context x = {.target = target,
                                  .consumer = p->consumer,
                                  .connection = p->config->connection.name,
                                  .message = m,
                                  .rules = p->rules};

    map_rows(&x, a);
}

/* The life of the alert's record, where rules set some of it. */
static void take_life(struct mapping *p, const struct ruling *g, struct buf *out)
{
    const struct config_life *life = rules_life(p->rules, g);

    if (life == NULL)
        return;
    p->life = life;
    (void)buf_add_text(out, "\nLife of its record, with what rules set");
    life_describe(life, "\n  ", out);
    (void)buf_add_char(out, '\n');
}

/* Which rules hold, why, and what they set. The target, NULL: the alert is dropped. */
static const struct target *print_ruling(struct mapping *p, const struct alert *a)
{
    const struct target *target = targets_of(p->targets, p->consumer, "");
    struct ruling g;
    struct buf text;

    if (p->consumer->rules_count == 0)
        return target;
    buf_init(&text, RULING_MAX);
    rules_decide(p->rules, a, &g);
    ruling_describe(p->rules, &g, a, &text);
    if (g.count == 0)
        (void)buf_add_text(&text, "  none holds\n");
    take_life(p, &g, &text);
    (void)printf("\nRules\n%s%s", buf_text(&text),
                 text.failed ? "  (cut: more than is shown here)\n" : "");
    if (g.drop != NULL)
        (void)printf("\nDropped: no request, only an outcome record and a count.\n");
    if (g.target[0] != '\0')
        target = targets_of(p->targets, p->consumer, g.target);
    if (g.drop != NULL)
        target = NULL;
    ruling_done(&g);
    buf_done(&text);
    return target;
}

/* Targets that are records: what is written depends on what is there. */
static void print_record(const struct mapping *p, const struct target *target,
                         const struct alert *a, struct stamp *stamp)
{
    struct keys keys;

    if (!a->marked && !target->shape->stamped) {
        (void)printf("\nDead letter of class table-columns: %s has no column that tells the cycles "
                     "of this alert apart.\n",
                     target->table);
        return;
    }
    identity_keys(a, p->config->connection.record_namespace, target->table, stamp->generation,
                  &keys);
    stamp->series = keys.series;
    print_keys(target, &keys, stamp);
    print_requests(p, target, a, &keys, stamp);
}

static void print_alert(struct mapping *p, const struct alert *a, const struct message *m)
{
    struct stamp stamp = {.generation = a->marked ? 0 : 1,
                          .rank = a->state == ALERT_CLEARED,
                          .version = version_of(m)};
    json_t *json = alert_to_json(a);
    const struct target *target;

    (void)printf("Format %s, kind %s (%s), %s, %s\n\nAlert\n", a->format, a->kind,
                 a->mapping != NULL ? a->mapping : "built in", state_name(a),
                 a->marked ? "names its cycle (marked)"
                 : target_is_rows(targets_get(p->targets, p->consumer->target))
                     ? "does not name its cycle (unmarked)"
                     : "does not name its cycle (unmarked): shown as generation 1");
    print_json(json);
    json_decref(json);
    p->life = &p->consumer->life;
    target = print_ruling(p, a);
    if (target_is_rows(target)) {
        print_row(p, target, a, m);
    } else if (target != NULL) {
        print_record(p, target, a, &stamp);
    }
}

/* Counted, not printed. */
static int count_message(struct mapping *p, const struct message *m)
{
    struct alerts list = {0};
    struct err e = {0};

    switch (parts_decode(p->consumer, p->rules, m, &list, &e)) {
    case DECODE_OK:
        map_count_good(p->count, &list);
        alerts_done(&list);
        return EXIT_DONE;
    case DECODE_SKIP:
        map_count_skipped(p->count);
        return EXIT_DONE;
    case DECODE_BAD:
        break;
    }
    map_count_bad(p->count, &e);
    return EXIT_FAILED;
}

static int map_message(struct mapping *p, const char *name, const char *value, size_t length)
{
    const struct config_list *topics = &p->consumer->topics;
    struct message m = {
        .topic = topics->count > 0 ? topics->items[0] : "stand-in",
        .offset = p->offset++,
        .timestamp = MSEC_NONE,
        .key = p->key,
        .key_length = p->key != NULL ? strlen(p->key) : 0,
        .value = value,
        .value_length = length,
        .headers = p->headers,
        .headers_count = p->headers_count,
    };
    struct alerts list = {0};
    struct err e = {0};

    if (p->count != NULL)
        return count_message(p, &m);
    if (parts_decode(p->consumer, p->rules, &m, &list, &e) != DECODE_OK) {
        (void)printf("== %s\nBad message, dead-letter class %s\n%s\n\n", name, e.code, e.text);
        return EXIT_FAILED;
    }
    for (size_t i = 0; i < list.count; i++) {
        (void)printf("== %s, alert %zu of %zu\n", name, i + 1, list.count);
        print_alert(p, list.items[i], &m);
        (void)printf("\n");
    }
    alerts_done(&list);
    return EXIT_DONE;
}

static int read_all(FILE *f, const char *name, struct buf *value)
{
    char piece[16384];
    size_t n;

    while ((n = fread(piece, 1, sizeof piece, f)) > 0)
        (void)buf_add(value, piece, n);
    if (ferror(f)) {
        (void)fprintf(stderr, "itsm-bridge map: cannot read %s: %m\n", name);
        return -1;
    }
    if (value->failed) {
        (void)fprintf(stderr, "itsm-bridge map: %s is longer than any Kafka message (%zu MiB)\n",
                      name, MESSAGE_MAX >> 20);
        return -1;
    }
    return 0;
}

/* Each line that is not empty. */
static int map_lines(struct mapping *p, const char *name, FILE *f)
{
    int worst = EXIT_DONE;
    size_t room = 0, number = 0;
    char *line = NULL;
    ssize_t n;

    while ((n = getline(&line, &room, f)) >= 0) {
        char *place = xasprintf("%s:%zu", name, ++number);
        int rc;

        n -= n > 0 && line[n - 1] == '\n';
        rc = n > 0 ? map_message(p, place, line, (size_t)n) : EXIT_DONE;
        worst = rc > worst ? rc : worst;
        free(place);
    }
    free(line);
    if (!ferror(f))
        return worst;
    (void)fprintf(stderr, "itsm-bridge map: cannot read %s: %m\n", name);
    return EXIT_USAGE;
}

static int map_whole(struct mapping *p, const char *name, FILE *f)
{
    int rc = EXIT_USAGE;
    struct buf value;

    buf_init(&value, MESSAGE_MAX);
    if (read_all(f, name, &value) == 0)
        rc = map_message(p, name, buf_text(&value), value.length);
    buf_done(&value);
    return rc;
}

static int map_file(struct mapping *p, const char *path)
{
    bool standard = strcmp(path, "-") == 0;
    const char *name = standard ? "standard input" : path;
    FILE *f = standard ? stdin : fopen(path, "rb");
    int rc;

    if (f == NULL) {
        (void)fprintf(stderr, "itsm-bridge map: cannot open %s: %m\n", path);
        return EXIT_USAGE;
    }
    rc = p->lines ? map_lines(p, name, f) : map_whole(p, name, f);
    if (!standard)
        (void)fclose(f);
    return rc;
}

static void print_standins(const struct mapping *p)
{
    (void)printf("Consumers entry %s (format %s).\n"
                 "Stand-ins: topic %s, partition 0, offset from 0 on, no record time; ",
                 p->consumer->name, p->consumer->format,
                 p->consumer->topics.count > 0 ? p->consumer->topics.items[0] : "stand-in");
    if (p->consumer->close_code[0] == '\0')
        (void)printf("the usual close code; ");
    (void)printf(
        "no contact type and no configuration item, which only the instance can tell.\n\n");
}

static const struct config_consumer *find_consumer(const struct config *c, const char *name)
{
    for (size_t i = 0; i < c->consumers_count; i++)
        if (name == NULL || strcmp(c->consumers[i].name, name) == 0)
            return &c->consumers[i];
    if (name == NULL)
        (void)fprintf(stderr,
                      "itsm-bridge map: %s has no consumers entry, so nothing maps alerts. Add "
                      "one.\n",
                      c->file);
    else
        (void)fprintf(stderr, "itsm-bridge map: %s has no consumers entry named \"%s\"\n", c->file,
                      name);
    return NULL;
}

static int map_all(struct mapping *p, const char *consumer, char **paths, int count)
{
    int worst = EXIT_DONE;

    p->consumer = find_consumer(p->config, consumer);
    if (p->consumer == NULL)
        return EXIT_USAGE;
    p->rules = rules_new(p->consumer);
    p->targets = targets_new();
    if (p->count == NULL)
        print_standins(p);
    if (count == 0)
        worst = map_file(p, "-");
    for (int i = 0; i < count; i++) {
        int rc = map_file(p, paths[i]);

        worst = rc > worst ? rc : worst;
    }
    (void)rules_free(p->rules);
    (void)targets_free(p->targets);
    if (p->count != NULL)
        map_count_print(p->count);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("itsm-bridge map: cannot write to standard output");
        return EXIT_FAILED;
    }
    return worst;
}

static int run(struct mapping *p, const char *file, const char *consumer, char **paths, int count)
{
    struct config_errors errors;
    struct config *c = config_load(file, CONFIG_NO_SECRETS, &errors);
    int rc;

    if (c == NULL) {
        for (size_t i = 0; i < errors.count; i++)
            (void)fprintf(stderr, "%s\n", errors.items[i].text);
        config_errors_done(&errors);
        return EXIT_USAGE;
    }
    p->config = c;
    rc = formats_open(c, &errors) == 0 ? map_all(p, consumer, paths, count) : EXIT_USAGE;
    for (size_t i = 0; i < errors.count; i++)
        (void)fprintf(stderr, "%s\n", errors.items[i].text);
    config_errors_done(&errors);
    formats_close(c);
    (void)config_free(c);
    return rc;
}

/* NAME=VALUE; the text is the command line's own. */
static int add_header(struct mapping *p, char *text)
{
    char *sign = strchr(text, '=');

    if (sign == NULL || sign == text || p->headers_count == HEADERS_MAX)
        return -1;
    *sign = '\0';
    p->headers[p->headers_count++] =
        (struct message_header){.name = text, .value = sign + 1, .length = strlen(sign + 1)};
    return 0;
}

/* 0, or -1 when the option is none. */
static int take_option(struct mapping *p, int option, const char **file, const char **consumer)
{
    switch (option) {
    case 'c':
        *file = optarg;
        return 0;
    case 'n':
        *consumer = optarg;
        return 0;
    case 'l':
        p->lines = true;
        return 0;
    case 's':
        p->count = p->count != NULL ? p->count : map_count_new();
        return 0;
    case 'k':
        p->key = optarg;
        return 0;
    case 'H':
        return add_header(p, optarg);
    default:
        return -1;
    }
}

int cmd_map(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"consumer", required_argument, NULL, 'n'},
        {"lines", no_argument, NULL, 'l'},        {"count", no_argument, NULL, 's'},
        {"key", required_argument, NULL, 'k'},    {"header", required_argument, NULL, 'H'},
        {"help", no_argument, NULL, 'h'},         {0},
    };
    const char *file = DEFAULT_CONFIG_FILE, *consumer = NULL;
    struct mapping p = {.offset = 0};
    int option, rc = EXIT_DONE;

    optind = 0; /* begins anew, whatever was read before */
    while (rc == EXIT_DONE && (option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (option == 'h') {
            (void)fputs(usage, stdout);
            (void)map_count_free(p.count);
            return EXIT_DONE;
        }
        if (take_option(&p, option, &file, &consumer) != 0)
            rc = EXIT_USAGE;
    }
    if (rc != EXIT_DONE)
        (void)fputs(usage, stderr);
    else
        rc = run(&p, file, consumer, argv + optind, argc - optind);
    (void)map_count_free(p.count);
    return rc;
}
