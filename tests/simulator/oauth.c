/*
 * The token endpoint. One token record per client, user and grant family holds an access and a
 * refresh token with their ends on the monotonic clock. A grant while the access token lives gives
 * the same one with its end moved on; a refresh gives a new access token beside the same refresh
 * token, whose end does not move. All failures of credentials look alike, as on an instance.
 */
#include "tests/simulator/oauth.h"
#include "tests/simulator/accounts.h"
#include "tests/simulator/assertion.h"
#include "tests/simulator/credential.h"

#include <stdlib.h>
#include <string.h>

#define TOKEN_LEN 86

struct token {
    char access[TOKEN_LEN + 1];
    char refresh[TOKEN_LEN + 1]; /* empty: none */
    char *user, *client;
    usec_t access_end, refresh_end;
    int64_t access_life_s;
    bool of_client;      /* made by client_credentials */
    char credential[33]; /* of the row in oauth_credential */
    struct token *next;
};

struct access {
    char text[TOKEN_LEN + 1];
    char *user;
    usec_t end;
    UT_hash_handle hh;
};

/* Access tokens outlive the record when a refresh replaced them: they have a table of their own. */
struct tokens {
    struct token *list;
    struct access *access;
};

void tokens_init(struct sim *sim)
{
    sim->tokens = xalloc(sizeof(*sim->tokens));
}

static void access_drop(struct tokens *t, struct access *x)
{
    HASH_DEL(t->access, x);
    free(x->user);
    free(x);
}

void tokens_free(struct sim *sim)
{
    struct access *x, *after;

    if (sim->tokens == NULL)
        return;
    HASH_ITER (hh, sim->tokens->access, x, after) {
        access_drop(sim->tokens, x);
    }
    while (sim->tokens->list) {
        struct token *t = sim->tokens->list;

        sim->tokens->list = t->next;
        free(t->user);
        free(t->client);
        free(t);
    }
    free(sim->tokens);
    sim->tokens = NULL;
}

struct user *oauth_bearer(struct sim *sim, const char *access)
{
    struct access *x;

    HASH_FIND_STR(sim->tokens->access, access, x);
    if (x == NULL)
        return NULL;
    if (x->end <= clock_mono()) {
        access_drop(sim->tokens, x);
        return NULL;
    }
    return user_find(sim, x->user);
}

static void access_end(struct sim *sim, const char *text, usec_t end)
{
    struct access *x;

    HASH_FIND_STR(sim->tokens->access, text, x);
    if (x != NULL)
        x->end = end;
}

static void new_access(struct sim *sim, struct token *t, usec_t now)
{
    struct access *x = xalloc(sizeof(*x));

    rng_token(&sim->rng, t->access, TOKEN_LEN);
    t->access_end = now + (usec_t)t->access_life_s * 1000000;
    memcpy(x->text, t->access, sizeof(x->text));
    x->user = xstrdup(t->user);
    x->end = t->access_end;
    HASH_ADD_STR(sim->tokens->access, text, x);
}

static void new_refresh(struct sim *sim, struct token *t, int64_t life_s, usec_t now)
{
    rng_token(&sim->rng, t->refresh, TOKEN_LEN);
    t->refresh_end = now + (usec_t)life_s * 1000000;
}

int oauth_kill(struct sim *sim, const char *text, bool access_only)
{
    struct access *x, *after;
    int n = 0;

    for (struct token *t = sim->tokens->list; t; t = t->next) {
        if (text && strcmp(text, t->access) != 0 && strcmp(text, t->refresh) != 0)
            continue;
        if (!access_only && (text == NULL || strcmp(text, t->refresh) == 0))
            t->refresh_end = 0;
        t->access_end = 0;
        access_end(sim, t->access, 0);
        n++;
    }
    HASH_ITER (hh, sim->tokens->access, x, after) {
        if (text == NULL || strcmp(text, x->text) == 0)
            access_drop(sim->tokens, x);
    }
    return n;
}

static void refuse(struct answer *a)
{
    answer_json(
        a, 401,
        json_pack("{s:s,s:s}", "error_description", "access_denied", "error", "server_error"));
    a->type = "application/json";
    a->anonymous = true;
}

