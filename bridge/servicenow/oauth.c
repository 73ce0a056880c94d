/* Sign-in state machine. The state is never set by hand: oauth_settle() works it out from what is
 * there (a usable token, a call under way, a refusal, a wait), tells the log and the metrics about
 * changes, and nothing else logs. A new token replaces the old one only when its answer was read
 * and found good. One call at a time, in this process and, by the lock beside the store, among
 * those that share it. Does not judge answers (oauth_answer.c), does not know the file
 * (oauth_store.c). */
#include <stdlib.h>
#include <string.h>

#include "bridge/base/log.h"
#include "bridge/base/xalloc.h"
#include "bridge/servicenow/jwt.h"
#include "bridge/servicenow/oauth_form.h"
#include "bridge/servicenow/oauth_internal.h"
#include "bridge/servicenow/wipe.h"

#define LOCK_TIME    (900 * USEC_S) /* a refused sign-in is not tried again for so long */
#define SKEW         (60 * USEC_S)
#define DELAY_FIRST  (5 * USEC_S)
#define DELAY_MAX    (300 * USEC_S)
#define GIVEN_MAX    (3600 * USEC_S) /* longest wait an endpoint may ask for */
#define SPACING      (1 * USEC_S)    /* between two token requests, whatever happens */
#define FRESH        (60 * USEC_S)   /* a token younger than this should not get a 401 */
#define REFUSALS_MAX 2               /* a refusal is permanent after one retry */

static void on_token(void *arg, const struct http_answer *a, usec_t now);

bool oauth_is_constant(const struct oauth *o)
{
    return o->c->auth.grant == GRANT_BASIC || o->c->auth.grant == GRANT_API_KEY ||
           o->c->auth.grant == GRANT_TOKEN;
}

bool oauth_usable(const struct oauth *o, usec_t now)
{
    return o->authorization != NULL && now < o->expires;
}

static void drop_token(struct oauth *o)
{
    wipe_free(o->authorization);
    wipe_free(o->api_key);
    o->authorization = o->api_key = NULL;
    o->expires = 0;
}

void oauth_drop_constant(struct oauth *o)
{
    if (oauth_is_constant(o))
        drop_token(o);
}

/* An answer that quotes what we sent must not carry it into a log. */
static void set_reason(struct oauth *o, const struct err *e)
{
    o->reason = *e;
    if (oauth_holds_secret(&o->secrets.auth, e->text) ||
        (o->tried_refresh != NULL && strstr(e->text, o->tried_refresh) != NULL))
        (void)err_set(&o->reason, e->class, e->code,
                      "The answer of the token endpoint quotes a secret, so it is not shown");
}

static enum oauth_state work_out(const struct oauth *o, usec_t now)
{
    bool asking = o->call != NULL || o->lock_since != USEC_NEVER;

    if (oauth_usable(o, now))
        return asking ? OAUTH_REFRESHING : OAUTH_READY;
    if (asking)
        return OAUTH_FETCHING;
    if (o->broken)
        return OAUTH_BROKEN;
    return o->next > now ? OAUTH_BACKOFF : OAUTH_EMPTY;
}

void oauth_settle(struct oauth *o, usec_t now)
{
    usec_t wait = o->next > now ? o->next - now : 0;
    usec_t life = oauth_usable(o, now) ? o->expires - now : 0;

    o->state = work_out(o, now);
    oauth_metrics_set(&o->metrics, o->state, o->expires == USEC_NEVER ? USEC_NEVER : life);
    oauth_metrics_refresh(&o->metrics, o, now);
    oauth_say(&o->said, o->c->host, o->state, &o->reason, wait);
}

static usec_t delay(struct oauth *o, unsigned failures, usec_t given)
{
    usec_t most = DELAY_FIRST << (failures > 8 ? 8 : failures - 1);

    if (given > 0)
        return given < SPACING ? SPACING : usec_min(given, GIVEN_MAX);
    most = usec_min(most, DELAY_MAX);
    return rand_between(&o->rand, most / 2, most);
}

/* When to ask for the next token: early enough, a little apart from other processes with the same
 * life. Short lives leave a smaller margin. */
static void set_times(struct oauth *o, usec_t from, usec_t life, usec_t now)
{
    usec_t skew = life > 2 * SKEW ? SKEW : life / 2;
    usec_t at = from + usec_min(life * 4 / 5, life - skew);

    o->got = now;
    o->expires = usec_add(from, life);
    o->refresh_at = at - rand_between(&o->rand, 0, life / 20);
}

