/* itsm-bridge login: gets the tokens that a bridge lives on, and stores nothing else. --rotate ends
 * the old ones first, and before that proves that new ones can be had: a grant while a token lives
 * gives the same one again, so it harms nobody (servicenow-api 1.3). */
#include <curl/curl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "bridge/base/log.h"
#include "bridge/base/xalloc.h"
#include "bridge/commands/commands.h"
#include "bridge/commands/prompt.h"
#include "bridge/commands/signin.h"
#include "bridge/servicenow/wipe.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_LATER = 75 };

static const char usage[] =
    "Usage: itsm-bridge login [--rotate] [--password-from SPEC] [-c FILE]\n"
    "\n"
    "Gets tokens from ServiceNow and stores them in connection.auth.token_store; the password is\n"
    "stored nowhere. Grants password and refresh_token sign in with connection.auth.username and\n"
    "its password: that of --password-from, else of the configuration, else it is asked for at "
    "the\n"
    "terminal without echo. client_credentials and jwt_bearer sign in as the configuration says;\n"
    "basic and api_key have no tokens. A running bridge takes the new tokens over by itself.\n"
    "\n"
    "  -r, --rotate              revoke the old tokens first. Every process that uses them has "
    "none\n"
    "                            until the new ones are in the store, which is a moment later\n"
    "  -p, --password-from SPEC  file:PATH or env:NAME; never the password itself\n"
    "  -c, --config FILE         configuration (default " DEFAULT_CONFIG_FILE ")\n"
    "  -h, --help                this text\n"
    "\n"
    "A refused password is not sent again for 15 minutes, by no command and no bridge with the "
    "same\n"
    "token store: repeated wrong passwords lock the user out.\n"
    "\n"
    "Exit codes: 0 signed in, 1 refused, 2 wrong usage or configuration, 75 try again later.\n";

struct login {
    struct config *config;
    struct config_connection c; /* of config, with the grant and password of this login */
    const char *password_from;
    char *password; /* of the option or the person; NULL: the configuration's */
    bool rotate;
    struct token_record old; /* rotate: the tokens that the store held */
};

static int fail(const char *what, const struct err *e)
{
    (void)fprintf(stderr, "itsm-bridge login: %s%s%s\n", what, *what ? ": " : "", e->text);
    if (e->class == ERR_CONFIG)
        return EXIT_USAGE;
    return e->class == ERR_RETRY || e->class == ERR_THROTTLE ? EXIT_LATER : EXIT_FAILED;
}

static int get_password(struct login *l, struct err *e)
{
    char *text;

    if (l->password_from != NULL) {
        l->password = config_secret_given(l->password_from, e);
        return l->password == NULL ? err_prefix(e, "--password-from") : 0;
    }
    if (l->c.auth.password.value[0] != '\0')
        return 0;
    text = xasprintf("Password of %s at %s: ", l->c.auth.username, l->c.host);
    l->password = prompt_secret(text, e);
    free(text);
    return l->password == NULL
               ? err_prefix(e, "no password (connection.auth.password, --password-from)")
               : 0;
}

/* Which grant gets the tokens, and is everything there for it? */
static int prepare(struct login *l, struct err *e)
{
    struct config_auth *a = &l->c.auth;

    if (a->grant == GRANT_BASIC || a->grant == GRANT_API_KEY)
        return err_set(e, ERR_CONFIG, "usage",
                       "the grant of connection.auth has no tokens: there is nothing to log in to. "
                       "`itsm-bridge check` tells whether it works");
    if (a->token_store[0] == '\0')
        return err_set(e, ERR_CONFIG, "usage",
                       "connection.auth.token_store is empty, so tokens could not be kept; set it, "
                       "as in \"/var/lib/itsm-bridge/token.json\"");
    if (a->grant != GRANT_PASSWORD && a->grant != GRANT_REFRESH_TOKEN)
        return l->password_from == NULL ? 0
                                        : err_set(e, ERR_CONFIG, "usage",
                                                  "the grant of connection.auth takes no password");
    if (a->username[0] == '\0')
        return err_set(e, ERR_CONFIG, "usage",
                       "connection.auth.username is empty; set the user that the tokens are for");
    a->grant = GRANT_PASSWORD;
    if (get_password(l, e) != 0)
        return -1;
    if (l->password != NULL)
        a->password.value = l->password;
    return 0;
}

static void say_done(const struct login *l, struct signin *s)
{
    const struct token_record *r = signin_record(s);
    char date[CLOCK_ISO_SIZE];

    (void)printf("Signed in to %s%s%s. The tokens are in %s.\n", l->c.host,
                 l->c.auth.username[0] == '\0' ? "" : " as ", l->c.auth.username,
                 l->c.auth.token_store);
    if (r->refresh_token != NULL && r->refresh_expires_at > 0) {
        clock_format_iso(r->refresh_expires_at, date);
        (void)printf("The refresh token ends on %.10s (%s).\n", date, r->refresh_source);
    } else if (l->config->connection.auth.grant == GRANT_REFRESH_TOKEN) {
        (void)printf("ServiceNow gave no refresh token, so this sign-in ends with the access "
                     "token. Let the OAuth application give one, or use another grant.\n");
    }
}

