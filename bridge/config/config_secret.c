/* Reading secrets from files and the environment. Every copy that is made here is wiped, and no
 * error text holds any of it. */
#include "bridge/config/config_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"

#define FILE_PREFIX "file:"
#define ENV_PREFIX  "env:"

char *config_join(const char *folder, const char *path)
{
    if (!*path || path[0] == '/' || !*folder)
        return xstrdup(path);
    return xasprintf("%s%s%s", folder, text_ends(folder, "/") ? "" : "/", path);
}

void config_secret_wipe(char *value)
{
    if (value)
        OPENSSL_cleanse(value, strlen(value));
    free(value);
}

/* Up to max + 1 bytes; -1 with errno. */
static ssize_t read_all(int fd, char *into, size_t max)
{
    size_t have = 0;

    while (have <= max) {
        ssize_t n = read(fd, into + have, max + 1 - have);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        have += (size_t)n;
    }
    return (ssize_t)have;
}

char *config_read_file_text(const char *path, size_t max, size_t *ret_length, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    char *text = NULL;
    struct stat st;
    ssize_t n;

    if (fd < 0) {
        (void)err_set(e, ERR_CONFIG, "file", "cannot be opened: %s", strerror(errno));
        return NULL;
    }
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        (void)err_set(e, ERR_CONFIG, "file", "is not a regular file");
        goto out;
    }
    text = malloc(max + 2);
    if (!text) {
        (void)err_set(e, ERR_CONFIG, "file", "cannot be read: out of memory");
        goto out;
    }
    n = read_all(fd, text, max);
    if (n < 0 || (size_t)n > max) {
        if (n < 0)
            (void)err_set(e, ERR_CONFIG, "file", "cannot be read: %s", strerror(errno));
        else
            (void)err_set(e, ERR_CONFIG, "file", "is longer than %zu KiB", max / 1024);
        OPENSSL_cleanse(text, max + 2);
        free(text);
        text = NULL;
        goto out;
    }
    text[n] = '\0';
    *ret_length = (size_t)n;
out:
    (void)close(fd);
    return text;
}

static char *secret_from_file(const char *path, struct err *e)
{
    size_t length;
    char *text = config_read_file_text(path, CONFIG_SECRET_MAX, &length, e), *value = NULL;

    if (!text) {
        (void)err_prefix(e, "the secret file %s", path);
        return NULL;
    }
    if (memchr(text, '\0', length)) {
        (void)err_set(e, ERR_CONFIG, "file", "the secret file %s holds a NUL byte", path);
        goto out;
    }
    if (length > 0 && text[length - 1] == '\n') {
        length--;
        if (length > 0 && text[length - 1] == '\r')
            length--;
    }
    if (length == 0) {
        (void)err_set(e, ERR_CONFIG, "file", "the secret file %s is empty", path);
        goto out;
    }
    value = xstrndup(text, length);
out:
    OPENSSL_cleanse(text, CONFIG_SECRET_MAX + 2);
    free(text);
    return value;
}

static char *secret_from_environment(const char *name, struct err *e)
{
    const char *value = getenv(name);

    if (!*name) {
        (void)err_set(e, ERR_CONFIG, "env", "no name follows env:");
        return NULL;
    }
    if (!value || !*value) {
        (void)err_set(e, ERR_CONFIG, "env", "the environment variable %s is %s", name,
                      value ? "empty" : "not set");
        return NULL;
    }
    return xstrdup(value);
}

bool config_secret_is_reference(const char *spec)
{
    return text_starts(spec, FILE_PREFIX) || text_starts(spec, ENV_PREFIX);
}

char *config_secret_resolve(const char *spec, struct err *e)
{
    if (text_starts(spec, FILE_PREFIX) && !spec[strlen(FILE_PREFIX)]) {
        (void)err_set(e, ERR_CONFIG, "file", "no path follows file:");
        return NULL;
    }
    if (text_starts(spec, FILE_PREFIX))
        return secret_from_file(spec + strlen(FILE_PREFIX), e);
    if (text_starts(spec, ENV_PREFIX))
        return secret_from_environment(spec + strlen(ENV_PREFIX), e);
    if (strcmp(spec, CONFIG_HIDDEN) == 0) {
        (void)err_set(e, ERR_CONFIG, "hidden",
                      "%s is what `config print` shows in place of a secret, not the secret",
                      CONFIG_HIDDEN);
        return NULL;
    }
    return xstrdup(spec);
}

bool config_property_is_secret(const char *name)
{
    static const char *const parts[] = {"password", "secret",    "key.pem",
                                        "token",    "sasl.jaas", "oauthbearer.config"};

    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (strcasestr(name, parts[i]))
            return true;
    return false;
}