static void take_sign_in(struct oauth *o, char *authorization)
{
    drop_token(o);
    wipe_free(o->rejected);
    o->rejected = NULL;
    o->authorization = authorization;
    o->generation++;
    o->failures = o->refusals = 0;
    o->broken = false;
    err_clear(&o->reason);
}

void oauth_take_token(struct oauth *o, const char *access_token, usec_t left, usec_t now)
{
    take_sign_in(o, xasprintf("Bearer %s", access_token));
    set_times(o, now, left, now);
    o->got = now - FRESH;
}

static void forget_refusal(struct oauth *o)
{
    wipe_free(o->record.refused_salt);
    wipe_free(o->record.refused_digest);
    o->record.refused_salt = o->record.refused_digest = NULL;
    o->record.refused_at = 0;
}

static void forget_refresh(struct oauth *o)
{
    wipe_free(o->record.refresh_token);
    o->record.refresh_token = NULL;
    o->record.refresh_expires_at = 0;
    o->refresh_end = USEC_NEVER;
    o->use_configured = false;
}

static void take_answer(struct oauth *o, struct oauth_answer *a, usec_t took, usec_t now)
{
    bool has_refresh = a->refresh_token != NULL && oauth_refresh_token(o) != NULL;

    if (o->use_configured) /* the other one is good, so that of the store has ended */
        forget_refresh(o);
    take_sign_in(o, xasprintf("Bearer %s", a->access_token));
    set_times(o, now - took, a->life, now);
    o->next = now + SPACING;
    wipe_free(o->record.access_token);
    o->record.access_token = a->access_token;
    a->access_token = NULL;
    if (has_refresh) {
        wipe_free(o->record.refresh_token);
        o->record.refresh_token = a->refresh_token;
        a->refresh_token = NULL;
    }
    forget_refusal(o);
    oauth_end_answered(o, a, has_refresh, took, now);
    o->record.expires_at = clock_wall() + (o->expires - now) / USEC_MS;
    metric_add(o->metrics.refreshed, 1);
    oauth_store_save(o);
}

/* The refused thing is the refresh token alone when there is no base grant behind it. */
const char *oauth_cure(enum config_grant grant)
{
    static const char *const cures[] = {
        [GRANT_PASSWORD] = "Check username, password, client_id and client_secret of "
                           "connection.auth, that the user is active, not locked out and needs no "
                           "password reset, and that the instance allows the grant",
        [GRANT_REFRESH_TOKEN] = "The refresh token has ended or was revoked, or client_secret is "
                                "wrong: run `itsm-bridge login` for a new one",
        [GRANT_CLIENT_CREDENTIALS] =
            "Check client_id and client_secret of connection.auth, that the instance has "
            "glide.oauth.inbound.client.credential.grant_type.enabled = true, and that the OAuth "
            "application has an application user",
        [GRANT_JWT_BEARER] = "Check jwt_kid, jwt_subject and jwt_audience of connection.auth, the "
                             "certificate in the JWT verifier map, that the user is active, and "
                             "both clocks",
    };

    return (size_t)grant < ARRAY_LEN(cures) ? cures[grant] : NULL;
}

static void add_cure(struct oauth *o)
{
    const char *cure = oauth_cure(o->c->auth.grant);
    struct err why = o->reason;

    if (cure != NULL)
        (void)err_set(&o->reason, ERR_AUTH, "refused", "%.250s. %s", why.text, cure);
}

/* The refresh token that is all there is to sign in with. */
static const char *lives_on(const struct oauth *o)
{
    return o->c->auth.grant == GRANT_REFRESH_TOKEN ? oauth_refresh_token(o) : "";
}

static void remember_refusal(struct oauth *o)
{
    char digest[DIGEST_HEX_SIZE];

    forget_refusal(o);
    o->record.refused_salt = oauth_salt();
    oauth_sign_in_digest(o->c->host, &o->secrets.auth, lives_on(o), o->record.refused_salt, digest);
    o->record.refused_digest = xstrdup(digest);
    o->record.refused_at = clock_wall();
    oauth_store_save(o);
}

/* Nothing but a person heals this: stop, and remember what was refused across restarts. */
static void lock_out(struct oauth *o, usec_t now)
{
    o->broken = true;
    o->refusals = 0;
    o->next = o->locked_until = now + LOCK_TIME;
    add_cure(o);
    o->use_configured = false;
    remember_refusal(o);
}

