/* HTTP client on the loop's curl multi handle. Each call owns one easy handle out of a pool, a copy
 * of its request and the answer so far; everything is wiped when it ends, for any of it may hold a
 * secret. A write is never sent twice behind the caller's back: libcurl repeats a request by itself
 * when a kept-alive connection dies before the first byte of the answer, and that is let through
 * for reads only. Does not retry, does not judge answers, does not log. */
#include "bridge/servicenow/http.h"

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "bridge/base/panic.h"
#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "bridge/servicenow/http_cert.h"
#include "bridge/servicenow/http_url.h"
#include "bridge/servicenow/wipe.h"

/* Idle connections older than this are not used again: instances close theirs after 20 s
 * (`Keep-Alive: timeout=20`, servicenow-api 2.5), and a request should not meet that moment. */
#define IDLE_MAX_S 18L

struct http {
    struct loop *loop;
    struct http_options options;
    char *ca_file, *proxy, *certificate, *key, *key_password; /* "" = none */
    struct http_call *calls; /* under way, in order of submission */
    CURL **idle;             /* easy handles without a call */
    size_t idle_count;
    unsigned in_flight;
    bool closing;
};

struct http_call {
    struct http *http;
    CURL *easy;
    struct curl_slist *headers;
    void *body;
    size_t body_length;
    struct buf answer;
    char *method, *place, *content_type, *rate_rule;
    bool is_read;   /* a GET: may be repeated by libcurl */
    bool connected; /* at least once the connection stood and sending began */
    bool repeated;  /* stopped before libcurl sent a write again */
    bool too_large, ended;
    char reason[CURL_ERROR_SIZE];
    http_fn fn;
    void *arg;
    struct http_call *prev, *next;
};

static void on_transfers(void *arg, usec_t now);

static char *copy(const char *text)
{
    return xstrdup(text == NULL ? "" : text);
}

static void http_done(struct http *h)
{
    free(h->idle);
    free(h->ca_file);
    free(h->certificate);
    free(h->key);
    wipe_free(h->key_password);
    wipe_free(h->proxy);
    free(h);
}

struct http *http_new(struct loop *l, const struct http_options *o, struct err *e)
{
    struct http *h;

    if (o->ca_file[0] != '\0' && access(o->ca_file, R_OK) != 0) {
        (void)err_set(e, ERR_CONFIG, "ca-file",
                      "The file of certificates '%s' (connection.ca_file) cannot be read; give the "
                      "user of the bridge the right to read it, or correct the path",
                      o->ca_file);
        return NULL;
    }
    h = xcalloc(1, sizeof *h);
    h->loop = l;
    h->options = *o;
    h->ca_file = xstrdup(o->ca_file);
    h->proxy = xstrdup(o->proxy);
    h->certificate = copy(o->client_certificate);
    h->key = copy(o->client_key);
    h->key_password = copy(o->client_key_password);
    h->idle = xcalloc(o->connections, sizeof(CURL *));
    if (h->certificate[0] != '\0' &&
        http_cert_check(h->certificate, h->key, h->key_password, e) != 0) {
        http_done(h);
        return NULL;
    }
    (void)curl_multi_setopt(loop_multi(l), CURLMOPT_MAXCONNECTS, (long)o->connections);
    loop_on_transfers(l, on_transfers, h);
    return h;
}

static void headers_free(struct curl_slist *list)
{
    for (struct curl_slist *s = list; s != NULL; s = s->next)
        OPENSSL_cleanse(s->data, strlen(s->data));
    curl_slist_free_all(list);
}

/* The handle keeps its TLS sessions and nothing of the request. */
static void easy_put(struct http *h, CURL *easy)
{
    if (easy == NULL)
        return;
    curl_easy_reset(easy);
    if (h->idle_count < h->options.connections && !h->closing)
        h->idle[h->idle_count++] = easy;
    else
        curl_easy_cleanup(easy);
}