static void grant(struct sim *sim, struct answer *a, const struct token *t, bool with_refresh)
{
    usec_t now = clock_mono();
    long long left = t->access_end > now ? (long long)((t->access_end - now) / 1000000) : 0;

    a->status = 200;
    a->type = "application/json;charset=UTF-8";
    a->anonymous = true;
    str_printf(&a->body, "{\"access_token\":\"%s\"", t->access);
    if (with_refresh && t->refresh[0])
        str_printf(&a->body, ",\"refresh_token\":\"%s\"", t->refresh);
    str_printf(&a->body,
               ",\"scope\":\"useraccount\",\"token_type\":\"Bearer\",\"expires_in\":%lld}", left);
    (void)sim;
}

/* The record of a user, made when missing. */
static struct token *record(struct sim *sim, const struct oauth_client *c, const char *user,
                            bool of_client)
{
    struct token *t;

    for (t = sim->tokens->list; t; t = t->next) {
        if (t->of_client == of_client && strcmp(t->user, user) == 0 &&
            strcmp(t->client, c->id) == 0 && sim->set.same_token)
            return t;
    }
    t = xalloc(sizeof(*t));
    t->user = xstrdup(user);
    t->client = xstrdup(c->id);
    t->of_client = of_client;
    rng_hex(&sim->rng, t->credential, 32, false);
    t->next = sim->tokens->list;
    sim->tokens->list = t;
    return t;
}

static void issue(struct sim *sim, struct answer *a, const struct oauth_client *c, const char *user,
                  bool of_client)
{
    struct token *t = record(sim, c, user, of_client);
    bool with_refresh = !of_client || sim->set.client_credentials_refresh;
    usec_t now = clock_mono();

    t->access_life_s = c->access_life_s;
    if (t->access_end <= now) {
        new_access(sim, t, now);
    } else {
        t->access_end = now + (usec_t)t->access_life_s * 1000000;
        access_end(sim, t->access, t->access_end);
    }
    if (with_refresh && (t->refresh[0] == '\0' || t->refresh_end <= now))
        new_refresh(sim, t, c->refresh_life_s, now);
    else if (with_refresh)
        t->refresh_end = now + (usec_t)c->refresh_life_s * 1000000;
    if (with_refresh)
        credential_write(sim, t->credential, t->client, t->user,
                         sim_now_s(sim) + (int64_t)((t->refresh_end - now) / 1000000));
    grant(sim, a, t, with_refresh);
}

static const char *form(const struct pair *p, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(p[i].name, name) == 0)
            return p[i].value;
    }
    return "";
}

static void grant_password(struct sim *sim, const struct oauth_client *c, const struct pair *p,
                           size_t n, struct answer *a)
{
    const struct user *u = user_find(sim, form(p, n, "username"));

    if (!sim->set.grant_password || u == NULL || !u->active || u->locked ||
        !account_password(sim, u, form(p, n, "password")))
        refuse(a);
    else
        issue(sim, a, c, u->name, false);
}

static void grant_client(struct sim *sim, const struct oauth_client *c, const struct pair *p,
                         size_t n, struct answer *a)
{
    const struct user *u = c->user ? user_find(sim, c->user) : NULL;

    (void)p;
    (void)n;
    if (!c->credentials || u == NULL || !u->active || u->locked)
        refuse(a);
    else
        issue(sim, a, c, u->name, true);
}

static void grant_refresh(struct sim *sim, const struct oauth_client *c, const struct pair *p,
                          size_t n, struct answer *a)
{
    const char *text = form(p, n, "refresh_token");
    usec_t now = clock_mono();
    const struct user *u;
    struct token *t;

    for (t = sim->tokens->list; t && (*text == '\0' || strcmp(t->refresh, text) != 0); t = t->next)
        ;
    u = t ? user_find(sim, t->user) : NULL;
    if (!sim->set.grant_refresh || u == NULL || !u->active || u->locked || t->refresh_end <= now ||
        strcmp(t->client, c->id) != 0) {
        refuse(a);
        return;
    }
    if (sim->set.refresh_kills_access)
        access_end(sim, t->access, 0);
    t->access_life_s = c->access_life_s;
    new_access(sim, t, now);
    if (sim->set.new_refresh_token) {
        usec_t end = t->refresh_end;

        new_refresh(sim, t, c->refresh_life_s, now);
        t->refresh_end = end;
    }
    grant(sim, a, t, sim->set.refresh_in_answer);
}

/* The assertion stands in the form, or in a header as the vendor's Python client sends it. */
static void grant_jwt(struct sim *sim, const struct oauth_client *c, const struct pair *p, size_t n,
                      struct answer *a)
{
    char *subject = assertion_subject(sim, form(p, n, "assertion"), c->id);
    const struct user *u = subject ? user_find(sim, subject) : NULL;