static bool is_locked(const struct oauth *o, usec_t now)
{
    char digest[DIGEST_HEX_SIZE];

    if (now >= o->locked_until || o->record.refused_digest == NULL ||
        o->record.refused_salt == NULL)
        return false;
    oauth_sign_in_digest(o->c->host, &o->secrets.auth, lives_on(o), o->record.refused_salt, digest);
    return strcmp(digest, o->record.refused_digest) == 0;
}

/* After a refused refresh token the base grant is next, or the configured refresh token when that
 * of the store was refused. The endpoint says the same of a wrong client_secret (oauth_answer.c):
 * where nothing but that token gives a sign-in, it is kept until another one is good. */
static bool goes_another_way(struct oauth *o)
{
    const char *configured = o->secrets.auth.refresh_token.value;

    if (o->tried_refresh == NULL)
        return false;
    if (o->c->auth.grant != GRANT_REFRESH_TOKEN) {
        forget_refresh(o);
        oauth_store_save(o);
        return true;
    }
    if (o->use_configured || configured[0] == '\0' || strcmp(configured, o->tried_refresh) == 0)
        return false;
    o->use_configured = true;
    return true;
}

/* Before a person is called: another process, or a person, may have put something better into the
 * store or a secret's file. */
static bool found_another(struct oauth *o, usec_t now)
{
    bool better = oauth_store_merge(o, now);

    better |= oauth_secrets_renew(&o->secrets);
    if (o->tried_refresh != NULL && o->record.refresh_token != NULL)
        better |= strcmp(o->tried_refresh, oauth_refresh_token(o)) != 0;
    return better;
}

static void take_refusal(struct oauth *o, const struct oauth_answer *a, usec_t now)
{
    set_reason(o, &a->err);
    o->next = now + rand_between(&o->rand, DELAY_FIRST / 2, DELAY_FIRST);
    if (++o->refusals < REFUSALS_MAX && !o->broken) {
        /* Whoever starts before the second attempt, or ends, must not add to the count of a wrong
         * password. */
        if (o->c->auth.grant == GRANT_PASSWORD && o->tried_refresh == NULL)
            remember_refusal(o);
        return;
    }
    if (found_another(o, now)) {
        o->refusals = 0;
        o->next = now;
        return;
    }
    if (goes_another_way(o)) {
        o->refusals = 0;
        o->next = now;
        return;
    }
    lock_out(o, now);
}

static void on_token(void *arg, const struct http_answer *a, usec_t now)
{
    struct oauth *o = arg;
    struct oauth_answer got;

    o->call = NULL;
    if (a->end != HTTP_CANCELLED) {
        oauth_answer_judge(a, &got);
        if (got.verdict != OAUTH_GRANTED)
            metric_add(o->metrics.failed, 1);
        if (got.verdict == OAUTH_GRANTED) {
            take_answer(o, &got, a->took, now);
        } else if (got.verdict == OAUTH_REFUSED) {
            take_refusal(o, &got, now);
        } else {
            set_reason(o, &got.err);
            o->broken = false;
            o->next = now + delay(o, ++o->failures, got.retry_after);
        }
        oauth_answer_done(&got);
    }
    wipe_free(o->tried_refresh);
    o->tried_refresh = NULL;
    oauth_store_unlock(o);
    oauth_settle(o, now);
}

static void take_constant(struct oauth *o, usec_t now)
{
    if (o->c->auth.grant == GRANT_BASIC) {
        take_sign_in(o, oauth_basic(&o->secrets.auth));
    } else if (o->c->auth.grant == GRANT_TOKEN) {
        take_sign_in(o, xasprintf("Bearer %s", o->secrets.auth.api_key.value));
    } else {
        take_sign_in(o, xstrdup(""));
        o->api_key = xstrdup(o->secrets.auth.api_key.value);
    }
    o->got = now;
    o->expires = o->refresh_at = USEC_NEVER;
}

const char *oauth_refresh_token(const struct oauth *o)
{
    if (o->c->auth.grant != GRANT_PASSWORD && o->c->auth.grant != GRANT_REFRESH_TOKEN)
        return NULL;
    if (o->record.refresh_token != NULL && !o->use_configured)
        return o->record.refresh_token;
    return o->c->auth.grant == GRANT_REFRESH_TOKEN ? o->secrets.auth.refresh_token.value : "";
}

static int submit(struct oauth *o, const struct buf *form, const char *authentication,
                  struct err *e)
{
    struct http_header headers[] = {{"Content-Type", "application/x-www-form-urlencoded"},
                                    {"Accept", "application/json"},
                                    {"Authentication", authentication}};
    struct http_request r = {.method = "POST",
                             .url = o->url,
                             .headers = headers,
                             .headers_count = ARRAY_LEN(headers) - (authentication == NULL),
                             .body = buf_text(form),
                             .body_length = form->length};

