/* Members that must never be copied into records, outcomes or logs, whatever a mapping says. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "bridge/base/attr.h"
#include "consumers/mapping/mapping_program.h"

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

static bool has_part(const char *name, const char *part)
{
    for (; *name != '\0'; name++) {
        const char *a = name, *b = part;

        while (*a != '\0' && *b != '\0') {
            if (*a == '_' || *a == '-' || *a == ' ') {
                a++;
                continue;
            }
            if (tolower((unsigned char)*a) != *b)
                break;
            a++;
            b++;
        }
        if (*b == '\0')
            return true;
    }
    return false;
}

bool map_is_secret(const struct mapping *p, const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcasecmp(names[i], name) == 0)
            return true;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (has_part(name, parts[i]))
            return true;
    return map_texts_have(&p->never, name);
}
