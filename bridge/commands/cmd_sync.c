/* itsm-bridge sync: shows how far each table is published, and moves a table. Talks to Kafka only;
 * it reads the same records that a bridge goes by. */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "bridge/commands/commands.h"
#include "bridge/commands/state_topic.h"
#include "bridge/commands/sync_ask.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_LATER = 75 };

#define WAIT_DEFAULT 15

static const char usage[] =
    "Usage: itsm-bridge sync show [--json] [-c FILE]\n"
    "       itsm-bridge sync set TABLE --to TIME [--wait SECONDS] [-c FILE]\n"
    "\n"
    "show  how far each table of this connection is published: the position of its live cursor, "
    "of\n"
    "      its history while that is read, and requests that nobody has carried out yet\n"
    "set   goes on at TIME: changes between the position and TIME are not published. A TIME "
    "before\n"
    "      the position publishes again from there, as resync does. Also how a stopped table goes\n"
    "      on without its past: sync set TABLE --to now\n"
    "\n"
    "      --to TIME       such as 2026-01-31, 2026-01-31T08:00:00Z (UTC), or now\n"
    "      --wait SECONDS  for a running bridge to take it up (default 15, 0: not at all)\n"
    "      --json          one JSON object a record\n"
    "  -c, --config FILE   configuration (default " DEFAULT_CONFIG_FILE ")\n"
    "  -h, --help          this text\n"
    "\n"
    "Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 75 try again later.\n";

/* The newest value of each key. */
struct record {
    char *key;
    json_t *value;
    struct record *next;
};

struct records {
    struct record *first;
    const char *prefix; /* `<connection>/` */
};

static struct record **find(struct records *all, const char *key)
{
    struct record **at = &all->first;
    while (*at != NULL && strcmp((*at)->key, key) < 0)
        at = &(*at)->next;
    return at;
}

static void drop(struct record **at)
{
    struct record *r = *at;
    *at = r->next;
    json_decref(r->value);
    free(r->key);
    free(r);
}

static void take(void *arg, int32_t partition, const void *key, size_t key_length,
                 const void *value, size_t value_length)
{
    struct records *all = arg;
    size_t n = strlen(all->prefix);
    (void)partition;
    if (key_length <= n || memcmp(key, all->prefix, n) != 0)
        return;
    char *text = xasprintf("%.*s", (int)key_length, (const char *)key);
    struct record **at = find(all, text);
    if (*at != NULL && strcmp((*at)->key, text) == 0)
        drop(at);
    if (value == NULL) {
        free(text);
        return;
    }
    struct record *r = xcalloc(1, sizeof(*r));
    r->key = text;
    r->value = json_loadb(value, value_length, 0, NULL);
    r->next = *at;
    *at = r;
}

static const char *text_of(const json_t *o, const char *name)
{
    const char *text = json_string_value(json_object_get(o, name));
    return text != NULL ? text : "-";
}

static void print_state(const char *what, const json_t *o)
{
    const json_t *mark = json_object_get(o, "watermark"), *h = json_object_get(o, "history");
    (void)printf("%-32s %-19s %-32s", what, text_of(mark, "sys_updated_on"),
                 text_of(mark, "sys_id"));
    if (h != NULL) {
        long long total = json_integer_value(json_object_get(h, "total"));
        (void)printf(" up to %s, %lld rows", text_of(o, "hi"),
                     (long long)json_integer_value(json_object_get(h, "done")));
        if (total >= 0)
            (void)printf(" of about %lld", total);
        if (text_of(h, "resync")[0] != '\0')
            (void)printf(", resync asked at %s", text_of(h, "resync"));
    }
    (void)fputs("\n", stdout);
}

static void print_record(const struct record *r, const char *prefix)
{
    const char *what = r->key + strlen(prefix);
    if (r->value == NULL)
        (void)printf("%-32s no record of this program\n", what);
    else if (json_object_get(r->value, "do") != NULL)
        (void)printf("%-32s asked at %s: %s from %s\n", what, text_of(r->value, "asked"),
                     text_of(r->value, "do"), text_of(r->value, "from"));
    else
        print_state(what, r->value);
}

