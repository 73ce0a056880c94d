/* Scripted HTTP server on loopback: the i-th request gets the i-th step, whatever connection it
 * comes on; every request is recorded. One thread a connection. The tests wait for events (a
 * recorded request, a released answer), never for time. Test thread only, but for the server's own
 * threads. */
#ifndef TESTS_SUPPORT_SCRIPT_SERVER_H
#define TESTS_SUPPORT_SCRIPT_SERVER_H

#include <stdbool.h>
#include <stddef.h>

enum script_act {
    SCRIPT_ANSWER,
    SCRIPT_CUT,   /* half of the body, then the connection is closed */
    SCRIPT_CLOSE, /* the request is read, nothing is answered, the connection is closed */
    SCRIPT_RESET, /* the same with a TCP reset */
};

struct script_step {
    enum script_act act;
    int status;          /* 0: 200 */
    const char *type;    /* Content-Type; NULL: application/json;charset=UTF-8 */
    const char *headers; /* further ones, each with its CRLF; NULL: none */
    const char *body;    /* NULL: empty */
    size_t body_length;  /* 0: strlen */
    bool hold;           /* waits for script_server_release first */
    bool close;          /* Connection: close after the answer */
};

struct script_request {
    char *method, *target, *head, *body; /* head: all header lines, as sent */
    size_t body_length;
};

struct script_server;

struct script_server *script_server_new(void);
struct script_server *script_server_free(struct script_server *s);
int script_server_port(const struct script_server *s);

/* Copies the step. A request without a step is answered 599. */
void script_server_push(struct script_server *s, const struct script_step *step);
/* Lets the next `n` held answers go. */
void script_server_release(struct script_server *s, unsigned n);

size_t script_server_count(struct script_server *s);       /* requests read so far */
size_t script_server_connections(struct script_server *s); /* accepted so far */
/* Borrowed for the life of the server; NULL when there were not so many. */
const struct script_request *script_server_request(struct script_server *s, size_t i);

#endif