static void call_free(struct http_call *c)
{
    easy_put(c->http, c->easy);
    headers_free(c->headers);
    if (c->body != NULL)
        OPENSSL_cleanse(c->body, c->body_length);
    free(c->body);
    buf_wipe(&c->answer);
    free(c->method);
    free(c->place);
    free(c->content_type);
    free(c->rate_rule);
    free(c);
}

static int url_check(struct http_call *c, const char *url, struct err *e)
{
    bool secure;

    c->place = http_url_place(url, c->http->options.allow_http, &secure, e);
    if (c->place == NULL)
        return -1;
    if (!secure)
        (void)curl_easy_setopt(c->easy, CURLOPT_NOPROXY, "*"); /* loopback never leaves */
    return 0;
}

static int header_add(struct http_call *c, const char *name, const char *value, struct err *e)
{
    char *line;
    struct curl_slist *more;

    if (!http_is_plain(name) || strchr(name, ':') != NULL || strpbrk(value, "\r\n") != NULL)
        return err_set(
            e, ERR_CONFIG, "bad-header",
            "A header of a request to %s holds a line end or a bad name, so it was not sent; "
            "is there a line end inside a secret of connection.auth?",
            c->place);
    line = value[0] == '\0' ? xasprintf("%s;", name) : xasprintf("%s: %s", name, value);
    more = curl_slist_append(c->headers, line);
    wipe_free(line);
    if (more == NULL)
        return err_set(e, ERR_RETRY, "memory", "Out of memory for a request to %s", c->place);
    c->headers = more;
    return 0;
}

static int headers_set(struct http_call *c, const struct http_request *r, struct err *e)
{
    char *bearer;
    int rc = 0;

    for (size_t i = 0; i < r->headers_count && rc == 0; i++)
        rc = header_add(c, r->headers[i].name, r->headers[i].value, e);
    if (rc == 0 && r->bearer != NULL && r->bearer[0] != '\0') {
        bearer = xasprintf("Bearer %s", r->bearer);
        rc = header_add(c, "Authorization", bearer, e);
        wipe_free(bearer);
    }
    if (rc != 0)
        return -1;
    /* No waiting for `100 Continue` before a big body. "Name:" takes a header away. */
    c->headers = curl_slist_append(c->headers, "Expect:");
    return curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->headers) == CURLE_OK ? 0 : -1;
}

static int body_set(struct http_call *c, const struct http_request *r, struct err *e)
{
    (void)curl_easy_setopt(c->easy, CURLOPT_HTTPGET, 1L);
    if (r->body != NULL) {
        c->body = malloc(r->body_length + 1);
        if (c->body == NULL)
            return err_set(e, ERR_RETRY, "memory", "Out of memory for a request of %zu bytes to %s",
                           r->body_length, c->place);
        memcpy(c->body, r->body, r->body_length);
        c->body_length = r->body_length;
    }
    if (r->body != NULL || strcmp(r->method, "POST") == 0) {
        (void)curl_easy_setopt(c->easy, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->body_length);
        (void)curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, c->body == NULL ? "" : c->body);
    }
    if (strcmp(r->method, "GET") != 0 && strcmp(r->method, "POST") != 0)
        (void)curl_easy_setopt(c->easy, CURLOPT_CUSTOMREQUEST, r->method);
    return 0;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct http_call *c = arg;

    if (buf_add(&c->answer, bytes, size * count) == 0)
        return size * count;
    c->too_large = true;
    return 0;
}

/* Runs when the connection stands (TLS and proxy included) and the request is about to leave: once,
 * and again when libcurl repeats it on a new connection. */
static int on_sending(void *arg, char *far_ip, char *near_ip, int far_port, int near_port)
{
    struct http_call *c = arg;
    long sent = 0;

    (void)far_ip;
    (void)near_ip;
    (void)far_port;
    (void)near_port;
    if (c->connected && !c->is_read) {
        (void)curl_easy_getinfo(c->easy, CURLINFO_REQUEST_SIZE, &sent);
        if (sent > 0) {
            c->repeated = true;
            return CURL_PREREQFUNC_ABORT;
        }
    }
    c->connected = true;
    return CURL_PREREQFUNC_OK;
}

