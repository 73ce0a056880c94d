/* Codes of setup: the administrator's sign-in, secrets and their files, what an instance does not
 * take. */
#include "bridge/base/attr.h"
#include "bridge/commands/explain.h"

static const struct explain_entry entries[] = {
    {"admin-sign-in",
     "The instance refused the sign-in that setup was lent, or could not be asked. It was tried "
     "once, so that nobody is locked out.",
     "check name and secret; where passwords are taken from web service users only, use "
     "--admin-token or --admin-api-key"},
    {"same-user",
     "The administrator's own user would become the integration user and lose its access by "
     "browser. Nothing was done.",
     "name another one with --user or connection.auth.username"},
    {"bad-name",
     "A user name, client id or connection name holds a character that a query to the instance "
     "cannot carry. Nothing was sent.",
     "choose a name without ^ and control characters"},
    {"did-not-take",
     "The instance accepted what setup wrote, but reading again shows something else.",
     "look at the record for business rules that change it, and at the release: "
     "client_credentials needs Washington DC or newer"},
    {"secret-file", "A file of secrets cannot be written. Nothing that needs it was sent.",
     "give the right to write it, or name another file with --secret-file"},
    {"secret-spec",
     "The configuration holds a secret as plain text, so setup has no place for a new one.",
     "write file:PATH or env:NAME there"},
    {"undo-file",
     "The file with the old values of records that people made is damaged, so setup does not go "
     "on: it could not be taken back.",
     "move the file away; what it held then stays as it is on the instance"},
};

const struct explain_area explain_setup = {"Setup", entries, ARRAY_LEN(entries)};
