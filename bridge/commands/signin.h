/* Token work of a command: gets, tries and revokes tokens, one blocking question at a time, and
 * keeps them in the token store under its lock. Apart from the state machine of a running bridge
 * (oauth.h), which keeps going what this begins. Main thread; waits are bounded by the time-outs of
 * the configuration. */
#ifndef BRIDGE_COMMANDS_SIGNIN_H
#define BRIDGE_COMMANDS_SIGNIN_H

#include <stdbool.h>

#include "bridge/base/attr.h"
#include "bridge/base/err.h"
#include "bridge/config/config.h"
#include "bridge/servicenow/token_store.h"

struct signin;

/* Borrows c for its life (it may be a changed copy: another grant, another password). Takes the
 * store's lock, waiting for another process that signs in just now, and reads the store. NULL:
 * class ERR_CONFIG, or ERR_RETRY when the lock stays taken. */
struct signin *signin_open(const struct config_connection *c, struct err *e) MUST_CHECK;
struct signin *signin_close(struct signin *s); /* gives the lock back; NULL is fine */

/* What the store held, and what signin_get brought. */
struct token_record *signin_record(struct signin *s);

/* Asks for tokens by the configured grant. A refusal (class ERR_AUTH) is written into the store, so
 * that the same is not sent again for 15 minutes by anyone; then it is refused here, class
 * ERR_RETRY. On success the record holds the new tokens; signin_save writes them. */
int signin_get(struct signin *s, struct err *e) MUST_CHECK;
int signin_save(struct signin *s, struct err *e) MUST_CHECK;

enum signin_alive { SIGNIN_ALIVE, SIGNIN_DEAD, SIGNIN_UNKNOWN };
/* Does the instance take this access token? Also asks it when the refresh token ends, and puts that
 * into the record when it tells. */
enum signin_alive signin_try(struct signin *s, const char *access_token, struct err *e);

/* Revokes both tokens (NULL: none), in each of the ways that are documented until the access token
 * is dead. 0: it is; 1: asked for, but there was no live access token to see it by; -1: class
 * ERR_RETRY when the instance cannot be reached, ERR_REJECT when the token is still alive. */
int signin_revoke(struct signin *s, const char *access_token, const char *refresh_token,
                  struct err *e) MUST_CHECK;

#endif
