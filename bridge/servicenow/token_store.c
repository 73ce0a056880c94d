/* Token store on disk. Whatever is odd about the file is an error for a person to look at, never
 * repaired and never overwritten at start: a foreign token would sign in to the wrong instance. */
#include "bridge/servicenow/token_store.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bridge/base/buf.h"
#include "bridge/base/xalloc.h"
#include "bridge/servicenow/wipe.h"

#define STORE_VERSION 1
#define STORE_MAX     ((size_t)64 * 1024)

void token_record_done(struct token_record *r)
{
    wipe_free(r->access_token);
    wipe_free(r->refresh_token);
    free(r->refresh_source);
    wipe_free(r->refused_salt);
    wipe_free(r->refused_digest);
    *r = (struct token_record){0};
}

bool token_record_empty(const struct token_record *r)
{
    return r->access_token == NULL && r->refresh_token == NULL && r->refused_digest == NULL;
}

void token_json_wipe(json_t *object)
{
    const char *key;
    json_t *value;

    if (object == NULL)
        return;
    json_object_foreach (object, key, value) {
        /* The object is ours alone and dies here, so its constant strings may be overwritten. */
        if (json_is_string(value))
            OPENSSL_cleanse((void *)(uintptr_t)json_string_value(value), json_string_length(value));
    }
    json_decref(object);
}

static int check_file(const char *path, int fd, struct err *e)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return err_set(e, ERR_CONFIG, "token-store", "The token store '%s' cannot be looked at: %s",
                       path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_CONFIG, "token-store",
                       "The token store '%s' is not a plain file; give connection.auth.token_store "
                       "a path of its own",
                       path);
    if (st.st_uid != geteuid())
        return err_set(e, ERR_CONFIG, "token-store",
                       "The token store '%s' belongs to user id %ld, and the bridge runs as %ld; "
                       "it is not read. Change its owner, or delete it and sign in again",
                       path, (long)st.st_uid, (long)geteuid());
    if ((st.st_mode & 07777) != 0600)
        return err_set(e, ERR_CONFIG, "token-store",
                       "The token store '%s' has mode %04o, so others may have read or changed it; "
                       "it is not used. Set mode 0600 if it is in order, or delete it",
                       path, (unsigned)(st.st_mode & 07777));
    if (st.st_size > (off_t)STORE_MAX)
        return err_set(e, ERR_CONFIG, "token-store",
                       "The token store '%s' is larger than %zu bytes, so it is none; delete it",
                       path, STORE_MAX);
    return 0;
}

static int read_all(const char *path, int fd, struct buf *out, struct err *e)
{
    char chunk[4096];
    ssize_t n;

    while ((n = read(fd, chunk, sizeof chunk)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || buf_add(out, chunk, (size_t)n) != 0) {
            (void)err_set(e, ERR_CONFIG, "token-store", "The token store '%s' cannot be read: %s",
                          path, n < 0 ? strerror(errno) : "it is too large");
            break;
        }
    }
    OPENSSL_cleanse(chunk, sizeof chunk);
    return n == 0 ? 0 : -1;
}

static bool same(const json_t *root, const char *member, const char *want)
{
    const char *text = json_string_value(json_object_get(root, member));

    return text != NULL && strcmp(text, want) == 0;
}

static int check_binding(const char *path, const json_t *root, const struct token_binding *b,
                         struct err *e)
{
    const char *what = NULL;
    json_int_t version = json_integer_value(json_object_get(root, "version"));

    if (version != STORE_VERSION)
        return err_set(e, ERR_CONFIG, "token-store",
                       "The token store '%s' has version %lld, this bridge knows version %d; use "
                       "the bridge that wrote it, or delete the file and sign in again",
                       path, (long long)version, STORE_VERSION);
    if (!same(root, "host", b->host))
        what = "server (connection.server_url)";
    else if (!same(root, "client_id", b->client_id))
        what = "client (connection.auth.client_id)";
    else if (!same(root, "username", b->username))
        what = "user (connection.auth.username)";
    if (what != NULL)
        return err_set(e, ERR_CONFIG, "token-store",
                       "The token store '%s' was made for another %s; its tokens are not sent "
                       "anywhere. Give each connection a token store of its own, or delete the "
                       "file and sign in again",
                       path, what);
    return 0;
}

static char *member_text(const json_t *root, const char *member)
{
    return xstrdup(json_string_value(json_object_get(root, member)));
}

static void take_record(const json_t *root, struct token_record *r)
{
    r->access_token = member_text(root, "access_token");
    r->refresh_token = member_text(root, "refresh_token");
    r->expires_at = json_integer_value(json_object_get(root, "expires_at"));
    r->refresh_expires_at = json_integer_value(json_object_get(root, "refresh_expires_at"));
    r->refresh_source = member_text(root, "refresh_source");
    r->refresh_warned = (int)json_integer_value(json_object_get(root, "refresh_warned"));
    r->refused_salt = member_text(root, "refused_salt");
    r->refused_digest = member_text(root, "refused_digest");
    r->refused_at = json_integer_value(json_object_get(root, "refused_at"));
}

static int parse(const char *path, const struct buf *text, const struct token_binding *b,
                 struct token_record *r, struct err *e)
{
    json_t *root = json_loadb(buf_text(text), text->length, 0, NULL);
    int rc = -1;

    if (!json_is_object(root))
        (void)err_set(e, ERR_CONFIG, "token-store",
                      "The token store '%s' is damaged (no JSON object); delete it and sign in "
                      "again",
                      path);
    else if (check_binding(path, root, b, e) == 0) {
        take_record(root, r);
        rc = 0;
    }
    token_json_wipe(root);
    return rc;
}