    o->call = http_submit(o->http, &r, on_token, o, e);
    return o->call == NULL ? -1 : 0;
}

static int send_form(struct oauth *o, struct err *e)
{
    const struct config_auth *a = &o->secrets.auth;
    bool signs = a->grant == GRANT_JWT_BEARER;
    char *assertion = signs ? jwt_make(&a->jwt, clock_wall(), e) : NULL, *header = NULL;
    struct buf form;
    int rc = -1;

    if (signs && assertion == NULL)
        return -1;
    if (signs && a->jwt.in_header)
        header = xasprintf("Bearer %s", assertion);
    buf_init(&form, OAUTH_FORM_MAX);
    if (oauth_form(&form, a, o->tried_refresh, header != NULL ? NULL : assertion) != 0)
        (void)err_set(e, ERR_CONFIG, "form", "A secret of connection.auth is too long to be one");
    else
        rc = submit(o, &form, header, e);
    buf_wipe(&form);
    wipe_free(assertion);
    wipe_free(header);
    return rc;
}

static void stay_broken(struct oauth *o, usec_t until, const char *code, const char *why)
{
    o->broken = true;
    o->next = until;
    if (o->reason.class == ERR_NONE)
        (void)err_set(&o->reason, ERR_AUTH, code, "%s", why);
}

/* May this be sent? Beside a password, a stored refresh token is not what was refused: it cannot
 * lock the user out. */
static bool allowed(struct oauth *o, const char *refresh, usec_t now)
{
    bool alone = o->c->auth.grant == GRANT_REFRESH_TOKEN || o->record.refresh_token == NULL;

    if (o->c->auth.grant == GRANT_REFRESH_TOKEN && refresh[0] == '\0') {
        stay_broken(o, now + LOCK_TIME, "no-refresh-token",
                    "There is no refresh token: run `itsm-bridge login`, or set "
                    "connection.auth.refresh_token");
        return false;
    }
    if (alone && !o->use_configured && is_locked(o, now)) {
        stay_broken(o, o->locked_until, "refused-before",
                    o->c->auth.grant == GRANT_REFRESH_TOKEN
                        ? "ServiceNow refused the refresh token or client_secret a short while "
                          "ago, and neither has been changed since. Correct the secret, or run "
                          "`itsm-bridge login` for a new refresh token"
                        : "ServiceNow refused this user, password or secret a short while ago, "
                          "and it has not been changed since. It is not sent again before the "
                          "time is over, since repeated wrong passwords lock the user out");
        return false;
    }
    return true;
}

static void start(struct oauth *o, usec_t now)
{
    const char *refresh;
    struct err e;

    if (!oauth_is_constant(o) && !oauth_store_lock(o, now))
        return;
    if (oauth_store_merge(o, now) && o->refresh_at > now)
        goto out;
    refresh = oauth_refresh_token(o);
    if (!allowed(o, refresh, now))
        goto out;
    if (oauth_is_constant(o)) {
        take_constant(o, now);
        goto out;
    }
    o->tried_refresh = refresh == NULL || refresh[0] == '\0' ? NULL : xstrdup(refresh);
    if (send_form(o, &e) == 0)
        return; /* the lock is held until the answer */
    set_reason(o, &e);
    wipe_free(o->tried_refresh);
    o->tried_refresh = NULL;
    o->next = now + delay(o, ++o->failures, 0);
out:
    oauth_store_unlock(o);
}

usec_t oauth_tick(struct oauth *o, usec_t now)
{
    if (o->record_fresh)
        (void)oauth_store_adopt(o, now);
    if (o->authorization != NULL && now >= o->expires)
        drop_token(o);
    if (o->call == NULL && now >= o->next && (!oauth_usable(o, now) || now >= o->refresh_at))
        start(o, now);
    oauth_end_tick(o, now);
    oauth_settle(o, now);
    if (o->call != NULL)
        return oauth_usable(o, now) ? o->expires : USEC_NEVER;
    if (!oauth_usable(o, now))
        return o->next;
    return usec_min(o->expires, o->refresh_at > o->next ? o->refresh_at : o->next);
}

const char *oauth_authorization(struct oauth *o, usec_t now, uint64_t *ret_generation,
                                const char **ret_api_key)
{
    if (o->record_fresh)
        (void)oauth_store_adopt(o, now);
    if (!oauth_usable(o, now))
        return NULL;
    *ret_generation = o->generation;
    *ret_api_key = o->api_key;
    return o->authorization;
}

