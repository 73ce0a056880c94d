/* itsm-bridge setup: makes on the instance what a connection needs, with an administrator's sign-in
 * that lives in this process only and is wiped when the desk is closed. Reads the command line and
 * puts the parts together; what is written is decided in setup_plan.c. */
#include <curl/curl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "bridge/base/attr.h"
#include "bridge/base/log.h"
#include "bridge/base/xalloc.h"
#include "bridge/commands/commands.h"
#include "bridge/commands/prompt.h"
#include "bridge/commands/setup.h"
#include "bridge/config/config_secret.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_LATER = 75 };

static const char usage[] =
    "Usage: itsm-bridge setup [-c FILE] ADMINISTRATOR [OPTIONS]\n"
    "       itsm-bridge setup [-c FILE] --print | --before-update-rule\n"
    "\n"
    "Makes or completes on the instance what this configuration needs: the integration user (web\n"
    "service access only, time zone GMT), the roles of the features in use and no more, the OAuth\n"
    "client, and for client_credentials its system property. Then it prints the configuration to\n"
    "paste and signs in with it. Run again it changes nothing. connection.auth needs no more than\n"
    "`grant`; what the file names already (client_id, username, where secrets are) is used.\n"
    "\n"
    "ADMINISTRATOR, used for this run and kept nowhere; one of\n"
    "      --admin-user NAME [--admin-password SECRET]   HTTP Basic; asked for when left out\n"
    "      --admin-token SECRET     an OAuth access token\n"
    "      --admin-api-key SECRET   a REST API key\n"
    "SECRET is file:PATH or env:NAME, never the secret itself.\n"
    "\n"
    "  -c, --config FILE        the configuration (default " DEFAULT_CONFIG_FILE ")\n"
    "      --user NAME          the integration user (default: connection.auth.username, or\n"
    "                           itsm.integration)\n"
    "      --secret-file FILE   where new secrets go, mode 0600, as lines NAME=value that systemd\n"
    "                           and a shell read (default: secrets.env beside the configuration)\n"
    "      --rotate             give existing client and user new secrets\n"
    "      --dry-run            show each write, write nothing\n"
    "      --print              the steps as text for an administrator who lends no sign-in\n"
    "      --undo               remove what setup made, and nothing that a person made or took "
    "over\n"
    "      --before-update-rule print the optional business rule that closes four narrow races\n"
    "  -h, --help               this text\n"
    "\n"
    "Exit code: 0 done, 1 not complete (says what is missing; can be run again), 2 wrong usage or\n"
    "configuration, 75 the instance is away or busy, try again later.\n";

struct arguments {
    const char *file, *admin_user, *admin_password, *admin_token, *admin_api_key, *user,
        *secret_file;
    bool rotate, dry_run, print, undo, rule, help;
};

/* Options with a value and those without, by what they fill in. */
enum { OPT_FIRST = 256 };
static const struct {
    const char *name;
    size_t at;
    bool flag;
} choices[] = {
    {"admin-user", offsetof(struct arguments, admin_user), false},
    {"admin-password", offsetof(struct arguments, admin_password), false},
    {"admin-token", offsetof(struct arguments, admin_token), false},
    {"admin-api-key", offsetof(struct arguments, admin_api_key), false},
    {"user", offsetof(struct arguments, user), false},
    {"secret-file", offsetof(struct arguments, secret_file), false},
    {"rotate", offsetof(struct arguments, rotate), true},
    {"dry-run", offsetof(struct arguments, dry_run), true},
    {"print", offsetof(struct arguments, print), true},
    {"undo", offsetof(struct arguments, undo), true},
    {"before-update-rule", offsetof(struct arguments, rule), true},
};

static int wrong_usage(const char *what)
{
    (void)fprintf(stderr, "itsm-bridge setup: %s\n\n%s", what, usage);
    return -1;
}

static int take_option(struct arguments *a, int option)
{
    char *base = (char *)a;
    size_t i = (size_t)(option - OPT_FIRST);

    if (option == 'h')
        a->help = true;
    else if (option == 'c')
        a->file = optarg;
    else if (option < OPT_FIRST)
        return wrong_usage(option == ':' ? "a value is missing behind an option"
                                         : "there is an unknown option");
    else if (choices[i].flag)
        *(bool *)(void *)(base + choices[i].at) = true;
    else
        *(const char **)(void *)(base + choices[i].at) = optarg;
    return 0;
}

static int read_options(struct arguments *a, int argc, char **argv)
{
    struct option options[ARRAY_LEN(choices) + 3] = {{"config", required_argument, NULL, 'c'},
                                                     {"help", no_argument, NULL, 'h'}};
    int option;

    for (size_t i = 0; i < ARRAY_LEN(choices); i++)
        options[i + 2] =
            (struct option){choices[i].name, choices[i].flag ? no_argument : required_argument,
                            NULL, OPT_FIRST + (int)i};
    optind = 0; /* the program has used getopt before */
    opterr = 0; /* its words would repeat what stands on the line */
    while ((option = getopt_long(argc, argv, ":c:h", options, NULL)) != -1)
        if (take_option(a, option) != 0)
            return -1;
    return optind == argc ? 0 : wrong_usage("there is more on the line than options");
}

