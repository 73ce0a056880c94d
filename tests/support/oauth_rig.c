#include "tests/support/oauth_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "bridge/base/buf.h"
#include "bridge/base/log.h"
#include "bridge/base/panic.h"
#include "bridge/base/xalloc.h"

static char nothing[] = "", client[] = "client one", secret[] = "s&cret=%+;#", user[] = "joe",
            password[] = "pass word^1", host[] = "acme";

struct oauth_rig *oauth_rig_new(void)
{
    const struct http_options o = {.ca_file = "",
                                   .proxy = "",
                                   .allow_http = true,
                                   .connect_timeout = 10 * USEC_S,
                                   .request_timeout = 20 * USEC_S,
                                   .body_max = 100000,
                                   .connections = 4};
    struct oauth_rig *r = xcalloc(1, sizeof *r);

    r->log = memfd_create("log", MFD_CLOEXEC);
    r->real_stderr = dup(STDERR_FILENO);
    invariant(r->log >= 0 && r->real_stderr >= 0 && dup2(r->log, STDERR_FILENO) >= 0);
    log_setup(LOG_LEVEL_DEBUG, LOG_PLAIN);
    r->loop = loop_new(NULL);
    r->server = script_server_new();
    r->http = http_new(r->loop, &o, NULL);
    r->metrics = metrics_new();
    (void)snprintf(r->folder, sizeof r->folder, "/tmp/oauth-rig.XXXXXX");
    invariant(mkdtemp(r->folder) != NULL);
    r->store = xasprintf("%s/token.json", r->folder);
    r->secret_file = xasprintf("%s/secret", r->folder);
    r->key_file = xasprintf("%s/key.pem", r->folder);
    r->url = xasprintf("http://127.0.0.1:%d", script_server_port(r->server));
    r->c.host = host;
    r->c.server_url = r->url;
    r->c.auth = (struct config_auth){.grant = GRANT_PASSWORD,
                                     .client_id = client,
                                     .client_secret = {nothing, secret},
                                     .username = user,
                                     .password = {nothing, password},
                                     .refresh_token = {nothing, nothing},
                                     .api_key = {nothing, nothing},
                                     .jwt = {.key = r->key_file,
                                             .key_password = {nothing, nothing},
                                             .kid = nothing,
                                             .issuer = client,
                                             .subject = user,
                                             .audience = client,
                                             .life = 300 * USEC_S},
                                     .token_store = r->store};
    return r;
}

char *oauth_rig_log(struct oauth_rig *r)
{
    struct stat st;
    char *text;

    assert_int_equal(fstat(r->log, &st), 0);
    text = xcalloc((size_t)st.st_size + 1, 1);
    assert_int_equal(pread(r->log, text, (size_t)st.st_size, 0), st.st_size);
    return text;
}

unsigned oauth_rig_said(struct oauth_rig *r, const char *text)
{
    char *log = oauth_rig_log(r);
    unsigned n = 0;

    for (const char *p = log; (p = strstr(p, text)) != NULL; p++)
        n++;
    free(log);
    return n;
}

void oauth_rig_free(struct oauth_rig *r, const char *const *secrets)
{
    char *log, *lock = xasprintf("%s.lock", r->store);

    r->oauth = oauth_free(r->oauth);
    r->http = http_free(r->http);
    r->loop = loop_free(r->loop);
    r->server = script_server_free(r->server);
    r->metrics = metrics_free(r->metrics);
    (void)dup2(r->real_stderr, STDERR_FILENO);
    log = oauth_rig_log(r);
    for (size_t i = 0; secrets[i] != NULL; i++)
        if (strstr(log, secrets[i]) != NULL)
            fail_msg("'%s' was logged: %s", secrets[i], log);
    free(log);
    (void)close(r->log);
    (void)close(r->real_stderr);
    (void)unlink(lock);
    (void)unlink(r->store);
    (void)unlink(r->secret_file);
    (void)unlink(r->key_file);
    assert_int_equal(rmdir(r->folder), 0); /* nothing was left beside the store */
    free(lock);
    free(r->store);
    free(r->secret_file);
    free(r->key_file);
    free(r->url);
    free(r);
}

void oauth_rig_start(struct oauth_rig *r)
{
    struct err e = {.text = ""};

    r->oauth = oauth_free(r->oauth);
    r->oauth = oauth_new(r->http, &r->c, r->metrics, &e);
    assert_string_equal(e.text, "");
}

usec_t oauth_rig_now(const struct oauth_rig *r)
{
    return loop_now(r->loop);
}

void oauth_rig_push(struct oauth_rig *r, int status, const char *body)
{
    const struct script_step step = {.status = status, .body = body};

    script_server_push(r->server, &step);
}

void oauth_rig_grant(struct oauth_rig *r, const char *token, const char *refresh)
{
    char *body = xasprintf("{\"access_token\":\"%s\",%s%s%s\"token_type\":\"Bearer\","
                           "\"expires_in\":1800}",
                           token, refresh == NULL ? "" : "\"refresh_token\":\"",
                           refresh == NULL ? "" : refresh, refresh == NULL ? "" : "\",");

    oauth_rig_push(r, 200, body);
    free(body);
}

usec_t oauth_rig_tick(struct oauth_rig *r, usec_t ahead)
{
    usec_t next = oauth_tick(r->oauth, oauth_rig_now(r) + ahead);

    while (http_in_flight(r->http) > 0)
        loop_turn(r->loop, USEC_S);
    return next;
}

const char *oauth_rig_authorization(struct oauth_rig *r, usec_t ahead)
{
    uint64_t generation;
    const char *api_key,
        *text = oauth_authorization(r->oauth, oauth_rig_now(r) + ahead, &generation, &api_key);

    return text == NULL ? "" : text;
}

void oauth_rig_reject(struct oauth_rig *r, usec_t ahead)
{
    usec_t now = oauth_rig_now(r);
    uint64_t generation = 0;
    const char *api_key;

    assert_non_null(oauth_authorization(r->oauth, now, &generation, &api_key));
    oauth_rejected(r->oauth, generation, now + ahead);
}

const char *oauth_rig_form(struct oauth_rig *r, size_t i)
{
    const struct script_request *request = script_server_request(r->server, i);

    assert_non_null(request);
    assert_string_equal(request->method, "POST");
    assert_string_equal(request->target, "/oauth_token.do");
    return request->body;
}

size_t oauth_rig_requests(struct oauth_rig *r)
{
    return script_server_count(r->server);
}

static struct token_binding binding(const struct oauth_rig *r)
{
    return (struct token_binding){r->c.host, r->c.auth.client_id, r->c.auth.username};
}

void oauth_rig_read(struct oauth_rig *r, struct token_record *ret)
{
    struct token_binding b = binding(r);
    struct err e = {.text = ""};

    assert_int_equal(token_store_load(r->store, &b, ret, &e), 0);
}

void oauth_rig_write(struct oauth_rig *r, const char *token, const char *refresh, usec_t left)
{
    struct token_binding b = binding(r);
    struct token_record record = {.access_token = xstrdup(token),
                                  .refresh_token = xstrdup(refresh),
                                  .expires_at = clock_wall() + left / USEC_MS};

    assert_int_equal(token_store_save(r->store, &b, &record, NULL), 0);
    token_record_done(&record);
}

void oauth_rig_put(const char *path, const char *text)
{
    char *beside = xasprintf("%s.new", path);
    FILE *f = fopen(beside, "w");

    assert_non_null(f);
    assert_int_equal(fputs(text, f) >= 0, true);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(rename(beside, path), 0);
    free(beside);
}