static const char *rejected_text(const struct oauth *o)
{
    if (o->c->auth.grant == GRANT_BASIC)
        return "ServiceNow answered 401 to the user and password. Check them, that the user is "
               "active and not locked out, and that the instance lets it use basic authentication "
               "(web service access only, or role snc_basic_auth_api_access)";
    if (oauth_is_constant(o))
        return "ServiceNow answered 401 to the API key or token; check that it is still valid and "
               "that its user is active";
    return "ServiceNow answers 401 to tokens that it has just issued; check that the user is "
           "active and that no API access policy or address filter refuses it";
}

/* The store may have a newer token already; a constant sign-in may have changed in its file. */
static bool replaced(struct oauth *o, usec_t now)
{
    return oauth_is_constant(o) ? oauth_secrets_renew(&o->secrets) : oauth_store_merge(o, now);
}

void oauth_rejected(struct oauth *o, uint64_t generation, usec_t now)
{
    bool fresh = now - o->got < FRESH;

    if (generation != o->generation || o->authorization == NULL)
        return;
    drop_token(o);
    o->rejections = fresh ? o->rejections + 1 : 1;
    metric_add(o->metrics.failed, 1);
    wipe_free(o->rejected);
    o->rejected = o->record.access_token;
    o->record.access_token = NULL;
    if (replaced(o, now) || (!fresh && !oauth_is_constant(o))) {
        oauth_settle(o, now);
        return;
    }
    (void)err_set(&o->reason, ERR_AUTH, "rejected", "%s", rejected_text(o));
    if (oauth_is_constant(o) && o->rejections >= REFUSALS_MAX)
        lock_out(o, now);
    else
        o->next = now + delay(o, o->rejections, 0);
    oauth_settle(o, now);
}

void oauth_reload(struct oauth *o, usec_t now)
{
    struct err e;

    if (o->call != NULL)
        http_cancel(o->call);
    oauth_secrets_take(&o->secrets, &o->c->auth);
    if (oauth_store_load(o, &e) != 0)
        log_error("token-store",
                  "path=%s\t%s. The tokens that the bridge holds in memory are used on",
                  o->c->auth.token_store, e.text);
    o->failures = o->refusals = o->rejections = 0;
    o->broken = o->use_configured = false;
    o->next = now;
    oauth_drop_constant(o);
    (void)oauth_tick(o, now);
}

struct oauth *oauth_new(struct http *h, const struct config_connection *c, struct metrics *m,
                        struct err *e)
{
    struct oauth *o = xcalloc(1, sizeof *o);
    size_t length = strlen(c->server_url);

    o->http = h;
    o->c = c;
    while (length > 0 && c->server_url[length - 1] == '/')
        length--;
    o->url = xasprintf("%.*s/oauth_token.do", (int)length, c->server_url);
    rand_seed_system(&o->rand);
    err_clear(&o->reason);
    o->lock = -1;
    o->lock_since = o->refresh_end = USEC_NEVER;
    oauth_secrets_take(&o->secrets, &c->auth);
    oauth_metrics_make(&o->metrics, m);
    if (oauth_store_load(o, e) != 0)
        return oauth_free(o);
    return o;
}

struct oauth *oauth_free(struct oauth *o)
{
    if (o == NULL)
        return NULL;
    if (o->call != NULL)
        http_cancel(o->call);
    oauth_store_unlock(o);
    drop_token(o);
    wipe_free(o->tried_refresh);
    wipe_free(o->rejected);
    oauth_secrets_done(&o->secrets);
    token_record_done(&o->record);
    free(o->url);
    free(o);
    return NULL;
}

enum oauth_state oauth_state(const struct oauth *o)
{
    return o->state;
}

bool oauth_has_password_left(const struct oauth *o)
{
    return o->c->auth.grant == GRANT_PASSWORD && o->record.refresh_token != NULL &&
           o->refusals > 0 && strcmp(oauth_reason_code(o), "refused") == 0;
}

const char *oauth_reason_code(const struct oauth *o)
{
    return o->authorization == NULL && o->reason.class != ERR_NONE ? o->reason.code : "";
}

const char *oauth_reason(const struct oauth *o)
{
    if (o->authorization != NULL)
        return "";
    return o->reason.class != ERR_NONE ? o->reason.text : "a token is being asked for";
}

usec_t oauth_expires(const struct oauth *o)
{
    return o->authorization != NULL ? o->expires : USEC_NEVER;
}
