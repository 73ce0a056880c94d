/* Secrets that follow their files. The configuration itself stays what it is until a reload. */
#include "bridge/servicenow/oauth_secrets.h"

#include <string.h>

#include "bridge/base/attr.h"
#include "bridge/servicenow/wipe.h"

static struct config_secret *secret(struct config_auth *a, size_t i)
{
    struct config_secret *const all[OAUTH_SECRETS] = {
        &a->client_secret, &a->password, &a->refresh_token, &a->api_key, &a->jwt.key_password};

    return all[i];
}

static const char *file(const struct oauth_secrets *s, size_t i)
{
    struct config_auth a = s->auth;

    if (i == OAUTH_SECRETS)
        return a.grant == GRANT_JWT_BEARER ? a.jwt.key : NULL;
    return secret(&a, i)->spec == NULL ? NULL : config_secret_file(secret(&a, i));
}

static bool stamp_all(struct oauth_secrets *s)
{
    bool changed = false;

    for (size_t i = 0; i < ARRAY_LEN(s->stamps); i++) {
        const char *path = file(s, i);
        struct stamp now = path == NULL ? (struct stamp){0} : stamp_of(path);

        changed |= !stamp_same(&now, &s->stamps[i]);
        s->stamps[i] = now;
    }
    return changed;
}

void oauth_secrets_done(struct oauth_secrets *s)
{
    for (size_t i = 0; i < OAUTH_SECRETS; i++)
        wipe_free(s->fresh[i]);
    *s = (struct oauth_secrets){0};
}

void oauth_secrets_take(struct oauth_secrets *s, const struct config_auth *a)
{
    oauth_secrets_done(s);
    s->auth = *a;
    (void)stamp_all(s);
    /* The file may have changed since the configuration was read. */
    (void)oauth_secrets_renew(s);
}

bool oauth_secrets_watched(const struct oauth_secrets *s)
{
    for (size_t i = 0; i < ARRAY_LEN(s->stamps); i++)
        if (file(s, i) != NULL)
            return true;
    return false;
}

static bool renew_one(struct oauth_secrets *s, size_t i)
{
    struct config_secret *used = secret(&s->auth, i);
    char *value = file(s, i) == NULL ? NULL : config_secret_again(used);

    if (value == NULL || strcmp(value, used->value) == 0) {
        wipe_free(value);
        return false;
    }
    wipe_free(s->fresh[i]);
    s->fresh[i] = used->value = value;
    return true;
}

bool oauth_secrets_renew(struct oauth_secrets *s)
{
    struct stamp key = s->stamps[OAUTH_SECRETS];
    bool changed = false;

    (void)stamp_all(s);
    for (size_t i = 0; i < OAUTH_SECRETS; i++)
        changed |= renew_one(s, i);
    return changed || !stamp_same(&key, &s->stamps[OAUTH_SECRETS]);
}

bool oauth_secrets_watch(struct oauth_secrets *s)
{
    struct stamp key = s->stamps[OAUTH_SECRETS];

    if (!stamp_all(s))
        return false;
    return oauth_secrets_renew(s) || !stamp_same(&key, &s->stamps[OAUTH_SECRETS]);
}