/* Only secure connections have one, so the simulator's plain ones are not harmed. */
static void certificate_set(CURL *easy, const struct http *h)
{
    if (h->ca_file[0] != '\0') {
        (void)curl_easy_setopt(easy, CURLOPT_CAINFO, h->ca_file);
        (void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    if (h->certificate[0] == '\0')
        return;
    (void)curl_easy_setopt(easy, CURLOPT_SSLCERT, h->certificate);
    (void)curl_easy_setopt(easy, CURLOPT_SSLKEY, h->key[0] == '\0' ? h->certificate : h->key);
    if (h->key_password[0] != '\0')
        (void)curl_easy_setopt(easy, CURLOPT_KEYPASSWD, h->key_password);
}

static void options_set(struct http_call *c, usec_t timeout)
{
    const struct http_options *o = &c->http->options;
    CURL *easy = c->easy;

    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, o->allow_http ? "http,https" : "https");
    (void)curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    (void)curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, "itsm-bridge/" ITSM_VERSION);
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    (void)curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 30L);
    (void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 15L);
    (void)curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, IDLE_MAX_S);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                           (long)((o->connect_timeout + USEC_MS - 1) / USEC_MS));
    (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)((timeout + USEC_MS - 1) / USEC_MS));
    (void)curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)o->body_max);
    certificate_set(easy, c->http);
    if (c->http->proxy[0] != '\0')
        (void)curl_easy_setopt(easy, CURLOPT_PROXY, c->http->proxy);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, c->reason);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, c);
    (void)curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_sending);
    (void)curl_easy_setopt(easy, CURLOPT_PREREQDATA, c);
    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, c);
}

static struct http_call *call_new(struct http *h, const struct http_request *r, http_fn fn,
                                  void *arg)
{
    struct http_call *c = xcalloc(1, sizeof *c);

    c->http = h;
    c->easy = h->idle_count > 0 ? h->idle[--h->idle_count] : curl_easy_init();
    c->method = xstrdup(r->method);
    c->is_read = strcmp(r->method, "GET") == 0;
    c->fn = fn;
    c->arg = arg;
    buf_init(&c->answer, h->options.body_max);
    return c;
}

struct http_call *http_submit(struct http *h, const struct http_request *r, http_fn fn, void *arg,
                              struct err *e)
{
    struct http_call *c;

    if (h->closing) {
        (void)err_set(e, ERR_FATAL, "closing", "The HTTP client is closing; nothing is sent");
        return NULL;
    }
    c = call_new(h, r, fn, arg);
    if (c->easy == NULL) {
        (void)err_set(e, ERR_RETRY, "memory", "libcurl cannot make a handle (out of memory?)");
        goto out;
    }
    options_set(c, r->timeout > 0 ? r->timeout : h->options.request_timeout);
    if (url_check(c, r->url, e) != 0 || headers_set(c, r, e) != 0 || body_set(c, r, e) != 0)
        goto out;
    if (curl_easy_setopt(c->easy, CURLOPT_URL, r->url) != CURLE_OK ||
        curl_multi_add_handle(loop_multi(h->loop), c->easy) != CURLM_OK) {
        (void)err_set(e, ERR_RETRY, "memory", "libcurl cannot start a request to %s (memory?)",
                      c->place);
        goto out;
    }
    DL_APPEND(h->calls, c);
    h->in_flight++;
    return c;
out:
    call_free(c);
    return NULL;
}

static const char *header(CURL *easy, const char *name)
{
    struct curl_header *found;

    return curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &found) == CURLHE_OK ? found->value
                                                                                  : NULL;
}

static long long header_number(CURL *easy, const char *name)
{
    const char *text = header(easy, name);
    long long value;

    return text != NULL && text_to_int(text, &value) == 0 && value >= 0 ? value : -1;
}

