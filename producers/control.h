/* What a person asks of a table, as a record of the state topic: so it reaches whichever process
 * has the table, now or at its next start, and is carried out once, in the transaction that removes
 * it again. Nobody is fenced by asking. Pure, any thread. */
#ifndef PRODUCERS_CONTROL_H
#define PRODUCERS_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/base/attr.h"
#include "bridge/base/clock.h"
#include "bridge/base/err.h"

#define CONTROL_VERSION 1
#define CONTROL_SCOPE   INT64_MIN /* as far back as a first start goes */

enum control_what {
    CONTROL_RESYNC, /* publish everything from a second on again, marked */
    CONTROL_SET,    /* go on at a second; what lies between is not published */
    CONTROL_READ,   /* no table's: read what the instance has of configuration again */
};

struct control {
    char *id; /* "": nobody wrote it, the bridge itself decided */
    enum control_what what;
    int64_t from;   /* second, or CONTROL_SCOPE */
    char *asked;    /* when, ISO 8601 */
    bool under_way; /* its tombstone is in a transaction that has not been answered */
    bool gone;      /* and the tombstone, ours or another one, was read back already */
    struct control *next;
};

/* `<table key>/control/<id>`; new. For CONTROL_READ the key of no table, control_no_table. */
char *control_key(const char *table_key, const char *id) MUST_CHECK;
char *control_no_table(const char *connection) MUST_CHECK;
/* The id in such a key (borrowed; ends with the key), or NULL: it is none of this table. */
const char *control_id(const char *table_key, const void *key, size_t length, size_t *ret_length);

/* The value; new. host: of server_url. */
char *control_encode(const struct control *c, const char *host, size_t *ret_length) MUST_CHECK;
/* NULL on refusal (ERR_CONFIG): code `control-broken`, or `control-owner` when it was written for
 * another instance. New, without id. */
struct control *control_decode(const void *bytes, size_t length, const char *host,
                               struct err *e) MUST_CHECK;
struct control *control_free(struct control *c); /* NULL is fine; returns NULL */

const char *control_name(enum control_what what); /* static */

#endif
