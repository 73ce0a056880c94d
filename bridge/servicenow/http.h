/* HTTP client over curl multi on the loop. Keep-alive, gzip, capped bodies, time-outs, certificate
 * checks always on; no redirects, no cookies (servicenow-api 2.5: a shared session serialises
 * requests). Loop thread only. */
#ifndef BRIDGE_SERVICENOW_HTTP_H
#define BRIDGE_SERVICENOW_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "bridge/base/attr.h"
#include "bridge/base/buf.h"
#include "bridge/base/clock.h"
#include "bridge/base/err.h"
#include "bridge/base/loop.h"

struct http_options {
    const char *ca_file; /* "" = the system's */
    /* PEM files for mTLS, read for each new connection; NULL or "" = none. client_key none: in the
     * certificate's file. */
    const char *client_certificate, *client_key, *client_key_password;
    const char *proxy; /* "" = from the environment (https_proxy, no_proxy); plain http to loopback
                          never goes through a proxy */
    bool allow_http;   /* plain http to loopback only; checked again for every request's host */
    usec_t connect_timeout, request_timeout;
    size_t body_max;      /* answers beyond it end in HTTP_TOO_LARGE */
    unsigned connections; /* kept alive at most */
};

enum http_end {
    HTTP_ANSWERED,  /* a complete answer, any status */
    HTTP_NOT_SENT,  /* nothing of the request reached the other side: name, connect, TLS failed */
    HTTP_LOST,      /* sent wholly or in part, no complete answer: the effect is unknown */
    HTTP_TOO_LARGE, /* the answer passed body_max: as HTTP_LOST for writes */
    HTTP_CANCELLED, /* by http_cancel or http_free; may have been sent */
};

struct http_header {
    const char *name, *value;
};

struct http_request {
    const char *method; /* "GET", "POST", "PATCH", "PUT", "DELETE" */
    const char *url;
    const struct http_header *headers;
    size_t headers_count;
    const char *bearer; /* NULL or "" = none; copied by the client */
    const void *body;   /* NULL: none; copied */
    size_t body_length;
    usec_t timeout; /* 0: the client's */
};

struct http_answer {
    enum http_end end;
    int status;               /* 0 unless answered */
    const char *content_type; /* lower case, without parameters; "" when none */
    const char *body;         /* NUL-terminated, body_length bytes */
    size_t body_length;
    usec_t retry_after;               /* 0: none; seconds or date form, not clamped */
    msec_t date;                      /* Date header, MSEC_NONE when none */
    long long rate_limit, rate_reset; /* X-RateLimit-Limit, -Reset; -1: none */
    const char *rate_rule;            /* X-RateLimit-Rule; "" when none */
    long long total_count;            /* X-Total-Count, -1: none */
    usec_t took;
    bool
        certificate_refused; /* HTTP_NOT_SENT because of the certificate: does not heal by itself */
    struct err err;          /* for all ends but HTTP_ANSWERED: what happened, for people */
};

struct http;
struct http_call;

/* Called exactly once for each submit, never from inside http_submit. The answer is borrowed for
 * the length of the call. May submit and cancel. */
typedef void (*http_fn)(void *arg, const struct http_answer *answer, usec_t now);

struct http *http_new(struct loop *l, const struct http_options *o, struct err *e) MUST_CHECK;
/* Cancels what is under way, callbacks run; from then on every submit is refused. */
void http_stop(struct http *h);
struct http *http_free(struct http *h); /* cancels what is under way, callbacks run; NULL is fine */

/* A request other than GET is sent at most once: libcurl's own repetition on a new connection, when
 * a kept-alive one dies without an answer, is let through for GET only; otherwise it is HTTP_LOST.
 * Starts at once (the window is the caller's business: curl must never queue). NULL when the
 * request itself is unusable (bad URL, CR or LF in a header); then the callback is not called. */
struct http_call *http_submit(struct http *h, const struct http_request *r, http_fn fn, void *arg,
                              struct err *e) MUST_CHECK;
void http_cancel(
    struct http_call *c); /* the callback runs with HTTP_CANCELLED before this returns */
unsigned http_in_flight(const struct http *h);

#endif
