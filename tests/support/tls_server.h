/* A TLS server on loopback with a certificate of the test's choice: answers every request with 200
 * and `hello`, closes after each. One thread; a handshake that fails costs nothing but its
 * connection. Test thread only, but for the server's own. */
#ifndef TESTS_SUPPORT_TLS_SERVER_H
#define TESTS_SUPPORT_TLS_SERVER_H

#include <stdbool.h>
#include <stddef.h>

struct tls_server;

/* Files in PEM form; client_ca: clients must show a certificate that it signed, NULL: none asked.
 * max_tls12: speak TLS 1.2 at most. */
struct tls_server *tls_server_new(const char *certificate, const char *key, const char *client_ca,
                                  bool max_tls12);
struct tls_server *tls_server_free(struct tls_server *s);
int tls_server_port(const struct tls_server *s);
size_t tls_server_requests(struct tls_server *s); /* read so far: none of a refused client */

#endif
