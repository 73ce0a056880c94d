/* Secrets are overwritten before their memory goes back. */
#ifndef BRIDGE_SERVICENOW_WIPE_H
#define BRIDGE_SERVICENOW_WIPE_H

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

/* Takes the text: overwrites and frees it. NULL is fine. */
static inline void wipe_free(char *text)
{
    if (text != NULL)
        OPENSSL_cleanse(text, strlen(text));
    free(text);
}

#endif