/* Seconds, or a date: then counted from the answer's own Date, so that no clock of ours matters. */
static usec_t retry_after(const char *text, msec_t date)
{
    long long seconds;
    msec_t at;

    if (text == NULL)
        return 0;
    if (text_to_int(text, &seconds) == 0) {
        if (seconds <= 0)
            return 0;
        return seconds > USEC_NEVER / USEC_S ? USEC_NEVER : seconds * USEC_S;
    }
    if (clock_parse_http(text, &at) != 0)
        return 0;
    if (date == MSEC_NONE)
        date = clock_wall();
    return at > date ? (at - date) * USEC_MS : 0;
}

static void read_rule(struct http_call *c)
{
    const char *text = header(c->easy, "X-RateLimit-Rule");

    c->rate_rule = copy(text == NULL || !http_is_plain(text) ? "" : text);
}

static void read_content_type(struct http_call *c)
{
    const char *text = header(c->easy, "Content-Type");

    c->content_type = text == NULL ? xstrdup("") : xstrndup(text, strcspn(text, "; \t,"));
    text_lower(c->content_type);
}

static void read_head(struct http_call *c, struct http_answer *a)
{
    const char *date = header(c->easy, "Date");
    long status = 0;

    (void)curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
    a->status = (int)status;
    if (date == NULL || clock_parse_http(date, &a->date) != 0)
        a->date = MSEC_NONE;
    a->retry_after = retry_after(header(c->easy, "Retry-After"), a->date);
    a->rate_limit = header_number(c->easy, "X-RateLimit-Limit");
    a->rate_reset = header_number(c->easy, "X-RateLimit-Reset");
    a->total_count = header_number(c->easy, "X-Total-Count");
    read_rule(c);
    a->rate_rule = c->rate_rule;
    read_content_type(c);
    a->content_type = c->content_type;
    a->body = buf_text(&c->answer);
    a->body_length = c->answer.length;
}

/* What libcurl makes of the alert `certificate expired`, without the server's own being at fault.
 */
#define EXPIRED_TO_CURL "SSL certificate verification failed"

/* The other side ended the handshake because of our certificate, or of its absence. With TLS 1.3
 * that alert comes after our first bytes; what was sent was not read (RFC 8446 4.4.2.4). Older
 * servers without a certificate from us say `handshake failure` only. */
static bool client_refused(const struct http_call *c)
{
    static const char *const alerts[] = {"alert certificate",       "alert bad certificate",
                                         "alert unknown ca",        "alert unsupported certificate",
                                         "alert handshake failure", EXPIRED_TO_CURL};

    for (size_t i = 0; i < ARRAY_LEN(alerts); i++)
        if (strstr(c->reason, alerts[i]) != NULL)
            return true;
    return false;
}

static bool is_certificate(CURLcode code)
{
    return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
           code == CURLE_SSL_ISSUER_ERROR || code == CURLE_SSL_CERTPROBLEM ||
           code == CURLE_SSL_PINNEDPUBKEYNOTMATCH;
}

/* libcurl quotes a proxy's address when it cannot read it, and that may hold a password. */
static const char *reason(const struct http_call *c, CURLcode code)
{
    return c->reason[0] == '\0' || strchr(c->reason, '@') != NULL ? curl_easy_strerror(code)
                                                                  : c->reason;
}

static enum http_end end_of(const struct http_call *c, CURLcode code)
{
    long sent = 0;

    if (code == CURLE_OK)
        return HTTP_ANSWERED;
    if (c->too_large || code == CURLE_FILESIZE_EXCEEDED)
        return HTTP_TOO_LARGE;
    (void)curl_easy_getinfo(c->easy, CURLINFO_REQUEST_SIZE, &sent);
    return c->connected && sent > 0 && !client_refused(c) ? HTTP_LOST : HTTP_NOT_SENT;
}

