/* A sign-in against a scripted token endpoint, with a store in a folder of its own. Time is made
 * up: ticks get the loop's time plus whatever the test wants, answers come with the loop's own. All
 * that is logged is kept, and checked for secrets at the end. */
#ifndef TESTS_SUPPORT_OAUTH_RIG_H
#define TESTS_SUPPORT_OAUTH_RIG_H

#include <stdbool.h>

#include "bridge/base/loop.h"
#include "bridge/base/metrics.h"
#include "bridge/servicenow/oauth.h"
#include "bridge/servicenow/token_store.h"
#include "tests/support/script_server.h"

#define OAUTH_DENIED "{\"error_description\":\"access_denied\",\"error\":\"server_error\"}"

struct oauth_rig {
    struct loop *loop;
    struct http *http;
    struct script_server *server;
    struct metrics *metrics;
    struct oauth *oauth;
    struct config_connection c; /* grant password, store in `folder` */
    char folder[64];
    char *store, *secret_file, *key_file, *url;
    int real_stderr, log;
};

struct oauth_rig *oauth_rig_new(void);
/* No text of `secrets` (ends with NULL) may have been logged. */
void oauth_rig_free(struct oauth_rig *r, const char *const *secrets);

/* Puts the sign-in together (again). */
void oauth_rig_start(struct oauth_rig *r);
usec_t oauth_rig_now(const struct oauth_rig *r);
/* The next answer of the endpoint. token: granted with this refresh token (NULL: none), 1800 s. */
void oauth_rig_push(struct oauth_rig *r, int status, const char *body);
void oauth_rig_grant(struct oauth_rig *r, const char *token, const char *refresh);
/* A tick `ahead` from now and all that it started; returns what the tick said. */
usec_t oauth_rig_tick(struct oauth_rig *r, usec_t ahead);
/* "" when there is none. */
const char *oauth_rig_authorization(struct oauth_rig *r, usec_t ahead);
void oauth_rig_reject(struct oauth_rig *r, usec_t ahead); /* the present token got a 401 */
/* The i-th request's form; fails when there was none. */
const char *oauth_rig_form(struct oauth_rig *r, size_t i);
size_t oauth_rig_requests(struct oauth_rig *r);
/* All that was logged so far; new. How often a text is in it. */
char *oauth_rig_log(struct oauth_rig *r);
unsigned oauth_rig_said(struct oauth_rig *r, const char *text);
/* What another process does: reads the store, or writes tokens into it. */
void oauth_rig_read(struct oauth_rig *r, struct token_record *ret);
void oauth_rig_write(struct oauth_rig *r, const char *token, const char *refresh, usec_t left);
void oauth_rig_put(const char *path, const char *text); /* replaces a file, mode 0600 */

#endif
