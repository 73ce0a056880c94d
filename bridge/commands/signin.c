/* Gets and revokes tokens for `login` and `logout`. Each question is sent once. */
#include "bridge/commands/signin.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/base/attr.h"
#include "bridge/base/log.h"
#include "bridge/base/xalloc.h"
#include "bridge/servicenow/answer.h"
#include "bridge/servicenow/jwt.h"
#include "bridge/servicenow/oauth.h"
#include "bridge/servicenow/oauth_answer.h"
#include "bridge/servicenow/oauth_form.h"
#include "bridge/servicenow/oauth_life.h"
#include "bridge/servicenow/query.h"
#include "bridge/servicenow/request.h"
#include "bridge/servicenow/snow.h"
#include "bridge/servicenow/wipe.h"

#define BODY_MAX  ((size_t)1024 * 1024)
#define TURN_MOST (100 * USEC_MS)
#define LOCK_TIME                                                                                  \
    ((msec_t)900 * 1000) /* a refused sign-in is not tried again for so long (oauth.c)             \
                          */

struct signin {
    const struct config_connection *c;
    struct loop *loop;
    struct http *http;
    struct token_record record;
    int lock;
};

static struct token_binding binding(const struct config_connection *c)
{
    return (struct token_binding){
        .host = c->host, .client_id = c->auth.client_id, .username = c->auth.username};
}

/* A folder that is read-only has no lock; saving will say so. */
static int take_lock(struct signin *s, struct err *e)
{
    usec_t until = loop_now(s->loop) + s->c->connect_timeout + s->c->request_timeout;
    int fd;

    while ((fd = token_lock_try(s->c->auth.token_store, e)) == -1) {
        if (loop_now(s->loop) >= until)
            return -1;
        loop_turn(s->loop, TURN_MOST);
    }
    s->lock = fd >= 0 ? fd : -1;
    return 0;
}

struct signin *signin_open(const struct config_connection *c, struct err *e)
{
    const struct http_options o = snow_http_options(c, BODY_MAX, 1);
    struct signin *s = xcalloc(1, sizeof *s);
    struct token_binding b = binding(c);

    s->c = c;
    s->lock = -1;
    s->loop = loop_new(e);
    s->http = s->loop == NULL ? NULL : http_new(s->loop, &o, e);
    if (s->http == NULL || take_lock(s, e) != 0 ||
        token_store_load(c->auth.token_store, &b, &s->record, e) != 0)
        return signin_close(s);
    return s;
}

struct signin *signin_close(struct signin *s)
{
    if (s == NULL)
        return NULL;
    token_unlock(s->lock);
    s->http = http_free(s->http);
    s->loop = loop_free(s->loop);
    token_record_done(&s->record);
    free(s);
    return NULL;
}

struct token_record *signin_record(struct signin *s)
{
    return &s->record;
}

int signin_save(struct signin *s, struct err *e)
{
    struct token_binding b = binding(s->c);

    return token_store_save(s->c->auth.token_store, &b, &s->record, e);
}

/* Sends and waits; `fn` sees the answer. */
static int ask(struct signin *s, const struct http_request *r, http_fn fn, void *arg, struct err *e)
{
    if (http_submit(s->http, r, fn, arg, e) == NULL)
        return -1;
    while (http_in_flight(s->http) > 0)
        loop_turn(s->loop, TURN_MOST);
    return 0;
}

static int post_form(struct signin *s, const char *path, const struct buf *form,
                     const char *authentication, http_fn fn, void *arg, struct err *e)
{
    char *url = xasprintf("%s%s", s->c->server_url, path);
    struct http_header headers[] = {{"Content-Type", "application/x-www-form-urlencoded"},
                                    {"Accept", "application/json"},
                                    {"Authentication", authentication}};
    const struct http_request r = {.method = "POST",
                                   .url = url,
                                   .headers = headers,
                                   .headers_count = ARRAY_LEN(headers) - (authentication == NULL),
                                   .body = buf_text(form),
                                   .body_length = form->length};
    int rc = ask(s, &r, fn, arg, e);

    wipe_free(url);
    return rc;
}

/* ---------------------------------------------------------------- getting */

static void set_text(char **slot, const char *text)
{
    wipe_free(*slot);
    *slot = xstrdup(text);
}

/* As oauth_end.c: the answer, the configuration, the registry's default. */
static void set_end(struct signin *s, const struct oauth_answer *a)
{
    usec_t life = a->refresh_life;
    enum oauth_life source = OAUTH_LIFE_ANSWERED;

    if (life == 0) {
        life = s->c->auth.refresh_life;
        source = life > 0 ? OAUTH_LIFE_CONFIGURED : OAUTH_LIFE_ASSUMED;
        life = life > 0 ? life : OAUTH_REFRESH_LIFE;
    }
    s->record.refresh_expires_at = clock_wall() + life / USEC_MS;
    s->record.refresh_warned = 0;
    set_text(&s->record.refresh_source, oauth_life_name(source));
}

