/* URL checks, with libcurl's own parser so that both always mean the same host. The texts never
 * show what stands before an `@`. */
#include "bridge/servicenow/http_url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <string.h>

#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "bridge/servicenow/wipe.h"

bool http_is_plain(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++)
        if (*p <= 0x20 || *p >= 0x7f)
            return false;
    return text[0] != '\0';
}

static bool is_loopback(const char *host)
{
    struct in_addr four;

    return strcmp(host, "[::1]") == 0 || text_equal_nocase(host, "localhost") ||
           (inet_pton(AF_INET, host, &four) == 1 && ntohl(four.s_addr) >> 24 == 127);
}

struct url_parts {
    char *scheme, *host, *port, *user, *password;
};

static void url_parts_done(struct url_parts *u)
{
    curl_free(u->scheme);
    curl_free(u->host);
    curl_free(u->port);
    wipe_free(u->user);
    wipe_free(u->password);
}

static int url_split(const char *url, struct url_parts *ret)
{
    struct url_parts u = {0};
    CURLU *parsed = curl_url();
    bool good = parsed != NULL && http_is_plain(url) &&
                curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
                curl_url_get(parsed, CURLUPART_SCHEME, &u.scheme, 0) == CURLUE_OK &&
                curl_url_get(parsed, CURLUPART_HOST, &u.host, 0) == CURLUE_OK &&
                curl_url_get(parsed, CURLUPART_PORT, &u.port, CURLU_DEFAULT_PORT) == CURLUE_OK;

    if (good) {
        (void)curl_url_get(parsed, CURLUPART_USER, &u.user, 0);
        (void)curl_url_get(parsed, CURLUPART_PASSWORD, &u.password, 0);
    }
    curl_url_cleanup(parsed);
    if (!good) {
        url_parts_done(&u);
        return -1;
    }
    *ret = u;
    return 0;
}

static int parts_check(const struct url_parts *u, const char *place, bool allow_http, struct err *e)
{
    bool loopback = strcmp(u->scheme, "http") == 0 && is_loopback(u->host);

    if (u->user != NULL || u->password != NULL)
        return err_set(e, ERR_CONFIG, "bad-url",
                       "%s: a URL must not hold a user or password; use connection.auth", place);
    if (strcmp(u->scheme, "https") != 0 && !(allow_http && loopback))
        return err_set(e, ERR_CONFIG, "bad-url",
                       "%s: only https is allowed (http to this machine itself with "
                       "connection.allow_insecure_loopback)",
                       place);
    return 0;
}

char *http_url_place(const char *url, bool allow_http, bool *ret_secure, struct err *e)
{
    struct url_parts u = {0};
    char *place;

    if (url_split(url, &u) != 0) {
        (void)err_set(e, ERR_CONFIG, "bad-url",
                      "The address of a request is not a URL; check connection.server_url");
        return NULL;
    }
    place = xasprintf("%s://%s:%s", u.scheme, u.host, u.port);
    if (parts_check(&u, place, allow_http, e) != 0) {
        free(place);
        place = NULL;
    } else {
        *ret_secure = strcmp(u.scheme, "https") == 0;
    }
    url_parts_done(&u);
    return place;
}
