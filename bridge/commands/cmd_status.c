/* itsm-bridge status: asks the running bridge by its status server, and says it for people. */
#include <curl/curl.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/base/buf.h"
#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "bridge/commands/commands.h"
#include "bridge/config/config.h"

#define PAGE_MAX  ((size_t)16 * 1024 * 1024)
#define TIMEOUT_S 10L

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_LATER = 75 };

static const char usage[] =
    "Usage: itsm-bridge status [-c FILE] [--listen ADDRESS] [--json]\n"
    "\n"
    "Asks the bridge that runs on this machine what it does: sign-in and how long it lasts,\n"
    "requests, alerts, tables.\n"
    "\n"
    "  -c, --config FILE     the configuration (default " DEFAULT_CONFIG_FILE "); of it only\n"
    "                        status.listen is used\n"
    "      --listen ADDRESS  where its status server listens, when status.listen has port 0\n"
    "      --json            the page as it is (GET /api/status)\n"
    "  -h, --help            this text\n"
    "\n"
    "Exit codes: 0 it is ready, 75 it is not ready, 1 it cannot be asked, 2 wrong usage or\n"
    "configuration.\n";

static size_t take(char *bytes, size_t size, size_t count, void *arg)
{
    return buf_add(arg, bytes, size * count) == 0 ? size * count : 0;
}

/* A server that listens everywhere listens here too. */
static char *url_of(const char *listen)
{
    const char *port = strrchr(listen, ':');

    if (text_starts(listen, "0.0.0.0:") || text_starts(listen, "[::]:"))
        return xasprintf("http://127.0.0.1%s/api/status", port);
    return xasprintf("http://%s/api/status", listen);
}

