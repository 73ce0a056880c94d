/* The token store: one small JSON file, the only file the bridge keeps (design D1). It is bound to
 * server, client and user (D11), carries a version (D13), is readable by its owner alone and is
 * replaced as a whole: written beside, synced, renamed. Also remembers that a sign-in was refused,
 * so that a restarting bridge does not lock its user out. Blocking file I/O of a few kilobytes.
 * Loop thread, or a command without a loop. */
#ifndef BRIDGE_SERVICENOW_TOKEN_STORE_H
#define BRIDGE_SERVICENOW_TOKEN_STORE_H

#include <jansson.h>
#include <stdbool.h>

#include "bridge/base/attr.h"
#include "bridge/base/clock.h"
#include "bridge/base/err.h"

/* Whom the tokens belong to. Borrowed strings. */
struct token_binding {
    const char *host, *client_id, *username;
};

/* All strings are owned, NULL = none. Zeroed memory is an empty record. */
struct token_record {
    char *access_token, *refresh_token;
    msec_t expires_at; /* of the access token, wall time; 0 with none */
    /* The end of the refresh token, wall time, 0 when not known; how it is known (a word of
     * oauth_life.h, NULL: not); the last mark, in days before it, that was warned of, 0: none. */
    msec_t refresh_expires_at;
    char *refresh_source;
    int refresh_warned;
    /* The last refused sign-in: digest of what was sent, salted, and when. */
    char *refused_salt, *refused_digest;
    msec_t refused_at;
};

/* Wipes and frees the strings; the record is empty afterwards. */
void token_record_done(struct token_record *r);

/* Reads the file. A missing or empty one gives an empty record and 0. -1 (class ERR_CONFIG, the
 * record untouched): not a plain file of our own with mode 0600 (checked on the open descriptor, a
 * symbolic link is not followed), another version, another binding, damaged. */
int token_store_load(const char *path, const struct token_binding *b, struct token_record *ret_r,
                     struct err *e) MUST_CHECK;

/* Replaces the file, mode 0600. -1: the old file is still what it was; or, when only the folder
 * could not be synced, the new one is there and may be gone after a power cut. */
int token_store_save(const char *path, const struct token_binding *b, const struct token_record *r,
                     struct err *e) MUST_CHECK;

/* Has it neither a token nor a refusal? So reads a store that is not there. */
bool token_record_empty(const struct token_record *r);

/* One process at a time asks for tokens: a lock on the file `<path>.lock`, which stays, empty. It
 * ends with the process. Returns the descriptor, -1 (class ERR_RETRY) when another process has the
 * lock, -2 (class ERR_CONFIG) when there can be none, as in a folder that is read-only. Does not
 * wait. */
int token_lock_try(const char *path, struct err *e) MUST_CHECK;
void token_unlock(int fd); /* below 0 is fine */

/* Deletes the file (command `logout`). A missing one is fine. */
int token_store_remove(const char *path, struct err *e) MUST_CHECK;

/* Wipes an object's own string members, then json_decref. NULL is fine. */
void token_json_wipe(json_t *object);

#endif
