/* Sign-in state machine. The state is never set by hand: settle() works it out from what is there
 * (a usable token, a call under way, a refusal, a wait), tells the log and the metrics about
 * changes, and nothing else logs. A new token replaces the old one only when its answer was read
 * and found good. One call at a time. Does not judge answers (oauth_answer.c), does not know the
 * file (token_store.c). */
#include "bridge/servicenow/oauth.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/log.h"
#include "bridge/base/rand.h"
#include "bridge/base/xalloc.h"
#include "bridge/servicenow/oauth_answer.h"
#include "bridge/servicenow/oauth_form.h"
#include "bridge/servicenow/oauth_say.h"
#include "bridge/servicenow/token_store.h"
#include "bridge/servicenow/wipe.h"

#define LOCK_TIME       (900 * USEC_S) /* a refused sign-in is not tried again for so long */
#define SKEW            (60 * USEC_S)
#define DELAY_FIRST     (5 * USEC_S)
#define DELAY_MAX       (300 * USEC_S)
#define GIVEN_MAX       (3600 * USEC_S)  /* longest wait an endpoint may ask for */
#define SPACING         (1 * USEC_S)     /* between two token requests, whatever happens */
#define FRESH           (60 * USEC_S)    /* a token younger than this should not get a 401 */
#define STORED_LIFE_MAX (86400 * USEC_S) /* what a store may claim for its access token */
#define REFUSALS_MAX    2                /* a refusal is permanent after one retry */

struct oauth {
    struct http *http;
    const struct config_connection *c;
    char *url;
    struct rand rand;
    struct http_call *call; /* NULL: none under way */
    char *tried_refresh;    /* the refresh token of the call under way, NULL: the base grant */

    char *authorization, *api_key; /* the usable sign-in; authorization NULL = none */
    uint64_t generation;
    usec_t got, expires, refresh_at;