static int fetch(const char *listen, struct buf *page)
{
    CURL *easy = curl_easy_init();
    char *url = url_of(listen);
    CURLcode rc = CURLE_OUT_OF_MEMORY;
    long status = 0;

    if (easy != NULL) {
        (void)curl_easy_setopt(easy, CURLOPT_URL, url);
        (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
        (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
        (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT, TIMEOUT_S);
        (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
        (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, page);
        rc = curl_easy_perform(easy);
        (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_cleanup(easy);
    }
    if (rc != CURLE_OK)
        (void)fprintf(stderr,
                      "itsm-bridge status: the status server at %s does not answer: %s. Does the "
                      "bridge run, with this configuration?\n",
                      listen, curl_easy_strerror(rc));
    else if (status != 200)
        (void)fprintf(stderr, "itsm-bridge status: %s answers with HTTP %ld; is it itsm-bridge?\n",
                      listen, status);
    free(url);
    return rc == CURLE_OK && status == 200 ? 0 : -1;
}

/* ---------------------------------------------------------------- for people */

static const char *text(const json_t *o, const char *name)
{
    const char *value = json_string_value(json_object_get(o, name));

    return value == NULL ? "" : value;
}

static long long number(const json_t *o, const char *name)
{
    return (long long)json_integer_value(json_object_get(o, name));
}

static void print_length(long long seconds)
{
    if (seconds >= 172800)
        (void)printf("%lld days", seconds / 86400);
    else if (seconds >= 7200)
        (void)printf("%lld hours", seconds / 3600);
    else if (seconds >= 120)
        (void)printf("%lld minutes", seconds / 60);
    else
        (void)printf("%lld s", seconds);
}

static void print_because(const char *reason)
{
    (void)printf("%s%s\n", reason[0] == '\0' ? "" : ": ", reason);
}

static void print_sign_in(const json_t *s)
{
    const json_t *refresh = json_object_get(s, "refresh_token");

    (void)printf("Sign-in   %s", text(s, "state"));
    print_because(text(s, "reason"));
    if (json_is_integer(json_object_get(s, "access_token_left_s"))) {
        (void)printf("          access token for ");
        print_length(number(s, "access_token_left_s"));
        (void)printf(", then renewed\n");
    }
    if (refresh == NULL)
        return;
    if (json_is_null(json_object_get(refresh, "left_s"))) {
        (void)printf("          refresh token without a known end\n");
        return;
    }
    (void)printf("          refresh token for ");
    print_length(number(refresh, "left_s"));
    (void)printf(", to %s (%s); then `itsm-bridge login`\n", text(refresh, "ends"),
                 text(refresh, "source"));
}

static void print_requests(const json_t *q)
{
    const json_t *rate = json_object_get(q, "rate");

    (void)printf("Requests  %s, %lld of %lld under way", text(q, "state"), number(q, "in_flight"),
                 number(q, "window"));
    print_because(text(q, "reason"));
    if (rate != NULL)
        (void)printf("          %lld of %lld an hour left, until %s\n", number(rate, "left"),
                     number(rate, "limit"), text(rate, "reset"));
}

static void print_alerts(const json_t *a)
{
    if (a == NULL)
        return;
    (void)printf("Alerts    %lld waiting, %lld of them for another try, %lld under way",
                 number(a, "waiting"), number(a, "retry"), number(a, "in_flight"));
    (void)printf("%s%s\n",
                 text(a, "paused")[0] == '\0' ? "" : "; reading rests: ", text(a, "paused"));
}

static void print_table(const json_t *t)
{
    const json_t *history = json_object_get(t, "history");

    (void)printf("Table     %s to %s: %s", text(t, "table"), text(t, "topic"), text(t, "phase"));
    print_because(text(t, "reason"));
    (void)printf("          %lld published, complete to %s\n", number(t, "published"),
                 text(t, "complete_to")[0] == '\0' ? "-" : text(t, "complete_to"));
    if (history == NULL)
        return;
    (void)printf("          first pull or resync: %lld", number(history, "done"));
    if (json_is_integer(json_object_get(history, "total")))
        (void)printf(" of %lld", number(history, "total"));
    if (json_is_integer(json_object_get(history, "left_s"))) {
        (void)printf(", done in ");
        print_length(number(history, "left_s"));
    }
    (void)printf("\n");
}

static void print_all(const json_t *page)
{
    bool ready = json_is_true(json_object_get(page, "ready"));
    const json_t *table;
    size_t i;

    (void)printf("Bridge    %s, connection %s to %s, group %s, since %s\n", text(page, "version"),
                 text(page, "connection"), text(page, "instance"), text(page, "group"),
                 text(page, "started"));
    (void)printf("          %s", ready ? "ready" : "not ready");
    print_because(text(page, "not_ready_because"));
    print_sign_in(json_object_get(page, "sign_in"));
    print_requests(json_object_get(page, "requests"));
    print_alerts(json_object_get(page, "alerts"));
    json_array_foreach (json_object_get(page, "tables"), i, table)
        print_table(table);
}

static int show(const char *listen, bool json)
{
    struct buf body;
    json_t *page;
    int code = EXIT_FAILED;

    buf_init(&body, PAGE_MAX);
    if (fetch(listen, &body) != 0)
        goto out;
    page = json_loadb(buf_text(&body), body.length, 0, NULL);
    if (page == NULL) {
        (void)fprintf(stderr, "itsm-bridge status: %s answers no JSON; is it itsm-bridge?\n",
                      listen);
        goto out;
    }
    if (json)
        (void)fputs(buf_text(&body), stdout);
    else
        print_all(page);
    code = json_is_true(json_object_get(page, "ready")) ? EXIT_DONE : EXIT_LATER;
    json_decref(page);
out:
    buf_done(&body);
    return code;
}

static int show_of_file(const char *file, bool json)
{
    struct config_errors errors = {0};
    struct config *c = config_load(file, CONFIG_NO_SECRETS, &errors);
    int code = EXIT_USAGE;

    for (size_t i = 0; i < errors.count; i++)
        (void)fprintf(stderr, "%s\n", errors.items[i].text);
    config_errors_done(&errors);
    if (c == NULL)
        return EXIT_USAGE;
    if (c->status.listen[0] == '\0')
        (void)fprintf(stderr,
                      "itsm-bridge status: status.listen of %s is empty, so the bridge "
                      "serves no status\n",
                      file);
    else
        code = show(c->status.listen, json);
    (void)config_free(c);
    return code;
}

int cmd_status(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"listen", required_argument, NULL, 'l'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *file = DEFAULT_CONFIG_FILE, *listen = NULL;
    bool json = false;
    int option;

    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (option == 'h') {
            (void)fputs(usage, stdout);
            return EXIT_DONE;
        }
        if (option == 'c')
            file = optarg;
        else if (option == 'l')
            listen = optarg;
        else if (option == 'j')
            json = true;
        else
            return EXIT_USAGE;
    }
    if (optind < argc) {
        (void)fprintf(stderr, "itsm-bridge status: unexpected argument '%s'\n", argv[optind]);
        return EXIT_USAGE;
    }
    return listen != NULL ? show(listen, json) : show_of_file(file, json);
}
