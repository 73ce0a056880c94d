#include "tests/support/tls_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"

struct tls_server {
    SSL_CTX *ctx;
    int fd, port;
    pthread_t thread;
    atomic_size_t requests;
};

static const char answer[] =
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";

/* The whole head and, told by its length, the body. */
static bool read_request(SSL *ssl)
{
    char text[8192];
    size_t have = 0;

    while (have < sizeof text - 1) {
        int n = SSL_read(ssl, text + have, (int)(sizeof text - 1 - have));
        const char *end, *length;

        if (n <= 0)
            return false;
        have += (size_t)n;
        text[have] = '\0';
        end = strstr(text, "\r\n\r\n");
        length = strcasestr(text, "\r\nContent-Length: ");
        if (end != NULL &&
            (size_t)(end + 4 - text) + (length == NULL ? 0 : strtoul(length + 18, NULL, 10)) <=
                have)
            return true;
    }
    return false;
}

static void serve(struct tls_server *s, int fd)
{
    SSL *ssl = SSL_new(s->ctx);
    char rest[256];

    (void)SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1 && read_request(ssl)) {
        (void)atomic_fetch_add(&s->requests, 1);
        (void)SSL_write(ssl, answer, (int)sizeof answer - 1);
        (void)SSL_shutdown(ssl);
    }
    /* What the client still says is read, so that no reset overtakes the alert. */
    (void)shutdown(fd, SHUT_WR);
    while (read(fd, rest, sizeof rest) > 0)
        ;
    SSL_free(ssl);
    (void)close(fd);
}

static void *run(void *arg)
{
    struct tls_server *s = arg;
    int fd;

    while ((fd = accept(s->fd, NULL, NULL)) >= 0)
        serve(s, fd);
    return NULL;
}

static void load(SSL_CTX *ctx, const char *certificate, const char *key, const char *client_ca)
{
    invariant(SSL_CTX_use_certificate_chain_file(ctx, certificate) == 1);
    invariant(SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) == 1);
    if (client_ca == NULL)
        return;
    invariant(SSL_CTX_load_verify_locations(ctx, client_ca, NULL) == 1);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
}

struct tls_server *tls_server_new(const char *certificate, const char *key, const char *client_ca,
                                  bool max_tls12)
{
    struct tls_server *s = xcalloc(1, sizeof *s);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;

    (void)signal(SIGPIPE, SIG_IGN); /* a client that refuses hangs up in the middle */
    s->ctx = SSL_CTX_new(TLS_server_method());
    invariant(s->ctx != NULL);
    load(s->ctx, certificate, key, client_ca);
    if (max_tls12)
        (void)SSL_CTX_set_max_proto_version(s->ctx, TLS1_2_VERSION);
    (void)SSL_CTX_set_session_id_context(s->ctx, (const unsigned char *)"t", 1);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    invariant(s->fd >= 0 && bind(s->fd, (struct sockaddr *)&at, sizeof at) == 0);
    invariant(listen(s->fd, 16) == 0);
    invariant(getsockname(s->fd, (struct sockaddr *)&at, &length) == 0);
    s->port = ntohs(at.sin_port);
    invariant(pthread_create(&s->thread, NULL, run, s) == 0);
    return s;
}

struct tls_server *tls_server_free(struct tls_server *s)
{
    (void)shutdown(s->fd, SHUT_RDWR);
    (void)pthread_join(s->thread, NULL);
    (void)close(s->fd);
    SSL_CTX_free(s->ctx);
    free(s);
    return NULL;
}

int tls_server_port(const struct tls_server *s)
{
    return s->port;
}

size_t tls_server_requests(struct tls_server *s)
{
    return atomic_load(&s->requests);
}