static const char *certificate_cure(const struct http_call *c, CURLcode code)
{
    if (client_refused(c))
        return c->http->certificate[0] == '\0'
                   ? "; the server wants a certificate of the bridge, it seems: set "
                     "connection.client_certificate and connection.client_key"
                   : "; the server refuses the bridge's certificate (expired, or not known to it): "
                     "check connection.client_certificate";
    if (code == CURLE_SSL_CERTPROBLEM)
        return "; the bridge's certificate or its key cannot be used: check "
               "connection.client_certificate and connection.client_key";
    return "; the server's certificate is not trusted: check connection.ca_file, the name in "
           "connection.server_url, and the certificate's dates";
}

static void describe(const struct http_call *c, CURLcode code, struct http_answer *a)
{
    switch (a->end) {
    case HTTP_ANSWERED:
        err_clear(&a->err);
        break;
    case HTTP_NOT_SENT:
        (void)err_set(&a->err, a->certificate_refused ? ERR_CONFIG : ERR_RETRY,
                      a->certificate_refused ? "certificate" : "not-sent",
                      "%s %s was not sent: %s%s", c->method, c->place, reason(c, code),
                      a->certificate_refused ? certificate_cure(c, code) : "");
        break;
    case HTTP_LOST:
        (void)err_set(&a->err, ERR_RETRY, "lost", "%s %s was sent and not answered wholly: %s",
                      c->method, c->place,
                      c->repeated ? "the connection was closed without an answer"
                                  : reason(c, code));
        break;
    case HTTP_TOO_LARGE:
        (void)err_set(&a->err, ERR_REJECT, "too-large",
                      "%s %s: the answer is larger than %zu bytes and was not read", c->method,
                      c->place, c->http->options.body_max);
        break;
    case HTTP_CANCELLED:
        (void)err_set(&a->err, ERR_RETRY, "cancelled", "%s %s was cancelled by the bridge",
                      c->method, c->place);
        break;
    }
}

/* Takes the call out of everything, tells its owner, frees it. */
static void finish(struct http *h, struct http_call *c, enum http_end end, CURLcode code,
                   usec_t now)
{
    struct http_answer a = {
        .end = end, .content_type = "", .body = "", .rate_rule = "", .date = MSEC_NONE};
    curl_off_t took = 0;

    a.rate_limit = a.rate_reset = a.total_count = -1;
    a.certificate_refused = end == HTTP_NOT_SENT && (is_certificate(code) || client_refused(c));
    if (end == HTTP_ANSWERED)
        read_head(c, &a);
    (void)curl_easy_getinfo(c->easy, CURLINFO_TOTAL_TIME_T, &took);
    a.took = took;
    describe(c, code, &a);
    (void)curl_multi_remove_handle(loop_multi(h->loop), c->easy);
    DL_DELETE(h->calls, c);
    h->in_flight--;
    c->ended = true;
    c->fn(c->arg, &a, now);
    call_free(c);
}

static void on_transfers(void *arg, usec_t now)
{
    struct http *h = arg;
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(loop_multi(h->loop), &left)) != NULL) {
        struct http_call *c = NULL;
        CURLcode code = message->data.result;

        if (message->msg != CURLMSG_DONE ||
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &c) != CURLE_OK || c == NULL)
            continue;
        finish(h, c, end_of(c, code), code, now);
    }
}

void http_cancel(struct http_call *c)
{
    invariant(!c->ended);
    finish(c->http, c, HTTP_CANCELLED, CURLE_ABORTED_BY_CALLBACK, loop_now(c->http->loop));
}

unsigned http_in_flight(const struct http *h)
{
    return h->in_flight;
}

void http_stop(struct http *h)
{
    h->closing = true;
    while (h->calls != NULL)
        finish(h, h->calls, HTTP_CANCELLED, CURLE_ABORTED_BY_CALLBACK, loop_now(h->loop));
}

struct http *http_free(struct http *h)
{
    if (h == NULL)
        return NULL;
    http_stop(h);
    loop_on_transfers(h->loop, NULL, NULL);
    while (h->idle_count > 0)
        curl_easy_cleanup(h->idle[--h->idle_count]);
    http_done(h);
    return NULL;
}
