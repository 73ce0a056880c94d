/* itsm-bridge logout: ends the stored tokens at the instance, then removes the store. In this
 * order: a token whose file is gone could be ended by nobody but an administrator. */
#include <curl/curl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "bridge/base/log.h"
#include "bridge/commands/commands.h"
#include "bridge/commands/signin.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_LATER = 75 };

static const char usage[] =
    "Usage: itsm-bridge logout [--force] [-c FILE]\n"
    "\n"
    "Revokes the tokens of connection.auth.token_store at the instance and removes the store. "
    "Stop\n"
    "the bridges that use it first: one with a password, a key or a client secret of its own "
    "signs\n"
    "in again by itself.\n"
    "\n"
    "  -f, --force        remove the store also when the tokens could not be revoked\n"
    "  -c, --config FILE  configuration (default " DEFAULT_CONFIG_FILE ")\n"
    "  -h, --help         this text\n"
    "\n"
    "Exit codes: 0 logged out, or there was nothing to end; 1 not revoked, 2 wrong usage or\n"
    "configuration, 75 the instance cannot be reached: try again later.\n";

static int fail(const struct err *e)
{
    (void)fprintf(stderr, "itsm-bridge logout: %s\n", e->text);
    if (e->class == ERR_CONFIG)
        return EXIT_USAGE;
    return e->class == ERR_RETRY || e->class == ERR_THROTTLE ? EXIT_LATER : EXIT_FAILED;
}

static int end_tokens(struct signin *s, const struct config_connection *c, bool force)
{
    const struct token_record *r = signin_record(s);
    const char *path = c->auth.token_store;
    struct err e;
    int rc, code;

    if (r->access_token == NULL && r->refresh_token == NULL) {
        (void)printf("There are no tokens in %s: nothing to end.\n", path);
        return token_store_remove(path, &e) == 0 ? EXIT_DONE : fail(&e);
    }
    rc = signin_revoke(s, r->access_token, r->refresh_token, &e);
    if (rc < 0) {
        code = fail(&e);
        if (!force) {
            (void)fprintf(stderr, "The tokens are still in %s; --force removes them there.\n",
                          path);
            return code;
        }
    }
    if (token_store_remove(path, &e) != 0)
        return fail(&e);
    /* With --force the person has decided that this is enough. */
    (void)printf(rc < 0 ? "%s is removed; its tokens live on at %s until they expire.\n"
                 : rc == 0
                     ? "The tokens of %s are revoked at %s, and the file is removed.\n"
                     : "The tokens of %s were reported to %s for revocation (the access token had "
                       "ended, so it could not be seen), and the file is removed.\n",
                 path, c->host);
    return EXIT_DONE;
}

static int run(const struct config_connection *c, bool force)
{
    struct signin *s;
    struct err e;
    int code;

    if (c->auth.token_store[0] == '\0') {
        (void)printf("connection.auth.token_store is empty: no tokens are kept.\n");
        return EXIT_DONE;
    }
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    s = signin_open(c, &e);
    code = s == NULL ? fail(&e) : end_tokens(s, c, force);
    (void)signin_close(s);
    curl_global_cleanup();
    return code;
}

/* Revoking needs no secret but the tokens, and perhaps that of the client certificate. */
static struct config *load(const char *file, struct config_errors *errors)
{
    struct config *c = config_load(file, CONFIG_NO_SECRETS, errors);

    if (c != NULL && c->connection.client_key_password.spec[0] != '\0') {
        (void)config_free(c);
        c = config_load(file, CONFIG_FULL, errors);
    }
    return c;
}

static int load_and_run(const char *file, bool force)
{
    struct config_errors errors = {0};
    struct config *c;
    int code = EXIT_USAGE;

    log_setup(LOG_LEVEL_OFF, LOG_PLAIN);
    (void)prctl(PR_SET_DUMPABLE, 0);
    c = load(file, &errors);
    for (size_t i = 0; i < errors.count; i++)
        (void)fprintf(stderr, "%s\n", errors.items[i].text);
    config_errors_done(&errors);
    if (c != NULL)
        code = run(&c->connection, force);
    (void)config_free(c);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    perror("itsm-bridge: cannot write to standard output");
    return EXIT_FAILED;
}

int cmd_logout(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"force", no_argument, NULL, 'f'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *file = DEFAULT_CONFIG_FILE;
    bool force = false;
    int option;

    optind = 0; /* the program has used getopt before */
    while ((option = getopt_long(argc, argv, "c:fh", options, NULL)) != -1) {
        if (option == 'h') {
            (void)fputs(usage, stdout);
            return EXIT_DONE;
        }
        if (option == 'c')
            file = optarg;
        else if (option == 'f')
            force = true;
        else
            return EXIT_USAGE;
    }
    if (optind < argc) {
        (void)fprintf(stderr,
                      "itsm-bridge logout: unexpected argument '%s'; see itsm-bridge "
                      "logout --help\n",
                      argv[optind]);
        return EXIT_USAGE;
    }
    return load_and_run(file, force);
}