/* Texts of the line are borrowed. A secret is not repeated, whatever it is. */
static int check_arguments(const struct arguments *a)
{
    const char *const secrets[] = {a->admin_password, a->admin_token, a->admin_api_key};
    int ways = (a->admin_user != NULL) + (a->admin_token != NULL) + (a->admin_api_key != NULL);

    for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
        if (secrets[i] != NULL && !config_secret_is_reference(secrets[i]))
            return wrong_usage("a secret on the command line can be read by everybody on this "
                               "machine; give file:PATH or env:NAME");
    if (a->print || a->rule)
        return ways == 0 && !a->dry_run && !a->undo && a->print != a->rule
                   ? 0
                   : wrong_usage("--print and --before-update-rule stand alone and need no "
                                 "administrator");
    if (a->admin_password != NULL && a->admin_user == NULL)
        return wrong_usage("--admin-password belongs to --admin-user");
    if (ways != 1)
        return wrong_usage("say with one of --admin-user, --admin-token and --admin-api-key who "
                           "signs in");
    if (a->undo && a->rotate)
        return wrong_usage("--undo and --rotate contradict each other");
    return 0;
}

static struct config *load(const char *file)
{
    struct config_errors errors;
    struct config *c = config_load(file, CONFIG_NO_SECRETS, &errors);

    if (c != NULL)
        return c;
    for (size_t i = 0; i < errors.count; i++)
        (void)fprintf(stderr, "%s\n", errors.items[i].text);
    config_errors_done(&errors);
    return NULL;
}

/* The secret that an option names, or what is typed; new. */
static char *admin_secret(const struct arguments *a, struct err *e)
{
    const char *spec = a->admin_token != NULL     ? a->admin_token
                       : a->admin_api_key != NULL ? a->admin_api_key
                                                  : a->admin_password;

    char *secret = spec != NULL ? config_secret_given(spec, e)
                                : prompt_secret("Administrator's password: ", e);

    if (secret == NULL && spec == NULL)
        (void)err_prefix(e, "the administrator's password (or give it as file:PATH or env:NAME)");
    return secret;
}

static int exit_of(int rc, const struct err *e)
{
    if (rc == 0)
        return EXIT_DONE;
    if (e->class != ERR_NONE)
        (void)fprintf(stderr, "itsm-bridge setup: %s\n", e->text);
    switch (e->class) {
    case ERR_CONFIG:
        return EXIT_USAGE;
    case ERR_RETRY:
    case ERR_THROTTLE:
        return EXIT_LATER;
    default:
        return EXIT_FAILED;
    }
}

/* With the administrator's sign-in as the only one that the desk knows. */
static int run_signed_in(struct setup *s, const struct arguments *a, struct err *e)
{
    char nothing[] = "", *secret = admin_secret(a, e);
    struct config admin = *s->config;
    int rc;

    if (secret == NULL)
        return -1;
    admin.connection.auth = (struct config_auth){
        .grant = a->admin_user != NULL    ? GRANT_BASIC
                 : a->admin_token != NULL ? GRANT_TOKEN
                                          : GRANT_API_KEY,
        .client_id = nothing,
        .client_secret = {nothing, nothing},
        .username = nothing,
        .password = {nothing, secret},
        .refresh_token = {nothing, nothing},
        .api_key = {nothing, secret},
        .jwt = s->config->connection.auth.jwt, /* not used, but nothing may be missing */
        .token_store = nothing,
    };
    if (a->admin_user != NULL)
        admin.connection.auth.username = xstrdup(a->admin_user);
    rc = setup_run(s, &admin, a->undo, e);
    if (a->admin_user != NULL)
        free(admin.connection.auth.username);
    config_secret_wipe(secret);
    return rc;
}

static int run(struct setup *s, const struct arguments *a)
{
    struct err e = {0};
    int rc;

    if (a->rule) {
        setup_print_rule(s->wanted.user_name, s->out);
        return EXIT_DONE;
    }
    if (a->admin_user != NULL && strcmp(a->admin_user, s->wanted.user_name) == 0)
        rc = err_set(&e, ERR_CONFIG, "same-user",
                     "%s is the administrator and would become the integration user, which loses "
                     "its access by browser: name another one with --user or "
                     "connection.auth.username",
                     a->admin_user);
    else if (a->print)
        rc = setup_by_hand(s);
    else
        rc = run_signed_in(s, a, &e);
    return exit_of(rc, &e);
}

int cmd_setup(int argc, char **argv)
{
    struct arguments a = {.file = DEFAULT_CONFIG_FILE};
    struct config *c;
    struct setup s;
    struct err e;
    int code;

    if (read_options(&a, argc, argv) != 0)
        return EXIT_USAGE;
    if (a.help)
        return fputs(usage, stdout) < 0 ? EXIT_FAILED : EXIT_DONE;
    if (check_arguments(&a) != 0)
        return EXIT_USAGE;
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* no core file with secrets in it */
    log_setup(LOG_LEVEL_OFF, LOG_PLAIN);      /* outcomes say it all */
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    c = load(a.file);
    if (c == NULL)
        return EXIT_USAGE;
    if (setup_open(&s, c, a.user, a.secret_file, &e) != 0) {
        code = exit_of(-1, &e);
    } else {
        s.wanted.rotate = a.rotate;
        s.dry_run = a.dry_run;
        code = run(&s, &a);
    }
    setup_close(&s);
    (void)config_free(c);
    curl_global_cleanup();
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    perror("itsm-bridge setup: cannot write to standard output");
    return EXIT_FAILED;
}
