/*
 * The HTTP front on libmicrohttpd, in poll mode (its epoll mode stalls at 128 connections; poll
 * mode needs the library's own thread). That thread serves, the main thread runs the timers; one
 * lock lets only one of them into the simulator. A request that cannot be answered at once suspends
 * its connection. The header lines and cookies are those recorded from instances.
 */
#include "tests/simulator/front.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <zlib.h>

#define PACK_FROM 200 /* bytes: smaller answers are not worth packing */

struct front {
    struct MHD_Daemon *daemon;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    usec_t awake_at; /* when the main thread looks at the timers next */
    uint16_t port;
    bool stopping;
    struct call *live;
};

static void lock(struct sim *sim)
{
    pthread_mutex_lock(&sim->front->lock);
}

/* Lets the main thread in, and wakes it when a timer is due before it would look. */
static void unlock(struct sim *sim)
{
    struct front *f = sim->front;
    usec_t next = timers_next(flow_timers(sim));
    bool wake = next < f->awake_at;

    if (wake)
        f->awake_at = next;
    pthread_mutex_unlock(&f->lock);
    if (wake)
        pthread_cond_signal(&f->wake);
}

void front_wait(struct sim *sim, usec_t until)
{
    struct front *f = sim->front;
    struct timespec t = {(time_t)(until / 1000000), (long)(until % 1000000 * 1000)};

    f->awake_at = until;
    pthread_cond_timedwait(&f->wake, &f->lock, &t);
    f->awake_at = 0;
}

void front_lock(struct sim *sim)
{
    lock(sim);
}

void front_unlock(struct sim *sim)
{
    pthread_mutex_unlock(&sim->front->lock);
}

struct call *front_live(struct sim *sim)
{
    return sim->front->live;
}

uint16_t front_port(const struct sim *sim)
{
    return sim->front->port;
}

static void *call_new(void *cls, const char *uri, struct MHD_Connection *connection)
{
    struct sim *sim = cls;
    struct call *c = xalloc(sizeof(*c));

    c->sim = sim;
    c->target = xstrdup(uri);
    c->connection = connection;
    lock(sim);
    c->next_live = sim->front->live;
    if (c->next_live)
        c->next_live->prev_live = c;
    sim->front->live = c;
    unlock(sim);
    return c;
}

static void call_free(struct call *c)
{
    struct front *f = c->sim->front;

    if (c->prev_live)
        c->prev_live->next_live = c->next_live;
    else
        f->live = c->next_live;
    if (c->next_live)
        c->next_live->prev_live = c->prev_live;
    flow_forget(c);
    request_free(&c->r);
    answer_free(&c->a);
    free(c->table);
    free(c->target);
    free(c);
}

static void completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                      enum MHD_RequestTerminationCode code)
{
    (void)connection;
    (void)code;
    lock(cls);
    if (*con_cls)
        call_free(*con_cls);
    *con_cls = NULL;
    unlock(cls);
}

static void read_headers(struct call *c)
{
    static const char *const names[HDR_COUNT] = {
        [HDR_ACCEPT] = "Accept",
        [HDR_ACCEPT_ENCODING] = "Accept-Encoding",
        [HDR_API_KEY] = "x-sn-apikey",
        [HDR_AUTHENTICATION] = "Authentication",
        [HDR_AUTHORIZATION] = "Authorization",
        [HDR_CONTENT_TYPE] = "Content-Type",
        [HDR_COOKIE] = "Cookie",
        [HDR_NO_BODY] = "X-no-response-body",
        [HDR_OVERRIDE] = "X-HTTP-Method-Override",
    };

    for (int i = 0; i < HDR_COUNT; i++) {
        const char *name = names[i] ? names[i] : c->sim->set.request_id_header;
        const char *v = MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND, name);

        if (v)
            c->r.header[i] = xstrdup(v);
    }
}