int token_store_load(const char *path, const struct token_binding *b, struct token_record *ret_r,
                     struct err *e)
{
    struct token_record r = {0};
    struct buf text;
    int fd, rc = -1;

    buf_init(&text, STORE_MAX);
    fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno != ENOENT) {
        (void)err_set(e, ERR_CONFIG, "token-store", "The token store '%s' cannot be opened: %s",
                      path, errno == ELOOP ? "it is a symbolic link" : strerror(errno));
        return -1;
    }
    if (fd >= 0 && (check_file(path, fd, e) != 0 || read_all(path, fd, &text, e) != 0))
        goto out;
    if (text.length > 0 && parse(path, &text, b, &r, e) != 0)
        goto out;
    *ret_r = r;
    rc = 0;
out:
    if (fd >= 0)
        (void)close(fd);
    buf_wipe(&text);
    return rc;
}

static void member_set(json_t *root, const char *member, const char *text)
{
    if (text != NULL)
        (void)json_object_set_new(root, member, json_string(text));
}

/* New text, wiped by the caller; NULL when a name is not UTF-8 or memory is short. */
static char *print(const struct token_binding *b, const struct token_record *r, size_t *ret_length)
{
    json_t *root = json_pack("{si ss ss ss sI sI sI si}", "version", STORE_VERSION, "host", b->host,
                             "client_id", b->client_id, "username", b->username, "expires_at",
                             (json_int_t)r->expires_at, "refresh_expires_at",
                             (json_int_t)r->refresh_expires_at, "refused_at",
                             (json_int_t)r->refused_at, "refresh_warned", r->refresh_warned);
    size_t length;
    char *text = NULL;

    if (root == NULL)
        return NULL;
    member_set(root, "access_token", r->access_token);
    member_set(root, "refresh_token", r->refresh_token);
    member_set(root, "refresh_source", r->refresh_source);
    member_set(root, "refused_salt", r->refused_salt);
    member_set(root, "refused_digest", r->refused_digest);
    length = json_dumpb(root, NULL, 0, JSON_INDENT(1));
    if (length > 0 && length < STORE_MAX) {
        text = xcalloc(1, length + 1);
        *ret_length = json_dumpb(root, text, length, JSON_INDENT(1));
    }
    token_json_wipe(root);
    return text;
}

static int write_all(int fd, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t n = write(fd, text, length);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        text += n;
        length -= (size_t)n;
    }
    return fsync(fd);
}

/* The rename itself must survive a power cut too. */
static int sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

    if (fd < 0)
        return -1;
    rc = fsync(fd);
    (void)close(fd);
    return rc;
}

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return xstrdup(".");
    return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

static int replace(const char *path, const char *text, size_t length)
{
    char *folder = folder_of(path), *beside = xasprintf("%s/.token.XXXXXX", folder);
    int fd = mkostemp(beside, O_CLOEXEC), rc = -1, saved;

    if (fd < 0)
        goto out;
    if (fchmod(fd, 0600) == 0 && write_all(fd, text, length) == 0 && rename(beside, path) == 0)
        rc = sync_folder(folder);
    saved = errno;
    (void)close(fd);
    if (rc != 0)
        (void)unlink(beside);
    errno = saved;
out:
    free(folder);
    free(beside);
    return rc;
}

int token_store_save(const char *path, const struct token_binding *b, const struct token_record *r,
                     struct err *e)
{
    size_t length = 0;
    char *text = print(b, r, &length);
    int rc;

    if (text == NULL)
        return err_set(e, ERR_CONFIG, "token-store",
                       "The tokens cannot be written as JSON for the token store '%s' (user or "
                       "client id is not UTF-8?)",
                       path);
    rc = replace(path, text, length);
    if (rc != 0)
        (void)err_set(e, ERR_CONFIG, "token-store",
                      "The token store '%s' cannot be written: %s. Tokens stay in memory only; "
                      "give the bridge the right to write into that folder",
                      path, strerror(errno));
    OPENSSL_cleanse(text, length);
    free(text);
    return rc;
}

/* The file may be deleted while another process waits for it: then the lock is of no use. */
static bool still_there(const char *path, int fd)
{
    struct stat ours, there;

    return fstat(fd, &ours) == 0 && stat(path, &there) == 0 && ours.st_ino == there.st_ino &&
           ours.st_dev == there.st_dev;
}

int token_lock_try(const char *path, struct err *e)
{
    char *beside = xasprintf("%s.lock", path);
    int fd = open(beside, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600), rc = -1;

    if (fd < 0) {
        (void)err_set(e, ERR_CONFIG, "token-lock", "The lock file '%s' cannot be opened: %s",
                      beside, strerror(errno));
        rc = -2;
    } else if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno != EWOULDBLOCK) {
        (void)err_set(e, ERR_CONFIG, "token-lock", "The lock file '%s' cannot be locked: %s",
                      beside, strerror(errno));
        rc = -2;
    } else if (!still_there(beside, fd) || flock(fd, LOCK_EX | LOCK_NB) != 0) {
        (void)err_set(e, ERR_RETRY, "token-lock",
                      "Another process of this machine signs in with the token store '%s' just now",
                      path);
    } else {
        rc = fd;
    }
    if (rc < 0 && fd >= 0)
        (void)close(fd);
    free(beside);
    return rc;
}

void token_unlock(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

int token_store_remove(const char *path, struct err *e)
{
    if (unlink(path) != 0 && errno != ENOENT)
        return err_set(e, ERR_CONFIG, "token-store", "The token store '%s' cannot be deleted: %s",
                       path, strerror(errno));
    return 0;
}