    struct token_record record; /* as in the store */
    bool record_fresh;          /* just loaded: its times wait for a `now` */
    usec_t locked_until;        /* the refused sign-in of `record` is not repeated before */

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

static void on_token(void *arg, const struct http_answer *a, usec_t now);

static struct token_binding binding(const struct oauth *o)
{
    return (struct token_binding){
        .host = o->c->host, .client_id = o->c->auth.client_id, .username = o->c->auth.username};
}

static bool is_constant(const struct oauth *o)
{
    return o->c->auth.grant == GRANT_BASIC || o->c->auth.grant == GRANT_API_KEY ||
           o->c->auth.grant == GRANT_TOKEN;
}

static bool has_store(const struct oauth *o)
{
    return o->c->auth.token_store[0] != '\0';
}

static bool usable(const struct oauth *o, usec_t now)
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

/* An answer that quotes what we sent must not carry it into a log. */
static void set_reason(struct oauth *o, const struct err *e)
{
    o->reason = *e;
    if (oauth_holds_secret(&o->c->auth, e->text) ||
        (o->tried_refresh != NULL && strstr(e->text, o->tried_refresh) != NULL))
        (void)err_set(&o->reason, e->class, e->code,
                      "The answer of the token endpoint quotes a secret, so it is not shown");
}

static void save(struct oauth *o)
{
    struct token_binding b = binding(o);
    struct err e;

    if (has_store(o) && token_store_save(o->c->auth.token_store, &b, &o->record, &e) != 0)
        log_error("token-store", "path=%s\t%s", o->c->auth.token_store, e.text);
}

static enum oauth_state work_out(const struct oauth *o, usec_t now)
{
    if (usable(o, now))
        return o->call != NULL ? OAUTH_REFRESHING : OAUTH_READY;
    if (o->call != NULL)
        return OAUTH_FETCHING;
    if (o->broken)
        return OAUTH_BROKEN;
    return o->next > now ? OAUTH_BACKOFF : OAUTH_EMPTY;
}

static void settle(struct oauth *o, usec_t now)
{
    usec_t wait = o->next > now ? o->next - now : 0;
    usec_t life = usable(o, now) ? o->expires - now : 0;

    o->state = work_out(o, now);
    oauth_metrics_set(&o->metrics, o->state, o->expires == USEC_NEVER ? USEC_NEVER : life);
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
    o->authorization = authorization;
    o->generation++;
    o->failures = o->refusals = 0;
    o->broken = false;
    err_clear(&o->reason);
}

/* From one wall time to another, 0 to `most`: the file and the wall clock may say anything. */
static usec_t until(msec_t end, msec_t start, usec_t most)
{
    if (end <= start)
        return 0;
    return end - most / USEC_MS >= start ? most : (end - start) * USEC_MS;
}

/* The stored token counts as an old one: a 401 for it starts a refresh at once. */
static void take_stored(struct oauth *o, usec_t now)
{
    msec_t wall = clock_wall();
    usec_t left = until(o->record.expires_at, wall, STORED_LIFE_MAX);

    o->record_fresh = false;
    if (o->record.refused_digest != NULL && o->record.refused_at > 0)
        o->locked_until = now + until(o->record.refused_at, wall - LOCK_TIME / USEC_MS, LOCK_TIME);
    if (o->record.access_token == NULL || left <= 0 || is_constant(o))
        return;
    take_sign_in(o, xasprintf("Bearer %s", o->record.access_token));
    set_times(o, now, left, now);
    o->got = now - FRESH;
}

static void take_answer(struct oauth *o, struct oauth_answer *a, usec_t took, usec_t now)
{
    take_sign_in(o, xasprintf("Bearer %s", a->access_token));
    set_times(o, now - took, a->life, now);
    o->next = now + SPACING;
    wipe_free(o->record.access_token);
    o->record.access_token = a->access_token;
    a->access_token = NULL;
    if (a->refresh_token != NULL && o->c->auth.grant != GRANT_CLIENT_CREDENTIALS) {
        wipe_free(o->record.refresh_token);
        o->record.refresh_token = a->refresh_token;
        a->refresh_token = NULL;
    }
    wipe_free(o->record.refused_salt);
    wipe_free(o->record.refused_digest);
    o->record.refused_salt = o->record.refused_digest = NULL;
    o->record.refused_at = 0;
    o->record.expires_at = clock_wall() + (o->expires - now) / USEC_MS;
    metric_add(o->metrics.refreshed, 1);
    save(o);
}

/* Nothing but a person heals this: stop, and remember what was refused across restarts. */
static void lock_out(struct oauth *o, usec_t now)
{
    char digest[DIGEST_HEX_SIZE];

    o->broken = true;
    o->refusals = 0;
    o->next = o->locked_until = now + LOCK_TIME;
    wipe_free(o->record.refused_salt);
    wipe_free(o->record.refused_digest);
    o->record.refused_salt = oauth_salt();
    oauth_sign_in_digest(o->c, o->record.refused_salt, digest);
    o->record.refused_digest = xstrdup(digest);
    o->record.refused_at = clock_wall();
    save(o);
}

static bool is_locked(const struct oauth *o, usec_t now)
{
    char digest[DIGEST_HEX_SIZE];

    if (now >= o->locked_until || o->record.refused_digest == NULL ||
        o->record.refused_salt == NULL)
        return false;
    oauth_sign_in_digest(o->c, o->record.refused_salt, digest);
    return strcmp(digest, o->record.refused_digest) == 0;
}

/* A refused refresh token is forgotten; then the base grant is next, or the configured refresh
 * token when another one was refused. */
static bool has_other_way(const struct oauth *o)
{
    if (o->tried_refresh == NULL)
        return false;
    return o->c->auth.grant != GRANT_REFRESH_TOKEN ||
           (o->c->auth.refresh_token.value[0] != '\0' &&
            strcmp(o->c->auth.refresh_token.value, o->tried_refresh) != 0);
}

static void take_refusal(struct oauth *o, const struct oauth_answer *a, usec_t now)
{
    set_reason(o, &a->err);
    o->next = now + rand_between(&o->rand, DELAY_FIRST / 2, DELAY_FIRST);
    if (++o->refusals < REFUSALS_MAX && !o->broken)
        return;
    if (o->tried_refresh != NULL) {
        wipe_free(o->record.refresh_token);
        o->record.refresh_token = NULL;
    }
    if (has_other_way(o)) {
        o->refusals = 0;
        o->next = now;
        save(o);
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
    settle(o, now);
}

static void take_constant(struct oauth *o, usec_t now)
{
    if (o->c->auth.grant == GRANT_BASIC) {
        take_sign_in(o, oauth_basic(&o->c->auth));
    } else if (o->c->auth.grant == GRANT_TOKEN) {
        take_sign_in(o, xasprintf("Bearer %s", o->c->auth.api_key.value));
    } else {
        take_sign_in(o, xstrdup(""));
        o->api_key = xstrdup(o->c->auth.api_key.value);
    }
    o->got = now;
    o->expires = o->refresh_at = USEC_NEVER;
}

static const char *refresh_token(const struct oauth *o)
{
    if (o->c->auth.grant == GRANT_CLIENT_CREDENTIALS)
        return NULL;
    if (o->record.refresh_token != NULL)
        return o->record.refresh_token;
    return o->c->auth.grant == GRANT_REFRESH_TOKEN ? o->c->auth.refresh_token.value : NULL;
}

static int send_form(struct oauth *o, struct err *e)
{
    static const struct http_header headers[] = {
        {"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}};
    struct http_request r = {
        .method = "POST", .url = o->url, .headers = headers, .headers_count = ARRAY_LEN(headers)};
    struct buf form;

    buf_init(&form, OAUTH_FORM_MAX);
    if (oauth_form(&form, &o->c->auth, o->tried_refresh) != 0) {
        (void)err_set(e, ERR_CONFIG, "form", "A secret of connection.auth is too long to be one");
    } else {
        r.body = buf_text(&form);
        r.body_length = form.length;
        o->call = http_submit(o->http, &r, on_token, o, e);
    }
    buf_wipe(&form);
    return o->call == NULL ? -1 : 0;
}

static void stay_broken(struct oauth *o, usec_t until, const char *code, const char *why)
{
    o->broken = true;
    o->next = until;
    if (o->reason.class == ERR_NONE)
        (void)err_set(&o->reason, ERR_AUTH, code, "%s", why);
}

static void start(struct oauth *o, usec_t now)
{
    const char *refresh = refresh_token(o);
    struct err e;

    if (refresh != NULL && refresh[0] == '\0') {
        stay_broken(o, now + LOCK_TIME, "no-refresh-token",
                    "There is no refresh token: set connection.auth.refresh_token");
        return;
    }
    /* A stored refresh token is not what was refused: it cannot lock the user out. */
    if ((refresh == NULL || o->record.refresh_token == NULL) && is_locked(o, now)) {
        stay_broken(o, o->locked_until, "refused-before",
                    "ServiceNow refused this user, password or secret a short while ago, and it "
                    "has not been changed since");
        return;
    }
    if (is_constant(o)) {
        take_constant(o, now);
        return;
    }
    o->tried_refresh = xstrdup(refresh);
    if (send_form(o, &e) == 0)
        return;
    set_reason(o, &e);
    wipe_free(o->tried_refresh);
    o->tried_refresh = NULL;
    o->next = now + delay(o, ++o->failures, 0);
}

usec_t oauth_tick(struct oauth *o, usec_t now)
{
    if (o->record_fresh)
        take_stored(o, now);
    if (o->authorization != NULL && now >= o->expires)
        drop_token(o);
    if (o->call == NULL && now >= o->next && (!usable(o, now) || now >= o->refresh_at))
        start(o, now);
    settle(o, now);
    if (o->call != NULL)
        return usable(o, now) ? o->expires : USEC_NEVER;
    if (!usable(o, now))
        return o->next;
    return usec_min(o->expires, o->refresh_at > o->next ? o->refresh_at : o->next);
}

const char *oauth_authorization(struct oauth *o, usec_t now, uint64_t *ret_generation,
                                const char **ret_api_key)
{
    if (o->record_fresh)
        take_stored(o, now);
    if (!usable(o, now))
        return NULL;
    *ret_generation = o->generation;
    *ret_api_key = o->api_key;
    return o->authorization;
}

void oauth_rejected(struct oauth *o, uint64_t generation, usec_t now)
{
    bool fresh = now - o->got < FRESH;

    if (generation != o->generation || o->authorization == NULL)
        return;
    drop_token(o);
    o->rejections = fresh ? o->rejections + 1 : 1;
    metric_add(o->metrics.failed, 1);
    wipe_free(o->record.access_token);
    o->record.access_token = NULL;
    if (!fresh && !is_constant(o)) {
        settle(o, now);
        return;
    }
    (void)err_set(
        &o->reason, ERR_AUTH, "rejected",
        is_constant(o)
            ? "ServiceNow answered 401 to the user and password, or the API key"
            : "ServiceNow answers 401 to tokens that it has just issued; check that the user "
              "is active and that no API access policy or address filter refuses it");
    if (is_constant(o) && o->rejections >= REFUSALS_MAX)
        lock_out(o, now);
    else
        o->next = now + delay(o, o->rejections, 0);
    settle(o, now);
}

static int load(struct oauth *o, struct err *e)
{
    struct token_binding b = binding(o);
    struct token_record r = {0};

    if (!has_store(o))
        return 0;
    if (token_store_load(o->c->auth.token_store, &b, &r, e) != 0)
        return -1;
    token_record_done(&o->record);
    o->record = r;
    o->record_fresh = true;
    return 0;
}

void oauth_reload(struct oauth *o, usec_t now)
{
    struct err e;

    if (o->call != NULL)
        http_cancel(o->call);
    if (load(o, &e) != 0)
        log_error("token-store",
                  "path=%s\t%s. The tokens that the bridge holds in memory are used on",
                  o->c->auth.token_store, e.text);
    o->failures = o->refusals = o->rejections = 0;
    o->broken = false;
    o->next = now;
    if (is_constant(o))
        drop_token(o);
    (void)oauth_tick(o, now);
}

struct oauth *oauth_new(struct http *h, const struct config_connection *c, struct metrics *m,
                        struct err *e)
{
    struct oauth *o;
    size_t length = strlen(c->server_url);

    if (c->auth.grant == GRANT_JWT_BEARER) {
        (void)err_set(e, ERR_CONFIG, "grant",
                      "connection.auth.grant = \"jwt_bearer\" is not there yet; use "
                      "client_credentials, password, refresh_token, basic or api_key");
        return NULL;
    }
    o = xcalloc(1, sizeof *o);
    o->http = h;
    o->c = c;
    while (length > 0 && c->server_url[length - 1] == '/')
        length--;
    o->url = xasprintf("%.*s/oauth_token.do", (int)length, c->server_url);
    rand_seed_system(&o->rand);
    err_clear(&o->reason);
    oauth_metrics_make(&o->metrics, m);
    if (load(o, e) != 0)
        return oauth_free(o);
    return o;
}

struct oauth *oauth_free(struct oauth *o)
{
    if (o == NULL)
        return NULL;
    if (o->call != NULL)
        http_cancel(o->call);
    drop_token(o);
    wipe_free(o->tried_refresh);
    token_record_done(&o->record);
    free(o->url);
    free(o);
    return NULL;
}

enum oauth_state oauth_state(const struct oauth *o)
{
    return o->state;
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
