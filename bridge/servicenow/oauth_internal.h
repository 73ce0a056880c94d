/* Shared by the files of the sign-in (oauth.c: states; oauth_store.c: store, lock, changes on disk;
 * oauth_end.c: the end of the refresh token). */
#ifndef BRIDGE_SERVICENOW_OAUTH_INTERNAL_H
#define BRIDGE_SERVICENOW_OAUTH_INTERNAL_H

#include "bridge/base/rand.h"
#include "bridge/base/stamp.h"
#include "bridge/servicenow/oauth.h"
#include "bridge/servicenow/oauth_answer.h"
#include "bridge/servicenow/oauth_say.h"
#include "bridge/servicenow/oauth_secrets.h"
#include "bridge/servicenow/token_store.h"

struct oauth {
    struct http *http;
    const struct config_connection *c;
    struct oauth_secrets secrets; /* what connection.auth says now */
    char *url;
    struct rand rand;
    struct http_call *call; /* NULL: none under way */
    char *tried_refresh;    /* the refresh token of the call under way, NULL: the base grant */
    bool use_configured;    /* the store's refresh token was refused, connection.auth has another */

    char *authorization, *api_key; /* the usable sign-in; authorization NULL = none */
    uint64_t generation;
    usec_t got, expires, refresh_at;
    char *rejected; /* the access token that got the last 401: not taken from the store again */

    struct token_record record; /* as in the store */
    bool record_fresh;          /* just loaded: its times wait for a `now` */
    usec_t locked_until;        /* the refused sign-in of `record` is not repeated before */
    struct stamp seen;          /* the store, as it was read or written last */
    bool store_bad;             /* it could not be read, and that was said */
    int lock;                   /* held for the call under way; -1: not */
    usec_t lock_since;          /* another process has had it since; USEC_NEVER: not waiting */
    usec_t watch_at;

    usec_t refresh_end; /* of the refresh token; USEC_NEVER: not known */
    bool life_asked;    /* the instance was asked when it ends, or cannot be */

    usec_t next;         /* no attempt before */
    unsigned failures;   /* in a row: endpoint away or busy */
    unsigned refusals;   /* in a row: of the present attempt */
    unsigned rejections; /* in a row: 401 for a fresh token */
    bool broken;
    struct err reason; /* of the last failure; class ERR_NONE when fine */

    enum oauth_state state;
    struct oauth_said said;
    struct oauth_metrics metrics;
};

/* oauth.c */
bool oauth_usable(const struct oauth *o, usec_t now);
bool oauth_is_constant(const struct oauth *o);
/* "" when a refresh token is needed and there is none; NULL: this grant has none. Borrowed. */
const char *oauth_refresh_token(const struct oauth *o);
/* A token of another process, good for `left`: its 401 starts a refresh at once. */
void oauth_take_token(struct oauth *o, const char *access_token, usec_t left, usec_t now);
void oauth_settle(struct oauth *o, usec_t now);
/* Forgets user and password or API key in use, so that they are built anew. */
void oauth_drop_constant(struct oauth *o);

/* oauth_store.c */
int oauth_store_load(struct oauth *o, struct err *e) MUST_CHECK; /* at start and reload */
void oauth_store_save(struct oauth *o);
/* What was loaded, seen at `now`. True: its token was taken. */
bool oauth_store_adopt(struct oauth *o, usec_t now);
/* Reads the store again. True: it held a better token, which was taken. */
bool oauth_store_merge(struct oauth *o, usec_t now);
/* Only one process asks for tokens. False: not yet, o->next says when to try again. */
bool oauth_store_lock(struct oauth *o, usec_t now);
void oauth_store_unlock(struct oauth *o);

/* oauth_end.c: an answer came, o->record has its tokens; then: is a warning due? */
void oauth_end_answered(struct oauth *o, const struct oauth_answer *a, bool new_token, usec_t took,
                        usec_t now);
void oauth_end_adopt(struct oauth *o, usec_t now); /* o->record was read */
void oauth_end_tick(struct oauth *o, usec_t now);

#endif
