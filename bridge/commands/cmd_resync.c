/* itsm-bridge resync: a table again into the same topic, or, without a table, the configuration
 * that the instance holds. Talks to Kafka only. */
#include <getopt.h>
#include <stdio.h>

#include "bridge/base/text.h"
#include "bridge/commands/commands.h"
#include "bridge/commands/sync_ask.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

#define WAIT_DEFAULT 15

static const char usage[] =
    "Usage: itsm-bridge resync TABLE [--from TIME] [--wait SECONDS] [-c FILE]\n"
    "       itsm-bridge resync [-c FILE]\n"
    "\n"
    "With a table: its rows that changed since TIME are published again into the same topic, each\n"
    "with the header itsm_resync, while new changes go on beside them. The bridge may run or not.\n"
    "Also how a stopped table begins anew. Without a table: running bridges read again what the\n"
    "instance has of configuration (choices, templates, groups). Bridges that publish no table do "
    "not\n"
    "hear of it: send them SIGHUP (systemctl reload itsm-bridge).\n"
    "\n"
    "      --from TIME     such as 2026-01-31 or 2026-01-31T08:00:00Z (UTC); default: the sync "
    "scope\n"
    "      --wait SECONDS  for a running bridge to take it up (default 15, 0: not at all)\n"
    "  -c, --config FILE   configuration (default " DEFAULT_CONFIG_FILE ")\n"
    "  -h, --help          this text\n"
    "\n"
    "Exit codes: 0 asked for, 1 failed, 2 wrong usage or configuration, 75 try again later.\n";

static int wrong(const char *what, const char *which)
{
    (void)fprintf(stderr, "itsm-bridge resync: %s%s; see itsm-bridge resync --help\n", what, which);
    return EXIT_USAGE;
}

struct args {
    const char *file, *table;
    struct control request;
    long long wait;
};

static int ask(const struct args *a)
{
    struct config_errors errors;
    struct config *c = config_load(a->file, CONFIG_FULL, &errors);
    int code = EXIT_USAGE;
    for (size_t i = 0; i < errors.count; i++)
        (void)fprintf(stderr, "%s\n", errors.items[i].text);
    config_errors_done(&errors);
    if (c != NULL && a->table == NULL && c->producers_count == 0) {
        (void)fprintf(stderr,
                      "itsm-bridge: no table is published by %s, so its bridges do not listen to "
                      "the state topic. Send each of them SIGHUP (systemctl reload itsm-bridge): "
                      "it reads again what the instance has of configuration\n",
                      c->file);
        code = EXIT_FAILED;
    } else if (c != NULL && (a->table == NULL || sync_has_table(c, a->table)))
        code = sync_ask(c, a->table, &a->request, a->wait * USEC_S);
    (void)config_free(c);
    return code;
}

int cmd_resync(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"from", required_argument, NULL, 'f'},
                                            {"wait", required_argument, NULL, 'w'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct args a = {.file = DEFAULT_CONFIG_FILE,
                     .request = {.what = CONTROL_RESYNC, .from = CONTROL_SCOPE},
                     .wait = WAIT_DEFAULT};
    int option;

    optind = 0; /* the program has used getopt before */
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":c:h", options, NULL)) != -1) {
        if (option == 'h') {
            (void)fputs(usage, stdout);
            return EXIT_DONE;
        }
        if (option == 'f' && sync_moment(optarg, &a.request.from) != 0)
            return wrong("this is no time: ", optarg);
        if (option == 'w' && (text_to_int(optarg, &a.wait) != 0 || a.wait < 0 || a.wait > 86400))
            return wrong("this is no number of seconds: ", optarg);
        if (option == 'c')
            a.file = optarg;
        if (option == '?' || option == ':')
            return wrong(option == ':' ? "nothing follows " : "unknown option ", argv[optind - 1]);
    }
    a.table = optind < argc ? argv[optind++] : NULL;
    if (optind < argc)
        return wrong("unexpected argument ", argv[optind]);
    if (a.table == NULL && a.request.from != CONTROL_SCOPE)
        return wrong("--from needs a table", "");
    if (a.table == NULL)
        a.request.what = CONTROL_READ;
    return ask(&a);
}
