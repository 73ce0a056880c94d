/* itsm-bridge explain: what a short code means and what to do about it. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "bridge/commands/commands.h"
#include "bridge/commands/explain.h"

static const char usage[] =
    "Usage: itsm-bridge explain [CODE...]\n"
    "\n"
    "Prints cause and cure of codes: the events of the log (the word after the level), and the\n"
    "code= of log lines, dead letters, outcomes and check. Without a code: all of them.\n"
    "\n"
    "  -h, --help  this text\n"
    "\n"
    "Exit codes: 0 done, 1 a code is unknown, 2 wrong usage.\n";

static void print(const struct explain_entry *e)
{
    (void)printf("%s\n  Cause: %s\n", e->code, e->cause);
    if (e->cure[0] != '\0')
        (void)printf("  What to do: %s\n", e->cure);
    else
        (void)printf("  What to do: nothing\n");
}

static void print_all(void)
{
    for (size_t i = 0; explain_areas[i] != NULL; i++) {
        (void)printf("%s%s\n\n", i == 0 ? "" : "\n", explain_areas[i]->title);
        for (size_t k = 0; k < explain_areas[i]->count; k++)
            print(&explain_areas[i]->entries[k]);
    }
}

int cmd_explain(int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    int option, code = 0;

    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option != 'h')
            return 2;
        (void)fputs(usage, stdout);
        return 0;
    }
    if (optind == argc)
        print_all();
    for (int i = optind; i < argc; i++) {
        const struct explain_entry *e = explain_find(argv[i]);

        if (e != NULL) {
            print(e);
        } else {
            (void)fprintf(stderr,
                          "itsm-bridge explain: there is no code '%s'; without a code all are "
                          "listed\n",
                          argv[i]);
            code = 1;
        }
    }
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    perror("itsm-bridge: cannot write to standard output");
    return 1;
}