    free(subject);
    if (u == NULL || !u->active || u->locked)
        refuse(a);
    else
        issue(sim, a, c, u->name, false);
}

static const struct {
    const char *name;
    void (*run)(struct sim *, const struct oauth_client *, const struct pair *, size_t,
                struct answer *);
} grants[] = {
    {"password", grant_password},
    {"refresh_token", grant_refresh},
    {"client_credentials", grant_client},
    {"urn:ietf:params:oauth:grant-type:jwt-bearer", grant_jwt},
};

/* Client id and secret from form or, where that is set, from HTTP Basic. */
static bool client_known(const struct sim *sim, const struct request *r, const struct pair *p,
                         size_t n, struct oauth_client *ret)
{
    const char *auth = r->header[HDR_AUTHORIZATION];
    char *plain, *colon;
    bool known;

    if (*form(p, n, "client_id") || auth == NULL || strncmp(auth, "Basic ", 6) != 0 ||
        !sim->set.client_basic)
        return account_client(sim, form(p, n, "client_id"), form(p, n, "client_secret"), ret);
    plain = base64_decode(auth + 6, strlen(auth + 6), &n);
    colon = plain ? strchr(plain, ':') : NULL;
    if (colon)
        *colon = '\0';
    known = colon && account_client(sim, plain, colon + 1, ret);
    free(plain);
    return known;
}

static void run_grant(struct sim *sim, const struct request *r, const struct pair *p, size_t n,
                      struct answer *a)
{
    const char *kind = form(p, n, "grant_type");
    struct oauth_client client;

    if (!client_known(sim, r, p, n, &client)) {
        refuse(a);
        return;
    }
    for (size_t i = 0; i < sizeof(grants) / sizeof(grants[0]); i++) {
        if (strcmp(grants[i].name, kind) == 0) {
            grants[i].run(sim, &client, p, n, a);
            return;
        }
    }
    answer_json(a, 400,
                json_pack("{s:s,s:s}", "error_description", "unsupported grant type", "error",
                          "unsupported_grant_type"));
    a->anonymous = true;
}

/* An assertion in the header Authentication counts as one in the form. */
static struct pair *form_read(const struct request *r, size_t *ret_n)
{
    const char *header = r->header[HDR_AUTHENTICATION];
    struct str text = {0};
    struct pair *p;

    str_puts(&text, r->body.p ? r->body.p : "");
    if (header && strncmp(header, "Bearer ", 7) == 0) {
        str_puts(&text, "&assertion=");
        url_encode(&text, header + 7);
    }
    p = pairs_read(text.p, true, ret_n);
    str_free(&text);
    return p;
}

void oauth_token(struct sim *sim, const struct request *r, struct answer *a)
{
    const char *type = r->header[HDR_CONTENT_TYPE];
    bool is_form = type && strncasecmp(type, "application/x-www-form-urlencoded", 33) == 0;
    struct pair *p;
    size_t n;

    if (strcmp(r->method, "POST") != 0) {
        answer_error(a, 405, "Method Not Allowed", NULL);
        return;
    }
    if (!is_form || (r->n_args > 0 && !sim->set.url_parameters)) {
        refuse(a);
        return;
    }
    if (r->n_args > 0) {
        run_grant(sim, r, r->arg, r->n_args, a);
        return;
    }
    p = form_read(r, &n);
    run_grant(sim, r, p, n, a);
    pairs_free(p, n);
}

static bool revoke_works(const struct sim *sim, const struct request *r)
{
    const char *which = sim->set.revoke;

    if (strcmp(which, "url") == 0)
        return request_arg(r, "token") != NULL;
    if (strcmp(which, "plain") == 0)
        return strcmp(r->path, "/oauth_revoke.do") == 0;
    return strcmp(which, "none") != 0;
}

void oauth_revoke(struct sim *sim, const struct request *r, struct answer *a)
{
    size_t n;
    struct pair *p = pairs_read(r->body.p ? r->body.p : "", true, &n);
    const char *token = request_arg(r, "token");

    if (token == NULL)
        token = form(p, n, "token");
    if (*token && revoke_works(sim, r))
        (void)oauth_kill(sim, token, false);
    pairs_free(p, n);
    a->status = 200;
    a->type = "text/html;charset=UTF-8";
    a->anonymous = true;
}
