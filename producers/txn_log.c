/* Reads the lines of librdkafka's search for a coordinator. A line that a later version words
 * otherwise is simply not recognised: the bridge then waits, and its log says what to do. */
#include "producers/txn_log.h"

#include <string.h>

#include "bridge/base/attr.h"

#define FAILED "Failed to find transaction coordinator: "

/* Names of errors that no waiting heals. Some services answer with a general one and say in words
 * what they do not support. */
static const char *const permanent[] = {
    "INVALID_REQUEST",
    "UNSUPPORTED_VERSION",
    "UNSUPPORTED_FOR_MESSAGE_FORMAT",
    "_UNSUPPORTED_FEATURE",
};

static bool is_permanent(const char *reason)
{
    size_t n = strcspn(reason, ": ");

    for (size_t i = 0; i < ARRAY_LEN(permanent); i++)
        if (strlen(permanent[i]) == n && strncmp(reason, permanent[i], n) == 0)
            return true;
    return strcasestr(reason, "not supported") != NULL;
}

bool txn_log_refuses(const char *text, struct err *ret_why)
{
    const char *at = strstr(text, FAILED);

    if (at == NULL || !is_permanent(at + strlen(FAILED)))
        return false;
    (void)err_set(ret_why, ERR_CONFIG, "no-transactions",
                  "it refuses to name a coordinator for transactions: %.200s", at + strlen(FAILED));
    return true;
}