static void take_tokens(struct signin *s, const struct oauth_answer *a)
{
    set_text(&s->record.access_token, a->access_token);
    s->record.expires_at = clock_wall() + a->life / USEC_MS;
    set_text(&s->record.refused_digest, NULL);
    set_text(&s->record.refused_salt, NULL);
    s->record.refused_at = 0;
    if (s->c->auth.grant != GRANT_PASSWORD)
        return;
    set_text(&s->record.refresh_token, a->refresh_token);
    if (a->refresh_token != NULL)
        set_end(s, a);
}

static void remember_refusal(struct signin *s)
{
    char digest[DIGEST_HEX_SIZE];
    char *salt = oauth_salt();

    oauth_sign_in_digest(s->c->host, &s->c->auth, "", salt, digest);
    set_text(&s->record.refused_salt, salt);
    set_text(&s->record.refused_digest, digest);
    s->record.refused_at = clock_wall();
    free(salt);
}

static int check_refusal(const struct signin *s, struct err *e)
{
    msec_t left = s->record.refused_at + LOCK_TIME - clock_wall();
    char digest[DIGEST_HEX_SIZE];

    if (s->record.refused_digest == NULL || s->record.refused_salt == NULL || left <= 0 ||
        left > LOCK_TIME)
        return 0;
    oauth_sign_in_digest(s->c->host, &s->c->auth, "", s->record.refused_salt, digest);
    if (strcmp(digest, s->record.refused_digest) != 0)
        return 0;
    return err_set(e, ERR_RETRY, "refused-before",
                   "Not sent: ServiceNow refused exactly this user, password and secret a short "
                   "while ago, and repeated wrong passwords lock the user out. Correct one of them "
                   "now, or try the same again in %lld s",
                   (long long)(left + 999) / 1000);
}

static void on_tokens(void *arg, const struct http_answer *a, usec_t now)
{
    (void)now;
    oauth_answer_judge(a, arg);
}

static int send_grant(struct signin *s, struct oauth_answer *ret, struct err *e)
{
    const struct config_auth *a = &s->c->auth;
    bool signs = a->grant == GRANT_JWT_BEARER;
    char *assertion = signs ? jwt_make(&a->jwt, clock_wall(), e) : NULL, *header = NULL;
    struct buf form;
    int rc = -1;

    if (signs && assertion == NULL)
        return -1;
    if (signs && a->jwt.in_header)
        header = xasprintf("Bearer %s", assertion);
    buf_init(&form, OAUTH_FORM_MAX);
    if (oauth_form(&form, a, NULL, header != NULL ? NULL : assertion) != 0)
        (void)err_set(e, ERR_CONFIG, "form", "A secret of connection.auth is too long to be one");
    else
        rc = post_form(s, "/oauth_token.do", &form, header, on_tokens, ret, e);
    buf_wipe(&form);
    wipe_free(assertion);
    wipe_free(header);
    return rc;
}

static void hide_secret(const struct signin *s, struct err *e)
{
    if (oauth_holds_secret(&s->c->auth, e->text))
        (void)err_set(e, e->class, e->code,
                      "The answer of the token endpoint quotes a secret, so it is not shown");
}

int signin_get(struct signin *s, struct err *e)
{
    struct oauth_answer a = {.verdict = OAUTH_LATER};
    const char *cure = oauth_cure(s->c->auth.grant);
    struct err unsaved;

    if (check_refusal(s, e) != 0 || send_grant(s, &a, e) != 0)
        return -1;
    if (a.verdict == OAUTH_GRANTED) {
        take_tokens(s, &a);
        oauth_answer_done(&a);
        return 0;
    }
    *e = a.err;
    if (a.verdict == OAUTH_REFUSED) {
        remember_refusal(s);
        if (signin_save(s, &unsaved) != 0) /* the refusal is what has to be told */
            log_error("token-store", "path=%s\t%s", s->c->auth.token_store, unsaved.text);
    }
    hide_secret(s, e);
    if (a.verdict == OAUTH_REFUSED && cure != NULL) {
        a.err = *e;
        (void)err_set(e, a.err.class, a.err.code, "%.250s. %s", a.err.text, cure);
    }
    return -1;
}

/* ---------------------------------------------------------------- trying and revoking */

struct trial {
    struct signin *s;
    struct snow_op op;
    struct snow_outcome outcome;
};

static void on_trial(void *arg, const struct http_answer *a, usec_t now)
{
    struct trial *t = arg;
    enum window_result ignored;
    json_t *root = answer_judge(&t->op, a, &t->outcome, &ignored);
    const struct config_auth *auth = &t->s->c->auth;
    msec_t end = t->outcome.verdict == SNOW_OK
                     ? oauth_life_read(t->outcome.result, auth->client_id, auth->username)
                     : 0;

    (void)now;
    if (end > clock_wall() && t->s->record.refresh_token != NULL) {
        t->s->record.refresh_expires_at = end;
        set_text(&t->s->record.refresh_source, oauth_life_name(OAUTH_LIFE_ASKED));
    }
    json_decref(root);
}

