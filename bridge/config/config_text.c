/* Checks of single texts: names, topics, URLs, addresses. Pure; what needs more than one key to be
 * judged is in config_finish.c. */
#include "bridge/config/config_text.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bridge/base/clock.h"
#include "bridge/base/text.h"
#include "bridge/base/weekly.h"
#include "bridge/base/xalloc.h"

#define LOWER     "abcdefghijklmnopqrstuvwxyz"
#define UPPER     "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS    "0123456789"
#define TOPIC_MAX 249 /* Kafka: Topic.MAX_NAME_LENGTH */

static bool only(const char *text, const char *set)
{
    return text[strspn(text, set)] == '\0';
}

const char *config_check_plain(const char *text)
{
    if (!text_is_utf8(text, strlen(text)))
        return "is not UTF-8 text; save the file as UTF-8";
    for (const char *p = text; *p; p++)
        if (((unsigned char)*p < 0x20 && !strchr("\n\r\t", *p)) || *p == 0x7f)
            return "contains a control character; remove it";
    return NULL;
}

const char *config_check_line(const char *text)
{
    return strpbrk(text, "\n\r\t") ? "contains a line end or a tab; write it on one line" : NULL;
}

const char *config_check_start(const char *text)
{
    msec_t time;
    bool ok = strcmp(text, "latest") == 0 || (strchr(text, '-') && clock_parse(text, &time) == 0);

    return ok ? NULL
              : "is no place to start from; use \"latest\" or a time such as "
                "\"2026-01-31T08:00:00Z\"";
}

const char *config_check_name(const char *text)
{
    return only(text, LOWER UPPER DIGITS "._-")
               ? NULL
               : "is not a usable name; use letters, digits, '.', '_' and '-'";
}

const char *config_check_topic(const char *text)
{
    if (!*text || strlen(text) > TOPIC_MAX || !only(text, LOWER UPPER DIGITS "._-"))
        return "is not a legal topic name; use letters, digits, '.', '_' and '-', at most 249";
    if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
        return "is not a legal topic name; Kafka refuses '.' and '..'";
    return NULL;
}

const char *config_check_subscription(const char *text)
{
    if (text[0] != '^')
        return config_check_topic(text);
    if (text[1] == '\0')
        return "is an empty regular expression; write what follows the '^', as in \"^alerts-.*\"";
    return config_check_line(text);
}

const char *config_check_table(const char *text)
{
    return *text && only(text, LOWER DIGITS "_")
               ? NULL
               : "is not a table name; use the name, not the label: small letters, digits and '_',"
                 " as in \"change_request\"";
}

const char *config_check_column(const char *text)
{
    return *text && only(text, LOWER DIGITS "_")
               ? NULL
               : "is not a column name; use the name, not the label: small letters, digits and '_',"
                 " as in \"short_description\"";
}

/* These the bridge writes itself, or the instance does (design D3, D4). */
const char *config_check_constant(const char *text)
{
    static const char *const own[] = {"state",       "incident_state", "correlation_id",
                                      "number",      "close_code",     "correlation_display",
                                      "close_notes", "work_notes"};

    if (text_starts(text, "sys_") && !text_starts(text, "sys_domain"))
        return "is a column that the instance keeps itself; remove it";
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        if (strcmp(text, own[i]) == 0)
            return "is a column that the bridge writes itself; remove it";
    return config_check_column(text);
}

const char *config_check_partner(const char *text)
{
    return text_equal_nocase(text, "servicenow")
               ? NULL
               : "is not a partner that this release knows; \"servicenow\" is the only one";
}

/* Which names there are is known above this room: formats_open looks. */
const char *config_check_format(const char *text)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:";

    return text[strspn(text, allowed)] == '\0'
               ? NULL
               : "is no name of a format; use letters, digits and - _ . : alone";
}

const char *config_check_target(const char *text)
{
    static const char import[] = "import:";
    const size_t prefix = sizeof import - 1;

    if (strncmp(text, import, prefix) == 0)
        return config_check_table(text + prefix) == NULL
                   ? NULL
                   : "names no staging table; use \"import:\" and its name (small letters, digits, "
                     "_)";
    if (strcmp(text, "em_event") == 0)
        return "is written in bulk; use \"event\"";
    return config_check_table(text) == NULL
               ? NULL
               : "is no target; use \"incident\", \"event\", \"alert\", \"import:<staging table>\" "
                 "or a table's name (small letters, digits, _)";
}