/* Ends the tokens that the store held and those that a grant gives now, which need not be the same
 * ones. */
static int end_old(struct signin *s, struct token_record *old, struct err *e)
{
    const struct token_record *r = signin_record(s);
    bool same = old->access_token != NULL && strcmp(old->access_token, r->access_token) == 0;
    int rc = signin_revoke(s, r->access_token, r->refresh_token, e);

    if (rc >= 0 && !same && (old->access_token != NULL || old->refresh_token != NULL))
        rc = signin_revoke(s, old->access_token, old->refresh_token, e);
    return rc < 0 ? -1 : 0;
}

/* -1: told. Old tokens are gone only after the same sign-in has just worked. */
static int rotate(struct login *l, struct signin *s, int *ret_code)
{
    const struct token_record *r = signin_record(s);
    struct err e, unsaved;

    l->old.access_token = xstrdup(r->access_token);
    l->old.refresh_token = xstrdup(r->refresh_token);
    if (signin_get(s, &e) != 0) {
        *ret_code = fail("nothing was revoked, the old tokens are as they were", &e);
        return -1;
    }
    if (end_old(s, &l->old, &e) != 0) {
        *ret_code = fail("the old tokens could not be revoked wholly", &e);
        if (signin_save(s, &unsaved) != 0)
            (void)fail("", &unsaved);
        return -1;
    }
    (void)printf("The old tokens are revoked.\n");
    return 0;
}

/* What was revoked must not come back. */
static void check_new(const struct login *l, struct signin *s)
{
    const char *was = l->old.refresh_token, *is = signin_record(s)->refresh_token;

    if (was != NULL && is != NULL && strcmp(was, is) == 0)
        (void)fprintf(stderr, "itsm-bridge login: ServiceNow gave the old refresh token again, so "
                              "it is not revoked; an administrator can end it under System OAuth, "
                              "Manage Tokens\n");
}

static int sign_in(struct login *l, struct signin *s)
{
    struct err e;
    int code = EXIT_FAILED;

    if (l->rotate && rotate(l, s, &code) != 0)
        return code;
    if (signin_get(s, &e) != 0)
        return fail(l->rotate ? "the old tokens are revoked and there are no new ones; run login "
                                "again"
                              : "",
                    &e);
    switch (signin_try(s, signin_record(s)->access_token, &e)) {
    case SIGNIN_DEAD:
        return fail("ServiceNow gives a token and then refuses it; check that the user is active "
                    "and that no API access policy refuses it",
                    &e);
    case SIGNIN_UNKNOWN:
        (void)fprintf(stderr, "itsm-bridge login: the token could not be tried: %s\n", e.text);
        break;
    case SIGNIN_ALIVE:
        break;
    }
    if (signin_save(s, &e) != 0)
        return fail("", &e);
    check_new(l, s);
    say_done(l, s);
    return EXIT_DONE;
}

static int run(struct login *l)
{
    struct signin *s;
    struct err e;
    int code;

    l->c = l->config->connection;
    if (prepare(l, &e) != 0)
        return fail("", &e);
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    s = signin_open(&l->c, &e);
    code = s == NULL ? fail("", &e) : sign_in(l, s);
    (void)signin_close(s);
    curl_global_cleanup();
    return code;
}

static int load_and_run(struct login *l, const char *file)
{
    struct config_errors errors = {0};
    int code = EXIT_USAGE;

    log_setup(LOG_LEVEL_OFF, LOG_PLAIN); /* what happens is told on the command's own output */
    (void)prctl(PR_SET_DUMPABLE, 0);
    l->config = config_load(file, CONFIG_FULL, &errors);
    for (size_t i = 0; i < errors.count; i++)
        (void)fprintf(stderr, "%s\n", errors.items[i].text);
    config_errors_done(&errors);
    if (l->config != NULL)
        code = run(l);
    wipe_free(l->password);
    token_record_done(&l->old);
    (void)config_free(l->config);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    perror("itsm-bridge: cannot write to standard output");
    return EXIT_FAILED;
}

int cmd_login(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"rotate", no_argument, NULL, 'r'},
                                            {"password-from", required_argument, NULL, 'p'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *file = DEFAULT_CONFIG_FILE;
    struct login l = {0};
    int option;

    optind = 0; /* the program has used getopt before */
    while ((option = getopt_long(argc, argv, "c:rp:h", options, NULL)) != -1) {
        if (option == 'h') {
            (void)fputs(usage, stdout);
            return EXIT_DONE;
        }
        if (option == 'c')
            file = optarg;
        else if (option == 'p')
            l.password_from = optarg;
        else if (option == 'r')
            l.rotate = true;
        else
            return EXIT_USAGE;
    }
    if (optind < argc) {
        (void)fprintf(stderr, "itsm-bridge login: an argument too many (a password does not belong "
                              "on a command line); see itsm-bridge login --help\n");
        return EXIT_USAGE;
    }
    return load_and_run(&l, file);
}
