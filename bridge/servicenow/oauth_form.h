/* What a sign-in sends: the form of the token endpoint, the constant headers, and the salted digest
 * by which a refused sign-in is recognised. Pure but for the salt and, with a JWT, the key's date.
 */
#ifndef BRIDGE_SERVICENOW_OAUTH_FORM_H
#define BRIDGE_SERVICENOW_OAUTH_FORM_H

#include "bridge/base/attr.h"
#include "bridge/base/buf.h"
#include "bridge/base/digest.h"
#include "bridge/config/config.h"

/* Room for a form: two JWTs and long secrets, each byte escaped. */
#define OAUTH_FORM_MAX ((size_t)64 * 1024)

/* The form body (servicenow-api 1.1): grant refresh_token with this token, or, when it is NULL, the
 * configured grant (password, client_credentials or jwt_bearer; `assertion` is the latter's, NULL
 * when it goes into a header). Every value is escaped. -1 when it is too long. */
int oauth_form(struct buf *out, const struct config_auth *a, const char *refresh_token,
               const char *assertion) MUST_CHECK;

/* "Basic <base64 of user:password>"; new, the caller wipes it. */
char *oauth_basic(const struct config_auth *a) MUST_CHECK;

/* New salt, as hex digits; the caller frees it. */
char *oauth_salt(void) MUST_CHECK;

/* Digest over all that a sign-in sends, and where; refresh_token: that of the store where nothing
 * else gives a sign-in, else "". Slow on purpose (some milliseconds): the file it is kept in must
 * not help anyone to guess a password. Grant jwt_bearer: looks at the key file. */
void oauth_sign_in_digest(const char *host, const struct config_auth *a, const char *refresh_token,
                          const char *salt, char out[DIGEST_HEX_SIZE]);

/* Does the text hold one of the secrets (of four characters or more)? */
bool oauth_holds_secret(const struct config_auth *a, const char *text);

#endif
