/* The sign-in and its store: several processes with the same client and user share one token, so
 * what another one got or revoked is found there. One asks at a time (a lock beside the store), and
 * whoever waited or got a 401 reads before asking. Files that change are noticed by looking, every
 * two seconds: mounted secrets change in ways that no watch of a single file sees. */
#include <stdlib.h>
#include <string.h>

#include "bridge/base/log.h"
#include "bridge/base/xalloc.h"
#include "bridge/servicenow/oauth_internal.h"
#include "bridge/servicenow/wipe.h"

#define WATCH           (2 * USEC_S)
#define LOCK_POLL       (200 * USEC_MS)
#define LOCK_PATIENCE   (90 * USEC_S)    /* above the bound of one token request */
#define LOCK_TIME       (900 * USEC_S)   /* as in oauth.c */
#define STORED_LIFE_MAX (86400 * USEC_S) /* what a store may claim for its access token */
#define LEFT_MIN        (5 * USEC_S)     /* a token with less is not worth taking */

static struct token_binding binding(const struct oauth *o)
{
    return (struct token_binding){
        .host = o->c->host, .client_id = o->c->auth.client_id, .username = o->c->auth.username};
}

static const char *path(const struct oauth *o)
{
    return o->c->auth.token_store;
}

static bool has_store(const struct oauth *o)
{
    return path(o)[0] != '\0';
}

void oauth_store_save(struct oauth *o)
{
    struct token_binding b = binding(o);
    struct err e;

    if (!has_store(o))
        return;
    if (token_store_save(path(o), &b, &o->record, &e) != 0)
        log_error("token-store", "path=%s\t%s", path(o), e.text);
    o->seen = stamp_of(path(o));
}

int oauth_store_load(struct oauth *o, struct err *e)
{
    struct token_binding b = binding(o);
    struct token_record r = {0};

    if (!has_store(o))
        return 0;
    o->seen = stamp_of(path(o));
    if (token_store_load(path(o), &b, &r, e) != 0)
        return -1;
    if (token_record_empty(&r)) { /* what is in memory is used on */
        token_record_done(&r);
        return 0;
    }
    if (r.refresh_token == NULL || o->record.refresh_token == NULL ||
        strcmp(r.refresh_token, o->record.refresh_token) != 0)
        o->use_configured = false;
    token_record_done(&o->record);
    o->record = r;
    o->record_fresh = true;
    return 0;
}

/* From one wall time to another, 0 to `most`: the file and the wall clock may say anything. */
static usec_t until(msec_t end, msec_t start, usec_t most)
{
    if (end <= start)
        return 0;
    return end - most / USEC_MS >= start ? most : (end - start) * USEC_MS;
}

/* Better than what there is: not the one that got a 401, and good for longer. */
static bool is_better(const struct oauth *o, usec_t left, usec_t now)
{
    const char *token = o->record.access_token;

    if (token == NULL || left < LEFT_MIN || oauth_is_constant(o))
        return false;
    if (o->rejected != NULL && strcmp(o->rejected, token) == 0)
        return false;
    return !oauth_usable(o, now) || left > o->expires - now;
}

bool oauth_store_adopt(struct oauth *o, usec_t now)
{
    msec_t wall = clock_wall();
    usec_t left = until(o->record.expires_at, wall, STORED_LIFE_MAX);

    o->record_fresh = false;
    if (o->record.refused_digest != NULL && o->record.refused_at > 0)
        o->locked_until = now + until(o->record.refused_at, wall - LOCK_TIME / USEC_MS, LOCK_TIME);
    oauth_end_adopt(o, now);
    if (!is_better(o, left, now))
        return false;
    oauth_take_token(o, o->record.access_token, left, now);
    return true;
}

/* An unchanged file has nothing to tell, and may be older than the memory when it could not be
 * written. */
bool oauth_store_merge(struct oauth *o, usec_t now)
{
    struct stamp there;
    struct err e;

    if (!has_store(o))
        return false;
    there = stamp_of(path(o));
    if (stamp_same(&there, &o->seen))
        return false;
    if (oauth_store_load(o, &e) != 0) {
        if (!o->store_bad)
            log_error("token-store", "path=%s\t%s. The tokens in memory are used on", path(o),
                      e.text);
        o->store_bad = true;
        return false;
    }
    o->store_bad = false;
    return o->record_fresh && oauth_store_adopt(o, now);
}

bool oauth_store_lock(struct oauth *o, usec_t now)
{
    struct err e;
    int fd;

    if (!has_store(o) || o->lock >= 0)
        return true;
    fd = token_lock_try(path(o), &e);
    if (fd == -1) {
        o->lock_since = usec_min(o->lock_since, now);
        if (now - o->lock_since < LOCK_PATIENCE) {
            o->next = now + LOCK_POLL;
            return false;
        }
        log_warn("token-lock",
                 "path=%s\t%s, for %lld s already (is it stopped?); this process no longer waits "
                 "for it",
                 path(o), e.text, (long long)(LOCK_PATIENCE / USEC_S));
    }
    /* Without a right to make the file there is no store to keep in order either. */
    o->lock = fd >= 0 ? fd : -1;
    o->lock_since = USEC_NEVER;
    return true;
}

void oauth_store_unlock(struct oauth *o)
{
    token_unlock(o->lock);
    o->lock = -1;
    o->lock_since = USEC_NEVER;
}

/* The cause of a failure may be gone. */
static void try_again(struct oauth *o, usec_t now)
{
    o->use_configured = false;
    o->failures = o->refusals = o->rejections = 0;
    o->broken = false;
    o->next = now;
    if (!oauth_usable(o, now))
        o->said.text[0] = '\0'; /* the same again is news now */
}

static bool store_changed(struct oauth *o, usec_t now)
{
    char *before = xstrdup(o->record.refresh_token);
    bool taken = oauth_store_merge(o, now);
    bool other = o->record.refresh_token != NULL &&
                 (before == NULL || strcmp(before, o->record.refresh_token) != 0);
    wipe_free(before);
    if (taken)
        log_info("sign-in-taken-over",
                 "path=%s\tThe token store holds a newer token; it is used from now on", path(o));
    return taken || other;
}

usec_t oauth_watch(struct oauth *o, usec_t now)
{
    if (!has_store(o) && !oauth_secrets_watched(&o->secrets))
        return USEC_NEVER;
    if (now < o->watch_at || o->record_fresh)
        return o->watch_at;
    o->watch_at = now + WATCH;
    if (o->call != NULL)
        return o->watch_at;
    if (oauth_secrets_watch(&o->secrets)) {
        log_info("secret-changed",
                 "host=%s\tA secret file of connection.auth has changed; it is "
                 "used from now on",
                 o->c->host);
        try_again(o, now);
        oauth_drop_constant(o);
    }
    if (has_store(o) && !oauth_is_constant(o) && store_changed(o, now))
        try_again(o, now);
    oauth_settle(o, now);
    return o->watch_at;
}