const char *config_check_work_item(const char *text)
{
    static const char *const names[] = {"incident", "event", "alert"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (text_equal_nocase(text, names[i]))
            return NULL;
    return "is none of the old connector's work items; use \"Incident\", \"Event\" or \"Alert\", "
           "or `target` for any other table";
}

const char *config_check_severity(const char *text)
{
    return config_severity(text) >= 0 ? NULL : "is no severity; use \"Sev0\" (worst) to \"Sev4\"";
}

int config_severity(const char *text)
{
    if (strncasecmp(text, "sev", 3) == 0)
        text += 3;
    return strlen(text) == 1 && text[0] >= '0' && text[0] <= '4' ? text[0] - '0' : -1;
}

const char *config_check_days(const char *text)
{
    unsigned days = 0;

    return weekly_days(text, &days) == 0
               ? NULL
               : "names no days; use mon, tue, wed, thu, fri, sat, sun, or two as in \"mon-fri\"";
}

const char *config_check_minutes(const char *text)
{
    int minutes;

    return weekly_minutes(text, &minutes) == 0
               ? NULL
               : "is no time of the day; use \"00:00\" to \"24:00\"";
}

static bool is_ip(const char *text, int family)
{
    unsigned char address[sizeof(struct in6_addr)];

    return inet_pton(family, text, address) == 1;
}

/* RFC 1123 labels, or an IPv4 address. */
static bool is_host(const char *text)
{
    size_t label = 0;

    if (!*text || strlen(text) > 253 || !only(text, LOWER UPPER DIGITS "._-"))
        return false;
    for (const char *p = text; *p; p++) {
        if (*p == '.' ? label == 0 || p[-1] == '-' : label == 0 && *p == '-')
            return false;
        label = *p == '.' ? 0 : label + 1;
        if (label > 63)
            return false;
    }
    return text[strlen(text) - 1] != '-' && label > 0;
}

const char *config_check_host(const char *text)
{
    return is_host(text) || is_ip(text, AF_INET6)
               ? NULL
               : "is not a host name; write it without scheme, port and path, as in"
                 " \"servicenow.example.com\"";
}

static bool is_port(const char *text, bool zero)
{
    long long n;

    return *text && only(text, DIGITS) && strlen(text) <= 5 && text_to_int(text, &n) == 0 &&
           n <= 65535 && (zero || n > 0);
}

/* Splits HOST[:PORT] or [IPV6][:PORT]; new strings. false when the form is wrong. */
static bool split_host(const char *text, size_t length, struct config_url *u)
{
    const char *end = text + length, *host_end, *port;

    if (length > 0 && text[0] == '[') {
        host_end = memchr(text, ']', length);
        if (!host_end)
            return false;
        port = host_end + 1;
        text++;
        u->ipv6 = true;
    } else {
        host_end = memchr(text, ':', length);
        port = host_end = host_end ? host_end : end;
    }
    if (port < end && *port != ':')
        return false;
    u->host = xstrndup(text, (size_t)(host_end - text));
    u->port = port < end ? xstrndup(port + 1, (size_t)(end - port - 1)) : xstrdup("");
    if (port < end && !is_port(u->port, true))
        return false;
    text_lower(u->host);
    return u->ipv6 ? is_ip(u->host, AF_INET6) : is_host(u->host);
}

void config_url_done(struct config_url *u)
{
    free(u->scheme);
    free(u->host);
    free(u->port);
    *u = (struct config_url){0};
}

const char *config_url_parse(const char *text, struct config_url *ret_url)
{
    struct config_url u = {0};
    const char *colon = strstr(text, "://"), *host = colon ? colon + 3 : text;
    size_t length = strcspn(host, "/?#\\");
    const char *rest = host + length;
    struct in_addr v4;

    if (!colon || colon == text)
        return "is not a URL; write scheme and host, as in \"https://acme.service-now.com\"";
    if (memchr(host, '@', length))
        return "holds a user name or a password; remove them: what signs in has keys of its own";
    if (*rest && strcmp(rest, "/") != 0)
        return "holds more than scheme, host and port; remove the path and what follows it";
    if (!split_host(host, length, &u)) {
        config_url_done(&u);
        return "holds no usable host or port; write it as in \"https://acme.service-now.com\"";
    }
    u.scheme = xstrndup(text, (size_t)(colon - text));
    text_lower(u.scheme);
    if (u.ipv6)
        u.loopback = strcmp(u.host, "::1") == 0;
    else if (inet_pton(AF_INET, u.host, &v4) == 1)
        u.loopback = (ntohl(v4.s_addr) >> 24) == 127;
    else
        u.loopback = strcmp(u.host, "localhost") == 0;
    *ret_url = u;
    return NULL;
}

char *config_url_host(const struct config_url *u)
{
    return xasprintf("%s%s%s%s%s", u->ipv6 ? "[" : "", u->host, u->ipv6 ? "]" : "",
                     *u->port ? ":" : "", u->port);
}

/* A URL whose scheme is one of the words. */
static const char *check_url(const char *text, const char *const *schemes, const char *otherwise)
{
    struct config_url u;
    const char *wrong = config_url_parse(text, &u);

    if (wrong)
        return wrong;
    wrong = otherwise;
    for (size_t i = 0; schemes[i]; i++)
        if (strcmp(u.scheme, schemes[i]) == 0)
            wrong = NULL;
    if (!wrong && *u.port && !is_port(u.port, false))
        wrong = "holds port 0; write the port that the server listens on";
    config_url_done(&u);
    return wrong;
}

const char *config_check_server(const char *text)
{
    static const char *const schemes[] = {"https", "http", NULL};

    return check_url(text, schemes, "does not begin with https://; ServiceNow speaks https only");
}

const char *config_check_proxy(const char *text)
{
    static const char *const schemes[] = {"http", "https", "socks5", "socks5h", NULL};

    return *text ? check_url(text, schemes,
                             "has a scheme that is no proxy's; use http, https, socks5 or socks5h")
                 : NULL;
}

const char *config_check_listen(const char *text)
{
    struct config_url u = {0};
    bool fine = split_host(text, strlen(text), &u) && *u.port && (u.ipv6 || is_ip(u.host, AF_INET));

    config_url_done(&u);
    return fine || !*text ? NULL
                          : "is not an address to listen on; write a numeric address and a port, as"
                            " in \"127.0.0.1:9464\" or \"[::1]:9464\"";
}

const char *config_check_brokers(const char *text)
{
    const char *p = text;

    while (*p) {
        struct config_url u = {0};
        size_t blank = strspn(p, " "), length = strcspn(p + blank, ",");
        const char *next = p + blank + length;
        bool fine;

        while (length > 0 && p[blank + length - 1] == ' ')
            length--;
        fine = split_host(p + blank, length, &u) && (!*u.port || is_port(u.port, false));
        config_url_done(&u);
        if (!fine || (*next && !next[1]))
            return "is not a list of brokers; write host:port, more of them with commas between";
        p = *next ? next + 1 : next;
    }
    return NULL;
}

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}

size_t config_distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b), result;
    size_t *row = xcalloc(m + 1, sizeof(*row));

    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t up = row[j];
            char left[2] = {a[i - 1]}, right[2] = {b[j - 1]};

            row[j] = min3(up + 1, row[j - 1] + 1, diagonal + !text_equal_nocase(left, right));
            diagonal = up;
        }
    }
    result = row[m];
    free(row);
    return result;
}

const char *config_nearest(const char *text, const char *const *words, size_t n)
{
    const char *best = NULL;
    size_t least = strlen(text) / 3 + 1; /* one typing error in a short word, more in long ones */

    if (strlen(text) > 100)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        size_t d = config_distance(text, words[i]);

        if (d <= least && d < strlen(words[i])) {
            best = words[i];
            least = d > 0 ? d - 1 : 0;
            if (d == 0)
                break;
        }
    }
    return best;
}
