/* itsm-bridge check: the installation checklist on the command line. */
#include <curl/curl.h>
#include <getopt.h>
#include <stdio.h>
#include <sys/prctl.h>

#include "bridge/base/log.h"
#include "bridge/commands/check.h"
#include "bridge/commands/commands.h"
#include "consumers/formats.h"

static const char usage[] =
    "Usage: itsm-bridge check [--write] [--json] [-c FILE]\n"
    "\n"
    "The installation checklist: configuration, network, sign-in, rights, columns and choices of\n"
    "the instance, Kafka and its topics. Each line is Completed, Not complete (with the cure) or\n"
    "Skipped (cannot be known as things are). Can run beside a running bridge.\n"
    "\n"
    "  -c, --config FILE  configuration (default " DEFAULT_CONFIG_FILE ")\n"
    "  -w, --write        also write: one record, marked as a test, is made in each target table,\n"
    "                     changed, resolved and deleted; an aborted transaction shows the rights\n"
    "                     to the topics. Without it only questions are asked\n"
    "  -j, --json         one JSON object\n"
    "  -h, --help         this text\n"
    "\n"
    "Exit codes: 0 nothing is Not complete, 1 something is, 2 wrong usage or configuration.\n";

static int run(const char *file, const struct check_options *o)
{
    struct config_errors errors = {0};
    struct config *c = config_load(file, CONFIG_FULL, &errors);
    int code;

    if (c != NULL && formats_open(c, &errors) != 0)
        c = config_free(c);

    /* Each trouble becomes a line of the list; the log would say it twice. */
    log_setup(LOG_LEVEL_OFF, LOG_PLAIN);
    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    code = c == NULL ? check_refused(file, &errors, o, stdout) : check_run(c, o, stdout);
    curl_global_cleanup();
    config_errors_done(&errors);
    formats_close(c);
    (void)config_free(c);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    perror("itsm-bridge: cannot write to standard output");
    return 1;
}

int cmd_check(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"write", no_argument, NULL, 'w'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    struct check_options o = {0};
    const char *file = DEFAULT_CONFIG_FILE;
    int option;

    while ((option = getopt_long(argc, argv, "c:wjh", options, NULL)) != -1) {
        if (option == 'h') {
            (void)fputs(usage, stdout);
            return 0;
        }
        if (option == 'c')
            file = optarg;
        else if (option == 'w')
            o.write = true;
        else if (option == 'j')
            o.json = true;
        else
            return 2;
    }
    if (optind < argc) {
        (void)fprintf(stderr,
                      "itsm-bridge check: unexpected argument '%s'; see itsm-bridge check --help\n",
                      argv[optind]);
        return 2;
    }
    return run(file, &o);
}
