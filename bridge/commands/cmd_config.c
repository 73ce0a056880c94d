/* itsm-bridge config: shows and checks the configuration file. Touches nothing but the file and the
 * secret files that it names. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "bridge/base/attr.h"
#include "bridge/commands/commands.h"
#include "bridge/config/config.h"
#include "consumers/formats.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static const char usage[] =
    "Usage: itsm-bridge config print [-c FILE]      the effective configuration, secrets hidden\n"
    "       itsm-bridge config check [-c FILE]      only say whether the file is fine\n"
    "       itsm-bridge config reference            every key with type, range, default, meaning\n"
    "\n"
    "  -c, --config FILE   the file (default " DEFAULT_CONFIG_FILE ")\n"
    "  -h, --help          this text\n"
    "\n"
    "Exit code: 0 the file is fine, 2 it is not (one line for each problem on standard error).\n";

/* Output that did not reach its reader is a failure. */
static int flushed(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return EXIT_DONE;
    perror("itsm-bridge: cannot write to standard output");
    return EXIT_FAILED;
}

static int report(const char *file, struct config_errors *errors)
{
    size_t n = errors->count;

    for (size_t i = 0; i < n; i++)
        (void)fprintf(stderr, "%s\n", errors->items[i].text);
    (void)fprintf(stderr, "%zu %s in %s\n", n, n == 1 ? "problem" : "problems", file);
    config_errors_done(errors);
    return EXIT_USAGE;
}

static int print_file(const char *file)
{
    struct config_errors errors;
    struct config *c = config_load(file, CONFIG_FULL, &errors);

    if (!c)
        return report(file, &errors);
    config_print(c, stdout);
    (void)config_free(c);
    return flushed();
}

static int check_file(const char *file)
{
    struct config_errors errors;
    struct config *c = config_load(file, CONFIG_FULL, &errors);

    if (!c)
        return report(file, &errors);
    if (formats_open(c, &errors) != 0) {
        (void)config_free(c);
        return report(file, &errors);
    }
    (void)printf("%s is fine: consumers %zu, producers %zu\n", file, c->consumers_count,
                 c->producers_count);
    formats_close(c);
    (void)config_free(c);
    return flushed();
}

static int reference(const char *file)
{
    (void)file;
    config_reference(stdout);
    return flushed();
}

static const struct {
    const char *name;
    int (*run)(const char *file);
} actions[] = {{"print", print_file}, {"check", check_file}, {"reference", reference}};

static int wrong_usage(const char *what, const char *which)
{
    (void)fprintf(stderr, "itsm-bridge config: %s%s\n%s", what, which, usage);
    return EXIT_USAGE;
}

int cmd_config(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"help", no_argument, NULL, 'h'}, {0}};
    const char *file = DEFAULT_CONFIG_FILE;
    int option;

    optind = 0; /* the program has used getopt before */
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":c:h", options, NULL)) != -1) {
        if (option == 'h') {
            (void)fputs(usage, stdout);
            return flushed();
        }
        if (option != 'c')
            return wrong_usage(option == ':' ? "no file follows " : "unknown option ",
                               argv[optind - 1]);
        file = optarg;
    }
    if (argc - optind != 1)
        return wrong_usage(argc > optind ? "one of print, check, reference at a time"
                                         : "say print, check or reference",
                           "");
    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        if (strcmp(argv[optind], actions[i].name) == 0)
            return actions[i].run(file);
    return wrong_usage("there is no action ", argv[optind]);
}
