/* Scripted loopback server on plain sockets, so that it can do what a well-behaved server library
 * would not: cut, reset, stay silent. */
#include "tests/support/script_server.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bridge/base/buf.h"
#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"

#define CONNECTIONS_MAX 256
#define REQUESTS_MAX    4096
#define BYTES_MAX       ((size_t)64 * 1024 * 1024)

struct connection {
    struct script_server *server;
    pthread_t thread;
    int fd; /* -1: closed */
};

struct step {
    struct script_step what;
    struct step *next;
};

struct script_server {
    int fd, port;
    pthread_t acceptor;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t released;
    struct step *steps, **steps_tail;
    struct script_request *requests[REQUESTS_MAX];
    size_t requests_count;
    struct connection connections[CONNECTIONS_MAX];
    size_t connections_count;
    unsigned permits;
    bool stop;
};

static int send_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t n = send(fd, bytes, length, MSG_NOSIGNAL);

        if (n <= 0)
            return -1;
        bytes += n;
        length -= (size_t)n;
    }
    return 0;
}

static int receive_more(int fd, struct buf *in)
{
    char chunk[16384];
    ssize_t n = recv(fd, chunk, sizeof chunk, 0);

    return n <= 0 ? -1 : buf_add(in, chunk, (size_t)n);
}

static size_t content_length(const char *head)
{
    const char *found = strcasestr(head, "\r\nContent-Length:");

    return found == NULL ? 0 : strtoul(found + 17, NULL, 10);
}

static struct script_request *request_new(const char *text, size_t head, size_t body)
{
    struct script_request *r = xcalloc(1, sizeof *r);
    const char *target = strchr(text, ' ') + 1;

    r->method = xstrndup(text, (size_t)(target - 1 - text));
    r->target = xstrndup(target, strcspn(target, " "));
    r->head = xstrndup(text, head);
    r->body = xstrndup(text + head, body);
    r->body_length = body;
    return r;
}

/* NULL when the peer closed or sent no request. What follows the request is dropped: the client
 * does not pipeline. */
static struct script_request *request_read(int fd)
{
    struct script_request *r = NULL;
    const char *end;
    struct buf in;

    buf_init(&in, BYTES_MAX);
    while ((end = strstr(buf_text(&in), "\r\n\r\n")) == NULL)
        if (receive_more(fd, &in) != 0)
            goto out;
    {
        size_t head = (size_t)(end + 4 - buf_text(&in)), body = content_length(buf_text(&in));

        while (in.length < head + body)
            if (receive_more(fd, &in) != 0)
                goto out;
        r = request_new(buf_text(&in), head, body);
    }
out:
    buf_done(&in);
    return r;
}

/* Records the request and takes its step; waits when the step is held. false: the server stops. */
static bool step_take(struct script_server *s, struct script_request *r, struct script_step *ret)
{
    struct step *step;
    bool go_on;

    pthread_mutex_lock(&s->lock);
    invariant(s->requests_count < REQUESTS_MAX);
    s->requests[s->requests_count++] = r;
    step = s->steps;
    *ret = (struct script_step){.status = 599};
    if (step != NULL) {
        s->steps = step->next;
        if (s->steps == NULL)
            s->steps_tail = &s->steps;
        *ret = step->what;
        free(step);
    }
    while (ret->hold && s->permits == 0 && !s->stop)
        pthread_cond_wait(&s->released, &s->lock);
    if (ret->hold && s->permits > 0)
        s->permits--;
    go_on = !s->stop;
    pthread_mutex_unlock(&s->lock);
    return go_on;
}

static int answer(int fd, const struct script_step *step)
{
    size_t length = step->body_length, sent = step->act == SCRIPT_CUT ? length / 2 : length;
    char *head = xasprintf("HTTP/1.1 %d Scripted\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                           "%s%s\r\n",
                           step->status == 0 ? 200 : step->status,
                           step->type == NULL ? "application/json;charset=UTF-8" : step->type,
                           length, step->close ? "Connection: close\r\n" : "",
                           step->headers == NULL ? "" : step->headers);
    int rc = send_all(fd, head, strlen(head));

    free(head);
    if (rc == 0)
        rc = send_all(fd, step->body, sent);
    return step->close || step->act == SCRIPT_CUT ? -1 : rc;
}