/* The versions of the overlap are thousands, and for nobody to read. */
static int print_json(const struct record *r)
{
    json_t *o = json_pack("{s:s, s:O?}", "key", r->key, "value", r->value);
    json_t *value = json_object_get(o, "value");
    if (json_is_object(value))
        (void)json_object_del(value, "seen");
    char *text = o != NULL ? json_dumps(o, JSON_COMPACT) : NULL;
    if (text != NULL)
        (void)puts(text);
    json_decref(o);
    free(text);
    return text != NULL ? 0 : -1;
}

static int show(const struct config *c, bool json)
{
    struct err e;
    int r = -1;
    char *prefix = xasprintf("%s/", c->connection.name);
    struct records all = {.prefix = prefix};
    struct state_topic *s = state_topic_open(c, &e);
    if (s != NULL)
        r = state_topic_read(s, take, &all, &e);
    if (r != 0)
        (void)fprintf(stderr, "itsm-bridge: %s: %s\n", e.code, e.text);
    else if (!json)
        (void)printf("%-32s %-19s %-32s\n", "TABLE", "CHANGED UP TO (UTC)", "ROW");
    while (all.first != NULL) {
        if (r == 0 && json)
            (void)print_json(all.first);
        else if (r == 0)
            print_record(all.first, prefix);
        drop(&all.first);
    }
    state_topic_close(s);
    free(prefix);
    return r == 0 ? EXIT_DONE : e.class == ERR_RETRY ? EXIT_LATER : EXIT_FAILED;
}

struct args {
    const char *file, *action, *table;
    bool json, to;
    struct control request;
    long long wait;
};

static int wrong(const char *what, const char *which)
{
    (void)fprintf(stderr, "itsm-bridge sync: %s%s; see itsm-bridge sync --help\n", what, which);
    return EXIT_USAGE;
}

static int act(const struct args *a)
{
    struct config_errors errors;
    struct config *c = config_load(a->file, CONFIG_FULL, &errors);
    int code = EXIT_USAGE;
    for (size_t i = 0; i < errors.count; i++)
        (void)fprintf(stderr, "%s\n", errors.items[i].text);
    config_errors_done(&errors);
    if (c != NULL && a->table == NULL)
        code = show(c, a->json);
    else if (c != NULL && sync_has_table(c, a->table))
        code = sync_ask(c, a->table, &a->request, a->wait * USEC_S);
    (void)config_free(c);
    return code;
}

static int check(struct args *a, int argc, char **argv)
{
    a->action = optind < argc ? argv[optind++] : "";
    bool set = strcmp(a->action, "set") == 0;
    if (!set && strcmp(a->action, "show") != 0)
        return wrong("say show or set", "");
    a->table = set && optind < argc ? argv[optind++] : NULL;
    if (optind < argc)
        return wrong("unexpected argument ", argv[optind]);
    if (set && (a->table == NULL || !a->to))
        return wrong("set needs a table and --to", "");
    return EXIT_DONE;
}

int cmd_sync(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"to", required_argument, NULL, 't'},
        {"wait", required_argument, NULL, 'w'},   {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},         {0}};
    struct args a = {
        .file = DEFAULT_CONFIG_FILE, .request.what = CONTROL_SET, .wait = WAIT_DEFAULT};
    int option;

    optind = 0; /* the program has used getopt before */
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":c:h", options, NULL)) != -1) {
        if (option == 'h') {
            (void)fputs(usage, stdout);
            return EXIT_DONE;
        }
        if (option == 't' && sync_moment(optarg, &a.request.from) != 0)
            return wrong("this is no time: ", optarg);
        if (option == 'w' && (text_to_int(optarg, &a.wait) != 0 || a.wait < 0 || a.wait > 86400))
            return wrong("this is no number of seconds: ", optarg);
        if (option == 'c')
            a.file = optarg;
        a.to = a.to || option == 't';
        a.json = a.json || option == 'j';
        if (option == '?' || option == ':')
            return wrong(option == ':' ? "nothing follows " : "unknown option ", argv[optind - 1]);
    }
    int code = check(&a, argc, argv);
    return code != EXIT_DONE ? code : act(&a);
}
