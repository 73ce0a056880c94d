/* Secrets of `setup`. The file of secrets has the form that systemd (EnvironmentFile) and a shell
 * read: NAME=value, one a line, of characters that need no quotes; it may hold other people's
 * lines, which stay. Values exist in memory that is wiped and in that file, nowhere else. */
#include "bridge/commands/setup_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bridge/base/buf.h"
#include "bridge/base/panic.h"
#include "bridge/base/text.h"
#include "bridge/base/xalloc.h"
#include "bridge/config/config_secret.h"
#include "bridge/servicenow/wipe.h"

#define FILE_MAX ((size_t)1024 * 1024)
#define HEAD     "# Secrets of itsm-bridge. Lines of itsm-bridge setup are renewed by it.\n"

void setup_secret_make(struct setup_secret *s)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned char bytes[48];

    /* the kernel never gives less, up to 256 */
    invariant(getrandom(bytes, sizeof bytes, 0) == (ssize_t)sizeof bytes);
    wipe_free(s->value);
    s->value = xmalloc(sizeof bytes + 1);
    for (size_t i = 0; i < sizeof bytes; i++)
        s->value[i] = letters[bytes[i] & 63];
    s->value[sizeof bytes] = '\0';
    s->made = true;
    OPENSSL_cleanse(bytes, sizeof bytes);
}

/* The whole file, "" when there is none; NULL on failure. Wiped by the caller. */
static char *file_text(const char *path, struct err *e)
{
    size_t length;
    char *text;

    err_clear(e);
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return xstrdup("");
    text = config_read_file_text(path, FILE_MAX, &length, e);
    if (text == NULL)
        (void)err_prefix(e, "The file of secrets %s", path);
    return text;
}

/* The line of NAME in the text: where it begins and its length with the line end; 0 when none. */
static size_t find_line(const char *text, const char *name, const char **ret_line)
{
    size_t n = strlen(name);

    for (const char *line = text; *line != '\0';) {
        size_t length = strcspn(line, "\n");

        length += line[length] == '\n';
        if (strncmp(line, name, n) == 0 && line[n] == '=') {
            *ret_line = line;
            return length;
        }
        line += length;
    }
    return 0;
}

char *setup_line_find(const char *secret_file, const char *name, struct err *e)
{
    char *text = file_text(secret_file, e), *value = NULL;
    const char *line;
    size_t length = text == NULL ? 0 : find_line(text, name, &line);

    if (length > 0) {
        line += strlen(name) + 1;
        value = xstrndup(line, strcspn(line, "\r\n"));
    }
    wipe_free(text);
    return value;
}

int setup_secret_find(struct setup_secret *s, const char *spec, const char *fallback,
                      const char *secret_file, struct err *e)
{
    *s = (struct setup_secret){.spec = xstrdup(spec != NULL && *spec != '\0' ? spec : fallback)};
    err_clear(e);
    if (text_starts(s->spec, "file:") && access(s->spec + 5, F_OK) != 0 && errno == ENOENT)
        return 0;
    if (!text_starts(s->spec, "env:") || getenv(s->spec + 4) != NULL) {
        s->value = config_secret_resolve(s->spec, e);
        return s->value == NULL ? -1 : 0;
    }
    s->value = setup_line_find(secret_file, s->spec + 4, e);
    return s->value == NULL && e->class != ERR_NONE ? -1 : 0;
}

void setup_secret_done(struct setup_secret *s)
{
    wipe_free(s->spec);
    wipe_free(s->value);
    *s = (struct setup_secret){0};
}

static int write_out(int fd, const char *text)
{
    size_t length = strlen(text);

    while (length > 0) {
        ssize_t n = write(fd, text, length);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        text += n;
        length -= (size_t)n;
    }
    return fsync(fd);
}

int setup_file_write(const char *path, const char *text, struct err *e)
{
    char *beside = xasprintf("%s.XXXXXX", path);
    int fd = mkostemp(beside, O_CLOEXEC), rc = -1; /* mode 0600 */
    struct stat old;

    if (fd < 0) {
        rc = err_set(e, ERR_CONFIG, "secret-file",
                     "%s cannot be written: %s. Make its folder, or name another file with "
                     "--secret-file",
                     path, strerror(errno));
        goto out;
    }
    if (stat(path, &old) == 0 && fchown(fd, old.st_uid, old.st_gid) != 0)
        rc = err_set(e, ERR_CONFIG, "secret-file", "%s cannot be given to its owner: %s", path,
                     strerror(errno));
    else if (write_out(fd, text) != 0 || rename(beside, path) != 0)
        rc = err_set(e, ERR_CONFIG, "secret-file", "%s cannot be written: %s", path,
                     strerror(errno));
    else
        rc = 0;
    (void)close(fd);
    if (rc != 0)
        (void)unlink(beside);
out:
    free(beside);
    return rc;
}

/* Text without NAME's line, and with `line` (NULL: none) in its place. */
static int replace_line(const char *secret_file, const char *name, const char *value, struct err *e)
{
    char *text = file_text(secret_file, e);
    const char *line = text;
    size_t length = 0, before;
    struct buf out;
    int rc = -1;

    buf_init(&out, 2 * FILE_MAX);
    if (text == NULL)
        goto out;
    length = find_line(text, name, &line);
    before = length > 0 ? (size_t)(line - text) : strlen(text);
    (void)buf_add_text(&out, *text == '\0' ? HEAD : "");
    (void)buf_add(&out, text, before);
    if (out.length > 0 && out.data[out.length - 1] != '\n')
        (void)buf_add_char(&out, '\n');
    if (value != NULL)
        (void)buf_addf(&out, "%s=%s\n", name, value);
    (void)buf_add_text(&out, text + before + length);
    if (out.failed)
        rc = err_set(e, ERR_CONFIG, "secret-file", "%s is too long", secret_file);
    else if (value == NULL && strcmp(buf_text(&out), HEAD) == 0)
        rc = unlink(secret_file);
    else
        rc = setup_file_write(secret_file, buf_text(&out), e);
out:
    buf_wipe(&out);
    wipe_free(text);
    return rc;
}

int setup_line_keep(const char *secret_file, const char *name, const char *value, struct err *e)
{
    return replace_line(secret_file, name, value, e);
}

int setup_line_drop(const char *secret_file, const char *name, struct err *e)
{
    char *value = setup_line_find(secret_file, name, e);

    if (value == NULL)
        return e->class == ERR_NONE ? 0 : -1;
    wipe_free(value);
    return replace_line(secret_file, name, NULL, e);
}

int setup_secret_keep(const struct setup_secret *s, const char *secret_file, char **ret_file,
                      struct err *e)
{
    bool own = text_starts(s->spec, "file:");
    char *text;
    int rc;

    if (!own && !text_starts(s->spec, "env:"))
        return err_set(e, ERR_CONFIG, "secret-spec",
                       "The configuration holds a secret itself, so a new one has no place to go: "
                       "write file:PATH or env:NAME there first");
    if (ret_file != NULL)
        *ret_file = xstrdup(own ? s->spec + 5 : secret_file);
    if (!own)
        return setup_line_keep(secret_file, s->spec + 4, s->value, e);
    text = xasprintf("%s\n", s->value);
    rc = setup_file_write(s->spec + 5, text, e);
    wipe_free(text);
    return rc;
}
