/* Names of what must never be copied into records, outcomes or logs, whatever the format. */
#include "consumers/secret.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "bridge/base/attr.h"

/* Whole names: routing keys and signed links let their reader act for the sender; claims and
 * authorization hold what tokens say. */
static const char *const names[] = {
    "claims",      "authorization",  "httpRequest", "requestbody",     "responseBody",
    "routing_key", "UnsubscribeURL", "service_key", "integration_key",
};

/* Parts of names, written without `_` and `-`. */
static const char *const parts[] = {
    "password",   "passwd",     "passphrase", "secret",      "apikey", "accesskey",
    "privatekey", "credential", "authtoken",  "accesstoken", "bearer", "cookie",
};

/* Does the part stand at the beginning of the text, signs between words aside? */
static bool begins(const char *text, const char *part)
{
    for (; *text != '\0' && *part != '\0'; text++) {
        if (*text == '_' || *text == '-' || *text == ' ')
            continue;
        if (tolower((unsigned char)*text) != *part)
            return false;
        part++;
    }
    return *part == '\0';
}

static bool has_part(const char *name)
{
    for (; *name != '\0'; name++) {
        char first = (char)tolower((unsigned char)*name);

        if (strchr("abcps", first) == NULL) /* the first letters of the parts */
            continue;
        for (size_t i = 0; i < ARRAY_LEN(parts); i++)
            if (parts[i][0] == first && begins(name, parts[i]))
                return true;
    }
    return false;
}

bool secret_name(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcasecmp(names[i], name) == 0)
            return true;
    return has_part(name);
}
