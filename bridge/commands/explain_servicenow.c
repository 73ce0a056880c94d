/* Codes of the way to ServiceNow: configuration of it, connection, sign-in, answers. */
#include "bridge/base/attr.h"
#include "bridge/commands/explain.h"

static const struct explain_entry entries[] = {
    {"sign-in-ready", "The bridge has signed in to ServiceNow.", ""},
    {"sign-in-refresh-failed",
     "The token could not be renewed. The old one is used until it ends; tried again soon.",
     "see the text when it goes on"},
    {"sign-in-waiting",
     "There is no sign-in now, for a reason that passes: the token endpoint is away, slow or "
     "gives a web page. Nothing is sent meanwhile and nothing is lost.",
     "see the text when it goes on"},
    {"sign-in-broken",
     "ServiceNow refuses the sign-in. Nothing is sent until it is mended; nothing is lost. It is "
     "tried again rarely, since refused passwords lock users.",
     "correct connection.auth (a changed secret file or token store is noticed, the rest takes "
     "SIGHUP or a restart), or run itsm-bridge login; see refused"},
    {"no-sign-in", "A request was not sent because there is no sign-in.",
     "check client id and secret, user and password (System OAuth, Application Registry; the user "
     "active and not locked out); the text says what the instance said"},
    {"refused",
     "The token endpoint refuses the sign-in. It says access_denied for nearly everything: wrong "
     "client secret, wrong user or password, locked user, expired refresh token, a grant that is "
     "switched off.",
     "try each: the OAuth client's id and secret, the user (active, not locked out, password need "
     "not be changed), whether the grant is allowed (client_credentials needs the property "
     "glide.oauth.inbound.client.credential.grant_type.enabled and an OAuth Application User)"},
    {"rejected",
     "The instance refuses a request for a reason of its own: access rule, data policy, business "
     "rule, unknown table; or it answers 401 to a sign-in that cannot be renewed. A record is "
     "not sent again as it is: its message becomes a dead letter.",
     "see the instance's words in the text: give the user the role (incident: itil), map the "
     "mandatory field, correct the table, or the user and password"},
    {"refused-before",
     "This very user and secret were refused a moment ago. They are not tried again for a while, "
     "since refused passwords lock users.",
     "correct connection.auth and send SIGHUP; see refused"},
    {"no-refresh-token",
     "The grant is refresh_token, but there is no refresh token: none is configured, and the token "
     "store holds none.",
     "run itsm-bridge login, or give connection.auth.refresh_token; a running bridge goes on by "
     "itself"},
    {"no-place",
     "The instance refuses a request for all records alike: the table is not there, or the user "
     "may not write it. Records wait, they are not given up for it.",
     "give the user the role of the table (incident: itil; events: evt_mgmt_integration), or "
     "activate the plug-in that has the table"},
    {"import-error",
     "The transform map of an import set failed for this row, although the answer was 201.",
     "look at the map and its scripts for the message in the text"},
    {"import-no-map", "No transform map took the row of an import set.",
     "give the staging table a transform map that is active and runs at once"},
    {"import-hidden",
     "A row was put into a staging table, and an access rule hides what became of it.",
     "give the user the right to read the staging table"},
    {"unauthorised",
     "The instance answers 401: the token has ended or was revoked, or the user lost its rights. "
     "The sign-in is renewed and the request sent again.",
     "nothing when it happens once; else check the user, and API access policies"},
    {"token-answer", "The token endpoint answered, but without a usable token. Tried again.",
     "check connection.server_url, and what stands between the bridge and the instance"},
    {"token-store",
     "The file of connection.auth.token_store cannot be used: of another owner, readable for "
     "others, damaged, of another instance, client or user, or not to be written.",
     "see the text; when in doubt delete the file, the bridge signs in anew"},
    {"form", "A secret of connection.auth is too long to be one.",
     "check what file: or env: of it points to"},
    {"file", "A file that a secret of the configuration names cannot be read.",
     "correct the path, or give the bridge's user the right to read it"},
    {"env", "An environment variable that a secret of the configuration names is not set.",
     "set it where the bridge is started, or name another by env:NAME or file:PATH"},
    {"hidden",
     "In the configuration: a secret is the stand-in that config print shows. As a dead letter: "
     "ServiceNow refuses to make a record because it exists, and shows no such record, so an "
     "access rule hides it.",
     "write the secret itself, by file: or env:; or give the user read access to all incidents "
     "and send the dead letter again"},
    {"ca-file", "The file of connection.ca_file cannot be read.",
     "correct the path, or give the bridge's user the right to read it"},
    {"certificate",
     "The instance's certificate is refused: expired, of another name, or of an authority that "
     "this machine does not know. Nothing was sent.",
     "for a private authority set connection.ca_file; else have the certificate replaced. The "
     "check cannot be switched off"},
    {"not-sent",
     "Nothing of the request reached the instance: no name, no connection, no TLS. It is tried "
     "again.",
     "check that the instance is up, name servers, firewalls, the proxy, and the list of allowed "
     "addresses on the instance (check says how far it comes)"},
    {"lost",
     "A request was sent, and no whole answer came. Whether it was done is not known: the record "
     "is read before anything is repeated.",
     "look at the network and the instance's load when it goes on"},
    {"too-large", "An answer was larger than the memory that is set aside for it.",
     "raise memory_mb, or make page_size of the producer smaller"},
    {"cancelled",
     "A request was cancelled: by the bridge, which stops; or by the instance, whose quota of "
     "seconds was used up (\"maximum execution time exceeded\").",
     "look for slow business rules on the table; for lists make page_size smaller, or have an "
     "index made for the query"},
    {"closing", "The bridge stops and sends nothing more.", ""},
    {"bad-header", "A header of a request holds a line end, so it was not sent.",
     "look for a line end inside a secret of connection.auth"},
    {"bad-url", "An address is not one that the bridge may use.",
     "check connection.server_url and connection.proxy"},
    {"bad-request", "A request was not sent because a name in it is not fit for a URL.",
     "see the text: a table or column of the configuration is wrong"},
    {"memory", "There was not enough memory for a request. It is tried again.",
     "give the machine more memory, or make limits.max_waiting and page_size smaller"},
    {"redirect",
     "The instance answers with a redirect, which is not followed: a log-in page stands before it, "
     "or the address is an old one. The bridge waits and tries again.",
     "check connection.server_url; API requests must not be sent to a single sign-on page"},
    {"absent", "There is no such record, or the user may not see it.",
     "nothing, unless the record is there: then give the user read access"},
    {"exists",
     "A record with the sys_id that was chosen exists already. It is read and brought up to date; "
     "this is how a repeated alert stays one record.",
     ""},
    {"proxy", "The proxy wants a sign-in (407). The bridge waits and tries again.",
     "put user and password into the proxy's own settings, or use another; check "
     "connection.proxy and https_proxy"},
    {"time-out", "The instance or a gateway gave up waiting (408).",
     "look at the instance's load when it goes on"},
    {"too-early", "The instance asks to send the request later (425). It is.", ""},
    {"throttled",
     "Too many requests (429): the hour's rate rule is used up, or too many at once. The bridge "
     "sends less, waits as long as asked, and loses nothing.",
     "raise the rate rule for the user (System Web Services, REST, Rate Limit Rules); fewer "
     "tables, longer poll times"},
    {"server-error",
     "The instance answers 500: a rule or script of it failed. A record is tried again "
     "limits.max_attempts times.",
     "look at the instance's own log (System Logs, Errors)"},
    {"unavailable",
     "The instance, or a gateway before it, cannot serve now (502, 503, 504), or the bridge waits "
     "after such answers. Nothing is lost.",
     "check the instance's state on the support portal: maintenance, upgrade, hibernation"},
    {"odd-status", "The instance answers with a status that it never uses.",
     "look for what stands between the bridge and the instance"},
    {"gateway",
     "A 403 or 404 that is not the instance's own: a filter or gateway stands between. The bridge "
     "waits and tries again.",
     "let the bridge's address through (on the instance: System Security, IP Address Access "
     "Control)"},
    {"html",
     "A web page came in place of an answer: a hibernating developer instance, maintenance, or a "
     "log-in page. The bridge waits and tries again.",
     "wake the instance, wait for the maintenance to end, or correct connection.server_url"},
    {"malformed",
     "An answer was cut, or was no JSON. Whether a write was done is not known: the record is "
     "read before it is repeated.",
     "for lists make page_size smaller; look for a gateway that cuts answers"},
    {"servicenow-closed",
     "After failures nothing is sent to the instance for a while; then one request probes. "
     "Nothing is lost.",
     "see the text"},
    {"servicenow-open", "The instance answers again.", ""},
};

const struct explain_area explain_servicenow = {"ServiceNow and its sign-in", entries,
                                                ARRAY_LEN(entries)};