static bool serve_one(struct script_server *s, int fd)
{
    struct script_request *r = request_read(fd);
    struct script_step step;
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    bool go_on = false;

    if (r == NULL)
        return false;
    if (step_take(s, r, &step)) {
        if (step.act == SCRIPT_RESET)
            (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        else if (step.act != SCRIPT_CLOSE)
            go_on = answer(fd, &step) == 0;
    }
    free((void *)(uintptr_t)step.body);
    return go_on;
}

static void *serve(void *arg)
{
    struct connection *c = arg;

    while (serve_one(c->server, c->fd))
        ;
    pthread_mutex_lock(&c->server->lock);
    (void)close(c->fd);
    c->fd = -1;
    pthread_mutex_unlock(&c->server->lock);
    return NULL;
}

static void *accept_all(void *arg)
{
    struct script_server *s = arg;
    int fd;

    while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
        struct connection *c;

        pthread_mutex_lock(&s->lock);
        invariant(s->connections_count < CONNECTIONS_MAX);
        c = &s->connections[s->connections_count++];
        c->server = s;
        c->fd = fd;
        if (s->stop)
            (void)shutdown(fd, SHUT_RDWR);
        invariant(pthread_create(&c->thread, NULL, serve, c) == 0);
        pthread_mutex_unlock(&s->lock);
    }
    return NULL;
}

struct script_server *script_server_new(void)
{
    struct script_server *s = xcalloc(1, sizeof *s);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;

    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    invariant(s->fd >= 0 && bind(s->fd, (struct sockaddr *)&at, sizeof at) == 0);
    invariant(listen(s->fd, 128) == 0);
    invariant(getsockname(s->fd, (struct sockaddr *)&at, &length) == 0);
    s->port = ntohs(at.sin_port);
    s->steps_tail = &s->steps;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->released, NULL);
    invariant(pthread_create(&s->acceptor, NULL, accept_all, s) == 0);
    return s;
}

static void stop(struct script_server *s)
{
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_broadcast(&s->released);
    (void)shutdown(s->fd, SHUT_RDWR);
    for (size_t i = 0; i < s->connections_count; i++)
        if (s->connections[i].fd >= 0)
            (void)shutdown(s->connections[i].fd, SHUT_RDWR);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->acceptor, NULL);
    for (size_t i = 0; i < s->connections_count; i++)
        pthread_join(s->connections[i].thread, NULL);
}

struct script_server *script_server_free(struct script_server *s)
{
    if (s == NULL)
        return NULL;
    stop(s);
    (void)close(s->fd);
    for (size_t i = 0; i < s->requests_count; i++) {
        free(s->requests[i]->method);
        free(s->requests[i]->target);
        free(s->requests[i]->head);
        free(s->requests[i]->body);
        free(s->requests[i]);
    }
    for (struct step *step = s->steps, *next; step != NULL; step = next) {
        next = step->next;
        free((void *)(uintptr_t)step->what.body);
        free(step);
    }
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->released);
    free(s);
    return NULL;
}

int script_server_port(const struct script_server *s)
{
    return s->port;
}

void script_server_push(struct script_server *s, const struct script_step *step)
{
    struct step *more = xcalloc(1, sizeof *more);
    const char *body = step->body == NULL ? "" : step->body;
    char *copy;

    more->what = *step;
    if (step->body_length == 0)
        more->what.body_length = strlen(body);
    copy = xmalloc(more->what.body_length + 1);
    memcpy(copy, body, more->what.body_length);
    more->what.body = copy;
    pthread_mutex_lock(&s->lock);
    *s->steps_tail = more;
    s->steps_tail = &more->next;
    pthread_mutex_unlock(&s->lock);
}

void script_server_release(struct script_server *s, unsigned n)
{
    pthread_mutex_lock(&s->lock);
    s->permits += n;
    pthread_cond_broadcast(&s->released);
    pthread_mutex_unlock(&s->lock);
}

static size_t locked(struct script_server *s, const size_t *what)
{
    size_t value;

    pthread_mutex_lock(&s->lock);
    value = *what;
    pthread_mutex_unlock(&s->lock);
    return value;
}

size_t script_server_count(struct script_server *s)
{
    return locked(s, &s->requests_count);
}

size_t script_server_connections(struct script_server *s)
{
    return locked(s, &s->connections_count);
}

const struct script_request *script_server_request(struct script_server *s, size_t i)
{
    const struct script_request *r;

    pthread_mutex_lock(&s->lock);
    r = i < s->requests_count ? s->requests[i] : NULL;
    pthread_mutex_unlock(&s->lock);
    return r;
}
