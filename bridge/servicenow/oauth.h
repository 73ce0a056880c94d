/* Sign-in, shared by both directions: one token state machine (style: EMPTY -> FETCHING -> READY ->
 * REFRESHING -> READY, with BROKEN and BACKOFF). Never waits for the network; runs on the HTTP
 * client. Monotonic time. Tokens live here and in the token store only and are wiped. Processes
 * with the same store ask one at a time and take over what another one got. Loop thread only. */
#ifndef BRIDGE_SERVICENOW_OAUTH_H
#define BRIDGE_SERVICENOW_OAUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "bridge/base/attr.h"
#include "bridge/base/clock.h"
#include "bridge/base/err.h"
#include "bridge/base/metrics.h"
#include "bridge/config/config.h"
#include "bridge/servicenow/http.h"
#include "bridge/servicenow/oauth_life.h"

enum oauth_state {
    OAUTH_EMPTY,      /* nothing yet */
    OAUTH_FETCHING,   /* the first token is asked for */
    OAUTH_READY,      /* a usable token */
    OAUTH_REFRESHING, /* a usable token, the next one is asked for */
    OAUTH_BACKOFF,    /* no token; tried again soon (endpoint unreachable, 429, 5xx, HTML) */
    OAUTH_BROKEN,     /* no token; refused: tried again rarely, a person has to act */
};

struct oauth;

/* Borrows c's auth and server_url for its life. Loads the token store when there is one: a store
 * of another owner, mode or binding is an error (class ERR_CONFIG). */
struct oauth *oauth_new(struct http *h, const struct config_connection *c, struct metrics *m,
                        struct err *e) MUST_CHECK;
struct oauth *oauth_free(struct oauth *o);

/* Drives fetches, refreshes and back-off. Returns its next deadline. */
usec_t oauth_tick(struct oauth *o, usec_t now);

/* The value of the Authorization header (`Bearer ...`, `Basic ...`), or "" with the API key grant
 * (then *ret_api_key is the key, else it is NULL). NULL while there is no usable sign-in. Borrowed
 * until the next call of oauth_tick or oauth_rejected. *ret_generation goes to oauth_rejected. */
const char *oauth_authorization(struct oauth *o, usec_t now, uint64_t *ret_generation,
                                const char **ret_api_key);

/* A request with this generation's token got a 401. Not the present one: nothing happens. The
 * present one: exactly one refresh starts, however many requests tell. */
void oauth_rejected(struct oauth *o, uint64_t generation, usec_t now);

/* Looks, at most each two seconds, whether the token store or a secret's file has changed, and uses
 * what it finds, also out of BROKEN. A stat for each file. Returns when to look again; USEC_NEVER
 * when there is none. */
usec_t oauth_watch(struct oauth *o, usec_t now);

/* The refresh token's end. */
struct oauth_refresh {
    bool there;             /* the sign-in has a refresh token */
    usec_t left;            /* USEC_NEVER: not known */
    msec_t expires_at;      /* wall time; 0: not known */
    enum oauth_life source; /* how it is known */
};
void oauth_refresh_life(const struct oauth *o, usec_t now, struct oauth_refresh *ret);

/* Should the instance be asked when the refresh token ends (oauth_life.h)? Then whoever asks tells
 * the answer; expires_at 0: it does not say. */
bool oauth_asks_life(const struct oauth *o, usec_t now);
void oauth_told_life(struct oauth *o, msec_t expires_at, usec_t now);

/* Secrets or the store may have changed (SIGHUP): leaves BROKEN and tries again. */
void oauth_reload(struct oauth *o, usec_t now);

enum oauth_state oauth_state(const struct oauth *o);
const char *oauth_state_name(enum oauth_state s);
const char *
oauth_reason(const struct oauth *o); /* why there is no token, for people; "" when fine */
const char *oauth_reason_code(const struct oauth *o); /* its short code, "" when fine */
/* Was it only the refresh token that was refused, and is there a password behind it that is sent
 * next, within seconds? */
bool oauth_has_password_left(const struct oauth *o);
/* What a person checks when a sign-in by this grant was refused; static, NULL: nothing to say. */
const char *oauth_cure(enum config_grant grant);
usec_t oauth_expires(const struct oauth *o); /* of the access token; USEC_NEVER when not known */

#endif
