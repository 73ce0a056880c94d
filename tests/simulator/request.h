#ifndef SIM_REQUEST_H
#define SIM_REQUEST_H

#include "tests/simulator/util.h"

#include <jansson.h>

struct user;

enum header {
    HDR_ACCEPT,
    HDR_ACCEPT_ENCODING,
    HDR_API_KEY,
    HDR_AUTHENTICATION, /* not a mistake: some clients send an assertion so */
    HDR_AUTHORIZATION,
    HDR_CONTENT_TYPE,
    HDR_COOKIE,
    HDR_NO_BODY,
    HDR_OVERRIDE,
    HDR_REQUEST_ID,
    HDR_COUNT
};

struct pair {
    char *name;
    char *value;
};

/* A request apart from how it came (connection or Batch item). All texts are owned. */
struct request {
    char *method;
    char *path;  /* decoded */
    char *query; /* decoded as a whole, for faults and messages; never NULL */
    size_t url_bytes;
    struct pair *arg;
    size_t n_args;
    char *header[HDR_COUNT]; /* NULL: not sent */
    struct str body;
    struct user *user; /* borrowed, set by sign-in */
    int64_t stamp_s;   /* instance time that writes carry as sys_updated_on */
    bool late;         /* the caller is no longer waiting when the effect comes */
};

/* Fills method, path and arguments from a request target. */
void request_init(struct request *r, const char *method, const char *target);
void request_free(struct request *r);
/* Value of a query argument, or NULL. Borrowed. */
const char *request_arg(const struct request *r, const char *name);
/* As before, as true or false. */
bool request_flag(const struct request *r, const char *name);
/* Splits a=b&c=d, decoded. New array, *ret_n pairs; free with pairs_free. */
struct pair *pairs_read(const char *text, bool plus, size_t *ret_n);
void pairs_free(struct pair *pairs, size_t n);

struct answer {
    int status;
    const char *type; /* Content-Type */
    struct str body;
    struct str headers; /* lines "Name: value\n" */
    bool plain;         /* not an answer of the platform: no headers of it */
    bool anonymous;     /* no session: no X-Is-Logged-In, no cookies */
    bool close;         /* Connection: close */
};

void answer_free(struct answer *a);
void answer_header(struct answer *a, const char *name, const char *value);
/* The platform's error body. detail NULL gives null. */
void answer_error(struct answer *a, int status, const char *message, const char *detail);
/* Dumps and releases a JSON value. */
void answer_json(struct answer *a, int status, json_t *take_value);
/* Status text of HTTP. */
const char *status_text(int status);

#endif