static int send_trial(struct trial *t, const char *access_token, const char *query, struct err *e)
{
    struct http_header headers[] = {{"Accept", "application/json"}};
    struct http_request r = {.method = "GET",
                             .headers = headers,
                             .headers_count = ARRAY_LEN(headers),
                             .bearer = access_token};
    struct buf url;
    int rc = -1;

    t->op = (struct snow_op){.kind = SNOW_LIST,
                             .table = OAUTH_LIFE_TABLE,
                             .query = query,
                             .fields = OAUTH_LIFE_FIELDS,
                             .limit = 100};
    buf_init(&url, REQUEST_URL_MAX + strlen(t->s->c->server_url));
    if (request_check(&t->op, e) == 0 && request_url(&url, t->s->c->server_url, &t->op, e) == 0) {
        r.url = buf_text(&url);
        rc = ask(t->s, &r, on_trial, t, e);
    }
    buf_done(&url);
    return rc;
}

enum signin_alive signin_try(struct signin *s, const char *access_token, struct err *e)
{
    struct trial t = {.s = s};
    struct buf query;
    int rc = -1;

    buf_init(&query, REQUEST_URL_MAX);
    if (oauth_life_query(&query, s->c->auth.client_id) != 0)
        (void)buf_addf(&query, "type=refresh_token");
    rc = send_trial(&t, access_token, buf_text(&query), e);
    buf_done(&query);
    if (rc != 0)
        return SIGNIN_UNKNOWN;
    *e = t.outcome.err;
    if (t.outcome.verdict == SNOW_UNAUTHORISED)
        return SIGNIN_DEAD;
    /* Few users may read that table; a refusal that knows the user is as good. */
    return t.outcome.status == 200 || t.outcome.status == 400 || t.outcome.status == 403 ||
                   t.outcome.status == 404
               ? SIGNIN_ALIVE
               : SIGNIN_UNKNOWN;
}

static void on_revoked(void *arg, const struct http_answer *a, usec_t now)
{
    struct err *e = arg;

    (void)now;
    if (a->end != HTTP_ANSWERED)
        *e = a->err;
    else if (a->status == 429 || a->status >= 500)
        (void)err_set(e, ERR_RETRY, "revoke",
                      "ServiceNow cannot revoke a token just now: HTTP %d; try again later",
                      a->status);
    else
        err_clear(e);
}

/* The ways to say it, by the documents of the instance (servicenow-api 1.3). The first keeps the
 * token out of the URL, and so out of access logs. */
static const struct way {
    const char *path;
    bool in_url;
} ways[] = {{"/oauth_revoke_token.do", false},
            {"/oauth_revoke.do", false},
            {"/oauth_revoke_token.do", true}};

static int revoke_one(struct signin *s, const struct way *w, const char *token, struct err *e)
{
    struct err answer;
    struct buf text;
    char *path;
    int rc;

    if (token == NULL)
        return 0;
    buf_init(&text, OAUTH_FORM_MAX);
    (void)buf_add_text(&text, "token=");
    if (query_escape(&text, token) != 0) {
        buf_wipe(&text);
        return err_set(e, ERR_CONFIG, "revoke", "A token of the store is too long to be one");
    }
    path = w->in_url ? xasprintf("%s?%s", w->path, buf_text(&text)) : xstrdup(w->path);
    if (w->in_url)
        buf_clear(&text);
    rc = post_form(s, path, &text, NULL, on_revoked, &answer, e);
    if (rc == 0 && answer.class != ERR_NONE) {
        *e = answer;
        rc = -1;
    }
    buf_wipe(&text);
    wipe_free(path);
    return rc;
}

int signin_revoke(struct signin *s, const char *access_token, const char *refresh_token,
                  struct err *e)
{
    bool visible = access_token != NULL && signin_try(s, access_token, e) == SIGNIN_ALIVE;

    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        if (revoke_one(s, &ways[i], refresh_token, e) != 0 ||
            revoke_one(s, &ways[i], access_token, e) != 0)
            return -1;
        if (!visible)
            continue; /* nothing to see it by, so each way is taken */
        switch (signin_try(s, access_token, e)) {
        case SIGNIN_DEAD:
            return 0;
        case SIGNIN_UNKNOWN:
            return -1;
        case SIGNIN_ALIVE:
            break;
        }
    }
    if (!visible)
        return 1;
    return err_set(e, ERR_REJECT, "revoke",
                   "ServiceNow answered the revocation, and the token is alive all the same; an "
                   "administrator can end it under System OAuth, Manage Tokens");
}
