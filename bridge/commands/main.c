/* The program: picks the command and runs it. */
#include <stdio.h>
#include <string.h>

#include "bridge/base/attr.h"
#include "bridge/commands/commands.h"

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
};

static int cmd_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    (void)printf("itsm-bridge %s\n", ITSM_VERSION);
    return 0;
}

static const struct command commands[] = {
    {"run", cmd_run, "run the bridge"},
    {"check", cmd_check, "the installation checklist: what is complete, what is not, what to do"},
    {"map", cmd_map,
     "show what becomes of a message: alert, keys, ServiceNow request (no network)"},
    {"setup", cmd_setup, "make user, roles and OAuth client on the instance, or undo it"},
    {"login", cmd_login, "get tokens from ServiceNow and store them; --rotate ends the old ones"},
    {"logout", cmd_logout, "revoke the stored tokens and remove them"},
    {"resync", cmd_resync,
     "publish a table again from a date; or read the instance's set-up again"},
    {"sync", cmd_sync, "show how far each table is published, or move it"},
    {"status", cmd_status, "ask the running bridge what it does, and how long its sign-in lasts"},
    {"config", cmd_config, "check, print or explain the configuration"},
    {"explain", cmd_explain, "cause and cure of a short code of the log, a dead letter, a check"},
    {"version", cmd_version, "print the version"},
};

static void usage(FILE *out)
{
    (void)fputs("itsm-bridge joins Kafka and ServiceNow: alerts on topics become incidents, work "
                "items become\n"
                "records on topics.\n"
                "\n"
                "Usage: itsm-bridge COMMAND [OPTIONS]\n"
                "\n",
                out);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        (void)fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].help);
    (void)fputs(
        "\n"
        "itsm-bridge COMMAND --help tells the options of a command.\n"
        "Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 75 try again later.\n",
        out);
}

int main(int argc, char **argv)
{
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
                      strcmp(argv[1], "help") == 0)) {
        usage(stdout);
        return 0;
    }
    if (argc >= 2 && strcmp(argv[1], "--version") == 0)
        return cmd_version(0, NULL);
    for (size_t i = 0; argc >= 2 && i < ARRAY_LEN(commands); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    if (argc >= 2)
        (void)fprintf(stderr, "itsm-bridge: unknown command '%s'\n\n", argv[1]);
    usage(stderr);
    return 2;
}
