/* libmicrohttpd in external mode: its epoll descriptor is one descriptor of our loop, MHD_run does
 * the rest. Connections are few (a scraper, a person), so they are capped low. */
#include "bridge/status/status.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bridge/base/xalloc.h"

#define CONNECTIONS_MAX 32
#define IDLE_S          15
#define PAGE_MAX        (16u << 20)

struct status {
    struct loop *loop;
    struct MHD_Daemon *daemon;
    struct loop_fd *fd;
    struct loop_tick *tick;
    status_page_fn page;
    void *arg;
    int port;
};

static enum MHD_Result reply(struct MHD_Connection *c, int code, struct buf *body, const char *type)
{
    size_t length;
    char *text = buf_take(body, &length);
    struct MHD_Response *r = MHD_create_response_from_buffer(length, text, MHD_RESPMEM_MUST_FREE);
    enum MHD_Result result;

    if (r == NULL) {
        free(text);
        return MHD_NO;
    }
    (void)MHD_add_response_header(r, "Content-Type", type);
    (void)MHD_add_response_header(r, "Cache-Control", "no-store");
    (void)MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    if (code == MHD_HTTP_METHOD_NOT_ALLOWED)
        (void)MHD_add_response_header(r, "Allow", "GET, HEAD");
    result = MHD_queue_response(c, (unsigned)code, r);
    MHD_destroy_response(r);
    return result;
}

static enum MHD_Result handle(void *arg, struct MHD_Connection *c, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **state)
{
    static int seen;
    struct status *s = arg;
    const char *type = "text/plain; charset=utf-8";
    struct buf body;
    int code = MHD_HTTP_METHOD_NOT_ALLOWED;

    (void)version;
    (void)upload;
    if (*state == NULL) {
        *state = &seen;
        return MHD_YES;
    }
    if (*upload_size > 0) {
        *upload_size = 0;
        return MHD_YES;
    }
    buf_init(&body, PAGE_MAX);
    if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
        code = s->page(s->arg, url, &body, &type);
    else
        (void)buf_add_text(&body, "only GET and HEAD are served here\n");
    return reply(c, code, &body, type);
}

static void run(void *arg, usec_t now)
{
    struct status *s = arg;

    (void)now;
    (void)MHD_run(s->daemon);
}

/* Time-outs of idle connections are due without any descriptor being ready. */
static usec_t tick(void *arg, usec_t now)
{
    struct status *s = arg;
    MHD_UNSIGNED_LONG_LONG wait_ms;

    if (MHD_get_timeout(s->daemon, &wait_ms) != MHD_YES)
        return USEC_NEVER;
    if (wait_ms == 0)
        (void)MHD_run(s->daemon);
    return usec_add(now, (usec_t)(wait_ms == 0 ? 10 : wait_ms) * USEC_MS);
}

/* "host:port" or "[v6]:port" in two new strings. */
static int split(const char *listen, char **ret_host, char **ret_port)
{
    const char *colon = strrchr(listen, ':');
    size_t length = colon == NULL ? 0 : (size_t)(colon - listen);

    if (length == 0 || colon[1] == '\0')
        return -1;
    if (listen[0] == '[' && listen[length - 1] == ']')
        *ret_host = xstrndup(listen + 1, length - 2);
    else
        *ret_host = xstrndup(listen, length);
    *ret_port = xstrdup(colon + 1);
    return 0;
}

static int open_socket(const char *listen_on, struct err *e)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found = NULL;
    char *host = NULL, *port = NULL;
    int fd = -1, one = 1, rc;

    if (split(listen_on, &host, &port) != 0)
        return err_set(e, ERR_CONFIG, "status-listen", "status.listen '%s' is not HOST:PORT",
                       listen_on);
    rc = getaddrinfo(host, port, &hints, &found);
    if (rc != 0) {
        (void)err_set(e, ERR_CONFIG, "status-listen", "status.listen '%s': %s", listen_on,
                      gai_strerror(rc));
        goto out;
    }
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, 16) != 0) {
        (void)err_set(e, ERR_CONFIG, "status-listen",
                      "The status server cannot listen on %s: %s. Another bridge may be running "
                      "here: give this one another "
                      "port in status.listen",
                      listen_on, strerror(errno));
        if (fd >= 0)
            (void)close(fd);
        fd = -1;
    }
out:
    if (found != NULL)
        freeaddrinfo(found);
    free(host);
    free(port);
    return fd;
}

static int port_of(int fd)
{
    struct sockaddr_storage a;
    socklen_t length = sizeof a;
    char port[NI_MAXSERV];

    if (getsockname(fd, (struct sockaddr *)&a, &length) != 0 ||
        getnameinfo((struct sockaddr *)&a, length, NULL, 0, port, sizeof port, NI_NUMERICSERV) != 0)
        return 0;
    return (int)strtol(port, NULL, 10);
}

struct status *status_new(struct loop *l, const char *listen_on, status_page_fn page, void *arg,
                          struct err *e)
{
    const union MHD_DaemonInfo *info;
    struct status *s;
    int fd = open_socket(listen_on, e);

    if (fd < 0)
        return NULL;
    s = xcalloc(1, sizeof *s);
    *s = (struct status){.loop = l, .page = page, .arg = arg, .port = port_of(fd)};
    s->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, handle, s, MHD_OPTION_LISTEN_SOCKET,
                                 fd, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
                                 MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, MHD_OPTION_END);
    info = s->daemon == NULL ? NULL : MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == NULL) {
        (void)err_set(e, ERR_FATAL, "status-listen",
                      "libmicrohttpd cannot start a server with epoll");
        (void)close(fd);
        free(s);
        return NULL;
    }
    s->fd = loop_add_fd(l, info->epoll_fd, run, s);
    s->tick = loop_add_tick(l, tick, s);
    return s;
}

struct status *status_free(struct status *s)
{
    if (s == NULL)
        return NULL;
    loop_remove_fd(s->loop, s->fd);
    loop_remove_tick(s->loop, s->tick);
    MHD_stop_daemon(s->daemon);
    free(s);
    return NULL;
}

int status_port(const struct status *s)
{
    return s->port;
}
