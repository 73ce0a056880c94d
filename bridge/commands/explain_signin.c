/* Codes of tokens, keys and certificates that the bridge itself shows, and of login and logout. */
#include "bridge/base/attr.h"
#include "bridge/commands/explain.h"

static const struct explain_entry entries[] = {
    {"sign-in-ends",
     "The refresh token ends in 14, 7, 3 or 1 days. With grant password the bridge then signs in "
     "with the password; with grant refresh_token it has no sign-in any more.",
     "run itsm-bridge login; a running bridge takes the new tokens over by itself"},
    {"sign-in-taken-over",
     "The token store holds a newer token, of login or of another process, and it is used.", ""},
    {"secret-changed", "A secret file of connection.auth has changed, and what it holds is used.",
     ""},
    {"token-lock",
     "Processes with the same token store sign in one at a time, by a lock on the file beside it. "
     "The lock was taken, or cannot be had.",
     "when it lasts: look for a process that is stopped or hangs; give the bridge's user the right "
     "to write into the folder of the token store"},
    {"jwt-key",
     "The key that signs the assertion (connection.auth.jwt_key) cannot be read or used.",
     "name a file with an RSA private key of 2048 bits or more in PEM form, and its password if it "
     "has one"},
    {"jwt-claims", "The assertion cannot be written, since a value in it is not UTF-8.",
     "correct the jwt_ keys, client_id and username of connection.auth"},
    {"client-certificate",
     "The bridge's own certificate (connection.client_certificate) or its key cannot be read, or "
     "they do not belong together.",
     "name the two files that were made together, and the key's password if it has one"},
    {"revoke",
     "Tokens could not be revoked: the instance did not answer, or answered and let them live.",
     "try again; else an administrator can end them under System OAuth, Manage Tokens"},
    {"no-terminal", "A command wants to ask for a password, and there is no terminal.",
     "give --password-from file:PATH or env:NAME"},
    {"given-up", "Nothing was entered when a command asked for a password.", "run it again"},
};

const struct explain_area explain_signin = {"Tokens, keys, login and logout", entries,
                                            ARRAY_LEN(entries)};