static void pack(struct answer *a)
{
    z_stream z = {0};
    struct str out = {0};

    if (deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return;
    out.cap = deflateBound(&z, a->body.n) + 1;
    out.p = xalloc(out.cap);
    z.next_in = (unsigned char *)a->body.p;
    z.avail_in = (unsigned)a->body.n;
    z.next_out = (unsigned char *)out.p;
    z.avail_out = (unsigned)out.cap;
    if (deflate(&z, Z_FINISH) == Z_STREAM_END) {
        out.n = out.cap - z.avail_out;
        free(a->body.p);
        a->body = out;
        answer_header(a, "Content-Encoding", "gzip");
    } else {
        free(out.p);
    }
    deflateEnd(&z);
}

static void put_date(const struct sim *sim, struct MHD_Response *m)
{
    time_t t = (time_t)sim_now_s(sim);
    struct tm tm;
    char text[40];

    gmtime_r(&t, &tm);
    strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
    MHD_add_response_header(m, "Date", text);
}

static void put_cookies(struct call *c, struct MHD_Response *m)
{
    struct rng *r = &c->sim->rng;
    char hex[33], text[160];

    rng_hex(r, hex, 32, true);
    snprintf(text, sizeof(text), "JSESSIONID=%s; Path=/; HttpOnly; Secure", hex);
    MHD_add_response_header(m, "Set-Cookie", text);
    MHD_add_response_header(m, "Set-Cookie", "glide_user=; Max-Age=0; Path=/; HttpOnly; Secure");
    MHD_add_response_header(m, "Set-Cookie",
                            "glide_user_session=; Max-Age=0; Path=/; HttpOnly; Secure");
    rng_hex(r, hex, 32, false);
    snprintf(text, sizeof(text),
             "glide_user_route=glide.%s; Max-Age=2147483647; Path=/; HttpOnly; Secure", hex);
    MHD_add_response_header(m, "Set-Cookie", text);
    rng_hex(r, hex, 32, true);
    snprintf(text, sizeof(text), "glide_session_store=%s; Max-Age=1800; Path=/; HttpOnly; Secure",
             hex);
    MHD_add_response_header(m, "Set-Cookie", text);
    MHD_add_response_header(m, "Set-Cookie",
                            "BIGipServerpool_sim=2357331210.32318.0000; path=/; Httponly; Secure");
}

static void put_platform_headers(struct call *c, struct MHD_Response *m)
{
    static const char *const lines[][2] = {
        {"Server", "ServiceNow"},
        {"Server-Timing", "sem_wait;dur=0, sesh_wait;dur=0"},
        {"Pragma", "no-store,no-cache"},
        {"Cache-Control", "no-cache,no-store,must-revalidate,max-age=-1"},
        {"Expires", "0"},
        {"X-Content-Type-Options", "nosniff"},
        {"Strict-Transport-Security", "max-age=63072000; includeSubDomains"},
    };
    char id[13];

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        MHD_add_response_header(m, lines[i][0], lines[i][1]);
    rng_hex(&c->sim->rng, id, 12, false);
    MHD_add_response_header(m, "X-Transaction-ID", id);
    if (c->a.anonymous)
        return;
    MHD_add_response_header(m, "X-Is-Logged-In", "true");
    MHD_add_response_header(m, "Keep-Alive", "timeout=20");
    if (c->sim->set.cookies && c->r.header[HDR_COOKIE] == NULL)
        put_cookies(c, m);
}

static void put_own_headers(const struct answer *a, struct MHD_Response *m)
{
    for (char *p = a->headers.p; p && *p;) {
        char *end = strchr(p, '\n');
        char *colon = strstr(p, ": ");

        if (end == NULL || colon == NULL || colon > end)
            break;
        *end = *colon = '\0';
        MHD_add_response_header(m, p, colon + 2);
        p = end + 1;
    }
}

static void drip_timer(void *arg)
{
    struct call *c = arg;

    MHD_resume_connection(c->connection);
}

/* Gives the body piece by piece: for chunked answers, cuts and drips. */
static ssize_t piece(void *cls, uint64_t pos, char *buf, size_t max)
{
    struct call *c = cls;
    size_t left = c->a.body.n - (size_t)pos;

    if (c->cut_at >= 0) {
        if ((uint64_t)c->cut_at <= pos)
            return MHD_CONTENT_READER_END_WITH_ERROR;
        left = left < (uint64_t)c->cut_at - pos ? left : (size_t)((uint64_t)c->cut_at - pos);
    }
    if (left == 0)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (c->drip_bytes > 0) {
        if (c->sent == pos && pos > 0 && !c->dripping) {
            c->dripping = true;
            timers_add(flow_timers(c->sim), clock_mono() + c->drip_wait, drip_timer, c);
            MHD_suspend_connection(c->connection);
            return 0;
        }
        c->dripping = false;
        left = left < (size_t)c->drip_bytes ? left : (size_t)c->drip_bytes;
    }
    left = left < max ? left : max;
    memcpy(buf, c->a.body.p + pos, left);
    c->sent = (size_t)pos + left;
    return (ssize_t)left;
}

static ssize_t give(void *cls, uint64_t pos, char *buf, size_t max)
{
    struct call *c = cls;
    struct sim *sim = c->sim;
    ssize_t n;

    lock(sim);
    n = piece(c, pos, buf, max);
    unlock(sim);
    return n;
}

static struct MHD_Response *response_of(struct call *c)
{
    struct answer *a = &c->a;
    const char *accepts = c->r.header[HDR_ACCEPT_ENCODING];
    bool pieces = c->cut_at >= 0 || c->drip_bytes > 0;
    bool chunked = c->sim->set.chunked && !a->plain && a->body.n > 0 && !pieces;
    struct str body;
    size_t block;

    if (c->sim->set.gzip && !pieces && accepts && strstr(accepts, "gzip") && a->body.n >= PACK_FROM)
        pack(a);
    /* the library keeps a buffer of this size with each answer, and does not use it for chunks */
    block = chunked ? 512 : 16384;
    if (pieces || chunked)
        return MHD_create_response_from_callback(chunked ? MHD_SIZE_UNKNOWN : a->body.n, block,
                                                 give, c, NULL);
    body = a->body;
    a->body = (struct str){0};
    if (body.p == NULL)
        return MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
    return MHD_create_response_from_buffer(body.n, body.p, MHD_RESPMEM_MUST_FREE);
}

/* The finished answer, new; NULL: the connection is to be closed without one. */
static struct MHD_Response *build_answer(struct call *c)
{
    struct MHD_Response *m = c->cut ? NULL : response_of(c);

    if (m == NULL)
        return NULL;
    put_date(c->sim, m);
    if (c->a.type)
        MHD_add_response_header(m, "Content-Type", c->a.type);
    if (!c->a.plain)
        put_platform_headers(c, m);
    put_own_headers(&c->a, m);
    if (c->a.close)
        MHD_add_response_header(m, "Connection", "close");
    return m;
}

void front_answer(struct call *c)
{
    if (c->answered)
        return;
    c->answered = true;
    if (!c->in_handler)
        MHD_resume_connection(c->connection);
}

void front_kick(struct call *c)
{
    if (!c->dripping)
        return;
    c->dripping = false;
    c->cut_at = 0;
    MHD_resume_connection(c->connection);
}

bool front_gone(const struct call *c)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    char byte;

    return info == NULL || recv(info->connect_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* The whole request is there. Gives the answer, when there is one, in *ret_answer. */
static enum MHD_Result run(struct call *c, const char *method, struct MHD_Response **ret_answer)
{
    if (!c->running) {
        c->running = c->in_handler = true;
        request_init(&c->r, method, c->target);
        read_headers(c);
        flow_take(c);
        c->in_handler = false;
        if (!c->answered) {
            MHD_suspend_connection(c->connection);
            return MHD_YES;
        }
    }
    if (!c->answered)
        return MHD_YES;
    *ret_answer = build_answer(c);
    return *ret_answer ? MHD_YES : MHD_NO;
}

static void take_upload(struct call *c, const char *upload, size_t n)
{
    c->body_bytes += n;
    if (c->body_bytes <= (uint64_t)c->sim->set.max_content_length ||
        strncmp(c->target, "/_sim/", 6) == 0)
        str_add(&c->r.body, upload, n);
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **con_cls)
{
    struct sim *sim = cls;
    struct call *c = *con_cls;
    struct MHD_Response *answer = NULL;
    enum MHD_Result rc = MHD_YES;

    (void)url;
    (void)version;
    lock(sim);
    c->connection = connection;
    if (sim->front->stopping)
        rc = MHD_NO;
    else if (!c->started)
        c->started = true;
    else if (*upload_size > 0)
        take_upload(c, upload, *upload_size);
    else
        rc = run(c, method, &answer);
    *upload_size = 0;
    unlock(sim);
    if (answer) {
        /* not under our lock: the library holds the answer's own lock while it asks for pieces */
        rc = MHD_queue_response(connection, (unsigned)c->a.status, answer);
        MHD_destroy_response(answer);
    }
    return rc;
}

int front_start(struct sim *sim)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)sim->set.port)};
    const union MHD_DaemonInfo *info;
    pthread_condattr_t attr;

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sim->front = xalloc(sizeof(*sim->front));
    pthread_mutex_init(&sim->front->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&sim->front->wake, &attr);
    pthread_condattr_destroy(&attr);
    sim->front->daemon = MHD_start_daemon(
        MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_SUPPRESS_DATE_NO_CLOCK,
        (uint16_t)sim->set.port, NULL, NULL, handle, sim, MHD_OPTION_SOCK_ADDR, &at,
        MHD_OPTION_URI_LOG_CALLBACK, call_new, sim, MHD_OPTION_NOTIFY_COMPLETED, completed, sim,
        MHD_OPTION_CONNECTION_LIMIT, 4000u, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)40960,
        MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_END);
    if (sim->front->daemon == NULL) {
        fprintf(stderr,
                "snow-sim: cannot listen on 127.0.0.1:%lld. Another program may hold the port: "
                "choose one with --port, or 0 for a free one.\n",
                (long long)sim->set.port);
        return -1;
    }
    info = MHD_get_daemon_info(sim->front->daemon, MHD_DAEMON_INFO_BIND_PORT);
    sim->front->port = info ? info->port : 0;
    return 0;
}

void front_stop(struct sim *sim)
{
    if (sim->front->daemon) {
        lock(sim);
        sim->front->stopping = true;
        flow_drop_all(sim, NULL);
        unlock(sim);
        MHD_stop_daemon(sim->front->daemon);
    }
    pthread_cond_destroy(&sim->front->wake);
    pthread_mutex_destroy(&sim->front->lock);
    free(sim->front);
    sim->front = NULL;
}
